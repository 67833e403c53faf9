// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmd.h"

static void (*const commands[CONTROL_NR_COMMANDS])(Call *call) = {
	[CONTROL_QUERY_STATUS] = command_query_status,
	[CONTROL_LIST_VMS] = command_list_vms,
	[CONTROL_QUERY_VM] = command_query_vm,
	[CONTROL_LIST_POOLS] = command_list_pools,
	[CONTROL_CREATE_POOL] = command_create_pool,
	[CONTROL_DESTROY_POOL] = command_destroy_pool,
	[CONTROL_ATTACH] = command_attach,
	[CONTROL_DETACH] = command_detach,
	[CONTROL_MIGRATE] = command_migrate,
	[CONTROL_RECALL] = command_recall,
	[CONTROL_MAP] = command_map,
	[CONTROL_QUERY_HINTS] = command_query_hints,
	[CONTROL_DOCTOR] = command_doctor,
	[CONTROL_SUBSCRIBE] = command_subscribe,
};

static void call_free(Call *call)
{
	if (call->job)
		call->job->call = NULL;
	control_request_clear(&call->request);
	g_free(call);
}

static void answer(Call *call, json_object *message)
{
	client_send(call->client, message);
	client_call_done(call->client);
	json_object_put(message);
	call_free(call);
}

Call *call_new(Client *client, const char *line, size_t length, bool operator)
{
	Call *call = g_new0(Call, 1);
	struct control_error error;

	call->client = client;
	if (!control_parse_request(line, length, &call->request, &error)) {
		call_error(call, error.class_, NULL, "%s", error.desc);
		control_error_clear(&error);
		return NULL;
	}
	if (!operator&& control_command_needs_operator(call->request.command)) {
		call_error(call, CONTROL_CLASS_PERMISSION_DENIED, NULL,
			   "'%s' is for root and the group that hmmd.conf names only",
			   control_command_name(call->request.command));
		return NULL;
	}
	return call;
}

void call_do(Call *call)
{
	commands[call->request.command](call);
}

void call_return(Call *call, json_object *data)
{
	answer(call, control_reply_return(&call->request, data));
}

void call_error(Call *call, enum control_class class_, json_object *data, const char *format, ...)
{
	g_autofree char *desc = NULL;
	va_list args;

	va_start(args, format);
	desc = g_strdup_vprintf(format, args);
	va_end(args);
	answer(call, control_reply_error(&call->request, class_, desc, data));
}

void call_gerror(Call *call, GError *error)
{
	call_error(call, (enum control_class)error->code, NULL, "%s", error->message);
	g_error_free(error);
}

void call_progress(Call *call, uint64_t done, uint64_t total, uint64_t moved)
{
	json_object *data = json_object_new_object(), *event;
	size_t length;
	char *line;

	json_object_object_add(data, "id", json_object_get(call->request.id));
	control_add_u64(data, "done-bytes", done);
	control_add_u64(data, "total-bytes", total);
	control_add_u64(data, "moved-bytes", moved);
	event = control_event("progress", data, g_get_real_time());
	line = control_encode(event, &length);
	client_send_event(call->client, line, length);
	g_free(line);
	json_object_put(event);
}

void call_abandon(Call *call)
{
	if (call->job)
		job_stop(call->job, CONTROL_CLASS_BUSY, "the client has gone");
	vm_forget_call(call);
	pool_forget_call(call);
	call_free(call);
}
