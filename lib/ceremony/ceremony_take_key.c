/* The step take-key: the key that was sent, into the token, and the end of the
 * transport key that it was sent to. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/ceremony/ceremony_media.h"
#include "lib/ceremony/ceremony_transport.h"
#include "lib/ceremony/media.h"
#include "lib/ceremony/mediabox.h"
#include "lib/flow/keydestroy.h"
#include "lib/flow/keymake.h"
#include "lib/flow/keyrestore.h"
#include "lib/flow/keytransport.h"
#include "lib/flow/ownkey.h"

static enum pv_code take_file(struct ceremony *c, const struct plan_step *step,
			      const struct issue_key *with, struct transport *t,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf file;
	char name[CEREMONY_FILE_MAX], text[200];
	struct note_key log;
	enum pv_code rc;

	buf_init(&file, MEDIA_FILE_MAX);
	ceremony_file(name, step->purpose, TRANSPORT_FILE_END);
	rc = ceremony_take(c, step->from, name, &file, err);
	if (rc == PV_OK)
		rc = mediabox_transport(c->opts->media->box, buf_span(&file), t,
					&log, err);
	if (rc == PV_OK && (strcmp(t->from, step->from) != 0 ||
			    strcmp(t->purpose, step->purpose) != 0))
		rc = ceremony_transport_not_theirs(name, step->from, err);
	if (rc == PV_OK)
		rc = keytransport_is_for(t, c->a->name, with, err);
	if (rc == PV_OK)
		rc = ceremony_transport_tell_signer(c, step->from, name, &log,
						    err);
	snprintf(text, sizeof(text), "Take key %.64s of %.64s into the token",
		 step->purpose, step->from);
	return rc == PV_OK
		       ? ceremony_transport_meet(
				 c, step, (struct span){ t->spki, t->spki_len },
				 text, err)
		       : rc;
}

static enum pv_code take(struct ceremony *c, const struct plan_step *step,
			 const struct issue_key *with, struct issue_key *key,
			 struct err *err)
{
	struct keytransport_taking job = { .store = c->store,
					   .authority = c->a->name,
					   .with = with };
	struct transport t;
	uint8_t digest[32];
	enum pv_code rc = take_file(c, step, with, &t, err);

	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	if (rc == PV_OK)
		rc = keyrestore_digest(t.label, c->t.head.sha256, digest, err);
	job.hsm = c->hsm;
	job.t = &t;
	job.digest = digest;
	return rc == PV_OK ? keytransport_take(&job, key, err) : rc;
}

/* Signs over the transcript as it stands. */
static enum pv_code tell_taken(struct ceremony *c, const struct plan_step *step,
			       const struct issue_key *key, struct err *err)
{
	CLEANUP(tokensign_close) struct tokensign by = { .hsm = NULL };
	char hex[65], der[2 * HSM_SPKI_MAX + 1], head[65], sig_hex[129];
	uint8_t digest[32], sig[64];
	enum pv_code rc = ceremony_tell_key(c, key, err);

	if (rc == PV_OK)
		rc = keyrestore_digest(key->label, c->t.head.sha256, digest,
				       err);
	if (rc == PV_OK)
		rc = tokensign_open(&by, c->hsm, key, err);
	if (rc == PV_OK)
		rc = tokensign_digest(&by, digest, sig, err);
	if (rc == PV_OK)
		rc = ceremony_hash((struct span){ key->spki, key->spki_len },
				   hex, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(key->spki, key->spki_len, der);
	hex_encode(c->t.head.sha256, 32, head);
	hex_encode(sig, sizeof(sig), sig_hex);
	return CEREMONY_PUT(c, "key-taken", { "label", key->label },
			    { "purpose", key->purpose }, { "from", step->from },
			    { "spki_sha256", hex }, { "spki", der },
			    { "head", head }, { "signature", sig_hex });
}

/* It was for one key. */
static enum pv_code end_transport_key(struct ceremony *c,
				      const struct keydestroy_key *k,
				      struct err *err)
{
	struct tokens tokens = ceremony_tokens(c);
	char id[2 * HSM_ID_LEN + 1];
	enum pv_code rc =
		k->destroyed ? PV_OK : keydestroy(c->store, &tokens, k, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(k->key.id, HSM_ID_LEN, id);
	return CEREMONY_PUT(c, "transport-destroyed", { "label", k->key.label },
			    { "id", id });
}

/* Of a later plan: another one made, or took, it meanwhile. */
static enum pv_code is_ours(const struct ceremony *c,
			    const struct issue_key *key, struct err *err)
{
	if (!key->generated && c->points.shown[c->n])
		return PV_OK;
	err_object(err, key->label);
	return err_fail(err, PV_CONFLICT, "rotate.key",
			"have it sent for a CA of another name",
			"a key of that purpose was %s",
			key->generated ? "generated here"
				       : "taken by another ceremony");
}

enum pv_code ceremony_take_key(struct ceremony *c, const struct plan_step *step,
			       struct err *err)
{
	struct keymake_known known;
	struct keydestroy_key to;
	enum pv_code rc = keymake_known(c->store, step->purpose, &known, err);

	snprintf(c->object, sizeof(c->object), "%s", step->purpose);
	if (rc == PV_OK)
		rc = keydestroy_find(c->store, PLAN_PURPOSE_TRANSPORT,
				     ceremony_transport_generation(c), &to,
				     err);
	if (rc == PV_OK)
		rc = known.n == 0 ? take(c, step, &to.key, &known.newest, err)
				  : is_ours(c, &known.newest, err);
	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	if (rc == PV_OK)
		rc = tell_taken(c, step, &known.newest, err);
	if (rc == PV_OK)
		rc = end_transport_key(c, &to, err);
	/* A later plan puts it to use with its certificate. */
	return rc == PV_OK && !c->opts->later
		       ? ceremony_name_key(c, &known.newest, err)
		       : rc;
}
