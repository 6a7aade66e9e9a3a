/* Which of our own keys count, on a real token, store and log. */
#include <stdio.h>
#include <string.h>

#include "lib/flow/checkpoint.h"
#include "lib/flow/event.h"
#include "lib/flow/keymake.h"
#include "lib/flow/keystand_rows.h"
#include "lib/flow/ownkey.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_log.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

static struct err err;
static struct keystand_rows rows;

static const struct store_key *row_of(struct opened *o, const char *label)
{
	const struct store_key *key;

	unit_ok(keystand_rows_load(o->store, NULL, &rows, &err), &err);
	key = keystand_rows_find(&rows, label);
	ck_assert(key != NULL);
	return key;
}

static enum pv_code used(struct opened *o, const char *label)
{
	struct keystand ks;

	err_init(&err);
	unit_ok(keystand_load(o->store, &ks, &err), &err);
	return keystand_used(&ks, row_of(o, label), &err);
}

static enum pv_code made(struct opened *o, const char *label)
{
	struct keystand ks;

	err_init(&err);
	unit_ok(keystand_load(o->store, &ks, &err), &err);
	return keystand_made(&ks, row_of(o, label), &err);
}

/* The next generation of that purpose, made and recorded. */
static void make(struct opened *o, const char *purpose, struct issue_key *key)
{
	struct keymake_known known;
	struct keymake_job job = { .authority = o->a->name,
				   .store = o->store,
				   .hsm = o->hsm,
				   .purpose = purpose };

	unit_ok(keymake_known(o->store, purpose, &known, &err), &err);
	job.generation = known.generation + 1;
	job.kind = known.newest.kind;
	unit_ok(keymake(&job, key, &err), &err);
}

/* Its key.rotate; ends: one that only ends a rotation. */
static void rotate(struct opened *o, const struct issue_key *key,
		   unsigned generation, bool ends)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct log_key facts;
	struct event_who who;
	struct log_entry e;
	uint8_t hash[32];
	uint64_t index;

	unit_ok(keymake_facts(key, generation, hash, &facts, &err), &err);
	unit_ok(store_begin(o->store, STORE_WRITE, &txn, &err), &err);
	unit_ok(event_now(o->store, &who, &err), &err);
	unit_ok(store_log_size(o->store, &index, &err), &err);
	log_key_rotate(&e, &who.who, &facts, "base/x/1");
	if (ends)
		log_fact_uint(&e, LOG_ENDS, 1);
	unit_ok(store_key_rotate(o->store, key->label, index, &err), &err);
	unit_ok(event_append(o->store, &e, &err), &err);
	unit_ok(store_commit(&txn, &err), &err);
}

static void sign(struct opened *o)
{
	err_init(&err);
	unit_ok(checkpoint_now(o->a, o->store, o->hsm, &err), &err);
}

START_TEST(test_of_init)
{
	OPENED o;

	fix_open(&o, false);
	unit_ok(keystand_rows_load(o.store, NULL, &rows, &err), &err);
	ck_assert_uint_gt(rows.n, 4);
	for (size_t i = 0; i < rows.n; i++) {
		char label[HSM_LABEL_MAX];

		snprintf(label, sizeof(label), "%s", rows.row[i].label);
		unit_ok(used(&o, label), &err);
	}
}
END_TEST

/* A copy on another token counts as the log says, not as the row does. */
START_TEST(test_restored)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct log_key facts;
	struct event_who who;
	struct issue_key key;
	struct log_entry e;
	uint8_t hash[32];
	uint64_t index;
	OPENED o;

	fix_open(&o, false);
	unit_ok(ownkey_load(o.store, "base/bundle/1", &key, &err), &err);
	unit_ok(store_begin(o.store, STORE_WRITE, &txn, &err), &err);
	unit_ok(store_key_restore(o.store, key.label, 1, &err), &err);
	unit_ok(store_commit(&txn, &err), &err);
	unit_refused(used(&o, key.label), PV_INTEGRITY, "store.edited", &err);
	err_init(&err);
	key.generated = false;
	unit_ok(keymake_facts(&key, 1, hash, &facts, &err), &err);
	unit_ok(store_begin(o.store, STORE_WRITE, &txn, &err), &err);
	unit_ok(event_now(o.store, &who, &err), &err);
	log_key_restore(&e, &who.who, &facts, "0123abcd");
	unit_ok(event_append_at(o.store, &e, &index, &err), &err);
	unit_ok(store_key_restore(o.store, key.label, index, &err), &err);
	unit_ok(store_commit(&txn, &err), &err);
	unit_ok(used(&o, key.label), &err);
}
END_TEST

