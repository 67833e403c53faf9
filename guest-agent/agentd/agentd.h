/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agentd.h - inside hmm-agentd; its sections are named after the files
 *
 * One thread.  Whatever happens comes out of epoll, one event at a time, so whoever handles it may
 * close and free what it likes; after each event the work that is due is done, a slice at a time.
 * Functions that can fail return 0 or an errno.
 *
 *   process ── server, connection, request ──┐
 *                                            ▼
 *                 user, process ◀── hint (its queues) ── translate ── channel ── port ── host
 */
#ifndef AGENTD_H
#define AGENTD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "budget.h"
#include "extents.h"
#include "hint.h"
#include "local.h"
#include "pace.h"

struct agent;
struct connection;

#define container_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

/* ---- list.c: a circular list; its head is an item that is none ------------------------------ */

struct list {
	struct list *next, *prev;
};

void list_begin(struct list *head);
void list_append(struct list *head, struct list *item);
void list_remove(struct list *item); /* harmless where it is in none, but begun */
bool list_empty(const struct list *head);

/* ---- options.c --------------------------------------------------------------------------- */

struct options {
	const char *port;
	const char *socket;
	uint32_t max_hints;	     /* in all */
	uint32_t max_hints_per_user; /* not of root */
	uint32_t max_extents;	     /* of all hints */
	uint32_t max_connections;    /* in all */
	uint32_t max_connections_per_user;
	uint32_t requests_per_second; /* of a user; twice as many at once */
	uint32_t pages_per_second;    /* that are looked at */
};

#define MAX_USERS	1024u
#define MAX_PROCESSES	4096u
#define EXTENTS_PER_JOB 65536u /* of one hint */

/* Does not return where there is nothing to run: --help, or wrong use. */
void options_take(struct options *options, int argc, char **argv);

/* ---- log.c: to stderr, a line each ------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);

/* ---- privileges.c ------------------------------------------------------------------------ */

/* Drop all but what the agent needs; see there for what that is. */
int privileges_drop(void);

/* ---- loop.c ------------------------------------------------------------------------------ */

/* A file descriptor that is watched. */
struct watch {
	int fd;
	void (*ready)(struct agent *agent, struct watch *watch, uint32_t events);
};

int loop_begin(struct agent *agent);
int loop_add(struct agent *agent, struct watch *watch, uint32_t events);
void loop_change(struct agent *agent, struct watch *watch, uint32_t events);
void loop_remove(struct agent *agent, struct watch *watch);
void loop_run(struct agent *agent); /* until a signal ends it */

/* ---- user.c: limits ---------------------------------------------------------------------- */

struct user {
	struct list link;
	uid_t uid;
	uint32_t nr_hints, nr_connections;
	struct budget requests;
};

/* The one of that uid, made if need be; NULL: too many. */
struct user *user_get(struct agent *agent, uid_t uid);
/* One that nothing refers to any more goes when another one needs its place. */
void user_tidy(struct agent *agent);

/* ---- process.c --------------------------------------------------------------------------- */

/* A process that a connection or a hint is about; it stays the same one, whatever becomes of its pid. */
struct process {
	struct watch watch; /* a pidfd */
	struct list link;
	pid_t pid;
	uint32_t refs;
	bool ended;
	struct list hints;
};

/* Whoever is at the other end of a socket: a reference. */
int process_of_peer(struct agent *agent, int fd, pid_t pid, struct process **process);
/* By its number: a reference; ESRCH, EMFILE, ENOSPC. */
int process_of_pid(struct agent *agent, pid_t pid, struct process **process);
void process_put(struct agent *agent, struct process *process);

/*
 * Its directory in /proc, if user @uid may have it looked at: root may; others where it is theirs
 * wholly, and shows its memory.  ESRCH, EACCES, EMFILE.
 */
int process_open(const struct process *process, uid_t uid, int *directory);

/* ---- hint.c, queue.c --------------------------------------------------------------------- */

enum { QUEUE_NEW = PACE_STEPS, QUEUE_COUNT };

struct hint {
	struct list by_number, of_process, of_connection, queued;
	struct hint *next_in_bucket;
	struct user *user;
	struct process *process;
	int64_t due_ms;
	uint64_t digest; /* of the extents that the host has; of no meaning before @told */
	struct local_status status; /* what it is, and what became of it */
	uint32_t nr_extents;
	uint8_t step;
	bool told;	/* the host has it, in this session */
	bool forgotten; /* the host is to be told so; nobody else sees it any more */
};

#define HINT_BUCKETS 4096u

struct hint_table {
	struct hint *buckets[HINT_BUCKETS];
	struct list by_number; /* without those that are forgotten */
	struct list forgotten;
	struct list queues[QUEUE_COUNT]; /* one for each wait: each is in order of time by itself */
	uint64_t last_number;
	uint32_t nr; /* all, forgotten ones included */
	uint64_t nr_extents;
	bool turn_new; /* new ones and old ones take turns */
};

void hints_begin(struct hint_table *table);
struct hint *hint_find_cookie(struct agent *agent, uint64_t cookie);
/* A hint for that request, which goes with the connection unless it stays: EDQUOT, ENOSPC, ENOMEM. */
int hint_add(struct agent *agent, const struct local_advise *advise, struct process *process,
	     struct connection *connection, struct hint **hint);
/* One of that cookie is forgotten, but the host has not been told so. */
bool hint_is_going(struct agent *agent, uint64_t cookie);
void hint_forget(struct agent *agent, struct hint *hint);
void hint_free(struct agent *agent, struct hint *hint);
/* How the host's answer stands; wakes who waits for it. */
void hint_result(struct agent *agent, const struct hint_result *result);
/* The host knows nothing any more. */
void hints_untold(struct agent *agent);

