/* dependants: places of revocation lists. */
#include <fcntl.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/flow/crlrow.h"
#include "lib/flow/dependants_impl.h"
#include "lib/flow/httpget.h"

enum pv_code dependants_room(const struct dependants *c, struct buf *got,
			     struct err *err)
{
	if (c->left == 0)
		return err_fail(err, PV_INPUT, "dependant.bytes",
				"put some of them into another file",
				"the places before it gave %u MiB: it was not "
				"asked",
				DEPENDANTS_BYTES_MAX >> 20);
	if (got->max > c->left)
		got->max = c->left;
	return PV_OK;
}

void dependants_took(struct dependants *c, const struct buf *got)
{
	c->left -= got->len < c->left ? got->len : c->left;
}

static enum pv_code fetch(struct dependants *c, const struct dependant_asked *a,
			  struct buf *der, struct err *err)
{
	CLEANUP(buf_release) struct buf got;
	enum pv_code rc;

	buf_init(&got, 2 * X509_CRL_MAX);
	rc = dependants_room(c, &got, err);
	if (rc == PV_OK && a->file)
		rc = file_read(AT_FDCWD, a->file, 0, &got, err);
	else if (rc == PV_OK)
		rc = http_fetch(a->url, NULL, (struct span){ NULL, 0 }, &got,
				err);
	dependants_took(c, &got);
	if (rc == PV_OK && pem_is(buf_span(&got), "X509 CRL"))
		return pem_decode(buf_span(&got), "X509 CRL", der, err);
	if (rc == PV_OK)
		buf_put(der, got.data, got.len);
	return rc == PV_OK ? buf_check(der, err) : rc;
}

struct since {
	const struct crl_issuer *i;
	uint32_t shard;
	uint64_t number;
	int64_t this_s;
};

static enum pv_code look_at(void *ctx, const struct store_crl *row,
			    struct err *err)
{
	struct since *s = ctx;

	(void)err;
	if (row->kind == STORE_CRL && row->number == s->number &&
	    row->shard == s->shard && row->generation == s->i->generation &&
	    strcmp(row->ca, s->i->ca) == 0)
		s->this_s = row->this_s;
	return PV_OK;
}

/* When the first list came that it does not show. */
static int64_t behind_since(const struct dependants *c,
			    const struct crl_issuer *i, uint32_t shard,
			    uint64_t shown)
{
	struct since s = { i, shard, shown + 1, -1 };
	const struct store_visit v = { .ctx = &s, .fn.crl = look_at };

	return store_crl_each(c->job->store, STORE_CRL_ALL, &v, NULL) == PV_OK
		       ? s.this_s
		       : -1;
}

static bool is_ours(const struct crl_issuer *i, const struct x509_crl *crl)
{
	CLEANUP(x509_verifier_cleanup) struct x509_verifier *v = NULL;

	return span_equal(crl->issuer, i->cert.subject) &&
	       span_equal(crl->aki, i->cert.ski) &&
	       x509_verifier_new(i->cert.spki, &v, NULL) == PV_OK &&
	       x509_crl_verify(v, crl, PV_INTEGRITY, NULL) == PV_OK;
}

static bool names_any(struct span have, const char *const *uris, size_t n)
{
	struct span uri;

	while (x509_crl_uri_next(&have, &uri))
		for (size_t k = 0; k < n; k++)
			if (strlen(uris[k]) == uri.len &&
			    memcmp(uris[k], uri.p, uri.len) == 0)
				return true;
	return false;
}

/* Does the list name a place of that shard's? */
static enum pv_code is_shard(const struct crl_issuer *i, uint32_t shard,
			     const struct x509_crl *crl, bool *yes,
			     struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	const char *uris[X509_CRL_URIS_MAX];
	size_t n;
	enum pv_code rc;

	buf_init(&room, X509_CRL_URIS_MAX * (X509_CRL_URI_MAX + 16));
	rc = crl_uris(i, shard, &room, uris, &n, err);
	*yes = rc == PV_OK && names_any(crl->uris, uris, n);
	return rc;
}

/* Is it the list of another shard, of this generation or of another one? */
static enum pv_code find_shard(const struct dependants *c,
			       const struct crl_issuer *i, uint32_t shard,
			       const struct x509_crl *crl, int64_t *other,
			       struct err *err)
{
	bool yes = !crl->uris.p && is_ours(i, crl);
	enum pv_code rc = PV_OK;

	*other = -1;
	if (!yes && is_ours(i, crl))
		rc = is_shard(i, shard, crl, &yes, err);
	for (size_t j = 0; !yes && j < c->issuers.n; j++) {
		const struct crl_issuer *by = &c->issuers.list[j];

		if (strcmp(by->ca, i->ca) != 0 || !is_ours(by, crl))
			continue;
		for (uint32_t k = 0; rc == PV_OK && k < by->shards && !yes;
		     k++) {
			yes = by->complete;
			if (!yes)
				rc = is_shard(by, k, crl, &yes, err);
			if (yes)
				*other = crl_shard_number(by, k);
		}
	}
	return rc;
}

static void judge_list(const struct dependants *c, const struct crl_issuer *i,
		       uint32_t shard, const struct crl_row *ours,
		       const struct x509_crl *crl, struct dependant *d)
{
	bool same = span_equal(crl->der, ours->row.der);

	d->shown = crl->number;
	d->next_s = crl->next_s;
	if (d->shard >= 0)
		d->verdict = DEPENDANT_OTHER;
	else if (!is_ours(i, crl))
		d->verdict = DEPENDANT_FOREIGN;
	else if (!ours->found || crl->number > ours->crl.number ||
		 (crl->number == ours->crl.number && !same))
		d->verdict = DEPENDANT_NEWER;
	else if (crl->number < ours->crl.number)
		d->verdict = DEPENDANT_BEHIND;
	if (d->verdict == DEPENDANT_BEHIND)
		d->since_s = behind_since(c, i, shard, crl->number);
	if (d->verdict <= DEPENDANT_BEHIND && c->now_s > crl->next_s)
		d->verdict = DEPENDANT_EXPIRED;
}

enum pv_code dependant_list(struct dependants *c,
			    const struct dependant_asked *a,
			    const struct crl_issuer *i, uint32_t shard,
			    struct dependant *d, struct err *err)
{
	CLEANUP(buf_release) struct buf der;
	CRL_ROW ours = { .found = false };
	struct span serial = { a->serial, a->serial_len };
	struct x509_crl_entry e;
	struct x509_crl crl;
	enum pv_code rc = crl_row_newest(c->job->store, i, shard, &ours, err);

	buf_init(&der, X509_CRL_MAX);
	if (rc != PV_OK)
		return rc;
	d->newest = ours.found ? ours.crl.number : 0;
	rc = fetch(c, a, &der, &d->why);
	if (rc == PV_OK)
		rc = x509_crl_decode(buf_span(&der), &crl, NULL, &d->why);
	if (rc != PV_OK)
		return PV_OK; /* it stays DEPENDANT_AWAY */
	rc = find_shard(c, i, shard, &crl, &d->shard, err);
	if (rc != PV_OK)
		return rc;
	d->verdict = DEPENDANT_CURRENT;
	judge_list(c, i, shard, &ours, &crl, d);
	/* Another shard's list says nothing of it. */
	if (a->serial_len > 0 && d->shard < 0)
		d->state = x509_crl_find(&crl, serial, &e)
				   ? e.reason == X509_REASON_HOLD ? "held"
								  : "revoked"
				   : "good";
	return PV_OK;
}
