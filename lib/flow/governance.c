/* Governance: the chain in the log, and how far it came. */
#include "lib/flow/governance.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/acts.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/covered.h"
#include "lib/flow/logged.h"
#include "lib/log/events.h"
#include "lib/store/store_log.h"
#include "policy/roster.h"

/* ---- the chain ---- */

/* One of the two, or what they name, is not where it was. */
static enum pv_code wrong_prev(uint64_t named, uint64_t head, uint64_t index,
			       struct err *err)
{
	uint64_t from = named < head ? named : head;
	char name[64];

	if (from >= index)
		return governance_wrong_entry(
			index, "it does not name the decision before it", err);
	snprintf(name, sizeof(name), "%" PRIu64 " to %" PRIu64, from, index);
	return governance_wrong("log entries", name,
				"the last does not name the decision before it",
				err);
}

enum pv_code governance_take(struct governance *g, struct log_hasher *h,
			     struct span bytes, const struct log_entry *e,
			     uint64_t index, struct err *err)
{
	const struct span before = { g->chain, LOG_HASH };
	uint8_t leaf[LOG_HASH];
	enum pv_code rc;

	g->size = index + 1;
	if (!log_governs(e->type))
		return PV_OK;
	if (log_prev(e) != g->head)
		return wrong_prev(log_prev(e), g->head, index, err);
	rc = log_hash_leaf(h, bytes, leaf, err);
	if (rc == PV_OK)
		rc = log_hash_raw(h, before, (struct span){ leaf, LOG_HASH },
				  g->chain, err);
	g->head = index;
	return rc;
}

/* ---- the log's entries behind what the file says ---- */

struct scan {
	struct governance g;
	struct log_hasher *h;
	struct store *store;
	struct acts acts;
	uint64_t ruled; /* entries behind it are made under a roster */
	const struct log_point *upto; /* the checkpoint; NULL: none */
	struct covered covered;	      /* from where s->g stood on */
};

/* What people have to approve beside the chain. */
static enum pv_code take_act(struct scan *s, uint64_t index,
			     const struct log_entry *e, struct err *err)
{
	enum pv_code rc = acts_take(&s->acts, e, index, true, err);

	return rc == PV_OK && acts_alone(e)
		       ? acts_follows(s->store, e, index, err)
		       : rc;
}

static enum pv_code scan_entry(void *ctx, uint64_t index, struct span bytes,
			       struct err *err)
{
	struct scan *s = ctx;
	struct log_entry e;
	enum pv_code rc = covered_take(&s->covered, bytes, err);
	bool acts;

	acts = index > s->ruled && log_entry_may_act(bytes);
	if (rc != PV_OK || !(acts || log_entry_governs(bytes)))
		return rc;
	rc = log_entry_decode(bytes, &e, err);
	if (rc == PV_OK)
		rc = governance_take(&s->g, s->h, bytes, &e, index, err);
	return rc == PV_OK && acts ? take_act(s, index, &e, err) : rc;
}

/* Where the first roster came into force. */
static enum pv_code find_rule(struct scan *s, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct store_roster first;
	bool found = false;
	enum pv_code rc;

	buf_init(&bytes, ROSTER_SIZE_MAX);
	rc = store_roster_get(s->store, 1, &first, &bytes, &found, err);
	s->ruled = found ? first.index : UINT64_MAX;
	return rc;
}

/* From where s->g stands to the log's first size entries. */
static enum pv_code scan(struct store *store, struct scan *s, uint64_t size,
			 struct err *err)
{
	const struct store_visit v = { .ctx = s, .fn.entry = scan_entry };
	enum pv_code rc = PV_OK;

	s->store = store;
	if (s->g.size < size)
		rc = find_rule(s, err);
	if (rc == PV_OK && s->g.size < size)
		rc = store_log_each(store, s->g.size, size - s->g.size, &v,
				    err);
	if (rc == PV_OK)
		rc = acts_end(&s->acts, err);
	acts_release(&s->acts);
	s->g.size = size;
	return rc;
}

/* ---- both ---- */

static enum pv_code scan_behind(struct store *store, struct scan *s,
				uint64_t size, struct err *err)
{
	enum pv_code rc = log_hasher_init(s->h, err);

	if (rc == PV_OK)
		rc = covered_begin(&s->covered, store, s->h, s->upto, s->g.size,
				   err);
	return rc == PV_OK ? scan(store, s, size, err) : rc;
}

/* What the store has of the decisions up to g, in the caller's transaction. */
static enum pv_code rows_of(struct store *store, struct log_hasher *h,
			    const struct governance *g,
			    uint8_t rows[static LOG_HASH], struct err *err)
{
	uint8_t all[LOG_HASH];
	enum pv_code rc = store_people_digest(store, all, err);

	return rc == PV_OK
		       ? log_hash_raw(h, (struct span){ g->chain, LOG_HASH },
				      (struct span){ all, LOG_HASH }, rows, err)
		       : rc;
}

