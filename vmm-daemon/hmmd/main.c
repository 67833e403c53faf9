// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hmmd - moves the memory of KVM guests into device memory and back
 */
#include "config.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "hmmd.h"

static gboolean quit(gpointer loop)
{
	g_main_loop_quit(loop);
	return G_SOURCE_CONTINUE;
}

G_GNUC_NORETURN
static void give_up(const char *message)
{
	g_printerr("hmmd: %s\n", message);
	exit(EXIT_FAILURE);
}

/* An fd a VM, and an fd and a mapping for each ring. */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	g_autoptr(GMainLoop) loop = NULL;
	g_autoptr(GError) error = NULL;
	Options options = { NULL };
	Settings *settings;
	GLogLevelFlags level;
	const char *socket;

	if (!options_parse(&argc, &argv, &options, &error))
		give_up(error->message);
	settings = settings_read(options.config ? options.config : HMMD_CONFIG,
				 options.config != NULL, &error);
	if (!settings)
		give_up(error->message);
	if (!log_level_parse(options.log_level ? options.log_level : settings->log_level, &level))
		give_up("the log level must be error, warning, info or debug");
	socket = options.socket ? options.socket : settings->socket;

	log_start(level);
	raise_fd_limit();
	job_init();
	command_query_init();
	kernel_set_device(options.device ? options.device : VMIRROR_DEVICE);
	hints_configure(settings);
	restore_fds();
	restore_pools(settings);
	if (!server_start(socket, settings->group, &error))
		give_up(error->message);

	loop = g_main_loop_new(NULL, FALSE);
	g_unix_signal_add(SIGTERM, quit, loop);
	g_unix_signal_add(SIGINT, quit, loop);
	service_ready();
	log_info(NULL, NULL, "hmmd " PACKAGE_VERSION " listens at %s", socket);
	g_main_loop_run(loop);

	service_stopping();
	log_info(NULL, NULL, "stopping");
	server_stop();
	client_close_all();
	vm_stop_all();
	job_shutdown();
	settings_free(settings);
	options_clear(&options);
	return EXIT_SUCCESS;
}
