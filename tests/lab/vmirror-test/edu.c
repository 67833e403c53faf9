// SPDX-License-Identifier: LGPL-2.1-or-later
/* edu.c - see edu.h; its registers are described in QEMU's docs/specs/edu */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include <sys/mman.h>

#include "edu.h"

#define PCI "/sys/bus/pci/"
#define VENDOR_AND_DEVICE "0x1234\n0x11e8\n"
#define BAR_BYTES (1 << 20)

enum { ID = 0x00 / 8, SOURCE = 0x80 / 8, TARGET = 0x88 / 8, COUNT = 0x90 / 8, COMMAND = 0x98 / 8 };
enum { RUN = 1, FROM_OWN = 2 };

/* Where its own memory is, to its DMA engine. */
#define OWN_MEMORY 0x40000

/*
 * The kernel says no more than ten things about refused DMA in five seconds; each one is, to it,
 * three things to say.
 */
#define MS_BETWEEN_REFUSED 1800

/* So often DMA is tried again of whose refusal the kernel said nothing. */
#define REFUSED_TRIES 4

uint64_t edu_limit(uint64_t ms)
{
	const char *patience = getenv("PATIENCE");
	uint64_t factor = patience ? strtoull(patience, NULL, 10) : 1;

	return ms * (factor ? factor : 1);
}

static void put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		FAIL("%s: cannot write '%s': %s", path, value, strerror(errno));
	close(fd);
}

void edu_set(struct edu *edu, const char *file, const char *value)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI "devices/%s/%s", edu->name, file);
	put(path, value);
}

static void get(const char *device, const char *file, char *to, size_t room)
{
	char path[PATH_MAX];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), PCI "devices/%s/%s", device, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, to, room - 1);
	to[n > 0 ? n : 0] = '\0';
	close(fd);
}

static bool is_edu(const char *device)
{
	char vendor[16], id[16], both[32];

	get(device, "vendor", vendor, sizeof(vendor));
	get(device, "device", id, sizeof(id));
	snprintf(both, sizeof(both), "%s%s", vendor, id);
	return !strcmp(both, VENDOR_AND_DEVICE);
}

bool edu_is_there(struct edu *edu)
{
	unsigned int segment, bus, slot, function;
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	memset(edu, 0, sizeof(*edu));
	dir = opendir(PCI "devices");
	while (dir && !found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !is_edu(entry->d_name))
			continue;
		snprintf(edu->name, sizeof(edu->name), "%.15s", entry->d_name);
		CHECK(sscanf(edu->name, "%x:%x:%x.%x", &segment, &bus, &slot, &function) == 4);
		CHECK(segment == 0);
		edu->id = bus << 8 | slot << 3 | function;
		found = true;
	}
	if (dir)
		closedir(dir);
	return found;
}

void edu_find(struct edu *edu)
{
	if (!edu_is_there(edu))
		FAIL("there is no edu device on the PCI bus");
}

static bool has_driver(struct edu *edu)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI "devices/%s/driver", edu->name);
	return !access(path, F_OK);
}

void edu_bind(struct edu *edu, const char *driver)
{
	if (has_driver(edu))
		edu_set(edu, "driver/unbind", edu->name);
	CHECK(!has_driver(edu));
	edu_set(edu, "driver_override", driver ? driver : "\n");
	if (!driver)
		return;
	put(PCI "drivers_probe", edu->name);
	if (!has_driver(edu))
		FAIL("%s does not take the edu device", driver);
}

void edu_map(struct edu *edu)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), PCI "devices/%s/resource0", edu->name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	edu->registers = mmap(NULL, BAR_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(edu->registers != MAP_FAILED);
	close(fd);
	CHECK((*(volatile uint32_t *)&edu->registers[ID] & 0xffff) == 0x00ed);
}

void edu_unmap(struct edu *edu)
{
	CHECK(munmap((void *)edu->registers, BAR_BYTES) == 0);
	edu->registers = NULL;
}

void edu_replug(struct edu *edu)
{
	edu_set(edu, "remove", "1");
	put(PCI "rescan", "1");
	edu_find(edu);
}

static void run_engine(struct edu *edu, uint64_t from, uint64_t to, uint64_t length, uint64_t command)
{
	uint64_t limit = now_ms() + edu_limit(60000);

	edu->registers[SOURCE] = from;
	edu->registers[TARGET] = to;
	edu->registers[COUNT] = length;
	edu->registers[COMMAND] = command | RUN;
	while (edu->registers[COMMAND] & RUN) {
		CHECK(now_ms() < limit);
		usleep(1000);
	}
}

void edu_load(struct edu *edu, uint64_t address, uint64_t length)
{
	run_engine(edu, address, OWN_MEMORY, length, 0);
}

void edu_store(struct edu *edu, uint64_t address, uint64_t length)
{
	run_engine(edu, OWN_MEMORY, address, length, FROM_OWN);
}

/* From here on what the kernel says is in this file. */
static int open_kernel_log(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	CHECK(log >= 0 && lseek(log, 0, SEEK_END) >= 0);
	return log;
}

static bool log_tells(int log, const char *what, const char *where)
{
	char record[2048];
	ssize_t n;

	while ((n = read(log, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		record[n > 0 ? n : 0] = '\0';
		if (strstr(record, what) && strstr(record, where))
			return true;
	}
	return false;
}

void edu_wait_quiet(void)
{
	sleep(6);
}

/* Returns whether the kernel said that it was refused. */
static bool is_refused(struct edu *edu, uint64_t address, bool store)
{
	static uint64_t last;
	uint64_t limit;
	char where[64];
	bool told;
	int log;

	while (now_ms() < last + MS_BETWEEN_REFUSED)
		usleep(10000);
	snprintf(where, sizeof(where), "fault addr 0x%llx ",
		 (unsigned long long)address & ~(VMIRROR_PAGE_SIZE - 1ull));
	log = open_kernel_log();
	if (store)
		edu_store(edu, address, 8);
	else
		edu_load(edu, address, 8);
	last = now_ms();
	limit = last + edu_limit(5000);
	while (!(told = log_tells(log, store ? "DMA Write" : "DMA Read", where)) && now_ms() < limit)
		usleep(10000);
	close(log);
	return told;
}

static void refused(struct edu *edu, uint64_t address, bool store)
{
	for (int tries = 0; tries < REFUSED_TRIES; tries++) {
		if (is_refused(edu, address, store))
			return;
		/* DMA elsewhere that was refused as well may have used up what it says. */
		edu_wait_quiet();
	}
	FAIL("the IOMMU says nothing about DMA to %#llx", (unsigned long long)address);
}

void edu_load_refused(struct edu *edu, uint64_t address)
{
	refused(edu, address, false);
}

void edu_store_refused(struct edu *edu, uint64_t address)
{
	refused(edu, address, true);
}
