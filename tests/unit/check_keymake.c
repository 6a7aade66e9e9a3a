#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/keymake.h"
#include "lib/flow/logged.h"
#include "lib/flow/ownkey.h"
#include "lib/store/store_log.h"
#include "tests/unit/issued_fix.h"
#include "tests/unit/unit.h"

static struct err err;

static struct keymake_job job(const struct opened *o, const char *purpose,
			      unsigned generation, enum hsm_key_kind kind)
{
	return (struct keymake_job){ .authority = o->a->name,
				     .store = o->store,
				     .hsm = o->hsm,
				     .purpose = purpose,
				     .generation = generation,
				     .kind = kind };
}

static const struct made {
	const char *purpose, *label;
	unsigned generation;
	enum hsm_key_kind kind;
} made[] = {
	{ "bundle", "base/bundle/2", 2, HSM_KEY_P256 },
	{ "unit", "base/unit/1", 1, HSM_KEY_P256 },
	{ "log", "base/log/7", 7, HSM_KEY_ED25519 },
	{ "kdf", "base/kdf/2", 2, HSM_KEY_KDF },
	{ "store", "base/store/2", 2, HSM_KEY_STORE },
};

/* The entry that the row of that label names. */
static void ck_entry(const struct opened *o, const struct issue_key *key,
		     uint64_t index, unsigned generation)
{
	struct log_entry e;
	struct log_key facts;
	uint8_t hash[32];
	struct buf room;

	buf_init(&room, LOG_ENTRY_MAX);
	unit_ok(logged_entry(o->store, index, LOG_KEY_GENERATE, key->label,
			     &room, &e, &err),
		&err);
	ck_assert(logged_text_is(&e, "purpose", key->purpose));
	ck_assert(logged_uint_is(&e, "generation", generation));
	unit_ok(keymake_facts(key, generation, hash, &facts, &err), &err);
	ck_assert_str_eq(facts.label, key->label);
	ck_assert_str_eq(facts.kind, ownkey_kind_name(key->kind));
	if (key->spki_len > 0)
		ck_assert(log_fact_is(&e, "spki", hash, 32));
	else
		ck_assert(facts.spki == NULL &&
			  !log_fact_find(&e, "spki", LOG_BSTR));
	buf_release(&room);
}

START_TEST(makes_and_records_one)
{
	const struct made *m = &made[_i];
	struct keymake_known before, after;
	struct hsm_key *found = NULL;
	struct issue_key key, row;
	struct keymake_job j;
	uint64_t size;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	j = job(&o, m->purpose, m->generation, m->kind);
	unit_ok(keymake_known(o.store, m->purpose, &before, &err), &err);
	unit_ok(store_log_size(o.store, &size, &err), &err);
	unit_ok(keymake(&j, &key, &err), &err);
	ck_assert_str_eq(key.label, m->label);
	ck_assert_str_eq(key.purpose, m->purpose);
	ck_assert(key.generated && key.kind == m->kind);
	/* It is in the token as it is in the store. */
	unit_ok(ownkey_load(o.store, m->label, &row, &err), &err);
	unit_ok(ownkey_find(o.hsm, &row, &found, &err), &err);
	ck_assert_mem_eq(row.id, key.id, HSM_ID_LEN);
	ck_entry(&o, &key, size, m->generation);
	unit_ok(keymake_known(o.store, m->purpose, &after, &err), &err);
	ck_assert_uint_eq(after.n, before.n + 1);
	ck_assert_uint_eq(after.all, before.all + 1);
	ck_assert_uint_eq(after.generation, m->generation);
	ck_assert_str_eq(after.newest.label, m->label);
}
END_TEST

START_TEST(takes_no_label_twice)
{
	struct keymake_known known;
	struct issue_key key;
	struct keymake_job j;
	uint64_t before, after;
	OPENED o;

	/* Of the key in use, and of one that a crash left in the token. */
	err_init(&err);
	fix_open(&o, true);
	j = job(&o, "bundle", 1, HSM_KEY_P256);
	if (_i == 1) {
		struct hsm_key *left = NULL;

		j = job(&o, "left", 1, HSM_KEY_P256);
		unit_ok(hsm_generate(o.hsm, j.kind, "base/left/1", &left, &err),
			&err);
	}
	unit_ok(store_log_size(o.store, &before, &err), &err);
	unit_refused(keymake(&j, &key, &err), PV_CONFLICT, "hsm.label-taken",
		     &err);
	err_init(&err);
	unit_ok(store_log_size(o.store, &after, &err), &err);
	ck_assert_uint_eq(before, after);
	unit_ok(keymake_known(o.store, j.purpose, &known, &err), &err);
	ck_assert(_i == 0 ? known.n > 0 : known.n == 0);
}
END_TEST

/* The clock: nothing is recorded, and the label is not used again. */
START_TEST(records_nothing_at_a_time_that_no_entry_may_have)
{
	struct keymake_known known;
	struct issue_key key;
	struct keymake_job j;
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	o.store->witness_ms = UINT64_MAX / 2;
	j = job(&o, "late", 1, HSM_KEY_P256);
	unit_refused(keymake(&j, &key, &err), PV_DENIED, NULL, &err);
	err_init(&err);
	unit_ok(keymake_known(o.store, "late", &known, &err), &err);
	ck_assert_uint_eq(known.n, 0);
	/* nor was a key left on the token, in the way of the next try */
	o.store->witness_ms = 0;
	err_init(&err);
	unit_ok(keymake(&j, &key, &err), &err);
}
END_TEST

START_TEST(knows_none_of_a_purpose_that_has_none)
{
	struct keymake_known known;
	OPENED o;

	err_init(&err);
	fix_open(&o, false);
	memset(&known, 0xff, sizeof(known));
	unit_ok(keymake_known(o.store, "nothing", &known, &err), &err);
	ck_assert(known.n == 0 && known.generation == 0);
	ck_assert_uint_ge(known.all, 8);
}
END_TEST

START_TEST(labels_are_bounded)
{
	char long_name[200], label[HSM_LABEL_MAX];
	struct keymake_job j = { .authority = long_name,
				 .purpose = long_name,
				 .generation = 4000000000u };

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	keymake_label(&j, label);
	ck_assert_uint_lt(strlen(label), HSM_LABEL_MAX);
	ck_assert_str_eq(strrchr(label, '/'), "/4000000000");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("keymake");
	TCase *tc = tcase_create("keymake");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, fix_make_base, NULL);
	tcase_add_loop_test(tc, makes_and_records_one, 0,
			    sizeof(made) / sizeof(*made));
	tcase_add_loop_test(tc, takes_no_label_twice, 0, 2);
	tcase_add_test(tc, records_nothing_at_a_time_that_no_entry_may_have);
	tcase_add_test(tc, knows_none_of_a_purpose_that_has_none);
	tcase_add_test(tc, labels_are_bounded);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
