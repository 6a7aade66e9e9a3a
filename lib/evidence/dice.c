/* DICE: certificates with DiceTcbInfo whose alias key signs (formats.md 8). */
#include <stdio.h>
#include <string.h>

#include "lib/base/p256.h"
#include "lib/base/sha256.h"
#include "lib/evidence/chain.h"
#include "lib/evidence/eat.h"
#include "lib/evidence/evidence_impl.h"
#include "lib/evidence/tcbinfo.h"
#include "lib/x509/cert.h"
#include "lib/x509/oids.h"

#define KEY_USAGE_SIGNATURE (1u << 0) /* digitalSignature, RFC 5280 4.2.1.3 */
#define LAYER_NAME_MAX 24
#define KNOWN_FLAGS                                                            \
	(TCBINFO_NOT_CONFIGURED | TCBINFO_NOT_SECURE | TCBINFO_RECOVERY |      \
	 TCBINFO_DEBUG | TCBINFO_FIXED_WIDTH)

struct layer {
	char name[LAYER_NAME_MAX];
	struct tcbinfo tcb;
};

struct dice {
	struct span der[EVIDENCE_CHAIN_MAX + 1]; /* leaf first */
	struct x509_cert cert[EVIDENCE_CHAIN_MAX + 1];
	size_t n;
	struct span message;
	struct layer layer[EVIDENCE_CHAIN_MAX]; /* from the anchor down */
	size_t layer_n;
};

/* [[certificate, ...], message], deterministic. */
static enum pv_code take_apart(struct evidence_run *run, struct span bytes,
			       struct dice *d)
{
	struct cbor_reader r;
	struct cbor_bytes b;
	const char *why;
	uint64_t n;

	if (!cbor_valid(bytes.p, bytes.len, CBOR_DEPTH_MAX, &why))
		return evidence_malformed(run, "evidence.form", why);
	cbor_reader_init(&r, bytes.p, bytes.len);
	if (!cbor_get_array(&r, &n) || n != 2 || !cbor_get_array(&r, &n) ||
	    n == 0 || n > EVIDENCE_CHAIN_MAX + 1)
		return evidence_malformed(run, "evidence.form",
					  "it has not 1 to 8 certificates");
	for (d->n = 0; d->n < n; d->n++) {
		if (!cbor_get_bstr(&r, &b))
			return evidence_malformed(run, "evidence.form",
						  "a certificate is no byte "
						  "string");
		d->der[d->n] = (struct span){ b.p, b.len };
		if (x509_cert_decode(d->der[d->n], &d->cert[d->n], NULL) !=
		    PV_OK)
			return evidence_malformed(run, "evidence.form",
						  "a certificate does not "
						  "parse");
	}
	if (!cbor_get_bstr(&r, &b) || !cbor_done(&r))
		return evidence_malformed(run, "evidence.form",
					  "the message is no byte string");
	d->message = (struct span){ b.p, b.len };
	return PV_OK;
}

/* Walks from the first certificate below the anchor to the alias's. */
static enum pv_code take_layers(struct evidence_run *run, struct dice *d)
{
	struct span oid, value, rest;
	const char *why;
	bool critical;

	for (size_t i = d->n; i-- > 0;) {
		size_t before = d->layer_n;

		rest = d->cert[i].extensions;
		while (x509_ext_next(&rest, &oid, &critical, &value)) {
			struct layer *l = &d->layer[d->layer_n];

			if (!tcbinfo_is_oid(oid))
				continue;
			if (d->layer_n > before)
				return evidence_malformed(run, "evidence.tcb",
							  "a certificate has "
							  "two DiceTcbInfo");
			if (!tcbinfo_parse(value, &l->tcb, &why))
				return evidence_malformed(run, "evidence.tcb",
							  why);
			snprintf(l->name, sizeof(l->name), "layer%zu",
				 l->tcb.has_layer ? (size_t)l->tcb.layer
						  : d->layer_n);
			d->layer_n++;
		}
		if (i == 0 && d->layer_n == before)
			return evidence_malformed(run, "evidence.tcb",
						  "the alias certificate has "
						  "no DiceTcbInfo");
	}
	return PV_OK;
}

/* Those below the enrolled key: the device issues them itself, and no list. */
static size_t own_certs(const struct evidence_run *run, const struct dice *d)
{
	size_t n = 0;

	while (n < d->n && !span_equal(d->cert[n].spki, run->want->key))
		n++;
	return n < d->n ? n : 0;
}

