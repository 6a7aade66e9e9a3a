/* The signer: what the writer answers, and the numbers it lends. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/datakey.h"
#include "lib/flow/signer_fail.h"
#include "lib/flow/signer_log.h"

#define NUMBERS_BLOCK 1024 /* ordered numbers borrowed at once by a batch */
#define NUMBERS_LOW READER_GROUP_MAX

void signer_ask_numbers(struct signer *s)
{
	if (s->asked)
		return;
	wire_put_mark(s->opts->writer, WIRE_NEED_SERIALS,
		      s->opts->batch ? NUMBERS_BLOCK : 1);
	s->asked = true;
}

static void take_numbers(struct signer *s, struct wire_rec *rec)
{
	struct signer_numbers *to =
		s->numbers.left == 0 ? &s->numbers : &s->spare;

	to->first = (uint32_t)wire_get_u64(rec);
	to->left = (uint32_t)wire_get_u64(rec);
	s->asked = false;
}

static struct signer_slot *find_in(struct signer_group *g, uint64_t line)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->slots[i].req.line == line &&
		    g->slots[i].state == SLOT_WAITING)
			return &g->slots[i];
	return NULL;
}

/* The slot that an answer is about: answers come in the order of intents. */
static struct signer_slot *find_slot(struct signer *s, uint64_t line)
{
	for (size_t k = 0; k < SIGNER_GROUPS; k++) {
		size_t at = (s->filling + k) % SIGNER_GROUPS;
		struct signer_slot *slot = NULL;

		if (s->groups[at]->state == GROUP_SENT ||
		    s->groups[at]->state == GROUP_FILLING)
			slot = find_in(s->groups[at], line);
		if (slot)
			return slot;
	}
	return NULL;
}

static enum pv_code bad_answer(struct err *err)
{
	return err_fail(err, PV_INTERNAL, "signer.answer", NULL,
			"the writer answered something not asked");
}

/* The first generation of a CA is 0 in a row that was made before there were
 * more, and no CA is. */
static bool same_generation(uint32_t a, uint32_t b)
{
	return (a ? a : 1) == (b ? b : 1);
}

size_t signer_context(const struct signer *s, const uint8_t sha256[32],
		      uint32_t ca_generation)
{
	size_t i = 0;

	while (i < s->opts->contexts_n &&
	       (memcmp(s->opts->contexts[i]->template_sha256, sha256, 32) !=
			0 ||
		!same_generation(s->opts->contexts[i]->ca_generation,
				 ca_generation)))
		i++;
	return i;
}

/* A data key is opened by the generation of the store key that sealed it. */
static enum pv_code open_datakey(struct signer *s, struct span row,
				 const uint8_t id[ATREST_ID_LEN],
				 struct err *err)
{
	const struct issue_key *by;
	uint8_t by_id[ATREST_ID_LEN];
	enum pv_code rc = atrest_row_id(row, by_id, err);

	if (rc != PV_OK)
		return rc;
	by = issue_context_key(s->opts->contexts[0], HSM_KEY_STORE, by_id);
	if (!by)
		return err_fail(err, PV_INTEGRITY, "atrest.key",
				"run `provctl audit verify'",
				"a data key names a store key that is not "
				"ours");
	return datakey_open(s->hsm, by, s->opts->authority->name, id, row,
			    &s->old_key, err);
}

static enum pv_code open_old_key(struct signer *s,
				 const struct record_stored *r, struct err *err)
{
	uint8_t id[ATREST_ID_LEN];
	enum pv_code rc;

	if (r->secrets.len == 0)
		return PV_OK;
	rc = atrest_row_id(r->secrets, id, err);
	if (rc != PV_OK ||
	    (s->old_key && memcmp(atrest_id(s->old_key), id, sizeof(id)) == 0))
		return rc;
	atrest_free(TAKE(s->old_key));
	return open_datakey(s, r->datakey, id, err);
}

/* An open intent keeps its template's version, and so the manifests of it. */
static enum pv_code manifests_stand(const struct issue_context *ctx,
				    struct err *err)
{
	enum pv_code rc = issue_context_manifests(ctx, false, pvtime_now_s(), err);

	if (rc == PV_DENIED)
		snprintf(err->hint, sizeof(err->hint), "%s",
			 "issue under another device id with another key: the "
			 "open intent keeps the template's version it began "
			 "with");
	return rc;
}

/* Which master a known device has its keys from; empty: the one in use. */
static bool take_kdf(struct signer_slot *slot, struct span id)
{
	if (id.len == HSM_ID_LEN)
		prepared_set_kdf(slot->prepared, id.p);
	return id.len == HSM_ID_LEN || id.len == 0;
}

static enum pv_code take_stored(struct signer *s, struct wire_rec *rec,
				struct err *err)
{
	struct record_stored r;
	struct err why;
	struct signer_slot *slot;
	size_t c;
	enum pv_code rc = record_get_stored(rec, &r, err);

