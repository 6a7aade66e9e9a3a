#include "lib/flow/bundled.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/contents.h"
#include "lib/flow/wire.h"
#include "lib/seal/batch.h"
#include "lib/seal/container.h"
#include "lib/seal/descriptor.h"
#include "lib/seal/kdf.h"
#include "lib/seal/recipient.h"

/* TPL_ROLE_SIZE_MAX sealed in the smallest chunks, and what goes around it;
 * a device's containers fit a record between processes. */
#define CONTAINER_MAX (1792u * 1024u)
#define ESCROW_OUT_MAX 262144
/* Names, hashes and the certificate of a result beside its bundles. */
#define RESULT_REST 65536

_Static_assert(TPL_STAGES_MAX *(CONTAINER_MAX + ESCROW_OUT_MAX) + RESULT_REST <=
		       WIRE_RECORD_MAX,
	       "what a device can get is one record between processes");

struct stage_bundle {
	size_t stage; /* index in the template */
	uint64_t seq;
	uint8_t id[SEAL_ID_LEN];
	uint8_t bh[32], payload_sha256[32];
	struct buf payload, segments, clear, descriptor, escrow;
	struct seal_clear clear_list[SEAL_COMPONENTS_MAX];
	size_t clear_n;
};

struct bundled {
	const struct issued *i;
	struct stage_bundle stages[TPL_STAGES_MAX];
	size_t n;
};

static void stage_init(struct stage_bundle *b)
{
	buf_init(&b->payload, SEAL_DESCRIPTOR_MAX);
	buf_init(&b->segments, CONTAINER_MAX);
	buf_init(&b->clear, CONTAINER_MAX);
	buf_init(&b->descriptor, 2 * SEAL_DESCRIPTOR_MAX);
	buf_init(&b->escrow, ESCROW_OUT_MAX);
}

static void stage_reset(struct stage_bundle *b)
{
	buf_reset(&b->payload);
	buf_reset(&b->segments);
	buf_reset(&b->clear);
	buf_reset(&b->descriptor);
	buf_reset(&b->escrow);
	b->clear_n = 0;
}

enum pv_code bundled_new(struct bundled **b, struct err *err)
{
	*b = mem_new(sizeof(**b), err);
	if (!*b)
		return PV_INTERNAL;
	for (size_t i = 0; i < TPL_STAGES_MAX; i++)
		stage_init(&(*b)->stages[i]);
	return PV_OK;
}

void bundled_free(struct bundled *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < TPL_STAGES_MAX; i++) {
		struct stage_bundle *s = &b->stages[i];

		buf_release(&s->payload);
		buf_release(&s->segments);
		buf_release(&s->clear);
		buf_release(&s->descriptor);
		buf_release(&s->escrow);
	}
	free(b);
}

void bundled_reset(struct bundled *b)
{
	b->i = NULL;
	b->n = 0;
}

/* Plaintexts and keys of one bundle while it is made. */
struct plain {
	struct secret parts[TPL_COMPONENTS_MAX];
	struct secret kek;
};

static void plain_release(struct plain *p)
{
	for (size_t i = 0; i < TPL_COMPONENTS_MAX; i++)
		secret_release(&p->parts[i]);
	secret_release(&p->kek);
}

static const char *device_of(const struct prepared *p)
{
	return approved_request(prepared_approved(p))->device;
}

static enum pv_code set_recipient(struct signing *s, const struct issued *i,
				  struct seal_job *job, struct plain *plain,
				  struct err *err)
{
	const struct prepared *p = issued_prepared(i);
	const struct signing_kdf *by;
	struct seal_recipient to;
	enum pv_code rc;

	if (s->ctx->tmpl->recipient == TPL_RECIPIENT_KDF) {
		job->kind = SEAL_KIND_KEK;
		rc = signing_kdf(s, prepared_kdf(p), &by, err);
		if (rc == PV_OK)
			rc = contents_device_key(s, by, KDF_KEK, device_of(p),
						 &plain->kek, err);
		if (rc == PV_OK)
			memcpy(job->key_id, by->recorded->id,
			       SEAL_MASTER_ID_LEN);
		job->kek = &plain->kek;
		return rc;
	}
	rc = seal_recipient_from_spki(s->seal, prepared_recipient(p), &to, err);
	if (rc != PV_OK)
		return rc;
	job->kind = SEAL_KIND_KEM;
	memcpy(job->point, to.point, sizeof(to.point));
	memcpy(job->key_id, to.id, sizeof(to.id));
	return PV_OK;
}

