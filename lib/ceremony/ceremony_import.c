/* The step import-ca: the certificate that was asked for, and the root that
 * signed it, come from the medium. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/ceremony/ceremony_media.h"
#include "lib/ceremony/certfacts.h"
#include "lib/ceremony/media.h"
#include "lib/ceremony/mediabox.h"
#include "lib/flow/caimport.h"
#include "lib/flow/ownkey.h"
#include "lib/x509/cert.h"
#include "lib/x509/csr.h"
#include "policy/ceremonytext.h"

struct import {
	struct ceremony *c;
	const struct plan_step *step;
	struct template *tmpl;
	struct buf root, cert, list, csr; /* DER */
};

static void import_release(struct import *m)
{
	template_free(m->tmpl);
	buf_release(&m->root);
	buf_release(&m->cert);
	buf_release(&m->list);
	buf_release(&m->csr);
}

struct brought { /* a certificate */
	struct ceremony *c;
	const char *ca;
	struct buf *der;
};

/* To people only: the transcript gets the certificate's own line. */
static enum pv_code show_brought(void *ctx, struct span pem, struct err *err)
{
	const struct brought *b = ctx;
	const struct ceremony_opts *o = b->c->opts;
	struct transcript_pair pairs[CERTFACTS_N + 3];
	struct certfacts f;
	struct x509_cert cert;
	char der_hex[65], key_hex[65];
	enum pv_code rc = mediabox_ca(o->media->box, pem, b->der, err);

	if (rc == PV_OK)
		rc = x509_cert_decode(buf_span(b->der), &cert, err);
	if (rc == PV_OK)
		rc = certfacts_read(cert.tbs, &f, err);
	if (rc == PV_OK)
		rc = ceremony_hash(buf_span(b->der), der_hex, err);
	if (rc == PV_OK)
		rc = ceremony_hash(cert.spki, key_hex, err);
	if (rc != PV_OK || !o->told)
		return rc;
	pairs[0] = (struct transcript_pair){ "certificate of", b->ca };
	certfacts_pairs(&f, pairs + 1);
	pairs[CERTFACTS_N + 1] =
		(struct transcript_pair){ "spki_sha256", key_hex };
	pairs[CERTFACTS_N + 2] = (struct transcript_pair){ "sha256", der_hex };
	o->told(o->progress_ctx, "brought", pairs, CERTFACTS_N + 3);
	return PV_OK;
}

enum pv_code ceremony_take_pem(struct ceremony *c, const struct plan_step *step,
			       const char *ca, struct buf *der, struct err *err)
{
	CLEANUP(buf_release) struct buf pem;
	struct brought b = { c, ca, der };
	const struct ceremony_look look = { show_brought, &b };
	char file[CEREMONY_FILE_MAX];

	buf_init(&pem, MEDIA_FILE_MAX);
	ceremony_file(file, ca, ".pem");
	return ceremony_take_shown(c, step->from, file, &pem, &look, err);
}

enum pv_code ceremony_take_list(struct ceremony *c,
				const struct plan_step *step, struct span root,
				struct buf *list, struct err *err)
{
	CLEANUP(x509_issuer_release) struct x509_issuer by = { .path_len = 0 };
	struct mediabox_list ignored;
	char file[CEREMONY_FILE_MAX];
	enum pv_code rc = x509_issuer_load(root, &by, err);

	if (rc != PV_OK || !(by.ku_bits & KU_CRL_SIGN))
		return rc;
	ceremony_file(file, step->issuer, ".crl");
	rc = ceremony_take(c, step->from, file, list, err);
	return rc == PV_OK ? mediabox_list(c->opts->media->box, root,
					   buf_span(list), &ignored, err)
			   : rc;
}

const struct plan_step *ceremony_asked(const struct plan *p, const char *ca)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == PLAN_MAKE_CSR &&
		    strcmp(p->steps[i].ca, ca) == 0)
			return &p->steps[i];
	return NULL;
}

enum pv_code ceremony_meet_root(struct ceremony *c,
				const struct plan_step *step, struct span root,
				struct err *err)
{
	char hex[65], want[65];
	enum pv_code rc = ceremony_hash(root, hex, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(step->root, sizeof(step->root), want);
	rc = CEREMONY_PUT(c, "root", { "ca", step->issuer },
			  { "from", step->from }, { "sha256", hex },
			  { "planned", step->has_root ? want : NULL });
	if (rc != PV_OK || !step->has_root ||
	    strcmp(c->mode, "rehearsal") == 0 || strcmp(hex, want) == 0)
		return rc;
	err_object(err, step->issuer);
	return err_fail(err, PV_DENIED, "import.root",
			"bring the root that the plan names",
			"the root has SHA-256 %s, and the plan names %s", hex,
			want);
}

/* What everything else rests on: the plan has its hash, or people compare it. A
 * rehearsal's root is a throw-away one. */
static enum pv_code meet_root(const struct import *m, struct err *err)
{
	char hex[65], groups[CEREMONYTEXT_GROUPS], text[320];
	enum pv_code rc =
		ceremony_meet_root(m->c, m->step, buf_span(&m->root), err);

