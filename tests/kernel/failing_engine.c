// SPDX-License-Identifier: GPL-2.0-only
/*
 * failing_engine.ko - makes the engines of pools fail, at whatever call a test chooses
 *
 * "out 3 1" written to the parameter arm lets the third copy_out from now fail, "back 1 5" the
 * next five copy_backs; clear is the third of them.  "none 0 0" heals.  Apart from that each
 * copy_back fails that covers the place in the pool that bad_offset names.
 *
 * What an engine leaves behind when it fails is undefined, and here it is wrong, so that
 * nobody gets away with using it.  For tests; never installed.
 */
#include <linux/highmem.h>
#include <linux/kprobes.h>
#include <linux/module.h>

#include "private.h"

enum op { OP_NONE, OP_OUT, OP_BACK, OP_CLEAR };

static const char *const op_names[] = { "none", "out", "back", "clear" };

static DEFINE_RAW_SPINLOCK(armed_lock);		/* protects the next three */
static enum op armed_op;
static unsigned long armed_skip, armed_times;

static unsigned long failed;
module_param(failed, ulong, 0444);
MODULE_PARM_DESC(failed, "How many calls have failed since it was armed");

static ulong bad_offset = ULONG_MAX;
module_param(bad_offset, ulong, 0644);
MODULE_PARM_DESC(bad_offset, "The byte of a pool that cannot be read back (default: none)");

static int arm(const char *value, const struct kernel_param *param)
{
	unsigned long nth, times, flags;
	char name[8];
	int op;

	if (sscanf(value, "%7s %lu %lu", name, &nth, &times) != 3)
		return -EINVAL;
	op = match_string(op_names, ARRAY_SIZE(op_names), name);
	if (op < 0 || (op != OP_NONE && !nth))
		return -EINVAL;
	raw_spin_lock_irqsave(&armed_lock, flags);
	armed_op = op;
	armed_skip = nth - 1;
	armed_times = times;
	failed = 0;
	raw_spin_unlock_irqrestore(&armed_lock, flags);
	return 0;
}

static const struct kernel_param_ops arm_ops = { .set = arm };
module_param_cb(arm, &arm_ops, NULL, 0200);
MODULE_PARM_DESC(arm, "Which calls fail: out, back or clear; the first of them; how many");

/* A call of an engine, as it comes. */
struct call {
	enum op op;
	struct vmirror_pool *pool;
	struct page *to;		/* where copy_back copies to */
	u64 offset;
	unsigned int pages;
	bool fails;
};

static bool is_unreadable(const struct call *call)
{
	u64 bad = READ_ONCE(bad_offset);

	return call->op == OP_BACK && bad >= call->offset &&
	       bad - call->offset < (u64)call->pages << PAGE_SHIFT;
}

static bool is_to_fail(const struct call *call)
{
	bool fails = is_unreadable(call);
	unsigned long flags;

	raw_spin_lock_irqsave(&armed_lock, flags);
	if (call->op == armed_op && armed_skip) {
		armed_skip--;
	} else if (call->op == armed_op && armed_times) {
		armed_times--;
		fails = true;
	}
	failed += fails;
	raw_spin_unlock_irqrestore(&armed_lock, flags);
	return fails;
}

/* clear(pool, offset, pages), copy_out(pool, offset, src, pages) */
static void note_call(struct call *call, struct pt_regs *regs, enum op op)
{
	*call = (struct call) {
		.op = op,
		.pool = (void *)regs_get_kernel_argument(regs, 0),
		.offset = regs_get_kernel_argument(regs, 1),
		.pages = regs_get_kernel_argument(regs, op == OP_CLEAR ? 2 : 3),
	};
	call->fails = is_to_fail(call);
}

static int enter_out(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	note_call((void *)instance->data, regs, OP_OUT);
	return 0;
}

static int enter_clear(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	note_call((void *)instance->data, regs, OP_CLEAR);
	return 0;
}

/* copy_back(pool, dst, offset, pages) */
static int enter_back(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct call *call = (void *)instance->data;

	*call = (struct call) {
		.op = OP_BACK,
		.pool = (void *)regs_get_kernel_argument(regs, 0),
		.to = (void *)regs_get_kernel_argument(regs, 1),
		.offset = regs_get_kernel_argument(regs, 2),
		.pages = regs_get_kernel_argument(regs, 3),
	};
	call->fails = is_to_fail(call);
	return 0;
}

/* A probe that is hit within a probe's handler does nothing: this clear() is not counted. */
static void spoil(struct call *call)
{
	if (call->op == OP_OUT)
		call->pool->engine->clear(call->pool, call->offset, call->pages);
	for (unsigned int i = 0; call->op == OP_BACK && i < call->pages; i++) {
		void *at = kmap_local_page(call->to + i);

		memset(at, 0xbd, PAGE_SIZE);
		kunmap_local(at);
	}
}

static int leave(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct call *call = (void *)instance->data;

	if (call->fails) {
		spoil(call);
		regs_set_return_value(regs, (unsigned long)-EIO);
	}
	return 0;
}

#define ENGINE_PROBE(symbol, enter)		\
	{					\
		.kp.symbol_name = symbol,	\
		.entry_handler = enter,		\
		.handler = leave,		\
		.data_size = sizeof(struct call), \
		.maxactive = 64,		\
	}

static struct kretprobe probes[] = {
	ENGINE_PROBE("ram_copy_out", enter_out),
	ENGINE_PROBE("ram_copy_back", enter_back),
	ENGINE_PROBE("ram_clear", enter_clear),
	ENGINE_PROBE("coherent_copy_out", enter_out),
	ENGINE_PROBE("coherent_copy_back", enter_back),
	ENGINE_PROBE("coherent_clear", enter_clear),
};

static struct kretprobe *probe_list[ARRAY_SIZE(probes)];

static int __init failing_engine_init(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(probes); i++)
		probe_list[i] = &probes[i];
	return register_kretprobes(probe_list, ARRAY_SIZE(probes));
}

static void __exit failing_engine_exit(void)
{
	unregister_kretprobes(probe_list, ARRAY_SIZE(probes));
}

module_init(failing_engine_init);
module_exit(failing_engine_exit);
MODULE_DESCRIPTION("Makes the engines of vmirror's pools fail");
MODULE_LICENSE("GPL");
