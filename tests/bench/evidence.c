/*
 * evidence bare|psa|tpm2|dice N: verifies one evidence of that format N times,
 * or one ECDSA P-256 signature and nothing else. Prints {"per_cpu_s":N}, of the
 * loop alone.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/sha.h>
#include <tss2/tss2_mu.h>

#include "lib/base/cbor.h"
#include "lib/base/cose.h"
#include "lib/evidence/evidence.h"
#include "tests/unit/evidence_chain.h"
#include "tests/unit/evidence_fix.h"
#include "tests/unit/seal_keys.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define EVIDENCE_CAP 16384

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double rate_of(unsigned times, double begun)
{
	return times / (cpu_s() - begun);
}

/* The key loaded once, the signature DER: what a verification costs at least.
 */
static double bare(unsigned times, EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t digest[32] = { 1 }, der[80];
	size_t len = sizeof(der);
	double begun;
	bool ok = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
		  EVP_PKEY_sign(ctx, der, &len, digest, 32) == 1 &&
		  EVP_PKEY_verify_init(ctx) == 1;

	begun = cpu_s();
	for (unsigned i = 0; ok && i < times; i++)
		ok = EVP_PKEY_verify(ctx, der, len, digest, 32) == 1;
	EVP_PKEY_CTX_free(ctx);
	ck_assert(ok);
	return rate_of(times, begun);
}

static double rate(unsigned times, struct span bytes,
		   const struct evidence_want *want)
{
	struct evidence_report report;
	double begun = cpu_s();
	struct err err;

	for (unsigned i = 0; i < times; i++) {
		err_init(&err);
		ck_assert_msg(evidence_verify(bytes, want, &report, &err) ==
				      PV_OK,
			      "%s", err.message);
	}
	return rate_of(times, begun);
}

static double psa(unsigned times, EVP_PKEY *key, struct evidence_want *want)
{
	static const char claims[] =
		"{265: \"tag:psacertified.org,2023:psa#tfm\", 10: h'" ZEROS
		"', 256: h'01" ZEROS "', 2394: -1, 2395: 12288, 2396: h'" ZEROS
		"', 2399: [{1: \"BL\", 2: h'" ZEROS "', 4: \"3.1\", 5: h'" ZEROS
		"'}, {1: \"PRoT\", 2: h'" ZEROS "', 4: \"3.1\", 5: h'" ZEROS
		"'}]}";
	static const uint8_t instance[EVIDENCE_UEID_LEN] = { 1 };
	static const struct evidence_reference reference[] = {
		{ "BL", { 0 } }, { "PRoT", { 0 } }
	};
	struct buf payload, token;
	double r;

	buf_init(&payload, EVIDENCE_CAP);
	buf_init(&token, EVIDENCE_CAP);
	ef_diag(claims, &payload);
	ef_message(key, (struct span){ NULL, 0 }, COSE_ALG_ES256,
		   buf_span(&payload), &token);
	want->format = EVIDENCE_PSA;
	want->instance = (struct span){ instance, sizeof(instance) };
	want->reference = reference;
	want->reference_n = 2;
	r = rate(times, buf_span(&token), want);
	buf_release(&payload);
	buf_release(&token);
	return r;
}

static void put_pcrs(TPMS_ATTEST *attest)
{
	TPMS_QUOTE_INFO *q = &attest->attested.quote;
	static const uint8_t values[64];

	q->pcrSelect.count = 1;
	q->pcrSelect.pcrSelections[0].hash = TPM2_ALG_SHA256;
	q->pcrSelect.pcrSelections[0].sizeofSelect = 3;
	q->pcrSelect.pcrSelections[0].pcrSelect[0] = 0x81;
	q->pcrDigest.size = 32;
	SHA256(values, sizeof(values), q->pcrDigest.buffer);
}

