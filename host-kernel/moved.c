// SPDX-License-Identifier: GPL-2.0-only
/*
 * moved.c - telling of pages that moved: ring records, tracepoints, counters
 *
 * Both ways call this between migrate_vma_pages() and migrate_vma_finalize(), while the
 * pages are still locked: so the record of a move is in the ring before anyone can touch
 * the page and cause the next one.
 */
#include "private.h"
#include "trace.h"

static bool is_back(const struct vmirror_move *move)
{
	return move->type == VMIRROR_EVENT_BACK;
}

static void count(struct vmirror_vm *vm, const struct vmirror_move *move)
{
	if (move->reason == VMIRROR_REASON_PEER)
		return;
	if (!is_back(move))
		atomic64_add(move->pages, &vm->moved_out);
	else if (move->reason == VMIRROR_REASON_CPU_FAULT)
		atomic64_add(move->pages, &vm->back_fault);
	else
		atomic64_add(move->pages, &vm->back_recall);
}

/* The VM whose locked device page this is has lost it: to another one's, after a fork. */
void vmirror_count_dropped(const struct page *page, unsigned int pages)
{
	struct vmirror_vm *vm = xa_load(&vmirror_vms, vmirror_devdata_vm(page));

	if (!WARN_ON_ONCE(!vm))
		atomic64_add(pages, &vm->dropped);
}

/* Tell of the run that was gathered so far, and begin anew. */
void vmirror_move_flush(struct vmirror_move *move)
{
	struct vmirror_record record = {
		.type = move->type,
		.reason = move->reason,
		.gpa = move->gpa,
		.pages = move->pages,
		.order = move->order,
		.pool_id = move->pages ? move->pool->id : 0,
		.pool_offset = move->offset,
	};
	struct vmirror_vm *vm;

	if (!move->pages)
		return;
	/* The device pages are not freed yet, so their VM is not either. */
	vm = xa_load(&vmirror_vms, move->vm_id);
	if (!WARN_ON_ONCE(!vm)) {
		count(vm, move);
		vmirror_ring_write(&vm->ring, &record);
	}
	if (is_back(move))
		trace_vmirror_back(move->vm_id, move->gpa, move->pages, move->order,
				   move->pool->id, move->offset, move->reason);
	else
		trace_vmirror_out(move->vm_id, move->gpa, move->pages, move->order,
				  move->pool->id, move->offset, move->reason);
	move->pages = 0;
}

/**
 * vmirror_move_add() - note that a device page was filled or emptied
 * @move: the run of neighbours that is being gathered
 * @page: first page of the device folio
 * @pages: how many
 */
void vmirror_move_add(struct vmirror_move *move, struct page *page, unsigned int pages)
{
	struct vmirror_pool *pool = vmirror_pool_of(page);
	u64 offset = vmirror_pool_offset(pool, page);
	u64 gpa = vmirror_devdata_gpa(page);
	u32 vm_id = vmirror_devdata_vm(page);
	unsigned int order = pages > 1 ? BLOCK_ORDER : 0;
	u64 bytes = move->pages << PAGE_SHIFT;

	if (move->pages &&
	    (order || move->order || move->vm_id != vm_id || move->pool != pool ||
	     move->gpa + bytes != gpa || move->offset + bytes != offset))
		vmirror_move_flush(move);
	if (!move->pages) {
		move->vm_id = vm_id;
		move->pool = pool;
		move->gpa = gpa;
		move->offset = offset;
		move->order = order;
	}
	move->pages += pages;
}
