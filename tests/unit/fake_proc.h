/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake_proc.h - a /proc of our own
 */
#ifndef FAKE_PROC_H
#define FAKE_PROC_H

#include <glib.h>

/* Its root, from fake_proc_make() to fake_proc_remove(). */
extern char *fake_proc;

void fake_proc_make(void);
void fake_proc_remove(void);

/* Directories on the way are made; what is there already goes. */
void fake_proc_file(const char *pid, const char *name, const char *text, gssize length);
void fake_proc_link(const char *pid, const char *name, const char *target);

#endif /* FAKE_PROC_H */
