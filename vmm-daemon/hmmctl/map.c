// SPDX-License-Identifier: LGPL-2.1-or-later
/* map.c - from the extents that hmmd sends to what map-draw.c draws */
#include "hmmctl.h"

#include <string.h>

struct map *map_new(void)
{
	struct map *map = g_new0(struct map, 1);

	map->extents = g_array_new(FALSE, FALSE, sizeof(struct map_extent));
	map->pools = g_ptr_array_new_with_free_func(g_free);
	return map;
}

void map_free(struct map *map)
{
	g_array_unref(map->extents);
	g_ptr_array_unref(map->pools);
	g_free(map);
}

static guint pool_index(struct map *map, const char *name)
{
	for (guint i = 0; i < map->pools->len; i++)
		if (strcmp(g_ptr_array_index(map->pools, i), name) == 0)
			return i;
	g_ptr_array_add(map->pools, g_strdup(name));
	return map->pools->len - 1;
}

static gboolean kind_from_name(const char *name, enum map_kind *kind, GError **error)
{
	static const struct {
		const char *name;
		enum map_kind kind;
	} kinds[] = {
		{ "absent", MAP_ABSENT },
		{ "ram", MAP_RAM },
		{ "pool", MAP_POOL },
		{ "error", MAP_ERROR },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		if (strcmp(name, kinds[i].name) == 0) {
			*kind = kinds[i].kind;
			return TRUE;
		}
	}
	return reply_malformed(error, "an extent has an unknown state");
}

static gboolean extent_from_json(struct map *map, json_object *object, struct map_extent *extent,
				 GError **error)
{
	const guint64 end = G_GUINT64_CONSTANT(1) << VMIRROR_GPA_BITS;
	struct map_extent read = { 0 };
	const char *state, *pool;

	if (!reply_u64(object, "gpa", &read.gpa, error) ||
	    !reply_u64(object, "bytes", &read.bytes, error) ||
	    !reply_string(object, "state", &state, error) ||
	    !kind_from_name(state, &read.kind, error) ||
	    !reply_bool(object, "huge", &read.huge, error) ||
	    !reply_string_or_null(object, "pool", &pool, error))
		return FALSE;
	if (!read.bytes || read.gpa >= end || read.bytes > end - read.gpa)
		return reply_malformed(error, "an extent lies beyond the guest address space");
	if (read.kind == MAP_POOL) {
		/* A pool that was destroyed meanwhile has no name any more. */
		read.pool = pool_index(map, pool ? pool : "?");
	}
	*extent = read;
	return TRUE;
}

/* Does @next go on where and as @last does? */
static gboolean continues(const struct map_extent *last, const struct map_extent *next)
{
	return last->gpa + last->bytes == next->gpa && last->kind == next->kind &&
	       last->huge == next->huge && last->pool == next->pool;
}

gboolean map_add_json(struct map *map, json_object *extents, GError **error)
{
	size_t count = json_object_array_length(extents);

	for (size_t i = 0; i < count; i++) {
		struct map_extent *last = NULL, extent;

		if (!extent_from_json(map, json_object_array_get_idx(extents, i), &extent, error))
			return FALSE;
		if (map->extents->len)
			last = &g_array_index(map->extents, struct map_extent,
					      map->extents->len - 1);
		if (last && extent.gpa < last->gpa + last->bytes)
			return reply_malformed(error, "extents overlap or do not ascend");
		if (last && continues(last, &extent))
			last->bytes += extent.bytes;
		else
			g_array_append_val(map->extents, extent);
	}
	return TRUE;
}
