/* The note over a transcript: whose text it is, and who has signed it. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremonycheck_impl.h"

#define MISSING_MAX 400u /* bytes: a message has room for that */

static enum pv_code check_text(const struct ceremonycheck_state *c,
			       const struct note *note, struct err *err)
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

struct signing { /* who of the witnesses did, and who did not */
	struct ceremonycheck_report *out;
	struct buf missing; /* names and fingerprints, as many as have room */
	size_t missing_n;
};

static void signing_release(struct signing *s)
{
	buf_release(&s->missing);
}

static void take_witness(struct signing *s, const struct note_key *key,
			 bool has_signed, const char hex[65])
{
	struct ceremonycheck_report *out = s->out;

	if (has_signed && out->witnesses_n < NOTE_SIGS_MAX) {
		out->witness[out->witnesses_n].name = key->name;
		memcpy(out->witness[out->witnesses_n++].spki_sha256, hex, 65);
		return;
	}
	s->missing_n++;
	if (s->missing.len + strlen(key->name) + 80 <= MISSING_MAX)
		buf_printf(&s->missing, "%s%s (sha256:%s)",
			   s->missing.len ? ", " : "", key->name, hex);
}

static enum pv_code check_witness(struct signing *s, const struct note *note,
				  const struct note_key *key, struct err *err)
{
	uint8_t hash[32];
	char hex[65];
	struct err why;
	enum pv_code rc, found;

	err_init(&why);
	found = note_verify(note, key, &why);
	if (found != PV_OK && found != PV_NOT_FOUND) {
		err_object(&why, key->name);
		*err = why;
		return found;
	}
	rc = sha256((struct span){ key->spki, key->spki_len }, hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	take_witness(s, key, found == PV_OK, hex);
	return PV_OK;
}

static bool is_same_key(const struct note_key *a, const struct note_key *b)
{
	return span_equal((struct span){ a->spki, a->spki_len },
			  (struct span){ b->spki, b->spki_len });
}

/* Whoever is asked to vouch for the log is not the log, and nobody else, under
 * whatever name. */
static enum pv_code check_apart(const struct ceremonycheck_state *c, size_t i,
				struct err *err)
{
	const struct ceremonycheck *in = c->in;
	const struct note_key *w = &in->witnesses[i];
	bool log = in->key && is_same_key(w, in->key), other = false;

	for (size_t k = 0; k < c->out->signers_n; k++)
		log |= is_same_key(w, &c->out->signer[k]);
	for (size_t k = 0; k < i; k++)
		other |= is_same_key(w, &in->witnesses[k]) &&
			 strcmp(w->name, in->witnesses[k].name) != 0;
	if (!log && !other)
		return PV_OK;
	err_object(err, w->name);
	return err_fail(err, PV_USAGE, "ceremony.witness",
			"name keys of people who were there",
			log ? "the log's own key is no witness"
			    : "one key is no two witnesses");
}

/* A key that was named twice is one witness. */
static bool is_again(const struct ceremonycheck *in, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (note_key_equal(&in->witnesses[k], &in->witnesses[i]))
			return true;
	return false;
}

/* All that did not sign are named, not the first one alone. */
static enum pv_code check_witnesses(const struct ceremonycheck_state *c,
				    const struct note *note, struct err *err)
{
	const struct ceremonycheck *in = c->in;
	CLEANUP(signing_release) struct signing s = { .out = c->out };
	enum pv_code rc = PV_OK;

	buf_init(&s.missing, MISSING_MAX);
	for (size_t i = 0; rc == PV_OK && i < in->witnesses_n; i++)
		rc = check_apart(c, i, err);
	for (size_t i = 0; rc == PV_OK && i < in->witnesses_n; i++)
		if (!is_again(in, i))
			rc = check_witness(&s, note, &in->witnesses[i], err);
	if (rc != PV_OK || s.missing_n == 0)
		return rc;
	return err_fail(err, PV_NOT_FOUND, "note.unsigned",
			"have each of them run `provctl ceremony cosign'",
			"%zu witness%s did not sign: %s", s.missing_n,
			s.missing_n == 1 ? "" : "es",
			buf_cstr(&s.missing) ? buf_cstr(&s.missing) : "");
}

/* A log's key signs nothing afterwards: it is another log's, or another note.
 */
static enum pv_code check_known(const struct note *note,
				const struct note_key *key, struct err *err)
{
	enum pv_code rc = note_verify(note, key, err);

	if (rc == PV_NOT_FOUND && err)
		snprintf(err->hint, sizeof(err->hint),
			 "this is another log's key, or another authority's "
			 "transcript");
	return rc;
}

enum pv_code ceremonycheck_note(struct ceremonycheck_state *c, struct err *err)
{
	CLEANUP(note_release) struct note note = { .sigs_n = 0 };
	enum pv_code rc = note_parse(&note, c->in->note, err);

	if (rc == PV_OK)
		rc = check_text(c, &note, err);
	if (rc == PV_OK && c->out->signers_n == 0)
		rc = ceremonycheck_order("it has no key of a log", err);
	for (size_t i = 0; rc == PV_OK && i < c->out->signers_n; i++)
		rc = note_verify(&note, &c->out->signer[i], err);
	if (rc == PV_OK && c->in->key)
		rc = check_known(&note, c->in->key, err);
	return rc == PV_OK ? check_witnesses(c, &note, err) : rc;
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
