/* PSA attestation tokens (RFC 9783; formats.md 8, psa). */
#include "lib/evidence/psa_claims.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/p256.h"
#include "lib/base/sha256.h"
#include "lib/evidence/eat.h"

#define UEID_RAND 0x01
#define MAC_HEADS 64 /* "MAC0", heads and what they are around */
#define SVN_NONE UINT64_MAX

static const char *form_name(uint64_t tag, int64_t alg)
{
	if (tag == COSE_TAG_SIGN1)
		return alg == COSE_ALG_ES256 ? "COSE_Sign1 with ES256"
					     : "COSE_Sign1 with another one";
	return alg == COSE_ALG_HMAC256 ? "COSE_Mac0 with HMAC 256/256"
				       : "COSE_Mac0 with another one";
}

/* HMAC-SHA256 over the MAC_structure (RFC 9052 6.3). */
static enum pv_code check_mac(struct evidence_run *run, const struct eat_msg *m)
{
	const struct secret *key = run->want->mac_key;
	struct cbor_bytes prot = { m->protected_hdr.p, m->protected_hdr.len };
	struct cbor_bytes payload = { m->payload.p, m->payload.len };
	uint8_t all[EVIDENCE_PSA_MAX + MAC_HEADS], mac[COSE_MAC_LEN];
	struct cbor_writer w;
	size_t len;
	bool right;

	cbor_writer_init(&w, all, sizeof(all));
	cose_put_mac_structure(&w, prot, payload);
	if (!cbor_writer_ok(&w) ||
	    !EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key->data, key->len,
		       all, w.len, mac, sizeof(mac), &len))
		return evidence_openssl(run, "HMAC");
	right = CRYPTO_memcmp(mac, m->auth.p, sizeof(mac)) == 0;
	OPENSSL_cleanse(mac, sizeof(mac));
	evidence_note(run, RULE_SIGNATURE, right, "under the enrolled key",
		      right ? "under the enrolled key"
			    : "under another key, "
			      "or of other bytes");
	return run->rc;
}

static enum pv_code check_signature(struct evidence_run *run,
				    const struct eat_msg *m)
{
	const struct evidence_want *want = run->want;
	bool mac = want->mac_key != NULL;
	uint64_t tag = mac ? COSE_TAG_MAC0 : COSE_TAG_SIGN1;
	int64_t alg = mac ? COSE_ALG_HMAC256 : COSE_ALG_ES256;
	uint8_t digest[SHA256_LEN];

	if (mac ? want->key.len > 0 || want->mac_key->len == 0
		: want->key.len == 0)
		return evidence_malformed(run, "evidence.key",
					  "there is not one key enrolled");
	if (!evidence_note(run, RULE_ALGORITHM, m->tag == tag && m->alg == alg,
			   form_name(tag, alg), form_name(m->tag, m->alg)))
		return run->rc;
	if (m->auth.len != (mac ? COSE_MAC_LEN : COSE_SIG_LEN))
		return evidence_malformed(run, "evidence.form",
					  "signature or tag has the wrong "
					  "length");
	if (mac)
		return check_mac(run, m);
	run->rc = eat_digest(m, digest, run->err);
	return run->rc == PV_OK
		       ? evidence_ecdsa(run, want->key, digest, m->auth.p)
		       : run->rc;
}

/* What the instance ID of the enrolled key is (PSA Attestation API 2.0, 3). */
static enum pv_code derived(struct evidence_run *run,
			    uint8_t ueid[EVIDENCE_UEID_LEN])
{
	const struct evidence_want *want = run->want;
	struct span hash = { ueid + 1, SHA256_LEN };
	enum pv_code rc;

	ueid[0] = UEID_RAND;
	if (!want->mac_key) {
		struct span point = { p256_point(want->key), P256_POINT_LEN };

		return sha256(point, ueid + 1, run->err);
	}
	rc = sha256((struct span){ want->mac_key->data, want->mac_key->len },
		    ueid + 1, run->err);
	return rc == PV_OK ? sha256(hash, ueid + 1, run->err) : rc;
}

