// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

gboolean verb_pool_destroy(struct ctl *ctl, GError **error)
{
	return ctl_end(ctl, "destroy-pool", "name", "emptying the pool", "pool ", "is gone", error);
}
