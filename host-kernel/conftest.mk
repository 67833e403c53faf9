# SPDX-License-Identifier: GPL-2.0-only
#
# A conftest compiles a line of C against the kernel at hand; what it finds is named in
# compat.h.  $(call conftest,NAME,header,code)
conftest = $(shell printf '\043include <linux/%s>\n%s\n' '$(2)' '$(3)' \
	   > $(obj)/.conftest-$(1).c && $(CC) $(LINUXINCLUDE) $(KBUILD_CPPFLAGS) \
	   $(KBUILD_CFLAGS) -DMODULE -DKBUILD_MODNAME='"conftest"' -c \
	   -o $(obj)/.conftest-$(1).o $(obj)/.conftest-$(1).c \
	   2> $(obj)/.conftest-$(1).log && echo -DHAVE_$(1))

have := $(call conftest,MIGRATE_COMPOUND,migrate.h,\
	int x = MIGRATE_VMA_SELECT_COMPOUND;)
have += $(call conftest,FOLIO_FREE,memremap.h,\
	static void f(struct folio *a) {} struct dev_pagemap_ops x = { .folio_free = f };)
have += $(call conftest,FOLIO_SPLIT,memremap.h,\
	static void f(struct folio *a$(comma) struct folio *b) {} \
	struct dev_pagemap_ops x = { .folio_split = f };)
have += $(call conftest,ZONE_DEVICE_INIT_PGMAP,memremap.h,\
	static inline void f(struct page *p$(comma) struct dev_pagemap *m) \
	{ zone_device_page_init(p$(comma) m$(comma) 0); })
have += $(call conftest,PAGE_PGMAP,mm.h,\
	static inline void *f(struct page *p) { return page_pgmap(p); })
have += $(call conftest,VMA_ALLOC_FOLIO_4,gfp.h,\
	static inline void *f(void) { return vma_alloc_folio(0$(comma) 0$(comma) NULL$(comma) 0); })
have += $(call conftest,MEMDESC_FLAGS,mm.h,\
	static inline unsigned long f(struct page *p) { return p->flags.f; })
have += $(call conftest,MAYBE_MAPPED_SHARED,mm.h,\
	static inline bool f(struct folio *a) { return folio_maybe_mapped_shared(a); })
have += $(call conftest,MIGRATE_DEVICE_PFNS,migrate.h,\
	static inline void f(unsigned long *p) { migrate_device_pfns(p$(comma) 1); })
have += $(call conftest,MAKE_DEVICE_EXCLUSIVE,rmap.h,\
	static inline void *f(struct folio **p) \
	{ return make_device_exclusive(NULL$(comma) 0$(comma) NULL$(comma) p); })
# Needs PCI and an IOMMU driver's DMA addresses, too.
have += $(call conftest,HMM_DMA_MAP,hmm-dma.h,\
	int x = CONFIG_PCI + CONFIG_IOMMU_DMA; \
	static inline bool f(struct device *d$(comma) struct hmm_dma_map *m) \
	{ return hmm_dma_unmap_pfn(d$(comma) m$(comma) 0); })
ccflags-y += $(have)
