#include "lib/flow/ceremonycheck.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/backupcheck.h"
#include "lib/flow/ceremonycheck_approvals.h"

#define FILE_MAX 65536u /* bytes: a certificate as PEM */

struct check {
	const struct ceremonycheck *in;
	struct ceremonycheck_report *out;
	uint32_t open; /* the step that runs; 0: none */
	bool about;    /* its key, request or certificate was seen */
	bool taken;    /* something came from a medium in it */
	bool begun, ended;
	struct backupcheck backup;
	char kind[TRANSCRIPT_EVENT_MAX + 1], name[PLAN_NAME_MAX + 1];
};

static enum pv_code order(const char *what, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "ceremony.order", NULL, "%s", what);
}

static const char *fact(const struct transcript_line *line, const char *key)
{
	const char *s = transcript_fact(line, key);

	return s ? s : "";
}

#define TAKE_FACT(out, line, key)                                              \
	snprintf((out), sizeof(out), "%.*s", (int)sizeof(out) - 1,             \
		 fact((line), (key)))

static enum pv_code
on_begin(struct check *c, const struct transcript_line *line, struct err *err)
{
	const char *sha256 = fact(line, "sha256");

	if (line->seq != 1 || line->step != 0)
		return order("a ceremony begins once", err);
	if (strlen(sha256) != 64 ||
	    !hex_decode(sha256, c->out->plan_sha256, 32))
		return order("it does not say of which plan it is", err);
	TAKE_FACT(c->out->plan, line, "plan");
	TAKE_FACT(c->out->authority, line, "authority");
	TAKE_FACT(c->out->origin, line, "log");
	TAKE_FACT(c->out->mode, line, "mode");
	c->out->began_s = line->time_s;
	c->begun = true;
	if (c->in->plan &&
	    memcmp(c->in->plan->sha256, c->out->plan_sha256, 32) != 0)
		return err_fail(err, PV_INTEGRITY, "ceremony.plan",
				"compare with the plan that was run",
				"it is of another plan");
	return PV_OK;
}

static enum pv_code on_approvals(struct check *c,
				 const struct transcript_line *line,
				 struct err *err)
{
	if (line->step != 0 || c->out->steps > 0 || c->open > 0 ||
	    c->out->approvals[0] || !fact(line, "persons")[0])
		return order("approvals that are not before its first step",
			     err);
	TAKE_FACT(c->out->approvals, line, "persons");
	return ceremonycheck_approvals(c->in, c->out, line, err);
}

/* What the step is bound to; it says so, and says nothing where it is not. */
static bool is_bound_so(const struct plan_step *s, const char *sha256)
{
	char hex[65] = "";

	if (s->bound)
		hex_encode(s->template_sha256, sizeof(s->template_sha256), hex);
	return strcmp(sha256, hex) == 0;
}

static enum pv_code on_step(struct check *c, const struct transcript_line *line,
			    struct err *err)
{
	const struct plan *plan = c->in->plan;
	const struct plan_step *s;

	if (line->step != c->out->steps + 1)
		return order("a step that is not the next one", err);
	if (strcmp(c->out->mode, "run") == 0 && !c->out->approvals[0])
		return order("a run that does not say who approved its plan",
			     err);
	TAKE_FACT(c->kind, line, "kind");
	TAKE_FACT(c->name, line, "about");
	c->open = line->step;
	c->about = false;
	if (!plan)
		return PV_OK;
	if (line->step > plan->steps_n)
		return order("more steps than the plan has", err);
	s = &plan->steps[line->step - 1];
	/* The token's step is about the authority. */
	if (strcmp(c->kind, plan_kind_name(s->kind)) != 0 ||
	    (s->kind != PLAN_INIT_TOKEN &&
	     strcmp(c->name, plan_step_about(s)) != 0) ||
	    strcmp(fact(line, "present"), s->present) != 0)
		return order("a step that the plan has not there", err);
	return is_bound_so(s, fact(line, "template_sha256"))
		       ? PV_OK
		       : order("a step by another template than the plan's",
			       err);
}

/* One that was adopted. */
static enum pv_code on_template(struct check *c,
				const struct transcript_line *line,
				struct err *err)
{
	const struct plan *plan = c->in->plan;

