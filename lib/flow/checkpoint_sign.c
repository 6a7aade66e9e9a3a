/* The token's side of checkpoints. */
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/checkpoint_sign.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/tokennote.h"

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

enum pv_code checkpoint_sign_text(struct checkpoint_signer *s, struct span text,
				  struct buf *note, struct err *err)
{
	enum pv_code rc = note_start(note, text, err);

	for (size_t i = 0; rc == PV_OK && i < s->base->own_n; i++)
		rc = tokennote_add(s->hsm, s->key[i], &s->base->own[i],
				   s->base->origin, text, note, err);
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
