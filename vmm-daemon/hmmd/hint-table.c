// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hint-table.h"

#include <string.h>

/* A hint of which not all parts are there yet. */
struct unfinished {
	bool going_on;
	struct hint_request first;
	GArray *extents; /* of struct hint_extent */
	uint64_t end;
	uint64_t asked_bytes;
	enum hint_reason refused; /* 0, or why it will be: nothing of it is kept any more */
};

struct HintTable {
	uint32_t max_hints;
	uint32_t max_extents;
	unsigned int advice;
	GHashTable *by_cookie; /* uint64_t * in the hint -> its GList in hints */
	GQueue hints;	       /* of Hint, ascending by number */
	uint32_t nr_extents;
	uint64_t last_number;
	uint64_t last_serial;
	Hint nobody;
	struct unfinished unfinished;
	GQueue refusals; /* of HintRefusal */
	HintTableCounters counters;
};

static void hint_free(gpointer data)
{
	Hint *hint = data;

	hint_stuck_clear(&hint->stuck);
	g_free(hint->extents);
	g_free(hint);
}

HintTable *hint_table_new(uint32_t max_hints, uint32_t max_extents, unsigned int advice)
{
	HintTable *table = g_new0(HintTable, 1);

	table->max_hints = max_hints;
	table->max_extents = max_extents;
	table->advice = advice;
	table->by_cookie = g_hash_table_new(g_int64_hash, g_int64_equal);
	g_queue_init(&table->hints);
	g_queue_init(&table->refusals);
	table->unfinished.extents = g_array_new(FALSE, FALSE, sizeof(struct hint_extent));
	return table;
}

void hint_table_free(HintTable *table)
{
	if (!table)
		return;
	g_hash_table_destroy(table->by_cookie);
	g_queue_clear_full(&table->hints, hint_free);
	g_queue_clear_full(&table->refusals, g_free);
	g_array_free(table->unfinished.extents, TRUE);
	g_free(table);
}

/* ---- what stands -------------------------------------------------------- */

static GList *link_of(const HintTable *table, uint64_t cookie)
{
	return g_hash_table_lookup(table->by_cookie, &cookie);
}

Hint *hint_table_find(const HintTable *table, uint64_t cookie)
{
	GList *link = link_of(table, cookie);

	return link ? link->data : NULL;
}

Hint *hint_table_nobody(HintTable *table)
{
	return &table->nobody;
}

Hint *hint_table_first(const HintTable *table)
{
	return table->hints.head ? table->hints.head->data : NULL;
}

Hint *hint_table_next(const HintTable *table, const Hint *hint)
{
	GList *next = link_of(table, hint->cookie)->next;

	return next ? next->data : NULL;
}

uint32_t hint_table_hints(const HintTable *table)
{
	return table->hints.length;
}

uint32_t hint_table_extents(const HintTable *table)
{
	return table->nr_extents;
}

const HintTableCounters *hint_table_counters(const HintTable *table)
{
	return &table->counters;
}

static void drop(HintTable *table, GList *link, const HintTableEvents *events)
{
	Hint *hint = link->data;

	events->forget(hint, events->data);
	table->nr_extents -= hint->nr_extents;
	g_hash_table_remove(table->by_cookie, &hint->cookie);
	g_queue_delete_link(&table->hints, link);
	hint_free(hint);
}

static void keep(HintTable *table, Hint *hint, const HintTableEvents *events)
{
	hint->number = ++table->last_number;
	hint->serial = ++table->last_serial;
	table->nr_extents += hint->nr_extents;
	g_queue_push_tail(&table->hints, hint);
	g_hash_table_insert(table->by_cookie, &hint->cookie, g_queue_peek_tail_link(&table->hints));
	events->new_hint(hint, events->data);
}

static void stop_unfinished(struct unfinished *unfinished)
{
	unfinished->going_on = false;
	g_array_set_size(unfinished->extents, 0);
}

void hint_table_forget(HintTable *table, uint64_t cookie, const HintTableEvents *events)
{
	GList *link = link_of(table, cookie);

	if (cookie == HINT_COOKIE_ALL) {
		stop_unfinished(&table->unfinished);
		while (table->hints.head)
			drop(table, table->hints.head, events);
	} else if (link) {
		drop(table, link, events);
	}
	if (table->unfinished.first.cookie == cookie)
		stop_unfinished(&table->unfinished);
}

/* ---- what is refused ---------------------------------------------------- */

bool hint_table_next_refusal(HintTable *table, HintRefusal *refusal)
{
	g_autofree HintRefusal *first = g_queue_pop_head(&table->refusals);

	if (first)
		*refusal = *first;
	return first != NULL;
}

static Hint *hint_new(const struct unfinished *from)
{
	Hint *hint = g_new0(Hint, 1);

	hint->cookie = from->first.cookie;
	hint->owner = from->first.owner;
	hint->advice = from->first.advice;
	hint->priority = from->first.priority;
	hint->asked_bytes = MIN(from->asked_bytes, UINT64_C(1) << HINT_GPA_BITS);
	hint->fresh = true;
	return hint;
}

