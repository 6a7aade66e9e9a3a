#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/secret.h"
#include "pkcs11/child.h"
#include "pkcs11/life.h"
#include "pkcs11/lock.h"
#include "tests/unit/unit.h"

struct answer {
	int number;
	int dumpable;
	pid_t pid;
};

static enum pv_code answer(const void *ctx, void *result, struct err *err)
{
	struct answer *a = result;

	(void)err;
	a->number = *(const int *)ctx;
	a->dumpable = prctl(PR_GET_DUMPABLE);
	a->pid = getpid();
	return PV_OK;
}

static enum pv_code fails(const void *ctx, void *result, struct err *err)
{
	((struct answer *)result)->number = 7;
	(void)ctx;
	err_object(err, "thing");
	return err_fail(err, PV_HSM_FATAL, "test.rule", "hint", "it failed");
}

static enum pv_code silent(const void *ctx, void *result, struct err *err)
{
	(void)ctx;
	(void)result;
	(void)err;
	return PV_DENIED;
}

static enum pv_code hangs(const void *ctx, void *result, struct err *err)
{
	(void)ctx;
	(void)result;
	(void)err;
	while (pause() == -1)
		;
	return PV_OK;
}

static enum pv_code crashes(const void *ctx, void *result, struct err *err)
{
	(void)ctx;
	(void)result;
	(void)err;
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	return PV_OK;
}

static struct p11_child child_of(enum pv_code (*run)(const void *, void *,
						     struct err *),
				 const int *ctx)
{
	struct p11_child c = { .run = run,
			       .ctx = ctx,
			       .result_len = sizeof(struct answer),
			       .timeout_s = 10,
			       .what = "test" };

	return c;
}

