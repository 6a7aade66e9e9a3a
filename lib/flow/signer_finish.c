/* The signer: a group's results, its batches, and what a rate holds back. */
#include "lib/base/pvtime.h"
#include "lib/flow/signer_fail.h"

/*
 * Results that wait for the rest of their group no longer than this: a slow
 * token takes long for a group. performance.md: a ceiling, not a wait.
 */
#define RESULTS_HOLD_MS 20
#define RESULTS_BYTES (2u * 1024u * 1024u) /* that are worth sending */
#define HOLD_MS 1000 /* between two tries of what a rate holds back */

/* A wrong signature over a batch is one for each device in it. */
static void spoil_batch(struct signer_slot *const *list, size_t n,
			const struct signing *with, const struct err *why)
{
	for (size_t i = 0; i < n; i++) {
		list[i]->state = SLOT_GO; /* not ready after all */
		list[i]->rc = why->code;
		list[i]->why = *why;
		signer_keep_wrong(list[i], with);
	}
}

/* Slots of one batch context that are to be signed; *n of them in list. */
static void collect_batch(struct signer *s, struct signer_group *g, size_t c,
			  struct signer_slot *list[READER_GROUP_MAX], size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < g->n; i++) {
		struct signer_slot *slot = &g->slots[i];

		if (slot->state == SLOT_READY && signer_is_batch(slot) &&
		    prepared_context(slot->prepared) == s->opts->contexts[c])
			list[(*n)++] = slot;
	}
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
				spoil_batch(slots, n, &s->signings[c], &why);
			return rc;
		}
		for (size_t i = 0; rc != PV_OK && i < n; i++)
			signer_refuse_slot(s, slots[i], &why);
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

enum pv_code signer_send(struct signer *s, struct signer_group *g, bool all,
			 struct err *err)
{
	enum pv_code rc = PV_OK;
	size_t sent = 0;

	for (size_t i = 0; rc == PV_OK && i < g->n; i++) {
		struct signer_slot *slot = &g->slots[i];

		if (slot->state != SLOT_READY ||
		    (!all && signer_is_batch(slot)))
			continue;
		record_put_result(s->opts->writer, slot->bundled);
		prepared_reset(slot->prepared);
		slot->state = SLOT_DONE;
		sent++;
		/* Many large ones are several rounds of the writer. */
		if (s->opts->writer->out.len >= RESULTS_BYTES)
			rc = signer_end_results(s, g, err);
	}
	g->sent_ms = pvtime_mono_ms();
	if (rc != PV_OK || (sent == 0 && !all))
		return rc;
	return signer_end_results(s, g, err);
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
	rc = signer_judge(s, g, &why);
	if (rc == PV_OK && all)
		rc = sign_batches(s, g, &why);
	/* With another token the group is not yet whole. */
	if (rc != PV_OK)
		return signer_meet_failure(s, &why, err);
	rc = signer_send(s, g, all, err);
	if (rc != PV_OK || !all)
		return rc;
	settle_group(g);
	s->moved = true;
	return PV_OK;
}

enum pv_code signer_finish(struct signer *s, struct err *err)
{
	enum pv_code rc =
		s->token_failed ? signer_look_for_failure(s, err) : PV_OK;

	for (size_t k = 0; rc == PV_OK && k < SIGNER_GROUPS; k++) {
		struct signer_group *g =
			s->groups[(s->filling + k) % SIGNER_GROUPS];

		if (g->state == GROUP_WORKING)
			rc = finish_group(s, g, err);
	}
	return rc;
}

static bool is_made(const struct signer_slot *slot)
{
	return slot->state == SLOT_READY ||
	       (slot->state == SLOT_GO && slot->made);
}

/* How long a result that is ready may wait for others yet; -1: none waits. */
static int64_t hold_left(const struct signer_group *g, int64_t now)
{
	int64_t left = g->sent_ms + RESULTS_HOLD_MS - now;

	if (g->state != GROUP_WORKING)
		return -1;
	for (size_t i = 0; i < g->n; i++)
		if (is_made(&g->slots[i]) && !signer_is_batch(&g->slots[i]))
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
