// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hint-rest.h"

#include <glib.h>
#include <stdbool.h>

#include "vmirror.h"

#define SWEEP_MS 1000 /* it takes a while */

struct block {
	uint64_t owner;
	int64_t out_ms;	     /* when pages of it last went out */
	int64_t until_ms;    /* how long it rests */
	int64_t rest_ms;     /* how long it had to, the last time */
	int64_t recalled_ms; /* until when it rests from everyone */
};

struct HintRest {
	GHashTable *blocks; /* number of the block -> struct block */
	unsigned int max_blocks;
	int64_t swept_ms;
};

HintRest *hint_rest_new(unsigned int max_blocks)
{
	HintRest *rest = g_new0(HintRest, 1);

	rest->blocks = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
	rest->max_blocks = max_blocks;
	return rest;
}

void hint_rest_free(HintRest *rest)
{
	if (!rest)
		return;
	g_hash_table_destroy(rest->blocks);
	g_free(rest);
}

/* Has it rested, and stayed out so long since, that nothing need be remembered of it? */
static bool is_forgotten(const struct block *block, int64_t now_ms)
{
	return block->until_ms <= now_ms && block->recalled_ms <= now_ms &&
	       now_ms - block->out_ms > MAX(block->rest_ms, HINT_REST_SOON_MS);
}

static gboolean forget_one(gpointer key, gpointer value, gpointer data)
{
	(void)key;
	return is_forgotten(value, *(int64_t *)data);
}

static struct block *block_of(HintRest *rest, uint64_t number, int64_t now_ms)
{
	struct block *block = g_hash_table_lookup(rest->blocks, &number);

	if (block)
		return block;
	if (g_hash_table_size(rest->blocks) >= rest->max_blocks &&
	    now_ms - rest->swept_ms >= SWEEP_MS) {
		g_hash_table_foreach_remove(rest->blocks, forget_one, &now_ms);
		rest->swept_ms = now_ms;
	}
	if (g_hash_table_size(rest->blocks) >= rest->max_blocks)
		return NULL;
	block = g_new0(struct block, 1);
	g_hash_table_insert(rest->blocks, g_memdup2(&number, sizeof(number)), block);
	return block;
}

static uint64_t last_block(uint64_t gpa, uint64_t pages)
{
	return (gpa + pages * VMIRROR_PAGE_SIZE - 1) / HINT_REST_BLOCK;
}

void hint_rest_out(HintRest *rest, uint64_t gpa, uint64_t pages, uint64_t owner, int64_t now_ms)
{
	for (uint64_t i = gpa / HINT_REST_BLOCK; i <= last_block(gpa, pages); i++) {
		struct block *block = block_of(rest, i, now_ms);

		if (!block)
			continue;
		if (block->owner != owner)
			*block =
				(struct block){ .owner = owner, .recalled_ms = block->recalled_ms };
		block->out_ms = now_ms;
	}
}

void hint_rest_back(HintRest *rest, uint64_t gpa, uint64_t pages, int64_t now_ms)
{
	for (uint64_t i = gpa / HINT_REST_BLOCK; i <= last_block(gpa, pages); i++) {
		struct block *block = g_hash_table_lookup(rest->blocks, &i);

		/* Other pages of it may come after the first. */
		if (!block || block->until_ms > now_ms)
			continue;
		if (is_forgotten(block, now_ms)) {
			g_hash_table_remove(rest->blocks, &i);
			continue;
		}
		block->rest_ms =
			CLAMP(2 * block->rest_ms, HINT_REST_FIRST_MS, HINT_REST_LONGEST_MS);
		block->until_ms = now_ms + block->rest_ms;
	}
}

void hint_rest_recalled(HintRest *rest, uint64_t gpa, uint64_t pages, int64_t now_ms)
{
	for (uint64_t i = gpa / HINT_REST_BLOCK; i <= last_block(gpa, pages); i++) {
		struct block *block = block_of(rest, i, now_ms);

		if (block)
			block->recalled_ms = now_ms + HINT_REST_RECALLED_MS;
	}
}

int64_t hint_rest_until(const HintRest *rest, uint64_t gpa, uint64_t owner)
{
	uint64_t number = gpa / HINT_REST_BLOCK;
	const struct block *block = g_hash_table_lookup(rest->blocks, &number);

	if (!block)
		return 0;
	return block->owner == owner ? MAX(block->until_ms, block->recalled_ms)
				     : block->recalled_ms;
}