START_TEST(brings_back_result)
{
	const int number = 42;
	struct p11_child c = child_of(answer, &number);
	struct answer a = { 0 };
	struct err err;

	err_init(&err);
	unit_ok(p11_child_run(&c, &a, &err), &err);
	ck_assert_int_eq(a.number, 42);
	ck_assert_int_ne(a.pid, getpid());
	/* PINs may pass through the child: no core of it. */
	ck_assert_int_eq(a.dumpable, 0);
	/* It was reaped. */
	ck_assert_int_eq(waitpid(a.pid, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(brings_back_error)
{
	struct p11_child c = child_of(fails, NULL);
	struct answer a = { 0 };
	struct err err;

	err_init(&err);
	unit_refused(p11_child_run(&c, &a, &err), PV_HSM_FATAL, "test.rule",
		     &err);
	ck_assert_str_eq(err.message, "it failed");
	ck_assert_str_eq(err.object, "thing");
	ck_assert_int_eq(a.number, 7);
	ck_assert_int_eq(p11_child_run(&c, &a, NULL), PV_HSM_FATAL);
	c = child_of(silent, NULL);
	err_init(&err);
	unit_refused(p11_child_run(&c, &a, &err), PV_DENIED, "hsm.child", &err);
}
END_TEST

START_TEST(first_cause_wins)
{
	struct p11_child c = child_of(fails, NULL);
	struct answer a = { 0 };
	struct err err;

	err_init(&err);
	ck_assert_int_eq(err_fail(&err, PV_DENIED, "first", NULL, "first"),
			 PV_DENIED);
	ck_assert_int_eq(p11_child_run(&c, &a, &err), PV_HSM_FATAL);
	ck_assert_str_eq(err.rule, "first");
}
END_TEST

START_TEST(hanging_is_killed)
{
	struct p11_child c = child_of(hangs, NULL);
	struct answer a = { .number = 3 };
	struct err err;
	time_t start = time(NULL);

	c.timeout_s = 1;
	err_init(&err);
	unit_refused(p11_child_run(&c, &a, &err), PV_HSM_TEMP, "hsm.timeout",
		     &err);
	ck_assert_int_le(time(NULL) - start, 4);
	ck_assert_int_eq(a.number, 3);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(crash_is_told)
{
	struct p11_child c = child_of(crashes, NULL);
	struct answer a = { .number = 3 };
	struct err err;

	err_init(&err);
	unit_refused(p11_child_run(&c, &a, &err), PV_HSM_FATAL, "hsm.crash",
		     &err);
	ck_assert_int_eq(a.number, 3);
}
END_TEST

/* kB of locked memory of this process. */
static int locked_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[128];
	int kb = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmLck: %d", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

/* Takes the right to lock memory away. */
static bool forbid_locks(void)
{
	const struct rlimit none = { 0, 0 };

	return setrlimit(RLIMIT_MEMLOCK, &none) == 0 &&
	       (geteuid() != 0 || seteuid(65534) == 0);
}

struct pin_case {
	struct secret pin;
	bool must_lock, forbidden;
};

static enum pv_code copy_pin(const void *ctx, void *result, struct err *err)
{
	const struct pin_case *c = ctx;
	struct answer *a = result;
	SECRET copy = SECRET_INIT;
	enum pv_code rc;

	/* What the parent locked is not locked here. */
	if (locked_kb() != 0 || (c->forbidden && !forbid_locks()))
		return err_fail(err, PV_INTERNAL, "test.locks", NULL, "locks");
	rc = p11_life_pin(&c->pin, c->must_lock, &copy, err);
	a->number = locked_kb();
	if (rc == PV_OK && !secret_equal(&copy, "1234", 5))
		return err_fail(err, PV_INTERNAL, "test.copy", NULL, "copy");
	return rc;
}

static enum pv_code copy_pin_in_child(bool must_lock, bool forbidden, int *kb,
				      struct err *err)
{
	struct pin_case pin = { .must_lock = must_lock,
				.forbidden = forbidden };
	struct p11_child c = child_of(copy_pin, NULL);
	struct answer a = { 0 };
	enum pv_code rc;

	err_init(err);
	unit_ok(secret_copy(&pin.pin, "1234", 4, err), err);
	ck_assert(secret_lock(&pin.pin));
	ck_assert_int_gt(locked_kb(), 0);
	c.ctx = &pin;
	rc = p11_child_run(&c, &a, err);
	secret_release(&pin.pin);
	*kb = a.number;
	return rc;
}

START_TEST(pin_is_locked)
{
	struct err err;
	int kb;

	unit_ok(copy_pin_in_child(true, false, &kb, &err), &err);
	ck_assert_int_gt(kb, 0);
}
END_TEST

START_TEST(pin_is_not_locked)
{
	struct err err;
	int kb;

	unit_refused(copy_pin_in_child(true, true, &kb, &err), PV_INTERNAL,
		     "secret.heap", &err);
	ck_assert_int_eq(kb, 0);
	/* Nor was it in the parent, which has said so. */
	unit_ok(copy_pin_in_child(false, true, &kb, &err), &err);
	ck_assert_int_eq(kb, 0);
}
END_TEST

/* Sanitizers take mlock() away, and a limit of 0 does. */
static bool memory_locks(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int before = locked_kb();
	bool works;

	if (page == MAP_FAILED)
		return false;
	works = mlock(page, 4096) == 0 && locked_kb() > before;
	munmap(page, 4096);
	return works;
}

START_TEST(lock_excludes)
{
	struct p11_lock one = P11_LOCK_INIT, two = P11_LOCK_INIT;
	char dir[256];
	struct err err;

	snprintf(dir, sizeof(dir), "%s/locks", unit_tmp());
	err_init(&err);
	unit_ok(p11_lock_take(&one, dir, "/m.so", 1, &err), &err);
	unit_refused(p11_lock_take(&two, dir, "/m.so", 1, &err), PV_HSM_TEMP,
		     "hsm.lock", &err);
	/* Another module is another lock. */
	err_init(&err);
	unit_ok(p11_lock_take(&two, dir, "/n.so", 1, &err), &err);
	p11_lock_release(&two);
	p11_lock_release(&one);
	p11_lock_release(&one);
	unit_ok(p11_lock_take(&two, dir, "/m.so", 1, &err), &err);
	p11_lock_release(&two);
}
END_TEST

static enum pv_code take_and_die(const void *ctx, void *result, struct err *err)
{
	struct p11_lock lock = P11_LOCK_INIT;

	(void)result;
	return p11_lock_take(&lock, ctx, "/m.so", 1, err);
}

START_TEST(lock_of_the_dead)
{
	struct p11_lock lock = P11_LOCK_INIT;
	char dir[256];
	struct p11_child c = { .run = take_and_die, .what = "test" };
	struct err err;

	snprintf(dir, sizeof(dir), "%s/locks", unit_tmp());
	c.ctx = dir;
	err_init(&err);
	unit_ok(p11_child_run(&c, NULL, &err), &err);
	unit_ok(p11_lock_take(&lock, dir, "/m.so", 1, &err), &err);
	p11_lock_release(&lock);
}
END_TEST

START_TEST(lock_folder)
{
	struct p11_lock lock = P11_LOCK_INIT;
	char dir[256];
	struct err err;

	snprintf(dir, sizeof(dir), "%s/open-locks", unit_tmp());
	ck_assert_int_eq(mkdir(dir, 0777), 0);
	ck_assert_int_eq(chmod(dir, 0777), 0);
	err_init(&err);
	unit_refused(p11_lock_take(&lock, dir, "/m.so", 1, &err), PV_DENIED,
		     "hsm.lock", &err);
	ck_assert_int_eq(lock.fd, -1);
	err_init(&err);
	ck_assert_int_ne(
		p11_lock_take(&lock, "/proc/none/locks", "/m.so", 1, &err),
		PV_OK);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_child");
	TCase *t = tcase_create("child");
	TCase *l = tcase_create("lock");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, brings_back_result);
	tcase_add_test(t, brings_back_error);
	tcase_add_test(t, first_cause_wins);
	tcase_add_test(t, hanging_is_killed);
	tcase_add_test(t, crash_is_told);
	if (memory_locks()) {
		tcase_add_test(t, pin_is_locked);
		tcase_add_test(t, pin_is_not_locked);
	} else {
		unit_skip("pin_is_locked", "memory cannot be locked here");
	}
	tcase_set_timeout(l, 30);
	tcase_add_test(l, lock_excludes);
	tcase_add_test(l, lock_of_the_dead);
	tcase_add_test(l, lock_folder);
	suite_add_tcase(s, t);
	suite_add_tcase(s, l);
	return unit_run(s);
}
