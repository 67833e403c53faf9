// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What goes from a frame to a job and back to a result, with a channel that is an array, and jobs
 * that the test carries out, or does not; the times are the real ones.
 */
#include "check.h"
#include "fake_kernel.h"
#include "hint-batch.h"
#include "hints.h"

#define PAGE	    ((uint64_t)VMIRROR_PAGE_SIZE)
#define SESSION	    7u
#define PATIENCE_MS 10000

/* ---- what stands in for hmmd ------------------------------------------- */

struct Sync {
	Picture *picture; /* NULL: it is not known */
};

struct HintChannel {
	HintChannelUser user;
	enum hint_channel_state state;
	size_t room; /* the guest has read all but so much */
	size_t n;
	unsigned char out[4096];
};

struct batch {
	Job job;
	GArray *orders;
	void (*done)(const HintBatch *batch, void *data);
	void *data;
};

static struct Sync the_sync;
static HintChannel *channel;
static bool has_port;
static char vm_name[] = "one", pool_name_[] = "p";
static Pool the_pool = { .name = pool_name_, .id = 1, .fd = 1 };
static bool has_pool;
static struct batch *running;
static unsigned int batches, warnings;

void log_about(GLogLevelFlags level, const char *vm, const char *pool, const char *format, ...)
{
	(void)vm, (void)pool, (void)format;
	warnings += level == G_LOG_LEVEL_WARNING;
}

const Picture *sync_picture(const Sync *sync)
{
	return sync->picture;
}

void vm_ring_catch_up(Vm *vm)
{
	(void)vm;
}

Pool *pool_pick(const char *name, GError **error)
{
	(void)name;
	if (!has_pool)
		g_set_error(error, g_quark_from_static_string("test"), 1, "there is none");
	return has_pool ? &the_pool : NULL;
}

char *proc_channel_path(const char *root, pid_t pid, const char *port)
{
	(void)root, (void)pid, (void)port;
	return has_port ? g_strdup("/a/socket") : NULL;
}

HintChannel *hint_channel_new(const char *path, pid_t pid, const struct hint_limits *limits,
			      const HintChannelUser *user)
{
	(void)path, (void)pid, (void)limits;
	channel = g_new0(HintChannel, 1);
	channel->user = *user;
	channel->state = HINT_CHANNEL_OPEN;
	channel->room = sizeof(channel->out);
	return channel;
}

void hint_channel_free(HintChannel *of)
{
	channel = NULL;
	g_free(of);
}

enum hint_channel_state hint_channel_state(const HintChannel *of)
{
	return of->state;
}

uint32_t hint_channel_session(const HintChannel *of)
{
	return of->state == HINT_CHANNEL_OPEN ? SESSION : 0;
}

void *hint_channel_room(HintChannel *of, size_t *room)
{
	*room = of->state == HINT_CHANNEL_OPEN ? of->room - of->n : 0;
	return of->out + of->n;
}

void hint_channel_sent(HintChannel *of, size_t n)
{
	of->n += n;
}

Job *hint_batch_start(Vm *vm, Pool *pool, GArray *orders,
		      void (*done)(const HintBatch *batch, void *data), void *data)
{
	struct batch *batch = g_new0(struct batch, 1);

	CU_ASSERT_PTR_NULL(running);
	CU_ASSERT(pool == (has_pool ? &the_pool : NULL));
	batch->orders = orders;
	batch->done = done;
	batch->data = data;
	running = batch;
	vm->running = &batch->job;
	batches++;
	return vm->running;
}

static void end_batch(Vm *vm, HintBatch *batch)
{
	struct batch *job = running;

	running = NULL;
	job->done(batch, job->data);
	vm->running = NULL;
	g_array_free(job->orders, TRUE);
	g_free(batch->moved);
	g_free(job);
}

