/* Devices: rows against their entries, then against what was handed out. */
#include <stdio.h>
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/flow/logged.h"
#include "lib/flow/reconcile_impl.h"
#include "lib/flow/succession.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"

/* The newest bundle of a stage. */
struct newest {
	char stage[STORE_ID_MAX + 1];
	uint64_t seal_index;
};

/* One device on its way through. */
struct pass {
	struct reconcile *r;
	const struct store_device *d;
	struct newest newest[STORE_STAGES_MAX];
	size_t newest_n;
	bool bundle_delivered;
};

/* The row's entry, claimed. *there false: there is no such entry at its place,
 * which is a finding. */
static enum pv_code claim(struct reconcile *r, uint64_t index, const char *type,
			  const char *object, const char *what,
			  const char *name, struct log_entry *e, bool *there,
			  struct err *err)
{
	uint8_t *flags = reconcile_entry(r, index);
	struct err why;
	enum pv_code rc = PV_INTEGRITY;

	err_init(&why);
	if (flags)
		rc = logged_entry(r->store, index, type, object, &r->entry, e,
				  &why);
	*there = rc == PV_OK;
	if (rc == PV_INTEGRITY)
		return reconcile_found(r, RECONCILE_EXTRA, true,
				       RECONCILE_STORE, RECONCILE_LOG, what,
				       name, err, "no %s entry of it", type);
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	*flags = (uint8_t)(*flags & ~ENTRY_DUE);
	return PV_OK;
}

static enum pv_code differs(struct pass *p, const char *what, const char *name,
			    const char *detail, struct err *err)
{
	return reconcile_found(p->r, RECONCILE_DIFFERENT, true, RECONCILE_STORE,
			       RECONCILE_LOG, what, name, err, "%s", detail);
}

/* Revoked, held and retired ones have the entry that made them so. */
static enum pv_code state_fits(struct pass *p, bool *fits, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = logged_state(p->r->store, p->d, &why);
	*fits = rc != PV_INTEGRITY;
	if (rc == PV_OK || rc == PV_INTEGRITY)
		return PV_OK;
	*err = why;
	return rc;
}

static enum pv_code check_row(struct pass *p, const char *serial,
			      struct err *err)
{
	const struct store_device *d = p->d;
	struct log_entry e;
	bool there = false, fits, has_tbs;
	enum pv_code rc = claim(p->r, d->intent_index, LOG_CERT_INTENT, serial,
				"device", d->s.device, &e, &there, err);

	if (rc != PV_OK || !there)
		return rc;
	has_tbs = log_fact_find(&e, "tbs", LOG_BSTR) != NULL;
	fits = logged_subject_fits(&e, &d->s) && (has_tbs || !d->has_cert);
	if (fits)
		rc = state_fits(p, &fits, err);
	if (rc != PV_OK)
		return rc;
	if (!fits)
		return differs(p, "device", d->s.device,
			       "its row is not what was logged", err);
	if (reconcile_is_open(d) || d->state == STORE_RETIRED || !has_tbs ||
	    d->has_cert)
		return PV_OK;
	return reconcile_found(p->r, RECONCILE_MISSING, true, RECONCILE_LOG,
			       RECONCILE_STORE, "certificate", d->s.device, err,
			       "serial %s", serial);
}

static enum pv_code check_cert(struct pass *p, const char *serial,
			       struct span der, struct err *err)
{
	const struct store_device *d = p->d;
	uint8_t hash[SHA256_LEN];
	struct log_entry e;
	bool there = false;
	enum pv_code rc;

	if (der.len == 0)
		return PV_OK;
	p->r->counts.certificates++;
	rc = sha256(der, hash, err);
	if (rc == PV_OK)
		rc = claim(p->r, d->issue_index, LOG_CERT_ISSUE, serial,
			   "certificate", d->s.device, &e, &there, err);
	if (rc == PV_OK && there && !logged_hash_is(&e, "cert", hash))
		rc = differs(p, "certificate", d->s.device,
			     "it is not the one logged", err);
	return rc;
}

