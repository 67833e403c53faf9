// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The test is QEMU and the guest, at the other end of a real socket; the times are the real ones.
 */
#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "hint-channel.h"

#define PATIENCE_MS 60000

struct guest {
	char path[64];
	int listener;
	int fd;
	uint32_t session;
	struct hint_reader reader;
	size_t n, used;
	unsigned char in[2 * HINT_FRAME_MAX];

	HintChannel *channel;
	struct hint_limits limits;
	unsigned int frames;
	unsigned int gone;
	unsigned int ended;
	char *why;
	unsigned int writable;
};

static char *directory;

static int64_t now_ms(void)
{
	return g_get_monotonic_time() / 1000;
}

/* ---- what hmmd does with the channel ------------------------------------ */

static enum hint_error frame(const void *data, void *arg)
{
	struct guest *g = arg;

	(void)data;
	g->frames++;
	return 0;
}

static void writable(void *arg)
{
	((struct guest *)arg)->writable++;
}

static void trouble(const char *why, void *arg)
{
	struct guest *g = arg;

	g->ended++;
	g_free(g->why);
	g->why = g_strdup(why);
}

static void gone(void *arg)
{
	((struct guest *)arg)->gone++;
}

/* ---- the guest ---------------------------------------------------------- */

static void listen_at(struct guest *g)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	g_strlcpy(address.sun_path, g->path, sizeof(address.sun_path));
	g->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	g_assert(bind(g->listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	g_assert(listen(g->listener, 1) == 0);
}

static void begin_as(struct guest *g, pid_t pid)
{
	static unsigned int number;
	HintChannelUser user = { frame, writable, trouble, gone, g };

	g_snprintf(g->path, sizeof(g->path), "%s/%u", directory, number++);
	g->fd = -1;
	if (!g->limits.max_hints)
		g->limits = (struct hint_limits){ 1, 1, 0, 10, 20, 100000 };
	listen_at(g);
	g->channel = hint_channel_new(g->path, pid, &g->limits, &user);
}

static struct guest *begin(uint32_t frames_per_second)
{
	struct guest *g = g_new0(struct guest, 1);

	g->limits = (struct hint_limits){ 1, 1, 0, 10, 20, frames_per_second };
	begin_as(g, getpid());
	return g;
}

static void end(struct guest *g)
{
	hint_channel_free(g->channel);
	if (g->fd >= 0)
		close(g->fd);
	close(g->listener);
	unlink(g->path);
	g_free(g->why);
	g_free(g);
}

static gboolean wake(gpointer data)
{
	(void)data;
	return G_SOURCE_CONTINUE;
}

/* Let hmmd's side run until it is so; false if that takes too long. */
static bool until(bool (*so)(struct guest *g), struct guest *g, int ms)
{
	int64_t last = now_ms() + ms;
	guint source = g_timeout_add(5, wake, NULL);
	bool is_so;

	while (!(is_so = so(g)) && now_ms() < last)
		g_main_context_iteration(NULL, TRUE);
	g_source_remove(source);
	return is_so;
}

static bool is_accepted(struct guest *g)
{
	if (g->fd < 0)
		g->fd = accept4(g->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (g->fd >= 0)
		g->reader = (struct hint_reader){ HINT_SIDE_HOST, 0, false };
	g->n = g->used = 0;
	return g->fd >= 0;
}

/* A frame has come: it is at g->in + g->used until the next call. */
static const void *next;

static bool has_frame(struct guest *g)
{
	size_t used;
	ssize_t n;

	memmove(g->in, g->in + g->used, g->n - g->used);
	g->n -= g->used;
	g->used = 0;
	n = recv(g->fd, g->in + g->n, sizeof(g->in) - g->n, MSG_DONTWAIT);
	if (n > 0)
		g->n += (size_t)n;
	if (hint_find(&g->reader, g->in, g->n, &used, &next) != HINT_FOUND_FRAME) {
		g->used = used;
		return false;
	}
	g->used = used;
	return true;
}

static bool expect(struct guest *g, enum hint_type type)
{
	if (!until(has_frame, g, PATIENCE_MS) || hint_type_of(next) != type) {
		printf("\nno %d\n", type);
		CU_FAIL("no such frame");
		return false;
	}
	return true;
}

static bool is_hung_up(struct guest *g)
{
	struct pollfd item = { .fd = g->fd, .events = POLLIN };
	char byte;

	while (has_frame(g))
		;
	return poll(&item, 1, 0) == 1 && recv(g->fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void hang_up(struct guest *g)
{
	close(g->fd);
	g->fd = -1;
}

static void say(struct guest *g, const void *bytes, size_t n)
{
	CU_ASSERT(send(g->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n);
}

static void say_ping(struct guest *g, uint64_t token)
{
	unsigned char bytes[64];

	say(g, bytes, hint_put_ping(bytes, sizeof(bytes), g->session, token));
}

static void say_hint(struct guest *g, uint32_t session)
{
	struct hint_request request = { .cookie = 1, .advice = 1, .first = true, .last = true };
	unsigned char bytes[64];

	say(g, bytes, hint_put_hint(bytes, sizeof(bytes), session, &request, NULL));
}

static void say_start(struct guest *g)
{
	unsigned char bytes[64];

	say(g, bytes, hint_put_guest_start(bytes, sizeof(bytes)));
}

static bool is_open(struct guest *g)
{
	return hint_channel_state(g->channel) == HINT_CHANNEL_OPEN;
}

/* HOST_HELLO is there, or will be. */
static void answer(struct guest *g)
{
	unsigned char bytes[64];

	if (!expect(g, HINT_TYPE_HOST_HELLO))
		return;
	g->session = g->reader.session;
	CU_ASSERT(hint_channel_state(g->channel) == HINT_CHANNEL_GREETING);
	say(g, bytes, hint_put_guest_hello(bytes, sizeof(bytes), g->session, 1, 0));
	CU_ASSERT(until(is_open, g, PATIENCE_MS));
}

static struct guest *begin_open(uint32_t frames_per_second)
{
	struct guest *g = begin(frames_per_second);

	CU_ASSERT_FATAL(until(is_accepted, g, PATIENCE_MS));
	answer(g);
	return g;
}

/* ---- the tests ---------------------------------------------------------- */

static bool has_taken(struct guest *g)
{
	return g->frames > 0;
}

static void talks(void)
{
	struct guest *g = begin_open(1000);
	struct hint_result result = { .cookie = 7, .status = HINT_STATUS_DONE };
	size_t room;
	void *to;

	CHECK_NUMBER(hint_channel_session(g->channel), g->session);
	say_hint(g, g->session);
	CU_ASSERT(until(has_taken, g, PATIENCE_MS));
	say_ping(g, 99);
	if (expect(g, HINT_TYPE_PONG))
		CHECK_NUMBER(hint_get_token(next), 99);
	to = hint_channel_room(g->channel, &room);
	hint_channel_sent(g->channel, hint_put_result(to, room, g->session, &result));
	if (expect(g, HINT_TYPE_RESULT))
		CHECK_NUMBER(hint_get_result(next).cookie, 7);
	hint_channel_free(g->channel);
	g->channel = NULL;
	if (expect(g, HINT_TYPE_ERROR))
		CHECK_NUMBER(hint_get_error(next), HINT_ERROR_ENDING);
	CU_ASSERT(until(is_hung_up, g, PATIENCE_MS));
	end(g);
}

static bool has_come_twice(struct guest *g)
{
	return g->frames == 2;
}

static void starts_anew(void)
{
	struct guest *g = begin_open(1000);
	uint32_t first = g->session;
	int64_t began = now_ms();

	/* another agent: it knows no session; remains of the old one come behind it */
	say_hint(g, first);
	CU_ASSERT(until(has_taken, g, PATIENCE_MS));
	say_start(g);
	say_start(g);
	answer(g);
	CU_ASSERT(g->session != first);
	CU_ASSERT(now_ms() - began >= 900);
	say_hint(g, first);
	say_hint(g, g->session);
	CU_ASSERT(until(has_come_twice, g, PATIENCE_MS));
	/* QEMU goes and comes again */
	hang_up(g);
	CU_ASSERT(until(is_accepted, g, PATIENCE_MS));
	answer(g);
	CHECK_NUMBER(g->ended, 0);
	CHECK_NUMBER(g->gone, 0);
	CHECK_NUMBER(hint_channel_counters(g->channel)->connections, 2);
	CHECK_NUMBER(hint_channel_counters(g->channel)->sessions, 3);
	CHECK_NUMBER(hint_channel_counters(g->channel)->unread, 0);
	end(g);
}

static void nonsense(void)
{
	static const char garbage[] = "HTTP/1.1 200 OK, or something of that kind";
	struct guest *g = begin(1000);
	int64_t began;

	/* before the first frame of the session it may be what others have left */
	CU_ASSERT_FATAL(until(is_accepted, g, PATIENCE_MS));
	say(g, garbage, sizeof(garbage));
	answer(g);
	for (unsigned int i = 1; i <= 3; i++) {
		began = now_ms();
		say(g, garbage, sizeof(garbage));
		if (expect(g, HINT_TYPE_ERROR))
			CHECK_NUMBER(hint_get_error(next), HINT_ERROR_FRAME);
		CU_ASSERT(until(is_hung_up, g, PATIENCE_MS));
		CHECK_NUMBER(g->ended, i);
		CU_ASSERT(hint_channel_state(g->channel) == HINT_CHANNEL_WAITING);
		hang_up(g);
		CU_ASSERT_FATAL(until(is_accepted, g, PATIENCE_MS));
		/* 1 s, 2 s, 4 s */
		CU_ASSERT(now_ms() - began >= 450 << i);
		answer(g);
	}
	CHECK_NUMBER(hint_channel_counters(g->channel)->errors[HINT_ERROR_FRAME], 3);
	end(g);
}

static void out_of_order(void)
{
	struct guest *g = begin_open(1000);
	unsigned char bytes[64];

	say(g, bytes, hint_put_guest_hello(bytes, sizeof(bytes), g->session, 1, 0));
	if (expect(g, HINT_TYPE_ERROR))
		CHECK_NUMBER(hint_get_error(next), HINT_ERROR_ORDER);
	CHECK_NUMBER(hint_channel_counters(g->channel)->errors[HINT_ERROR_ORDER], 1);
	end(g);

	g = begin(1000);
	CU_ASSERT_FATAL(until(is_accepted, g, PATIENCE_MS));
	CU_ASSERT(expect(g, HINT_TYPE_HOST_HELLO));
	say(g, bytes, hint_put_guest_hello(bytes, sizeof(bytes), g->reader.session, 9, 0));
	if (expect(g, HINT_TYPE_ERROR))
		CHECK_NUMBER(hint_get_error(next), HINT_ERROR_VERSION);
	CHECK_NUMBER(hint_channel_counters(g->channel)->errors[HINT_ERROR_VERSION], 1);
	end(g);
}

/* Both come in one go: the answer to the first frame is still to be sent when the second is read. */
static void error_behind_answer(void)
{
	struct guest *g = begin_open(1000);
	unsigned char bytes[128];
	size_t n = hint_put_ping(bytes, sizeof(bytes), g->session, 5);

	n += hint_put_guest_hello(bytes + n, sizeof(bytes) - n, g->session, 1, 0);
	say(g, bytes, n);
	if (expect(g, HINT_TYPE_PONG))
		CHECK_NUMBER(hint_get_token(next), 5);
	if (expect(g, HINT_TYPE_ERROR))
		CHECK_NUMBER(hint_get_error(next), HINT_ERROR_ORDER);
	end(g);
}

static bool has_ended(struct guest *g)
{
	return g->ended == 1;
}

static bool is_gone(struct guest *g)
{
	return g->gone == 1;
}

/* Two at once: it takes a while. */
static void silence(void)
{
	struct guest *half = begin_open(1000), *silent = begin_open(1000);
	unsigned char bytes[64];
	int64_t began = now_ms();

	hint_put_ping(bytes, sizeof(bytes), half->session, 1);
	say(half, bytes, 10);
	CU_ASSERT(until(has_ended, half, PATIENCE_MS));
	CU_ASSERT(now_ms() - began >= 4900);
	CHECK_TEXT(half->why, "half-frame");
	CHECK_NUMBER(hint_channel_counters(half->channel)->errors[HINT_ERROR_HALF], 1);
	CHECK_NUMBER(hint_channel_counters(half->channel)->errors[HINT_ERROR_FRAME], 0);
	CU_ASSERT(until(is_gone, silent, PATIENCE_MS));
	CU_ASSERT(now_ms() - began >= HINT_GONE_MS - 100);
	CHECK_NUMBER(silent->ended, 0);
	/* it was only held up */
	answer(silent);
	CHECK_NUMBER(silent->gone, 1);
	CU_ASSERT(until(is_gone, half, PATIENCE_MS));
	end(half);
	end(silent);
}

static void too_fast(void)
{
	struct guest *g = begin_open(100);
	int64_t began = now_ms();
	unsigned char bytes[300 * 64];
	size_t n = 0;

	/* a second's worth at once, and then no more than that in each */
	for (unsigned int i = 0; i < 300; i++)
		n += hint_put_ping(bytes + n, sizeof(bytes) - n, g->session, i);
	say(g, bytes, n);
	for (unsigned int i = 0; i < 300; i++)
		if (!expect(g, HINT_TYPE_PONG))
			break;
	if (next)
		CHECK_NUMBER(hint_get_token(next), 299);
	CU_ASSERT(now_ms() - began >= 1800);
	CU_ASSERT(hint_channel_counters(g->channel)->paused > 0);
	CHECK_NUMBER(g->ended, 0);
	end(g);
}

/* It says as much as it can. */
static void say_pings(struct guest *g)
{
	unsigned char bytes[64];
	size_t n = hint_put_ping(bytes, sizeof(bytes), g->session, 1);

	/* whole frames only: there is room for as long as poll says so */
	for (unsigned int i = 0; i < 1000; i++) {
		struct pollfd item = { .fd = g->fd, .events = POLLOUT };

		if (poll(&item, 1, 0) != 1 || send(g->fd, bytes, n, MSG_DONTWAIT) < 0)
			break;
	}
}

static bool is_unread(struct guest *g)
{
	say_pings(g);
	return hint_channel_counters(g->channel)->unread > 0;
}

/* It says and says, and never reads. */
static void never_reads(void)
{
	struct guest *g = begin_open(100000);
	uint64_t frames;

	CU_ASSERT(until(is_unread, g, PATIENCE_MS));
	frames = hint_channel_counters(g->channel)->frames;
	for (unsigned int i = 0; i < 50; i++)
		g_main_context_iteration(NULL, FALSE);
	CHECK_NUMBER(hint_channel_counters(g->channel)->frames, frames);
	CHECK_NUMBER(g->ended, 0);
	/* then it reads after all */
	while (has_frame(g))
		CHECK_NUMBER(hint_type_of(next), HINT_TYPE_PONG);
	say_hint(g, g->session);
	CU_ASSERT(until(has_taken, g, PATIENCE_MS));
	CHECK_NUMBER(hint_channel_counters(g->channel)->unread, 1);
	end(g);
}

/* An end that comes twice, by nonsense and by the clock, is one end. */
static void half_and_nonsense(void)
{
	struct guest *g = begin_open(1000);
	int64_t began = now_ms();
	unsigned int ended;

	for (unsigned int i = 0; i < 4; i++) {
		say(g, "H", 1);
		CU_ASSERT_FALSE(until(is_hung_up, g, 100));
		say(g, "not a frame, whatever it is", 27);
		CU_ASSERT(until(is_hung_up, g, PATIENCE_MS));
		hang_up(g);
		if (i == 3)
			break;
		CU_ASSERT_FATAL(until(is_accepted, g, PATIENCE_MS));
		answer(g);
	}
	ended = g->ended;
	CHECK_NUMBER(ended, 4);
	/* 8 s of silence: in these the half frame comes of age */
	CU_ASSERT_FALSE(until(is_accepted, g, 7000));
	CHECK_NUMBER(g->ended, ended);
	CU_ASSERT_FATAL(until(is_accepted, g, PATIENCE_MS));
	answer(g);
	CU_ASSERT(now_ms() - began >= 14000);
	end(g);
}

static void somebody_else_listens(void)
{
	struct guest *g = g_new0(struct guest, 1);

	begin_as(g, getpid() + 1); /* one that we are not */
	CU_ASSERT(until(is_accepted, g, PATIENCE_MS));
	CU_ASSERT(until(is_hung_up, g, PATIENCE_MS));
	CHECK_NUMBER(g->n, 0);
	CHECK_NUMBER(g->ended, 1);
	CU_ASSERT(g_str_has_suffix(g->why, "not that VM's process listens there"));
	CU_ASSERT(hint_channel_state(g->channel) == HINT_CHANNEL_CONNECTING);
	end(g);
}

int main(void)
{
	static const struct check checks[] = {
		{ "talks", talks },
		{ "starts anew", starts_anew },
		{ "nonsense", nonsense },
		{ "out of order", out_of_order },
		{ "error behind an answer", error_behind_answer },
		{ "silence", silence },
		{ "too fast", too_fast },
		{ "never reads", never_reads },
		{ "half and nonsense", half_and_nonsense },
		{ "somebody else listens", somebody_else_listens },
	};
	int failed;

	directory = g_dir_make_tmp("hint-XXXXXX", NULL);
	failed = run_checks("hint channel", checks, G_N_ELEMENTS(checks));
	rmdir(directory);
	g_free(directory);
	return failed;
}
