/*
 * camake: one certificate of each kind for one approval. What was to be
 * signed stands in its cert.intent, with the nonce; whoever comes with the same
 * approvals, beside that run or after it was cut off, builds the same bytes,
 * and has nothing else signed.
 */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/approvals.h"
#include "lib/flow/camake.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_log.h"

struct intent { /* as the log has it */
	bool found;
	bool other_csr; /* for another request of the same key */
	uint8_t serial[X509_SERIAL_LEN];
	int64_t built_s;
	uint8_t tbs_sha256[32];
	uint64_t index;
};

struct search {
	struct camake *made;
	size_t n;
	struct intent found[CAMAKE_TOGETHER];
};

static uint64_t number_of(const struct log_entry *e, const char *key,
			  uint64_t unsaid)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_UINT);

	return f ? f->u : unsaid;
}

/* It is for the same key, from the same approvals. */
static bool is_of(const struct camake *m, const struct log_entry *e)
{
	const uint8_t *nonce = log_nonce(e);

	return nonce && memcmp(nonce, m->job.nonce, LOG_NONCE) == 0 &&
	       log_fact_is(e, "spki", m->spki_sha256, 32) &&
	       log_fact_is(e, "template hash", m->job.tmpl->sha256, 32) &&
	       number_of(e, LOG_CA_GENERATION, 1) == m->job.generation &&
	       (number_of(e, LOG_CA_CROSS, 0) == 1) == m->job.cross;
}

static void take(struct intent *x, const struct camake *m,
		 const struct log_entry *e, uint64_t index)
{
	const struct log_fact *tbs = log_fact_find(e, "tbs", LOG_BSTR);
	char hex[2 * X509_SERIAL_LEN + 1];

	if (x->found || !tbs || tbs->s.len != sizeof(x->tbs_sha256) ||
	    e->object.len != sizeof(hex) - 1)
		return;
	memcpy(hex, e->object.p, e->object.len);
	hex[e->object.len] = '\0';
	if (!hex_decode(hex, x->serial, sizeof(x->serial)))
		return;
	memcpy(x->tbs_sha256, tbs->s.p, tbs->s.len);
	x->built_s = (int64_t)number_of(e, LOG_CA_BUILT, 0);
	x->index = index;
	x->other_csr =
		m->job.csr_sha256 &&
		!log_fact_is(e, LOG_CA_CSR, m->job.csr_sha256, SHA256_LEN);
	x->found = true;
}

static enum pv_code look(void *ctx, uint64_t index, struct span bytes,
			 struct err *err)
{
	struct search *s = ctx;
	struct log_entry e;
	enum pv_code rc = log_entry_decode(bytes, &e, err);

	if (rc != PV_OK || !span_is(e.type, LOG_CERT_INTENT))
		return rc;
	for (size_t i = 0; i < s->n; i++)
		if (is_of(&s->made[i], &e))
			take(&s->found[i], &s->made[i], &e, index);
	return PV_OK;
}

static enum pv_code another(struct err *err)
{
	return err_fail(err, PV_CONFLICT, "rotate.intent",
			"ask for new approvals",
			"another certificate was to be signed with these "
			"approvals, and it cannot be any more");
}

static enum pv_code take_up(struct camake *m, const struct intent *x,
			    int64_t now_s, struct err *err)
{
	enum pv_code rc;

	if (x->other_csr || x->built_s > now_s ||
	    x->built_s < now_s - (int64_t)APPROVALS_VALID_S)
		return another(err);
	rc = camake_rebuild(m, x->serial, x->built_s, err);
	if (rc != PV_OK)
		return rc;
	if (memcmp(m->tbs_sha256, x->tbs_sha256, sizeof(x->tbs_sha256)) != 0)
		return another(err);
	m->intent_index = x->index;
	return PV_OK;
}

static enum pv_code find_all(struct search *s, uint64_t since, struct err *err)
{
	const struct store_visit v = { .ctx = s, .fn.entry = look };
	struct store *store = s->made[0].job.store;
	uint64_t size = 0;
	enum pv_code rc;

	/* Nobody is asked: each run has its own. */
	if (!s->made[0].job.nonce)
		return PV_OK;
	rc = store_log_size(store, &size, err);
	return rc == PV_OK && since < size
		       ? store_log_each(store, since, size - since, &v, err)
		       : rc;
}

enum pv_code camake_intents(struct camake *made, size_t n, uint64_t since,
			    int64_t now_s, struct err *err)
{
	struct search s = { .made = made, .n = n };
	struct store *store = made[0].job.store;
	STORE_TXN txn = STORE_TXN_INIT;
	struct event_who who;
	enum pv_code rc = store_begin(store, STORE_WRITE, &txn, err);

	if (rc == PV_OK)
		rc = event_now(store, &who, err);
	if (rc == PV_OK)
		rc = find_all(&s, since, err);
	for (size_t i = 0; rc == PV_OK && i < n; i++)
		rc = s.found[i].found
			     ? take_up(&made[i], &s.found[i], now_s, err)
			     : camake_put_intent(&made[i], &who.who, err);
	return rc == PV_OK ? store_commit(&txn, err) : rc;
}
