// SPDX-License-Identifier: LGPL-2.1-or-later
/* reply.c and objects.c of hmmctl: nothing that a server sends is trusted */
#include "hmmctl_check.h"

#define VM_JSON                                                                      \
	"{\"name\": \"tenant1\", \"uuid\": null, \"pid\": 4711, \"attached\": true," \
	" \"ram-bytes\": 268435456, \"out-bytes\": 67108864, \"id\": 3}"
#define POOL_JSON                                                                  \
	"{\"name\": \"p0\", \"id\": 1, \"engine\": \"ram\", \"bytes\": 268435456," \
	" \"used-bytes\": 4096, \"free-huge\": 127, \"overhead-bytes\": 1}"
#define SLOT_JSON \
	"{\"gpa\": 0, \"bytes\": 655360, \"hva\": 140000000000000, \"blocker\": \"shared\"}"
#define FINDING_JSON \
	"{\"level\": \"warn\", \"topic\": \"thp\", \"text\": \"off\", \"fix\": \"switch it on\"}"
#define MOVED_JSON                                                                                                \
	"{\"asked-bytes\": 8192, \"moved-bytes\": 4096, \"moved-huge\": 0, \"evicted-bytes\": 0, \"seconds\": 1," \
	" \"skipped\": {\"busy\": 4096}}"

#define HINT_JSON                                                                               \
	"{\"cookie\": 7, \"owner\": 0, \"advice\": \"cold\", \"priority\": 4,"                  \
	" \"status\": \"refused\", \"reason\": \"off\", \"extents\": 2, \"asked-bytes\": 8192," \
	" \"done-bytes\": 4096, \"skipped\": {\"busy\": 4096}}"

/* Results go here; a failed parse must leave the mark alone. */
static union {
	struct vm_info vm;
	struct pool_info pool;
	struct slot_info slot;
	struct finding finding;
	struct moved_info moved;
	struct hint_info hint;
	char bytes[256];
} result;

static gboolean parse_vm(json_object *object, GError **error)
{
	return vm_from_json(object, &result.vm, error);
}

static gboolean parse_pool(json_object *object, GError **error)
{
	return pool_from_json(object, &result.pool, error);
}

static gboolean parse_slot(json_object *object, GError **error)
{
	return slot_from_json(object, &result.slot, error);
}

static gboolean parse_finding(json_object *object, GError **error)
{
	return finding_from_json(object, &result.finding, error);
}

static gboolean parse_moved(json_object *object, GError **error)
{
	gboolean done = moved_from_json(object, &result.moved, error);

	if (done)
		moved_clear(&result.moved);
	return done;
}

static gboolean parse_hint(json_object *object, GError **error)
{
	gboolean done = hint_from_json(object, &result.hint, error);

	if (done)
		hint_info_clear(&result.hint);
	return done;
}

static const struct kind {
	const char *json;
	gboolean (*parse)(json_object *object, GError **error);
	const char *optional; /* members that may be missing */
} kinds[] = {
	{ VM_JSON, parse_vm, "uuid" },	      { POOL_JSON, parse_pool, "" },
	{ SLOT_JSON, parse_slot, "blocker" }, { FINDING_JSON, parse_finding, "fix" },
	{ MOVED_JSON, parse_moved, "" },      { HINT_JSON, parse_hint, "reason" },
};

/* The object must be refused, and the result untouched. */
static void refuse(const struct kind *kind, json_object *object, const char *what)
{
	g_autoptr(GError) error = NULL;
	char mark[sizeof(result.bytes)];

	memset(mark, 0x5a, sizeof(mark));
	memcpy(result.bytes, mark, sizeof(mark));
	if (kind->parse(object, &error)) {
		printf("\naccepted: %s (%s)\n", json_object_to_json_string(object), what);
		CU_FAIL("accepted");
		return;
	}
	CU_ASSERT_EQUAL(memcmp(result.bytes, mark, sizeof(mark)), 0);
	CHECK_ERROR(&error, HMMCTL_ERROR_UNREACHABLE, "does not understand");
}

static void whole_objects_are_read(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autoptr(hmmctl_json) object = parse_json(kinds[i].json);
		g_autoptr(GError) error = NULL;

		CU_ASSERT_TRUE(kinds[i].parse(object, &error));
		CU_ASSERT_PTR_NULL(error);
	}
}

static char **member_names(json_object *object)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	struct json_object_iterator it = json_object_iter_begin(object);
	struct json_object_iterator end = json_object_iter_end(object);

	for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
		g_ptr_array_add(names, g_strdup(json_object_iter_peek_name(&it)));
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

static void every_member_is_needed(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autoptr(hmmctl_json) whole = parse_json(kinds[i].json);
		g_auto(GStrv) names = member_names(whole);

		for (size_t n = 0; names[n]; n++) {
			g_autoptr(hmmctl_json) object = parse_json(kinds[i].json);

			json_object_object_del(object, names[n]);
			if (strcmp(names[n], kinds[i].optional) == 0)
				CU_ASSERT_TRUE(kinds[i].parse(object, NULL))
			else
				refuse(&kinds[i], object, names[n]);
		}
	}
}

