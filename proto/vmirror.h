/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * vmirror.h - the ABI between vmirror.ko and userspace
 *
 * Concepts
 * ========
 *
 * An object lives as long as its file descriptor:
 *
 *	/dev/vmirror ──POOL_CREATE──▶ pool fd     device memory that guest pages may live in
 *	     │
 *	     └────────VM_ATTACH────▶ vm fd        the mirror of one running KVM VM
 *	                              │
 *	                              └─DEVICE_CREATE─▶ device fd   a software device that works in
 *	                                                            the VM's memory
 *
 * The last close of a pool fd brings every page in that pool back to host RAM
 * and then releases the memory.  The last close of a vm fd brings every page
 * of that VM back and ends the mirror.  Both may take time and do not fail.  A device fd keeps
 * no VM attached; it works in its memory as long as that is there.
 *
 * Units: addresses, offsets and lengths are bytes; every one must be a multiple
 * of 4096 (VMIRROR_PAGE_SIZE).  Counts named "pages" are counts of 4096 bytes,
 * also where the page moved as part of a 2 MiB folio.  Times are CLOCK_MONOTONIC
 * nanoseconds.
 *
 * Versions: every argument starts with its own size, set by the caller to
 * sizeof(struct).  A kernel that knows a longer struct takes the missing tail as
 * zero; a kernel that knows a shorter one refuses a tail that is not zero.
 * Reserved fields must be zero.  In every enum the value 0 is invalid.
 *
 * Errors common to every ioctl (nothing was changed when one is returned):
 *	ENOTTY	 the fd has no such ioctl
 *	EINVAL	 size is shorter than the first version of the struct; a reserved
 *		 field or an unknown flag is set; an address or length is zero where
 *		 it may not be, or is not page aligned
 *	E2BIG	 a field that this kernel does not know is not zero
 *	EFAULT	 a pointer does not point to accessible memory
 *	EOVERFLOW address + length overflows, or lies beyond the guest address space
 *	ENOMEM	 the kernel has no memory for the call's own needs
 */
#ifndef VMIRROR_H
#define VMIRROR_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VMIRROR_ABI_VERSION	1
#define VMIRROR_DEVICE		"/dev/vmirror"
#define VMIRROR_PAGE_SIZE	4096u
#define VMIRROR_NAME_MAX	64u	/* bytes of a pool or VM name, NUL included */
#define VMIRROR_GPA_BITS	52	/* guest physical addresses are below 1 << 52 */

#define VMIRROR_POOL_SIZE_UNIT	(2ull << 20)	/* a pool's size is a multiple of this */

#define VMIRROR_RING_MIN	64u	/* records; a ring's size is a power of two */
#define VMIRROR_RING_MAX	65536u
#define VMIRROR_RING_DEFAULT	1024u

/*
 * Why a page did not move.  X(value, NAME, "name", "what it means for a person")
 */
#define VMIRROR_SKIP_LIST(X)							\
	X(1, NO_SLOT, "no-slot", "the VM has no memory at that address")	\
	X(2, ABSENT, "absent", "no page in RAM there: never touched, ballooned, zero, swapped out, or on its way just now")\
	X(3, ALREADY_OUT, "already-out", "already in a pool")			\
	X(4, PINNED, "pinned", "pinned, by VFIO or another user of DMA")	\
	X(5, LOCKED, "locked", "locked into RAM by mlock")			\
	X(6, SHARED, "shared", "shared memory cannot move")			\
	X(7, FILE, "file", "a page of a file cannot move")			\
	X(8, HUGETLB, "hugetlb", "hugetlbfs memory cannot move")		\
	X(9, SPECIAL, "special", "device, DAX or guest_memfd memory cannot move")\
	X(10, KSM, "ksm", "merged with other pages by KSM")			\
	X(11, POOL_FULL, "pool-full", "no room left in the pool")		\
	X(12, BUSY, "busy", "in use by the kernel just now")			\
	X(13, COPY_FAILED, "copy-failed", "the engine could not copy it")

#define VMIRROR_SKIP_SLOTS	24	/* length of a counter array; see struct vmirror_moved */

enum vmirror_skip {
#define VMIRROR_SKIP_ENUM(value, NAME, name, text) VMIRROR_SKIP_##NAME = value,
	VMIRROR_SKIP_LIST(VMIRROR_SKIP_ENUM)
#undef VMIRROR_SKIP_ENUM
	VMIRROR_SKIP_LAST = VMIRROR_SKIP_COPY_FAILED,
};

/* How bytes get in and out of a pool. */
#define VMIRROR_ENGINE_LIST(X)							\
	X(1, RAM, "ram", "a software device in host RAM")			\
	X(2, COHERENT, "coherent", "device memory that CPUs reach as well, over a reserved physical range")

enum vmirror_engine_type {
#define VMIRROR_ENGINE_ENUM(value, NAME, name, text) VMIRROR_ENGINE_##NAME = value,
	VMIRROR_ENGINE_LIST(VMIRROR_ENGINE_ENUM)
#undef VMIRROR_ENGINE_ENUM
};

/* Where a page of the guest lives. */
#define VMIRROR_STATE_LIST(X)							\
	X(1, ABSENT, "absent", "no page, swapped out, or on its way just now")	\
	X(2, RAM, "ram", "in host RAM")						\
	X(3, POOL, "pool", "in a pool")						\
	X(4, ERROR, "error", "not readable: no mapping, no access, special, poisoned, or a huge page on its way") \
	X(5, ZERO, "zero", "the zero page: reads as zero and takes no memory")

enum vmirror_state {
#define VMIRROR_STATE_ENUM(value, NAME, name, text) VMIRROR_STATE_##NAME = value,
	VMIRROR_STATE_LIST(VMIRROR_STATE_ENUM)
#undef VMIRROR_STATE_ENUM
};

