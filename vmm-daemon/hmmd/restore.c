// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * restore.c - what was there before hmmd started, and what hmmd.conf wants to be there
 */
#include <unistd.h>

#include "hmmd.h"

static const Settings *settings;

void restore_fds(void)
{
	unsigned int nr;
	g_autofree int *fds = fdstore_take(&nr);

	for (unsigned int i = 0; i < nr; i++) {
		if (pool_adopt(fds[i]) || vm_adopt(fds[i]))
			continue;
		log_warn(NULL, NULL, "systemd kept fd %d for us, which is neither a pool nor a VM",
			 fds[i]);
		close(fds[i]);
	}
	if (!fdstore_available())
		log_warn(
			NULL, NULL,
			"systemd keeps no file descriptors for hmmd: when it stops or dies, all pages come home and all VMs are detached");
}

static void make_pools(void)
{
	for (guint i = 0; i < settings->pools->len; i++) {
		const SettingsPool *wanted = g_ptr_array_index(settings->pools, i);
		const Pool *pool = pool_find(wanted->name);
		g_autoptr(GError) error = NULL;

		if (pool && pool->bytes != wanted->bytes)
			log_warn(
				NULL, pool->name,
				"has another size than hmmd.conf says; destroy it to get the new one");
		else if (!pool && !pool_create(wanted->name, wanted->engine, wanted->bytes, &error))
			log_warn(NULL, wanted->name, "not created: %s", error->message);
	}
}

void restore_pools(const Settings *from)
{
	g_autoptr(GError) error = NULL;

	settings = from;
	kernel_when_open(make_pools);
	if (!kernel_open(&error))
		log_warn(NULL, NULL, "%s; hmmd looks again when it is needed", error->message);
}
