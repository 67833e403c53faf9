// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * kinds-storm.c - much of what may be said, and a peer that does not listen
 */
#include "garbage.h"

#define FEW  100 /* hints, each of one page */
#define MANY 10000

static double ends(const struct talk *talk)
{
	return now() + talk->options->seconds;
}

/* The host may have ended the conversation, for its own reasons. */
static bool goes_on(struct talk *talk, double end)
{
	return now() < end && talk->reader.session;
}

static void flood_pings(struct talk *talk)
{
	double end = ends(talk);

	for (uint64_t token = 1; goes_on(talk, end) && send_ping(talk, token); token++)
		;
}

static bool send_few(struct talk *talk, uint64_t number, enum hint_advice advice)
{
	struct hint_request request = usual_hint(1 + number % FEW);
	struct hint_extent page = { talk->options->gpa + number % FEW * 2 * HINT_PAGE_SIZE,
				    HINT_PAGE_SIZE };

	request.advice = advice;
	return send_hint(talk, &request, &page);
}

static void flood_hints(struct talk *talk)
{
	double end = ends(talk);

	for (uint64_t i = 0; goes_on(talk, end) && send_few(talk, i, HINT_ADVICE_DEVICE); i++)
		;
}

/* As fast as the host takes them, and until it has said of each that it is done, or refused. */
static void many_hints(struct talk *talk)
{
	uint64_t before = talk->counts.done + all_refused(&talk->counts);
	double end = now() + talk->options->answer;

	for (uint64_t i = 0; goes_on(talk, end) && i < MANY; i++) {
		struct hint_request request = usual_hint(1 + i);
		struct hint_extent page = { talk->options->gpa + i * HINT_PAGE_SIZE,
					    HINT_PAGE_SIZE };

		request.advice = HINT_ADVICE_HOST;
		if (!send_hint(talk, &request, &page))
			return;
	}
	while (goes_on(talk, end) && talk->counts.done + all_refused(&talk->counts) - before < MANY)
		talk_listen(talk, 0.001);
}

static void flood_forgets(struct talk *talk)
{
	double end = ends(talk);

	for (uint64_t i = 0; goes_on(talk, end) && send_few(talk, i, HINT_ADVICE_COLD); i++)
		talk_send_frame(talk, hint_put_forget(talk->out, sizeof(talk->out),
						      talk->reader.session, 1 + i % FEW));
}

/* What the host says is left in the port for all that time, and read at the end. */
static void deaf_pings(struct talk *talk)
{
	talk->mute = true;
	flood_pings(talk);
	talk->mute = false;
}

static void deaf_hints(struct talk *talk)
{
	double end = ends(talk);

	talk->mute = true;
	for (uint64_t i = 0; goes_on(talk, end); i++)
		if (!send_few(talk, i, i / FEW % 2 ? HINT_ADVICE_DEVICE : HINT_ADVICE_HOST))
			break;
	talk->mute = false;
}

static void send_range(struct talk *talk, uint64_t cookie, enum hint_advice advice)
{
	struct hint_request request = usual_hint(cookie);
	struct hint_extent range = { talk->options->gpa, talk->options->bytes };

	request.advice = advice;
	request.priority = HINT_PRIORITY_MAX;
	send_hint(talk, &request, &range);
}

/* Out and back and out, as fast as the host takes it. */
static void waver(struct talk *talk)
{
	double end = ends(talk);

	while (goes_on(talk, end)) {
		send_range(talk, 1, HINT_ADVICE_DEVICE);
		send_range(talk, 1, HINT_ADVICE_HOST);
	}
}

/* Two hints for the same memory that want different things. */
static void quarrel(struct talk *talk)
{
	double end = ends(talk);

	while (goes_on(talk, end)) {
		send_range(talk, 1, HINT_ADVICE_DEVICE);
		send_range(talk, 2, HINT_ADVICE_HOST);
	}
}

static void starts(struct talk *talk)
{
	double end = ends(talk);

	while (now() < end &&
	       talk_send_frame(talk, hint_put_guest_start(talk->out, sizeof(talk->out))))
		;
}

static bool again(struct talk *talk)
{
	talk_close(talk);
	return talk_open(talk, talk->options);
}

static void reopen(struct talk *talk)
{
	double end = ends(talk);

	while (now() < end && again(talk)) {
		talk_send_frame(talk, hint_put_guest_start(talk->out, sizeof(talk->out)));
		talk_listen(talk, 0);
	}
}

/* Each time a whole conversation, with hints, which ends in the middle of a frame. */
static void reopen_talks(struct talk *talk)
{
	double end = ends(talk);

	while (now() < end && again(talk)) {
		if (!talk_begin(talk, STAGE_HELLO, end - now()))
			break;
		for (uint64_t i = 0; i < FEW; i++)
			send_few(talk, i, HINT_ADVICE_DEVICE);
		talk_send(talk, talk->out, 20);
	}
}

/* Everything else, one after the other at random; where there is no conversation also into the blue. */
static void mixed(struct talk *talk)
{
	const struct options *whole = talk->options;
	static struct options brief;
	double end = ends(talk);

	brief = *whole;
	brief.seconds = 0.3;
	brief.answer = 0.3;
	talk->options = &brief;
	while (now() < end) {
		const struct kind *kind = kind_of_number(random_number(talk));

		if (random_number(talk) % 4 == 0 && !again(talk))
			break;
		if (!talk_begin(talk, kind->stage, 0.5))
			talk_send(talk, talk->out, random_number(talk) % sizeof(talk->out));
		kind->run(talk);
		talk_listen(talk, 0.02);
	}
	talk->options = whole;
}

const struct kind storm_kinds[] = {
	{ "flood-pings", "PING, as fast as it goes", STAGE_HELLO, ANSWER_ANYTHING, flood_pings },
	{ "flood-hints", "a hundred hints, again and again", STAGE_HELLO, ANSWER_ANYTHING,
	  flood_hints },
	{ "many-hints", "10,000 hints for a page each", STAGE_HELLO, ANSWER_RESULT, many_hints },
	{ "flood-forgets", "hints, and at once FORGET", STAGE_HELLO, ANSWER_ANYTHING,
	  flood_forgets },
	{ "deaf-pings", "PING, and nothing is read", STAGE_HELLO, ANSWER_ANYTHING, deaf_pings },
	{ "deaf-hints", "hints, and nothing is read", STAGE_HELLO, ANSWER_ANYTHING, deaf_hints },
	{ "waver", "a hint that says device, host, device", STAGE_HELLO, ANSWER_ANYTHING, waver },
	{ "quarrel", "two hints, device and host, for the same pages", STAGE_HELLO, ANSWER_ANYTHING,
	  quarrel },
	{ "starts", "GUEST_START, as fast as it goes", STAGE_NONE, ANSWER_ANYTHING, starts },
	{ "reopen", "the port opened and closed, each time with GUEST_START", STAGE_NONE,
	  ANSWER_ANYTHING, reopen },
	{ "reopen-talks", "the port opened and closed, each time after a hundred hints", STAGE_NONE,
	  ANSWER_ANYTHING, reopen_talks },
	{ "mixed", "all of these at random", STAGE_NONE, ANSWER_ANYTHING, mixed },
	{ 0 },
};
