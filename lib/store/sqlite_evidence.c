/* Nonces that were handed out, and the evidence that came for them. */
#include <string.h>

#include "lib/store/sqlite_attest.h"

#define FORMATS 3u /* lib/evidence/evidence.h */

/* ---- nonces ---- */

static enum pv_code nonce_row(struct query *q, struct store_nonce *n,
			      struct err *err)
{
	uint32_t offline = 0;
	uint64_t used = 0;

	memset(n, 0, sizeof(*n));
	if (!col_bytes(q, 0, n->hash, STORE_HASH) ||
	    !col_text(q, 1, n->device, sizeof(n->device)) || !n->device[0] ||
	    !col_text(q, 2, n->stage, sizeof(n->stage)) || !n->stage[0] ||
	    !col_u64(q, 3, &n->issued_ms) || !col_u64(q, 4, &n->until_ms) ||
	    !col_u32(q, 5, &offline) || offline > 1 ||
	    !col_u64(q, 6, &n->log_index) || !col_index(q, 7, &used) ||
	    used <= n->log_index)
		return sqlite_corrupt(q->s, "the row of a nonce", err);
	n->offline = offline == 1;
	n->used_index = used == STORE_NO_INDEX ? 0 : used;
	return PV_OK;
}

enum pv_code sqlite_nonce_get(struct store *store,
			      const uint8_t hash[STORE_HASH],
			      struct store_nonce *n, bool *found,
			      struct err *err)
{
	QUERY q = query_start(to_sqlite(store), SQL_NONCE_GET);
	enum pv_code rc;

	query_blob(&q, hash, STORE_HASH);
	rc = query_row(&q, found, err);
	return rc == PV_OK && *found ? nonce_row(&q, n, err) : rc;
}

enum pv_code sqlite_nonce_put(struct store *store, const struct store_nonce *n,
			      struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct store_nonce there;
	bool found = false;
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK &&
	    (!n->device[0] || !n->stage[0] || n->until_ms <= n->issued_ms ||
	     n->until_ms > INT64_MAX))
		rc = err_fail(err, PV_INPUT, "store.nonce", NULL,
			      "the row of the nonce lacks a value");
	if (rc == PV_OK)
		rc = sqlite_nonce_get(store, n->hash, &there, &found, err);
	if (rc == PV_OK && found)
		rc = err_fail(err, PV_CONFLICT, "store.nonce", NULL,
			      "that nonce was handed out before");
	if (rc == PV_OK)
		rc = sqlite_not_governed(entry, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_NONCE_PUT);
	query_blob(&q, n->hash, STORE_HASH);
	query_str(&q, n->device);
	query_str(&q, n->stage);
	query_u64(&q, n->issued_ms);
	query_u64(&q, n->until_ms);
	query_u64(&q, n->offline);
	query_u64(&q, index);
	return sqlite_put_row(&q, err);
}

enum pv_code sqlite_nonce_count(struct store *store, const char *device,
				uint64_t now_ms, uint64_t *n, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	QUERY q = query_start(s, SQL_NONCE_COUNT);
	bool row;
	enum pv_code rc;

	query_str(&q, device);
	query_u64(&q, now_ms);
	rc = query_row(&q, &row, err);
	if (rc == PV_OK && (!row || !col_u64(&q, 0, n)))
		return sqlite_corrupt(s, "nonces cannot be counted", err);
	return rc;
}

enum pv_code sqlite_nonce_each(struct store *store, const char *device,
			       uint64_t now_ms, const struct store_visit *v,
			       struct err *err)
{
	QUERY q = query_own(to_sqlite(store),
			    device ? SQL_NONCE_OPEN : SQL_NONCE_EACH);

	if (device) {
		query_str(&q, device);
		query_u64(&q, now_ms);
	}
	for (;;) {
		struct store_nonce n;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = nonce_row(&q, &n, err);
		if (rc == PV_OK)
			rc = v->fn.nonce(v->ctx, &n, err);
		if (rc != PV_OK)
			return rc;
	}
}

static enum pv_code check_nonce(struct store *store,
				const struct store_evidence *x, struct err *err)
{
	struct store_nonce n;
	const char *why = NULL;
	bool found;
	enum pv_code rc = sqlite_nonce_get(store, x->nonce, &n, &found, err);

	if (rc != PV_OK)
		return rc;
	if (!found)
		why = "was not handed out";
	else if (strcmp(n.device, x->device) != 0)
		why = "was handed out for another device";
	else if (strcmp(n.stage, x->stage) != 0)
		why = "was handed out for another stage";
	else if (n.used_index != 0)
		why = "was used before";
	else if (x->verified_ms >= n.until_ms)
		why = "is not good any more";
	return why ? err_fail(err, PV_DENIED, "evidence.nonce",
			      "ask for a new one: provctl attest challenge",
			      "the nonce of %s %s", x->device, why)
		   : PV_OK;
}

