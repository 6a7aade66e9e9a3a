/* Which certificates a revocation is about. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/export.h"
#include "lib/flow/logged.h"
#include "lib/flow/raised.h"
#include "lib/flow/revoke_impl.h"
#include "lib/store/store_device.h"
#include "lib/store/store_history.h"
#include "lib/store/store_order.h"
#include "lib/store/store_revoke.h"
#include "lib/x509/cert.h"

#define ROOM_FIRST 64u

void revoke_chosen_release(struct revoke_chosen *c)
{
	free(c->all.list);
	free(c->firsts.list);
	due_release(&c->due);
	revoke_sum_release(&c->sum);
}

/* ---- numbers ---- */

static enum pv_code add(struct revoke_numbers *l, uint32_t number,
			struct err *err)
{
	size_t room = l->room ? 2 * l->room : ROOM_FIRST;
	uint32_t *list;

	if (l->n == REVOKE_MAX)
		return err_fail(
			err, PV_INPUT, "revoke.size", "revoke them in parts",
			"more than %u certificates at once", REVOKE_MAX);
	if (l->n == l->room) {
		list = realloc(l->list, room * sizeof(*list));
		if (!list)
			return err_fail(err, PV_INTERNAL, "memory", NULL,
					"no memory for %zu certificates", room);
		l->list = list;
		l->room = room;
	}
	l->list[l->n++] = number;
	return PV_OK;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void sort(struct revoke_numbers *l)
{
	size_t kept = 0;

	if (l->n == 0)
		return;
	qsort(l->list, l->n, sizeof(*l->list), by_number);
	for (size_t i = 0; i < l->n; i++)
		if (i == 0 || l->list[i] != l->list[kept - 1])
			l->list[kept++] = l->list[i];
	l->n = kept;
}

/* ---- choosing ---- */

struct choosing {
	const struct revoke_job *job;
	struct revoke_chosen *c;
	uint64_t matched; /* rows, those without result too */
};

static bool has_result(const struct store_device *d)
{
	return d->state != STORE_RESERVED && d->state != STORE_QUARANTINED;
}

static enum pv_code take(struct choosing *s, const struct store_device *d,
			 struct err *err)
{
	enum pv_code rc = PV_OK;

	s->matched++;
	if (s->job->retire)
		return add(&s->c->firsts, d->first, err);
	if (has_result(d))
		rc = add(&s->c->all, d->s.number, err);
	else if (d->state == STORE_RESERVED)
		s->c->unfinished++;
	return rc;
}

/* What is told of it is so by the log. */
static enum pv_code hold(const struct choosing *s, const struct store_device *d,
			 struct err *err)
{
	struct store_revocation r;
	bool found = false;
	enum pv_code rc = logged_device(s->job->store, d, err);

	if (rc == PV_OK)
		rc = store_revocation_get(s->job->store, d->s.number, &r,
					  &found, err);
	if (rc == PV_OK && found)
		rc = logged_revocation(s->job->store, &r, err);
	if (rc != PV_OK)
		err_object(err, d->s.device);
	return rc;
}

/* What is over is not let go of: it is no part of that. */
static enum pv_code take_row(void *ctx, const struct store_device *d,
			     struct span cert, struct err *err)
{
	const struct choosing *s = ctx;

	(void)cert;
	return s->job->reason == STORE_REASON_REMOVE &&
			       d->state == STORE_REVOKED
		       ? hold(s, d, err)
		       : take(ctx, d, err);
}

/* All credentials of one device; one that was never issued, or of which all is
 * over, is no answer. */
static enum pv_code by_device(struct choosing *s, const char *id,
			      struct err *err)
{
	const struct store_visit v = { s, { .device = take_row } };
	struct store_device d;
	enum revocation_done done;
	size_t before = s->c->all.n;
	enum pv_code rc = export_device_find(s->job->store, id, &d, err);

	if (rc == PV_OK)
		rc = store_history_each(s->job->store, id, &v, err);
	if (rc == PV_OK && !s->job->retire && s->c->all.n == before)
		rc = revocation_plan(s->job->reason, &d, &done, err);
	if (rc != PV_OK)
		err_object(err, id);
	return rc;
}

struct ca_serial {
	struct span serial;
	bool is_ca;
};

static enum pv_code compare_ca(void *ctx, const struct store_ca *ca,
			       struct err *err)
{
	struct ca_serial *c = ctx;
	struct x509_cert cert;
	struct err why;