/* What a record of the event ring tells. */
#define VMIRROR_EVENT_LIST(X)							\
	X(1, OUT, "out", "pages moved from RAM into a pool")			\
	X(2, BACK, "back", "pages moved from a pool into RAM")			\
	X(3, INVALIDATE, "invalidate", "the host changed the mapping")		\
	X(4, SLOTS, "slots", "the VM's memory slots changed")			\
	X(5, EXIT, "exit", "the VM's address space is gone")			\
	X(6, LOST, "lost", "records were lost: take a SNAPSHOT")

enum vmirror_event {
#define VMIRROR_EVENT_ENUM(value, NAME, name, text) VMIRROR_EVENT_##NAME = value,
	VMIRROR_EVENT_LIST(VMIRROR_EVENT_ENUM)
#undef VMIRROR_EVENT_ENUM
};

/* Why it happened.  The BACK reasons come first, then those of INVALIDATE; later ones say whose. */
#define VMIRROR_REASON_LIST(X)							\
	X(1, REQUEST, "request", "MIGRATE asked for it")			\
	X(2, CPU_FAULT, "cpu-fault", "a CPU touched the page")			\
	X(3, RECALL, "recall", "RECALL asked for it")				\
	X(4, DETACH, "detach", "the VM was detached")				\
	X(5, POOL_CLOSE, "pool-close", "the pool was closed")			\
	X(6, UNMAP, "unmap", "unmapped or moved by munmap or mremap")		\
	X(7, CLEAR, "clear", "page tables cleared: balloon, discard, KSM, THP")	\
	X(8, PROTECT, "protect", "protection changed")				\
	X(9, SOFT_DIRTY, "soft-dirty", "soft-dirty tracking")			\
	X(10, MIGRATE, "migrate", "moved by the kernel or another device")	\
	X(11, EXCLUSIVE, "exclusive", "made exclusive to a device")		\
	X(12, PEER, "peer", "out: MIGRATE moved it here from another pool")	\
	X(13, EVICT, "evict", "back: POOL_EVICT made room in the pool")

enum vmirror_reason {
#define VMIRROR_REASON_ENUM(value, NAME, name, text) VMIRROR_REASON_##NAME = value,
	VMIRROR_REASON_LIST(VMIRROR_REASON_ENUM)
#undef VMIRROR_REASON_ENUM
};

/* ------------------------------------------------------------------------ */
/* The system fd: open("/dev/vmirror"), needs CAP_SYS_ADMIN (else EPERM).    */
/* ------------------------------------------------------------------------ */

/**
 * struct vmirror_info - VMIRROR_INFO: what this kernel module can do
 * @size: sizeof(struct vmirror_info)
 * @abi_version: out: VMIRROR_ABI_VERSION of the module
 * @engines: out: bit (1 << value) for each enum vmirror_engine_type built in
 * @folio_orders: out: bit (1 << order) for each folio size that moves whole
 * @reserve_pages: out: host pages kept ready for pages that come back
 * @reserve_target: out: how many the reserve holds when it is full
 * @nr_pools: out: pools that exist
 * @nr_vms: out: VMs that are attached
 */
struct vmirror_info {
	__u32 size;
	__u32 abi_version;
	__u32 engines;
	__u32 folio_orders;
	__u64 reserve_pages;
	__u64 reserve_target;
	__u32 nr_pools;
	__u32 nr_vms;
};

/**
 * struct vmirror_pool_create - VMIRROR_POOL_CREATE: make a pool of device memory
 * @size: sizeof(struct vmirror_pool_create)
 * @flags: 0
 * @engine: enum vmirror_engine_type
 * @reserved: 0
 * @bytes: size of the pool, a multiple of VMIRROR_POOL_SIZE_UNIT
 * @base: engine coherent: the physical address where the device's memory begins, a multiple
 *	of VMIRROR_POOL_SIZE_UNIT, in a range that is reserved (memmap=, or by the firmware);
 *	other engines: 0
 * @name: NUL-terminated, 1 to 63 bytes of letters, digits, '.', '_' and '-';
 *	kept for whoever holds the fd later
 *
 * Pages in a coherent pool are 4 KiB, and stay there when a CPU touches them.  The kernel itself
 * brings a page home that is pinned for long; that counts as dropped.  A page that someone holds a
 * plain reference on (a pipe, after vmsplice()) cannot come home: close and detach wait for them.
 *
 * Return: a pool fd (close-on-exec), or -1 with errno:
 *	EBUSY	    base: the range is System RAM, or in use
 *	ENXIO	    base: the range is not reserved memory
 *	EOPNOTSUPP  this kernel does not have that engine
 *	EINVAL	    bytes is 0, or it or base is not a multiple of the unit; base is given to an
 *		    engine that has none; the name is malformed
 *	EEXIST	    another pool has that name
 *	EMFILE	    the caller has no fd to spare
 *	ENOMEM	    no host memory (engine ram) or physical address space for it
 */
struct vmirror_pool_create {
	__u32 size;
	__u32 flags;
	__u32 engine;
	__u32 reserved;
	__u64 bytes;
	__u64 base;
	char name[VMIRROR_NAME_MAX];
};

/*
 * Mirror a process that is no VM's: its whole address space is one slot, in which an address is
 * its own guest physical address.  kvm_fd is -1.
 */
#define VMIRROR_ATTACH_PROCESS	(1u << 0)

