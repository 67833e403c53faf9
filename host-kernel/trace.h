/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace.h - tracepoints vmirror:*, for perf and bpftrace
 *
 * vm and pool are ids; gpa and pool_offset are bytes; pages are of 4 KiB; reason is an
 * enum vmirror_reason.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vmirror

#if !defined(VMIRROR_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VMIRROR_TRACE_H

#include <linux/tracepoint.h>
#include <linux/types.h>

DECLARE_EVENT_CLASS(vmirror_move,
	TP_PROTO(u32 vm, u64 gpa, u64 pages, u32 order, u32 pool, u64 pool_offset, u32 reason),
	TP_ARGS(vm, gpa, pages, order, pool, pool_offset, reason),
	TP_STRUCT__entry(
		__field(u64, gpa)
		__field(u64, pages)
		__field(u64, pool_offset)
		__field(u32, vm)
		__field(u32, order)
		__field(u32, pool)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->gpa = gpa;
		__entry->pages = pages;
		__entry->pool_offset = pool_offset;
		__entry->vm = vm;
		__entry->order = order;
		__entry->pool = pool;
		__entry->reason = reason;
	),
	TP_printk("vm=%u gpa=%#llx pages=%llu order=%u pool=%u pool_offset=%#llx reason=%u",
		  __entry->vm, __entry->gpa, __entry->pages, __entry->order, __entry->pool,
		  __entry->pool_offset, __entry->reason)
);

DEFINE_EVENT(vmirror_move, vmirror_out,
	TP_PROTO(u32 vm, u64 gpa, u64 pages, u32 order, u32 pool, u64 pool_offset, u32 reason),
	TP_ARGS(vm, gpa, pages, order, pool, pool_offset, reason)
);

DEFINE_EVENT(vmirror_move, vmirror_back,
	TP_PROTO(u32 vm, u64 gpa, u64 pages, u32 order, u32 pool, u64 pool_offset, u32 reason),
	TP_ARGS(vm, gpa, pages, order, pool, pool_offset, reason)
);

TRACE_EVENT(vmirror_invalidate,
	TP_PROTO(u32 vm, u64 gpa, u64 pages, u32 reason),
	TP_ARGS(vm, gpa, pages, reason),
	TP_STRUCT__entry(
		__field(u64, gpa)
		__field(u64, pages)
		__field(u32, vm)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->gpa = gpa;
		__entry->pages = pages;
		__entry->vm = vm;
		__entry->reason = reason;
	),
	TP_printk("vm=%u gpa=%#llx pages=%llu reason=%u",
		  __entry->vm, __entry->gpa, __entry->pages, __entry->reason)
);

#endif /* VMIRROR_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
