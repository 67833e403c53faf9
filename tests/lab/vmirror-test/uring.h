/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* uring.h - as much of io_uring as it takes to pin memory for long, and to use the pin */
#ifndef VMIRROR_TEST_URING_H
#define VMIRROR_TEST_URING_H

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>

struct uring {
	int fd;
	struct io_uring_params params;
	char *ring;
	struct io_uring_sqe *sqes;
};

/* Fails if the kernel has no io_uring, or has it switched off. */
void uring_open(struct uring *u);
void uring_close(struct uring *u);

/* Memory is pinned from the one to the other. */
void uring_register(struct uring *u, void *memory, uint64_t length);
void uring_unregister(struct uring *u);

/* Read from, or write to, a file, with @memory in what is registered. */
void uring_transfer(struct uring *u, bool write, int fd, void *memory, uint64_t length,
		    uint64_t offset);

#endif
