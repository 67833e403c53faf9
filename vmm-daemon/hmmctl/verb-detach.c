// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

gboolean verb_detach(struct ctl *ctl, GError **error)
{
	return ctl_end(ctl, "detach", "vm", "bringing back", "", "is detached", error);
}
