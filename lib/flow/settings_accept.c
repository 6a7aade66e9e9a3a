/* Settings: held against what was recorded, recorded, and accepted. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/decision.h"
#include "lib/flow/settings.h"
#include "lib/log/lines.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

#define CONFIG "provctl.json"
#define DAY_MS (24u * 3600u * 1000u)

struct held {
	struct buf now, recorded;
	bool found, looser;
	char which[SETTINGS_LINE_MAX], was[SETTINGS_LINE_MAX];
};

static void held_release(struct held *h)
{
	buf_release(&h->now);
	buf_release(&h->recorded);
}

#define HELD CLEANUP(held_release) struct held

static enum pv_code compare(const struct authority *a, struct store *store,
			    struct held *h, struct err *err)
{
	enum pv_code rc;

	memset(h, 0, sizeof(*h));
	buf_init(&h->now, SETTINGS_MAX);
	buf_init(&h->recorded, SETTINGS_MAX);
	rc = settings_now(a, &h->now, err);
	if (rc == PV_OK)
		rc = settings_recorded(store, &h->recorded, &h->found, err);
	if (rc == PV_OK)
		rc = settings_compare(store, buf_span(&h->recorded),
				      buf_span(&h->now), &h->looser, h->which,
				      h->was, err);
	return rc;
}

static enum pv_code is_ruled(struct store *store, bool *ruled, struct err *err)
{
	struct store_people_counts c;
	enum pv_code rc = store_people_count(store, &c, err);

	*ruled = rc == PV_OK && c.rosters > 0;
	return rc;
}

/* ---- held ---- */

static enum pv_code refuse(const struct held *h, struct err *err)
{
	err_object(err, CONFIG);
	return err_fail(err, PV_DENIED, "config.looser",
			"put it back, or let the officers take it: `provctl "
			"config accept'",
			"\"%.120s\" allows more than what was accepted%s%.120s",
			h->which, h->was[0] ? ": " : "", h->was);
}

static enum pv_code refuse_module(const struct authority *a, struct err *err)
{
	err_object(err, a->module);
	return err_fail(err, PV_DENIED, "config.module",
			"install it where only root can write, or take it as "
			"it is: `provctl config accept'",
			"others than root can write the module, and it is not "
			"the one that was accepted");
}

/* Whoever has our own account could have put the file there. */
static bool is_own_module(const struct authority *a, const struct held *h)
{
	return a->own_module && strncmp(h->which, "module", 6) == 0;
}

static enum pv_code judge(const struct authority *a, struct store *store,
			  struct held *h, struct err *err)
{
	bool ruled;
	enum pv_code rc = compare(a, store, h, err);

	if (rc != PV_OK || !h->looser)
		return rc;
	if (is_own_module(a, h))
		return refuse_module(a, err);
	rc = is_ruled(store, &ruled, err);
	return rc == PV_OK && ruled ? refuse(h, err) : rc;
}

enum pv_code settings_look(const struct authority *a, struct store *store,
			   struct err *err)
{
	HELD h;

	return judge(a, store, &h, err);
}

enum pv_code settings_module(const struct backends *b,
			     const struct authority *a, struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	struct checkpoint_base base;
	HELD h;
	enum pv_code rc;

	memset(&h, 0, sizeof(h));
	if (!a->own_module)
		return PV_OK;
	rc = b->store_open(a, false, &store, err);
	if (rc == PV_OK)
		rc = checkpoint_load(a, store, &base, err);
	if (rc == PV_OK)
		rc = compare(a, store, &h, err);
	return rc == PV_OK && is_own_module(a, &h) ? refuse_module(a, err) : rc;
}

/* ---- recorded ---- */

/* The text in an entry has no LF. */
static enum pv_code put_entry(struct decision *d, const struct held *h,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct log_entry e;
	uint8_t hash[32];
	enum pv_code rc = sha256(buf_span(&h->now), hash, err);

	buf_init(&text, SETTINGS_MAX + 1);
	buf_put(&text, h->now.data, h->now.len);
	for (size_t i = 0; !text.failed && i < text.len; i++)
		if (text.data[i] == '\n')
			text.data[i] = '|';
	buf_put_u8(&text, '\0');
	if (rc == PV_OK)
		rc = buf_check(&text, err);
	if (rc != PV_OK)
		return rc;
	log_config_accept(&e, &d->who.who, hash, (const char *)text.data,
			  approvals_persons(d->got));
	rc = decision_entry(d, &e, err);
	return rc == PV_OK ? store_governance_add(d->store, buf_span(&d->entry),
						  NULL, err)
			   : rc;
}

