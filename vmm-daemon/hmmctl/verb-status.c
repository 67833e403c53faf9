// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <stdio.h>

#include "names.h"
#include "units.h"

static const struct table_column facts[] = { { "", TABLE_LEFT }, { "", TABLE_LEFT } };

static void print_table(const struct table *table)
{
	g_autofree char *text = table_text(table);

	fputs(text, stdout);
}

/* --------------------------------------------------- hmmd and the kernel */

static gboolean join_strings(json_object *array, char **joined, GError **error)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < json_object_array_length(array); i++) {
		json_object *one = json_object_array_get_idx(array, i);

		if (!json_object_is_type(one, json_type_string)) {
			g_string_free(text, TRUE);
			return reply_malformed(error, "an engine has no name");
		}
		g_string_append_printf(text, "%s%s", i ? ", " : "", json_object_get_string(one));
	}
	*joined = g_string_free(text, FALSE);
	return TRUE;
}

static gboolean add_kernel(struct table *table, json_object *status, GError **error)
{
	g_autofree char *reserve_text = NULL, *target_text = NULL, *engines_text = NULL;
	json_object *kernel, *engines;
	guint64 abi, reserve, target;
	gboolean loaded, huge;

	if (!reply_object(status, "kernel", &kernel, error) ||
	    !reply_bool(kernel, "loaded", &loaded, error))
		return FALSE;
	if (!loaded) {
		table_add_fact(table, "kernel",
			       "vmirror is not loaded: load it with 'modprobe vmirror'");
		return TRUE;
	}
	if (!reply_u64(kernel, "abi", &abi, error) ||
	    !reply_array(kernel, "engines", &engines, error) ||
	    !join_strings(engines, &engines_text, error) ||
	    !reply_bool(kernel, "huge", &huge, error) ||
	    !reply_u64(kernel, "reserve-bytes", &reserve, error) ||
	    !reply_u64(kernel, "reserve-target-bytes", &target, error))
		return FALSE;
	reserve_text = units_format_bytes(reserve);
	target_text = units_format_bytes(target);
	table_add_fact(table, "kernel", "vmirror, ABI %" G_GUINT64_FORMAT ", engines: %s; %s", abi,
		       engines_text, huge ? "2 MiB pages move whole" : "moves 4 KiB pages only");
	table_add_fact(table, "reserve", "%s of %s kept ready for pages that come back",
		       reserve_text, target_text);
	return TRUE;
}

static gboolean show_daemon(json_object *status, GError **error)
{
	g_autoptr(table_auto) table = table_new(facts, G_N_ELEMENTS(facts));
	g_autofree char *uptime_text = NULL;
	guint64 pid, uptime, pools, vms;
	const char *version;
	gboolean fdstore;

	if (!reply_string(status, "version", &version, error) ||
	    !reply_u64(status, "pid", &pid, error) ||
	    !reply_u64(status, "uptime-seconds", &uptime, error) ||
	    !reply_bool(status, "fdstore", &fdstore, error) ||
	    !reply_u64(status, "pools", &pools, error) || !reply_u64(status, "vms", &vms, error))
		return FALSE;
	uptime_text = text_duration(uptime);
	table_add_fact(table, "hmmd", "%s, process %" G_GUINT64_FORMAT ", up %s", version, pid,
		       uptime_text);
	table_add_fact(
		table, "restart", "%s",
		fdstore ? "moved pages stay out when hmmd restarts"
			: "moved pages come back to RAM when hmmd ends (no systemd fd store)");
	if (!add_kernel(table, status, error))
		return FALSE;
	table_add_fact(table, "pools", "%" G_GUINT64_FORMAT, pools);
	table_add_fact(table, "VMs", "%" G_GUINT64_FORMAT " attached", vms);
	print_table(table);
	return TRUE;
}

/* ---------------------------------------------------------------- one VM */

/* The numbers of struct vmirror_vm_stat that are worth a line. */
static const struct {
	const char *key, *text;
	gboolean pages;
} numbers[] = {
	{ "out-pages", "out now", TRUE },
	{ "moved-out", "ever moved out", TRUE },
	{ "back-fault", "back by CPU faults", TRUE },
	{ "back-recall", "back by request", TRUE },
	{ "dropped", "gone while out", TRUE },
	{ "faults", "CPU faults served", FALSE },
	{ "reserve-used", "taken from reserve", TRUE },
	{ "invalidations", "notifier calls", FALSE },
	{ "lost-records", "ring records lost", FALSE },
};

