// SPDX-License-Identifier: LGPL-2.1-or-later
/* hmmctl hints, against a scripted server, and hint-text.c */
#include "config.h"

#include "fake_cases.h"

#define ASK_HINTS_FROM(first) \
	"{\"execute\":\"query-hints\",\"arguments\":{\"vm\":\"tenant1\",\"first\":" #first "}}"
#define COUNTERS                                                                             \
	"{\"frames\":20,\"hints\":4,\"forgets\":1,\"refused\":1,\"results\":9,\"errors\":0," \
	"\"connections\":1,\"sessions\":1,\"paused\":0,\"unread\":0}"
#define CHANNEL_WITH(state, path, session, errors, refused)                \
	"{\"state\":\"" state "\",\"path\":" path ",\"session\":" #session \
	",\"counters\":" COUNTERS ",\"errors\":{" errors "},\"refused\":{" refused "}}"
#define CHANNEL(state, path, session) CHANNEL_WITH(state, path, session, "", "")
#define LIMITS(quota)                                 \
	"{\"max-hints\":10000,\"max-extents\":65536," \
	"\"frames-per-second\":1000,\"quota-bytes\":" quota "}"
#define HINTS(channel, quota, list, next)                                                              \
	"{\"vm\":\"tenant1\",\"channel\":" channel ",\"limits\":" LIMITS(                              \
		quota) ",\"hints\":3,\"extents\":34,\"asked-bytes\":71303168,\"done-bytes\":62914560," \
		       "\"hint-list\":[" list "],\"next\":" next "}"
#define OPEN CHANNEL("open", "\"/run/agent.0\"", 5)
#define HINT_OUT                                                                                \
	"{\"cookie\":18446744073709551615,\"owner\":4711,\"advice\":\"device\",\"priority\":4," \
	"\"status\":\"done\",\"reason\":null,\"extents\":33,\"asked-bytes\":67108864,"          \
	"\"done-bytes\":62914560,\"skipped\":{\"busy\":1048576,\"pinned\":3145728}}"
#define HINT_COLD                                                                        \
	"{\"cookie\":2,\"owner\":0,\"advice\":\"cold\",\"priority\":0,"                  \
	"\"status\":\"accepted\",\"reason\":null,\"extents\":1,\"asked-bytes\":4194304," \
	"\"done-bytes\":0,\"skipped\":{}}"
#define HINT_REFUSED                                                                     \
	"{\"cookie\":3,\"owner\":17,\"advice\":\"device\",\"priority\":7,"               \
	"\"status\":\"refused\",\"reason\":\"no-pool\",\"extents\":0,\"asked-bytes\":0," \
	"\"done-bytes\":0,\"skipped\":{}}"
#define FACTS(quota)                                                                            \
	"VM        tenant1\n"                                                                   \
	"channel   open: an agent in the guest talks, session 5\n"                              \
	"socket    /run/agent.0\n"                                                              \
	"hints     3, with 34 extents\n"                                                        \
	"in place  60 MiB of 68 MiB asked for\n"                                                \
	"quota     " quota "\n"                                                                 \
	"at most   10000 hints, 65536 extents, 1000 frames a second\n"                          \
	"counted   frames 20, hints 4, forgets 1, refused 1, results 9, errors 0, connections " \
	"1, sessions 1, paused 0, unread 0\n"
#define FACTS_QUOTA FACTS("128 MiB")
#define FACTS_NONE  FACTS("none")

