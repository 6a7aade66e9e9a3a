/* The signer: one device signed and sealed, and a group's results. */
#include <stdio.h>
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/flow/record_quarantine.h"
#include "lib/flow/outcome.h"
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
	bool ends = signer_ends_run(slot->rc);

	slot->wrong.label = NULL;
	if (slot->rc == PV_HSM_FATAL)
		slot->wrong = with->wrong;
	slot->made = true;
	if (ends)
		s->token_failed = true;
}

void signer_ask(void *signer, size_t worker, void *piece)
{
	struct signer *s = signer;
	struct signer_slot *slot = piece;
	struct signing *with = signer_signing(s, worker, slot);
	enum pv_code rc;

	if (s->ending)
		return; /* its intent stays as it is */
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
	/* What was signed is always checked, and a right one asked for anew. */
	if (slot->rc == PV_OK && s->ending)
		return;
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
static void tell_wrong(struct signer *s)
{
	struct err ignored; /* the writer may be gone too */

	err_init(&ignored);
	for (size_t k = 0; k < SIGNER_GROUPS; k++)
		for (size_t i = 0; i < s->groups[k]->n; i++)
			if (is_wrong(&s->groups[k]->slots[i]))
				quarantine(s, &s->groups[k]->slots[i]);
	if (end_results(s, s->groups[0], &ignored) != PV_OK)
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
			return rc;
		}
		for (size_t i = 0; rc != PV_OK && i < n; i++)
			refuse_slot(s, slots[i], &why);
	}
	return PV_OK;
}

/*
 * Failures of single requests are reported. Returns the worst that ends the
 * run, or PV_OK: a wrong signature before a token that has gone.
 */
static enum pv_code take_failures(struct signer *s, struct signer_group *g,
				  struct err *err)
{
	struct err worst;

	err_init(&worst);
	for (size_t i = 0; i < g->n; i++) {
		struct signer_slot *slot = &g->slots[i];

		if (slot->state != SLOT_GO || !slot->made || slot->rc == PV_OK)
			continue;
		if (signer_ends_run(slot->rc))
			outcome_note(&worst, &slot->why);
		else
			refuse_slot(s, slot, &slot->why);
	}
	if (worst.code != PV_OK)
		*err = worst;
	return worst.code;
}

/*
 * The token failed with why. Nobody goes on asking it; what it has signed is
 * checked first, since a wrong signature is worse. Goes on with the next token
 * when there is one, or the run ends.
 */
static enum pv_code meet_failure(struct signer *s, const struct err *why,
				 struct err *err)
{
	struct err worst = *why;

	s->ending = true;
	workers_drop(s->askers);
	if (s->sealers)
		workers_drain(s->sealers);
	s->token_failed = false;
	for (size_t k = 0; k < SIGNER_GROUPS; k++) {
		struct err found;

		err_init(&found);
		if (s->groups[k]->state == GROUP_WORKING &&
		    take_failures(s, s->groups[k], &found) != PV_OK)
			outcome_note(&worst, &found);
	}
	if (worst.code == PV_HSM_TEMP) {
		s->ending = false;
		return signer_next_token(s, &worst, err);
	}
	tell_wrong(s);
	*err = worst;
	return worst.code;
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
	if (rc != PV_OK)
		return meet_failure(s, &why, err);
	rc = send_results(s, g, all, err);
	if (rc != PV_OK || !all)
		return rc;
	settle_group(g);
	s->moved = true;
	return PV_OK;
}

/* Whichever group met it. */
static enum pv_code look_for_failure(struct signer *s, struct err *err)
{
	struct err why;

	s->token_failed = false;
	for (size_t k = 0; k < SIGNER_GROUPS; k++) {
		err_init(&why);
		if (s->groups[k]->state == GROUP_WORKING &&
		    take_failures(s, s->groups[k], &why) != PV_OK)
			return meet_failure(s, &why, err);
	}
	return PV_OK;
}

enum pv_code signer_finish(struct signer *s, struct err *err)
{
	enum pv_code rc = s->token_failed ? look_for_failure(s, err) : PV_OK;

	for (size_t k = 0; rc == PV_OK && k < SIGNER_GROUPS; k++) {
		struct signer_group *g =
			s->groups[(s->filling + k) % SIGNER_GROUPS];

		if (g->state == GROUP_WORKING)
			rc = finish_group(s, g, err);
	}
	return rc;
}

/* How long a result that is ready may wait for others yet; -1: none waits. */
static int64_t hold_left(const struct signer_group *g, int64_t now)
{
	int64_t left = g->sent_ms + RESULTS_HOLD_MS - now;

	if (g->state != GROUP_WORKING)
		return -1;
	for (size_t i = 0; i < g->n; i++)
		if (g->slots[i].state == SLOT_GO && g->slots[i].made &&
		    !is_batch(&g->slots[i]))
			return left > 0 ? left : 0;
	return -1;
}

int signer_retry_in(const struct signer *s)
{
	int64_t now = pvtime_mono_ms();
	int64_t least = -1;

	for (size_t k = 0; k < SIGNER_GROUPS; k++) {
		const struct signer_group *g = s->groups[k];
		int64_t left = hold_left(g, now);

		if (g->state == GROUP_HELD)
			left = g->retry_ms > now ? g->retry_ms - now : 0;
		if (left >= 0 && (least < 0 || left < least))
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
