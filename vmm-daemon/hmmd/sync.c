// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * sync.c - keeps the picture of a VM true
 *
 * OUT and BACK say exactly what became of a page and go into the picture at once.  Other records
 * only tell where it may be wrong now: that range is dirty, and a worker takes a snapshot of it.
 *
 * A snapshot is of no one moment, and pages go on moving while it is taken.  So every OUT and
 * BACK that arrives meanwhile is logged too, and replayed on top of it.  Each sets the final
 * state of its pages, so it does no harm if the snapshot had seen it already.
 */
#include <errno.h>

#include "hmmd.h"
#include "walk.h"

#define EXTENTS_MAX   (1u << 18) /* of one picture */
#define LOG_MAX	      65536u	 /* records while a snapshot is taken */
#define SOON_MS	      20	 /* gather what belongs together */
#define REST	      10	 /* times as long as a snapshot took, before the next */
#define REST_MAX_MS   10000
#define LATER_MS      1000  /* the mapping would not hold still */
#define MUCH_LATER_MS 60000 /* too many extents: perhaps fewer then */
#define GPA_END	      (UINT64_C(1) << VMIRROR_GPA_BITS)

struct Sync {
	Vm *vm;
	Picture *picture;
	bool known;	    /* the picture was right once */
	uint64_t dirty_gpa; /* the range to look at; empty if end is 0 */
	uint64_t dirty_end;
	guint timer;
	bool running;  /* a worker takes a snapshot */
	gint64 began;  /* when it began */
	bool log_lost; /* records are missing in the log: the snapshot is of no use */
	GArray *log;
};

/* What the worker gets and brings. */
struct look {
	Sync *sync;
	int vm_fd;
	uint64_t gpa;
	uint64_t end;
	GArray *extents; /* of struct vmirror_extent, those in a pool */
	bool too_many;
	int error;
};

static void arm(Sync *sync, unsigned int ms);

Sync *sync_new(Vm *vm)
{
	Sync *sync = g_new0(Sync, 1);

	sync->vm = vm;
	sync->picture = picture_new(EXTENTS_MAX);
	/* A VM that was just attached has nothing out. */
	sync->known = true;
	sync->log = g_array_new(FALSE, FALSE, sizeof(struct vmirror_record));
	return sync;
}

void sync_free(Sync *sync)
{
	if (!sync)
		return;
	if (sync->timer)
		g_source_remove(sync->timer);
	picture_free(sync->picture);
	g_array_free(sync->log, TRUE);
	g_free(sync);
}

const Picture *sync_picture(const Sync *sync)
{
	return sync->known && picture_complete(sync->picture) ? sync->picture : NULL;
}

static void apply(Sync *sync, const struct vmirror_record *record)
{
	if (record->type == VMIRROR_EVENT_OUT)
		picture_set(sync->picture, record->gpa, record->pages, record->pool_id,
			    record->pool_offset);
	else
		picture_clear(sync->picture, record->gpa, record->pages);
}

/* ---- a snapshot of what is dirty ---------------------------------------- */

/* Worker. */
static void look(Job *job)
{
	struct look *look = job->data;
	g_autofree Walk *walk = g_new(Walk, 1);
	struct vmirror_extent extent;
	int more;

	more = walk_start(walk, look->vm_fd, look->gpa, look->end);
	if (more == 0)
		more = 1;
	while (more > 0 && !look->too_many && !move_stopped(&job->at)) {
		more = walk_next(walk, &extent);
		if (more > 0 && extent.state == VMIRROR_STATE_POOL)
			g_array_append_val(look->extents, extent);
		look->too_many = look->extents->len > EXTENTS_MAX;
	}
	walk_end(walk);
	look->error = more < 0 ? more : 0;
}

static void dirty(Sync *sync, uint64_t gpa, uint64_t end)
{
	if (sync->dirty_end) {
		gpa = MIN(gpa, sync->dirty_gpa);
		end = MAX(end, sync->dirty_end);
	}
	sync->dirty_gpa = gpa;
	sync->dirty_end = end;
}

