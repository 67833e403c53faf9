/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hmmd.h - what the files of hmmd offer each other; one section a file
 *
 * Threads: everything runs in the main thread, except what is marked "worker".  A worker gets
 * plain numbers and file descriptors, calls the kernel, and hands its result to the main
 * thread.  No object here is locked; the main thread alone changes them.
 *
 * Errors: functions that can fail return false, -1 or NULL and set a GError of domain
 * HMMD_ERROR, whose code is an enum control_class.  kernel_migrate() and its like, which are
 * called in steps, return -errno.
 */
#ifndef HMMD_HMMD_H
#define HMMD_HMMD_H

#include <glib-unix.h>
#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "control.h"
#include "move.h"
#include "picture.h"
#include "proc.h"
#include "ring.h"
#include "settings.h"
#include "vmirror.h"

typedef struct Call Call;
typedef struct Client Client;
typedef struct Hints Hints;
typedef struct Job Job;
typedef struct Pool Pool;
typedef struct Vm Vm;

/* ---- error.c ------------------------------------------------------------ */

#define HMMD_ERROR hmmd_error_quark()
GQuark hmmd_error_quark(void);

G_GNUC_PRINTF(3, 4)
void hmmd_set_error(GError **error, enum control_class class_, const char *format, ...);

/* ---- log.c -------------------------------------------------------------- */

bool log_level_parse(const char *name, GLogLevelFlags *level);
void log_start(GLogLevelFlags level);

/* What a message is about goes into the journal as HMMD_VM= and HMMD_POOL=; each may be NULL. */
G_GNUC_PRINTF(4, 5)
void log_about(GLogLevelFlags level, const char *vm, const char *pool, const char *format, ...);

#define log_info(vm, pool, ...)	 log_about(G_LOG_LEVEL_INFO, vm, pool, __VA_ARGS__)
#define log_warn(vm, pool, ...)	 log_about(G_LOG_LEVEL_WARNING, vm, pool, __VA_ARGS__)
#define log_debug(vm, pool, ...) log_about(G_LOG_LEVEL_DEBUG, vm, pool, __VA_ARGS__)

/* ---- options.c ---------------------------------------------------------- */

typedef struct {
	char *config; /* NULL: the default, which need not exist */
	char *socket;
	char *device;
	char *log_level;
} Options;

/* Also answers --help and --version, and then exits. */
bool options_parse(int *argc, char ***argv, Options *options, GError **error);
void options_clear(Options *options);

/* ---- fdstore.c: systemd keeps our file descriptors over a restart ------- */

bool fdstore_available(void);
void fdstore_add(int fd, const char *kind, uint32_t id);

/* Worker: returns when systemd has closed its copy, or could not be asked. */
void fdstore_remove(const char *kind, uint32_t id);

/* The fds that were stored: a g_free()able array. */
int *fdstore_take(unsigned int *nr);

void service_ready(void);
void service_stopping(void);

/* ---- kernel.c: vmirror's ioctls ----------------------------------------- */

void kernel_set_device(const char *path);

/* Open the device, if that was not done before.  Sets NoModule where there is none. */
bool kernel_open(GError **error);

/* Call what once it is open: at once, or when kernel_open() comes to it. */
void kernel_when_open(void (*what)(void));
bool kernel_info(struct vmirror_info *info, GError **error);
int kernel_pool_create(int engine, uint64_t bytes, const char *name, GError **error);
bool kernel_pool_stat(int pool_fd, struct vmirror_pool_stat *stat, GError **error);
int kernel_vm_attach(int kvm_fd, pid_t pid, const char *name, GError **error);
bool kernel_vm_stat(int vm_fd, struct vmirror_vm_stat *stat, GError **error);

/* ---- pidfd.c: a process and its KVM fd, whatever becomes of its pid ----- */

int pidfd_open_process(pid_t pid, GError **error);
bool pidfd_alive(int pidfd);

/* A copy of the VM's KVM fd, out of the process that vmm describes. */
int pidfd_take_kvm(int pidfd, const ProcVmm *vmm, GError **error);

/* ---- find.c: the VM that someone means ---------------------------------- */

/* An attached VM by name, UUID or process id. */
Vm *find_vm(const char *text, GError **error);

/* A running VMM by name, UUID or process id; free with proc_vmm_free(). */
ProcVmm *find_vmm(const char *text, GError **error);

/* ---- job.c: long work, in worker threads -------------------------------- */

/*
 * One piece of work.  run is called in a worker, then done in the main thread; done answers
 * the call, if there still is one, and frees data.  Jobs of one VM that are serial run one
 * after the other.
 */
