#include "lib/flow/writer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/flow/orders.h"
#include "lib/flow/writer_kept.h"
#include "lib/flow/writer_log.h"
#include "lib/store/store_device.h"
#include "lib/store/store_log.h"

/* With more sealed bytes than this, one more result may be too many. */
#define SEALED_ENOUGH                                                          \
	(STORE_SEALED_TXN_MAX - STORE_SEALED_ROWS_MAX - WIRE_RECORD_MAX)
#define ROUND_BYTES (8u * 1024u * 1024u) /* of answers in one transaction */
#define AHEAD_BYTES (8u * 1024u * 1024u) /* of records not yet taken */
/* With one of these in hand a signer's records are worth a transaction. */
#define WORTH                                                                  \
	(WIRE_BIT(WIRE_GROUP_END) | WIRE_BIT(WIRE_RESULTS_END) |               \
	 WIRE_BIT(WIRE_END) | WIRE_BIT(WIRE_NEED_SERIALS) |                    \
	 WIRE_BIT(WIRE_CHECKPOINT))

static enum pv_code lend(struct writer *w, struct wire *to, uint64_t n,
			 struct err *err)
{
	uint32_t first;
	size_t mark;
	enum pv_code rc = store_serial_lend(w->store, (uint32_t)n, &first, err);

	if (rc != PV_OK)
		return rc;
	mark = wire_begin(to, WIRE_SERIALS);
	wire_put_u64(to, first);
	wire_put_u64(to, n);
	wire_end(to, mark);
	w->wrote = true;
	return PV_OK;
}

static enum pv_code take_datakey(struct writer *w, struct wire_rec *rec,
				 struct err *err)
{
	uint8_t id[ATREST_ID_LEN];
	struct span row;
	enum pv_code rc;

	wire_get_bytes(rec, id, sizeof(id));
	row = wire_get_span(rec);
	rc = wire_done(rec, err);
	w->wrote = true;
	return rc == PV_OK ? store_datakey_put(w->store, id, row, err) : rc;
}

static enum pv_code take_record(struct writer *w, size_t k,
				struct wire_rec *rec, struct err *err)
{
	struct wire *from = &w->opts->signers[k];
	struct record_refused r;
	enum pv_code rc;

	switch (rec->type) {
	case WIRE_NEED_SERIALS:
		return lend(w, from, wire_get_u64(rec), err);
	case WIRE_DATAKEY:
		return take_datakey(w, rec, err);
	case WIRE_INTENT:
		return writer_take_intent(w, from, rec, err);
	case WIRE_DENIED:
		return writer_take_denied(w, from, rec, err);
	case WIRE_RESULT:
		return writer_take_result(w, rec, err);
	case WIRE_QUARANTINE:
		return writer_take_quarantine(w, rec, err);
	case WIRE_REFUSED:
		rc = record_get_refused(rec, &r, err);
		return rc == PV_OK ? writer_refuse(w, &r, err) : rc;
	case WIRE_GROUP_END:
		wire_put_mark(from, WIRE_GROUP_END, wire_get_u64(rec));
		return PV_OK;
	case WIRE_RESULTS_END:
		return PV_OK;
	case WIRE_CHECKPOINT:
		return writer_take_checkpoint(w, rec, err);
	case WIRE_END:
		w->ended[k] = true;
		w->incomplete |= wire_get_u64(rec) != 0;
		return PV_OK;
	default:
		return err_fail(err, PV_INTERNAL, "writer.record", NULL,
				"a signer sent record type %d", rec->type);
	}
}

static bool is_round_full(const struct writer *w)
{
	return w->sealed > SEALED_ENOUGH ||
	       w->opts->parent->out.len - w->round_out >= ROUND_BYTES;
}

/* Takes a signer's records up to the last whole group, or all at its end, or
 * what one transaction's answers hold: the rest is the next one's. */
static enum pv_code take_signer(struct writer *w, size_t k, struct err *err)
{
	struct wire *from = &w->opts->signers[k];
	bool worth = from->eof || wire_holds(from, WORTH);
	enum pv_code rc = PV_OK;
	struct wire_rec rec;

