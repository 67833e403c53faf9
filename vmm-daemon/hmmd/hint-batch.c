// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hint-batch.h"

struct work {
	HintBatch batch;
	int vm_fd;
	Pool *pool;
	int pool_fd;
	void (*done)(const HintBatch *batch, void *data);
	void *data;
};

/* Worker. */
static struct vmirror_moved do_order(const struct work *work, const HintOrder *order,
				     MoveProgress *at, int *error)
{
	Move move = {
		.vm_fd = work->vm_fd,
		.pool_fd = order->out ? work->pool_fd : -1,
		.what = MOVE_RANGES,
		.ranges = &order->range,
		.nr_ranges = 1,
		.at = at,
	};

	move_run(&move);
	if (move.error)
		move.moved.skipped_pages[VMIRROR_SKIP_COPY_FAILED] +=
			(order->range.bytes - move.moved.done_bytes) / VMIRROR_PAGE_SIZE;
	if (move.error && !*error)
		*error = move.error;
	return move.moved;
}

/* Worker. */
static void run(Job *job)
{
	struct work *work = job->data;
	HintBatch *batch = &work->batch;
	gint64 began = g_get_monotonic_time();
	bool enough_room = true;

	for (; batch->nr_done < batch->orders->len && !move_stopped(&job->at); batch->nr_done++) {
		const HintOrder *order = &g_array_index(batch->orders, HintOrder, batch->nr_done);
		struct vmirror_moved *moved = &batch->moved[batch->nr_done];

		if (order->out && !enough_room)
			break;
		*moved = do_order(work, order, &job->at, &batch->error);
		/* Somebody wants the VM: this one may not have been tried to its end. */
		if (move_stopped(&job->at))
			break;
		if (order->makes_room)
			enough_room &= moved->moved_pages * VMIRROR_PAGE_SIZE == order->range.bytes;
	}
	batch->seconds = (double)(g_get_monotonic_time() - began) / G_USEC_PER_SEC;
}

static void ran(Job *job)
{
	struct work *work = job->data;

	if (work->pool)
		pool_unuse(work->pool, job);
	work->done(&work->batch, work->data);
	g_array_free(work->batch.orders, TRUE);
	g_free(work->batch.moved);
	g_free(work);
}

Job *hint_batch_start(Vm *vm, Pool *pool, GArray *orders,
		      void (*done)(const HintBatch *batch, void *data), void *data)
{
	struct work *work = g_new0(struct work, 1);
	Job *job = job_new(NULL, vm, run, ran, work);

	work->batch.orders = orders;
	work->batch.moved = g_new0(struct vmirror_moved, orders->len);
	work->vm_fd = vm->fd;
	work->pool = pool;
	work->pool_fd = pool ? pool->fd : -1;
	work->done = done;
	work->data = data;
	job->serial = true;
	job->background = true;
	if (pool)
		pool_use(pool, job);
	job_start(job);
	return job;
}
