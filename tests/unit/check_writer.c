/* What the writer takes as the result of an intent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/writer_kept.h"
#include "lib/store/store_device.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

/* An open intent of azure-dps over the TBS of our own root. */
struct open_intent {
	struct opened o;
	struct issue_context *ctx;
	struct writer w;
	struct store_txn txn;
	struct store_intent i;
	struct record_result r; /* what it can give */
};
#define OPEN_INTENT CLEANUP(intent_close) struct open_intent

static void intent_close(struct open_intent *x)
{
	store_rollback(&x->txn);
	answer_release(&x->w.answer);
	free(x->w.kept);
	log_hasher_release(&x->w.hasher);
	issue_context_free(x->ctx);
	fix_close(&x->o);
}

static void fill_result(struct open_intent *x)
{
	struct record_result *r = &x->r;

	r->number = x->i.s.number;
	memcpy(r->device, x->i.s.device, sizeof(r->device));
	memcpy(r->template_sha256, x->i.s.template_sha256, 32);
	r->serial = (struct span){ x->i.s.serial, x->i.s.serial_len };
	r->cert = buf_span(&x->ctx->anchors.list[0].der);
	for (size_t k = 0; k < x->ctx->stages_n; k++) {
		if (x->ctx->tmpl->stages[k].requires_attestation)
			continue;
		snprintf(r->bundles[r->bundles_n++].stage,
			 sizeof(r->bundles[0].stage), "%s",
			 x->ctx->stages[k].name);
	}
	ck_assert_uint_ge(r->bundles_n, 1);
}

static void fill_intent(struct open_intent *x, uint32_t number)
{
	struct store_subject *s = &x->i.s;
	struct x509_cert root;
	struct err err;

	err_init(&err);
	unit_ok(x509_cert_decode(buf_span(&x->ctx->anchors.list[0].der), &root,
				 &err),
		&err);
	x->i.tbs = root.tbs;
	x->i.seq = 1;
	s->number = number;
	s->serial_len = 16;
	for (unsigned b = 0; b < 4; b++)
		s->serial[b] = (uint8_t)(number >> (24 - 8 * b));
	snprintf(s->device, sizeof(s->device), "dps.dev-1:a");
	snprintf(s->request, sizeof(s->request), "dps.dev-1:a");
	snprintf(s->role, sizeof(s->role), "%s", x->ctx->tmpl->roles[0].name);
	memcpy(s->template_sha256, x->ctx->template_sha256, 32);
}

/* kept: the writer has it in memory, too, as after writer_take_intent(). */
static void intent_open(struct open_intent *x, bool kept)
{
	const struct log_who by = { (uint64_t)pvtime_now_ms(), "os:0" };
	char serial[33];
	struct log_intent facts = { .serial = serial };
	struct log_entry e;
	uint8_t tbs[LOG_HASH];
	struct buf entry;
	uint32_t number;
	struct err err;

	memset(x, 0, sizeof(*x));
	err_init(&err);
	answer_init(&x->w.answer);
	fix_open(&x->o, false);
	x->w.store = x->o.store;
	unit_ok(issue_context_load(x->o.a, x->o.store, "azure-dps", &x->ctx,
				   &err),
		&err);
	unit_ok(store_begin(x->o.store, STORE_WRITE, &x->txn, &err), &err);
	unit_ok(store_serial_lend(x->o.store, 1, &number, &err), &err);
	fill_intent(x, number);
	fill_result(x);
	hex_encode(x->i.s.serial, 16, serial);
	facts.device = x->i.s.device;
	facts.template_hash = x->i.s.template_sha256;
	facts.body = x->i.s.body_sha256;
	log_cert_intent(&e, &by, &facts);
	buf_init(&entry, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(&e, &entry, &err), &err);
	x->i.entry = buf_span(&entry);
	unit_ok(store_reserve(x->o.store, &x->i, NULL, &err), &err);
	buf_release(&entry);
	if (!kept)
		return;
	unit_ok(log_hasher_init(&x->w.hasher, &err), &err);
	unit_ok(writer_kept_init(&x->w, &err), &err);
	unit_ok(writer_hash(&x->w, x->i.tbs, tbs, &err), &err);
	writer_keep(&x->w, &x->i, tbs);
	ck_assert_ptr_nonnull(writer_kept(&x->w, number));
}