static enum pv_code check_chain(struct evidence_run *run, struct dice *d)
{
	const struct evidence_want *want = run->want;
	struct evidence_chain chain = { .certs = d->der,
					.certs_n = d->n,
					.anchors = want->anchors,
					.anchors_n = want->anchors_n,
					.now_s = want->now_s,
					.crls = want->crls,
					.crls_n = want->crls_n,
					.revocable = own_certs(run, d) };
	char why[EVIDENCE_CHAIN_TEXT];
	struct evidence_path path;
	enum pv_code rc = evidence_chain_verify(&chain, &path, why, run->err);

	if (rc == PV_INTERNAL)
		return run->rc = rc;
	if (rc == PV_INPUT)
		return evidence_malformed(run, "evidence.form", why);
	evidence_note(run, RULE_CHAIN, rc == PV_OK,
		      "up to one of attestation.trust",
		      rc == PV_OK ? "up to one of attestation.trust" : why);
	if (rc == PV_OK)
		d->n = path.below;
	return run->rc;
}

/* Whether the alias certificate lets its key sign. */
static bool may_sign(const struct x509_cert *alias)
{
	struct span value;
	bool critical;
	unsigned bits;

	if (!x509_ext_find(alias->extensions, oid_span(&oid_key_usage),
			   &critical, &value))
		return true;
	return der_take_named_bits(&value, &bits) && value.len == 0 &&
	       (bits & KEY_USAGE_SIGNATURE);
}

static enum pv_code check_signature(struct evidence_run *run,
				    const struct dice *d,
				    const struct eat_msg *m)
{
	const struct x509_cert *alias = &d->cert[0];
	bool p256 = p256_point(alias->spki) != NULL;
	uint8_t digest[SHA256_LEN];

	if (!evidence_note(run, RULE_ALGORITHM,
			   m->tag == COSE_TAG_SIGN1 &&
				   m->alg == COSE_ALG_ES256 && p256,
			   "COSE_Sign1 with ES256 by a P-256 alias key",
			   !p256 ? "an alias key of another kind"
			   : m->tag == COSE_TAG_SIGN1 ? "COSE_Sign1"
						      : "COSE_Mac0"))
		return run->rc;
	if (!evidence_note(run, RULE_CHAIN, may_sign(alias),
			   "an alias key with digitalSignature",
			   "another key usage"))
		return run->rc;
	if (m->auth.len != COSE_SIG_LEN)
		return evidence_malformed(run, "evidence.form",
					  "the signature has the wrong length");
	run->rc = eat_digest(m, digest, run->err);
	return run->rc == PV_OK
		       ? evidence_ecdsa(run, alias->spki, digest, m->auth.p)
		       : run->rc;
}

/* What the alias key of another device's chain signs says nothing of this one:
 * its signature is not looked at. */
static enum pv_code check_identity(struct evidence_run *run,
				   const struct dice *d)
{
	bool passed = false;

	for (size_t i = 0; i < d->n; i++)
		passed |= span_equal(d->cert[i].spki, run->want->key);
	evidence_note(run, RULE_IDENTITY, passed,
		      "a chain through the enrolled key",
		      passed ? "a chain through the enrolled key"
			     : "the chain of another device");
	return run->rc;
}

static const char *state_of(uint32_t flags)
{
	if (flags & TCBINFO_DEBUG)
		return "debug";
	if (flags & TCBINFO_NOT_CONFIGURED)
		return "not-configured";
	if (flags & TCBINFO_NOT_SECURE)
		return "not-secure";
	if (flags & TCBINFO_RECOVERY)
		return "recovery";
	return flags & ~KNOWN_FLAGS ? "other" : "secured";
}

