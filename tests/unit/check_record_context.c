/* What a run loaded is the same on the signer's side. */
#include <stdlib.h>
#include <string.h>

#include "lib/flow/record_context.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

CLEANUP_PTR(struct issue_context, issue_context_free);

static struct err err;

/* What w has put comes in, cut off after len bytes when that is less. */
static void cross(struct wire *w, size_t len)
{
	unit_ok(buf_check(&w->out, &err), &err);
	buf_reset(&w->in);
	w->in_pos = 0;
	buf_put(&w->in, w->out.data, len < w->out.len ? len : w->out.len);
}

/* Whatever the record says of its length: these bytes are all there is. */
static void shorten(struct wire *w, size_t len)
{
	size_t body = len - 5;

	cross(w, len);
	for (int i = 0; i < 4; i++)
		w->in.data[i] = (uint8_t)(body >> (24 - 8 * i));
}

static void same_span(struct span a, struct span b)
{
	ck_assert(span_equal(a, b));
	ck_assert(a.len == 0 || a.p != b.p);
}

static void same_key(const struct issue_context *a, const struct issue_key *ka,
		     const struct issue_context *b, const struct issue_key *kb)
{
	ck_assert((ka == NULL) == (kb == NULL));
	if (ka)
		ck_assert(ka - a->keys == kb - b->keys);
}

static void same_stages(const struct issue_context *a,
			const struct issue_context *b)
{
	ck_assert_uint_eq(a->stages_n, b->stages_n);
	for (size_t i = 0; i < a->stages_n; i++) {
		const struct issue_stage *s = &a->stages[i];
		const struct issue_stage *t = &b->stages[i];

		ck_assert(s->kind == t->kind && s->sequence == t->sequence &&
			  s->not_after_s == t->not_after_s);
		ck_assert_str_eq(s->name, t->name);
		same_span(s->manifest, t->manifest);
		same_span(s->manifest_payload, t->manifest_payload);
		ck_assert_mem_eq(s->payload_sha256, t->payload_sha256, 32);
	}
}

static void same_stored(const struct stored_rows *a,
			const struct stored_rows *b)
{
	ck_assert_uint_eq(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct stored_row *r = &a->list[i], *t = &b->list[i];

		ck_assert_str_eq(r->name, t->name);
		ck_assert(r->version == t->version && r->current == t->current);
		same_span(buf_span(&r->sealed), buf_span(&t->sealed));
	}
	ck_assert_int_eq(a->lacks.code, b->lacks.code);
	ck_assert_str_eq(a->lacks.rule, b->lacks.rule);
}

/* What a template that names stored secrets would have brought along. */
static void add_stored(struct stored_rows *rows)
{
	ck_assert_uint_eq(rows->n, 0);
	rows->list = calloc(2, sizeof(*rows->list));
	ck_assert(rows->list != NULL);
	for (uint64_t i = 0; i < 2; i++) {
		struct stored_row *r = &rows->list[rows->n++];

		strcpy(r->name, "fleet-key");
		r->version = i + 1;
		r->current = i == 1;
		buf_init(&r->sealed, 100);
		buf_put(&r->sealed, "sealed bytes", 10 + i);
	}
	err_fail(&rows->lacks, PV_NOT_FOUND, "secret.missing", "hint", "no x");
}

static void same(const struct issue_context *a, const struct issue_context *b)
{
	ck_assert_mem_eq(a->template_sha256, b->template_sha256, 32);
	ck_assert_str_eq(a->tmpl->name, b->tmpl->name);
	ck_assert((a->issuer == NULL) == (b->issuer == NULL));
	if (a->issuer)
		same_span(buf_span(&a->issuer->der), buf_span(&b->issuer->der));
	ck_assert_uint_eq(a->crl_shards, b->crl_shards);
	ck_assert_uint_eq(a->chain_n, b->chain_n);
	for (size_t i = 0; i < a->chain_n; i++)
		same_span(a->chain[i], b->chain[i]);
	ck_assert_uint_eq(a->anchors.n, b->anchors.n);
	for (size_t i = 0; i < a->anchors.n; i++) {
		const struct anchor *r = &a->anchors.list[i],
				    *t = &b->anchors.list[i];

		same_span(buf_span(&r->der), buf_span(&t->der));
		ck_assert_mem_eq(r->sha256, t->sha256, 32);
		ck_assert(r->sealed == t->sealed && r->clear == t->clear);
	}
	ck_assert_int_eq(a->expired.code, b->expired.code);
	ck_assert_str_eq(a->expired.message, b->expired.message);
	ck_assert_uint_eq(a->keys_n, b->keys_n);
	ck_assert_mem_eq(a->keys, b->keys, sizeof(a->keys));
	same_key(a, a->issuer_key, b, b->issuer_key);
	same_key(a, a->bundle_key, b, b->bundle_key);
	same_key(a, a->kdf_key, b, b->kdf_key);
	same_key(a, a->store_key, b, b->store_key);
	ck_assert_uint_eq(a->store_uses, b->store_uses);
	ck_assert_mem_eq(a->bundle_kid, b->bundle_kid, 8);
	same_stages(a, b);
	ck_assert_uint_eq(a->escrow_n, b->escrow_n);
	for (size_t i = 0; i < a->escrow_n; i++) {
		ck_assert_str_eq(a->escrow[i].name, b->escrow[i].name);
		same_span(a->escrow[i].cert, b->escrow[i].cert);
	}
	same_stored(&a->stored, &b->stored);
}

