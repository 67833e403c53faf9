# SPDX-License-Identifier: LGPL-2.1-or-later
# vmirror.ko.  kbuild builds where its sources are, so they are linked into a directory of
# the build tree, flat and with the ABI header beside them, which is also how dkms gets them.

KBUILD_DIR = $(abs_builddir)/host-kernel/kbuild
KBUILD_MAKE = $(MAKE) -C $(kernel_dir) M=$(KBUILD_DIR)
DKMS_DIR = $(DESTDIR)$(prefix)/src/vmirror-$(VERSION)
MODULE_DIR = $(DESTDIR)/lib/modules/$(kernel_release)/updates

# Every source file; not what kbuild or an editor left behind.
LIST_KERNEL_FILES = cd $(abs_srcdir)/host-kernel && \
	ls -d Kbuild conftest.mk dkms.conf *.c *.h 2>/dev/null | grep -v '\.mod\.c$$' | \
	sed 's|^|$(abs_srcdir)/host-kernel/|'
KERNEL_ABI = $(abs_srcdir)/proto/vmirror.h

host-kernel/kbuild/vmirror.ko: link-kernel-sources
	+$(AM_V_at)$(KBUILD_MAKE) modules

link-kernel-sources:
	$(AM_V_at)$(MKDIR_P) $(KBUILD_DIR)
	$(AM_V_at)for f in `$(LIST_KERNEL_FILES)` $(KERNEL_ABI); do \
		ln -sf $$f $(KBUILD_DIR)/ || exit 1; \
	done

install-kernel:
	+$(AM_V_at)$(KBUILD_MAKE) INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates modules_install
	@test -n "$(DESTDIR)" || depmod $(kernel_release) || \
		echo "run 'depmod $(kernel_release)' before you load vmirror" >&2

uninstall-kernel:
	rm -f $(MODULE_DIR)/vmirror.ko*

install-dkms:
	@$(MKDIR_P) "$(DKMS_DIR)"
	@for f in `$(LIST_KERNEL_FILES)` $(KERNEL_ABI); do \
		$(INSTALL_DATA) $$f "$(DKMS_DIR)/" || exit 1; \
	done

uninstall-dkms:
	rm -rf "$(DKMS_DIR)"

clean-kernel:
	rm -rf $(KBUILD_DIR)

dist-kernel:
	@$(MKDIR_P) $(distdir)/host-kernel
	@for f in `$(LIST_KERNEL_FILES)`; do \
		cp -p $$f $(distdir)/host-kernel/ || exit 1; \
	done

if BUILD_KERNEL
all_local += host-kernel/kbuild/vmirror.ko
install_data_local += install-kernel
uninstall_local += uninstall-kernel
endif
install_data_local += install-dkms
uninstall_local += uninstall-dkms
clean_local += clean-kernel
dist_hook += dist-kernel

phony += link-kernel-sources install-kernel uninstall-kernel install-dkms uninstall-dkms \
	clean-kernel dist-kernel