/**
 * struct vmirror_vm_attach - VMIRROR_VM_ATTACH: mirror a running KVM VM, or a process
 * @size: sizeof(struct vmirror_vm_attach)
 * @flags: 0 or VMIRROR_ATTACH_PROCESS
 * @kvm_fd: the VM's KVM fd (what KVM_CREATE_VM returned), for instance got by
 *	pidfd_getfd() from the VMM
 * @pid: process id of the VMM as the caller sees it.  It cannot be a recycled one:
 *	the VM's memory must be that of this process.
 * @ring_records: size of the event ring: 0 for VMIRROR_RING_DEFAULT, or a power of
 *	two from VMIRROR_RING_MIN to VMIRROR_RING_MAX
 * @reserved: 0
 * @name: as in struct vmirror_pool_create
 *
 * The call takes time that does not depend on the size of the guest's RAM, and
 * moves nothing.
 *
 * Return: a vm fd (close-on-exec), or -1 with errno:
 *	EBADF	  kvm_fd is not an open fd
 *	ENXIO	  kvm_fd is no KVM VM fd
 *	ESRCH	  there is no such process, or it has exited
 *	EPERM	  the VM's memory is not that of that process
 *	EEXIST	  this KVM VM, or with VMIRROR_ATTACH_PROCESS this process, is attached
 *		  already, or another VM has that name.  A KVM VM and the process that it
 *		  is in are two, as are two KVM VMs in one process, though they may have
 *		  memory in common: a page that is out counts as the one's that moved it.
 *	EMFILE	  the caller has no fd to spare
 *	EINTR	  a signal came before anything was done, to a handler without SA_RESTART
 */
struct vmirror_vm_attach {
	__u32 size;
	__u32 flags;
	__s32 kvm_fd;
	__s32 pid;
	__u32 ring_records;
	__u32 reserved;
	char name[VMIRROR_NAME_MAX];
};

/* ------------------------------------------------------------------------ */
/* A pool fd                                                                 */
/* ------------------------------------------------------------------------ */

/**
 * struct vmirror_pool_stat - VMIRROR_POOL_STAT: state of a pool
 * @size: sizeof(struct vmirror_pool_stat)
 * @id: out: the pool's number, in records and snapshots; not used again soon after
 * @engine: out: enum vmirror_engine_type
 * @reserved: 0
 * @bytes: out: size
 * @used_bytes: out: bytes that hold guest pages now
 * @free_huge: out: 2 MiB blocks with nothing in them
 * @overhead_bytes: out: host memory the pool costs beside its own bytes
 * @out_pages: out: pages that ever came in
 * @freed_pages: out: pages that ever left, for whatever reason: those that came in, and those
 *	that were to but did not (the guest changed them meanwhile)
 * @name: out: as given
 */
struct vmirror_pool_stat {
	__u32 size;
	__u32 id;
	__u32 engine;
	__u32 reserved;
	__u64 bytes;
	__u64 used_bytes;
	__u64 free_huge;
	__u64 overhead_bytes;
	__u64 out_pages;
	__u64 freed_pages;
	char name[VMIRROR_NAME_MAX];
};

/**
 * struct vmirror_pool_block - what is in 2 MiB of a pool
 * @idle_ns: time since a page last went in or a software device last used one.  In a private
 *	pool that is how long no CPU has missed them either: a CPU brings home what it touches.
 * @pages: pages that hold guest memory
 * @reserved: 0
 */
struct vmirror_pool_block {
	__u64 idle_ns;
	__u32 pages;
	__u32 reserved;
};

/**
 * struct vmirror_pool_blocks - VMIRROR_POOL_BLOCKS: which parts of a pool are cold?
 * @size: sizeof(struct vmirror_pool_blocks)
 * @flags: 0
 * @offset: byte offset of the first block, a multiple of VMIRROR_POOL_SIZE_UNIT
 * @blocks: pointer to an array of struct vmirror_pool_block, filled in one block after the other
 * @nr_blocks: in: its length; out: how many were filled in, up to the end of the pool
 * @reserved: 0
 *
 * Return: 0 or -1 with errno ENXIO: the pool ends before @offset
 */
struct vmirror_pool_blocks {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 blocks;
	__u32 nr_blocks;
	__u32 reserved;
};

/**
 * struct vmirror_pool_evict - VMIRROR_POOL_EVICT: bring home what is in a part of a pool
 * @size: sizeof(struct vmirror_pool_evict)
 * @flags: 0
 * @offset: byte offset, a multiple of VMIRROR_POOL_SIZE_UNIT
 * @length: bytes, a multiple of VMIRROR_POOL_SIZE_UNIT
 * @idle_ns: leave blocks alone that have been idle for less: they are not what they were when
 *	someone chose them
 * @moved_pages: out: pages that came home, whichever VM's they are
 * @left_pages: out: pages in that part that stay: in use by the kernel just now, or not idle
 *
 * Return: 0 or -1 with errno ENXIO: the pool ends before offset + length
 */
struct vmirror_pool_evict {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
	__u64 idle_ns;
	__u64 moved_pages;
	__u64 left_pages;
};

/* ------------------------------------------------------------------------ */
/* A vm fd: the ioctls, mmap() of the event ring, poll() for new records     */
/* ------------------------------------------------------------------------ */

/**
 * struct vmirror_moved - what a MIGRATE or RECALL did
 * @done_bytes: how far into the range it came; less than the length only where a
 *	signal interrupted it, or another error came after something was done: the next
 *	call says which.  Go on from gpa + done_bytes.
 * @moved_pages: pages that moved
 * @moved_huge: how many times a whole 2 MiB folio moved (its 512 pages are in
 *	@moved_pages too)
 * @skipped_pages: for each enum vmirror_skip the pages that did not move
 *
 * @moved_pages and the sum of @skipped_pages together are @done_bytes / 4096.
 */
