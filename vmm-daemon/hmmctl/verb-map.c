// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * verb-map.c - ask for a VM's extents, page by page, and draw them
 *
 * An answer holds a bounded number of extents and says where to go on.
 */
#include "hmmctl.h"

#include <stdio.h>
#include <unistd.h>

#include "units.h"

#define WIDTH_MAX 4096

struct range {
	guint64 gpa;
	guint64 end; /* 0: as far as there is memory */
};

struct asking {
	struct ctl *ctl;
	const char *vm;
	struct map *map;      /* what is to be drawn, or */
	json_object *extents; /* what is to be printed */
};

static json_object *map_arguments(const char *vm, guint64 gpa, guint64 end)
{
	json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "vm", json_object_new_string(vm));
	if (gpa || end)
		json_object_object_add(arguments, "gpa", json_object_new_uint64(gpa));
	if (end)
		json_object_object_add(arguments, "bytes", json_object_new_uint64(end - gpa));
	return arguments;
}

/* Where to go on is after where we are, or this would never end. */
static gboolean read_next(json_object *answer, guint64 gpa, guint64 *next, GError **error)
{
	json_object *member;
	guint64 read;

	if (!json_object_object_get_ex(answer, "next-gpa", &member) || !member) {
		*next = 0;
		return TRUE;
	}
	if (!reply_u64(answer, "next-gpa", &read, error))
		return FALSE;
	if (read <= gpa)
		return reply_malformed(error, "'next-gpa' does not go on");
	*next = read;
	return TRUE;
}

static gboolean take_extents(const struct asking *asking, json_object *answer, GError **error)
{
	json_object *extents;

	if (!reply_array(answer, "extents", &extents, error))
		return FALSE;
	if (asking->map)
		return map_add_json(asking->map, extents, error);
	for (size_t i = 0; i < json_object_array_length(extents); i++)
		json_object_array_add(asking->extents,
				      json_object_get(json_object_array_get_idx(extents, i)));
	return TRUE;
}

static gboolean ask(const struct asking *asking, const struct range *range, GError **error)
{
	guint64 gpa = range->gpa;

	do {
		g_autoptr(hmmctl_json) answer = NULL;

		answer = ctl_call(asking->ctl, "map", map_arguments(asking->vm, gpa, range->end),
				  CTL_ASK_TIMEOUT_MS, error);
		if (!answer || !take_extents(asking, answer, error) ||
		    !read_next(answer, gpa, &gpa, error))
			return FALSE;
	} while (gpa && (!range->end || gpa < range->end));
	return TRUE;
}

static gboolean parse_options(const char *text, int width, struct range *range, GError **error)
{
	g_autofree char *message = NULL;
	uint64_t gpa, bytes;

	if (width < 0 || width > WIDTH_MAX) {
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE,
			    "--width: give a number of columns up to %d", WIDTH_MAX);
		return FALSE;
	}
	if (!text)
		return TRUE;
	if (!units_parse_range(text, &gpa, &bytes, &message)) {
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE, "--gpa: %s", message);
		return FALSE;
	}
	range->gpa = gpa;
	range->end = gpa + bytes;
	return TRUE;
}

/* All the pages as one. */
static gboolean print_extents(json_object *extents, GError **error)
{
	g_autoptr(hmmctl_json) answer = json_object_new_object();

	json_object_object_add(answer, "extents", json_object_get(extents));
	json_object_object_add(answer, "next-gpa", NULL);
	return ctl_print_json(answer, error);
}

static void print_map(const struct map *map, int width)
{
	struct map_style style = {
		.columns = width ? (size_t)width : terminal_columns(STDOUT_FILENO),
		.utf8 = terminal_utf8(),
		.colour = terminal_colour(STDOUT_FILENO),
	};
	g_autofree char *text = map_draw(map, &style);

	fputs(text, stdout);
}

gboolean verb_map(struct ctl *ctl, GError **error)
{
	g_autofree char *gpa = NULL;
	gint width = 0;
	const GOptionEntry own[] = {
		{ "gpa", 'g', 0, G_OPTION_ARG_STRING, &gpa, "Only this range of guest addresses",
		  "GPA+SIZE" },
		{ "width", 'w', 0, G_OPTION_ARG_INT, &width, "Draw for so many columns", "N" },
		{ NULL },
	};
	g_autoptr(map_auto) map = map_new();
	g_autoptr(hmmctl_json) extents = json_object_new_array();
	struct asking asking = { .ctl = ctl };
	struct range range = { 0 };

	if (!ctl_parse(ctl, own, error) || !parse_options(gpa, width, &range, error))
		return FALSE;
	asking.vm = ctl_operand(ctl, 0);
	asking.map = ctl->json ? NULL : map;
	asking.extents = extents;
	if (!ask(&asking, &range, error))
		return FALSE;
	if (ctl->json)
		return print_extents(extents, error);
	print_map(map, width);
	return TRUE;
}
