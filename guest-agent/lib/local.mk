# SPDX-License-Identifier: LGPL-2.1-or-later
# libhmmhint: one archive, of which the shared library is made as well.

include_HEADERS = guest-agent/lib/hmmhint.h

lib_LIBRARIES += libhmmhint.a
libhmmhint_a_SOURCES = \
	guest-agent/lib/advise.c \
	guest-agent/lib/connect.c \
	guest-agent/lib/handle.c \
	guest-agent/lib/hmmhint.h \
	guest-agent/lib/keeper.c \
	guest-agent/lib/names.c \
	guest-agent/lib/private.h \
	guest-agent/lib/standing.c \
	guest-agent/lib/status.c \
	guest-agent/local/local-check.c \
	guest-agent/local/local.h \
	proto/hint-names.c \
	proto/hint.h \
	proto/name-table.h
libhmmhint_a_CPPFLAGS = $(GUEST_CPPFLAGS)
libhmmhint_a_CFLAGS = $(GUEST_CFLAGS) -fPIC -fvisibility=hidden -pthread

# All of the archive, with versions to its symbols.
HMMHINT_SO = libhmmhint.so.0
HMMHINT_SO_FULL = libhmmhint.so.0.1.0
HMMHINT_MAP = $(srcdir)/guest-agent/lib/hmmhint.map
EXTRA_DIST += guest-agent/lib/hmmhint.map guest-agent/lib/libhmmhint.pc.in

$(HMMHINT_SO_FULL): libhmmhint.a $(HMMHINT_MAP)
	$(AM_V_CCLD)$(CC) $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -pthread -shared -o $@ \
		-Wl,-soname,$(HMMHINT_SO) -Wl,--version-script,$(HMMHINT_MAP) \
		-Wl,--whole-archive libhmmhint.a -Wl,--no-whole-archive

$(HMMHINT_SO): $(HMMHINT_SO_FULL)
	$(AM_V_at)rm -f $@ && $(LN_S) $(HMMHINT_SO_FULL) $@

all_local += $(HMMHINT_SO)
CLEANFILES += $(HMMHINT_SO) $(HMMHINT_SO_FULL)

install-libhmmhint: $(HMMHINT_SO_FULL)
	@$(MKDIR_P) "$(DESTDIR)$(libdir)"
	$(INSTALL_PROGRAM) $(HMMHINT_SO_FULL) "$(DESTDIR)$(libdir)/$(HMMHINT_SO_FULL)"
	cd "$(DESTDIR)$(libdir)" && ln -sf $(HMMHINT_SO_FULL) $(HMMHINT_SO) && \
		ln -sf $(HMMHINT_SO) libhmmhint.so

uninstall-libhmmhint:
	cd "$(DESTDIR)$(libdir)" && rm -f $(HMMHINT_SO_FULL) $(HMMHINT_SO) libhmmhint.so

install_data_local += install-libhmmhint
uninstall_local += uninstall-libhmmhint

pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = guest-agent/lib/libhmmhint.pc
CLEANFILES += guest-agent/lib/libhmmhint.pc
guest-agent/lib/libhmmhint.pc: guest-agent/lib/libhmmhint.pc.in Makefile
	$(SUBST) -e 's|[@]prefix[@]|$(prefix)|g' -e 's|[@]libdir[@]|$(libdir)|g' \
		-e 's|[@]includedir[@]|$(includedir)|g' \
		$(srcdir)/guest-agent/lib/libhmmhint.pc.in > $@
