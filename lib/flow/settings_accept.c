/* Settings: held against what was recorded, recorded, and accepted. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/decision.h"
#include "lib/flow/settings.h"
#include "lib/flow/settings_other.h"
#include "lib/log/lines.h"
#include "lib/store/store_log.h"
#include "lib/store/store_people.h"

#define CONFIG "provctl.json"
#define DAY_MS (24u * 3600u * 1000u)

struct held {
	struct buf now, accepted;
	bool found;
	struct settings_change change;
};

static void held_release(struct held *h)
{
	buf_release(&h->now);
	buf_release(&h->accepted);
}

#define HELD CLEANUP(held_release) struct held

static enum pv_code read_accepted(struct store *store, bool before_last,
				  struct held *h, struct err *err)
{
	enum pv_code rc;

	buf_reset(&h->accepted);
	rc = settings_expected(store, before_last, &h->accepted, &h->found,
			       err);
	if (rc == PV_OK)
		settings_compare(buf_span(&h->accepted), buf_span(&h->now),
				 &h->change);
	return rc;
}

static enum pv_code compare(const struct authority *a, struct store *store,
			    struct held *h, struct err *err)
{
	enum pv_code rc;

	memset(h, 0, sizeof(*h));
	buf_init(&h->now, SETTINGS_MAX);
	buf_init(&h->accepted, SETTINGS_MAX);
	rc = settings_now(a, &h->now, err);
	return rc == PV_OK ? read_accepted(store, false, h, err) : rc;
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
	const struct settings_change *c = &h->change;

	err_object(err, CONFIG);
	return err_fail(err, PV_DENIED, "config.changed",
			"put it back, or let the officers take it: `provctl "
			"config accept'; what a rotation left behind, run "
			"again",
			"\"%.120s\" is not what was accepted: \"%.120s\"",
			c->now[0] ? c->now : "-",
			c->accepted[0] ? c->accepted : "-");
}

static enum pv_code refuse_module(const struct authority *a, struct err *err)
{
	err_object(err, a->module);
	return err_fail(
		err, PV_DENIED, "config.module",
		a->own_module ? "install it where only root can write, or "
				"take it as it is: `provctl config accept'"
			      : "take it as it is: `provctl config accept'",
		"%sit is not the module that was accepted",
		a->own_module ? "others than root can write it, and " : "");
}

/* Whatever has its name later would be what was accepted. */
static enum pv_code check_hook(const struct authority *a, const struct held *h,
			       struct err *err)
{
	if (!h->change.unreadable)
		return PV_OK;
	err_object(err, a->publish_hook);
	return err_fail(err, PV_DENIED, "publish.hook",
			"put it there, readable, not writable by others and of "
			"64 MiB at most, or take publish_hook out",
			"the publish hook cannot be read, and cannot be "
			"accepted so");
}

static enum pv_code judge(const struct authority *a, struct store *store,
			  bool rotates, struct held *h, struct err *err)
{
	bool ruled;
	enum pv_code rc = compare(a, store, h, err);

	if (rc == PV_OK && h->change.any && rotates)
		rc = read_accepted(store, true, h, err);
	if (rc != PV_OK || !h->change.any)
		return rc;
	if (h->change.module)
		return refuse_module(a, err);
	rc = is_ruled(store, &ruled, err);
	return rc == PV_OK && ruled ? refuse(h, err) : rc;
}

enum pv_code settings_look(const struct authority *a, struct store *store,
			   struct err *err)
{
	HELD h;

	memset(&h, 0, sizeof(h));
	return judge(a, store, false, &h, err);
}

enum pv_code settings_module(const struct backends *b,
			     const struct authority *a, struct err *err)
{
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	struct checkpoint_base base;
	HELD h;
	enum pv_code rc = b->store_open(a, false, &store, err);

	memset(&h, 0, sizeof(h));
	if (rc == PV_OK)
		rc = checkpoint_load(a, store, &base, err);
	if (rc == PV_OK)
		rc = compare(a, store, &h, err);
	return rc == PV_OK && h.change.module ? refuse_module(a, err) : rc;
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
			text.data[i] = SETTINGS_BETWEEN;
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
			   struct err *err)
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
	if (rc != PV_OK || !h.change.any)
		return rc;
	if (ruled)
		return refuse(&h, err);
	rc = check_hook(a, &h, err);
	if (rc != PV_OK)
		return rc;
	rc = put_entry(&d, &h, err);
	return rc == PV_OK ? decision_commit(&d, err) : rc;
}

enum pv_code settings_record(const struct authority *a, struct store *store,
			     struct err *err)
{
	return record(a, store, err);
}

enum pv_code settings_hold(const struct authority *a, struct store *store,
			   bool rotates, struct err *err)
{
	struct err why;
	HELD h;
	enum pv_code rc;

	memset(&h, 0, sizeof(h));
	rc = judge(a, store, rotates, &h, err);
	if (rc != PV_OK || !h.change.any)
		return rc;
	err_init(&why);
	rc = record(a, store, &why);
	/* `clock accept' comes by here, too; and a hook that cannot be read
	 * does not run, and stops nothing else. */
	if (rc == PV_DENIED && (strncmp(why.rule, "clock.", 6) == 0 ||
				strcmp(why.rule, "publish.hook") == 0))
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

/* What was accepted holds until the decision is made. */
static void hold(struct authority *a, struct store *store, struct span accepted)
{
	uint64_t days = recorded_number(accepted, "clock_max_step_days",
					a->clock_max_step_days);

	if (store->step_max_ms)
		store->step_max_ms = days * DAY_MS;
	a->witnesses_required = (unsigned)recorded_number(
		accepted, "witnesses_required", a->witnesses_required);
	a->witness_max_age_s = (unsigned)recorded_number(
		accepted, "witness_max_age_s", a->witness_max_age_s);
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
	     !span_equal(buf_span(&h.accepted), buf_span(&asked->accepted))))
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
	out->existing = !h.change.any;
	if (out->existing)
		return PV_OK;
	rc = check_hook(a, &h, err);
	if (rc != PV_OK)
		return rc;
	hold(strict, store, buf_span(&h.accepted));
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
