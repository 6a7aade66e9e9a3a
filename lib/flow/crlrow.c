#include "lib/flow/crlrow.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/logged.h"
#include "lib/log/lifecycle.h"

void crl_row_release(struct crl_row *r)
{
	buf_release(&r->bytes);
	memset(r, 0, sizeof(*r));
}

static enum pv_code take(void *ctx, const struct store_crl *row,
			 struct err *err)
{
	struct crl_row *r = ctx;
	struct span from = row->der.len ? row->der : row->tbs;

	r->row = *row;
	buf_put(&r->bytes, from.p, from.len);
	r->row.tbs = r->row.der = (struct span){ NULL, 0 };
	if (row->der.len)
		r->row.der = buf_span(&r->bytes);
	else
		r->row.tbs = buf_span(&r->bytes);
	return buf_check(&r->bytes, err);
}

static enum pv_code get(struct store *store, enum store_crl_kind kind,
			enum store_crl_which which, const struct crl_issuer *i,
			uint32_t shard, struct crl_row *r, struct err *err)
{
	const struct store_visit v = { .ctx = r, .fn.crl = take };
	struct store_crl key = { .kind = kind,
				 .generation = i->generation,
				 .shard = shard };

	memset(r, 0, sizeof(*r));
	buf_init(&r->bytes, X509_CRL_MAX);
	snprintf(key.ca, sizeof(key.ca), "%s", i->ca);
	return store_crl_get(store, &key, which, &v, &r->found, err);
}

/* The entry at index is of that shard and number, and records the bytes. */
static enum pv_code check_entry(struct store *store, const struct crl_row *r,
				const struct crl_issuer *i, uint64_t index,
				const char *type, const char *fact,
				struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	char object[CRL_OBJECT_MAX];
	uint8_t hash[32];
	struct log_entry e;
	enum pv_code rc = sha256(buf_span(&r->bytes), hash, err);

	buf_init(&room, LOG_ENTRY_MAX);
	crl_object(i, r->row.shard, object);
	if (rc == PV_OK)
		rc = logged_entry(store, index, type, object, &room, &e, err);
	if (rc == PV_OK && (!logged_uint_is(&e, "number", r->row.number) ||
			    !log_fact_is(&e, fact, hash, sizeof(hash))))
		rc = logged_edited("the row of what is published", err);
	return rc;
}

/* Of both kinds: where the log goes on from there is held against it. */
static enum pv_code check_intent(struct store *store, struct crl_row *r,
				 const struct crl_issuer *i, const char *type,
				 struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	char object[CRL_OBJECT_MAX];
	const struct log_fact *upto;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	crl_object(i, r->row.shard, object);
	rc = logged_entry(store, r->row.intent_index, type, object, &room, &e,
			  err);
	if (rc == PV_OK &&
	    (!logged_uint_is(&e, "number", r->row.number) ||
	     !logged_uint_is(&e, "this", (uint64_t)r->row.this_s) ||
	     !logged_uint_is(&e, "next", (uint64_t)r->row.next_s)))
		rc = logged_edited("the row of what is published", err);
	if (rc != PV_OK)
		return rc;
	upto = log_fact_find(&e, "upto", LOG_UINT);
	r->upto = upto ? upto->u : 0;
	r->more = logged_uint_is(&e, "more", 1);
	return PV_OK;
}

static enum pv_code integrity(enum pv_code rc, struct err *err)
{
	if (rc != PV_INPUT)
		return rc;
	err->code = PV_INTEGRITY;
	return PV_INTEGRITY;
}

static enum pv_code check_list(const struct crl_issuer *i, struct crl_row *r,
			       struct err *err)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;
	enum pv_code rc =
		integrity(x509_crl_decode(r->row.der, &r->crl, NULL, err), err);

	if (rc == PV_OK && (!span_equal(r->crl.issuer, i->cert.subject) ||
			    !span_equal(r->crl.aki, i->cert.ski)))
		rc = err_fail(err, PV_INTEGRITY, "crl.foreign",
			      "run `provctl audit verify'",
			      "the stored revocation list is another CA's");
	if (rc == PV_OK)
		rc = x509_verifier_new(i->cert.spki, &v, err);
	if (rc == PV_OK)
		rc = x509_crl_verify(v, &r->crl, PV_INTEGRITY, err);
	if (rc == PV_OK &&
	    (r->crl.number != r->row.number || r->crl.this_s != r->row.this_s ||
	     r->crl.next_s != r->row.next_s))
		rc = logged_edited("the row of a revocation list", err);
	return rc;
}

static enum pv_code named(enum pv_code rc, const struct crl_issuer *i,
			  uint32_t shard, struct err *err)
{
	char object[CRL_OBJECT_MAX];

	crl_object(i, shard, object);
	if (rc != PV_OK)
		err_object(err, object);
	return rc;
}

enum pv_code crl_row_newest(struct store *store, const struct crl_issuer *i,
			    uint32_t shard, struct crl_row *r, struct err *err)
{
	enum pv_code rc =
		get(store, STORE_CRL, STORE_CRL_NEWEST, i, shard, r, err);

	if (rc == PV_OK && r->found)
		rc = check_entry(store, r, i, r->row.issue_index, LOG_CRL_ISSUE,
				 "crl", err);
	if (rc == PV_OK && r->found)
		rc = check_intent(store, r, i, LOG_CRL_INTENT, err);
	if (rc == PV_OK && r->found)
		rc = check_list(i, r, err);
	return named(rc, i, shard, err);
}

enum pv_code ocsp_row_newest(struct store *store, const struct crl_issuer *i,
			     uint32_t shard, struct crl_row *r, struct err *err)
{
	enum pv_code rc =
		get(store, STORE_OCSP, STORE_CRL_NEWEST, i, shard, r, err);

	if (rc == PV_OK && r->found)
		rc = check_entry(store, r, i, r->row.issue_index,
				 LOG_OCSP_ISSUE, "answers", err);
	if (rc == PV_OK && r->found)
		rc = check_intent(store, r, i, LOG_OCSP_INTENT, err);
	return named(rc, i, shard, err);
}
