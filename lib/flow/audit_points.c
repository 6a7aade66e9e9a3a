#include "lib/flow/audit_points.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/audit_entries.h"
#include "lib/store/store_checkpoint.h"

void audit_points_start(struct audit_points *p, struct store *store,
			const struct checkpoint_base *base)
{
	memset(p, 0, sizeof(*p));
	p->store = store;
	p->base = base;
}

static enum pv_code take(void *ctx, uint64_t size, struct span note,
			 struct err *err)
{
	struct audit_points *p = ctx;
	CLEANUP(log_checkpoint_release)
	struct log_checkpoint c = { .at.size = 0 };
	char object[48];
	enum pv_code rc;

	if (p->n == AUDIT_POINTS)
		return PV_WAITING; /* enough: see fill() */
	snprintf(object, sizeof(object), "checkpoint of %llu entries",
		 (unsigned long long)size);
	rc = log_checkpoint_parse(&c, note, err);
	if (rc == PV_OK)
		rc = log_checkpoint_verify(&c, p->base->keys, p->base->keys_n,
					   err);
	if (rc == PV_OK && c.at.size != size)
		rc = audit_fail(err, object, "audit.checkpoint",
				"it says that it is one of %llu entries",
				(unsigned long long)c.at.size);
	if (rc != PV_OK) {
		err_object(err, object);
		return rc;
	}
	p->point[p->n++] = c.at;
	p->from = size + 1;
	return PV_OK;
}

static enum pv_code fill(struct audit_points *p, struct err *err)
{
	const struct store_visit v = { .ctx = p, .fn.checkpoint = take };
	enum pv_code rc;

	p->at = p->n = 0;
	rc = store_checkpoint_each(p->store, p->from, &v, err);
	if (rc == PV_OK)
		p->end = true;
	return rc == PV_WAITING ? PV_OK : rc;
}

enum pv_code audit_points_peek(struct audit_points *p,
			       const struct log_point **point, struct err *err)
{
	enum pv_code rc = PV_OK;

	if (p->at == p->n && !p->end)
		rc = fill(p, err);
	*point = rc == PV_OK && p->at < p->n ? &p->point[p->at] : NULL;
	return rc;
}

void audit_points_skip(struct audit_points *p)
{
	p->at++;
}
