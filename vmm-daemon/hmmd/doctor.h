/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * doctor.h - what is wrong, and what to change
 */
#ifndef HMMD_DOCTOR_H
#define HMMD_DOCTOR_H

#include <glib.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "proc.h"
#include "vmirror.h"

/* What is to be looked at.  Filled in by the main thread, read by a worker. */
typedef struct {
	ProcVmm *vmm;
	int vm_fd;		/* -1: not attached */
	uint64_t picture_pages; /* out as hmmd sees it */
	bool picture_known;
} DoctorVm;

typedef struct {
	bool loaded;
	char *not_loaded; /* why */
	struct vmirror_info info;
	unsigned int pools;
	bool pools_full; /* every one of them */
	bool fdstore;
	GPtrArray *vms; /* of DoctorVm */
} DoctorCase;

enum doctor_level { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

/* Append to findings.  fix may be NULL. */
G_GNUC_PRINTF(5, 6)
void doctor_find(json_object *findings, enum doctor_level level, const char *topic, const char *fix,
		 const char *format, ...);

/* Both roots are "/proc" and "/sys" but in tests.  Worker. */
void doctor_host(const DoctorCase *kase, const char *sys, json_object *findings);
void doctor_vm(const DoctorVm *vm, const char *proc, json_object *findings);

#endif /* HMMD_DOCTOR_H */