/* All of the orders are done. */
static void carry_out(Vm *vm)
{
	HintBatch batch = { .orders = running->orders, .nr_done = running->orders->len };

	batch.moved = g_new0(struct vmirror_moved, batch.nr_done);
	for (guint i = 0; i < batch.nr_done; i++) {
		const HintOrder *order = &g_array_index(batch.orders, HintOrder, i);
		uint64_t pages = order->range.bytes / PAGE;

		batch.moved[i].moved_pages = pages;
		if (order->out)
			picture_set(the_sync.picture, order->range.gpa, pages, 1, order->range.gpa);
		else
			picture_clear(the_sync.picture, order->range.gpa, pages);
	}
	end_batch(vm, &batch);
}

/* The job was stopped before its first order. */
static void stop_batch(Vm *vm)
{
	end_batch(vm, &(HintBatch){ .orders = running->orders });
}

/* ---- a VM, and its guest ------------------------------------------------ */

static Settings *defaults;

static void begin(Vm *vm)
{
	if (!defaults)
		defaults = settings_read("/nonexistent", false, NULL);
	fake_reset();
	*vm = (Vm){ .name = vm_name, .pid = 1, .sync = &the_sync };
	the_sync.picture = picture_new(1000);
	has_port = has_pool = true;
	batches = warnings = 0;
	hints_configure(defaults);
	vm->hints = hints_new(vm);
}

