// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmd.h"
#include "names.h"

void command_create_pool(Call *call)
{
	const struct control_request *request = &call->request;
	int engine = request->engine ? vmirror_engine_value(request->engine) : VMIRROR_ENGINE_RAM;
	GError *error = NULL;
	json_object *data;
	Pool *pool;

	/* Opening the device may make the pools of hmmd.conf: first that. */
	if (!kernel_open(&error)) {
		call_gerror(call, error);
		return;
	}
	pool = pool_create(request->name, engine, request->bytes, &error);
	if (!pool) {
		call_gerror(call, error);
		return;
	}
	data = json_object_new_object();
	json_object_object_add(data, "pool", pool_json(pool));
	call_return(call, data);
}

void command_destroy_pool(Call *call)
{
	GError *error = NULL;
	Pool *pool = pool_pick(call->request.name, &error);

	if (pool)
		pool_destroy(pool, call);
	else
		call_gerror(call, error);
}
