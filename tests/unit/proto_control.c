// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "control.h"

static bool parse(const char *line, struct control_request *request, struct control_error *error)
{
	return control_parse_request(line, strlen(line), request, error);
}

/* It is refused with that class, and a description that has that part. */
static void refused(const char *line, enum control_class class_, const char *part)
{
	struct control_request request;
	struct control_error error;
	bool ok = parse(line, &request, &error);

	if (ok || error.class_ != class_ || !strstr(error.desc, part))
		printf("\n%s: %s: %s\n", line, ok ? "taken" : control_class_name(error.class_),
		       ok ? "" : error.desc);
	CU_ASSERT_FALSE_FATAL(ok);
	CHECK_TEXT(control_class_name(error.class_), control_class_name(class_));
	CU_ASSERT(strstr(error.desc, part) != NULL);
	control_error_clear(&error);
	control_request_clear(&request);
}

#define MIGRATE(what) "{\"execute\":\"migrate\",\"arguments\":{\"vm\":\"a\"," what "}}"
#define CREATE(what)  "{\"execute\":\"create-pool\",\"arguments\":{" what "}}"

static void every_command(void)
{
	static const struct {
		const char *line;
		enum control_command command;
	} cases[] = {
		{ "{\"execute\":\"query-status\"}", CONTROL_QUERY_STATUS },
		{ "{\"execute\":\"list-vms\",\"arguments\":{}}", CONTROL_LIST_VMS },
		{ "{\"execute\":\"query-vm\",\"arguments\":{\"vm\":\"a b\"}}", CONTROL_QUERY_VM },
		{ "{\"execute\":\"list-pools\",\"arguments\":null}", CONTROL_LIST_POOLS },
		{ CREATE("\"name\":\"p\",\"bytes\":2097152,\"engine\":\"ram\""),
		  CONTROL_CREATE_POOL },
		{ "{\"execute\":\"destroy-pool\",\"arguments\":{\"name\":\"p\"}}",
		  CONTROL_DESTROY_POOL },
		{ "{\"execute\":\"attach\",\"arguments\":{\"vm\":\"1\"}}", CONTROL_ATTACH },
		{ "{\"execute\":\"detach\",\"arguments\":{\"vm\":\"1\"}}", CONTROL_DETACH },
		{ MIGRATE("\"all\":true,\"pool\":\"p\""), CONTROL_MIGRATE },
		{ "{\"execute\":\"recall\",\"arguments\":{\"vm\":\"1\",\"bytes\":4096}}",
		  CONTROL_RECALL },
		{ "{\"execute\":\"map\",\"arguments\":{\"vm\":\"1\",\"gpa\":0}}", CONTROL_MAP },
		{ "{\"execute\":\"query-hints\",\"arguments\":{\"vm\":\"1\",\"first\":4096}}",
		  CONTROL_QUERY_HINTS },
		{ "{\"execute\":\"doctor\"}", CONTROL_DOCTOR },
		{ "{\"execute\":\"subscribe\",\"arguments\":{\"vm\":\"1\"}}", CONTROL_SUBSCRIBE },
	};

	CU_ASSERT_EQUAL(G_N_ELEMENTS(cases), CONTROL_NR_COMMANDS);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct control_request request;
		struct control_error error;

		CU_ASSERT(parse(cases[i].line, &request, &error));
		CHECK_NUMBER(request.command, cases[i].command);
		CU_ASSERT_FALSE(request.has_id);
		control_request_clear(&request);
		control_error_clear(&error);
	}
}

static void who_may(void)
{
	CU_ASSERT_FALSE(control_command_needs_operator(CONTROL_QUERY_STATUS));
	CU_ASSERT_FALSE(control_command_needs_operator(CONTROL_LIST_VMS));
	CU_ASSERT(control_command_needs_operator(CONTROL_MIGRATE));
	CU_ASSERT(control_command_needs_operator(CONTROL_QUERY_HINTS));
	CU_ASSERT(control_command_needs_operator(CONTROL_SUBSCRIBE));
	CU_ASSERT(control_command_needs_operator(CONTROL_NR_COMMANDS));
}

