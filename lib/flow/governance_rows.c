/* Governance: a decision's row and its entry. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/flow/governance.h"
#include "lib/flow/logged.h"
#include "lib/flow/logged_authority.h"
#include "lib/log/acts.h"
#include "lib/log/ceremony.h"
#include "lib/store/store_held.h"
#include "lib/store/store_order.h"
#include "lib/store/store_secret.h"
#include "policy/orderfile.h"

#define ROW_MAX ((size_t)1 << 24) /* bytes of one roster, note, order */

enum pv_code governance_wrong(const char *kind, const char *name,
			      const char *what, struct err *err)
{
	char object[STORE_KIND_MAX + STORE_ID_MAX + 2];

	snprintf(object, sizeof(object), "%s %s", kind, name);
	err_object(err, object);
	return err_fail(err, PV_INTEGRITY, "store.governance",
			"stop issuing and compare with a backup", "%s", what);
}

enum pv_code governance_differs(const char *kind, const char *name,
				struct err *err)
{
	return governance_wrong(kind, name,
				"the store's row is not what was logged", err);
}

/* A fact with the hash of those bytes. */
static enum pv_code says_hash(const struct log_entry *e, const char *key,
			      struct span bytes, bool *fits, struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc = sha256(bytes, hash, err);

	*fits = rc == PV_OK && logged_hash_is(e, key, hash);
	return rc;
}

/* A number that a fact says; 0 where there is none, which no row has. */
static uint64_t number(const struct log_entry *e, const char *key)
{
	const struct log_fact *f = log_fact_find(e, key, LOG_UINT);

	return f ? f->u : 0;
}

/* What the entries say of a row, besides whose it is. */
static const struct {
	const char *kind;
	const char *number; /* fact; NULL: none */
	bool bytes, note, held;
} said[] = {
	{ LOG_ROSTER_CHANGE, "version", true, false, false },
	{ LOG_ORDER_OPEN, NULL, true, false, false },
	{ LOG_ORDER_CLOSE, NULL, true, true, false },
	{ LOG_QUARANTINE_RELEASE, "held", false, false, true },
	{ LOG_QUARANTINE_REJECT, "held", false, false, true },
};

enum pv_code governance_says(const struct log_entry *e,
			     const struct governance_row *row, bool *fits,
			     struct err *err)
{
	enum pv_code rc = PV_OK;
	size_t i = 0;

	*fits = false;
	while (i < sizeof(said) / sizeof(said[0]) &&
	       strcmp(said[i].kind, row->kind) != 0)
		i++;
	if (i == sizeof(said) / sizeof(said[0]))
		return PV_OK;
	*fits = span_is(e->type, row->kind) && span_is(e->object, row->name);
	if (*fits && said[i].number)
		*fits = logged_uint_is(e, said[i].number, row->number);
	if (*fits && said[i].held)
		*fits = logged_text_is(e, "device", row->device) &&
			logged_text_is(e, "rule", row->rule);
	if (*fits && said[i].held)
		rc = says_hash(e, "bytes hash", row->bytes, fits, err);
	if (rc == PV_OK && *fits && said[i].bytes)
		rc = says_hash(e, "hash", row->bytes, fits, err);
	if (rc == PV_OK && *fits && said[i].note)
		rc = says_hash(e, "note hash", row->note, fits, err);
	return rc;
}

struct looking { /* at one row; *fits is false until it was found to fit */
	struct store *store;
	const struct store_governance *g;
	const struct log_entry *e;
	bool fits;
};

static enum pv_code roster_fits(struct looking *l, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	uint64_t version = number(l->e, "version");
	struct governance_row row = { .kind = LOG_ROSTER_CHANGE,
				      .name = LOG_ROSTER_NAME };
	struct store_roster r;
	bool found = false;
	enum pv_code rc = PV_OK;

	buf_init(&bytes, ROW_MAX);
	if (version > 0)
		rc = store_roster_get(l->store, version, &r, &bytes, &found,
				      err);
	if (rc != PV_OK || !found || r.index != l->g->index)
		return rc;
	row.number = r.version;
	row.bytes = buf_span(&bytes);
	return governance_says(l->e, &row, &l->fits, err);
}

