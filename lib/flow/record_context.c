#include "lib/flow/record_context.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/context_impl.h"

CLEANUP_PTR(struct issue_context, issue_context_free);

void record_put_log(struct wire *w, const struct checkpoint_base *log)
{
	size_t mark = wire_begin(w, WIRE_LOG);

	wire_put_bytes(w, log, sizeof(*log));
	wire_end(w, mark);
}

enum pv_code record_get_log(struct wire_rec *rec, struct checkpoint_base *log,
			    struct err *err)
{
	wire_get_bytes(rec, log, sizeof(*log));
	return wire_done(rec, err);
}

void record_put_actor(struct wire *w, const char *actor)
{
	size_t mark = wire_begin(w, WIRE_ACTOR);

	wire_put_span(w,
		      (struct span){ (const uint8_t *)actor, strlen(actor) });
	wire_end(w, mark);
}

enum pv_code record_get_actor(struct wire_rec *rec,
			      char actor[ROSTER_NAME_MAX + 1], struct err *err)
{
	struct span name = wire_get_span(rec);

	rec->bad = rec->bad || name.len > ROSTER_NAME_MAX;
	if (!rec->bad)
		snprintf(actor, ROSTER_NAME_MAX + 1, "%.*s", (int)name.len,
			 (const char *)name.p);
	return wire_done(rec, err);
}

void record_put_order(struct wire *w, const struct order_use *use)
{
	size_t mark = wire_begin(w, WIRE_ORDER);

	wire_put_bytes(w, use, sizeof(*use));
	wire_end(w, mark);
}

enum pv_code record_get_order(struct wire_rec *rec, struct order_use *use,
			      struct err *err)
{
	wire_get_bytes(rec, use, sizeof(*use));
	return wire_done(rec, err);
}

/* ---- out ---- */

static void put_stage(struct wire *w, const struct issue_stage *s)
{
	wire_put_span(w, s->manifest);
	wire_put_u64(w, (uint64_t)(s->manifest_payload.p - s->manifest.p));
	wire_put_u64(w, s->manifest_payload.len);
	wire_put_bytes(w, s->payload_sha256, sizeof(s->payload_sha256));
	wire_put_u64(w, s->sequence);
	wire_put_u64(w, s->not_after_s);
}

/* By number; one past the last: there is none. */
static void put_key(struct wire *w, const struct issue_context *ctx,
		    const struct issue_key *key)
{
	wire_put_u64(w, key ? (uint64_t)(key - ctx->keys) : ctx->keys_n);
}

static void put_keys(struct wire *w, const struct issue_context *ctx)
{
	wire_put_u64(w, ctx->keys_n);
	wire_put_bytes(w, ctx->keys, ctx->keys_n * sizeof(ctx->keys[0]));
	put_key(w, ctx, ctx->issuer_key);
	put_key(w, ctx, ctx->bundle_key);
	put_key(w, ctx, ctx->kdf_key);
	put_key(w, ctx, ctx->store_key);
	wire_put_u64(w, ctx->store_uses);
	wire_put_bytes(w, ctx->bundle_kid, sizeof(ctx->bundle_kid));
}

static void put_chain(struct wire *w, const struct issue_context *ctx)
{
	wire_put_u64(w, ctx->ca_generation);
	wire_put_u64(w, ctx->crl_shards);
	wire_put_u64(w, ctx->chain_n);
	for (size_t i = 0; i < ctx->chain_n; i++)
		wire_put_span(w, ctx->chain[i]);
	wire_put_u64(w, ctx->anchors.n);
	for (size_t i = 0; i < ctx->anchors.n; i++) {
		wire_put_span(w, buf_span(&ctx->anchors.list[i].der));
		wire_put_u64(w, ctx->anchors.list[i].sealed);
		wire_put_u64(w, ctx->anchors.list[i].clear);
	}
	wire_put_span(w, ctx->issuer ? buf_span(&ctx->issuer->der)
				     : (struct span){ NULL, 0 });
	wire_put_err(w, &ctx->expired);
}

