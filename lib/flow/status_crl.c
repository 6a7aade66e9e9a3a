#include "lib/flow/status_crl.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/flow/publishdir.h"

#define HOOK_PATIENCE_S 60 /* one that runs right now */

struct pass {
	struct status_crls *out;
	int64_t now_s;
	bool pending;
};

static struct status_crl *of(struct status_crls *out,
			     const struct store_crl *row)
{
	struct status_crl *c;

	for (size_t i = 0; i < out->n; i++) {
		c = &out->list[i];
		if (c->kind == row->kind && strcmp(c->ca, row->ca) == 0 &&
		    c->generation == row->generation)
			return c;
	}
	if (out->n == STATUS_CRLS_MAX)
		return NULL;
	c = &out->list[out->n++];
	c->kind = row->kind;
	c->generation = row->generation;
	c->next_s = PVTIME_MAX;
	snprintf(c->ca, sizeof(c->ca), "%s", row->ca);
	return c;
}

static enum pv_code take(void *ctx, const struct store_crl *row,
			 struct err *err)
{
	struct pass *p = ctx;
	struct status_crl *c = of(p->out, row);
	int64_t warn_s;

	(void)err;
	if (!c)
		return PV_OK;
	if (p->pending) {
		c->pending++;
		return PV_OK;
	}
	c->shards++;
	if (row->number > c->number)
		c->number = row->number;
	if (row->next_s < c->next_s)
		c->next_s = row->next_s;
	c->expired = p->now_s > c->next_s;
	warn_s = (row->next_s - row->this_s) / 2;
	if (warn_s > STATUS_CRL_WARN_S)
		warn_s = STATUS_CRL_WARN_S;
	c->ending |= row->next_s - p->now_s < warn_s;
	return PV_OK;
}

enum pv_code status_crls_load(const struct authority *a, struct store *store,
			      int64_t now_s, struct status_crls *out,
			      struct err *err)
{
	struct pass p = { out, now_s, false };
	const struct store_visit v = { .ctx = &p, .fn.crl = take };
	enum pv_code rc;

	memset(out, 0, sizeof(*out));
	out->hook_since_s = publish_hook_since(a);
	rc = store_crl_each(store, STORE_CRL_NEWEST, &v, err);
	p.pending = true;
	if (rc == PV_OK)
		rc = store_crl_each(store, STORE_CRL_PENDING, &v, err);
	return rc;
}

static const char *what(const struct status_crl *c)
{
	return c->kind == STORE_CRL ? "revocation lists" : "OCSP answers";
}

enum pv_code status_crls_judge(const struct status_crls *c, int64_t now_s,
			       struct err *err)
{
	const struct status_crl *ending = NULL, *pending = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct status_crl *one = &c->list[i];

		if (one->shards > 0 && one->expired) {
			err_object(err, one->ca);
			return err_fail(err, PV_INTEGRITY, "crl.expired",
					"run `provctl rotate crl'",
					"%s have ended", what(one));
		}
		if (one->shards > 0 && one->ending)
			ending = one;
		if (one->pending > 0)
			pending = one;
	}
	if (ending) {
		err_object(err, ending->ca);
		return err_fail(err, PV_DENIED, "status.crl",
				"run `provctl rotate crl'",
				"%s end within a day", what(ending));
	}
	if (pending) {
		err_object(err, pending->ca);
		return err_fail(err, PV_DENIED, "status.crl",
				"run `provctl rotate crl'",
				"%s wait for their signature", what(pending));
	}
	if (c->hook_since_s == 0 || now_s - c->hook_since_s <= HOOK_PATIENCE_S)
		return PV_OK;
	return err_fail(err, PV_STORAGE, "publish.hook",
			"run `provctl rotate crl', which runs it again",
			"the publish hook has not taken what was published");
}