static void hints(void)
{
	static const struct fake_case cases[] = {
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       "{\"return\":" HINTS(OPEN, "134217728",
						    HINT_OUT "," HINT_COLD "," HINT_REFUSED,
						    "null") "}" } },
		  .out = FACTS_QUOTA
		  "\n"
		  "COOKIE              OWNER  ADVICE  PRIO   ASKED    DONE  STATUS    WHY\n"
		  "0xffffffffffffffff   4711  device     4  64 MiB  60 MiB  done      3 MiB pinned, 1 MiB busy\n"
		  "0x0000000000000002  guest  cold       0   4 MiB       0  accepted\n"
		  "0x0000000000000003     17  device     7       0       0  refused   no-pool\n"
		  "\n"
		  "REASON   HINTS  BYTES  MEANING\n"
		  "pinned       1  3 MiB  pinned by the host: DMA, or locked\n"
		  "busy         1  1 MiB  in use by the host's kernel just now\n"
		  "no-pool      1      0  the VM has no device memory to go to\n" },
		/* Those that have nothing to explain need no explanation. */
		{ .line = "hints tenant1 --owner 0 -q",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       "{\"return\":" HINTS(OPEN, "null", HINT_OUT "," HINT_COLD,
						    "null") "}" } },
		  .out = FACTS_NONE
		  "\n"
		  "COOKIE              OWNER  ADVICE  PRIO  ASKED  DONE  STATUS    WHY\n"
		  "0x0000000000000002  guest  cold       0  4 MiB     0  accepted\n" },
		{ .line = "hints tenant1 --advice device --owner 17 --json",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       "{\"return\":" HINTS(OPEN, "null",
						    HINT_OUT "," HINT_COLD "," HINT_REFUSED,
						    "null") "}" } },
		  .out = HINTS(OPEN, "null", HINT_REFUSED, "null") "\n" },
		{ .line = "hints tenant1 --advice pin-host",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       "{\"return\":" HINTS(OPEN, "null", HINT_OUT, "null") "}" } },
		  .out = FACTS_NONE "\nno hint is of that kind\n" },
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       "{\"return\":" HINTS(OPEN, "null", "", "null") "}" } },
		  .out = FACTS_NONE },
		{ .line = "hints web",
		  .steps = { { ASK_VM("query-hints", "web"),
			       ERROR("NotAttached", "web is not attached") } },
		  .status = 1,
		  .err = "hmmctl: web is not attached: attach it with 'hmmctl attach web'\n" },
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       ERROR("CommandNotFound", "there is no command 'query-hints'") } },
		  .status = 1,
		  .err_part = "upgrade hmmd" },
	};

	RUN(cases);
}

static void hint_pages(void)
{
	static const struct fake_case cases[] = {
		{ .line = "hints tenant1 --json",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       "{\"return\":" HINTS(OPEN, "null", HINT_OUT, "1") "}" },
			     { ASK_HINTS_FROM(1),
			       "{\"return\":" HINTS(OPEN, "null", HINT_COLD, "4096") "}" },
			     { ASK_HINTS_FROM(4096),
			       "{\"return\":" HINTS(OPEN, "null", HINT_REFUSED, "null") "}" } },
		  .out = HINTS(OPEN, "null", HINT_OUT "," HINT_COLD "," HINT_REFUSED,
			       "null") "\n" },
		/* What the pages have in common is one reason. */
		{ .line = "hints tenant1 --advice=device",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       "{\"return\":" HINTS(OPEN, "null", HINT_OUT, "2") "}" },
			     { ASK_HINTS_FROM(2),
			       "{\"return\":" HINTS(OPEN, "null", HINT_OUT, "null") "}" } },
		  .out = FACTS_NONE
		  "\n"
		  "COOKIE              OWNER  ADVICE  PRIO   ASKED    DONE  STATUS  WHY\n"
		  "0xffffffffffffffff   4711  device     4  64 MiB  60 MiB  done    3 MiB pinned, 1 MiB busy\n"
		  "0xffffffffffffffff   4711  device     4  64 MiB  60 MiB  done    3 MiB pinned, 1 MiB busy\n"
		  "\n"
		  "REASON  HINTS  BYTES  MEANING\n"
		  "pinned      2  6 MiB  pinned by the host: DMA, or locked\n"
		  "busy        2  2 MiB  in use by the host's kernel just now\n" },
		/* The VM ends between two pages. */
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       "{\"return\":" HINTS(OPEN, "null", HINT_OUT, "1") "}" },
			     { ASK_HINTS_FROM(1), ERROR("VmGone", "tenant1 has ended") } },
		  .status = 1,
		  .err = "hmmctl: tenant1 has ended\n" },
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       "{\"return\":" HINTS(OPEN, "null", "", "0") "}" } },
		  .status = 3,
		  .err_part = "'next' does not go on" },
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       "{\"return\":" HINTS(OPEN, "null", "", "2") "}" },
			     { ASK_HINTS_FROM(2),
			       "{\"return\":" HINTS(OPEN, "null", "", "2") "}" } },
		  .status = 3,
		  .err_part = "'next' does not go on" },
	};

	RUN(cases);
}

