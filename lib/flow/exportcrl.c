#include "lib/flow/exportcrl.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/crlcollect.h"
#include "lib/flow/crlstatus.h"
#include "lib/flow/export.h"
#include "lib/flow/logged.h"
#include "lib/flow/ocspcert.h"
#include "lib/flow/ocspmake.h"
#include "lib/store/store_device.h"
#include "lib/base/fileio.h"

static enum pv_code no_ca(struct err *err)
{
	return err_fail(err, PV_NOT_FOUND, "crl.ca",
			"provctl status lists the CAs",
			"no CA of that name signs revocation lists");
}

/* The generation that a shard's number belongs to; they follow each other. */
static enum pv_code find(const struct crl_issuers *all, const char *ca,
			 int64_t number, const struct crl_issuer **i,
			 uint32_t *shard, struct err *err)
{
	const struct crl_issuer *only = NULL;
	size_t lists = 0;

	*i = NULL;
	for (size_t j = 0; j < all->n; j++) {
		const struct crl_issuer *one = &all->list[j];
		int64_t first = crl_shard_number(one, 0);

		if (strcmp(one->ca, ca) != 0)
			continue;
		only = one;
		lists += one->shards;
		if (number >= first && number < first + one->shards) {
			*i = one;
			*shard = (uint32_t)(number - first);
		}
	}
	if (!only || (!*i && number >= 0)) {
		enum pv_code rc = crl_issuers_bad(all, only ? ca : NULL, err);

		if (rc != PV_OK)
			return rc;
	}
	if (!only)
		return no_ca(err);
	if (number < 0 && lists == 1) {
		*i = only;
		*shard = 0;
	}
	if (*i)
		return PV_OK;
	return err_fail(err, PV_INPUT, "crl.shard",
			"give --shard, the number in the list's URL and of its "
			"file in publish/crl",
			number < 0 ? "the CA has several revocation lists"
				   : "the CA has no such revocation list");
}

static enum pv_code check_time(const struct crl_row *row, int64_t now_s,
			       struct err *err)
{
	char when[PVTIME_RFC3339_LEN + 1];

	if (!row->found)
		return err_fail(err, PV_INTEGRITY, "crl.absent",
				"run `provctl rotate crl'",
				"the revocation list was never made");
	if (now_s <= row->crl.next_s)
		return PV_OK;
	if (!pvtime_format(row->crl.next_s, when))
		when[0] = '\0';
	return err_fail(err, PV_INTEGRITY, "crl.expired",
			"run `provctl rotate crl'",
			"the revocation list ended at %s", when);
}

/* It says all that is revoked now: what is given out is not from before. */
static enum pv_code check_rows(struct store *store, const struct crl_issuer *i,
			       uint32_t shard, const struct crl_row *row,
			       struct err *err)
{
	CLEANUP(crl_entries_release) struct crl_entries now = { .n = 0 };
	enum pv_code rc = crl_collect(store, NULL, i, shard, row, &now, err);

	if (rc == PV_OK && now.changed)
		rc = err_fail(err, PV_INTEGRITY, "crl.behind",
			      "run `provctl rotate crl'",
			      "the revocation list does not say what is "
			      "revoked now");
	return rc;
}

static bool may_leave(void *ctx, const struct x509_crl_entry *e)
{
	(void)ctx;
	(void)e;
	return true;
}

/* A list of the same shard and key that now can follow on. What left it was
 * judged when the ones in between were made. */
static bool is_older(const struct crl_issuer *i, struct span former,
		     const struct x509_crl *now)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	const struct x509_crl_gone any = { may_leave, NULL };
	struct x509_crl crl;

	return former.len > 0 &&
	       x509_crl_decode(former, &crl, NULL, NULL) == PV_OK &&
	       !crl.uris.p == !now->uris.p &&
	       x509_crl_compare(&crl, now, &any, NULL) == PV_OK &&
	       x509_verifier_new(i->cert.spki, &v, NULL) == PV_OK &&
	       x509_crl_verify(v, &crl, PV_INTEGRITY, NULL) == PV_OK;
}