/* Too many hints are refused without being kept; others are, so that people see them. */
static void refuse(HintTable *table, enum hint_reason reason, const HintTableEvents *events)
{
	const struct unfinished *unfinished = &table->unfinished;
	GList *link = link_of(table, unfinished->first.cookie);
	HintRefusal *refusal;
	Hint *hint;

	table->counters.refused[reason]++;
	if (link)
		drop(table, link, events);
	if (reason != HINT_REASON_TOO_MANY && table->hints.length < table->max_hints) {
		hint = hint_new(unfinished);
		hint->outcome.status = HINT_STATUS_REFUSED;
		hint->outcome.reason = reason;
		keep(table, hint, events);
	} else {
		refusal = g_new(HintRefusal, 1);
		*refusal =
			(HintRefusal){ unfinished->first.cookie, unfinished->asked_bytes, reason };
		g_queue_push_tail(&table->refusals, refusal);
	}
	stop_unfinished(&table->unfinished);
}

/* ---- what comes in ------------------------------------------------------ */

static bool goes_on_with(const struct unfinished *unfinished, const struct hint_request *part)
{
	const struct hint_request *first = &unfinished->first;

	return unfinished->going_on && part->cookie == first->cookie &&
	       part->owner == first->owner && part->advice == first->advice &&
	       part->priority == first->priority;
}

static void begin(struct unfinished *unfinished, const struct hint_request *first)
{
	unfinished->going_on = true;
	unfinished->first = *first;
	unfinished->end = 0;
	unfinished->asked_bytes = 0;
	unfinished->refused = 0;
}

/* How many extents there would be with this hint in the place of the one that it replaces. */
static uint64_t extents_with(const HintTable *table, uint32_t nr_more)
{
	const Hint *old = hint_table_find(table, table->unfinished.first.cookie);

	return (uint64_t)table->nr_extents - (old ? old->nr_extents : 0) +
	       table->unfinished.extents->len + nr_more;
}

static enum hint_reason why_not(const HintTable *table, const struct hint_request *part)
{
	bool is_new = !hint_table_find(table, part->cookie);

	if (!(table->advice & 1u << part->advice))
		return HINT_REASON_OFF;
	if (is_new && table->hints.length >= table->max_hints)
		return HINT_REASON_TOO_MANY;
	if (extents_with(table, part->nr_extents) > table->max_extents)
		return HINT_REASON_TOO_MANY;
	return 0;
}

static void add_part(HintTable *table, const void *frame, const struct hint_request *part)
{
	struct unfinished *unfinished = &table->unfinished;

	if (!unfinished->refused)
		unfinished->refused = why_not(table, part);
	if (!unfinished->refused && !hint_extents_valid(frame, &unfinished->end))
		unfinished->refused = HINT_REASON_EXTENTS;
	if (unfinished->refused) {
		g_array_set_size(unfinished->extents, 0);
		return;
	}
	for (uint32_t i = 0; i < part->nr_extents; i++) {
		struct hint_extent extent = hint_get_extent(frame, i);

		unfinished->asked_bytes += extent.length;
		g_array_append_val(unfinished->extents, extent);
	}
}

static bool says_the_same(const Hint *hint, const struct hint_request *request)
{
	return hint->outcome.status != HINT_STATUS_REFUSED && hint->owner == request->owner &&
	       hint->advice == request->advice && hint->priority == request->priority;
}

static void set_extents(Hint *hint, const struct unfinished *from)
{
	g_free(hint->extents);
	hint->nr_extents = from->extents->len;
	hint->extents =
		g_memdup2(from->extents->data, hint->nr_extents * sizeof(struct hint_extent));
	hint->asked_bytes = from->asked_bytes;
}

/* The same hint, about the pages that its memory has by now. */
static void renew(HintTable *table, Hint *hint, const HintTableEvents *events)
{
	table->nr_extents -= hint->nr_extents;
	set_extents(hint, &table->unfinished);
	table->nr_extents += hint->nr_extents;
	hint->serial = ++table->last_serial;
	hint->outcome.done_bytes = MIN(hint->outcome.done_bytes, hint->asked_bytes);
	memset(hint->outcome.skipped, 0, sizeof(hint->outcome.skipped));
	hint->told = false;
	stop_unfinished(&table->unfinished);
	events->new_hint(hint, events->data);
}

static void finish(HintTable *table, const HintTableEvents *events)
{
	struct unfinished *unfinished = &table->unfinished;
	GList *link = link_of(table, unfinished->first.cookie);
	Hint *hint;

	table->counters.hints++;
	if (unfinished->refused) {
		refuse(table, unfinished->refused, events);
		return;
	}
	if (link && says_the_same(link->data, &unfinished->first)) {
		renew(table, link->data, events);
		return;
	}
	if (link)
		drop(table, link, events);
	hint = hint_new(unfinished);
	set_extents(hint, unfinished);
	hint->outcome.status = HINT_STATUS_ACCEPTED;
	stop_unfinished(unfinished);
	keep(table, hint, events);
}

bool hint_table_take(HintTable *table, const void *frame, const HintTableEvents *events)
{
	struct hint_request part = hint_get_hint(frame);
	struct unfinished *unfinished = &table->unfinished;

	if (!part.first && !goes_on_with(unfinished, &part))
		return false;
	if (part.first) {
		if (unfinished->going_on)
			refuse(table, HINT_REASON_EXTENTS, events);
		begin(unfinished, &part);
	}
	add_part(table, frame, &part);
	if (part.last)
		finish(table, events);
	return true;
}