static enum pv_code record(const struct authority *a, struct store *store,
			   bool looser_only, struct err *err)
{
	const struct approvals nobody = { .asked.operation =
						  QUORUM_CONFIG_ACCEPT };
	DECISION d = DECISION_INIT;
	HELD h;
	bool ruled;
	enum pv_code rc;

	memset(&h, 0, sizeof(h));
	rc = decision_begin(&d, store, &nobody, err);
	/* Another command may have done it meanwhile. */
	if (rc == PV_OK)
		rc = compare(a, store, &h, err);
	if (rc == PV_OK)
		rc = is_ruled(store, &ruled, err);
	if (rc != PV_OK || (looser_only && !h.looser) ||
	    span_equal(buf_span(&h.now), buf_span(&h.recorded)))
		return rc;
	if (ruled)
		return refuse(&h, err);
	rc = put_entry(&d, &h, err);
	return rc == PV_OK ? decision_commit(&d, err) : rc;
}

enum pv_code settings_record(const struct authority *a, struct store *store,
			     struct err *err)
{
	return record(a, store, false, err);
}

enum pv_code settings_hold(const struct authority *a, struct store *store,
			   struct err *err)
{
	struct err why;
	HELD h;
	enum pv_code rc = judge(a, store, &h, err);

	if (rc != PV_OK || !h.looser)
		return rc;
	err_init(&why);
	rc = record(a, store, true, &why);
	/* `clock accept' comes by here, too. */
	if (rc == PV_DENIED && strncmp(why.rule, "clock.", 6) == 0)
		return PV_OK;
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* ---- accepted ---- */

static uint64_t recorded_number(struct span recorded, const char *word,
				uint64_t otherwise)
{
	size_t n = strlen(word);
	struct span line;
	uint64_t v;

	while (lines_next(&recorded, &line))
		if (line.len > n + 1 && memcmp(line.p, word, n) == 0 &&
		    line.p[n] == ' ' &&
		    lines_number(
			    (struct span){ line.p + n + 1, line.len - n - 1 },
			    &v))
			return v;
	return otherwise;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What was recorded holds until the decision is made, where it is tighter. */
static void tighten(struct authority *a, struct store *store,
		    struct span recorded)
{
	uint64_t days = recorded_number(recorded, "clock_max_step_days",
					a->clock_max_step_days);
	uint64_t required = recorded_number(recorded, "witnesses_required",
					    a->witnesses_required);

	if (store->step_max_ms)
		store->step_max_ms = least(store->step_max_ms, days * DAY_MS);
	if (required > a->witnesses_required)
		a->witnesses_required = (unsigned)required;
	a->witness_max_age_s =
		(unsigned)least(a->witness_max_age_s,
				recorded_number(recorded, "witness_max_age_s",
						a->witness_max_age_s));
}

static enum pv_code record_decision(const struct authority *a,
				    struct store *store,
				    const struct held *asked,
				    const struct approvals *got,
				    struct err *err)
{
	DECISION d = DECISION_INIT;
	HELD h;
	enum pv_code rc;

	memset(&h, 0, sizeof(h));
	rc = decision_begin(&d, store, got, err);
	if (rc == PV_OK)
		rc = compare(a, store, &h, err);
	if (rc == PV_OK &&
	    (!span_equal(buf_span(&h.now), buf_span(&asked->now)) ||
	     !span_equal(buf_span(&h.recorded), buf_span(&asked->recorded))))
		rc = err_fail(err, PV_CONFLICT, "config.accept", "run it again",
			      "the configuration was changed meanwhile");
	if (rc == PV_OK)
		rc = put_entry(&d, &h, err);
	return rc == PV_OK ? decision_commit(&d, err) : rc;
}

enum pv_code settings_accept(const struct authority *a, struct store *store,
			     const struct approvals_want *from,
			     struct settings_accepted *out, struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	CLEANUP(mem_cleanup)
	struct authority *strict = mem_dup(a, sizeof(*a), err);
	struct approvals_want want = *from;
	HELD h;
	enum pv_code rc;

	memset(out, 0, sizeof(*out));
	memset(&h, 0, sizeof(h));
	if (!strict)
		return PV_INTERNAL;
	rc = compare(a, store, &h, err);
	if (rc != PV_OK)
		return rc;
	out->existing = span_equal(buf_span(&h.now), buf_span(&h.recorded));
	if (out->existing)
		return PV_OK;
	tighten(strict, store, buf_span(&h.recorded));
	want.op = QUORUM_CONFIG_ACCEPT;
	want.what = "config accept";
	want.subject = buf_span(&h.now);
	rc = approvals_gate(strict, store, &want, &got, err);
	if (rc == PV_OK)
		rc = record_decision(a, store, &h, &got, err);
	if (rc == PV_OK && got.needed)
		snprintf(out->persons, sizeof(out->persons), "%s", got.persons);
	return rc;
}
