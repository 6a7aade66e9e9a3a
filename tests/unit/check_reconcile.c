/*
 * The token's part on a made-up token, and how a run ends; the rest is
 * tests/cli/reconcile.sh.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/flow/keymake.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/reconcile.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

CLEANUP_PTR(struct reconcile, reconcile_free);

#define OBJECTS_MAX 8

/* A token that says what a test wants it to say. */
struct fake {
	struct hsm hsm;
	struct store *store;
	const char *name;	  /* of the token */
	const char *label, *rule; /* finding that key fails by that rule */
	enum pv_code code;
	struct hsm_object objects[OBJECTS_MAX];
	size_t n;
};

struct hsm_key {
	struct hsm_key_info info;
};

static struct hsm_key given;

static enum pv_code fake_find(struct hsm *h, enum hsm_key_kind kind,
			      const char *label, struct hsm_key **key,
			      struct err *e)
{
	struct fake *f = (struct fake *)h;
	struct issue_key want;
	enum pv_code rc;

	if (f->label && strcmp(label, f->label) == 0)
		return err_fail(e, f->code, f->rule, NULL, "as told");
	rc = ownkey_load(f->store, label, &want, e);
	memset(&given, 0, sizeof(given));
	given.info.kind = kind;
	memcpy(given.info.id, want.id, sizeof(want.id));
	memcpy(given.info.spki, want.spki, sizeof(want.spki));
	given.info.spki_len = want.spki_len;
	memcpy(given.info.attrs_sha256, want.attrs_sha256, 32);
	given.info.generated = want.generated;
	*key = &given;
	return rc;
}

static const struct hsm_key_info *fake_info(const struct hsm_key *key)
{
	return &key->info;
}

static enum pv_code fake_objects(struct hsm *h, struct hsm_object **list,
				 size_t *n, struct err *e)
{
	struct fake *f = (struct fake *)h;

	(void)e;
	*n = f->n;
	*list = malloc(sizeof(f->objects));
	ck_assert_ptr_nonnull(*list);
	memcpy(*list, f->objects, sizeof(f->objects));
	return PV_OK;
}

static void fake_token(struct hsm *h, struct hsm_token *out)
{
	const struct fake *f = (struct fake *)h;

	*out = (struct hsm_token){ .serial = "00ff" };
	snprintf(out->label, sizeof(out->label), "%s", f->name);
}

static void fake_close(struct hsm *h)
{
	(void)h;
}

static const struct hsm_ops fake_ops = { .find = fake_find,
					 .info = fake_info,
					 .objects = fake_objects,
					 .token = fake_token,
					 .close = fake_close };

static void add_object(struct fake *f, enum hsm_object_class klass,
		       const char *label)
{
	struct hsm_object *o = &f->objects[f->n++];

	o->klass = klass;
	o->label_len = strlen(label);
	memcpy(o->label, label, o->label_len + 1);
}

/* ---- a run ---- */

static struct opened o;
static struct fake fake;
static struct err err;
static char told[1024]; /* findings, one after the other */
static char detail[512]; /* of the last */
static enum pv_code answer;

static enum pv_code take(void *ctx, const struct reconcile_finding *f,
			 struct err *e)
{
	size_t len = strlen(told);

	(void)ctx;
	snprintf(told + len, sizeof(told) - len, "%s %s %s;",
		 reconcile_kind_name(f->kind), f->what, f->object);
	snprintf(detail, sizeof(detail), "%s", f->detail);
	return answer == PV_OK ? PV_OK
			       : err_fail(e, answer, "test.answer", NULL, "no");
}

static const struct reconcile_opts opts = { .found = take };

static void setup(void)
{
	err_init(&err);
	fix_open(&o, false);
	fake = (struct fake){
		.hsm = { &fake_ops }, .store = o.store, .name = "one"
	};
	told[0] = '\0';
	answer = PV_OK;
}

static void teardown(void)
{
	fix_close(&o);
	memset(&o, 0, sizeof(o));
}

static enum pv_code run_token(enum pv_code *verdict,
			      struct reconcile_counts *counts)
{
	CLEANUP(cleanup_reconcile_free) struct reconcile *r = NULL;
	struct hsm *hsm = &fake.hsm;
	struct hsm_login login = { .token = 0 };
	struct tokens tokens = { .a = o.a, .login = &login, .hsm = &hsm };
	enum pv_code rc;

