/* Keys of a transcript: made, shown, destroyed, backed up, restored; PINs. */
#include <stdio.h>
#include <string.h>

#include "lib/flow/ceremonycheck_files.h"
#include "lib/flow/ownkey.h"

/* A log key of the transcript: it has signed the note. */
static enum pv_code take_signer(struct ceremonycheck_state *c,
				const struct transcript_line *line,
				struct err *err)
{
	struct ceremonycheck_report *out = c->out;
	const char *hex = ceremonycheck_fact(line, "spki");
	uint8_t spki[NOTE_SPKI_MAX];
	size_t len = strlen(hex) / 2;

	if (len > sizeof(spki) || strlen(hex) % 2 != 0 ||
	    !hex_decode(hex, spki, len))
		return ceremonycheck_order("a log key that cannot be read",
					   err);
	/* A step that a crash ended may tell of its key twice. */
	for (size_t i = 0; i < out->signers_n; i++)
		if (span_equal((struct span){ out->signer[i].spki,
					      out->signer[i].spki_len },
			       (struct span){ spki, len }))
			return PV_OK;
	if (out->signers_n == CEREMONYCHECK_KEYS_MAX)
		return ceremonycheck_order("too many log keys", err);
	return note_key_from_spki(&out->signer[out->signers_n++], out->origin,
				  (struct span){ spki, len }, err);
}

enum pv_code ceremonycheck_key(struct ceremonycheck_state *c,
			       const struct transcript_line *line,
			       struct err *err)
{
	if (strcmp(ceremonycheck_fact(line, "purpose"), c->name) != 0)
		return ceremonycheck_order("a key that the step is not about",
					   err);
	/* One that is shown before it is destroyed is there yet; of one that
	 * goes from token to token more has to be seen. */
	c->about = !ceremonycheck_is(c, PLAN_DESTROY_KEY) &&
		   !ceremonycheck_is(c, PLAN_TRANSPORT) &&
		   !ceremonycheck_is(c, PLAN_TAKE_KEY);
	c->out->keys += ceremonycheck_is(c, PLAN_GENERATE_KEY) ||
			ceremonycheck_is(c, PLAN_TRANSPORT);
	if (!ceremonycheck_is(c, PLAN_GENERATE_KEY) || !ownkey_is_log(c->name))
		return PV_OK;
	return take_signer(c, line, err);
}

/* Of a later plan: a key of the authority's log, which signs the note. */
enum pv_code ceremonycheck_log_key(struct ceremonycheck_state *c,
				   const struct transcript_line *line,
				   struct err *err)
{
	return line->step == 0 && c->open == 0
		       ? take_signer(c, line, err)
		       : ceremonycheck_order("a log key in the midst of a step",
					     err);
}

enum pv_code ceremonycheck_pin(struct ceremonycheck_state *c,
			       const struct transcript_line *line,
			       struct err *err)
{
	(void)line;
	if (!ceremonycheck_is(c, PLAN_ROTATE_PIN))
		return ceremonycheck_order("a PIN that the step is not about",
					   err);
	c->about = true;
	return PV_OK;
}

enum pv_code ceremonycheck_destroyed(struct ceremonycheck_state *c,
				     const struct transcript_line *line,
				     struct err *err)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);
	char generation[16] = "";

	if (s)
		snprintf(generation, sizeof(generation), "%u", s->generation);
	if (!ceremonycheck_is(c, PLAN_DESTROY_KEY) ||
	    strcmp(ceremonycheck_fact(line, "purpose"), c->name) != 0 ||
	    (s &&
	     strcmp(ceremonycheck_fact(line, "generation"), generation) != 0))
		return ceremonycheck_order(
			"a key was destroyed that the step is not about", err);
	c->about = true;
	c->out->destroyed++;
	return PV_OK;
}

/* ---- backups ---- */

enum pv_code ceremonycheck_share(struct ceremonycheck_state *c,
				 const struct transcript_line *line,
				 struct err *err)
{
	if (!ceremonycheck_is(c, PLAN_BACK_UP_KEY))
		return ceremonycheck_order("a share that no step gives", err);
	return backupcheck_share(&c->backup, line, ceremonycheck_plan_step(c),
				 err);
}

enum pv_code ceremonycheck_backup(struct ceremonycheck_state *c,
				  const struct transcript_line *line,
				  struct err *err)
{
	enum pv_code rc;

	if (!ceremonycheck_is(c, PLAN_BACK_UP_KEY) ||
	    strcmp(ceremonycheck_fact(line, "purpose"), c->name) != 0)
		return ceremonycheck_order(
			"a backup that the step is not about", err);
	rc = backupcheck_backup(&c->backup, line, ceremonycheck_plan_step(c),
				&c->backups, err);
	if (rc != PV_OK)
		return rc;
	c->about = true;
	c->out->backups++;
	return ceremonycheck_file(c, line, err);
}

enum pv_code ceremonycheck_restored(struct ceremonycheck_state *c,
				    const struct transcript_line *line,
				    struct err *err)
{
	if (!ceremonycheck_is(c, PLAN_RESTORE_KEY) ||
	    strcmp(ceremonycheck_fact(line, "purpose"), c->name) != 0)
		return ceremonycheck_order(
			"a restored key that the step is not about", err);
	c->about = true;
	c->out->restored++;
	return backupcheck_restored(line, c->out->head.sha256, &c->backups,
				    err);
}