static enum pv_code add_clear(struct signing *s, struct stage_bundle *b,
			      struct seal_job *job, size_t component,
			      struct err *err)
{
	const struct tpl_component *c = &s->ctx->tmpl->components[component];
	size_t at = b->clear.len;
	struct seal_clear *clear = &job->clear[job->clear_n];
	enum pv_code rc = contents_clear(s, component, &b->clear, err);

	if (rc == PV_OK)
		rc = buf_check(&b->clear, err);
	clear->id = c->id;
	clear->max_size = c->max_size;
	/* Offsets for now: the buffer may move while it grows. */
	clear->bytes.p = NULL;
	clear->bytes.len = b->clear.len - at;
	job->clear_n++;
	return rc;
}

static enum pv_code add_sealed(struct signing *s, const struct issued *i,
			       struct seal_job *job, size_t component,
			       struct secret *plain, struct err *err)
{
	const struct tpl_component *c = &s->ctx->tmpl->components[component];
	struct seal_sealed *sealed = &job->sealed[job->sealed_n++];

	sealed->id = c->id;
	sealed->chunk = s->ctx->tmpl->chunk;
	sealed->max_size = c->max_size;
	sealed->plain = plain;
	return contents_sealed(s, i, component, plain, err);
}

static enum pv_code add_components(struct signing *s, const struct issued *i,
				   struct stage_bundle *b, struct seal_job *job,
				   struct plain *plain, struct err *err)
{
	const struct template *t = s->ctx->tmpl;
	size_t list[TPL_COMPONENTS_MAX];
	size_t n = template_select(t, prepared_role(issued_prepared(i)),
				   b->stage, list);
	size_t at = 0;

	for (size_t k = 0; k < n; k++) {
		enum pv_code rc;

		if (t->components[list[k]].sealed)
			rc = add_sealed(s, i, job, list[k],
					&plain->parts[list[k]], err);
		else
			rc = add_clear(s, b, job, list[k], err);
		if (rc != PV_OK) {
			err_prefix(err, "component %s",
				   t->components[list[k]].id);
			return rc;
		}
	}
	for (size_t k = 0; k < job->clear_n; k++) {
		job->clear[k].bytes.p = b->clear.data + at;
		at += job->clear[k].bytes.len;
	}
	memcpy(b->clear_list, job->clear, sizeof(b->clear_list));
	b->clear_n = job->clear_n;
	return PV_OK;
}

static enum pv_code seal_stage(struct signing *s, const struct issued *i,
			       struct stage_bundle *b, struct err *err)
{
	const struct prepared *p = issued_prepared(i);
	const struct template *t = s->ctx->tmpl;
	CLEANUP(plain_release) struct plain plain = { 0 };
	struct seal_job job = { .device_id = device_of(p),
				.role = t->roles[prepared_role(p)].name,
				.seq = b->seq,
				.evidence_sha256 = prepared_evidence(p) };
	enum pv_code rc = signing_draw_id(s, b->id, err);

	if (rc != PV_OK)
		return rc;
	memcpy(job.bundle_id, b->id, sizeof(b->id));
	memcpy(job.manifest_sha256, s->ctx->stages[b->stage].payload_sha256,
	       32);
	rc = set_recipient(s, i, &job, &plain, err);
	if (rc == PV_OK)
		rc = add_components(s, i, b, &job, &plain, err);
	if (rc == PV_OK)
		rc = seal_bundle_make(s->seal, &job, &b->payload, &b->segments,
				      b->bh, err);
	if (rc == PV_OK)
		rc = sha256_kept(seal_hash(s->seal), buf_span(&b->payload),
				 b->payload_sha256, err);
	if (rc == PV_OK)
		rc = contents_escrow(s, i,
				     t->stages[b->stage].components &
					     prepared_components(p),
				     &b->escrow, err);
	return rc;
}

