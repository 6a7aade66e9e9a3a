/* Keys of the token against what was recorded of them; uses of the store key.
 */
#include <string.h>

#include "lib/flow/datakey.h"
#include "lib/flow/export.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/tokensign.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

CLEANUP_PTR(struct issue_context, issue_context_free);
CLEANUP_PTR(struct atrest, atrest_free);

static struct err err;

static void load(struct opened *o, const char *purpose, struct issue_key *key)
{
	const struct authority_key *named = NULL;

	err_init(&err);
	unit_ok(authority_key(o->a, purpose, &named, &err), &err);
	unit_ok(ownkey_load(o->store, named->label, key, &err), &err);
}

static void find_refused(struct opened *o, const struct issue_key *want)
{
	struct hsm_key *key = NULL;

	unit_refused(ownkey_find(o->hsm, want, &key, &err), PV_HSM_FATAL,
		     "hsm.key", &err);
	ck_assert(key == NULL);
	err_init(&err);
}

static const char *const purposes[] = { "root", "bundle", "kdf", "store" };

START_TEST(test_identity)
{
	OPENED o;
	struct hsm_key *key = NULL;
	struct issue_key want;
	struct issue_key other;

	fix_open(&o, true);
	load(&o, purposes[_i], &want);
	ck_assert(want.generated);
	unit_ok(ownkey_find(o.hsm, &want, &key, &err), &err);
	ck_assert(key != NULL);
	other = want;
	other.id[0]++;
	find_refused(&o, &other);
	other = want;
	other.attrs_sha256[31]++;
	find_refused(&o, &other);
	other = want;
	other.generated = false;
	find_refused(&o, &other);
	other = want;
	other.spki_len = want.spki_len ? 0 : 1;
	find_refused(&o, &other);
}
END_TEST

/* A key that was made anew where the recorded one should be. */
START_TEST(test_made_anew)
{
	CLEANUP(cleanup_atrest_free) struct atrest *data = NULL;
	CLEANUP(tokensign_close) struct tokensign t = { .hsm = NULL };
	OPENED o;
	struct issue_key want;
	struct hsm_key *key = NULL;
	uint8_t id[ATREST_ID_LEN];
	struct buf row;

	buf_init(&row, 256);
	fix_open(&o, true);
	load(&o, "store", &want);
	unit_ok(hsm_generate(o.hsm, HSM_KEY_STORE, "other/store", &key, &err),
		&err);
	strcpy(want.label, "other/store");
	find_refused(&o, &want);
	unit_refused(
		datakey_new(o.hsm, &want, 0, "base", id, &row, &data, &err),
		PV_HSM_FATAL, "hsm.key", &err);
	ck_assert(data == NULL && row.len == 0);
	err_init(&err);
	unit_refused(datakey_open(o.hsm, &want, "base", id, buf_span(&row),
				  &data, &err),
		     PV_HSM_FATAL, "hsm.key", &err);
	load(&o, "bundle", &want);
	unit_ok(hsm_generate(o.hsm, HSM_KEY_P256, "other/bundle", &key, &err),
		&err);
	strcpy(want.label, "other/bundle");
	unit_refused(tokensign_open(&t, o.hsm, &want, &err), PV_HSM_FATAL,
		     "hsm.key", &err);
	err_init(&err);
	load(&o, "kdf", &want);
	unit_refused(tokensign_open(&t, o.hsm, &want, &err), PV_HSM_FATAL,
		     "hsm.key", &err);
	buf_release(&row);
}
END_TEST

START_TEST(test_unknown)
{
	OPENED o;
	struct issue_key key;
	struct store_key row = { .label = "x", .kind = HSM_KEY_TRANSPORT + 1 };

	fix_open(&o, false);
	err_init(&err);
	unit_refused(ownkey_load(o.store, "base/none/1", &key, &err),
		     PV_NOT_FOUND, "context.key", &err);
	err_init(&err);
	unit_refused(ownkey_from_row(&row, &key, &err), PV_INTEGRITY,
		     "store.corrupt", &err);
}
END_TEST

/* 2^32 rows of one generation and no more (formats.md 9). */
START_TEST(test_uses)
{
	OPENED o;
	struct issue_key want;
	uint8_t id[ATREST_ID_LEN];
	struct buf row;

	buf_init(&row, 256);
	fix_open(&o, true);
	load(&o, "store", &want);
	for (int last = 1; last >= 0; last--) {
		CLEANUP(cleanup_atrest_free) struct atrest *data = NULL;
		enum pv_code rc = datakey_new(o.hsm, &want,
					      ATREST_USES_MAX - (uint64_t)last,
					      "base", id, &row, &data, &err);

		if (last)
			unit_ok(rc, &err);
		else
			unit_refused(rc, PV_DENIED, "atrest.uses", &err);
		ck_assert((data != NULL) == (last == 1));
		buf_reset(&row);
	}
	buf_release(&row);
}
END_TEST

/* The uses of a run's store key are the rows of the runs before it. */
START_TEST(test_uses_counted)
{
	OPENED o;
	STORE_TXN txn = STORE_TXN_INIT;
	uint8_t row[60] = { 0 };
	uint8_t id[STORE_UUID] = { 7 };

	fix_open(&o, false);
	err_init(&err);
	for (uint64_t n = 0; n < 3; n++) {
		CLEANUP(cleanup_issue_context_free)
		struct issue_context *ctx = NULL;

		unit_ok(issue_context_load(o.a, o.store, "symmetric-sensor",
					   &ctx, &err),
			&err);
		ck_assert(ctx->store_uses == n);
		memcpy(row, ctx->store_key->id, STORE_UUID);
		id[1] = (uint8_t)n;
		unit_ok(store_begin(o.store, STORE_WRITE, &txn, &err), &err);
		unit_ok(store_datakey_put(o.store, id,
					  (struct span){ row, sizeof(row) },
					  &err),
			&err);
		unit_ok(store_commit(&txn, &err), &err);
	}
}
END_TEST

START_TEST(test_log)
{
	static const char *const others[] = { "",	   "lo",
					      "logistics", "log-old",
					      "Log",	   "log-ecdsa-old",
					      "log-ecds",  "root" };

	ck_assert(ownkey_is_log("log"));
	ck_assert(ownkey_is_log("log-ecdsa"));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert(!ownkey_is_log(others[i]));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ownkey");
	TCase *t = tcase_create("ownkey");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, test_identity, 0,
			    (int)(sizeof(purposes) / sizeof(purposes[0])));
	tcase_add_test(t, test_made_anew);
	tcase_add_test(t, test_log);
	tcase_add_test(t, test_unknown);
	tcase_add_test(t, test_uses);
	tcase_add_test(t, test_uses_counted);
	suite_add_tcase(s, t);
	return unit_run(s);
}
