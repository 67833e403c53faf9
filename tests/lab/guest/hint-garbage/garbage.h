/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * garbage.h - inside hint-garbage
 */
#ifndef GARBAGE_H
#define GARBAGE_H

#include "hint.h"

/* What hmmd's answer must be; X(NAME, "name") */
#define ANSWER_LIST(X)                                                         \
	X(ANYTHING, "anything: the kind is there for what it costs the host")  \
	X(NOTHING, "none: it is passed over, and a PING after it is answered") \
	X(ERROR_FRAME, "ERROR bad-frame")                                      \
	X(ERROR_HALF, "ERROR half-frame")                                      \
	X(ERROR_ORDER, "ERROR bad-order")                                      \
	X(ERROR_VERSION, "ERROR bad-version")                                  \
	X(REFUSED_EXTENTS, "RESULT refused bad-extents, and the talk goes on") \
	X(REFUSED_MANY, "RESULT refused too-many, and the talk goes on")       \
	X(NO_MEMORY, "RESULT done, bytes skipped: no-memory")                  \
	X(RESULT, "RESULT")

enum answer {
#define ANSWER_ENUM(NAME, name) ANSWER_##NAME,
	ANSWER_LIST(ANSWER_ENUM)
#undef ANSWER_ENUM
};

/* How far the conversation has come before the garbage is sent. */
enum stage {
	STAGE_NONE,    /* the port is open */
	STAGE_SESSION, /* HOST_HELLO was read */
	STAGE_HELLO,   /* GUEST_HELLO was sent */
};

struct options {
	const char *port;
	double seconds; /* how long a kind that has no end goes on */
	double answer;	/* how long is waited for an answer */
	uint64_t seed;
	uint64_t gpa, bytes; /* memory that hints are about, where that does not matter */
	bool quiet;
};

struct counts {
	uint64_t sent_frames, sent_bytes;
	uint64_t hellos, pongs, accepted, done, no_memory;
	uint64_t refused[HINT_REASON_LAST + 1];
	uint64_t errors[HINT_ERROR_LAST + 1];
	uint64_t broken, hung_up, opened;
};

struct talk {
	const struct options *options;
	int fd;
	bool mute; /* nothing is read */
	struct hint_reader reader;
	struct hint_limits limits; /* of the last HOST_HELLO */
	uint64_t random;
	struct counts counts;
	uint64_t printed;
	size_t nr_in;
	char in[2 * HINT_FRAME_MAX];
	char out[HINT_FRAME_MAX];
};

struct kind {
	const char *name;
	const char *text;
	enum stage stage;
	enum answer answer;
	void (*run)(struct talk *talk);
};

/* ---- talk.c: the port ---------------------------------------------------------------------- */

double now(void);
uint64_t random_number(struct talk *talk);

bool talk_open(struct talk *talk, const struct options *options);
void talk_close(struct talk *talk);

/* Read and print what comes, for so long at most; false where nothing did. */
bool talk_listen(struct talk *talk, double seconds);

/* Write it all, and read meanwhile; false where the host took nothing for ten seconds. */
bool talk_send(struct talk *talk, const void *bytes, size_t n);
bool talk_send_frame(struct talk *talk, size_t n); /* of talk->out */

/* Ask for a conversation until there is one, for so long at most. */
bool talk_begin(struct talk *talk, enum stage stage, double seconds);

/* ---- kinds-frame.c, kinds-extents.c, kinds-storm.c: each a list, ended by an empty one ------ */

extern const struct kind frame_kinds[], extents_kinds[], storm_kinds[];

const struct kind *kind_of_number(uint64_t number); /* any number: of all but the mixed ones */

/* ---- main.c -------------------------------------------------------------------------------- */

/* A hint about @nr extents, the usual one if they are NULL: sent. */
struct hint_request usual_hint(uint64_t cookie);
bool send_hint(struct talk *talk, const struct hint_request *request,
	       const struct hint_extent *extents);
bool send_ping(struct talk *talk, uint64_t token);

/* Hints, for whatever reason. */
uint64_t all_refused(const struct counts *counts);

#endif /* GARBAGE_H */