static void replace(Sync *sync, const struct look *look)
{
	if (look->gpa == 0 && look->end == GPA_END)
		picture_reset(sync->picture);
	else
		picture_clear(sync->picture, look->gpa,
			      (look->end - look->gpa) / VMIRROR_PAGE_SIZE);
	for (guint i = 0; i < look->extents->len; i++) {
		const struct vmirror_extent *extent =
			&g_array_index(look->extents, struct vmirror_extent, i);

		picture_set(sync->picture, extent->gpa, extent->pages, extent->pool_id,
			    extent->pool_offset);
	}
	for (guint i = 0; i < sync->log->len; i++)
		apply(sync, &g_array_index(sync->log, struct vmirror_record, i));
	if (look->gpa == 0 && look->end == GPA_END)
		sync->known = true;
}

static void looked(Job *job)
{
	struct look *look = job->data;
	Sync *sync = look->sync;
	gint64 took_ms = (g_get_monotonic_time() - sync->began) / 1000;
	unsigned int again = (unsigned int)CLAMP(REST * took_ms, SOON_MS, REST_MAX_MS);

	sync->running = false;
	if (look->error || sync->log_lost || job->stopped) {
		dirty(sync, look->gpa, look->end);
		again = MAX(again, LATER_MS);
	} else if (look->too_many) {
		sync->known = false;
	} else {
		replace(sync, look);
	}
	g_array_set_size(sync->log, 0);
	sync->log_lost = false;
	if (look->too_many || !picture_complete(sync->picture)) {
		dirty(sync, 0, GPA_END);
		again = MUCH_LATER_MS;
	}
	if (sync->dirty_end && !sync->vm->closing && look->error != -ESRCH)
		arm(sync, again);
	g_array_free(look->extents, TRUE);
	g_free(look);
}

static gboolean begin(gpointer data)
{
	Sync *sync = data;
	struct look *order;

	sync->timer = 0;
	if (sync->vm->closing)
		return G_SOURCE_REMOVE;
	order = g_new0(struct look, 1);
	sync->running = true;
	sync->began = g_get_monotonic_time();
	order->sync = sync;
	order->vm_fd = sync->vm->fd;
	order->gpa = sync->dirty_gpa;
	order->end = sync->dirty_end;
	order->extents = g_array_new(FALSE, FALSE, sizeof(struct vmirror_extent));
	sync->dirty_end = 0;
	job_start(job_new(NULL, sync->vm, look, looked, order));
	return G_SOURCE_REMOVE;
}

static void arm(Sync *sync, unsigned int ms)
{
	if (!sync->timer && !sync->running && !sync->vm->closing)
		sync->timer = g_timeout_add(ms, begin, sync);
}

/* ---- what the ring says ------------------------------------------------- */

void sync_all(Sync *sync)
{
	sync->known = false;
	/* What is lost now may be missing from the log of the snapshot that is being taken. */
	sync->log_lost = sync->running;
	dirty(sync, 0, GPA_END);
	arm(sync, SOON_MS);
}

void sync_record(Sync *sync, const struct vmirror_record *record)
{
	switch (record->type) {
	case VMIRROR_EVENT_OUT:
	case VMIRROR_EVENT_BACK:
		apply(sync, record);
		if (!sync->running)
			break;
		if (sync->log->len < LOG_MAX)
			g_array_append_val(sync->log, *record);
		else
			sync->log_lost = true;
		break;
	case VMIRROR_EVENT_INVALIDATE:
		/*
		 * What was out may have ceased to exist, or only changed its mapping.  While a
		 * snapshot is being taken the picture does not say yet what is out.
		 */
		if (!sync->running && !picture_overlaps(sync->picture, record->gpa, record->pages))
			break;
		dirty(sync, record->gpa, record->gpa + record->pages * VMIRROR_PAGE_SIZE);
		arm(sync, SOON_MS);
		break;
	case VMIRROR_EVENT_SLOTS:
		dirty(sync, 0, GPA_END);
		arm(sync, SOON_MS);
		break;
	case VMIRROR_EVENT_LOST:
		sync_all(sync);
		break;
	default:
		break;
	}
}
