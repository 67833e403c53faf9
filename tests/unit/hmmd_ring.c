// SPDX-License-Identifier: LGPL-2.1-or-later
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ring.h"

#define RECORDS	 64u
#define MAP_SIZE (4096u + RECORDS * sizeof(struct vmirror_record))

/* What the kernel does, in as many words. */
struct writer {
	struct vmirror_ring *header;
	uint64_t lost;
};

static void *make_ring(struct writer *writer)
{
	void *memory = aligned_alloc(4096, 8192);

	memset(memory, 0, 8192);
	writer->lost = 0;
	writer->header = memory;
	*writer->header = (struct vmirror_ring){
		.magic = VMIRROR_RING_MAGIC,
		.records = RECORDS,
		.record_offset = 4096,
		.record_size = sizeof(struct vmirror_record),
		.map_size = MAP_SIZE,
	};
	return memory;
}

static bool put(struct writer *writer, uint32_t type, uint64_t pages)
{
	struct vmirror_ring *header = writer->header;
	struct vmirror_record *records = (struct vmirror_record *)((char *)header + 4096);
	uint64_t tail = __atomic_load_n((uint64_t *)&header->tail, __ATOMIC_ACQUIRE);

	if (header->head - tail == RECORDS)
		return false;
	records[header->head % RECORDS] = (struct vmirror_record){ .type = type, .pages = pages };
	__atomic_store_n((uint64_t *)&header->head, header->head + 1, __ATOMIC_RELEASE);
	return true;
}

static void write_record(struct writer *writer, uint64_t number)
{
	if (writer->lost && put(writer, VMIRROR_EVENT_LOST, writer->lost))
		writer->lost = 0;
	if (writer->lost || !put(writer, VMIRROR_EVENT_OUT, number))
		writer->lost++;
}

static void open_ring(void)
{
	struct writer writer;
	void *memory = make_ring(&writer);
	Ring ring = { NULL };

	CU_ASSERT(ring_open(&ring, memory, MAP_SIZE));
	CHECK_NUMBER(ring.mask, RECORDS - 1);
	CU_ASSERT_FALSE(ring_open(&ring, memory, MAP_SIZE - 1));
	CU_ASSERT_FALSE(ring_open(&ring, memory, 8));
	writer.header->records = 96;
	CU_ASSERT_FALSE(ring_open(&ring, memory, 8192));
	writer.header->records = 128;
	CU_ASSERT_FALSE(ring_open(&ring, memory, 8192));
	writer.header->records = RECORDS;
	writer.header->record_size = 128;
	CU_ASSERT_FALSE(ring_open(&ring, memory, 8192));
	writer.header->record_size = sizeof(struct vmirror_record);
	writer.header->record_offset = 64;
	CU_ASSERT_FALSE(ring_open(&ring, memory, 8192));
	writer.header->record_offset = 4096;
	writer.header->magic++;
	CU_ASSERT_FALSE(ring_open(&ring, memory, 8192));
	free(memory);
}

static void in_order(void)
{
	struct vmirror_record records[RECORDS];
	struct writer writer;
	void *memory = make_ring(&writer);
	uint64_t written = 0, next = 0;
	Ring ring;

	CU_ASSERT_FATAL(ring_open(&ring, memory, MAP_SIZE));
	CHECK_NUMBER(ring_read(&ring, records, RECORDS), 0);
	/* Many times around, in pieces that do not divide the ring. */
	for (unsigned int round = 0; round < 1000; round++) {
		size_t n;

		for (unsigned int i = 0; i < round % (RECORDS + 1); i++)
			write_record(&writer, written++);
		CHECK_NUMBER(writer.lost, 0);
		while ((n = ring_read(&ring, records, 7)))
			for (size_t i = 0; i < n; i++)
				CU_ASSERT_EQUAL(records[i].pages, next++);
	}
	CHECK_NUMBER(next, written);
	free(memory);
}

static void overflow(void)
{
	struct vmirror_record records[RECORDS];
	struct writer writer;
	void *memory = make_ring(&writer);
	Ring ring;

	CU_ASSERT_FATAL(ring_open(&ring, memory, MAP_SIZE));
	for (unsigned int i = 0; i < RECORDS + 10; i++)
		write_record(&writer, i);
	CHECK_NUMBER(ring_read(&ring, records, RECORDS), RECORDS);
	CHECK_NUMBER(records[RECORDS - 1].pages, RECORDS - 1);
	write_record(&writer, 1000);
	CHECK_NUMBER(ring_read(&ring, records, RECORDS), 2);
	CHECK_NUMBER(records[0].type, VMIRROR_EVENT_LOST);
	CHECK_NUMBER(records[0].pages, 10);
	CHECK_NUMBER(records[1].pages, 1000);
	free(memory);
}

/* The counts run over the end of 64 bits without a hiccup. */
static void wraps(void)
{
	struct vmirror_record records[RECORDS];
	struct writer writer;
	void *memory = make_ring(&writer);
	Ring ring;

	writer.header->head = writer.header->tail = UINT64_MAX - 5;
	CU_ASSERT_FATAL(ring_open(&ring, memory, MAP_SIZE));
	for (unsigned int i = 0; i < 20; i++)
		write_record(&writer, i);
	CHECK_NUMBER(ring_read(&ring, records, RECORDS), 20);
	for (unsigned int i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(records[i].pages, i);
	free(memory);
}

#define MANY 200000u

static void *write_many(void *arg)
{
	struct writer *writer = arg;

	for (unsigned int i = 0; i < MANY;)
		i += put(writer, VMIRROR_EVENT_OUT, i);
	return NULL;
}

static void two_threads(void)
{
	struct vmirror_record records[RECORDS];
	struct writer writer;
	void *memory = make_ring(&writer);
	uint64_t next = 0;
	bool right = true;
	pthread_t thread;
	Ring ring;

	CU_ASSERT_FATAL(ring_open(&ring, memory, MAP_SIZE));
	pthread_create(&thread, NULL, write_many, &writer);
	while (next < MANY) {
		size_t n = ring_read(&ring, records, RECORDS);

		for (size_t i = 0; i < n; i++)
			right &= records[i].pages == next++;
	}
	pthread_join(thread, NULL);
	CU_ASSERT(right);
	free(memory);
}

int main(void)
{
	static const struct check checks[] = {
		{ "open", open_ring }, { "in order", in_order },       { "overflow", overflow },
		{ "wrap", wraps },     { "two threads", two_threads },
	};

	return run_checks("ring", checks, G_N_ELEMENTS(checks));
}
