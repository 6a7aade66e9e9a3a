#include "lib/flow/crlword.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/crlcollect.h"
#include "lib/flow/logged_authority.h"
#include "lib/store/store_revoke.h"

CLEANUP_PTR(struct template, template_free);

static enum pv_code take_list(struct store *store, const struct crl_issuer *i,
			      uint32_t shard, struct serialset *listed,
			      uint64_t *since, struct err *err)
{
	CRL_ROW row = { .found = false };
	struct x509_crl_entry e;
	enum pv_code rc = crl_row_newest(store, i, shard, &row, err);

	if (rc == PV_OK && crl_tail_start(i, &row) < *since)
		*since = crl_tail_start(i, &row);
	while (rc == PV_OK && row.found &&
	       x509_crl_next(&row.crl.entries, &e)) {
		uint32_t number = serialset_number(e.serial);

		if (serialset_holds(listed, number))
			rc = serialset_set(listed, number, 0, err);
	}
	return rc;
}

enum pv_code crl_word_lists(struct store *store, const struct crl_issuer *i,
			    struct serialset *listed, uint64_t *since,
			    struct err *err)
{
	enum pv_code rc = PV_OK;

	for (uint32_t shard = 0; rc == PV_OK && shard < i->shards; shard++)
		rc = take_list(store, i, shard, listed, since, err);
	return rc;
}

enum pv_code crl_word_agrees(const struct crl_tail *tail,
			     const struct serialset *listed, uint32_t number,
			     bool revoked, const struct store_revocation *r,
			     struct err *err)
{
	switch (crl_tail_word(tail, number)) {
	case CRL_WORD_NONE:
		if (revoked)
			return logged_revocation(tail->store, r, err);
		if (!serialset_get(listed, number, 0))
			return PV_OK;
		break;
	case CRL_WORD_REVOKED:
		if (revoked)
			return PV_OK;
		break;
	case CRL_WORD_RELEASED:
		if (!revoked)
			return PV_OK;
		break;
	case CRL_WORD_WRONG:
		break;
	}
	return logged_edited("what is revoked", err);
}

/* ---- device after device ---- */

void crl_words_release(struct crl_words *w)
{
	if (w->ca_n > 0)
		crl_tail_release(&w->tail);
	serialset_release(&w->listed);
	w->ca_n = w->template_n = 0;
}

static enum pv_code load_lists(struct crl_words *w, const char *ca,
			       struct err *err)
{
	CLEANUP(crl_issuers_release) struct crl_issuers all = { .n = 0 };
	enum pv_code rc =
		crl_issuers_load(w->a, w->store, pvtime_now_s(), &all, err);

	if (rc == PV_OK)
		rc = crl_issuers_bad(&all, ca, err);
	for (size_t i = 0; rc == PV_OK && i < all.n; i++)
		if (strcmp(all.list[i].ca, ca) == 0)
			rc = crl_word_lists(w->store, &all.list[i], &w->listed,
					    &w->since, err);
	return rc;
}

static enum pv_code begin(struct crl_words *w, const char *ca, struct err *err)
{
	enum pv_code rc;

	w->since = UINT64_MAX;
	rc = serialset_init(&w->listed, STORE_SERIAL_FIRST, STORE_SERIALS, err);
	if (rc == PV_OK)
		rc = load_lists(w, ca, err);
	if (rc == PV_OK)
		rc = crl_tail_init(&w->tail, w->store, w->upto, err);
	return rc;
}

/* Numbers are no two CAs': the lists of all are one set. */
static enum pv_code have_lists(struct crl_words *w, const char *ca,
			       struct err *err)
{
	enum pv_code rc;

	for (size_t i = 0; i < w->ca_n; i++)
		if (strcmp(w->ca[i], ca) == 0)
			return PV_OK;
	if (w->ca_n == CRL_WORDS_CAS)
		crl_words_release(w);
	rc = w->ca_n == 0 ? begin(w, ca, err) : load_lists(w, ca, err);
	if (rc == PV_OK)
		snprintf(w->ca[w->ca_n++], STORE_ID_MAX + 1, "%s", ca);
	else
		crl_words_release(w);
	return rc;
}

static enum pv_code take_template(void *ctx, const struct store_template *row,
				  struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	char *issuer = ctx;
	enum pv_code rc = logged_template_parse(row, &t, err);

	if (rc == PV_OK && t->has_certificate)
		snprintf(issuer, STORE_ID_MAX + 1, "%s", t->profile.issuer);
	return rc;
}

/* Lists and tail of whoever issues by the device's template. */
static enum pv_code have_words(struct crl_words *w,
			       const struct store_device *d, struct err *err)
{
	char issuer[STORE_ID_MAX + 1] = "";
	const struct store_visit v = { .ctx = issuer,
				       .fn.template = take_template };
	enum pv_code rc;

	for (size_t i = 0; i < w->template_n; i++)
		if (memcmp(w->template[i], d -> s.template_sha256,
			   STORE_HASH) == 0)
			return PV_OK;
	rc = store_template_digest(w->store, d->s.template_sha256, &v, err);
	if (rc == PV_OK && !issuer[0])
		rc = logged_edited("a device's row", err);
	if (rc == PV_OK)
		rc = have_lists(w, issuer, err);
	if (rc == PV_OK && w->template_n == CRL_WORDS_TEMPLATES)
		w->template_n = 0;
	if (rc == PV_OK)
		memcpy(w->template[w->template_n++], d -> s.template_sha256,
		       STORE_HASH);
	return rc;
}

enum pv_code crl_words_device(struct crl_words *w, const struct store_device *d,
			      struct err *err)
{
	struct store_revocation r;
	bool revoked = false;
	enum pv_code rc;

	if (!d->has_cert || d->state == STORE_RESERVED)
		return PV_OK;
	rc = have_words(w, d, err);
	if (rc == PV_OK)
		rc = crl_tail_view(&w->tail, err);
	/* No list speaks for it where the CA has ended. */
	if (rc == PV_OK && w->since < w->tail.size)
		rc = crl_tail_to(&w->tail, w->since, err);
	else if (rc == PV_OK)
		return PV_OK;
	if (rc == PV_OK)
		rc = store_revocation_get(w->store, d->s.number, &r, &revoked,
					  err);
	return rc == PV_OK ? crl_word_agrees(&w->tail, &w->listed, d->s.number,
					     revoked, &r, err)
			   : rc;
}
