/* The signer: one group from requests to intents, and on to results. */
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/flow/datakey.h"
#include "lib/flow/signer_impl.h"

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
	signer_enter_token(s);
	rc = datakey_new(s->hsm, ctx->store_key, s->opts->authority->name, id,
			 &row, &s->datakey, err);
	signer_leave_token(s);
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

static enum pv_code prepare_slot(struct signer *s, struct signer_slot *slot,
				 struct err *err)
{
	uint64_t now = (uint64_t)pvtime_now_ms();
	struct err why;
	uint32_t number;
	enum pv_code rc;

	err_init(&why);
	rc = approve(slot->approved, &s->approver, &slot->req, now, &why);
	if (rc == PV_OK) {
		rc = signer_next_number(s, &number, err);
		if (rc == PV_OK)
			rc = need_datakey(s, err);
		if (rc != PV_OK)
			return rc;
		signer_enter_token(s);
		rc = prepare(slot->prepared, &s->minting, slot->approved,
			     number, now, &why);
		signer_leave_token(s);
	}
	if (signer_ends_run(rc)) {
		*err = why;
		return rc;
	}
	if (rc != PV_OK) {
		signer_refuse(s, slot, &why);
		return PV_OK;
	}
	record_put_intent(s->opts->writer, slot->prepared);
	slot->state = SLOT_WAITING;
	return PV_OK;
}

static enum pv_code take_request(struct signer *s, struct wire_rec *rec,
				 struct err *err)
{
	struct signer_group *g = s->filling;
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
	rc = request_get(rec, &slot->req, err);
	if (rc != PV_OK)
		return rc;
	g->n++;
	return prepare_slot(s, slot, err);
}

static enum pv_code end_filling(struct signer *s, uint64_t number,
				struct err *err)
{
	s->filling->number = number;
	s->filling->complete = true;
	wire_put_mark(s->opts->writer, WIRE_GROUP_END, number);
	return wire_flush(s->opts->writer, err);
}

enum pv_code signer_fill(struct signer *s, bool wait, struct err *err)
{
	struct wire *w = s->opts->reader;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK && !s->filling->complete && !s->input_ended) {
		struct wire_rec rec;
		size_t before;

		if (wire_next(w, &rec)) {
			if (rec.type == WIRE_GROUP_END)
				rc = end_filling(s, wire_get_u64(&rec), err);
			else if (rec.type == WIRE_END)
				s->input_ended = true;
			else
				rc = take_request(s, &rec, err);
			continue;
		}
		if (w->eof) {
			s->input_ended = true;
			break;
		}
		before = w->in.len - w->in_pos;
		rc = wire_fill(w, wait ? -1 : 0, err);
		if (!wait && !w->eof && w->in.len - w->in_pos == before)
			break;
	}
	return rc;
}

static enum pv_code need_stages(struct signer_slot *slot, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (!slot->issued)
		rc = issued_new(&slot->issued, err);
	if (rc == PV_OK && !slot->bundled)
		rc = bundled_new(&slot->bundled, err);
	return rc;
}

/* Signs and seals one device; a failure of the request alone is reported. */
static enum pv_code finish_slot(struct signer *s, struct signer_slot *slot,
				struct err *err)
{
	size_t c = signer_context(
		s, prepared_context(slot->prepared)->template_sha256);
	struct err why;
	enum pv_code rc = need_stages(slot, err);

	if (rc != PV_OK)
		return rc;
	err_init(&why);
	signer_enter_token(s);
	rc = issue_certificate(slot->issued, &s->signings[c], slot->prepared,
			       &why);
	if (rc == PV_OK)
		rc = bundle_seal(slot->bundled, &s->signings[c], slot->issued,
				 &why);
	signer_leave_token(s);
	if (signer_ends_run(rc)) {
		*err = why;
		return rc;
	}
	if (rc != PV_OK)
		signer_refuse(s, slot, &why);
	return PV_OK;
}

/* Signs the descriptors of a group, one context after another. */
static enum pv_code sign_group(struct signer *s, struct signer_group *g,
			       struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t c = 0; rc == PV_OK && c < s->opts->contexts_n; c++) {
		struct bundled *list[READER_GROUP_MAX];
		size_t n = 0;

		for (size_t i = 0; i < g->n; i++) {
			struct signer_slot *slot = &g->slots[i];

			if (slot->state == SLOT_GO &&
			    prepared_context(slot->prepared) ==
				    s->opts->contexts[c])
				list[n++] = slot->bundled;
		}
		signer_enter_token(s);
		rc = bundles_sign(list, n, &s->signings[c],
				  (uint64_t)pvtime_now_ms(), err);
		signer_leave_token(s);
	}
	return rc;
}

enum pv_code signer_finish(struct signer *s, struct err *err)
{
	struct signer_group *g = s->waiting;
	enum pv_code rc = signer_await_group(s, err);

	for (size_t i = 0; rc == PV_OK && i < g->n; i++)
		if (g->slots[i].state == SLOT_GO)
			rc = finish_slot(s, &g->slots[i], err);
	if (rc == PV_OK)
		rc = sign_group(s, g, err);
	for (size_t i = 0; rc == PV_OK && i < g->n; i++) {
		if (g->slots[i].state == SLOT_GO)
			record_put_result(s->opts->writer, g->slots[i].bundled);
		prepared_reset(g->slots[i].prepared);
	}
	if (rc == PV_OK) {
		wire_put_mark(s->opts->writer, WIRE_RESULTS_END, g->number);
		rc = wire_flush(s->opts->writer, err);
	}
	s->waiting = NULL;
	return rc;
}
