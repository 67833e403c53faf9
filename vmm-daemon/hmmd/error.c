// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmd.h"

G_DEFINE_QUARK(hmmd - error - quark, hmmd_error)

void hmmd_set_error(GError **error, enum control_class class_, const char *format, ...)
{
	va_list args;

	if (!error)
		return;
	va_start(args, format);
	*error = g_error_new_valist(HMMD_ERROR, (int)class_, format, args);
	va_end(args);
}
