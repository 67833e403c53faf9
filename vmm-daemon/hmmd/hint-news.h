/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint-news.h - which hints the guest is to be told of, and when
 *
 * A guest that does not read gets the latest of each hint once it does.  No I/O.
 */
#ifndef HMMD_HINT_NEWS_H
#define HMMD_HINT_NEWS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "hint-table.h"

#define HINT_NEWS_MS 100 /* between two results of one hint, at least */

/* Put the hint into the queue if what became of it is news, and it is not there yet. */
void hint_news_add(GQueue *news, Hint *hint);

/* It is not to be told of any more. */
void hint_news_remove(GQueue *news, Hint *hint);

/* The next hint to be told of; NULL if there is none, or it is too early: *wait_ms is how long. */
Hint *hint_news_next(const GQueue *news, int64_t now_ms, int64_t *wait_ms);

/* What to tell of it. */
struct hint_result hint_news_result(const Hint *hint);

/* It was told. */
void hint_news_told(GQueue *news, Hint *hint, int64_t now_ms);

#endif /* HMMD_HINT_NEWS_H */
