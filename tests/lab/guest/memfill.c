// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * memfill: hold memory of known content in a guest, and tell later whether it is still the same.
 *
 * 'start' leaves a daemon that owns the memory; the other verbs ask it over a unix socket. The content of a page depends on the
 * seed and the page's index, so a lost, stale, shifted or swapped page shows. Exit status: 0 all is well, 1 the memory is not
 * what it should be, 2 wrong use or no such daemon.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PAGE  4096UL
#define HUGE  (2UL << 20)
#define WORDS (PAGE / sizeof(uint64_t))
#define DIR   "/run/memfill"

static const char usage[] =
	"Usage: memfill start NAME --mib N [--huge] [--seed N]  fill N MiB, stay, holding it\n"
	"       memfill verify NAME [--first PAGE --count N]    read it all: OK, or the first wrong page\n"
	"       memfill rewrite NAME --seed N                   new content everywhere\n"
	"       memfill touch NAME [--first PAGE --count N]     write every page, content unchanged\n"
	"       memfill loop NAME --seconds N                   verify and rewrite, over and over\n"
	"       memfill corrupt NAME --first PAGE               change one byte (to test the tests)\n"
	"       memfill extents NAME [--first PAGE --count N]   guest-physical ranges, 0xADDRESS+BYTES a line\n"
	"       memfill info NAME\n"
	"       memfill stop NAME\n";

/* What a verb is asked to do; sent over the socket as it is, both ends being this program. */
struct request {
	char verb[16];
	uint64_t mib, seed, first, count, seconds;
	uint8_t huge;
};

struct memory {
	uint64_t *words;
	uint64_t pages;
	uint64_t seed;
};

static _Noreturn __attribute__((format(printf, 1, 2))) void fatal(const char *fmt, ...)
{
	va_list ap;

	fputs("memfill: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

/* Content. */

static uint64_t page_base(uint64_t seed, uint64_t page)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15 + page + 1;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static uint64_t word(uint64_t base, uint64_t i)
{
	return base + i * 0x9e3779b97f4a7c15;
}

static void fill(struct memory *m, uint64_t seed)
{
	m->seed = seed;
	for (uint64_t page = 0; page < m->pages; page++) {
		uint64_t *p = m->words + page * WORDS, base = page_base(seed, page);

		for (uint64_t i = 0; i < WORDS; i++)
			p[i] = word(base, i);
	}
}

static bool page_is_right(const struct memory *m, uint64_t page, FILE *out)
{
	const volatile uint64_t *p = m->words + page * WORDS;
	uint64_t base = page_base(m->seed, page);

	for (uint64_t i = 0; i < WORDS; i++) {
		uint64_t got = p[i];

		if (got == word(base, i))
			continue;
		fprintf(out, "WRONG page %" PRIu64 " offset %" PRIu64 ": wanted 0x%016" PRIx64 ", got 0x%016" PRIx64 "\n",
			page, i * 8, word(base, i), got);
		return false;
	}
	return true;
}

/* Where it lies. */

static uint64_t pfn_of(int pagemap, const void *addr)
{
	uint64_t entry;

	if (pread(pagemap, &entry, sizeof(entry), (uintptr_t)addr / PAGE * sizeof(entry)) != sizeof(entry))
		return 0;
	return entry >> 63 ? entry & ((1ULL << 55) - 1) : 0;
}

static int print_extents(const struct memory *m, uint64_t first, uint64_t end, FILE *out)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t start = 0, n = 0;

	if (pagemap < 0) {
		fprintf(out, "no /proc/self/pagemap\n");
		return 1;
	}
	for (uint64_t page = first; page < end; page++) {
		uint64_t pfn = pfn_of(pagemap, m->words + page * WORDS);

		if (n > 0 && pfn == start + n) {
			n++;
			continue;
		}
		if (n > 0)
			fprintf(out, "0x%" PRIx64 "+%" PRIu64 "\n", start * PAGE, n * PAGE);
		start = pfn;
		n = pfn != 0;
	}
	if (n > 0)
		fprintf(out, "0x%" PRIx64 "+%" PRIu64 "\n", start * PAGE, n * PAGE);
	close(pagemap);
	return 0;
}

static int print_info(const struct memory *m, FILE *out)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long at, kib, huge = 0;
	char line[256];
	bool ours = false;

	while (smaps && fgets(line, sizeof(line), smaps)) {
		if (sscanf(line, "%lx-%*x ", &at) == 1 && strchr(line, '-'))
			ours = at <= (uintptr_t)m->words && strtoul(strchr(line, '-') + 1, NULL, 16) > (uintptr_t)m->words;
		else if (ours && sscanf(line, "AnonHugePages: %lu kB", &kib) == 1)
			huge = kib;
	}
	if (smaps)
		fclose(smaps);
	fprintf(out, "pages %" PRIu64 " seed %" PRIu64 " huge %lu\n", m->pages, m->seed, huge / 4);
	return 0;
}

/* The daemon. */

static int verify(const struct memory *m, uint64_t first, uint64_t end, FILE *out)
{
	for (uint64_t page = first; page < end; page++)
		if (!page_is_right(m, page, out))
			return 1;
	fprintf(out, "OK %" PRIu64 " pages\n", end - first);
	return 0;
}

static int loop(struct memory *m, uint64_t seconds, FILE *out)
{
	time_t end = time(NULL) + seconds;
	uint64_t rounds = 0;

	do {
		for (uint64_t page = 0; page < m->pages; page++)
			if (!page_is_right(m, page, out))
				return 1;
		fill(m, m->seed + 1);
		rounds++;
	} while (time(NULL) < end);
	fprintf(out, "OK %" PRIu64 " rounds\n", rounds);
	return 0;
}

