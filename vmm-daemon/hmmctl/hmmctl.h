/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hmmctl.h - what the files of hmmctl share; each section is named after the
 * file that owns it.
 *
 * Errors are GErrors of the domain HMMCTL_ERROR everywhere.  Functions that
 * fail leave their outputs untouched.
 */
#ifndef HMMCTL_H
#define HMMCTL_H

#include <glib.h>
#include <json-c/json.h>

#include "control.h"
#include "vmirror.h"

#define HMMCTL_SOCKET_ENV "HMMD_SOCKET"

struct ctl;

static inline void hmmctl_json_put(json_object *object)
{
	json_object_put(object);
}
typedef json_object hmmctl_json;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hmmctl_json, hmmctl_json_put)

/* ------------------------------------------------------------------ error.c */

#define HMMCTL_ERROR hmmctl_error_quark()

enum hmmctl_error {
	HMMCTL_ERROR_DONE,	  /* no error: --help or --version did all the work */
	HMMCTL_ERROR_FAILED,	  /* hmmd refused, or could not do it */
	HMMCTL_ERROR_USAGE,	  /* the command line makes no sense */
	HMMCTL_ERROR_UNREACHABLE, /* no hmmd, or something that does not speak as hmmd */
	HMMCTL_ERROR_TIMEOUT,	  /* hmmd took longer than it may */
	HMMCTL_ERROR_INTERRUPTED, /* SIGINT or SIGTERM */
};

GQuark hmmctl_error_quark(void);

/* The exit status that scripts see; see EXIT STATUS in hmmctl(8). */
int hmmctl_exit_status(const GError *error);

/* ------------------------------------------------------------------- text.c */

/*
 * A copy of @text that is safe to print on a terminal: no control characters,
 * no broken UTF-8, whatever the other side sent.
 */
char *text_clean(const char *text);

/* Columns that @text takes on a terminal. */
size_t text_columns(const char *text);

/* "3 h 12 min" and the like. */
char *text_duration(guint64 seconds);

/*
 * The one of @names that a person most likely meant by @word, or NULL.
 * @names may be NULL.
 */
const char *text_nearest(const char *word, const char *const *names);

/* ------------------------------------------------------------------ table.c */

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
	const char *heading; /* "" in every column: no heading line */
	enum table_align align;
};

struct table;

/* @columns must live as long as the table. */
struct table *table_new(const struct table_column *columns, size_t nr_columns);
void table_free(struct table *table);
typedef struct table table_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(table_auto, table_free)

/* Add the next cell, row by row; the text is copied and cleaned. */
void table_add(struct table *table, const char *text);
/* The same, for a text to be freed. */
void table_take(struct table *table, char *text);
/* Add a number of bytes with its unit. */
void table_add_bytes(struct table *table, guint64 bytes);
/* Add two cells: what is told, and what there is to tell of it. */
G_GNUC_PRINTF(3, 4)
void table_add_fact(struct table *table, const char *what, const char *format, ...);

/* Headings and rows, each line with its newline and no space before it. */
char *table_text(const struct table *table);

/* ------------------------------------------------------------------ reply.c */

/*
 * Read a member of what hmmd sent, and insist on its type.  Numbers are not
 * negative.  Strings live as long as @object and have no NUL inside.
 */
gboolean reply_u64(json_object *object, const char *key, guint64 *value, GError **error);
/* The same, for what the guest chose: up to 2^64 - 1. */
gboolean reply_any_u64(json_object *object, const char *key, guint64 *value, GError **error);
gboolean reply_double(json_object *object, const char *key, double *value, GError **error);
gboolean reply_bool(json_object *object, const char *key, gboolean *value, GError **error);
gboolean reply_string(json_object *object, const char *key, const char **value, GError **error);
/* NULL where the member is null or missing. */
gboolean reply_string_or_null(json_object *object, const char *key, const char **value,
			      GError **error);
gboolean reply_object(json_object *object, const char *key, json_object **value, GError **error);
gboolean reply_array(json_object *object, const char *key, json_object **value, GError **error);

/* What hmmd sent is not what PROTOCOL.md says. */
G_GNUC_PRINTF(2, 3)
gboolean reply_malformed(GError **error, const char *format, ...);

/* ---------------------------------------------------------------- objects.c */

/* The objects of PROTOCOL.md; strings live as long as the JSON they came from. */

struct vm_info {
	const char *name;
	const char *uuid; /* NULL if the VM has none */
	guint64 pid;
	gboolean attached;
	const char *state; /* "attached", "moving", "detaching"; "-" if not attached */
	guint64 ram_bytes;
	guint64 out_bytes;
	guint64 id;
};

struct pool_info {
	const char *name;
	const char *engine;
	guint64 id;
	guint64 bytes;
	guint64 used_bytes;
	guint64 free_huge;
	guint64 overhead_bytes;
};