static enum pv_code approval_fits(struct looking *l, struct err *err)
{
	const struct log_fact *nonce = log_fact_find(l->e, "nonce", LOG_BSTR);
	CLEANUP(buf_release) struct buf note;
	struct store_approval a;
	bool found = false;
	enum pv_code rc = PV_OK;

	buf_init(&note, ROW_MAX);
	if (nonce && nonce->s.len == STORE_NONCE)
		rc = store_approval_get(l->store, nonce->s.p, &a, &note, &found,
					err);
	if (rc != PV_OK || !found || a.index != l->g->index)
		return rc;
	return says_hash(l->e, "note hash", buf_span(&note), &l->fits, err);
}

/* *same: the row is of the template that its bytes name, and the entry says
 * the numbers that they say. */
static enum pv_code says_order(const struct log_entry *e,
			       const struct store_order *o, bool *same,
			       struct err *err)
{
	struct order parsed;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = order_parse(o->bytes, &parsed, &why);
	*same = rc == PV_OK && strcmp(parsed.id, o->name) == 0 &&
		memcmp(parsed.template_sha256, o->template_sha256,
		       STORE_HASH) == 0 &&
		logged_uint_is(e, "version", parsed.version) &&
		logged_uint_is(e, "quantity", parsed.quantity) &&
		logged_uint_is(e, "rework", parsed.rework);
	if (rc == PV_OK || rc == PV_INPUT)
		return PV_OK;
	*err = why;
	return rc;
}

static enum pv_code take_open(void *ctx, const struct store_order *o,
			      struct err *err)
{
	struct looking *l = ctx;
	const struct governance_row row = { .kind = LOG_ORDER_OPEN,
					    .name = o->name,
					    .bytes = o->bytes };
	enum pv_code rc;

	if (o->state == STORE_ORDER_COUNTED || o->opened_index != l->g->index)
		return PV_OK;
	rc = governance_says(l->e, &row, &l->fits, err);
	return rc == PV_OK && l->fits ? says_order(l->e, o, &l->fits, err) : rc;
}

static enum pv_code take_closed(void *ctx, const struct store_order *o,
				struct err *err)
{
	struct looking *l = ctx;
	const struct governance_row row = { .kind = LOG_ORDER_CLOSE,
					    .name = o->name,
					    .bytes = o->bytes,
					    .note = o->note };

	if (o->state != STORE_ORDER_CLOSED || o->closed_index != l->g->index)
		return PV_OK;
	return governance_says(l->e, &row, &l->fits, err);
}

static enum pv_code order_fits(struct looking *l, struct err *err)
{
	const struct store_visit v = {
		l,
		{ .order = span_is(l->e->type, LOG_ORDER_OPEN) ? take_open
							       : take_closed }
	};
	bool found;

	return store_order_get(l->store, l->g->name, &v, &found, err);
}

static enum pv_code secret_fits(struct looking *l, struct err *err)
{
	CLEANUP(buf_release) struct buf sealed;
	uint64_t version = number(l->e, "version");
	struct store_secret x;
	bool found = false;
	enum pv_code rc = PV_OK;

	buf_init(&sealed, ROW_MAX);
	if (version > 0)
		rc = store_secret_get(l->store, l->g->name, version, &x,
				      &sealed, &found, err);
	if (rc != PV_OK || !found)
		return rc;
	if (span_is(l->e->type, LOG_SECRET_DESTROY)) {
		l->fits = x.destroyed_index == l->g->index;
		return PV_OK;
	}
	if (x.add_index != l->g->index ||
	    (version == 1) != span_is(l->e->type, LOG_SECRET_ADD))
		return PV_OK;
	l->fits = x.destroyed_index != STORE_NO_INDEX;
	return l->fits ? PV_OK
		       : says_hash(l->e, "hash", buf_span(&sealed), &l->fits,
				   err);
}

static enum pv_code take_decided(void *ctx, const struct store_held *h,
				 struct err *err)
{
	struct looking *l = ctx;
	const struct governance_row row = governance_decision(h);