#define NO_HINTS(channel)                                                                                 \
	"{\"return\":{\"vm\":\"tenant1\",\"channel\":" channel ",\"limits\":" LIMITS(                     \
		"null") ",\"hints\":0,\"extents\":0,\"asked-bytes\":0,\"done-bytes\":0,\"hint-list\":[]," \
			"\"next\":null}}"
#define NO_FACTS                                                                                \
	"hints     0, with 0 extents\n"                                                         \
	"in place  0 of 0 asked for\n"                                                          \
	"quota     none\n"                                                                      \
	"at most   10000 hints, 65536 extents, 1000 frames a second\n"                          \
	"counted   frames 20, hints 4, forgets 1, refused 1, results 9, errors 0, connections " \
	"1, sessions 1, paused 0, unread 0\n"

static void hint_channel(void)
{
	static const struct fake_case cases[] = {
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       NO_HINTS(CHANNEL("none", "null", 0)) } },
		  .out = "VM        tenant1\n"
			 "channel   none: QEMU has no port org.hmmd.agent.0 for this VM\n"
			 "fix       add <channel type='unix'><target type='virtio' "
			 "name='org.hmmd.agent.0'/></channel> to its domain XML ('virsh edit') and "
			 "start it anew, or plug that into it ('virsh attach-device')\n" NO_FACTS },
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       NO_HINTS(CHANNEL("connecting", "\"/run/agent.0\"", 0)) } },
		  .out = "VM        tenant1\n"
			 "channel   connecting: QEMU's socket has not let hmmd in yet\n"
			 "fix       if that stays so 'journalctl -u hmmd' may say why\n"
			 "socket    /run/agent.0\n" NO_FACTS },
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       NO_HINTS(CHANNEL("greeting", "\"/run/agent.0\"", 6)) } },
		  .out = "VM        tenant1\n"
			 "channel   greeting: no agent in the guest answers, session 6\n"
			 "fix       in the guest: 'systemctl start hmm-agentd'\n"
			 "socket    /run/agent.0\n" NO_FACTS },
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       NO_HINTS(CHANNEL("waiting", "\"/run/agent.0\"", 0)) } },
		  .out = "VM        tenant1\n"
			 "channel   waiting: it ended with an error; hmmd begins anew by itself\n"
			 "fix       'journalctl -u hmmd' says which error\n"
			 "socket    /run/agent.0\n" NO_FACTS },
		/* What went wrong, by kind. */
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       NO_HINTS(CHANNEL_WITH("waiting", "null", 0,
						     "\"bad-frame\":2,\"half-frame\":1",
						     "\"too-many\":12,\"new\\u001b[2J\":1")) } },
		  .out = "VM        tenant1\n"
			 "channel   waiting: it ended with an error; hmmd begins anew by itself\n"
			 "fix       'journalctl -u hmmd' says which error\n" NO_FACTS
			 "errors    bad-frame 2, half-frame 1\n"
			 "refused   too-many 12, new?[2J 1\n" },
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       NO_HINTS(CHANNEL_WITH("waiting", "null", 0, "\"bad-frame\":\"2\"",
						     "")) } },
		  .status = 3,
		  .err_part = "'bad-frame' is missing or is no number" },
		/* One that a newer hmmd may have; and what would do harm to a terminal. */
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       NO_HINTS(CHANNEL("half\\u001b[2J", "\"/run/\\u001b]0;x\\u0007\"",
						0)) } },
		  .out = "VM        tenant1\n"
			 "channel   half?[2J\n"
			 "socket    /run/?]0;x?\n" NO_FACTS },
	};

	RUN(cases);
}

