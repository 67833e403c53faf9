// SPDX-License-Identifier: LGPL-2.1-or-later
/* main.c - vmirror-bench PART [OPTION]...: which part to run; its samples go to stdout */
#include <getopt.h>

#include "bench.h"

#define UFFD_LENGTH (1 * MiB)	/* it is slow, and a fault of it costs the same anywhere */

static const char usage[] =
	"Usage: vmirror-bench PART [--reps N] [--mib N] [--zram] [--untouched]\n"
	"parts:\n"
	"  pages      out and back, 4 KiB and 2 MiB; plain copy, first touch, userfaultfd;\n"
	"             with --zram, which needs swap on zram: page-out and swap-in\n"
	"  attach     time to attach a VM of 256 MiB and of 2 GiB (--untouched: without RAM in it)\n"
	"  guest      a guest's loops: detached, attached, attached while another VM moves\n"
	"  footprint  kernel memory for each VM\n";

/* All cases in each round, so that whatever drifts hits them alike. */
static void bench_pages(const struct bench *b)
{
	struct mirrored *mirrored[2];
	struct rivals *rivals[2];

	for (int huge = 0; huge < 2; huge++) {
		mirrored[huge] = mirrored_create(b->length, huge);
		rivals[huge] = rivals_create(b->length, huge, b->zram);
	}
	for (int rep = -1; rep < b->reps; rep++) {
		progress("pages", rep, b->reps);
		for (int huge = 0; huge < 2; huge++) {
			mirrored_round(mirrored[huge], rep);
			rivals_round(rivals[huge], rep);
		}
		uffd_round(UFFD_LENGTH, rep);
	}
	for (int huge = 0; huge < 2; huge++) {
		mirrored_destroy(mirrored[huge]);
		rivals_destroy(rivals[huge]);
	}
}

static const struct {
	const char *name;
	void (*run)(const struct bench *b);
} parts[] = {
	{ "pages", bench_pages },
	{ "attach", bench_attach },
	{ "guest", bench_guest },
	{ "footprint", bench_footprint },
};

static uint64_t number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n == 0 || n > 65536) {
		fprintf(stderr, "vmirror-bench: '%s' is no number that fits here\n", text);
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "reps", required_argument, NULL, 'r' },
		{ "mib", required_argument, NULL, 'm' },
		{ "zram", no_argument, NULL, 'z' },
		{ "untouched", no_argument, NULL, 'u' },
		{ 0 }
	};
	/* The shorter a timing, the better the odds that a busy machine left it alone; but what a call costs once must not count much. */
	struct bench b = { .reps = 7, .length = 32 * MiB, .touched = true };
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'r': b.reps = number(optarg); break;
		case 'm': b.length = number(optarg) * MiB; break;
		case 'z': b.zram = true; break;
		case 'u': b.touched = false; break;
		default: fputs(usage, stderr); return 2;
		}
	}
	b.length &= ~(2 * MiB - 1);
	for (size_t i = 0; optind == argc - 1 && b.length && i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strcmp(parts[i].name, argv[optind]))
			continue;
		parts[i].run(&b);
		return 0;
	}
	fputs(usage, stderr);
	return 2;
}
