/* Keys of a transcript: made, shown, destroyed, backed up, restored; PINs. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremonycheck_files.h"
#include "lib/ceremony/ceremonycheck_lines_impl.h"
#include "lib/flow/ownkey.h"
#include "lib/seal/backup.h"

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

/* ---- keys that are made ---- */

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* A later plan's is what the one before it is; whether it may be backed up the
 * plan says. */
static bool is_kind(const struct ceremonycheck_state *c, const char *kind)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);
	const char *p256 = ownkey_kind_name(s && s->backup ? HSM_KEY_P256_BACKUP
							   : HSM_KEY_P256);
	const char *ed25519 = ownkey_kind_name(HSM_KEY_ED25519);
	bool ec = is_one_of(kind, ownkey_kind_name(HSM_KEY_P256),
			    ownkey_kind_name(HSM_KEY_P256_BACKUP));

	if (!s || (!c->first && !ec))
		return true;
	if (!c->first)
		return strcmp(kind, p256) == 0;
	switch (s->key) {
	case PLAN_KEY_P256:
		return strcmp(kind, p256) == 0;
	case PLAN_KEY_ED25519:
		return strcmp(kind, ed25519) == 0;
	case PLAN_KEY_ED25519_OR_P256:
		return is_one_of(kind, ed25519, p256);
	case PLAN_KEY_KDF:
		return strcmp(kind, ownkey_kind_name(HSM_KEY_KDF)) == 0;
	case PLAN_KEY_STORE:
		return strcmp(kind, ownkey_kind_name(HSM_KEY_STORE)) == 0;
	}
	return false;
}

static bool is_set(const char *attributes, const char *name, char value)
{
	size_t len = strlen(name);

	for (const char *at = attributes; (at = strstr(at, name)); at += len)
		if ((at == attributes || at[-1] == ' ') && at[len] == '=' &&
		    at[len + 1] == value &&
		    (at[len + 2] == ' ' || at[len + 2] == '\0'))
			return true;
	return false;
}

/* As the token vouches for one that it generated, and that cannot leave it but
 * by a backup that the plan allows. */
static bool is_kept(const struct transcript_line *line)
{
	const char *all = ceremonycheck_fact(line, "attributes");
	bool backup = strcmp(ceremonycheck_fact(line, "kind"),
			     ownkey_kind_name(HSM_KEY_P256_BACKUP)) == 0;

	return strcmp(ceremonycheck_fact(line, "origin"), "generated") == 0 &&
	       is_set(all, "CKA_PRIVATE", '1') &&
	       is_set(all, "CKA_SENSITIVE", '1') &&
	       is_set(all, "CKA_LOCAL", '1') &&
	       is_set(all, "CKA_EXTRACTABLE", backup ? '1' : '0');
}

static bool is_labelled(const struct ceremonycheck_state *c,
			const struct transcript_line *line)
{
	const char *label = ceremonycheck_fact(line, "label");
	char begin[2 * PLAN_NAME_MAX + 8];
	size_t len;

	snprintf(begin, sizeof(begin), "%.64s/%.64s/", c->out->authority,
		 c->name);
	len = strlen(begin);
	return strncmp(label, begin, len) == 0 && label[len] >= '1' &&
	       label[len] <= '9' &&
	       label[len + strspn(label + len, "0123456789")] == '\0';
}

static enum pv_code check_attributes(const struct transcript_line *line,
				     struct err *err)
{
	const char *all = ceremonycheck_fact(line, "attributes");
	uint8_t hash[32];
	char hex[65];
	enum pv_code rc = sha256(
		(struct span){ (const uint8_t *)all, strlen(all) }, hash, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	return strcmp(ceremonycheck_fact(line, "attributes_sha256"), hex) == 0
		       ? PV_OK
		       : ceremonycheck_order("attributes of another hash than "
					     "their line says",
					     err);
}

static enum pv_code check_made(const struct ceremonycheck_state *c,
			       const struct transcript_line *line,
			       struct err *err)
{
	const char *kind = ceremonycheck_fact(line, "kind");

	if (!is_one_of(kind, ownkey_kind_name(HSM_KEY_KDF),
		       ownkey_kind_name(HSM_KEY_STORE)) &&
	    !transcript_fact(line, "spki"))
		return ceremonycheck_order("a key without its public half",
					   err);
	if (!is_labelled(c, line))
		return ceremonycheck_order("a key that bears another label",
					   err);
	if (!is_kept(line))
		return ceremonycheck_order("a key that was not generated in "
					   "the token, or can leave it",
					   err);
	return is_kind(c, kind)
		       ? PV_OK
		       : ceremonycheck_order("a key of another kind than the "
					     "plan's",
					     err);
}

bool ceremonycheck_is_doomed(const struct ceremonycheck_doomed *d,
			     const struct transcript_line *line)
{
	return d->step != 0 &&
	       strcmp(d->label, ceremonycheck_fact(line, "label")) == 0 &&
	       strcmp(d->id, ceremonycheck_fact(line, "id")) == 0;
}

/* Which one people were shown. A step that a crash ended may show it twice. */
static enum pv_code take_doomed(struct ceremonycheck_doomed *d,
				const struct transcript_line *line,
				struct err *err)
{
	const char *label = ceremonycheck_fact(line, "label");
	const char *id = ceremonycheck_fact(line, "id");

