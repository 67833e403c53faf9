// SPDX-License-Identifier: LGPL-2.1-or-later
/* ctl.c - one run of hmmctl: command line, requests, and what it all ends with */
#include "config.h"

#include "hmmctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "units.h"

#define CONNECT_TIMEOUT_MS (10 * 1000)

#define BRIEF_TIMEOUT_MS (5 * 1000) /* for a question that only betters an error message */

static gboolean print_help(GOptionContext *context, GError **error)
{
	g_autofree char *text = g_option_context_get_help(context, FALSE, NULL);

	fputs(text, stdout);
	if (ctl_flush(error))
		g_set_error_literal(error, HMMCTL_ERROR, HMMCTL_ERROR_DONE, "help");
	return FALSE;
}

static gboolean print_version(GError **error)
{
	printf("hmmctl (hmmd) %s\n", PACKAGE_VERSION);
	if (ctl_flush(error))
		g_set_error_literal(error, HMMCTL_ERROR, HMMCTL_ERROR_DONE, "version");
	return FALSE;
}

static gboolean check_operands(const struct ctl *ctl, GError **error)
{
	const struct verb *verb = ctl->verb;
	int operands = ctl->argc - 1;

	for (int i = 1; i < ctl->argc; i++) {
		if (!g_utf8_validate(ctl->argv[i], -1, NULL)) {
			g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE, "'%s' is not UTF-8",
				    ctl->argv[i]);
			return FALSE;
		}
	}
	if (verb && operands >= verb->min_operands && operands <= verb->max_operands)
		return TRUE;
	if (!verb)
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE,
			    "no verb given; 'hmmctl --help' lists them");
	else if (operands < verb->min_operands)
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE,
			    "%s is missing: hmmctl %s %s; see 'hmmctl %s --help'", verb->operands,
			    verb->name, verb->operands, verb->name);
	else
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE,
			    "'%s' is one word too many; see 'hmmctl %s --help'",
			    ctl->argv[1 + verb->max_operands], verb->name);
	return FALSE;
}

static void add_options(GOptionContext *context, const char *name, const char *heading,
			const GOptionEntry *entries)
{
	GOptionGroup *group = g_option_group_new(name, heading, "", NULL, NULL);

	g_option_group_add_entries(group, entries);
	g_option_context_add_group(context, group);
}

static GOptionContext *option_context(const struct ctl *ctl, const GOptionEntry *own,
				      const GOptionEntry *common)
{
	const struct verb *verb = ctl->verb;
	GOptionContext *context = g_option_context_new(verb ? verb->operands : "VERB ...");
	g_autofree char *verbs = NULL;

	g_option_context_set_help_enabled(context, FALSE);
	if (verb) {
		g_autofree char *name = g_strdup_printf("hmmctl %s", verb->name);

		g_set_prgname(name);
		g_option_context_set_summary(context, verb->summary);
		g_option_context_set_description(context, verb->details);
	} else {
		g_set_prgname("hmmctl");
		verbs = verb_list_text();
		g_option_context_set_summary(context, verbs);
		g_option_context_set_description(
			context,
			"'hmmctl VERB --help' tells more of a verb; hmmctl(8) tells all.\n");
	}
	if (own)
		add_options(context, "own", "Options:", own);
	add_options(context, "common", "Options of every verb:", common);
	return context;
}

gboolean ctl_parse(struct ctl *ctl, const GOptionEntry *own, GError **error)
{
	const GOptionEntry common[] = {
		{ "json", 'j', 0, G_OPTION_ARG_NONE, &ctl->json,
		  "Print what hmmd answers, as one line of JSON", NULL },
		{ "quiet", 'q', 0, G_OPTION_ARG_NONE, &ctl->quiet,
		  "Say nothing where all went well", NULL },
		{ "verbose", 'v', 0, G_OPTION_ARG_NONE, &ctl->verbose, "Say more on the way",
		  NULL },
		{ "socket", 0, 0, G_OPTION_ARG_FILENAME, &ctl->socket,
		  "hmmd's control socket (default $" HMMCTL_SOCKET_ENV " or " CONTROL_SOCKET ")",
		  "PATH" },
		{ "version", 'V', 0, G_OPTION_ARG_NONE, &ctl->version, "Print the version", NULL },
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &ctl->help, "Print this help", NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = option_context(ctl, own, common);
	g_autoptr(GError) parse_error = NULL;

	if (!g_option_context_parse(context, &ctl->argc, &ctl->argv, &parse_error)) {
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE, "%s; see '%s --help'",
			    parse_error->message, g_get_prgname());
		return FALSE;
	}
	if (ctl->help)
		return print_help(context, error);
	if (ctl->version)
		return print_version(error);
	return check_operands(ctl, error);
}

const char *ctl_operand(const struct ctl *ctl, int index)
{
	return 1 + index < ctl->argc ? ctl->argv[1 + index] : NULL;
}

static const char *socket_path(const struct ctl *ctl)
{
	const char *variable = g_getenv(HMMCTL_SOCKET_ENV);

	if (ctl->socket)
		return ctl->socket;
	return variable && variable[0] ? variable : CONTROL_SOCKET;
}

gboolean ctl_connect(struct ctl *ctl, GError **error)
{
	if (!ctl->client)
		ctl->client = client_connect(socket_path(ctl), CONNECT_TIMEOUT_MS, error);
	return ctl->client != NULL;
}

/* The names of what a list command lists; NULL if hmmd does not say. */
static char **names_of(struct ctl *ctl, const char *command, const char *member)
{
	g_autoptr(hmmctl_json) refusal = NULL;
	g_autoptr(hmmctl_json) answer =
		client_call(ctl->client, command, NULL, BRIEF_TIMEOUT_MS, &refusal, NULL);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	json_object *list;

	if (!answer || !reply_array(answer, member, &list, NULL))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *name;

		if (reply_string(json_object_array_get_idx(list, i), "name", &name, NULL))
			g_ptr_array_add(names, text_clean(name));
	}
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

