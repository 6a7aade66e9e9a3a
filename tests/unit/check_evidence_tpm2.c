#include <string.h>

#include <tss2/tss2_mu.h>

#include "lib/base/cbor.h"
#include "tests/unit/evidence_fix.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/unit.h"

#define PCRS 24

/* What a quote is made of. */
static TPMS_ATTEST attest;
static TPMT_SIGNATURE signature;
static uint8_t values[PCRS][32];
static size_t values_n;
static uint8_t quoted[2048], sig[512];
static size_t quoted_len, sig_len;

static EVP_PKEY *key;
static uint8_t spki[91];
static struct evidence_want want;
static struct evidence_reference references[PCRS + 1];
static char names[PCRS + 1][8];
static struct buf whole;

static void select_pcrs(uint32_t mask)
{
	TPML_PCR_SELECTION *l = &attest.attested.quote.pcrSelect;

	l->count = 1;
	l->pcrSelections[0].hash = TPM2_ALG_SHA256;
	l->pcrSelections[0].sizeofSelect = 3;
	for (unsigned i = 0; i < 3; i++)
		l->pcrSelections[0].pcrSelect[i] = (uint8_t)(mask >> 8 * i);
	values_n = 0;
	want.reference_n = 0;
	for (unsigned i = 0; i < PCRS; i++) {
		if (!(mask >> i & 1))
			continue;
		memset(values[values_n++], (int)i + 1, 32);
		snprintf(names[want.reference_n], 8, "pcr%u", i);
		references[want.reference_n].component =
			names[want.reference_n];
		memset(references[want.reference_n++].digest, (int)i + 1, 32);
	}
}

static void setup(void)
{
	key = keys_new();
	keys_spki(key, spki);
	want = (struct evidence_want){ .format = EVIDENCE_TPM2,
				       .device = "ACME-01",
				       .key = { spki, sizeof(spki) },
				       .reference = references };
	memset(want.a, 0x33, 32);
	memset(&attest, 0, sizeof(attest));
	attest.magic = TPM2_GENERATED_VALUE;
	attest.type = TPM2_ST_ATTEST_QUOTE;
	attest.qualifiedSigner.size = 34;
	attest.extraData.size = 32;
	memset(attest.extraData.buffer, 0x33, 32);
	attest.firmwareVersion = 7;
	select_pcrs(1u << 0 | 1u << 7);
	memset(&signature, 0, sizeof(signature));
	signature.sigAlg = TPM2_ALG_ECDSA;
	signature.signature.ecdsa.hash = TPM2_ALG_SHA256;
	buf_init(&whole, 16384);
}

static void teardown(void)
{
	EVP_PKEY_free(key);
	buf_release(&whole);
}

static void put_whole(void)
{
	struct cbor_writer w;

	buf_reset(&whole);
	cbor_writer_init(&w, buf_room(&whole, 8192), 8192);
	cbor_put_array(&w, 3);
	cbor_put_bstr(&w, quoted, quoted_len);
	cbor_put_bstr(&w, sig, sig_len);
	cbor_put_array(&w, values_n);
	for (size_t i = 0; i < values_n; i++)
		cbor_put_bstr(&w, values[i], 32);
	ck_assert(cbor_writer_ok(&w));
	buf_commit(&whole, w.len);
}

/* A coordinate as a TPM gives it: without leading zeros. */
static void set_scalar(TPM2B_ECC_PARAMETER *p, const uint8_t *v)
{
	size_t skip = 0;

	while (v[skip] == 0)
		skip++;
	p->size = (uint16_t)(32 - skip);
	memcpy(p->buffer, v + skip, p->size);
}

static void put_signature(void)
{
	sig_len = 0;
	ck_assert(Tss2_MU_TPMT_SIGNATURE_Marshal(&signature, sig, sizeof(sig),
						 &sig_len) == 0);
}

/* Signs what stands in quoted. */
static void sign(void)
{
	uint8_t digest[32], raw[64];

	SHA256(quoted, quoted_len, digest);
	keys_sign(key, digest, raw);
	set_scalar(&signature.signature.ecdsa.signatureR, raw);
	set_scalar(&signature.signature.ecdsa.signatureS, raw + 32);
	put_signature();
	put_whole();
}

