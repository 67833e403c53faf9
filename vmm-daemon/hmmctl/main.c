// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include "hmmctl.h"

#include <locale.h>

int main(int argc, char **argv)
{
	struct ctl ctl = { .argc = argc, .argv = argv };
	g_autoptr(GError) error = NULL;
	gboolean done;
	int status;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* sizes are read and written with a point */
	interrupt_catch();

	done = verb_take(&ctl.argc, ctl.argv, &ctl.verb, &error);
	if (done && ctl.verb)
		done = ctl.verb->run(&ctl, &error);
	else if (done)
		done = ctl_parse(&ctl, NULL, &error); /* --help, --version, or no verb */
	if (done)
		done = ctl_flush(&error);
	status = done ? ctl.exit_status : ctl_fail(&ctl, error);
	ctl_clear(&ctl);
	return status;
}
