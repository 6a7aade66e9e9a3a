#include "lib/flow/dependants_impl.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/pvtime.h"
#include "lib/flow/crlstatus.h"
#include "lib/flow/httpget.h"
#include "lib/flow/ocspcert.h"

CLEANUP_PTR(struct json_doc, json_doc_free);

static void check_release(struct dependants *c)
{
	crl_issuers_release(&c->issuers);
}

const char *dependant_verdict_name(enum dependant_verdict v)
{
	static const char *const names[] = { "current",	    "behind", "expired",
					     "other-shard", "away",   "newer",
					     "foreign" };

	return names[v];
}

/* ---- lines ---- */

static enum pv_code bad_line(const struct dependants *c, const char *what,
			     struct err *err)
{
	return err_fail(err, PV_INPUT, "dependant.line",
			"see --dependants in provctl(1)", "line %zu: %s",
			c->line, what);
}

static bool take_string(const json_t *value, const char **out)
{
	*out = json_string_value(value);
	return *out && **out && strlen(*out) < HTTP_URL_MAX;
}

static bool take_serial(const json_t *value, struct dependant_asked *a)
{
	const char *hex = json_string_value(value);
	size_t len = hex ? strlen(hex) / 2 : 0;

	if (len < STORE_SERIAL_MIN || len > STORE_SERIAL_MAX ||
	    strlen(hex) % 2 || !hex_decode(hex, a->serial, len))
		return false;
	a->serial_len = len;
	return true;
}

static bool take_key(struct dependant_asked *a, const char *key,
		     const json_t *value)
{
	if (strcmp(key, "name") == 0)
		return take_string(value, &a->name);
	if (strcmp(key, "ca") == 0)
		return take_string(value, &a->ca);
	if (strcmp(key, "file") == 0)
		return take_string(value, &a->file);
	if (strcmp(key, "url") == 0)
		return take_string(value, &a->url);
	if (strcmp(key, "ocsp") == 0)
		return take_string(value, &a->ocsp);
	if (strcmp(key, "serial") == 0)
		return take_serial(value, a);
	a->shard = json_integer_value(value);
	return strcmp(key, "shard") == 0 && json_is_integer(value) &&
	       a->shard >= 0 && a->shard <= UINT32_MAX;
}

static enum pv_code parse_line(const struct dependants *c, struct json_doc *doc,
			       struct dependant_asked *a, struct err *err)
{
	const char *key;
	json_t *value;

	memset(a, 0, sizeof(*a));
	if (!json_is_object(json_root(doc)))
		return bad_line(c, "not an object", err);
	json_object_foreach(json_root(doc), key, value)
	{
		if (!take_key(a, key, value))
			return bad_line(c,
					"a key is unknown or its value is "
					"wrong",
					err);
	}
	if (!a->name || !a->ca || !a->file + !a->url + !a->ocsp != 2)
		return bad_line(c, "name, ca, and one of file, url and ocsp",
				err);
	if (a->ocsp && a->serial_len == 0)
		return bad_line(c, "ocsp needs a serial", err);
	if (!a->file &&
	    http_url_check(a->url ? a->url : a->ocsp, NULL) != PV_OK)
		return bad_line(c, "an address is http://host[:port]/path",
				err);
	return PV_OK;
}

static const struct crl_issuer *find(const struct dependants *c,
				     const struct dependant_asked *a,
				     uint32_t *shard)
{
	for (size_t j = 0; j < c->issuers.n; j++) {
		const struct crl_issuer *i = &c->issuers.list[j];
		int64_t first = crl_shard_number(i, 0);

		if (strcmp(i->ca, a->ca) != 0 || a->shard < first ||
		    a->shard >= first + i->shards)
			continue;
		*shard = (uint32_t)(a->shard - first);
		return i;
	}
	return NULL;
}

/* ---- responders ---- */

static enum pv_code judge_answer(const struct dependants *c,
				 const struct dependant_asked *a,
				 const struct crl_issuer *i,
				 const struct x509_ocsp *r, struct dependant *d,
				 struct err *err)
{
	struct store_revocation v = { .revoked_ms = 0 };
	bool revoked = false;
	enum pv_code rc = crl_status(c->job->store, i,
				     (struct span){ a->serial, a->serial_len },
				     &v, &revoked, err);

	if (rc != PV_OK)
		return rc;
	if (revoked != r->status.revoked ||
	    (revoked && r->status.reason != v.reason)) {
		d->verdict = DEPENDANT_BEHIND;
		d->since_s = revoked ? (int64_t)(v.revoked_ms / 1000) : -1;
	}
	if (c->now_s > r->next_s)
		d->verdict = DEPENDANT_EXPIRED;
	return PV_OK;
}

