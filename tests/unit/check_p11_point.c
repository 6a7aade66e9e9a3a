#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/hsm.h"
#include "pkcs11/attrs.h"
#include "pkcs11/point.h"
#include "tests/unit/unit.h"

struct form {
	unsigned mask;
	size_t head_len;
	uint8_t p256[3], ed25519[3];
};

static const struct form forms[] = {
	{ P11_POINT_RAW, 0, { 0 }, { 0 } },
	{ P11_POINT_OCTET_STRING, 2, { 0x04, 65 }, { 0x04, 32 } },
	{ P11_POINT_BIT_STRING, 3, { 0x03, 66, 0 }, { 0x03, 33, 0 } },
};

static void make_spki(const char *type, const char *group, uint8_t *out,
		      size_t len)
{
	EVP_PKEY *key =
		group ? EVP_EC_gen(group) : EVP_PKEY_Q_keygen(NULL, NULL, type);
	unsigned char *der = NULL;

	ck_assert(key != NULL);
	ck_assert_int_eq(i2d_PUBKEY(key, &der), (int)len);
	memcpy(out, der, len);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}

static void each_form(bool p256)
{
	size_t spki_len = p256 ? 91 : 44, len = p256 ? 65 : 32;
	uint8_t spki[91], value[80], out[HSM_SPKI_MAX];
	struct err err;
	size_t out_len = 0;

	make_spki("ED25519", p256 ? "P-256" : NULL, spki, spki_len);
	for (unsigned f = 0; f < 3; f++) {
		const struct form *form = &forms[f];
		struct span s = { value, form->head_len + len };

		memcpy(value, p256 ? form->p256 : form->ed25519,
		       form->head_len);
		memcpy(value + form->head_len, spki + spki_len - len, len);
		if (p256 && form->mask == P11_POINT_OCTET_STRING) {
			p11_point_octets(spki + spki_len - len, out);
			ck_assert_mem_eq(out, value, P11_POINT_OCTETS_LEN);
		}
		for (unsigned mask = 0; mask <= P11_POINT_ANY; mask++) {
			enum pv_code rc;

			err_init(&err);
			rc = p256 ? p11_point_p256(s, mask, out, &out_len, &err)
				  : p11_point_ed25519(s, mask, out, &out_len,
						      &err);
			if (!(mask & form->mask)) {
				unit_refused(rc, PV_HSM_FATAL, "hsm.point",
					     &err);
				continue;
			}
			unit_ok(rc, &err);
			ck_assert_uint_eq(out_len, spki_len);
			ck_assert_mem_eq(out, spki, spki_len);
		}
	}
}

START_TEST(p256_forms)
{
	each_form(true);
}
END_TEST

START_TEST(ed25519_forms)
{
	each_form(false);
}
END_TEST

static void p256_refused(const uint8_t *value, size_t len)
{
	uint8_t out[HSM_SPKI_MAX];
	size_t out_len = 0;
	struct err err;

	err_init(&err);
	unit_refused(p11_point_p256((struct span){ value, len }, P11_POINT_ANY,
				    out, &out_len, &err),
		     PV_HSM_FATAL, "hsm.point", &err);
	ck_assert_uint_eq(out_len, 0);
}

START_TEST(p256_bad)
{
	uint8_t spki[91], value[70];

	make_spki(NULL, "P-256", spki, 91);
	memcpy(value, spki + 26, 65);
	for (size_t len = 0; len < 65; len++)
		p256_refused(value, len);
	value[64] ^= 1; /* off the curve */
	p256_refused(value, 65);
	value[64] ^= 1;
	value[0] = 0x06; /* hybrid */
	p256_refused(value, 65);
	value[0] = 0x02;
	p256_refused(value, 33); /* compressed */
	memset(value, 0, sizeof(value));
	p256_refused(value, 1); /* infinity */
	value[0] = 0x04;
	p256_refused(value, 65);
	memset(value + 1, 0xff, 64);
	p256_refused(value, 65);
	/* Wrong inner lengths, unused bits. */
	memcpy(value + 2, spki + 26, 65);
	value[0] = 0x04;
	value[1] = 64;
	p256_refused(value, 67);
	memcpy(value + 3, spki + 26, 65);
	value[0] = 0x03;
	value[1] = 66;
	value[2] = 1;
	p256_refused(value, 68);
}
END_TEST

START_TEST(ed25519_bad)
{
	uint8_t out[HSM_SPKI_MAX], y[32];
	struct span s = { y, 32 };
	size_t out_len = 0;
	struct err err;

	for (int i = 0; i < 22; i++) {
		/* 0, 1, then 2^255-19 and what is above it; both signs. */
		memset(y, i < 4 ? 0 : 0xff, 32);
		y[0] = (uint8_t)(i < 4 ? i / 2 : 0xed + i - 4);
		y[31] = (uint8_t)((i < 4 ? 0 : 0x7f) | (i % 2 ? 0x80 : 0));
		err_init(&err);
		unit_refused(p11_point_ed25519(s, P11_POINT_ANY, out, &out_len,
					       &err),
			     PV_HSM_FATAL, "hsm.point", &err);
	}
	memset(y, 0xff, 32);
	y[0] = 0xec; /* p - 1 has order 2, but is canonical */
	y[31] = 0x7f;
	err_init(&err);
	unit_refused(p11_point_ed25519(s, P11_POINT_ANY, out, &out_len, &err),
		     PV_HSM_FATAL, "hsm.point", &err);
}
END_TEST