	(void)err;
	err_init(&why);
	if (x509_cert_decode(ca->cert, &cert, &why) == PV_OK &&
	    span_equal(cert.serial, c->serial))
		c->is_ca = true;
	return PV_OK;
}

static enum pv_code no_serial(struct store *store, struct span serial,
			      const char *hex, struct err *err)
{
	struct ca_serial c = { serial, false };
	const struct store_visit v = { &c, { .ca = compare_ca } };
	enum pv_code rc = store_ca_each(store, NULL, &v, err);

	err_object(err, hex);
	if (rc == PV_OK && c.is_ca)
		return err_fail(err, PV_DENIED, "revoke.ca",
				"revoke it with --ca NAME",
				"that is a certificate of one of our CAs");
	return rc == PV_OK ? err_fail(err, PV_NOT_FOUND, "serial.unknown",
				      "see provctl export inventory",
				      "no certificate of that serial")
			   : rc;
}

static enum pv_code by_serial(struct choosing *s, const uint8_t *serial,
			      size_t len, struct err *err)
{
	uint32_t number = (uint32_t)serial[0] << 24 |
			  (uint32_t)serial[1] << 16 | (uint32_t)serial[2] << 8 |
			  serial[3];
	char hex[2 * STORE_SERIAL_MAX + 1];
	enum revocation_done done;
	struct store_device d;
	bool found = false;
	enum pv_code rc =
		store_number_get(s->job->store, number, &d, &found, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(serial, len, hex);
	if (!found || d.s.serial_len != len ||
	    memcmp(d.s.serial, serial, len) != 0)
		return no_serial(s->job->store, (struct span){ serial, len },
				 hex, err);
	if (!has_result(&d) && !s->job->retire)
		rc = revocation_plan(s->job->reason, &d, &done, err);
	if (rc == PV_OK)
		rc = take(s, &d, err);
	if (rc != PV_OK)
		err_object(err, hex);
	return rc;
}

static enum pv_code by_list(struct choosing *s, struct err *err)
{
	struct namelist_line line;
	bool end = false;
	enum pv_code rc = PV_OK;

	while (rc == PV_OK) {
		rc = namelist_next(s->job->list, &line, &end, err);
		if (rc != PV_OK || end)
			return rc;
		rc = line.device[0]
			     ? by_device(s, line.device, err)
			     : by_serial(s, line.serial, line.serial_len, err);
		if (rc != PV_OK)
			err_prefix(err, "line %llu",
				   (unsigned long long)line.line);
	}
	return rc;
}

static enum pv_code take_of_order(void *ctx, const struct store_device *d,
				  struct span cert, struct err *err)
{
	struct choosing *s = ctx;

	(void)cert;
	return strcmp(d->s.order, s->job->order) == 0 ? take(s, d, err) : PV_OK;
}

static enum pv_code take_of_template(void *ctx, const struct store_device *d,
				     struct span cert, struct err *err)
{
	struct choosing *s = ctx;

	(void)cert;
	return strcmp(d->s.template_name, s->job->template) == 0
		       ? take(s, d, err)
		       : PV_OK;
}

static enum pv_code any_order(void *ctx, const struct store_order *o,
			      struct err *err)
{
	(void)ctx;
	(void)o;
	(void)err;
	return PV_OK;
}

static enum pv_code any_template(void *ctx, const struct store_template *t,
				 struct err *err)
{
	(void)ctx;
	(void)t;
	(void)err;
	return PV_OK;
}

static enum pv_code by_order(struct choosing *s, struct err *err)
{
	const struct store_visit o = { s, { .order = any_order } };
	const struct store_visit v = { s, { .device = take_of_order } };
	bool found = false;
	enum pv_code rc =
		store_order_get(s->job->store, s->job->order, &o, &found, err);

	if (rc == PV_OK && !found) {
		err_object(err, s->job->order);
		return err_fail(err, PV_NOT_FOUND, "order.unknown",
				"see provctl order show",
				"no order of that name");
	}
	return rc == PV_OK ? store_device_each(s->job->store, 0, &v, err) : rc;
}

static enum pv_code by_template(struct choosing *s, struct err *err)
{
	const struct store_visit t = { s, { .template = any_template } };
	const struct store_visit v = { s, { .device = take_of_template } };
	enum pv_code rc = store_template_current(s->job->store,
						 s->job->template, &t, err);

	if (rc != PV_OK)
		err_object(err, s->job->template);
	return rc == PV_OK ? store_device_each(s->job->store, 0, &v, err) : rc;
}

static enum pv_code bad_serial(const char *hex, struct err *err)
{
	err_object(err, hex);
	return err_fail(err, PV_INPUT, "revoke.serial", "32 to 40 hex digits",
			"that is not a serial number of ours");
}

static enum pv_code choose(struct choosing *s, struct err *err)
{
	const struct revoke_job *job = s->job;
	uint8_t serial[STORE_SERIAL_MAX];
	size_t len = 0;

	if (job->device)
		return by_device(s, job->device, err);
	if (job->serial)
		return namelist_serial(job->serial, serial, &len)
			       ? by_serial(s, serial, len, err)
			       : bad_serial(job->serial, err);
	if (job->list)
		return by_list(s, err);
	return job->order ? by_order(s, err) : by_template(s, err);
}

/* ---- what they say together ---- */

static enum pv_code add_issued(void *ctx, const struct store_device *d,
			       struct span cert, struct err *err)
{
	struct choosing *s = ctx;

	(void)cert;
	return has_result(d) ? add(&s->c->all, d->s.number, err) : PV_OK;
}

/* What its current credential's template asks, also where nothing of it is left
 * to be revoked. */
static enum pv_code retires(struct choosing *s, const struct store_device *d,
			    struct err *err)
{
	struct store_device now;
	bool found = false;
	enum pv_code rc =
		store_device_get(s->job->store, d->s.device, &now, &found, err);

	s->c->retires++;
	revoke_sum_device(&s->c->sum, d);
	if (rc == PV_OK && !found)
		rc = logged_edited("a device's row", err);
	return rc == PV_OK ? raised_add_revoke(s->job->store, &s->c->due,
					       now.s.template_sha256,
					       &s->c->raised, err)
			   : rc;
}

/* Every credential of the devices that retire. */
static enum pv_code expand(struct choosing *s, struct err *err)
{
	const struct store_visit v = { s, { .device = add_issued } };
	enum pv_code rc = PV_OK;

	sort(&s->c->firsts);
	for (size_t i = 0; rc == PV_OK && i < s->c->firsts.n; i++) {
		struct store_device d;
		bool found = false;

		rc = store_number_get(s->job->store, s->c->firsts.list[i], &d,
				      &found, err);
		if (rc == PV_OK && !found)
			rc = logged_edited("a device's row", err);
		if (rc == PV_OK && d.state != STORE_RETIRED)
			rc = retires(s, &d, err);
		if (rc == PV_OK)
			rc = store_history_each(s->job->store, d.s.device, &v,
						err);
	}
	return rc;
}

/* One that is revoked is not to be held: of many it is left as it is. */
static enum pv_code plan(struct choosing *s, const struct store_device *d,
			 struct err *err)
{
	bool many = s->job->order || s->job->template;
	enum revocation_done done;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = revocation_plan(s->job->reason, d, &done, &why);
	if (rc == PV_CONFLICT && many)
		return hold(s, d, err);
	if (rc != PV_OK) {
		*err = why;
		err_object(err, d->s.device);
		return rc;
	}
	/* What will change is held against the log when it does. */
	if (done == REVOCATION_NOTHING || s->job->dry_run)
		rc = hold(s, d, err);
	if (rc != PV_OK || done == REVOCATION_NOTHING)
		return rc;
	s->c->changes++;
	revoke_sum_serial(&s->c->sum, d);
	return raised_add_revoke(s->job->store, &s->c->due,
				 d->s.template_sha256, &s->c->raised, err);
}

static enum pv_code sum_up(struct choosing *s, struct err *err)
{
	struct revoke_chosen *c = s->c;
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < c->all.n; i++) {
		struct store_device d;
		bool found = false;

		rc = store_number_get(s->job->store, c->all.list[i], &d, &found,
				      err);
		if (rc == PV_OK && !found)
			rc = logged_edited("a device's row", err);
		if (rc == PV_OK)
			rc = plan(s, &d, err);
	}
	return rc == PV_OK ? revoke_sum_end(&c->sum, err) : rc;
}

enum pv_code revoke_choose(const struct revoke_job *job,
			   struct revoke_chosen *c, struct err *err)
{
	struct choosing s = { .job = job, .c = c };
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc = store_begin(job->store, STORE_READ, &txn, err);

	if (rc == PV_OK)
		rc = revoke_sum_begin(&c->sum, err);
	if (rc == PV_OK)
		rc = choose(&s, err);
	if (rc == PV_OK && job->retire)
		rc = expand(&s, err);
	if (rc == PV_OK && c->all.n == 0 && c->firsts.n == 0)
		rc = err_fail(err, PV_NOT_FOUND, "revoke.nothing",
			      "see provctl export inventory",
			      s.matched
				      ? "nothing of that has a certificate yet"
				      : "there is nothing of that");
	sort(&c->all);
	return rc == PV_OK ? sum_up(&s, err) : rc;
}
