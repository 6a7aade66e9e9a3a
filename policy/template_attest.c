/* The attestation section; its use is a matter of evidence, not of issuing. */
#include <string.h>

#include "policy/template_impl.h"

#define NONCE_TTL_S 300u
#define OFFLINE_NONCE_TTL_S 604800u
#define OFFLINE_NONCE_TTL_MAX_S 31536000u

enum tpl_evidence tpl_reference_of(const struct tpl_reference *r)
{
	if (strncmp(r->component, "pcr", 3) == 0)
		return TPL_TPM2;
	return strncmp(r->component, "layer", 5) == 0 ? TPL_DICE : TPL_PSA;
}

static enum pv_code parse_formats(const struct node *n,
				  struct tpl_attestation *a)
{
	static const char *const formats[] = { "psa", "tpm2", "dice", NULL };
	bool *const flags[] = { &a->psa, &a->tpm2, &a->dice };

	NODE_TRY(node_need(n));
	NODE_TRY(node_array(n, 1, 3));
	for (size_t i = 0; i < json_array_size(n->v); i++) {
		struct node item = node_at(n, i);
		unsigned word = 0;

		NODE_TRY(node_word(&item, formats, &word));
		if (*flags[word])
			return node_fail(&item, "duplicate", "name it once",
					 "%s stands twice", formats[word]);
		*flags[word] = true;
	}
	return PV_OK;
}

/* A state that no evidence has would let nothing pass, unnoticed until then. */
static enum pv_code parse_lifecycle(const struct node *n,
				    struct tpl_attestation *a)
{
	/* psa: RFC 9783 4.3.1; dice: OperationalFlags of DiceTcbInfo, no flag
	 * is secured. The names are those of lib/evidence/evidence.h. */
	static const char *const states[] = { "secured",
					      "unknown",
					      "assembly-and-test",
					      "psa-rot-provisioning",
					      "non-psa-rot-debug",
					      "recoverable-psa-rot-debug",
					      "decommissioned",
					      "not-configured",
					      "not-secure",
					      "recovery",
					      "debug",
					      NULL };

	NODE_TRY(node_array(n, 1, TPL_LIST_MAX));
	for (size_t i = 0; i < json_array_size(n->v); i++) {
		struct node item = node_at(n, i);
		unsigned word = 0;

		NODE_TRY(node_word(&item, states, &word));
		a->lifecycle[a->lifecycle_n++] = states[word];
	}
	return PV_OK;
}

/* As a target of escrow, or a CRL, which may be said to be any. */
static enum pv_code parse_trust(const struct node *n, struct tpl_escrow *to)
{
	static const char *const keys[] = { "crl", "sha256", NULL };
	struct node crl = node_get(n, "crl");
	struct node digest = node_get(n, "sha256");

	if (!json_is_string(n->v) && !json_is_object(n->v))
		return node_fail(n, "type", NULL, "not a string or an object");
	if (!crl.v)
		return tpl_target(n, to);
	to->crl = true;
	NODE_TRY(node_object(n, keys));
	to->pinned = digest.v != NULL;
	if (to->pinned)
		NODE_TRY(node_digest(&digest, to->sha256));
	return tpl_path(&crl, &to->path);
}

/* Lists say what is no longer trusted of what is. */
static enum pv_code check_trust(const struct node *n,
				const struct tpl_attestation *a)
{
	size_t certs = 0;

	for (size_t i = 0; i < a->trust_n; i++)
		certs += !a->trust[i].crl;
	if (certs > 0 || a->trust_n == 0)
		return PV_OK;
	return node_fail(n, "trust", "name the certificates, too",
			 "CRLs, and no certificate to trust");
}

static enum pv_code parse_lists(const struct node *trust,
				const struct node *lifecycle,
				struct tpl_attestation *a)
{
	NODE_TRY(node_array(trust, 1, TPL_LIST_MAX));
	for (size_t i = 0; i < json_array_size(trust->v); i++) {
		struct node item = node_at(trust, i);

		NODE_TRY(parse_trust(&item, &a->trust[i]));
		a->trust_n++;
	}
	NODE_TRY(check_trust(trust, a));
	return parse_lifecycle(lifecycle, a);
}

static enum pv_code parse_digest(const struct node *n, uint8_t out[32])
{
	const char *s = NULL;

	NODE_TRY(node_need(n));
	NODE_TRY(node_string(n, 128, &s));
	if (strncmp(s, "sha256:", 7) != 0 || strlen(s) != 7 + 64 ||
	    !hex_decode(s + 7, out, 32))
		return node_fail(n, "digest", NULL,
				 "not \"sha256:\" and 64 hex digits");
	return PV_OK;
}

static enum pv_code parse_references(const struct node *n,
				     struct tpl_attestation *a)
{
	static const char *const keys[] = { "component", "digest", NULL };

	NODE_TRY(node_array(n, 1, TPL_LIST_MAX));
	for (size_t i = 0; i < json_array_size(n->v); i++) {
		struct node item = node_at(n, i);
		struct node component = node_get(&item, "component");
		struct node digest = node_get(&item, "digest");

		NODE_TRY(node_object(&item, keys));
		NODE_TRY(node_need(&component));
		NODE_TRY(node_name(&component, &a->reference[i].component));
		NODE_TRY(parse_digest(&digest, a->reference[i].digest));
		a->reference_n++;
	}
	return PV_OK;
}

enum pv_code tpl_attestation(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = {
		"formats",   "trust",		"lifecycle",
		"min_svn",   "nonce_ttl_s",	"offline_nonce_ttl_s",
		"reference", "require_receipt", NULL
	};
	struct tpl_attestation *a = &p->t->attestation;
	struct node formats = node_get(n, "formats");
	struct node trust = node_get(n, "trust");
	struct node lifecycle = node_get(n, "lifecycle");
	struct node svn = node_get(n, "min_svn");
	struct node ttl = node_get(n, "nonce_ttl_s");
	struct node offline_ttl = node_get(n, "offline_nonce_ttl_s");
	struct node reference = node_get(n, "reference");
	struct node receipt = node_get(n, "require_receipt");

	if (!n->v)
		return PV_OK;
	a->present = true;
	a->nonce_ttl_s = NONCE_TTL_S;
	a->offline_nonce_ttl_s = OFFLINE_NONCE_TTL_S;
	NODE_TRY(node_object(n, keys));
	NODE_TRY(parse_formats(&formats, a));
	NODE_TRY(parse_lists(&trust, &lifecycle, a));
	NODE_TRY(node_u32(&svn, 0, INT32_MAX, &a->min_svn));
	NODE_TRY(node_u32(&ttl, 1, TPL_NONCE_TTL_MAX_S, &a->nonce_ttl_s));
	NODE_TRY(node_u32(&offline_ttl, 1, OFFLINE_NONCE_TTL_MAX_S,
			  &a->offline_nonce_ttl_s));
	NODE_TRY(parse_references(&reference, a));
	return node_bool(&receipt, &a->require_receipt);
}
