// SPDX-License-Identifier: LGPL-2.1-or-later
/* map.c and map-draw.c of hmmctl: golden pictures */
#include "hmmctl_check.h"

#define KIB ((guint64)1 << 10)
#define MIB ((guint64)1 << 20)
#define GIB ((guint64)1 << 30)

static void add(struct map *map, guint64 gpa, guint64 bytes, const char *state, gboolean huge,
		const char *pool)
{
	g_autoptr(hmmctl_json) extents = json_object_new_array();
	g_autoptr(GError) error = NULL;
	json_object *extent = json_object_new_object();

	json_object_object_add(extent, "gpa", json_object_new_uint64(gpa));
	json_object_object_add(extent, "bytes", json_object_new_uint64(bytes));
	json_object_object_add(extent, "state", json_object_new_string(state));
	json_object_object_add(extent, "huge", json_object_new_boolean(huge));
	json_object_object_add(extent, "writable", json_object_new_boolean(TRUE));
	json_object_object_add(extent, "pool", pool ? json_object_new_string(pool) : NULL);
	json_object_object_add(extent, "offset", json_object_new_uint64(0));
	json_object_array_add(extents, extent);
	CU_ASSERT_TRUE(map_add_json(map, extents, &error));
	CU_ASSERT_PTR_NULL(error);
}

static char *draw(const struct map *map, size_t columns, gboolean utf8, gboolean colour)
{
	struct map_style style = { .columns = columns, .utf8 = utf8, .colour = colour };

	return map_draw(map, &style);
}

static struct map *small_guest(void)
{
	struct map *map = map_new();

	add(map, 0, 640 * KIB, "ram", FALSE, NULL);
	add(map, MIB, 3 * MIB, "ram", FALSE, NULL);
	add(map, 4 * MIB, 60 * MIB, "ram", TRUE, NULL);
	add(map, 64 * MIB, 62 * MIB, "pool", TRUE, "p0");
	add(map, 126 * MIB, 2 * MIB, "pool", FALSE, "p0");
	add(map, 128 * MIB, MIB, "ram", FALSE, NULL);
	add(map, 129 * MIB, MIB, "pool", FALSE, "p1");
	add(map, 130 * MIB, MIB, "ram", FALSE, NULL);
	add(map, 131 * MIB, 60 * MIB, "absent", FALSE, NULL);
	add(map, 191 * MIB, 4 * KIB, "error", FALSE, NULL);
	add(map, 4 * GIB, 64 * MIB, "pool", TRUE, "p1");
	return map;
}

static void ascii_picture(void)
{
	static const char golden[] =
		"0x0         === ============################################################\n"
		"0x1000000   ################################################################\n"
		"0x2000000   ################################################################\n"
		"0x3000000   ################################################################\n"
		"0x4000000   AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
		"0x5000000   AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
		"0x6000000   AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
		"0x7000000   AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAaaaaaaaa\n"
		"0x8000000   ====bbbb====....................................................\n"
		"0x9000000   ................................................................\n"
		"0xa000000   ................................................................\n"
		"0xb000000   ............................................................!\n"
		"            (3.81 GiB without memory)\n"
		"0x100000000 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\n"
		"0x101000000 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\n"
		"0x102000000 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\n"
		"0x103000000 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\n"
		"\n"
		"  #  RAM, 2 MiB pages                     60 MiB\n"
		"  =  RAM, 4 KiB pages                   5.62 MiB\n"
		"  .  absent: no page there                60 MiB\n"
		"  !  cannot be read                        4 KiB\n"
		"  A  pool p0, 2 MiB pages                 62 MiB\n"
		"  a  pool p0, 4 KiB pages                  2 MiB\n"
		"  B  pool p1, 2 MiB pages                 64 MiB\n"
		"  b  pool p1, 4 KiB pages                  1 MiB\n"
		"one cell is 256 KiB, a row 16 MiB; 254.62 MiB in all, 129 MiB of it in pools\n";
	g_autoptr(map_auto) map = small_guest();

	CHECK_TAKEN_TEXT(draw(map, 80, FALSE, FALSE), golden);
}

