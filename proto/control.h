/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * control.h - the control protocol of hmmd, as PROTOCOL.md describes it
 *
 * Pure functions between text and structs, no I/O.  What a peer sends is checked here and
 * nowhere else: names, types, sizes and which arguments go together.
 *
 * Errors: a function that can fail returns false and fills in a struct control_error.
 */
#ifndef HMMD_CONTROL_H
#define HMMD_CONTROL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_SOCKET	 "/run/hmmd/control.sock"
#define CONTROL_PROTOCOL 1

#define CONTROL_LINE_MAX    (1u << 20) /* bytes of a request, newline included */
#define CONTROL_DEPTH_MAX   16	       /* nesting of a request */
#define CONTROL_RANGES_MAX  65536u     /* ranges in one request */
#define CONTROL_SECONDS_MAX 31536000   /* a year */
#define CONTROL_VM_MAX	    255u       /* bytes of a "vm" argument */
#define CONTROL_HINTS_MAX   4096u      /* hints in one answer to query-hints */
#define CONTROL_FIRST_MAX   1048576    /* hints that "first" may pass over */

/* ---- control.c: requests ------------------------------------------------ */

/*
 * The arguments.  X(NAME, "name", type, field of struct control_request)
 */
#define CONTROL_ARG_LIST(X)                                         \
	X(VM, "vm", VM, vm)                                         \
	X(POOL, "pool", POOL, pool)                                 \
	X(NAME, "name", POOL, name)                                 \
	X(ENGINE, "engine", ENGINE, engine)                         \
	X(GPA, "gpa", GPA, gpa)                                     \
	X(BYTES, "bytes", BYTES, bytes)                             \
	X(RANGES, "ranges", RANGES, ranges)                         \
	X(ALL, "all", TRUE, all)                                    \
	X(EVICT, "evict-idle-seconds", SECONDS, evict_idle_seconds) \
	X(FIRST, "first", FIRST, first)

enum control_arg {
#define CONTROL_ARG_ENUM(NAME, name, type, field) CONTROL_ARG_##NAME,
	CONTROL_ARG_LIST(CONTROL_ARG_ENUM)
#undef CONTROL_ARG_ENUM
		CONTROL_NR_ARGS
};

#define CONTROL_HAS(NAME) (1u << CONTROL_ARG_##NAME)
#define CONTROL_WHAT	  (CONTROL_HAS(RANGES) | CONTROL_HAS(BYTES) | CONTROL_HAS(ALL))

/*
 * The commands.  X(NAME, "name", who may, must have, may have, exactly one of)
 */
#define CONTROL_COMMAND_LIST(X)                                                                  \
	X(QUERY_STATUS, "query-status", ANYONE, 0, 0, 0)                                         \
	X(LIST_VMS, "list-vms", ANYONE, 0, 0, 0)                                                 \
	X(QUERY_VM, "query-vm", ANYONE, CONTROL_HAS(VM), 0, 0)                                   \
	X(LIST_POOLS, "list-pools", ANYONE, 0, 0, 0)                                             \
	X(CREATE_POOL, "create-pool", OPERATOR, CONTROL_HAS(NAME) | CONTROL_HAS(BYTES),          \
	  CONTROL_HAS(ENGINE), 0)                                                                \
	X(DESTROY_POOL, "destroy-pool", OPERATOR, CONTROL_HAS(NAME), 0, 0)                       \
	X(ATTACH, "attach", OPERATOR, CONTROL_HAS(VM), 0, 0)                                     \
	X(DETACH, "detach", OPERATOR, CONTROL_HAS(VM), 0, 0)                                     \
	X(MIGRATE, "migrate", OPERATOR, CONTROL_HAS(VM), CONTROL_HAS(POOL) | CONTROL_HAS(EVICT), \
	  CONTROL_WHAT)                                                                          \
	X(RECALL, "recall", OPERATOR, CONTROL_HAS(VM), 0, CONTROL_WHAT)                          \
	X(MAP, "map", OPERATOR, CONTROL_HAS(VM), CONTROL_HAS(GPA) | CONTROL_HAS(BYTES), 0)       \
	X(QUERY_HINTS, "query-hints", OPERATOR, CONTROL_HAS(VM), CONTROL_HAS(FIRST), 0)          \
	X(DOCTOR, "doctor", OPERATOR, 0, CONTROL_HAS(VM), 0)                                     \
	X(SUBSCRIBE, "subscribe", OPERATOR, 0, CONTROL_HAS(VM), 0)

