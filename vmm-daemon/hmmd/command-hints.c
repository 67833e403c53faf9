// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmd.h"

void command_query_hints(Call *call)
{
	call_error(call, CONTROL_CLASS_INTERNAL, NULL, "not built yet");
}