static void make(void)
{
	TPMS_QUOTE_INFO *q = &attest.attested.quote;

	q->pcrDigest.size = 32;
	SHA256(values[0], 32 * values_n, q->pcrDigest.buffer);
	quoted_len = 0;
	ck_assert(Tss2_MU_TPMS_ATTEST_Marshal(&attest, quoted, sizeof(quoted),
					      &quoted_len) == 0);
	sign();
}

static void expect(enum pv_code code, const char *rule)
{
	ef_expect(buf_span(&whole), &want, code, rule);
}

START_TEST(takes_quotes)
{
	static const uint32_t masks[] = { 1, 0x800000, 0x81, 0xffffff, 0 };

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		select_pcrs(masks[i]);
		make();
		expect(PV_OK, NULL);
	}
	attest.attested.quote.pcrSelect.count = 0;
	make();
	expect(PV_OK, NULL);
}
END_TEST

/* r and s of fewer than 32 bytes come now and then. */
START_TEST(short_scalars)
{
	bool had = false;

	for (int i = 0; i < 2000 && !had; i++) {
		make();
		had = signature.signature.ecdsa.signatureR.size < 32 ||
		      signature.signature.ecdsa.signatureS.size < 32;
	}
	ck_assert(had);
	expect(PV_OK, NULL);
}
END_TEST

START_TEST(flips)
{
	make();
	ef_flip_all(buf_span(&whole), &want);
	for (size_t n = 1; n < whole.len; n++)
		ef_expect((struct span){ whole.data, n }, &want, PV_INPUT,
			  "evidence.form");
}
END_TEST

START_TEST(other_key_or_nonce)
{
	EVP_PKEY *other = keys_new();

	make();
	want.a[0] ^= 1;
	expect(PV_DENIED, "evidence.nonce");
	want.a[0] ^= 1;
	attest.extraData.size = 31;
	make();
	expect(PV_DENIED, "evidence.nonce");
	attest.extraData.size = 0;
	make();
	expect(PV_DENIED, "evidence.nonce");
	attest.extraData.size = 32;
	make();
	keys_spki(other, spki);
	expect(PV_INTEGRITY, "evidence.signature");
	spki[90] ^= 1;
	expect(PV_INPUT, "evidence.key");
	want.key.len = 0;
	expect(PV_INPUT, "evidence.key");
	EVP_PKEY_free(other);
}
END_TEST

START_TEST(no_quote)
{
	attest.magic = 0xff544348;
	make();
	expect(PV_INPUT, "evidence.quote");
	attest.magic = TPM2_GENERATED_VALUE;
	attest.type = TPM2_ST_ATTEST_TIME;
	memset(&attest.attested, 0, sizeof(attest.attested));
	quoted_len = 0;
	ck_assert(Tss2_MU_TPMS_ATTEST_Marshal(&attest, quoted, sizeof(quoted),
					      &quoted_len) == 0);
	sign();
	expect(PV_INTEGRITY, "evidence.type");
	attest.type = TPM2_ST_ATTEST_QUOTE;
	select_pcrs(1);
	make();
	quoted[quoted_len++] = 0; /* offset is not length */
	sign();
	expect(PV_INPUT, "evidence.quote");
	quoted_len -= 2;
	sign();
	expect(PV_INPUT, "evidence.quote");
	quoted_len = 0;
	sign();
	expect(PV_INPUT, "evidence.quote");
}
END_TEST

START_TEST(signature_forms)
{
	make();
	sig[sig_len++] = 0;
	put_whole();
	expect(PV_INPUT, "evidence.quote");
	sig_len = 0;
	put_whole();
	expect(PV_INPUT, "evidence.quote");
	signature.signature.ecdsa.hash = TPM2_ALG_SHA384;
	put_signature();
	put_whole();
	expect(PV_INTEGRITY, "evidence.algorithm");
	signature.signature.ecdsa.hash = TPM2_ALG_SHA256;
	signature.sigAlg = TPM2_ALG_ECDAA;
	put_signature();
	put_whole();
	expect(PV_INTEGRITY, "evidence.algorithm");
	signature.sigAlg = TPM2_ALG_ECDSA;
	signature.signature.ecdsa.signatureR.size = 33;
	put_signature();
	put_whole();
	expect(PV_INPUT, "evidence.quote");
	signature.signature.ecdsa.signatureR.size = 0;
	put_signature();
	put_whole();
	expect(PV_INTEGRITY, "evidence.signature");
}
END_TEST

