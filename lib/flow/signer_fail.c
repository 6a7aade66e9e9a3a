/* The signer: what fails a device, and what ends the run. */
#include <stdio.h>
#include <string.h>

#include "lib/flow/outcome.h"
#include "lib/flow/record_quarantine.h"
#include "lib/flow/signer_fail.h"

void signer_refuse(struct signer *s, struct signer_slot *slot,
		   const struct err *why)
{
	struct record_refused r = { .line = slot->req.line, .why = *why };

	memcpy(r.id, slot->req.id, sizeof(r.id));
	memcpy(r.device, slot->req.device, sizeof(r.device));
	memcpy(r.bytes_sha256, slot->req.bytes_sha256, 32);
	err_object(&r.why, slot->req.device);
	record_put_refused(s->opts->writer, &r);
	slot->state = SLOT_REFUSED;
}

bool signer_ends_run(enum pv_code rc)
{
	return rc == PV_HSM_TEMP || rc == PV_HSM_FATAL || rc == PV_INTERNAL;
}

enum pv_code signer_end_results(struct signer *s, const struct signer_group *g,
				struct err *err)
{
	wire_put_mark(s->opts->writer, WIRE_RESULTS_END, g->number);
	return wire_flush(s->opts->writer, err);
}

static void quarantine(struct signer *s, struct signer_slot *slot)
{
	const struct wrong_signature *wrong = &slot->wrong;
	struct record_quarantine q = {
		.of = { .line = slot->req.line, .why = slot->why },
		.number = prepared_number(slot->prepared),
		.serial = prepared_serial(slot->prepared),
		.signature = { wrong->bytes, wrong->has_bytes ? 64 : 0 }
	};

	memcpy(q.of.id, slot->req.id, sizeof(q.of.id));
	memcpy(q.of.device, slot->req.device, sizeof(q.of.device));
	q.of.why.object[0] = '\0';
	err_object(&q.of.why, slot->req.device);
	snprintf(q.key, sizeof(q.key), "%s", wrong->label);
	record_put_quarantine(s->opts->writer, &q);
	slot->state = SLOT_REFUSED;
}

static bool is_wrong(const struct signer_slot *slot)
{
	return slot->state == SLOT_GO && slot->made &&
	       slot->rc == PV_HSM_FATAL && slot->wrong.label;
}

/* Tells of every wrong signature there is, before the run ends. */
static void tell_wrong(struct signer *s)
{
	struct err ignored; /* the writer may be gone too */

	err_init(&ignored);
	for (size_t k = 0; k < SIGNER_GROUPS; k++)
		for (size_t i = 0; i < s->groups[k]->n; i++)
			if (is_wrong(&s->groups[k]->slots[i]))
				quarantine(s, &s->groups[k]->slots[i]);
	if (signer_end_results(s, s->groups[0], &ignored) != PV_OK)
		return;
}

void signer_keep_wrong(struct signer_slot *slot, const struct signing *with)
{
	slot->wrong.label = NULL;
	if (slot->rc == PV_HSM_FATAL &&
	    strcmp(slot->why.rule, "hsm.signature") == 0)
		slot->wrong = with->wrong;
}

void signer_refuse_slot(struct signer *s, struct signer_slot *slot,
			const struct err *why)
{
	signer_refuse(s, slot, why);
	prepared_reset(slot->prepared);
}

enum pv_code signer_judge(struct signer *s, struct signer_group *g,
			  struct err *err)
{
	struct err worst;

	err_init(&worst);
	for (size_t i = 0; i < g->n; i++) {
		struct signer_slot *slot = &g->slots[i];

		if (slot->state != SLOT_GO || !slot->made)
			continue;
		if (slot->rc == PV_OK)
			slot->state = SLOT_READY;
		else if (signer_ends_run(slot->rc))
			outcome_note(&worst, &slot->why);
		else
			signer_refuse_slot(s, slot, &slot->why);
	}
	if (worst.code != PV_OK)
		*err = worst;
	return worst.code;
}

/*
 * Nobody goes on asking the token. What it has signed is checked first, since a
 * wrong signature is worse: *worst becomes what is found.
 */
static void settle_threads(struct signer *s, struct err *worst)
{
	s->ending = true;
	workers_drop(s->askers);
	workers_drain(s->sealers);
	s->token_failed = false;
	for (size_t k = 0; k < SIGNER_GROUPS; k++) {
		struct err found;

		err_init(&found);
		if (s->groups[k]->state == GROUP_WORKING &&
		    signer_judge(s, s->groups[k], &found) != PV_OK)
			outcome_note(worst, &found);
	}
}

enum pv_code signer_meet_failure(struct signer *s, const struct err *why,
				 struct err *err)
{
	struct err worst = *why;

	settle_threads(s, &worst);
	if (worst.code == PV_HSM_TEMP) {
		s->ending = false;
		return signer_next_token(s, &worst, err);
	}
	*err = worst;
	return worst.code;
}

enum pv_code signer_fail(struct signer *s, struct err *err)
{
	settle_threads(s, err);
	tell_wrong(s);
	return err->code;
}

enum pv_code signer_look_for_failure(struct signer *s, struct err *err)
{
	struct err why;

	s->token_failed = false;
	for (size_t k = 0; k < SIGNER_GROUPS; k++) {
		err_init(&why);
		if (s->groups[k]->state == GROUP_WORKING &&
		    signer_judge(s, s->groups[k], &why) != PV_OK)
			return signer_meet_failure(s, &why, err);
	}
	return PV_OK;
}