static void ck_unfit(struct open_intent *x, const struct record_result *r)
{
	struct err err;

	err_init(&err);
	unit_refused(writer_check_result(&x->w, r, &err), PV_INTERNAL,
		     "writer.result", &err);
}

START_TEST(takes_what_was_intended)
{
	struct record_result r;
	struct err err;
	OPEN_INTENT x;

	intent_open(&x, _i != 0);
	err_init(&err);
	unit_ok(writer_check_result(&x.w, &x.r, &err), &err);
	/* The store says that there is no such intent. */
	r = x.r;
	r.number++;
	unit_ok(writer_check_result(&x.w, &r, &err), &err);
}
END_TEST

START_TEST(refuses_another_certificate)
{
	struct record_result r;
	OPEN_INTENT x;

	intent_open(&x, _i != 0);
	r = x.r;
	r.cert.len = 0;
	ck_unfit(&x, &r);
	r = x.r;
	r.cert.len--;
	ck_unfit(&x, &r);
	r = x.r;
	r.cert = x.ctx->chain[0];
	ck_unfit(&x, &r);
}
END_TEST

START_TEST(refuses_another_device)
{
	struct record_result r;
	OPEN_INTENT x;

	intent_open(&x, _i != 0);
	r = x.r;
	r.device[0]++;
	ck_unfit(&x, &r);
	r = x.r;
	r.template_sha256[0] ^= 1;
	ck_unfit(&x, &r);
	r = x.r;
	r.serial.len--;
	ck_unfit(&x, &r);
}
END_TEST

START_TEST(refuses_other_stages)
{
	struct record_result r;
	OPEN_INTENT x;

	intent_open(&x, _i != 0);
	r = x.r;
	r.bundles_n--;
	ck_unfit(&x, &r);
	r = x.r;
	r.bundles[r.bundles_n] = r.bundles[0];
	r.bundles_n++;
	ck_unfit(&x, &r);
	r = x.r;
	snprintf(r.bundles[0].stage, sizeof(r.bundles[0].stage), "%s",
		 strcmp(x.r.bundles[0].stage, "bootstrap") == 0 ? "operational"
								: "bootstrap");
	ck_unfit(&x, &r);
	r.bundles[0].stage[0] = 'x';
	ck_unfit(&x, &r);
}
END_TEST

/* Another's number is not this one's, be it in the same slot. */
START_TEST(keeps_by_number)
{
	struct store_intent other;
	OPEN_INTENT x;

	intent_open(&x, true);
	ck_assert_ptr_null(writer_kept(&x.w, 0));
	ck_assert_ptr_null(writer_kept(&x.w, x.i.s.number + 1));
	other = x.i;
	other.s.number += 1u << 20;
	writer_keep(&x.w, &other, NULL);
	ck_assert_ptr_null(writer_kept(&x.w, x.i.s.number));
	ck_assert(!writer_kept(&x.w, other.s.number)->has_tbs);
	/* Where nothing can be due, nothing is kept. */
	snprintf(other.s.role, sizeof(other.s.role), "nobody");
	writer_keep(&x.w, &other, NULL);
	ck_assert_ptr_null(writer_kept(&x.w, other.s.number));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("writer");
	TCase *tc = tcase_create("writer");

	tcase_add_unchecked_fixture(tc, fix_make_base, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, takes_what_was_intended, 0, 2);
	tcase_add_loop_test(tc, refuses_another_certificate, 0, 2);
	tcase_add_loop_test(tc, refuses_another_device, 0, 2);
	tcase_add_loop_test(tc, refuses_other_stages, 0, 2);
	tcase_add_test(tc, keeps_by_number);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
