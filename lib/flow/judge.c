#include "lib/flow/judge.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/approvals_impl.h"
#include "lib/flow/governance.h"
#include "lib/flow/orders_ending.h"
#include "lib/flow/people.h"
#include "lib/flow/raised.h"
#include "lib/store/store_held.h"
#include "lib/store/store_log.h"
#include "lib/store/store_order.h"
#include "policy/orderfile.h"

CLEANUP_PTR(struct roster, roster_free);

void judge_release(struct judge *j)
{
	roster_free(j->roster);
	j->roster = NULL;
}

/* ---- by whom ---- */

/* The roster of that version: its row was compared with its entry before. */
static enum pv_code load_roster(struct judge *j, uint64_t version,
				struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct store_roster row;
	bool found = false;
	enum pv_code rc;

	if (j->roster && j->roster->version == version)
		return PV_OK;
	judge_release(j);
	buf_init(&bytes, ROSTER_SIZE_MAX);
	rc = store_roster_get(j->store, version, &row, &bytes, &found, err);
	if (rc == PV_OK && found)
		rc = roster_parse(buf_span(&bytes), &j->roster, err);
	if (rc == PV_OK && (!found || j->roster->version != version))
		rc = err_fail(err, PV_INTEGRITY, "store.governance", NULL,
			      "the roster that was in force is not there");
	return rc;
}

/* ---- of how many ---- */

static enum pv_code take_order(void *ctx, const struct store_order *row,
			       struct err *err)
{
	return order_parse(row->bytes, ctx, err);
}

static enum pv_code raised_order(const struct judge *j,
				 struct tpl_approvals *out, struct err *err)
{
	struct order o = { .version = 0 };
	const struct store_visit v = { &o, { .order = take_order } };
	bool found;
	enum pv_code rc =
		store_order_get(j->store, j->pairing.object, &v, &found, err);

	return rc == PV_OK ? raised_by(j->store, o.template_sha256, out, err)
			   : rc;
}

/* The entry at index, into room. */
static enum pv_code read_entry(const struct judge *j, uint64_t index,
			       struct buf *room, struct log_entry *e,
			       struct err *err)
{
	enum pv_code rc;

	buf_init(room, LOG_ENTRY_MAX);
	rc = store_log_read(j->store, index, room, err);
	return rc == PV_OK ? log_entry_decode(buf_span(room), e, err) : rc;
}

static enum pv_code take_held(void *ctx, const struct store_held *h,
			      struct err *err)
{
	(void)err;
	*(uint64_t *)ctx = h->put_index;
	return PV_OK;
}

static enum pv_code raised_held(const struct judge *j,
				struct tpl_approvals *out, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	uint64_t put_index = STORE_NO_INDEX;
	const struct store_visit v = { &put_index, { .held = take_held } };
	const struct log_fact *number;
	struct log_entry e;
	bool found = false;
	enum pv_code rc = read_entry(j, j->pairing.index, &room, &e, err);

	if (rc != PV_OK)
		return rc;
	number = log_fact_find(&e, "held", LOG_UINT);
	rc = store_held_get(j->store, number ? number->u : 0, &v, &found, err);
	return rc == PV_OK ? raised_of_held(j->store, put_index,
					    j->pairing.object, out, err)
			   : rc;
}

static enum pv_code raised_acts(const struct judge *j,
				struct tpl_approvals *out, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct log_entry e;
	enum pv_code rc = read_entry(j, j->pairing.index, &room, &e, err);

	return rc == PV_OK ? raised_of_acts(j->store, j->roster, &e,
					    j->pairing.index, out, err)
			   : rc;
}

static enum pv_code find_raised(const struct judge *j,
				struct tpl_approvals *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	switch (j->pairing.op) {
	case QUORUM_ADOPT:
		return raised_for_digest(j->store, j->pairing.subject, out,
					 err);
	case QUORUM_ORDER:
		return raised_order(j, out, err);
	case QUORUM_RELEASE_QUARANTINE:
		return raised_held(j, out, err);
	case QUORUM_REVOKE:
	case QUORUM_ROTATE_CA:
	case QUORUM_ATTEST_ENROL:
		return raised_acts(j, out, err);
	default:
		return PV_OK;
	}
}

/* ---- of what ---- */

/* A step of the clock is one from the entry before it, up to a time. */
static enum pv_code check_clock(const struct judge *j, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	CLEANUP(buf_release) struct buf last_room;
	const struct log_fact *newest, *until;
	uint64_t index = j->pairing.index;
	struct log_entry e, last;
	enum pv_code rc = read_entry(j, index, &room, &e, err);

	buf_init(&last_room, LOG_ENTRY_MAX);
	if (rc == PV_OK)
		rc = read_entry(j, index - 1, &last_room, &last, err);
	if (rc != PV_OK)
		return rc;
	newest = log_fact_find(&e, LOG_NEWEST, LOG_UINT);
	until = log_fact_find(&e, LOG_UNTIL, LOG_UINT);
	if (newest && until && newest->u == last.time_ms / 1000 &&
	    e.time_ms / 1000 <= until->u)
		return PV_OK;
	return err_fail(err, PV_INTEGRITY, "store.governance", NULL,
			"another step of the clock was approved");
}