struct Job {
	Call *call; /* NULL: nobody waits for it, or no longer */
	Vm *vm;	    /* NULL: it is about a pool */
	bool serial;
	bool background; /* gives way to the VM's other jobs, and to all where CPUs are scarce */
	bool progress;	 /* tell the caller how far it is */
	void (*run)(Job *job);
	void (*done)(Job *job);
	void *data;

	const char *stopped; /* why the main thread stopped it, else NULL */
	enum control_class stopped_class;
	MoveProgress at; /* shared with the worker */
	guint timer;
	GThread *thread; /* of its own */
};

void job_init(void);
void job_shutdown(void);
Job *job_new(Call *call, Vm *vm, void (*run)(Job *job), void (*done)(Job *job), void *data);
void job_start(Job *job);

/* For vm.c: its turn has come. */
void job_run(Job *job);

/* Ask it to end at its next step; its caller will be told class and why. */
void job_stop(Job *job, enum control_class class_, const char *why);

/* ---- pool.c ------------------------------------------------------------- */

struct Pool {
	char *name;
	uint32_t id;
	uint32_t engine;
	uint64_t bytes;
	int fd;
	GPtrArray *jobs; /* that move pages into it */
	bool closing;
	Call *closing_call;
};

Pool *pool_create(const char *name, int engine, uint64_t bytes, GError **error);

/* Take over a pool fd of an earlier hmmd; false if it is no pool fd. */
bool pool_adopt(int fd);
Pool *pool_find(const char *name);
Pool *pool_by_id(uint32_t id);
const char *pool_name(uint32_t id);

/* The pool with that name, or, if name is NULL, the only one there is. */
Pool *pool_pick(const char *name, GError **error);
GPtrArray *pool_list(void);
void pool_use(Pool *pool, Job *job);
void pool_unuse(Pool *pool, Job *job);

/* Close it; pages come home.  call is answered then. */
void pool_destroy(Pool *pool, Call *call);
void pool_forget_call(Call *call);
json_object *pool_json(Pool *pool);

/* ---- vm.c: attached VMs ------------------------------------------------- */

#define VM_MAY(command) (1u << CONTROL_##command)
#define VM_MAY_LOOK	(VM_MAY(QUERY_VM) | VM_MAY(MAP) | VM_MAY(QUERY_HINTS) | VM_MAY(DOCTOR))
#define VM_MAY_MOVE	(VM_MAY(MIGRATE) | VM_MAY(RECALL) | VM_MAY(DETACH))

/* X(NAME, "name", commands that are permitted, what to say of one that is not) */
#define VM_STATE_LIST(X)                                                 \
	X(ATTACHED, "attached", VM_MAY_LOOK | VM_MAY_MOVE, "")           \
	X(MOVING, "moving", VM_MAY_LOOK | VM_MAY_MOVE, "")               \
	X(DETACHING, "detaching", VM_MAY(QUERY_VM), "is being detached") \
	X(CLOSING, "detaching", 0, "is being detached")                  \
	X(GONE, "gone", 0, "has ended")

enum vm_state {
#define VM_STATE_ENUM(NAME, ...) VM_STATE_##NAME,
	VM_STATE_LIST(VM_STATE_ENUM)
#undef VM_STATE_ENUM
};

typedef struct Sync Sync;

struct Vm {
	char *name;
	char *uuid; /* NULL if unknown */
	pid_t pid;
	uint32_t id;
	enum vm_state state;
	int fd;
	int pidfd;
	guint pidfd_source;
	guint ring_source;
	Ring ring;
	Sync *sync;
	Hints *hints;
	Job *running;		/* the serial job */
	GQueue waiting;		/* serial jobs after it */
	unsigned int workers;	/* that use fd, the serial job included */
	bool closing;		/* fd is closed as soon as no worker uses it */
	Call *closing_call;	/* waits for the detach */
	uint64_t closing_bytes; /* what it will be told */
};

GPtrArray *vm_list(void);

/* One that has ended does not count: its pid may be another's by now. */
Vm *vm_by_pid(pid_t pid);
const char *vm_state_name(const Vm *vm);
bool vm_permits(const Vm *vm, enum control_command command, GError **error);

/* Bring everything home, then detach; call is answered in the end. */
void vm_detach(Vm *vm, Call *call);

/* hmmd stops: no step after this one. */
void vm_stop_all(void);

/* The VM has ended, or its process has. */
void vm_gone(Vm *vm);
void vm_forget_call(Call *call);

/* A worker uses the vm fd until it is released. */
void vm_hold(Vm *vm);
void vm_release(Vm *vm);

