#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/keymake.h"
#include "lib/flow/remanifest.h"
#include "lib/seal/manifest.h"
#include "tests/unit/issued_fix.h"
#include "tests/unit/unit.h"

static struct err err;

/* The next bundle key, opened. */
static void next_key(const struct opened *o, struct tokensign *key)
{
	struct keymake_known known;
	struct issue_key made;
	struct keymake_job job = { .authority = o->a->name,
				   .store = o->store,
				   .hsm = o->hsm,
				   .purpose = "bundle",
				   .kind = HSM_KEY_P256 };

	unit_ok(keymake_known(o->store, "bundle", &known, &err), &err);
	job.generation = known.generation + 1;
	unit_ok(keymake(&job, &made, &err), &err);
	unit_ok(tokensign_open(key, o->hsm, &made, &err), &err);
}

static void old_of(const struct opened *o, const struct remanifest_one *one,
		   struct buf *old)
{
	uint64_t sequence = 0;
	bool found = false;

	buf_init(old, MANIFEST_SIZE_MAX);
	unit_ok(store_manifest_get(o->store, one->template_sha256, one->stage,
				   &sequence, old, &found, &err),
		&err);
	ck_assert(found && sequence == one->sequence);
}

/* What binds it stays: payload and hash; the rest is the new key's. */
static void ck_signed_anew(const struct opened *o, struct tokensign *key,
			   const struct remanifest_one *one)
{
	struct manifest_parts was, is;
	struct buf old;

	old_of(o, one, &old);
	unit_ok(manifest_parse(buf_span(&old), NULL, &was, &err), &err);
	unit_ok(manifest_parse(buf_span(&one->message), NULL, &is, &err), &err);
	ck_assert(span_equal(was.payload, is.payload));
	ck_assert_mem_eq(was.payload_sha256, is.payload_sha256, 32);
	ck_assert_mem_eq(is.kid.p, key->kid, sizeof(key->kid));
	ck_assert(!span_equal(was.kid, is.kid));
	unit_ok(x509_verify_digest(key->verifier, is.digest, is.sig.p,
				   PV_INTEGRITY, &err),
		&err);
	buf_release(&old);
}

static void put(const struct opened *o, const struct remanifest *r)
{
	STORE_TXN t = STORE_TXN_INIT;

	unit_ok(store_begin(o->store, STORE_WRITE, &t, &err), &err);
	unit_ok(remanifest_put(o->store, r, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
}

START_TEST(signs_all_once_and_none_again)
{
	struct tokensign key = { .key = NULL };
	struct remanifest r;
	struct buf now;
	size_t n;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	next_key(&o, &key);
	unit_ok(remanifest_sign(o.store, &key, &r, &err), &err);
	/* Those of the plan, and two of ours. */
	ck_assert_uint_ge(r.n, 8);
	for (size_t i = 0; i < r.n; i++)
		ck_signed_anew(&o, &key, &r.list[i]);
	/* Nothing is stored before it is put. */
	remanifest_release(&r);
	ck_assert(r.n == 0 && r.list == NULL);
	unit_ok(remanifest_sign(o.store, &key, &r, &err), &err);
	n = r.n;
	put(&o, &r);
	for (size_t i = 0; i < n; i++) {
		old_of(&o, &r.list[i], &now);
		ck_assert(span_equal(buf_span(&now),
				     buf_span(&r.list[i].message)));
		buf_release(&now);
	}
	remanifest_release(&r);
	unit_ok(remanifest_sign(o.store, &key, &r, &err), &err);
	ck_assert_uint_eq(r.n, 0);
	remanifest_release(&r);
	tokensign_close(&key);
}
END_TEST

static const struct damage {
	const char *sql, *undo, *rule;
} damages[] = {
	/* the key that made them is none of ours */
	{ "update own_key set purpose = 'other' where purpose = 'bundle'",
	  "update own_key set purpose = 'bundle' where purpose = 'other'",
	  "manifest.key" },
	/* the last byte of a signature */
	{ "update manifest set bytes = cast(substr(bytes, 1, length(bytes) - "
	  "1) || x'00' as blob) where template = (select min(template) from "
	  "manifest)",
	  NULL, "signature.wrong" },
	{ "update manifest set bytes = x'd28443a10126'", NULL, NULL },
};

START_TEST(signs_nothing_that_was_not_signed_before)
{
	const struct damage *d = &damages[_i];
	struct tokensign key = { .key = NULL };
	struct remanifest r;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	next_key(&o, &key);
	issued_sql(d->sql);
	unit_refused(remanifest_sign(o.store, &key, &r, &err), PV_INTEGRITY,
		     d->rule, &err);
	if (d->undo)
		issued_sql(d->undo);
	remanifest_release(&r);
	tokensign_close(&key);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("remanifest");
	TCase *tc = tcase_create("remanifest");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, issued_make_base, NULL);
	tcase_add_test(tc, signs_all_once_and_none_again);
	tcase_add_loop_test(tc, signs_nothing_that_was_not_signed_before, 0,
			    sizeof(damages) / sizeof(*damages));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