START_TEST(test_prepared_then_used)
{
	struct issue_key key;
	uint64_t size;
	OPENED o;

	fix_open(&o, true);
	unit_ok(store_log_size(o.store, &size, &err), &err);
	unit_ok(keystand_none_since(o.store, size, &err), &err);
	make(&o, "kdf", &key);
	unit_refused(made(&o, key.label), PV_INTEGRITY, "log.key", &err);
	err_init(&err);
	unit_refused(keystand_none_since(o.store, size, &err), PV_CONFLICT,
		     "log.key", &err);
	err_init(&err);
	unit_ok(keystand_shown(o.a, o.store, size, o.hsm, &err), &err);
	sign(&o);
	unit_ok(made(&o, key.label), &err);
	unit_refused(used(&o, key.label), PV_INTEGRITY, "log.key", &err);
	ck_assert_str_eq(err.object, key.label);
	err_init(&err);
	rotate(&o, &key, 2, false);
	unit_refused(used(&o, key.label), PV_INTEGRITY, "log.key", &err);
	sign(&o);
	unit_ok(used(&o, key.label), &err);
	unit_ok(keystand_label(o.store, key.label, &err), &err);
	unit_refused(keystand_label(o.store, "base/kdf/9", &err), PV_NOT_FOUND,
		     "context.key", &err);
}
END_TEST

/* Row and entry of its end; entry false: of another entry. */
static void destroy(struct opened *o, const struct issue_key *key,
		    unsigned generation, bool entry)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct log_key facts;
	struct event_who who;
	struct log_entry e;
	uint8_t hash[32];
	uint64_t index = 1;

	unit_ok(keymake_facts(key, generation, hash, &facts, &err), &err);
	unit_ok(store_begin(o->store, STORE_WRITE, &txn, &err), &err);
	unit_ok(event_now(o->store, &who, &err), &err);
	log_key_destroy(&e, &who.who, &facts);
	if (entry)
		unit_ok(event_append_at(o->store, &e, &index, &err), &err);
	unit_ok(store_key_destroy(o->store, key->label, index, &err), &err);
	unit_ok(store_commit(&txn, &err), &err);
}

/* The token need not show a transport key that was used; that it was one, and
 * that it is gone, the log says. */
START_TEST(test_transport_gone)
{
	struct issue_key key;
	struct keymake_job job = { .purpose = "transport",
				   .generation = 1 + (unsigned)_i,
				   .kind = HSM_KEY_TRANSPORT };
	uint64_t size;
	OPENED o;

	fix_open(&o, true);
	job.authority = o.a->name;
	job.store = o.store;
	job.hsm = o.hsm;
	unit_ok(store_log_size(o.store, &size, &err), &err);
	unit_ok(keymake(&job, &key, &err), &err);
	unit_refused(keystand_none_since(o.store, size, &err), PV_CONFLICT,
		     "log.key", &err);
	err_init(&err);
	destroy(&o, &key, job.generation, _i == 0);
	if (_i == 0)
		unit_ok(keystand_none_since(o.store, size, &err), &err);
	else
		unit_refused(keystand_none_since(o.store, size, &err),
			     PV_INTEGRITY, "store.edited", &err);
}
END_TEST

/* What ends a rotation puts nothing to use. */
START_TEST(test_only_ended)
{
	struct issue_key key;
	OPENED o;

	fix_open(&o, true);
	make(&o, "store", &key);
	rotate(&o, &key, 2, true);
	sign(&o);
	unit_refused(used(&o, key.label), PV_INTEGRITY, "store.edited", &err);
}
END_TEST

START_TEST(test_log_key)
{
	struct keystand ks;
	struct issue_key key;
	OPENED o;

	fix_open(&o, true);
	make(&o, "log", &key);
	rotate(&o, &key, 2, false);
	unit_ok(keystand_load(o.store, &ks, &err), &err);
	ck_assert_uint_eq(ks.n, 1);
	sign(&o);
	unit_ok(keystand_load(o.store, &ks, &err), &err);
	ck_assert_uint_eq(ks.n, 2);
	ck_assert_uint_eq(ks.log[1].generation, 2);
	ck_assert_uint_gt(ks.log[1].since, 0);
}
END_TEST

/* provctl.json names one that is prepared only. */
START_TEST(test_named)
{
	struct authority_key *named = NULL;
	struct issue_key key;
	struct keystand ks;
	OPENED o;

	fix_open(&o, true);
	make(&o, "bundle", &key);
	sign(&o);
	unit_ok(keystand_load(o.store, &ks, &err), &err);
	unit_ok(keystand_named(&ks, o.a, &err), &err);
	for (size_t i = 0; i < o.a->keys_n; i++)
		if (strcmp(o.a->keys[i].purpose, "bundle") == 0)
			named = &o.a->keys[i];
	ck_assert(named != NULL);
	snprintf(named->label, sizeof(named->label), "%s", key.label);
	unit_refused(keystand_named(&ks, o.a, &err), PV_INTEGRITY,
		     "config.keys", &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keystand");
	TCase *t = tcase_create("keystand");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_of_init);
	tcase_add_test(t, test_prepared_then_used);
	tcase_add_test(t, test_only_ended);
	tcase_add_test(t, test_log_key);
	tcase_add_test(t, test_named);
	tcase_add_test(t, test_restored);
	/* Last: it leaves a row that no entry vouches for. */
	tcase_add_loop_test(t, test_transport_gone, 0, 2);
	suite_add_tcase(s, t);
	return unit_run(s);
}
