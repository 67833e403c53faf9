// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-call.c - an ioctl, and whether its answer is one that it may give */
#include <sys/uio.h>

#include "fuzz.h"

#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)

/* The fd may be closed, or something else, by the time it is used. */
static bool is_documented(const struct fuzz_ioctl *op, int error)
{
	static const int common[] = { ENOTTY, EINVAL, E2BIG, EFAULT, EOVERFLOW, ENOMEM, EBADF };

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (error == common[i])
			return true;
	for (int i = 0; op->errors[i]; i++)
		if (error == op->errors[i])
			return true;
	return false;
}

static void check_moved(const struct fuzz_ioctl *op, const struct vmirror_moved *moved,
			uint64_t length)
{
	if (moved->done_bytes > length || !moved->done_bytes ||
	    all_moved(moved) != moved->done_bytes / PAGE)
		FAIL("%s of %#llx bytes: %#llx done, %llu pages told of", op->name,
		     (unsigned long long)length, (unsigned long long)moved->done_bytes,
		     (unsigned long long)all_moved(moved));
}

static void check_extents(const struct vmirror_snapshot *args, uint32_t room)
{
	const struct vmirror_extent *extent = (void *)(uintptr_t)args->extents;
	uint64_t at = args->gpa;

	CHECK(args->nr_extents <= room && args->done_bytes <= args->length);
	for (uint32_t i = 0; i < args->nr_extents; i++, extent++) {
		CHECK(extent->pages && extent->gpa >= at);
		CHECK(extent->state >= VMIRROR_STATE_ABSENT && extent->state <= VMIRROR_STATE_ZERO);
		CHECK((extent->state == VMIRROR_STATE_POOL) == (extent->pool_id != 0));
		at = extent->gpa + extent->pages * PAGE;
	}
	CHECK(at <= args->gpa + args->length);
}

/* A good call has been answered. */
static void check_answer(const struct fuzz_ioctl *op, const union fuzz_argument *before,
			 const union fuzz_argument *after)
{
	uint64_t extents = before->snapshot.extents - (uintptr_t)fuzz_places.scratch;

	CHECK(after->size == before->size);
	switch (op->cmd) {
	case VMIRROR_MIGRATE:
		check_moved(op, &after->migrate.moved, before->migrate.length);
		break;
	case VMIRROR_RECALL:
		check_moved(op, &after->recall.moved, before->recall.length);
		break;
	case VMIRROR_SNAPSHOT:
		if (extents >= FUZZ_LENGTH)	/* there anyone may have written to them */
			check_extents(&after->snapshot, before->snapshot.nr_extents);
		break;
	case VMIRROR_DEVICE_DMA_MAP:
		CHECK(after->dma_map.done_bytes && after->dma_map.done_bytes <= before->dma_map.length);
		break;
	}
}

/* Put the argument where it will be read from: at hand, at the end of what is mapped, or in the midst of trouble. */
static void *place(struct fuzz_worker *w, const struct fuzz_ioctl *op, union fuzz_argument *arg)
{
	struct random *r = &w->random;
	struct iovec from = { arg, op->size }, to = { NULL, op->size };

	switch (random_below(r, 12)) {
	case 0:
		to.iov_base = w->guarded + PAGE - random_below(r, op->size + 1);
		memcpy(to.iov_base, arg, w->guarded + PAGE - (char *)to.iov_base);
		return to.iov_base;
	case 1: case 2:
		/* Others may make a size or a pid of it anything, or an address that is written to. */
		if (op->kind == FUZZ_SYS || op->kind == FUZZ_DEVICE)
			return arg;
		to.iov_base = fuzz_places.scratch + random_below(r, FUZZ_LENGTH - op->size);
		/* Unlike memcpy(), which might be killed here. */
		return process_vm_writev(getpid(), &from, 1, &to, 1, 0) < 0 ? arg : to.iov_base;
	case 3:
		return one_in(r, 4) ? NULL : arg;
	case 4:
		return one_in(r, 4) ? (void *)~0xfffull : arg;
	default:
		return arg;
	}
}

static enum fuzz_kind kind_of_new(unsigned long cmd)
{
	switch (cmd) {
	case VMIRROR_POOL_CREATE: return FUZZ_POOL;
	case VMIRROR_VM_ATTACH: return FUZZ_VM;
	default: return FUZZ_DEVICE;
	}
}

void fuzz_call(struct fuzz_worker *w)
{
	struct random *r = &w->random;
	const struct fuzz_ioctl *op = &fuzz_ioctls[random_below(r, fuzz_nr_ioctls)];
	union fuzz_argument arg = { 0 }, before;
	enum fuzz_kind kind = one_in(r, 32) ? random_below(r, FUZZ_KINDS) : op->kind;
	bool spoilt = one_in(r, 3);
	int fd = fuzz_fd(r, kind), ret;
	void *at;

	arg.size = op->size;
	op->fill(r, &arg);
	if (spoilt)
		fuzz_spoil(r, op, &arg);
	before = arg;
	at = place(w, op, &arg);
	atomic_store(&w->doing, op->name);
	errno = 0;
	ret = ioctl(fd, op->cmd, at);
	atomic_fetch_add(&w->calls, 1);
	if (ret < 0) {
		if (kind == op->kind && !is_documented(op, errno))
			FAIL("%s: %s is not documented for it", op->name, strerror(errno));
		if (at == &arg && memcmp(&arg, &before, sizeof(arg)))
			FAIL("%s: the argument was changed, though it failed: %s", op->name, strerror(errno));
		return;
	}
	atomic_fetch_add(&w->good, 1);
	if (ret > 0)
		fuzz_fd_keep(r, kind_of_new(op->cmd), ret);
	else if (at == &arg && !spoilt && kind == op->kind)
		check_answer(op, &before, &arg);
}
