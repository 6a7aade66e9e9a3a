/* The signer: one device signed and sealed, in a thread or in turn. */
#include "lib/base/pvtime.h"
#include "lib/flow/signer_fail.h"

/*
 * How many wait for their check and seal before the first has it, where one
 * thread asks and seals: their checks share what half of each would be.
 */
#define CHECKED_AT_ONCE 31

/* Between two looks at what the other processes sent. */
#define PIECES_AT_ONCE 4

_Static_assert(1 + CHECKED_AT_ONCE <= X509_AHEAD_MAX,
	       "what waits is checked at once");

bool signer_is_batch(const struct signer_slot *slot)
{
	return prepared_context(slot->prepared)->tmpl->signature ==
	       TPL_SIG_BATCH;
}

struct signing *signer_signing(struct signer *s, size_t w,
			       const struct signer_slot *slot)
{
	size_t n = s->opts->contexts_n;
	const struct issue_context *ctx = prepared_context(slot->prepared);
	size_t c = signer_context(s, ctx->template_sha256, ctx->ca_generation);

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
	if (rc == PV_OK)
		bundled_reset(slot->bundled);
	return rc;
}

/* The last thing that is done to a slot: the signer may look at it now. */
static void slot_made(struct signer *s, struct signer_slot *slot,
		      const struct signing *with)
{
	bool ends = signer_ends_run(slot->rc);

	signer_keep_wrong(slot, with);
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
	/* Once it is queued the slot may be another thread's. */
	if (rc == PV_OK)
		rc = workers_put(s->sealers, slot, &slot->why);
	if (rc == PV_OK)
		return;
	slot->rc = rc;
	slot_made(s, slot, with);
}

/* The slot is checked with those that wait behind it. */
static enum pv_code check_ahead(struct signer *s, struct signer_slot *slot,
				struct signing *with, struct err *err)
{
	void *waiting[CHECKED_AT_ONCE];
	struct issued *list[1 + CHECKED_AT_ONCE] = { slot->issued };
	size_t n;

	if (issued_is_ahead(slot->issued))
		return PV_OK;
	n = workers_waiting(s->sealers, waiting, CHECKED_AT_ONCE);
	if (n > CHECKED_AT_ONCE)
		n = CHECKED_AT_ONCE;
	for (size_t i = 0; i < n; i++)
		list[1 + i] = ((struct signer_slot *)waiting[i])->issued;
	return n > 0 ? issue_check_ahead(list, 1 + n, with, err) : PV_OK;
}

/* Asks first: what is asked for can be checked at once. */
static bool help_once(struct signer *s)
{
	if (workers_waiting(s->sealers, NULL, 0) < CHECKED_AT_ONCE &&
	    workers_help(s->askers))
		return true;
	return workers_help(s->sealers);
}

bool signer_help(struct signer *s)
{
	size_t n = 0;

	while (n < PIECES_AT_ONCE && help_once(s)) {
		n++;
		/* Nobody goes on asking a token that has failed. */
		if (s->token_failed)
			break;
	}
	return n > 0;
}

void signer_seal(void *signer, size_t worker, void *piece)
{
	struct signer *s = signer;
	struct signer_slot *slot = piece;
	size_t who = s->sealers_n > 0 ? s->askers_n + worker : worker;
	struct signing *with = signer_signing(s, who, slot);
	struct bundled *one[1] = { slot->bundled };

	slot->rc = check_ahead(s, slot, with, &slot->why);
	if (slot->rc == PV_OK)
		slot->rc = issue_check(slot->issued, with, &slot->why);
	/* What was signed is always checked, and a right one asked for anew. */
	if (slot->rc == PV_OK && s->ending)
		return;
	if (slot->rc == PV_OK)
		slot->rc = bundle_seal(slot->bundled, with, slot->issued,
				       &slot->why);
	/* A batch is signed when its group is together. */
	if (slot->rc == PV_OK && !signer_is_batch(slot))
		slot->rc = bundles_sign(one, 1, with, (uint64_t)pvtime_now_ms(),
					&slot->why);
	slot_made(s, slot, with);
}
