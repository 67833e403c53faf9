// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * torture-content.c - what pages of a plot hold, written and checked
 *
 * Content moves with its page: it is made of a number, not of the address.  A number is written
 * to one page, once; another page holds the same only where a PCI device has carried it there.
 */
#include <sys/uio.h>

#include "torture.h"

#define PAGE ((uint64_t)VMIRROR_PAGE_SIZE)
#define WORDS (PAGE / sizeof(uint64_t))

static uint64_t word_of(uint32_t value, uint64_t i)
{
	return value ? value * 0x9e3779b97f4a7c15ull + i : 0;
}

/* @where: the word that is not as it must be */
static bool holds(const uint64_t *words, uint32_t value, uint64_t *where)
{
	for (uint64_t i = 0; i < WORDS; i++) {
		if (((const volatile uint64_t *)words)[i] != word_of(value, i)) {
			*where = i;
			return false;
		}
	}
	return true;
}

/* @at: the page, or a copy of it. */
void plot_check_page(struct plot *plot, uint64_t page, const char *at)
{
	const uint64_t *words = (const uint64_t *)at;
	struct plot_page *model = &plot->pages[page];
	uint64_t wrong, at_zero;

	if (holds(words, model->value, &wrong))
		return;
	if (model->lazy && holds(words, 0, &at_zero)) {
		model->value = 0;
		return;
	}
	FAIL("%s, page %#llx (at %p): word %llu is %#llx and must be %#llx%s", plot->name,
	     (unsigned long long)page, (void *)plot_at(plot, page), (unsigned long long)wrong,
	     (unsigned long long)words[wrong], (unsigned long long)word_of(model->value, wrong),
	     model->lazy ? " or zero" : "");
}

int plot_check_range(struct plot *plot, struct plot_range range)
{
	for (uint64_t page = range.first; page < range.first + range.pages; page++)
		if (plot->pages[page].mapped)
			plot_check_page(plot, page, plot_at(plot, page));
	return 0;
}

/* As KVM reads: through get_user_pages(). */
int plot_check_through_gup(struct plot *plot, struct plot_range range)
{
	char copy[PAGE] __attribute__((aligned(sizeof(uint64_t))));

	for (uint64_t page = range.first; page < range.first + range.pages; page++) {
		struct iovec to = { copy, PAGE }, from = { plot_at(plot, page), PAGE };

		if (!plot->pages[page].mapped)
			continue;
		CHECK(process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)PAGE);
		plot_check_page(plot, page, copy);
	}
	return 0;
}

bool content_is(const char *page, uint32_t value)
{
	uint64_t where;

	return holds((const uint64_t *)page, value, &where);
}

void content_write(char *page, uint32_t value)
{
	volatile uint64_t *words = (uint64_t *)page;

	for (uint64_t i = 0; i < WORDS; i++)
		words[i] = word_of(value, i);
}

int plot_write_new(struct plot *plot, struct plot_range range)
{
	for (uint64_t page = range.first; page < range.first + range.pages; page++) {
		struct plot_page *model = &plot->pages[page];

		if (!model->mapped || !model->writable)
			continue;
		model->value = ++plot->last_value;
		model->lazy = false;
		content_write(plot_at(plot, page), model->value);
	}
	return 0;
}

