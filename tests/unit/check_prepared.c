#include <string.h>

#include "cmd/backends.h"
#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/cachain.h"
#include "lib/flow/prepared.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"
#include "tests/unit/x509_fixture.h"

/* One device of azure-dps, whose only key is the certified one. */
struct device {
	struct opened o;
	struct issue_context *ctx;
	struct x509_ctx *x509;
	struct approver who;
	struct signing signing;
	struct minting minting;
	struct request req;
	struct approved *approved;
	struct prepared *prepared;
	uint64_t now_ms;
};
#define DEVICE CLEANUP(device_close) struct device

static void device_close(struct device *d)
{
	prepared_free(d->prepared);
	approved_free(d->approved);
	request_release(&d->req);
	x509_ctx_free(d->x509);
	signing_close(&d->signing);
	issue_context_free(d->ctx);
	fix_close(&d->o);
}

static void device_open(struct device *d)
{
	const struct xf_csr plain = { .subject = NULL };
	EVP_PKEY *key = xf_key("P-256");
	struct err err;

	memset(d, 0, sizeof(*d));
	err_init(&err);
	fix_open(&d->o, true);
	unit_ok(issue_context_load(d->o.a, d->o.store, "azure-dps", &d->ctx,
				   &err),
		&err);
	unit_ok(x509_ctx_new(&d->x509, &err), &err);
	request_init(&d->req);
	unit_ok(request_set(&d->req, "device", "dps.dev-1:a", NULL, &err),
		&err);
	unit_ok(request_finish(&d->req, &err), &err);
	xf_csr(key, &plain, &d->req.csr);
	EVP_PKEY_free(key);
	d->who = (struct approver){ .ctx = d->ctx,
				    .x509 = d->x509,
				    .actor = "os:0",
				    .authority = d->o.a->name };
	d->minting.authority = d->o.a->name;
	d->minting.hsm = d->o.hsm;
	unit_ok(signing_open(d->ctx, d->o.a->name, d->o.hsm, &d->signing, &err),
		&err);
	d->minting.signing = &d->signing;
	d->now_ms = (uint64_t)pvtime_now_ms();
	unit_ok(approved_new(&d->approved, &err), &err);
	unit_ok(prepared_new(&d->prepared, &err), &err);
	unit_ok(prove(d->approved, &d->who, &d->req, &err), &err);
	unit_ok(approve(d->approved, d->now_ms, &err), &err);
}

/* What the store keeps of a prepared device; the bytes are copied to kept. */
static struct stored_intent keep(const struct device *d, struct buf *kept)
{
	struct span serial = prepared_serial(d->prepared);
	struct span tbs = prepared_tbs(d->prepared);
	struct stored_intent i = { .ctx = d->ctx,
				   .number = prepared_number(d->prepared),
				   .created_ms =
					   prepared_created_ms(d->prepared),
				   .seq = prepared_seq(d->prepared) };

	buf_init(kept, 65536);
	buf_put(kept, serial.p, serial.len);
	buf_put(kept, tbs.p, tbs.len);
	i.serial = (struct span){ kept->data, serial.len };
	i.tbs = (struct span){ kept->data + serial.len, tbs.len };
	return i;
}

static enum pv_code restore(struct device *d, const struct stored_intent *i,
			    struct err *err)
{
	err_init(err);
	return prepared_restore(d->prepared, &d->minting, d->approved, i, NULL,
				err);
}

START_TEST(restores_what_was_prepared)
{
	CLEANUP(buf_release) struct buf kept;
	struct stored_intent i;
	struct err err;
	DEVICE d;

	device_open(&d);
	err_init(&err);
	unit_ok(prepare(d.prepared, &d.minting, d.approved, 7, d.now_ms, &err),
		&err);
	i = keep(&d, &kept);
	unit_ok(restore(&d, &i, &err), &err);
	ck_assert(span_equal(prepared_tbs(d.prepared), i.tbs));
	ck_assert(span_equal(prepared_recipient(d.prepared),
			     approved_csr(d.approved)->spki));
	ck_assert_str_eq(prepared_vars(d.prepared)->device_id, "dps.dev-1:a");
}
END_TEST

