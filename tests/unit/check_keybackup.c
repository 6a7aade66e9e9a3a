/* A key of the authority backed up 3 of 5, and restored onto a second token. */
#include "lib/flow/keybackup.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/backends.h"
#include "lib/flow/keymake.h"
#include "lib/flow/keyrestore.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/log/lifecycle.h"
#include "pkcs11/destroy.h"
#include "pkcs11/keygen.h"
#include "tests/unit/issued_fix.h"
#include "tests/unit/unit.h"

#define N 5u
#define M 3u
#define LABEL "base/unit/1"

static struct err err;
static struct opened o;
static struct issue_key made;
static struct backup backup;
static struct shares given;
static const uint8_t digest[32] = { 7, 7, 7 };

/* As an officer takes it: what was written is read again. */
static enum pv_code take(void *ctx, const struct share *share, struct err *why)
{
	SECRET text = SECRET_INIT;
	enum pv_code rc = share_text(share, &text, why);

	(void)ctx;
	if (rc == PV_OK)
		rc = share_parse(&text, &given.share[given.n], why);
	given.n += rc == PV_OK;
	return rc;
}

static struct keybackup_job job_of(const struct issue_key *key)
{
	return (struct keybackup_job){ .hsm = o.hsm,
				       .key = key,
				       .authority = o.a->name,
				       .m = M,
				       .n = N,
				       .give = take };
}

/* In the parent of all tests: authority, second token, key, backup. */
static void make_all(void)
{
	SECRET so_pin = SECRET_INIT;
	struct keymake_job make;
	struct keybackup_job job;

	fix_make_base();
	err_init(&err);
	fix_open(&o, false);
	unit_ok(secret_copy(&so_pin, "so-pin-8765", 11, &err), &err);
	unit_ok(app_backends.pin_read(o.a, &o.pin, &err), &err);
	unit_ok(app_backends.token_init(o.a, "twin", &so_pin, &o.pin, NULL, &err),
		&err);
	fix_close(&o);
	fix_open(&o, true);
	make = (struct keymake_job){ .authority = o.a->name,
				     .store = o.store,
				     .hsm = o.hsm,
				     .purpose = "unit",
				     .generation = 1,
				     .kind = HSM_KEY_P256_BACKUP };
	unit_ok(keymake(&make, &made, &err), &err);
	job = job_of(&made);
	unit_ok(keybackup(&job, &backup, &err), &err);
	ck_assert_uint_eq(given.n, N);
	fix_close(&o);
}

/* The authority with the second token open. */
static void setup(void)
{
	struct hsm_login login = { .token = 1 };

	err_init(&err);
	fix_open(&o, false);
	snprintf(o.a->tokens[1], AUTHORITY_URI_MAX, "pkcs11:token=twin");
	o.a->tokens_n = 2;
	unit_ok(app_backends.pin_read(o.a, &o.pin, &err), &err);
	login.pin = &o.pin;
	unit_ok(app_backends.hsm_open(o.a, &login, &o.hsm, &err), &err);
}

static void nothing_there(void)
{
	struct hsm_object *list;
	size_t n;

	err_init(&err);
	unit_ok(hsm_objects(o.hsm, &list, &n, &err), &err);
	ck_assert_uint_eq(n, 0);
	free(list);
}

/* Leaves the second token as it was. */
static void teardown(void)
{
	struct hsm_key *key;
	struct p11 *p = (struct p11 *)o.hsm;

	err_init(&err);
	unit_ok(p11_destroy_id(p, made.id, &err), &err);
	if (hsm_find(o.hsm, made.kind, LABEL, &key, NULL) == PV_OK)
		p11_key_forget(p, key);
	fix_close(&o);
}

static struct keyrestore_job restoring(const struct share *const *some,
				       size_t n)
{
	return (struct keyrestore_job){ .hsm = o.hsm,
					.store = o.store,
					.key = &made,
					.backup = &backup,
					.shares = some,
					.n = n,
					.digest = digest,
					.token = "0123456789abcdef" };
}

static size_t choose(unsigned bits, const struct share *some[SHARES_MAX])
{
	size_t n = 0;

	for (unsigned i = 0; i < N; i++)
		if (bits & (1u << i))
			some[n++] = &given.share[i];
	return n;
}

static void forget(void)
{
	struct p11 *p = (struct p11 *)o.hsm;
	struct hsm_key *key;

	unit_ok(hsm_find(o.hsm, made.kind, LABEL, &key, &err), &err);
	p11_key_forget(p, key);
	unit_ok(p11_destroy_id(p, made.id, &err), &err);
}

/* All ten; each time on a token that has not the key. */
START_TEST(every_three_restore)
{
	unsigned restored = 0;

	for (unsigned bits = 0; bits < 1u << N; bits++) {
		const struct share *some[SHARES_MAX];
		struct keyrestore_report report;
		struct keyrestore_job job;
		struct hsm_key *key;
		struct issue_key now;

		if (choose(bits, some) != M)
			continue;
		nothing_there();
		job = restoring(some, M);
		unit_ok(keyrestore(&job, &report, &err), &err);
		ck_assert(!report.info.generated);
		unit_ok(ownkey_load(o.store, LABEL, &now, &err), &err);
		ck_assert(now.restored);
		unit_ok(ownkey_find(o.hsm, &now, &key, &err), &err);
		forget();
		restored++;
	}
	ck_assert_uint_eq(restored, 10);
}
END_TEST

START_TEST(every_pair_fails)
{
	unsigned refused = 0;

	for (unsigned bits = 0; bits < 1u << N; bits++) {
		const struct share *some[SHARES_MAX];
		struct keyrestore_report report;
		struct keyrestore_job job;

		if (choose(bits, some) != M - 1)
			continue;
		job = restoring(some, M - 1);
		err_init(&err);
		unit_refused(keyrestore(&job, &report, &err), PV_INPUT,
			     "shares.few", &err);
		refused++;
	}
	ck_assert_uint_eq(refused, 10);
	nothing_there();
}
END_TEST

