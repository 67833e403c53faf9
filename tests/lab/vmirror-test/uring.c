// SPDX-License-Identifier: LGPL-2.1-or-later
/* uring.c - see uring.h; by system calls, since the lab has no liburing */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "test.h"
#include "uring.h"

void uring_open(struct uring *u)
{
	size_t length;

	*u = (struct uring) { .fd = -1 };
	u->fd = syscall(SYS_io_uring_setup, 4, &u->params);
	if (u->fd < 0)
		FAIL("no io_uring: %s; the kernel needs CONFIG_IO_URING, and kernel.io_uring_disabled=0",
		     strerror(errno));
	CHECK(u->params.features & IORING_FEAT_SINGLE_MMAP);
	length = u->params.cq_off.cqes + u->params.cq_entries * sizeof(struct io_uring_cqe);
	u->ring = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, u->fd,
		       IORING_OFF_SQ_RING);
	u->sqes = mmap(NULL, u->params.sq_entries * sizeof(*u->sqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_SQES);
	CHECK(u->ring != MAP_FAILED && (void *)u->sqes != MAP_FAILED);
}

void uring_close(struct uring *u)
{
	munmap(u->sqes, u->params.sq_entries * sizeof(*u->sqes));
	munmap(u->ring, u->params.cq_off.cqes + u->params.cq_entries * sizeof(struct io_uring_cqe));
	close(u->fd);
}

void uring_register(struct uring *u, void *memory, uint64_t length)
{
	struct iovec buffer = { .iov_base = memory, .iov_len = length };

	CHECK(syscall(SYS_io_uring_register, u->fd, IORING_REGISTER_BUFFERS, &buffer, 1) == 0);
}

void uring_unregister(struct uring *u)
{
	CHECK(syscall(SYS_io_uring_register, u->fd, IORING_UNREGISTER_BUFFERS, NULL, 0) == 0);
}

static uint32_t *word_at(struct uring *u, uint32_t offset)
{
	return (uint32_t *)(u->ring + offset);
}

/* One at a time, so there is nothing else in the queues. */
void uring_transfer(struct uring *u, bool write, int fd, void *memory, uint64_t length,
		    uint64_t offset)
{
	uint32_t tail = *word_at(u, u->params.sq_off.tail);
	uint32_t index = tail & *word_at(u, u->params.sq_off.ring_mask);
	uint32_t head = *word_at(u, u->params.cq_off.head);
	struct io_uring_cqe *done = (void *)(u->ring + u->params.cq_off.cqes);

	done += head & *word_at(u, u->params.cq_off.ring_mask);
	u->sqes[index] = (struct io_uring_sqe) {
		.opcode = write ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED,
		.fd = fd,
		.off = offset,
		.addr = (uintptr_t)memory,
		.len = length,
	};
	word_at(u, u->params.sq_off.array)[index] = index;
	__atomic_store_n(word_at(u, u->params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	CHECK(syscall(SYS_io_uring_enter, u->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
	CHECK(__atomic_load_n(word_at(u, u->params.cq_off.tail), __ATOMIC_ACQUIRE) == head + 1);
	if (done->res != (int)length)
		FAIL("io_uring: %d of %llu bytes", done->res, (unsigned long long)length);
	__atomic_store_n(word_at(u, u->params.cq_off.head), head + 1, __ATOMIC_RELEASE);
}