/* *same: nothing was decided since the file was signed, and no row of what was
 * decided before is another than it was then. */
static enum pv_code unchanged(struct store *store, struct log_hasher *h,
			      const struct governance *file,
			      const struct governance *now, bool *same,
			      struct err *err)
{
	struct store_people_counts c;
	uint8_t rows[LOG_HASH];
	uint64_t head;
	enum pv_code rc;

	*same = false;
	if (file->size == 0 || now->head != file->head)
		return PV_OK;
	rc = rows_of(store, h, file, rows, err);
	if (rc == PV_OK)
		rc = store_governance_head(store, &head, err);
	if (rc == PV_OK)
		rc = store_people_count(store, &c, err);
	*same = rc == PV_OK && memcmp(rows, file->rows, LOG_HASH) == 0 &&
		head == file->head && c.held - c.decided == c.waiting;
	return rc;
}

static enum pv_code check_view(struct store *store,
			       struct checkpoint_base *base, bool found,
			       struct err *err)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	struct scan s = { .g = base->file, .h = &h, .upto = &base->last };
	uint64_t size = 0;
	bool same = false;
	enum pv_code rc = store_log_size(store, &size, err);

	if (rc == PV_OK && base->file.size > size)
		rc = governance_wrong("store", "log",
				      "HOME/" GOVERNANCE_FILE
				      " saw entries that it has not",
				      err);
	if (rc == PV_OK)
		rc = scan_behind(store, &s, size, err);
	if (rc == PV_OK)
		rc = unchanged(store, &h, &base->file, &s.g, &same, err);
	/* Names what is wrong, too. */
	if (rc == PV_OK && !same)
		rc = governance_walk(store, base->origin,
				     found ? &base->file : NULL, &s.g, err);
	base->seen = s.g;
	return rc;
}

enum pv_code governance_check(const struct authority *a, struct store *store,
			      struct checkpoint_base *base, struct err *err)
{
	STORE_TXN view = STORE_TXN_INIT;
	bool found;
	/* Before the view: never the newer one. */
	enum pv_code rc = governance_read(a, base, &base->file, &found, err);

	if (rc == PV_OK)
		rc = store_begin(store, STORE_READ, &view, err);
	return rc == PV_OK ? check_view(store, base, found, err) : rc;
}

/* What was decided since, by whomever, all that the store's list has by now;
 * *now: as far as that. anyway: all rows, also when nothing was. */
static enum pv_code judge_since(struct store *store,
				const struct checkpoint_base *base, bool anyway,
				struct governance *now, struct err *err)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	struct scan s = { .g = base->seen, .h = &h };
	uint64_t size = 0;
	enum pv_code rc = store_log_size(store, &size, err);

	if (rc == PV_OK)
		rc = scan_behind(store, &s, size, err);
	if (rc == PV_OK && (anyway || s.g.head != base->seen.head))
		rc = governance_walk(store, base->origin, &base->seen, &s.g,
				     err);
	*now = s.g;
	return rc;
}

enum pv_code governance_go_on(struct store *store, struct checkpoint_base *base,
			      struct err *err)
{
	struct governance now;
	enum pv_code rc = judge_since(store, base, false, &now, err);

	if (rc != PV_OK || now.head == base->seen.head)
		return rc;
	/* No further: what the caller appended may be rolled back. */
	base->seen = now;
	base->seen.size = now.head + 1;
	return PV_OK;
}

/* Up to next; what was decided by then is judged before it is signed. All rows
 * are looked at in the view that they are signed as, or were when the file was
 * that says the same of them. */
static enum pv_code scan_judged(struct store *store,
				const struct checkpoint_base *base,
				struct scan *s, uint64_t next, struct err *err)
{
	const struct governance *file = &base->file;
	STORE_TXN view = STORE_TXN_INIT;
	struct governance now;
	bool news = false;
	enum pv_code rc = store_begin(store, STORE_READ, &view, err);

	if (rc == PV_OK)
		rc = scan_behind(store, s, next, err);
	if (rc != PV_OK)
		return rc;
	news = file->size == 0 || s->g.head != file->head;
	if (news || s->g.head != base->seen.head)
		rc = judge_since(store, base, news, &now, err);
	if (rc == PV_OK && news)
		rc = rows_of(store, s->h, &s->g, s->g.rows, err);
	else
		memcpy(s->g.rows, file->rows, LOG_HASH);
	return rc;
}

enum pv_code governance_ask(struct store *store, struct checkpoint_base *base,
			    struct checkpoint_ask *ask, struct err *err)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	struct scan s = { .g = base->seen, .h = &h };
	const struct governance *file = &base->file;
	enum pv_code rc = scan_judged(store, base, &s, ask->next.size, err);

	if (rc != PV_OK)
		return rc;
	base->seen = ask->governance = s.g;
	ask->governs = file->size == 0 || s.g.head != file->head ||
		       s.g.size > file->size + GOVERNANCE_BEHIND;
	return PV_OK;
}
