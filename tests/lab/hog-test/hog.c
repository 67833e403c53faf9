// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hog.c - takes all memory of the host, and keeps it
 *
 *	hog-test VICTIMS MIB [PROGRAM]...
 *
 * There are so many victims, processes that hold MIB each, for the OOM killer to take before
 * anyone else.  The hog itself it never takes.  When the first victim is dead there is no memory
 * left but what that one had: the hog says "full", and sits.  SIGTERM ends it, and its victims;
 * before, it says how many were killed.
 *
 * It keeps the text of all programs that run in memory, and of those that are named: so that nobody
 * is as short of memory as who the test is about.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MiB (1ull << 20)

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "hog-test: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* From -1000, never, to 1000, before all others. */
static void set_oom_score(int score)
{
	FILE *file = fopen("/proc/self/oom_score_adj", "w");

	if (!file || fprintf(file, "%d\n", score) < 0 || fclose(file))
		fail("oom_score_adj");
}

static unsigned long long available_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long long kib = 0;
	char line[128];

	if (!file)
		fail("/proc/meminfo");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu", &kib) == 1)
			break;
	fclose(file);
	return kib * 1024;
}

/* Memory that is there, and stays. */
static void take(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		fail("mmap");
	if (mlock(memory, bytes))
		fail("mlock");
}

/* A file may have gone since it was mapped. */
static void keep_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	void *memory;

	if (fd < 0)
		return;
	if (fstat(fd, &stat) || !S_ISREG(stat.st_mode) || !stat.st_size)
		goto out;
	memory = mmap(NULL, stat.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED || mlock(memory, stat.st_size))
		fail(path);
out:
	close(fd);
}

/* What @maps, a /proc/PID/maps, says is executed. */
static void keep_text(const char *maps)
{
	char line[PATH_MAX + 128], path[PATH_MAX], access[8];
	FILE *file = fopen(maps, "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %7s %*s %*s %*s %4095[^\n]", access, path) == 2 &&
		    access[2] == 'x' && path[0] == '/')
			keep_file(path);
	if (file)
		fclose(file);
}

static void keep_programs(char **named)
{
	glob_t all;

	if (glob("/proc/[0-9]*/maps", 0, NULL, &all))
		fail("/proc");
	for (size_t i = 0; i < all.gl_pathc; i++)
		keep_text(all.gl_pathv[i]);
	globfree(&all);
	while (*named)
		keep_file(*named++);
}

static _Noreturn void be_victim(size_t bytes, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "hog-victim");
	set_oom_score(1000);
	take(bytes);
	if (write(ready, "", 1) != 1)
		fail("write");
	for (;;)
		pause();
}

static void breed(unsigned int victims, size_t bytes)
{
	int ready[2];
	char byte;

	if (pipe(ready))
		fail("pipe");
	for (unsigned int i = 0; i < victims; i++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (!pid)
			be_victim(bytes, ready[1]);
	}
	for (unsigned int i = 0; i < victims; i++)
		if (read(ready[0], &byte, 1) != 1)
			fail("read");
}

/* Returns how many victims have died since the last time. */
static unsigned int count_dead(void)
{
	unsigned int dead = 0;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		dead++;
	return dead;
}

int main(int argc, char **argv)
{
	unsigned int victims = argc >= 3 ? atoi(argv[1]) : 0, dead = 0;
	size_t bytes = argc >= 3 ? strtoull(argv[2], NULL, 10) * MiB : 0;
	unsigned long long taken = 0;
	sigset_t signals;

	if (!victims || !bytes) {
		fprintf(stderr, "usage: hog-test VICTIMS MIB [PROGRAM]...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	breed(victims, bytes);
	keep_programs(argv + 3);
	set_oom_score(-1000);
	/* First in large steps, then in small ones: the last must not be far too much. */
	while (!dead) {
		size_t step = available_bytes() > 512 * MiB ? 64 * MiB : MiB / 4;

		take(step);
		taken += step;
		dead = count_dead();
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	printf("full: %llu MiB taken\n", taken / MiB);
	sigwait(&signals, &(int){ 0 });
	dead += count_dead();
	printf("killed: %u of %u\n", dead, victims);
	return 0;
}
