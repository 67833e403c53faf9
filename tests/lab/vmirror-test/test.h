/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test.h - what the cases of vmirror-test share
 *
 * vmirror-test talks to /dev/vmirror itself, without hmmd, about a running VM.  A case
 * ends the program with a message at the first thing that is not as it must be.
 */
#ifndef VMIRROR_TEST_H
#define VMIRROR_TEST_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/ioctl.h>

#include "vmirror.h"

#define MiB (1ull << 20)
/* For pools of coherent memory: what the lab has set aside on the kernel's command line. */
#define COHERENT_BASE (1ull << 30)

/**
 * struct target - the VM under test
 * @pid: its VMM
 * @kvm: a duplicate of its KVM fd, or -1: no VM but the process itself
 * @sys: /dev/vmirror
 * @verify: shell command that has the guest check its memory, or NULL
 * @seconds: how long a case shall run that does things at random
 * @seed: which things
 */
struct target {
	pid_t pid;
	int kvm;
	int sys;
	const char *verify;
	unsigned long seconds;
	uint64_t seed;
};

void fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

#define FAIL(...) fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(cond) do { if (!(cond)) FAIL("not so: %s (errno %s)", #cond, strerror(errno)); } while (0)

/* The call must fail with this errno. */
#define CHECK_ERRNO(call, want) do {						\
	errno = 0;								\
	if ((call) != -1 || errno != (want))					\
		FAIL("%s: expected %s, got %s", #call, strerror(want), strerror(errno)); \
} while (0)

uint64_t now_ms(void);
int pool_create(struct target *t, const char *name, uint64_t bytes);
/* In memory that CPUs reach as well, which must have been set aside. */
int pool_create_coherent(struct target *t, const char *name, uint64_t bytes);
int vm_attach(struct target *t, const char *name, uint32_t ring_records);
/* This process, without KVM. */
struct target process_self(void);
void migrate(int vm, int pool, uint64_t gpa, uint64_t length, struct vmirror_moved *moved);
/* @flags: VMIRROR_MIGRATE_* */
void migrate_with(int vm, int pool, uint64_t gpa, uint64_t length, uint32_t flags,
		  struct vmirror_moved *moved);
void recall(int vm, uint64_t gpa, uint64_t length, struct vmirror_moved *moved);
int device_create(int vm);
struct vmirror_device_stat device_stat(int device);
/* Returns how many bytes were done, or -1. */
int64_t device_access(int device, unsigned long request, uint64_t gpa, void *buffer,
		      uint64_t length, uint64_t *faults);
/* All of it, while it moves: what would not hold still is asked for again. */
void device_access_all(int device, unsigned long request, uint64_t gpa, char *buffer,
		       uint64_t length, uint64_t limit_ms);
void vm_stat(int vm, struct vmirror_vm_stat *stat);
uint64_t vm_out_pages(int vm);
void pool_stat(int pool, struct vmirror_pool_stat *stat);
uint64_t lowest_ram(int vm, uint64_t *length);
uint64_t pages_in_state(int vm, uint64_t gpa, uint64_t length, uint32_t state);
uint64_t all_moved(const struct vmirror_moved *moved);
void check_none_out(int vm);
void verify(struct target *t);
void check_nothing_left(struct target *t);
void wait_nothing_left(struct target *t);

void case_abi(struct target *t);
void case_move(struct target *t);
void case_ring(struct target *t);
void case_teardown(struct target *t);
void case_signals(struct target *t);
void case_guest(struct target *t);
void case_dma_guest(struct target *t);
/* These make a VM of their own; see selfvm.h. */
void case_orphans(struct target *t);
void case_reasons(struct target *t);
void case_memory(struct target *t);
void case_race(struct target *t);
void case_mixed(struct target *t);
void case_khugepaged(struct target *t);
void case_parts(struct target *t);
void case_grown(struct target *t);
void case_two_pools(struct target *t);
void case_evict(struct target *t);
void case_device(struct target *t);
void case_dma(struct target *t);
void case_process(struct target *t);
void case_fault_around(struct target *t);
void case_soft_dirty(struct target *t);
void case_populate(struct target *t);
void case_failnth(struct target *t);
void case_change(struct target *t);
void case_kernel_moves(struct target *t);
void case_balancing(struct target *t);
void case_ksm(struct target *t);
void case_one_folio(struct target *t);
void case_recall_race(struct target *t);
void case_pins(struct target *t);
void case_folios(struct target *t);
void case_two_mirrors(struct target *t);
void case_foreign(struct target *t);
void case_memcg(struct target *t);
void case_failing_engine(struct target *t);
/* These do things at random; see random.h. */
void case_fuzz(struct target *t);
void case_torture(struct target *t);

#endif
