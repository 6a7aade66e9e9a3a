/* What devices attest with: keys, one in force, none of two devices. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "lib/store/store_attest.h"
#include "lib/store/store_evidence.h"
#include "lib/store/store_history.h"
#include "tests/unit/store_rig.h"

static struct buf got;

static void open_rig(void)
{
	setup();
	buf_init(&got, 4096);
}

static void close_rig(void)
{
	buf_release(&got);
	teardown();
}

static struct store_attkey a_key(const char *device, const char *bytes,
				 enum store_attkey_state state)
{
	struct store_attkey k = { .state = state, .format = 1 };

	snprintf(k.device, sizeof(k.device), "%s", device);
	k.key = (struct span){ (const uint8_t *)bytes, strlen(bytes) };
	memset(k.key_sha256, bytes[0], sizeof(k.key_sha256));
	if (state == ATTKEY_PENDING)
		memset(k.secret_sha256, 0x55, sizeof(k.secret_sha256));
	return k;
}

static enum pv_code put(const struct store_attkey *k)
{
	return store_attkey_put(s, k, fix_entry("attest.enrol"), &err);
}

static void ck_key(const char *device, enum store_attkey_state state,
		   const char *bytes)
{
	struct store_attkey k;
	bool found;

	buf_reset(&got);
	unit_ok(store_attkey_get(s, device, state, &k, &got, &found, &err),
		&err);
	ck_assert(found == (bytes != NULL));
	if (!found)
		return;
	ck_assert_str_eq(k.device, device);
	ck_assert(k.state == state && span_is(k.key, bytes));
	ck_assert(k.key_sha256[31] == (uint8_t)bytes[0]);
}

START_TEST(test_enrol)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_attkey pending = a_key("D-1", "aaa", ATTKEY_PENDING);
	struct store_attkey a = a_key("D-1", "aaa", ATTKEY_ENROLLED);
	struct store_attkey b = a_key("D-1", "bbb", ATTKEY_ENROLLED);
	struct store_attkey c = a_key("D-1", "ccc", ATTKEY_PENDING);

	memset(pending.ek_sha256, 7, sizeof(pending.ek_sha256));
	begin(&t);
	unit_ok(put(&pending), &err);
	unit_ok(put(&pending), &err); /* asked anew */
	ck_key("D-1", ATTKEY_PENDING, "aaa");
	ck_key("D-1", ATTKEY_ENROLLED, NULL);
	unit_ok(put(&a), &err);
	ck_key("D-1", ATTKEY_PENDING, NULL);
	/* The one in force, again. */
	unit_ok(put(&pending), &err);
	unit_ok(put(&a), &err);
	ck_key("D-1", ATTKEY_PENDING, NULL);
	ck_key("D-1", ATTKEY_ENROLLED, "aaa");
	ck_key("D-1", ATTKEY_REPLACED, "aaa");
	unit_ok(put(&c), &err);
	unit_ok(put(&b), &err);
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_key("D-1", ATTKEY_ENROLLED, "bbb");
		ck_key("D-1", ATTKEY_REPLACED, "aaa");
		ck_key("D-1", ATTKEY_PENDING, NULL);
		ck_key("D-2", ATTKEY_ENROLLED, NULL);
	}
	begin(&t);
	/* Once replaced, it does not come back. */
	ck_refused(put(&a), PV_CONFLICT, "store.attkey");
	ck_refused(put(&pending), PV_CONFLICT, "store.attkey");
	store_rollback(&t);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

static void ck_owner(const struct store_attkey *k, const char *want)
{
	char device[STORE_ID_MAX + 1];

	unit_ok(store_attkey_owner(s, k, device, &err), &err);
	ck_assert_str_eq(device, want);
}

/* What is offered takes nobody anything: its owner is yet to be shown. */
START_TEST(test_offered)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_attkey offered = a_key("D-2", "aaa", ATTKEY_PENDING);
	struct store_attkey a = a_key("D-1", "aaa", ATTKEY_ENROLLED);

	begin(&t);
	unit_ok(put(&offered), &err);
	ck_owner(&a, "");
	unit_ok(put(&a), &err);
	ck_owner(&offered, "D-1");
	ck_refused(put(&offered), PV_CONFLICT, "store.attkey");
	offered.state = ATTKEY_ENROLLED;
	memset(offered.secret_sha256, 0, sizeof(offered.secret_sha256));
	ck_refused(put(&offered), PV_CONFLICT, "store.attkey");
	store_rollback(&t);
}
END_TEST

/* One TPM is one device's, whatever attestation keys it makes. */
START_TEST(test_one_tpm)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_attkey a = a_key("D-1", "aaa", ATTKEY_ENROLLED);
	struct store_attkey offered = a_key("D-2", "bbb", ATTKEY_PENDING);
	struct store_attkey b = a_key("D-2", "bbb", ATTKEY_ENROLLED);
	struct store_attkey again = a_key("D-1", "ccc", ATTKEY_ENROLLED);

	memset(a.ek_sha256, 7, sizeof(a.ek_sha256));
	memset(b.ek_sha256, 7, sizeof(b.ek_sha256));
	memset(offered.ek_sha256, 7, sizeof(offered.ek_sha256));
	memset(again.ek_sha256, 7, sizeof(again.ek_sha256));
	begin(&t);
	unit_ok(put(&offered), &err);
	unit_ok(put(&a), &err); /* an offer takes nobody the TPM */
	ck_owner(&again, "D-1");
	ck_refused(put(&b), PV_CONFLICT, "store.attkey");
	unit_ok(put(&again), &err);
	ck_refused(put(&b), PV_CONFLICT, "store.attkey");
	store_rollback(&t);
}
END_TEST

