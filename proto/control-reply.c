// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>
#include <string.h>

#include "control.h"

/* Every name given to json-c here is a literal, so it need not be copied. */
#define ADD_FLAGS (JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY)

static void add(json_object *object, const char *name, json_object *value)
{
	json_object_object_add_ex(object, name, value, ADD_FLAGS);
}

void control_add_u64(json_object *object, const char *name, uint64_t value)
{
	add(object, name, json_object_new_uint64(value));
}

void control_add_string(json_object *object, const char *name, const char *value)
{
	add(object, name, value ? json_object_new_string(value) : NULL);
}

void control_add_bool(json_object *object, const char *name, bool value)
{
	add(object, name, json_object_new_boolean(value));
}

json_object *control_greeting(const char *version)
{
	json_object *greeting = json_object_new_object();
	json_object *hmmd = json_object_new_object();
	json_object *capabilities = json_object_new_array();

	json_object_array_add(capabilities, json_object_new_string("events"));
	json_object_array_add(capabilities, json_object_new_string("progress"));
	control_add_string(hmmd, "version", version);
	control_add_u64(hmmd, "protocol", CONTROL_PROTOCOL);
	add(hmmd, "capabilities", capabilities);
	add(greeting, "hmmd", hmmd);
	return greeting;
}

static json_object *answer(const struct control_request *request, const char *name,
			   json_object *value)
{
	json_object *message = json_object_new_object();

	add(message, name, value);
	if (request && request->has_id)
		add(message, "id", json_object_get(request->id));
	return message;
}

json_object *control_reply_return(const struct control_request *request, json_object *data)
{
	return answer(request, "return", data ? data : json_object_new_object());
}

json_object *control_reply_error(const struct control_request *request, enum control_class class_,
				 const char *desc, json_object *data)
{
	json_object *error = json_object_new_object();

	control_add_string(error, "class", control_class_name(class_));
	control_add_string(error, "desc", desc);
	if (data)
		add(error, "data", data);
	return answer(request, "error", error);
}

json_object *control_event(const char *name, json_object *data, int64_t realtime_us)
{
	json_object *event = json_object_new_object();
	json_object *timestamp = json_object_new_object();

	add(timestamp, "seconds", json_object_new_int64(realtime_us / G_USEC_PER_SEC));
	add(timestamp, "microseconds", json_object_new_int64(realtime_us % G_USEC_PER_SEC));
	control_add_string(event, "event", name);
	add(event, "data", data ? data : json_object_new_object());
	add(event, "timestamp", timestamp);
	return event;
}

char *control_encode(json_object *message, size_t *length)
{
	const char *text = json_object_to_json_string_ext(
		message, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	size_t n = strlen(text);
	char *line = g_malloc(n + 2);

	memcpy(line, text, n);
	memcpy(line + n, "\n", 2);
	*length = n + 1;
	return line;
}
