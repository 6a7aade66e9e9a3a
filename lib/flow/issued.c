#include "lib/flow/issued.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/base/sha256.h"

struct issued {
	const struct prepared *p;
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

enum pv_code issue_certificate(struct issued *i, struct signing *s,
			       const struct prepared *p, struct err *err)
{
	struct span tbs = prepared_tbs(p);
	uint8_t digest[32], sig[64];
	enum pv_code rc;

	i->p = p;
	buf_reset(&i->cert);
	if (tbs.len == 0)
		return PV_OK;
	rc = sha256(tbs, digest, err);
	if (rc == PV_OK)
		rc = signing_sign(s, SIGNING_ISSUER, digest, sig, err);
	if (rc == PV_OK)
		rc = x509_cert_assemble(tbs, sig, &i->cert, err);
	return rc;
}

const struct prepared *issued_prepared(const struct issued *i)
{
	return i->p;
}

struct span issued_certificate(const struct issued *i)
{
	return buf_span(&i->cert);
}
