/* calist: what the log says was taken of a CA, and what is kept held against
 * it. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/calist.h"
#include "lib/flow/event.h"
#include "lib/flow/logged.h"
#include "lib/store/store_log.h"
#include "lib/x509/issuer.h"
#include "lib/x509/profile.h"

enum pv_code calist_put(struct store *store, const struct log_who *who,
			const char *ca, const struct x509_crl *crl,
			struct err *err)
{
	uint8_t hash[LOG_HASH];
	struct log_entry e;
	enum pv_code rc = sha256(crl->der, hash, err);

	if (rc != PV_OK)
		return rc;
	log_ca_list(&e, who, ca, crl->number, hash);
	return event_append(store, &e, err);
}

enum pv_code calist_record(struct store *store, const char *ca,
			   const struct x509_crl *crl, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc == PV_OK)
		rc = calist_put(store, &who.who, ca, crl, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}

/* ---- whether a newer one was taken ---- */

static enum pv_code entry_time(struct store *store, uint64_t index,
			       struct buf *room, uint64_t *time_ms,
			       struct err *err)
{
	enum pv_code rc;

	buf_reset(room);
	rc = store_log_read(store, index, room, err);
	if (rc == PV_OK && !log_entry_time(buf_span(room), time_ms))
		rc = logged_edited("a log entry", err);
	return rc;
}

/* The first entry of that time or later, of size: the log's time does not go
 * back. */
static enum pv_code find_time(struct store *store, uint64_t size,
			      uint64_t from_ms, uint64_t *index,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	uint64_t low = 0, high = size, time_ms = 0;
	enum pv_code rc = PV_OK;

	buf_init(&room, LOG_ENTRY_MAX);
	while (rc == PV_OK && low < high) {
		uint64_t middle = low + (high - low) / 2;

		rc = entry_time(store, middle, &room, &time_ms, err);
		if (time_ms < from_ms)
			low = middle + 1;
		else
			high = middle;
	}
	*index = low;
	return rc;
}

struct newer {
	const char *ca;
	uint64_t number;
	uint8_t hash[LOG_HASH];
	bool found;
};

static enum pv_code take_entry(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	struct newer *n = ctx;
	const struct log_fact *number;
	struct log_entry e;
	struct span type;
	enum pv_code rc;

	(void)index;
	if (!log_entry_type(bytes, &type))
		return logged_edited("a log entry", err);
	if (!span_is(type, LOG_CA_LIST))
		return PV_OK;
	rc = log_entry_decode(bytes, &e, err);
	if (rc != PV_OK || !span_is(e.object, n->ca))
		return rc;
	number = log_fact_find(&e, "number", LOG_UINT);
	n->found |= !number || number->u > n->number ||
		    (number->u == n->number &&
		     !log_fact_is(&e, "hash", n->hash, LOG_HASH));
	return PV_OK;
}

enum pv_code calist_is_newest(struct store *store, const char *ca,
			      const struct x509_crl *crl, bool *newest,
			      struct err *err)
{
	struct newer n = { .ca = ca, .number = crl->number };
	const struct store_visit v = { .ctx = &n, .fn.entry = take_entry };
	int64_t from_s = crl->this_s - CALIST_SKEW_S;
	uint64_t size = 0, from = 0;
	enum pv_code rc = sha256(crl->der, n.hash, err);

	*newest = false;
	if (rc == PV_OK)
		rc = store_log_size(store, &size, err);
	/* None is taken before it begins, nor begins before an older one. */
	if (rc == PV_OK && from_s > 0)
		rc = find_time(store, size, (uint64_t)from_s * 1000, &from,
			       err);
	if (rc == PV_OK && from < size)
		rc = store_log_each(store, from, size - from, &v, err);
	*newest = rc == PV_OK && !n.found;
	return rc;
}

/* ---- what is kept ---- */

static enum pv_code not_last(const char *rule, const char *what,
			     struct err *err)
{
	return err_fail(err, PV_INTEGRITY, rule,
			"bring the newest: `provctl rotate crl --list FILE', "
			"and find out who changed the home",
			"%s", what);
}

/* One that signs lists came with one (caimport.h). */
static enum pv_code none_kept(struct span cert, struct err *err)
{
	CLEANUP(x509_issuer_release) struct x509_issuer by = { .path_len = 0 };
	enum pv_code rc = x509_issuer_load(cert, &by, err);

	if (rc == PV_OK && (by.ku_bits & KU_CRL_SIGN))
		rc = not_last("list.missing",
			      "the revocation list of a CA whose key is "
			      "elsewhere is gone",
			      err);
	return rc;
}

enum pv_code calist_current(const struct authority *a, struct store *store,
			    const char *ca, struct span cert, int64_t now_s,
			    struct buf *list, struct x509_crl *crl, bool *kept,
			    struct err *err)
{
	bool newest = false;
	struct err why;
	enum pv_code rc;

	*kept = false;
	err_init(&why);
	rc = calist_load(a, ca, list, &why);
	if (rc == PV_NOT_FOUND)
		return none_kept(cert, err);
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	rc = calist_check(cert, buf_span(list), now_s, crl, err);
	if (rc == PV_OK)
		rc = calist_is_newest(store, ca, crl, &newest, err);
	if (rc == PV_OK && !newest)
		rc = not_last("list.older",
			      "the revocation list of a CA whose key is "
			      "elsewhere is not the last that was taken",
			      err);
	*kept = rc == PV_OK;
	return rc;
}