/* By seq, so the last of a stage is the newest. */
static void remember(struct pass *p, const struct store_bundle *b)
{
	size_t i = 0;

	while (i < p->newest_n && strcmp(p->newest[i].stage, b->stage) != 0)
		i++;
	if (i == STORE_STAGES_MAX)
		return; /* no template has so many */
	if (i == p->newest_n)
		p->newest_n++;
	memcpy(p->newest[i].stage, b->stage, sizeof(b->stage));
	p->newest[i].seal_index = b->seal_index;
}

static enum pv_code take_bundle(void *ctx, const struct store_bundle *b,
				struct err *err)
{
	struct pass *p = ctx;
	char id[2 * STORE_UUID + 1], name[RECONCILE_TEXT_MAX];
	struct log_entry e;
	bool there = false;
	enum pv_code rc;

	p->r->counts.bundles++;
	hex_encode(b->id, STORE_UUID, id);
	reconcile_bundle_name(name, p->d->s.device, b->stage);
	rc = claim(p->r, b->seal_index, LOG_BUNDLE_SEAL, id, "bundle", name, &e,
		   &there, err);
	if (rc != PV_OK || !there)
		return rc;
	remember(p, b);
	if (!logged_bundle_fits(&e, &p->d->s, b))
		rc = differs(p, "bundle", name,
			     "its row is not what was logged", err);
	return rc;
}