static void ranges(void)
{
	struct control_request request;
	struct control_error error;

	CU_ASSERT_FATAL(parse(MIGRATE("\"ranges\":[{\"gpa\":0,\"bytes\":4096},"
				      "{\"bytes\":2097152,\"gpa\":1073741824}]"),
			      &request, &error));
	CHECK_NUMBER(request.nr_ranges, 2);
	CHECK_NUMBER(request.ranges[1].gpa, 1 << 30);
	CHECK_NUMBER(request.ranges[1].bytes, 2 << 20);
	CHECK_NUMBER(request.has, CONTROL_HAS(VM) | CONTROL_HAS(RANGES));
	control_request_clear(&request);
	refused(MIGRATE("\"ranges\":[]"), CONTROL_CLASS_INVALID_ARGUMENT, "1 to 65536");
	refused(MIGRATE("\"ranges\":{}"), CONTROL_CLASS_INVALID_ARGUMENT, "array");
	refused(MIGRATE("\"ranges\":[1]"), CONTROL_CLASS_INVALID_ARGUMENT, "range 0");
	refused(MIGRATE("\"ranges\":[{\"gpa\":0,\"bytes\":4096},{\"gpa\":1,\"bytes\":4096}]"),
		CONTROL_CLASS_INVALID_ARGUMENT, "range 1");
	refused(MIGRATE("\"ranges\":[{\"gpa\":0,\"bytes\":0}]"), CONTROL_CLASS_INVALID_ARGUMENT,
		"range 0");
	refused(MIGRATE("\"ranges\":[{\"gpa\":0,\"bytes\":4096,\"x\":1}]"),
		CONTROL_CLASS_INVALID_ARGUMENT, "range 0");
	refused(MIGRATE("\"ranges\":[{\"gpa\":4503599627366400,\"bytes\":8192}]"),
		CONTROL_CLASS_INVALID_ARGUMENT, "range 0");
}

static void too_many_ranges(void)
{
	g_autoptr(GString) line =
		g_string_new("{\"execute\":\"recall\",\"arguments\":{\"vm\":\"a\",\"ranges\":[");

	for (unsigned int i = 0; i <= CONTROL_RANGES_MAX; i++)
		g_string_append(line, i ? ",0" : "0");
	g_string_append(line, "]}}");
	refused(line->str, CONTROL_CLASS_INVALID_ARGUMENT, "not 65537");
}

static void arguments(void)
{
	refused("{\"execute\":\"attach\"}", CONTROL_CLASS_INVALID_ARGUMENT, "needs argument 'vm'");
	refused("{\"execute\":\"attach\",\"arguments\":{\"vm\":\"a\",\"pool\":\"p\"}}",
		CONTROL_CLASS_INVALID_ARGUMENT, "no argument 'pool'");
	refused("{\"execute\":\"attach\",\"arguments\":{\"vm\":\"a\",\"x\":1}}",
		CONTROL_CLASS_INVALID_ARGUMENT, "no argument 'x'");
	refused("{\"execute\":\"attach\",\"arguments\":{\"vm\":1}}", CONTROL_CLASS_INVALID_ARGUMENT,
		"'vm' must be");
	refused("{\"execute\":\"attach\",\"arguments\":{\"vm\":\"\"}}",
		CONTROL_CLASS_INVALID_ARGUMENT, "'vm' must be");
	refused("{\"execute\":\"attach\",\"arguments\":{\"vm\":\"a\\u0000b\"}}",
		CONTROL_CLASS_INVALID_ARGUMENT, "'vm' must be");
	refused("{\"execute\":\"attach\",\"arguments\":{\"vm\":null}}",
		CONTROL_CLASS_INVALID_ARGUMENT, "'vm' must be");
	refused("{\"execute\":\"attach\",\"arguments\":[]}", CONTROL_CLASS_INVALID_REQUEST,
		"object");
	refused(MIGRATE("\"pool\":\"p\""), CONTROL_CLASS_INVALID_ARGUMENT, "exactly one of");
	refused(MIGRATE("\"all\":true,\"bytes\":4096"), CONTROL_CLASS_INVALID_ARGUMENT,
		"exactly one of");
	refused(MIGRATE("\"all\":false"), CONTROL_CLASS_INVALID_ARGUMENT, "'all' must be true");
	refused(MIGRATE("\"all\":true,\"evict-idle-seconds\":-1"), CONTROL_CLASS_INVALID_ARGUMENT,
		"seconds, 0 to");
	refused(MIGRATE("\"all\":true,\"evict-idle-seconds\":31536001"),
		CONTROL_CLASS_INVALID_ARGUMENT, "seconds, 0 to 31536000");
	refused("{\"execute\":\"recall\",\"arguments\":{\"vm\":\"a\",\"all\":true,"
		"\"evict-idle-seconds\":1}}",
		CONTROL_CLASS_INVALID_ARGUMENT, "no argument 'evict-idle-seconds'");
	refused(MIGRATE("\"bytes\":0"), CONTROL_CLASS_INVALID_ARGUMENT, "positive multiple");
	refused(MIGRATE("\"bytes\":4097"), CONTROL_CLASS_INVALID_ARGUMENT, "positive multiple");
	refused(MIGRATE("\"bytes\":-4096"), CONTROL_CLASS_INVALID_ARGUMENT, "positive multiple");
	refused(MIGRATE("\"bytes\":4096.0"), CONTROL_CLASS_INVALID_ARGUMENT, "positive multiple");
	refused(MIGRATE("\"bytes\":\"4096\""), CONTROL_CLASS_INVALID_ARGUMENT, "positive multiple");
	refused(MIGRATE("\"bytes\":18446744073709551615"), CONTROL_CLASS_INVALID_ARGUMENT,
		"positive multiple");
	refused("{\"execute\":\"map\",\"arguments\":{\"vm\":\"a\",\"gpa\":4503599627366400,\"bytes\":8192}}",
		CONTROL_CLASS_INVALID_ARGUMENT, "beyond");
	refused(CREATE("\"name\":\"p/q\",\"bytes\":2097152"), CONTROL_CLASS_INVALID_ARGUMENT,
		"'name' must be");
	refused(CREATE("\"name\":\"p\",\"bytes\":4096"), CONTROL_CLASS_INVALID_ARGUMENT, "2 MiB");
	refused(CREATE("\"name\":\"p\",\"bytes\":2097152,\"engine\":\"x\""),
		CONTROL_CLASS_INVALID_ARGUMENT, "engine");
}

