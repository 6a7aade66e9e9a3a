/* The writer: what the log says of itself is signed by a signer, and kept. */
#include "lib/flow/record_checkpoint.h"
#include "lib/flow/writer_impl.h"
#include "lib/store/store_log.h"

#define ENTRIES_BETWEEN 10000u /* two checkpoints of one run */

enum pv_code writer_take_checkpoint(struct writer *w, struct wire_rec *rec,
				    struct err *err)
{
	wire_get_buf(rec, &w->signed_log);
	return wire_done(rec, err);
}

static enum pv_code keep(struct writer *w, struct err *err)
{
	enum pv_code rc =
		checkpoint_keep(w->opts->authority, w->store, &w->log, &w->ask,
				buf_span(&w->signed_log), err);

	w->asking = false;
	buf_reset(&w->signed_log);
	return rc;
}

/* *asked: the request is on its way. */
static enum pv_code ask(struct writer *w, struct wire *signer, bool *asked,
			struct err *err)
{
	struct err gone;
	bool due;
	enum pv_code rc =
		checkpoint_ask(w->store, &w->log.last, &w->ask, &due, err);

	*asked = false;
	if (rc != PV_OK || !due)
		return rc;
	record_put_checkpoint(signer, &w->ask);
	err_init(&gone);
	*asked = wire_flush(signer, &gone) == PV_OK;
	return PV_OK;
}

/* The first signer that is still there; NULL: none. */
static struct wire *someone(struct writer *w, bool ended)
{
	for (size_t k = 0; k < w->opts->signers_n; k++)
		if (!w->opts->signers[k].eof && w->ended[k] == ended)
			return &w->opts->signers[k];
	return NULL;
}

enum pv_code writer_log(struct writer *w, struct err *err)
{
	struct wire *signer = someone(w, false);
	uint64_t size;
	enum pv_code rc;

	if (w->signed_log.len > 0)
		return keep(w, err);
	if (w->asking || w->log.own_n == 0 || !signer)
		return PV_OK;
	rc = store_log_size(w->store, &size, err);
	if (rc != PV_OK || size < w->log.last.size + ENTRIES_BETWEEN)
		return rc;
	return ask(w, signer, &w->asking, err);
}

static enum pv_code await(struct writer *w, struct wire *signer,
			  struct err *err)
{
	struct wire_rec rec;
	bool got;
	enum pv_code rc = wire_read(signer, &rec, &got, err);

	/* Its own failure is told by itself, to the parent. */
	if (rc != PV_OK || !got)
		return rc;
	if (rec.type != WIRE_CHECKPOINT)
		return err_fail(err, PV_INTERNAL, "writer.record", NULL,
				"a signer sent record type %d after its end",
				rec.type);
	rc = writer_take_checkpoint(w, &rec, err);
	return rc == PV_OK ? keep(w, err) : rc;
}

enum pv_code writer_end_log(struct writer *w, struct err *err)
{
	struct wire *signer = someone(w, true);
	bool asked = false;
	enum pv_code rc = PV_OK;

	if (w->signed_log.len > 0)
		rc = keep(w, err);
	if (rc == PV_OK && signer && w->log.own_n > 0)
		rc = ask(w, signer, &asked, err);
	for (size_t k = 0; rc == PV_OK && k < w->opts->signers_n; k++) {
		struct wire *s = &w->opts->signers[k];
		struct err gone;

		if (s->eof || (asked && s == signer))
			continue;
		err_init(&gone);
		wire_put_mark(s, WIRE_END, 0);
		if (wire_flush(s, &gone) != PV_OK)
			s->eof = true;
	}
	return rc == PV_OK && asked ? await(w, signer, err) : rc;
}