static void end(Vm *vm)
{
	if (running)
		stop_batch(vm);
	hints_free(vm->hints);
	picture_free(the_sync.picture);
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static bool has_batch(void)
{
	return running;
}

static bool has_told(void)
{
	return channel->n > 0;
}

static gboolean wake(gpointer data)
{
	(void)data;
	return G_SOURCE_CONTINUE;
}

/* Let time pass until it is so; false if that takes too long.  so may be NULL: never. */
static bool until(bool (*so)(void), int ms)
{
	int64_t last = g_get_monotonic_time() + ms * INT64_C(1000);
	guint source = g_timeout_add(5, wake, NULL);
	bool is_so;

	while (!(is_so = so && so()) && g_get_monotonic_time() < last)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(source);
	return is_so;
}

static enum hint_error say(size_t n, const void *frame)
{
	CU_ASSERT_FATAL(n > 0);
	return channel->user.frame(frame, channel->user.data);
}

static enum hint_error say_hint(uint64_t cookie, enum hint_advice advice, uint64_t first,
				uint64_t pages)
{
	struct hint_extent extent = { first * PAGE, pages * PAGE };
	struct hint_request request = {
		.cookie = cookie,
		.owner = 1,
		.advice = advice,
		.first = true,
		.last = true,
		.nr_extents = 1,
	};
	unsigned char frame[128];
	size_t n = hint_put_hint(frame, sizeof(frame), SESSION, &request, &extent);

	return say(n, frame);
}

static enum hint_error say_forget(uint64_t cookie)
{
	unsigned char frame[64];

	return say(hint_put_forget(frame, sizeof(frame), SESSION, cookie), frame);
}

static void back(Vm *vm, uint64_t first, uint32_t pages, uint32_t reason)
{
	struct vmirror_record record = {
		.type = VMIRROR_EVENT_BACK,
		.reason = (uint16_t)reason,
		.gpa = first * PAGE,
		.pages = pages,
	};

	picture_clear(the_sync.picture, first * PAGE, pages);
	hints_record(vm->hints, &record);
}

/* The next result, and it is read. */
static struct hint_result read_result(void)
{
	struct hint_reader reader = { HINT_SIDE_HOST, SESSION, true };
	struct hint_result result = { 0 };
	const void *frame;
	size_t used;

	CU_ASSERT(until(has_told, PATIENCE_MS));
	if (hint_find(&reader, channel->out, channel->n, &used, &frame) != HINT_FOUND_FRAME) {
		CU_FAIL("no result");
		return result;
	}
	result = hint_get_result(frame);
	channel->n -= used;
	memmove(channel->out, channel->out + used, channel->n);
	return result;
}

/* Results come until so much of it is done. */
static void check_done(uint64_t cookie, uint64_t pages)
{
	struct hint_result result;

	do {
		result = read_result();
		CHECK_NUMBER(result.cookie, cookie);
	} while (result.cookie && result.done_bytes != pages * PAGE);
	CHECK_NUMBER(result.status, HINT_STATUS_DONE);
}

/* ---- the tests ---------------------------------------------------------- */

static void there_and_back(void)
{
	HintsView view;
	Vm vm;

	begin(&vm);
	CHECK_NUMBER(say_hint(1, HINT_ADVICE_DEVICE, 0, 10), 0);
	CHECK_NUMBER(read_result().status, HINT_STATUS_ACCEPTED);
	CU_ASSERT_FATAL(until(has_batch, PATIENCE_MS));
	carry_out(&vm);
	check_done(1, 10);
	CHECK_NUMBER(picture_pages(the_sync.picture), 10);
	/* it stays out when the hint is forgotten, and comes home where one says so */
	CHECK_NUMBER(say_forget(1), 0);
	CHECK_NUMBER(say_hint(2, HINT_ADVICE_HOST, 0, 4), 0);
	CU_ASSERT_FATAL(until(has_batch, PATIENCE_MS));
	carry_out(&vm);
	check_done(2, 4);
	CHECK_NUMBER(picture_pages(the_sync.picture), 6);
	view = hints_view(vm.hints);
	CHECK_NUMBER(hint_table_counters(view.table)->hints, 2);
	CHECK_NUMBER(view.counters->forgets, 1);
	CHECK_NUMBER(hint_table_hints(view.table), 1);
	end(&vm);
}

/* What comes back soon is left alone; what an operator has brought back, for longer. */
static void came_back(void)
{
	Vm vm;

	begin(&vm);
	say_hint(1, HINT_ADVICE_DEVICE, 0, 10);
	CU_ASSERT_FATAL(until(has_batch, PATIENCE_MS));
	carry_out(&vm);
	check_done(1, 10);
	back(&vm, 0, 10, VMIRROR_REASON_CPU_FAULT);
	CHECK_NUMBER(read_result().skips[0].reason, HINT_REASON_RESTING);
	CHECK_NUMBER(batches, 1);
	CU_ASSERT_FATAL(until(has_batch, PATIENCE_MS)); /* after 2 s */
	carry_out(&vm);
	check_done(1, 10);
	back(&vm, 0, 10, VMIRROR_REASON_RECALL);
	CU_ASSERT_FALSE(until(has_batch, 3000));
	end(&vm);
}

static void nobody_reads(void)
{
	Vm vm;

	begin(&vm);
	channel->room = 100; /* for two results */
	for (uint64_t i = 1; i <= 5; i++)
		say_hint(i, HINT_ADVICE_DEVICE, 10 * i, 10);
	CU_ASSERT_FATAL(until(has_batch, PATIENCE_MS));
	carry_out(&vm);
	CU_ASSERT_FALSE(until(has_batch, 300));
	CHECK_NUMBER(channel->n, 2 * sizeof(struct hint_wire_result));
	/* then it does: those that it was told of, and the rest as it is by now */
	CHECK_NUMBER(read_result().status, HINT_STATUS_ACCEPTED);
	CHECK_NUMBER(read_result().status, HINT_STATUS_ACCEPTED);
	channel->room = sizeof(channel->out);
	channel->user.writable(channel->user.data);
	for (unsigned int i = 0; i < 5; i++)
		CHECK_NUMBER(read_result().status, HINT_STATUS_DONE);
	end(&vm);
}

static void agent_is_gone(void)
{
	Vm vm;

	begin(&vm);
	say_hint(1, HINT_ADVICE_DEVICE, 0, 10);
	CU_ASSERT_FATAL(until(has_batch, PATIENCE_MS));
	/* while its job runs */
	channel->user.gone(channel->user.data);
	CHECK_NUMBER(hint_table_hints(hints_view(vm.hints).table), 0);
	carry_out(&vm);
	CU_ASSERT_FALSE(until(has_batch, 300));
	CHECK_NUMBER(picture_pages(the_sync.picture), 10);
	/* an agent that begins says first that nothing stands: what it says next may be all of it */
	say_forget(HINT_COOKIE_ALL);
	say_hint(2, HINT_ADVICE_DEVICE, 0, 20);
	CU_ASSERT_FALSE(until(has_batch, 200));
	CU_ASSERT_TRUE(until(has_batch, PATIENCE_MS));
	end(&vm);
}

static void no_pool_no_picture(void)
{
	Picture *picture;
	Vm vm;

	begin(&vm);
	has_pool = false;
	say_hint(1, HINT_ADVICE_DEVICE, 0, 10);
	CHECK_NUMBER(read_result().status, HINT_STATUS_ACCEPTED);
	CHECK_NUMBER(read_result().skips[0].reason, HINT_REASON_NO_POOL);
	say_hint(2, HINT_ADVICE_DEVICE, 10, 10);
	CU_ASSERT_FALSE(until(has_batch, 300));
	CHECK_NUMBER(warnings, 1);
	/* while the picture is not known nothing is done */
	has_pool = true;
	picture = the_sync.picture;
	the_sync.picture = NULL;
	say_hint(3, HINT_ADVICE_DEVICE, 20, 10);
	CU_ASSERT_FALSE(until(has_batch, 300));
	the_sync.picture = picture;
	CU_ASSERT_TRUE(until(has_batch, PATIENCE_MS));
	end(&vm);
}

static void no_port(void)
{
	Vm vm;

	begin(&vm);
	hints_free(vm.hints);
	has_port = false;
	vm.hints = hints_new(&vm);
	hints_look(vm.hints);
	CU_ASSERT_PTR_NULL(hints_view(vm.hints).channel);
	back(&vm, 0, 1, VMIRROR_REASON_CPU_FAULT);
	hints_record(NULL, NULL);
	hints_stop(NULL);
	hints_free(NULL);
	/* one is plugged in */
	has_port = true;
	hints_look(vm.hints);
	CU_ASSERT_PTR_NOT_NULL_FATAL(hints_view(vm.hints).channel);
	CHECK_NUMBER(say_hint(1, HINT_ADVICE_DEVICE, 0, 10), 0);
	CU_ASSERT_TRUE(until(has_batch, PATIENCE_MS));
	hints_look(vm.hints);
	hints_stop(vm.hints);
	hints_look(vm.hints);
	CU_ASSERT_PTR_NULL(channel);
	end(&vm);
}

/* Not even by the job that was running, or by what the ring has told since. */
static void stopped(void)
{
	Vm vm;

	begin(&vm);
	say_hint(1, HINT_ADVICE_DEVICE, 0, 10);
	CU_ASSERT_FATAL(until(has_batch, PATIENCE_MS));
	hints_stop(vm.hints);
	CU_ASSERT_PTR_NULL(channel);
	stop_batch(&vm);
	back(&vm, 5000, 1, VMIRROR_REASON_CPU_FAULT);
	CU_ASSERT_FALSE(until(has_batch, 300));
	end(&vm);
}

int main(void)
{
	static const struct check checks[] = {
		{ "there and back", there_and_back },
		{ "came back", came_back },
		{ "nobody reads", nobody_reads },
		{ "agent is gone", agent_is_gone },
		{ "no pool, no picture", no_pool_no_picture },
		{ "no port", no_port },
		{ "stopped", stopped },
	};
	int failed = run_checks("hints", checks, G_N_ELEMENTS(checks));

	settings_free(defaults);
	return failed;
}