/* Lint alone would let these through: they obey the profile. */
START_TEST(refuses_another_tbs)
{
	CLEANUP(buf_release) struct buf kept, other;
	struct stored_intent i, forged;
	struct err err;
	DEVICE d;

	device_open(&d);
	err_init(&err);
	unit_ok(prepare(d.prepared, &d.minting, d.approved, 7, d.now_ms, &err),
		&err);
	i = keep(&d, &kept);
	/* The same device of the same key, a day longer. */
	unit_ok(prepare(d.prepared, &d.minting, d.approved, 7,
			d.now_ms + 86400000, &err),
		&err);
	forged = keep(&d, &other);
	forged.created_ms = i.created_ms;
	unit_refused(restore(&d, &forged, &err), PV_INTEGRITY, "store.tbs",
		     &err);
	ck_assert_uint_eq(prepared_tbs(d.prepared).len, 0);
	forged = i;
	forged.created_ms += 1000;
	unit_refused(restore(&d, &forged, &err), PV_INTEGRITY, "store.tbs",
		     &err);
	forged = i;
	forged.tbs.len = 0;
	unit_refused(restore(&d, &forged, &err), PV_INTEGRITY, "store.tbs",
		     &err);
	forged = i;
	forged.serial.len--;
	unit_refused(restore(&d, &forged, &err), PV_INTEGRITY, "store.intent",
		     &err);
	unit_ok(restore(&d, &i, &err), &err);
}
END_TEST

/* No byte of serial and TBS may differ. */
START_TEST(refuses_every_changed_byte)
{
	CLEANUP(buf_release) struct buf kept;
	struct stored_intent i;
	struct err err;
	DEVICE d;

	device_open(&d);
	err_init(&err);
	unit_ok(prepare(d.prepared, &d.minting, d.approved, 7, d.now_ms, &err),
		&err);
	i = keep(&d, &kept);
	for (size_t at = 0; at < kept.len; at++) {
		kept.data[at] ^= 1;
		ck_assert_int_eq(restore(&d, &i, &err), PV_INTEGRITY);
		kept.data[at] ^= 1;
	}
	unit_ok(restore(&d, &i, &err), &err);
}
END_TEST

/* A CA that has ended stands in the way of new devices, not of old answers. */
START_TEST(an_expired_chain_denies_new_devices)
{
	CLEANUP(buf_release) struct buf kept;
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	const int64_t year_10000 = INT64_C(253402300800);
	struct stored_intent i;
	struct err err;
	DEVICE d;

	device_open(&d);
	err_init(&err);
	unit_ok(prepare(d.prepared, &d.minting, d.approved, 7, d.now_ms, &err),
		&err);
	i = keep(&d, &kept);
	unit_ok(ca_chain_load(d.o.store, "issuing-1", -1, &chain, &err), &err);
	unit_ok(ca_chain_valid(&chain, pvtime_now_s(), &err), &err);
	ck_assert_int_eq(d.ctx->expired.code, PV_OK);
	unit_refused(ca_chain_valid(&chain, year_10000, &d.ctx->expired),
		     PV_DENIED, "validity.issuer", &d.ctx->expired);
	unit_refused(
		prepare(d.prepared, &d.minting, d.approved, 8, d.now_ms, &err),
		PV_DENIED, "validity.issuer", &err);
	unit_ok(restore(&d, &i, &err), &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("prepared");
	TCase *tc = tcase_create("prepared");

	tcase_add_unchecked_fixture(tc, fix_make_base, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, restores_what_was_prepared);
	tcase_add_test(tc, refuses_another_tbs);
	tcase_add_test(tc, refuses_every_changed_byte);
	tcase_add_test(tc, an_expired_chain_denies_new_devices);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
