/* TPM 2.0 quotes (TCG TPM 2.0 Library, Part 2 10.12, 11.3; formats.md 8). */
#include <stdio.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "lib/base/cbor.h"
#include "lib/base/sha256.h"
#include "lib/evidence/evidence_impl.h"

#define PCRS 24 /* of a PC Client TPM */
#define PCRS_TEXT 96
#define SCALAR_LEN 32

struct quote {
	struct span quoted, signature;
	struct span pcr[PCRS]; /* values in the order of their numbers */
	size_t pcr_n;
	TPMS_ATTEST attest;
	uint8_t sig[2 * SCALAR_LEN];
	uint32_t selected; /* bit n: PCR n of the SHA-256 bank */
};

static bool take_bstr(struct cbor_reader *r, struct span *out)
{
	struct cbor_bytes b;

	if (!cbor_get_bstr(r, &b))
		return false;
	*out = (struct span){ b.p, b.len };
	return true;
}

/* [quoted, signature, [value, ...]], deterministic. */
static enum pv_code take_apart(struct evidence_run *run, struct span bytes,
			       struct quote *q)
{
	struct cbor_reader r;
	const char *why;
	uint64_t n;

	if (!cbor_valid(bytes.p, bytes.len, CBOR_DEPTH_MAX, &why))
		return evidence_malformed(run, "evidence.form", why);
	cbor_reader_init(&r, bytes.p, bytes.len);
	if (!cbor_get_array(&r, &n) || n != 3 || !take_bstr(&r, &q->quoted) ||
	    !take_bstr(&r, &q->signature) || !cbor_get_array(&r, &n) ||
	    n > PCRS)
		return evidence_malformed(run, "evidence.form",
					  "it is not [quote, signature, "
					  "[values]]");
	for (q->pcr_n = 0; q->pcr_n < n; q->pcr_n++) {
		struct span *v = &q->pcr[q->pcr_n];

		if (!take_bstr(&r, v) || v->len != SHA256_LEN)
			return evidence_malformed(run, "evidence.form",
						  "a PCR's value is not 32 "
						  "bytes");
	}
	return cbor_done(&r) ? PV_OK
			     : evidence_malformed(run, "evidence.form",
						  "something is behind it");
}

/* The whole of a TPMS_ATTEST that a TPM made (magic), and a quote. */
static enum pv_code take_attest(struct evidence_run *run, struct quote *q)
{
	size_t at = 0;
	char found[32];

	if (Tss2_MU_TPMS_ATTEST_Unmarshal(q->quoted.p, q->quoted.len, &at,
					  &q->attest) != TSS2_RC_SUCCESS ||
	    at != q->quoted.len)
		return evidence_malformed(run, "evidence.quote",
					  "it is not one TPMS_ATTEST");
	if (q->attest.magic != TPM2_GENERATED_VALUE)
		return evidence_malformed(run, "evidence.quote",
					  "no TPM made it (magic)");
	snprintf(found, sizeof(found), "attestation %04x", q->attest.type);
	evidence_note(run, RULE_TYPE, q->attest.type == TPM2_ST_ATTEST_QUOTE,
		      "a quote",
		      q->attest.type == TPM2_ST_ATTEST_QUOTE ? "a quote"
							     : found);
	return run->rc;
}

static bool pad(const TPM2B_ECC_PARAMETER *p, uint8_t out[SCALAR_LEN])
{
	if (p->size > SCALAR_LEN)
		return false;
	memset(out, 0, SCALAR_LEN);
	memcpy(out + SCALAR_LEN - p->size, p->buffer, p->size);
	return true;
}

/* TPMT_SIGNATURE with ECDSA and SHA-256; r and s become 32 bytes each. */
static enum pv_code take_signature(struct evidence_run *run, struct quote *q)
{
	TPMT_SIGNATURE s = { 0 };
	const TPMS_SIGNATURE_ECC *ecc = &s.signature.ecdsa;
	size_t at = 0;
	bool right;

	if (Tss2_MU_TPMT_SIGNATURE_Unmarshal(q->signature.p, q->signature.len,
					     &at, &s) != TSS2_RC_SUCCESS ||
	    at != q->signature.len)
		return evidence_malformed(run, "evidence.quote",
					  "it is not one TPMT_SIGNATURE");
	right = s.sigAlg == TPM2_ALG_ECDSA && ecc->hash == TPM2_ALG_SHA256;
	if (!evidence_note(run, RULE_ALGORITHM, right, "ECDSA with SHA-256",
			   right ? "ECDSA with SHA-256" : "another one"))
		return run->rc;
	if (!pad(&ecc->signatureR, q->sig) ||
	    !pad(&ecc->signatureS, q->sig + SCALAR_LEN))
		return evidence_malformed(run, "evidence.quote",
					  "r or s is longer than on P-256");
	return PV_OK;
}

/* One bank at most, SHA-256, and PCRs that there are. */
static enum pv_code take_selection(struct evidence_run *run, struct quote *q)
{
	const TPML_PCR_SELECTION *l = &q->attest.attested.quote.pcrSelect;
	const TPMS_PCR_SELECTION *s = &l->pcrSelections[0];

