/*
 * The simulated device on a disk that fails: the n-th fsync, syncfs or rename
 * of a run, or the power before it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "tests/unit/provdev_fixture.h"
#include "tests/unit/unit.h"

static const char *const calls[] = { "fsync", "syncfs", "renameat" };
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static char sound[512]; /* the provdev without faults */

/* Beside this program, as make builds it. */
static const char *faulty(void)
{
	static char path[600];
	const char *dir = getenv("builddir");

	snprintf(path, sizeof(path), "%s/tests/unit/provdev_faulty",
		 dir ? dir : ".");
	return path;
}

static void faults(const char *call, unsigned n, const char *how)
{
	char plan[64];

	ck_assert_ptr_nonnull(getenv("PROVDEV"));
	snprintf(sound, sizeof(sound), "%s", getenv("PROVDEV"));
	snprintf(plan, sizeof(plan), "%s %u %s", call, n, how);
	setenv("PROVDEV_FAULT", plan, 1);
	setenv("PROVDEV", faulty(), 1);
}

static void no_faults(void)
{
	unsetenv("PROVDEV_FAULT");
	setenv("PROVDEV", sound, 1);
}

static void device_from(const char *name)
{
	pd_shell("rm -rf %s/dev && cp -a %s/%s %s/dev", unit_tmp(), unit_tmp(),
		 name, unit_tmp());
}

/* What the state names is whole, also before anything is repaired. */
static void expect_whole(void)
{
	pd_shell("cd %s/dev && n=$(sed -n 's/.*\"seq\": \\([0-9]*\\).*/\\1/p' "
		 "state) && test -f gen-$n/identity/content.cbor && "
		 "test -f gen-$n/net/content.cbor && "
		 "test -f gen-$n/public/content.cbor",
		 unit_tmp());
}

static bool state_is(unsigned seq)
{
	struct buf b;
	char want[32];
	bool is;

	snprintf(want, sizeof(want), "\"seq\": %u", seq);
	pd_get(pd_path("dev", "state"), &b);
	is = memmem(b.data, b.len, want, strlen(want)) != NULL;
	buf_release(&b);
	return is;
}

/* Another receipt than that of one.pvb: that of two.pvb. */
static bool new_receipt(void)
{
	struct buf was, is;
	bool other;

	pd_get(pd_path("first", "receipt.cose"), &was);
	pd_get(pd_path("dev", "receipt.cose"), &is);
	other = was.len != is.len || memcmp(was.data, is.data, is.len) != 0;
	buf_release(&was);
	buf_release(&is);
	return other;
}

/* One failing run of two.pvb over a device that has one.pvb. */
static bool fail_open(const char *call, unsigned n, const char *how,
		      size_t net_len)
{
	bool receipt;
	int status;

	device_from("first");
	faults(call, n, how);
	status = pd_try("two.pvb", NULL, NULL);
	no_faults();
	expect_whole();
	/* A device that may have it does not sign that it refused it. */
	if (state_is(8))
		ck_assert(!pd_exists(pd_path("dev", "refusal.cose")));
	if (status == 0) {
		pd_assert_active(net_len);
		return pd_try("two.pvb", NULL, NULL) == 4;
	}
	ck_assert_int_eq(status, how[0] ? 99 : PV_STORAGE);
	/* The same again ends what began, unless only its receipt's sync
	 * failed. */
	receipt = new_receipt();
	ck_assert_int_eq(pd_try("two.pvb", NULL, NULL), receipt ? 4 : 0);
	pd_assert_active(net_len);
	ck_assert(new_receipt());
	ck_assert_int_eq(pd_try("two.pvb", NULL, NULL), 4);
	return false;
}

static size_t two_bundles(struct world *t)
{
	size_t len;

	pd_open(t, PVDEV_FORM_PLAIN, PVDEV_KIND_P256, false);
	ck_assert_int_eq(pd_try("one.pvb", NULL, NULL), 0);
	pd_shell("mv %s/dev %s/first", unit_tmp(), unit_tmp());
	len = pd_net("other.example");
	t->comps[0] = (struct fx_component){ "net", true,  1024,	len,
					     4096,  false, pd_net_plain };
	t->spec.comps_n = 1;
	t->spec.seq = 8;
	pd_bundle(t, "two.pvb");
	return len;
}

