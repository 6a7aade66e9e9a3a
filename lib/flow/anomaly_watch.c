#include "lib/flow/anomaly_watch.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/flow/anomaly_impl.h"
#include "lib/log/lifecycle.h"

#define DAY_MS UINT64_C(86400000)
#define MINUTE_MS UINT64_C(60000)

/* The thresholds of whatever names no template: the lowest of all. */
static void put_lowest(struct anomaly_watch *w)
{
	struct anomaly_template *low = &w->templates[w->n - 1];

	memcpy(low->name, "-", 2);
	for (size_t i = 0; i + 1 < w->n; i++)
		for (size_t k = 0; k < TPL_WATCHES; k++) {
			uint32_t v = w->templates[i].watch[k];

			if (v && (!low->watch[k] || v < low->watch[k]))
				low->watch[k] = v;
		}
}

enum pv_code anomaly_watch_new(const struct anomaly_template *t, size_t n,
			       const struct anomaly_sink *sink,
			       struct anomaly_watch **out, struct err *err)
{
	struct anomaly_watch *w;
	enum pv_code rc = PV_INTERNAL;

	*out = NULL;
	if (n > ANOMALY_TEMPLATES_MAX)
		return err_fail(err, PV_INPUT, "audit.size", NULL,
				"the store has more than %d templates",
				ANOMALY_TEMPLATES_MAX);
	w = mem_new(sizeof(*w), err);
	if (!w)
		return PV_INTERNAL;
	w->sink = *sink;
	w->n = n + 1;
	w->templates = mem_array(w->n, sizeof(*w->templates), err);
	if (w->templates)
		w->rates = mem_array(w->n, sizeof(*w->rates), err);
	if (w->rates)
		rc = anomaly_day_init(&w->today, err);
	if (rc != PV_OK) {
		anomaly_watch_free(w);
		return rc;
	}
	if (n > 0)
		memcpy(w->templates, t, n * sizeof(*t));
	put_lowest(w);
	*out = w;
	return PV_OK;
}

void anomaly_watch_free(struct anomaly_watch *w)
{
	if (!w)
		return;
	anomaly_day_release(&w->today);
	anomaly_bundles_release(&w->bundles);
	free(w->templates);
	free(w->rates);
	free(w);
}

/* The template that e names, or the last. */
static size_t template_of(const struct anomaly_watch *w,
			  const struct log_entry *e)
{
	const struct log_fact *hash =
		log_fact_find(e, "template hash", LOG_BSTR);
	size_t i = w->n - 1;

	if (hash && hash->s.len == STORE_HASH)
		for (i = 0; i + 1 < w->n; i++)
			if (memcmp(w->templates[i].sha256, hash->s.p,
				   STORE_HASH) == 0)
				break;
	return i;
}

/* ---- rate ---- */

static enum pv_code rate_over(struct anomaly_watch *w, size_t of,
			      struct err *err)
{
	struct anomaly_rate *r = &w->rates[of];
	const struct anomaly_template *t = &w->templates[of];
	const struct anomaly a = {
		TPL_WATCH_RATE,		  t->name,  t->name, r->peak,
		t->watch[TPL_WATCH_RATE], r->first, r->last, r->time_ms
	};

	r->peak = 0;
	return w->sink.found(w->sink.ctx, &a, err);
}

/* The hour goes on to that minute. */
static void move_hour(struct anomaly_rate *r, uint64_t minute)
{
	uint64_t steps = minute > r->minute ? minute - r->minute : 0;

	for (uint64_t i = 1; i <= steps && i <= ANOMALY_MINUTES; i++) {
		uint32_t *m = &r->minutes[(r->minute + i) % ANOMALY_MINUTES];

		r->count -= *m;
		*m = 0;
	}
	if (steps > 0)
		r->minute = minute;
}

static enum pv_code take_rate(struct anomaly_watch *w, size_t of,
			      uint64_t index, uint64_t time_ms, struct err *err)
{
	struct anomaly_rate *r = &w->rates[of];
	uint32_t limit = w->templates[of].watch[TPL_WATCH_RATE];
	enum pv_code rc = PV_OK;

	if (!limit)
		return PV_OK;
	move_hour(r, time_ms / MINUTE_MS);
	if (r->peak && r->count < limit)
		rc = rate_over(w, of, err);
	r->minutes[r->minute % ANOMALY_MINUTES]++;
	r->count++;
	if (r->count <= limit)
		return rc;
	if (!r->peak)
		r->first = index;
	if (r->count > r->peak)
		r->peak = r->count;
	r->last = index;
	r->time_ms = time_ms;
	return rc;
}

/* ---- clock ---- */

static enum pv_code take_clock(struct anomaly_watch *w, size_t of,
			       uint64_t index, uint64_t time_ms,
			       struct err *err)
{
	const struct anomaly_template *t = &w->templates[of];
	uint64_t step = w->last_ms && time_ms > w->last_ms
				? (time_ms - w->last_ms) / 1000
				: 0;
	const struct anomaly a = { TPL_WATCH_CLOCK,
				   t->name,
				   t->name,
				   step,
				   t->watch[TPL_WATCH_CLOCK],
				   index > 0 ? index - 1 : 0,
				   index,
				   time_ms };

