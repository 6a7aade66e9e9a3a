#include "lib/flow/crlissuer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/flow/crlplaces.h"
#include "lib/flow/logged.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/outcome.h"
#include "lib/flow/ownkey.h"

#define ISSUERS_MAX 256u
#define HOUR_S 3600u
#define OVERLAP_LEAST_S 600u /* a list is renewed before its very end */

CLEANUP_PTR(struct template, template_free);

static enum pv_code too_many(struct err *err)
{
	return err_fail(err, PV_INTERNAL, "crl.issuers", NULL,
			"more than %u CAs", ISSUERS_MAX);
}

void crl_issuers_release(struct crl_issuers *all)
{
	for (size_t i = 0; i < all->n; i++) {
		x509_issuer_release(&all->list[i].cert);
		for (size_t j = 0; j < all->list[i].places.n; j++)
			free(all->list[i].places.uri[j]);
	}
	free(all->list);
	free(all->bad);
	all->list = NULL;
	all->bad = NULL;
	all->n = all->bad_n = 0;
}

enum pv_code crl_issuers_bad(const struct crl_issuers *all, const char *ca,
			     struct err *err)
{
	for (size_t i = 0; i < all->bad_n; i++) {
		if (ca && strcmp(all->bad[i].ca, ca) != 0)
			continue;
		*err = all->bad[i].why;
		return err->code;
	}
	return PV_OK;
}

/* Keeps why the CA is bad; the store's own failures are everybody's. */
static enum pv_code note_bad(struct crl_issuers *all, const char *ca,
			     const struct err *why, struct err *err)
{
	struct crl_bad *b;

	if (why->code == PV_STORAGE || why->code == PV_INTERNAL) {
		*err = *why;
		return why->code;
	}
	if (!all->bad)
		all->bad = mem_array(ISSUERS_MAX + 1, sizeof(*b), err);
	if (!all->bad)
		return PV_INTERNAL;
	if (all->bad_n > ISSUERS_MAX)
		return too_many(err);
	b = &all->bad[all->bad_n++];
	snprintf(b->ca, sizeof(b->ca), "%s", ca);
	b->why = *why;
	snprintf(b->why.object, sizeof(b->why.object), "%s", b->ca);
	outcome_note(&all->left_out, &b->why);
	return PV_OK;
}

/* ---- CAs ---- */

struct load {
	const struct authority *a;
	struct store *store;
	int64_t now_s;
	struct crl_issuers *all;
};

static enum pv_code take_ca(void *ctx, const struct store_ca *row,
			    struct err *err)
{
	struct load *l = ctx;
	struct crl_issuer *i = &l->all->list[l->all->n];
	bool counts = false;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = logged_ca_counts(l->store, row, &counts, &why);
	/* Lists are made where the key is. */
	if (rc == PV_OK && (!counts || !row->label[0]))
		return PV_OK;
	if (rc == PV_OK && l->all->n == ISSUERS_MAX)
		return too_many(err);
	if (rc == PV_OK && x509_issuer_load(row->cert, &i->cert, &why) != PV_OK)
		why.code = rc = PV_INTEGRITY;
	if (rc != PV_OK)
		return note_bad(l->all, row->name, &why, err);
	if (!(i->cert.ku_bits & KU_CRL_SIGN) ||
	    l->now_s > i->cert.not_after_s) {
		x509_issuer_release(&i->cert);
		return PV_OK;
	}
	snprintf(i->ca, sizeof(i->ca), "%s", row->name);
	snprintf(i->key.label, sizeof(i->key.label), "%s", row->label);
	i->generation = row->generation;
	i->shards = row->shards ? row->shards : 1;
	i->complete = i->shards == 1;
	i->since = row->issue_index;
	memcpy(i->template_sha256, row->template_sha256, STORE_HASH);
	l->all->n++;
	return PV_OK;
}

static enum pv_code load_key(struct store *store, struct crl_issuer *i,
			     struct err *err)
{
	char label[STORE_LABEL_MAX + 1];
	enum pv_code rc;

	snprintf(label, sizeof(label), "%s", i->key.label);
	rc = ownkey_load(store, label, &i->key, err);
	if (rc == PV_OK &&
	    !span_equal(i->cert.spki,
			(struct span){ i->key.spki, i->key.spki_len }))
		rc = err_fail(err, PV_INTEGRITY, "context.key",
			      "run `provctl audit verify'",
			      "the CA's certificate is not for the CA's key");
	return rc;
}

static enum pv_code count_generation(void *ctx, const struct store_ca *row,
				     struct err *err)
{
	struct crl_issuer *i = ctx;

	(void)err;
	i->generations++;
	if (i->complete && row->issue_index < i->since)
		i->since = row->issue_index;
	return PV_OK;
}

/* ---- how long its lists live: by the newest version of its template ---- */

struct policy {
	struct store *store;
	char name[STORE_ID_MAX + 1];
	uint32_t lifetime_h, overlap_h;
};

