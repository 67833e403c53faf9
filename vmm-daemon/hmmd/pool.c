// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pool.c - the pools
 *
 * The last close of a pool fd brings its pages home, so a worker does it, and only when no job
 * moves pages into the pool any more.
 */
#include <string.h>
#include <unistd.h>

#include "hmmd.h"
#include "kernel-steps.h"
#include "names.h"

static GPtrArray *pools;

GPtrArray *pool_list(void)
{
	if (!pools)
		pools = g_ptr_array_new();
	return g_ptr_array_ref(pools);
}

Pool *pool_find(const char *name)
{
	for (guint i = 0; pools && i < pools->len; i++) {
		Pool *pool = g_ptr_array_index(pools, i);

		if (strcmp(pool->name, name) == 0)
			return pool;
	}
	return NULL;
}

Pool *pool_by_id(uint32_t id)
{
	for (guint i = 0; pools && i < pools->len; i++) {
		Pool *pool = g_ptr_array_index(pools, i);

		if (pool->id == id)
			return pool;
	}
	return NULL;
}

const char *pool_name(uint32_t id)
{
	const Pool *pool = pool_by_id(id);

	return pool ? pool->name : NULL;
}

static char *all_names(void)
{
	GString *names = g_string_new(NULL);

	for (guint i = 0; i < pools->len; i++)
		g_string_append_printf(names, "%s%s", i ? ", " : "",
				       ((Pool *)g_ptr_array_index(pools, i))->name);
	return g_string_free(names, FALSE);
}

Pool *pool_pick(const char *name, GError **error)
{
	Pool *pool = NULL;

	if (!pools || !pools->len) {
		hmmd_set_error(
			error, CONTROL_CLASS_POOL_NOT_FOUND,
			"there is no pool yet; 'hmmctl pool-create NAME --size SIZE' makes one");
		return NULL;
	}
	if (name)
		pool = pool_find(name);
	else if (pools->len == 1)
		pool = g_ptr_array_index(pools, 0);
	if (!pool) {
		g_autofree char *names = all_names();

		if (name)
			hmmd_set_error(error, CONTROL_CLASS_POOL_NOT_FOUND,
				       "there is no pool '%s'; there is %s", name, names);
		else
			hmmd_set_error(error, CONTROL_CLASS_INVALID_ARGUMENT,
				       "name one of the pools %s", names);
		return NULL;
	}
	if (pool->closing) {
		hmmd_set_error(error, CONTROL_CLASS_BUSY, "pool '%s' is being destroyed",
			       pool->name);
		return NULL;
	}
	return pool;
}

json_object *pool_json(Pool *pool)
{
	json_object *object = json_object_new_object();
	struct vmirror_pool_stat stat = { .bytes = pool->bytes };

	if (!pool->closing)
		kernel_pool_numbers(pool->fd, &stat);
	control_add_string(object, "name", pool->name);
	control_add_u64(object, "id", pool->id);
	control_add_string(object, "engine", vmirror_engine_name(pool->engine));
	control_add_u64(object, "bytes", stat.bytes);
	control_add_u64(object, "used-bytes", stat.used_bytes);
	control_add_u64(object, "free-huge", stat.free_huge);
	control_add_u64(object, "overhead-bytes", stat.overhead_bytes);
	return object;
}

