// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hint-winner.h"

bool hint_wants_out(const Hint *hint)
{
	return hint->advice != HINT_ADVICE_HOST && hint->advice != HINT_ADVICE_PIN_HOST;
}

void hint_each_part(Hint *hint, const struct vmirror_slot *slots, uint32_t nr_slots,
		    void (*what)(Hint *hint, uint64_t gpa, uint64_t end, void *data), void *data)
{
	uint32_t i = 0, slot = 0;

	while (i < hint->nr_extents && slot < nr_slots) {
		const struct hint_extent *extent = &hint->extents[i];
		uint64_t slot_end = slots[slot].gpa + slots[slot].length;
		uint64_t extent_end = extent->gpa + extent->length;
		uint64_t gpa = MAX(extent->gpa, slots[slot].gpa);
		uint64_t end = MIN(extent_end, slot_end);

		if (gpa < end)
			what(hint, gpa, end, data);
		if (extent_end <= slot_end)
			i++;
		else
			slot++;
	}
}

/* Where a part of a hint begins or ends. */
struct edge {
	uint64_t gpa;
	bool begins;
	Hint *hint;
};

static void add_edges(Hint *hint, uint64_t gpa, uint64_t end, void *data)
{
	struct edge begin = { gpa, true, hint }, stop = { end, false, hint };

	g_array_append_val((GArray *)data, begin);
	g_array_append_val((GArray *)data, stop);
}

/* What ends goes first: so a hint's parts that touch are never in the tree both. */
static int by_gpa(gconstpointer a, gconstpointer b)
{
	const struct edge *x = a, *y = b;

	if (x->gpa != y->gpa)
		return x->gpa < y->gpa ? -1 : 1;
	return (int)x->begins - (int)y->begins;
}

/* Ascending: the last one is the one that is obeyed. */
static int by_weight(gconstpointer a, gconstpointer b, gpointer data)
{
	const Hint *x = a, *y = b;
	bool x_pins = x->advice == HINT_ADVICE_PIN_HOST, y_pins = y->advice == HINT_ADVICE_PIN_HOST;

	(void)data;
	if (x_pins != y_pins)
		return x_pins ? 1 : -1;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static void add_stretch(GArray *stretches, uint64_t gpa, uint64_t end, Hint *hint)
{
	HintStretch stretch = { gpa, end, hint };
	HintStretch *last =
		stretches->len ? &g_array_index(stretches, HintStretch, stretches->len - 1) : NULL;

	if (last && last->end == gpa && last->hint == hint)
		last->end = end;
	else
		g_array_append_val(stretches, stretch);
}

GArray *hint_winner(const HintTable *table, const struct vmirror_slot *slots, uint32_t nr_slots)
{
	g_autoptr(GArray) edges = g_array_new(FALSE, FALSE, sizeof(struct edge));
	GArray *stretches = g_array_new(FALSE, FALSE, sizeof(HintStretch));
	GTree *here = g_tree_new_full(by_weight, NULL, NULL, NULL);

	for (Hint *hint = hint_table_first(table); hint; hint = hint_table_next(table, hint))
		hint_each_part(hint, slots, nr_slots, add_edges, edges);
	g_array_sort(edges, by_gpa);
	for (guint i = 0; i < edges->len; i++) {
		const struct edge *edge = &g_array_index(edges, struct edge, i);
		GTreeNode *winner;

		if (edge->begins)
			g_tree_insert(here, edge->hint, edge->hint);
		else
			g_tree_remove(here, edge->hint);
		winner = g_tree_node_last(here);
		if (winner && edge[1].gpa > edge->gpa)
			add_stretch(stretches, edge->gpa, edge[1].gpa, g_tree_node_value(winner));
	}
	g_tree_destroy(here);
	return stretches;
}