static enum pv_code use_nonce(struct sqlite_store *s,
			      const uint8_t hash[STORE_HASH], uint64_t index,
			      struct err *err)
{
	QUERY q = query_start(s, SQL_NONCE_USE);

	query_u64(&q, index);
	query_blob(&q, hash, STORE_HASH);
	return query_run(&q, err);
}

enum pv_code sqlite_nonce_withdraw(struct store *store,
				   const uint8_t hash[STORE_HASH],
				   struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	struct store_nonce n;
	bool found = false;
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = sqlite_nonce_get(store, hash, &n, &found, err);
	if (rc == PV_OK && !found)
		rc = err_fail(err, PV_NOT_FOUND, "store.nonce", NULL,
			      "that nonce was not handed out");
	if (rc == PV_OK && n.used_index != 0)
		rc = err_fail(err, PV_CONFLICT, "store.nonce", NULL,
			      "that nonce was used");
	if (rc == PV_OK)
		rc = sqlite_not_governed(entry, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	rc = use_nonce(s, hash, index, err);
	s->doomed |= rc != PV_OK;
	return rc;
}

/* ---- evidence ---- */

static enum pv_code evidence_row(struct query *q, struct store_evidence *x,
				 struct err *err)
{
	uint64_t state = 0;
	uint32_t uses = 0;

	memset(x, 0, sizeof(*x));
	if (!col_u64(q, 0, &x->log_index) ||
	    !col_text(q, 1, x->device, sizeof(x->device)) || !x->device[0] ||
	    !col_text(q, 2, x->stage, sizeof(x->stage)) ||
	    !col_u64(q, 3, &state) || state > EVIDENCE_FAILED ||
	    !col_u32(q, 4, &x->format) || x->format >= FORMATS ||
	    !col_bytes(q, 5, x->sha256, STORE_HASH) ||
	    !col_bytes(q, 6, x->nonce, STORE_HASH) ||
	    !col_bytes(q, 7, x->nonce_value, STORE_HASH) ||
	    !col_span(q, 8, &x->seal_spki) ||
	    !col_bytes(q, 9, x->manifest, STORE_HASH) ||
	    !col_u64(q, 10, &x->verified_ms) || !col_u32(q, 11, &uses) ||
	    !col_text(q, 12, x->rule, sizeof(x->rule)) ||
	    !col_index(q, 13, &x->release_index) || uses > 1 ||
	    (state != EVIDENCE_FAILED && !uses) ||
	    (state == EVIDENCE_FAILED) != (x->rule[0] != '\0') ||
	    (state == EVIDENCE_RELEASED) !=
		    (x->release_index != STORE_NO_INDEX))
		return sqlite_corrupt(q->s, "the row of evidence", err);
	x->state = (enum store_evidence_state)state;
	x->uses_nonce = uses == 1;
	return PV_OK;
}

static enum pv_code check_row(const struct store_evidence *x, struct err *err)
{
	bool failed = x->state == EVIDENCE_FAILED;

	if (x->device[0] && x->format < FORMATS &&
	    x->state != EVIDENCE_RELEASED && (failed || x->uses_nonce) &&
	    failed == (x->rule[0] != '\0') && x->verified_ms <= INT64_MAX)
		return PV_OK;
	return err_fail(err, PV_INPUT, "store.evidence", NULL,
			"the row of the evidence lacks a value");
}

static enum pv_code put_row(struct sqlite_store *s,
			    const struct store_evidence *x, uint64_t index,
			    struct err *err)
{
	QUERY q = query_start(s, SQL_EVIDENCE_PUT);

	query_u64(&q, index);
	query_str(&q, x->device);
	query_str(&q, x->stage);
	query_u64(&q, x->state);
	query_u64(&q, x->format);
	query_blob(&q, x->sha256, STORE_HASH);
	query_blob(&q, x->nonce, STORE_HASH);
	query_blob(&q, x->nonce_value, STORE_HASH);
	query_blob(&q, x->seal_spki.p, x->seal_spki.len);
	query_blob(&q, x->manifest, STORE_HASH);
	query_u64(&q, x->verified_ms);
	query_u64(&q, x->uses_nonce);
	query_str(&q, x->rule);
	return sqlite_put_row(&q, err);
}

enum pv_code sqlite_evidence_put(struct store *store,
				 const struct store_evidence *x,
				 struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	if (rc == PV_OK)
		rc = check_row(x, err);
	if (rc == PV_OK && x->uses_nonce)
		rc = check_nonce(store, x, err);
	if (rc == PV_OK)
		rc = sqlite_not_governed(entry, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	if (x->uses_nonce)
		rc = use_nonce(s, x->nonce, index, err);
	if (rc != PV_OK) {
		s->doomed = true;
		return rc;
	}
	return put_row(s, x, index, err);
}

/* The row that q, all bound, is for. */
static enum pv_code take_row(struct query *q, struct store_evidence *x,
			     struct buf *seal, bool *found, struct err *err)
{
	size_t at = seal->len;
	enum pv_code rc = query_row(q, found, err);

	if (rc == PV_OK && *found)
		rc = evidence_row(q, x, err);
	if (rc != PV_OK || !*found)
		return rc;
	buf_put(seal, x->seal_spki.p, x->seal_spki.len);
	rc = buf_check(seal, err);
	x->seal_spki = (struct span){ rc == PV_OK ? seal->data + at : NULL,
				      rc == PV_OK ? x->seal_spki.len : 0 };
	return rc;
}

enum pv_code sqlite_evidence_find(struct store *store, const char *device,
				  const char *stage, const uint8_t *sha256,
				  struct store_evidence *x, struct buf *seal,
				  bool *found, struct err *err)
{
	QUERY q = query_start(to_sqlite(store),
			      sha256 ? SQL_EVIDENCE_GET : SQL_EVIDENCE_CURRENT);

	query_str(&q, device);
	if (sha256)
		query_blob(&q, sha256, STORE_HASH);
	else
		query_str(&q, stage);
	return take_row(&q, x, seal, found, err);
}

enum pv_code sqlite_evidence_stranger(struct store *store, const char *device,
				      const uint8_t nonce[STORE_HASH],
				      const char *rule, bool *found,
				      struct err *err)
{
	QUERY q = query_start(to_sqlite(store), SQL_EVIDENCE_STRANGER);

	query_str(&q, device);
	query_blob(&q, nonce, STORE_HASH);
	query_str(&q, rule);
	return query_row(&q, found, err);
}

enum pv_code sqlite_evidence_newest(struct store *store, const char *device,
				    const char *stage, struct store_evidence *x,
				    struct buf *seal, bool *found,
				    struct err *err)
{
	QUERY q = query_start(to_sqlite(store), SQL_EVIDENCE_NEWEST);

	query_str(&q, device);
	query_str(&q, stage);
	return take_row(&q, x, seal, found, err);
}

enum pv_code sqlite_evidence_each(struct store *store,
				  const struct store_visit *v, struct err *err)
{
	QUERY q = query_own(to_sqlite(store), SQL_EVIDENCE_EACH);

	for (;;) {
		struct store_evidence x;
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK || !row)
			return rc;
		rc = evidence_row(&q, &x, err);
		if (rc == PV_OK)
			rc = v->fn.evidence(v->ctx, &x, err);
		if (rc != PV_OK)
			return rc;
	}
}

enum pv_code sqlite_evidence_release(struct store *store, const char *device,
				     const uint8_t sha256[STORE_HASH],
				     struct span entry, struct err *err)
{
	struct sqlite_store *s = to_sqlite(store);
	CLEANUP(buf_release) struct buf seal;
	struct store_evidence x;
	bool found = false;
	uint64_t index;
	enum pv_code rc = sqlite_writing(s, err);

	buf_init(&seal, SIZE_MAX / 2);
	if (rc == PV_OK)
		rc = sqlite_evidence_find(store, device, NULL, sha256, &x,
					  &seal, &found, err);
	if (rc == PV_OK && (!found || x.state == EVIDENCE_FAILED))
		rc = err_fail(err, PV_NOT_FOUND, "store.evidence", NULL,
			      "%s has no verified evidence of that hash",
			      device);
	if (rc == PV_OK && x.state == EVIDENCE_RELEASED)
		rc = err_fail(err, PV_CONFLICT, "store.evidence", NULL,
			      "a bundle was released for that evidence of %s",
			      device);
	if (rc == PV_OK)
		rc = sqlite_not_governed(entry, err);
	if (rc == PV_OK)
		rc = sqlite_log_add(s, entry, &index, err);
	if (rc != PV_OK)
		return rc;
	QUERY q = query_start(s, SQL_EVIDENCE_RELEASE);
	query_u64(&q, EVIDENCE_RELEASED);
	query_u64(&q, index);
	query_u64(&q, x.log_index);
	return sqlite_put_row(&q, err);
}