enum pv_code bundle_seal(struct bundled *b, struct signing *s,
			 const struct issued *i, struct err *err)
{
	const struct prepared *p = issued_prepared(i);
	const struct template *t = s->ctx->tmpl;
	const bool released = prepared_evidence(p) != NULL;
	size_t list[TPL_COMPONENTS_MAX];
	uint32_t sealed = 0;

	bundled_reset(b);
	b->i = i;
	for (size_t k = 0; k < t->stages_n; k++) {
		struct stage_bundle *stage = &b->stages[b->n];
		enum pv_code rc;

		if (t->stages[k].requires_attestation != released ||
		    !(t->stages[k].components & prepared_components(p)) ||
		    template_select(t, prepared_role(p), k, list) == 0)
			continue;
		stage_reset(stage);
		stage->stage = k;
		/* A device takes its bundles in the order of their numbers. */
		stage->seq = prepared_seq(p) + b->n;
		rc = seal_stage(s, i, stage, err);
		if (rc != PV_OK) {
			err_prefix(err, "seal");
			return rc;
		}
		sealed |= t->stages[k].components;
		b->n++;
	}
	/* A stage that should have a bundle and has none is no success. */
	if (prepared_components(p) & ~sealed)
		return err_fail(err, PV_INTERNAL, "bundle.stage", NULL,
				"a stage of the device has no bundle");
	return PV_OK;
}

static enum pv_code sign_plain(struct signing *s, struct stage_bundle *b,
			       struct err *err)
{
	struct span payload = buf_span(&b->payload);
	uint8_t digest[32], sig[64];
	enum pv_code rc =
		seal_plain_digest(payload, s->ctx->bundle_kid, digest, err);

	if (rc == PV_OK)
		rc = signing_sign(s, SIGNING_BUNDLE, digest, sig, err);
	if (rc == PV_OK)
		rc = seal_plain_finish(payload, s->ctx->bundle_kid, sig,
				       &b->descriptor, err);
	return rc;
}

static enum pv_code sign_mac0(struct signing *s, const struct bundled *dev,
			      struct stage_bundle *b, struct err *err)
{
	const struct prepared *p = issued_prepared(dev->i);
	const struct signing_kdf *by;
	SECRET auth = SECRET_INIT;
	enum pv_code rc = signing_kdf(s, prepared_kdf(p), &by, err);

	if (rc == PV_OK)
		rc = contents_device_key(s, by, KDF_AUTH, device_of(p), &auth,
					 err);
	if (rc == PV_OK)
		rc = seal_mac0(s->seal, buf_span(&b->payload), &auth,
			       by->recorded->id, &b->descriptor, err);
	return rc;
}

/* The bundle of one stage that a device has, or NULL. */
static struct stage_bundle *find_stage(struct bundled *dev, size_t stage)
{
	for (size_t k = 0; k < dev->n; k++)
		if (dev->stages[k].stage == stage)
			return &dev->stages[k];
	return NULL;
}

static enum pv_code finish_batch(const struct seal_batch *batch,
				 struct bundled *const *list, size_t n,
				 size_t stage, const uint8_t sig[64],
				 struct err *err)
{
	size_t index = 0;

	for (size_t k = 0; k < n; k++) {
		struct stage_bundle *b = find_stage(list[k], stage);
		enum pv_code rc;

		if (!b)
			continue;
		rc = seal_batch_finish(batch, index++, buf_span(&b->payload),
				       sig, &b->descriptor, err);
		if (rc != PV_OK)
			return rc;
	}
	return PV_OK;
}

static enum pv_code sign_batch(struct signing *s, struct bundled *const *list,
			       size_t n, size_t stage, uint64_t now_ms,
			       struct err *err)
{
	struct seal_batch_claims claims = {
		.authority = s->authority,
		.not_after_s = s->ctx->stages[stage].not_after_s,
		.iat_s = now_ms / 1000
	};
	CLEANUP(mem_cleanup) uint8_t(*leaves)[32] = mem_array(n, 32, err);
	struct stage_bundle *b = NULL;
	struct seal_batch *batch = NULL;
	uint8_t digest[32], sig[64];
	size_t m = 0;
	enum pv_code rc = leaves ? PV_OK : PV_INTERNAL;

	for (size_t k = 0; rc == PV_OK && k < n; k++) {
		struct stage_bundle *one = find_stage(list[k], stage);

		if (!one)
			continue;
		b = one;
		rc = seal_batch_leaf(buf_span(&b->payload), leaves[m++], err);
	}
	if (rc != PV_OK || m == 0)
		return rc;
	if (m < SEAL_BATCH_MIN)
		return sign_plain(s, b, err);
	rc = seal_batch_new((const uint8_t(*)[32])leaves, m, s->ctx->bundle_kid,
			    &claims, &batch, err);
	if (rc == PV_OK)
		rc = seal_batch_digest(batch, digest, err);
	if (rc == PV_OK)
		rc = signing_sign(s, SIGNING_BUNDLE, digest, sig, err);
	if (rc == PV_OK)
		rc = finish_batch(batch, list, n, stage, sig, err);
	seal_batch_free(batch);
	return rc;
}