	return a.threshold && step > a.threshold
		       ? w->sink.found(w->sink.ctx, &a, err)
		       : PV_OK;
}

/* ---- entries ---- */

/* Of which watch a denial by that rule is; TPL_WATCHES: of none. */
static enum tpl_watch watch_of(struct span rule)
{
	static const struct {
		const char *rule;
		enum tpl_watch watch;
	} rules[] = {
		{ "device.key_changed", TPL_WATCH_TWO_KEYS },
		{ "key.reused", TPL_WATCH_ONE_KEY },
		{ "limits.hours", TPL_WATCH_HOURS },
		{ "order.hours", TPL_WATCH_HOURS },
		{ "limits.stations", TPL_WATCH_STATION },
		{ "order.stations", TPL_WATCH_STATION },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (span_is(rule, rules[i].rule))
			return rules[i].watch;
	return TPL_WATCHES;
}

static enum pv_code take_denial(struct anomaly_watch *w, size_t of,
				uint64_t index, const struct log_entry *e,
				struct err *err)
{
	const struct log_fact *rule = log_fact_find(e, "rule", LOG_TSTR);
	const struct log_fact *device = log_fact_find(e, "device", LOG_TSTR);
	struct span who = device ? device->s : e->object;
	enum tpl_watch watch = rule ? watch_of(rule->s) : TPL_WATCHES;
	bool of_template =
		watch == TPL_WATCH_HOURS || watch == TPL_WATCH_STATION;
	enum pv_code rc = anomaly_day_count(w, TPL_WATCH_RETRIES, of, who,
					    index, e->time_ms, err);

	if (rc != PV_OK || watch == TPL_WATCHES)
		return rc;
	return anomaly_day_count(w, watch, of,
				 of_template ? log_str(w->templates[of].name)
					     : who,
				 index, e->time_ms, err);
}

/* Evidence that holds says so; the lot is a fact, or else the order. */
static enum pv_code take_evidence(struct anomaly_watch *w, size_t of,
				  uint64_t index, const struct log_entry *e,
				  struct err *err)
{
	const struct log_fact *lot = log_fact_find(e, "lot", LOG_TSTR);
	const struct log_fact *result = log_fact_find(e, "result", LOG_TSTR);

	if (result && span_is(result->s, "ok"))
		return PV_OK;
	if (!lot)
		lot = log_fact_find(e, "order", LOG_TSTR);
	return anomaly_day_count(w, TPL_WATCH_EVIDENCE, of,
				 lot ? lot->s : log_str("-"), index, e->time_ms,
				 err);
}

static enum pv_code take(struct anomaly_watch *w, uint64_t index,
			 const struct log_entry *e, struct err *err)
{
	size_t of = template_of(w, e);
	bool asked = span_is(e->type, LOG_REQUEST_DENY) ||
		     span_is(e->type, LOG_QUARANTINE_PUT);
	bool intent = span_is(e->type, LOG_CERT_INTENT) && of + 1 < w->n;
	enum pv_code rc = PV_OK;

	if (asked || intent)
		rc = take_clock(w, of, index, e->time_ms, err);
	if (rc == PV_OK && intent)
		rc = take_rate(w, of, index, e->time_ms, err);
	if (rc == PV_OK && asked)
		rc = take_denial(w, of, index, e, err);
	if (rc != PV_OK)
		return rc;
	if (span_is(e->type, LOG_BUNDLE_SEAL))
		return anomaly_sealed(w, of, index, e, err);
	if (span_is(e->type, LOG_RECEIPT))
		anomaly_received(w, e);
	if (span_is(e->type, "attest.verify"))
		return take_evidence(w, of, index, e, err);
	return PV_OK;
}

enum pv_code anomaly_watch_take(struct anomaly_watch *w, uint64_t index,
				const struct log_entry *e, struct err *err)
{
	uint64_t day = e->time_ms / DAY_MS;
	enum pv_code rc = PV_OK;

	if (day != w->today.day)
		rc = anomaly_day_end(w, err);
	w->today.day = day;
	if (rc == PV_OK)
		rc = take(w, index, e, err);
	w->last_ms = e->time_ms;
	return rc;
}

enum pv_code anomaly_watch_end(struct anomaly_watch *w, uint64_t now_ms,
			       uint64_t *untracked, struct err *err)
{
	enum pv_code rc = anomaly_day_end(w, err);

	for (size_t i = 0; rc == PV_OK && i < w->n; i++)
		if (w->rates[i].peak)
			rc = rate_over(w, i, err);
	if (rc == PV_OK)
		rc = anomaly_overdue(w, now_ms, err);
	*untracked = w->untracked;
	return rc;
}