void queue_new(struct agent *agent, struct hint *hint);
void queue_later(struct agent *agent, struct hint *hint);
struct hint *queue_take(struct agent *agent); /* the next that is due, or NULL */
int64_t queue_due_ms(struct agent *agent);    /* when; INT64_MAX: never */

/* ---- translate.c, scan.c: from a hint's addresses to extents, and to the host --------------- */

#define MAPS_ROOM    4096
#define PAGEMAP_ROOM 8192 /* entries */

/* Where one is in a hint's memory. */
struct scan {
	int maps, pagemap;    /* maps is -1 where the range is read as it is */
	uint64_t at, end;     /* what is left of this mapping, or of the range */
	uint64_t first, last; /* the range */
	bool whole;
	bool skipping; /* the rest of a long line */
	size_t text;
	uint64_t asked, shared, left;
	char buffer[MAPS_ROOM];
};

int scan_begin(struct scan *scan, int directory, const struct local_status *hint);
/* Go on: *@pages is what it cost.  True: that was all. */
bool scan_step(struct scan *scan, struct extents *extents, int64_t *pages);
void scan_end(struct scan *scan);

struct translator {
	struct hint *hint; /* NULL: none is under way */
	bool sending;
	uint32_t sent; /* extents of it that are in the channel */
	bool begun;    /* a part of it is */
	struct budget pages;
	struct extents extents;
	struct scan scan;
};

int translator_begin(struct agent *agent);
/* One slice of work.  False: there is none now. */
bool translator_work(struct agent *agent);
/* When there is some: never earlier, maybe nothing then. */
int64_t translator_due_ms(struct agent *agent);
/* This hint goes.  False: it cannot yet, a part of it is in the channel. */
bool translator_drop(struct agent *agent, struct hint *hint);
void translator_reset(struct agent *agent);

/* ---- channel.c: the conversation with the host ------------------------------------------- */

struct channel {
	struct hint_reader reader;
	struct hint_limits limits;
	bool up;	   /* hello was said */
	int64_t say_ms;	   /* when GUEST_START is said, or PING once it is up; INT64_MAX: not */
	int64_t ask_after; /* the wait before the next */
	size_t nr_in, nr_out, out_at;
	char in[2 * HINT_FRAME_MAX];
	char out[2 * HINT_FRAME_MAX];
};

void channel_begin(struct agent *agent);
void channel_connected(struct agent *agent); /* the port is open, the host is there */
void channel_gone(struct agent *agent);	     /* it hung up */
void channel_read(struct agent *agent);
void channel_write(struct agent *agent);
void channel_timers(struct agent *agent);
bool channel_writing(const struct agent *agent); /* it has something that is not written yet */
bool channel_put_part(struct agent *agent, const struct hint *hint, const struct extents *extents,
		      uint32_t from, uint32_t *nr);
void channel_put_forgotten(struct agent *agent);

/* ---- port.c: the port's file -------------------------------------------------------------- */

enum port_state { PORT_CLOSED = 1, PORT_HUNG_UP, PORT_OPEN };

struct port {
	struct watch watch;
	enum port_state state;
	bool is_socket;
	bool complained;
	int64_t try_ms;
};

void port_begin(struct agent *agent);
void port_timers(struct agent *agent);
/* Bytes, 0 for none now, or -1: it has hung up, and channel_gone() was called. */
ssize_t port_read(struct agent *agent, void *to, size_t room);
ssize_t port_write(struct agent *agent, const void *from, size_t n);
void port_want_write(struct agent *agent, bool want);

/* ---- server.c, connection.c, request.c: the local socket ----------------------------------- */

struct connection {
	struct watch watch;
	struct list link;
	struct user *user;
	struct process *process;
	struct list hints;    /* that go with it */
	uint64_t wait_cookie; /* a WAIT is to be answered, or 0 */
	int64_t wait_ms;      /* until then */
};

int server_begin(struct agent *agent);
void connection_open(struct agent *agent, int fd); /* takes the fd, whatever it does with it */
void connection_close(struct agent *agent, struct connection *connection);
/* A reply.  Where it does not fit the peer does not read: the connection is ended. */
void connection_reply(struct connection *connection, struct local_reply *reply, size_t nr_hints);
void connection_reply_hint(struct connection *connection, enum local_type type,
			   const struct hint *hint);
void connection_error(struct connection *connection, enum local_type type, int error);
void connection_wait(struct agent *agent, struct connection *connection, uint64_t cookie,
		     int32_t timeout_ms);
/* May it see that hint, and take it back? */
bool connection_may(const struct connection *connection, const struct hint *hint);
void connections_look(struct agent *agent, uint64_t cookie); /* who waits for it */
void connection_timers(struct agent *agent);
int64_t connection_due_ms(struct agent *agent);
/* A request that was checked. */
void request_handle(struct agent *agent, struct connection *connection, const void *request);

/* ---- main.c ------------------------------------------------------------------------------ */

struct agent {
	struct options options;
	int epoll, signals;
	int64_t now_ms; /* as the last event came */
	struct watch server;
	struct list connections;
	uint32_t nr_connections;
	struct list users;
	uint32_t nr_users;
	struct list processes;
	uint32_t nr_processes;
	struct hint_table hints;
	struct translator translator;
	struct port port;
	struct channel channel;
};

#endif /* AGENTD_H */