START_TEST(test_two_devices)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_attkey a = a_key("D-1", "aaa", ATTKEY_ENROLLED);
	struct store_attkey other = a_key("D-2", "aaa", ATTKEY_ENROLLED);
	struct store_attkey b = a_key("D-1", "bbb", ATTKEY_ENROLLED);

	a.instance[0] = 1;
	a.instance_len = STORE_UEID;
	begin(&t);
	ck_owner(&a, "");
	unit_ok(put(&a), &err);
	ck_owner(&other, "D-1");
	ck_refused(put(&other), PV_CONFLICT, "store.attkey");
	other = a_key("D-2", "xxx", ATTKEY_ENROLLED);
	ck_owner(&other, "");
	other.instance[0] = 1;
	other.instance_len = STORE_UEID;
	ck_owner(&other, "D-1");
	ck_refused(put(&other), PV_CONFLICT, "store.attkey");
	/* The same device may keep its instance. */
	b.instance[0] = 1;
	b.instance_len = STORE_UEID;
	unit_ok(put(&b), &err);
	/* Also what was replaced stays its device's. */
	ck_refused(put(&other), PV_CONFLICT, "store.attkey");
	other = a_key("D-2", "aaa", ATTKEY_PENDING);
	ck_refused(put(&other), PV_CONFLICT, "store.attkey");
	commit(&t);
}
END_TEST

START_TEST(test_refused)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_attkey k[6];

	for (size_t i = 0; i < 6; i++)
		k[i] = a_key("D-1", "aaa", ATTKEY_ENROLLED);
	k[0].device[0] = '\0';
	k[1].state = ATTKEY_REPLACED;
	k[2].key.len = 0;
	k[3].format = 3;
	k[4].instance_len = 32;
	memset(k[5].secret_sha256, 1, 32);
	begin(&t);
	for (size_t i = 0; i < 6; i++)
		ck_refused(put(&k[i]), PV_INPUT, "store.attkey");
	ck_refused(store_attkey_put(s, &k[0], (struct span){ NULL, 0 }, &err),
		   PV_INPUT, "store.attkey");
	commit(&t);
}
END_TEST

static enum pv_code add_key(void *ctx, const struct store_attkey *k,
			    struct err *e)
{
	char *text = ctx;

	(void)e;
	snprintf(text + strlen(text), 256 - strlen(text), "%s:%.*s/%d ",
		 k->device, (int)k->key.len,
		 k->key.p ? (const char *)k->key.p : "", (int)k->state);
	return PV_OK;
}

static void ck_all(const char *want)
{
	char text[256] = "";
	const struct store_visit v = { text, { .attkey = add_key } };

	unit_ok(store_attkey_each(s, &v, &err), &err);
	ck_assert_str_eq(text, want);
}

START_TEST(test_retired)
{
	STORE_TXN t = STORE_TXN_INIT;
	const char *id = dev[0].intent.s.device;
	struct store_attkey mac = a_key(id, "sealed", ATTKEY_ENROLLED);
	struct store_attkey spki = a_key(id, "public", ATTKEY_ENROLLED);
	struct store_attkey other = a_key("ZZZ", "theirs", ATTKEY_ENROLLED);
	char want[256];

	mac.mac = other.mac = true;
	begin(&t);
	reserve(&dev[0], 0);
	unit_ok(put(&mac), &err);
	unit_ok(put(&spki), &err);
	unit_ok(put(&other), &err);
	unit_ok(store_retire(s, first, fix_entry("device.retire"), &err), &err);
	commit(&t);
	reopen();
	snprintf(want, sizeof(want), "%s:/2 %s:public/1 ZZZ:theirs/1 ", id, id);
	ck_all(want);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* ---- damage ---- */

static const char *const damages[] = {
	"UPDATE attkey SET state = 3",
	"UPDATE attkey SET format = 3",
	"UPDATE attkey SET mac = 2",
	"UPDATE attkey SET key = NULL",
	"UPDATE attkey SET instance = x'01'",
	"UPDATE attkey SET secret = key_sha256",
	"UPDATE attkey SET key_sha256 = x'01'",
	"UPDATE attkey SET device = printf('%.100c', 'x')",
};

START_TEST(test_damaged)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_attkey a = a_key("D-1", "aaa", ATTKEY_ENROLLED);
	char text[256] = "";
	const struct store_visit v = { text, { .attkey = add_key } };
	sqlite3 *db;

	begin(&t);
	unit_ok(put(&a), &err);
	commit(&t);
	store_close(s);
	s = NULL;
	ck_assert(sqlite3_open(path, &db) == SQLITE_OK);
	ck_assert(sqlite3_exec(db, damages[_i], NULL, NULL, NULL) == SQLITE_OK);
	ck_assert(sqlite3_total_changes(db) == 1);
	ck_assert(sqlite3_close(db) == SQLITE_OK);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_refused(store_attkey_each(s, &v, &err), PV_INTEGRITY,
		   "store.corrupt");
	ck_assert_str_eq(text, "");
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store_attest");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, open_rig, close_rig);
	tcase_add_test(t, test_enrol);
	tcase_add_test(t, test_two_devices);
	tcase_add_test(t, test_one_tpm);
	tcase_add_test(t, test_offered);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_retired);
	tcase_add_loop_test(t, test_damaged, 0,
			    sizeof(damages) / sizeof(damages[0]));
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
