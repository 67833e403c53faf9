/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint-batch.h - orders of the hint policy, done one after the other as one job of the VM
 */
#ifndef HMMD_HINT_BATCH_H
#define HMMD_HINT_BATCH_H

#include "hint-policy.h"
#include "hmmd.h"

typedef struct {
	GArray *orders;		     /* of HintOrder */
	guint nr_done;		     /* of these, the first ones */
	struct vmirror_moved *moved; /* by each that was done */
	int error;		     /* the first one, as -errno */
	double seconds;
} HintBatch;

/*
 * Where an order that makes room makes less than it should, those that would use the room are not
 * done, nor is anything after the job was stopped.  Takes over orders; pool may be NULL if none
 * goes out.  done is called in the main thread, and keeps nothing of the batch.
 */
Job *hint_batch_start(Vm *vm, Pool *pool, GArray *orders,
		      void (*done)(const HintBatch *batch, void *data), void *data);

#endif /* HMMD_HINT_BATCH_H */