struct vmirror_moved {
	__u64 done_bytes;
	__u64 moved_pages;
	__u64 moved_huge;
	__u64 skipped_pages[VMIRROR_SKIP_SLOTS];
};

/*
 * Pages that are not there yet, and zero pages, are made in the pool at once: as zero, with no
 * page in RAM first.  Whole 2 MiB where the VMM has asked for huge pages (MADV_HUGEPAGE) and
 * none of it is there.
 */
#define VMIRROR_MIGRATE_POPULATE	(1u << 0)
/*
 * Pages that are in other pools move from there into this one, without coming home in between.
 * They are told as OUT for the reason PEER, and do not count as moved out once more.
 */
#define VMIRROR_MIGRATE_PEERS		(1u << 1)

/**
 * struct vmirror_migrate - VMIRROR_MIGRATE: move guest RAM into a pool
 * @size: sizeof(struct vmirror_migrate)
 * @flags: VMIRROR_MIGRATE_POPULATE, VMIRROR_MIGRATE_PEERS, both or 0
 * @pool_fd: the pool
 * @reserved: 0
 * @gpa: first guest physical address
 * @length: bytes
 * @moved: out: what was done
 *
 * Best effort: pages that cannot move stay where they are and are counted by
 * reason.  Pages of the guest that have no page in RAM are not given one, but for
 * VMIRROR_MIGRATE_POPULATE; what it makes counts as moved, and what the kernel will not have
 * made (no memory for its page table or left to its cgroup, a userfaultfd) as busy.  Pages in swap
 * stay there.
 *
 * Return: 0, also when not one page could move, or -1 with errno:
 *	EBADF	pool_fd is no pool fd
 *	ENXIO	the VM has no memory anywhere in the range
 *	ESRCH	the VM's address space is gone
 *	EINTR	a signal came before anything was done, to a handler without SA_RESTART
 */
struct vmirror_migrate {
	__u32 size;
	__u32 flags;
	__s32 pool_fd;
	__u32 reserved;
	__u64 gpa;
	__u64 length;
	struct vmirror_moved moved;
};

/**
 * struct vmirror_recall - VMIRROR_RECALL: bring guest pages back to RAM
 * @size: sizeof(struct vmirror_recall)
 * @flags: 0
 * @gpa: first guest physical address
 * @length: bytes
 * @moved: out: what was done; a page that already was at home or does not exist
 *	is counted as VMIRROR_SKIP_ABSENT, a hole as VMIRROR_SKIP_NO_SLOT.  What the engine
 *	could not read (VMIRROR_SKIP_COPY_FAILED) stays where it is and can be asked for again, and
 *	so does what others held or moved about all the time (VMIRROR_SKIP_BUSY).
 *
 * Return: 0 or -1 with errno as VMIRROR_MIGRATE has (no EBADF).
 */
struct vmirror_recall {
	__u32 size;
	__u32 flags;
	__u64 gpa;
	__u64 length;
	struct vmirror_moved moved;
};

/**
 * struct vmirror_extent - a run of pages in the same state
 * @gpa: first guest physical address
 * @pages: number of pages
 * @state: enum vmirror_state
 * @order: of the mappings that the run is made of: 9 for 2 MiB, 18 for 1 GiB (hugetlbfs), else 0
 * @writable: 1 if the host mapping lets the guest write
 * @pool_id: the pool (state POOL, else 0)
 * @pool_offset: byte offset of the first page in the pool; the others follow it
 */
struct vmirror_extent {
	__u64 gpa;
	__u32 pages;
	__u16 state;
	__u8 order;
	__u8 writable;
	__u32 pool_id;
	__u32 reserved;
	__u64 pool_offset;
};

/**
 * struct vmirror_snapshot - VMIRROR_SNAPSHOT: where the guest's pages are
 * @size: sizeof(struct vmirror_snapshot)
 * @flags: 0
 * @gpa: first guest physical address
 * @length: bytes
 * @extents: pointer to an array of struct vmirror_extent
 * @nr_extents: in: its length; out: how many were filled in.  They ascend and do
 *	not overlap; guest addresses without memory are left out.
 * @reserved: 0
 * @done_bytes: out: bytes of the range that the extents describe.  If that is less
 *	than @length the array was full, a signal came, or what follows did not hold still: go on
 *	from gpa + done_bytes.
 *
 * Each 2 MiB block is described as it was at one moment; different blocks may be
 * of different moments.  Nothing is faulted in or changed.
 *
 * Return: 0 or -1 with errno: ENXIO, ESRCH, EINTR as VMIRROR_MIGRATE has, EBUSY if the
 * beginning of the mapping would not hold still for one second.
 */
struct vmirror_snapshot {
	__u32 size;
	__u32 flags;
	__u64 gpa;
	__u64 length;
	__u64 extents;
	__u32 nr_extents;
	__u32 reserved;
	__u64 done_bytes;
};

/**
 * struct vmirror_slot - a memory slot of the VM
 * @gpa: first guest physical address
 * @length: bytes
 * @hva: where the VMM has it mapped
 * @blocker: 0 if its pages can move, else the enum vmirror_skip that stops all of
 *	them (of the first mapping in the slot that has one)
 * @flags: the slot's KVM flags (KVM_MEM_*)
 */
struct vmirror_slot {
	__u64 gpa;
	__u64 length;
	__u64 hva;
	__u32 blocker;
	__u32 flags;
};

/**
 * struct vmirror_slots - VMIRROR_SLOTS: the VM's memory slots
 * @size: sizeof(struct vmirror_slots)
 * @flags: 0
 * @slots: pointer to an array of struct vmirror_slot
 * @nr_slots: in: its length; out: how many slots the VM has.  If that is more than
 *	was given, only the first were filled in.
 * @reserved: 0
 *
 * Return: 0 or -1 with errno: ESRCH, EINTR as VMIRROR_MIGRATE has.
 */