enum control_command {
#define CONTROL_COMMAND_ENUM(NAME, ...) CONTROL_##NAME,
	CONTROL_COMMAND_LIST(CONTROL_COMMAND_ENUM)
#undef CONTROL_COMMAND_ENUM
		CONTROL_NR_COMMANDS
};

/* The error classes.  X(NAME, "Name") */
#define CONTROL_CLASS_LIST(X)                    \
	X(COMMAND_NOT_FOUND, "CommandNotFound")  \
	X(INVALID_ARGUMENT, "InvalidArgument")   \
	X(INVALID_REQUEST, "InvalidRequest")     \
	X(PERMISSION_DENIED, "PermissionDenied") \
	X(NO_MODULE, "NoModule")                 \
	X(VM_NOT_FOUND, "VmNotFound")            \
	X(VM_AMBIGUOUS, "VmAmbiguous")           \
	X(VM_GONE, "VmGone")                     \
	X(NOT_ATTACHED, "NotAttached")           \
	X(ALREADY_ATTACHED, "AlreadyAttached")   \
	X(NOT_KVM, "NotKvm")                     \
	X(POOL_NOT_FOUND, "PoolNotFound")        \
	X(ALREADY_EXISTS, "AlreadyExists")       \
	X(POOL_FULL, "PoolFull")                 \
	X(NOTHING_MOVABLE, "NothingMovable")     \
	X(OUT_OF_RANGE, "OutOfRange")            \
	X(NO_MEMORY, "NoMemory")                 \
	X(BUSY, "Busy")                          \
	X(INTERNAL, "Internal")

enum control_class {
#define CONTROL_CLASS_ENUM(NAME, name) CONTROL_CLASS_##NAME,
	CONTROL_CLASS_LIST(CONTROL_CLASS_ENUM)
#undef CONTROL_CLASS_ENUM
		CONTROL_NR_CLASSES
};

struct control_error {
	enum control_class class_;
	char *desc; /* one sentence for a person */
};

struct control_range {
	uint64_t gpa;
	uint64_t bytes;
};

/*
 * A request that passed every check.  has says which arguments were given; the fields of
 * the others are zero.  Ranges are whole pages, not empty, in the
 * guest address space.
 */
struct control_request {
	enum control_command command;
	unsigned int has; /* CONTROL_HAS(...) */
	json_object *id;  /* NULL if there was none, or it was null; see has_id */
	bool has_id;
	char *vm;
	char *pool;
	char *name;
	char *engine;
	uint64_t gpa;
	uint64_t bytes;
	bool all;
	uint64_t evict_idle_seconds;
	uint64_t first;
	struct control_range *ranges;
	size_t nr_ranges;
};

/*
 * Read one line (without its newline).  Also where the request is refused, id and has_id
 * are set if they could be read, so that the error can carry them.  In either case
 * control_request_clear() must follow.
 */
bool control_parse_request(const char *line, size_t length, struct control_request *request,
			   struct control_error *error);

void control_request_clear(struct control_request *request);
void control_error_clear(struct control_error *error);

const char *control_command_name(enum control_command command);

/* Whether the command changes or reveals more than anyone may: uid 0 or the group only. */
bool control_command_needs_operator(enum control_command command);

const char *control_class_name(enum control_class class_);

/* Whether a pool (or, to the kernel, a VM) may have that name. */
bool control_valid_name(const char *name);

/* ---- control-reply.c: what the server sends ----------------------------- */

/*
 * Each returns a new object, which the caller frees with json_object_put().  data and id may
 * be NULL.  Of data a reference is taken over; of id a new one is made.
 */
json_object *control_greeting(const char *version);
json_object *control_reply_return(const struct control_request *request, json_object *data);
json_object *control_reply_error(const struct control_request *request, enum control_class class_,
				 const char *desc, json_object *data);
json_object *control_event(const char *name, json_object *data, int64_t realtime_us);

/* A new string with the object on one line, newline included; free with g_free(). */
char *control_encode(json_object *message, size_t *length);

/* json_object_object_add() for the types that are needed here; name must be static. */
void control_add_u64(json_object *object, const char *name, uint64_t value);
void control_add_string(json_object *object, const char *name, const char *value);
void control_add_bool(json_object *object, const char *name, bool value);

#endif /* HMMD_CONTROL_H */