/* For job.c.  begin: whether it may run now; if not, it waits. */
bool vm_job_begin(Vm *vm, Job *job);
bool vm_job_unqueue(Vm *vm, Job *job);
void vm_job_end(Vm *vm, Job *job);
json_object *vm_json(Vm *vm);

/* For vm-attach.c: a VM that is whole enters the list; one that is not is freed. */
void vm_publish(Vm *vm);
void vm_free(Vm *vm);

/* ---- vm-attach.c -------------------------------------------------------- */

Vm *vm_attach(const ProcVmm *vmm, GError **error);

/* Take over a vm fd of an earlier hmmd; false if it is no vm fd. */
bool vm_adopt(int fd);

/* ---- vm-ring.c: the records of a VM's ring ------------------------------ */

bool vm_ring_start(Vm *vm, GError **error);
void vm_ring_stop(Vm *vm);
/* Before an answer that is made of what the ring has told. */
void vm_ring_catch_up(Vm *vm);

/* ---- sync.c: keeps the picture of a VM true ----------------------------- */

Sync *sync_new(Vm *vm);
void sync_free(Sync *sync);
void sync_record(Sync *sync, const struct vmirror_record *record);
void sync_all(Sync *sync);

/* NULL while it is not known. */
const Picture *sync_picture(const Sync *sync);

/* ---- hints.c: what the guest asks for, and what is done about it -------- */

/* Keeps settings; before the first VM. */
void hints_configure(const Settings *settings);
Hints *hints_new(Vm *vm);
void hints_record(Hints *hints, const struct vmirror_record *record);

/* Whether QEMU has a port by now; they look from time to time by themselves. */
void hints_look(Hints *hints);

/* Nothing more is listened to, or begun. */
void hints_stop(Hints *hints);
void hints_free(Hints *hints);

/* ---- events.c ----------------------------------------------------------- */

/* vm is NULL or what a subscriber may have asked for.  Takes over data. */
void events_emit(const char *name, const Vm *vm, json_object *data);
void events_record(const Vm *vm, const struct vmirror_record *record);

/* ---- client.c: one connection ------------------------------------------- */

/* operator: whether the peer may do everything, not only ask. */
void client_new(int fd, bool operator);
unsigned int client_count(void);
void client_close_all(void);

/* From now on it gets events: of one VM, or all if vm is NULL. */
void client_subscribe(Client *client, const char *vm);
bool client_have_subscribers(void);
void client_each_subscriber(void (*send)(Client *client, void *data), void *data);

/* Whether an event about vm, or about no VM, is for this subscriber. */
bool client_wants(const Client *client, const Vm *vm);

/* An answer is never dropped.  An event is, if the peer does not read. */
void client_send(Client *client, json_object *message);
void client_send_event(Client *client, const char *line, size_t length);

/* The request is answered: on with the next. */
void client_call_done(Client *client);

/* ---- call.c: one request, until it is answered -------------------------- */

struct Call {
	Client *client;
	struct control_request request;
	Job *job; /* that does it, or NULL */
};

/* Check a line and do what it says.  NULL if it was refused; the client was told. */
Call *call_new(Client *client, const char *line, size_t length, bool operator);
void call_do(Call *call);

/* Each answers and frees the call.  data is taken over and may be NULL. */
void call_return(Call *call, json_object *data);
G_GNUC_PRINTF(4, 5)
void call_error(Call *call, enum control_class class_, json_object *data, const char *format, ...);

/* Takes over error, whose domain is HMMD_ERROR. */
void call_gerror(Call *call, GError *error);
void call_progress(Call *call, uint64_t done, uint64_t total, uint64_t moved);

/* The peer has gone: stop the work, answer nobody, free the call. */
void call_abandon(Call *call);

/* ---- server.c: the listening socket ------------------------------------- */

bool server_start(const char *path, const char *group, GError **error);
void server_stop(void);

/* ---- command-*.c: what the commands do; each answers its call, now or later  */

void command_query_init(void); /* uptime counts from here */
void command_query_status(Call *call);
void command_list_vms(Call *call);
void command_query_vm(Call *call);
void command_list_pools(Call *call);
void command_create_pool(Call *call);
void command_destroy_pool(Call *call);
void command_attach(Call *call);
void command_detach(Call *call);
void command_migrate(Call *call);
void command_recall(Call *call);
void command_map(Call *call);
void command_query_hints(Call *call);
void command_doctor(Call *call);
void command_subscribe(Call *call);

/* ---- restore.c: what was there before hmmd started ---------------------- */

void restore_fds(void);

/* Make the pools of hmmd.conf, now or as soon as the module is there.  Keeps settings. */
void restore_pools(const Settings *settings);

#endif /* HMMD_HMMD_H */
