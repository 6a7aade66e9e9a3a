#include "lib/flow/succession.h"

#include "lib/base/cleanup.h"
#include "lib/flow/event.h"
#include "lib/flow/logged.h"
#include "lib/flow/revocation.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"
#include "lib/store/store_renew.h"
#include "lib/x509/cert.h"
#include "lib/x509/issuer.h"

#define BEFORE_MAX 32u /* revoked in one pass over the history */
#define REFUSALS_MAX                                                           \
	64u /* of one credential that are looked at; more count                \
	     * for nothing */

struct looking { /* at the newest that has a number; an intent that was given
		    up has none */
	uint64_t seq;
};

static enum pv_code take_newest(void *ctx, const struct store_device *d,
				struct span cert, struct err *err)
{
	struct looking *l = ctx;

	(void)cert;
	(void)err;
	if (l->seq == 0)
		l->seq = d->seq;
	return PV_OK;
}

/* Each got a number above all before it, so the newest has the highest, unless
 * the current one got bundles since. */
enum pv_code succession_next_seq(struct store *store,
				 const struct store_device *d, uint64_t *seq,
				 struct err *err)
{
	struct looking l = { .seq = 0 };
	struct store_visit v = { .ctx = &l, .fn.device = take_newest };
	enum pv_code rc = store_history_each(store, d->s.device, &v, err);

	*seq = (l.seq > d->seq ? l.seq : d->seq) + 1;
	return rc;
}

static enum pv_code take_receipt(void *ctx, const struct store_receipt *r,
				 struct err *err)
{
	(void)err;
	*(bool *)ctx |= r->result == 0;
	return PV_OK;
}

enum pv_code succession_received(struct store *store, uint32_t number,
				 bool *received, struct err *err)
{
	struct store_visit v = { .ctx = received, .fn.receipt = take_receipt };

	*received = false;
	return store_receipt_each(store, number, &v, err);
}

enum pv_code succession_ends(struct store *store, const struct store_device *d,
			     int64_t *not_after_s, struct err *err)
{
	CLEANUP(buf_release) struct buf der;
	struct x509_cert cert;
	struct err why;
	enum pv_code rc;

	*not_after_s = STORE_NO_TIME;
	if (!d->has_cert)
		return PV_OK;
	buf_init(&der, X509_CERT_MAX);
	rc = store_cert_get(store, d->s.number, &der, err);
	if (rc == PV_OK)
		rc = logged_cert(store, d, buf_span(&der), err);
	if (rc != PV_OK)
		return rc;
	err_init(&why);
	if (x509_cert_decode(buf_span(&der), &cert, &why) != PV_OK)
		return logged_edited("a certificate", err);
	*not_after_s = cert.not_after_s;
	return PV_OK;
}

/* by: what is in its place. */
static enum pv_code revoke_one(const struct succession *s,
			       const struct store_device *d,
			       const struct store_device *by, struct err *err)
{
	char serial[2 * STORE_SERIAL_MAX + 1];
	const struct revocation v = { .store = s->store,
				      .due = s->due,
				      .who = s->who,
				      .reason = SUCCESSION_SUPERSEDED,
				      .invalidity_s = STORE_NO_TIME,
				      .by = serial };
	enum revocation_done done;

	hex_encode(by->s.serial, by->s.serial_len, serial);
	return revocation_make(&v, d, &done, err);
}

/* ---- what came before ---- */

struct before {
	struct store *store;
	struct due *due;
	uint32_t than;
	int64_t now_s;
	struct store_device list[BEFORE_MAX];
	size_t n;
	bool past, done; /* behind the new one; at one that settled the rest */
};

struct received {
	struct store *store;
	const char *device;
	bool yes;
};

static enum pv_code hold_receipt(void *ctx, const struct store_receipt *r,
				 struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct received *got = ctx;
	struct log_entry e;
	enum pv_code rc;

	buf_init(&room, LOG_ENTRY_MAX);
	if (r->result != 0)
		return PV_OK;
	rc = logged_entry(got->store, r->log_index, LOG_RECEIPT, got->device,
			  &room, &e, err);
	if (rc == PV_OK && (!logged_uint_is(&e, "seq", r->seq) ||
			    !logged_uint_is(&e, "result", r->result)))
		rc = logged_edited("a receipt", err);
	got->yes |= rc == PV_OK;
	return rc;
}