static enum pv_code check_responder(struct dependants *c,
				    const struct dependant_asked *a,
				    const struct crl_issuer *i,
				    struct dependant *d, struct err *err)
{
	CLEANUP(buf_release) struct buf ask, got;
	struct span serial = { a->serial, a->serial_len };
	struct x509_ocsp_head h;
	struct x509_ocsp r;
	enum pv_code rc = x509_ocsp_head(&i->cert, i->cert.spki, 0, 0, &h, err);

	buf_init(&ask, X509_OCSP_MAX);
	buf_init(&got, X509_OCSP_MAX);
	if (rc == PV_OK)
		rc = x509_ocsp_request(&h, serial, &ask, err);
	if (rc != PV_OK)
		return rc;
	rc = dependants_room(c, &got, &d->why);
	if (rc == PV_OK)
		rc = http_fetch(a->ocsp, "application/ocsp-request",
				buf_span(&ask), &got, &d->why);
	dependants_took(c, &got);
	if (rc == PV_OK)
		rc = x509_ocsp_decode(buf_span(&got), &r, &d->why);
	if (rc != PV_OK)
		return PV_OK;
	d->next_s = r.next_s;
	d->state = !r.status.revoked			 ? "good"
		   : r.status.reason == X509_REASON_HOLD ? "held"
							 : "revoked";
	d->verdict = DEPENDANT_FOREIGN;
	if (!ocsp_is_answer(i, &h, serial, &r))
		return PV_OK;
	d->verdict = DEPENDANT_CURRENT;
	return judge_answer(c, a, i, &r, d, err);
}

/* ---- all ---- */

static enum pv_code check_one(struct dependants *c,
			      const struct dependant_asked *a, bool ask,
			      struct err *err)
{
	struct dependant d = { .name = a->name,
			       .place = a->file	 ? a->file
					: a->url ? a->url
						 : a->ocsp,
			       .verdict = DEPENDANT_AWAY,
			       .shard = -1,
			       .since_s = -1,
			       .next_s = -1 };
	const struct crl_issuer *i;
	uint32_t shard = 0;
	enum pv_code rc;

	i = find(c, a, &shard);
	if (!i && crl_issuers_bad(&c->issuers, NULL, err) != PV_OK)
		return err->code;
	if (!i)
		return bad_line(c, "there is no such CA or shard", err);
	if (!a->ocsp && a->serial_len > 0 &&
	    x509_crl_shard((struct span){ a->serial, a->serial_len },
			   i->shards) != shard)
		return bad_line(c, "the serial is not of that shard", err);
	if (!ask)
		return PV_OK;
	err_init(&d.why);
	rc = a->ocsp ? check_responder(c, a, i, &d, err)
		     : dependant_list(c, a, i, shard, &d, err);
	if (rc != PV_OK)
		return rc;
	c->alarms += d.verdict >= DEPENDANT_NEWER;
	c->behind += d.verdict != DEPENDANT_CURRENT;
	return c->job->told(c->job->ctx, &d, err);
}

/* ask false: only whether all lines can be asked. */
static enum pv_code each_line(struct dependants *c, bool ask, struct err *err)
{
	struct span rest = c->job->list;
	enum pv_code rc = PV_OK;

	for (c->line = 1; rc == PV_OK && rest.len > 0; c->line++) {
		CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
		const uint8_t *end = memchr(rest.p, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.p) : rest.len;
		struct span line = { rest.p, len };
		struct dependant_asked a;

		rest.p += len + (end != NULL);
		rest.len -= len + (end != NULL);
		if (c->line > DEPENDANTS_MAX)
			return bad_line(c, "too many places", err);
		rc = json_parse_max(line, 4 * HTTP_URL_MAX, &doc, err);
		if (rc != PV_OK)
			err_prefix(err, "line %zu", c->line);
		else
			rc = parse_line(c, doc, &a, err);
		if (rc == PV_OK)
			rc = check_one(c, &a, ask, err);
	}
	return rc;
}

enum pv_code dependants_check(const struct dependants_job *job, struct err *err)
{
	CLEANUP(check_release)
	struct dependants c = { .job = job,
				.now_s = pvtime_now_s(),
				.left = DEPENDANTS_BYTES_MAX };
	enum pv_code rc =
		crl_issuers_load(job->a, job->store, c.now_s, &c.issuers, err);

	if (rc == PV_OK)
		rc = each_line(&c, false, err);
	if (rc == PV_OK)
		rc = each_line(&c, true, err);
	if (rc != PV_OK || c.behind == 0)
		return rc;
	if (c.alarms > 0)
		return err_fail(err, PV_INTEGRITY, "dependant.alarm",
				"find out who signed or set back what; see the "
				"lines above",
				"%zu place%s with what this authority did not "
				"publish",
				c.alarms, err_s(c.alarms));
	return err_fail(err, PV_DENIED, "dependant.behind",
			"see the lines above, and the publish hook",
			"%zu place%s without what is published", c.behind,
			err_s(c.behind));
}
