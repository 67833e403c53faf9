// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * explain.c - from an error class of the protocol to what the user can do
 *
 * hmmd says what is wrong; hmmctl adds the next step, unless hmmd named it already.
 */
#include "hmmctl.h"

#include <string.h>

#include "units.h"

/* Steps that depend on nothing but the class. */
static const struct step {
	const char *class;
	const char *known_by; /* if hmmd's text has this it told the step itself */
	const char *text;
} steps[] = {
	{ "CommandNotFound", "upgrade", "hmmd is older than this hmmctl: upgrade hmmd" },
	{ "PermissionDenied", "root",
	  "run hmmctl as root, or join the group that hmmd.conf names ([control] group=)" },
	{ "NoModule", "modprobe", "load it with 'modprobe vmirror'" },
	{ "VmAmbiguous", "UUID", "use its UUID or process id instead; 'hmmctl list' shows both" },
	{ "VmGone", "ended", "the VM has ended" },
	{ "NotKvm", "KVM", "hmmctl attaches VMs that run under KVM; 'hmmctl list' shows them" },
	{ "NoMemory", "free", "free some host memory, or ask for less" },
	{ "Busy", "again", "try again in a moment" },
	{ "Internal", "journalctl", "'journalctl -u hmmd' has the details" },
};

static char *simple_step(const char *class, const char *desc)
{
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
		if (strcmp(class, steps[i].class) == 0)
			return strstr(desc, steps[i].known_by) ? NULL : g_strdup(steps[i].text);
	return NULL;
}

/* @step, unless hmmd's text names that command already. */
static char *unless_told(const char *desc, const char *command, const char *step)
{
	return strstr(desc, command) ? NULL : g_strdup(step);
}

static char *did_you_mean(const char *desc, const char *nearest, const char *command,
			  const char *what)
{
	if (strstr(desc, command))
		return g_strdup_printf("did you mean '%s'?", nearest);
	return g_strdup_printf("did you mean '%s'? '%s' shows all %s", nearest, command, what);
}

static char *step_vm_not_found(const char *desc, const struct explain_context *context)
{
	const char *nearest = context->vm ? text_nearest(context->vm, context->vms) : NULL;

	if (nearest)
		return did_you_mean(desc, nearest, "hmmctl list", "VMs");
	if (context->vms && !context->vms[0])
		return unless_told(desc, "none runs", "no VM runs under KVM here");
	return unless_told(desc, "hmmctl list", "'hmmctl list' shows the VMs that run");
}

static char *step_pool_not_found(const char *desc, const struct explain_context *context)
{
	const char *nearest = context->pool ? text_nearest(context->pool, context->pools) : NULL;
	GString *step;

	if (nearest)
		return did_you_mean(desc, nearest, "hmmctl pools", "pools");
	if (context->pools && !context->pools[0])
		return unless_told(desc, "hmmctl pool-create",
				   "make one with 'hmmctl pool-create NAME --size 256MiB'");
	if (context->pool || !context->pools)
		return unless_told(desc, "hmmctl pool", "'hmmctl pools' shows the pools");
	step = g_string_new("name one of them with --pool: ");
	for (size_t i = 0; context->pools[i]; i++)
		g_string_append_printf(step, "%s%s", i ? ", " : "", context->pools[i]);
	return g_string_free(step, FALSE);
}

static char *step_pool_full(const char *desc, json_object *data)
{
	const char *ways = "bring memory back with 'hmmctl recall', let what is coldest make room "
			   "with --evict SECONDS, or make a larger pool with 'hmmctl pool-create'";
	g_autofree char *fits = NULL;
	guint64 free_bytes;

	if (strstr(desc, "hmmctl"))
		return NULL;
	if (!reply_u64(data, "free-bytes", &free_bytes, NULL))
		return g_strdup(ways);
	if (!free_bytes)
		return g_strdup_printf("nothing more fits: %s", ways);
	fits = units_format_bytes(free_bytes);
	return g_strdup_printf("%s would fit: ask for that much (--bytes), %s", fits, ways);
}

/* The reasons, then where to read more. */
static char *step_nothing_movable(const char *desc, json_object *data,
				  const struct explain_context *context)
{
	GString *step = g_string_new(NULL);
	g_autoptr(GArray) skipped = NULL;
	json_object *object;

	if (reply_object(data, "skipped", &object, NULL))
		skipped_from_json(object, &skipped, NULL);
	for (guint i = 0; skipped && i < skipped->len; i++) {
		const struct skipped_bytes *one = &g_array_index(skipped, struct skipped_bytes, i);
		g_autofree char *text = report_skipped(one, REPORT_OUT);

		g_string_append_printf(step, "%s%s", i ? ", " : "", text);
	}
	if (!strstr(desc, "hmmctl doctor"))
		g_string_append_printf(step, "%s'hmmctl doctor%s%s' says what to change",
				       step->len ? "; " : "", context->vm ? " " : "",
				       context->vm ? context->vm : "");
	return g_string_free(step, step->len == 0);
}

static char *next_step(const char *class, const char *desc, json_object *data,
		       const struct explain_context *context)
{
	const char *vm = context->vm ? context->vm : "VM";

	if (strcmp(class, "VmNotFound") == 0)
		return step_vm_not_found(desc, context);
	if (strcmp(class, "PoolNotFound") == 0)
		return step_pool_not_found(desc, context);
	if (strcmp(class, "PoolFull") == 0)
		return step_pool_full(desc, data);
	if (strcmp(class, "NothingMovable") == 0)
		return step_nothing_movable(desc, data, context);
	if (strcmp(class, "NotAttached") == 0)
		return strstr(desc, "hmmctl attach")
			       ? NULL
			       : g_strdup_printf("attach it with 'hmmctl attach %s'", vm);
	if (strcmp(class, "OutOfRange") == 0)
		return g_strdup_printf("'hmmctl status %s' lists where its memory is", vm);
	return simple_step(class, desc);
}

char *explain_refusal(json_object *refusal, const struct explain_context *context)
{
	const char *class = "Internal", *desc = "hmmd gave no reason";
	g_autofree char *what = NULL, *step = NULL, *line = NULL;
	json_object *data = NULL;

	reply_string(refusal, "class", &class, NULL);
	reply_string(refusal, "desc", &desc, NULL);
	reply_object(refusal, "data", &data, NULL);
	what = g_strdup(desc);
	g_strchomp(what);
	if (g_str_has_suffix(what, "."))
		what[strlen(what) - 1] = '\0';
	step = next_step(class, desc, data, context);
	line = step ? g_strdup_printf("%s: %s", what, step) : g_steal_pointer(&what);
	return text_clean(line);
}
