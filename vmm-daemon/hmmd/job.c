// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * job.c - long work in worker threads
 *
 *	job_start ──▶ (waits for its VM's serial job) ──▶ run, in a worker
 *	                                                    │
 *	      job is freed ◀── vm_job_end ◀── done ◀────────┘   in the main thread
 */
#include <sys/resource.h>

#include "hmmd.h"

/* Work that is over sooner is not worth a word. */
#define PROGRESS_MS 200

/*
 * What guests ask for gives way to what operators ask for: where the two want one CPU, a nice value
 * of 10 leaves nine tenths of it to the latter.  Not more: a fault of the guest may have to wait for
 * the worker, which then must not wait for long.
 */
#define BACKGROUND_NICE 10

static GThreadPool *threads;
static GList *background; /* of Job, those that have a thread of their own */

static gboolean finish(gpointer data)
{
	Job *job = data;

	if (job->timer)
		g_source_remove(job->timer);
	if (job->thread) {
		g_thread_join(job->thread);
		background = g_list_remove(background, job);
	}
	if (job->call)
		job->call->job = NULL;
	job->done(job);
	if (job->vm)
		vm_job_end(job->vm, job);
	g_free(job);
	return G_SOURCE_REMOVE;
}

static void finish_later(Job *job)
{
	g_idle_add_full(G_PRIORITY_DEFAULT, finish, job, NULL);
}

/* Worker. */
static void work(gpointer data, gpointer user_data)
{
	Job *job = data;

	(void)user_data;
	job->run(job);
	finish_later(job);
}

/* Worker. */
static gpointer work_in_background(gpointer data)
{
	/* Linux: of this thread alone.  Where it fails, the job is as urgent as any. */
	setpriority(PRIO_PROCESS, 0, BACKGROUND_NICE);
	work(data, NULL);
	return NULL;
}

static gboolean report(gpointer data)
{
	Job *job = data;

	if (job->call)
		call_progress(job->call, move_get(&job->at.done), move_get(&job->at.total),
			      move_get(&job->at.moved));
	return G_SOURCE_CONTINUE;
}

void job_init(void)
{
	/* No limit: there are no more jobs than VMs, pools and connections. */
	threads = g_thread_pool_new(work, NULL, -1, FALSE, NULL);
}

void job_shutdown(void)
{
	for (GList *at = background; at; at = at->next)
		g_thread_join(((Job *)at->data)->thread);
	g_thread_pool_free(threads, TRUE, TRUE);
}

Job *job_new(Call *call, Vm *vm, void (*run)(Job *job), void (*done)(Job *job), void *data)
{
	Job *job = g_new0(Job, 1);

	job->call = call;
	job->vm = vm;
	job->run = run;
	job->done = done;
	job->data = data;
	return job;
}

void job_run(Job *job)
{
	/* Of its own, as a nice one may not become less so again; a VM has one such job at a time. */
	if (job->background)
		job->thread = g_thread_try_new("background", work_in_background, job, NULL);
	if (job->thread)
		background = g_list_prepend(background, job);
	else
		g_thread_pool_push(threads, job, NULL);
}

void job_start(Job *job)
{
	if (job->call)
		job->call->job = job;
	if (job->progress)
		job->timer = g_timeout_add(PROGRESS_MS, report, job);
	if (!job->vm || vm_job_begin(job->vm, job))
		job_run(job);
}

void job_stop(Job *job, enum control_class class_, const char *why)
{
	if (job->stopped)
		return;
	job->stopped = why;
	job->stopped_class = class_;
	move_stop(&job->at);
	/* One that has not begun never will. */
	if (job->vm && vm_job_unqueue(job->vm, job))
		finish_later(job);
}
