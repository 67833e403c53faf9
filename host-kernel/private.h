/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * private.h - what the files of vmirror.ko share; one section a file
 *
 * Lock order, outermost first.  What VMs share on the way of a page that comes
 * back by fault is spinlocks, held for a few instructions: pool->lock, and
 * reserve_lock where the kernel has no page at once.  Only for a folio that must
 * be split a split_lock is taken, which another VM's may be using for the same.
 * None of ours is held across a copy on that way; but a fault's notifier calls
 * may wait for device->lock, which is, of one page at a time.
 *
 *	vmirror_registry_lock		names of pools and VMs (main.c)
 *	  vm->slots_lock		the list of slots (slots.c)
 *	    dma->lock			regions that a PCI device may reach (device-dma.c)
 *	    mmap_lock of the VMM	(the kernel's)
 *	      split_locks		who splits a folio on its way home (home.c)
 *		vmirror_collecting	SRCU, to read: a device page seen is not given out
 *					to another (pool-alloc.c)
 *	      device->lock		page table of a software device (device-table.c)
 *	      region->lock		pages in the IOMMU (device-region.c)
 *	      slot->seq_lock		notifier sequence number (mirror.c)
 *	      pool->lock		free blocks of a pool (pool-alloc.c)
 *	      reserve_lock		reserved host pages (reserve.c)
 *	      ring->lock		event ring (ring.c)
 *
 * The last five are spinlocks, never taken together; all but the first two with interrupts off.
 * pci_lock (device-pci.c) is outside dma->lock, and meets none of the others.  create_lock (pool.c)
 * is outside vmirror_registry_lock, and meets none of the others.
 */
#ifndef VMIRROR_PRIVATE_H
#define VMIRROR_PRIVATE_H

#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/memremap.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "vmirror.h"

/* A block is the unit of a migration: at most one PMD's worth of pages. */
#define BLOCK_PAGES	HPAGE_PMD_NR
#define BLOCK_BYTES	HPAGE_PMD_SIZE
#define BLOCK_ORDER	HPAGE_PMD_ORDER

struct hmm_range;
struct vmirror_vm;
struct vmirror_pool;

/* --- main.c: the system fd, and who exists -------------------------------- */

extern struct mutex vmirror_registry_lock;
extern struct xarray vmirror_vms;	/* id -> struct vmirror_vm; NULL while half built */
extern struct xarray vmirror_pools;	/* id -> struct vmirror_pool */

/*
 * The owner that marks our device memory to the kernel.  One for all pools, so that
 * one walk of a VM's page tables finds its pages in every pool.
 */
extern struct xarray *const vmirror_owner;

bool vmirror_name_valid(const char name[VMIRROR_NAME_MAX]);

/* --- ioctl.c: one way in for every ioctl ---------------------------------- */

/**
 * struct vmirror_ioctl - an entry of an ioctl table
 * @cmd: the ioctl number
 * @size: size of the argument as this kernel knows it
 * @min_size: size of the argument's first version
 * @run: does the work; writes its results into @arg, which is copied back if it
 *	returns 0 or a new fd
 */
struct vmirror_ioctl {
	unsigned int cmd;
	unsigned int size;
	unsigned int min_size;
	long (*run)(struct file *file, void *arg);
};

#define VMIRROR_IOCTL(_cmd, _struct, _last, _run)			\
	{								\
		.cmd = (_cmd),						\
		.size = sizeof(struct _struct),				\
		.min_size = offsetofend(struct _struct, _last),		\
		.run = (_run),						\
	}

long vmirror_ioctl_dispatch(struct file *file, unsigned int cmd, unsigned long arg,
			    const struct vmirror_ioctl *table, size_t n);
long vmirror_give_fd(struct file *file);
int vmirror_check_range(u64 gpa, u64 length);

/* --- ring.c: the event ring ----------------------------------------------- */

struct vmirror_event_ring {
	spinlock_t lock;		/* protects what follows, but not user->tail */
	struct vmirror_ring *user;	/* shared with the reader, who is not trusted */
	struct vmirror_record *records;
	u64 head;
	u64 lost;			/* not yet told */
	u64 lost_total;
	u32 mask;
	u32 map_size;
	wait_queue_head_t wait;
};

int vmirror_ring_init(struct vmirror_event_ring *ring, u32 nr_records);
void vmirror_ring_free(struct vmirror_event_ring *ring);
void vmirror_ring_write(struct vmirror_event_ring *ring, const struct vmirror_record *record);
bool vmirror_ring_readable(struct vmirror_event_ring *ring);
int vmirror_ring_mmap(struct vmirror_event_ring *ring, struct vm_area_struct *vma);

/* --- kvm.c, process.c: what can be mirrored -------------------------------- */

/**
 * struct vmirror_guest_ops - what is particular to one kind of guest
 * @mm: the address space that the guest's memory is in
 * @generation: a number that changes whenever the slots do
 * @read_slots: read the slots: fills in a new array, ascending by gpa, that the caller
 *	frees with kvfree(), and the generation number of what it read; returns how many, or
 *	-ENOMEM
 * @put: give the reference on the guest back
 */
struct vmirror_guest_ops {
	struct mm_struct *(*mm)(void *guest);
	u64 (*generation)(void *guest);
	int (*read_slots)(void *guest, struct vmirror_slot **slots, u64 *generation);
	void (*put)(void *guest);
};

extern const struct vmirror_guest_ops vmirror_kvm_ops;
extern const struct vmirror_guest_ops vmirror_process_ops;

void *vmirror_kvm_get(struct file *file);
void *vmirror_process_get(struct mm_struct *mm);

/* --- vm.c: an attached VM ------------------------------------------------- */

/**
 * struct vmirror_vm - an attached VM
 * @kref: one for the fd, one for whoever looked it up by id
 * @slots: list of struct mirror_slot, ascending by gpa, under @slots_lock
 * @dmas: list of struct vmirror_dma of its software devices, under @slots_lock
 * @out_pages: device pages that carry this VM's id; the VM is not freed before
 *	they are
 */
struct vmirror_vm {
	struct kref kref;
	struct rcu_head rcu;
	u32 id;
	char name[VMIRROR_NAME_MAX];
	const struct vmirror_guest_ops *ops;
	void *guest;			/* a reference that @ops knows how to put */
	struct mm_struct *mm;		/* held with mmgrab() */
	struct pid *pid;

	struct rw_semaphore slots_lock;
	struct list_head slots;
	struct list_head dmas;
	unsigned int nr_slots;
	u64 slots_generation;
	u64 ram_bytes;

	struct vmirror_event_ring ring;
	unsigned long exited;		/* bit 0: the EXIT record was written */

	atomic64_t out_pages;
	atomic64_t moved_out;
	atomic64_t back_fault;
	atomic64_t back_recall;
	atomic64_t dropped;
	atomic64_t faults;
	atomic64_t reserve_used;
	atomic64_t invalidations;
};

struct file *vmirror_vm_open(const struct vmirror_vm_attach *args);
struct vmirror_vm *vmirror_vm_from_file(struct file *file);
long vmirror_vm_attach(struct file *file, void *arg);
struct vmirror_vm *vmirror_vm_get_by_id(u32 id);
void vmirror_vm_put(struct vmirror_vm *vm);
void vmirror_vm_event(struct vmirror_vm *vm, enum vmirror_event type,
		      enum vmirror_reason reason, u64 gpa, u64 pages);

/* --- slots.c: the VM's memory slots --------------------------------------- */

/**
 * struct mirror_slot - one KVM memslot that we mirror
 * @seq_lock: orders the notifier's sequence number against its readers
 */
struct mirror_slot {
	struct list_head link;		/* vm->slots */
	struct vmirror_vm *vm;
	struct vmirror_slot info;
	struct mmu_interval_notifier notifier;
	spinlock_t seq_lock;
};

/* For a lock: not at all, until killed, or until it is there. */
enum vmirror_wait { WAIT_NOT, WAIT_KILLABLE, WAIT_ALWAYS };

int vmirror_slots_sync(struct vmirror_vm *vm, enum vmirror_wait how);
int vmirror_slots_hold(struct vmirror_vm *vm, enum vmirror_wait how);
bool vmirror_slots_are_wanted(struct vmirror_vm *vm);
void vmirror_slots_release(struct vmirror_vm *vm);
void vmirror_slots_remove_all(struct vmirror_vm *vm);
struct mirror_slot *vmirror_slot_at(struct vmirror_vm *vm, u64 gpa, u64 *hole_end);
long vmirror_slots_ioctl(struct file *file, void *arg);

/* Returns 0 if pages of @vma can move, else the reason why none of them can. */
enum vmirror_skip vmirror_vma_blocker(struct vm_area_struct *vma);

/* --- mirror.c: notifiers, and where each page lives ------------------------ */

extern const struct mmu_interval_notifier_ops vmirror_mirror_ops;

/* The guest runs on and its memory changes: a migration waits so long for a still moment. */
#define LOOK_MS		100

/* @calm: nobody moved device pages about there meanwhile: what is not mapped is not in flight. */
typedef void (*vmirror_look_t)(unsigned long *pfns, unsigned long n, bool calm, void *arg);

int vmirror_range_fault(struct hmm_range *range);
void vmirror_mend_huge_pfns(unsigned long start, unsigned long *pfns, unsigned long n);
bool vmirror_is_zero_page(unsigned long hmm_pfn);
bool vmirror_is_untouched(struct mm_struct *mm, unsigned long addr);
int vmirror_mirror_read(struct mirror_slot *slot, unsigned long start, unsigned long end,
			unsigned long *pfns, unsigned int timeout_ms, vmirror_look_t look,
			void *arg);

/* --- snapshot.c: where the pages of a range are, as extents ------------------ */

/* Takes an extent.  Returns 0, 1 to end the walk, or an error, which ends it too. */
typedef int (*vmirror_emit_t)(const struct vmirror_extent *extent, void *arg);

int vmirror_snapshot(struct vmirror_vm *vm, u64 gpa, u64 length, vmirror_emit_t emit, void *arg);
long vmirror_snapshot_ioctl(struct file *file, void *arg);

/* --- device.c: a software device that works in a VM's memory ------------------ */

struct vmirror_device;

struct vmirror_device *vmirror_device_open(struct vmirror_vm *vm);
void vmirror_device_close(struct vmirror_device *device);
int vmirror_device_access(struct vmirror_device *device, struct vmirror_device_access *args,
			  bool write);
int vmirror_device_exclusive(struct vmirror_device *device,
			     struct vmirror_device_exclusive *args);
void vmirror_device_stat(struct vmirror_device *device, struct vmirror_device_stat *stat);
long vmirror_device_create_ioctl(struct file *file, void *arg);

/* --- device-dma.c, device-*.c: software devices that are tied to PCI devices -- */

#ifdef HAVE_HMM_DMA_MAP
void vmirror_dma_slot_gone(struct mirror_slot *slot);
int vmirror_pci_init(void);
void vmirror_pci_exit(void);
#else
static inline void vmirror_dma_slot_gone(struct mirror_slot *slot)
{
}

static inline int vmirror_pci_init(void)
{
	return 0;
}

static inline void vmirror_pci_exit(void)
{
}
#endif

/* --- pool.c: a range of device memory behind an fd --------------------------- */

struct vmirror_engine {
	enum vmirror_engine_type type;
	enum memory_type memory;	/* DEVICE_PRIVATE: a CPU that touches it faults; COHERENT */
	unsigned int page_overhead;	/* host memory it needs for each page, beside the page */
	/* Make @pool->bytes of device memory reachable; 0 or -errno. */
	int (*start)(struct vmirror_pool *pool);
	void (*stop)(struct vmirror_pool *pool);
	/* Make whole pages zero; on -errno their content is undefined. */
	int (*clear)(struct vmirror_pool *pool, u64 offset, unsigned int pages);
	/* Copy whole pages; on -errno the destination is undefined, the source intact. */
	int (*copy_out)(struct vmirror_pool *pool, u64 offset, struct page *src,
			unsigned int pages);
	int (*copy_back)(struct vmirror_pool *pool, struct page *dst, u64 offset,
			 unsigned int pages);
};

struct vmirror_pool {
	u32 id;
	char name[VMIRROR_NAME_MAX];
	const struct vmirror_engine *engine;
	void *engine_data;
	u64 bytes;
	u64 base;			/* physical address, of coherent memory */
	struct resource *region;
	struct dev_pagemap pgmap;
	unsigned long first_pfn;

	spinlock_t lock;		/* protects the next seven */
	struct pool_block *blocks;	/* nr_blocks of them, one for each 2 MiB */
	struct list_head empty;		/* blocks with nothing in them */
	struct list_head partial;	/* blocks with something and room for more */
	unsigned long used;		/* pages, resting ones included */
	unsigned long resting;		/* pages that are free, but not to be had yet */
	unsigned long visitors;		/* faults that have stepped aside */
	unsigned long nr_empty;		/* blocks with nothing in them that does not rest */

	unsigned int visited;		/* by who goes through all pools; under the registry lock */
	unsigned int nr_blocks;
	atomic64_t out_pages;
	atomic64_t freed_pages;
};

u32 vmirror_engines(void);
struct file *vmirror_pool_open(const struct vmirror_pool_create *args);
long vmirror_pool_create(struct file *file, void *arg);
struct vmirror_pool *vmirror_pool_from_file(struct file *file);
struct vmirror_pool *vmirror_pool_next(struct vmirror_pool *pool);

/* --- pool-alloc.c: which pages of a pool are free --------------------------- */

int vmirror_pool_blocks_init(struct vmirror_pool *pool);
void vmirror_pool_blocks_free(struct vmirror_pool *pool);
size_t vmirror_pool_blocks_bytes(const struct vmirror_pool *pool);
bool vmirror_pool_take_block(struct vmirror_pool *pool, u32 *index);
unsigned int vmirror_pool_take_pages(struct vmirror_pool *pool, u32 *indices, unsigned int n);
bool vmirror_pool_take_this(struct vmirror_pool *pool, u32 index);
void vmirror_pool_visit(struct vmirror_pool *pool, u32 index, int visitors);
void vmirror_pool_give(struct vmirror_pool *pool, u32 index, unsigned int pages);
void vmirror_pool_give_freed(struct vmirror_pool *pool, u32 index, unsigned int pages);
void vmirror_pool_wait_rested(void);
bool vmirror_pool_settle(struct vmirror_pool *pool, unsigned int pages);
unsigned long vmirror_pool_used(struct vmirror_pool *pool);
void vmirror_pool_note_use(struct vmirror_pool *pool, u32 index);
void vmirror_pool_look_at_block(struct vmirror_pool *pool, unsigned int index,
				struct vmirror_pool_block *seen);
void vmirror_pool_note_made(struct vmirror_pool *pool, u32 index, unsigned int pages);
unsigned int vmirror_pool_list_block(struct vmirror_pool *pool, unsigned int block,
				     unsigned long *pfns);
void vmirror_pool_unlist_block(struct vmirror_pool *pool, unsigned int block);

/* Held to read by who may have, or drop, a reference that comes too late. */
extern struct srcu_struct vmirror_collecting;
int vmirror_search_begin(void);
void vmirror_search_end(int reading);

bool vmirror_pool_may_be_late(u32 index);

/* --- pool-page.c: how device pages begin and end ---------------------------- */

extern const struct dev_pagemap_ops vmirror_pool_pgmap_ops;

struct page *vmirror_pool_page_init(struct vmirror_pool *pool, u32 index, unsigned int order,
				    struct vmirror_vm *vm, u64 gpa);
void vmirror_pool_step_aside(struct vmirror_pool *pool, struct page *page);
void vmirror_pool_step_back(struct vmirror_pool *pool, struct page *page);

static inline struct vmirror_pool *vmirror_pool_of(const struct page *page);
static inline u64 vmirror_pool_offset(const struct vmirror_pool *pool, const struct page *page)
{
	return (u64)(page_to_pfn(page) - pool->first_pfn) << PAGE_SHIFT;
}

/*
 * A device page says whose it is in its zone_device_data, with no memory of its
 * own: the guest frame number above; a bit that says that its content has come home and only
 * its last reference is still to go; one that says that it was told of as out; the id of the VM
 * below.  0 is a free page.
 */
#define DEVDATA_VM_BITS		22
#define DEVDATA_VM_MASK		((1UL << DEVDATA_VM_BITS) - 1)
#define DEVDATA_TOLD		(1UL << DEVDATA_VM_BITS)
#define DEVDATA_HOME		(1UL << (DEVDATA_VM_BITS + 1))
#define DEVDATA_GPA_SHIFT	(DEVDATA_VM_BITS + 2)
static_assert(VMIRROR_GPA_BITS - 12 + DEVDATA_GPA_SHIFT <= 64);

static inline void *vmirror_devdata(u32 vm_id, u64 gpa)
{
	return (void *)((unsigned long)(gpa >> PAGE_SHIFT) << DEVDATA_GPA_SHIFT | vm_id);
}

static inline u32 vmirror_devdata_vm(const struct page *page)
{
	return (unsigned long)READ_ONCE(page->zone_device_data) & DEVDATA_VM_MASK;
}

static inline u64 vmirror_devdata_gpa(const struct page *page)
{
	return ((unsigned long)page->zone_device_data >> DEVDATA_GPA_SHIFT) << PAGE_SHIFT;
}

/* Is there content in it that is nowhere else? */
static inline bool vmirror_devdata_is_out(const struct page *page)
{
	unsigned long data = (unsigned long)READ_ONCE(page->zone_device_data);

	return (data & DEVDATA_VM_MASK) && !(data & DEVDATA_HOME);
}

/* Those of a page that was told of as out, and goes without having come home, are dropped. */
static inline bool vmirror_devdata_is_dropped(const void *data)
{
	return ((unsigned long)data & (DEVDATA_TOLD | DEVDATA_HOME)) == DEVDATA_TOLD;
}

/* With the page locked; @flag: DEVDATA_TOLD or DEVDATA_HOME */
static inline void vmirror_devdata_set(struct page *page, unsigned long flag)
{
	page->zone_device_data = (void *)((unsigned long)page->zone_device_data | flag);
}

/* --- engine-ram.c ---------------------------------------------------------- */

extern const struct vmirror_engine vmirror_engine_ram;

/* --- engine-coherent.c ------------------------------------------------------ */

extern const struct vmirror_engine vmirror_engine_coherent;

/* --- reserve.c: host pages kept for pages that come home -------------------- */

int vmirror_reserve_init(void);
void vmirror_reserve_exit(void);
void vmirror_reserve_want(bool wanted);
struct page *vmirror_reserve_take(void);
void vmirror_reserve_stat(u64 *pages, u64 *target);

/* --- moved.c: telling of pages that moved ----------------------------------- */

/* A run of neighbouring pages that moved alike; see vmirror_move_add(). */
struct vmirror_move {
	enum vmirror_event type;	/* OUT or BACK */
	enum vmirror_reason reason;
	u64 pages;			/* in the run so far */
	u32 vm_id;
	unsigned int order;
	u64 gpa;
	u64 offset;
	struct vmirror_pool *pool;
};

void vmirror_move_add(struct vmirror_move *move, struct page *page, unsigned int pages);
void vmirror_move_flush(struct vmirror_move *move);
void vmirror_count_dropped(const struct page *page, unsigned int pages);

/* --- flight.c: who is moving device pages about, and where -------------------- */

#define WATCH_PLACES	3

struct vmirror_watch {
	u32 places[WATCH_PLACES];
	int begun[WATCH_PLACES];
	bool calm;
};

u32 vmirror_place_of(unsigned long addr);
u32 vmirror_guest_place_of(u32 vm_id, u64 gpa);
void vmirror_flight_begin(u32 place);
void vmirror_flight_end(u32 place);
void vmirror_flight_watch(struct vmirror_watch *watch, const struct mirror_slot *slot,
			  unsigned long start, unsigned long end);
bool vmirror_flight_was_calm(const struct vmirror_watch *watch);

/* --- walk.c: going through a range of guest memory --------------------------- */

/**
 * struct vmirror_batch - the page arrays of one migration, of one block at most
 * @src: for the migrate_vma calls
 * @dst: likewise
 * @pfns: what the look before found: the page in RAM, or 0
 * @taken: device pages taken for this block
 * @why: for each page of the block, enum vmirror_skip, or BATCH_MOVED, or 0: not known
 */
struct vmirror_batch {
	unsigned long src[BLOCK_PAGES];
	unsigned long dst[BLOCK_PAGES];
	unsigned long pfns[BLOCK_PAGES];
	u32 taken[BLOCK_PAGES];
	u8 why[BLOCK_PAGES];
};

#define BATCH_MOVED	0xff

int vmirror_batch_init(void);
void vmirror_batch_exit(void);
struct vmirror_batch *vmirror_batch_get(void);
void vmirror_batch_put(struct vmirror_batch *batch);
struct vmirror_batch *vmirror_fault_batch_get(void);
void vmirror_fault_batch_put(struct vmirror_batch *batch);

/**
 * struct vmirror_walk - a walk through a range of a VM
 * @block: called with a range of the VMM's addresses within one PMD and one slot, and
 *	none of our locks but slots_lock; it fills in @batch->why for every page of it
 * @slot: the slot at hand; between blocks the walk may let go of it, and look it up anew
 */
struct vmirror_walk {
	struct vmirror_vm *vm;
	struct vmirror_pool *pool;	/* out: where to */
	struct vmirror_moved *moved;
	int (*block)(struct vmirror_walk *walk, unsigned long start, unsigned long end);
	bool interruptible;		/* a signal ends it, early but in good order */
	bool populate;			/* out: make pages that are not there */
	bool peers;			/* out: also from other pools */
	struct page *bounce;		/* out: on the way from one pool to another */
	bool settled;			/* out: waited for resting pages once */
	struct mirror_slot *slot;
	struct vmirror_batch *batch;
};

int vmirror_walk(struct vmirror_walk *walk, u64 gpa, u64 length);

/* --- migrate.c: out ---------------------------------------------------------- */

int vmirror_migrate(struct vmirror_vm *vm, struct vmirror_pool *pool, u64 gpa, u64 length,
		    u32 flags, struct vmirror_moved *moved);
long vmirror_migrate_ioctl(struct file *file, void *arg);

/* --- merged.c: pages that KSM merges are kept out of migrations --------------- */

unsigned long vmirror_merged_until(struct vm_area_struct *vma, unsigned long start,
				   unsigned long end, const unsigned long *pfns, bool *merged);

/* --- home.c: the way back --------------------------------------------------- */

/* Bring 2 MiB folios home whole.  A module parameter. */
extern bool vmirror_huge_home;

/**
 * struct vmirror_homecoming - pages on their way home
 * @args: the migration; vma is NULL where pages are found by device page, fault_page is
 *	the page a CPU waits for and has locked, or NULL
 * @reason: what is told
 * @must: bring them all, also if that means waiting for memory
 * @hard: a huge folio cannot be split, because it is mapped nowhere that we know: try hard
 *	to get a huge page for it
 * @only_vm: id of the VM whose pages to bring, or 0 for all
 * @why: enum vmirror_skip for each page: what could not be read; or NULL
 * @came: how many pages did
 * @came_huge: how many times a whole 2 MiB folio did
 * @broken: the engine could not read @fault_page's content
 * @split: a 2 MiB folio that has to be split first, which cannot be done here: its first
 *	page
 */
struct vmirror_homecoming {
	struct migrate_vma args;
	enum vmirror_reason reason;
	bool must;
	bool hard;
	u32 only_vm;
	u8 *why;
	unsigned int came;
	unsigned int came_huge;
	bool broken;
	struct page *split;
};

void vmirror_home_init(void);
bool vmirror_come_home(struct vmirror_homecoming *home);

/* Its steps; the kernel's migrate_*_pages() comes between fill and tell. */
bool vmirror_set_out(struct migrate_vma *args);
void vmirror_home_fill(struct vmirror_homecoming *home);
void vmirror_home_tell(struct vmirror_homecoming *home);
void vmirror_put_back(struct migrate_vma *args);
void vmirror_split_at(struct vm_area_struct *vma, unsigned long addr);

/* --- fault.c: home because a CPU touched a page ------------------------------ */

vm_fault_t vmirror_migrate_to_ram(struct vm_fault *vmf);

/* --- recall.c: home by address ------------------------------------------------ */

int vmirror_recall(struct vmirror_vm *vm, u64 gpa, u64 length, enum vmirror_reason reason,
		   struct vmirror_moved *moved);
long vmirror_recall_ioctl(struct file *file, void *arg);

/* --- evict.c: home by device page --------------------------------------------- */

void vmirror_vm_bring_home(struct vmirror_vm *vm);
void vmirror_pool_bring_home(struct vmirror_pool *pool);
long vmirror_pool_evict_ioctl(struct file *file, void *arg);

#include "compat.h"

static inline struct vmirror_pool *vmirror_pool_of(const struct page *page)
{
	return container_of(page_pgmap(page), struct vmirror_pool, pgmap);
}

/* Does a page that hmm_range_fault() has found lie in a pool?  Private ones of others it hides. */
static inline bool vmirror_is_in_pool(const struct page *page)
{
	return is_device_private_page(page) ||
	       (is_device_coherent_page(page) && page_pgmap(page)->owner == vmirror_owner);
}

/*
 * May the content of a device page that is unmapped and locked be copied?  Coherent memory may
 * still be written by who got a reference before: migrate_*_pages() sees that only afterwards.
 */
static inline bool vmirror_is_still(const struct page *page)
{
	return is_device_private_page(page) || folio_ref_count(page_folio(page)) == 1;
}

#endif /* VMIRROR_PRIVATE_H */
