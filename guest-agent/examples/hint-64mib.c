// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hint-64mib.c - fill 64 MiB, say that they belong into device memory, and see what happens
 *
 *	cc hint-64mib.c -o hint-64mib $(pkg-config --cflags --libs libhmmhint)
 */
#include <errno.h>
#include <hmmhint.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SIZE ((size_t)64 << 20)

static void print(const struct hmmhint_status *status)
{
	printf("%s: %" PRIu64 " of %" PRIu64 " bytes\n", hmmhint_state_name(status->state),
	       status->done_bytes, status->asked_bytes);
	if (status->state == HMMHINT_REFUSED)
		printf("  %s\n", hmmhint_reason_text(status->reason));
	for (uint32_t i = 0; i < status->nr_skips; i++)
		printf("  %" PRIu64 " bytes: %s\n", status->skips[i].bytes,
		       hmmhint_reason_text(status->skips[i].reason));
}

int main(void)
{
	struct hmmhint_status status;
	struct hmmhint *h;
	uint64_t cookie;
	char *buffer;

	/* Huge pages make it fewer and larger pieces, which move faster. */
	buffer = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	madvise(buffer, SIZE, MADV_HUGEPAGE);
	memset(buffer, 42, SIZE);

	/* It opens where there is no agent, too: a program need not care where it runs. */
	h = hmmhint_open();
	if (!h) {
		perror("hmmhint_open");
		return 1;
	}
	if (hmmhint_advise(h, buffer, SIZE, HMMHINT_DEVICE, 0, 0, &cookie) < 0) {
		printf("no hint was given: %s\n",
		       errno == ENOTCONN ? "there is no agent here" : strerror(errno));
		hmmhint_close(h);
		return errno == ENOTCONN ? 0 : 1;
	}

	/* A program would do something else meanwhile. */
	if (hmmhint_wait(h, cookie, 10000) < 0)
		printf("not done in 10 s: %s\n", strerror(errno));
	if (hmmhint_status(h, cookie, &status) == 0)
		print(&status);

	/* Wherever it is now, it is what it was.  The first touch of a page brings it back. */
	for (size_t i = 0; i < SIZE; i += 4096)
		if (buffer[i] != 42)
			abort();
	hmmhint_close(h);
	return 0;
}
