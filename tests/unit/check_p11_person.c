#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/sha256.h"
#include "tests/unit/notepair.h"
#include "tests/unit/softhsm.h"

static struct p11_config cfg;
static struct err err;

static void setup(void)
{
	softhsm_token("alice", &cfg);
	err_init(&err);
}

static void uri_of(const char *path, char out[600])
{
	snprintf(out, 600, "pkcs11:%s?module-path=%s", path, cfg.module);
}

static enum pv_code ask(const char *uri, bool make, struct hsm_person_key *key)
{
	const struct hsm_person_ask in = { .uri = uri,
					   .pin = softhsm_pin(),
					   .softhsm_conf =
						   getenv("SOFTHSM2_CONF"),
					   .make = make };

	err_init(&err);
	return p11_person(&in, key, &err);
}

/* As a note would be signed. */
static enum pv_code sign(void *ctx, struct span text, const uint8_t digest[32],
			 uint8_t raw[64], struct err *e)
{
	const struct hsm_person_ask in = { .uri = ctx,
					   .pin = softhsm_pin(),
					   .softhsm_conf =
						   getenv("SOFTHSM2_CONF"),
					   .text = text,
					   .digest = digest };
	struct hsm_person_key key;
	enum pv_code rc = p11_person(&in, &key, e);

	memcpy(raw, key.sig, 64);
	return rc;
}

static void check_signs(char *uri, const struct hsm_person_key *made,
			enum note_type type)
{
	struct note_key key;
	const struct note_signer signer = { &key, sign, uri };
	struct buf out;

	UNIT_OK(note_key_from_spki(&key, "alice",
				   (struct span){ made->spki, made->spki_len },
				   &err_));
	ck_assert_int_eq(key.type, type);
	start(&out, "text\n");
	UNIT_OK(note_sign(&out, span_of("text\n"), &signer, &err_));
	buf_release(&out);
}

START_TEST(a_new_key_signs)
{
	struct hsm_person_key made, found;
	char uri[600], first[600];

	uri_of("token=alice;object=alice-key", uri);
	uri_of("object=alice-key;token=alice", first);
	unit_refused(ask(uri, false, &found), PV_NOT_FOUND, NULL, &err);
	unit_ok(ask(uri, true, &made), &err);
	unit_refused(ask(uri, true, &found), PV_CONFLICT, NULL, &err);
	unit_ok(ask(first, false, &found), &err);
	ck_assert_uint_eq(found.spki_len, made.spki_len);
	ck_assert_mem_eq(found.spki, made.spki, made.spki_len);
	check_signs(uri, &made, NOTE_ED25519);
}
END_TEST

/* Made elsewhere; and a key of another kind is none. */
START_TEST(p256_signs)
{
	struct hsm_person_key found;
	struct hsm_key *key;
	struct hsm *h;
	char uri[600];

	uri_of("token=alice;object=p256", uri);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	unit_ok(hsm_generate(h, HSM_KEY_P256, "p256", &key, &err), &err);
	unit_ok(hsm_generate(h, HSM_KEY_STORE, "store", &key, &err), &err);
	hsm_close(h);
	unit_ok(ask(uri, false, &found), &err);
	check_signs(uri, &found, NOTE_ECDSA);
	uri_of("token=alice;object=store", uri);
	ck_assert_int_ne(ask(uri, false, &found), PV_OK);
}
END_TEST

START_TEST(uris)
{
	static const struct {
		const char *uri, *rule;
	} bad[] = {
		{ "pkcs11:token=alice;object=a", "officer.uri" },
		{ "pkcs11:token=alice;object=a?pin-value=1234", "officer.uri" },
		{ "pkcs11:token=alice;object=a?module-path=/m&pin-value=1",
		  "officer.uri" },
		{ "pkcs11:token=alice;object=a?module-path=/%6d",
		  "officer.uri" },
		{ "pkcs11:token=alice?module-path=/m", "officer.uri" },
		{ "pkcs11:token=alice;object=a;pin=1?module-path=/m",
		  "hsm.uri" },
		{ "pkcs11:token=alice;object=a;object=b?module-path=/m",
		  "hsm.uri" },
	};
	struct hsm_person_key key;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		unit_refused(ask(bad[i].uri, false, &key), PV_INPUT,
			     bad[i].rule, &err);
		ck_assert_uint_eq(key.spki_len, 0);
	}
	unit_refused(
		ask("pkcs11:token=a;object=a?module-path=m.so", false, &key),
		PV_DENIED, "hsm.module", &err);
	unit_refused(ask("pkcs11:object=a?module-path=/m", false, &key),
		     PV_INPUT, "hsm.uri", &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_person");
	TCase *t = tcase_create("person");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_new_key_signs);
	tcase_add_test(t, p256_signs);
	tcase_add_test(t, uris);
	suite_add_tcase(s, t);
	return unit_run(s);
}
