// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * talk.c - the port: what is sent, and what comes back
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "garbage.h"

#define PRINT_MOST	100
#define STUCK_SECONDS	10
#define HUNG_UP_SECONDS 0.05

double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

uint64_t random_number(struct talk *talk)
{
	uint64_t x = talk->random += 0x9e3779b97f4a7c15;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static int open_port(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat about;
	int fd;

	if (stat(path, &about) < 0 || !S_ISSOCK(about.st_mode))
		return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What was counted stays. */
bool talk_open(struct talk *talk, const struct options *options)
{
	talk->options = options;
	talk->mute = false;
	talk->reader = (struct hint_reader){ HINT_SIDE_HOST, 0, false };
	talk->nr_in = 0;
	talk->fd = open_port(options->port);
	talk->counts.opened += talk->fd >= 0;
	return talk->fd >= 0;
}

void talk_close(struct talk *talk)
{
	if (talk->fd >= 0)
		close(talk->fd);
	talk->fd = -1;
}

/* ---- reading ---------------------------------------------------------------------------- */

static bool may_print(struct talk *talk)
{
	if (talk->options->quiet || talk->printed > PRINT_MOST)
		return false;
	if (talk->printed++ < PRINT_MOST)
		return true;
	printf("(and more)\n");
	return false;
}

static void take_result(struct talk *talk, const void *frame)
{
	struct hint_result result = hint_get_result(frame);

	talk->counts.accepted += result.status == HINT_STATUS_ACCEPTED;
	talk->counts.done += result.status == HINT_STATUS_DONE;
	talk->counts.refused[result.reason] += result.status == HINT_STATUS_REFUSED;
	for (uint32_t i = 0; i < result.nr_skips; i++)
		talk->counts.no_memory += result.skips[i].reason == HINT_REASON_NO_MEMORY;
	if (!may_print(talk))
		return;
	printf("got RESULT %" PRIu64 " %s %s asked %" PRIu64 " done %" PRIu64, result.cookie,
	       hint_status_name(result.status),
	       result.reason ? hint_reason_name(result.reason) : "-", result.asked_bytes,
	       result.done_bytes);
	for (uint32_t i = 0; i < result.nr_skips; i++)
		printf(" %s %" PRIu64, hint_reason_name(result.skips[i].reason),
		       result.skips[i].bytes);
	printf("\n");
}

static void take_hello(struct talk *talk, const void *frame)
{
	struct hint_limits limits = hint_get_host_hello(frame);

	talk->counts.hellos++;
	talk->limits = limits;
	if (may_print(talk))
		printf("got HOST_HELLO session %08x: %u hints, %u extents, %u frames a second\n",
		       talk->reader.session, limits.max_hints, limits.max_extents,
		       limits.frames_per_second);
}

static void take_frame(struct talk *talk, const void *frame)
{
	switch (hint_type_of(frame)) {
	case HINT_TYPE_HOST_HELLO:
		take_hello(talk, frame);
		break;
	case HINT_TYPE_RESULT:
		take_result(talk, frame);
		break;
	case HINT_TYPE_ERROR:
		talk->counts.errors[hint_get_error(frame)]++;
		if (may_print(talk))
			printf("got ERROR %s\n", hint_error_name(hint_get_error(frame)));
		break;
	case HINT_TYPE_PONG:
		talk->counts.pongs++;
		if (may_print(talk))
			printf("got PONG %" PRIu64 "\n", hint_get_token(frame));
		break;
	default:
		break;
	}
}

/* The host's frames are checked as well: one that is broken counts, and is not to be. */
static void take_frames(struct talk *talk)
{
	size_t at = 0, used;

	for (;;) {
		const void *frame;
		enum hint_found found =
			hint_find(&talk->reader, talk->in + at, talk->nr_in - at, &used, &frame);

		at += used;
		if (found == HINT_FOUND_NOTHING)
			break;
		if (found == HINT_FOUND_FRAME) {
			take_frame(talk, frame);
			continue;
		}
		talk->counts.broken++;
		printf("the host sent something that is no frame\n");
		talk->reader.begun = false;
	}
	memmove(talk->in, talk->in + at, talk->nr_in - at);
	talk->nr_in -= at;
}

/* read() returns 0 as long as nobody has the other end. */
static bool take_bytes(struct talk *talk)
{
	ssize_t n = read(talk->fd, talk->in + talk->nr_in, sizeof(talk->in) - talk->nr_in);

	if (n > 0) {
		talk->nr_in += (size_t)n;
		take_frames(talk);
		return true;
	}
	if (n == 0) {
		talk->counts.hung_up++;
		usleep((useconds_t)(HUNG_UP_SECONDS * 1e6));
	}
	return false;
}

static int wait_for(struct talk *talk, short events, double seconds)
{
	struct pollfd item = { talk->fd, events, 0 };

	return poll(&item, 1, seconds > 0 ? (int)(seconds * 1e3) + 1 : 0) > 0 ? item.revents : 0;
}

bool talk_listen(struct talk *talk, double seconds)
{
	double end = now() + seconds;
	bool any = false;

	do {
		int events = wait_for(talk, POLLIN, end - now());

		if (events & POLLIN)
			any |= take_bytes(talk);
		else if (events)
			usleep((useconds_t)(HUNG_UP_SECONDS * 1e6));
	} while (now() < end);
	return any;
}

/* ---- writing ---------------------------------------------------------------------------- */

bool talk_send(struct talk *talk, const void *bytes, size_t n)
{
	double stuck = now() + STUCK_SECONDS;

	while (n > 0) {
		ssize_t done = write(talk->fd, bytes, n);

		if (done > 0) {
			bytes = (const char *)bytes + done;
			n -= (size_t)done;
			talk->counts.sent_bytes += (uint64_t)done;
			stuck = now() + STUCK_SECONDS;
		} else if (now() > stuck) {
			return false;
		} else if (!(wait_for(talk, talk->mute ? POLLOUT : POLLIN | POLLOUT, 0.2) &
			     (POLLIN | POLLOUT))) {
			usleep(1000);
		}
		if (!talk->mute && (wait_for(talk, POLLIN, 0) & POLLIN))
			take_bytes(talk);
	}
	return true;
}

bool talk_send_frame(struct talk *talk, size_t n)
{
	if (n == 0 || !talk_send(talk, talk->out, n))
		return false;
	talk->counts.sent_frames++;
	return true;
}

/* As the agent does: GUEST_START each second, until a HOST_HELLO comes; one may be there already. */
bool talk_begin(struct talk *talk, enum stage stage, double seconds)
{
	uint64_t before = talk->counts.hellos;
	double end = now() + seconds, next = now() + 0.5;

	if (stage == STAGE_NONE)
		return true;
	while (talk->counts.hellos == before) {
		if (now() > end)
			return false;
		if (now() >= next && (wait_for(talk, POLLOUT, 0) & POLLOUT)) {
			talk_send_frame(talk, hint_put_guest_start(talk->out, sizeof(talk->out)));
			next = now() + 1;
		}
		talk_listen(talk, 0.01);
	}
	/* A second one that an earlier GUEST_START has brought. */
	talk_listen(talk, 0.1);
	if (stage == STAGE_SESSION)
		return true;
	return talk_send_frame(talk, hint_put_guest_hello(talk->out, sizeof(talk->out),
							  talk->reader.session, HINT_VERSION, 0));
}