START_TEST(opens_on_a_failing_disk)
{
	const char *call = calls[(size_t)_i % CALLS];
	const char *how = (size_t)_i < CALLS ? "" : "cut";
	struct world t;
	size_t len = two_bundles(&t);
	unsigned n = 1, clean = 0;

	/* Until three in a row are behind the last call. */
	while (clean < 3 && n < 50)
		clean = fail_open(call, n++, how, len) ? clean + 1 : 0;
	ck_assert_uint_lt(n, 50);
	ck_assert_uint_gt(n, 4);
	pd_close(&t);
	pd_shell("rm -r %s/dev %s/first", unit_tmp(), unit_tmp());
}
END_TEST

/* A state whose generation is gone is no reason to remove the others. */
START_TEST(missing_generation)
{
	struct world t;

	(void)two_bundles(&t);
	device_from("first");
	pd_shell("cd %s/dev && mv gen-7 gen-6", unit_tmp());
	ck_assert_int_eq(pd_try("two.pvb", NULL, NULL), PV_INTEGRITY);
	ck_assert_int_eq(pd_try("one.pvb", NULL, NULL), PV_INTEGRITY);
	ck_assert(pd_exists(pd_path("dev", "gen-6")));
	pd_close(&t);
	pd_shell("rm -r %s/dev %s/first", unit_tmp(), unit_tmp());
}
END_TEST

START_TEST(one_process_at_a_time)
{
	struct world t;
	int fd;

	(void)two_bundles(&t);
	device_from("first");
	fd = open(pd_path("dev", ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_eq(pd_try("two.pvb", NULL, NULL), PV_CONFLICT);
	ck_assert_int_eq(pd_run("show", pd_path("dev", ""), NULL), PV_CONFLICT);
	close(fd);
	ck_assert_int_eq(pd_try("two.pvb", NULL, NULL), 0);
	pd_close(&t);
	pd_shell("rm -r %s/dev %s/first", unit_tmp(), unit_tmp());
}
END_TEST

/* ---- program ---- */

static void put_keys(const char *name, uint8_t fill)
{
	uint8_t out[512], key[32];
	struct cbor_writer w;

	memset(key, fill, sizeof(key));
	cbor_writer_init(&w, out, sizeof(out));
	cbor_put_map(&w, 4);
	cbor_put_str(&w, "kek");
	cbor_put_bstr(&w, key, 32);
	cbor_put_str(&w, "auth");
	cbor_put_bstr(&w, key, 32);
	cbor_put_str(&w, "device");
	cbor_put_str(&w, DEVICE);
	cbor_put_str(&w, "receipt");
	cbor_put_bstr(&w, key, 32);
	ck_assert(cbor_writer_ok(&w));
	pd_put(pd_path(name, ""), out, w.len);
}

static int program(const char *keys)
{
	return pd_run("program", pd_path("dev", ""), "--from",
		      pd_path(keys, ""), NULL);
}

/* The three keys are of one set: those files are equal here. */
static void expect_one_set(void)
{
	/* Whatever opens the device ends a programming that was cut off. */
	(void)pd_run("show", pd_path("dev", ""), NULL);
	pd_shell("cd %s/dev && cmp kek.hex auth.hex && cmp kek.hex receipt.hex "
		 "&& test ! -e program.new",
		 unit_tmp());
}

START_TEST(programs_in_one_step)
{
	const char *call = calls[(size_t)_i % CALLS];
	const char *how = (size_t)_i < CALLS ? "" : "cut";
	unsigned n, failed = 0;
	int status = -1;

	ck_assert_int_eq(pd_run("keygen", pd_path("dev", ""), "--id", DEVICE,
				"--form", "mac0", "--key", "none", NULL),
			 0);
	put_keys("old", 1);
	put_keys("new", 2);
	ck_assert_int_eq(program("old"), 0);
	pd_shell("mv %s/dev %s/first", unit_tmp(), unit_tmp());
	for (n = 1; status != 0 && n < 50; n++) {
		device_from("first");
		faults(call, n, how);
		status = program("new");
		no_faults();
		failed += status != 0;
		expect_one_set();
		ck_assert_int_eq(program("new"), 0);
		expect_one_set();
	}
	ck_assert_int_eq(status, 0);
	/* No file system is synced here. */
	ck_assert_uint_eq(failed > 0, strcmp(call, "syncfs") != 0);
	pd_shell("rm -r %s/dev %s/first", unit_tmp(), unit_tmp());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("provdev_fault");
	TCase *t = tcase_create("provdev_fault");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, opens_on_a_failing_disk, 0, 2 * (int)CALLS);
	tcase_add_test(t, missing_generation);
	tcase_add_test(t, one_process_at_a_time);
	tcase_add_loop_test(t, programs_in_one_step, 0, 2 * (int)CALLS);
	suite_add_tcase(s, t);
	return unit_run(s);
}
