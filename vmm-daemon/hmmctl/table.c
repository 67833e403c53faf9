// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <string.h>

#include "units.h"

struct table {
	const struct table_column *columns;
	size_t nr_columns;
	GPtrArray *cells;
};

struct table *table_new(const struct table_column *columns, size_t nr_columns)
{
	struct table *table = g_new0(struct table, 1);

	table->columns = columns;
	table->nr_columns = nr_columns;
	table->cells = g_ptr_array_new_with_free_func(g_free);
	return table;
}

void table_free(struct table *table)
{
	g_ptr_array_unref(table->cells);
	g_free(table);
}

void table_add(struct table *table, const char *text)
{
	g_ptr_array_add(table->cells, text_clean(text));
}

void table_take(struct table *table, char *text)
{
	table_add(table, text);
	g_free(text);
}

void table_add_bytes(struct table *table, guint64 bytes)
{
	table_take(table, units_format_bytes(bytes));
}

static const char *cell_at(const struct table *table, size_t row, size_t column)
{
	size_t index = row * table->nr_columns + column;

	return index < table->cells->len ? g_ptr_array_index(table->cells, index) : "";
}

static size_t column_width(const struct table *table, size_t rows, size_t column)
{
	size_t width = text_columns(table->columns[column].heading);

	for (size_t row = 0; row < rows; row++)
		width = MAX(width, text_columns(cell_at(table, row, column)));
	return width;
}

static void append_cell(GString *line, const char *text, size_t width, enum table_align align)
{
	size_t padding = width - text_columns(text);

	if (align == TABLE_LEFT)
		g_string_append(line, text);
	for (; padding; padding--)
		g_string_append_c(line, ' ');
	if (align == TABLE_RIGHT)
		g_string_append(line, text);
}

static void end_line(GString *text)
{
	while (text->len && text->str[text->len - 1] == ' ')
		g_string_truncate(text, text->len - 1);
	g_string_append_c(text, '\n');
}

void table_add_fact(struct table *table, const char *what, const char *format, ...)
{
	va_list args;

	table_add(table, what);
	va_start(args, format);
	table_take(table, g_strdup_vprintf(format, args));
	va_end(args);
}

char *table_text(const struct table *table)
{
	size_t rows = (table->cells->len + table->nr_columns - 1) / table->nr_columns;
	g_autofree size_t *width = g_new(size_t, table->nr_columns);
	GString *text = g_string_new(NULL);
	gboolean headings = FALSE;

	for (size_t c = 0; c < table->nr_columns; c++) {
		width[c] = column_width(table, rows, c);
		headings |= table->columns[c].heading[0] != '\0';
	}
	for (size_t c = 0; headings && c < table->nr_columns; c++) {
		if (c)
			g_string_append(text, "  ");
		append_cell(text, table->columns[c].heading, width[c], table->columns[c].align);
	}
	if (headings)
		end_line(text);
	for (size_t row = 0; row < rows; row++) {
		for (size_t c = 0; c < table->nr_columns; c++) {
			if (c)
				g_string_append(text, "  ");
			append_cell(text, cell_at(table, row, c), width[c],
				    table->columns[c].align);
		}
		end_line(text);
	}
	return g_string_free(text, FALSE);
}