/* What the note has to say: nonce and expiry are the officers' own. */
static enum pv_code fill_want(const struct judge *j, const struct log_entry *e,
			      const struct note *note, uint32_t valid_s,
			      struct approval *want, struct err *err)
{
	enum pv_code rc = approval_text_parse(note->text, want, err);

	if (rc == PV_OK && want->expires_s > e->time_ms / 1000 + valid_s)
		rc = err_fail(err, PV_DENIED, "approval.expiry", NULL,
			      "an approval that is good for longer than is "
			      "allowed here");
	if (rc != PV_OK)
		return rc;
	snprintf(want->log, sizeof(want->log), "%s", j->origin);
	snprintf(want->requester, sizeof(want->requester), "%.*s",
		 (int)e->actor.len, (const char *)e->actor.p);
	want->operation = j->pairing.op;
	memcpy(want->subject, j->pairing.subject, sizeof(want->subject));
	memcpy(want->nonce, log_nonce(e), sizeof(want->nonce));
	if (j->pairing.early && !j->pairing.roster) {
		memset(want->root, 0, sizeof(want->root));
		return PV_OK;
	}
	return people_root(j->store, want->root, err);
}

static enum pv_code check_said(const struct log_entry *e,
			       const struct approval_tally *tally,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf persons;
	const struct log_fact *f = log_fact_find(e, "persons", LOG_TSTR);

	buf_init(&persons, PAIRING_PERSONS_MAX);
	approval_persons_put(tally, &persons);
	if (f && span_equal(f->s, buf_span(&persons)) &&
	    log_fact_is(e, "hash", tally->text_sha256, 32))
		return PV_OK;
	return err_fail(err, PV_INTEGRITY, "store.governance", NULL,
			"other persons signed another text");
}

static enum pv_code count(struct judge *j, const struct log_entry *e,
			  const struct note *note, struct err *err)
{
	const uint64_t now_s = e->time_ms / 1000;
	struct tpl_approvals raised;
	struct approval_tally tally;
	struct approval want;
	struct quorum_ask ask;
	bool fresh = true;
	enum pv_code rc = find_raised(j, &raised, err);

	if (rc != PV_OK)
		return rc;
	ask = quorum_ask(j->roster, j->pairing.op, &raised);
	rc = fill_want(j, e, note,
		       ask.max_age_s && ask.max_age_s < APPROVALS_VALID_S
			       ? ask.max_age_s
			       : APPROVALS_VALID_S,
		       &want, err);
	if (rc == PV_OK)
		rc = approval_count(j->roster, note, 1, &want, now_s, &ask,
				    &tally, err);
	if (rc == PV_OK)
		rc = check_said(e, &tally, err);
	if (rc == PV_OK && ask.max_age_s)
		rc = approvals_fresh(j->store, &want, now_s, ask.max_age_s,
				     j->pairing.index, &fresh, err);
	if (rc == PV_OK && !fresh)
		rc = err_fail(err, PV_DENIED, "approval.age", NULL,
			      "approvals of a request that was too old");
	return rc;
}

/* ---- an order that one person ended ---- */

struct ended {
	struct order order;
	uint64_t opened;
};

static enum pv_code take_ended(void *ctx, const struct store_order *row,
			       struct err *err)
{
	struct ended *x = ctx;

	x->opened = row->opened_index;
	return order_parse(row->bytes, &x->order, err);
}

/* By the log alone: what the row counts nobody signed. */
static enum pv_code check_taken(const struct judge *j, const struct ended *x,
				const char *name, const struct log_entry *e,
				uint64_t index, struct err *err)
{
	CLEANUP(orders_scan_release)
	struct orders_scan s = { .name = name, .next = x->opened };
	enum pv_code rc = orders_scan_until(j->store, &s, index, err);

	if (rc != PV_OK)
		return rc;
	if (orders_scan_order(&s)->given_up > 0 ||
	    log_fact_find(e, LOG_GIVEN_UP, LOG_UINT))
		return err_fail(err, PV_DENIED, "store.governance", NULL,
				"devices of an order were given up by one "
				"person");
	if (!orders_ending_finished(&x->order, orders_scan_order(&s),
				    e->time_ms / 1000))
		return err_fail(err, PV_DENIED, "store.governance", NULL,
				"an order that was not finished was ended by "
				"one person");
	return PV_OK;
}