struct vmirror_slots {
	__u32 size;
	__u32 flags;
	__u64 slots;
	__u32 nr_slots;
	__u32 reserved;
};

/**
 * struct vmirror_vm_stat - VMIRROR_VM_STAT: state of an attached VM
 * @size: sizeof(struct vmirror_vm_stat)
 * @id: out: the VM's number; not used again soon after
 * @pid: out: process id of the VMM, as the caller sees it; 0 if it is gone
 * @dead: out: 1 once the VM's address space is gone
 * @ram_bytes: out: bytes in all slots; where they have changed while another call works in them,
 *	as they were before
 * @out_pages: out: pages that are in a pool now
 * @moved_out: out: pages that ever moved out
 * @back_fault: out: pages that came back because a CPU touched them
 * @back_recall: out: pages that came back because someone asked: RECALL, detach, pool close, evict
 * @dropped: out: pages that ceased to exist while they were out (unmapped, discarded), or that
 *	became those of a forked process that is mirrored as well
 * @faults: out: CPU faults served
 * @reserve_used: out: host pages taken from the reserve for this VM
 * @invalidations: out: notifier calls seen
 * @lost_records: out: records that found the ring full
 * @overhead_bytes: out: kernel memory this attachment costs
 * @name: out: as given
 */
struct vmirror_vm_stat {
	__u32 size;
	__u32 id;
	__s32 pid;
	__u32 dead;
	__u64 ram_bytes;
	__u64 out_pages;
	__u64 moved_out;
	__u64 back_fault;
	__u64 back_recall;
	__u64 dropped;
	__u64 faults;
	__u64 reserve_used;
	__u64 invalidations;
	__u64 lost_records;
	__u64 overhead_bytes;
	char name[VMIRROR_NAME_MAX];
};

/**
 * struct vmirror_record - one record of the event ring
 * @time_ns: CLOCK_MONOTONIC
 * @type: enum vmirror_event
 * @reason: enum vmirror_reason; 0 for SLOTS, EXIT and LOST
 * @gpa: first guest physical address
 * @pages: number of pages; for LOST the number of records that were lost
 * @order: 9 where one 2 MiB folio moved whole, else 0
 * @pool_id: OUT and BACK: the pool
 * @pool_offset: OUT and BACK: byte offset of the first page in the pool; the
 *	others follow it
 */
struct vmirror_record {
	__u64 time_ns;
	__u32 type;
	__u32 reason;
	__u64 gpa;
	__u64 pages;
	__u32 order;
	__u32 pool_id;
	__u64 pool_offset;
	__u64 reserved[2];
};

/**
 * struct vmirror_ring - first page of what mmap() of a vm fd gives
 * @magic: VMIRROR_RING_MAGIC
 * @records: number of records the ring holds, a power of two
 * @record_offset: byte offset of record 0 from the start of the mapping
 * @record_size: sizeof(struct vmirror_record)
 * @map_size: bytes to map, from offset 0, PROT_READ | PROT_WRITE, MAP_SHARED
 * @head: number of records ever written, by the kernel; load it with acquire
 * @tail: number of records ever consumed, by the reader; store it with release
 *
 * Record number n is at index n & (records - 1).  The ring holds records while
 * head != tail.  There is one reader at a time; a new one goes on at tail.
 * When the ring is full new records are dropped, and a LOST record tells how many,
 * at the latest when the reader calls poll() with room in the ring.
 */
struct vmirror_ring {
	__u64 magic;
	__u32 records;
	__u32 record_offset;
	__u32 record_size;
	__u32 map_size;
	__u64 reserved[5];
	__u64 head;
	__u64 reserved_head[7];
	__u64 tail;
	__u64 reserved_tail[7];
};

#define VMIRROR_RING_MAGIC	0x31676e697272696dull	/* "mirring1" */

/* ------------------------------------------------------------------------ */
/* A device fd                                                               */
/* ------------------------------------------------------------------------ */

/**
 * struct vmirror_device_create - VMIRROR_DEVICE_CREATE, on a vm fd: make a software device
 * @size: sizeof(struct vmirror_device_create)
 * @flags: 0 or VMIRROR_DEVICE_PCI
 * @pci_segment: VMIRROR_DEVICE_PCI: the PCI device's segment ("domain"), else 0
 * @pci_id: VMIRROR_DEVICE_PCI: bus << 8 | device << 3 | function, else 0
 * @dma_bits: VMIRROR_DEVICE_PCI: how many bits wide the addresses are that the PCI device can
 *	use, 32 to 64 (the kernel has nothing for those that can do less); else 0
 * @reserved: 0
 *
 * The device works in the VM's memory as a GPU would: through a page table of its own, which
 * follows whatever the host does to the mapping.
 *
 * Return: a device fd (close-on-exec), or -1 with errno:
 *	EPERM	the caller has not CAP_SYS_PTRACE: a device reads and writes all of the VM's memory;
 *		or VMIRROR_DEVICE_PCI without CAP_SYS_RAWIO
 *	ESRCH	the VM's address space is gone
 *	EMFILE	the caller has no fd to spare
 * and with VMIRROR_DEVICE_PCI:
 *	ENODEV	there is no such PCI device
 *	EBUSY	its driver is not vmirror: it has none, or another, for instance vfio-pci; or another
 *		software device uses it for another VM, or with other dma_bits; or it cannot be reset
 *	ENXIO	nothing translates its DMA: there is no IOMMU, or it passes the device's
 *		addresses through (iommu=pt, a group of type "identity"): it could reach what it has
 *		no more
 *	EOPNOTSUPP this kernel cannot give DMA addresses (older than 6.16, no PCI or IOMMU)
 */