	unit_ok(reconcile_new(o.a, o.store, &opts, &r, &err), &err);
	rc = reconcile_token(r, &tokens, &err);
	if (rc == PV_OK)
		rc = reconcile_finish(r, counts, verdict, &err);
	return rc;
}

static void token_tells(const char *want, enum pv_code verdict_want)
{
	struct reconcile_counts counts;
	enum pv_code verdict = PV_INTERNAL;

	unit_ok(run_token(&verdict, &counts), &err);
	ck_assert_str_eq(told, want);
	ck_assert_int_eq(verdict, verdict_want);
	ck_assert_uint_eq(counts.keys, 9);
	ck_assert_uint_eq(counts.objects, fake.n);
}

START_TEST(fresh_authority)
{
	struct reconcile_counts counts;
	CLEANUP(cleanup_reconcile_free) struct reconcile *r = NULL;
	enum pv_code verdict = PV_INTERNAL;

	unit_ok(reconcile_new(o.a, o.store, &opts, &r, &err), &err);
	unit_ok(reconcile_finish(r, &counts, &verdict, &err), &err);
	ck_assert_str_eq(told, "");
	ck_assert_int_eq(verdict, PV_OK);
	ck_assert_uint_gt(counts.entries, 0);
	ck_assert_uint_eq(counts.devices, 0);
}
END_TEST

START_TEST(what_belongs)
{
	add_object(&fake, HSM_OBJECT_PRIVATE, "base/root/1");
	add_object(&fake, HSM_OBJECT_PUBLIC, "base/root/1");
	add_object(&fake, HSM_OBJECT_CERTIFICATE, "base/root/1");
	add_object(&fake, HSM_OBJECT_SECRET, "base/store/1");
	/* Public things of others are theirs. */
	add_object(&fake, HSM_OBJECT_PUBLIC, "other");
	add_object(&fake, HSM_OBJECT_CERTIFICATE, "base");
	add_object(&fake, HSM_OBJECT_OTHER, "basement/x/1");
	token_tells("", PV_OK);
}
END_TEST

START_TEST(orphans)
{
	add_object(&fake, HSM_OBJECT_PRIVATE, "");
	add_object(&fake, HSM_OBJECT_SECRET, "base/root/1");
	add_object(&fake, HSM_OBJECT_PUBLIC, "base/store/1");
	add_object(&fake, HSM_OBJECT_CERTIFICATE, "base/old/1");
	add_object(&fake, HSM_OBJECT_OTHER, "base/root/1");
	add_object(&fake, HSM_OBJECT_PRIVATE, "a\x1b[2J");
	token_tells("orphan-object private key (no label);"
		    "orphan-object secret key base/root/1;"
		    "orphan-object public key base/store/1;"
		    "orphan-object certificate base/old/1;"
		    "orphan-object object base/root/1;"
		    "orphan-object private key a?[2J;",
		    PV_CONFLICT);
}
END_TEST

static const struct verdict {
	const char *rule, *told;
	enum pv_code verdict;
} verdicts[] = {
	{ "hsm.key-missing", "missing key base/kdf/1;", PV_CONFLICT },
	{ "hsm.key-half", "missing key base/kdf/1;", PV_CONFLICT },
	{ "hsm.key-double", "doubled key base/kdf/1;", PV_CONFLICT },
	{ "hsm.key", "different key base/kdf/1;", PV_INTEGRITY },
	{ "hsm.key-attributes", "different key base/kdf/1;", PV_INTEGRITY },
};

START_TEST(keys)
{
	fake.label = "base/kdf/1";
	fake.code = PV_HSM_FATAL;
	fake.rule = verdicts[_i].rule;
	token_tells(verdicts[_i].told, verdicts[_i].verdict);
}
END_TEST

/* A token that cannot say is no finding. */
START_TEST(token_away)
{
	struct reconcile_counts counts;
	enum pv_code verdict = PV_INTERNAL;

	fake.label = "base/kdf/1";
	fake.code = _i ? PV_HSM_TEMP : PV_HSM_FATAL;
	fake.rule = _i ? "hsm.key-missing" : "hsm.length";
	unit_refused(run_token(&verdict, &counts), fake.code, fake.rule, &err);
	ck_assert_str_eq(told, "");
	ck_assert_int_ne(verdict, PV_OK);
}
END_TEST

/* ---- two tokens ---- */

static struct fake other;

static enum pv_code open_fake(const struct authority *a,
			      struct hsm_login *login, struct hsm **hsm,
			      struct err *e)
{
	(void)a;
	(void)e;
	*hsm = login->token == 0 ? &fake.hsm : &other.hsm;
	return PV_OK;
}

