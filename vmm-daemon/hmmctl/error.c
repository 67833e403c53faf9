// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

G_DEFINE_QUARK(hmmctl - error, hmmctl_error)

int hmmctl_exit_status(const GError *error)
{
	if (!error)
		return 0;
	if (error->domain != HMMCTL_ERROR)
		return 1;
	switch ((enum hmmctl_error)error->code) {
	case HMMCTL_ERROR_DONE:
		return 0;
	case HMMCTL_ERROR_FAILED:
		return 1;
	case HMMCTL_ERROR_USAGE:
		return 2;
	case HMMCTL_ERROR_UNREACHABLE:
	case HMMCTL_ERROR_TIMEOUT:
		return 3;
	case HMMCTL_ERROR_INTERRUPTED:
		return 130;
	}
	return 1;
}
