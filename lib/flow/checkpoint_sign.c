/* The token's side of checkpoints. */
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/checkpoint_sign.h"
#include "lib/flow/ownkey.h"

struct checkpoint_signer {
	const struct checkpoint_base *base;
	struct hsm *hsm;
	struct hsm_key *key[CHECKPOINT_KEYS_MAX];
	struct log_hasher hasher;
	struct log_point *last;
};

enum pv_code checkpoint_signer_new(const struct checkpoint_base *base,
				   struct hsm *hsm, struct log_point *last,
				   struct checkpoint_signer **out,
				   struct err *err)
{
	struct checkpoint_signer *s = mem_new(sizeof(*s), err);
	enum pv_code rc;

	*out = NULL;
	if (!s)
		return PV_INTERNAL;
	s->base = base;
	s->hsm = hsm;
	s->last = last;
	rc = log_hasher_init(&s->hasher, err);
	for (size_t i = 0; rc == PV_OK && i < base->own_n; i++)
		rc = ownkey_find(hsm, &base->own[i], &s->key[i], err);
	if (rc == PV_OK)
		*out = s;
	else
		checkpoint_signer_free(s);
	return rc;
}

void checkpoint_signer_free(struct checkpoint_signer *s)
{
	if (!s)
		return;
	log_hasher_release(&s->hasher);
	free(s);
}

struct asking {
	struct checkpoint_signer *s;
	struct hsm_key *key;
};

static enum pv_code sign(void *ctx, struct span text, const uint8_t digest[32],
			 uint8_t raw[NOTE_RAW_LEN], struct err *err)
{
	const struct asking *a = ctx;

	if (hsm_info(a->s->hsm, a->key)->kind == HSM_KEY_ED25519)
		return hsm_sign_message(a->s->hsm, a->key, text, raw, err);
	return hsm_sign_digest(a->s->hsm, a->key, digest, raw, err);
}

static enum pv_code add_line(struct checkpoint_signer *s, size_t i,
			     struct span body, struct buf *note,
			     struct err *err)
{
	const struct issue_key *own = &s->base->own[i];
	struct asking asking = { s, s->key[i] };
	struct note_key key;
	struct note_signer signer = { &key, sign, &asking };
	enum pv_code rc = note_key_from_spki(
		&key, s->base->origin,
		(struct span){ own->spki, own->spki_len }, err);

	if (rc == PV_OK)
		rc = note_sign(note, body, &signer, err);
	if (rc == PV_INTEGRITY)
		err->code = rc = PV_HSM_FATAL; /* its own answer was wrong */
	if (rc != PV_OK)
		err_object(err, own->label);
	return rc;
}

enum pv_code checkpoint_sign_text(struct checkpoint_signer *s, struct span text,
				  struct buf *note, struct err *err)
{
	enum pv_code rc = note_start(note, text, err);

	for (size_t i = 0; rc == PV_OK && i < s->base->own_n; i++)
		rc = add_line(s, i, text, note, err);
	return rc;
}

enum pv_code checkpoint_sign(struct checkpoint_signer *s,
			     const struct checkpoint_ask *ask, struct buf *note,
			     struct err *err)
{
	CLEANUP(buf_release) struct buf body;
	enum pv_code rc = log_checkpoint_may_follow(
		&s->hasher, s->last->size ? s->last : NULL, &ask->next,
		&ask->proof, err);

	buf_init(&body, LOG_BODY_MAX);
	if (rc == PV_OK)
		rc = log_checkpoint_put(s->base->origin, &ask->next, &body,
					err);
	if (rc == PV_OK)
		rc = checkpoint_sign_text(s, buf_span(&body), note, err);
	if (rc == PV_OK)
		*s->last = ask->next;
	return rc;
}

/* Of the log that was just signed, and not back before what is known. */
static bool may_govern(const struct checkpoint_signer *s,
		       const struct governance *g)
{
	const struct governance *known = &s->base->file;

	return g->size == s->last->size && g->size >= known->size &&
	       (g->head == LOG_NO_PREV ? known->head == LOG_NO_PREV
				       : g->head < g->size) &&
	       (known->head == LOG_NO_PREV || g->head >= known->head);
}

enum pv_code checkpoint_sign_governance(struct checkpoint_signer *s,
					const struct checkpoint_ask *ask,
					struct buf *note, struct err *err)
{
	CLEANUP(buf_release) struct buf body;

	buf_init(&body, GOVERNANCE_TEXT_MAX);
	if (!ask->governs)
		return PV_OK;
	if (!may_govern(s, &ask->governance))
		return err_fail(err, PV_INTEGRITY, "store.governance", NULL,
				"these decisions do not go on from the last");
	governance_put(s->base->origin, &ask->governance, &body);
	return checkpoint_sign_text(s, buf_span(&body), note, err);
}