static void put_stored(struct wire *w, const struct stored_rows *rows)
{
	wire_put_u64(w, rows->n);
	for (size_t i = 0; i < rows->n; i++) {
		const struct stored_row *r = &rows->list[i];

		wire_put_str(w, r->name);
		wire_put_u64(w, r->version);
		wire_put_u64(w, r->current);
		wire_put_span(w, buf_span(&r->sealed));
	}
	wire_put_err(w, &rows->lacks);
}

void record_put_context(struct wire *w, const struct issue_context *ctx)
{
	size_t mark = wire_begin(w, WIRE_CONTEXT);

	wire_put_span(w, ctx->template_bytes);
	put_chain(w, ctx);
	put_keys(w, ctx);
	for (size_t i = 0; i < ctx->stages_n; i++)
		put_stage(w, &ctx->stages[i]);
	for (size_t i = 0; i < ctx->escrow_n; i++)
		wire_put_span(w, ctx->escrow[i].cert);
	put_stored(w, &ctx->stored);
	wire_end(w, mark);
}

/* ---- in ---- */

static enum pv_code get_copy(struct wire_rec *rec, struct issue_context *ctx,
			     struct span *to, struct err *err)
{
	struct span from = wire_get_span(rec);

	if (rec->bad || from.len == 0)
		return PV_OK;
	return issue_context_copy(ctx, from, to, err);
}

static enum pv_code get_stage(struct wire_rec *rec, struct issue_context *ctx,
			      size_t i, struct err *err)
{
	struct issue_stage *s = &ctx->stages[i];
	enum pv_code rc = get_copy(rec, ctx, &s->manifest, err);
	uint64_t at = wire_get_u64(rec), len = wire_get_u64(rec);

	s->kind = ctx->tmpl->stages[i].kind;
	s->name = template_stage_name(s->kind);
	rec->bad =
		rec->bad || at > s->manifest.len || len > s->manifest.len - at;
	if (!rec->bad)
		s->manifest_payload =
			(struct span){ s->manifest.p + at, (size_t)len };
	wire_get_bytes(rec, s->payload_sha256, sizeof(s->payload_sha256));
	s->sequence = wire_get_u64(rec);
	s->not_after_s = wire_get_u64(rec);
	return rc;
}

static const struct issue_key *get_key(struct wire_rec *rec,
				       const struct issue_context *ctx)
{
	uint64_t i = wire_get_u64(rec);

	rec->bad = rec->bad || i > ctx->keys_n;
	return rec->bad || i == ctx->keys_n ? NULL : &ctx->keys[i];
}

static void get_keys(struct wire_rec *rec, struct issue_context *ctx)
{
	uint64_t n = wire_get_u64(rec);

	rec->bad = rec->bad || n > CONTEXT_OWN_KEYS_MAX;
	ctx->keys_n = rec->bad ? 0 : (size_t)n;
	wire_get_bytes(rec, ctx->keys, ctx->keys_n * sizeof(ctx->keys[0]));
	ctx->issuer_key = get_key(rec, ctx);
	ctx->bundle_key = get_key(rec, ctx);
	ctx->kdf_key = get_key(rec, ctx);
	ctx->store_key = get_key(rec, ctx);
	ctx->store_uses = wire_get_u64(rec);
	wire_get_bytes(rec, ctx->bundle_kid, sizeof(ctx->bundle_kid));
	rec->bad = rec->bad || !ctx->bundle_key ||
		   ctx->tmpl->has_certificate != (ctx->issuer_key != NULL);
}

static enum pv_code get_issuer(struct wire_rec *rec, struct issue_context *ctx,
			       struct err *err)
{
	struct span der = wire_get_span(rec);

	rec->bad = rec->bad || ctx->tmpl->has_certificate != (der.len > 0);
	if (rec->bad || der.len == 0)
		return PV_OK;
	ctx->issuer = mem_new(sizeof(*ctx->issuer), err);
	return ctx->issuer ? x509_issuer_load(der, ctx->issuer, err)
			   : PV_INTERNAL;
}

static enum pv_code get_anchors(struct wire_rec *rec, struct issue_context *ctx,
				struct err *err)
{
	uint64_t n = wire_get_u64(rec);
	enum pv_code rc = PV_OK;

