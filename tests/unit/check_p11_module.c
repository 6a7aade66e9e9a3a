#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pkcs11/module.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

static char base[256];

static const char *in_base(const char *name)
{
	static char slots[4][512];
	static unsigned next;
	char *out = slots[next++ % 4];

	snprintf(out, sizeof(slots[0]), "%s/%s", base, name);
	return out;
}

static void setup(void)
{
	static unsigned count;
	int fd;

	snprintf(base, sizeof(base), "%s/module-%u", unit_tmp(), count++);
	ck_assert_int_eq(mkdir(base, 0755), 0);
	ck_assert_int_eq(mkdir(in_base("dir"), 0755), 0);
	fd = open(in_base("dir/m.so"), O_WRONLY | O_CREAT | O_EXCL, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, 0644), 0);
	close(fd);
}

static void refused(const char *path, enum pv_code code, const char *why)
{
	char out[PATH_MAX];
	struct err err;

	err_init(&err);
	unit_refused(p11_module_resolve(path, out, &err), code, "hsm.module",
		     &err);
	if (why)
		ck_assert_msg(strstr(err.message, why) != NULL, "%s",
			      err.message);
}

static void accepted(const char *path, const char *real)
{
	char out[PATH_MAX];
	struct err err;

	err_init(&err);
	unit_ok(p11_module_resolve(path, out, &err), &err);
	ck_assert_str_eq(out, real);
}

START_TEST(plain_file)
{
	char twisted[600];

	accepted(in_base("dir/m.so"), in_base("dir/m.so"));
	snprintf(twisted, sizeof(twisted), "%s//dir/./../dir//m.so", base);
	accepted(twisted, in_base("dir/m.so"));
}
END_TEST

/* Case 13: never the current folder, never a search path. */
START_TEST(not_absolute)
{
	refused("m.so", PV_DENIED, "absolute");
	refused("./m.so", PV_DENIED, "absolute");
	refused("", PV_DENIED, "absolute");
	ck_assert_int_eq(setenv("LD_LIBRARY_PATH", in_base("dir"), 1), 0);
	refused("m.so", PV_DENIED, "absolute");
}
END_TEST

/* Case 12: others can write it, or a folder on the way. */
START_TEST(writable_file)
{
	ck_assert_int_eq(chmod(in_base("dir/m.so"), 0666), 0);
	refused(in_base("dir/m.so"), PV_DENIED, "writable");
	ck_assert_int_eq(chmod(in_base("dir/m.so"), 0664), 0);
	refused(in_base("dir/m.so"), PV_DENIED, "writable");
	ck_assert_int_eq(chmod(in_base("dir/m.so"), 0755), 0);
	accepted(in_base("dir/m.so"), in_base("dir/m.so"));
}
END_TEST

START_TEST(writable_folder)
{
	ck_assert_int_eq(chmod(in_base("dir"), 0777), 0);
	refused(in_base("dir/m.so"), PV_DENIED, "writable");
	ck_assert_int_eq(chmod(in_base("dir"), 0775), 0);
	refused(in_base("dir/m.so"), PV_DENIED, "writable");
	/* The sticky bit keeps others from swapping entries. */
	ck_assert_int_eq(chmod(in_base("dir"), 01777), 0);
	accepted(in_base("dir/m.so"), in_base("dir/m.so"));
	ck_assert_int_eq(chmod(in_base("dir"), 0755), 0);
	ck_assert_int_eq(chmod(base, 0757), 0);
	refused(in_base("dir/m.so"), PV_DENIED, "writable");
}
END_TEST

START_TEST(foreign_owner)
{
	if (geteuid() != 0)
		return; /* only root can give a file away */
	ck_assert_int_eq(chown(in_base("dir/m.so"), 65534, 65534), 0);
	refused(in_base("dir/m.so"), PV_DENIED, "someone else");
	ck_assert_int_eq(chown(in_base("dir/m.so"), 0, 0), 0);
	ck_assert_int_eq(chown(in_base("dir"), 65534, 65534), 0);
	refused(in_base("dir/m.so"), PV_DENIED, "someone else");
}
END_TEST

START_TEST(links)
{
	ck_assert_int_eq(symlink("dir/m.so", in_base("rel")), 0);
	accepted(in_base("rel"), in_base("dir/m.so"));
	ck_assert_int_eq(symlink(in_base("dir"), in_base("abs")), 0);
	accepted(in_base("abs/m.so"), in_base("dir/m.so"));
	ck_assert_int_eq(symlink("../rel", in_base("dir/up")), 0);
	accepted(in_base("dir/up"), in_base("dir/m.so"));
	ck_assert_int_eq(symlink("loop", in_base("loop")), 0);
	refused(in_base("loop"), PV_DENIED, "too many");
	ck_assert_int_eq(symlink("nothing", in_base("dangling")), 0);
	refused(in_base("dangling"), PV_NOT_FOUND, NULL);
}
END_TEST

/* A link through a folder that others can write is as bad as the folder. */
START_TEST(link_in_writable_folder)
{
	ck_assert_int_eq(mkdir(in_base("open"), 0755), 0);
	ck_assert_int_eq(symlink(in_base("dir"), in_base("open/way")), 0);
	accepted(in_base("open/way/m.so"), in_base("dir/m.so"));
	ck_assert_int_eq(chmod(in_base("open"), 0777), 0);
	refused(in_base("open/way/m.so"), PV_DENIED, "writable");
}
END_TEST

START_TEST(not_a_file)
{
	refused(in_base("dir"), PV_DENIED, "regular");
	refused("/", PV_DENIED, "regular");
	refused("/dev/null", PV_DENIED, NULL);
	refused(in_base("dir/none.so"), PV_NOT_FOUND, NULL);
	refused(in_base("dir/m.so/below"), PV_NOT_FOUND, NULL);
	ck_assert_int_eq(mkfifo(in_base("fifo"), 0600), 0);
	refused(in_base("fifo"), PV_DENIED, "regular");
}
END_TEST

START_TEST(long_path)
{
	char path[PATH_MAX + 10];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	refused(path, PV_DENIED, "too long");
}
END_TEST

START_TEST(not_a_module)
{
	struct p11_module m;
	struct err err;

	err_init(&err);
	unit_refused(p11_module_load(&m, in_base("dir/m.so"), &err),
		     PV_HSM_FATAL, "hsm.module", &err);
	ck_assert(m.dl == NULL && m.f == NULL);
}
END_TEST

START_TEST(softhsm_loads_twice)
{
	struct p11_config cfg;
	struct p11_module m;
	struct err err;

	softhsm_empty("none", &cfg);
	for (int i = 0; i < 2; i++) {
		err_init(&err);
		unit_ok(p11_module_load(&m, cfg.module, &err), &err);
		unit_ok(p11_module_start(&m, &err), &err);
		/* Somebody was there before us: not ours to share. */
		unit_refused(p11_module_start(&m, &err), PV_HSM_FATAL,
			     "hsm.call", &err);
		p11_module_unload(&m);
		p11_module_unload(&m);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_module");
	TCase *t = tcase_create("module");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, plain_file);
	tcase_add_test(t, not_absolute);
	tcase_add_test(t, writable_file);
	tcase_add_test(t, writable_folder);
	tcase_add_test(t, foreign_owner);
	tcase_add_test(t, links);
	tcase_add_test(t, link_in_writable_folder);
	tcase_add_test(t, not_a_file);
	tcase_add_test(t, long_path);
	tcase_add_test(t, not_a_module);
	tcase_add_test(t, softhsm_loads_twice);
	suite_add_tcase(s, t);
	return unit_run(s);
}
