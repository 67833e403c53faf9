/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * names.h - the names of vmirror's enums, generated from the lists in vmirror.h
 *
 * Every function takes any number; one that the list does not have is "unknown".
 * The strings are static.
 */
#ifndef HMMD_NAMES_H
#define HMMD_NAMES_H

#include <stdint.h>

/* enum vmirror_skip: a name for machines, a text for people */
const char *vmirror_skip_name(uint32_t value);
const char *vmirror_skip_text(uint32_t value);

/* The value of the enum with that name, or 0 if there is none. */
int vmirror_skip_value(const char *name);

const char *vmirror_reason_name(uint32_t value);
const char *vmirror_reason_text(uint32_t value);
const char *vmirror_state_name(uint32_t value);
const char *vmirror_event_name(uint32_t value);
const char *vmirror_engine_name(uint32_t value);
int vmirror_engine_value(const char *name);

#endif /* HMMD_NAMES_H */
