/* The signer: one device signed and sealed, and a group's results. */
#include <stdio.h>
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/flow/record_quarantine.h"
#include "lib/flow/signer_impl.h"

/*
 * Results that wait for the rest of their group no longer than this: a slow
 * token takes long for a group. performance.md: a ceiling, not a wait.
 */
#define RESULTS_HOLD_MS 20
#define RESULTS_BYTES (2u * 1024u * 1024u) /* that are worth sending */
#define HOLD_MS 1000 /* between two tries of what a rate holds back */

static bool is_batch(const struct signer_slot *slot)
{
	return prepared_context(slot->prepared)->tmpl->signature ==
	       TPL_SIG_BATCH;
}

struct signing *signer_signing(struct signer *s, size_t w,
			       const struct signer_slot *slot)
{
	size_t n = s->opts->contexts_n;
	size_t c = signer_context(
		s, prepared_context(slot->prepared)->template_sha256);

	/* Without threads the signer itself works. */
	return &s->signings[(s->askers_n > 0 ? 1 + w : 0) * n + c];
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

/* The last thing that is done to a slot: the signer may look at it now. */
static void slot_made(struct signer *s, struct signer_slot *slot,
		      const struct signing *with)
{
	slot->wrong.label = NULL;
	if (slot->rc == PV_HSM_FATAL)
		slot->wrong = with->wrong;
	if (signer_ends_run(slot->rc))
		s->token_failed = true;
	slot->made = true;
}

void signer_ask(void *signer, size_t worker, void *piece)
{
	struct signer *s = signer;
	struct signer_slot *slot = piece;
	struct signing *with = signer_signing(s, worker, slot);
	enum pv_code rc;

	err_init(&slot->why);
	rc = need_stages(slot, &slot->why);
	if (rc == PV_OK)
		rc = issue_ask(slot->issued, with, slot->prepared, &slot->why);
	if (rc == PV_OK && !s->sealers) {
		signer_seal(s, worker, slot);
		return;
	}
	/* Once it is queued the slot is the other thread's. */
	if (rc == PV_OK)
		rc = workers_put(s->sealers, slot, &slot->why);
	if (rc == PV_OK)
		return;
	slot->rc = rc;
	slot_made(s, slot, with);
}

void signer_seal(void *signer, size_t worker, void *piece)
{
	struct signer *s = signer;
	struct signer_slot *slot = piece;
	size_t who = s->sealers ? s->askers_n + worker : worker;
	struct signing *with = signer_signing(s, who, slot);
	struct bundled *one[1] = { slot->bundled };

	slot->rc = issue_check(slot->issued, with, &slot->why);
	if (slot->rc == PV_OK)
		slot->rc = bundle_seal(slot->bundled, with, slot->issued,
				       &slot->why);
	/* A batch is signed when its group is together. */
	if (slot->rc == PV_OK && !is_batch(slot))
		slot->rc = bundles_sign(one, 1, with, (uint64_t)pvtime_now_ms(),
					&slot->why);
	slot_made(s, slot, with);
}

static enum pv_code end_results(struct signer *s, const struct signer_group *g,
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
static void tell_wrong(struct signer *s, const struct signer_group *g)
{
	struct err ignored; /* the writer may be gone too */

	err_init(&ignored);
	for (size_t k = 0; k < SIGNER_GROUPS; k++)
		for (size_t i = 0; i < s->groups[k]->n; i++)
			if (is_wrong(&s->groups[k]->slots[i]))
				quarantine(s, &s->groups[k]->slots[i]);
	if (end_results(s, g, &ignored) != PV_OK)
		return;
}

/* A wrong signature over a batch is one for each device in it. */
static void spoil_batch(struct signer_slot *const *list, size_t n,
			const struct wrong_signature *wrong,
			const struct err *why)
{
	for (size_t i = 0; i < n; i++) {
		list[i]->rc = why->code;
		list[i]->why = *why;
		list[i]->wrong = *wrong;
	}
}

/* Slots of one batch context that are to be signed; *n of them in list. */
static void collect_batch(struct signer *s, struct signer_group *g, size_t c,
			  struct signer_slot *list[READER_GROUP_MAX], size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < g->n; i++) {
		struct signer_slot *slot = &g->slots[i];

		if (slot->state == SLOT_GO && is_batch(slot) &&
		    prepared_context(slot->prepared) == s->opts->contexts[c])
			list[(*n)++] = slot;
	}
}

static void refuse_slot(struct signer *s, struct signer_slot *slot,
			const struct err *why)
{
	signer_refuse(s, slot, why);
	prepared_reset(slot->prepared);
}

/*
 * Signs the descriptors of a group, one context after another. What the batch
 * is refused for ends its devices, not the run.
 */
static enum pv_code sign_batches(struct signer *s, struct signer_group *g,
				 struct err *err)
{
	for (size_t c = 0; c < s->opts->contexts_n; c++) {
		struct signer_slot *slots[READER_GROUP_MAX];
		struct bundled *list[READER_GROUP_MAX];
		struct err why;
		enum pv_code rc;
		size_t n;

		collect_batch(s, g, c, slots, &n);
		for (size_t i = 0; i < n; i++)
			list[i] = slots[i]->bundled;
		err_init(&why);
		rc = bundles_sign(list, n, &s->signings[c],
				  (uint64_t)pvtime_now_ms(), &why);
		if (signer_ends_run(rc)) {
			*err = why;
			if (rc == PV_HSM_FATAL)
				spoil_batch(slots, n, &s->signings[c].wrong,
					    &why);
			tell_wrong(s, g);
			return rc;
		}
		for (size_t i = 0; rc != PV_OK && i < n; i++)
			refuse_slot(s, slots[i], &why);
	}
	return PV_OK;
}

/* A failure of the token ends the run, one of the request is reported. */
static enum pv_code take_failures(struct signer *s, struct signer_group *g,
				  struct err *err)
{
	for (size_t i = 0; i < g->n; i++) {
		struct signer_slot *slot = &g->slots[i];

		if (slot->state != SLOT_GO || !slot->made || slot->rc == PV_OK)
			continue;
		if (signer_ends_run(slot->rc)) {
			enum pv_code rc = slot->rc;

			*err = slot->why;
			tell_wrong(s, g);
			return rc;
		}
		refuse_slot(s, slot, &slot->why);
	}
	return PV_OK;
}

static size_t slots_left(const struct signer_group *g)
{
	size_t left = 0;

	for (size_t i = 0; i < g->n; i++)
		left += g->slots[i].state == SLOT_GO && !g->slots[i].made;
	return left;
}

/* Sends results; all: the group is whole, and so are its batches. */
static enum pv_code send_results(struct signer *s, struct signer_group *g,
				 bool all, struct err *err)
{
	enum pv_code rc = PV_OK;
	size_t sent = 0;

	for (size_t i = 0; rc == PV_OK && i < g->n; i++) {
		struct signer_slot *slot = &g->slots[i];

		if (slot->state != SLOT_GO || !slot->made ||
		    (!all && is_batch(slot)))
			continue;
		record_put_result(s->opts->writer, slot->bundled);
		prepared_reset(slot->prepared);
		slot->state = SLOT_DONE;
		sent++;
		/* Many large ones are several rounds of the writer. */
		if (s->opts->writer->out.len >= RESULTS_BYTES)
			rc = end_results(s, g, err);
	}
	g->sent_ms = pvtime_mono_ms();
	if (rc != PV_OK || (sent == 0 && !all))
		return rc;
	return end_results(s, g, err);
}

/* What is answered is done with; what is held waits. */
static void settle_group(struct signer_group *g)
{
	g->state = GROUP_FREE;
	for (size_t i = 0; i < g->n; i++) {
		if (g->slots[i].state == SLOT_HELD)
			g->state = GROUP_HELD;
		else
			prepared_reset(g->slots[i].prepared);
	}
	g->retry_ms = pvtime_mono_ms() + HOLD_MS;
}

/* Sends what group g has to send now. */
static enum pv_code finish_group(struct signer *s, struct signer_group *g,
				 struct err *err)
{
	bool all = slots_left(g) == 0;
	struct err why;
	enum pv_code rc;

	if (!all && pvtime_mono_ms() - g->sent_ms < RESULTS_HOLD_MS)
		return PV_OK;
	err_init(&why);
	rc = take_failures(s, g, &why);
	if (rc == PV_OK && all)
		rc = sign_batches(s, g, &why);
	/* With another token the group is not yet whole. */
	if (rc == PV_HSM_TEMP)
		return signer_next_token(s, &why, err);
	if (rc != PV_OK)
		*err = why;
	else
		rc = send_results(s, g, all, err);
	if (rc != PV_OK || !all)
		return rc;
	settle_group(g);
	s->moved = true;
	return PV_OK;
}

/* Nobody goes on asking a token that has gone: whichever group met it. */
static enum pv_code meet_failure(struct signer *s, struct err *err)
{
	struct err why;
	enum pv_code rc = PV_OK;

	err_init(&why);
	for (size_t k = 0; rc == PV_OK && k < SIGNER_GROUPS; k++)
		if (s->groups[k]->state == GROUP_WORKING)
			rc = take_failures(s, s->groups[k], &why);
	s->token_failed = false;
	if (rc == PV_HSM_TEMP)
		return signer_next_token(s, &why, err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

enum pv_code signer_finish(struct signer *s, struct err *err)
{
	enum pv_code rc = s->token_failed ? meet_failure(s, err) : PV_OK;

	for (size_t k = 0; rc == PV_OK && k < SIGNER_GROUPS; k++) {
		struct signer_group *g =
			s->groups[(s->filling + k) % SIGNER_GROUPS];

		if (g->state == GROUP_WORKING)
			rc = finish_group(s, g, err);
	}
	return rc;
}

int signer_retry_in(const struct signer *s)
{
	int64_t now = pvtime_mono_ms();
	int64_t least = -1;

	for (size_t k = 0; k < SIGNER_GROUPS; k++) {
		int64_t left = s->groups[k]->retry_ms - now;

		if (s->groups[k]->state != GROUP_HELD)
			continue;
		if (left < 0)
			left = 0;
		if (least < 0 || left < least)
			least = left;
	}
	return (int)least;
}

/* Asks again for what is held of a group. */
static enum pv_code retry_group(struct signer *s, struct signer_group *g,
				struct err *err)
{
	struct wire *w = s->opts->writer;

	for (size_t i = 0; i < g->n; i++) {
		if (g->slots[i].state != SLOT_HELD)
			continue;
		record_put_intent(w, g->slots[i].prepared);
		g->slots[i].state = SLOT_WAITING;
	}
	g->state = GROUP_SENT;
	wire_put_mark(w, WIRE_GROUP_END, g->number);
	return wire_flush(w, err);
}

static void give_up_group(struct signer *s, struct signer_group *g)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->slots[i].state == SLOT_HELD)
			g->slots[i].state = SLOT_DONE;
	settle_group(g);
	s->given_up = true;
	s->moved = true;
}

enum pv_code signer_retry(struct signer *s, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t k = 0; rc == PV_OK && k < SIGNER_GROUPS; k++) {
		struct signer_group *g =
			s->groups[(s->filling + k) % SIGNER_GROUPS];

		if (g->state != GROUP_HELD)
			continue;
		if (s->give_up)
			give_up_group(s, g);
		else if (pvtime_mono_ms() >= g->retry_ms)
			rc = retry_group(s, g, err);
	}
	return rc;
}