enum pv_code export_crl(const struct authority *a, struct store *store,
			const char *ca, int64_t number, int64_t now_s,
			struct span former, bool *older, struct buf *der,
			struct err *err)
{
	CLEANUP(crl_issuers_release) struct crl_issuers all = { .n = 0 };
	STORE_TXN txn = STORE_TXN_INIT;
	CRL_ROW row = { .found = false };
	const struct crl_issuer *i;
	char object[CRL_OBJECT_MAX];
	uint32_t shard = 0;
	enum pv_code rc = crl_issuers_load(a, store, now_s, &all, err);

	*older = false;
	if (rc == PV_OK)
		rc = find(&all, ca, number, &i, &shard, err);
	if (rc != PV_OK) {
		err_object(err, ca);
		return rc;
	}
	crl_object(i, shard, object);
	rc = store_begin(store, STORE_READ, &txn, err);
	if (rc == PV_OK)
		rc = crl_row_newest(store, i, shard, &row, err);
	if (rc == PV_OK)
		rc = check_time(&row, now_s, err);
	if (rc == PV_OK)
		rc = check_rows(store, i, shard, &row, err);
	store_rollback(&txn);
	if (rc != PV_OK) {
		err_object(err, object);
		return rc;
	}
	*older = is_older(i, former, &row.crl);
	buf_put(der, row.row.der.p, row.row.der.len);
	return buf_check(der, err);
}

/* One list, verified. */
static enum pv_code visit(struct store *store, const struct crl_issuer *i,
			  uint32_t shard, int64_t now_s, export_crl_fn *take,
			  void *ctx, struct err *err)
{
	CRL_ROW row = { .found = false };
	char object[CRL_OBJECT_MAX];
	struct export_crl_list l = { .ca = i->ca,
				     .generation = i->generation,
				     .shard = crl_shard_number(i, shard) };
	enum pv_code rc = crl_row_newest(store, i, shard, &row, err);

	if (rc == PV_OK)
		rc = check_time(&row, now_s, err);
	if (rc != PV_OK) {
		crl_object(i, shard, object);
		err_object(err, object);
		return rc;
	}
	l.crl = &row.crl;
	return take(ctx, &l, err);
}

enum pv_code export_crl_each(const struct authority *a, struct store *store,
			     const char *ca, int64_t number, int64_t now_s,
			     export_crl_fn *take, void *ctx, struct err *err)
{
	CLEANUP(crl_issuers_release) struct crl_issuers all = { .n = 0 };
	const struct crl_issuer *i = NULL;
	uint32_t shard = 0;
	bool known = false;
	enum pv_code rc = crl_issuers_load(a, store, now_s, &all, err);

	if (rc == PV_OK && number >= 0) {
		rc = find(&all, ca, number, &i, &shard, err);
		if (rc == PV_OK)
			return visit(store, i, shard, now_s, take, ctx, err);
	}
	for (size_t j = 0; rc == PV_OK && j < all.n; j++) {
		i = &all.list[j];
		if (strcmp(i->ca, ca) != 0)
			continue;
		known = true;
		for (shard = 0; rc == PV_OK && shard < i->shards; shard++)
			rc = visit(store, i, shard, now_s, take, ctx, err);
	}
	if (rc == PV_OK)
		rc = crl_issuers_bad(&all, known ? ca : NULL, err);
	if (rc == PV_OK && !known)
		rc = no_ca(err);
	err_object(err, ca);
	return rc;
}

/* ---- OCSP ---- */

static enum pv_code stale(const char *rule, const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, rule, "run `provctl rotate crl'",
			"the OCSP answer %s", what);
}

static enum pv_code read_answer(const struct authority *a,
				const struct crl_issuer *i, struct span serial,
				struct buf *der, struct x509_ocsp *r,
				struct err *err)
{
	char path[AUTHORITY_PATH_MAX + STORE_ID_MAX + OCSP_NAME_MAX + 8];
	char name[OCSP_NAME_MAX];
	enum pv_code rc;