struct vmirror_device_create {
	__u32 size;
	__u32 flags;
	__u32 pci_segment;
	__u32 pci_id;
	__u32 dma_bits;
	__u32 reserved;
};

/*
 * The device can also have a PCI device reach the VM's memory: DEVICE_DMA_MAP.
 *
 * vmirror must be that PCI device's driver: write "vmirror" to its driver_override, then its
 * address to /sys/bus/pci/drivers_probe.  vmirror switches it on, and lets it master the bus as
 * long as a software device is tied to it; before, it is reset if it can be.  All else is the
 * caller's, who drives it.  Several software devices of one VM may be tied to one.  When it is
 * unbound or removed all that it could reach is unmapped first, and its software devices go on
 * without it.
 */
#define VMIRROR_DEVICE_PCI	(1u << 0)

/**
 * struct vmirror_device_access - VMIRROR_DEVICE_READ and VMIRROR_DEVICE_WRITE
 * @size: sizeof(struct vmirror_device_access)
 * @flags: 0
 * @gpa: first guest physical address
 * @length: bytes
 * @buffer: pointer to @length bytes: READ fills them in, WRITE takes them
 * @reserved: 0
 * @done_bytes: out: bytes that were read or written
 * @faults: out: how many times the device's page table lacked a page.  A fault brings the rest
 *	of the range, as long as that is missing; the device takes 2 MiB of it at a time.
 *
 * Pages that are not there are faulted in, as by a CPU; pages in a pool stay there and are
 * read and written where they are.
 *
 * What a WRITE does not come to stays as it was.  But where the engine cannot write a page, what
 * that page holds then is undefined; it is the one at gpa + done_bytes, and VMIRROR_DEVICE_WRITTEN
 * tells of it.
 *
 * Return: 0 if anything was done, or -1 with errno:
 *	ENXIO	the VM has no memory at gpa
 *	EFAULT	the VMM has nothing readable mapped there, or memory that the kernel itself cannot
 *		read (memfd_secret, and whatever shared memory is locked); or the buffer is not
 *		accessible
 *	EPERM	a write to what the VMM has mapped read-only
 *	EBUSY	the mapping would not hold still for one second
 *	EIO	the engine cannot read or write the pool
 *	ESRCH	the VM's address space is gone
 *	EINTR	a signal came before anything was done, to a handler without SA_RESTART
 */
struct vmirror_device_access {
	__u32 size;
	__u32 flags;
	__u64 gpa;
	__u64 length;
	__u64 buffer;
	__u64 reserved;
	__u64 done_bytes;
	__u64 faults;
};

/**
 * struct vmirror_device_exclusive - VMIRROR_DEVICE_EXCLUSIVE: keep the CPUs out
 * @size: sizeof(struct vmirror_device_exclusive)
 * @flags: 0
 * @gpa: first guest physical address
 * @length: bytes
 * @done_bytes: out: bytes that are the device's alone
 *
 * The pages come home if they are in a pool, and are unmapped from every CPU.  A CPU that
 * touches one gets it back, and the device loses it; so do mprotect() and fork().
 *
 * Return: 0 if anything was done, or -1 with errno as VMIRROR_DEVICE_WRITE has; but EFAULT for what
 * is read-only; EOPNOTSUPP for memory that is not anonymous, or if this kernel has no device memory
 */
struct vmirror_device_exclusive {
	__u32 size;
	__u32 flags;
	__u64 gpa;
	__u64 length;
	__u64 done_bytes;
};

/**
 * struct vmirror_device_written - VMIRROR_DEVICE_WRITTEN: which pages did the device write?
 * @size: sizeof(struct vmirror_device_written)
 * @flags: 0
 * @gpas: pointer to an array of __u64: guest physical addresses, ascending
 * @nr_gpas: in: its length; out: how many were filled in.  If the array is full there may be
 *	more: ask again.
 * @reserved: 0
 *
 * Each is told once, and again if it is written again afterwards.
 */
struct vmirror_device_written {
	__u32 size;
	__u32 flags;
	__u64 gpas;
	__u32 nr_gpas;
	__u32 reserved;
};

#define VMIRROR_DMA_MAX		(1ull << 30)	/* bytes in one DEVICE_DMA_MAP */

/**
 * struct vmirror_device_dma_map - VMIRROR_DEVICE_DMA_MAP: let a PCI device reach guest memory
 * @size: sizeof(struct vmirror_device_dma_map)
 * @flags: 0
 * @gpa: first guest physical address
 * @length: bytes, at most VMIRROR_DMA_MAX
 * @addresses: pointer to an array of __u64: filled in with the address of each page, as the PCI
 *	device must give it
 * @done_bytes: out: bytes that the PCI device can reach now
 *
 * Pages that are not there are faulted in, as by a CPU that writes to them.  Pages in a private
 * pool come home; those in a coherent one stay there.
 *
 * Nothing is pinned.  A page that the host takes away, for whatever reason, is out of the PCI
 * device's reach before it is: DMA to its address fails in the IOMMU.  (The event ring tells, with
 * OUT and INVALIDATE.)  It comes within reach again, at the same address, by another call for
 * it.  The addresses of a call are the range's until it is unmapped: by DEVICE_DMA_UNMAP, the
 * close of the device fd, or the loss of the PCI device.  A range that lies within one that was
 * mapped before is part of that.  When vmirror learns that the VM's slot has gone no page is within
 * reach any more; the addresses are nobody else's until the range is unmapped.
 *
 * The PCI device can always read and write: the kernel knows no other way.  KVM's log of dirty
 * pages does not tell what it writes: a VM whose memory is being copied elsewhere (live migration)
 * must not have its memory written by devices, this one or VMIRROR_DEVICE_WRITE.
 *
 * Return: 0 if anything was done, or -1 with errno:
 *	ENODEV	the device is not tied to a PCI device, or that has gone
 *	EEXIST	the range overlaps one that was mapped before, and does not lie within it
 *	EFBIG	length is more than VMIRROR_DMA_MAX
 *	ENXIO	the range does not lie within one slot of the VM
 *	ENOSPC	there is no room for it in the PCI device's DMA address space, or the device has
 *		1024 ranges mapped already
 *	EFAULT	the VMM has nothing readable mapped there, or memory that DEVICE_READ would refuse,
 *		or another PCI device's; or addresses is not accessible
 *	EPERM	the VMM has mapped it read-only
 *	EBUSY	the mapping would not hold still for one second, or another call has unmapped it
 *	ESTALE	the slot that it lay in has gone, or changed: DEVICE_DMA_UNMAP it first
 *	EOPNOTSUPP this kernel cannot give DMA addresses, or not for this PCI device: it does not
 *		see what CPUs write (not coherent), or its DMA goes through bounce buffers
 *	ESRCH	the VM's address space is gone
 *	EINTR	a signal came before anything was done, to a handler without SA_RESTART
 */
