#include <string.h>

#include "lib/evidence/tpm2_ak.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/tpm2_fix.h"
#include "tests/unit/unit.h"

static TPM2B_PUBLIC public;
static uint8_t spki[91], area[1024];
static size_t area_len;

static void setup(void)
{
	EVP_PKEY *key = keys_new();

	keys_spki(key, spki);
	EVP_PKEY_free(key);
	tpm2_fix_public(&public, spki);
}

static void make(void)
{
	area_len = 0;
	ck_assert(Tss2_MU_TPM2B_PUBLIC_Marshal(&public, area, sizeof(area),
					       &area_len) == 0);
}

static void expect(enum pv_code code, const char *rule)
{
	struct tpm2_ak ak;
	struct err err;

	err_init(&err);
	unit_refused(tpm2_ak_read((struct span){ area, area_len }, &ak, &err),
		     code, rule, &err);
}

START_TEST(reads)
{
	struct tpm2_ak ak;
	uint8_t digest[32];
	struct err err;

	err_init(&err);
	make();
	unit_ok(tpm2_ak_read((struct span){ area, area_len }, &ak, &err), &err);
	ck_assert_mem_eq(ak.spki, spki, 91);
	SHA256(area + 2, area_len - 2, digest);
	ck_assert_mem_eq(ak.name + 2, digest, 32);
	ck_assert(ak.name[0] == 0x00 && ak.name[1] == 0x0b);
}
END_TEST

static const uint32_t needed[] = {
	TPMA_OBJECT_RESTRICTED,
	TPMA_OBJECT_SIGN_ENCRYPT,
	TPMA_OBJECT_FIXEDTPM,
	TPMA_OBJECT_FIXEDPARENT,
	TPMA_OBJECT_SENSITIVEDATAORIGIN,
};

START_TEST(attributes)
{
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		public.publicArea.objectAttributes &= ~needed[i];
		make();
		expect(PV_DENIED, "ak.attributes");
		public.publicArea.objectAttributes |= needed[i];
	}
	public.publicArea.objectAttributes |= TPMA_OBJECT_DECRYPT;
	make();
	expect(PV_DENIED, "ak.attributes");
}
END_TEST

START_TEST(algorithms)
{
	TPMT_PUBLIC *p = &public.publicArea;
	TPMS_ECC_PARMS *ecc = &p->parameters.eccDetail;

	ecc->curveID = TPM2_ECC_NIST_P384;
	make();
	expect(PV_DENIED, "ak.algorithm");
	ecc->curveID = TPM2_ECC_NIST_P256;
	ecc->scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA1;
	make();
	expect(PV_DENIED, "ak.algorithm");
	ecc->scheme.scheme = TPM2_ALG_ECDAA;
	make();
	expect(PV_DENIED, "ak.algorithm");
	ecc->scheme.scheme = TPM2_ALG_NULL;
	make();
	expect(PV_DENIED, "ak.algorithm");
	ecc->scheme.scheme = TPM2_ALG_ECDSA;
	ecc->scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	p->nameAlg = TPM2_ALG_SHA1;
	make();
	expect(PV_DENIED, "ak.algorithm");
	p->nameAlg = TPM2_ALG_SHA256;
	p->type = TPM2_ALG_KEYEDHASH;
	memset(&p->parameters, 0, sizeof(p->parameters));
	p->parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
	memset(&p->unique, 0, sizeof(p->unique));
	make();
	expect(PV_DENIED, "ak.algorithm");
}
END_TEST

START_TEST(points)
{
	TPMS_ECC_POINT *ecc = &public.publicArea.unique.ecc;

	ecc->y.buffer[31] ^= 1;
	make();
	expect(PV_INPUT, "ak.point");
	ecc->y.buffer[31] ^= 1;
	ecc->x.size = 0;
	make();
	expect(PV_INPUT, "ak.point");
	ecc->x.size = 33;
	make();
	expect(PV_INPUT, "ak.point");
}
END_TEST

START_TEST(forms)
{
	size_t whole;

	make();
	whole = area_len;
	for (area_len = 0; area_len < whole; area_len++)
		expect(PV_INPUT, "ak.form");
	area_len = whole + 1;
	expect(PV_INPUT, "ak.form");
	area_len = whole;
	area[1]++;
	expect(PV_INPUT, "ak.form");
	area[1] = (uint8_t)(area[1] - 2);
	expect(PV_INPUT, "ak.form");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tpm2_ak");
	TCase *t = tcase_create("tpm2_ak");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, reads);
	tcase_add_test(t, attributes);
	tcase_add_test(t, algorithms);
	tcase_add_test(t, points);
	tcase_add_test(t, forms);
	suite_add_tcase(s, t);
	return unit_run(s);
}