static double tpm2(unsigned times, EVP_PKEY *key, struct evidence_want *want)
{
	static const struct evidence_reference reference[] = {
		{ "pcr0", { 0 } }, { "pcr7", { 0 } }
	};
	static const uint8_t value[32];
	TPMS_ATTEST attest = { .magic = TPM2_GENERATED_VALUE,
			       .type = TPM2_ST_ATTEST_QUOTE,
			       .extraData.size = 32 };
	TPMT_SIGNATURE s = { .sigAlg = TPM2_ALG_ECDSA };
	TPMS_SIGNATURE_ECC *ecc = &s.signature.ecdsa;
	uint8_t quoted[1024], signature[256], digest[32], raw[64], whole[2048];
	size_t quoted_len = 0, signature_len = 0;
	struct cbor_writer w;

	put_pcrs(&attest);
	ck_assert(Tss2_MU_TPMS_ATTEST_Marshal(&attest, quoted, sizeof(quoted),
					      &quoted_len) == 0);
	SHA256(quoted, quoted_len, digest);
	keys_sign(key, digest, raw);
	ecc->hash = TPM2_ALG_SHA256;
	ecc->signatureR.size = ecc->signatureS.size = 32;
	memcpy(ecc->signatureR.buffer, raw, 32);
	memcpy(ecc->signatureS.buffer, raw + 32, 32);
	ck_assert(Tss2_MU_TPMT_SIGNATURE_Marshal(&s, signature,
						 sizeof(signature),
						 &signature_len) == 0);
	cbor_writer_init(&w, whole, sizeof(whole));
	cbor_put_array(&w, 3);
	cbor_put_bstr(&w, quoted, quoted_len);
	cbor_put_bstr(&w, signature, signature_len);
	cbor_put_array(&w, 2);
	cbor_put_bstr(&w, value, 32);
	cbor_put_bstr(&w, value, 32);
	want->format = EVIDENCE_TPM2;
	want->reference = reference;
	want->reference_n = 2;
	return rate(times, (struct span){ whole, w.len }, want);
}

/* An alias below a DeviceID below a root. */
static double dice(unsigned times, EVP_PKEY *key, struct evidence_want *want)
{
	static const struct evidence_reference reference[] = {
		{ "layer0", { 0 } }, { "layer1", { 0 } }
	};
	static const uint8_t digest[32];
	static const char *const names[] = { "alias", "device", "root" };
	EVP_PKEY *keys[] = { keys_new(), key, keys_new() };
	struct buf der[3], tcb, message, whole;
	struct span anchor;
	struct cbor_writer w;
	double r;

	buf_init(&tcb, EVIDENCE_CAP);
	buf_init(&message, EVIDENCE_CAP);
	buf_init(&whole, 2 * EVIDENCE_CAP);
	for (int i = 2; i >= 0; i--) {
		struct ec_tcb t = { i == 0, 3, 0, digest, NULL, NULL };
		int by = i < 2 ? i + 1 : 2;
		struct ec_cert c = { .subject = names[i],
				     .issuer = names[by],
				     .key = keys[i],
				     .signer = keys[by],
				     .basic = i ? "critical,CA:TRUE" : NULL };

		buf_init(&der[i], EVIDENCE_CAP);
		if (i < 2) {
			ec_tcb(&t, &tcb);
			c.tcb = buf_span(&tcb);
		}
		ec_make(&c, &der[i]);
	}
	ef_message(keys[0], (struct span){ NULL, 0 }, COSE_ALG_ES256,
		   (struct span){ want->a, 32 }, &message);
	cbor_writer_init(&w, buf_room(&whole, EVIDENCE_CAP), EVIDENCE_CAP);
	cbor_put_array(&w, 2);
	cbor_put_array(&w, 2);
	cbor_put_bstr(&w, der[0].data, der[0].len);
	cbor_put_bstr(&w, der[1].data, der[1].len);
	cbor_put_bstr(&w, message.data, message.len);
	anchor = buf_span(&der[2]);
	want->format = EVIDENCE_DICE;
	want->anchors = &anchor;
	want->anchors_n = 1;
	want->now_s = EC_NOW;
	want->reference = reference;
	want->reference_n = 2;
	r = rate(times, (struct span){ whole.data, w.len }, want);
	for (int i = 0; i < 3; i++) {
		buf_release(&der[i]);
		if (i != 1)
			EVP_PKEY_free(keys[i]);
	}
	buf_release(&tcb);
	buf_release(&message);
	buf_release(&whole);
	return r;
}

static const char *what;
static unsigned n;
static double measured; /* 0: what names nothing */

/* The fixtures of unit tests want a test around them. */
START_TEST(run)
{
	EVP_PKEY *key = keys_new();
	uint8_t spki[KEYS_SPKI_LEN];
	struct evidence_want want = { .device = "bench",
				      .key = { spki, sizeof(spki) } };

	keys_spki(key, spki);
	if (strcmp(what, "bare") == 0)
		measured = bare(n, key);
	else if (strcmp(what, "psa") == 0)
		measured = psa(n, key, &want);
	else if (strcmp(what, "tpm2") == 0)
		measured = tpm2(n, key, &want);
	else if (strcmp(what, "dice") == 0)
		measured = dice(n, key, &want);
	EVP_PKEY_free(key);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("evidence");
	TCase *t = tcase_create("evidence");
	SRunner *r = srunner_create(s);

	what = argc == 3 ? argv[1] : "";
	n = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	tcase_add_test(t, run);
	suite_add_tcase(s, t);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_NORMAL);
	if (srunner_ntests_failed(r) > 0 || measured <= 0)
		return 2;
	srunner_free(r);
	printf("{\"per_cpu_s\":%.1f}\n", measured);
	return 0;
}