/* Every flag that is set is a state that has to be allowed. */
static void check_state(struct evidence_run *run, const struct layer *l)
{
	bool debug = l->tcb.flags & TCBINFO_DEBUG, allowed = true;
	uint32_t left = l->tcb.flags & ~(TCBINFO_DEBUG | TCBINFO_FIXED_WIDTH);
	char expected[128], found[64];

	evidence_note(run, RULE_DEBUG,
		      !debug || evidence_state_allowed(run->want, "debug"),
		      "closed", debug ? l->name : "closed");
	for (uint32_t bit = 1; bit != 0; bit <<= 1) {
		if (left & bit)
			allowed &= evidence_state_allowed(run->want,
							  state_of(bit));
	}
	if (left == 0 && !debug)
		allowed = evidence_state_allowed(run->want, "secured");
	evidence_states(run->want, expected, sizeof(expected));
	snprintf(found, sizeof(found), "%s %s", l->name,
		 state_of(left ? left : l->tcb.flags));
	evidence_note(run, RULE_LIFECYCLE, allowed, expected, found);
}

static bool has_layer(const void *dice, const char *name)
{
	const struct dice *d = dice;

	for (size_t i = 0; i < d->layer_n; i++) {
		if (strcmp(d->layer[i].name, name) == 0)
			return true;
	}
	return false;
}

static struct span name_of(const struct layer *l)
{
	return (struct span){ (const uint8_t *)l->name, strlen(l->name) };
}

static void check_measurements(struct evidence_run *run, const struct dice *d)
{
	if (run->want->reference_n == 0) {
		evidence_note(run, RULE_MEASUREMENT, true, "-", "-");
		return;
	}
	for (size_t i = 0; i < d->layer_n; i++) {
		const struct layer *l = &d->layer[i];

		for (size_t k = 0; k < i; k++) {
			if (strcmp(d->layer[k].name, l->name) == 0)
				evidence_note(run, RULE_MEASUREMENT, false,
					      "each layer once", l->name);
		}
		for (size_t k = 0; k < l->tcb.sha256_n; k++)
			evidence_note_digest(run, name_of(l), l->tcb.sha256[k]);
		if (l->tcb.sha256_n == 0)
			evidence_note_digest(
				run, name_of(l),
				(struct span){ l->tcb.sha256[0].p, 0 });
	}
	evidence_note_absent(run, has_layer, d);
}

static void check_svn(struct evidence_run *run, const struct layer *l)
{
	char expected[32], found[64];

	if (run->want->min_svn == 0)
		return;
	snprintf(expected, sizeof(expected), "%u or higher",
		 run->want->min_svn);
	if (l->tcb.has_svn)
		snprintf(found, sizeof(found), "%s %u", l->name, l->tcb.svn);
	else
		snprintf(found, sizeof(found), "%s without one", l->name);
	evidence_note(run, RULE_SVN,
		      l->tcb.has_svn && l->tcb.svn >= run->want->min_svn,
		      expected, found);
}

enum pv_code evidence_dice(struct evidence_run *run, struct span bytes)
{
	struct dice d = { .n = 0 };
	struct eat_msg m;
	const char *why;
	enum pv_code rc;

	if (run->want->key.len == 0)
		return evidence_malformed(run, "evidence.key",
					  "there is no key enrolled");
	rc = take_apart(run, bytes, &d);
	if (rc != PV_OK)
		return rc;
	if (!eat_message(d.message, &m, &why))
		return evidence_malformed(run, "evidence.form", why);
	rc = check_chain(run, &d);
	if (rc == PV_OK)
		rc = take_layers(run, &d);
	if (rc == PV_OK)
		rc = check_identity(run, &d);
	if (rc == PV_OK)
		rc = check_signature(run, &d, &m);
	if (rc != PV_OK)
		return rc;
	evidence_note_bytes(run, RULE_NONCE, (struct span){ run->want->a, 32 },
			    m.payload);
	for (size_t i = 0; i < d.layer_n; i++)
		check_state(run, &d.layer[i]);
	check_measurements(run, &d);
	for (size_t i = 0; i < d.layer_n; i++)
		check_svn(run, &d.layer[i]);
	run->all_made = true;
	return run->rc;
}

void evidence_dice_claimed(struct span bytes, struct evidence_claimed *out)
{
	const struct evidence_want want = { .device = "" };
	struct evidence_run run = { &want, NULL, NULL, PV_OK, false };
	struct dice d = { .n = 0 };

	if (bytes.len > EVIDENCE_DICE_MAX ||
	    take_apart(&run, bytes, &d) != PV_OK)
		return;
	for (size_t i = 0; i < d.n && i < EVIDENCE_CLAIMED_MAX; i++) {
		if (sha256(d.cert[i].spki, out->id[i], NULL) != PV_OK)
			return;
		out->n = i + 1;
	}
}