/* Did d, which is valid, supersede what was before it? By the log. */
static enum pv_code settles(const struct before *b,
			    const struct store_device *d, bool *yes,
			    struct err *err)
{
	struct received got = { .store = b->store, .device = d->s.device };
	struct store_visit v = { .ctx = &got, .fn.receipt = hold_receipt };
	const struct template *t = NULL;
	enum pv_code rc = logged_device(b->store, d, err);

	*yes = rc == PV_OK && store_is_rework(&d->s);
	if (rc != PV_OK || d->s.why != STORE_ROTATE)
		return rc;
	rc = due_template(b->due, b->store, d->s.template_sha256, &t, err);
	if (rc == PV_OK && t->rotation.keep_previous == TPL_KEEP_UNTIL_RECEIPT)
		rc = store_receipt_each(b->store, d->s.number, &v, err);
	*yes = rc == PV_OK && got.yes;
	return rc;
}

static enum pv_code take_before(void *ctx, const struct store_device *d,
				struct span cert, struct err *err)
{
	struct before *b = ctx;
	int64_t ends;
	enum pv_code rc;

	(void)cert;
	if (!b->past || b->done || b->n == BEFORE_MAX ||
	    (d->state != STORE_ISSUED && d->state != STORE_SUSPENDED)) {
		b->past |= d->s.number == b->than;
		return PV_OK;
	}
	rc = succession_ends(b->store, d, &ends, err);
	if (rc == PV_OK && (ends == STORE_NO_TIME || ends >= b->now_s))
		b->list[b->n++] = *d;
	return rc == PV_OK ? settles(b, d, &b->done, err) : rc;
}

enum pv_code succession_supersede(const struct succession *s,
				  const struct store_device *d, uint32_t *n,
				  struct err *err)
{
	struct before b = { .store = s->store,
			    .due = s->due,
			    .than = d->s.number,
			    .now_s = (int64_t)(s->who.time_ms / 1000) };
	struct store_visit v = { .ctx = &b, .fn.device = take_before };
	enum pv_code rc;

	if (n)
		*n = 0;
	do {
		b.n = 0;
		b.past = b.done = false;
		rc = store_history_each(s->store, d->s.device, &v, err);
		for (size_t i = 0; rc == PV_OK && i < b.n; i++)
			rc = revoke_one(s, &b.list[i], d, err);
		if (n)
			*n += (uint32_t)b.n;
	} while (rc == PV_OK && b.n == BEFORE_MAX);
	return rc;
}

/* ---- back to it ---- */

static enum pv_code stays(const char *rule, const char *hint, const char *what,
			  struct err *err)
{
	return err_fail(err, PV_CONFLICT, rule, hint,
			"the device's credential is not taken back: %s", what);
}

static enum pv_code check_back(const struct succession *s,
			       const struct store_device *d,
			       struct store_device *before, struct err *err)
{
	bool received = false, found = false;
	int64_t ends = STORE_NO_TIME;
	enum pv_code rc;

	if (d->s.replaces == 0 || d->s.why != STORE_ROTATE)
		return stays("rotate.first", "revoke it, or rotate it",
			     "it was not rotated", err);
	if (d->state == STORE_RESERVED)
		return stays("rotate.pending",
			     "run the rotation that was begun once more",
			     "it is not finished", err);
	if (d->state == STORE_REVOKED)
		return stays("device.revoked",
			     "`provctl issue --replace --reason rework|scrap`, "
			     "with a new key",
			     "it is revoked", err);
	if (d->state == STORE_SUSPENDED)
		return stays("device.suspended",
			     "take it from hold first: `provctl revoke "
			     "--reason removeFromCRL --serial HEX`",
			     "it is on hold", err);
	rc = succession_received(s->store, d->s.number, &received, err);
	if (rc == PV_OK && received)
		return stays("rotate.received", "rotate it once more",
			     "the device said that it has it", err);
	if (rc == PV_OK)
		rc = store_number_get(s->store, d->s.replaces, before, &found,
				      err);
	if (rc == PV_OK && !found)
		rc = logged_edited("a device's row", err);
	if (rc == PV_OK)
		rc = logged_device(s->store, before, err);
	if (rc == PV_OK)
		rc = succession_ends(s->store, before, &ends, err);
	if (rc == PV_OK && (before->state != STORE_ISSUED ||
			    (ends != STORE_NO_TIME &&
			     ends < (int64_t)(s->who.time_ms / 1000))))
		return stays("rotate.previous", "rotate it once more",
			     "the one before is not valid any more", err);
	return rc;
}

