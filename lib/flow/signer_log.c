/* The signer: checkpoints of the log, when the writer asks for one. */
#include "lib/flow/signer_log.h"

#include "lib/base/cleanup.h"
#include "lib/flow/record_checkpoint.h"

/* With the token that is in use now; its keys are looked for once. */
static enum pv_code sign(struct signer *s, const struct checkpoint_ask *ask,
			 struct buf *note, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!s->log)
		rc = checkpoint_signer_new(s->opts->log, s->hsm, &s->log_last,
					   &s->log, err);
	return rc == PV_OK ? checkpoint_sign(s->log, ask, note, err) : rc;
}

enum pv_code signer_take_checkpoint(struct signer *s, struct wire_rec *rec,
				    struct err *err)
{
	CLEANUP(buf_release) struct buf note;
	struct checkpoint_ask ask;
	enum pv_code rc = record_get_checkpoint(rec, &ask, err);
	size_t mark;

	buf_init(&note, CHECKPOINT_MAX);
	if (rc == PV_OK)
		rc = sign(s, &ask, &note, err);
	if (rc != PV_OK)
		return rc;
	mark = wire_begin(s->opts->writer, WIRE_CHECKPOINT);
	wire_put_span(s->opts->writer, buf_span(&note));
	wire_end(s->opts->writer, mark);
	return wire_flush(s->opts->writer, err);
}

enum pv_code signer_last_checkpoint(struct signer *s, struct err *err)
{
	struct wire_rec rec;
	bool got;
	enum pv_code rc = wire_read(s->opts->writer, &rec, &got, err);

	/* Serials may still come in that nobody needs any more. */
	while (rc == PV_OK && got && rec.type == WIRE_SERIALS)
		rc = wire_read(s->opts->writer, &rec, &got, err);
	if (rc != PV_OK || !got || rec.type != WIRE_CHECKPOINT)
		return rc;
	return signer_take_checkpoint(s, &rec, err);
}
