#include <string.h>

#include "pkcs11/pkcs11.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

static struct p11_config cfg;
static struct err err;

static void setup(void)
{
	softhsm_token("acme", &cfg);
	err_init(&err);
}

/* Without a login: public keys, and nothing else. */
START_TEST(what_is_shown)
{
	struct hsm_publics shown;
	struct hsm_key *key, *other;
	uint8_t id[HSM_ID_LEN];
	struct hsm *h;

	unit_ok(p11_publics(&cfg, &shown, &err), &err);
	ck_assert_uint_eq(shown.n, 0);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	unit_ok(hsm_generate(h, HSM_KEY_P256, "a/x/1", &key, &err), &err);
	unit_ok(hsm_generate(h, HSM_KEY_STORE, "a/s/1", &other, &err), &err);
	memcpy(id, hsm_info(h, key)->id, sizeof(id));
	hsm_close(h);
	unit_ok(p11_publics(&cfg, &shown, &err), &err);
	ck_assert_uint_eq(shown.n, 1);
	ck_assert_mem_eq(shown.id[0], id, sizeof(id));
}
END_TEST

START_TEST(away)
{
	struct hsm_publics shown;

	cfg.token_uri = "pkcs11:token=other";
	unit_refused(p11_publics(&cfg, &shown, &err), PV_HSM_TEMP,
		     "hsm.token-missing", &err);
	ck_assert_uint_eq(shown.n, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_publics");
	TCase *t = tcase_create("publics");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, what_is_shown);
	tcase_add_test(t, away);
	suite_add_tcase(s, t);
	return unit_run(s);
}
