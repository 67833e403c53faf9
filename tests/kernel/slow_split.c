// SPDX-License-Identifier: GPL-2.0-only
/*
 * slow_split.ko - makes the races around the split of a 2 MiB folio wide enough to be met
 *
 * While migrate_vma_setup() splits a large folio there are two moments at which the kernel has
 * no reference on a page that it goes on to use: on its way into migrate_vma_split_folio(), and
 * within, after __folio_split().  This holds it up there, and counts how often that, and what
 * vmirror does about it, happened: the counters are module parameters, approximate.  For tests;
 * never installed.
 */
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>

static unsigned int delay_us = 2000;
module_param(delay_us, uint, 0644);
MODULE_PARM_DESC(delay_us, "How long to hold up the kernel, in microseconds (default 2000)");

static unsigned long split_begin, split_end, rests, visits, unguarded, freed;
module_param(split_begin, ulong, 0444);
MODULE_PARM_DESC(split_begin, "How often before a split");
module_param(split_end, ulong, 0444);
MODULE_PARM_DESC(split_end, "How often after a split");
module_param(rests, ulong, 0444);
MODULE_PARM_DESC(rests, "How often a device page had to rest before it was given out again");
module_param(visits, ulong, 0444);
MODULE_PARM_DESC(visits, "How often a fault stepped aside to have its folio split");

module_param(unguarded, ulong, 0444);
MODULE_PARM_DESC(unguarded, "How often before a split in RAM, while others may discard: must be 0");
module_param(freed, ulong, 0444);
MODULE_PARM_DESC(freed, "How often a folio in RAM was freed before it was split: must be 0");

/* Handlers run with preemption off: nothing else to do but to turn round. */
static void hold_up(void)
{
	for (unsigned int us = READ_ONCE(delay_us); us > 0; us -= min(us, 100u))
		udelay(min(us, 100u));
}

/* A writer has it: nobody can discard memory meanwhile. */
static bool is_write_locked(struct rw_semaphore *sem)
{
	return atomic_long_read(&sem->count) & 1;
}

/* regs->di: the folio, on which the kernel has no reference yet. */
static int before(struct kprobe *probe, struct pt_regs *regs)
{
	struct folio *folio = (struct folio *)regs->di;

	split_begin++;
	if (!folio_is_device_private(folio) && !is_write_locked(&current->mm->mmap_lock))
		unguarded++;
	hold_up();
	if (!folio_is_device_private(folio) && !folio_ref_count(folio))
		freed++;
	return 0;
}

static int after(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	split_end++;
	hold_up();
	return 0;
}

static struct kprobe begin_probe = {
	.symbol_name = "migrate_vma_split_folio",
	.pre_handler = before,
};

static struct kretprobe end_probe = {
	.kp.symbol_name = "__folio_split",
	.handler = after,
	.maxactive = 64,
};

static int count_rest(struct kprobe *probe, struct pt_regs *regs)
{
	rests++;
	return 0;
}

static int count_visit(struct kprobe *probe, struct pt_regs *regs)
{
	visits++;
	return 0;
}

/* What vmirror does about it (pool-alloc.c, pool-page.c). */
static struct kprobe rest_probe = { .symbol_name = "half_rested", .pre_handler = count_rest };
static struct kprobe visit_probe = {
	.symbol_name = "vmirror_pool_step_aside",
	.pre_handler = count_visit,
};

/* On the way out: it has looked at a block, and has no lock yet. */
static int after_look(struct kprobe *probe, struct pt_regs *regs)
{
	hold_up();
	return 0;
}

static struct kprobe look_probe = {
	.symbol_name = "vmirror_pool_take_pages",
	.pre_handler = after_look,
};

static struct kprobe *probes[] = { &begin_probe, &look_probe, &rest_probe, &visit_probe };

static int __init slow_split_init(void)
{
	int ret = register_kprobes(probes, ARRAY_SIZE(probes));

	if (ret)
		return ret;
	ret = register_kretprobe(&end_probe);
	if (ret)
		unregister_kprobes(probes, ARRAY_SIZE(probes));
	return ret;
}

static void __exit slow_split_exit(void)
{
	unregister_kretprobe(&end_probe);
	unregister_kprobes(probes, ARRAY_SIZE(probes));
}

module_init(slow_split_init);
module_exit(slow_split_exit);
MODULE_DESCRIPTION("Holds the kernel up where it splits a large folio");
MODULE_LICENSE("GPL");
