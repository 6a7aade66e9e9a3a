/*
 * Two of the steps that bring a CA's key from one authority's token to
 * another's: make-transport-key there, send-key here; take-key there is in
 * ceremony_take_key.c. Each file on the medium lies beside the transcript, too:
 * a run that goes on gives the same one.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/ceremony/ceremony_media.h"
#include "lib/ceremony/ceremony_transport.h"
#include "lib/ceremony/media.h"
#include "lib/ceremony/mediabox.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/keydestroy.h"
#include "lib/flow/keymake.h"
#include "lib/flow/keytransport.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/tokennote.h"
#include "policy/ceremonytext.h"

#define KEY_FILE "transport.key"

/* ---- what is given ---- */

struct signing { /* by the log's key */
	struct issue_key own;
	struct note_key key;
};

static enum pv_code load_log(struct ceremony *c, struct signing *s,
			     struct err *err)
{
	const struct authority_key *named = NULL;
	enum pv_code rc = authority_key(c->a, "log", &named, err);

	if (rc == PV_OK)
		rc = ownkey_load(c->store, named->label, &s->own, err);
	return rc == PV_OK
		       ? note_key_from_spki(
				 &s->key, c->a->origin,
				 (struct span){ s->own.spki, s->own.spki_len },
				 err)
		       : rc;
}

static enum pv_code sign(struct ceremony *c, const struct signing *s,
			 const struct buf *text, struct buf *file,
			 struct err *err)
{
	struct hsm_key *key;
	enum pv_code rc = ownkey_find(c->hsm, &s->own, &key, err);

	if (rc == PV_OK)
		rc = note_start(file, buf_span(text), err);
	return rc == PV_OK ? tokennote_add(c->hsm, key, &s->own, c->a->origin,
					   buf_span(text), file, err)
			   : rc;
}

/* What an interrupted run has made. */
static enum pv_code find_file(struct ceremony *c, const char *name,
			      struct buf *file, bool *there, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = file_read(c->opts->folder, name, FILEIO_NOFOLLOW, file, &why);
	*there = rc == PV_OK;
	if (rc == PV_OK || rc == PV_NOT_FOUND)
		return PV_OK;
	*err = why;
	return rc;
}

static enum pv_code another(const char *name, struct err *err)
{
	err_object(err, name);
	return err_fail(err, PV_INTEGRITY, "ceremony.file",
			"put the ceremony's folder back from a backup",
			"%s is not what this step makes", name);
}

/* ---- where a key can be sent to ---- */

/* Each of an authority that is there is a new one, whose generation stands in
 * the transcript before it is made. */
unsigned ceremony_transport_generation(const struct ceremony *c)
{
	for (size_t i = 0; c->opts->later && i < c->plan->steps_n; i++)
		if (c->plan->steps[i].kind == PLAN_TRANSPORT)
			return (unsigned)c->target[i];
	return KEYMAKE_FIRST;
}

static enum pv_code make_next(struct ceremony *c,
			      const struct keymake_known *known,
			      struct issue_key *key, struct err *err)
{
	struct keymake_job job = { .authority = c->a->name,
				   .store = c->store,
				   .hsm = c->hsm,
				   .purpose = PLAN_PURPOSE_TRANSPORT,
				   .generation =
					   ceremony_transport_generation(c),
				   .kind = HSM_KEY_TRANSPORT };
	char label[HSM_LABEL_MAX];
	struct keydestroy_key k;
	enum pv_code rc;

	if (job.generation == 0)
		job.generation = known->generation + 1;
	keymake_label(&job, label);
	rc = ceremony_target(c, label, job.generation, err);
	if (rc != PV_OK || known->generation < job.generation)
		return rc == PV_OK ? keymake(&job, key, err) : rc;
	rc = keydestroy_find(c->store, job.purpose, job.generation, &k, err);
	if (rc == PV_OK)
		*key = k.key;
	return rc;
}

