# SPDX-License-Identifier: LGPL-2.1-or-later

include vmm-daemon/hmmd/local.mk
include vmm-daemon/hmmctl/local.mk

EXTRA_DIST += vmm-daemon/hmmd.service.in vmm-daemon/hmmd.conf
dist_man_MANS += vmm-daemon/man/hmmd.8 vmm-daemon/man/hmmd.conf.5

nodist_systemdsystemunit_DATA += vmm-daemon/hmmd.service
CLEANFILES += vmm-daemon/hmmd.service
vmm-daemon/hmmd.service: vmm-daemon/hmmd.service.in Makefile
	$(SUBST) $(srcdir)/vmm-daemon/hmmd.service.in > $@

dist_udevrules_DATA += vmm-daemon/60-vmirror.rules
dist_modulesload_DATA = vmm-daemon/vmirror.conf

# The sample becomes the configuration where there is none yet, and goes again only if nobody
# has changed it.
HMMD_CONF = "$(DESTDIR)$(sysconfdir)/hmmd/hmmd.conf"

install-conf:
	@$(MKDIR_P) "$(DESTDIR)$(sysconfdir)/hmmd"
	test -e $(HMMD_CONF) || $(INSTALL_DATA) $(srcdir)/vmm-daemon/hmmd.conf $(HMMD_CONF)

uninstall-conf:
	if cmp -s $(srcdir)/vmm-daemon/hmmd.conf $(HMMD_CONF); then rm -f $(HMMD_CONF); fi
	-rmdir "$(DESTDIR)$(sysconfdir)/hmmd" 2>/dev/null

install_data_local += install-conf
uninstall_local += uninstall-conf
phony += install-conf uninstall-conf