#define HINTS(what) "{\"execute\":\"query-hints\",\"arguments\":{" what "}}"

static void hints(void)
{
	static const uint64_t numbers[] = { 0, 1, CONTROL_HINTS_MAX, CONTROL_FIRST_MAX };
	struct control_request request;
	struct control_error error;

	CU_ASSERT_FATAL(parse(HINTS("\"vm\":\"a\""), &request, &error));
	CHECK_NUMBER(request.has, CONTROL_HAS(VM));
	CHECK_NUMBER(request.first, 0);
	control_request_clear(&request);
	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		g_autofree char *line = g_strdup_printf(
			HINTS("\"vm\":\"a\",\"first\":%" G_GUINT64_FORMAT), numbers[i]);

		CU_ASSERT_FATAL(parse(line, &request, &error));
		CHECK_NUMBER(request.has, CONTROL_HAS(VM) | CONTROL_HAS(FIRST));
		CHECK_NUMBER(request.first, numbers[i]);
		control_request_clear(&request);
	}
}

static void wrong_hints(void)
{
	static const char *const first[] = { "-1",   "1048577", "18446744073709551615",
					     "0.0",  "1e3",	"\"0\"",
					     "null", "true",	"[]",
					     "{}" };

	refused("{\"execute\":\"query-hints\"}", CONTROL_CLASS_INVALID_ARGUMENT,
		"needs argument 'vm'");
	refused(HINTS("\"first\":0"), CONTROL_CLASS_INVALID_ARGUMENT, "needs argument 'vm'");
	refused(HINTS("\"vm\":\"a\",\"gpa\":0"), CONTROL_CLASS_INVALID_ARGUMENT,
		"no argument 'gpa'");
	refused("{\"execute\":\"map\",\"arguments\":{\"vm\":\"a\",\"first\":0}}",
		CONTROL_CLASS_INVALID_ARGUMENT, "no argument 'first'");
	for (size_t i = 0; i < G_N_ELEMENTS(first); i++) {
		g_autofree char *line =
			g_strdup_printf(HINTS("\"vm\":\"a\",\"first\":%s"), first[i]);

		refused(line, CONTROL_CLASS_INVALID_ARGUMENT,
			"'first' must be how many to pass over, 0 to 1048576");
	}
}

static void requests(void)
{
	refused("", CONTROL_CLASS_INVALID_REQUEST, "JSON");
	refused("{", CONTROL_CLASS_INVALID_REQUEST, "JSON");
	refused("[]", CONTROL_CLASS_INVALID_REQUEST, "object");
	refused("5", CONTROL_CLASS_INVALID_REQUEST, "");
	refused("{\"execute\":\"list-vms\"} x", CONTROL_CLASS_INVALID_REQUEST, "");
	refused("{\"execute\":\"list-vms\"}{}", CONTROL_CLASS_INVALID_REQUEST, "");
	refused("{'execute':'list-vms'}", CONTROL_CLASS_INVALID_REQUEST, "JSON");
	refused("{\"execute\":\"list-vms\",\"x\":1}", CONTROL_CLASS_INVALID_REQUEST, "member 'x'");
	refused("{\"arguments\":{}}", CONTROL_CLASS_INVALID_REQUEST, "'execute'");
	refused("{\"execute\":5}", CONTROL_CLASS_INVALID_REQUEST, "'execute'");
	refused("{\"execute\":\"frobnicate\"}", CONTROL_CLASS_COMMAND_NOT_FOUND, "frobnicate");
	refused("{\"execute\":\"\xff\"}", CONTROL_CLASS_INVALID_REQUEST, "utf-8");
	refused("{\"id\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}", CONTROL_CLASS_INVALID_REQUEST,
		"JSON");
}

