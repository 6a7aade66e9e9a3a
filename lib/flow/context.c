#include "lib/flow/context_impl.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/cachain.h"
#include "lib/flow/castand.h"
#include "lib/flow/escrowcerts.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/manifests.h"
#include "lib/flow/prepared.h"
#include "lib/seal/manifest.h"
#include "lib/store/store.h"
#include "lib/x509/cert.h"

CLEANUP_PTR(struct issue_context, issue_context_free);

void issue_context_free(struct issue_context *ctx)
{
	if (!ctx)
		return;
	template_free(ctx->tmpl);
	if (ctx->issuer)
		x509_issuer_release(ctx->issuer);
	free(ctx->issuer);
	for (size_t i = 0; i < ctx->owned_n; i++)
		free(ctx->owned[i]);
	stored_rows_release(&ctx->stored);
	anchors_release(&ctx->anchors);
	free(ctx);
}

enum pv_code issue_context_copy(struct issue_context *ctx, struct span from,
				struct span *to, struct err *err)
{
	void *p;

	if (ctx->owned_n == CONTEXT_OWNED_MAX)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"too many parts in a template's context");
	p = mem_dup(from.p, from.len, err);
	if (!p)
		return PV_INTERNAL;
	ctx->owned[ctx->owned_n++] = p;
	*to = (struct span){ p, from.len };
	return PV_OK;
}

/* ---- template ---- */

struct loading {
	struct issue_context *ctx;
	struct store *store;
};

static enum pv_code take_template(void *arg, const struct store_template *t,
				  struct err *err)
{
	const struct loading *l = arg;
	struct issue_context *ctx = l->ctx;
	enum pv_code rc = logged_template(l->store, t, err);

	if (rc == PV_OK)
		rc = template_parse(t->bytes, &ctx->tmpl, NULL, err);
	if (rc == PV_OK)
		rc = issue_context_copy(ctx, t->bytes, &ctx->template_bytes,
					err);
	if (rc == PV_OK)
		rc = escrowcerts_take(ctx, t->escrow, err);
	if (rc == PV_OK) {
		memcpy(ctx->template_sha256, t->sha256, 32);
		ctx->adopt_index = t->adopt_index;
		return PV_OK;
	}
	err_prefix(err, "adopted template");
	err_object(err, t->name);
	return rc;
}

/* ---- issuer and chain ---- */

/* No new device, but stored answers are given all the same. */
static enum pv_code check_standing(struct issue_context *ctx,
				   const struct authority *a,
				   struct store *store,
				   const struct ca_chain *chain,
				   struct err *err)
{
	enum pv_code rc = ca_chain_valid(chain, pvtime_now_s(), &ctx->expired);

	if (rc == PV_OK)
		rc = ca_chain_stands(a, store, chain, pvtime_now_s(),
				     &ctx->expired);
	if (rc == PV_OK || rc == PV_DENIED)
		return PV_OK;
	*err = ctx->expired;
	return rc;
}

static enum pv_code load_issuer(struct issue_context *ctx,
				const struct authority *a, struct store *store,
				struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	struct span spki;
	enum pv_code rc;

	ctx->crl_shards = 1;
	err_init(&ctx->expired);
	if (!ctx->tmpl->has_certificate) {
		ctx->ca_generation = 0;
		return PV_OK;
	}
	rc = ca_chain_load_generation(store, ctx->tmpl->profile.issuer,
				      ctx->ca_generation, -1, &chain, err);
	if (rc != PV_OK)
		return rc;
	for (size_t i = 0; rc == PV_OK && i + 1 < chain.n; i++)
		rc = issue_context_copy(ctx, buf_span(&chain.ca[i].der),
					&ctx->chain[ctx->chain_n++], err);
	if (rc == PV_OK)
		rc = anchors_load(store, chain.ca[chain.n - 1].name,
				  pvtime_now_s(), ctx->adopt_index,
				  &ctx->anchors, err);
	if (rc == PV_OK)
		rc = check_standing(ctx, a, store, &chain, err);
	if (rc != PV_OK)
		return rc;
	ctx->ca_generation = chain.ca[0].generation;
	ctx->crl_shards = chain.ca[0].shards;
	ctx->issuer = mem_new(sizeof(*ctx->issuer), err);
	if (!ctx->issuer)
		return PV_INTERNAL;
	rc = x509_issuer_load(buf_span(&chain.ca[0].der), ctx->issuer, err);
	if (rc != PV_OK)
		return rc;
	if (!chain.ca[0].label[0])
		return ca_elsewhere(chain.ca[0].name, err);
	ctx->issuer_key = issue_context_find_label(ctx, chain.ca[0].label);
	spki = ctx->issuer->spki;
	if (ctx->issuer_key &&
	    span_equal(spki, (struct span){ ctx->issuer_key->spki,
					    ctx->issuer_key->spki_len }))
		return PV_OK;
	err_object(err, chain.ca[0].name);
	return err_fail(err, PV_INTEGRITY, "context.key",
			"run `provctl audit verify'",
			"the CA's certificate is not for the CA's key");
}

