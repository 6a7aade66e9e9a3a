/* The signer: checkpoints of the log, when the writer asks for one. */
#include "lib/flow/signer_log.h"

#include "lib/base/cleanup.h"
#include "lib/flow/checkpoint_sign.h"
#include "lib/flow/record_checkpoint.h"
#include "lib/flow/signer_fail.h"

struct notes {
	struct buf log, governance;
};

static void notes_init(struct notes *n)
{
	buf_init(&n->log, CHECKPOINT_MAX);
	buf_init(&n->governance, CHECKPOINT_MAX);
}

static void notes_release(struct notes *n)
{
	buf_release(&n->log);
	buf_release(&n->governance);
}

#define NOTES CLEANUP(notes_release) struct notes

/* With the token that is in use now; its keys are looked for once. */
static enum pv_code sign(struct signer *s, const struct checkpoint_ask *ask,
			 struct notes *notes, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!s->log)
		rc = checkpoint_signer_new(s->opts->log, s->hsm, &s->log_last,
					   &s->log, err);
	buf_reset(&notes->log);
	buf_reset(&notes->governance);
	if (rc == PV_OK)
		rc = checkpoint_sign(s->log, ask, &notes->log, err);
	return rc == PV_OK ? checkpoint_sign_governance(s->log, ask,
							&notes->governance, err)
			   : rc;
}

static enum pv_code answer(struct signer *s, const struct notes *notes,
			   struct err *err)
{
	size_t mark = wire_begin(s->opts->writer, WIRE_CHECKPOINT);

	wire_put_span(s->opts->writer, buf_span(&notes->log));
	wire_put_span(s->opts->writer, buf_span(&notes->governance));
	wire_end(s->opts->writer, mark);
	return wire_flush(s->opts->writer, err);
}

/* With the next token when this one has gone, as for a device. */
static enum pv_code sign_somewhere(struct signer *s,
				   const struct checkpoint_ask *ask,
				   struct notes *notes, struct err *err)
{
	struct err why;
	enum pv_code rc;

	do {
		err_init(&why);
		rc = sign(s, ask, notes, &why);
	} while (rc == PV_HSM_TEMP &&
		 signer_meet_failure(s, &why, err) == PV_OK);
	if (rc != PV_OK && err->code == PV_OK)
		*err = why;
	return rc == PV_OK ? PV_OK : err->code;
}

enum pv_code signer_take_checkpoint(struct signer *s, struct wire_rec *rec,
				    struct err *err)
{
	NOTES notes;
	struct checkpoint_ask ask;
	enum pv_code rc = record_get_checkpoint(rec, &ask, err);

	notes_init(&notes);
	if (rc == PV_OK)
		rc = sign_somewhere(s, &ask, &notes, err);
	return rc == PV_OK ? answer(s, &notes, err) : rc;
}

/* All devices have what they asked for: a token that is away now fails none of
 * them. The next command's checkpoint covers what this one appended. */
static enum pv_code sign_last(struct signer *s, struct wire_rec *rec,
			      struct err *err)
{
	NOTES notes;
	struct checkpoint_ask ask;
	struct err why;
	enum pv_code rc = record_get_checkpoint(rec, &ask, err);

	notes_init(&notes);
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	rc = sign(s, &ask, &notes, &why);
	if (rc == PV_HSM_TEMP)
		buf_reset(&notes.log);
	if (rc == PV_OK || rc == PV_HSM_TEMP)
		return answer(s, &notes, err);
	*err = why;
	return rc;
}

/*
 * The one signer of a command looks for the keys while the writer commits. What
 * it does not find it does not find when it is asked either, and says so then.
 */
static void look_ahead(struct signer *s)
{
	struct err later;

	err_init(&later);
	if (s->log || s->opts->batch || s->opts->log->own_n == 0)
		return;
	if (checkpoint_signer_new(s->opts->log, s->hsm, &s->log_last, &s->log,
				  &later) != PV_OK)
		s->log = NULL;
}

enum pv_code signer_last_checkpoint(struct signer *s, struct err *err)
{
	enum pv_code rc = PV_OK;

	look_ahead(s);
	while (rc == PV_OK) {
		struct wire_rec rec;
		bool got;

		rc = wire_read(s->opts->writer, &rec, &got, err);
		if (rc != PV_OK || !got || rec.type == WIRE_END)
			break;
		/* Serials may still come in that nobody needs any more. */
		if (rec.type == WIRE_CHECKPOINT)
			rc = sign_last(s, &rec, err);
	}
	return rc;
}