	if (strlen(label) >= sizeof(d->label) ||
	    strlen(id) != sizeof(d->id) - 1 ||
	    (d->step == line->step && !ceremonycheck_is_doomed(d, line)))
		return ceremonycheck_order("another key of one step", err);
	d->step = line->step;
	snprintf(d->label, sizeof(d->label), "%s", label);
	snprintf(d->id, sizeof(d->id), "%s", id);
	return PV_OK;
}

enum pv_code ceremonycheck_key(struct ceremonycheck_state *c,
			       const struct transcript_line *line,
			       struct err *err)
{
	bool makes = ceremonycheck_is(c, PLAN_GENERATE_KEY);
	enum pv_code rc;

	if (strcmp(ceremonycheck_fact(line, "purpose"), c->name) != 0)
		return ceremonycheck_order("a key that the step is not about",
					   err);
	rc = check_attributes(line, err);
	if (rc == PV_OK && makes)
		rc = check_made(c, line, err);
	if (rc == PV_OK)
		rc = keyseen_take(&c->keys, line, c->name,
				  makes || ceremonycheck_is(c, PLAN_TAKE_KEY),
				  err);
	if (rc == PV_OK && ceremonycheck_is(c, PLAN_DESTROY_KEY))
		rc = take_doomed(&c->doomed, line, err);
	if (rc == PV_OK && ceremonycheck_is(c, PLAN_TRANSPORT))
		rc = take_doomed(&c->transported, line, err);
	if (rc != PV_OK)
		return rc;
	/* One that is shown before it is destroyed is there yet; of one that
	 * goes from token to token more has to be seen. */
	c->about = !ceremonycheck_is(c, PLAN_DESTROY_KEY) &&
		   !ceremonycheck_is(c, PLAN_TRANSPORT) &&
		   !ceremonycheck_is(c, PLAN_TAKE_KEY);
	c->out->keys += makes || ceremonycheck_is(c, PLAN_TRANSPORT);
	if (!makes || !ownkey_is_log(c->name))
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

/* Of a later plan: a CA's key, before it signs. */
enum pv_code ceremonycheck_ca_key(struct ceremonycheck_state *c,
				  const struct transcript_line *line,
				  struct err *err)
{
	return keyseen_take(&c->keys, line, ceremonycheck_fact(line, "ca"),
			    false, err);
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
	if (c->doomed.step != line->step ||
	    !ceremonycheck_is_doomed(&c->doomed, line))
		return ceremonycheck_order("another key was destroyed than "
					   "people were shown",
					   err);
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

static bool says_number(const struct transcript_line *line, const char *key,
			unsigned number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	return ceremonycheck_says(line, key, text);
}

static enum pv_code check_backup_file(const struct ceremonycheck_state *c,
				      const struct transcript_line *line,
				      struct err *err)
{
	CLEANUP(buf_release) struct buf file = { .data = NULL };
	struct backup b;
	uint8_t spki[32];
	enum pv_code rc = ceremonycheck_take_file(c, line, &file, err);

	if (rc == PV_OK)
		rc = backup_parse(buf_span(&file), &b, err);
	if (rc == PV_OK)
		rc = sha256((struct span){ b.spki, b.spki_len }, spki, err);
	if (rc != PV_OK)
		return rc;
	return strcmp(b.authority, c->out->authority) == 0 &&
			       ceremonycheck_says(line, "label", b.label) &&
			       ceremonycheck_says(line, "purpose", b.purpose) &&
			       ceremonycheck_says_hex(line, "spki_sha256", spki,
						      sizeof(spki)) &&
			       ceremonycheck_says_hex(line, "split", b.split,
						      sizeof(b.split)) &&
			       says_number(line, "shares", b.n) &&
			       says_number(line, "threshold", b.m)
		       ? PV_OK
		       : ceremonycheck_another(ceremonycheck_fact(line, "file"),
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
				err);
	if (rc == PV_OK)
		rc = keyseen_take(&c->keys, line, c->name, false, err);
	if (rc != PV_OK)
		return rc;
	c->about = true;
	c->out->backups++;
	return c->in->dir < 0 ? PV_OK : check_backup_file(c, line, err);
}

enum pv_code ceremonycheck_restored(struct ceremonycheck_state *c,
				    const struct transcript_line *line,
				    struct err *err)
{
	enum pv_code rc;

	if (!ceremonycheck_is(c, PLAN_RESTORE_KEY) ||
	    strcmp(ceremonycheck_fact(line, "purpose"), c->name) != 0)
		return ceremonycheck_order(
			"a restored key that the step is not about", err);
	c->about = true;
	c->out->restored++;
	rc = keyseen_take(&c->keys, line, c->name, false, err);
	return rc == PV_OK
		       ? backupcheck_restored(line, c->out->head.sha256, err)
		       : rc;
}
