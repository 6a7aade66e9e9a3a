/* The signer: a group from requests to intents. */
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/flow/datakey.h"
#include "lib/flow/outcome.h"
#include "lib/flow/signer_fail.h"

#define DATAKEY_ROW_MAX 256

/* The run's data key, drawn and announced before its first row. */
static enum pv_code need_datakey(struct signer *s, struct err *err)
{
	const struct issue_context *ctx = s->opts->contexts[0];
	struct wire *w = s->opts->writer;
	uint8_t id[ATREST_ID_LEN];
	struct buf row;
	enum pv_code rc;

	if (s->datakey || prepared_secret_bytes(ctx->tmpl) == 0)
		return PV_OK;
	buf_init(&row, DATAKEY_ROW_MAX);
	rc = datakey_new(s->hsm, ctx->store_key, ctx->store_uses,
			 s->opts->authority->name, id, &row, &s->datakey, err);
	if (rc == PV_OK) {
		size_t mark = wire_begin(w, WIRE_DATAKEY);

		wire_put_bytes(w, id, sizeof(id));
		wire_put_span(w, buf_span(&row));
		wire_end(w, mark);
		s->minting.data = s->datakey;
	}
	buf_release(&row);
	return rc;
}

/* Draws what a new device needs; *why is what its request fails by. */
static enum pv_code make_slot(struct signer *s, struct signer_slot *slot,
			      uint64_t now_ms, struct err *why, struct err *err)
{
	uint32_t number;
	enum pv_code rc = signer_next_number(s, &number, err);

	if (rc != PV_OK)
		return rc;
	do {
		err_init(why);
		rc = need_datakey(s, why);
		if (rc == PV_OK)
			rc = prepare(slot->prepared, &s->minting,
				     slot->approved, number, now_ms, why);
		if (!signer_ends_run(rc))
			return PV_OK;
	} while (rc == PV_HSM_TEMP &&
		 signer_meet_failure(s, why, err) == PV_OK);
	if (err->code == PV_OK)
		*err = *why;
	return err->code;
}

/* The template, or what it names, stands in the way of a new device only. */
static bool may_be_stored(enum pv_code rc)
{
	return outcome_is_denial(rc) || rc == PV_NOT_FOUND;
}

/*
 * A request that proves nothing is refused here. One that only this template
 * denies goes to the writer, who knows whether the device has its answer, and
 * so does what is to be held.
 */
static enum pv_code prepare_slot(struct signer *s, struct signer_slot *slot,
				 struct err *err)
{
	uint64_t now_ms = (uint64_t)pvtime_now_ms();
	struct err why;
	bool proven;
	enum pv_code rc;

	err_init(&why);
	proven = prove(slot->approved, &s->approver, &slot->req, &why) == PV_OK;
	if (proven && approve(slot->approved, now_ms, &why) == PV_OK) {
		rc = make_slot(s, slot, now_ms, &why, err);
		if (rc != PV_OK)
			return rc;
	}
	if (signer_ends_run(why.code)) {
		*err = why;
		return why.code;
	}
	slot->state = SLOT_WAITING;
	if (why.code == PV_OK)
		record_put_intent(s->opts->writer, slot->prepared);
	else if ((proven && may_be_stored(why.code)) ||
		 approved_suspect(slot->approved))
		record_put_denied(s->opts->writer, slot->approved, &why);
	else
		signer_refuse(s, slot, &why);
	return PV_OK;
}

/* Made when first needed: one device needs one. */
static enum pv_code need_slot(struct signer_slot *slot, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!slot->approved) {
		request_init(&slot->req);
		rc = approved_new(&slot->approved, err);
	}
	if (rc == PV_OK && !slot->prepared)
		rc = prepared_new(&slot->prepared, err);
	return rc;
}

static enum pv_code take_request(struct signer *s, struct signer_group *g,
				 struct wire_rec *rec, struct err *err)
{
	struct record_refused r;
	struct signer_slot *slot;
	enum pv_code rc;

	if (g->n == READER_GROUP_MAX)
		return err_fail(err, PV_INTERNAL, "signer.group", NULL,
				"a group is too large");
	if (rec->type == WIRE_REFUSED) {
		rc = record_get_refused(rec, &r, err);
		if (rc == PV_OK)
			record_put_refused(s->opts->writer, &r);
		return rc;
	}
	slot = &g->slots[g->n];
	slot->group = g;
	slot->rc = PV_OK;
	slot->made = false;
	rc = need_slot(slot, err);
	if (rc == PV_OK)
		rc = request_get(rec, &slot->req, err);
	if (rc != PV_OK)
		return rc;
	g->n++;
	return prepare_slot(s, slot, err);
}

static enum pv_code end_filling(struct signer *s, struct signer_group *g,
				uint64_t number, struct err *err)
{
	g->number = number;
	g->state = GROUP_SENT;
	s->filling = (s->filling + 1) % SIGNER_GROUPS;
	wire_put_mark(s->opts->writer, WIRE_GROUP_END, number);
	return wire_flush(s->opts->writer, err);
}

/* The group that takes requests now, or NULL: all are under way. */
static struct signer_group *group_to_fill(struct signer *s)
{
	struct signer_group *g = s->groups[s->filling];

	if (g->state == GROUP_FREE) {
		g->state = GROUP_FILLING;
		g->n = 0;
	}
	return g->state == GROUP_FILLING ? g : NULL;
}

enum pv_code signer_fill(struct signer *s, struct err *err)
{
	struct wire *w = s->opts->reader;
	struct signer_group *g;
	struct wire_rec rec;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && !s->input_ended && (g = group_to_fill(s)) &&
	       wire_next(w, &rec)) {
		s->moved = true;
		if (rec.type == WIRE_GROUP_END)
			rc = end_filling(s, g, wire_get_u64(&rec), err);
		else if (rec.type == WIRE_END)
			s->input_ended = s->whole = true;
		else
			rc = take_request(s, g, &rec, err);
	}
	return rc;
}