struct vmirror_device_dma_map {
	__u32 size;
	__u32 flags;
	__u64 gpa;
	__u64 length;
	__u64 addresses;
	__u64 done_bytes;
};

/**
 * struct vmirror_device_dma_unmap - VMIRROR_DEVICE_DMA_UNMAP: end what DEVICE_DMA_MAP began
 * @size: sizeof(struct vmirror_device_dma_unmap)
 * @flags: 0
 * @gpa: first guest physical address
 * @length: bytes
 * @pages: out: pages that the PCI device could reach until now
 *
 * Every range that was mapped and lies within this one ends.
 *
 * Return: 0 or -1 with errno:
 *	ENODEV	the device is not tied to a PCI device, or that has gone
 *	ENOENT	no range is mapped there
 *	EEXIST	one is that does not lie within this one: nothing was unmapped
 *	EOPNOTSUPP this kernel cannot give DMA addresses
 */
struct vmirror_device_dma_unmap {
	__u32 size;
	__u32 flags;
	__u64 gpa;
	__u64 length;
	__u64 pages;
};

/**
 * struct vmirror_device_stat - VMIRROR_DEVICE_STAT: state of a software device
 * @size: sizeof(struct vmirror_device_stat)
 * @reserved: 0
 * @mapped_pages: out: pages in its page table
 * @writable_pages: out: those of them that it may write
 * @exclusive_pages: out: those of them that no CPU has mapped
 * @faults: out: faults served
 * @invalidated_pages: out: pages that the host took from its page table
 * @dma_pages: out: pages that its PCI device can reach
 */
struct vmirror_device_stat {
	__u32 size;
	__u32 reserved;
	__u64 mapped_pages;
	__u64 writable_pages;
	__u64 exclusive_pages;
	__u64 faults;
	__u64 invalidated_pages;
	__u64 dma_pages;
};

#define VMIRROR_IOC_TYPE	0xB7

#define VMIRROR_INFO		_IO(VMIRROR_IOC_TYPE, 0x00)
#define VMIRROR_POOL_CREATE	_IO(VMIRROR_IOC_TYPE, 0x01)
#define VMIRROR_VM_ATTACH	_IO(VMIRROR_IOC_TYPE, 0x02)
#define VMIRROR_POOL_STAT	_IO(VMIRROR_IOC_TYPE, 0x10)
#define VMIRROR_POOL_BLOCKS	_IO(VMIRROR_IOC_TYPE, 0x11)
#define VMIRROR_POOL_EVICT	_IO(VMIRROR_IOC_TYPE, 0x12)
#define VMIRROR_MIGRATE		_IO(VMIRROR_IOC_TYPE, 0x20)
#define VMIRROR_RECALL		_IO(VMIRROR_IOC_TYPE, 0x21)
#define VMIRROR_SNAPSHOT	_IO(VMIRROR_IOC_TYPE, 0x22)
#define VMIRROR_SLOTS		_IO(VMIRROR_IOC_TYPE, 0x23)
#define VMIRROR_VM_STAT		_IO(VMIRROR_IOC_TYPE, 0x24)
#define VMIRROR_DEVICE_CREATE	_IO(VMIRROR_IOC_TYPE, 0x25)
#define VMIRROR_DEVICE_READ	_IO(VMIRROR_IOC_TYPE, 0x30)
#define VMIRROR_DEVICE_WRITE	_IO(VMIRROR_IOC_TYPE, 0x31)
#define VMIRROR_DEVICE_EXCLUSIVE _IO(VMIRROR_IOC_TYPE, 0x32)
#define VMIRROR_DEVICE_WRITTEN	_IO(VMIRROR_IOC_TYPE, 0x33)
#define VMIRROR_DEVICE_STAT	_IO(VMIRROR_IOC_TYPE, 0x34)
#define VMIRROR_DEVICE_DMA_MAP	_IO(VMIRROR_IOC_TYPE, 0x35)
#define VMIRROR_DEVICE_DMA_UNMAP _IO(VMIRROR_IOC_TYPE, 0x36)

