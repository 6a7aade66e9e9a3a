#include "lib/flow/remanifest.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/seal/manifest.h"

#define TEMPLATES_MAX 4096u /* versions of all templates */

static const enum tpl_stage_kind kinds[] = { TPL_STAGE_BOOTSTRAP,
					     TPL_STAGE_OPERATIONAL };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

void remanifest_release(struct remanifest *r)
{
	for (size_t i = 0; i < r->n; i++)
		buf_release(&r->list[i].message);
	free(r->list);
	memset(r, 0, sizeof(*r));
}

/* ---- which ---- */

struct digests {
	uint8_t (*sha256)[STORE_HASH];
	size_t n;
};

static void digests_release(struct digests *d)
{
	free(d->sha256);
}

static enum pv_code take_digest(void *ctx, const struct store_template *t,
				struct err *err)
{
	struct digests *d = ctx;

	if (d->n == TEMPLATES_MAX)
		return err_fail(err, PV_INTERNAL, "rotate.templates", NULL,
				"more than %u versions of templates",
				TEMPLATES_MAX);
	memcpy(d->sha256[d->n++], t->sha256, STORE_HASH);
	return PV_OK;
}

/* ---- signed before, signed now ---- */

struct by_kid {
	struct span kid;
	struct x509_verifier *v; /* NULL: no bundle key of ours has it */
};

static enum pv_code take_key(void *ctx, const struct store_key *key,
			     struct err *err)
{
	struct by_kid *k = ctx;
	uint8_t digest[32];
	enum pv_code rc;

	if (k->v || strcmp(key->purpose, "bundle") != 0)
		return PV_OK;
	rc = x509_spki_sha256(key->spki, digest, err);
	if (rc == PV_OK && span_equal(k->kid, (struct span){ digest, 8 }))
		rc = x509_verifier_new(key->spki, &k->v, err);
	return rc;
}

static enum pv_code verify_old(struct store *store,
			       const struct manifest_parts *parts,
			       struct err *err)
{
	struct by_kid k = { .kid = parts->kid };
	const struct store_visit v = { .ctx = &k, .fn.key = take_key };
	enum pv_code rc = store_key_each(store, &v, err);

	if (rc == PV_OK && !k.v)
		rc = err_fail(err, PV_INTEGRITY, "manifest.key", NULL,
			      "the manifest is not signed by a bundle key of "
			      "ours");
	if (rc == PV_OK)
		rc = x509_verify_digest(k.v, parts->digest, parts->sig.p,
					PV_INTEGRITY, err);
	x509_verifier_free(k.v);
	return rc;
}

static enum pv_code sign_new(struct tokensign *key, struct span payload,
			     struct buf *out, struct err *err)
{
	uint8_t digest[32], sig[64];
	enum pv_code rc = manifest_digest(payload, key->kid, digest, err);

	if (rc == PV_OK)
		rc = tokensign_digest(key, digest, sig, err);
	return rc == PV_OK ? manifest_finish(payload, key->kid, sig, out, err)
			   : rc;
}

static enum pv_code need_room(struct remanifest *r, struct err *err)
{
	struct remanifest_one *list;
	size_t room = r->room ? 2 * r->room : 16;

	if (r->n < r->room)
		return PV_OK;
	list = mem_array(room, sizeof(*list), err);
	if (!list)
		return PV_INTERNAL;
	if (r->n > 0)
		memcpy(list, r->list, r->n * sizeof(*list));
	free(r->list);
	r->list = list;
	r->room = room;
	return PV_OK;
}

static enum pv_code add(struct store *store, struct tokensign *key,
			struct span old, struct remanifest_one *to,
			struct err *err)
{
	struct manifest_parts parts;
	enum pv_code rc = manifest_parse(old, NULL, &parts, err);

	if (rc == PV_INPUT)
		err->code = rc = PV_INTEGRITY;
	if (rc == PV_OK)
		rc = verify_old(store, &parts, err);
	if (rc != PV_OK ||
	    span_equal(parts.kid, (struct span){ key->kid, sizeof(key->kid) }))
		return rc;
	return sign_new(key, parts.payload, &to->message, err);
}

static enum pv_code take_stage(struct store *store, struct tokensign *key,
			       const uint8_t sha256[STORE_HASH],
			       const char *stage, struct remanifest *r,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf old;
	struct remanifest_one *to;
	bool found = false;
	enum pv_code rc = need_room(r, err);

	buf_init(&old, MANIFEST_SIZE_MAX);
	if (rc != PV_OK)
		return rc;
	to = &r->list[r->n];
	rc = store_manifest_get(store, sha256, stage, &to->sequence, &old,
				&found, err);
	if (rc != PV_OK || !found)
		return rc;
	memcpy(to->template_sha256, sha256, STORE_HASH);
	to->stage = stage;
	buf_init(&to->message, MANIFEST_SIZE_MAX);
	rc = add(store, key, buf_span(&old), to, err);
	if (to->message.len > 0)
		r->n++;
	else
		buf_release(&to->message);
	return rc;
}

enum pv_code remanifest_sign(struct store *store, struct tokensign *key,
			     struct remanifest *r, struct err *err)
{
	CLEANUP(digests_release)
	struct digests d = { mem_array(TEMPLATES_MAX, STORE_HASH, err), 0 };
	const struct store_visit v = { .ctx = &d, .fn.template = take_digest };
	enum pv_code rc = d.sha256 ? PV_OK : PV_INTERNAL;

	memset(r, 0, sizeof(*r));
	if (rc == PV_OK)
		rc = store_template_each(store, &v, err);
	for (size_t i = 0; rc == PV_OK && i < d.n; i++)
		for (size_t k = 0; rc == PV_OK && k < KINDS; k++)
			rc = take_stage(store, key, d.sha256[i],
					template_stage_name(kinds[k]), r, err);
	return rc;
}

enum pv_code remanifest_put(struct store *store, const struct remanifest *r,
			    struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < r->n; i++)
		rc = store_manifest_replace(store, r->list[i].template_sha256,
					    r->list[i].stage,
					    r->list[i].sequence,
					    buf_span(&r->list[i].message), err);
	return rc;
}