static enum pv_code transport_key(struct ceremony *c, struct issue_key *key,
				  struct err *err)
{
	struct keymake_known known;
	enum pv_code rc =
		keymake_known(c->store, PLAN_PURPOSE_TRANSPORT, &known, err);

	if (rc == PV_OK && c->opts->later)
		return make_next(c, &known, key, err);
	if (rc == PV_OK && known.n == 0)
		rc = ceremony_keymake(c, PLAN_PURPOSE_TRANSPORT,
				      HSM_KEY_TRANSPORT, &known.newest, err);
	*key = known.newest;
	return rc;
}

static enum pv_code make_key_file(struct ceremony *c,
				  const struct issue_key *key, struct buf *file,
				  struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct transport_key k = { .spki_len = key->spki_len };
	struct signing by;
	struct hsm_key *found;
	enum pv_code rc = load_log(c, &by, err);

	buf_init(&text, TRANSPORT_TEXT_MAX);
	snprintf(k.authority, sizeof(k.authority), "%s", c->a->name);
	snprintf(k.token, sizeof(k.token), "%s",
		 c->serial[0] ? c->serial : "-");
	snprintf(k.label, sizeof(k.label), "%s", key->label);
	memcpy(k.spki, key->spki, key->spki_len);
	if (rc == PV_OK)
		rc = ownkey_find(c->hsm, key, &found, err);
	if (rc == PV_OK)
		rc = hsm_agreements(c->hsm, found, &k.takes, err);
	if (rc == PV_OK)
		rc = transport_key_text(&k, &by.key, &text, err);
	return rc == PV_OK ? sign(c, &by, &text, file, err) : rc;
}

/* Kept, told and given. */
static enum pv_code give_key(struct ceremony *c, const struct issue_key *key,
			     const struct buf *file, struct err *err)
{
	struct transport_key k;
	struct note_key log;
	struct signing by;
	char hex[65], spki[65];
	enum pv_code rc = transport_key_parse(buf_span(file), &k, &log, err);

	if (rc == PV_OK)
		rc = load_log(c, &by, err);
	if (rc == PV_OK &&
	    (!note_key_equal(&log, &by.key) ||
	     !span_equal((struct span){ k.spki, k.spki_len },
			 (struct span){ key->spki, key->spki_len })))
		rc = another(KEY_FILE, err);
	if (rc == PV_OK)
		rc = ceremony_put_file(c, KEY_FILE, buf_span(file), hex, err);
	if (rc == PV_OK)
		rc = ceremony_hash((struct span){ k.spki, k.spki_len }, spki,
				   err);
	if (rc == PV_OK)
		rc = CEREMONY_PUT(c, "transport-key", { "label", k.label },
				  { "spki_sha256", spki }, { "file", KEY_FILE },
				  { "file_sha256", hex });
	return rc == PV_OK ? ceremony_give(c, KEY_FILE, buf_span(file), err)
			   : rc;
}

enum pv_code ceremony_make_transport(struct ceremony *c,
				     const struct plan_step *step,
				     struct err *err)
{
	CLEANUP(buf_release) struct buf file;
	struct issue_key key;
	bool there = false;
	enum pv_code rc;

	buf_init(&file, MEDIA_FILE_MAX);
	snprintf(c->object, sizeof(c->object), "%s", step->purpose);
	rc = ceremony_login(c, err);
	if (rc == PV_OK)
		rc = transport_key(c, &key, err);
	if (rc == PV_OK)
		rc = ceremony_tell_key(c, &key, err);
	if (rc == PV_OK)
		rc = find_file(c, KEY_FILE, &file, &there, err);
	if (rc == PV_OK && !there)
		rc = make_key_file(c, &key, &file, err);
	/* It takes a while until a key comes back, and the authority issues
	 * meanwhile. */
	if (rc == PV_OK && c->opts->later)
		rc = checkpoint_now(c->a, c->store, c->hsm, err);
	return rc == PV_OK ? give_key(c, &key, &file, err) : rc;
}