/* It may have gone from the list of ends when it was not current. */
static enum pv_code list_again(const struct succession *s,
			       const struct store_device *d, struct err *err)
{
	const struct template *t = NULL;
	int64_t ends;
	enum pv_code rc =
		due_template(s->due, s->store, d->s.template_sha256, &t, err);

	if (rc != PV_OK || !t->rotation.present)
		return rc;
	rc = succession_ends(s->store, d, &ends, err);
	return rc == PV_OK && ends != STORE_NO_TIME
		       ? store_ending_put(s->store, d->s.number, ends, err)
		       : rc;
}

enum pv_code succession_leave(const struct succession *s,
			      const struct store_device *d,
			      const struct store_device *before,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	char from[2 * STORE_SERIAL_MAX + 1], to[2 * STORE_SERIAL_MAX + 1];
	struct log_entry e;
	enum pv_code rc;

	buf_init(&bytes, LOG_ENTRY_MAX);
	hex_encode(d->s.serial, d->s.serial_len, from);
	hex_encode(before->s.serial, before->s.serial_len, to);
	log_device_rollback(&e, &s->who, d->s.device, from, to);
	rc = log_entry_encode(&e, &bytes, err);
	return rc == PV_OK ? store_go_back(s->store, d->s.number,
					   buf_span(&bytes), err)
			   : rc;
}

struct given {
	uint64_t refused[REFUSALS_MAX]; /* numbers of bundles */
	size_t refused_n;
	bool out; /* a bundle is with somebody, and was not refused */
};

static enum pv_code take_refusal(void *ctx, const struct store_receipt *r,
				 struct err *err)
{
	struct given *g = ctx;

	(void)err;
	if (r->result != 0 && g->refused_n < REFUSALS_MAX)
		g->refused[g->refused_n++] = r->seq;
	return PV_OK;
}

static enum pv_code take_given(void *ctx, const struct store_bundle *b,
			       struct err *err)
{
	struct given *g = ctx;
	bool refused = false;

	(void)err;
	for (size_t i = 0; i < g->refused_n; i++)
		refused |= g->refused[i] == b->seq;
	g->out |= !refused;
	return PV_OK;
}

/* A bundle is given out as soon as it is made: who has it may have installed
 * it, and then the device takes no older one. Not so where the device has
 * signed that it refused it. */
static enum pv_code check_given(const struct succession *s,
				const struct store_device *d, struct err *err)
{
	struct given given = { .refused_n = 0 };
	const struct store_visit receipts = { .ctx = &given,
					      .fn.receipt = take_refusal };
	const struct store_visit v = { .ctx = &given, .fn.bundle = take_given };
	enum pv_code rc =
		store_receipt_each(s->store, d->s.number, &receipts, err);

	if (rc == PV_OK)
		rc = store_bundle_each(s->store, d->s.number, &v, err);
	if (rc == PV_OK && given.out)
		rc = err_fail(err, PV_DENIED, "rotate.given",
			      "make sure that the device has not installed it, "
			      "then say so: --rollback --not-installed",
			      "the new bundle was given out: a device that has "
			      "it takes no older one");
	return rc;
}

enum pv_code succession_may_go_back(const struct succession *s,
				    const struct store_device *d, bool *may,
				    struct err *err)
{
	struct store_device current, before;
	bool found = false;
	struct err why;
	enum pv_code rc =
		store_device_get(s->store, d->s.device, &current, &found, err);

	*may = false;
	if (rc != PV_OK || !found || current.s.number != d->s.number)
		return rc;
	err_init(&why);
	rc = check_back(s, d, &before, &why);
	if (rc == PV_OK)
		rc = check_given(s, d, &why);
	*may = rc == PV_OK;
	if (rc == PV_CONFLICT || rc == PV_DENIED)
		return PV_OK;
	if (rc != PV_OK)
		*err = why;
	return rc;
}

enum pv_code succession_back(const struct succession *s,
			     const struct store_device *d, bool not_installed,
			     struct err *err)
{
	struct store_device before;
	enum pv_code rc = check_back(s, d, &before, err);

	if (rc == PV_OK && !not_installed)
		rc = check_given(s, d, err);
	if (rc == PV_OK && d->state != STORE_QUARANTINED)
		rc = revoke_one(s, d, &before, err);
	if (rc == PV_OK)
		rc = list_again(s, &before, err);
	return rc == PV_OK ? succession_leave(s, d, &before, err) : rc;
}
