/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * maps.h - lines of /proc/PID/maps.  Pure functions.
 */
#ifndef AGENTD_MAPS_H
#define AGENTD_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A mapping, [start, end).
 * @private: what it has of its own is the process's alone
 * @anonymous: no file is behind it, and it is not the kernel's ([vdso] and the like)
 */
struct mapping {
	uint64_t start, end;
	bool private, anonymous;
};

/*
 * The line that begins at @text, of which @n bytes are there; what comes after its fifth field may be
 * cut.  False: it is none.
 */
bool maps_line(const char *text, size_t n, struct mapping *mapping);

#endif /* AGENTD_MAPS_H */