/* The next generation, which the store has and some token. */
static void make_next(const char *purpose)
{
	struct keymake_job job = { .authority = "base",
				   .purpose = purpose,
				   .generation = 2,
				   .kind = HSM_KEY_P256 };
	struct issue_key key;

	teardown();
	fix_open(&o, true);
	job.store = o.store;
	job.hsm = o.hsm;
	unit_ok(keymake(&job, &key, &err), &err);
	teardown();
	fix_open(&o, false);
}

static const char *with_two(enum pv_code verdict_want)
{
	CLEANUP(cleanup_reconcile_free) struct reconcile *r = NULL;
	const struct backends backends = { .hsm_open = open_fake };
	struct hsm *hsm = &fake.hsm;
	struct hsm_login login = { .token = 0 };
	struct reconcile_counts counts;
	enum pv_code verdict = PV_INTERNAL;

	fake.store = other.store = o.store;
	o.a->tokens_n = 2;
	struct tokens tokens = { o.a, &backends, &login, &hsm, 0 };
	told[0] = '\0';
	unit_ok(reconcile_new(o.a, o.store, &opts, &r, &err), &err);
	unit_ok(reconcile_token(r, &tokens, &err), &err);
	unit_ok(reconcile_finish(r, &counts, &verdict, &err), &err);
	ck_assert_int_eq(verdict, verdict_want);
	return told;
}

START_TEST(next_generation_on_one)
{
	static const char named[] = "token two (serial 00ff) has generation 1 ";

	other = fake;
	other.name = "two";
	make_next("bundle");
	ck_assert_str_eq(with_two(PV_OK), "");
	/* On the first alone: the second takes over no more. */
	other.label = "base/bundle/2";
	other.code = PV_HSM_FATAL;
	other.rule = "hsm.key-missing";
	ck_assert_str_eq(with_two(PV_OK), "not-on-token key base/bundle/2;");
	ck_assert_mem_eq(detail, named, sizeof(named) - 1);
	ck_assert_ptr_nonnull(strstr(detail, "restore-key"));
	/* A key of which it has no earlier one is not expected there. */
	other.label = "base/bundle/1";
	ck_assert_str_eq(with_two(PV_OK), "");
	/* On none: that is another matter. */
	other.label = fake.label = "base/bundle/2";
	fake.code = other.code;
	fake.rule = other.rule;
	ck_assert_str_eq(with_two(PV_CONFLICT), "missing key base/bundle/2;");
}
END_TEST

START_TEST(output_lost)
{
	struct reconcile_counts counts;
	enum pv_code verdict = PV_INTERNAL;

	add_object(&fake, HSM_OBJECT_PRIVATE, "x");
	answer = PV_INTERRUPTED;
	unit_refused(run_token(&verdict, &counts), PV_INTERRUPTED,
		     "test.answer", &err);
	ck_assert_int_ne(verdict, PV_OK);
}
END_TEST

START_TEST(folder_in_use)
{
	char path[300];
	int mine, runs;

	snprintf(path, sizeof(path), "%s", fix_path("held"));
	ck_assert(mkdir(path, 0700) == 0);
	mine = open(path, O_RDONLY | O_DIRECTORY);
	runs = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(flock(runs, LOCK_EX | LOCK_NB), 0);
	unit_refused(reconcile_hold(mine, "held", &err), PV_CONFLICT,
		     "output.busy", &err);
	err_init(&err);
	ck_assert_int_eq(flock(runs, LOCK_UN), 0);
	unit_ok(reconcile_hold(mine, "held", &err), &err);
	ck_assert_int_ne(flock(runs, LOCK_EX | LOCK_NB), 0);
	close(mine);
	ck_assert_int_eq(flock(runs, LOCK_EX | LOCK_NB), 0);
	close(runs);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reconcile");
	TCase *t = tcase_create("reconcile");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, fresh_authority);
	tcase_add_test(t, what_belongs);
	tcase_add_test(t, orphans);
	tcase_add_loop_test(t, keys, 0,
			    (int)(sizeof(verdicts) / sizeof(verdicts[0])));
	tcase_add_loop_test(t, token_away, 0, 2);
	tcase_add_test(t, output_lost);
	tcase_add_test(t, folder_in_use);
	tcase_add_test(t, next_generation_on_one); /* it leaves a key */
	suite_add_tcase(s, t);
	return unit_run(s);
}
