#include "lib/evidence/evidence_impl.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/notechars.h"
#include "lib/base/p256.h"
#include "lib/base/sha256.h"
#include "lib/evidence/eat.h"
#include "lib/x509/cert.h"

#define SHOWN_BYTES 63 /* in hex, in 128 characters */

static const char label_a[] = "provctl-att/1"; /* its NUL is the 00 */

static const struct {
	const char *rule, *what, *hint;
	enum pv_code code;
} rules[] = {
	[RULE_TYPE] = { "evidence.type", "format",
			"attest in the format that the device is enrolled with",
			PV_INTEGRITY },
	[RULE_ALGORITHM] = { "evidence.algorithm", "algorithm",
			     "attest with the key and algorithm of the "
			     "enrolment",
			     PV_INTEGRITY },
	[RULE_CHAIN] = { "evidence.chain", "certificate chain",
			 "give the chain to one of attestation.trust",
			 PV_INTEGRITY },
	[RULE_SIGNATURE] = { "evidence.signature", "signature",
			     "find out who sent it", PV_INTEGRITY },
	[RULE_NONCE] = { "evidence.nonce", "nonce",
			 "attest again, with the challenge of this device, "
			 "its sealing key and the current manifest",
			 PV_DENIED },
	[RULE_IDENTITY] = { "evidence.identity", "identity",
			    "attest on the device that the challenge is for",
			    PV_DENIED },
	[RULE_LIFECYCLE] = { "evidence.lifecycle", "lifecycle state",
			     "bring the device into a state that the template "
			     "allows",
			     PV_DENIED },
	[RULE_DEBUG] = { "evidence.debug", "debug state",
			 "close the device's debug access", PV_DENIED },
	[RULE_MEASUREMENT] = { "evidence.measurement", "measurement",
			       "install software that the template has "
			       "reference values of",
			       PV_DENIED },
	[RULE_SVN] = { "evidence.svn", "security version",
		       "update the device's software", PV_DENIED },
};

static const char *const formats[] = { [EVIDENCE_PSA] = "psa",
				       [EVIDENCE_TPM2] = "tpm2",
				       [EVIDENCE_DICE] = "dice" };
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

const char *evidence_format_name(enum evidence_format format)
{
	return formats[format];
}

bool evidence_format_find(const char *name, enum evidence_format *out)
{
	for (size_t i = 0; i < FORMATS; i++) {
		if (strcmp(formats[i], name) == 0) {
			*out = (enum evidence_format)i;
			return true;
		}
	}
	return false;
}

enum pv_code evidence_a(const uint8_t nonce[static EVIDENCE_NONCE_LEN],
			struct span sealing_spki,
			const uint8_t manifest_digest[static 32],
			uint8_t out[static 32], struct err *err)
{
	uint8_t sealing[SHA256_LEN] = { 0 };
	struct span parts[] = {
		{ (const uint8_t *)label_a, sizeof(label_a) },
		{ nonce, EVIDENCE_NONCE_LEN },
		{ sealing, sizeof(sealing) },
		{ manifest_digest, 32 },
	};
	enum pv_code rc = PV_OK;

	if (sealing_spki.len > 0)
		rc = sha256(sealing_spki, sealing, err);
	return rc == PV_OK ? sha256_parts(parts, 4, out, err) : rc;
}

static void clean(char *to, size_t cap, const char *text)
{
	notechars_clean(to, cap,
			(struct span){ (const uint8_t *)text, strlen(text) });
}

bool evidence_note(struct evidence_run *run, enum evidence_rule rule,
		   bool passed, const char *expected, const char *found)
{
	struct evidence_report *report = run->report;
	struct evidence_check c = { .rule = rules[rule].rule,
				    .passed = passed };

	clean(c.expected, sizeof(c.expected), expected);
	clean(c.found, sizeof(c.found), found);
	if (report && report->n < EVIDENCE_CHECKS_MAX)
		report->list[report->n++] = c;
	if (!passed && run->rc == PV_OK)
		run->rc = err_fail(run->err, rules[rule].code, c.rule,
				   rules[rule].hint,
				   "the evidence's %s is not the expected one: "
				   "expected %s, found %s",
				   rules[rule].what, c.expected, c.found);
	return passed;
}

static void show_hex(struct span s, char out[2 * SHOWN_BYTES + 1])
{
	hex_encode(s.p, s.len < SHOWN_BYTES ? s.len : SHOWN_BYTES, out);
}

bool evidence_note_bytes(struct evidence_run *run, enum evidence_rule rule,
			 struct span expected, struct span found)
{
	char e[2 * SHOWN_BYTES + 1], f[2 * SHOWN_BYTES + 1];

	show_hex(expected, e);
	show_hex(found, f);
	return evidence_note(run, rule, span_equal(expected, found), e, f);
}

void evidence_note_digest(struct evidence_run *run, struct span component,
			  struct span digest)
{
	const struct evidence_want *want = run->want;
	char name[64], hex[2 * SHOWN_BYTES + 1], expected[224], found[224];
	size_t named = 0;
	bool passed = false;

	notechars_clean(name, sizeof(name), component);
	for (size_t i = 0; i < want->reference_n; i++) {
		const struct evidence_reference *r = &want->reference[i];

		if (!span_is(component, r->component))
			continue;
		passed |= digest.len == sizeof(r->digest) &&
			  memcmp(digest.p, r->digest, digest.len) == 0;
		if (named++ == 0)
			hex_encode(r->digest, sizeof(r->digest), hex);
	}
	if (named == 0)
		snprintf(expected, sizeof(expected),
			 "no component of that name");
	else if (named == 1)
		snprintf(expected, sizeof(expected), "%s %s", name, hex);
	else
		snprintf(expected, sizeof(expected), "%s, one of %zu values",
			 name, named);
	show_hex(digest, hex);
	snprintf(found, sizeof(found), "%s %s", name, hex);
	evidence_note(run, RULE_MEASUREMENT, passed, expected, found);
}

