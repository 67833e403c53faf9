// SPDX-License-Identifier: LGPL-2.1-or-later
/* uffd.c - the same faults served by userspace: userfaultfd, one handler thread */
#include <fcntl.h>
#include <pthread.h>

#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "bench.h"

struct handler {
	int fd;
	char *memory;
	const char *source;
	uint64_t pages;
};

static int uffd_open(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(ioctl(fd, UFFDIO_API, &api) == 0);
	return fd;
}

static void *serve(void *arg)
{
	struct handler *h = arg;

	for (uint64_t i = 0; i < h->pages; i++) {
		struct uffd_msg msg;
		struct uffdio_copy copy = { .len = PAGE };

		CHECK(read(h->fd, &msg, sizeof(msg)) == sizeof(msg));
		CHECK(msg.event == UFFD_EVENT_PAGEFAULT);
		copy.dst = msg.arg.pagefault.address & ~(uint64_t)(PAGE - 1);
		copy.src = (uintptr_t)h->source + (copy.dst - (uintptr_t)h->memory);
		CHECK(ioctl(h->fd, UFFDIO_COPY, &copy) == 0);
	}
	return NULL;
}

static void one(const char *source, uint64_t length, int threads, int rep)
{
	struct handler h = {
		.fd = uffd_open(), .memory = map_anonymous(length, false),
		.source = source, .pages = length / PAGE,
	};
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)h.memory, .len = length },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	pthread_t thread;

	CHECK(ioctl(h.fd, UFFDIO_REGISTER, &reg) == 0);
	CHECK(pthread_create(&thread, NULL, serve, &h) == 0);
	sample_pages("uffd", false, threads, rep, length, touch_pages(h.memory, length, threads));
	pthread_join(thread, NULL);
	close(h.fd);
	munmap(h.memory, length);
}

void uffd_round(uint64_t length, int rep)
{
	char *source = map_anonymous(length, false);

	fill_half(source, length, 3);
	for (int i = 0; i < NR_THREAD_COUNTS; i++)
		one(source, length, thread_counts[i], rep);
	munmap(source, length);
}