/* With a certificate and stages, without a certificate, without stages. */
static const char *const templates[] = { "azure-dps", "symmetric-sensor",
					 "tls-client" };

static void load(struct opened *o, int i, struct issue_context **ctx)
{
	fix_open(o, false);
	err_init(&err);
	unit_ok(issue_context_load(o->a, o->store, templates[i], ctx, &err),
		&err);
}

START_TEST(crosses_whole)
{
	OPENED o;
	CLEANUP(cleanup_issue_context_free) struct issue_context *ctx = NULL;
	CLEANUP(cleanup_issue_context_free) struct issue_context *got = NULL;
	struct wire_rec rec;
	struct wire w;

	load(&o, _i, &ctx);
	ctx->store_uses = 7;
	add_stored(&ctx->stored);
	err_fail(&ctx->expired, PV_DENIED, "validity.issuer", "hint", "over");
	wire_init(&w, -1);
	record_put_context(&w, ctx);
	cross(&w, SIZE_MAX);
	ck_assert(wire_next(&w, &rec) && rec.type == WIRE_CONTEXT);
	unit_ok(record_get_context(&rec, &got, &err), &err);
	wire_release(&w);
	same(ctx, got);
}
END_TEST

/* Cut anywhere, it is refused and nothing is left. */
START_TEST(cut_off)
{
	OPENED o;
	CLEANUP(cleanup_issue_context_free) struct issue_context *ctx = NULL;
	struct issue_context *got = NULL;
	struct wire_rec rec;
	struct wire w;

	load(&o, _i, &ctx);
	wire_init(&w, -1);
	record_put_context(&w, ctx);
	for (size_t len = 5; len < w.out.len; len += 1 + len / 64) {
		err_init(&err);
		shorten(&w, len);
		ck_assert(wire_next(&w, &rec));
		ck_assert_int_ne(record_get_context(&rec, &got, &err), PV_OK);
		ck_assert(got == NULL);
	}
	wire_release(&w);
}
END_TEST

START_TEST(the_log_crosses)
{
	OPENED o;
	struct checkpoint_base base, got;
	struct wire_rec rec;
	struct wire w;

	fix_open(&o, false);
	err_init(&err);
	unit_ok(checkpoint_load(o.a, o.store, &base, &err), &err);
	wire_init(&w, -1);
	record_put_log(&w, &base);
	cross(&w, SIZE_MAX);
	ck_assert(wire_next(&w, &rec) && rec.type == WIRE_LOG);
	unit_ok(record_get_log(&rec, &got, &err), &err);
	ck_assert_mem_eq(&got, &base, sizeof(base));
	shorten(&w, w.out.len - 1);
	ck_assert(wire_next(&w, &rec));
	ck_assert_int_eq(record_get_log(&rec, &got, &err), PV_INTERNAL);
	wire_release(&w);
}
END_TEST

START_TEST(the_actor_crosses)
{
	char name[ROSTER_NAME_MAX + 3], got[ROSTER_NAME_MAX + 1];
	struct wire_rec rec;
	struct wire w;

	err_init(&err);
	memset(name, 'a', sizeof(name));
	for (size_t len = ROSTER_NAME_MAX; len <= ROSTER_NAME_MAX + 1; len++) {
		name[len] = '\0';
		wire_init(&w, -1);
		record_put_actor(&w, name);
		cross(&w, SIZE_MAX);
		ck_assert(wire_next(&w, &rec) && rec.type == WIRE_ACTOR);
		if (len > ROSTER_NAME_MAX) {
			ck_assert_int_eq(record_get_actor(&rec, got, &err),
					 PV_INTERNAL);
		} else {
			unit_ok(record_get_actor(&rec, got, &err), &err);
			ck_assert_str_eq(got, name);
		}
		name[len] = 'a';
		wire_release(&w);
	}
}
END_TEST

int main(void)
{
	const int n = (int)(sizeof(templates) / sizeof(templates[0]));
	Suite *s = suite_create("record_context");
	TCase *t = tcase_create("record_context");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, crosses_whole, 0, n);
	tcase_add_loop_test(t, cut_off, 0, n);
	tcase_add_test(t, the_log_crosses);
	tcase_add_test(t, the_actor_crosses);
	suite_add_tcase(s, t);
	return unit_run(s);
}
