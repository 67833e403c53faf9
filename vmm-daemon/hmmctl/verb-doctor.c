// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <stdio.h>
#include <unistd.h>

static const struct local_paths system_paths = {
	.modules = "/proc/modules",
	.module = "/sys/module/vmirror",
	.device = VMIRROR_DEVICE,
};

static void print_finding(const struct ctl *ctl, const struct finding *finding)
{
	static const char *const colours[] = {
		[FINDING_OK] = "\033[32m",
		[FINDING_WARN] = "\033[33m",
		[FINDING_FAIL] = "\033[31m",
	};
	gboolean colour = terminal_colour(STDOUT_FILENO);
	g_autofree char *topic = text_clean(finding->topic);
	g_autofree char *text = text_clean(finding->text);
	g_autofree char *fix = finding->fix ? text_clean(finding->fix) : NULL;

	if (ctl->quiet && finding->level == FINDING_OK)
		return;
	printf("%s%-4s%s  %s: %s\n", colour ? colours[finding->level] : "",
	       finding_level_name(finding->level), colour ? "\033[0m" : "", topic, text);
	if (fix)
		printf("      fix: %s\n", fix);
}

/* Print them and set the exit status. */
static gboolean show_findings(struct ctl *ctl, json_object *answer, GError **error)
{
	size_t counts[FINDING_FAIL + 1] = { 0 };
	json_object *findings;

	if (!reply_array(answer, "findings", &findings, error))
		return FALSE;
	for (size_t i = 0; i < json_object_array_length(findings); i++) {
		struct finding finding;

		if (!finding_from_json(json_object_array_get_idx(findings, i), &finding, error))
			return FALSE;
		counts[finding.level]++;
		if (!ctl->json)
			print_finding(ctl, &finding);
	}
	if (!ctl->json && !counts[FINDING_FAIL])
		ctl_say(ctl, "%s\n",
			counts[FINDING_WARN] ? "nothing must be fixed" : "all is well");
	ctl->exit_status = counts[FINDING_FAIL] ? 1 : 0;
	return !ctl->json || ctl_print_json(answer, error);
}

/* Without hmmd: what hmmctl can see for itself. */
static json_object *local_answer(const GError *connect_error)
{
	json_object *answer = json_object_new_object();

	json_object_object_add(answer, "findings",
			       local_findings(&system_paths, connect_error->message));
	return answer;
}

static void add_greeting(struct ctl *ctl, json_object *answer)
{
	g_autofree char *text =
		g_strdup_printf("hmmd %s answers", client_server_version(ctl->client));
	json_object *findings, *all = json_object_new_array();

	json_object_array_add(all, local_finding(FINDING_OK, "hmmd", text, NULL));
	if (json_object_object_get_ex(answer, "findings", &findings) &&
	    json_object_is_type(findings, json_type_array))
		for (size_t i = 0; i < json_object_array_length(findings); i++)
			json_object_array_add(
				all, json_object_get(json_object_array_get_idx(findings, i)));
	json_object_object_add(answer, "findings", all);
}

gboolean verb_doctor(struct ctl *ctl, GError **error)
{
	g_autoptr(hmmctl_json) answer = NULL;
	g_autoptr(GError) unreachable = NULL;
	json_object *arguments, *findings;

	if (!ctl_parse(ctl, NULL, error))
		return FALSE;
	if (!ctl_connect(ctl, &unreachable)) {
		answer = local_answer(unreachable);
		return show_findings(ctl, answer, error);
	}
	arguments = json_object_new_object();
	if (ctl_operand(ctl, 0))
		json_object_object_add(arguments, "vm",
				       json_object_new_string(ctl_operand(ctl, 0)));
	answer = ctl_call(ctl, "doctor", arguments, CTL_ASK_TIMEOUT_MS, error);
	if (!answer || !reply_array(answer, "findings", &findings, error))
		return FALSE;
	add_greeting(ctl, answer);
	return show_findings(ctl, answer, error);
}
