// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * map-draw.c - a picture of where a guest's memory is
 *
 * The guest's address space is cut into cells of one size, a power of two; a row is a power
 * of two of cells and begins at a multiple of its own size.  Rows without memory are left
 * out.  A cell tells what is in it by one symbol:
 *
 *	0x0         ██▓▓░··AAAAAAaa%
 *	0x2000000   AAAAAAAA
 *	            (3 GiB without memory)
 *	0x100000000 ████████
 *
 * Pure: from extents to text.
 */
#include "hmmctl.h"

#include <string.h>

#include "units.h"

#define ROWS_WANTED 16
#define CELL_MIN    ((guint64)VMIRROR_PAGE_SIZE)
#define COLUMNS_MIN 8

enum symbol {
	SYMBOL_NONE, /* no memory there */
	SYMBOL_RAM_HUGE,
	SYMBOL_RAM,
	SYMBOL_RAM_PART,
	SYMBOL_ABSENT,
	SYMBOL_ERROR,
	SYMBOL_MIXED,
	SYMBOL_POOL_HUGE, /* then one of each pair for every pool */
	SYMBOL_POOL,
	SYMBOL_FIXED = SYMBOL_POOL_HUGE,
};

static const struct {
	const char *utf8, *ascii, *colour, *text;
} symbols[SYMBOL_FIXED] = {
	[SYMBOL_NONE] = { " ", " ", "", "" },
	[SYMBOL_RAM_HUGE] = { "█", "#", "", "RAM, 2 MiB pages" },
	[SYMBOL_RAM] = { "▓", "=", "", "RAM, 4 KiB pages" },
	[SYMBOL_RAM_PART] = { "░", "-", "", "RAM in part, the rest absent" },
	[SYMBOL_ABSENT] = { "·", ".", "\033[2m", "absent: no page there" },
	[SYMBOL_ERROR] = { "!", "!", "\033[1;31m", "cannot be read" },
	[SYMBOL_MIXED] = { "▚", "%", "\033[1m", "mixed, part of it in a pool" },
};

static const char *const pool_colours[] = {
	"\033[32m", "\033[36m", "\033[35m", "\033[33m", "\033[34m", "\033[31m",
};

/* What was found in one cell. */
struct cell {
	gboolean ram_huge, ram_small, absent, error, pool_huge, pool_small;
	guint pool;
	gboolean pools_differ;
};

/* Where the drawing has come to. */
struct drawing {
	const struct map *map;
	const struct map_style *style;
	guint64 cell_bytes;
	size_t row_cells;
	size_t gutter; /* columns of the address, and the space after it */
	GString *text;
	GArray *totals; /* guint64 by symbol */
	GArray *shown;	/* gboolean by symbol: is in the picture, or in the totals */
};

static const struct map_extent *extent_at(const struct map *map, guint index)
{
	return &g_array_index(map->extents, struct map_extent, index);
}

static guint64 extent_end(const struct map_extent *extent)
{
	return extent->gpa + extent->bytes;
}

static guint symbol_of_extent(const struct map_extent *extent)
{
	switch (extent->kind) {
	case MAP_RAM:
		return extent->huge ? SYMBOL_RAM_HUGE : SYMBOL_RAM;
	case MAP_POOL:
		return (extent->huge ? SYMBOL_POOL_HUGE : SYMBOL_POOL) + 2 * extent->pool;
	case MAP_ERROR:
		return SYMBOL_ERROR;
	case MAP_ABSENT:
		break;
	}
	return SYMBOL_ABSENT;
}

static void cell_add(struct cell *cell, const struct map_extent *extent)
{
	switch (extent->kind) {
	case MAP_ABSENT:
		cell->absent = TRUE;
		break;
	case MAP_RAM:
		*(extent->huge ? &cell->ram_huge : &cell->ram_small) = TRUE;
		break;
	case MAP_POOL:
		cell->pools_differ |=
			(cell->pool_huge || cell->pool_small) && cell->pool != extent->pool;
		cell->pool = extent->pool;
		*(extent->huge ? &cell->pool_huge : &cell->pool_small) = TRUE;
		break;
	case MAP_ERROR:
		cell->error = TRUE;
		break;
	}
}

