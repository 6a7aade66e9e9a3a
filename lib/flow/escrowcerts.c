#include "lib/flow/escrowcerts.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/base/sha256.h"
#include "lib/flow/context_impl.h"
#include "lib/flow/logged.h"
#include "lib/flow/people.h"
#include "lib/seal/escrow.h"
#include "lib/x509/der.h"
#include "lib/x509/issuer.h"

CLEANUP_PTR(struct roster, roster_free);

#define PEM_MAX 131072u /* of a CRL of EVIDENCE_CRL_MAX bytes, too */

/* ---- files, when a template is adopted ---- */

static enum pv_code read_der(const struct authority *a, const char *path,
			     const char *label, struct buf *der,
			     struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, PEM_MAX);
	rc = file_read(a->home_fd, path,
		       FILEIO_NOFOLLOW | FILEIO_NOT_WRITABLE_BY_OTHERS, &text,
		       err);
	if (rc == PV_OK && pem_is(buf_span(&text), label))
		return pem_decode(buf_span(&text), label, der, err);
	if (rc == PV_OK)
		buf_put(der, text.data, text.len);
	return rc == PV_OK ? buf_check(der, err) : rc;
}

enum pv_code escrowcerts_file(const struct authority *a,
			      const struct tpl_escrow *target, struct buf *der,
			      struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc =
		read_der(a, target->path,
			 target->crl ? "X509 CRL" : "CERTIFICATE", der, err);

	if (rc == PV_OK)
		rc = sha256(buf_span(der), hash, err);

	if (rc == PV_OK && target->pinned &&
	    memcmp(hash, target->sha256, sizeof(hash)) != 0)
		return err_fail(err, PV_INPUT, "escrow.digest",
				"put the one there whose SHA-256 the template "
				"has",
				"%s is another %s than the template says",
				target->path,
				target->crl ? "CRL" : "certificate");
	return rc;
}

/* It is of use. */
static enum pv_code check_der(struct span der, struct err *err)
{
	struct escrow_to *to = NULL;
	enum pv_code rc = escrow_to_new(der, &to, err);

	escrow_to_free(to);
	return rc;
}

static enum pv_code check_pins(struct store *store, const struct template *t,
			       struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *r = NULL;
	size_t i = 0;
	enum pv_code rc = PV_OK;

	while (i < t->escrow_n && t->escrow[i].pinned)
		i++;
	if (i < t->escrow_n)
		rc = people_in_force(store, &r, NULL, err);
	if (rc == PV_OK && r)
		rc = err_fail(err, PV_INPUT, "template.escrow_unpinned",
			      "name \"certificate\" and \"sha256\", which "
			      "officers approve with the template",
			      "escrow target \"%s\" does not say which "
			      "certificate it is",
			      t->escrow[i].name);
	return rc;
}

enum pv_code escrowcerts_read(const struct authority *a, struct store *store,
			      const struct template *t, struct buf *all,
			      struct err *err)
{
	enum pv_code rc = check_pins(store, t, err);

	for (size_t i = 0; rc == PV_OK && i < t->escrow_n; i++) {
		CLEANUP(buf_release) struct buf der;

		buf_init(&der, X509_CERT_MAX);
		rc = escrowcerts_file(a, &t->escrow[i], &der, err);
		if (rc == PV_OK)
			rc = check_der(buf_span(&der), err);
		if (rc != PV_OK)
			err_prefix(err, "escrow certificate \"%s\"",
				   t->escrow[i].name);
		buf_put(all, der.data, der.len);
	}
	return rc == PV_OK ? buf_check(all, err) : rc;
}

/* ---- as adopted ---- */

enum pv_code escrowcerts_take(struct issue_context *ctx, struct span all,
			      struct err *err)
{
	const struct template *t = ctx->tmpl;
	enum pv_code rc = PV_OK;

	ctx->escrow_n = t->escrow_n;
	for (size_t i = 0; rc == PV_OK && i < t->escrow_n; i++) {
		struct span der;

		if (!der_next(&all, NULL, NULL, &der))
			return logged_edited("an escrow certificate", err);
		ctx->escrow[i].name = t->escrow[i].name;
		rc = issue_context_copy(ctx, der, &ctx->escrow[i].cert, err);
	}
	if (rc == PV_OK && all.len > 0)
		return logged_edited("an escrow certificate", err);
	return rc;
}
