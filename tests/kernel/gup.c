// SPDX-License-Identifier: GPL-2.0-only
/*
 * gup.c - the kernel's own gup_test as a module
 *
 * The suite's hmm_gup_test pins pages through it; Debian's kernel is built without.
 */
#include <linux/debugfs.h>
#include <linux/mm.h>
#include <linux/module.h>

/* The kernel's asks for the page's migratetype, too, which no module can: that is about CMA only. */
static inline bool is_longterm_pinnable(struct folio *folio)
{
	return !folio_is_device_coherent(folio) && !folio_is_zone_movable(folio);
}

#define folio_is_longterm_pinnable is_longterm_pinnable
#include "gup_test.c"

static void __exit gup_exit(void)
{
	debugfs_lookup_and_remove("gup_test", NULL);
}
module_exit(gup_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("get_user_pages() on request, for the kernel's HMM suite");
