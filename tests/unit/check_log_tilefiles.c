#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/log/tilefiles.h"
#include "tests/unit/log_fix.h"
#include "tests/unit/unit.h"

#define SIZE 600u

static struct log_hasher hasher;
static struct grove grove;
static int folder;
static struct buf out;
static struct err err;

static void setup(void)
{
	UNIT_OK(log_hasher_init(&hasher, &err_));
	grove_fill(&grove, &hasher, SIZE, "log");
	grove_publish(&grove, SIZE, unit_tmp());
	UNIT_OK(dir_open(AT_FDCWD, unit_tmp(), &folder, &err_));
	buf_init(&out, LOG_TILE_BYTES);
}

static void teardown(void)
{
	fd_cleanup(&folder);
	buf_release(&out);
	log_hasher_release(&hasher);
}

static enum pv_code take(const struct log_tile *t)
{
	const struct log_tile_source s = log_tilefiles(&folder);

	buf_reset(&out);
	err_init(&err);
	return s.read(s.ctx, t, &out, &err);
}

static void holds(unsigned level, uint64_t index, unsigned width)
{
	const struct log_tile t = { .level = level,
				    .index = index,
				    .width = width };

	unit_ok(take(&t), &err);
	ck_assert_uint_eq(out.len, (size_t)width * LOG_HASH);
	for (unsigned i = 0; i < width; i++)
		ck_assert_mem_eq(out.data + (size_t)i * LOG_HASH,
				 grove.hash[8 * level][256 * index + i],
				 LOG_HASH);
}

static void lacks(unsigned level, uint64_t index, unsigned width,
		  const char *path)
{
	const struct log_tile t = { .level = level,
				    .index = index,
				    .width = width };

	unit_refused(take(&t), PV_INTEGRITY, "log.tile", &err);
	ck_assert_str_eq(err.object, path);
}

START_TEST(test_tiles)
{
	holds(0, 0, 256);
	holds(0, 1, 256);
	holds(0, 2, SIZE - 512);
	holds(1, 0, 2);
	/* In the place of a partial tile, the full one. */
	holds(0, 1, 7);
	lacks(0, 2, 10, "tile/0/002.p/10");
	lacks(0, 3, 256, "tile/0/003");
	lacks(2, 0, 1, "tile/2/000.p/1");
	lacks(7, (UINT64_C(1) << 55) / 256, 256,
	      "tile/7/x140/x737/x488/x355/328");
}
END_TEST

START_TEST(test_files)
{
	const uint8_t bytes[LOG_TILE_BYTES + 1] = { 0 };

	log_fix_file(unit_tmp(), "tile/0/005",
		     (struct span){ bytes, sizeof(bytes) });
	lacks(0, 5, 256, "tile/0/005"); /* too long */
	ck_assert_int_eq(symlinkat("000", folder, "tile/0/006"), 0);
	lacks(0, 6, 256, "tile/0/006");
	log_fix_file(unit_tmp(), "tile/0/007/in",
		     (struct span){ bytes, 1 }); /* a folder */
	lacks(0, 7, 256, "tile/0/007");
}
END_TEST

/* One file, no wider one in its place, and nothing left of the one before. */
START_TEST(test_one_file)
{
	const struct log_tile whole = { .width = 256 };
	const struct log_tile narrow = { .index = 1, .width = 7 };
	struct buf b;

	buf_init(&b, LOG_TILE_BYTES);
	UNIT_OK(log_tilefile_read(folder, &whole, &b, &err_));
	UNIT_OK(log_tilefile_read(folder, &whole, &b, &err_));
	ck_assert_uint_eq(b.len, LOG_TILE_BYTES);
	err_init(&err);
	unit_refused(log_tilefile_read(folder, &narrow, &b, &err), PV_INTEGRITY,
		     "log.tile", &err);
	ck_assert_str_eq(err.object, "tile/0/001.p/7");
	b.max = 100;
	err_init(&err);
	unit_refused(log_tilefile_read(folder, &whole, &b, &err), PV_INTEGRITY,
		     "log.tile", &err);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log_tilefiles");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_tiles);
	tcase_add_test(t, test_files);
	tcase_add_test(t, test_one_file);
	suite_add_tcase(s, t);
	return unit_run(s);
}