static enum pv_code sign_each(struct bundled *dev, struct signing *s,
			      struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t k = 0; rc == PV_OK && k < dev->n; k++) {
		struct stage_bundle *b = &dev->stages[k];

		rc = s->ctx->tmpl->signature == TPL_SIG_MAC0
			     ? sign_mac0(s, dev, b, err)
			     : sign_plain(s, b, err);
	}
	return rc;
}

static struct span manifest_of(const struct bundled *b, size_t n)
{
	const struct prepared *p = issued_prepared(b->i);

	return prepared_context(p)->stages[b->stages[n].stage].manifest;
}

static enum pv_code check_containers(const struct bundled *dev, struct err *err)
{
	for (size_t k = 0; k < dev->n; k++) {
		const struct stage_bundle *b = &dev->stages[k];

		if (seal_container_len(manifest_of(dev, k),
				       buf_span(&b->descriptor), b->clear_list,
				       b->clear_n,
				       buf_span(&b->segments)) > CONTAINER_MAX)
			return err_fail(err, PV_INPUT, "size.limit",
					"make it smaller",
					"a bundle is longer than %u bytes",
					CONTAINER_MAX);
	}
	return PV_OK;
}

enum pv_code bundles_sign(struct bundled *const *list, size_t n,
			  struct signing *s, uint64_t now_ms, struct err *err)
{
	enum pv_code rc = PV_OK;

	/* Signing may be tried again, on another token: from the start. */
	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i < list[k]->n; i++)
			buf_reset(&list[k]->stages[i].descriptor);
	}
	if (s->ctx->tmpl->signature == TPL_SIG_BATCH)
		for (size_t k = 0; rc == PV_OK && k < s->ctx->stages_n; k++)
			rc = sign_batch(s, list, n, k, now_ms, err);
	else
		for (size_t k = 0; rc == PV_OK && k < n; k++)
			rc = sign_each(list[k], s, err);
	for (size_t k = 0; rc == PV_OK && k < n; k++)
		rc = check_containers(list[k], err);
	return rc;
}

const struct issued *bundled_issued(const struct bundled *b)
{
	return b->i;
}

size_t bundled_count(const struct bundled *b)
{
	return b->n;
}

/* Those of the context that one of its components has. */
static void put_anchors(const struct prepared *p, size_t stage,
			struct bundle_out *out)
{
	const struct issue_context *ctx = prepared_context(p);
	size_t list[TPL_COMPONENTS_MAX];
	size_t n = template_select(ctx->tmpl, prepared_role(p), stage, list);
	bool sealed = false, clear = false;

	for (size_t k = 0; k < n; k++) {
		const struct tpl_component *c = &ctx->tmpl->components[list[k]];

		sealed |= c->trust_anchors && c->sealed;
		clear |= c->trust_anchors && !c->sealed;
	}
	out->anchors_n = 0;
	for (size_t i = 0; i < ctx->anchors.n; i++) {
		const struct anchor *a = &ctx->anchors.list[i];

		if ((sealed && a->sealed) || (clear && a->clear))
			memcpy(out->anchors[out->anchors_n++], a->sha256, 32);
	}
}

void bundled_get(const struct bundled *b, size_t n, struct bundle_out *out)
{
	const struct stage_bundle *s = &b->stages[n];
	const struct prepared *p = issued_prepared(b->i);

	out->stage = prepared_context(p)->stages[s->stage].name;
	memcpy(out->id, s->id, sizeof(out->id));
	out->seq = s->seq;
	memcpy(out->bh, s->bh, sizeof(out->bh));
	memcpy(out->payload_sha256, s->payload_sha256, 32);
	out->escrow = buf_span(&s->escrow);
	put_anchors(p, s->stage, out);
}

void bundled_put_container(const struct bundled *b, size_t n, struct buf *out)
{
	const struct stage_bundle *s = &b->stages[n];

	if (seal_container(manifest_of(b, n), buf_span(&s->descriptor),
			   s->clear_list, s->clear_n, buf_span(&s->segments),
			   out, NULL) != PV_OK)
		out->failed = true;
}