/* Put what the user can do now into *error. */
static void explain(struct ctl *ctl, const char *command, json_object *arguments, GError **error)
{
	struct explain_context context = { .command = command };
	g_auto(GStrv) vms = NULL, pools = NULL;
	g_autofree char *line = NULL;
	const char *class = "";

	if (arguments) {
		reply_string(arguments, "vm", &context.vm, NULL);
		reply_string(arguments, "pool", &context.pool, NULL);
		if (g_str_has_suffix(command, "-pool"))
			reply_string(arguments, "name", &context.pool, NULL);
	}
	reply_string(ctl->refusal, "class", &class, NULL);
	if (strcmp(class, "VmNotFound") == 0)
		vms = names_of(ctl, "list-vms", "vms");
	if (strcmp(class, "PoolNotFound") == 0)
		pools = names_of(ctl, "list-pools", "pools");
	context.vms = (const char *const *)vms;
	context.pools = (const char *const *)pools;
	line = explain_refusal(ctl->refusal, &context);
	g_clear_error(error);
	g_set_error_literal(error, HMMCTL_ERROR, HMMCTL_ERROR_FAILED, line);
}

json_object *ctl_call(struct ctl *ctl, const char *command, json_object *arguments, int timeout_ms,
		      GError **error)
{
	g_autoptr(hmmctl_json) taken = arguments;
	g_autoptr(GError) own_error = NULL;
	json_object *answer;

	if (!ctl_connect(ctl, error))
		return NULL;
	answer = client_call(ctl->client, command, json_object_get(taken), timeout_ms,
			     &ctl->refusal, &own_error);
	if (answer)
		return answer;
	if (ctl->refusal)
		explain(ctl, command, taken, &own_error);
	g_propagate_error(error, g_steal_pointer(&own_error));
	return NULL;
}

json_object *ctl_call_long(struct ctl *ctl, const char *command, json_object *arguments,
			   const char *label, GError **error)
{
	g_autoptr(hmmctl_json) taken = arguments;
	g_autoptr(progress_auto) progress = progress_new(ctl, label);
	json_object *answer;

	if (!ctl_connect(ctl, error))
		return NULL;
	client_on_event(ctl->client, progress_event, progress);
	answer = ctl_call(ctl, command, g_steal_pointer(&taken), CLIENT_NO_TIMEOUT, error);
	client_on_event(ctl->client, NULL, NULL);
	if (!answer && error && g_error_matches(*error, HMMCTL_ERROR, HMMCTL_ERROR_INTERRUPTED))
		g_prefix_error(error, "%s stopped half-way (what is done stays done): ", command);
	return answer;
}

gboolean ctl_end(struct ctl *ctl, const char *command, const char *key, const char *label,
		 const char *kind, const char *said, GError **error)
{
	g_autoptr(hmmctl_json) answer = NULL;
	g_autofree char *text = NULL;
	json_object *arguments;
	guint64 returned;

	if (!ctl_parse(ctl, NULL, error))
		return FALSE;
	arguments = json_object_new_object();
	json_object_object_add(arguments, key, json_object_new_string(ctl_operand(ctl, 0)));
	answer = ctl_call_long(ctl, command, arguments, label, error);
	if (!answer)
		return FALSE;
	if (ctl->json)
		return ctl_print_json(answer, error);
	if (!reply_u64(answer, "returned-bytes", &returned, error))
		return FALSE;
	text = units_format_bytes(returned);
	ctl_say(ctl, "%s%s %s; %s came back to RAM\n", kind, ctl_operand(ctl, 0), said, text);
	return TRUE;
}

gboolean ctl_print_json(json_object *object, GError **error)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	return ctl_flush(error);
}

void ctl_say(const struct ctl *ctl, const char *format, ...)
{
	va_list args;

	if (ctl->quiet)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
}

gboolean ctl_flush(GError **error)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return TRUE;
	g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_FAILED, "cannot write the output: %s",
		    g_strerror(errno));
	return FALSE;
}

/* For errors that did not come from hmmd: the same shape, with classes of our own. */
static json_object *local_refusal(const GError *error)
{
	json_object *refusal = json_object_new_object();
	const char *class = "Failed";

	if (hmmctl_exit_status(error) == 3)
		class = "Unreachable";
	else if (error->code == HMMCTL_ERROR_INTERRUPTED)
		class = "Interrupted";
	json_object_object_add(refusal, "class", json_object_new_string(class));
	json_object_object_add(refusal, "desc", json_object_new_string(error->message));
	return refusal;
}

int ctl_fail(const struct ctl *ctl, const GError *error)
{
	int status = hmmctl_exit_status(error);
	g_autofree char *message = text_clean(error->message);

	if (!status)
		return 0;
	/* Of wrong usage hmmctl cannot tell in JSON: --json may be what was not understood. */
	if (ctl->json && status != 2) {
		g_autoptr(hmmctl_json) object = json_object_new_object();

		json_object_object_add(object, "error",
				       ctl->refusal ? json_object_get(ctl->refusal)
						    : local_refusal(error));
		ctl_print_json(object, NULL);
	}
	fprintf(stderr, "hmmctl: %s\n", message);
	return status;
}

void ctl_clear(struct ctl *ctl)
{
	g_clear_pointer(&ctl->client, client_free);
	g_clear_pointer(&ctl->refusal, json_object_put);
	g_clear_pointer(&ctl->socket, g_free);
}
