#include "lib/flow/writer_parts.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/logged.h"
#include "lib/flow/parts.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"

void writer_parts_release(struct writer_parts *facts)
{
	buf_release(&facts->components);
	buf_release(&facts->stored);
}

static void end_text(struct buf *b)
{
	if (b->len > 0)
		buf_put_u8(b, '\0');
}

enum pv_code writer_parts_facts(const struct writer *w, const char *role,
				uint32_t named, struct writer_parts *facts,
				struct err *err)
{
	const struct template *t = w->opts->ctx->tmpl;
	enum pv_code rc;
	size_t at = 0;

	buf_init(&facts->components, LOG_ENTRY_MAX);
	buf_init(&facts->stored, LOG_ENTRY_MAX);
	if (named >> t->components_n != 0 || !template_role(t, role, &at))
		return err_fail(err, PV_INTERNAL, "writer.result", NULL,
				"components that the template has not");
	parts_put(t, named, &facts->components);
	/* Of a release all are named. */
	stored_rows_put(&w->opts->ctx->stored, t,
			parts_whole(t, at, named) | named, &facts->stored);
	end_text(&facts->components);
	end_text(&facts->stored);
	rc = buf_check(&facts->components, err);
	return rc == PV_OK ? buf_check(&facts->stored, err) : rc;
}

/* The last bundles of a credential, the newest last. */
struct last {
	struct store_bundle list[RECORD_BUNDLES_MAX];
	size_t n;
	bool received[RECORD_BUNDLES_MAX];
};

static enum pv_code take_bundle(void *ctx, const struct store_bundle *b,
				struct err *err)
{
	struct last *l = ctx;

	(void)err;
	if (l->n == RECORD_BUNDLES_MAX)
		memmove(l->list, l->list + 1, --l->n * sizeof(*l->list));
	l->list[l->n++] = *b;
	return PV_OK;
}

/* What the device refused has its answer, too. */
static enum pv_code take_receipt(void *ctx, const struct store_receipt *r,
				 struct err *err)
{
	struct last *l = ctx;

	(void)err;
	for (size_t k = 0; k < l->n; k++)
		l->received[k] |= l->list[k].seq == r->seq;
	return PV_OK;
}

static bool text_is(const struct log_entry *e, const char *key,
		    const struct buf *b)
{
	const char *want = b->len > 0 ? (const char *)b->data : NULL;

	return want ? logged_text_is(e, key, want)
		    : !log_fact_find(e, key, LOG_TSTR);
}

/* Was b sealed for that? By its entry, which its row agrees with. */
static enum pv_code is_asked(struct writer *w, const struct store_device *d,
			     const struct store_bundle *b,
			     const struct writer_parts *facts, bool *yes,
			     struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	char id[2 * STORE_UUID + 1];
	struct log_entry e;
	enum pv_code rc = logged_bundle_row(w->store, &d->s, b, err);

	buf_init(&room, LOG_ENTRY_MAX);
	hex_encode(b->id, STORE_UUID, id);
	if (rc == PV_OK)
		rc = logged_entry(w->store, b->seal_index, LOG_BUNDLE_SEAL, id,
				  &room, &e, err);
	*yes = rc == PV_OK &&
	       memcmp(b->template_sha256, w->opts->ctx->template_sha256, 32) ==
		       0 &&
	       text_is(&e, "components", &facts->components) &&
	       text_is(&e, "stored", &facts->stored);
	return rc;
}

static bool same_stage(const struct last *l, size_t from, size_t k)
{
	for (size_t n = from; n < l->n; n++)
		if (strcmp(l->list[n].stage, l->list[k].stage) == 0)
			return true;
	return false;
}

static enum pv_code find(struct writer *w, const struct store_device *d,
			 const struct writer_parts *facts, struct last *l,
			 uint64_t *seq, struct err *err)
{
	const struct store_visit bundles = { .ctx = l,
					     .fn.bundle = take_bundle };
	const struct store_visit receipts = { .ctx = l,
					      .fn.receipt = take_receipt };
	bool yes = true, waits = false;
	size_t k;
	enum pv_code rc =
		store_bundle_each(w->store, d->s.number, &bundles, err);

	if (rc == PV_OK)
		rc = store_receipt_each(w->store, d->s.number, &receipts, err);
	/* One request has each stage once. */
	for (k = l->n; rc == PV_OK && k > 0 && !same_stage(l, k, k - 1); k--) {
		rc = is_asked(w, d, &l->list[k - 1], facts, &yes, err);
		if (rc != PV_OK || !yes)
			break;
		waits |= !l->received[k - 1];
	}
	if (rc == PV_OK && waits)
		*seq = l->list[k].seq;
	return rc;
}

enum pv_code writer_parts_check(const struct record_intent *i,
				const struct store_device *d, struct err *why)
{
	struct span has = { d->s.serial, d->s.serial_len };

	return span_equal(i->serial, has)
		       ? PV_OK
		       : err_fail(why, PV_CONFLICT, "rotate.changed",
				  "run it again",
				  "the device got another credential "
				  "meanwhile");
}

enum pv_code writer_parts_give(struct writer *w, struct wire *from,
			       const struct record_intent *i,
			       const struct store_device *d, bool *given,
			       struct err *err)
{
	CLEANUP(writer_parts_release) struct writer_parts facts = { 0 };
	const struct template *t = w->opts->ctx->tmpl;
	struct last l = { .n = 0 };
	uint32_t named = 0;
	uint64_t seq = 0;
	struct err changed;
	size_t role;
	enum pv_code rc;

	*given = false;
	err_init(&changed);
	if (i->req->fresh || !template_role(t, d->s.role, &role) ||
	    writer_parts_check(i, d, &changed) != PV_OK)
		return PV_OK;
	rc = parts_named(t, role, request_parts(i->req), &named, err);
	if (rc == PV_OK)
		rc = writer_parts_facts(w, d->s.role, named, &facts, err);
	if (rc == PV_OK)
		rc = find(w, d, &facts, &l, &seq, err);
	if (rc != PV_OK || seq == 0)
		return rc;
	*given = true;
	rc = writer_put_existing(w, i->req->line, i->req->id, d, seq, err);
	if (rc == PV_OK)
		wire_put_mark(from, WIRE_SKIP, i->req->line);
	return rc;
}