	while (rc == PV_OK && worth && !is_round_full(w) &&
	       wire_next(from, &rec)) {
		bool was_it = rec.type <= WIRE_END &&
			      (WIRE_BIT(rec.type) & WORTH) != 0;

		w->began[k] |= rec.type != WIRE_NEED_SERIALS;
		rc = take_record(w, k, &rec, err);
		/* What made the others worth it is behind them all. */
		if (was_it)
			worth = from->eof || wire_holds(from, WORTH);
	}
	/* What is left waits for the next transaction; one that never had work
	 * leaves nothing undone. */
	if (from->eof && !w->ended[k] && !wire_holds(from, ~0u)) {
		w->ended[k] = true;
		w->incomplete |= w->began[k];
	}
	return rc;
}

/*
 * A wrong clock denies, and what is written meanwhile (denials, results of
 * signatures already made) has the newest time the log knows.
 */
static enum pv_code read_clock(struct writer *w, struct err *err)
{
	struct store_counts counts;
	int64_t now_ms = pvtime_now_ms();
	enum pv_code rc = store_counts(w->store, &counts, err);

	if (rc != PV_OK)
		return rc;
	w->now_ms = now_ms < 0 ? 0 : (uint64_t)now_ms;
	w->last_ms = counts.last_event_ms;
	w->event_ms = w->now_ms;
	err_init(&w->clock);
	rc = store_clock(w->store, w->last_ms, w->now_ms, &w->clock);
	if (rc != PV_OK)
		w->event_ms = w->last_ms;
	return PV_OK;
}

static enum pv_code begin(struct writer *w, struct store_txn *txn,
			  struct err *err)
{
	enum pv_code rc = store_begin(w->store, STORE_WRITE, txn, err);

	w->wrote = false;
	w->sealed = 0;
	w->round_out = w->opts->parent->out.len;
	if (rc == PV_OK)
		rc = read_clock(w, err);
	/* Another process may have closed it. */
	if (rc == PV_OK && w->opts->order)
		rc = orders_refresh(w->store, &w->order, err);
	if (rc == PV_OK)
		rc = writer_look_at_issuer(w, err);
	return rc == PV_OK ? writer_admit(w, err) : rc;
}

/* One transaction over all that waits; answers go out after it is durable. */
static enum pv_code commit_round(struct writer *w, struct err *err)
{
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc = begin(w, &txn, err);

	/* Each is first in turn: what one has may fill the round. */
	w->turn++;
	for (size_t i = 0; rc == PV_OK && i < w->opts->signers_n; i++) {
		size_t k = (w->turn + i) % w->opts->signers_n;

		if (!w->ended[k] && writer_may_take(w, k))
			rc = take_signer(w, k, err);
	}
	/* Asked in here, it is no transaction of its own. */
	if (rc == PV_OK && w->wrote)
		rc = store_log_size(w->store, &w->log_size, err);
	if (rc == PV_OK && w->wrote)
		rc = store_commit(&txn, err);
	else
		store_rollback(&txn);
	if (rc != PV_OK)
		return rc;
	for (size_t k = 0; k < w->opts->signers_n; k++) {
		struct err gone;

		/* A signer that died hears nothing; its intents stay open. */
		err_init(&gone);
		if (wire_flush(&w->opts->signers[k], &gone) != PV_OK &&
		    gone.code != PV_INTERRUPTED) {
			*err = gone;
			return gone.code;
		}
	}
	return writer_answer(w, err);
}

static bool has_work(const struct writer *w)
{
	for (size_t k = 0; k < w->opts->signers_n; k++) {
		const struct wire *s = &w->opts->signers[k];

		if (!w->ended[k] && writer_may_take(w, k) &&
		    (s->eof || wire_holds(s, WORTH)))
			return true;
	}
	return false;
}

static bool all_ended(const struct writer *w)
{
	for (size_t k = 0; k < w->opts->signers_n; k++)
		if (!w->ended[k])
			return false;
	return true;
}