static void utf8_picture(void)
{
	static const char golden[] =
		"0x0         ▓▓▓▓▓▓▓▓████████████████████████\n"
		"0x1000000   ████████████████████████████████\n"
		"0x2000000   ████████████████████████████████\n"
		"0x3000000   ████████████████████████████████\n"
		"0x4000000   AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
		"0x5000000   AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
		"0x6000000   AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
		"0x7000000   AAAAAAAAAAAAAAAAAAAAAAAAAAAAaaaa\n"
		"0x8000000   ▓▓bb▓▓··························\n"
		"0x9000000   ································\n"
		"0xa000000   ································\n"
		"0xb000000   ······························!\n"
		"            (3.81 GiB without memory)\n"
		"0x100000000 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\n"
		"0x101000000 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\n"
		"0x102000000 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\n"
		"0x103000000 BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB\n"
		"\n"
		"  █  RAM, 2 MiB pages                     60 MiB\n"
		"  ▓  RAM, 4 KiB pages                   5.62 MiB\n"
		"  ·  absent: no page there                60 MiB\n"
		"  !  cannot be read                        4 KiB\n"
		"  A  pool p0, 2 MiB pages                 62 MiB\n"
		"  a  pool p0, 4 KiB pages                  2 MiB\n"
		"  B  pool p1, 2 MiB pages                 64 MiB\n"
		"  b  pool p1, 4 KiB pages                  1 MiB\n"
		"one cell is 512 KiB, a row 16 MiB; 254.62 MiB in all, 129 MiB of it in pools\n";
	g_autoptr(map_auto) map = small_guest();

	CHECK_TAKEN_TEXT(draw(map, 44, TRUE, FALSE), golden);
}

static void colour_picture(void)
{
	static const char golden[] =
		"0x0    ==\033[32maa\033[0m\033[36mb\033[0m\033[2m.\033[0m\n"
		"\n"
		"  =  RAM, 4 KiB pages                      8 KiB\n"
		"  \033[2m.\033[0m  absent: no page there                 4 KiB\n"
		"  \033[32ma\033[0m  pool p0, 4 KiB pages                  8 KiB\n"
		"  \033[36mb\033[0m  pool p1, 4 KiB pages                  4 KiB\n"
		"one cell is 4 KiB, a row 32 KiB; 24 KiB in all, 12 KiB of it in pools\n";
	g_autoptr(map_auto) map = map_new();

	add(map, 0, 8 * KIB, "ram", FALSE, NULL);
	add(map, 8 * KIB, 8 * KIB, "pool", FALSE, "p0");
	add(map, 16 * KIB, 4 * KIB, "pool", FALSE, "p1");
	add(map, 20 * KIB, 4 * KIB, "absent", FALSE, NULL);
	CHECK_TAKEN_TEXT(draw(map, 0, FALSE, TRUE), golden);
}

