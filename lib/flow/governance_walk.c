/* Governance: the store's list of decisions, and its rows. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/governance.h"
#include "lib/flow/judge.h"
#include "lib/store/store_log.h"

struct walk {
	struct store *store;
	struct log_hasher *h;
	const struct governance *at; /* to be met; NULL once it was */
	struct governance g;
	struct judge judge;
	struct store_people_counts rows;
	struct buf entry;
};

enum pv_code governance_wrong_entry(uint64_t index, const char *what,
				    struct err *err)
{
	char name[32];

	snprintf(name, sizeof(name), "%llu", (unsigned long long)index);
	return governance_wrong("log entry", name, what, err);
}

/* The list came as far as that chain. */
static enum pv_code meet(const struct walk *w, const struct governance *g,
			 struct err *err)
{
	if (w->g.head == g->head && memcmp(w->g.chain, g->chain, LOG_HASH) == 0)
		return PV_OK;
	if (g->head != LOG_NO_PREV &&
	    (w->g.head == LOG_NO_PREV || w->g.head < g->head))
		return governance_wrong_entry(
			g->head, "this decision is not in the store's list",
			err);
	return governance_wrong("store", "governance",
				"its decisions are not those of the log", err);
}

static enum pv_code read_entry(struct walk *w, const struct store_governance *g,
			       struct log_entry *e, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	buf_reset(&w->entry);
	rc = store_log_read(w->store, g->index, &w->entry, &why);
	if (rc == PV_OK)
		rc = log_entry_decode(buf_span(&w->entry), e, &why);
	if (rc == PV_OK && span_is(e->type, g->kind) &&
	    span_is(e->object, g->name) && log_governs(e->type))
		return PV_OK;
	if (rc == PV_OK || rc == PV_NOT_FOUND || rc == PV_INTEGRITY)
		return governance_wrong(g->kind, g->name,
					"its log entry is another", err);
	*err = why;
	return rc;
}

static enum pv_code walk_row(void *ctx, const struct store_governance *g,
			     struct err *err)
{
	struct walk *w = ctx;
	struct log_entry e;
	enum pv_code rc = PV_OK;

	if (w->at && g->index >= w->at->size)
		rc = meet(w, TAKE(w->at), err);
	if (rc == PV_OK)
		rc = read_entry(w, g, &e, err);
	if (rc == PV_OK && log_prev(&e) != w->g.head &&
	    log_prev(&e) != LOG_NO_PREV)
		rc = governance_wrong_entry(
			log_prev(&e),
			"this decision is not in the store's list", err);
	if (rc == PV_OK)
		rc = governance_take(&w->g, w->h, buf_span(&w->entry), &e,
				     g->index, err);
	if (rc == PV_OK)
		rc = governance_fits(w->store, g, &e, err);
	if (rc == PV_OK)
		rc = judge_take(&w->judge, &e, g->index, err);
	governance_count(&w->rows, g);
	return rc;
}

/* Each entry has its own row: as many of both is no row too much. */
static enum pv_code check_counts(struct walk *w, struct err *err)
{
	const struct store_people_counts *c = &w->rows;
	struct store_people_counts got;
	uint64_t head;
	enum pv_code rc = store_people_count(w->store, &got, err);

	if (rc == PV_OK)
		rc = store_governance_head(w->store, &head, err);
	if (rc != PV_OK)
		return rc;
	const struct {
		const char *kind;
		bool fit;
	} rows[] = {
		{ "roster", got.rosters == c->rosters },
		{ "approval", got.approvals == c->approvals },
		{ "order", got.opened == c->opened && got.closed == c->closed },
		{ "secret",
		  got.secrets == c->secrets && got.destroyed == c->destroyed },
		{ "held", got.decided == c->decided &&
				  got.held - got.decided == got.waiting },
		{ "template", got.templates == c->templates },
		{ "state", head == w->g.head },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!rows[i].fit)
			return governance_wrong("table", rows[i].kind,
						"it says other things than "
						"people decided",
						err);
	return PV_OK;
}

static enum pv_code walk(struct walk *w, const struct governance *end,
			 struct err *err)
{
	const struct store_visit v = { .ctx = w, .fn.governance = walk_row };
	enum pv_code rc = store_governance_each(w->store, 0, &v, err);

	if (rc == PV_OK && w->at)
		rc = meet(w, TAKE(w->at), err);
	if (rc == PV_OK)
		rc = meet(w, end, err);
	if (rc == PV_OK)
		rc = judge_end(&w->judge, err);
	return rc == PV_OK ? check_counts(w, err) : rc;
}

enum pv_code governance_walk(struct store *store, const char *origin,
			     const struct governance *at,
			     const struct governance *end, struct err *err)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	struct walk w = { .store = store,
			  .h = &h,
			  .at = at,
			  .g = GOVERNANCE_INIT,
			  .judge = { .store = store,
				     .origin = origin,
				     .from = at ? at->size : 0 } };
	enum pv_code rc = log_hasher_init(&h, err);

	buf_init(&w.entry, LOG_ENTRY_MAX);
	if (rc == PV_OK)
		rc = walk(&w, end, err);
	buf_release(&w.entry);
	judge_release(&w.judge);
	return rc;
}

enum pv_code governance_row(struct store *store,
			    const struct governance_row *row, struct err *err)
{
	struct store_governance g = { .index = row->index };
	struct walk w = { .store = store };
	struct log_entry e;
	bool fits = false;
	enum pv_code rc;

	buf_init(&w.entry, LOG_ENTRY_MAX);
	snprintf(g.kind, sizeof(g.kind), "%s", row->kind);
	snprintf(g.name, sizeof(g.name), "%s", row->name);
	rc = read_entry(&w, &g, &e, err);
	if (rc == PV_OK)
		rc = governance_says(&e, row, &fits, err);
	if (rc == PV_OK && !fits)
		rc = governance_differs(row->kind, row->name, err);
	buf_release(&w.entry);
	return rc;
}
