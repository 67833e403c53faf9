// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * main.c - hmm-agentd: takes placement hints from processes in a virtual machine to its host
 */
#include <string.h>
#include <unistd.h>

#include "agentd.h"

static struct agent agent; /* large, and zero where nothing is yet */

int main(int argc, char **argv)
{
	int error;

	options_take(&agent.options, argc, argv);
	if (sysconf(_SC_PAGESIZE) != HINT_PAGE_SIZE) {
		log_error("this machine's pages are not of 4 KiB");
		return 1;
	}
	error = loop_begin(&agent);
	if (error) {
		log_error("cannot start: %s", strerror(error));
		return 1;
	}
	list_begin(&agent.connections);
	list_begin(&agent.users);
	list_begin(&agent.processes);
	hints_begin(&agent.hints);
	error = translator_begin(&agent);
	if (!error)
		error = server_begin(&agent);
	if (error) {
		log_error("%s: %s", agent.options.socket, strerror(error));
		return 1;
	}
	error = privileges_drop();
	if (error) {
		log_error("cannot drop privileges: %s", strerror(error));
		return 1;
	}
	channel_begin(&agent);
	port_begin(&agent);
	loop_run(&agent);
	return 0;
}
