// SPDX-License-Identifier: LGPL-2.1-or-later
#include <time.h>

#include "hmmd.h"
#include "names.h"

struct message {
	const Vm *vm;
	char *line;
	size_t length;
};

static void send_one(Client *client, void *data)
{
	const struct message *message = data;

	if (client_wants(client, message->vm))
		client_send_event(client, message->line, message->length);
}

static void emit_at(const char *name, const Vm *vm, json_object *data, int64_t realtime_us)
{
	json_object *event;
	struct message message = { .vm = vm };

	if (!data)
		data = json_object_new_object();
	if (vm)
		json_object_object_add(data, "vm", json_object_new_string(vm->name));
	event = control_event(name, data, realtime_us);
	message.line = control_encode(event, &message.length);
	client_each_subscriber(send_one, &message);
	g_free(message.line);
	json_object_put(event);
}

void events_emit(const char *name, const Vm *vm, json_object *data)
{
	emit_at(name, vm, data, g_get_real_time());
}

static json_object *record_json(const struct vmirror_record *record)
{
	json_object *data = json_object_new_object();
	bool moved = record->type == VMIRROR_EVENT_OUT || record->type == VMIRROR_EVENT_BACK;

	if (record->type == VMIRROR_EVENT_SLOTS)
		return data;
	if (record->type == VMIRROR_EVENT_LOST) {
		control_add_u64(data, "records", record->pages);
		return data;
	}
	control_add_u64(data, "gpa", record->gpa);
	control_add_u64(data, "bytes", record->pages * VMIRROR_PAGE_SIZE);
	control_add_string(data, "reason", vmirror_reason_name(record->reason));
	if (moved) {
		control_add_string(data, "pool", pool_name(record->pool_id));
		control_add_u64(data, "offset", record->pool_offset);
		control_add_bool(data, "huge", record->order != 0);
	}
	return data;
}

void events_record(const Vm *vm, const struct vmirror_record *record)
{
	int64_t age_us;

	/* Nobody listens most of the time.  The exit is told by vm_gone(). */
	if (!client_have_subscribers() || record->type == VMIRROR_EVENT_EXIT)
		return;
	age_us = g_get_monotonic_time() - (int64_t)(record->time_ns / 1000);
	emit_at(vmirror_event_name(record->type), vm, record_json(record),
		g_get_real_time() - MAX(age_us, 0));
}