	if (c->open == 0 || strcmp(fact(line, "name"), c->name) != 0)
		return order("a template that the step is not about", err);
	if (plan && plan->steps[c->open - 1].bound &&
	    !is_bound_so(&plan->steps[c->open - 1], fact(line, "sha256")))
		return order("a template that is not the plan's", err);
	return PV_OK;
}

static bool is_kind(const struct check *c, enum plan_kind kind)
{
	return strcmp(c->kind, plan_kind_name(kind)) == 0;
}

/* What has to be seen before the step is done. */
static bool has_about(const struct check *c)
{
	static const enum plan_kind kinds[] = {
		PLAN_GENERATE_KEY, PLAN_CHECK_KEY,   PLAN_SELF_SIGNED,
		PLAN_ISSUE_CA,	   PLAN_SIGN_CRL,    PLAN_CROSS_SIGN,
		PLAN_BACK_UP_KEY,  PLAN_RESTORE_KEY, PLAN_ROTATE_PIN,
		PLAN_DESTROY_KEY,  PLAN_MAKE_CSR,    PLAN_SIGN_CSR,
		PLAN_IMPORT_CA
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (is_kind(c, kinds[i]))
			return true;
	return false;
}

static enum pv_code on_done(struct check *c, const struct transcript_line *line,
			    struct err *err)
{
	if (c->open == 0 || line->step != c->open)
		return order("a step is done that did not begin", err);
	if (!c->about && has_about(c))
		return order("a step is done without what it is about: its "
			     "key, request, certificate, list or backup",
			     err);
	if (!c->taken &&
	    (is_kind(c, PLAN_SIGN_CSR) || is_kind(c, PLAN_IMPORT_CA)))
		return order("a step is done that took nothing from its medium",
			     err);
	c->taken = false;
	c->open = 0;
	c->out->steps++;
	return PV_OK;
}

/* A log key of the transcript: it has signed the note. */
static enum pv_code take_signer(struct check *c,
				const struct transcript_line *line,
				struct err *err)
{
	struct ceremonycheck_report *out = c->out;
	const char *hex = fact(line, "spki");
	uint8_t spki[NOTE_SPKI_MAX];
	size_t len = strlen(hex) / 2;

	if (len > sizeof(spki) || strlen(hex) % 2 != 0 ||
	    !hex_decode(hex, spki, len))
		return order("a log key that cannot be read", err);
	/* A step that a crash ended may tell of its key twice. */
	for (size_t i = 0; i < out->signers_n; i++)
		if (span_equal((struct span){ out->signer[i].spki,
					      out->signer[i].spki_len },
			       (struct span){ spki, len }))
			return PV_OK;
	if (out->signers_n == CEREMONYCHECK_KEYS_MAX)
		return order("too many log keys", err);
	return note_key_from_spki(&out->signer[out->signers_n++], out->origin,
				  (struct span){ spki, len }, err);
}

static enum pv_code on_key(struct check *c, const struct transcript_line *line,
			   struct err *err)
{
	if (strcmp(fact(line, "purpose"), c->name) != 0)
		return order("a key that the step is not about", err);
	/* One that is shown before it is destroyed is there yet. */
	c->about = !is_kind(c, PLAN_DESTROY_KEY);
	c->out->keys += is_kind(c, PLAN_GENERATE_KEY);
	if (!is_kind(c, PLAN_GENERATE_KEY) ||
	    (strcmp(c->name, "log") != 0 && strcmp(c->name, "log-ecdsa") != 0))
		return PV_OK;
	return take_signer(c, line, err);
}

/* Of a later plan: a key of the authority's log, which signs the note. */
static enum pv_code
on_log_key(struct check *c, const struct transcript_line *line, struct err *err)
{
	return line->step == 0 && c->open == 0
		       ? take_signer(c, line, err)
		       : order("a log key in the midst of a step", err);
}

static enum pv_code check_file(const struct check *c,
			       const struct transcript_line *line,
			       struct err *err)
{
	const char *file = fact(line, "file");
	CLEANUP(buf_release) struct buf bytes;
	uint8_t hash[32];
	char hex[65];
	enum pv_code rc;

	buf_init(&bytes, FILE_MAX);
	if (c->in->dir < 0)
		return PV_OK;
	if (!name_is_safe(file, strlen(file)))
		return order("a file whose name is no plain name", err);
	rc = file_read(c->in->dir, file, FILEIO_NOFOLLOW, &bytes, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&bytes), hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	if (strcmp(hex, fact(line, "file_sha256")) == 0)
		return PV_OK;
	err_object(err, file);
	return err_fail(err, PV_INTEGRITY, "ceremony.file",
			"take the file of the ceremony",
			"%s is not what the ceremony wrote", file);
}

static enum pv_code on_certificate(struct check *c,
				   const struct transcript_line *line,
				   struct err *err)
{
	bool own = strcmp(fact(line, "ca"), c->name) == 0;

	/* The root comes with what it signed. */
	if (!own && !is_kind(c, PLAN_IMPORT_CA))
		return order("a certificate that the step is not about", err);
	c->about |= own;
	c->out->certificates++;
	return check_file(c, line, err);
}

/* ---- backups ---- */

static enum pv_code
on_share(struct check *c, const struct transcript_line *line, struct err *err)
{
	if (!is_kind(c, PLAN_BACK_UP_KEY))
		return order("a share that no step gives", err);
	return backupcheck_share(&c->backup, line, err);
}

static enum pv_code
on_backup(struct check *c, const struct transcript_line *line, struct err *err)
{
	const struct plan *plan = c->in->plan;
	enum pv_code rc;

	if (c->open == 0 || !is_kind(c, PLAN_BACK_UP_KEY) ||
	    strcmp(fact(line, "purpose"), c->name) != 0)
		return order("a backup that the step is not about", err);
	rc = backupcheck_backup(&c->backup, line,
				plan ? &plan->steps[c->open - 1] : NULL, err);
	if (rc != PV_OK)
		return rc;
	c->about = true;
	c->out->backups++;
	return check_file(c, line, err);
}

static enum pv_code on_restored(struct check *c,
				const struct transcript_line *line,
				struct err *err)
{
	if (!is_kind(c, PLAN_RESTORE_KEY) ||
	    strcmp(fact(line, "purpose"), c->name) != 0)
		return order("a restored key that the step is not about", err);
	c->about = true;
	c->out->restored++;
	return backupcheck_restored(line, c->out->head.sha256, err);
}

static enum pv_code on_csr(struct check *c, const struct transcript_line *line,
			   struct err *err)
{
	if (strcmp(fact(line, "ca"), c->name) != 0)
		return order("a request that the step is not about", err);
	c->about = true;
	return check_file(c, line, err);
}

/* A run that goes on need not take it again. */
static enum pv_code
on_taken(struct check *c, const struct transcript_line *line, struct err *err)
{
	if (line->step == 0 || line->step != c->open)
		return order("something is taken outside of a step", err);
	c->taken = true;
	return PV_OK;
}

static enum pv_code on_crl(struct check *c, const struct transcript_line *line,
			   struct err *err)
{
	if (!is_kind(c, PLAN_SIGN_CRL) ||
	    strcmp(fact(line, "ca"), c->name) != 0)
		return order("a list that the step is not about", err);
	c->about = true;
	c->out->lists++;
	return check_file(c, line, err);
}

static enum pv_code on_pin(struct check *c, const struct transcript_line *line,
			   struct err *err)
{
	(void)line;
	if (!is_kind(c, PLAN_ROTATE_PIN))
		return order("a PIN that the step is not about", err);
	c->about = true;
	return PV_OK;
}

static enum pv_code on_destroyed(struct check *c,
				 const struct transcript_line *line,
				 struct err *err)
{
	const struct plan *plan = c->in->plan;
	char generation[16] = "";

	if (plan && c->open > 0)
		snprintf(generation, sizeof(generation), "%u",
			 plan->steps[c->open - 1].generation);
	if (!is_kind(c, PLAN_DESTROY_KEY) ||
	    strcmp(fact(line, "purpose"), c->name) != 0 ||
	    (plan && strcmp(fact(line, "generation"), generation) != 0))
		return order("a key was destroyed that the step is not about",
			     err);
	c->about = true;
	c->out->destroyed++;
	return PV_OK;
}

static enum pv_code on_end(struct check *c, const struct transcript_line *line,
			   struct err *err)
{
	const struct plan *plan = c->in->plan;

	if (line->step != 0 || c->open != 0 ||
	    (plan && c->out->steps != plan->steps_n))
		return order("it ends before its steps are done", err);
	c->ended = true;
	return PV_OK;
}

static const struct event {
	const char *name;
	enum pv_code (*take)(struct check *c,
			     const struct transcript_line *line,
			     struct err *err);
} events[] = {
	{ "begin", on_begin },
	{ "approvals", on_approvals },
	{ "step", on_step },
	{ "template", on_template },
	{ "done", on_done },
	{ "key", on_key },
	{ "certificate", on_certificate },
	{ "csr", on_csr },
	{ "taken", on_taken },
	{ "share", on_share },
	{ "backup", on_backup },
	{ "restored", on_restored },
	{ "crl", on_crl },
	{ "pin", on_pin },
	{ "destroyed", on_destroyed },
	{ "log-key", on_log_key },
	{ "end", on_end },
};

static enum pv_code take_line(void *ctx, const struct transcript_line *line,
			      struct err *err)
{
	struct check *c = ctx;

	if (c->ended)
		return order("something stands behind its end", err);
	if (!c->begun && strcmp(line->event, "begin") != 0)
		return order("it does not begin with its beginning", err);
	c->out->resumes += strcmp(line->event, "resume") == 0;
	c->out->failures += strcmp(line->event, "failed") == 0;
	c->out->orphans += strcmp(line->event, "orphan") == 0;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (strcmp(events[i].name, line->event) == 0)
			return events[i].take(c, line, err);
	return PV_OK;
}

/* ---- the note ---- */

static enum pv_code check_text(const struct check *c, const struct note *note,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct transcript_note want = { .origin = c->out->origin,
					.head = c->out->head };
	enum pv_code rc;

	buf_init(&text, TRANSCRIPT_NOTE_MAX);
	memcpy(want.plan, c->out->plan_sha256, sizeof(want.plan));
	transcript_note_put(&want, &text);
	rc = buf_check(&text, err);
	if (rc == PV_OK && !span_equal(note->text, buf_span(&text)))
		rc = err_fail(err, PV_INTEGRITY, "ceremony.note",
			      "take the note that belongs to the transcript",
			      "the note is not over this transcript");
	return rc;
}

static enum pv_code check_note(const struct check *c, struct err *err)
{
	CLEANUP(note_release) struct note note = { .sigs_n = 0 };
	enum pv_code rc = note_parse(&note, c->in->note, err);

	if (rc == PV_OK)
		rc = check_text(c, &note, err);
	if (rc == PV_OK && c->out->signers_n == 0)
		rc = order("it has no key of a log", err);
	for (size_t i = 0; rc == PV_OK && i < c->out->signers_n; i++)
		rc = note_verify(&note, &c->out->signer[i], err);
	if (rc == PV_OK && c->in->key)
		rc = note_verify(&note, c->in->key, err);
	for (size_t i = 0; rc == PV_OK && i < c->in->witnesses_n; i++) {
		rc = note_verify(&note, &c->in->witnesses[i], err);
		if (rc != PV_OK)
			err_object(err, c->in->witnesses[i].name);
	}
	return rc;
}

enum pv_code ceremonycheck(const struct ceremonycheck *in,
			   struct ceremonycheck_report *out, struct err *err)
{
	struct check c = { .in = in, .out = out };
	const struct transcript_sink sink = { take_line, &c };
	enum pv_code rc;

	memset(out, 0, sizeof(*out));
	rc = transcript_read(in->transcript, &sink, &out->head, err);
	if (rc == PV_OK && !c.ended)
		rc = order("the ceremony did not end", err);
	return rc == PV_OK ? check_note(&c, err) : rc;
}

enum pv_code ceremonycheck_cosign(struct span note,
				  const struct note_signer *signer,
				  struct buf *out, struct err *err)
{
	CLEANUP(note_release) struct note parsed = { .sigs_n = 0 };
	struct err why;
	enum pv_code rc = note_parse(&parsed, note, err);

	if (rc != PV_OK)
		return rc;
	buf_put(out, note.p, note.len);
	err_init(&why);
	rc = note_verify(&parsed, signer->key, &why);
	if (rc == PV_NOT_FOUND)
		return note_sign(out, parsed.text, signer, err);
	if (rc != PV_OK)
		*err = why;
	return rc == PV_OK ? buf_check(out, err) : rc;
}
