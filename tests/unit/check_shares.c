/* Shares, and gfshare's own tools on their raw values. */
#include "lib/seal/shares.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "tests/unit/unit.h"

#define KEY "acme/root/1"
#define N 5u
#define M 3u

static struct err err;
static struct secret secret;
static struct shares five;

static void setup(void)
{
	err_init(&err);
	unit_ok(secret_random(&secret, SHARES_SECRET_LEN, &err), &err);
	unit_ok(shares_split(&secret, KEY, M, N, &five, &err), &err);
}

static void teardown(void)
{
	secret_release(&secret);
	shares_release(&five);
}

/* The shares whose bits are set. */
static size_t choose(const struct shares *all, unsigned bits,
		     const struct share *some[SHARES_MAX])
{
	size_t n = 0;

	for (unsigned i = 0; i < all->n; i++)
		if (bits & (1u << i))
			some[n++] = &all->share[i];
	return n;
}

START_TEST(every_combination)
{
	unsigned joined = 0, refused = 0;

	for (unsigned bits = 1; bits < 1u << N; bits++) {
		const struct share *some[SHARES_MAX];
		size_t n = choose(&five, bits, some);
		SECRET again = SECRET_INIT;

		err_init(&err);
		if (n < M) {
			unit_refused(shares_join(some, n, &again, &err),
				     PV_INPUT, "shares.few", &err);
			ck_assert_ptr_null(again.data);
			refused++;
			continue;
		}
		unit_ok(shares_join(some, n, &again, &err), &err);
		ck_assert(secret_equal(&again, secret.data, secret.len));
		joined++;
	}
	/* 10 of three, 5 of four, all; 5 alone, 10 pairs. */
	ck_assert_uint_eq(joined, 16);
	ck_assert_uint_eq(refused, 15);
}
END_TEST

START_TEST(same_one_twice_is_one)
{
	const struct share *some[] = { &five.share[0], &five.share[1],
				       &five.share[0] };
	SECRET again = SECRET_INIT;

	unit_refused(shares_join(some, 3, &again, &err), PV_INPUT, "shares.few",
		     &err);
	err_init(&err);
	unit_refused(shares_join(some, 0, &again, &err), PV_INPUT, "shares.few",
		     &err);
}
END_TEST

START_TEST(of_another_split)
{
	struct shares more;
	const struct share *some[] = { &five.share[0], &five.share[1], NULL };
	SECRET again = SECRET_INIT;

	unit_ok(shares_split(&secret, KEY, M, N, &more, &err), &err);
	some[2] = &more.share[2];
	unit_refused(shares_join(some, 3, &again, &err), PV_INTEGRITY,
		     "shares.other", &err);
	shares_release(&more);
	err_init(&err);
	unit_ok(shares_split(&secret, "acme/ca/1", M, N, &more, &err), &err);
	memcpy(more.share[2].split, five.share[0].split, SHARES_SPLIT_LEN);
	some[2] = &more.share[2];
	unit_refused(shares_join(some, 3, &again, &err), PV_INTEGRITY,
		     "shares.other", &err);
	shares_release(&more);
}
END_TEST

START_TEST(numbers)
{
	static const struct {
		unsigned m, n;
	} bad[] = { { 0, 0 }, { 1, 1 },	 { 1, 5 },
		    { 4, 3 }, { 3, 17 }, { 17, 17 } };
	struct shares s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_init(&err);
		unit_refused(shares_split(&secret, KEY, bad[i].m, bad[i].n, &s,
					  &err),
			     PV_INPUT, "shares.count", &err);
	}
	for (unsigned m = 2; m <= SHARES_MAX; m++) {
		err_init(&err);
		unit_ok(shares_split(&secret, KEY, m, SHARES_MAX, &s, &err),
			&err);
		shares_release(&s);
	}
	err_init(&err);
	unit_refused(shares_split(&secret, "a b", 2, 3, &s, &err), PV_INPUT,
		     "shares.key", &err);
}
END_TEST

/* ---- text ---- */

static void to_text(const struct share *s, struct secret *text)
{
	err_init(&err);
	unit_ok(share_text(s, text, &err), &err);
}

START_TEST(text_comes_back)
{
	SECRET text = SECRET_INIT;
	struct share s;

	for (unsigned i = 0; i < N; i++) {
		to_text(&five.share[i], &text);
		unit_ok(share_parse(&text, &s, &err), &err);
		ck_assert_uint_eq(s.number, i + 1);
		ck_assert_uint_eq(s.n, N);
		ck_assert_uint_eq(s.m, M);
		ck_assert_str_eq(s.key, KEY);
		ck_assert(secret_equal(&s.value, five.share[i].value.data,
				       SHARES_SECRET_LEN));
		share_release(&s);
	}
}
END_TEST

/* As a person may type it: capitals, no blanks between groups, no last LF. */
START_TEST(text_by_hand)
{
	SECRET text = SECRET_INIT, typed = SECRET_INIT;
	size_t line = 0, n = 0;
	struct share s;

	to_text(&five.share[4], &text);
	unit_ok(secret_alloc(&typed, text.len, &err), &err);
	for (size_t i = 0; i + 1 < text.len; i++) {
		uint8_t c = text.data[i];
		bool value = line >= 4 && line < 8;

		line += c == '\n';
		if (value && c == ' ' && text.data[i - 2] != '\n')
			continue;
		if (value && c >= 'a' && c <= 'f')
			c = (uint8_t)(c - 'a' + 'A');
		typed.data[n++] = c;
	}
	secret_truncate(&typed, n);
	unit_ok(share_parse(&typed, &s, &err), &err);
	ck_assert_uint_eq(s.number, 5);
	share_release(&s);
}
END_TEST