/* 1 TiB: a cell is far larger than what differs inside it. */
static void mixed_cells(void)
{
	static const char golden[] =
		"0x0           =-%%%b##########################################################\n"
		"0x1000000000  ################################################################\n"
		"0x2000000000  ################################################################\n"
		"0x3000000000  ################################################################\n"
		"0x4000000000  ################################################################\n"
		"0x5000000000  ################################################################\n"
		"0x6000000000  ################################################################\n"
		"0x7000000000  ################################################################\n"
		"0x8000000000  ################################################################\n"
		"0x9000000000  ################################################################\n"
		"0xa000000000  ################################################################\n"
		"0xb000000000  ################################################################\n"
		"0xc000000000  ################################################################\n"
		"0xd000000000  ################################################################\n"
		"0xe000000000  ################################################################\n"
		"0xf000000000  ################################################################\n"
		"\n"
		"  #  RAM, 2 MiB pages                   1019 GiB\n"
		"  =  RAM, 4 KiB pages                      1 GiB\n"
		"  -  RAM in part, the rest absent\n"
		"  .  absent: no page there              1.99 GiB\n"
		"  %  mixed, part of it in a pool\n"
		"  a  pool p0, 4 KiB pages                 12 KiB\n"
		"  B  pool p1, 2 MiB pages            1023.99 MiB\n"
		"  b  pool p1, 4 KiB pages                  1 GiB\n"
		"one cell is 1 GiB, a row 64 GiB; 1 TiB in all, 2 GiB of it in pools\n";
	g_autoptr(map_auto) map = map_new();
	const guint64 cell = 1 * GIB;

	add(map, 0, cell - 4 * KIB, "ram", TRUE, NULL);
	add(map, cell - 4 * KIB, 4 * KIB, "ram", FALSE, NULL); /* RAM, not all huge */
	add(map, cell, 4 * KIB, "ram", TRUE, NULL);
	add(map, cell + 4 * KIB, cell - 4 * KIB, "absent", FALSE, NULL); /* RAM in part */
	add(map, 2 * cell, 4 * KIB, "pool", FALSE, "p0");
	add(map, 2 * cell + 4 * KIB, cell - 4 * KIB, "absent", FALSE, NULL); /* mixed */
	add(map, 3 * cell, 4 * KIB, "pool", FALSE, "p0");
	add(map, 3 * cell + 4 * KIB, cell - 4 * KIB, "ram", FALSE, NULL); /* mixed */
	add(map, 4 * cell, 4 * KIB, "pool", FALSE, "p0");
	add(map, 4 * cell + 4 * KIB, cell - 4 * KIB, "pool", FALSE, "p1"); /* mixed */
	add(map, 5 * cell, 4 * KIB, "pool", FALSE, "p1");
	add(map, 5 * cell + 4 * KIB, cell - 4 * KIB, "pool", TRUE, "p1"); /* not all huge */
	add(map, 6 * cell, 1018 * cell, "ram", TRUE, NULL);
	CHECK_TAKEN_TEXT(draw(map, 80, FALSE, FALSE), golden);
}

static void no_memory(void)
{
	g_autoptr(map_auto) map = map_new();

	CHECK_TAKEN_TEXT(draw(map, 80, TRUE, TRUE), "no guest memory there\n");
}

/* The highest page there is, on a terminal of one column. */
static void end_of_the_address_space(void)
{
	static const char golden[] =
		"0xfffffffff8000         a\n"
		"\n"
		"  a  pool ?, 4 KiB pages                   4 KiB\n"
		"one cell is 4 KiB, a row 32 KiB; 4 KiB in all, 4 KiB of it in pools\n";
	g_autoptr(map_auto) map = map_new();

	add(map, ((guint64)1 << VMIRROR_GPA_BITS) - 4 * KIB, 4 * KIB, "pool", FALSE, NULL);
	CHECK_TAKEN_TEXT(draw(map, 1, FALSE, FALSE), golden);
}

static void whole_address_space(void)
{
	static const char golden[] =
		"0x0              ........\n"
		"0x1000000000000  ........\n"
		"0x2000000000000  ........\n"
		"0x3000000000000  ........\n"
		"0x4000000000000  ........\n"
		"0x5000000000000  ........\n"
		"0x6000000000000  ........\n"
		"0x7000000000000  ........\n"
		"0x8000000000000  ........\n"
		"0x9000000000000  ........\n"
		"0xa000000000000  ........\n"
		"0xb000000000000  ........\n"
		"0xc000000000000  ........\n"
		"0xd000000000000  ........\n"
		"0xe000000000000  ........\n"
		"0xf000000000000  ........\n"
		"\n"
		"  .  absent: no page there              4096 TiB\n"
		"one cell is 32 TiB, a row 256 TiB; 4096 TiB in all, 0 of it in pools\n";
	g_autoptr(map_auto) map = map_new();

	add(map, 0, (guint64)1 << VMIRROR_GPA_BITS, "absent", FALSE, NULL);
	CHECK_TAKEN_TEXT(draw(map, 28, FALSE, FALSE), golden);
}