static enum pv_code check_ended(const struct judge *j,
				const struct log_entry *e, uint64_t index,
				struct err *err)
{
	char name[STORE_ID_MAX + 1];
	struct ended x = { .opened = 0 };
	const struct store_visit v = { &x, { .order = take_ended } };
	bool found = false;
	enum pv_code rc;

	snprintf(name, sizeof(name), "%.*s", (int)e->object.len,
		 (const char *)e->object.p);
	rc = store_order_get(j->store, name, &v, &found, err);
	if (rc == PV_OK && !found)
		rc = err_fail(err, PV_DENIED, "store.governance", NULL,
			      "an order that is not there was ended");
	return rc == PV_OK ? check_taken(j, &x, name, e, index, err) : rc;
}

/* ---- all of it ---- */

static enum pv_code judge_use(struct judge *j, const struct log_entry *e,
			      uint64_t version, struct err *err)
{
	CLEANUP(note_release) struct note note = { .sigs_n = 0 };
	CLEANUP(buf_release) struct buf text;
	const enum quorum_op op = j->pairing.op;
	struct store_approval row;
	bool found = false;
	enum pv_code rc = load_roster(j, version, err);

	buf_init(&text, NOTE_SIZE_MAX);
	if (rc == PV_OK)
		rc = store_approval_get(j->store, log_nonce(e), &row, &text,
					&found, err);
	if (rc == PV_OK && !found)
		rc = err_fail(err, PV_INTEGRITY, "store.governance", NULL,
			      "the approvals are not there");
	if (rc == PV_OK)
		rc = note_parse(&note, buf_span(&text), err);
	if (rc == PV_OK && op == QUORUM_CLOCK_ACCEPT)
		rc = check_clock(j, err);
	return rc == PV_OK ? count(j, e, &note, err) : rc;
}

/*
 * The ceremony that set this roster was approved by it: its two entries, the
 * first ones of the chain, as pairing reads them.
 */
static enum pv_code judge_early(struct judge *j, struct err *err)
{
	CLEANUP(buf_release) struct buf begin_room;
	CLEANUP(buf_release) struct buf use_room;
	const struct pairing now = j->pairing;
	const uint64_t index = j->early - 1;
	struct log_entry begin, use;
	enum pv_code rc = read_entry(j, index, &use_room, &use, err);

	buf_init(&begin_room, LOG_ENTRY_MAX);
	if (rc == PV_OK)
		rc = read_entry(j, log_prev(&use), &begin_room, &begin, err);
	if (rc != PV_OK)
		return rc;
	memset(&j->pairing, 0, sizeof(j->pairing));
	rc = pairing_take(&j->pairing, &begin, log_prev(&use), err);
	if (rc == PV_OK)
		rc = pairing_take(&j->pairing, &use, index, err);
	if (rc == PV_OK)
		rc = judge_use(j, &use, 1, err);
	j->pairing = now;
	return rc;
}

/* Whatever was not as it had to be: it is the log's entry that is wrong. */
static enum pv_code verdict(enum pv_code rc, uint64_t index,
			    const struct err *why, struct err *err)
{
	char what[256];

	switch (rc) {
	case PV_OK:
		return PV_OK;
	case PV_INPUT:
	case PV_DENIED:
	case PV_WAITING:
	case PV_NOT_FOUND:
	case PV_INTEGRITY:
		snprintf(what, sizeof(what), "not approved: %.200s",
			 why->message);
		return governance_wrong_entry(index, what, err);
	default:
		*err = *why;
		return rc;
	}
}

enum pv_code judge_take(struct judge *j, const struct log_entry *e,
			uint64_t index, struct err *err)
{
	const bool set = span_is(e->type, LOG_ROSTER_CHANGE);
	const bool use = span_is(e->type, LOG_APPROVAL_USE);
	struct err why;
	enum pv_code rc;

	err_init(&why);
	if (use && j->version == 0)
		j->early = index + 1;
	if (index < j->from) {
		j->version += set;
		return PV_OK;
	}
	j->pairing.roster = j->version > 0;
	rc = pairing_take(&j->pairing, e, index, err);
	if (rc != PV_OK)
		return rc;
	/* A roster's change is judged by the one that it replaced. */
	if (use && j->version > 0)
		rc = judge_use(j, e,
			       j->version - (j->pairing.op == QUORUM_ROSTER),
			       &why);
	else if (set && j->version == 0 && j->early > 0)
		rc = judge_early(j, &why);
	else if (span_is(e->type, LOG_ORDER_CLOSE) && j->version > 0 &&
		 !log_nonce(e))
		rc = check_ended(j, e, index, &why);
	if (set && j->version++ == 0 && j->early > 0)
		index = j->early - 1;
	return verdict(rc, index, &why, err);
}

enum pv_code judge_end(const struct judge *j, struct err *err)
{
	return pairing_end(&j->pairing, err);
}