/* ---- manifests ---- */

/* The manifest may be signed by an earlier generation of the bundle key. */
static enum pv_code verify_manifest(const struct issue_context *ctx,
				    const struct manifest_parts *parts,
				    struct err *err)
{
	for (size_t i = 0; i < ctx->keys_n; i++) {
		CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
		const struct issue_key *k = &ctx->keys[i];
		struct span spki = { k->spki, k->spki_len };
		uint8_t digest[32];
		enum pv_code rc;

		if (!hsm_is_p256(k->kind) || strcmp(k->purpose, "bundle") != 0)
			continue;
		rc = x509_spki_sha256(spki, digest, err);
		if (rc != PV_OK)
			return rc;
		if (!span_equal(parts->kid, (struct span){ digest, 8 }))
			continue;
		rc = x509_verifier_new(spki, &v, err);
		if (rc == PV_OK)
			rc = x509_verify_digest(v, parts->digest, parts->sig.p,
						PV_INTEGRITY, err);
		return rc;
	}
	return err_fail(err, PV_INTEGRITY, "manifest.key", NULL,
			"the manifest is not signed by a bundle key of ours");
}

/* A true signature is not enough: it must be this template's manifest. */
static enum pv_code check_manifest(const struct issue_context *ctx, size_t i,
				   const struct manifest *m,
				   const struct manifest_parts *parts,
				   struct err *err)
{
	CLEANUP(buf_release) struct buf payload;
	enum pv_code rc;

	buf_init(&payload, MANIFEST_SIZE_MAX);
	rc = manifests_payload(ctx, i, m->origin, m->not_before_s, &payload,
			       err);
	if (rc == PV_OK && !span_equal(buf_span(&payload), parts->payload))
		rc = err_fail(err, PV_INTEGRITY, "manifest.template",
			      "run `provctl audit verify'",
			      "the stored manifest of stage %s is not the "
			      "template's",
			      ctx->stages[i].name);
	return rc;
}

static enum pv_code parse_stage(struct issue_context *ctx, size_t i,
				struct err *err)
{
	CLEANUP(mem_cleanup) struct manifest *m = mem_new(sizeof(*m), err);
	struct issue_stage *stage = &ctx->stages[i];
	struct manifest_parts parts;
	enum pv_code rc = m ? manifest_parse(stage->manifest, m, &parts, err)
			    : PV_INTERNAL;

	if (rc == PV_INPUT)
		err->code = rc = PV_INTEGRITY;
	if (rc == PV_OK)
		rc = verify_manifest(ctx, &parts, err);
	if (rc == PV_OK)
		rc = check_manifest(ctx, i, m, &parts, err);
	if (rc == PV_OK && m->sequence != stage->sequence)
		rc = err_fail(err, PV_INTEGRITY, "manifest.sequence", NULL,
			      "the manifest of stage %s has another sequence "
			      "number",
			      stage->name);
	if (rc != PV_OK)
		return rc;
	stage->not_after_s = m->not_after_s;
	stage->manifest_payload = parts.payload;
	memcpy(stage->payload_sha256, parts.payload_sha256, 32);
	return PV_OK;
}

enum pv_code issue_context_manifests(const struct issue_context *ctx,
				     bool released, int64_t now_s,
				     struct err *err)
{
	char over[PVTIME_RFC3339_LEN + 1];

	for (size_t i = 0; i < ctx->stages_n; i++) {
		const struct issue_stage *stage = &ctx->stages[i];

		if (ctx->tmpl->stages[i].requires_attestation != released ||
		    now_s <= (int64_t)stage->not_after_s)
			continue;
		if (!pvtime_format((int64_t)stage->not_after_s, over))
			over[0] = '\0';
		return err_fail(err, PV_DENIED, "manifest.expired",
				"adopt a new version of the template",
				"the manifest of stage %s ended at %s",
				stage->name, over);
	}
	return PV_OK;
}