struct slot_info {
	guint64 gpa;
	guint64 bytes;
	guint64 hva;
	const char *blocker; /* NULL if the slot's pages can move */
};

struct skipped_bytes {
	const char *reason;
	guint64 bytes;
};

struct moved_info {
	guint64 asked_bytes;
	guint64 moved_bytes;
	guint64 moved_huge;
	guint64 evicted_bytes; /* came home to make room */
	double seconds;
	GArray *skipped; /* struct skipped_bytes, most bytes first, none of 0 bytes */
};

struct hint_info {
	guint64 cookie; /* the guest chose it, */
	guint64 owner;	/* and this; 0: no process, the guest itself */
	const char *advice;
	guint64 priority;
	const char *status;
	const char *reason; /* why it was refused, or NULL */
	guint64 extents;
	guint64 asked_bytes;
	guint64 done_bytes;
	GArray *skipped; /* as in struct moved_info */
};

enum finding_level { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct finding {
	enum finding_level level;
	const char *topic;
	const char *text;
	const char *fix; /* NULL if there is none */
};

gboolean vm_from_json(json_object *object, struct vm_info *vm, GError **error);
gboolean pool_from_json(json_object *object, struct pool_info *pool, GError **error);
gboolean slot_from_json(json_object *object, struct slot_info *slot, GError **error);
gboolean finding_from_json(json_object *object, struct finding *finding, GError **error);
gboolean skipped_from_json(json_object *object, GArray **skipped, GError **error);
gboolean moved_from_json(json_object *object, struct moved_info *moved, GError **error);
void moved_clear(struct moved_info *moved);
typedef struct moved_info moved_auto;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(moved_auto, moved_clear)

gboolean hint_from_json(json_object *object, struct hint_info *hint, GError **error);
void hint_info_clear(struct hint_info *hint);

const char *finding_level_name(enum finding_level level);

/* ----------------------------------------------------------------- client.c */

struct client;

/* Called for each event that comes while a command runs. */
typedef void (*client_event_fn)(const char *name, json_object *event, void *data);

#define CLIENT_NO_TIMEOUT (-1)

/* Connect, and check the greeting.  @timeout_ms bounds the two together. */
struct client *client_connect(const char *path, int timeout_ms, GError **error);

/* The same over a socket that is connected already; takes @fd, also on failure. */
struct client *client_from_fd(int fd, int timeout_ms, GError **error);

void client_free(struct client *client);
typedef struct client client_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(client_auto, client_free)

/* The greeting's version of hmmd. */
const char *client_server_version(const struct client *client);

/* What the next calls do with events; they are dropped where @fn is NULL. */
void client_on_event(struct client *client, client_event_fn fn, void *data);

/*
 * Run a command and return its "return" object.  Takes @arguments, which may be
 * NULL.  Where hmmd answered with an error, @refusal (a new reference) is that
 * error object, checked to have a class and a desc, and @error is
 * HMMCTL_ERROR_FAILED with the desc.
 */
json_object *client_call(struct client *client, const char *command, json_object *arguments,
			 int timeout_ms, json_object **refusal, GError **error);

/* Wait for the next event of a subscription. */
json_object *client_next_event(struct client *client, int timeout_ms, const char **name,
			       GError **error);

/* ------------------------------------------------------------------- line.c */

struct line_reader;

/* Lines of at most @max bytes from @fd, which stays the caller's. */
struct line_reader *line_reader_new(int fd, size_t max);
void line_reader_free(struct line_reader *reader);
void line_reader_set_max(struct line_reader *reader, size_t max);

/*
 * The next line, without its newline, valid until the next call; NULL on error.
 * @deadline is in g_get_monotonic_time() microseconds, or -1.
 */
const char *line_read(struct line_reader *reader, gint64 deadline, size_t *length, GError **error);

/* Send all of @data. */
gboolean line_write(int fd, const char *data, size_t length, gint64 deadline, GError **error);

/* Absolute deadline from a timeout in ms; CLIENT_NO_TIMEOUT gives -1. */
gint64 line_deadline(int timeout_ms);

/* -------------------------------------------------------------- interrupt.c */

/* From now on SIGINT and SIGTERM end waits with HMMCTL_ERROR_INTERRUPTED. */
void interrupt_catch(void);

/*
 * poll() one fd, until @deadline as in line_read(); TRUE when it is ready.  No
 * signal is missed between the last look and the sleep.
 */
gboolean interrupt_poll(int fd, short events, gint64 deadline, GError **error);

/* ---------------------------------------------------------------- explain.c */

struct explain_context {
	const char *command;
	const char *vm;		/* what the user called the VM, or NULL */
	const char *pool;	/* likewise */
	const char *const *vms; /* names that exist, or NULL */
	const char *const *pools;
};

/* One line for a person: what hmmd refused, and what to do about it. */
char *explain_refusal(json_object *refusal, const struct explain_context *context);

/* ----------------------------------------------------------------- report.c */

enum report_direction { REPORT_OUT, REPORT_BACK };

/* "moved 64 MiB (32 huge pages) in 0.08 s, 800 MiB/s", then what did not move. */
char *report_moved(const struct moved_info *moved, enum report_direction direction);

/* "3 MiB pinned (pinned, by VFIO or another user of DMA)" */
char *report_skipped(const struct skipped_bytes *skipped, enum report_direction direction);

/* Bytes per second with a unit; NULL where no time went by. */
char *report_rate(guint64 bytes, double seconds);

/* Print the answer to a migrate or a recall, as the options ask for. */
gboolean report_answer(const struct ctl *ctl, json_object *answer, enum report_direction direction,
		       GError **error);

/* --------------------------------------------------------------- progress.c */

struct progress_state {
	const char *label;
	guint64 done_bytes;
	guint64 total_bytes;
	guint64 moved_bytes;
	double seconds; /* since the command was sent */
};

/* A bar that fits in @columns, without newline. */
char *progress_bar(const struct progress_state *state, size_t columns, gboolean utf8);

/* The same as a plain line, without newline. */
char *progress_line(const struct progress_state *state);

struct progress; /* shows it on stderr, as the options and the terminal allow */

struct progress *progress_new(const struct ctl *ctl, const char *label);
void progress_event(const char *name, json_object *event, void *progress);
/* Wipes the bar. */
void progress_free(struct progress *progress);
typedef struct progress progress_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(progress_auto, progress_free)

/* -------------------------------------------------------------- event-text.c */

/* One line for a person about an event of a subscription, without newline. */
char *event_text(const char *name, json_object *event);

/* --------------------------------------------------------------- hint-text.c */

/* A line for each struct hint_info, headings first. */
char *hint_table(const GArray *hints);

/*
 * What the reasons in that table mean, once and not on every line, with what all the hints
 * together have of each; NULL where there are none.
 */
char *hint_reasons(const GArray *hints);

/* --------------------------------------------------------- map.c map-draw.c */

enum map_kind { MAP_ABSENT, MAP_RAM, MAP_POOL, MAP_ERROR };

/* A run of guest memory in one state. */
struct map_extent {
	guint64 gpa;
	guint64 bytes;
	enum map_kind kind;
	gboolean huge; /* made of 2 MiB pages */
	guint pool;    /* MAP_POOL: index in the pool names */
};

struct map {
	GArray *extents;  /* struct map_extent, ascending, no overlap */
	GPtrArray *pools; /* names, as they first came */
};

struct map *map_new(void);
void map_free(struct map *map);
typedef struct map map_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(map_auto, map_free)

/*
 * Add hmmd's extents; runs that only differ in where in the pool they are become one.
 * On failure the map may have some of them.
 */
gboolean map_add_json(struct map *map, json_object *extents, GError **error);

struct map_style {
	size_t columns; /* of the terminal */
	gboolean utf8;
	gboolean colour;
};

/* The picture: rows, legend, totals. */
char *map_draw(const struct map *map, const struct map_style *style);

/* --------------------------------------------------------------- selector.c */

/* Which memory a migrate or a recall is about. */
struct selector {
	char **gpa;
	char *bytes;
	gboolean all;
};

/* Options for GOption to fill in a selector. */
#define SELECTOR_OPTIONS(selector)                                                   \
	{ "gpa",                                                                     \
	  'g',                                                                       \
	  0,                                                                         \
	  G_OPTION_ARG_STRING_ARRAY,                                                 \
	  &(selector).gpa,                                                           \
	  "This range of guest addresses (may be given again)",                      \
	  "GPA+SIZE" },                                                              \
		{ "bytes",                                                           \
		  'b',                                                               \
		  0,                                                                 \
		  G_OPTION_ARG_STRING,                                               \
		  &(selector).bytes,                                                 \
		  "So many bytes, wherever they are",                                \
		  "SIZE" },                                                          \
	{                                                                            \
		"all", 'a', 0, G_OPTION_ARG_NONE, &(selector).all, "All of it", NULL \
	}

/* Put it into @arguments; exactly one of the three must be there. */
gboolean selector_to_json(const struct selector *selector, json_object *arguments, GError **error);
void selector_clear(struct selector *selector);
typedef struct selector selector_auto;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(selector_auto, selector_clear)

/* ---------------------------------------------------------- local-findings.c */

struct local_paths {
	const char *modules; /* "/proc/modules" */
	const char *module;  /* "/sys/module/vmirror": there also when it is built in */
	const char *device;  /* "/dev/vmirror" */
};

/*
 * What can be found out where hmmd does not answer: an array of findings as hmmd's doctor
 * sends.  @connect_error says why it did not, and what to do.
 */
json_object *local_findings(const struct local_paths *paths, const char *connect_error);

/* A finding as JSON. */
json_object *local_finding(enum finding_level level, const char *topic, const char *text,
			   const char *fix);

/* ------------------------------------------------------------------ terminal.c */

gboolean terminal_utf8(void);
/* Colours: @fd is a terminal, and neither NO_COLOR nor TERM=dumb forbids them. */
gboolean terminal_colour(int fd);
gboolean terminal_is(int fd);
/* Its width, else $COLUMNS, else 80. */
size_t terminal_columns(int fd);

/* ------------------------------------------------------------------ verbs.c */

struct verb {
	const char *name;
	const char *operands; /* as --help shows them */
	int min_operands;
	int max_operands;
	const char *summary;
	const char *details; /* below the options: notes and examples */
	gboolean (*run)(struct ctl *ctl, GError **error);
};

/* The one with that name, or NULL. */
const struct verb *verb_find(const char *name);

/*
 * Take the verb out of the command line.  Options may come before it.  Without a
 * verb *verb is NULL and nothing has changed.
 */
gboolean verb_take(int *argc, char **argv, const struct verb **verb, GError **error);

/* The list for --help. */
char *verb_list_text(void);

gboolean verb_list(struct ctl *ctl, GError **error);
gboolean verb_status(struct ctl *ctl, GError **error);
gboolean verb_pools(struct ctl *ctl, GError **error);
gboolean verb_pool_create(struct ctl *ctl, GError **error);
gboolean verb_pool_destroy(struct ctl *ctl, GError **error);
gboolean verb_attach(struct ctl *ctl, GError **error);
gboolean verb_detach(struct ctl *ctl, GError **error);
gboolean verb_migrate(struct ctl *ctl, GError **error);
gboolean verb_recall(struct ctl *ctl, GError **error);
gboolean verb_map(struct ctl *ctl, GError **error);
gboolean verb_hints(struct ctl *ctl, GError **error);
gboolean verb_events(struct ctl *ctl, GError **error);
gboolean verb_doctor(struct ctl *ctl, GError **error);

/* -------------------------------------------------------------------- ctl.c */

/* One run of hmmctl. */
struct ctl {
	/* The command line, the program's name first, then operands once parsed. */
	int argc;
	char **argv;
	const struct verb *verb;

