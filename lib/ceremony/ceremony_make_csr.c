/* The step make-csr: a request for the certificate of a CA of ours, which
 * another authority will sign. */
#include <stdio.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/ceremony/ceremony_media.h"
#include "lib/ceremony/certfacts.h"
#include "lib/ceremony/media.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/ownkey.h"
#include "lib/x509/csr_build.h"
#include "lib/x509/der.h"

#define CSR_LABEL "CERTIFICATE REQUEST"

struct asking { /* a request on its way */
	struct ceremony *c;
	const struct plan_step *step;
	struct template *tmpl;
	struct text_vars vars;
	struct tokensign key;
	struct buf pem;
};

static void asking_release(struct asking *q)
{
	template_free(q->tmpl);
	tokensign_close(&q->key);
	buf_release(&q->pem);
}

static struct span spki_of(const struct asking *q)
{
	return (struct span){ q->key.spki, q->key.spki_len };
}

/* As whoever signs it will look at it. */
static enum pv_code check_pem(const struct asking *q, struct err *err)
{
	CLEANUP(x509_ctx_cleanup) struct x509_ctx *ctx = NULL;
	CLEANUP(buf_release) struct buf der;
	struct csr csr;
	enum pv_code rc;

	buf_init(&der, CSR_DER_MAX);
	rc = csr_pem_to_der(buf_span(&q->pem), &der, err);
	if (rc == PV_OK)
		rc = csr_decode(buf_span(&der), &csr, err);
	if (rc == PV_OK)
		rc = x509_csr_lint(&q->tmpl->profile, &q->vars, spki_of(q),
				   csr.tbs, err);
	if (rc == PV_OK)
		rc = x509_ctx_new(&ctx, err);
	return rc == PV_OK ? csr_verify(ctx, &csr, err) : rc;
}

static enum pv_code tell_cri(const struct asking *q, struct span cri,
			     struct err *err)
{
	struct ceremony *c = q->c;
	char tbs[65], spki[65], tmpl[65], text[256];
	char subject[TRANSCRIPT_VALUE_MAX + 1];
	struct span in = cri, body, name;
	enum pv_code rc = ceremony_hash(cri, tbs, err);

	/* RFC 2986 4.1: it begins with its version and its subject. */
	if (rc == PV_OK && (!der_take(&in, DER_SEQUENCE, &body) ||
			    !der_take_uint(&body, NULL) ||
			    !der_take_whole(&body, DER_SEQUENCE, NULL, &name)))
		rc = err_fail(err, PV_INTERNAL, NULL, NULL,
			      "a request that has no subject");
	if (rc == PV_OK)
		rc = certfacts_name(name, subject, sizeof(subject), err);

	if (rc == PV_OK)
		rc = ceremony_hash(spki_of(q), spki, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(q->tmpl->sha256, sizeof(q->tmpl->sha256), tmpl);
	rc = CEREMONY_PUT(c, "sign", { "csr", q->step->ca },
			  { "template", q->tmpl->name },
			  { "template_sha256", tmpl }, { "subject", subject },
			  { "tbs_sha256", tbs }, { "spki_sha256", spki },
			  { "signer_spki_sha256", spki });
	snprintf(text, sizeof(text),
		 "Sign the request for the certificate of %.64s, as it was "
		 "just shown",
		 q->step->ca);
	return rc == PV_OK ? ceremony_agree(c, text, err) : rc;
}

static enum pv_code sign(struct asking *q, struct err *err)
{
	CLEANUP(buf_release) struct buf cri;
	CLEANUP(buf_release) struct buf der;
	uint8_t digest[32], sig[64];
	enum pv_code rc;

	buf_init(&cri, X509_CRI_MAX);
	buf_init(&der, CSR_DER_MAX);
	rc = x509_csr_build(&q->tmpl->profile, &q->vars, spki_of(q), &cri, err);
	if (rc == PV_OK)
		rc = x509_csr_lint(&q->tmpl->profile, &q->vars, spki_of(q),
				   buf_span(&cri), err);
	if (rc == PV_OK)
		rc = tell_cri(q, buf_span(&cri), err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&cri), digest, err);
	if (rc == PV_OK)
		rc = tokensign_digest(&q->key, digest, sig, err);
	if (rc == PV_OK)
		rc = x509_cert_assemble(buf_span(&cri), sig, &der, err);
	if (rc != PV_OK)
		return rc;
	pem_encode(&q->pem, CSR_LABEL, buf_span(&der));
	return buf_check(&q->pem, err);
}

/* What an interrupted run signed is given once more: another signature would be
 * another request. */
static enum pv_code find_or_sign(struct asking *q, const char *file,
				 struct err *err)
{
	char hex[65];
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = file_read(q->c->opts->folder, file, FILEIO_NOFOLLOW, &q->pem,
		       &why);
	if (rc == PV_NOT_FOUND)
		rc = sign(q, err);
	else if (rc != PV_OK)
		*err = why;
	if (rc == PV_OK)
		rc = check_pem(q, err);
	return rc == PV_OK ? ceremony_put_file(q->c, file, buf_span(&q->pem),
					       hex, err)
			   : rc;
}

static enum pv_code open_key(struct asking *q, struct err *err)
{
	struct ceremony *c = q->c;
	const struct authority_key *named = NULL;
	struct issue_key want;
	enum pv_code rc;

	if (c->opts->later) {
		rc = ceremony_waiting_key(c, q->step->ca, &want, err);
	} else {
		rc = authority_key(c->a, q->step->ca, &named, err);
		if (rc == PV_OK)
			rc = ownkey_load(c->store, named->label, &want, err);
	}
	return rc == PV_OK ? tokensign_open(&q->key, c->hsm, &want, err) : rc;
}

static enum pv_code tell_csr(const struct asking *q, const char *file,
			     struct err *err)
{
	struct ceremony *c = q->c;
	char spki[65], pem[65];
	enum pv_code rc = ceremony_hash(spki_of(q), spki, err);

	if (rc == PV_OK)
		rc = ceremony_hash(buf_span(&q->pem), pem, err);
	if (rc == PV_OK)
		rc = CEREMONY_PUT(c, "csr", { "ca", q->step->ca },
				  { "spki_sha256", spki }, { "file", file },
				  { "file_sha256", pem });
	return rc == PV_OK ? ceremony_give(c, file, buf_span(&q->pem), err)
			   : rc;
}

enum pv_code ceremony_make_csr(struct ceremony *c, const struct plan_step *step,
			       struct err *err)
{
	CLEANUP(asking_release) struct asking q = { .c = c, .step = step };
	char file[CEREMONY_FILE_MAX];
	enum pv_code rc;

	snprintf(c->object, sizeof(c->object), "%s", step->ca);
	buf_init(&q.pem, MEDIA_FILE_MAX);
	q.vars.authority = step->to[0] ? step->to : c->a->name;
	ceremony_file(file, step->ca, ".csr");
	rc = ceremony_login(c, err);
	if (rc == PV_OK)
		rc = ceremony_ca_template(c, step, &q.tmpl, err);
	if (rc == PV_OK)
		rc = open_key(&q, err);
	if (rc == PV_OK)
		rc = find_or_sign(&q, file, err);
	/* It takes a while until the certificate comes back, and the authority
	 * issues meanwhile. */
	if (rc == PV_OK && c->opts->later)
		rc = checkpoint_now(c->a, c->store, c->hsm, err);
	return rc == PV_OK ? tell_csr(&q, file, err) : rc;
}