	rec->bad = rec->bad || n > ANCHORS_MAX;
	while (rc == PV_OK && !rec->bad && ctx->anchors.n < n) {
		struct span der = wire_get_span(rec);
		bool sealed = wire_get_u64(rec) != 0;
		bool clear = wire_get_u64(rec) != 0;

		rec->bad = rec->bad || der.len == 0;
		rc = anchors_add(&ctx->anchors, der, sealed, clear, err);
	}
	return rc;
}

static enum pv_code get_chain(struct wire_rec *rec, struct issue_context *ctx,
			      struct err *err)
{
	uint64_t generation = wire_get_u64(rec), shards = wire_get_u64(rec);
	uint64_t n = wire_get_u64(rec);
	enum pv_code rc = PV_OK;

	rec->bad = rec->bad || generation > UINT32_MAX || shards > UINT32_MAX ||
		   n > CONTEXT_CHAIN_MAX;
	ctx->ca_generation = (uint32_t)generation;
	ctx->crl_shards = (uint32_t)shards;
	while (rc == PV_OK && !rec->bad && ctx->chain_n < n)
		rc = get_copy(rec, ctx, &ctx->chain[ctx->chain_n++], err);
	if (rc == PV_OK)
		rc = get_anchors(rec, ctx, err);
	if (rc == PV_OK)
		rc = get_issuer(rec, ctx, err);
	wire_get_err(rec, &ctx->expired);
	return rc;
}

static enum pv_code get_stored(struct wire_rec *rec, struct stored_rows *rows,
			       struct err *err)
{
	uint64_t n = wire_get_u64(rec);

	rec->bad = rec->bad || n > STORED_ROWS_MAX;
	if (!rec->bad && n > 0) {
		rows->list = mem_array((size_t)n, sizeof(*rows->list), err);
		if (!rows->list)
			return PV_INTERNAL;
	}
	while (!rec->bad && rows->n < n) {
		struct stored_row *r = &rows->list[rows->n++];

		buf_init(&r->sealed, WIRE_RECORD_MAX);
		wire_get_str(rec, r->name, sizeof(r->name));
		r->version = wire_get_u64(rec);
		r->current = wire_get_u64(rec) != 0;
		wire_get_buf(rec, &r->sealed);
	}
	wire_get_err(rec, &rows->lacks);
	return PV_OK;
}

static enum pv_code get_template(struct wire_rec *rec,
				 struct issue_context *ctx, struct err *err)
{
	enum pv_code rc = get_copy(rec, ctx, &ctx->template_bytes, err);

	if (rc == PV_OK)
		rc = template_parse(ctx->template_bytes, &ctx->tmpl, NULL, err);
	if (rc != PV_OK)
		return rc;
	memcpy(ctx->template_sha256, ctx->tmpl->sha256, 32);
	ctx->stages_n = ctx->tmpl->stages_n;
	ctx->escrow_n = ctx->tmpl->escrow_n;
	return PV_OK;
}

enum pv_code record_get_context(struct wire_rec *rec,
				struct issue_context **out, struct err *err)
{
	CLEANUP(cleanup_issue_context_free)
	struct issue_context *ctx = mem_new(sizeof(*ctx), err);
	enum pv_code rc = ctx ? get_template(rec, ctx, err) : PV_INTERNAL;

	*out = NULL;
	if (rc == PV_OK)
		rc = get_chain(rec, ctx, err);
	if (rc != PV_OK)
		return rc;
	get_keys(rec, ctx);
	for (size_t i = 0; rc == PV_OK && i < ctx->stages_n; i++)
		rc = get_stage(rec, ctx, i, err);
	for (size_t i = 0; rc == PV_OK && i < ctx->escrow_n; i++) {
		ctx->escrow[i].name = ctx->tmpl->escrow[i].name;
		rc = get_copy(rec, ctx, &ctx->escrow[i].cert, err);
	}
	if (rc == PV_OK)
		rc = get_stored(rec, &ctx->stored, err);
	if (rc == PV_OK)
		rc = wire_done(rec, err);
	if (rc == PV_OK)
		*out = TAKE(ctx);
	return rc;
}
