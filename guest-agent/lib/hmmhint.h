/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hmmhint.h - tell the host where this VM's memory is best kept
 *
 * A program in a virtual machine says of a range of its memory that it belongs into device memory,
 * into host RAM, or is not needed for long.  The host does with it what it can and wants to; what
 * it did is in hmmhint_status().  The program sees no other difference: memory that is elsewhere
 * comes back by itself when it is touched.
 *
 * Hints go through hmm-agentd.  Where there is none, or no host that listens, nothing breaks: the
 * calls say so (ENOTCONN), and work as soon as there is one.
 *
 * Every function may be called from any thread; calls on one handle take turns, but for
 * hmmhint_wait(), which holds up nobody.  A function that fails returns -1, sets errno, and leaves
 * what its arguments point to as it was.  In a child of fork() the parent's handle can only be
 * closed; every other call fails with ECHILD: open another.  Nothing is ever printed.
 *
 * These errors may come from every call that takes a handle, but for hmmhint_close():
 *	ENOTCONN	there is no agent, it has just gone, or it speaks another version
 *	EUSERS		the agent has as many connections as it takes, of this user or in all
 *	ECHILD		the handle belongs to the parent process
 *	EAGAIN		more requests in a second than the agent takes of a user; try again
 *	EINVAL		an argument is out of its range
 *	ENOMEM		no memory, here or in the agent
 */
#ifndef HMMHINT_H
#define HMMHINT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hmmhint;

/* What is asked for. */
enum hmmhint_advice {
	HMMHINT_DEVICE = 1,	     /* into device memory, now */
	HMMHINT_HOST = 2,	     /* back to host RAM, and stay there */
	HMMHINT_COLD = 3,	     /* not needed for long: out when there is room */
	HMMHINT_WILLNEED_DEVICE = 4, /* out soon, once, if there is room */
	HMMHINT_PIN_HOST = 5	     /* never out */
};

#define HMMHINT_PRIORITY_MAX 7 /* the most urgent; 0 is the least */

/* Flags of hmmhint_advise() and hmmhint_advise_pid(). */
#define HMMHINT_POPULATE 1u /* pages that are not there yet are made first; own memory only */
#define HMMHINT_KEEP	 2u /* the hint lasts as long as the process, not only as the handle */
#define HMMHINT_WHOLE	 4u /* all private anonymous memory of the process; addr and len are 0 */

/* Where a hint stands. */
enum hmmhint_state {
	HMMHINT_WAITING = 1, /* the host has not answered yet, or is not there */
	HMMHINT_ACCEPTED,    /* the host has taken it, and is about it */
	HMMHINT_DONE,	     /* done as far as that is possible; see the bytes */
	HMMHINT_REFUSED	     /* the host does nothing about it; see the reason */
};

#define HMMHINT_SKIPS_MAX 16

/* Bytes that are not where the hint wants them, and why; hmmhint_reason_text() says it in words. */
struct hmmhint_skip {
	uint32_t reason;
	uint32_t reserved;
	uint64_t bytes;
};

/*
 * A hint and what has become of it.  All numbers of bytes are multiples of the page size.
 *
 * asked_bytes is the size of the range.  Of these, absent_bytes have no page (never touched,
 * swapped out, or no memory at all), shared_bytes are not this process's alone (files, shared
 * memory, memory that a forked child still shares, the zero page), left_bytes lie in more pieces
 * than agent and host have room for, and of told_bytes the host was told.  Of those, the host has
 * done_bytes where the hint wants them; skips say why others are not there.
 */
struct hmmhint_status {
	uint64_t cookie;
	uint64_t addr; /* 0 with HMMHINT_WHOLE */
	uint64_t len;
	int32_t pid;	 /* whose memory */
	uint32_t uid;	 /* who gave the hint */
	uint16_t advice; /* enum hmmhint_advice */
	uint16_t priority;
	uint32_t flags;	 /* HMMHINT_KEEP, HMMHINT_WHOLE */
	uint32_t state;	 /* enum hmmhint_state */
	uint32_t reason; /* of HMMHINT_REFUSED: why; else 0 */
	uint64_t asked_bytes;
	uint64_t told_bytes;
	uint64_t done_bytes;
	uint64_t absent_bytes;
	uint64_t shared_bytes;
	uint64_t left_bytes;
	uint64_t reserved[6];
	uint32_t nr_skips;
	uint32_t reserved2;
	struct hmmhint_skip skips[HMMHINT_SKIPS_MAX];
};

/**
 * hmmhint_open() - a handle to give hints with
 *
 * Succeeds where there is no agent as well.  The first hint that is given starts a thread, which
 * sleeps, blocks all signals, and gives the handle's hints again should the agent start anew.
 *
 * Return: the handle, or NULL and errno: ENOMEM.
 */