#define WITH_HINT(hint) "{\"return\":" HINTS(OPEN, "null", hint, "null") "}"

static void hint_nonsense(void)
{
	static const struct fake_case cases[] = {
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       WITH_HINT(
				       "{\"cookie\":1,\"owner\":1,\"advice\":\"a\\u001b[31m\","
				       "\"priority\":9,\"status\":\"s\\u0007\",\"reason\":\"r\\n\","
				       "\"extents\":0,\"asked-bytes\":4096,\"done-bytes\":0,"
				       "\"skipped\":{\"k\\u001b\":4096}}") } },
		  .out = FACTS_NONE
		  "\n"
		  "COOKIE              OWNER  ADVICE  PRIO  ASKED  DONE  STATUS  WHY\n"
		  "0x0000000000000001      1  a?[31m     9  4 KiB     0  s?      r , 4 KiB k?\n"
		  "\n"
		  "REASON  HINTS  BYTES  MEANING\n"
		  "k?          1  4 KiB  -\n"
		  "r           1  4 KiB  -\n" },
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"), WITH_HINT("7") } },
		  .status = 3,
		  .err_part = "'cookie' is missing" },
		{ .line = "hints tenant1 --json",
		  .steps = { { ASK_VM("query-hints", "tenant1"), WITH_HINT("{\"cookie\":-1}") } },
		  .status = 3,
		  .out = "{\"error\":{\"class\":\"Unreachable\",\"desc\":\"hmmd sent what hmmctl does "
			 "not understand: 'cookie' is negative (are hmmd and hmmctl of the same "
			 "release?)\"}}\n",
		  .err_part = "'cookie' is negative" },
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       "{\"return\":{\"hint-list\":[],\"next\":\"1\"}}" } },
		  .status = 3,
		  .err_part = "'next' is missing or is no number" },
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       "{\"return\":{\"hint-list\":[],\"next\":null}}" } },
		  .status = 3,
		  .err_part = "'vm' is missing" },
		{ .line = "hints tenant1",
		  .steps = { { ASK_VM("query-hints", "tenant1"),
			       NO_HINTS("{\"state\":\"none\",\"path\":null,\"session\":0,"
					"\"counters\":{\"frames\":0}}") } },
		  .status = 3,
		  .err_part = "'hints' is missing" },
	};

	RUN(cases);
}

/* Sums that nobody's memory has. */
static void sums(void)
{
	g_autoptr(GArray) hints = g_array_new(FALSE, FALSE, sizeof(struct hint_info));

	CHECK_TAKEN_TEXT(hint_reasons(hints), NULL);
	g_array_set_clear_func(hints, (GDestroyNotify)hint_info_clear);
	for (int i = 0; i < 3; i++) {
		g_autoptr(hmmctl_json) skipped =
			parse_json("{\"absent\":9223372036854775807,\"busy\":1}");
		struct hint_info hint = { .advice = "cold", .status = "done" };

		CU_ASSERT_TRUE_FATAL(skipped_from_json(skipped, &hint.skipped, NULL));
		/* The names must outlive the object they came from. */
		for (guint s = 0; s < hint.skipped->len; s++)
			g_array_index(hint.skipped, struct skipped_bytes, s).reason =
				s ? "busy" : "absent";
		g_array_append_val(hints, hint);
	}
	CHECK_TAKEN_TEXT(
		hint_reasons(hints),
		"REASON  HINTS            BYTES  MEANING\n"
		"absent      3  16777215.99 TiB  no page there: never touched, ballooned, zero, or "
		"swapped out\n"
		"busy        3              3 B  in use by the host's kernel just now\n");
}

int main(void)
{
	static const struct check checks[] = {
		{ "hints", hints },
		{ "pages", hint_pages },
		{ "channel", hint_channel },
		{ "nonsense", hint_nonsense },
		{ "sums", sums },
	};

	return run_checks("hmmctl hints", checks, G_N_ELEMENTS(checks));
}