	/* Options that every verb has. */
	gboolean json;
	gboolean quiet;
	gboolean verbose;
	gboolean help;
	gboolean version;
	char *socket;

	struct client *client; /* made by the first ctl_call() */
	json_object *refusal;  /* what hmmd said when it refused */
	int exit_status;       /* where there was no error */
};

/*
 * Parse the command line with the options @own (NULL-terminated, may be NULL) and the
 * common ones, and check the number of operands.  --help prints and is
 * HMMCTL_ERROR_DONE.
 */
gboolean ctl_parse(struct ctl *ctl, const GOptionEntry *own, GError **error);

/* Operand number @index, or NULL. */
const char *ctl_operand(const struct ctl *ctl, int index);

/* Commands that only ask; those that move memory wait as long as it takes. */
#define CTL_ASK_TIMEOUT_MS (60 * 1000)

gboolean ctl_connect(struct ctl *ctl, GError **error);

/*
 * client_call(), connecting first where needed, with an error that tells the user what to do
 * next.  Takes @arguments.
 */
json_object *ctl_call(struct ctl *ctl, const char *command, json_object *arguments, int timeout_ms,
		      GError **error);

/* ctl_call() with a progress bar, for commands that may take long. */
json_object *ctl_call_long(struct ctl *ctl, const char *command, json_object *arguments,
			   const char *label, GError **error);

/*
 * A whole verb: ends what its operand names, a VM's attachment or a pool, with the argument @key
 * of @command, and says "KINDname SAID; ... came back".
 */
gboolean ctl_end(struct ctl *ctl, const char *command, const char *key, const char *label,
		 const char *kind, const char *said, GError **error);

/* Print JSON on one line, and see it out. */
gboolean ctl_print_json(json_object *object, GError **error);

/* Print a line about what was done, unless --quiet. */
G_GNUC_PRINTF(2, 3)
void ctl_say(const struct ctl *ctl, const char *format, ...);

/* See that everything printed has left; a full disk shall not go unnoticed. */
gboolean ctl_flush(GError **error);

/* Print @error as the options ask for, and give the exit status. */
int ctl_fail(const struct ctl *ctl, const GError *error);

void ctl_clear(struct ctl *ctl);

#endif /* HMMCTL_H */
