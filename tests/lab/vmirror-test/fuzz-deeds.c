// SPDX-License-Identifier: LGPL-2.1-or-later
/* fuzz-deeds.c - what else can be done to fds, and to memory meanwhile */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include <linux/kvm.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fuzz.h"

#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)
#define CHILD_MS 50

static void call_unknown(struct fuzz_worker *w)
{
	struct random *r = &w->random;
	char arg[64] = { 0 };

	ioctl(fuzz_fd(r, random_below(r, FUZZ_KINDS)),
	      _IO(VMIRROR_IOC_TYPE, random_word(r) & 0xff), one_in(r, 2) ? arg : NULL);
}

void fuzz_unmap_ring(struct fuzz_worker *w)
{
	if (w->ring)
		munmap(w->ring, w->ring_length);
	w->ring = NULL;
}

/* Map the ring, and write what a reader should not. */
static void map(struct fuzz_worker *w)
{
	static const int flags[] = { MAP_SHARED, MAP_SHARED, MAP_SHARED, MAP_SHARED | MAP_POPULATE, MAP_PRIVATE };
	struct random *r = &w->random;
	uint64_t length = one_in(r, 4) ? random_below(r, 512) * PAGE :
			  PAGE + (VMIRROR_RING_MIN << random_below(r, 6)) * sizeof(struct vmirror_record);
	int prot = one_in(r, 4) ? (int)random_below(r, 8) : PROT_READ | PROT_WRITE;
	struct vmirror_ring *ring;

	fuzz_unmap_ring(w);
	ring = mmap(NULL, length, prot, ONE_OF(r, flags),
		    fuzz_fd(r, one_in(r, 8) ? FUZZ_POOL : FUZZ_VM), one_in(r, 8) ? fuzz_odd_number(r) & ~(PAGE - 1) : 0);
	if (ring == MAP_FAILED)
		return;
	w->ring = ring;
	w->ring_length = length;
	if (!(prot & PROT_WRITE) || !(prot & PROT_READ))
		return;
	ring->tail = one_in(r, 2) ? ring->head : fuzz_odd_number(r);
	for (int i = 0; i < 8; i++)
		((volatile uint64_t *)ring)[random_below(r, PAGE / 8)] = fuzz_odd_number(r);
}

static void wait_for_records(struct fuzz_worker *w)
{
	struct pollfd fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = (struct pollfd) {
			.fd = fuzz_fd(&w->random, random_below(&w->random, FUZZ_KINDS)),
			.events = random_word(&w->random),
		};
	poll(fds, 3, random_below(&w->random, 3));
}

static void plain_calls(struct fuzz_worker *w)
{
	struct random *r = &w->random;
	int fd = fuzz_fd(r, random_below(r, FUZZ_OTHER));
	char byte = 0;
	ssize_t got;

	switch (random_below(r, 6)) {
	case 0: got = read(fd, &byte, 1); break;
	case 1: got = write(fd, &byte, 1); break;
	case 2: lseek(fd, fuzz_odd_number(r), SEEK_SET); break;
	case 3: got = ftruncate(fd, 0); break;
	case 4: fcntl(fd, F_SETFL, fuzz_odd_number(r) & (O_NONBLOCK | O_APPEND)); break;
	case 5: fsync(fd); break;
	}
	(void)got;	/* the number may be a socket's by now */
}

static void duplicate(struct fuzz_worker *w)
{
	enum fuzz_kind kind = random_below(&w->random, FUZZ_OTHER);
	int fd = dup(fuzz_fd(&w->random, kind));

	if (fd >= 0)
		fuzz_fd_keep(&w->random, kind, fd);
}

static void drop(struct fuzz_worker *w)
{
	fuzz_fd_drop(&w->random, random_below(&w->random, FUZZ_OTHER));
}

/* An fd under way in a socket that nobody reads from: the last reference may be there. */
static void send_away(struct fuzz_worker *w)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec byte = { "x", 1 };
	struct msghdr message = {
		.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
	};
	enum fuzz_kind kind = random_below(&w->random, FUZZ_OTHER);
	int pair[2], fd = fuzz_fd(&w->random, kind);

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return;
	control.head = (struct cmsghdr) {
		.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(pair[0], &message, MSG_NOSIGNAL) == 1 && one_in(&w->random, 2))
		fuzz_fd_drop(&w->random, kind);
	close(pair[0]);
	close(pair[1]);
}