/* A damaged row is a finding; what is found of it goes on. */
static enum pv_code check_bundles(struct pass *p, struct err *err)
{
	const struct store_visit v = { .ctx = p, .fn.bundle = take_bundle };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = store_bundle_each(p->r->store, p->d->s.number, &v, &why);
	if (rc == PV_INTEGRITY)
		return differs(p, "bundle", p->d->s.device,
			       "a row of it cannot be read", err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* ---- what was handed out ---- */

static enum pv_code missing(struct pass *p, enum reconcile_source not_in,
			    const char *what, const char *name,
			    const char *detail, struct err *err)
{
	return reconcile_found(p->r, RECONCILE_MISSING, false, RECONCILE_STORE,
			       not_in, what, name, err, "%s", detail);
}

static enum pv_code delivered(struct pass *p, const struct newest *n,
			      uint8_t device, struct err *err)
{
	const uint8_t *flags = reconcile_entry(p->r, n->seal_index);
	char name[RECONCILE_TEXT_MAX];
	enum pv_code rc = PV_OK;

	reconcile_bundle_name(name, p->d->s.device, n->stage);
	if (p->r->counts.folders && !(*flags & (ENTRY_OUT | ENTRY_OTHER_OUT)))
		rc = missing(p, RECONCILE_OUT, "bundle", name, "", err);
	if ((*flags & (ENTRY_EXPORTED | ENTRY_OUT | ENTRY_REPORTED)) ||
	    (device & DEVICE_REPORTED_PLAIN)) {
		p->bundle_delivered = true;
		return rc;
	}
	if (rc == PV_OK)
		rc = reconcile_found(p->r, RECONCILE_NEVER_EXPORTED, false,
				     RECONCILE_STORE, RECONCILE_LOG, "bundle",
				     name, err,
				     "no export, file or report of it");
	return rc;
}

static bool wants_receipt(const struct pass *p)
{
	for (size_t i = 0; i < p->r->receipts_n; i++)
		if (memcmp(p->r->receipts[i], p->d->s.template_sha256,
			   STORE_HASH) == 0)
			return true;
	return false;
}

#define HOUR_MS 3600000u

/* Not reported, and no matter of the line: its receipt says that it is there.
 * *awaits: that may still come. */
static enum pv_code check_rotated(struct pass *p, bool *awaits, struct err *err)
{
	const struct store_device *d = p->d;
	const uint64_t now_ms = (uint64_t)pvtime_now_ms();
	const struct template *t = NULL;
	bool received = false;
	uint64_t within_h;
	enum pv_code rc =
		succession_received(p->r->store, d->s.number, &received, err);

	if (rc != PV_OK || received)
		return rc;
	rc = due_template(&p->r->due, p->r->store, d->s.template_sha256, &t,
			  err);
	if (rc != PV_OK)
		return rc;
	within_h = t->limits.watch[TPL_WATCH_RECEIPTS];
	if (within_h && now_ms > d->s.reserved_ms &&
	    (now_ms - d->s.reserved_ms) / HOUR_MS >= within_h)
		return missing(p, RECONCILE_REPORT, "device", d->s.device,
			       "rotated, and its receipt is late", err);
	*awaits = true;
	return reconcile_found(p->r, RECONCILE_AWAITING, false, RECONCILE_STORE,
			       RECONCILE_LOG, "device", d->s.device, err,
			       "rotated, its receipt is due");
}

struct later {
	struct reconcile *r;
	bool reported;
};

static enum pv_code take_later(void *ctx, const struct store_device *d,
			       struct span cert, struct err *err)
{
	struct later *l = ctx;
	const uint8_t *flags = reconcile_device(l->r, d->s.number);

	(void)cert;
	(void)err;
	l->reported |=
		d->s.why == STORE_ROTATE && flags && (*flags & DEVICE_REPORTED);
	return PV_OK;
}

/* A line that names a device by its id is about what it was rotated to. */
static enum pv_code check_reported(struct pass *p, uint8_t flags, bool *awaits,
				   struct err *err)
{
	struct later l = { p->r, flags & DEVICE_REPORTED };
	const struct store_visit v = { .ctx = &l, .fn.device = take_later };
	const struct store_subject *s = &p->d->s;
	enum pv_code rc = PV_OK;

	if (!l.reported && s->why == STORE_ROTATE)
		return check_rotated(p, awaits, err);
	if (!l.reported)
		rc = store_history_each(p->r->store, s->device, &v, err);
	return rc == PV_OK && !l.reported
		       ? missing(p, RECONCILE_REPORT, "device", s->device,
				 flags & DEVICE_FAILED
					 ? "reported as failed only"
					 : "",
				 err)
		       : rc;
}

static enum pv_code check_handed_out(struct pass *p, uint8_t flags,
				     struct err *err)
{
	const struct store_device *d = p->d;
	struct reconcile *r = p->r;
	bool received = false, awaits = false;
	enum pv_code rc = PV_OK;

	if (r->counts.folders && d->has_cert && !(flags & DEVICE_CERT_OUT))
		rc = missing(p, RECONCILE_OUT, "certificate", d->s.device, "",
			     err);
	for (size_t i = 0; rc == PV_OK && i < p->newest_n; i++)
		rc = delivered(p, &p->newest[i], flags, err);
	if (rc == PV_OK && r->counts.reports)
		rc = check_reported(p, flags, &awaits, err);
	if (rc != PV_OK || awaits || !p->bundle_delivered || !wants_receipt(p))
		return rc;
	rc = succession_received(r->store, d->s.number, &received, err);
	if (rc == PV_OK && !received)
		rc = reconcile_found(r, RECONCILE_UNRECEIPTED, false,
				     RECONCILE_STORE, RECONCILE_LOG, "device",
				     d->s.device, err, "its receipt is due");
	return rc;
}

static enum pv_code take_device(void *ctx, const struct store_device *d,
				struct span cert, struct err *err)
{
	struct reconcile *r = ctx;
	struct pass p = { .r = r, .d = d };
	const uint8_t *flags = reconcile_device(r, d->s.number);
	char serial[2 * STORE_SERIAL_MAX + 1];
	enum pv_code rc;

	hex_encode(d->s.serial, d->s.serial_len, serial);
	r->counts.devices += d->s.replaces == 0;
	r->counts.credentials++;
	r->counts.open_intents += d->state == STORE_RESERVED;
	if (!flags)
		return reconcile_found(r, RECONCILE_EXTRA, true,
				       RECONCILE_STORE, RECONCILE_LOG, "device",
				       d->s.device, err,
				       "its serial was never lent");
	rc = check_row(&p, serial, err);
	if (rc == PV_OK)
		rc = check_cert(&p, serial, cert, err);
	if (rc == PV_OK)
		rc = check_bundles(&p, err);
	/* Of one that was revoked or retired nothing has to be there. */
	if (rc == PV_OK && d->state == STORE_ISSUED)
		rc = check_handed_out(&p, *flags, err);
	reconcile_step(r);
	return rc;
}

enum pv_code reconcile_devices(struct reconcile *r, struct err *err)
{
	const struct store_visit v = { .ctx = r, .fn.device = take_device };

	return store_device_each(r->store, 0, &v, err);
}
