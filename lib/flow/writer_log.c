/* The writer: what the log says of itself is signed by a signer, and kept. */
#include "lib/flow/governance.h"
#include "lib/flow/record_checkpoint.h"
#include "lib/flow/writer_impl.h"

#define ENTRIES_BETWEEN 10000u /* two checkpoints of one run */
#define NOBODY SIZE_MAX

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

	if (w->answered)
		return keep(w, err);
	/* What it was asked went with it. */
	if (w->asking && w->opts->signers[w->asker].eof &&
	    !wire_holds(&w->opts->signers[w->asker], ~0u))
		w->asking = false;
	if (w->asking || w->log.own_n == 0 || k == NOBODY)
		return PV_OK;
	if (w->log_size < w->log.last.size + ENTRIES_BETWEEN)
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
	return rc == PV_OK && w->answered ? keep(w, err) : rc;
}
