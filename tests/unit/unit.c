#include "tests/unit/unit.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/base/secret.h"

#define UNIT_READ_MAX (64u * 1024u * 1024u)

static char tmp_dir[64];
static pid_t tmp_owner;

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void remove_tmp(void)
{
	if (tmp_dir[0] && getpid() == tmp_owner)
		nftw(tmp_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *unit_tmp(void)
{
	if (!tmp_dir[0] || tmp_owner != getpid()) {
		bool first = !tmp_dir[0];

		strcpy(tmp_dir, "/tmp/provctl-unit-XXXXXX");
		ck_assert(mkdtemp(tmp_dir) != NULL);
		tmp_owner = getpid();
		if (first)
			atexit(remove_tmp);
	}
	return tmp_dir;
}

void unit_skip(const char *test, const char *why)
{
	printf("ok - %s # SKIP %s\n", test, why);
	fflush(stdout);
}

int unit_run(Suite *suite)
{
	enum secret_heap heap;
	struct err err;
	SRunner *runner = srunner_create(suite);
	int failed;

	err_init(&err);
	if (secret_setup(&heap, &err) != PV_OK) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

const char *unit_path(const char *name)
{
	static char slots[8][1024];
	static unsigned next;
	const char *src = getenv("srcdir");
	char *out = slots[next++ % 8];

	snprintf(out, sizeof(slots[0]), "%s/tests/data/%s", src ? src : ".",
		 name);
	return out;
}

void unit_read(const char *name, struct buf *b)
{
	struct err err;

	err_init(&err);
	buf_init(b, UNIT_READ_MAX);
	unit_ok(file_read(-100, unit_path(name), 0, b, &err), &err);
}

void unit_ok(enum pv_code code, const struct err *err)
{
	if (code != PV_OK)
		ck_abort_msg("code %d, rule %s: %s", code, err->rule,
			     err->message);
}

void unit_refused(enum pv_code code, enum pv_code want, const char *rule,
		  const struct err *err)
{
	if (code != want)
		ck_abort_msg("code %d, not %d: rule %s: %s", code, want,
			     err->rule, err->message);
	if (rule)
		ck_assert_str_eq(err->rule, rule);
	ck_assert(err->message[0] != '\0');
}

void unit_case(const char *file, const char *name, enum unit_verdict v,
	       const char *reason)
{
	static const char *const words[] = { "pass", "refused", "not-ours" };
	const char *dir = getenv("VECTORS_DIR");
	char path[1024];
	FILE *f;

	ck_assert(v == UNIT_PASS || (reason && reason[0]));
	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%s.tsv", dir,
		 program_invocation_short_name);
	f = fopen(path, "a");
	ck_assert(f != NULL);
	fprintf(f, "%s\t%s\t%s\t%s\n", file, name, words[v],
		reason ? reason : "");
	ck_assert_int_eq(fclose(f), 0);
}
