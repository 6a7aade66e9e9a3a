/* Which of three made-up tokens has a key. */
#include <string.h>

#include "lib/flow/tokens.h"
#include "tests/unit/unit.h"

#define TOKENS 3

struct fake { /* a token */
	struct hsm hsm;
	enum pv_code open, find; /* as it answers */
	const char *rule;
	int opened;
};

static struct fake fakes[TOKENS];
static int inside; /* tokens that are open */
static struct authority authority = { .tokens_n = TOKENS };
static struct issue_key want = { .label = "a/root/1" };
static struct err err;

struct hsm_key {
	struct hsm_key_info info;
};
static struct hsm_key given;

static enum pv_code fake_find(struct hsm *h, enum hsm_key_kind kind,
			      const char *label, struct hsm_key **key,
			      struct err *e)
{
	const struct fake *f = (struct fake *)h;

	(void)kind;
	ck_assert_str_eq(label, want.label);
	if (f->find != PV_OK)
		return err_fail(e, f->find, f->rule, NULL, "as told");
	*key = &given;
	return PV_OK;
}

static const struct hsm_key_info *fake_info(const struct hsm_key *key)
{
	return &key->info;
}

static void fake_close(struct hsm *h)
{
	(void)h;
	inside--;
}

static const struct hsm_ops fake_ops = { .find = fake_find,
					 .info = fake_info,
					 .close = fake_close };

static enum pv_code fake_open(const struct authority *a,
			      struct hsm_login *login, struct hsm **hsm,
			      struct err *e)
{
	struct fake *f = &fakes[login->token];

	(void)a;
	ck_assert_int_eq(inside, 0); /* one at a time */
	f->opened++;
	*hsm = NULL;
	if (f->open != PV_OK)
		return err_fail(e, f->open, "test.open", NULL, "as told");
	inside++;
	*hsm = &f->hsm;
	return PV_OK;
}

static const struct backends backends = { .hsm_open = fake_open };

static void lacks(size_t token)
{
	fakes[token].find = PV_HSM_FATAL;
	fakes[token].rule = "hsm.key-missing";
}

/* From that token, which is open. */
static enum pv_code find(size_t from, size_t *at)
{
	struct hsm *hsm = &fakes[from].hsm;
	struct hsm_login login = { .token = from };
	struct tokens t = { .a = &authority,
			    .backends = &backends,
			    .login = &login,
			    .hsm = &hsm };
	enum pv_code rc;

	err_init(&err);
	inside = 1;
	for (size_t i = 0; i < TOKENS; i++)
		fakes[i].opened = 0;
	rc = tokens_find(&t, &want, &err);
	*at = login.token;
	ck_assert(rc != PV_OK || hsm == &fakes[login.token].hsm);
	ck_assert_int_eq(inside, hsm != NULL);
	return rc;
}

static void setup(void)
{
	memset(fakes, 0, sizeof(fakes));
	for (size_t i = 0; i < TOKENS; i++)
		fakes[i].hsm.ops = &fake_ops;
}

START_TEST(the_open_one_first)
{
	size_t at;

	unit_ok(find(1, &at), &err);
	ck_assert_uint_eq(at, 1);
	ck_assert_int_eq(fakes[0].opened + fakes[1].opened + fakes[2].opened,
			 0);
	lacks(1);
	unit_ok(find(1, &at), &err);
	ck_assert_uint_eq(at, 0);
	lacks(0);
	unit_ok(find(1, &at), &err);
	ck_assert_uint_eq(at, 2);
	lacks(2);
	unit_refused(find(1, &at), PV_HSM_FATAL, "hsm.key-missing", &err);
}
END_TEST

START_TEST(one_that_is_away_is_passed_over)
{
	size_t at;

	lacks(0);
	fakes[1].open = PV_HSM_TEMP;
	unit_ok(find(0, &at), &err);
	ck_assert_uint_eq(at, 2);
	lacks(2);
	/* It may be there. */
	unit_refused(find(0, &at), PV_HSM_TEMP, "test.open", &err);
}
END_TEST

START_TEST(what_is_refused_ends_the_search)
{
	size_t at;

	lacks(0);
	fakes[1].open = PV_HSM_FATAL;
	unit_refused(find(0, &at), PV_HSM_FATAL, "test.open", &err);
	ck_assert_int_eq(fakes[2].opened, 0);
	fakes[1].open = PV_OK;
	fakes[1].find = PV_HSM_FATAL;
	fakes[1].rule = "hsm.key-double";
	unit_refused(find(0, &at), PV_HSM_FATAL, "hsm.key-double", &err);
	ck_assert_int_eq(fakes[2].opened, 0);
}
END_TEST

START_TEST(another_key_of_that_label_is_none)
{
	size_t at;

	given.info.spki_len = 1;
	unit_refused(find(0, &at), PV_HSM_FATAL, "hsm.key", &err);
	given.info.spki_len = 0;
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tokens");
	TCase *t = tcase_create("tokens");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, the_open_one_first);
	tcase_add_test(t, one_that_is_away_is_passed_over);
	tcase_add_test(t, what_is_refused_ends_the_search);
	tcase_add_test(t, another_key_of_that_label_is_none);
	suite_add_tcase(s, t);
	return unit_run(s);
}
