/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* swap.h - the swap that a case's script has made */
#ifndef VMIRROR_TEST_SWAP_H
#define VMIRROR_TEST_SWAP_H

#include <stddef.h>

/* The first swap device there is.  Fails where there is none. */
void find_swap(char *path, size_t size);

#endif
