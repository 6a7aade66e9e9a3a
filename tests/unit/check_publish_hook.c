#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/publishdir.h"
#include "tests/unit/unit.h"

static struct authority a;
static struct err err;

static void setup(void)
{
	err_init(&err);
	memset(&a, 0, sizeof(a));
	a.home_fd = open(unit_tmp(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(a.home_fd, 0);
	a.publish_hook_timeout_s = 20;
	snprintf(a.publish_hook, sizeof(a.publish_hook), "%s/hook", unit_tmp());
}

static void teardown(void)
{
	close(a.home_fd);
}

static void put(const char *name, mode_t mode, const char *text)
{
	UNIT_OK(file_write(a.home_fd, name, mode, text, strlen(text), &err_));
}

static void hook_is(const char *script)
{
	char text[1024];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	put("hook", 0700, text);
}

/* The hook as it is now is the accepted one. */
static enum pv_code run_accepted(const struct authority *of, bool *ran,
				 struct err *e)
{
	CLEANUP(buf_release) struct buf bytes;
	uint8_t hash[SHA256_LEN] = { 0 };
	char hex[2 * SHA256_LEN + 1];

	buf_init(&bytes, 1 << 20);
	if (file_read(AT_FDCWD, of->publish_hook, 0, &bytes, NULL) == PV_OK)
		UNIT_OK(sha256(buf_span(&bytes), hash, &err_));
	hex_encode(hash, sizeof(hash), hex);
	return publish_hook_run(of, hex, of->home_fd, ran, e);
}

static bool there(const char *name)
{
	return faccessat(a.home_fd, name, F_OK, 0) == 0;
}

/* What the file holds, with a NUL behind it. */
static void text_of(const char *name, struct buf *b)
{
	buf_init(b, 1 << 20);
	UNIT_OK(file_read(a.home_fd, name, 0, b, &err_));
	ck_assert_ptr_nonnull(buf_cstr(b));
}

static const struct ending {
	const char *script;
	enum pv_code code;
	const char *says; /* in the message */
} endings[] = {
	{ "exit 0", PV_OK, NULL },
	{ "exit 3", PV_STORAGE, "exit code 3" },
	{ "kill -TERM $$", PV_STORAGE, "signal 15" },
	{ "kill -STOP $$", PV_STORAGE, "more than 1 s" },
	{ "trap '' TERM INT HUP; sleep 100", PV_STORAGE, "more than 1 s" },
	{ "exec >&- 2>&-; sleep 100", PV_STORAGE, "more than 1 s" },
	{ "exec >&- 2>&-; exit 0", PV_OK, NULL },
};

START_TEST(ends_with_its_code_and_stays_due_unless_it_did_well)
{
	const struct ending *e = &endings[_i];
	bool ran = true;

	a.publish_hook_timeout_s = e->says && strstr(e->says, "1 s") ? 1 : 20;
	hook_is(e->script);
	UNIT_OK(publish_hook_due(&a, &err_));
	if (e->code == PV_OK) {
		unit_ok(run_accepted(&a, &ran, &err), &err);
		ck_assert(ran && publish_hook_since(&a) == 0);
		return;
	}
	unit_refused(run_accepted(&a, &ran, &err), e->code, "publish.hook",
		     &err);
	ck_assert_msg(strstr(err.message, e->says) != NULL, "%s", err.message);
	ck_assert(!ran && publish_hook_since(&a) > 0);
	/* The next run tries again. */
	hook_is("exit 0");
	err_init(&err);
	unit_ok(run_accepted(&a, &ran, &err), &err);
	ck_assert(ran && publish_hook_since(&a) == 0);
}
END_TEST

/* Other bytes than those that people took, or in a folder where anybody may put
 * another file: it does not run. */
START_TEST(only_what_was_accepted_runs)
{
	char folder[512];
	bool ran = true;

	hook_is("touch ran");
	UNIT_OK(publish_hook_due(&a, &err_));
	unit_refused(publish_hook_run(&a, "", a.home_fd, &ran, &err),
		     PV_STORAGE, "publish.hook", &err);
	ck_assert(!ran && !there("ran"));
	snprintf(folder, sizeof(folder), "%s/open", unit_tmp());
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	put("open/hook", 0700, "#!/bin/sh\ntouch ran\n");
	snprintf(a.publish_hook, sizeof(a.publish_hook), "%s/hook", folder);
	ck_assert_int_eq(chmod(folder, 0777), 0);
	err_init(&err);
	unit_refused(run_accepted(&a, &ran, &err), PV_STORAGE, "publish.hook",
		     &err);
	ck_assert_msg(strstr(err.message, "others") != NULL, "%s", err.message);
	ck_assert_int_eq(chmod(folder, 0755), 0);
	err_init(&err);
	unit_ok(run_accepted(&a, &ran, &err), &err);
	ck_assert(ran && there("ran"));
}
END_TEST

/* Gone, or dead and not reaped by whoever took it over. */
static bool is_dead(long pid)
{
	char path[64], line[256] = "";
	const char *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return true;
	state = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	return state && state[1] && state[2] == 'Z';
}

static const struct leaving {
	const char *script;
	enum pv_code code;
} leavings[] = {
	{ "sleep 100 & echo $! >child; wait", PV_STORAGE },
	{ "sleep 100 & echo $! >child; exit 0", PV_OK },
	{ "sleep 100 & echo $! >child; exit 1", PV_STORAGE },
};

START_TEST(leaves_nothing_of_its_group)
{
	const struct leaving *l = &leavings[_i];
	int64_t until_ms = pvtime_mono_ms() + 10000;
	struct buf child;
	bool ran;
	long pid;

	a.publish_hook_timeout_s = 1;
	hook_is(l->script);
	UNIT_OK(publish_hook_due(&a, &err_));
	ck_assert_int_eq(run_accepted(&a, &ran, &err), l->code);
	text_of("child", &child);
	pid = strtol(buf_cstr(&child), NULL, 10);
	ck_assert_int_gt(pid, 1);
	while (!is_dead(pid) && pvtime_mono_ms() < until_ms)
		usleep(10000);
	ck_assert_msg(is_dead(pid), "%ld goes on", pid);
	buf_release(&child);
}
END_TEST

/* Standard error of this process goes to a file while it runs. */
static enum pv_code run_heard(struct buf *heard)
{
	int old = dup(STDERR_FILENO);
	int fd = openat(a.home_fd, "heard",
			O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	enum pv_code rc;
	bool ran;

	ck_assert(old >= 0 && fd >= 0);
	UNIT_OK(publish_hook_due(&a, &err_));
	dup2(fd, STDERR_FILENO);
	rc = run_accepted(&a, &ran, &err);
	dup2(old, STDERR_FILENO);
	close(old);
	close(fd);
	text_of("heard", heard);
	return rc;
}

START_TEST(says_a_bounded_part_of_what_it_says)
{
	struct buf heard;

	hook_is("echo out; echo err >&2");
	ck_assert_int_eq(run_heard(&heard), PV_OK);
	ck_assert_str_eq(buf_cstr(&heard), "out\nerr\n");
	buf_release(&heard);

	/* More than a pipe holds: it is not left waiting for a reader. */
	hook_is("head -c 300000 /dev/zero | tr '\\0' x; exit 4");
	ck_assert_int_eq(run_heard(&heard), PV_STORAGE);
	ck_assert_msg(strstr(err.message, "exit code 4") != NULL, "%s",
		      err.message);
	ck_assert(heard.len > 8192 && heard.len < 8192 + 64);
	ck_assert_ptr_nonnull(
		strstr(buf_cstr(&heard), "the publish hook says more"));
	buf_release(&heard);
}
END_TEST

START_TEST(has_nothing_of_ours)
{
	struct buf seen;
	bool ran;

	setenv("SECRET_OF_OURS", "1", 1);
	hook_is("env | grep -v -E '^(PWD|SHLVL|_)=' >seen; "
		"ls /proc/self/fd | wc -l >>seen; cat >>seen");
	UNIT_OK(publish_hook_due(&a, &err_));
	UNIT_OK(run_accepted(&a, &ran, &err_));
	text_of("seen", &seen);
	/* 0, 1, 2, its own file and the folder that ls reads. */
	ck_assert_str_eq(buf_cstr(&seen), "PATH=/usr/bin:/bin\n5\n");
	buf_release(&seen);
}
END_TEST

START_TEST(runs_only_when_it_is_due)
{
	bool ran = true;

	hook_is(": >ran");
	UNIT_OK(run_accepted(&a, &ran, &err_));
	ck_assert(!ran && !there("ran"));
	/* Without one nothing stays due. */
	a.publish_hook[0] = '\0';
	UNIT_OK(publish_hook_due(&a, &err_));
	UNIT_OK(run_accepted(&a, &ran, &err_));
	ck_assert(!ran && publish_hook_since(&a) == 0);
}
END_TEST

START_TEST(keeps_since_when_it_is_due)
{
	int64_t now_s = pvtime_now_s();

	UNIT_OK(publish_hook_due(&a, &err_));
	ck_assert(publish_hook_since(&a) >= now_s - 1);
	put("publish.due", 0600, "2020-01-01T00:00:00Z\n");
	UNIT_OK(publish_hook_due(&a, &err_));
	ck_assert(publish_hook_since(&a) == 1577836800);
	/* One that is no time is due all the same. */
	put("publish.due", 0600, "soon\n");
	ck_assert(publish_hook_since(&a) == 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("publish_hook");
	TCase *tc = tcase_create("publish_hook");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc,
			    ends_with_its_code_and_stays_due_unless_it_did_well,
			    0, sizeof(endings) / sizeof(*endings));
	tcase_add_loop_test(tc, leaves_nothing_of_its_group, 0,
			    sizeof(leavings) / sizeof(*leavings));
	tcase_add_test(tc, only_what_was_accepted_runs);
	tcase_add_test(tc, says_a_bounded_part_of_what_it_says);
	tcase_add_test(tc, has_nothing_of_ours);
	tcase_add_test(tc, runs_only_when_it_is_due);
	tcase_add_test(tc, keeps_since_when_it_is_due);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