START_TEST(selection)
{
	TPML_PCR_SELECTION *l = &attest.attested.quote.pcrSelect;

	/* more or fewer PCRs than there are references of */
	select_pcrs(0x181);
	want.reference_n = 2;
	make();
	expect(PV_DENIED, "evidence.measurement");
	select_pcrs(0x181);
	references[3] = (struct evidence_reference){ "pcr9", { 0 } };
	want.reference_n = 4;
	make();
	expect(PV_DENIED, "evidence.measurement");
	/* a name that is no PCR's never comes */
	references[3].component = "BL";
	expect(PV_DENIED, "evidence.measurement");
	want.reference_n = 3;
	expect(PV_OK, NULL);
	want.reference_n = 0;
	expect(PV_DENIED, "evidence.measurement");
	/* another bank, or two */
	select_pcrs(1);
	l->pcrSelections[0].hash = TPM2_ALG_SHA1;
	make();
	expect(PV_INPUT, "evidence.quote");
	select_pcrs(1);
	l->count = 2;
	l->pcrSelections[1] = l->pcrSelections[0];
	make();
	expect(PV_INPUT, "evidence.quote");
}
END_TEST

START_TEST(pcr_values)
{
	make();
	/* values that the quote is not over */
	values[1][31] ^= 1;
	put_whole();
	expect(PV_INTEGRITY, "evidence.signature");
	values_n = 1;
	put_whole();
	expect(PV_INPUT, "evidence.form");
	values_n = 3;
	put_whole();
	expect(PV_INPUT, "evidence.form");
	/* and right ones that are not the reference's */
	select_pcrs(0x81);
	values[1][0] ^= 1;
	make();
	expect(PV_DENIED, "evidence.measurement");
	references[2] = references[1];
	memcpy(references[2].digest, values[1], 32);
	want.reference_n = 3;
	expect(PV_OK, NULL);
}
END_TEST

START_TEST(security_version)
{
	make();
	want.min_svn = 1;
	expect(PV_DENIED, "evidence.svn");
}
END_TEST

static const char *const shapes[] = {
	"80",	  "8340408100", "83404080", "83604080",	    "83406080",
	"834040", "8340404000", "83404000", "83404081415a",
};

START_TEST(shape)
{
	uint8_t bytes[64];
	size_t n = strlen(shapes[_i]) / 2;
	struct err err;
	enum pv_code rc;

	ck_assert(hex_decode(shapes[_i], bytes, n));
	err_init(&err);
	rc = evidence_verify((struct span){ bytes, n }, &want, NULL, &err);
	ck_assert_int_eq(rc, PV_INPUT);
}
END_TEST

START_TEST(sizes)
{
	uint8_t big[EVIDENCE_TPM2_MAX + 1] = { 0x83 };

	ef_expect((struct span){ big, sizeof(big) }, &want, PV_INPUT,
		  "evidence.size");
	ef_expect((struct span){ big, 0 }, &want, PV_INTEGRITY,
		  "evidence.type");
	big[0] = 0x82;
	ef_expect((struct span){ big, 8 }, &want, PV_INTEGRITY,
		  "evidence.type");
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
	Suite *s = suite_create("evidence_tpm2");
	TCase *t = tcase_create("evidence_tpm2");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, takes_quotes);
	tcase_add_test(t, short_scalars);
	tcase_add_test(t, flips);
	tcase_add_test(t, other_key_or_nonce);
	tcase_add_test(t, no_quote);
	tcase_add_test(t, signature_forms);
	tcase_add_test(t, selection);
	tcase_add_test(t, pcr_values);
	tcase_add_test(t, security_version);
	tcase_add_loop_test(t, shape, 0, COUNT(shapes));
	tcase_add_test(t, sizes);
	suite_add_tcase(s, t);
	return unit_run(s);
}
