#include <string.h>

#include "pkcs11/keygen.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

static struct p11_config cfg;
static struct err err;
static struct hsm *h;
static struct p11 *p;

static void setup(void)
{
	softhsm_token("acme", &cfg);
	err_init(&err);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	p = (struct p11 *)h;
}

static void teardown(void)
{
	hsm_close(h);
}

/* An AES key as somebody else might have left it on the token. */
static void foreign_key(const char *label, CK_ATTRIBUTE_TYPE off_rule,
			bool value, CK_ULONG len, size_t id_len)
{
	static const uint8_t id[HSM_ID_LEN] = { 1, 2, 3 };
	CK_MECHANISM m = { CKM_AES_KEY_GEN, NULL, 0 };
	struct p11_template t = { .n = 0 };
	CK_BBOOL flag = value;
	CK_OBJECT_HANDLE made;

	p11_template_secret(&t, HSM_KEY_STORE, label, id, p->quirk, false,
			    true);
	for (CK_ULONG i = 0; i < t.n; i++) {
		if (t.a[i].type == off_rule)
			t.a[i].pValue = &flag;
		if (t.a[i].type == CKA_ID)
			t.a[i].ulValueLen = id_len;
	}
	p11_template_add(&t, CKA_VALUE_LEN, &len, sizeof(len));
	ck_assert_uint_eq(p->mod.f->C_GenerateKey(p->pool.seats[0].session, &m,
						  t.a, t.n, &made),
			  CKR_OK);
}

static const struct off_rule {
	CK_ATTRIBUTE_TYPE type;
	bool value;
	const char *name;
} off_rules[] = {
	{ CKA_SENSITIVE, false, "CKA_SENSITIVE" },
	{ CKA_EXTRACTABLE, true, "CKA_EXTRACTABLE" },
	{ CKA_WRAP, true, "CKA_WRAP" },
	{ CKA_UNWRAP, true, "CKA_UNWRAP" },
	{ CKA_SIGN, true, "CKA_SIGN" },
	{ CKA_VERIFY, true, "CKA_VERIFY" },
	{ CKA_DERIVE, true, "CKA_DERIVE" },
	{ CKA_DECRYPT, false, "CKA_DECRYPT" },
	{ CKA_ENCRYPT, false, "CKA_ENCRYPT" },
	{ CKA_PRIVATE, false, "CKA_PRIVATE" },
};

START_TEST(attributes_off)
{
	const struct off_rule *r = &off_rules[_i];
	struct hsm_key *key;

	foreign_key("a/store/1", r->type, r->value, 32, HSM_ID_LEN);
	unit_refused(hsm_find(h, HSM_KEY_STORE, "a/store/1", &key, &err),
		     PV_HSM_FATAL, "hsm.key-attributes", &err);
	ck_assert_msg(strstr(err.message, r->name) != NULL, "%s", err.message);
}
END_TEST

START_TEST(short_key_and_id)
{
	struct hsm_key *key;

	foreign_key("a/store/1", 0, false, 16, HSM_ID_LEN);
	unit_refused(hsm_find(h, HSM_KEY_STORE, "a/store/1", &key, &err),
		     PV_HSM_FATAL, "hsm.key-attributes", &err);
	err_init(&err);
	foreign_key("a/store/2", 0, false, 32, HSM_ID_LEN - 1);
	unit_refused(hsm_find(h, HSM_KEY_STORE, "a/store/2", &key, &err),
		     PV_HSM_FATAL, "hsm.key-id", &err);
	err_init(&err);
	foreign_key("a/store/3", 0, false, 32, HSM_ID_LEN);
	unit_ok(hsm_find(h, HSM_KEY_STORE, "a/store/3", &key, &err), &err);
}
END_TEST

START_TEST(two_of_a_label)
{
	struct hsm_key *key;

	foreign_key("a/store/1", 0, false, 32, HSM_ID_LEN);
	foreign_key("a/store/1", 0, false, 32, HSM_ID_LEN);
	unit_refused(hsm_find(h, HSM_KEY_STORE, "a/store/1", &key, &err),
		     PV_HSM_FATAL, "hsm.key-double", &err);
}
END_TEST

START_TEST(two_pairs_of_a_label)
{
	struct hsm_key *one, *two;
	CK_ATTRIBUTE label = { CKA_LABEL, (void *)"a/root/1", 8 };

	/* CKA_MODIFIABLE is false, so the second pair gets its label late:
	 * it is generated under a quirk that leaves it modifiable. */
	struct p11_quirk quirk = *p->quirk;

	unit_ok(hsm_generate(h, HSM_KEY_P256, "a/root/1", &one, &err), &err);
	quirk.no_modifiable = true;
	p->quirk = &quirk;
	unit_ok(hsm_generate(h, HSM_KEY_P256, "a/root/2", &two, &err), &err);
	ck_assert_uint_eq(
		p->mod.f->C_SetAttributeValue(p->pool.seats[0].session,
					      two->handle, &label, 1),
		CKR_OK);
	ck_assert_uint_eq(
		p->mod.f->C_SetAttributeValue(p->pool.seats[0].session,
					      two->public_handle, &label, 1),
		CKR_OK);
	p11_key_forget(p, one);
	unit_refused(hsm_find(h, HSM_KEY_P256, "a/root/1", &one, &err),
		     PV_HSM_FATAL, "hsm.key-double", &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_keys");
	TCase *t = tcase_create("keys");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, attributes_off, 0,
			    sizeof(off_rules) / sizeof(off_rules[0]));
	tcase_add_test(t, short_key_and_id);
	tcase_add_test(t, two_of_a_label);
	tcase_add_test(t, two_pairs_of_a_label);
	suite_add_tcase(s, t);
	return unit_run(s);
}