static int serve_request(struct memory *m, const struct request *r, FILE *out)
{
	uint64_t end = m->pages;

	if (r->first >= m->pages || r->count > m->pages - r->first) {
		fprintf(out, "there are only %" PRIu64 " pages\n", m->pages);
		return 2;
	}
	if (r->count)
		end = r->first + r->count;

	if (!strcmp(r->verb, "verify"))
		return verify(m, r->first, end, out);
	if (!strcmp(r->verb, "extents"))
		return print_extents(m, r->first, end, out);
	if (!strcmp(r->verb, "loop"))
		return loop(m, r->seconds, out);
	if (!strcmp(r->verb, "info"))
		return print_info(m, out);
	if (!strcmp(r->verb, "rewrite")) {
		fill(m, r->seed);
	} else if (!strcmp(r->verb, "touch")) {
		for (uint64_t page = r->first; page < end; page++) {
			volatile uint64_t *p = m->words + page * WORDS;

			*p = *p;
		}
	} else if (!strcmp(r->verb, "corrupt")) {
		*((volatile uint8_t *)(m->words + r->first * WORDS) + 1234) ^= 0x10;
	}
	return 0;
}

static void socket_address(struct sockaddr_un *addr, const char *name)
{
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strchr(name, '/') || snprintf(addr->sun_path, sizeof(addr->sun_path), DIR "/%s", name) >= (int)sizeof(addr->sun_path))
		fatal("'%s' is no good name", name);
}

/* Answer one verb at a time; the last line of an answer is its exit status. */
static _Noreturn void serve(struct memory *m, int sock)
{
	for (;;) {
		int conn = accept4(sock, NULL, NULL, SOCK_CLOEXEC), status;
		struct request r;
		FILE *out;

		if (conn < 0)
			continue;
		out = fdopen(conn, "r+");
		if (out && read(conn, &r, sizeof(r)) == sizeof(r)) {
			status = serve_request(m, &r, out);
			fprintf(out, "status %d\n", status);
			fflush(out);
			if (!strcmp(r.verb, "stop"))
				_exit(0);
		}
		if (out)
			fclose(out);
	}
}

static int start(const char *name, const struct request *r)
{
	struct memory m = { .pages = r->mib * (1 << 20) / PAGE };
	struct sockaddr_un addr;
	int ready[2], sock;
	char *map, c;

	if (r->mib == 0)
		fatal("start needs --mib N");
	socket_address(&addr, name);
	mkdir(DIR, 0700);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		fatal("'%s' runs already", name);
	unlink(addr.sun_path);
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)) || listen(sock, 16) || pipe2(ready, O_CLOEXEC))
		fatal("%s: %s", addr.sun_path, strerror(errno));
	fflush(stdout);
	if (fork() > 0) {
		close(ready[1]);
		if (read(ready[0], &c, 1) != 1)
			fatal("'%s' did not start: too little memory?", name);
		return 0;
	}

	setsid();
	map = mmap(NULL, m.pages * PAGE + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		_exit(1);
	map = (char *)(((uintptr_t)map + HUGE - 1) & ~(HUGE - 1));
	madvise(map, m.pages * PAGE, r->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	m.words = (uint64_t *)map;
	fill(&m, r->seed);
	if (write(ready[1], "", 1) != 1)
		_exit(1);
	close(ready[0]);
	close(ready[1]);
	if (freopen("/dev/null", "r+", stdin) && freopen("/dev/null", "r+", stdout))
		dup2(0, 2);
	serve(&m, sock);
}

/* The other verbs: pass the request on, print the answer but for its last line. */
static int ask(const char *name, const struct request *r)
{
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 2;
	struct sockaddr_un addr;
	char line[256];
	FILE *answer;

	socket_address(&addr, name);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		fatal("no '%s' runs here", name);
	if (write(sock, r, sizeof(*r)) != sizeof(*r))
		fatal("lost '%s'", name);
	answer = fdopen(sock, "r");
	while (answer && fgets(line, sizeof(line), answer)) {
		if (sscanf(line, "status %d", &status) == 1)
			return status;
		fputs(line, stdout);
	}
	fatal("'%s' died", name);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (*text < '0' || *text > '9' || *end)
		fatal("'%s' is no number", text);
	return n;
}

int main(int argc, char **argv)
{
	static const char *const verbs[] = {
		"start", "verify", "rewrite", "touch", "loop", "corrupt", "extents", "info", "stop"
	};
	static const struct option options[] = {
		{ "mib", required_argument, NULL, 'm' },
		{ "huge", no_argument, NULL, 'h' },
		{ "seed", required_argument, NULL, 's' },
		{ "first", required_argument, NULL, 'f' },
		{ "count", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, '?' },
		{ 0 }
	};
	struct request r = { .seed = 1, .seconds = 1 };
	size_t v;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'm': r.mib = number(optarg); break;
		case 'h': r.huge = 1; break;
		case 's': r.seed = number(optarg); break;
		case 'f': r.first = number(optarg); break;
		case 'c': r.count = number(optarg); break;
		case 't': r.seconds = number(optarg); break;
		default: fputs(usage, stderr); return 2;
		}
	}
	if (argc - optind != 2) {
		fputs(usage, stderr);
		return 2;
	}
	for (v = 0; v < sizeof(verbs) / sizeof(*verbs) && strcmp(verbs[v], argv[optind]); v++)
		;
	if (v == sizeof(verbs) / sizeof(*verbs))
		fatal("unknown verb '%s'", argv[optind]);
	strcpy(r.verb, verbs[v]);
	return v == 0 ? start(argv[optind + 1], &r) : ask(argv[optind + 1], &r);
}
