// SPDX-License-Identifier: LGPL-2.1-or-later
/* verbs.c - the table of verbs; each lives in a file of its own */
#include "hmmctl.h"

#include <string.h>

#define VM_NAMES "VM is a name, a UUID or the process id of its VMM, as 'hmmctl list' shows them.\n"

static const struct verb verbs[] = {
	{ "list", "", 0, 0, "List the VMs that are attached or could be",
	  "Examples:\n"
	  "  hmmctl list\n"
	  "  hmmctl list --json | jq -r '.vms[].name'\n",
	  verb_list },
	{ "status", "[VM]", 0, 1, "Show the state of hmmd and the kernel module, or of one VM",
	  VM_NAMES "\nExamples:\n"
		   "  hmmctl status\n"
		   "  hmmctl status tenant1\n",
	  verb_status },
	{ "pools", "", 0, 0, "List the pools of device memory",
	  "Examples:\n"
	  "  hmmctl pools\n",
	  verb_pools },
	{ "pool-create", "NAME", 1, 1, "Make a pool that guest memory can move into",
	  "The size is a multiple of 2 MiB.\n\nExamples:\n"
	  "  hmmctl pool-create p0 --size 256MiB\n"
	  "  hmmctl pool-create p1 --size 8GiB --engine ram\n",
	  verb_pool_create },
	{ "pool-destroy", "NAME", 1, 1, "Bring everything in a pool back to RAM, and remove it",
	  "Examples:\n"
	  "  hmmctl pool-destroy p0\n",
	  verb_pool_destroy },
	{ "attach", "VM", 1, 1, "Let hmmd mirror a running VM, so that its memory can move",
	  VM_NAMES "Nothing moves by this alone.\n\nExamples:\n"
		   "  hmmctl attach tenant1\n"
		   "  hmmctl attach 4711\n",
	  verb_attach },
	{ "detach", "VM", 1, 1, "Bring a VM's memory back to RAM, and mirror it no longer",
	  VM_NAMES "\nExamples:\n"
		   "  hmmctl detach tenant1\n",
	  verb_detach },
	{ "migrate", "VM", 1, 1, "Move memory of a running VM into a pool",
	  VM_NAMES
	  "Exactly one of --gpa, --bytes and --all says which memory.  What cannot move "
	  "stays where it is\nand is reported by reason.\n\nExamples:\n"
	  "  hmmctl migrate tenant1 --bytes 64MiB\n"
	  "  hmmctl migrate tenant1 --gpa 0x40000000+64MiB --gpa 0x100000000+1GiB --pool p0\n"
	  "  hmmctl migrate tenant1 --all\n",
	  verb_migrate },
	{ "recall", "VM", 1, 1, "Bring memory of a VM back from the pools to RAM",
	  VM_NAMES "Exactly one of --gpa, --bytes and --all says which memory.\n\nExamples:\n"
		   "  hmmctl recall tenant1 --all\n"
		   "  hmmctl recall tenant1 --gpa 0x40000000+64MiB\n",
	  verb_recall },
	{ "map", "VM", 1, 1, "Draw where a VM's memory is",
	  VM_NAMES "\nExamples:\n"
		   "  hmmctl map tenant1\n"
		   "  hmmctl map tenant1 --gpa 0x40000000+64MiB\n",
	  verb_map },
	{ "hints", "VM", 1, 1, "Show what the guest asked for its memory, and what became of it",
	  VM_NAMES
	  "The numbers on top are of all its hints, also where --owner or --advice leave some "
	  "out.\n\nExamples:\n"
	  "  hmmctl hints tenant1\n"
	  "  hmmctl hints tenant1 --owner 4711 --advice device\n"
	  "  hmmctl hints tenant1 --json | jq -r '.\"hint-list\"[] | select(.status == \"refused\")'\n",
	  verb_hints },
	{ "events", "[VM]", 0, 1, "Follow what happens, one line an event",
	  VM_NAMES "It ends after --count events, after --timeout seconds, or by Ctrl-C.\n"
		   "\nExamples:\n"
		   "  hmmctl events tenant1\n"
		   "  hmmctl events --json --count 1 --timeout 10 tenant1\n",
	  verb_events },
	{ "doctor", "[VM]", 0, 1, "Check what keeps memory from moving, and say how to change it",
	  VM_NAMES "Also where hmmd does not run.  Exit status 1 if there is something to fix.\n"
		   "\nExamples:\n"
		   "  hmmctl doctor\n"
		   "  hmmctl doctor tenant1\n",
	  verb_doctor },
};

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* The first word that is neither an option nor the value of one, or 0. */
static int verb_position(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--socket") == 0)
			i++;
		else if (strcmp(argv[i], "--") != 0 && argv[i][0] != '-')
			return i;
	}
	return 0;
}

static void unknown_verb(const char *word, GError **error)
{
	const char *names[G_N_ELEMENTS(verbs) + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
		names[i] = verbs[i].name;
	nearest = text_nearest(word, names);
	if (nearest)
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE,
			    "there is no verb '%s'; did you mean '%s'?", word, nearest);
	else
		g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_USAGE,
			    "there is no verb '%s'; 'hmmctl --help' lists them", word);
}

gboolean verb_take(int *argc, char **argv, const struct verb **verb, GError **error)
{
	int position = verb_position(*argc, argv);

	*verb = NULL;
	if (!position)
		return TRUE;
	*verb = verb_find(argv[position]);
	if (!*verb) {
		unknown_verb(argv[position], error);
		return FALSE;
	}
	for (int i = position; i + 1 < *argc; i++)
		argv[i] = argv[i + 1];
	argv[--*argc] = NULL;
	return TRUE;
}

char *verb_list_text(void)
{
	GString *text = g_string_new("Move memory of running VMs into device memory, and back.\n"
				     "\nVerbs:");

	for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
		g_string_append_printf(text, "\n  %-13s %s", verbs[i].name, verbs[i].summary);
	return g_string_free(text, FALSE);
}