/* ---- of a stranger's key ---- */

/* The plan has its hash, or people compare it. A rehearsal's key is a
 * throw-away one. */
enum pv_code ceremony_transport_meet(struct ceremony *c,
				     const struct plan_step *step,
				     struct span spki, const char *text,
				     struct err *err)
{
	char hex[65], want[65], groups[CEREMONYTEXT_GROUPS], ask[400];
	enum pv_code rc = ceremony_hash(spki, hex, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(step->other_spki, sizeof(step->other_spki), want);
	if (step->has_other && !ceremony_rehearses(c) &&
	    strcmp(hex, want) != 0) {
		err_object(err, step->purpose);
		return err_fail(err, PV_DENIED, "transport.spki",
				"bring the key that the plan names",
				"the public key has SHA-256 %s, and the plan "
				"names %s",
				hex, want);
	}
	if (step->has_other) /* a run that goes on takes nothing again */
		return ceremony_log_step(c, "shown", err);
	rc = CEREMONY_PUT(c, "recipient", { "spki_sha256", hex });
	if (rc != PV_OK)
		return rc;
	ceremonytext_groups(hex, groups);
	snprintf(ask, sizeof(ask),
		 "%.200s: the SHA-256 of the public key of %s is %s", text,
		 step->kind == PLAN_SEND_KEY ? "the transport key"
					     : "the key that is taken",
		 groups);
	return ceremony_agree(c, ask, err);
}

/* Whoever compares transcripts later finds that log key in theirs. */
enum pv_code ceremony_transport_tell_signer(struct ceremony *c,
					    const char *from, const char *file,
					    const struct note_key *log,
					    struct err *err)
{
	CLEANUP(buf_release) struct buf vkey;

	buf_init(&vkey, TRANSCRIPT_VALUE_MAX);
	note_key_put(log, &vkey);
	return buf_cstr(&vkey) ? CEREMONY_PUT(c, "signer", { "from", from },
					      { "file", file },
					      { "log_key", buf_cstr(&vkey) })
			       : buf_check(&vkey, err);
}

enum pv_code ceremony_transport_not_theirs(const char *file, const char *from,
					   struct err *err)
{
	err_object(err, file);
	return err_fail(err, PV_INTEGRITY, "transport.other",
			"bring the file that was given for this step",
			"%s is not what %s gives in this ceremony", file, from);
}

/* ---- out ---- */

static enum pv_code take_recipient(struct ceremony *c,
				   const struct plan_step *step,
				   struct transport_key *to, struct err *err)
{
	CLEANUP(buf_release) struct buf file;
	struct note_key log;
	char text[200];
	enum pv_code rc;

	buf_init(&file, MEDIA_FILE_MAX);
	rc = ceremony_take(c, step->to, KEY_FILE, &file, err);
	if (rc == PV_OK)
		rc = mediabox_transport_key(c->opts->media->box,
					    buf_span(&file), to, &log, err);
	if (rc == PV_OK && strcmp(to->authority, step->to) != 0)
		rc = ceremony_transport_not_theirs(KEY_FILE, step->to, err);
	if (rc == PV_OK)
		rc = ceremony_transport_tell_signer(c, step->to, KEY_FILE, &log,
						    err);
	snprintf(text, sizeof(text), "Send key %.64s to the token of %.64s",
		 step->purpose, step->to);
	return rc == PV_OK ? ceremony_transport_meet(
				     c, step,
				     (struct span){ to->spki, to->spki_len },
				     text, err)
			   : rc;
}

struct sending {
	struct ceremony *c;
	const struct plan_step *step;
	const struct authority_key *named;
	struct issue_key key;
};

static enum pv_code make_transport(const struct sending *s, struct buf *file,
				   struct err *err)
{
	struct ceremony *c = s->c;
	CLEANUP(buf_release) struct buf text;
	struct keytransport_sending job = { .store = c->store,
					    .authority = c->a->name,
					    .key = &s->key,
					    .generation =
						    s->named->generation };
	struct transport_key to;
	struct transport t;
	struct signing by;
	enum pv_code rc = take_recipient(c, s->step, &to, err);