START_TEST(every_change_is_found)
{
	SECRET text = SECRET_INIT, cut = SECRET_INIT;
	struct share s;

	to_text(&five.share[1], &text);
	for (size_t i = 0; i < text.len; i++) {
		text.data[i] ^= 1;
		err_init(&err);
		unit_refused(share_parse(&text, &s, &err), PV_INTEGRITY,
			     "shares.text", &err);
		ck_assert_ptr_null(s.value.data);
		text.data[i] ^= 1;
	}
	/* Without its last byte it is whole: a line needs no end. */
	for (size_t len = 1; len + 1 < text.len; len++) {
		err_init(&err);
		unit_ok(secret_copy(&cut, text.data, len, &err), &err);
		unit_refused(share_parse(&cut, &s, &err), PV_INTEGRITY,
			     "shares.text", &err);
	}
}
END_TEST

/* What is said of a line has nothing of its contents. */
START_TEST(names_the_line)
{
	SECRET text = SECRET_INIT;
	const char *third;
	struct share s;

	to_text(&five.share[0], &text);
	third = strstr((const char *)text.data, "\n3 ");
	ck_assert_ptr_nonnull(third);
	text.data[third + 3 - (const char *)text.data] ^= 1;
	unit_refused(share_parse(&text, &s, &err), PV_INTEGRITY, "shares.text",
		     &err);
	ck_assert_str_eq(err.message,
			 "the share's line 3 is not as it was given out");
}
END_TEST

START_TEST(digest_is_of_all)
{
	uint8_t digest[32], changed[32];
	struct share *s = &five.share[0];

	unit_ok(share_digest(s, digest, &err), &err);
	s->value.data[0] ^= 1;
	unit_ok(share_digest(s, changed, &err), &err);
	ck_assert_mem_ne(digest, changed, 32);
	s->value.data[0] ^= 1;
	s->number = 2;
	unit_ok(share_digest(s, changed, &err), &err);
	ck_assert_mem_ne(digest, changed, 32);
	s->number = 1;
	s->m = 2;
	unit_ok(share_digest(s, changed, &err), &err);
	ck_assert_mem_ne(digest, changed, 32);
}
END_TEST

/* ---- gfshare's tools ---- */

static int run_tool(char *const argv[])
{
	const char *dir = unit_tmp();
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (chdir(dir) == 0)
			execvp(argv[0], argv);
		_exit(127);
	}
	ck_assert_int_gt(pid, 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void path_of(const char *name, char path[600])
{
	snprintf(path, 600, "%s/%s", unit_tmp(), name);
}

START_TEST(gfcombine_agrees)
{
	for (unsigned bits = 0; bits < 1u << N; bits++) {
		const struct share *some[SHARES_MAX];
		size_t n = choose(&five, bits, some);
		char names[N][16], path[600];
		char *argv[4 + N + 1] = { (char *)"gfcombine", (char *)"-o",
					  (char *)"joined" };
		struct buf got;

		if (n != M)
			continue;
		for (size_t i = 0; i < n; i++) {
			snprintf(names[i], sizeof(names[i]), "raw.%03u",
				 some[i]->number);
			path_of(names[i], path);
			unit_ok(file_write(AT_FDCWD, path, 0600,
					   some[i]->value.data,
					   some[i]->value.len, &err),
				&err);
			argv[3 + i] = names[i];
		}
		ck_assert_int_eq(run_tool(argv), 0);
		buf_init(&got, 64);
		path_of("joined", path);
		unit_ok(file_read(AT_FDCWD, path, 0, &got, &err), &err);
		ck_assert(secret_equal(&secret, got.data, got.len));
		buf_wipe(&got);
	}
}
END_TEST

/* Of the mapping that has p, from the kernel's own table. */
static long locked_kb(const void *p)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	uintptr_t from, to;
	bool inside = false;
	char line[512];
	long kb = -1;

	ck_assert(f != NULL);
	while (kb < 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%zx-%zx ", &from, &to) == 2)
			inside = (uintptr_t)p >= from && (uintptr_t)p < to;
		else if (inside)
			(void)!sscanf(line, "Locked: %ld kB", &kb);
	}
	fclose(f);
	return kb;
}

/* What is small and asked for next lies in what was locked, if that could be.
 * Sanitizers lock nothing, and say that they had. */
START_TEST(memory_is_locked)
{
	static uint8_t page[4096];
	const struct rlimit none = { 0, 0 };
	bool locks = mlock(page, sizeof(page)) == 0 && locked_kb(page) > 0;
	void *small;
	bool locked = shares_lock_memory();

	small = malloc(500);
	ck_assert(small != NULL);
	if (locked && locks)
		ck_assert_int_gt(locked_kb(small), 0);
	free(small);
	if (!locks || geteuid() == 0)
		return; /* no limit holds */
	ck_assert_int_eq(munlockall(), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	ck_assert(!shares_lock_memory());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("shares");
	TCase *t = tcase_create("shares");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, every_combination);
	tcase_add_test(t, same_one_twice_is_one);
	tcase_add_test(t, of_another_split);
	tcase_add_test(t, numbers);
	tcase_add_test(t, text_comes_back);
	tcase_add_test(t, text_by_hand);
	tcase_add_test(t, every_change_is_found);
	tcase_add_test(t, names_the_line);
	tcase_add_test(t, digest_is_of_all);
	tcase_add_test(t, memory_is_locked);
	if (system("command -v gfcombine >/dev/null 2>&1") == 0)
		tcase_add_test(t, gfcombine_agrees);
	else
		unit_skip("gfcombine_agrees", "no gfcombine");
	suite_add_tcase(s, t);
	return unit_run(s);
}