/* The one symbol for a cell: trouble first, then whatever is all of it. */
static guint cell_symbol(const struct cell *cell)
{
	gboolean ram = cell->ram_huge || cell->ram_small;
	gboolean pool = cell->pool_huge || cell->pool_small;

	if (cell->error)
		return SYMBOL_ERROR;
	if (pool && (ram || cell->absent || cell->pools_differ))
		return SYMBOL_MIXED;
	if (pool)
		return (cell->pool_small ? SYMBOL_POOL : SYMBOL_POOL_HUGE) + 2 * cell->pool;
	if (ram && cell->absent)
		return SYMBOL_RAM_PART;
	if (ram)
		return cell->ram_small ? SYMBOL_RAM : SYMBOL_RAM_HUGE;
	return cell->absent ? SYMBOL_ABSENT : SYMBOL_NONE;
}

static void append_symbol(const struct drawing *drawing, guint symbol)
{
	if (symbol < SYMBOL_FIXED) {
		g_string_append(drawing->text, drawing->style->utf8 ? symbols[symbol].utf8
								    : symbols[symbol].ascii);
	} else {
		guint pool = (symbol - SYMBOL_POOL_HUGE) / 2;
		char first = (symbol - SYMBOL_POOL_HUGE) % 2 ? 'a' : 'A';

		/* After 26 pools the letters begin again; colours differ a little longer. */
		g_string_append_c(drawing->text, (char)(first + pool % 26));
	}
}

static const char *symbol_colour(const struct drawing *drawing, guint symbol)
{
	if (!drawing->style->colour)
		return "";
	if (symbol < SYMBOL_FIXED)
		return symbols[symbol].colour;
	return pool_colours[(symbol - SYMBOL_POOL_HUGE) / 2 % G_N_ELEMENTS(pool_colours)];
}

static void append_row(struct drawing *drawing, guint64 gpa, const guint *row)
{
	g_autofree char *address = g_strdup_printf("0x%" G_GINT64_MODIFIER "x", gpa);
	const char *colour = "";
	size_t end = drawing->row_cells;

	g_string_append_printf(drawing->text, "%-*s", (int)drawing->gutter, address);
	while (end && row[end - 1] == SYMBOL_NONE)
		end--;
	for (size_t i = 0; i < end; i++) {
		const char *next = symbol_colour(drawing, row[i]);

		if (strcmp(next, colour) != 0) {
			if (colour[0])
				g_string_append(drawing->text, "\033[0m");
			g_string_append(drawing->text, next);
			colour = next;
		}
		append_symbol(drawing, row[i]);
		g_array_index(drawing->shown, gboolean, row[i]) = TRUE;
	}
	if (colour[0])
		g_string_append(drawing->text, "\033[0m");
	g_string_append_c(drawing->text, '\n');
}

/* The symbols of the row at @gpa; *index is the first extent that ends after it begins. */
static void fill_row(const struct drawing *drawing, guint64 gpa, guint *index, guint *row)
{
	for (size_t i = 0; i < drawing->row_cells; i++) {
		guint64 begin = gpa + i * drawing->cell_bytes;
		guint64 end = begin + drawing->cell_bytes;
		struct cell cell = { 0 };

		while (*index < drawing->map->extents->len) {
			const struct map_extent *extent = extent_at(drawing->map, *index);

			if (extent->gpa >= end)
				break;
			cell_add(&cell, extent);
			if (extent_end(extent) > end)
				break;
			++*index;
		}
		row[i] = cell_symbol(&cell);
	}
}

static void append_gap(struct drawing *drawing, guint64 bytes)
{
	g_autofree char *size = units_format_bytes(bytes);

	g_string_append_printf(drawing->text, "%*s(%s without memory)\n", (int)drawing->gutter, "",
			       size);
}

static void append_rows(struct drawing *drawing)
{
	guint64 row_bytes = drawing->cell_bytes * drawing->row_cells;
	g_autofree guint *row = g_new(guint, drawing->row_cells);
	guint64 last_end = 0;
	guint index = 0;

	while (index < drawing->map->extents->len) {
		guint64 next = extent_at(drawing->map, index)->gpa;
		guint64 gpa = MAX(next / row_bytes * row_bytes, last_end / row_bytes * row_bytes);

		if (index && gpa > last_end)
			append_gap(drawing, next - extent_end(extent_at(drawing->map, index - 1)));
		fill_row(drawing, gpa, &index, row);
		append_row(drawing, gpa, row);
		last_end = gpa + row_bytes;
	}
}