static enum pv_code check_identity(struct evidence_run *run,
				   const struct psa_claims *c)
{
	uint8_t ueid[EVIDENCE_UEID_LEN];
	struct span expected = run->want->instance;
	enum pv_code rc;

	if (expected.len == 0) {
		rc = derived(run, ueid);
		if (rc != PV_OK)
			return rc;
		expected = (struct span){ ueid, sizeof(ueid) };
	}
	evidence_note_bytes(run, RULE_IDENTITY, expected, c->ueid);
	return PV_OK;
}

static void check_state(struct evidence_run *run, const struct psa_claims *c)
{
	const char *name = psa_lifecycle_name(c->lifecycle);
	bool allowed = evidence_state_allowed(run->want, name);
	bool debug = strstr(name, "-debug") != NULL;
	char expected[128];

	evidence_states(run->want, expected, sizeof(expected));
	evidence_note(run, RULE_DEBUG, allowed || !debug, "closed",
		      debug ? name : "closed");
	evidence_note(run, RULE_LIFECYCLE, allowed, expected, name);
}

/* Whether claims have a component of that type. */
static bool has_component(const void *claims, const char *name)
{
	const struct psa_claims *c = claims;

	for (size_t i = 0; i < c->component_n; i++) {
		if (span_is(c->component[i].type, name))
			return true;
	}
	return false;
}

static void check_measurements(struct evidence_run *run,
			       const struct psa_claims *c)
{
	if (run->want->reference_n == 0) {
		evidence_note(run, RULE_MEASUREMENT, true, "-", "-");
		return;
	}
	for (size_t i = 0; i < c->component_n; i++)
		evidence_note_digest(run, c->component[i].type,
				     c->component[i].value);
	evidence_note_absent(run, has_component, c);
}

/* The decimal number that a version begins with, SVN_NONE: none. */
static uint64_t leading_number(struct span version)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < version.len; i++) {
		uint8_t c = version.p[i];

		if (c < '0' || c > '9')
			break;
		n = n * 10 + (uint64_t)(c - '0');
		if (n > UINT32_MAX)
			return SVN_NONE;
	}
	return i == 0 || (i < version.len && version.p[i] != '.') ? SVN_NONE
								  : n;
}

static void check_svn(struct evidence_run *run, const struct psa_claims *c)
{
	uint64_t least = UINT64_MAX - 1, n;
	char expected[32], found[32];

	if (run->want->min_svn == 0)
		return;
	for (size_t i = 0; i < c->component_n; i++) {
		n = leading_number(c->component[i].version);
		if (n == SVN_NONE) {
			least = SVN_NONE;
			break;
		}
		least = n < least ? n : least;
	}
	snprintf(expected, sizeof(expected), "%u or higher",
		 run->want->min_svn);
	if (least == SVN_NONE)
		snprintf(found, sizeof(found), "a component without one");
	else
		snprintf(found, sizeof(found), "%llu",
			 (unsigned long long)least);
	evidence_note(run, RULE_SVN,
		      least != SVN_NONE && least >= run->want->min_svn,
		      expected, found);
}

enum pv_code evidence_psa(struct evidence_run *run, struct span bytes)
{
	struct psa_claims claims;
	struct eat_msg m;
	const char *why;
	enum pv_code rc;

	if (!eat_message(bytes, &m, &why))
		return evidence_malformed(run, "evidence.form", why);
	rc = psa_claims_parse(run, m.payload, &claims);
	if (rc == PV_OK)
		rc = check_signature(run, &m);
	if (rc != PV_OK)
		return rc;
	evidence_note_bytes(run, RULE_NONCE, (struct span){ run->want->a, 32 },
			    claims.nonce);
	rc = check_identity(run, &claims);
	if (rc != PV_OK)
		return rc;
	check_state(run, &claims);
	check_measurements(run, &claims);
	check_svn(run, &claims);
	run->all_made = true;
	return run->rc;
}