static enum pv_code load_stage(struct issue_context *ctx, struct store *store,
			       size_t i, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct issue_stage *stage = &ctx->stages[i];
	bool found = false;
	enum pv_code rc;

	buf_init(&bytes, MANIFEST_SIZE_MAX);
	stage->kind = ctx->tmpl->stages[i].kind;
	stage->name = template_stage_name(stage->kind);
	rc = store_manifest_get(store, ctx->template_sha256, stage->name,
				&stage->sequence, &bytes, &found, err);
	if (rc == PV_OK && !found)
		rc = err_fail(err, PV_INTEGRITY, "manifest.missing",
			      "run `provctl audit verify'",
			      "the store has no manifest of stage %s",
			      stage->name);
	if (rc == PV_OK)
		rc = issue_context_copy(ctx, buf_span(&bytes), &stage->manifest,
					err);
	return rc == PV_OK ? parse_stage(ctx, i, err) : rc;
}

/* ---- all together ---- */

/* What the store alone answers for comes first: a key that the configuration
 * lacks must not keep an audit from the manifests. */
static enum pv_code load_rest(struct issue_context *ctx,
			      const struct authority *a, struct store *store,
			      struct err *err)
{
	const struct store_visit v = { .ctx = ctx,
				       .fn.key = issue_context_take_key };
	enum pv_code rc;

	if (ctx->tmpl->ca)
		return err_fail(err, PV_DENIED, "template.ca",
				"CAs are made by plan steps",
				"%s is a template for CAs", ctx->tmpl->name);
	rc = store_key_each(store, &v, err);
	if (rc == PV_OK)
		rc = load_issuer(ctx, a, store, err);
	ctx->stages_n = ctx->tmpl->stages_n;
	for (size_t i = 0; rc == PV_OK && i < ctx->stages_n; i++)
		rc = load_stage(ctx, store, i, err);
	if (rc == PV_OK)
		rc = issue_context_choose_keys(ctx, a, err);
	if (rc == PV_OK)
		rc = issue_context_check_needs(ctx, err);
	if (rc == PV_OK)
		rc = stored_rows_load(ctx->tmpl, store, &ctx->stored, err);
	if (rc == PV_OK && ctx->store_key &&
	    prepared_secret_bytes(ctx->tmpl) > 0)
		rc = store_datakey_count(store, ctx->store_key->id,
					 &ctx->store_uses, err);
	return rc;
}

static enum pv_code load(const struct authority *a, struct store *store,
			 const char *name, const uint8_t *sha256,
			 uint32_t generation, struct issue_context **out,
			 struct err *err)
{
	CLEANUP(cleanup_issue_context_free)
	struct issue_context *ctx = mem_new(sizeof(*ctx), err);
	struct loading loading = { ctx, store };
	struct store_visit v = { .ctx = &loading,
				 .fn.template = take_template };
	enum pv_code rc;

	*out = NULL;
	if (!ctx)
		return PV_INTERNAL;
	ctx->ca_generation = generation; /* 0: which issues now is found */
	rc = name ? store_template_current(store, name, &v, err)
		  : store_template_digest(store, sha256, &v, err);
	if (rc == PV_OK)
		rc = load_rest(ctx, a, store, err);
	if (rc == PV_OK) {
		*out = TAKE(ctx);
		return PV_OK;
	}
	err_object(err, name ? name : ctx->tmpl ? ctx->tmpl->name : "template");
	return rc;
}

enum pv_code issue_context_load(const struct authority *a, struct store *store,
				const char *template_name,
				struct issue_context **out, struct err *err)
{
	return load(a, store, template_name, NULL, 0, out, err);
}

enum pv_code issue_context_load_digest(const struct authority *a,
				       struct store *store,
				       const uint8_t sha256[32],
				       struct issue_context **out,
				       struct err *err)
{
	return load(a, store, NULL, sha256, 0, out, err);
}

enum pv_code
issue_context_load_generation(const struct authority *a, struct store *store,
			      const uint8_t sha256[32], uint32_t generation,
			      struct issue_context **out, struct err *err)
{
	return load(a, store, NULL, sha256, generation, out, err);
}