static void many_pools_share_letters(void)
{
	g_autoptr(map_auto) map = map_new();

	for (guint i = 0; i < 28; i++) {
		g_autofree char *name = g_strdup_printf("p%u", i);

		add(map, i * 4 * KIB, 4 * KIB, "pool", FALSE, name);
	}
	CU_ASSERT_EQUAL(map->pools->len, 28);
	{
		g_autofree char *text = draw(map, 80, FALSE, FALSE);

		CU_ASSERT_TRUE(g_str_has_prefix(text, "0x0     abcdefghijklmnopqrstuvwxyzab\n"));
	}
}

static void runs_are_joined(void)
{
	g_autoptr(map_auto) map = map_new();

	for (guint i = 0; i < 1000; i++)
		add(map, i * 4 * KIB, 4 * KIB, "pool", FALSE, "p0");
	CU_ASSERT_EQUAL(map->extents->len, 1);
	add(map, 1001 * 4 * KIB, 4 * KIB, "pool", FALSE, "p0");
	CU_ASSERT_EQUAL(map->extents->len, 2);
}

static void refuse(const char *json, const char *why)
{
	g_autoptr(map_auto) map = map_new();
	g_autoptr(hmmctl_json) extents = parse_json(json);
	g_autoptr(GError) error = NULL;

	CU_ASSERT_FALSE(map_add_json(map, extents, &error));
	CHECK_ERROR(&error, HMMCTL_ERROR_UNREACHABLE, why);
}

#define REST "\"huge\": false, \"writable\": true, \"pool\": null, \"offset\": 0}"

static void malformed_extents(void)
{
	refuse("[7]", "'gpa' is missing");
	refuse("[null]", "'gpa' is missing");
	refuse("[{\"gpa\": -4096, \"bytes\": 4096, \"state\": \"ram\", " REST "]", "negative");
	refuse("[{\"gpa\": 0, \"bytes\": 0, \"state\": \"ram\", " REST "]", "beyond");
	refuse("[{\"gpa\": 72057594037927936, \"bytes\": 1, \"state\": \"ram\", " REST "]",
	       "beyond");
	refuse("[{\"gpa\": 4096, \"bytes\": 18446744073709551615, \"state\": \"ram\", " REST "]",
	       "beyond");
	refuse("[{\"gpa\": 0, \"bytes\": 4096, \"state\": \"nowhere\", " REST "]", "unknown state");
	refuse("[{\"gpa\": 0, \"bytes\": 4096, \"state\": \"ram\"}]", "'huge' is missing");
	refuse("[{\"gpa\": 0, \"bytes\": 8192, \"state\": \"ram\", " REST ", "
	       "{\"gpa\": 4096, \"bytes\": 4096, \"state\": \"ram\", " REST "]",
	       "overlap");
	refuse("[{\"gpa\": 8192, \"bytes\": 4096, \"state\": \"ram\", " REST ", "
	       "{\"gpa\": 0, \"bytes\": 4096, \"state\": \"ram\", " REST "]",
	       "ascend");
}

int main(void)
{
	static const struct check checks[] = {
		{ "ASCII", ascii_picture },
		{ "UTF-8", utf8_picture },
		{ "colour", colour_picture },
		{ "mixed cells", mixed_cells },
		{ "no memory", no_memory },
		{ "end of the address space", end_of_the_address_space },
		{ "the whole address space", whole_address_space },
		{ "many pools", many_pools_share_letters },
		{ "runs are joined", runs_are_joined },
		{ "malformed extents", malformed_extents },
	};

	return run_checks("hmmctl map", checks, G_N_ELEMENTS(checks));
}