/* --- what happens to memory meanwhile ----------------------------------------------- */

static void stir_scratch(struct fuzz_worker *w)
{
	static const int advice[] = { MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_COLLAPSE };
	struct random *r = &w->random;
	uint64_t first = random_below(r, FUZZ_LENGTH / PAGE), count = one_in(r, 4) ? 512 : random_below(r, 32) + 1;
	char *at = fuzz_places.scratch + first * PAGE;
	uint64_t length = (count < FUZZ_LENGTH / PAGE - first ? count : FUZZ_LENGTH / PAGE - first) * PAGE;

	switch (random_below(r, 4)) {
	case 0:
		/* Never a hole: something else might be mapped there. */
		mmap(at, length, one_in(r, 4) ? PROT_NONE : PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
		break;
	case 1: mprotect(at, length, one_in(r, 2) ? PROT_READ : PROT_READ | PROT_WRITE); break;
	default: madvise(at, length, ONE_OF(r, advice)); break;
	}
}

/* The VM's second slot comes and goes. */
static void stir_slots(struct fuzz_worker *w)
{
	struct kvm_userspace_memory_region region = {
		.slot = 1,
		.guest_phys_addr = fuzz_places.scratch_gpa,
		.memory_size = one_in(&w->random, 2) ? FUZZ_LENGTH : 0,
		.userspace_addr = (uintptr_t)fuzz_places.scratch,
	};

	ioctl(fuzz_places.self.t.kvm, KVM_SET_USER_MEMORY_REGION, &region);
}

static void look_at_known(struct fuzz_worker *w)
{
	uint64_t page = random_below(&w->random, FUZZ_LENGTH / PAGE);
	uint64_t *mine = (uint64_t *)(fuzz_places.known + page * PAGE);
	uint64_t got = one_in(&w->random, 2) ? read_through_gup((char *)mine) : *(volatile uint64_t *)mine;
	uint64_t want = fuzz_known_word(page);

	if (got != want)
		FAIL("page %llu holds %#llx", (unsigned long long)page, (unsigned long long)got);
}

/* A child has all the fds, and does what its parent does, until it ends or is killed. */
static void inherit(struct fuzz_worker *w)
{
	static _Thread_local bool is_child;
	uint64_t steps = random_below(&w->random, 40), patience = random_below(&w->random, CHILD_MS);
	int status = 0;
	pid_t pid;

	if (is_child)
		return;
	pid = fork();
	if (pid == 0) {
		is_child = true;
		w->seed += 1ull << 32;
		while (steps--)
			fuzz_deed(w);
		_exit(0);
	}
	if (pid < 0)
		return;
	atomic_store(&fuzz_places.child, pid);
	for (uint64_t start = now_ms(); now_ms() - start < patience;) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			pid = 0;
			break;
		}
		usleep(1000);
	}
	if (pid) {
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status))
		FAIL("a child failed");
}

static const struct {
	const char *name;
	unsigned int weight;
	void (*run)(struct fuzz_worker *w);
} deeds[] = {
	{ "call", 400, fuzz_call },
	{ "call_unknown", 5, call_unknown },
	{ "map", 20, map },
	{ "poll", 10, wait_for_records },
	{ "plain calls", 10, plain_calls },
	{ "dup", 5, duplicate },
	{ "close", 8, drop },
	{ "send away", 3, send_away },
	{ "stir scratch", 30, stir_scratch },
	{ "stir slots", 5, stir_slots },
	{ "look at known", 60, look_at_known },
	{ "inherit", 2, inherit },
};

void fuzz_deed(struct fuzz_worker *w)
{
	unsigned int sum = 0, at;

	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		sum += deeds[i].weight;
	w->random = random_of(w->seed, atomic_load(&w->steps));
	at = random_below(&w->random, sum);
	for (size_t i = 0; ; i++) {
		if (at >= deeds[i].weight) {
			at -= deeds[i].weight;
			continue;
		}
		atomic_store(&w->doing, deeds[i].name);
		deeds[i].run(w);
		break;
	}
	atomic_fetch_add(&w->steps, 1);
}
