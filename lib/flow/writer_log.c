/* The writer: what the log says of itself is signed by a signer, and kept. */
#include "lib/flow/writer_log.h"

#include "lib/flow/governance.h"
#include "lib/flow/record_checkpoint.h"

#define ENTRIES_BETWEEN 10000u /* two checkpoints of one run */
#define NOBODY SIZE_MAX
/* Of answers that wait: with a round and a record more it still fits. */
#define WAITING_BYTES (32u * 1024u * 1024u)

enum pv_code writer_take_checkpoint(struct writer *w, struct wire_rec *rec,
				    struct err *err)
{
	if (!w->asking)
		return err_fail(err, PV_INTERNAL, "writer.record", NULL,
				"a signer sent a checkpoint nobody asked for");
	wire_get_buf(rec, &w->signed_log);
	wire_get_buf(rec, &w->signed_governance);
	w->answered = true;
	return wire_done(rec, err);
}

/* ---- answers that wait for a checkpoint ---- */

static bool is_covered(const struct writer *w)
{
	return w->log.own_n == 0 || w->log_size <= w->log.last.size;
}

enum pv_code writer_answer(struct writer *w, struct err *err)
{
	if (w->opts->covers && w->gives && !is_covered(w))
		return PV_OK;
	w->gives = false;
	return wire_flush(w->opts->parent, err);
}

bool writer_may_take(const struct writer *w, size_t k)
{
	return !w->asking || k == w->asker ||
	       w->opts->parent->out.len < WAITING_BYTES;
}

/* What waited for the checkpoint that was kept. */
static enum pv_code give(struct writer *w, struct err *err)
{
	size_t len = w->asked_out;

	w->asked_out = 0;
	if (is_covered(w))
		return writer_answer(w, err);
	return len > 0 ? wire_flush_part(w->opts->parent, len, err) : PV_OK;
}

/* A device that nothing covers stays: the next run gives it out. */
static enum pv_code keep_back(struct writer *w, struct err *err)
{
	if (w->opts->parent->out.len == 0)
		return PV_OK;
	buf_reset(&w->opts->parent->out);
	return err_fail(err, PV_HSM_TEMP, "log.uncovered",
			"run it again where the token is: each device gets "
			"the answer that was made for it",
			"devices were made, but no checkpoint covers them: "
			"their answers are kept back");
}

/* ---- checkpoints ---- */

/* Between transactions. An empty answer: the token was away. */
static enum pv_code keep(struct writer *w, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (w->signed_log.len > 0) {
		rc = checkpoint_keep(w->opts->authority, w->store, &w->log,
				     &w->ask, buf_span(&w->signed_log), err);
		if (rc == PV_OK)
			rc = governance_keep(
				w->opts->authority, w->store, &w->log, &w->ask,
				buf_span(&w->signed_governance), err);
		w->known[w->asker] = w->ask.next;
		if (rc == PV_OK)
			rc = give(w, err);
	}
	w->asking = w->answered = false;
	buf_reset(&w->signed_log);
	buf_reset(&w->signed_governance);
	return rc;
}

/* Signer k holds the new tree against the last one that it signed itself. */
static enum pv_code ask(struct writer *w, size_t k, struct err *err)
{
	struct wire *signer = &w->opts->signers[k];
	struct err gone;
	bool due;
	enum pv_code rc =
		checkpoint_ask(w->store, &w->known[k], &w->ask, &due, err);

	if (rc != PV_OK || !due || w->ask.next.size <= w->log.last.size)
		return rc;
	rc = governance_ask(w->store, &w->log, &w->ask, err);
	if (rc != PV_OK)
		return rc;
	record_put_checkpoint(signer, &w->ask);
	err_init(&gone);
	w->asker = k;
	w->asked_out = w->opts->parent->out.len;
	w->asking = wire_flush(signer, &gone) == PV_OK;
	signer->eof = signer->eof || !w->asking;
	return PV_OK;
}

/* The first signer that is still there, at work or at its end. */
static size_t someone(const struct writer *w, bool ended)
{
	for (size_t k = 0; k < w->opts->signers_n; k++)
		if (!w->opts->signers[k].eof && w->ended[k] == ended)
			return k;
	return NOBODY;
}

enum pv_code writer_log(struct writer *w, struct err *err)
{
	size_t k = someone(w, false);
	enum pv_code rc = w->answered ? keep(w, err) : PV_OK;

	if (rc != PV_OK)
		return rc;
	/* What it was asked went with it. */
	if (w->asking && w->opts->signers[w->asker].eof &&
	    !wire_holds(&w->opts->signers[w->asker], ~0u))
		w->asking = false;
	if (w->asking || w->log.own_n == 0 || k == NOBODY)
		return PV_OK;
	if (!w->gives && w->log_size < w->log.last.size + ENTRIES_BETWEEN)
		return PV_OK;
	return ask(w, k, err);
}

/* Its own failure is told by the signer itself, to the parent. */
static enum pv_code await(struct writer *w, struct err *err)
{
	struct wire *signer = &w->opts->signers[w->asker];
	struct wire_rec rec;
	bool got;
	enum pv_code rc = wire_read(signer, &rec, &got, err);

	if (rc == PV_OK && !got)
		w->asking = false;
	if (rc != PV_OK || !got)
		return rc;
	if (rec.type != WIRE_CHECKPOINT)
		return err_fail(err, PV_INTERNAL, "writer.record", NULL,
				"a signer sent record type %d after its end",
				rec.type);
	return writer_take_checkpoint(w, &rec, err);
}

/* One that ended goes when it is told to. */
static void let_go(struct writer *w)
{
	for (size_t k = 0; k < w->opts->signers_n; k++) {
		struct wire *s = &w->opts->signers[k];
		struct err gone;

		if (s->eof)
			continue;
		err_init(&gone);
		wire_put_mark(s, WIRE_END, 0);
		if (wire_flush(s, &gone) != PV_OK)
			s->eof = true;
	}
}

enum pv_code writer_end_log(struct writer *w, struct err *err)
{
	enum pv_code rc = PV_OK;
	size_t k;

	/* What is under way first: its answer is of an earlier tree. */
	if (w->asking && !w->answered)
		rc = await(w, err);
	if (rc == PV_OK && w->answered)
		rc = keep(w, err);
	k = someone(w, true);
	if (rc == PV_OK && k != NOBODY && w->log.own_n > 0)
		rc = ask(w, k, err);
	if (rc == PV_OK && w->asking)
		rc = await(w, err);
	/* They leave the token while the checkpoint is written. */
	if (rc == PV_OK)
		let_go(w);
	if (rc == PV_OK && w->answered)
		rc = keep(w, err);
	return rc == PV_OK ? keep_back(w, err) : rc;
}