/* There is work for a round and more: a signer may wait. */
static bool is_full(const struct wire *from)
{
	return from->in.len - from->in_pos >= AHEAD_BYTES &&
	       wire_holds(from, WORTH);
}

/* Waits for any signer, then takes in what each has sent. */
static enum pv_code wait_signers(struct writer *w, struct err *err)
{
	struct pollfd p[WRITER_SIGNERS_MAX];
	/* What came while we sent waits already. */
	int timeout = has_work(w) ? 0 : -1;
	enum pv_code rc = PV_OK;

	for (size_t k = 0; k < w->opts->signers_n; k++) {
		const struct wire *s = &w->opts->signers[k];

		p[k].fd = w->ended[k] || s->eof || is_full(s) ? -1 : s->fd;
		p[k].events = POLLIN;
		p[k].revents = 0;
	}
	if (poll(p, w->opts->signers_n, timeout) < 0 && errno != EINTR)
		return err_errno(err, PV_INTERNAL, "writer.poll", NULL,
				 "cannot wait for the signers");
	for (size_t k = 0; rc == PV_OK && k < w->opts->signers_n; k++)
		if (p[k].revents != 0)
			rc = wire_fill(&w->opts->signers[k], 0, err);
	return rc;
}

static enum pv_code run(struct writer *w, struct err *err)
{
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && !all_ended(w)) {
		rc = wait_signers(w, err);
		if (rc == PV_OK && has_work(w))
			rc = commit_round(w, err);
		if (rc == PV_OK)
			rc = writer_log(w, err);
		if (rc == PV_OK)
			rc = store_settle(w->store, err);
	}
	if (rc == PV_OK)
		rc = writer_end_log(w, err);
	if (rc != PV_OK)
		return rc;
	wire_put_mark(w->opts->parent, WIRE_END, w->incomplete);
	return wire_flush(w->opts->parent, err);
}

enum pv_code writer_run(const struct writer_opts *opts, struct err *err)
{
	struct writer w = { .opts = opts };
	enum pv_code rc;

	if (opts->signers_n > WRITER_SIGNERS_MAX)
		return err_fail(err, PV_USAGE, "jobs", "use fewer jobs",
				"more than %d signers", WRITER_SIGNERS_MAX);
	if (opts->station &&
	    !name_is_safe(opts->station, strlen(opts->station)))
		return err_fail(err, PV_INPUT, "station.name", NULL,
				"what is recorded is no name of a station");
	request_init(&w.req);
	answer_init(&w.answer);
	buf_init(&w.entry, LOG_ENTRY_MAX);
	buf_init(&w.signed_log, CHECKPOINT_MAX);
	buf_init(&w.signed_governance, CHECKPOINT_MAX);
	w.log = *opts->log;
	w.judged = opts->judged;
	w.bound = opts->bound;
	if (opts->order)
		w.order = *opts->order;
	for (size_t k = 0; k < opts->signers_n; k++)
		w.known[k] = opts->log->last;
	rc = log_hasher_init(&w.hasher, err);
	if (rc == PV_OK)
		rc = writer_kept_init(&w, err);
	if (rc == PV_OK)
		rc = opts->backends->store_open(opts->authority, false,
						&w.store, err);
	if (rc == PV_OK)
		w.store->witness_ms = w.log.witnessed_s * 1000;
	w.words = (struct crl_words){ .a = opts->authority,
				      .store = w.store,
				      .upto = &opts->log->last };
	/* An earlier run may have ended before its checkpoint. */
	if (rc == PV_OK)
		rc = store_log_size(w.store, &w.log_size, err);
	if (rc == PV_OK)
		rc = run(&w, err);
	crl_words_release(&w.words);
	store_close(w.store);
	request_release(&w.req);
	answer_release(&w.answer);
	buf_release(&w.entry);
	buf_release(&w.signed_log);
	buf_release(&w.signed_governance);
	log_hasher_release(&w.hasher);
	free(w.kept);
	return rc;
}
