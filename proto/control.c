// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "names.h"
#include "vmirror.h"

#define GPA_END_TEXT "2^" G_STRINGIFY(VMIRROR_GPA_BITS)

enum arg_type {
	ARG_VM,
	ARG_POOL,
	ARG_ENGINE,
	ARG_GPA,
	ARG_BYTES,
	ARG_RANGES,
	ARG_TRUE,
	ARG_SECONDS,
	ARG_FIRST
};

static const struct {
	const char *name;
	enum arg_type type;
	size_t offset;
} args[] = {
#define ARG_ENTRY(NAME, name, type, field) \
	{ name, ARG_##type, offsetof(struct control_request, field) },
	CONTROL_ARG_LIST(ARG_ENTRY)
};

enum who { WHO_ANYONE, WHO_OPERATOR };

static const struct {
	const char *name;
	enum who who;
	unsigned int required;
	unsigned int optional;
	unsigned int one_of;
} commands[] = {
#define COMMAND_ENTRY(NAME, name, who, required, optional, one_of) \
	{ name, WHO_##who, required, optional, one_of },
	CONTROL_COMMAND_LIST(COMMAND_ENTRY)
};

static const char *const classes[] = {
#define CLASS_ENTRY(NAME, name) name,
	CONTROL_CLASS_LIST(CLASS_ENTRY)
};

const char *control_command_name(enum control_command command)
{
	return (unsigned int)command < CONTROL_NR_COMMANDS ? commands[command].name : "unknown";
}

bool control_command_needs_operator(enum control_command command)
{
	return (unsigned int)command >= CONTROL_NR_COMMANDS ||
	       commands[command].who == WHO_OPERATOR;
}

const char *control_class_name(enum control_class class_)
{
	return (unsigned int)class_ < CONTROL_NR_CLASSES ? classes[class_] : "Internal";
}

bool control_valid_name(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < VMIRROR_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       length;
}

G_GNUC_PRINTF(3, 4)
static bool fail(struct control_error *error, enum control_class class_, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	error->class_ = class_;
	error->desc = g_strdup_vprintf(format, ap);
	va_end(ap);
	return false;
}

static bool bad_argument(struct control_error *error, const char *name, const char *expected)
{
	return fail(error, CONTROL_CLASS_INVALID_ARGUMENT, "argument '%s' must be %s", name,
		    expected);
}

/* ---- values ------------------------------------------------------------- */

/* A string without NUL inside, of 1 to max bytes. */
static const char *get_string(json_object *value, size_t max)
{
	const char *text;
	size_t length;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	length = (size_t)json_object_get_string_len(value);
	return length >= 1 && length <= max && strlen(text) == length ? text : NULL;
}

/* A number from 0 to the end of the guest address space; json-c clamps what does not fit. */
static bool get_number(json_object *value, uint64_t *to)
{
	int64_t number;

	if (!json_object_is_type(value, json_type_int))
		return false;
	number = json_object_get_int64(value);
	if (number < 0 || number > INT64_C(1) << VMIRROR_GPA_BITS)
		return false;
	*to = (uint64_t)number;
	return true;
}

static bool get_range(json_object *value, struct control_range *range)
{
	const uint64_t end = UINT64_C(1) << VMIRROR_GPA_BITS;
	json_object *gpa, *bytes;

	return json_object_is_type(value, json_type_object) &&
	       json_object_object_length(value) == 2 &&
	       json_object_object_get_ex(value, "gpa", &gpa) && get_number(gpa, &range->gpa) &&
	       json_object_object_get_ex(value, "bytes", &bytes) &&
	       get_number(bytes, &range->bytes) && range->bytes > 0 &&
	       (range->gpa | range->bytes) % VMIRROR_PAGE_SIZE == 0 &&
	       range->bytes <= end - range->gpa;
}

static bool set_ranges(struct control_request *request, json_object *value, const char *name,
		       struct control_error *error)
{
	g_autofree struct control_range *ranges = NULL;
	size_t nr;

	if (!json_object_is_type(value, json_type_array))
		return bad_argument(error, name, "an array of ranges");
	nr = json_object_array_length(value);
	if (nr < 1 || nr > CONTROL_RANGES_MAX)
		return fail(error, CONTROL_CLASS_INVALID_ARGUMENT,
			    "argument '%s' must have 1 to %u ranges, not %zu", name,
			    CONTROL_RANGES_MAX, nr);
	ranges = g_new0(struct control_range, nr);
	for (size_t i = 0; i < nr; i++)
		if (!get_range(json_object_array_get_idx(value, i), &ranges[i]))
			return fail(
				error, CONTROL_CLASS_INVALID_ARGUMENT,
				"range %zu must be {\"gpa\", \"bytes\"} of whole 4 KiB pages, not empty, below 2^%d",
				i, VMIRROR_GPA_BITS);
	request->ranges = g_steal_pointer(&ranges);
	request->nr_ranges = nr;
	return true;
}

static bool set_string(char **field, const char *text)
{
	if (!text)
		return false;
	*field = g_strdup(text);
	return true;
}

static bool set_argument(struct control_request *request, unsigned int arg, json_object *value,
			 struct control_error *error)
{
	void *field = (char *)request + args[arg].offset;
	const char *name = args[arg].name;
	const char *text;

	switch (args[arg].type) {
	case ARG_VM:
		return set_string(field, get_string(value, CONTROL_VM_MAX)) ||
		       bad_argument(error, name, "a VM's name, UUID or process id, as a string");
	case ARG_POOL:
		text = get_string(value, VMIRROR_NAME_MAX - 1);
		return (text && control_valid_name(text) && set_string(field, text)) ||
		       bad_argument(error, name,
				    "1 to 63 letters, digits, dots, underscores and dashes");
	case ARG_ENGINE:
		text = get_string(value, 16);
		return (text && vmirror_engine_value(text) && set_string(field, text)) ||
		       bad_argument(error, name, "the name of an engine: ram");
	case ARG_GPA:
		return (get_number(value, field) && *(uint64_t *)field % VMIRROR_PAGE_SIZE == 0) ||
		       bad_argument(error, name, "a multiple of 4096 below " GPA_END_TEXT);
	case ARG_BYTES:
		return (get_number(value, field) && *(uint64_t *)field > 0 &&
			*(uint64_t *)field % VMIRROR_PAGE_SIZE == 0) ||
		       bad_argument(error, name,
				    "a positive multiple of 4096, up to " GPA_END_TEXT);
	case ARG_RANGES:
		return set_ranges(request, value, name, error);
	case ARG_TRUE:
		if (!json_object_is_type(value, json_type_boolean) ||
		    !json_object_get_boolean(value))
			return bad_argument(error, name, "true");
		*(bool *)field = true;
		return true;
	case ARG_SECONDS:
		return (get_number(value, field) && *(uint64_t *)field <= CONTROL_SECONDS_MAX) ||
		       bad_argument(error, name, "seconds, 0 to " G_STRINGIFY(CONTROL_SECONDS_MAX));
	case ARG_FIRST:
		return (get_number(value, field) && *(uint64_t *)field <= CONTROL_FIRST_MAX) ||
		       bad_argument(error, name,
				    "how many to pass over, 0 to " G_STRINGIFY(CONTROL_FIRST_MAX));
	}
	return fail(error, CONTROL_CLASS_INTERNAL, "argument '%s' has no type", name);
}

/* ---- the request -------------------------------------------------------- */

static int find_argument(const char *name)
{
	for (unsigned int i = 0; i < G_N_ELEMENTS(args); i++)
		if (strcmp(args[i].name, name) == 0)
			return (int)i;
	return -1;
}

static bool parse_arguments(struct control_request *request, json_object *arguments,
			    struct control_error *error)
{
	unsigned int allowed = commands[request->command].required |
			       commands[request->command].optional |
			       commands[request->command].one_of;

	if (!json_object_is_type(arguments, json_type_object))
		return fail(error, CONTROL_CLASS_INVALID_REQUEST, "'arguments' must be an object");
	json_object_object_foreach(arguments, name, value) {
		int arg = find_argument(name);

		if (arg < 0 || !(allowed & 1u << arg))
			return fail(error, CONTROL_CLASS_INVALID_ARGUMENT,
				    "'%s' has no argument '%.64s'", commands[request->command].name,
				    name);
		if (!set_argument(request, (unsigned int)arg, value, error))
			return false;
		request->has |= 1u << arg;
	}
	return true;
}

/* "ranges, bytes or all" */
static char *list_arguments(unsigned int which)
{
	GString *list = g_string_new(NULL);

	for (unsigned int i = 0; i < CONTROL_NR_ARGS; i++) {
		if (!(which & 1u << i))
			continue;
		which &= ~(1u << i);
		if (list->len)
			g_string_append(list, which ? ", " : " or ");
		g_string_append_printf(list, "'%s'", args[i].name);
	}
	return g_string_free(list, FALSE);
}

/* What only the arguments together can show. */
static bool check_together(const struct control_request *request, struct control_error *error)
{
	const char *command = commands[request->command].name;
	unsigned int missing = commands[request->command].required & ~request->has;
	unsigned int one_of = commands[request->command].one_of;
	unsigned int given = one_of & request->has;

	if (missing) {
		g_autofree char *list = list_arguments(missing & -missing);

		return fail(error, CONTROL_CLASS_INVALID_ARGUMENT, "'%s' needs argument %s",
			    command, list);
	}
	if (one_of && (!given || given & (given - 1))) {
		g_autofree char *list = list_arguments(one_of);

		return fail(error, CONTROL_CLASS_INVALID_ARGUMENT, "'%s' needs exactly one of %s",
			    command, list);
	}
	if (request->command == CONTROL_CREATE_POOL && request->bytes % VMIRROR_POOL_SIZE_UNIT)
		return fail(error, CONTROL_CLASS_INVALID_ARGUMENT,
			    "a pool's size must be a multiple of 2 MiB");
	if (request->bytes > (UINT64_C(1) << VMIRROR_GPA_BITS) - request->gpa)
		return fail(error, CONTROL_CLASS_INVALID_ARGUMENT,
			    "'gpa' and 'bytes' reach beyond 2^%d", VMIRROR_GPA_BITS);
	return true;
}

static bool parse_command(struct control_request *request, json_object *value,
			  struct control_error *error)
{
	const char *name = value ? get_string(value, 64) : NULL;

	if (!name)
		return fail(error, CONTROL_CLASS_INVALID_REQUEST,
			    "'execute' must be the name of a command");
	for (unsigned int i = 0; i < CONTROL_NR_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0) {
			request->command = (enum control_command)i;
			return true;
		}
	}
	return fail(error, CONTROL_CLASS_COMMAND_NOT_FOUND, "there is no command '%s'", name);
}

static bool parse_object(struct control_request *request, json_object *object,
			 struct control_error *error)
{
	json_object *execute = NULL, *arguments = NULL;

	if (json_object_object_get_ex(object, "id", &request->id)) {
		request->has_id = true;
		json_object_get(request->id);
	}
	json_object_object_foreach(object, name, value) {
		if (strcmp(name, "execute") == 0)
			execute = value;
		else if (strcmp(name, "arguments") == 0)
			arguments = value;
		else if (strcmp(name, "id") != 0)
			return fail(error, CONTROL_CLASS_INVALID_REQUEST,
				    "a request has no member '%.64s'", name);
	}
	return parse_command(request, execute, error) &&
	       (!arguments || parse_arguments(request, arguments, error)) &&
	       check_together(request, error);
}

bool control_parse_request(const char *line, size_t length, struct control_request *request,
			   struct control_error *error)
{
	json_tokener *tokener;
	json_object *object;
	bool ok;

	memset(request, 0, sizeof(*request));
	memset(error, 0, sizeof(*error));
	if (length > CONTROL_LINE_MAX)
		return fail(error, CONTROL_CLASS_INVALID_REQUEST,
			    "a request may have at most %u bytes", CONTROL_LINE_MAX);
	tokener = json_tokener_new_ex(CONTROL_DEPTH_MAX);
	if (!tokener)
		return fail(error, CONTROL_CLASS_NO_MEMORY, "no memory");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, line, (int)length);
	if (json_tokener_get_error(tokener) != json_tokener_success)
		ok = fail(error, CONTROL_CLASS_INVALID_REQUEST, "the request is no JSON: %s",
			  json_tokener_error_desc(json_tokener_get_error(tokener)));
	else if (!json_object_is_type(object, json_type_object))
		ok = fail(error, CONTROL_CLASS_INVALID_REQUEST, "a request is a JSON object");
	else if (json_tokener_get_parse_end(tokener) != length)
		ok = fail(error, CONTROL_CLASS_INVALID_REQUEST,
			  "a request is one JSON object on a line");
	else
		ok = parse_object(request, object, error);
	json_object_put(object);
	json_tokener_free(tokener);
	return ok;
}

void control_request_clear(struct control_request *request)
{
	json_object_put(request->id);
	g_free(request->vm);
	g_free(request->pool);
	g_free(request->name);
	g_free(request->engine);
	g_free(request->ranges);
	memset(request, 0, sizeof(*request));
}

void control_error_clear(struct control_error *error)
{
	g_clear_pointer(&error->desc, g_free);
}