	q->selected = 0;
	if (l->count == 0)
		return PV_OK;
	if (l->count > 1 || s->hash != TPM2_ALG_SHA256)
		return evidence_malformed(run, "evidence.quote",
					  "it selects not the SHA-256 bank "
					  "alone");
	for (uint32_t i = 0; i < 8u * s->sizeofSelect; i++) {
		if (!(s->pcrSelect[i / 8] >> i % 8 & 1))
			continue;
		if (i >= PCRS)
			return evidence_malformed(run, "evidence.quote",
						  "it selects a PCR past 23");
		q->selected |= 1u << i;
	}
	return PV_OK;
}

/* The values are those of the quote: its digest is over them, in order. */
static enum pv_code check_values(struct evidence_run *run,
				 const struct quote *q)
{
	const TPM2B_DIGEST *signed_digest = &q->attest.attested.quote.pcrDigest;
	uint8_t digest[SHA256_LEN];

	if ((size_t)__builtin_popcount(q->selected) != q->pcr_n)
		return evidence_malformed(run, "evidence.form",
					  "it has not one value for each PCR "
					  "of the quote");
	run->rc = sha256_parts(q->pcr, q->pcr_n, digest, run->err);
	if (run->rc != PV_OK)
		return run->rc;
	evidence_note_bytes(
		run, RULE_SIGNATURE,
		(struct span){ signed_digest->buffer, signed_digest->size },
		(struct span){ digest, sizeof(digest) });
	return run->rc;
}

static void pcr_name(unsigned n, char out[8])
{
	snprintf(out, 8, "pcr%u", n % 100);
}

static void list_pcrs(uint32_t mask, char out[PCRS_TEXT])
{
	size_t n = (size_t)snprintf(out, PCRS_TEXT, "sha256:");
	const char *comma = "";

	for (unsigned i = 0; i < PCRS; i++) {
		if (!(mask >> i & 1))
			continue;
		n += (size_t)snprintf(out + n, PCRS_TEXT - n, "%s%u", comma, i);
		comma = ",";
	}
}

static uint32_t referenced(const struct evidence_want *want)
{
	uint32_t mask = 0;
	char name[8];

	for (unsigned i = 0; i < PCRS; i++) {
		pcr_name(i, name);
		for (size_t k = 0; k < want->reference_n; k++) {
			if (strcmp(want->reference[k].component, name) == 0)
				mask |= 1u << i;
		}
	}
	return mask;
}

static bool has_pcr(const void *quote, const char *name)
{
	const struct quote *q = quote;
	char is[8];

	for (unsigned i = 0; i < PCRS; i++) {
		pcr_name(i, is);
		if (q->selected >> i & 1 && strcmp(is, name) == 0)
			return true;
	}
	return false;
}

static void check_measurements(struct evidence_run *run, const struct quote *q)
{
	uint32_t mask = referenced(run->want);
	char expected[PCRS_TEXT], found[PCRS_TEXT], name[8];
	size_t value = 0;

	list_pcrs(mask, expected);
	list_pcrs(q->selected, found);
	evidence_note(run, RULE_MEASUREMENT, mask == q->selected, expected,
		      found);
	for (unsigned i = 0; i < PCRS; i++) {
		if (!(q->selected >> i & 1))
			continue;
		pcr_name(i, name);
		evidence_note_digest(
			run,
			(struct span){ (const uint8_t *)name, strlen(name) },
			q->pcr[value++]);
	}
	evidence_note_absent(run, has_pcr, q);
}

static void check_svn(struct evidence_run *run)
{
	char expected[32];

	if (run->want->min_svn == 0)
		return;
	snprintf(expected, sizeof(expected), "%u or higher",
		 run->want->min_svn);
	evidence_note(run, RULE_SVN, false, expected, "a quote has none");
}

static enum pv_code believe(struct evidence_run *run, struct quote *q)
{
	uint8_t digest[SHA256_LEN];
	enum pv_code rc;

	if (run->want->key.len == 0)
		return evidence_malformed(run, "evidence.key",
					  "there is no key enrolled");
	rc = sha256(q->quoted, digest, run->err);
	if (rc == PV_OK)
		rc = evidence_ecdsa(run, run->want->key, digest, q->sig);
	return rc == PV_OK ? check_values(run, q) : rc;
}

enum pv_code evidence_tpm2(struct evidence_run *run, struct span bytes)
{
	struct quote q = { .pcr_n = 0 };
	const TPM2B_DATA *extra = &q.attest.extraData;
	enum pv_code rc = take_apart(run, bytes, &q);

	if (rc == PV_OK)
		rc = take_attest(run, &q);
	if (rc == PV_OK)
		rc = take_signature(run, &q);
	if (rc == PV_OK)
		rc = take_selection(run, &q);
	if (rc == PV_OK)
		rc = believe(run, &q);
	if (rc != PV_OK)
		return rc;
	evidence_note_bytes(run, RULE_NONCE, (struct span){ run->want->a, 32 },
			    (struct span){ extra->buffer, extra->size });
	check_measurements(run, &q);
	check_svn(run);
	run->all_made = true;
	return run->rc;
}
