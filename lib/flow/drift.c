#include "lib/flow/drift.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/logged.h"
#include "lib/store/store_device.h"

struct drift {
	struct store *store;
	const char *name; /* NULL: all */
	const struct drift_visit *visit;
	struct drift_version *versions; /* by name and version */
	size_t n, room;
};

static void drift_release(struct drift *d)
{
	free(d->versions);
}

static enum pv_code grow(struct drift *d, struct err *err)
{
	size_t room = d->room ? 2 * d->room : 32;
	struct drift_version *more;

	if (d->n < d->room)
		return PV_OK;
	if (room > DRIFT_VERSIONS_MAX)
		return err_fail(err, PV_INPUT, "drift.size", NULL,
				"more than %u versions of templates",
				DRIFT_VERSIONS_MAX);
	more = mem_array(room, sizeof(*more), err);
	if (!more)
		return PV_INTERNAL;
	if (d->n)
		memcpy(more, d->versions, d->n * sizeof(*more));
	free(d->versions);
	d->versions = more;
	d->room = room;
	return PV_OK;
}

/* A later version of the name takes effect in place of all before it. */
static enum pv_code add_version(void *ctx, const struct store_template *t,
				struct err *err)
{
	struct drift *d = ctx;
	struct drift_version *v;
	enum pv_code rc;

	if (d->name && strcmp(d->name, t->name) != 0)
		return PV_OK;
	rc = grow(d, err);
	if (rc != PV_OK)
		return rc;
	v = &d->versions[d->n++];
	memcpy(v->name, t->name, sizeof(v->name));
	memcpy(v->sha256, t->sha256, sizeof(v->sha256));
	v->version = t->version;
	for (struct drift_version *u = v;
	     u >= d->versions && strcmp(u->name, v->name) == 0; u--)
		u->in_effect = v->version;
	return PV_OK;
}

static struct drift_version *find(const struct drift *d,
				  const uint8_t sha256[STORE_HASH])
{
	for (size_t i = 0; i < d->n; i++)
		if (memcmp(d->versions[i].sha256, sha256, STORE_HASH) == 0)
			return &d->versions[i];
	return NULL;
}

struct newest {
	const struct drift *d;
	const struct store_subject *s;
	uint8_t sha256[STORE_HASH]; /* of its template */
};

/* They come by seq: the last one stays. */
static enum pv_code take_bundle(void *ctx, const struct store_bundle *b,
				struct err *err)
{
	struct newest *n = ctx;
	enum pv_code rc = logged_bundle_row(n->d->store, n->s, b, err);

	if (rc == PV_OK)
		memcpy(n->sha256, b->template_sha256, STORE_HASH);
	return rc;
}

/* Is that the credential that its device has now? */
static enum pv_code is_current(struct store *store,
			       const struct store_device *dev, bool *current,
			       struct err *err)
{
	struct store_device d;
	bool found = false;
	enum pv_code rc =
		store_device_get(store, dev->s.device, &d, &found, err);

	if (rc == PV_OK && !found)
		rc = logged_edited("a device's row", err);
	*current = rc == PV_OK && d.s.number == dev->s.number;
	return rc;
}

static enum pv_code take_device(void *ctx, const struct store_device *dev,
				struct span cert, struct err *err)
{
	struct drift *d = ctx;
	struct newest n = { .d = d, .s = &dev->s };
	const struct store_visit v = { .ctx = &n, .fn.bundle = take_bundle };
	struct drift_version *u;
	bool current = false;
	enum pv_code rc;

	(void)cert;
	if ((dev->state != STORE_ISSUED && dev->state != STORE_SUSPENDED) ||
	    (d->name && strcmp(d->name, dev->s.template_name) != 0))
		return PV_OK;
	rc = logged_device(d->store, dev, err);
	if (rc == PV_OK)
		rc = is_current(d->store, dev, &current, err);
	if (rc == PV_OK && !current)
		return PV_OK;
	memcpy(n.sha256, dev->s.template_sha256, STORE_HASH);
	if (rc == PV_OK)
		rc = store_bundle_each(d->store, dev->s.number, &v, err);
	if (rc != PV_OK) {
		err_object(err, dev->s.device);
		return rc;
	}
	u = find(d, n.sha256);
	if (!u) {
		err_object(err, dev->s.device);
		return logged_edited("the template of a bundle", err);
	}
	u->devices++;
	return u->version == u->in_effect || !d->visit->device
		       ? PV_OK
		       : d->visit->device(d->visit->ctx, dev->s.device, u, err);
}

enum pv_code drift_walk(struct store *store, const char *name,
			const struct drift_visit *visit, struct err *err)
{
	CLEANUP(drift_release)
	struct drift d = { .store = store, .name = name, .visit = visit };
	const struct store_visit templates = { .ctx = &d,
					       .fn.template = add_version };
	const struct store_visit devices = { .ctx = &d,
					     .fn.device = take_device };
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc = store_begin(store, STORE_READ, &txn, err);

	if (rc == PV_OK)
		rc = store_template_each(store, &templates, err);
	if (rc == PV_OK && name && d.n == 0) {
		err_object(err, name);
		rc = err_fail(err, PV_NOT_FOUND, "store.template",
			      "see `provctl policy list'",
			      "no template of that name was adopted");
	}
	if (rc == PV_OK)
		rc = store_device_each(store, 0, &devices, err);
	for (size_t i = 0; rc == PV_OK && i < d.n; i++)
		rc = visit->version(visit->ctx, &d.versions[i], err);
	return rc;
}
