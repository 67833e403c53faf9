// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hint-policy-private.h"
#include "hint-winner.h"

static void count_part(Hint *hint, uint64_t gpa, uint64_t end, void *data)
{
	struct pass *pass = data;
	struct account *account = account_of(pass, hint);
	uint64_t out = picture_sums_bytes(pass->out_sums, gpa, end);

	account->in_slots += end - gpa;
	account->missing += hint_wants_out(hint) ? end - gpa - out : out;
}

void hint_parts_count(struct pass *pass, Hint *hint)
{
	hint_each_part(hint, pass->now->slots, pass->now->nr_slots, count_part, pass);
}

static unsigned int urgency(const Hint *hint)
{
	switch (hint->advice) {
	case HINT_ADVICE_DEVICE:
		return 0;
	case HINT_ADVICE_WILLNEED_DEVICE:
		return 1;
	case HINT_ADVICE_COLD:
		return 2;
	default:
		return 3; /* nobody's */
	}
}

static int best_first(gconstpointer a, gconstpointer b)
{
	const struct part *x = a, *y = b;

	if (x->hint->priority != y->hint->priority)
		return x->hint->priority > y->hint->priority ? -1 : 1;
	if (urgency(x->hint) != urgency(y->hint))
		return urgency(x->hint) < urgency(y->hint) ? -1 : 1;
	if (x->hint->number != y->hint->number)
		return x->hint->number < y->hint->number ? -1 : 1;
	return (x->gpa > y->gpa) - (x->gpa < y->gpa);
}

/* Whether what is out of it would come home just now. */
static bool can_give(const struct pass *pass, const struct part *part)
{
	return part->hint->stays_ms <= pass->now->now_ms;
}

static void add_part(struct pass *pass, const struct part *part)
{
	if (can_give(pass, part)) {
		pass->behind.all += part->out.all;
		pass->behind.here += part->out.here;
	}
	g_array_append_vals(pass->parts, part, 1);
}

static void add_nobodys(struct pass *pass, uint64_t gpa, uint64_t end)
{
	struct part part = { gpa, end, pass->nobody, { end - gpa, end - gpa } };

	add_part(pass, &part);
	if (can_give(pass, &part))
		pass->nobodys += part.out.all;
}

/* What is in the pool, between the stretches. */
static void find_nobodys(struct pass *pass, const GArray *stretches)
{
	guint next = 0;

	for (guint i = 0; i < pass->here_sums->runs->len; i++) {
		const PictureRun *run = &g_array_index(pass->here_sums->runs, PictureRun, i);
		uint64_t gpa = run->gpa;

		while (gpa < run->end) {
			const HintStretch *stretch =
				next < stretches->len ? &g_array_index(stretches, HintStretch, next)
						      : NULL;
			uint64_t end = stretch ? MIN(run->end, stretch->gpa) : run->end;

			if (gpa < end)
				add_nobodys(pass, gpa, end);
			if (!stretch || stretch->gpa >= run->end)
				break;
			gpa = MAX(gpa, stretch->end);
			if (stretch->end > run->end)
				break;
			next++;
		}
	}
}

void hint_parts_find(struct pass *pass)
{
	const HintSituation *now = pass->now;
	g_autoptr(GArray) stretches = hint_winner(pass->table, now->slots, now->nr_slots);

	for (guint i = 0; i < stretches->len; i++) {
		const HintStretch *stretch = &g_array_index(stretches, HintStretch, i);
		struct part part = {
			.gpa = stretch->gpa,
			.end = stretch->end,
			.hint = stretch->hint,
			.out.all = picture_sums_bytes(pass->out_sums, stretch->gpa, stretch->end),
			.out.here = picture_sums_bytes(pass->here_sums, stretch->gpa, stretch->end),
		};
		struct account *account = account_of(pass, part.hint);

		if (hint_wants_out(part.hint)) {
			account->obeying += part.end - part.gpa - part.out.all;
			pass->out += part.out.all;
			add_part(pass, &part);
		} else {
			account->obeying += part.out.all;
			g_array_append_val(pass->home, part);
		}
	}
	find_nobodys(pass, stretches);
	g_array_sort(pass->parts, best_first);
}

void hint_parts_pass(struct pass *pass, const struct part *part)
{
	if (!can_give(pass, part))
		return;
	pass->behind.all -= part->out.all;
	pass->behind.here -= part->out.here;
}