	if (h->state == STORE_HELD || h->decided_index != l->g->index)
		return PV_OK;
	return governance_says(l->e, &row, &l->fits, err);
}

static enum pv_code decision_fits(struct looking *l, struct err *err)
{
	const struct store_visit v = { l, { .held = take_decided } };
	uint64_t id = number(l->e, "held");
	bool found;

	return id > 0 && id <= INT64_MAX
		       ? store_held_get(l->store, id, &v, &found, err)
		       : PV_OK;
}

static enum pv_code take_template(void *ctx, const struct store_template *t,
				  struct err *err)
{
	struct looking *l = ctx;

	return t->adopt_index == l->g->index
		       ? logged_template_fits(l->e, t, &l->fits, err)
		       : PV_OK;
}

static enum pv_code template_fits(struct looking *l, struct err *err)
{
	const struct store_visit v = { l, { .template = take_template } };
	const struct log_fact *hash = log_fact_find(l->e, "hash", LOG_BSTR);
	struct err why;
	enum pv_code rc;

	err_init(&why);
	if (!hash || hash->s.len != STORE_HASH)
		return PV_OK;
	rc = store_template_digest(l->store, hash->s.p, &v, &why);
	if (rc == PV_OK || rc == PV_NOT_FOUND)
		return PV_OK;
	*err = why;
	return rc;
}

/* Clock, configuration and ceremonies have no row, and what a people.decide is
 * about is held against its own entries. */
static enum pv_code none_fits(struct looking *l, struct err *err)
{
	(void)err;
	l->fits = true;
	return PV_OK;
}

static const struct {
	const char *kind;
	enum pv_code (*fits)(struct looking *l, struct err *err);
} kinds[] = {
	{ LOG_ROSTER_CHANGE, roster_fits },
	{ LOG_APPROVAL_USE, approval_fits },
	{ LOG_ORDER_OPEN, order_fits },
	{ LOG_ORDER_CLOSE, order_fits },
	{ LOG_SECRET_ADD, secret_fits },
	{ LOG_SECRET_ROTATE, secret_fits },
	{ LOG_SECRET_DESTROY, secret_fits },
	{ LOG_QUARANTINE_RELEASE, decision_fits },
	{ LOG_QUARANTINE_REJECT, decision_fits },
	{ LOG_TEMPLATE_ADOPT, template_fits },
	{ LOG_CLOCK_ACCEPT, none_fits },
	{ LOG_CONFIG_ACCEPT, none_fits },
	{ LOG_PEOPLE_DECIDE, none_fits },
	{ LOG_CEREMONY_BEGIN, none_fits },
};

enum pv_code governance_fits(struct store *store,
			     const struct store_governance *g,
			     const struct log_entry *e, struct err *err)
{
	struct looking l = { store, g, e, false };
	struct err why;
	enum pv_code rc = PV_OK;

	err_init(&why);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (span_is(e->type, kinds[i].kind))
			rc = kinds[i].fits(&l, &why);
	if (rc == PV_OK && l.fits)
		return PV_OK;
	if (rc == PV_OK)
		return governance_differs(g->kind, g->name, err);
	if (rc == PV_INTEGRITY)
		return governance_wrong(g->kind, g->name, why.message, err);
	*err = why;
	return rc;
}

void governance_count(struct store_people_counts *c,
		      const struct store_governance *g)
{
	const struct {
		const char *kind;
		uint64_t *n;
	} rows[] = {
		{ LOG_ROSTER_CHANGE, &c->rosters },
		{ LOG_APPROVAL_USE, &c->approvals },
		{ LOG_ORDER_OPEN, &c->opened },
		{ LOG_ORDER_CLOSE, &c->closed },
		{ LOG_SECRET_ADD, &c->secrets },
		{ LOG_SECRET_ROTATE, &c->secrets },
		{ LOG_SECRET_DESTROY, &c->destroyed },
		{ LOG_QUARANTINE_RELEASE, &c->decided },
		{ LOG_QUARANTINE_REJECT, &c->decided },
		{ LOG_TEMPLATE_ADOPT, &c->templates },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(g->kind, rows[i].kind) == 0)
			++*rows[i].n;
}
