#include "lib/flow/crlplaces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/outcome.h"

CLEANUP_PTR(struct template, template_free);

struct search {
	const struct authority *a;
	struct store *store;
	struct crl_issuers *all;
	struct err *left_out;
};

/* The URI with CRL_SHARD_MARK in it; *fixed: it has none. */
static enum pv_code mark(const struct search *l, const struct text *t,
			 struct buf *out, bool *fixed, struct err *err)
{
	*fixed = true;
	for (size_t i = 0; i < t->n; i++) {
		const struct text_part *part = &t->parts[i];

		if (part->var == TEXT_LITERAL) {
			buf_put_str(out, part->literal);
		} else if (part->var == TEXT_SHARD) {
			buf_put_u8(out, CRL_SHARD_MARK);
			*fixed = false;
		} else if (part->var == TEXT_AUTHORITY) {
			buf_put_str(out, l->a->name);
		} else {
			return err_fail(err, PV_INPUT, "crl.uri",
					"take the device's own values out of "
					"crlDistributionPoints",
					"each certificate would name another "
					"revocation list");
		}
	}
	return buf_check(out, err);
}

/* Of too many the first ones stay: published lists name them. */
static enum pv_code too_many(struct crl_places *p, char **uri, uint64_t since,
			     struct err *err)
{
	size_t newest = 0;

	for (size_t i = 1; i < p->n; i++)
		if (p->since[i] > p->since[newest])
			newest = i;
	if (since < p->since[newest]) {
		char *out = p->uri[newest];

		p->uri[newest] = *uri;
		p->since[newest] = since;
		*uri = out;
	}
	return err_fail(err, PV_INPUT, "template.places",
			"let it name a place that others name",
			"certificates of this CA would name more than %d "
			"places of revocation lists",
			X509_CRL_URIS_MAX);
}

static enum pv_code add_place(struct crl_places *p, const char *uri,
			      uint64_t since, struct err *err)
{
	CLEANUP(mem_cleanup) char *own = NULL;

	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->uri[i], uri) != 0)
			continue;
		if (since < p->since[i])
			p->since[i] = since;
		return PV_OK;
	}
	own = mem_strdup(uri, err);
	if (!own)
		return PV_INTERNAL;
	if (p->n == X509_CRL_URIS_MAX)
		return too_many(p, &own, since, err);
	p->since[p->n] = since;
	p->uri[p->n++] = TAKE(own);
	return PV_OK;
}

static enum pv_code take_places(const struct search *l,
				const struct template *t, uint64_t since,
				struct crl_places *to, struct err *err)
{
	const struct x509_profile *p = &t->profile;
	enum pv_code rc = PV_OK;

	for (size_t j = 0; rc == PV_OK && j < p->cdp_n; j++) {
		CLEANUP(buf_release) struct buf uri;
		bool fixed;

		buf_init(&uri, X509_CRL_URI_MAX);
		rc = mark(l, &p->cdp[j], &uri, &fixed, err);
		/* One URL for several shards is the name of none of them. */
		if (rc == PV_OK && !fixed)
			rc = add_place(to, buf_cstr(&uri), since, err);
	}
	return rc;
}

static enum pv_code take_all(const struct search *l,
			     const struct store_template *row, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	enum pv_code rc = logged_template(l->store, row, err);

	if (rc == PV_OK)
		rc = template_parse(row->bytes, &t, NULL, err);
	if (rc == PV_OK && (t->ca || !t->has_certificate))
		return PV_OK;
	for (size_t i = 0; rc == PV_OK && i < l->all->n; i++) {
		struct crl_issuer *ca = &l->all->list[i];

		if (strcmp(ca->ca, t->profile.issuer) != 0)
			continue;
		ca->ocsp |= t->profile.ocsp.n > 0;
		if (!ca->complete)
			rc = take_places(l, t, row->adopt_index, &ca->places,
					 err);
	}
	return rc;
}

/* What cannot be taken is told and left out. */
static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	struct search *l = ctx;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = take_all(l, row, &why);
	if (rc == PV_OK)
		return PV_OK;
	err_object(&why, row->name);
	if (rc == PV_INTERNAL || rc == PV_STORAGE) {
		*err = why;
		return rc;
	}
	outcome_note(l->left_out, &why);
	return PV_OK;
}

enum pv_code crl_places_load(const struct authority *a, struct store *store,
			     struct crl_issuers *all, struct err *err)
{
	struct search l = { a, store, all, &all->left_out };
	const struct store_visit v = { .ctx = &l,
				       .fn.template = take_template };

	return store_template_each(store, &v, err);
}

/* ---- before one is adopted ---- */

enum pv_code crl_places_fit(const struct authority *a, struct store *store,
			    const struct template *t, struct err *err)
{
	struct crl_issuer i = { .complete = false };
	struct crl_issuers all = { .list = &i, .n = 1 };
	struct search l = { a, store, &all, &all.left_out };
	enum pv_code rc;

	err_init(&all.left_out);
	snprintf(i.ca, sizeof(i.ca), "%s", t->profile.issuer);
	rc = crl_places_load(a, store, &all, err);
	if (rc == PV_OK)
		rc = take_places(&l, t, UINT64_MAX, &i.places, err);
	for (size_t j = 0; j < i.places.n; j++)
		free(i.places.uri[j]);
	return rc;
}
