// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * control_fuzz.c - any bytes as a line of the control protocol
 *
 * With libFuzzer (--enable-fuzzing) it searches; without, main() runs the files that it is given,
 * which is what "make check" does with the seed corpus.
 */
#include <assert.h>
#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "control.h"
#include "vmirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a request promises to those who act on it. */
static void check_request(const struct control_request *request)
{
	const uint64_t end = UINT64_C(1) << VMIRROR_GPA_BITS;

	assert((unsigned int)request->command < CONTROL_NR_COMMANDS);
	assert(!(request->has & CONTROL_HAS(VM)) == !request->vm);
	assert(!(request->has & CONTROL_HAS(NAME)) == !request->name);
	assert(!(request->has & CONTROL_HAS(RANGES)) == !request->nr_ranges);
	assert(!request->vm || (strlen(request->vm) > 0 && strlen(request->vm) <= CONTROL_VM_MAX));
	assert(!request->name || control_valid_name(request->name));
	assert(!request->pool || control_valid_name(request->pool));
	assert(request->gpa % 4096 == 0 && request->bytes % 4096 == 0);
	assert(request->gpa <= end && request->bytes <= end - request->gpa);
	assert(request->nr_ranges <= CONTROL_RANGES_MAX);
	for (size_t i = 0; i < request->nr_ranges; i++) {
		const struct control_range *range = &request->ranges[i];

		assert(range->bytes > 0 && (range->gpa | range->bytes) % 4096 == 0);
		assert(range->gpa < end && range->bytes <= end - range->gpa);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request request;
	struct control_error error;
	json_object *answer;
	size_t length;
	char *line;

	if (control_parse_request((const char *)data, size, &request, &error)) {
		check_request(&request);
		answer = control_reply_return(&request, NULL);
	} else {
		assert(error.desc && (unsigned int)error.class_ < CONTROL_NR_CLASSES);
		answer = control_reply_error(&request, error.class_, error.desc, NULL);
	}
	line = control_encode(answer, &length);
	assert(memchr(line, '\n', length) == line + length - 1);
	g_free(line);
	json_object_put(answer);
	control_error_clear(&error);
	control_request_clear(&request);
	return 0;
}