static enum pv_code take_policy(void *ctx, const struct store_template *row,
				struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	struct policy *p = ctx;
	enum pv_code rc = logged_template(p->store, row, err);

	if (rc == PV_OK)
		rc = template_parse(row->bytes, &t, NULL, err);
	if (rc == PV_OK && !t->ca)
		rc = logged_edited("the template of a CA", err);
	if (rc != PV_OK) {
		err_object(err, row->name);
		return rc;
	}
	snprintf(p->name, sizeof(p->name), "%s", t->name);
	p->lifetime_h = t->crl_lifetime_h;
	p->overlap_h = t->crl_overlap_h;
	return PV_OK;
}

static enum pv_code load_policy(struct store *store, struct crl_issuer *i,
				struct err *err)
{
	struct policy p = { .store = store };
	const struct store_visit v = { .ctx = &p, .fn.template = take_policy };
	char name[STORE_ID_MAX + 1];
	enum pv_code rc =
		store_template_digest(store, i->template_sha256, &v, err);

	snprintf(name, sizeof(name), "%s", p.name);
	if (rc == PV_OK)
		rc = store_template_current(store, name, &v, err);
	i->lifetime_s = p.lifetime_h * HOUR_S;
	i->overlap_s = p.overlap_h * HOUR_S;
	if (i->overlap_s < OVERLAP_LEAST_S)
		i->overlap_s = OVERLAP_LEAST_S;
	return rc;
}

static enum pv_code load_one(struct store *store, struct crl_issuer *i,
			     struct err *err)
{
	const struct store_visit v = { .ctx = i, .fn.ca = count_generation };
	enum pv_code rc = load_key(store, i, err);

	if (rc == PV_OK)
		rc = load_policy(store, i, err);
	return rc == PV_OK ? store_ca_each(store, i->ca, &v, err) : rc;
}

/* Its CA is bad; the others keep their order. */
static enum pv_code leave_out(struct crl_issuers *all, size_t at,
			      const struct err *why, struct err *err)
{
	struct crl_issuer *i = &all->list[at];
	enum pv_code rc = note_bad(all, i->ca, why, err);

	x509_issuer_release(&i->cert);
	memmove(i, i + 1, (--all->n - at) * sizeof(*i));
	memset(&all->list[all->n], 0, sizeof(*i));
	return rc;
}

enum pv_code crl_issuers_load(const struct authority *a, struct store *store,
			      int64_t now_s, struct crl_issuers *all,
			      struct err *err)
{
	struct load l = { a, store, now_s, all };
	const struct store_visit cas = { .ctx = &l, .fn.ca = take_ca };
	enum pv_code rc;

	all->n = all->bad_n = 0;
	all->bad = NULL;
	err_init(&all->left_out);
	all->list = mem_array(ISSUERS_MAX + 1, sizeof(*all->list), err);
	if (!all->list)
		return PV_INTERNAL;
	rc = store_ca_each(store, NULL, &cas, err);
	for (size_t i = 0; rc == PV_OK && i < all->n;) {
		struct err why;

		err_init(&why);
		if (load_one(store, &all->list[i], &why) == PV_OK)
			i++;
		else
			rc = leave_out(all, i, &why, err);
	}
	return rc == PV_OK ? crl_places_load(a, store, all, err) : rc;
}

/* ---- shards ---- */

uint32_t crl_shard_number(const struct crl_issuer *i, uint32_t shard)
{
	return (i->generation - 1) * i->shards + shard;
}

void crl_object(const struct crl_issuer *i, uint32_t shard,
		char out[CRL_OBJECT_MAX])
{
	snprintf(out, CRL_OBJECT_MAX, "%s/%lu", i->ca,
		 (unsigned long)crl_shard_number(i, shard));
}

static void put_uri(struct buf *out, const char *uri, uint32_t number)
{
	for (; *uri; uri++) {
		if (*uri == CRL_SHARD_MARK)
			buf_printf(out, "%lu", (unsigned long)number);
		else
			buf_put_u8(out, (uint8_t)*uri);
	}
	buf_put_u8(out, '\0');
}

enum pv_code crl_uris(const struct crl_issuer *i, uint32_t shard,
		      struct buf *room, const char *uris[X509_CRL_URIS_MAX],
		      size_t *n, struct err *err)
{
	uint32_t number = crl_shard_number(i, shard);
	size_t at[X509_CRL_URIS_MAX];
	enum pv_code rc;

	*n = 0;
	if (i->complete)
		return PV_OK;
	/* No certificate says where: a name that none matches. */
	if (i->places.n == 0) {
		at[(*n)++] = room->len;
		buf_printf(room, "urn:provctl:crl:%s:%lu", i->ca,
			   (unsigned long)number);
		buf_put_u8(room, '\0');
	}
	for (size_t j = 0; j < i->places.n; j++) {
		at[(*n)++] = room->len;
		put_uri(room, i->places.uri[j], number);
	}
	rc = buf_check(room, err);
	for (size_t j = 0; rc == PV_OK && j < *n; j++)
		uris[j] = (const char *)room->data + at[j];
	return rc;
}
