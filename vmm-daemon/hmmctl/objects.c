// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <string.h>

gboolean vm_from_json(json_object *object, struct vm_info *vm, GError **error)
{
	struct vm_info read = { 0 };

	if (!reply_string(object, "name", &read.name, error) ||
	    !reply_string_or_null(object, "uuid", &read.uuid, error) ||
	    !reply_u64(object, "pid", &read.pid, error) ||
	    !reply_bool(object, "attached", &read.attached, error) ||
	    !reply_u64(object, "ram-bytes", &read.ram_bytes, error) ||
	    !reply_u64(object, "out-bytes", &read.out_bytes, error) ||
	    !reply_u64(object, "id", &read.id, error) ||
	    !reply_string_or_null(object, "state", &read.state, error))
		return FALSE;
	if (!read.attached)
		read.state = "-";
	else if (!read.state)
		read.state = "attached";
	*vm = read;
	return TRUE;
}

gboolean pool_from_json(json_object *object, struct pool_info *pool, GError **error)
{
	struct pool_info read = { 0 };

	if (!reply_string(object, "name", &read.name, error) ||
	    !reply_string(object, "engine", &read.engine, error) ||
	    !reply_u64(object, "id", &read.id, error) ||
	    !reply_u64(object, "bytes", &read.bytes, error) ||
	    !reply_u64(object, "used-bytes", &read.used_bytes, error) ||
	    !reply_u64(object, "free-huge", &read.free_huge, error) ||
	    !reply_u64(object, "overhead-bytes", &read.overhead_bytes, error))
		return FALSE;
	if (read.used_bytes > read.bytes)
		return reply_malformed(error, "a pool uses more than it has");
	*pool = read;
	return TRUE;
}

gboolean slot_from_json(json_object *object, struct slot_info *slot, GError **error)
{
	const guint64 end = G_GUINT64_CONSTANT(1) << VMIRROR_GPA_BITS;
	struct slot_info read = { 0 };

	if (!reply_u64(object, "gpa", &read.gpa, error) ||
	    !reply_u64(object, "bytes", &read.bytes, error) ||
	    !reply_u64(object, "hva", &read.hva, error) ||
	    !reply_string_or_null(object, "blocker", &read.blocker, error))
		return FALSE;
	if (read.gpa >= end || read.bytes > end - read.gpa)
		return reply_malformed(error, "a slot lies beyond the guest address space");
	*slot = read;
	return TRUE;
}

const char *finding_level_name(enum finding_level level)
{
	static const char *const names[] = {
		[FINDING_OK] = "ok",
		[FINDING_WARN] = "warn",
		[FINDING_FAIL] = "fail",
	};

	return names[level];
}

static gboolean level_from_name(const char *name, enum finding_level *level, GError **error)
{
	for (enum finding_level l = FINDING_OK; l <= FINDING_FAIL; l++) {
		if (strcmp(name, finding_level_name(l)) == 0) {
			*level = l;
			return TRUE;
		}
	}
	return reply_malformed(error, "a finding is neither ok nor warn nor fail");
}

gboolean finding_from_json(json_object *object, struct finding *finding, GError **error)
{
	struct finding read = { 0 };
	const char *level;

	if (!reply_string(object, "level", &level, error) ||
	    !level_from_name(level, &read.level, error) ||
	    !reply_string(object, "topic", &read.topic, error) ||
	    !reply_string(object, "text", &read.text, error) ||
	    !reply_string_or_null(object, "fix", &read.fix, error))
		return FALSE;
	*finding = read;
	return TRUE;
}

static gint most_bytes_first(gconstpointer a, gconstpointer b)
{
	const struct skipped_bytes *left = a, *right = b;

	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? 1 : -1;
	return strcmp(left->reason, right->reason);
}

gboolean skipped_from_json(json_object *object, GArray **skipped, GError **error)
{
	g_autoptr(GArray) read = g_array_new(FALSE, FALSE, sizeof(struct skipped_bytes));
	struct json_object_iterator it, end;

	if (!json_object_is_type(object, json_type_object))
		return reply_malformed(error, "'skipped' is no object");
	end = json_object_iter_end(object);
	for (it = json_object_iter_begin(object); !json_object_iter_equal(&it, &end);
	     json_object_iter_next(&it)) {
		struct skipped_bytes one = { .reason = json_object_iter_peek_name(&it) };

		if (!reply_u64(object, one.reason, &one.bytes, error))
			return FALSE;
		if (one.bytes)
			g_array_append_val(read, one);
	}
	g_array_sort(read, most_bytes_first);
	*skipped = g_steal_pointer(&read);
	return TRUE;
}

gboolean moved_from_json(json_object *object, struct moved_info *moved, GError **error)
{
	struct moved_info read = { 0 };
	json_object *skipped;

	if (!reply_u64(object, "asked-bytes", &read.asked_bytes, error) ||
	    !reply_u64(object, "moved-bytes", &read.moved_bytes, error) ||
	    !reply_u64(object, "moved-huge", &read.moved_huge, error) ||
	    !reply_u64(object, "evicted-bytes", &read.evicted_bytes, error) ||
	    !reply_double(object, "seconds", &read.seconds, error) ||
	    !reply_object(object, "skipped", &skipped, error) ||
	    !skipped_from_json(skipped, &read.skipped, error))
		return FALSE;
	*moved = read;
	return TRUE;
}

void moved_clear(struct moved_info *moved)
{
	g_clear_pointer(&moved->skipped, g_array_unref);
}

gboolean hint_from_json(json_object *object, struct hint_info *hint, GError **error)
{
	struct hint_info read = { 0 };
	json_object *skipped;

	if (!reply_any_u64(object, "cookie", &read.cookie, error) ||
	    !reply_any_u64(object, "owner", &read.owner, error) ||
	    !reply_string(object, "advice", &read.advice, error) ||
	    !reply_u64(object, "priority", &read.priority, error) ||
	    !reply_string(object, "status", &read.status, error) ||
	    !reply_string_or_null(object, "reason", &read.reason, error) ||
	    !reply_u64(object, "extents", &read.extents, error) ||
	    !reply_u64(object, "asked-bytes", &read.asked_bytes, error) ||
	    !reply_u64(object, "done-bytes", &read.done_bytes, error) ||
	    !reply_object(object, "skipped", &skipped, error))
		return FALSE;
	if (read.done_bytes > read.asked_bytes)
		return reply_malformed(error, "more is done of a hint than it asked for");
	if (!skipped_from_json(skipped, &read.skipped, error))
		return FALSE;
	*hint = read;
	return TRUE;
}

void hint_info_clear(struct hint_info *hint)
{
	g_clear_pointer(&hint->skipped, g_array_unref);
}
