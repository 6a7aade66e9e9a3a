#include "lib/flow/manifests.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/cachain.h"
#include "lib/flow/contents.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/tokensign.h"
#include "lib/seal/manifest.h"

/* Bytes of one clear component: far below what a template file can hold. */
#define CLEAR_MAX (4u * 1024u * 1024u)

void manifests_release(struct manifests *m)
{
	for (size_t i = 0; i < m->n; i++)
		buf_release(&m->stage[i].message);
	m->n = 0;
}

/* Digests of a template's clear components, parallel to its components. */
struct digests {
	uint8_t sha256[TPL_COMPONENTS_MAX][32];
};

static enum pv_code digest_one(const struct issue_context *ctx, size_t i,
			       uint8_t out[32], struct err *err)
{
	const struct template *t = ctx->tmpl;
	struct signing s = { .ctx = ctx };
	CLEANUP(buf_release) struct buf bytes;
	enum pv_code rc = PV_OK;

	buf_init(&bytes, CLEAR_MAX);
	if (t->components[i].config)
		rc = content_config_compile(t->components[i].config,
					    t->field_names, t->fields_n,
					    &s.configs[i], err);
	if (rc == PV_OK)
		rc = contents_clear(&s, i, &bytes, err);
	content_config_free(s.configs[i]);
	if (rc == PV_OK && bytes.len > t->components[i].max_size)
		rc = err_fail(err, PV_INPUT, "template.size",
			      "raise max_size or shorten it",
			      "component %s is %zu bytes, more than its "
			      "max_size",
			      t->components[i].id, bytes.len);
	if (rc == PV_OK)
		rc = sha256(buf_span(&bytes), out, err);
	return rc;
}

static enum pv_code digest_clear(const struct issue_context *ctx,
				 struct digests *d, struct err *err)
{
	const struct template *t = ctx->tmpl;
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < t->components_n; i++)
		if (!t->components[i].sealed)
			rc = digest_one(ctx, i, d->sha256[i], err);
	return rc;
}

/* Components and roles of one stage; place[i] is where component i stands. */
static void fill_stage(const struct template *t, const struct digests *d,
		       uint32_t stage, struct manifest *m)
{
	size_t place[TPL_COMPONENTS_MAX] = { 0 };

	for (size_t i = 0; i < t->components_n; i++) {
		const struct tpl_component *from = &t->components[i];
		struct manifest_component *to = &m->components[m->components_n];
		if (!(stage >> i & 1))
			continue;
		snprintf(to->id, sizeof(to->id), "%s", from->id);
		snprintf(to->version, sizeof(to->version), "%s", from->version);
		snprintf(to->min_version, sizeof(to->min_version), "%s",
			 from->min_version);
		to->sealed = from->sealed;
		to->max_size = from->max_size;
		if (!from->sealed)
			memcpy(to->digest, d->sha256[i], 32);
		place[i] = m->components_n++;
	}
	for (size_t r = 0; r < t->roles_n; r++) {
		struct manifest_role *to = &m->roles[m->roles_n];
		uint32_t bits = t->roles[r].components & stage;
		if (!bits)
			continue;
		snprintf(to->name, sizeof(to->name), "%s", t->roles[r].name);
		for (size_t i = 0; i < t->components_n; i++)
			if (bits >> i & 1)
				to->components |= (uint32_t)1 << place[i];
		m->roles_n++;
	}
}

enum pv_code manifests_payload(const struct issue_context *ctx, size_t stage,
			       const char *origin, uint64_t not_before_s,
			       struct buf *payload, struct err *err)
{
	CLEANUP(mem_cleanup) struct manifest *m = mem_new(sizeof(*m), err);
	CLEANUP(mem_cleanup) struct digests *d = mem_new(sizeof(*d), err);
	const struct template *t = ctx->tmpl;
	const struct tpl_stage *from = &t->stages[stage];
	enum pv_code rc;

	if (!m || !d)
		return PV_INTERNAL;
	rc = digest_clear(ctx, d, err);
	if (rc != PV_OK)
		return rc;
	memcpy(m->vendor, t->vendor, sizeof(m->vendor));
	memcpy(m->class_id, t->class_id, sizeof(m->class_id));
	m->sequence = template_sequence(t, from->kind);
	m->not_before_s = t->manifest_from_adoption ? not_before_s
						    : t->manifest_not_before_s;
	m->not_after_s = t->manifest_not_after_s;
	snprintf(m->origin, sizeof(m->origin), "%s", origin);
	snprintf(m->stage, sizeof(m->stage), "%s",
		 template_stage_name(from->kind));
	fill_stage(t, d, from->components, m);
	return manifest_payload(m, payload, err);
}

static enum pv_code sign_stage(const struct authority *a, struct tokensign *key,
			       const struct issue_context *ctx, size_t n,
			       int64_t now_s, struct manifest_signed *out,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf payload;
	const struct template *t = ctx->tmpl;
	uint8_t digest[32], sig[64];
	enum pv_code rc;

	buf_init(&payload, MANIFEST_SIZE_MAX);
	buf_init(&out->message, MANIFEST_SIZE_MAX);
	out->name = template_stage_name(t->stages[n].kind);
	out->sequence = template_sequence(t, t->stages[n].kind);
	rc = manifests_payload(ctx, n, a->origin, (uint64_t)now_s, &payload,
			       err);
	if (rc == PV_OK)
		rc = manifest_digest(buf_span(&payload), key->kid, digest, err);
	if (rc == PV_OK)
		rc = tokensign_digest(key, digest, sig, err);
	if (rc == PV_OK)
		rc = manifest_finish(buf_span(&payload), key->kid, sig,
				     &out->message, err);
	return rc;
}

/* The bundle key as the store recorded it, found in the token. */
static enum pv_code open_bundle_key(const struct authority *a,
				    struct store *store, struct hsm *hsm,
				    struct tokensign *key, struct err *err)
{
	const struct authority_key *named = NULL;
	struct issue_key want;
	enum pv_code rc = authority_key(a, "bundle", &named, err);

	if (rc == PV_OK)
		rc = ownkey_load(store, named->label, &want, err);
	return rc == PV_OK ? tokensign_open(key, hsm, &want, err) : rc;
}

enum pv_code manifests_sign(const struct authority *a, struct store *store,
			    struct hsm *hsm, struct template *t, int64_t now_s,
			    struct manifests *m, struct err *err)
{
	CLEANUP(tokensign_close) struct tokensign key = { .hsm = NULL };
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	struct issue_context ctx = { .tmpl = t };
	enum pv_code rc = PV_OK;

	m->n = 0;
	if (now_s < 0)
		return err_fail(err, PV_DENIED, "clock.range",
				"set the machine's clock",
				"the clock stands outside 1970 to 9999");
	if (t->has_certificate) {
		rc = ca_chain_load(store, t->profile.issuer, now_s, &chain,
				   err);
		if (rc == PV_OK)
			rc = anchors_load(store, chain.ca[chain.n - 1].name,
					  now_s, ANCHORS_ALL, &ctx.anchors,
					  err);
	}
	if (rc == PV_OK && t->stages_n > 0)
		rc = open_bundle_key(a, store, hsm, &key, err);
	for (size_t i = 0; rc == PV_OK && i < t->stages_n; i++) {
		m->n++;
		rc = sign_stage(a, &key, &ctx, i, now_s, &m->stage[i], err);
	}
	anchors_release(&ctx.anchors);
	return rc;
}
