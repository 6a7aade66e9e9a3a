#include "lib/flow/crlrecord.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/log/lifecycle.h"

static struct store_crl key_of(const struct crl_record *r)
{
	struct store_crl row = { .kind = r->kind,
				 .generation = r->i->generation,
				 .shard = r->shard };

	snprintf(row.ca, sizeof(row.ca), "%s", r->i->ca);
	return row;
}

static const char *type_of(const struct crl_record *r, const char *list,
			   const char *answers)
{
	return r->kind == STORE_CRL ? list : answers;
}

/* ---- given up ---- */

struct last {
	uint64_t number;
	bool pending;
};

static enum pv_code take_last(void *ctx, const struct store_crl *row,
			      struct err *err)
{
	struct last *last = ctx;

	(void)err;
	last->number = row->number;
	last->pending = row->issue_index == STORE_NO_INDEX;
	return PV_OK;
}

static enum pv_code give_up(const struct crl_record *r,
			    const struct event_who *who, uint64_t number,
			    struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	struct store_crl row = key_of(r);
	char object[CRL_OBJECT_MAX];
	struct log_entry e;
	enum pv_code rc;

	buf_init(&entry, LOG_ENTRY_MAX);
	row.number = number;
	crl_object(r->i, r->shard, object);
	log_crl_void(&e, &who->who, type_of(r, LOG_CRL_VOID, LOG_OCSP_VOID),
		     object, number);
	rc = log_entry_encode(&e, &entry, err);
	return rc == PV_OK
		       ? store_crl_void(r->store, &row, buf_span(&entry), err)
		       : rc;
}

enum pv_code crl_record_next(const struct crl_record *r,
			     const struct event_who *who, uint64_t *number,
			     bool *gave_up, struct err *err)
{
	struct last last = { .number = 0 };
	const struct store_visit v = { .ctx = &last, .fn.crl = take_last };
	struct store_crl key = key_of(r);
	bool found = false;
	enum pv_code rc =
		store_crl_get(r->store, &key, STORE_CRL_LAST, &v, &found, err);

	*gave_up = false;
	if (rc == PV_OK && last.pending) {
		rc = give_up(r, who, last.number, err);
		*gave_up = rc == PV_OK;
	}
	*number = last.number + 1;
	return rc;
}

/* ---- recorded, and signed ---- */

enum pv_code crl_record_intent(const struct crl_record *r,
			       const struct event_who *who,
			       const struct store_crl *what, uint64_t upto,
			       bool more, struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	struct store_crl row = key_of(r);
	char object[CRL_OBJECT_MAX];
	uint8_t tbs[32];
	const struct log_crl c = { .object = object,
				   .number = what->number,
				   .tbs = tbs,
				   .this_s = what->this_s,
				   .next_s = what->next_s,
				   .entries = what->entries,
				   .upto = upto,
				   .more = more };
	struct log_entry e;
	enum pv_code rc = sha256(what->tbs, tbs, err);

	buf_init(&entry, LOG_ENTRY_MAX);
	crl_object(r->i, r->shard, object);
	row.number = what->number;
	row.this_s = what->this_s;
	row.next_s = what->next_s;
	row.entries = what->entries;
	row.tbs = what->tbs;
	log_crl_intent(&e, &who->who,
		       type_of(r, LOG_CRL_INTENT, LOG_OCSP_INTENT), &c);
	if (rc == PV_OK)
		rc = log_entry_encode(&e, &entry, err);
	return rc == PV_OK ? store_crl_reserve(r->store, &row, buf_span(&entry),
					       err)
			   : rc;
}

enum pv_code crl_record_issue(const struct crl_record *r, uint64_t number,
			      struct span der, struct err *err)
{
	CLEANUP(buf_release) struct buf entry;
	STORE_TXN txn = STORE_TXN_INIT;
	struct store_crl row = key_of(r);
	char object[CRL_OBJECT_MAX];
	struct event_who who;
	struct log_entry e;
	uint8_t hash[32];
	enum pv_code rc = sha256(der, hash, err);

	buf_init(&entry, LOG_ENTRY_MAX);
	crl_object(r->i, r->shard, object);
	row.number = number;
	row.der = der;
	if (rc == PV_OK)
		rc = store_begin(r->store, STORE_WRITE, &txn, err);
	if (rc == PV_OK)
		rc = event_now(r->store, &who, err);
	if (rc != PV_OK)
		return rc;
	log_crl_issue(&e, &who.who, type_of(r, LOG_CRL_ISSUE, LOG_OCSP_ISSUE),
		      object, number, hash);
	rc = log_entry_encode(&e, &entry, err);
	if (rc == PV_OK)
		rc = store_crl_complete(r->store, &row, buf_span(&entry), err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}