	if (rc == PV_OK)
		rc = ceremony_hash(buf_span(&m->root), hex, err);
	if (rc != PV_OK || m->step->has_root)
		return rc;
	ceremonytext_groups(hex, groups);
	snprintf(text, sizeof(text),
		 "Trust %.64s as our root from now on: the SHA-256 of its "
		 "certificate (\"sha256\", of the DER, not of the file) is %s",
		 m->step->issuer, groups);
	return ceremony_ask(m->c, text, err);
}

enum pv_code ceremony_read_csr(struct ceremony *c, const char *ca,
			       struct buf *der, struct csr *csr,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf pem;
	char file[CEREMONY_FILE_MAX];
	enum pv_code rc;

	buf_init(&pem, MEDIA_FILE_MAX);
	ceremony_file(file, ca, ".csr");
	rc = file_read(c->opts->folder, file, FILEIO_NOFOLLOW, &pem, err);
	if (rc == PV_OK)
		rc = csr_pem_to_der(buf_span(&pem), der, err);
	return rc == PV_OK ? csr_decode(buf_span(der), csr, err) : rc;
}

static enum pv_code record(struct import *m, struct err *err)
{
	struct ceremony *c = m->c;
	struct ca_import in = { .a = c->a,
				.store = c->store,
				.ca = m->step->ca,
				.issuer = m->step->issuer,
				.from = m->step->from };
	const struct authority_key *named = NULL;
	struct issue_key key;
	struct csr csr;
	enum pv_code rc = authority_key(c->a, m->step->ca, &named, err);

	if (rc == PV_OK)
		rc = ownkey_load(c->store, named->label, &key, err);
	if (rc == PV_OK)
		rc = ceremony_read_csr(c, m->step->ca, &m->csr, &csr, err);
	/* Of the step that asked for it. */
	if (rc == PV_OK)
		rc = ceremony_ca_template(
			c, ceremony_asked(c->plan, m->step->ca), &m->tmpl, err);
	if (rc != PV_OK)
		return rc;
	in.tmpl = m->tmpl;
	in.key = &key;
	in.asked = csr.subject;
	in.root = buf_span(&m->root);
	in.cert = buf_span(&m->cert);
	in.list = buf_span(&m->list);
	return ca_import(&in, err);
}

static enum pv_code take_all(struct import *m, struct err *err)
{
	const struct plan_step *step = m->step;
	enum pv_code rc =
		ceremony_take_pem(m->c, step, step->issuer, &m->root, err);

	if (rc == PV_OK)
		rc = meet_root(m, err);
	if (rc == PV_OK)
		rc = ceremony_take_pem(m->c, step, step->ca, &m->cert, err);
	if (rc == PV_OK)
		rc = ceremony_take_list(m->c, step, buf_span(&m->root),
					&m->list, err);
	/* A run that goes on behind its record takes nothing again. */
	return rc == PV_OK ? ceremony_log_step(m->c, "shown", err) : rc;
}

enum pv_code ceremony_import_ca(struct ceremony *c,
				const struct plan_step *step, struct err *err)
{
	CLEANUP(import_release) struct import m = { .c = c, .step = step };
	bool there = false;
	enum pv_code rc;

	if (c->opts->later)
		return ceremony_import_next(c, step, err);
	buf_init(&m.root, X509_CERT_MAX);
	buf_init(&m.cert, X509_CERT_MAX);
	buf_init(&m.list, MEDIA_FILE_MAX);
	buf_init(&m.csr, CSR_DER_MAX);
	snprintf(c->object, sizeof(c->object), "%s", step->ca);
	rc = ceremony_is_made(c, step->ca, &there, err);
	/* What is wrong with them is found before a PIN is given for it. */
	if (rc == PV_OK && !there)
		rc = take_all(&m, err);
	if (rc == PV_OK)
		rc = ceremony_login(c, err);
	if (rc == PV_OK && !there)
		rc = record(&m, err);
	if (rc == PV_OK)
		rc = ceremony_tell_certificate(c, step->issuer, err);
	return rc == PV_OK ? ceremony_tell_certificate(c, step->ca, err) : rc;
}