/* Attributes as no token of this machine gives them. */
static struct p11_attrs fit(void)
{
	/* TOKEN PRIVATE SENSITIVE EXTRACTABLE, LOCAL ALWAYS NEVER MODIFIABLE,
	 * SIGN RECOVER ENCRYPT DECRYPT VERIFY WRAP UNWRAP DERIVE */
	struct p11_attrs a = {
		.on = { 1, 1, 1, 0, 1, 1, 1, 0, 1, 0, -1, 0, -1, -1, 0, 0 },
		.key_type = CKK_EC,
		.generated_by = CKM_EC_KEY_PAIR_GEN,
		.generated_by_known = true,
	};

	return a;
}

static void judged(const struct p11_attrs *a, enum hsm_key_kind kind, bool fits,
		   bool generated)
{
	static const struct p11_quirk quirk = { .manufacturer = "",
						.model = "" };
	struct err err;
	bool got = !generated;
	enum pv_code rc;

	err_init(&err);
	rc = p11_attrs_check(a, kind, &quirk, &got, &err);
	if (!fits) {
		unit_refused(rc, PV_HSM_FATAL, "hsm.key-attributes", &err);
		return;
	}
	unit_ok(rc, &err);
	ck_assert(got == generated);
}

START_TEST(attributes)
{
	/* For each boolean: what an EC key bears beside its proper value. */
	for (size_t i = 0; i < P11_ATTRS_N; i++) {
		struct p11_attrs a = fit();
		bool use_off = i >= 9, modifiable = i == 7;

		a.on[i] = 1;
		judged(&a, HSM_KEY_P256, !use_off && i != 3, true);
		a.on[i] = 0;
		judged(&a, HSM_KEY_P256, use_off || modifiable || i == 3, true);
		a.on[i] = -1;
		judged(&a, HSM_KEY_P256, use_off || modifiable, true);
	}
}
END_TEST

START_TEST(origin)
{
	struct p11_attrs a = fit();

	a.on[4] = a.on[5] = a.on[6] = 0;
	a.generated_by_known = false;
	judged(&a, HSM_KEY_P256, true, false);
	a = fit();
	a.generated_by = CKM_RSA_PKCS_KEY_PAIR_GEN;
	judged(&a, HSM_KEY_P256, false, false);
	a = fit();
	a.generated_by_known = false;
	judged(&a, HSM_KEY_P256, false, false);
	a = fit();
	judged(&a, HSM_KEY_ED25519, false, false);
	judged(&a, HSM_KEY_STORE, false, false);
}
END_TEST

START_TEST(kdf_ways)
{
	struct p11_attrs a = {
		.on = { 1, 1, 1, 0, 1, 1, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1 },
		.key_type = CKK_AES,
		.value_len = 32,
		.generated_by = CKM_AES_KEY_GEN,
		.generated_by_known = true,
		.allowed = { CKM_SP800_108_COUNTER_KDF },
		.allowed_n = 1,
	};

	judged(&a, HSM_KEY_KDF, true, true);
	ck_assert(p11_attrs_by_kdf(&a));
	a.on[8] = 1; /* both ways at once is not one use */
	judged(&a, HSM_KEY_KDF, false, false);
	a.on[15] = 0;
	judged(&a, HSM_KEY_KDF, false, false); /* allowed is the other one */
	a.allowed[0] = CKM_AES_CMAC;
	judged(&a, HSM_KEY_KDF, true, true);
	a.allowed_n = 2;
	judged(&a, HSM_KEY_KDF, false, false);
	a.allowed_n = 0;
	judged(&a, HSM_KEY_KDF, false, false);
	a.allowed_n = 1;
	a.value_len = 16;
	judged(&a, HSM_KEY_KDF, false, false);
}
END_TEST

START_TEST(quirk_rows)
{
	struct p11_facts f = { .manufacturer = "SoftHSM project",
			       .model = "SoftHSM v2" };

	ck_assert_uint_eq(p11_quirk_for(&f)->points, P11_POINT_OCTET_STRING);
	snprintf(f.model, sizeof(f.model), "SoftHSM v3");
	ck_assert_uint_eq(p11_quirk_for(&f)->points, P11_POINT_ANY);
	snprintf(f.manufacturer, sizeof(f.manufacturer),
		 "Yubico (www.yubico.com)");
	snprintf(f.model, sizeof(f.model), "YubiHSM");
	ck_assert_uint_eq(p11_quirk_for(&f)->max_sessions, 16);
	ck_assert(p11_quirk_for(&f)->no_modifiable);
	memset(&f, 0, sizeof(f));
	ck_assert_ptr_nonnull(p11_quirk_for(&f));
	ck_assert(!p11_quirk_for(&f)->no_allowed_mechanisms);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_point");
	TCase *t = tcase_create("point");

	tcase_add_test(t, p256_forms);
	tcase_add_test(t, ed25519_forms);
	tcase_add_test(t, p256_bad);
	tcase_add_test(t, ed25519_bad);
	tcase_add_test(t, attributes);
	tcase_add_test(t, origin);
	tcase_add_test(t, kdf_ways);
	tcase_add_test(t, quirk_rows);
	suite_add_tcase(s, t);
	return unit_run(s);
}