	if (rc != PV_OK)
		return rc;
	slot = find_slot(s, r.line);
	c = signer_context(s, r.template_sha256, r.ca_generation);
	if (!slot)
		return bad_answer(err);
	err_init(&why);
	if (c == s->opts->contexts_n) {
		err_fail(&why, PV_HSM_TEMP, "template.changed", "run it again",
			 "an intent was made under a template that is not "
			 "loaded");
		signer_refuse(s, slot, &why);
		return PV_OK;
	}
	struct stored_intent i = { .ctx = s->opts->contexts[c],
				   .number = r.number,
				   .created_ms = r.created_ms,
				   .seq = r.seq,
				   .serial = r.serial,
				   .tbs = r.tbs,
				   .secrets = r.secrets };

	/* The record stays where it is: no channel is read meanwhile. */
	do {
		err_init(&why);
		rc = manifests_stand(i.ctx, &why);
		if (rc == PV_OK)
			rc = open_old_key(s, &r, &why);
		if (rc == PV_OK)
			rc = prepared_restore(slot->prepared, &s->minting,
					      slot->approved, &i, s->old_key,
					      &why);
	} while (rc == PV_HSM_TEMP &&
		 signer_meet_failure(s, &why, err) == PV_OK);
	if (signer_ends_run(rc)) {
		if (err->code == PV_OK)
			*err = why;
		return err->code;
	}
	if (rc != PV_OK)
		signer_refuse(s, slot, &why);
	else
		slot->state = SLOT_GO;
	return rc != PV_OK || take_kdf(slot, r.kdf) ? PV_OK : bad_answer(err);
}

/* A group has the answers that it waited for. */
static enum pv_code group_answered(struct signer *s, uint64_t number,
				   struct err *err)
{
	struct signer_group *g = NULL;
	enum pv_code rc = PV_OK;

	for (size_t k = 0; k < SIGNER_GROUPS && !g; k++)
		if (s->groups[k]->state == GROUP_SENT &&
		    s->groups[k]->number == number)
			g = s->groups[k];
	if (!g)
		return bad_answer(err);
	g->state = GROUP_WORKING;
	g->sent_ms = pvtime_mono_ms();
	for (size_t i = 0; rc == PV_OK && i < g->n; i++)
		if (g->slots[i].state == SLOT_GO)
			rc = workers_put(s->askers, &g->slots[i], err);
	return rc;
}

static void take_go(struct signer_slot *slot, struct wire_rec *rec)
{
	prepared_set_seq(slot->prepared, wire_get_u64(rec));
	rec->bad |= !take_kdf(slot, wire_get_span(rec));
}

/* What a slot is after an answer without contents. */
static enum slot_state state_after(enum wire_type answer)
{
	if (answer == WIRE_GO)
		return SLOT_GO;
	return answer == WIRE_HOLD ? SLOT_HELD : SLOT_DONE;
}

static enum pv_code take_answer(struct signer *s, struct wire_rec *rec,
				struct err *err)
{
	struct signer_slot *slot;
	enum pv_code rc;

	s->moved = true;
	switch (rec->type) {
	case WIRE_SERIALS:
		take_numbers(s, rec);
		break;
	case WIRE_GO_STORED:
		return take_stored(s, rec, err);
	case WIRE_CHECKPOINT:
		return signer_take_checkpoint(s, rec, err);
	case WIRE_GO:
	case WIRE_SKIP:
	case WIRE_HOLD:
		slot = find_slot(s, wire_get_u64(rec));
		if (!slot)
			return bad_answer(err);
		slot->state = state_after(rec->type);
		if (rec->type == WIRE_GO)
			take_go(slot, rec);
		break;
	case WIRE_GROUP_END:
		rc = group_answered(s, wire_get_u64(rec), err);
		if (rc != PV_OK)
			return rc;
		break;
	default:
		return bad_answer(err);
	}
	return wire_done(rec, err);
}

static enum pv_code writer_gone(struct err *err)
{
	return err_fail(err, PV_INTERRUPTED, "wire.peer", "run it again",
			"the writer has ended");
}

enum pv_code signer_take_answers(struct signer *s, struct err *err)
{
	struct wire_rec rec;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && wire_next(s->opts->writer, &rec))
		rc = take_answer(s, &rec, err);
	if (rc == PV_OK && s->opts->writer->eof)
		rc = writer_gone(err);
	return rc;
}

/* Takes answers until a number is lent. */
static enum pv_code await_numbers(struct signer *s, struct err *err)
{
	enum pv_code rc = wire_flush(s->opts->writer, err);

	while (rc == PV_OK && s->numbers.left == 0) {
		struct wire_rec rec;
		bool got;

		rc = wire_read(s->opts->writer, &rec, &got, err);
		if (rc == PV_OK && !got)
			rc = writer_gone(err);
		if (rc == PV_OK)
			rc = take_answer(s, &rec, err);
	}
	return rc;
}

enum pv_code signer_next_number(struct signer *s, uint32_t *number,
				struct err *err)
{
	enum pv_code rc = PV_OK;

	if (s->numbers.left == 0) {
		s->numbers = s->spare;
		s->spare.left = 0;
	}
	if (s->numbers.left + s->spare.left < NUMBERS_LOW && s->opts->batch)
		signer_ask_numbers(s);
	if (s->numbers.left == 0) {
		signer_ask_numbers(s);
		rc = await_numbers(s, err);
	}
	if (rc != PV_OK)
		return rc;
	*number = s->numbers.first++;
	s->numbers.left--;
	return PV_OK;
}