static char *symbol_text(const struct drawing *drawing, guint symbol)
{
	guint pool = (symbol - SYMBOL_POOL_HUGE) / 2;
	g_autofree char *name = NULL;

	if (symbol < SYMBOL_FIXED)
		return g_strdup(symbols[symbol].text);
	name = text_clean(g_ptr_array_index(drawing->map->pools, pool));
	return g_strdup_printf("pool %s, %s pages", name,
			       (symbol - SYMBOL_POOL_HUGE) % 2 ? "4 KiB" : "2 MiB");
}

/* Legend and totals in one: each symbol of the picture, and how much there is of it. */
static void append_legend(struct drawing *drawing)
{
	for (guint symbol = SYMBOL_NONE + 1; symbol < drawing->shown->len; symbol++) {
		guint64 total = g_array_index(drawing->totals, guint64, symbol);
		const char *colour = symbol_colour(drawing, symbol);
		g_autofree char *text = symbol_text(drawing, symbol);

		if (!total && !g_array_index(drawing->shown, gboolean, symbol))
			continue;
		g_string_append_printf(drawing->text, "  %s", colour);
		append_symbol(drawing, symbol);
		g_string_append_printf(drawing->text, "%s  ", colour[0] ? "\033[0m" : "");
		if (total) {
			g_autofree char *bytes = units_format_bytes(total);

			g_string_append_printf(drawing->text, "%-30s  %11s\n", text, bytes);
		} else {
			g_string_append_printf(drawing->text, "%s\n", text);
		}
	}
}

static void append_scale(struct drawing *drawing, guint64 total, guint64 in_pools)
{
	g_autofree char *cell = units_format_bytes(drawing->cell_bytes);
	g_autofree char *row = units_format_bytes(drawing->cell_bytes * drawing->row_cells);
	g_autofree char *all = units_format_bytes(total);
	g_autofree char *out = units_format_bytes(in_pools);

	g_string_append_printf(drawing->text,
			       "one cell is %s, a row %s; %s in all, %s of it in pools\n", cell,
			       row, all, out);
}

/* Count by symbol; the sums are what is in all, and what is in pools. */
static void count_totals(struct drawing *drawing, guint64 *total, guint64 *in_pools)
{
	*total = 0;
	*in_pools = 0;
	for (guint i = 0; i < drawing->map->extents->len; i++) {
		const struct map_extent *extent = extent_at(drawing->map, i);
		guint symbol = symbol_of_extent(extent);

		g_array_index(drawing->totals, guint64, symbol) += extent->bytes;
		*total += extent->bytes;
		if (extent->kind == MAP_POOL)
			*in_pools += extent->bytes;
	}
}

/* Fit the picture to the terminal, and to a number of rows that one can look at. */
static void choose_scale(struct drawing *drawing, guint64 total)
{
	const struct map_extent *last = extent_at(drawing->map, drawing->map->extents->len - 1);
	g_autofree char *address = g_strdup_printf("0x%" G_GINT64_MODIFIER "x ", extent_end(last));

	drawing->gutter = strlen(address);
	drawing->row_cells = COLUMNS_MIN;
	while (drawing->gutter + 2 * drawing->row_cells <= drawing->style->columns)
		drawing->row_cells *= 2;
	drawing->cell_bytes = CELL_MIN;
	while (drawing->cell_bytes * drawing->row_cells * ROWS_WANTED < total)
		drawing->cell_bytes *= 2;
}

char *map_draw(const struct map *map, const struct map_style *style)
{
	guint nr_symbols = SYMBOL_FIXED + 2 * map->pools->len;
	g_autoptr(GArray) totals = g_array_sized_new(FALSE, TRUE, sizeof(guint64), nr_symbols);
	g_autoptr(GArray) shown = g_array_sized_new(FALSE, TRUE, sizeof(gboolean), nr_symbols);
	struct drawing drawing = { .map = map, .style = style, .totals = totals, .shown = shown };
	guint64 total, in_pools;

	if (!map->extents->len)
		return g_strdup("no guest memory there\n");
	g_array_set_size(totals, nr_symbols);
	g_array_set_size(shown, nr_symbols);
	drawing.text = g_string_new(NULL);
	count_totals(&drawing, &total, &in_pools);
	choose_scale(&drawing, total);
	append_rows(&drawing);
	g_string_append_c(drawing.text, '\n');
	append_legend(&drawing);
	append_scale(&drawing, total, in_pools);
	return g_string_free(drawing.text, FALSE);
}
