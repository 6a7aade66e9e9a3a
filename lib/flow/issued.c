#include "lib/flow/issued.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/sha256.h"

struct issued {
	const struct prepared *p;
	uint8_t digest[32], sig[64]; /* not verified before there is a cert */
	bool is_ahead;
	struct x509_ahead ahead;
	struct buf cert;
};

enum pv_code issued_new(struct issued **i, struct err *err)
{
	*i = mem_new(sizeof(**i), err);
	if (!*i)
		return PV_INTERNAL;
	buf_init(&(*i)->cert, X509_CERT_MAX);
	return PV_OK;
}

void issued_free(struct issued *i)
{
	if (!i)
		return;
	buf_release(&i->cert);
	free(i);
}

enum pv_code issue_ask(struct issued *i, struct signing *s,
		       const struct prepared *p, struct err *err)
{
	struct span tbs = prepared_tbs(p);
	enum pv_code rc;

	i->p = p;
	i->is_ahead = false;
	buf_reset(&i->cert);
	if (tbs.len == 0)
		return PV_OK;
	rc = sha256_kept(seal_hash(s->seal), tbs, i->digest, err);
	return rc == PV_OK
		       ? signing_ask(s, SIGNING_ISSUER, i->digest, i->sig, err)
		       : rc;
}

enum pv_code issue_check_ahead(struct issued *const *list, size_t n,
			       struct signing *s, struct err *err)
{
	struct x509_ahead ahead[X509_AHEAD_MAX];
	const uint8_t *sigs[X509_AHEAD_MAX] = { NULL };
	struct issued *with[X509_AHEAD_MAX]; /* a signature to check */
	size_t m = 0;
	enum pv_code rc;

	if (!s->issuer_verifier || n > X509_AHEAD_MAX)
		return PV_OK;
	for (size_t i = 0; i < n; i++) {
		if (prepared_tbs(list[i]->p).len == 0)
			continue;
		with[m] = list[i];
		sigs[m++] = list[i]->sig;
	}
	rc = x509_verify_ahead(s->issuer_verifier, sigs, m, ahead, err);
	for (size_t i = 0; rc == PV_OK && i < m; i++) {
		with[i]->ahead = ahead[i];
		with[i]->is_ahead = true;
	}
	return rc;
}

bool issued_is_ahead(const struct issued *i)
{
	return i->is_ahead;
}

enum pv_code issue_check(struct issued *i, struct signing *s, struct err *err)
{
	struct span tbs = prepared_tbs(i->p);
	struct span has = prepared_certificate(i->p);
	enum pv_code rc;

	buf_put(&i->cert, has.p, has.len);
	if (tbs.len == 0)
		return buf_check(&i->cert, err);
	rc = signing_check(s, SIGNING_ISSUER, i->digest, i->sig,
			   i->is_ahead ? &i->ahead : NULL, err);
	return rc == PV_OK ? x509_cert_assemble(tbs, i->sig, &i->cert, err)
			   : rc;
}

const struct prepared *issued_prepared(const struct issued *i)
{
	return i->p;
}

struct span issued_certificate(const struct issued *i)
{
	return buf_span(&i->cert);
}