static gboolean add_numbers(struct table *table, json_object *stat, GError **error)
{
	guint64 value;

	for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
		if (!reply_u64(stat, numbers[i].key, &value, error))
			return FALSE;
		table_add(table, numbers[i].text);
		if (numbers[i].pages)
			table_add_bytes(table, value * VMIRROR_PAGE_SIZE);
		else
			table_take(table, g_strdup_printf("%" G_GUINT64_FORMAT, value));
	}
	if (!reply_u64(stat, "overhead-bytes", &value, error))
		return FALSE;
	table_add(table, "kernel memory used");
	table_add_bytes(table, value);
	return TRUE;
}

/* How much of the VM is in which pool, where hmmd knows. */
static gboolean add_pools(struct table *table, json_object *answer, GError **error)
{
	struct json_object_iterator it, end;
	json_object *pools;

	if (!json_object_object_get_ex(answer, "pools", &pools) || !pools)
		return TRUE;
	if (!reply_object(answer, "pools", &pools, error))
		return FALSE;
	end = json_object_iter_end(pools);
	for (it = json_object_iter_begin(pools); !json_object_iter_equal(&it, &end);
	     json_object_iter_next(&it)) {
		const char *name = json_object_iter_peek_name(&it);
		guint64 bytes;

		if (!reply_u64(pools, name, &bytes, error))
			return FALSE;
		table_take(table, g_strdup_printf("in pool %s", name));
		table_add_bytes(table, bytes);
	}
	return TRUE;
}

static gboolean show_slots(json_object *slots, GError **error)
{
	static const struct table_column columns[] = {
		{ "GPA", TABLE_RIGHT },
		{ "SIZE", TABLE_RIGHT },
		{ "HVA", TABLE_RIGHT },
		{ "CAN MOVE", TABLE_LEFT },
	};
	g_autoptr(table_auto) table = table_new(columns, G_N_ELEMENTS(columns));

	for (size_t i = 0; i < json_object_array_length(slots); i++) {
		struct slot_info slot;
		int blocker;

		if (!slot_from_json(json_object_array_get_idx(slots, i), &slot, error))
			return FALSE;
		blocker = slot.blocker ? vmirror_skip_value(slot.blocker) : 0;
		table_take(table, g_strdup_printf("0x%" G_GINT64_MODIFIER "x", slot.gpa));
		table_add_bytes(table, slot.bytes);
		table_take(table, g_strdup_printf("0x%" G_GINT64_MODIFIER "x", slot.hva));
		if (blocker)
			table_take(table,
				   g_strdup_printf("no: %s", vmirror_skip_text((guint)blocker)));
		else if (slot.blocker)
			table_take(table, g_strdup_printf("no: %s", slot.blocker));
		else
			table_add(table, "yes");
	}
	puts("");
	print_table(table);
	return TRUE;
}

static gboolean show_vm(json_object *answer, GError **error)
{
	g_autoptr(table_auto) table = table_new(facts, G_N_ELEMENTS(facts));
	json_object *object, *stat, *slots;
	struct vm_info vm;

	if (!reply_object(answer, "vm", &object, error) || !vm_from_json(object, &vm, error))
		return FALSE;
	table_add_fact(table, "name", "%s", vm.name);
	table_add_fact(table, "uuid", "%s", vm.uuid ? vm.uuid : "-");
	table_add_fact(table, "process", "%" G_GUINT64_FORMAT, vm.pid);
	if (vm.attached)
		table_add_fact(table, "state", "%s, id %" G_GUINT64_FORMAT, vm.state, vm.id);
	else
		table_add_fact(table, "state", "not attached: 'hmmctl attach %s'", vm.name);
	table_add(table, "RAM");
	table_add_bytes(table, vm.ram_bytes);
	if (vm.attached && (!reply_object(answer, "stat", &stat, error) ||
			    !add_numbers(table, stat, error) || !add_pools(table, answer, error)))
		return FALSE;
	print_table(table);
	if (!vm.attached)
		return TRUE;
	return reply_array(answer, "slots", &slots, error) && show_slots(slots, error);
}

gboolean verb_status(struct ctl *ctl, GError **error)
{
	g_autoptr(hmmctl_json) answer = NULL;
	json_object *arguments = NULL;
	const char *vm;

	if (!ctl_parse(ctl, NULL, error))
		return FALSE;
	vm = ctl_operand(ctl, 0);
	if (vm) {
		arguments = json_object_new_object();
		json_object_object_add(arguments, "vm", json_object_new_string(vm));
	}
	answer = ctl_call(ctl, vm ? "query-vm" : "query-status", arguments, CTL_ASK_TIMEOUT_MS,
			  error);
	if (!answer)
		return FALSE;
	if (ctl->json)
		return ctl_print_json(answer, error);
	return vm ? show_vm(answer, error) : show_daemon(answer, error);
}
