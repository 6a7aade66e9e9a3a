/* In the box: what a medium brought is taken apart here, and nowhere else. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/base/pem.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/mediabox_impl.h"
#include "lib/flow/calist.h"
#include "lib/seal/escrow.h"
#include "lib/x509/cert.h"
#include "lib/x509/csr.h"
#include "lib/x509/issuer.h"

CLEANUP_PTR(struct escrow_to, escrow_to_free);

static enum pv_code read_csr(const struct mediabox_question *q,
			     struct mediabox_found *f, struct err *why)
{
	CLEANUP(x509_ctx_cleanup) struct x509_ctx *ctx = NULL;
	CLEANUP(buf_release) struct buf der;
	struct key_facts facts;
	struct csr csr;
	enum pv_code rc;

	buf_init(&der, CSR_DER_MAX);
	rc = csr_text_to_der(q->bytes, &der, why);
	if (rc == PV_OK)
		rc = csr_decode(buf_span(&der), &csr, why);
	if (rc == PV_OK && q->kind == MEDIABOX_WITHIN)
		return csr_within(&csr, q->with, why);
	if (rc == PV_OK)
		rc = x509_ctx_new(&ctx, why);
	if (rc == PV_OK)
		rc = x509_key_check(ctx, csr.spki, X509_ALLOW(X509_ALG_P256),
				    &facts, why);
	if (rc == PV_OK)
		rc = csr_verify(ctx, &csr, why);
	if (rc == PV_OK)
		rc = sha256(csr.der, f->csr.sha256, why);
	if (rc == PV_OK && csr.spki.len != sizeof(f->csr.spki))
		rc = err_fail(why, PV_INPUT, "csr.key", NULL,
			      "the key's point is not written out");
	if (rc == PV_OK)
		memcpy(f->csr.spki, csr.spki.p, sizeof(f->csr.spki));
	return rc;
}

static enum pv_code read_ca(const struct mediabox_question *q,
			    struct mediabox_found *f, struct err *why)
{
	CLEANUP(x509_issuer_release) struct x509_issuer by = { .path_len = 0 };
	struct x509_cert cert;
	enum pv_code rc;

	buf_init(&f->der, X509_CERT_MAX);
	rc = pem_decode(q->bytes, "CERTIFICATE", &f->der, why);
	if (rc == PV_OK)
		rc = x509_cert_decode(buf_span(&f->der), &cert, why);
	return rc == PV_OK ? x509_issuer_load(buf_span(&f->der), &by, why) : rc;
}

/* With the decoders that will read it; whose it is, who asks says. */
static enum pv_code read_list(const struct mediabox_question *q,
			      struct mediabox_found *f, struct err *why)
{
	struct x509_crl crl;
	enum pv_code rc = calist_check(q->with, q->bytes, -1, &crl, why);

	f->list.own = rc == PV_OK;
	f->list.number = rc == PV_OK ? crl.number : 0;
	return rc == PV_DENIED ? PV_OK : rc;
}

static enum pv_code read_officer(const struct mediabox_question *q,
				 struct mediabox_found *f, struct err *why)
{
	CLEANUP(cleanup_escrow_to_free) struct escrow_to *to = NULL;
	uint8_t spki[SHA256_LEN];
	enum pv_code rc = escrow_to_new(q->bytes, &to, why);

	buf_init(&f->der, MEDIABOX_LIST_MAX);
	if (rc == PV_OK)
		rc = escrow_to_spki(to, spki, why);
	return rc == PV_OK ? escrow_to_der(to, &f->der, why) : rc;
}

static enum pv_code read_it(const struct mediabox_question *q,
			    struct mediabox_found *f, struct err *why)
{
	switch (q->kind) {
	case MEDIABOX_SUMS:
		return media_sums_find(q->bytes, q->file, q->hex, q->code,
				       &f->found, why);
	case MEDIABOX_SUMS_WITHOUT:
		buf_init(&f->der, MEDIA_FILE_MAX);
		return media_sums_without(q->bytes, q->file, &f->der, why);
	case MEDIABOX_CSR:
	case MEDIABOX_WITHIN:
		return read_csr(q, f, why);
	case MEDIABOX_CA:
		return read_ca(q, f, why);
	case MEDIABOX_LIST:
		return read_list(q, f, why);
	case MEDIABOX_OFFICER:
		return read_officer(q, f, why);
	case MEDIABOX_BACKUP:
		return backup_parse(q->bytes, &f->backup, why);
	case MEDIABOX_SHARE:
		return share_parse(q->secret, &f->share, why);
	case MEDIABOX_TRANSPORT_KEY:
		return transport_key_parse(q->bytes, &f->to, &f->log, why);
	case MEDIABOX_TRANSPORT:
		return transport_parse(q->bytes, &f->transport, &f->log, why);
	}
	return err_fail(why, PV_INTERNAL, NULL, NULL, "no such question");
}

enum pv_code mediabox_answer(struct wire *w, int secrets, struct wire_rec *rec,
			     struct err *err)
{
	CLEANUP(mediabox_found_release)
	struct mediabox_found f = { .found = false };
	SECRET secret = SECRET_INIT;
	struct mediabox_question q;
	struct err why;
	enum pv_code rc = mediabox_get_question(rec, &q, err);

	if (rc == PV_OK && q.secret_len > 0)
		rc = secret_alloc(&secret, q.secret_len, err);
	if (rc == PV_OK && q.secret_len > 0)
		rc = fd_read_all(secrets, secret.data, secret.len, err);
	if (rc != PV_OK)
		return rc;
	q.secret = &secret;
	err_init(&why);
	if (read_it(&q, &f, &why) == PV_OK)
		err_init(&why);
	if (why.code == PV_INTERNAL)
		return why.code; /* it has no answer */
	rc = mediabox_put_found(w, secrets, q.kind, &why, &f, err);
	return rc == PV_OK ? wire_flush(w, err) : rc;
}
