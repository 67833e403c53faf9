/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli.h - inside hmm-hint; its sections are named after the files
 */
#ifndef HMM_HINT_CLI_H
#define HMM_HINT_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hmmhint.h"

/* What scripts can trust. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* refused, or it could not be; stderr says why */
	EXIT_MISUSE = 2,
	EXIT_NO_AGENT = 3, /* nothing listens: no hmm-agentd in this VM */
	EXIT_NOT_YET = 4,  /* --wait: it was not done in that time */
	EXIT_RUN = 125,	   /* run: something of the above; the command has not begun */
};

/* ---- parse.c: pure; false leaves what they set as it was ------------------------------------ */

/* Bytes: a number, decimal or 0x, and nothing or B, K, KiB, M, MiB, G, GiB, T, TiB. */
bool parse_bytes(const char *text, uint64_t *bytes);
/* ADDRESS+BYTES, or START..END. */
bool parse_range(const char *text, uint64_t *address, uint64_t *length);
/* A whole number, decimal or 0x, and nothing else, up to @most. */
bool parse_number(const char *text, uint64_t most, uint64_t *value);
/* "64 MiB", "1.5 GiB", "0". */
#define BYTES_TEXT 24
const char *format_bytes(uint64_t bytes, char text[BYTES_TEXT]);

/* ---- error.c ----------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);
_Noreturn __attribute__((format(printf, 2, 3))) void misuse(int status, const char *format, ...);
/* What errno means for somebody who asked @what; and the exit status. */
int explain(const char *what);

/* ---- one verb a file ---------------------------------------------------------------------- */

/*
 * @socket: of the agent; NULL is its usual place
 * @argv: of the verb: [0] is its name, or the program's where there is none
 */
struct cli {
	const char *socket;
	int argc;
	char **argv;
};

/* A handle at that socket; it ends where there is no memory. */
struct hmmhint *cli_open(const struct cli *cli);

int verb_advise(struct cli *cli);
int verb_run(struct cli *cli);
int verb_status(struct cli *cli);
int verb_forget(struct cli *cli);

#endif /* HMM_HINT_CLI_H */
