/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * memfill.h - inside memfill: the daemon that 'start' leaves owns the memory, the other verbs ask it
 */
#ifndef MEMFILL_H
#define MEMFILL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PAGE  4096UL
#define HUGE  (2UL << 20)
#define WORDS (PAGE / sizeof(uint64_t))

/* What a verb is asked to do; sent over the socket as it is, both ends being this program. */
struct request {
	char verb[16];
	char advice[24];
	uint64_t mib, seed, first, count, seconds, usec, cookie, each, rounds;
	uint32_t priority, flags, uid;
	uint8_t huge, holes, rest;
};

struct memory {
	uint64_t *words;
	uint64_t pages;
	uint64_t seed;
	bool huge;
};

/* ---- main.c ----------------------------------------------------------------------------- */

_Noreturn void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What the daemon does: an answer to @out, and the exit status of the verb. */

/* ---- content.c: what it holds ------------------------------------------------------------- */

void fill(struct memory *m, uint64_t seed);
void touch(const struct memory *m, uint64_t first, uint64_t end);
void corrupt(const struct memory *m, uint64_t page);

/* @usec: so long after each page */
int verify(const struct memory *m, uint64_t first, uint64_t end, uint64_t usec, FILE *out);
int loop(struct memory *m, uint64_t seconds, FILE *out);

/* ---- crowd.c: each CPU writes to it at the same time, for a while; all is as before then ------- */

int crowd(const struct memory *m, uint64_t first, uint64_t end, uint64_t seconds, FILE *out);

/* ---- place.c: where it lies, in guest-physical memory --------------------------------------- */

/* Memory as @r says; false where there is none. */
bool place(struct memory *m, const struct request *r);
int print_extents(const struct memory *m, uint64_t first, uint64_t end, FILE *out);
int print_info(const struct memory *m, FILE *out);

/* Other pages at the same addresses, same content; made by the program, or by the kernel's compaction. */
int replace(const struct memory *m, FILE *out);
int compact(const struct memory *m, FILE *out);

/* ---- hints.c: what the host is told about it ------------------------------------------------ */

struct hmmhint;

/* One for all hints: they end with the process.  NULL, and it was said why. */
struct hmmhint *handle(FILE *out);
int failed(const char *what, FILE *out); /* says errno; returns 1 */
int hint(const struct memory *m, const struct request *r, uint64_t end, FILE *out);
int print_hints(FILE *out);
int forget(const struct request *r, FILE *out);

/* ---- timed.c: how long hints take ----------------------------------------------------------- */

double now_ms(void);
int hint_each(const struct memory *m, const struct request *r, uint64_t end, FILE *out);
int latency(const struct memory *m, const struct request *r, uint64_t end, FILE *out);

/* ---- serve.c: the daemon ------------------------------------------------------------------- */

int connect_daemon(const char *name);
int start(const char *name, const struct request *r);

#endif /* MEMFILL_H */