START_TEST(every_mangled_share_fails)
{
	for (unsigned i = 0; i < N; i++) {
		const struct share *some[SHARES_MAX];
		struct secret *value = &given.share[i].value;
		struct keyrestore_report report;
		struct keyrestore_job job;
		size_t n = choose(7u << (i < 3 ? 0 : 2), some);

		job = restoring(some, n);
		for (size_t at = 0; at < value->len; at++) {
			value->data[at] ^= (uint8_t)(1u << (at % 8));
			err_init(&err);
			unit_refused(keyrestore(&job, &report, &err),
				     PV_INTEGRITY, "shares.mangled", &err);
			value->data[at] ^= (uint8_t)(1u << (at % 8));
		}
	}
	nothing_there();
}
END_TEST

/* Of a backup that was made before, or of another key. */
START_TEST(what_does_not_belong_together)
{
	const struct share *some[] = { &given.share[0], &given.share[1],
				       &given.share[2] };
	struct keyrestore_job job = restoring(some, 3);
	struct keyrestore_report report;
	struct issue_key other = made;
	struct backup changed = backup;

	given.share[2].split[3] ^= 1;
	unit_refused(keyrestore(&job, &report, &err), PV_INTEGRITY,
		     "shares.other", &err);
	given.share[2].split[3] ^= 1;
	other.id[0] ^= 1;
	job.key = &other;
	err_init(&err);
	unit_refused(keyrestore(&job, &report, &err), PV_INTEGRITY,
		     "backup.other", &err);
	job.key = &made;
	job.backup = &changed;
	changed.wrapped[11] ^= 1;
	err_init(&err);
	unit_refused(keyrestore(&job, &report, &err), PV_INTEGRITY,
		     "hsm.wrapped", &err);
	nothing_there();
}
END_TEST

START_TEST(a_destroyed_one_stays_so)
{
	const struct share *some[] = { &given.share[0], &given.share[1],
				       &given.share[2] };
	struct keyrestore_job job = restoring(some, 3);
	struct keyrestore_report report;
	STORE_TXN txn = STORE_TXN_INIT; /* rolled back at the end */

	unit_ok(store_begin(o.store, STORE_WRITE, &txn, &err), &err);
	unit_ok(store_key_destroy(o.store, LABEL, 1, &err), &err);
	unit_refused(keyrestore(&job, &report, &err), PV_DENIED,
		     "key.destroyed", &err);
	nothing_there();
}
END_TEST

/* Without a restore on record a copy is not our key. */
START_TEST(a_copy_that_nobody_recorded)
{
	const struct share *some[] = { &given.share[0], &given.share[1],
				       &given.share[4] };
	struct keyrestore_job job = restoring(some, 3);
	struct keyrestore_report report;
	struct issue_key never = made;
	struct hsm_key *key;

	unit_ok(keyrestore(&job, &report, &err), &err);
	never.restored = false;
	unit_refused(ownkey_find(o.hsm, &never, &key, &err), PV_HSM_FATAL,
		     "hsm.key", &err);
}
END_TEST

struct last {
	uint64_t index;
};

static enum pv_code newest(void *ctx, const struct store_key *row,
			   struct err *why)
{
	struct last *l = ctx;

	(void)why;
	if (strcmp(row->label, LABEL) == 0)
		l->index = row->restore_index;
	return PV_OK;
}

START_TEST(is_on_record)
{
	const struct share *some[] = { &given.share[3], &given.share[1],
				       &given.share[4] };
	struct keyrestore_job job = restoring(some, 3);
	struct keyrestore_report report;
	struct last l = { STORE_NO_INDEX };
	const struct store_visit v = { .ctx = &l, .fn.key = newest };
	struct log_entry e;
	struct buf room;

	unit_ok(keyrestore(&job, &report, &err), &err);
	unit_ok(store_key_each(o.store, &v, &err), &err);
	ck_assert(l.index != STORE_NO_INDEX);
	buf_init(&room, LOG_ENTRY_MAX);
	unit_ok(logged_entry(o.store, l.index, LOG_KEY_RESTORE, LABEL, &room,
			     &e, &err),
		&err);
	ck_assert(logged_text_is(&e, "token", "0123456789abcdef"));
	ck_assert(logged_text_is(&e, "kind", "p256-backup"));
	ck_assert(logged_uint_is(&e, "generated", 0));
	ck_assert(log_fact_is(&e, "attributes hash", report.info.attrs_sha256,
			      32));
	buf_release(&room);
}
END_TEST

START_TEST(what_may_not_leave)
{
	struct issue_key bundle;
	struct keybackup_job job;
	struct backup none;

	unit_ok(ownkey_load(o.store, "base/bundle/1", &bundle, &err), &err);
	job = job_of(&bundle);
	unit_refused(keybackup(&job, &none, &err), PV_DENIED, "backup.key",
		     &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keybackup");
	TCase *t = tcase_create("keybackup");

	tcase_set_timeout(t, 240);
	tcase_add_unchecked_fixture(t, make_all, NULL);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, every_three_restore);
	tcase_add_test(t, every_pair_fails);
	tcase_add_test(t, every_mangled_share_fails);
	tcase_add_test(t, what_does_not_belong_together);
	tcase_add_test(t, a_destroyed_one_stays_so);
	tcase_add_test(t, a_copy_that_nobody_recorded);
	tcase_add_test(t, is_on_record);
	tcase_add_test(t, what_may_not_leave);
	suite_add_tcase(s, t);
	return unit_run(s);
}