void evidence_note_absent(struct evidence_run *run,
			  bool (*has)(const void *of, const char *name),
			  const void *of)
{
	const struct evidence_want *want = run->want;

	for (size_t i = 0; i < want->reference_n; i++) {
		const char *name = want->reference[i].component;
		bool told = false;

		for (size_t k = 0; k < i; k++)
			told |= strcmp(want->reference[k].component, name) == 0;
		if (!told && !has(of, name))
			evidence_note(run, RULE_MEASUREMENT, false, name,
				      "no such component");
	}
}

bool evidence_state_allowed(const struct evidence_want *want, const char *name)
{
	if (want->lifecycle_n == 0)
		return strcmp(name, "secured") == 0;
	for (size_t i = 0; i < want->lifecycle_n; i++) {
		if (strcmp(want->lifecycle[i], name) == 0)
			return true;
	}
	return false;
}

void evidence_states(const struct evidence_want *want, char *out, size_t cap)
{
	size_t n = 0;

	snprintf(out, cap, "secured");
	for (size_t i = 0; i < want->lifecycle_n && n < cap; i++)
		n += (size_t)snprintf(out + n, cap - n, "%s%s", i ? "," : "",
				      want->lifecycle[i]);
}

enum pv_code evidence_malformed(struct evidence_run *run, const char *rule,
				const char *why)
{
	run->rc = err_fail(run->err, PV_INPUT, rule,
			   "give the evidence as the device made it",
			   "the evidence of %s is malformed: %s",
			   run->want->device, why);
	return run->rc;
}

enum pv_code evidence_openssl(struct evidence_run *run, const char *what)
{
	ERR_clear_error();
	run->rc = err_fail(run->err, PV_INTERNAL, "evidence.crypto", NULL,
			   "%s failed", what);
	return run->rc;
}

enum pv_code evidence_ecdsa(struct evidence_run *run, struct span spki,
			    const uint8_t digest[static 32],
			    const uint8_t sig[static 64])
{
	const uint8_t *point = p256_point(spki);
	CLEANUP(cleanup_EVP_PKEY_free)
	EVP_PKEY *key = point ? p256_load(point) : NULL;
	CLEANUP(cleanup_EVP_PKEY_CTX_free) EVP_PKEY_CTX *ctx = NULL;
	uint8_t der[X509_ECDSA_DER_MAX];
	size_t len;
	bool right;

	if (!key) {
		ERR_clear_error();
		run->rc = err_fail(run->err, PV_INPUT, "evidence.key",
				   "enrol a P-256 key",
				   "the attestation key of %s is not a point "
				   "on P-256",
				   run->want->device);
		return run->rc;
	}
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (!ctx || EVP_PKEY_verify_init(ctx) != 1)
		return evidence_openssl(run, "ECDSA");
	right = x509_ecdsa_to_der(sig, der, &len) &&
		EVP_PKEY_verify(ctx, der, len, digest, 32) == 1;
	ERR_clear_error();
	evidence_note(run, RULE_SIGNATURE, right, "by the enrolled key",
		      right ? "by the enrolled key"
			    : "by another key, or "
			      "of other bytes");
	return run->rc;
}

/* What the first head says that it is; false: nothing of ours. */
static bool looks_like(struct span bytes, enum evidence_format *format)
{
	struct eat_reader r;
	uint64_t n;

	eat_reader_init(&r, bytes);
	if (eat_peek(&r) == CBOR_TAG && eat_get_tag(&r, &n) &&
	    (n == COSE_TAG_SIGN1 || n == COSE_TAG_MAC0)) {
		*format = EVIDENCE_PSA;
		return true;
	}
	eat_reader_init(&r, bytes);
	if (!eat_get_array(&r, &n))
		return false;
	*format = n == 2 ? EVIDENCE_DICE : EVIDENCE_TPM2;
	return n == 2 || n == 3;
}

static enum pv_code of_format(struct evidence_run *run, struct span bytes)
{
	static const struct {
		size_t max;
		enum pv_code (*verify)(struct evidence_run *, struct span);
	} by_format[] = {
		[EVIDENCE_PSA] = { EVIDENCE_PSA_MAX, evidence_psa },
		[EVIDENCE_TPM2] = { EVIDENCE_TPM2_MAX, evidence_tpm2 },
		[EVIDENCE_DICE] = { EVIDENCE_DICE_MAX, evidence_dice },
	};
	enum evidence_format want = run->want->format, is;
	const char *found = "nothing";

	if (bytes.len > 0) {
		if (!looks_like(bytes, &is))
			return evidence_malformed(run, "evidence.form",
						  "it is of no format that "
						  "we know");
		found = formats[is];
	}
	if (!evidence_note(run, RULE_TYPE, strcmp(found, formats[want]) == 0,
			   formats[want], found))
		return run->rc;
	if (bytes.len > by_format[want].max)
		return evidence_malformed(run, "evidence.size",
					  "it is longer than any of its "
					  "format");
	return by_format[want].verify(run, bytes);
}

enum pv_code evidence_verify(struct span bytes,
			     const struct evidence_want *want,
			     struct evidence_report *report, struct err *err)
{
	struct evidence_run run = { want, report, err, PV_OK, false };
	enum pv_code rc;

	if (report)
		memset(report, 0, sizeof(*report));
	rc = of_format(&run, bytes);
	if (rc == PV_OK && !run.all_made)
		rc = err_fail(err, PV_INTERNAL, "evidence.checks", NULL,
			      "not all checks were made");
	if (rc != PV_OK)
		err_object(err, want->device);
	return rc;
}