struct hmmhint *hmmhint_open(void);

/**
 * hmmhint_open_at() - the same, with an agent that listens elsewhere
 * @path: of its socket
 *
 * Return: the handle, or NULL and errno: ENOMEM, or ENAMETOOLONG.
 */
struct hmmhint *hmmhint_open_at(const char *path);

/**
 * hmmhint_close() - forget the handle's hints, but those with HMMHINT_KEEP, and free it
 * @h: a handle that no other thread uses any more, or NULL
 *
 * errno stays as it was.
 */
void hmmhint_close(struct hmmhint *h);

/**
 * hmmhint_advise() - give a hint about this process's memory
 * @addr: where the range begins; the hint is about every page of which it has a byte
 * @len: its length in bytes, not 0
 * @advice: enum hmmhint_advice
 * @priority: 0 to HMMHINT_PRIORITY_MAX; what counts more where not all can be had
 * @flags: HMMHINT_POPULATE, HMMHINT_KEEP, HMMHINT_WHOLE, or 0
 * @cookie: out: the hint's name, unless NULL
 *
 * The hint is about the addresses: pages that are made or move later are told to the host as they
 * are found, within 1 to 30 seconds.
 *
 * Return: 0, or -1 and errno: EACCES (this process hides its memory: it is not dumpable), EDQUOT
 * (as many hints as one user may have), ENOSPC (as many as the agent or the host takes), and with
 * HMMHINT_POPULATE those of madvise(MADV_POPULATE_WRITE).
 */
int hmmhint_advise(struct hmmhint *h, const void *addr, size_t len, int advice,
		   unsigned int priority, unsigned int flags, uint64_t *cookie);

/**
 * hmmhint_advise_pid() - give a hint about another process's memory; for root
 * @pid: the process; 0 is this one
 * @addr: where the range begins, in that process
 *
 * HMMHINT_POPULATE is refused but for this process (EOPNOTSUPP): the kernel has nothing that does
 * it for another.
 *
 * Return: as hmmhint_advise(), and EPERM (not root, and another process), ESRCH (no such process).
 */
int hmmhint_advise_pid(struct hmmhint *h, int pid, uint64_t addr, uint64_t len, int advice,
		       unsigned int priority, unsigned int flags, uint64_t *cookie);

/**
 * hmmhint_forget() - take a hint back
 *
 * Memory that is out because of it comes home when it is touched.  Where the agent is gone (ENOTCONN)
 * the hint is gone as well, and the next agent is not given it.
 *
 * Return: 0, or -1 and errno: ENOENT (there is no such hint, or it is another user's).
 */
int hmmhint_forget(struct hmmhint *h, uint64_t cookie);

/**
 * hmmhint_forget_pid() - take back all hints about a process that the caller may see
 *
 * Return: how many those were, or -1 and errno.
 */
int hmmhint_forget_pid(struct hmmhint *h, int pid);

/**
 * hmmhint_forget_all() - take back all hints that the caller may see, whoever gave them
 *
 * Return: how many those were, or -1 and errno.
 */
int hmmhint_forget_all(struct hmmhint *h);

/**
 * hmmhint_status() - what has become of a hint
 *
 * Return: 0, or -1 and errno: ENOENT as hmmhint_forget().
 */
int hmmhint_status(struct hmmhint *h, uint64_t cookie, struct hmmhint_status *status);

/**
 * hmmhint_wait() - until a hint is done or refused
 * @timeout_ms: at most so long; -1 is for ever; 0 looks
 *
 * Return: 0 if it is: hmmhint_status() says which.  -1 and errno: ETIMEDOUT, ENOENT (also where it
 * is forgotten meanwhile), ENOTCONN (also where the agent goes away meanwhile).
 */
int hmmhint_wait(struct hmmhint *h, uint64_t cookie, int timeout_ms);

/**
 * hmmhint_list() - the hints that the caller may see: root all, others those of their own user
 * @list: out: an array in the order in which they came; give it to free().  NULL where it is empty
 * @nr: out: how many
 *
 * Return: 0, or -1 and errno.
 */
int hmmhint_list(struct hmmhint *h, struct hmmhint_status **list, size_t *nr);

/*
 * Names for people and scripts; "unknown" for a number that has none.  hmmhint_advice_value() is the
 * other way round: 0 if there is none of that name.
 */
const char *hmmhint_advice_name(int advice);
int hmmhint_advice_value(const char *name);
const char *hmmhint_state_name(uint32_t state);
const char *hmmhint_reason_name(uint32_t reason);
const char *hmmhint_reason_text(uint32_t reason);

#ifdef __cplusplus
}
#endif

#endif /* HMMHINT_H */