	buf_init(&text, TRANSPORT_TEXT_MAX);
	job.to = &to;
	/* Strangers' bytes are read before the token is opened, where it is not
	 * open yet. */
	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	job.hsm = c->hsm;
	if (rc == PV_OK)
		rc = load_log(c, &by, err);
	if (rc == PV_OK)
		rc = keytransport_send(&job, &t, err);
	if (rc == PV_OK)
		rc = transport_text(&t, &by.key, &text, err);
	return rc == PV_OK ? sign(c, &by, &text, file, err) : rc;
}

/* Also one that an interrupted run has left. */
static enum pv_code check_transport(const struct sending *s, const char *name,
				    const struct transport *t,
				    const struct note_key *log, struct err *err)
{
	const struct plan_step *step = s->step;
	bool other = step->has_other && !ceremony_rehearses(s->c) &&
		     memcmp(t->to_sha256, step->other_spki, 32) != 0;
	bool sent = false;
	struct signing by;
	enum pv_code rc = load_log(s->c, &by, err);

	if (rc == PV_OK)
		rc = keytransport_is_sent(s->c->store, s->c->a->name, &s->key,
					  t, &sent, err);
	return rc == PV_OK && (!sent || other || strcmp(t->to, step->to) != 0 ||
			       !note_key_equal(log, &by.key))
		       ? another(name, err)
		       : rc;
}

/* Kept, told and given. */
static enum pv_code give_transport(const struct sending *s, const char *name,
				   const struct buf *file, struct err *err)
{
	struct ceremony *c = s->c;
	struct note_key log;
	struct transport t;
	char hex[65], spki[65], to[65];
	enum pv_code rc = transport_parse(buf_span(file), &t, &log, err);

	if (rc == PV_OK)
		rc = check_transport(s, name, &t, &log, err);
	if (rc == PV_OK)
		rc = ceremony_put_file(c, name, buf_span(file), hex, err);
	if (rc == PV_OK)
		rc = ceremony_hash((struct span){ t.spki, t.spki_len }, spki,
				   err);
	hex_encode(t.to_sha256, sizeof(t.to_sha256), to);
	if (rc == PV_OK)
		rc = CEREMONY_PUT(
			c, "sent", { "label", t.label },
			{ "purpose", t.purpose }, { "spki_sha256", spki },
			{ "to", t.to }, { "to_sha256", to },
			{ "algorithm", transport_algorithm(t.sent.how) },
			{ "file", name }, { "file_sha256", hex });
	return rc == PV_OK ? ceremony_give(c, name, buf_span(file), err) : rc;
}

enum pv_code ceremony_send_key(struct ceremony *c, const struct plan_step *step,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf file;
	struct sending s = { .c = c, .step = step };
	char name[CEREMONY_FILE_MAX];
	bool there = false;
	enum pv_code rc = authority_key(c->a, step->purpose, &s.named, err);

	buf_init(&file, MEDIA_FILE_MAX);
	ceremony_file(name, step->purpose, TRANSPORT_FILE_END);
	if (rc == PV_OK)
		rc = ownkey_load(c->store, s.named->label, &s.key, err);
	if (rc != PV_OK)
		return rc;
	snprintf(c->object, sizeof(c->object), "%s", s.key.label);
	rc = keytransport_may_send(&s.key, err);
	if (rc == PV_OK)
		rc = find_file(c, name, &file, &there, err);
	if (rc == PV_OK && !there)
		rc = make_transport(&s, &file, err);
	return rc == PV_OK ? give_transport(&s, name, &file, err) : rc;
}
