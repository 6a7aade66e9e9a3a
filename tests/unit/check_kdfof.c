#include <stdio.h>
#include <string.h>

#include "lib/flow/kdfof.h"
#include "lib/flow/ownkey.h"
#include "tests/unit/issued_fix.h"
#include "tests/unit/unit.h"

static struct err err;

static void master(const struct opened *o, struct issue_key *key)
{
	const struct authority_key *named = NULL;

	unit_ok(authority_key(o->a, "kdf", &named, &err), &err);
	unit_ok(ownkey_load(o->store, named->label, key, &err), &err);
}

static enum pv_code of(const char *device, uint8_t id[HSM_ID_LEN], bool *found)
{
	struct store_device d;
	OPENED o;

	err_init(&err);
	fix_open(&o, false);
	issued_get(&o, device, &d);
	return kdfof_device(o.store, &d, id, found, &err);
}

START_TEST(is_the_one_that_its_bundle_names)
{
	uint8_t id[HSM_ID_LEN];
	struct issue_key want, key;
	bool found = false;
	OPENED o;

	err_init(&err);
	issued_kdf("K0001");
	unit_ok(of("K0001", id, &found), &err);
	ck_assert(found);
	fix_open(&o, false);
	master(&o, &want);
	ck_assert_mem_eq(id, want.id, HSM_ID_LEN);
	unit_ok(kdfof_key(o.store, id, &key, &err), &err);
	ck_assert_str_eq(key.label, want.label);
	ck_assert(key.kind == HSM_KEY_KDF);
}
END_TEST

START_TEST(is_none_of_a_device_with_a_key_of_its_own)
{
	uint8_t id[HSM_ID_LEN];
	bool found = true;

	EVP_PKEY_free(issued_cert("U0001"));
	unit_ok(of("U0001", id, &found), &err);
	ck_assert(!found);
}
END_TEST

/* As of an intent that waits for its result. */
START_TEST(is_that_of_the_credential_before_one_without_a_bundle)
{
	struct store_device d, next;
	uint8_t id[HSM_ID_LEN];
	bool found = false;
	OPENED o;

	err_init(&err);
	issued_kdf("K0002");
	fix_open(&o, false);
	issued_get(&o, "K0002", &d);
	next = d;
	next.s.number = d.s.number + 4096;
	next.s.replaces = d.s.number;
	unit_ok(kdfof_device(o.store, &next, id, &found, &err), &err);
	ck_assert(found);
	next.s.replaces = 0;
	unit_ok(kdfof_device(o.store, &next, id, &found, &err), &err);
	ck_assert(!found);
	next.s.replaces = d.s.number + 4097;
	unit_refused(kdfof_device(o.store, &next, id, &found, &err),
		     PV_INTEGRITY, "store.edited", &err);
}
END_TEST

START_TEST(is_none_that_we_have_not)
{
	static const char *const purposes[] = { "store", "bundle", NULL };
	const char *purpose = purposes[_i];
	const struct authority_key *named = NULL;
	struct issue_key key = { .id = { 0xee } }, found;
	OPENED o;

	/* Neither a key of another kind, nor one that was never recorded. */
	err_init(&err);
	fix_open(&o, false);
	if (purpose) {
		unit_ok(authority_key(o.a, purpose, &named, &err), &err);
		unit_ok(ownkey_load(o.store, named->label, &key, &err), &err);
	}
	unit_refused(kdfof_key(o.store, key.id, &found, &err), PV_INTEGRITY,
		     "kdf.generation", &err);
}
END_TEST

#define OF " where number = (select number from device where device = '%s')"
static const char *const edits[] = {
	"update bundle set seq = seq + 1" OF,
	"update bundle set bundle_id = x'00112233445566778899aabbccddeeff'" OF,
	"update bundle set len = len - 1" OF,
};

START_TEST(finds_a_bundle_that_was_edited)
{
	uint8_t id[HSM_ID_LEN];
	char device[16], sql[300];
	bool found;

	snprintf(device, sizeof(device), "K001%d", _i);
	issued_kdf(device);
	snprintf(sql, sizeof(sql), edits[_i], device);
	issued_sql(sql);
	unit_refused(of(device, id, &found), PV_INTEGRITY, NULL, &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kdfof");
	TCase *tc = tcase_create("kdfof");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, issued_make_base, NULL);
	tcase_add_test(tc, is_the_one_that_its_bundle_names);
	tcase_add_test(tc, is_none_of_a_device_with_a_key_of_its_own);
	tcase_add_test(tc,
		       is_that_of_the_credential_before_one_without_a_bundle);
	tcase_add_loop_test(tc, is_none_that_we_have_not, 0, 3);
	tcase_add_loop_test(tc, finds_a_bundle_that_was_edited, 0,
			    sizeof(edits) / sizeof(*edits));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
