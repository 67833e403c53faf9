// SPDX-License-Identifier: GPL-2.0-only
/*
 * notifiers_on.c - preempt notifiers are on, also while there is no VM
 *
 * KVM has the kernel patch finish_task_switch() when the first VM comes and when the last one goes
 * (preempt_notifier_inc(), a static key).  Under QEMU's TCG another CPU may still run
 * into the breakpoint that was there for a moment, and "Oops: int3" is the end of the nested
 * host.  The lab's tests have guests come and go all the time; with this they patch nothing.
 */
#include <linux/module.h>
#include <linux/preempt.h>

static int __init notifiers_on_init(void)
{
	preempt_notifier_inc();
	return 0;
}
module_init(notifiers_on_init);

static void __exit notifiers_on_exit(void)
{
	preempt_notifier_dec();
}
module_exit(notifiers_on_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Preempt notifiers that stay on");
