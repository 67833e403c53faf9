/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz.h - what the files of the case fuzz share */
#ifndef VMIRROR_TEST_FUZZ_H
#define VMIRROR_TEST_FUZZ_H

#include <pthread.h>
#include <stdatomic.h>

#include "edu.h"
#include "random.h"
#include "selfvm.h"

#define FUZZ_LENGTH (8 * MiB)

/* --- fuzz-fds.c: the fds that calls are made on, in full view of all threads --- */

enum fuzz_kind { FUZZ_SYS, FUZZ_POOL, FUZZ_VM, FUZZ_DEVICE, FUZZ_OTHER, FUZZ_KINDS };

void fuzz_fds_open(const struct selfvm *self);
void fuzz_fds_close(void);
/* Any of that kind, or -1; it may be closed, or another's number, before it is used. */
int fuzz_fd(struct random *r, enum fuzz_kind kind);
/* From now on @fd is of that kind; closes another in its stead. */
void fuzz_fd_keep(struct random *r, enum fuzz_kind kind, int fd);
void fuzz_fd_drop(struct random *r, enum fuzz_kind kind);

/* --- fuzz-args.c: arguments, good ones and nearly good ones --------------------- */

union fuzz_argument {
	uint32_t size;
	struct vmirror_info info;
	struct vmirror_pool_create pool_create;
	struct vmirror_vm_attach vm_attach;
	struct vmirror_pool_stat pool_stat;
	struct vmirror_pool_blocks pool_blocks;
	struct vmirror_pool_evict pool_evict;
	struct vmirror_migrate migrate;
	struct vmirror_recall recall;
	struct vmirror_snapshot snapshot;
	struct vmirror_slots slots;
	struct vmirror_vm_stat vm_stat;
	struct vmirror_device_create device_create;
	struct vmirror_device_access device_access;
	struct vmirror_device_exclusive device_exclusive;
	struct vmirror_device_written device_written;
	struct vmirror_device_stat device_stat;
	struct vmirror_device_dma_map dma_map;
	struct vmirror_device_dma_unmap dma_unmap;
	unsigned char bytes[512];
	uint32_t words[128];
};

/**
 * struct fuzz_ioctl - an ioctl and what may be asked of it
 * @errors: a list, ended by 0, of those that vmirror.h documents for it beside the common ones
 */
struct fuzz_ioctl {
	const char *name;
	unsigned long cmd;
	enum fuzz_kind kind;
	uint32_t size;
	int errors[12];
	void (*fill)(struct random *r, union fuzz_argument *arg);
};

extern const struct fuzz_ioctl fuzz_ioctls[];
extern const unsigned int fuzz_nr_ioctls;

/**
 * struct fuzz_places - where in memory things are
 * @known: content that never changes
 * @scratch: mapped, unmapped, protected by anyone at any time
 * @known_gpa: @known in the VM
 * @scratch_gpa: likewise
 * @edu: a PCI device for DMA, if there is one
 * @child: a process that one thread has started, and soon will have ended
 */
struct fuzz_places {
	char *known;
	char *scratch;
	uint64_t known_gpa;
	uint64_t scratch_gpa;
	struct selfvm self;
	struct edu edu;
	bool has_edu;
	atomic_int child;
};

extern struct fuzz_places fuzz_places;

/* What the first word of a page of @known is; the next ones count on from there. */
static inline uint64_t fuzz_known_word(uint64_t page)
{
	return (page + 1) * 0x9e3779b97f4a7c15ull;
}

/* Memory with none behind it. */
void *fuzz_map_guarded(uint64_t length);
uint64_t fuzz_odd_number(struct random *r);
/* Spoil one thing in an argument. */
void fuzz_spoil(struct random *r, const struct fuzz_ioctl *op, union fuzz_argument *arg);

/**
 * struct fuzz_worker - a thread
 * @random: begins anew with each deed, so that what one met does not change the next one
 * @seed: this thread's own
 * @doing: what, should it never be done
 * @ring: a mapping of some vm fd, or NULL
 * @guarded: a page with nothing behind it
 */
struct fuzz_worker {
	struct random random;
	uint64_t seed;
	pthread_t thread;
	atomic_ulong steps, calls, good;
	_Atomic(const char *) doing;
	void *ring;
	uint64_t ring_length;
	char *guarded;
};

/* --- fuzz-call.c: an ioctl, and whether its answer is one that it may give --------- */

void fuzz_call(struct fuzz_worker *w);

/* --- fuzz-deeds.c: what else can be done to fds, and to memory meanwhile ------------ */

/* One of them, or a call. */
void fuzz_deed(struct fuzz_worker *w);
void fuzz_unmap_ring(struct fuzz_worker *w);

#endif