static void too_long(void)
{
	struct control_request request;
	struct control_error error;
	g_autofree char *line = g_malloc(CONTROL_LINE_MAX + 1);

	memset(line, ' ', CONTROL_LINE_MAX + 1);
	CU_ASSERT_FALSE(control_parse_request(line, CONTROL_LINE_MAX + 1, &request, &error));
	CHECK_NUMBER(error.class_, CONTROL_CLASS_INVALID_REQUEST);
	control_error_clear(&error);
	control_request_clear(&request);
}

/* Answer a request line and compare the answer's line. */
static void answered(const char *line, const char *expected)
{
	struct control_request request;
	struct control_error error;
	bool ok = parse(line, &request, &error);
	json_object *answer;
	size_t length;
	char *text;

	if (ok)
		answer = control_reply_return(&request, NULL);
	else
		answer = control_reply_error(&request, error.class_, "no", NULL);
	text = control_encode(answer, &length);
	CHECK_TEXT(text, expected);
	CHECK_NUMBER(length, strlen(text));
	g_free(text);
	json_object_put(answer);
	control_error_clear(&error);
	control_request_clear(&request);
}

static void ids(void)
{
	answered("{\"execute\":\"list-vms\"}", "{\"return\":{}}\n");
	answered("{\"execute\":\"list-vms\",\"id\":null}", "{\"return\":{},\"id\":null}\n");
	answered("{\"execute\":\"list-vms\",\"id\":{\"a\":[1,\"/\"]}}",
		 "{\"return\":{},\"id\":{\"a\":[1,\"/\"]}}\n");
	answered("{\"execute\":\"x\",\"id\":7}",
		 "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"no\"},\"id\":7}\n");
	answered("x", "{\"error\":{\"class\":\"InvalidRequest\",\"desc\":\"no\"}}\n");
}

static void messages(void)
{
	json_object *data = json_object_new_object();
	json_object *event, *greeting = control_greeting("1.2.3");
	size_t length;
	char *text;

	control_add_u64(data, "big", UINT64_MAX);
	control_add_string(data, "none", NULL);
	control_add_bool(data, "yes", true);
	event = control_event("lost", data, 1000002);
	text = control_encode(event, &length);
	CHECK_TEXT(text, "{\"event\":\"lost\",\"data\":{\"big\":18446744073709551615,\"none\":null,"
			 "\"yes\":true},\"timestamp\":{\"seconds\":1,\"microseconds\":2}}\n");
	g_free(text);
	text = control_encode(greeting, &length);
	CHECK_TEXT(text, "{\"hmmd\":{\"version\":\"1.2.3\",\"protocol\":1,"
			 "\"capabilities\":[\"events\",\"progress\"]}}\n");
	g_free(text);
	json_object_put(event);
	json_object_put(greeting);
}

static void valid_names(void)
{
	g_autofree char *longest = g_strnfill(63, 'a'), *longer = g_strnfill(64, 'a');

	CU_ASSERT(control_valid_name("p0"));
	CU_ASSERT(control_valid_name("A.b_c-9"));
	CU_ASSERT(control_valid_name(longest));
	CU_ASSERT_FALSE(control_valid_name(longer));
	CU_ASSERT_FALSE(control_valid_name(""));
	CU_ASSERT_FALSE(control_valid_name("a b"));
	CU_ASSERT_FALSE(control_valid_name("a/b"));
	CU_ASSERT_FALSE(control_valid_name("\xc3\xa4"));
}

int main(void)
{
	static const struct check checks[] = {
		{ "every command", every_command },
		{ "who may", who_may },
		{ "ranges", ranges },
		{ "too many ranges", too_many_ranges },
		{ "arguments", arguments },
		{ "hints", hints },
		{ "wrong hints", wrong_hints },
		{ "requests", requests },
		{ "too long", too_long },
		{ "ids", ids },
		{ "messages", messages },
		{ "names", valid_names },
	};

	return run_checks("control", checks, G_N_ELEMENTS(checks));
}
