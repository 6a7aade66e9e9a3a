/*
 * context: all that issuing under one adopted template needs and that does not
 * change during a run: template, issuer, manifests, keys by name. Loaded from
 * the store by the parent of a run, whose children inherit it or get it as a
 * record (record_context.h); read-only after, holds no secret, opens no token.
 *
 * Checked while loading: the template, what is pinned with it and the CA chain
 * against their log entries, the stored manifest signatures with the bundle
 * key, the chain (signatures, CA flags), one algorithm (ES256) everywhere. The
 * chain's dates are a fact, which stands in the way of new devices only.
 * Specification: policy.md; formats.md 1, 2.
 */
#ifndef PV_FLOW_CONTEXT_H
#define PV_FLOW_CONTEXT_H

#include "lib/flow/anchors.h"
#include "lib/flow/authority.h"
#include "lib/flow/issuekey.h"
#include "lib/flow/stored.h"
#include "lib/store/store.h"
#include "lib/x509/issuer.h"
#include "policy/template.h"

#define CONTEXT_CHAIN_MAX 8
#define CONTEXT_OWN_KEYS_MAX 64
#define CONTEXT_OWNED_MAX 32

struct issue_stage {
	enum tpl_stage_kind kind;
	const char *name;	      /* "bootstrap" or "operational" */
	struct span manifest;	      /* COSE_Sign1 bytes, as stored */
	struct span manifest_payload; /* inside manifest */
	uint8_t payload_sha256[32];   /* binding 9 */
	uint64_t sequence;
	uint64_t not_after_s; /* manifest key 6 */
};

struct issue_escrow {
	const char *name; /* as in the template */
	struct span cert; /* DER of the backend's certificate, as adopted */
};

struct issue_context {
	struct template *tmpl;
	struct span template_bytes; /* as adopted */
	uint8_t template_sha256[32];
	uint64_t adopt_index; /* of its entry */

	struct x509_issuer *issuer; /* NULL with key none */
	uint32_t ca_generation;	    /* of the issuer; 0 with key none */
	uint32_t crl_shards;	    /* of the issuer's CRL; 1 with key none */
	struct span chain[CONTEXT_CHAIN_MAX]; /* DER, issuer first, no anchor */
	size_t chain_n;
	struct err expired; /* PV_OK, or why a CA of the chain issues no more */
	struct anchors anchors; /* none with key none */

	struct issue_stage stages[TPL_STAGES_MAX]; /* as in tmpl */
	size_t stages_n;

	const struct issue_key *issuer_key; /* NULL with key none */
	const struct issue_key *bundle_key; /* never NULL */
	const struct issue_key *kdf_key;    /* NULL: the authority has none */
	const struct issue_key *store_key;  /* NULL: the authority has none */
	uint64_t store_uses; /* rows it has sealed, where they are needed */
	struct stored_rows stored; /* what "stored" secrets it names */
	uint8_t bundle_kid[8];	   /* first 8 bytes of SHA-256(SPKI) */

	/* Every key of the authority: no device may present a public half. */
	struct issue_key keys[CONTEXT_OWN_KEYS_MAX];
	size_t keys_n;

	struct issue_escrow escrow[TPL_ESCROW_MAX]; /* as in tmpl */
	size_t escrow_n;

	void *owned[CONTEXT_OWNED_MAX]; /* what the spans above point into */
	size_t owned_n;
};

/*
 * Loads the newest adopted version of template_name. PV_NOT_FOUND (never
 * adopted; no CA of that name), PV_DENIED (a CA template), PV_INTEGRITY
 * (row, manifest signature or chain), PV_STORAGE. *out is NULL on failure.
 */
PV_MUST enum pv_code issue_context_load(const struct authority *a,
					struct store *store,
					const char *template_name,
					struct issue_context **out,
					struct err *err);
/* As above for the template of that digest: completes an earlier intent made
 * under a template that has been replaced since. */
PV_MUST enum pv_code issue_context_load_digest(const struct authority *a,
					       struct store *store,
					       const uint8_t sha256[32],
					       struct issue_context **out,
					       struct err *err);
/* The same with that generation of the issuer, whatever issues now: completes
 * an intent that began under it. PV_NOT_FOUND, "chain.generation". */
PV_MUST enum pv_code
issue_context_load_generation(const struct authority *a, struct store *store,
			      const uint8_t sha256[32], uint32_t generation,
			      struct issue_context **out, struct err *err);
void issue_context_free(struct issue_context *ctx);

/* May bundles be sealed under the manifests of the stages that get one now, or
 * of those that are released for evidence? PV_DENIED, "manifest.expired". */
PV_MUST enum pv_code issue_context_manifests(const struct issue_context *ctx,
					     bool released, int64_t now_s,
					     struct err *err);

/* A key of ours, of any generation, by its CKA_ID; NULL: there is none. */
const struct issue_key *issue_context_key(const struct issue_context *ctx,
					  enum hsm_key_kind kind,
					  const uint8_t id[HSM_ID_LEN]);

/* True when spki is the public key of one of our own keys (case 21). */
PV_MUST bool issue_context_own_key(const struct issue_context *ctx,
				   struct span spki);

#endif
