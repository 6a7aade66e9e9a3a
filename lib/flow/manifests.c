#include "lib/flow/manifests.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/cachain.h"
#include "lib/flow/contents.h"
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

static enum pv_code digest_clear(struct store *store, struct template *t,
				 int64_t now_s, struct digests *d,
				 struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	struct issue_context ctx = { .tmpl = t };
	enum pv_code rc = PV_OK;

	if (t->has_certificate) {
		rc = ca_chain_load(store, t->profile.issuer, now_s, &chain,
				   err);
		if (rc != PV_OK)
			return rc;
		ctx.anchor = buf_span(&chain.ca[chain.n - 1].der);
	}
	for (size_t i = 0; rc == PV_OK && i < t->components_n; i++)
		if (!t->components[i].sealed)
			rc = digest_one(&ctx, i, d->sha256[i], err);
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

static enum pv_code sign_stage(const struct authority *a, struct tokensign *key,
			       const struct template *t,
			       const struct digests *d, size_t n, int64_t now_s,
			       struct manifest_signed *out, struct err *err)
{
	CLEANUP(mem_cleanup) struct manifest *m = mem_new(sizeof(*m), err);
	CLEANUP(buf_release) struct buf payload;
	uint8_t digest[32], sig[64];
	enum pv_code rc;

	buf_init(&payload, MANIFEST_SIZE_MAX);
	buf_init(&out->message, MANIFEST_SIZE_MAX);
	if (!m)
		return PV_INTERNAL;
	memcpy(m->vendor, t->vendor, sizeof(m->vendor));
	memcpy(m->class_id, t->class_id, sizeof(m->class_id));
	out->name = template_stage_name(t->stages[n].kind);
	out->sequence = template_sequence(t, t->stages[n].kind);
	m->sequence = out->sequence;
	m->not_before_s = t->manifest_from_adoption ? (uint64_t)now_s
						    : t->manifest_not_before_s;
	m->not_after_s = t->manifest_not_after_s;
	snprintf(m->origin, sizeof(m->origin), "%s", a->origin);
	snprintf(m->stage, sizeof(m->stage), "%s", out->name);
	fill_stage(t, d, t->stages[n].components, m);
	rc = manifest_payload(m, &payload, err);
	if (rc == PV_OK)
		rc = manifest_digest(buf_span(&payload), key->kid, digest, err);
	if (rc == PV_OK)
		rc = tokensign_digest(key, digest, sig, err);
	if (rc == PV_OK)
		rc = manifest_finish(buf_span(&payload), key->kid, sig,
				     &out->message, err);
	return rc;
}

struct find_key {
	const char *label;
	uint8_t spki[HSM_SPKI_MAX];
	size_t len;
};

static enum pv_code match_key(void *arg, const struct store_key *k,
			      struct err *err)
{
	struct find_key *f = arg;

	(void)err;
	if (strcmp(k->label, f->label) == 0 && k->spki.len <= sizeof(f->spki)) {
		memcpy(f->spki, k->spki.p, k->spki.len);
		f->len = k->spki.len;
	}
	return PV_OK;
}

/* The bundle key as the store recorded it, found in the token. */
static enum pv_code open_bundle_key(const struct authority *a,
				    struct store *store, struct hsm *hsm,
				    struct tokensign *key, struct err *err)
{
	const struct authority_key *named = NULL;
	struct find_key f = { .len = 0 };
	struct store_visit v = { .ctx = &f, .fn.key = match_key };
	enum pv_code rc = authority_key(a, "bundle", &named, err);

	if (rc != PV_OK)
		return rc;
	f.label = named->label;
	rc = store_key_each(store, &v, err);
	if (rc == PV_OK && !f.len) {
		err_object(err, named->label);
		rc = err_fail(err, PV_NOT_FOUND, "context.key",
			      "let \"keys\" in provctl.json name keys that "
			      "were generated by provctl",
			      "the store knows no bundle key of that label");
	}
	if (rc == PV_OK)
		rc = tokensign_open(key, hsm, named->label,
				    (struct span){ f.spki, f.len }, err);
	return rc;
}

enum pv_code manifests_sign(const struct authority *a, struct store *store,
			    struct hsm *hsm, struct template *t, int64_t now_s,
			    struct manifests *m, struct err *err)
{
	CLEANUP(tokensign_close) struct tokensign key = { .hsm = NULL };
	CLEANUP(mem_cleanup) struct digests *d = mem_new(sizeof(*d), err);
	enum pv_code rc = d ? PV_OK : PV_INTERNAL;

	m->n = 0;
	if (rc == PV_OK && now_s < 0)
		rc = err_fail(err, PV_DENIED, "clock.range",
			      "set the machine's clock",
			      "the clock stands outside 1970 to 9999");
	if (rc == PV_OK)
		rc = digest_clear(store, t, now_s, d, err);
	if (rc == PV_OK)
		rc = open_bundle_key(a, store, hsm, &key, err);
	for (size_t i = 0; rc == PV_OK && i < t->stages_n; i++) {
		m->n++;
		rc = sign_stage(a, &key, t, d, i, now_s, &m->stage[i], err);
	}
	return rc;
}
