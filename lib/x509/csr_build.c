#include "lib/x509/csr_build.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/x509/cert.h"
#include "lib/x509/oids.h"
#include "lib/x509/tbs_impl.h"

static void put_requests(struct buf *b, const struct x509_profile *p)
{
	size_t attrs = der_begin(b, DER_CONTEXT_CONS(0));
	size_t attr, set, list;

	if (p->bc_present || p->ku_present) {
		attr = der_begin(b, DER_SEQUENCE);
		der_put_oid(b, &oid_extension_request);
		set = der_begin(b, DER_SET);
		list = der_begin(b, DER_SEQUENCE);
		tbs_put_basic_constraints(b, p);
		tbs_put_key_usage(b, p);
		der_end(b, list);
		der_end(b, set);
		der_end(b, attr);
	}
	der_end(b, attrs);
}

enum pv_code x509_csr_build(const struct x509_profile *profile,
			    const struct text_vars *vars, struct span spki,
			    struct buf *cri, struct err *err)
{
	static const uint8_t v1[] = { 0 };
	struct tbs_work w = {
		.profile = profile, .vars = vars, .spki = spki, .out = cri
	};
	size_t mark = der_begin(cri, DER_SEQUENCE);
	enum pv_code rc;

	der_put_uint(cri, (struct span){ v1, sizeof(v1) });
	rc = tbs_put_subject(&w, err);
	if (rc != PV_OK)
		return rc;
	buf_put(cri, spki.p, spki.len);
	put_requests(cri, profile);
	der_end(cri, mark);
	return buf_check(cri, err);
}

static enum pv_code finding(const char *what, struct err *err)
{
	return err_fail(err, PV_DENIED, "lint.csr",
			"nothing was signed: correct the template",
			"the request to be signed is refused: %s", what);
}

/* The reader takes whole requests: any signature will do. */
static enum pv_code read_back(struct span cri, struct buf *room,
			      struct csr *csr, struct err *err)
{
	uint8_t any[64];
	enum pv_code rc;

	memset(any, 1, sizeof(any));
	rc = x509_cert_assemble(cri, any, room, err);
	return rc == PV_OK ? csr_decode(buf_span(room), csr, err) : rc;
}

/* Each as a certificate would have it, to the bit, and both that may be. */
static bool same_extensions(const struct x509_profile *p, const struct csr *csr,
			    const struct x509_cert *cert)
{
	struct span rest = csr->extensions, oid, value, given;
	bool critical, theirs;
	int n = 0;

	while (x509_ext_next(&rest, &oid, &critical, &value)) {
		if (!x509_ext_find(cert->extensions, oid, &theirs, &given) ||
		    critical != theirs || !span_equal(value, given))
			return false;
		n++;
	}
	return rest.len == 0 && n == p->bc_present + p->ku_present;
}

enum pv_code x509_csr_lint(const struct x509_profile *profile,
			   const struct text_vars *vars, struct span spki,
			   struct span cri, struct err *err)
{
	static const uint8_t serial[X509_SERIAL_LEN] = { 1 };
	CLEANUP(mem_cleanup)
	struct x509_profile *like = mem_new(sizeof(*like), err);
	CLEANUP(buf_release) struct buf room;
	CLEANUP(buf_release) struct buf tbs;
	struct x509_cert cert;
	struct csr csr;
	enum pv_code rc;

	buf_init(&room, CSR_DER_MAX);
	buf_init(&tbs, X509_TBS_MAX);
	if (!like)
		return PV_INTERNAL;
	*like = *profile; /* texts stay the template's */
	like->no_expiry = true;
	like->until_s = 0;
	like->backdate_min = 0;
	rc = x509_tbs_build(like, NULL, vars, serial, spki, 0, &tbs, err);
	if (rc == PV_OK)
		rc = x509_tbs_decode(buf_span(&tbs), &cert, err);
	if (rc == PV_OK)
		rc = read_back(cri, &room, &csr, err);
	if (rc != PV_OK)
		return rc;
	if (!span_equal(csr.tbs, cri))
		return finding("it is not one CertificationRequestInfo", err);
	if (!span_equal(csr.spki, spki) || csr.key.alg != X509_ALG_P256)
		return finding("the public key is not the one given", err);
	if (!span_equal(csr.subject, cert.subject))
		return finding("its subject is not the template's", err);
	rc = csr_within(&csr, buf_span(&tbs), err);
	if (rc == PV_OK && !same_extensions(profile, &csr, &cert))
		rc = finding("its extensions are not the template's", err);
	return rc;
}
