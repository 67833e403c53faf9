// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include <stdlib.h>

#include "hmmd.h"

bool options_parse(int *argc, char ***argv, Options *options, GError **error)
{
	gboolean version = FALSE;
	const GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &options->config,
		  "Read FILE instead of " HMMD_CONFIG, "FILE" },
		{ "socket", 's', 0, G_OPTION_ARG_FILENAME, &options->socket,
		  "Listen at PATH instead of " CONTROL_SOCKET, "PATH" },
		{ "device", 'd', 0, G_OPTION_ARG_FILENAME, &options->device,
		  "Use vmirror's device at PATH instead of " VMIRROR_DEVICE, "PATH" },
		{ "log-level", 'l', 0, G_OPTION_ARG_STRING, &options->log_level,
		  "Say messages of this level and graver ones: error, warning, info or debug",
		  "LEVEL" },
		{ "version", 'V', 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_set_summary(
		context, "Move the memory of running KVM guests into device memory and back.");
	g_option_context_set_description(context, "See hmmd(8), hmmd.conf(5) and hmmctl(8).");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return false;
	if (version) {
		g_print("hmmd %s\n", PACKAGE_VERSION);
		exit(EXIT_SUCCESS);
	}
	if (*argc > 1) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
			    "'%s' is not an option; hmmd takes no other arguments", (*argv)[1]);
		return false;
	}
	return true;
}

void options_clear(Options *options)
{
	g_free(options->config);
	g_free(options->socket);
	g_free(options->device);
	g_free(options->log_level);
}