/*
 * Layout, checked wherever this header is compiled.
 */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define VMIRROR_ASSERT(cond)	static_assert(cond, #cond)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define VMIRROR_ASSERT(cond)	_Static_assert(cond, #cond)
#else
#define VMIRROR_ASSERT_NAME2(line) vmirror_assert_at_line_##line
#define VMIRROR_ASSERT_NAME(line) VMIRROR_ASSERT_NAME2(line)
#define VMIRROR_ASSERT(cond)	\
	typedef char VMIRROR_ASSERT_NAME(__LINE__)[(cond) ? 1 : -1]
#endif
#define VMIRROR_AT(type, field, offset)	\
	VMIRROR_ASSERT(__builtin_offsetof(struct type, field) == (offset))

VMIRROR_ASSERT(sizeof(struct vmirror_info) == 40);
VMIRROR_AT(vmirror_info, engines, 8);
VMIRROR_AT(vmirror_info, reserve_pages, 16);
VMIRROR_AT(vmirror_info, nr_vms, 36);
VMIRROR_ASSERT(sizeof(struct vmirror_pool_create) == 96);
VMIRROR_AT(vmirror_pool_create, engine, 8);
VMIRROR_AT(vmirror_pool_create, bytes, 16);
VMIRROR_AT(vmirror_pool_create, base, 24);
VMIRROR_AT(vmirror_pool_create, name, 32);
VMIRROR_ASSERT(sizeof(struct vmirror_vm_attach) == 88);
VMIRROR_AT(vmirror_vm_attach, kvm_fd, 8);
VMIRROR_AT(vmirror_vm_attach, ring_records, 16);
VMIRROR_AT(vmirror_vm_attach, name, 24);
VMIRROR_ASSERT(sizeof(struct vmirror_pool_stat) == 128);
VMIRROR_AT(vmirror_pool_stat, bytes, 16);
VMIRROR_AT(vmirror_pool_stat, name, 64);
VMIRROR_ASSERT(sizeof(struct vmirror_pool_block) == 16);
VMIRROR_AT(vmirror_pool_block, pages, 8);
VMIRROR_ASSERT(sizeof(struct vmirror_pool_blocks) == 32);
VMIRROR_AT(vmirror_pool_blocks, blocks, 16);
VMIRROR_ASSERT(sizeof(struct vmirror_pool_evict) == 48);
VMIRROR_AT(vmirror_pool_evict, idle_ns, 24);
VMIRROR_AT(vmirror_pool_evict, left_pages, 40);
VMIRROR_ASSERT(sizeof(struct vmirror_moved) == 216);
VMIRROR_AT(vmirror_moved, skipped_pages, 24);
VMIRROR_ASSERT(sizeof(struct vmirror_migrate) == 248);
VMIRROR_AT(vmirror_migrate, gpa, 16);
VMIRROR_AT(vmirror_migrate, moved, 32);
VMIRROR_ASSERT(sizeof(struct vmirror_recall) == 240);
VMIRROR_AT(vmirror_recall, gpa, 8);
VMIRROR_AT(vmirror_recall, moved, 24);
VMIRROR_ASSERT(sizeof(struct vmirror_extent) == 32);
VMIRROR_AT(vmirror_extent, state, 12);
VMIRROR_AT(vmirror_extent, pool_id, 16);
VMIRROR_AT(vmirror_extent, pool_offset, 24);
VMIRROR_ASSERT(sizeof(struct vmirror_snapshot) == 48);
VMIRROR_AT(vmirror_snapshot, extents, 24);
VMIRROR_AT(vmirror_snapshot, done_bytes, 40);
VMIRROR_ASSERT(sizeof(struct vmirror_slot) == 32);
VMIRROR_AT(vmirror_slot, blocker, 24);
VMIRROR_ASSERT(sizeof(struct vmirror_slots) == 24);
VMIRROR_AT(vmirror_slots, nr_slots, 16);
VMIRROR_ASSERT(sizeof(struct vmirror_vm_stat) == 168);
VMIRROR_AT(vmirror_vm_stat, ram_bytes, 16);
VMIRROR_AT(vmirror_vm_stat, name, 104);
VMIRROR_ASSERT(sizeof(struct vmirror_device_create) == 24);
VMIRROR_AT(vmirror_device_create, pci_segment, 8);
VMIRROR_AT(vmirror_device_create, dma_bits, 16);
VMIRROR_ASSERT(sizeof(struct vmirror_device_access) == 56);
VMIRROR_AT(vmirror_device_access, buffer, 24);
VMIRROR_AT(vmirror_device_access, faults, 48);
VMIRROR_ASSERT(sizeof(struct vmirror_device_exclusive) == 32);
VMIRROR_AT(vmirror_device_exclusive, done_bytes, 24);
VMIRROR_ASSERT(sizeof(struct vmirror_device_written) == 24);
VMIRROR_AT(vmirror_device_written, nr_gpas, 16);
VMIRROR_ASSERT(sizeof(struct vmirror_device_dma_map) == 40);
VMIRROR_AT(vmirror_device_dma_map, addresses, 24);
VMIRROR_AT(vmirror_device_dma_map, done_bytes, 32);
VMIRROR_ASSERT(sizeof(struct vmirror_device_dma_unmap) == 32);
VMIRROR_AT(vmirror_device_dma_unmap, pages, 24);
VMIRROR_ASSERT(sizeof(struct vmirror_device_stat) == 56);
VMIRROR_AT(vmirror_device_stat, mapped_pages, 8);
VMIRROR_AT(vmirror_device_stat, invalidated_pages, 40);
VMIRROR_AT(vmirror_device_stat, dma_pages, 48);
VMIRROR_ASSERT(sizeof(struct vmirror_record) == 64);
VMIRROR_AT(vmirror_record, gpa, 16);
VMIRROR_AT(vmirror_record, pool_offset, 40);
VMIRROR_ASSERT(sizeof(struct vmirror_ring) == 192);
VMIRROR_AT(vmirror_ring, head, 64);
VMIRROR_AT(vmirror_ring, tail, 128);

#endif /* VMIRROR_H */