	ocsp_name(serial, name);
	snprintf(path, sizeof(path), "%s/ocsp/%s/%s", a->publish, i->ca, name);
	rc = file_read(a->home_fd, path, FILEIO_NOFOLLOW, der, NULL);
	if (rc == PV_NOT_FOUND)
		return err_fail(err, PV_INTEGRITY, "ocsp.absent",
				"run `provctl rotate crl'; it makes answers "
				"where the template names a responder and the "
				"authority has a key of purpose ocsp",
				"the OCSP answer was never made");
	if (rc == PV_OK)
		rc = x509_ocsp_decode(buf_span(der), r, NULL);
	return rc == PV_OK ? PV_OK
			   : stale("publish.foreign", "cannot be read", err);
}

static enum pv_code check_answer(struct store *store,
				 const struct crl_issuer *i,
				 const struct store_device *d,
				 const struct x509_ocsp *r, int64_t now_s,
				 struct err *err)
{
	struct span serial = { d->s.serial, d->s.serial_len };
	struct store_revocation v = { .reason = 0 };
	struct x509_ocsp_head h;
	bool revoked = false;
	enum pv_code rc = x509_ocsp_head(&i->cert, i->cert.spki, 0, 0, &h, err);

	if (rc == PV_OK && !ocsp_is_answer(i, &h, serial, r))
		rc = stale("publish.foreign", "is not by this CA", err);
	if (rc == PV_OK && now_s > r->next_s)
		rc = stale("ocsp.expired", "has ended", err);
	if (rc == PV_OK)
		rc = crl_status(store, i, serial, &v, &revoked, err);
	if (rc == PV_OK && (revoked != r->status.revoked ||
			    (revoked && v.reason != r->status.reason)))
		rc = stale("ocsp.behind", "says what is no longer so", err);
	return rc;
}

static const struct crl_issuer *issuer_of(const struct crl_issuers *all,
					  struct span cert_der,
					  const struct store_device *d)
{
	uint32_t generation = d->s.ca_generation ? d->s.ca_generation : 1;
	struct x509_cert cert;

	if (x509_cert_decode(cert_der, &cert, NULL) != PV_OK)
		return NULL;
	for (size_t j = 0; j < all->n; j++)
		if (all->list[j].generation == generation &&
		    span_equal(all->list[j].cert.subject, cert.issuer))
			return &all->list[j];
	return NULL;
}

enum pv_code export_ocsp(const struct authority *a, struct store *store,
			 const char *device, int64_t now_s, struct buf *der,
			 struct err *err)
{
	CLEANUP(crl_issuers_release) struct crl_issuers all = { .n = 0 };
	CLEANUP(buf_release) struct buf cert;
	const struct crl_issuer *i = NULL;
	struct store_device d;
	struct x509_ocsp r;
	enum pv_code rc = export_device_find(store, device, &d, err);

	buf_init(&cert, X509_CERT_MAX);
	if (rc == PV_OK)
		rc = logged_device(store, &d, err);
	if (rc == PV_OK && !d.has_cert)
		rc = err_fail(err, PV_NOT_FOUND, "cert.none", NULL,
			      "the device has no certificate");
	if (rc == PV_OK)
		rc = store_cert_get(store, d.s.number, &cert, err);
	if (rc == PV_OK)
		rc = crl_issuers_load(a, store, now_s, &all, err);
	if (rc == PV_OK) {
		i = issuer_of(&all, buf_span(&cert), &d);
		rc = i ? PV_OK : crl_issuers_bad(&all, NULL, err);
		if (!i && rc == PV_OK)
			rc = no_ca(err);
	}
	if (rc == PV_OK)
		rc = read_answer(a, i,
				 (struct span){ d.s.serial, d.s.serial_len },
				 der, &r, err);
	if (rc == PV_OK)
		rc = check_answer(store, i, &d, &r, now_s, err);
	if (rc != PV_OK)
		err_object(err, device);
	return rc;
}
