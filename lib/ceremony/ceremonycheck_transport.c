/* Keys of a transcript that go from token to token. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremonycheck_files.h"
#include "lib/ceremony/ceremonycheck_lines_impl.h"
#include "lib/seal/transport.h"

/* The public key that the plan names, which says nothing of a rehearsal's. */
static bool is_planned(const struct ceremonycheck_state *c, const char *sha256)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);
	char hex[65];

	if (!s || !s->has_other || strcmp(c->out->mode, "rehearsal") == 0)
		return true;
	hex_encode(s->other_spki, sizeof(s->other_spki), hex);
	return strcmp(sha256, hex) == 0;
}

/* Where the plan does not name the key, people have compared it. */
static bool is_met(const struct ceremonycheck_state *c, const char *sha256)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);

	return !s || s->has_other || askcheck_compared(&c->asks, sha256);
}

/* ---- what the files say ---- */

/* The file is of this authority, and its log's key has signed it. */
static bool is_ours(const struct ceremonycheck_state *c, const char *authority,
		    const struct note_key *log)
{
	return strcmp(authority, c->out->authority) == 0 &&
	       strcmp(log->name, c->out->origin) == 0;
}

static enum pv_code check_key_file(const struct ceremonycheck_state *c,
				   const struct transcript_line *line,
				   struct err *err)
{
	CLEANUP(buf_release) struct buf file = { .data = NULL };
	struct transport_key k;
	struct note_key log;
	uint8_t spki[32];
	enum pv_code rc = ceremonycheck_take_file(c, line, &file, err);

	if (rc == PV_OK)
		rc = transport_key_parse(buf_span(&file), &k, &log, err);
	if (rc == PV_OK)
		rc = sha256((struct span){ k.spki, k.spki_len }, spki, err);
	if (rc != PV_OK)
		return rc;
	return is_ours(c, k.authority, &log) &&
			       ceremonycheck_says(line, "label", k.label) &&
			       ceremonycheck_says_hex(line, "spki_sha256", spki,
						      32)
		       ? PV_OK
		       : ceremonycheck_another(ceremonycheck_fact(line, "file"),
					       err);
}

static enum pv_code check_sent_file(const struct ceremonycheck_state *c,
				    const struct transcript_line *line,
				    struct err *err)
{
	CLEANUP(buf_release) struct buf file = { .data = NULL };
	struct transport t;
	struct note_key log;
	uint8_t spki[32];
	enum pv_code rc = ceremonycheck_take_file(c, line, &file, err);

	if (rc == PV_OK)
		rc = transport_parse(buf_span(&file), &t, &log, err);
	if (rc == PV_OK)
		rc = sha256((struct span){ t.spki, t.spki_len }, spki, err);
	if (rc != PV_OK)
		return rc;
	return is_ours(c, t.from, &log) &&
			       ceremonycheck_says(line, "label", t.label) &&
			       ceremonycheck_says(line, "purpose", t.purpose) &&
			       ceremonycheck_says_hex(line, "spki_sha256", spki,
						      32) &&
			       ceremonycheck_says(line, "to", t.to) &&
			       ceremonycheck_says_hex(line, "to_sha256",
						      t.to_sha256, 32) &&
			       ceremonycheck_says(
				       line, "algorithm",
				       transport_algorithm(t.sent.how))
		       ? PV_OK
		       : ceremonycheck_another(ceremonycheck_fact(line, "file"),
					       err);
}

enum pv_code ceremonycheck_transport_key(struct ceremonycheck_state *c,
					 const struct transcript_line *line,
					 struct err *err)
{
	const char *label = ceremonycheck_fact(line, "label");
	enum pv_code rc;

	if (!ceremonycheck_is(c, PLAN_TRANSPORT) || !label[0] ||
	    strlen(label) >= sizeof(c->transport))
		return ceremonycheck_order(
			"a transport key that the step is not about", err);
	snprintf(c->transport, sizeof(c->transport), "%s", label);
	c->about = true;
	rc = keyseen_take(&c->keys, line, c->name, false, err);
	return rc != PV_OK || c->in->dir < 0 ? rc
					     : check_key_file(c, line, err);
}

enum pv_code ceremonycheck_sent(struct ceremonycheck_state *c,
				const struct transcript_line *line,
				struct err *err)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);
	enum pv_code rc;

	if (!ceremonycheck_is(c, PLAN_SEND_KEY) ||
	    strcmp(ceremonycheck_fact(line, "purpose"), c->name) != 0 ||
	    (s && strcmp(ceremonycheck_fact(line, "to"), s->to) != 0))
		return ceremonycheck_order(
			"a key was sent that the step is not about", err);
	if (!is_planned(c, ceremonycheck_fact(line, "to_sha256")))
		return ceremonycheck_order(
			"a key was sent to another key than the plan's", err);
	if (!is_met(c, ceremonycheck_fact(line, "to_sha256")))
		return ceremonycheck_order("a key was sent to a key that "
					   "nobody in the room compared",
					   err);
	c->about = true;
	rc = keyseen_take(&c->keys, line, c->name, false, err);
	return rc != PV_OK || c->in->dir < 0 ? rc
					     : check_sent_file(c, line, err);
}

/* It signs as a restored key does. */
enum pv_code ceremonycheck_key_taken(struct ceremonycheck_state *c,
				     const struct transcript_line *line,
				     struct err *err)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);
	enum pv_code rc;

	if (!ceremonycheck_is(c, PLAN_TAKE_KEY) ||
	    strcmp(ceremonycheck_fact(line, "purpose"), c->name) != 0 ||
	    (s && strcmp(ceremonycheck_fact(line, "from"), s->from) != 0))
		return ceremonycheck_order(
			"a key was taken that the step is not about", err);
	if (!is_planned(c, ceremonycheck_fact(line, "spki_sha256")))
		return ceremonycheck_order(
			"another key was taken than the plan's", err);
	if (!is_met(c, ceremonycheck_fact(line, "spki_sha256")))
		return ceremonycheck_order("a key was taken that nobody in "
					   "the room compared",
					   err);
	c->key_taken = c->open;
	c->out->restored++;
	rc = keyseen_take(&c->keys, line, c->name, true, err);
	return rc == PV_OK
		       ? backupcheck_restored(line, c->out->head.sha256, err)
		       : rc;
}

/* With that the step is done. One that was made in another ceremony is not
 * known here. */
enum pv_code ceremonycheck_transport_end(struct ceremonycheck_state *c,
					 const struct transcript_line *line,
					 struct err *err)
{
	if (strcmp(ceremonycheck_fact(line, "label"), c->transport) != 0 ||
	    !ceremonycheck_is_doomed(&c->transported, line))
		return ceremonycheck_order("another transport key was "
					   "destroyed than was given",
					   err);
	if (!ceremonycheck_is(c, PLAN_TAKE_KEY) || c->open == 0 ||
	    c->key_taken != c->open)
		return ceremonycheck_order("a transport key was destroyed "
					   "before a key was taken with it",
					   err);
	c->about = true;
	return PV_OK;
}