/* systemd gives fds back in no certain order; people see the oldest first. */
static int by_id(gconstpointer a, gconstpointer b)
{
	const Pool *x = *(Pool *const *)a, *y = *(Pool *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

static Pool *pool_new(int fd, const struct vmirror_pool_stat *stat)
{
	Pool *pool = g_new0(Pool, 1);

	pool->fd = fd;
	pool->id = stat->id;
	pool->engine = stat->engine;
	pool->bytes = stat->bytes;
	pool->name = g_strdup(stat->name);
	pool->jobs = g_ptr_array_new();
	g_ptr_array_unref(pool_list());
	g_ptr_array_add(pools, pool);
	g_ptr_array_sort(pools, by_id);
	return pool;
}

static void pool_free(Pool *pool)
{
	g_ptr_array_remove(pools, pool);
	g_ptr_array_free(pool->jobs, TRUE);
	g_free(pool->name);
	g_free(pool);
}

Pool *pool_create(const char *name, int engine, uint64_t bytes, GError **error)
{
	struct vmirror_pool_stat stat;
	json_object *data;
	Pool *pool;
	int fd;

	pool = pool_find(name);
	if (pool) {
		hmmd_set_error(error, CONTROL_CLASS_ALREADY_EXISTS,
			       "there is already a pool '%s'%s", name,
			       pool->closing ? ", which is being destroyed" : "");
		return NULL;
	}
	fd = kernel_pool_create(engine, bytes, name, error);
	if (fd < 0)
		return NULL;
	if (!kernel_pool_stat(fd, &stat, error)) {
		close(fd);
		return NULL;
	}
	pool = pool_new(fd, &stat);
	fdstore_add(fd, "pool", pool->id);
	log_info(NULL, name, "created, %" PRIu64 " MiB", bytes >> 20);
	data = json_object_new_object();
	json_object_object_add(data, "pool", pool_json(pool));
	events_emit("pool-created", NULL, data);
	return pool;
}

bool pool_adopt(int fd)
{
	struct vmirror_pool_stat stat;

	if (kernel_pool_numbers(fd, &stat) != 0)
		return false;
	pool_new(fd, &stat);
	log_info(NULL, stat.name, "taken over, %llu of %llu MiB used", stat.used_bytes >> 20,
		 stat.bytes >> 20);
	return true;
}

/* ---- the end ------------------------------------------------------------ */

struct closing {
	Pool *pool;
	int fd;
	uint32_t id;
	uint64_t used_bytes;
	GPtrArray *held; /* VMs whose fds the worker uses */
	int *vm_fds;
	bool kept; /* it was stopped in time */
};

/*
 * Worker: has its own copy of what it needs.  The close alone would do, but says nothing until it
 * is over, and may be done by systemd, which closes its copy when it likes.  So first bring
 * back what our VMs have in there.
 */
static void close_fd(Job *job)
{
	struct closing *closing = job->data;
	struct vmirror_pool_stat stat;
	Move move = {
		.pool_fd = -1,
		.what = MOVE_ALL,
		.only_pool = closing->id,
		.at = &job->at,
	};

	if (kernel_pool_numbers(closing->fd, &stat) == 0)
		closing->used_bytes = stat.used_bytes;
	move_put(&job->at.total, closing->used_bytes);
	for (guint i = 0; i < closing->held->len && !move_stopped(&job->at); i++) {
		move.vm_fd = closing->vm_fds[i];
		move.error = 0;
		move_run(&move);
	}
	closing->kept = move_stopped(&job->at);
	if (closing->kept)
		return;
	fdstore_remove("pool", closing->id);
	close(closing->fd);
}

static void kept(Pool *pool, const struct closing *closing, const Job *job)
{
	pool->fd = closing->fd;
	pool->closing = false;
	log_info(NULL, pool->name, "not destroyed: %s", job->stopped);
	if (pool->closing_call)
		call_error(pool->closing_call, job->stopped_class, NULL,
			   "pool '%s' was not destroyed: %s", pool->name, job->stopped);
	pool->closing_call = NULL;
}

static void destroyed(Pool *pool, const struct closing *closing)
{
	json_object *data = json_object_new_object();

	log_info(NULL, pool->name, "destroyed, %" PRIu64 " MiB came home",
		 closing->used_bytes >> 20);
	control_add_string(data, "pool", pool->name);
	events_emit("pool-destroyed", NULL, data);
	if (pool->closing_call) {
		data = json_object_new_object();
		control_add_u64(data, "returned-bytes", closing->used_bytes);
		call_return(pool->closing_call, data);
	}
	pool_free(pool);
}

static void closed(Job *job)
{
	g_autofree struct closing *closing = job->data;

	for (guint i = 0; i < closing->held->len; i++)
		vm_release(g_ptr_array_index(closing->held, i));
	g_ptr_array_free(closing->held, TRUE);
	g_free(closing->vm_fds);
	if (closing->kept)
		kept(closing->pool, closing, job);
	else
		destroyed(closing->pool, closing);
}

static void close_if_unused(Pool *pool)
{
	g_autoptr(GPtrArray) vms = vm_list();
	struct closing *closing;
	Job *job;

	if (!pool->closing || pool->jobs->len)
		return;
	closing = g_new0(struct closing, 1);
	*closing = (struct closing){ .pool = pool, .fd = pool->fd, .id = pool->id };
	closing->held = g_ptr_array_new();
	closing->vm_fds = g_new(int, vms->len + 1);
	for (guint i = 0; i < vms->len; i++) {
		Vm *vm = g_ptr_array_index(vms, i);

		if (vm->closing)
			continue;
		vm_hold(vm);
		closing->vm_fds[closing->held->len] = vm->fd;
		g_ptr_array_add(closing->held, vm);
	}
	pool->fd = -1;
	job = job_new(pool->closing_call, NULL, close_fd, closed, closing);
	job->progress = true;
	job_start(job);
}

void pool_use(Pool *pool, Job *job)
{
	g_ptr_array_add(pool->jobs, job);
}

void pool_unuse(Pool *pool, Job *job)
{
	g_ptr_array_remove(pool->jobs, job);
	close_if_unused(pool);
}

void pool_destroy(Pool *pool, Call *call)
{
	pool->closing = true;
	pool->closing_call = call;
	for (guint i = 0; i < pool->jobs->len; i++)
		job_stop(g_ptr_array_index(pool->jobs, i), CONTROL_CLASS_POOL_NOT_FOUND,
			 "the pool is being destroyed");
	close_if_unused(pool);
}

void pool_forget_call(Call *call)
{
	for (guint i = 0; pools && i < pools->len; i++) {
		Pool *pool = g_ptr_array_index(pools, i);

		if (pool->closing_call == call)
			pool->closing_call = NULL;
	}
}
