#include "lib/flow/anomalies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/audit_show.h"
#include "lib/store/store_order.h"
#include "policy/orderfile.h"
#include "policy/template.h"

CLEANUP_PTR(struct template, template_free);
CLEANUP_PTR(struct anomaly_watch, anomaly_watch_free);

struct search {
	const struct anomalies_opts *opts;
	struct anomalies_report *report;
	struct anomaly_watch *watch;
	struct anomaly_template *templates;
	size_t n;
};

static void search_release(struct search *s)
{
	anomaly_watch_free(s->watch);
	free(s->templates);
}

static enum pv_code take_found(void *ctx, const struct anomaly *a,
			       struct err *err)
{
	struct search *s = ctx;

	s->report->found++;
	return s->opts->sink.found(s->opts->sink.ctx, a, err);
}

/* ---- templates ---- */

static enum pv_code take_template(void *ctx, const struct store_template *t,
				  struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *parsed = NULL;
	struct search *s = ctx;
	struct anomaly_template *to;
	enum pv_code rc = template_parse(t->bytes, &parsed, NULL, err);

	if (rc != PV_OK)
		return rc;
	to = reallocarray(s->templates, s->n + 1, sizeof(*to));
	if (!to)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"out of memory");
	s->templates = to;
	to = &s->templates[s->n++];
	memset(to, 0, sizeof(*to));
	snprintf(to->name, sizeof(to->name), "%s", parsed->name);
	memcpy(to->sha256, t->sha256, sizeof(to->sha256));
	memcpy(to->watch, parsed->limits.watch, sizeof(to->watch));
	return PV_OK;
}

/* ---- orders ---- */

static enum pv_code take_order(void *ctx, const struct store_order *o,
			       struct err *err)
{
	struct search *s = ctx;
	struct order order;
	size_t i = 0;
	enum pv_code rc;

	while (i < s->n && memcmp(s->templates[i].sha256, o->template_sha256,
				  STORE_HASH) != 0)
		i++;
	if (o->state != STORE_ORDER_OPEN || i == s->n ||
	    !s->templates[i].watch[TPL_WATCH_QUANTITY])
		return PV_OK;
	rc = order_parse(o->bytes, &order, err);
	if (rc != PV_OK)
		return rc;
	const struct anomaly a = {
		.watch = TPL_WATCH_QUANTITY,
		.template_name = s->templates[i].name,
		.object = o->name,
		.count = order.quantity ? o->devices * 100 / order.quantity
					: 100,
		.threshold = s->templates[i].watch[TPL_WATCH_QUANTITY],
		.first = o->opened_index,
		.last = o->opened_index
	};

	return a.count >= a.threshold ? take_found(s, &a, err) : PV_OK;
}

/* ---- entries ---- */

static enum pv_code take_entry(void *ctx, uint64_t index,
			       const struct log_entry *e, struct err *err)
{
	struct search *s = ctx;

	return anomaly_watch_take(s->watch, index, e, err);
}

static void tell(void *ctx, uint64_t done, uint64_t total)
{
	const struct search *s = ctx;

	if (s->opts->progress)
		s->opts->progress(s->opts->sink.ctx, done, total);
}

enum pv_code anomalies_find(struct store *store,
			    const struct anomalies_opts *opts,
			    struct anomalies_report *report, struct err *err)
{
	CLEANUP(search_release)
	struct search s = { .opts = opts, .report = report };
	const struct store_visit templates = { &s,
					       { .template = take_template } };
	const struct store_visit orders = { &s, { .order = take_order } };
	const struct anomaly_sink sink = { take_found, &s };
	const struct audit_show_opts show = { .since_ms = opts->since_ms,
					      .until_ms = UINT64_MAX,
					      .entry = take_entry,
					      .progress = tell,
					      .ctx = &s };
	enum pv_code rc;

	memset(report, 0, sizeof(*report));
	rc = store_template_each(store, &templates, err);
	if (rc == PV_OK)
		rc = anomaly_watch_new(s.templates, s.n, &sink, &s.watch, err);
	if (rc == PV_OK)
		rc = audit_show(store, &show, &report->entries, err);
	if (rc == PV_OK)
		rc = anomaly_watch_end(s.watch, opts->now_ms,
				       &report->untracked, err);
	return rc == PV_OK ? store_order_each(store, &orders, err) : rc;
}