static void every_member_has_its_type(void)
{
	static const char *const wrong[] = {
		"null",
		"true",
		"-1",
		"0.5",
		"1e999",
		"\"text\"",
		"\"a\\u0000b\"",
		"[]",
		"{}",
		"{\"busy\": \"all\"}",
		"{\"busy\": -1}",
		"{\"busy\": null}",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autoptr(hmmctl_json) whole = parse_json(kinds[i].json);
		g_auto(GStrv) names = member_names(whole);

		for (size_t n = 0; names[n]; n++) {
			json_object *right = json_object_object_get(whole, names[n]);

			for (size_t w = 0; w < G_N_ELEMENTS(wrong); w++) {
				g_autoptr(hmmctl_json) object = parse_json(kinds[i].json);
				json_object *value = json_tokener_parse(wrong[w]);

				/* Some of these are right in some places. */
				if (json_object_get_type(value) == json_object_get_type(right) &&
				    wrong[w][0] != '-' && !strchr(wrong[w], '\\') &&
				    !strstr(wrong[w], "busy") && strcmp(names[n], "level") != 0) {
					json_object_put(value);
					continue;
				}
				if (strcmp(names[n], "seconds") == 0 &&
				    strcmp(wrong[w], "0.5") == 0) {
					json_object_put(value);
					continue;
				}
				json_object_object_add(object, names[n], value);
				if (!value && strcmp(names[n], kinds[i].optional) == 0)
					CU_ASSERT_TRUE(kinds[i].parse(object, NULL))
				else if (strcmp(names[n], kinds[i].optional) != 0 ||
					 !json_object_is_type(value, json_type_string) ||
					 strchr(wrong[w], '\\'))
					refuse(&kinds[i], object, wrong[w]);
			}
		}
	}
}

static void things_that_are_no_objects(void)
{
	static const char *const texts[] = { "[]", "7", "\"x\"", "true" };

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		refuse(&kinds[i], NULL, "null");
		for (size_t t = 0; t < G_N_ELEMENTS(texts); t++) {
			g_autoptr(hmmctl_json) object = parse_json(texts[t]);

			refuse(&kinds[i], object, texts[t]);
		}
	}
}

static void numbers_that_contradict(void)
{
	g_autoptr(hmmctl_json) pool = parse_json(POOL_JSON);
	g_autoptr(hmmctl_json) slot = parse_json(SLOT_JSON);
	g_autoptr(hmmctl_json) hint = parse_json(HINT_JSON);

	json_object_object_add(pool, "used-bytes", json_object_new_int64(268435457));
	refuse(&kinds[1], pool, "uses more than it has");
	json_object_object_add(slot, "gpa", json_object_new_int64((gint64)1 << VMIRROR_GPA_BITS));
	refuse(&kinds[2], slot, "beyond");
	json_object_object_add(slot, "gpa", json_object_new_int64(4096));
	json_object_object_add(slot, "bytes", json_object_new_uint64(G_MAXUINT64));
	refuse(&kinds[2], slot, "beyond");
	json_object_object_add(hint, "done-bytes", json_object_new_int64(8193));
	refuse(&kinds[5], hint, "more is done");
}

/* A guest takes whatever numbers it likes. */
static void numbers_of_a_guest(void)
{
	g_autoptr(hmmctl_json) object = parse_json(HINT_JSON);
	struct hint_info hint;

	json_object_object_add(object, "cookie", json_object_new_uint64(G_MAXUINT64));
	json_object_object_add(object, "owner", json_object_new_uint64((guint64)G_MAXINT64 + 1));
	CU_ASSERT_TRUE_FATAL(hint_from_json(object, &hint, NULL));
	CU_ASSERT_EQUAL(hint.cookie, G_MAXUINT64);
	CU_ASSERT_EQUAL(hint.owner, (guint64)G_MAXINT64 + 1);
	CHECK_TEXT(hint.reason, "off");
	CU_ASSERT_EQUAL(hint.skipped->len, 1);
	hint_info_clear(&hint);
}

static void skipped_is_sorted(void)
{
	g_autoptr(hmmctl_json) object =
		parse_json("{\"busy\": 1, \"pinned\": 0, \"locked\": 5, \"ksm\": 5, \"file\": 9}");
	g_autoptr(GArray) skipped = NULL;
	static const char *const order[] = { "file", "ksm", "locked", "busy" };

	CU_ASSERT_TRUE_FATAL(skipped_from_json(object, &skipped, NULL));
	CU_ASSERT_EQUAL_FATAL(skipped->len, G_N_ELEMENTS(order));
	for (guint i = 0; i < skipped->len; i++)
		CHECK_TEXT(g_array_index(skipped, struct skipped_bytes, i).reason, order[i]);
}

static void states_of_a_vm(void)
{
	g_autoptr(hmmctl_json) object = parse_json(VM_JSON);
	struct vm_info vm;

	CU_ASSERT_TRUE(vm_from_json(object, &vm, NULL));
	CHECK_TEXT(vm.state, "attached");
	json_object_object_add(object, "state", json_object_new_string("moving"));
	CU_ASSERT_TRUE(vm_from_json(object, &vm, NULL));
	CHECK_TEXT(vm.state, "moving");
	json_object_object_add(object, "attached", json_object_new_boolean(FALSE));
	CU_ASSERT_TRUE(vm_from_json(object, &vm, NULL));
	CHECK_TEXT(vm.state, "-");
}

int main(void)
{
	static const struct check checks[] = {
		{ "whole objects", whole_objects_are_read },
		{ "missing members", every_member_is_needed },
		{ "members of a wrong type", every_member_has_its_type },
		{ "no objects at all", things_that_are_no_objects },
		{ "contradictions", numbers_that_contradict },
		{ "numbers of a guest", numbers_of_a_guest },
		{ "skipped", skipped_is_sorted },
		{ "states of a VM", states_of_a_vm },
	};

	return run_checks("hmmctl reply", checks, G_N_ELEMENTS(checks));
}
