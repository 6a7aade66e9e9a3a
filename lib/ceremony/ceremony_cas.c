/* The steps that make CAs. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremony_cas.h"
#include "lib/ceremony/ceremony_kinds.h"
#include "lib/ceremony/certfacts.h"
#include "lib/ceremony/plantemplate.h"
#include "lib/flow/adopt.h"
#include "lib/flow/cacert.h"
#include "lib/flow/cachain.h"
#include "lib/flow/canewest.h"
#include "lib/x509/cert.h"

CLEANUP_PTR(struct template, template_free);
CLEANUP_PTR(struct file_group, file_group_free);

void ceremony_file(char out[CEREMONY_FILE_MAX], const char *ca, const char *end)
{
	snprintf(out, CEREMONY_FILE_MAX, "%.*s%s", PLAN_NAME_MAX, ca, end);
}

enum pv_code ceremony_hash(struct span bytes, char hex[static 65],
			   struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc = sha256(bytes, hash, err);

	if (rc == PV_OK)
		hex_encode(hash, sizeof(hash), hex);
	return rc;
}

/* The hashes of it, in hex. */
static enum pv_code put_tbs(struct ceremony *c, const struct camake *m,
			    const struct certfacts *f, struct err *err)
{
	char tbs[65], spki[65], signer[65], tmpl[65];
	struct transcript_pair said[CERTFACTS_N];
	enum pv_code rc = ceremony_hash(
		(struct span){ m->job.signer->spki, m->job.signer->spki_len },
		signer, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(m->tbs_sha256, sizeof(m->tbs_sha256), tbs);
	hex_encode(m->spki_sha256, sizeof(m->spki_sha256), spki);
	hex_encode(m->job.tmpl->sha256, sizeof(m->job.tmpl->sha256), tmpl);
	certfacts_pairs(f, said);
	return CEREMONY_PUT(
		c, "sign", { "ca", m->job.ca },
		{ "template", m->job.tmpl->name }, { "template_sha256", tmpl },
		{ "serial", m->serial_hex }, said[0], said[1], said[2], said[3],
		said[4], said[5], { "tbs_sha256", tbs },
		{ "spki_sha256", spki }, { "signer_spki_sha256", signer });
}

/* What is to be signed, before its intent is recorded. */
enum pv_code ceremony_tell_tbs(void *ctx, const struct camake *m,
			       struct err *err)
{
	struct ceremony *c = ctx;
	struct certfacts f;
	char text[256];
	enum pv_code rc = certfacts_read(buf_span(&m->tbs), &f, err);

	if (rc == PV_OK)
		rc = ceremony_tell_ca_key(
			c, m->job.above_name ? m->job.above_name : m->job.ca,
			(struct span){ m->job.signer->spki,
				       m->job.signer->spki_len },
			err);
	if (rc == PV_OK)
		rc = put_tbs(c, m, &f, err);
	buf_put(&c->shown, m->tbs_sha256, sizeof(m->tbs_sha256));
	snprintf(text, sizeof(text),
		 "Sign the certificate of %.64s, as it was just shown",
		 m->job.ca);
	return rc == PV_OK ? ceremony_agree(c, text, err) : rc;
}

enum pv_code ceremony_put_file(struct ceremony *c, const char *file,
			       struct span bytes, char hex[static 65],
			       struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	uint8_t hash[32];
	enum pv_code rc = sha256(bytes, hash, err);

	if (rc == PV_OK)
		rc = file_group_new(&g, err);
	if (rc == PV_OK)
		rc = file_group_add(g, c->opts->folder, file, 0644, bytes.p,
				    bytes.len, err);
	if (rc == PV_OK)
		rc = file_group_commit(g, err);
	hex_encode(hash, sizeof(hash), hex);
	return rc;
}

bool ceremony_was_shown(const struct buf *hashes, const uint8_t hash[32])
{
	for (size_t at = 0; at + 32 <= hashes->len; at += 32)
		if (memcmp(hashes->data + at, hash, 32) == 0)
			return true;
	return false;
}

static bool signs(const struct ceremony *c)
{
	enum plan_kind kind = c->plan->steps[c->n].kind;

	return kind == PLAN_SELF_SIGNED || kind == PLAN_ISSUE_CA ||
	       kind == PLAN_CROSS_SIGN || kind == PLAN_SIGN_CSR;
}

/* Another run may have made it meanwhile: nobody here agreed to that. */
static enum pv_code is_shown(const struct ceremony *c, const char *ca,
			     struct span der, struct err *err)
{
	struct x509_cert cert;
	uint8_t hash[32];
	enum pv_code rc;

	if (!signs(c))
		return PV_OK;
	rc = x509_cert_decode(der, &cert, err);
	if (rc == PV_OK)
		rc = sha256(cert.tbs, hash, err);
	if (rc != PV_OK || ceremony_was_shown(&c->shown, hash))
		return rc;
	err_object(err, ca);
	return err_fail(err, PV_CONFLICT, "ceremony.made",
			"run another version of the plan, without that step",
			"its certificate was made beside this ceremony, whose "
			"people were never shown it");
}

enum pv_code ceremony_put_certificate(struct ceremony *c, const char *ca,
				      const char *file, struct span der,
				      struct err *err)
{
	CLEANUP(buf_release) struct buf pem;
	char der_hex[65], pem_hex[65];
	uint8_t hash[32];
	enum pv_code rc = is_shown(c, ca, der, err);

	if (rc == PV_OK)
		rc = sha256(der, hash, err);
	buf_init(&pem, 65536);
	pem_encode(&pem, "CERTIFICATE", der);
	if (rc == PV_OK)
		rc = buf_check(&pem, err);
	if (rc == PV_OK)
		rc = ceremony_put_file(c, file, buf_span(&pem), pem_hex, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), der_hex);
	return CEREMONY_PUT(c, "certificate", { "ca", ca },
			    { "sha256", der_hex }, { "file", file },
			    { "file_sha256", pem_hex });
}

enum pv_code ceremony_tell_certificate(struct ceremony *c, const char *ca,
				       struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	char file[CEREMONY_FILE_MAX];
	struct span der;
	enum pv_code rc = ca_chain_load(c->store, ca, -1, &chain, err);

	if (rc != PV_OK)
		return rc;
	der = buf_span(&chain.ca[0].der);
	ceremony_file(file, ca, ".pem");
	if (chain.ca[0].label[0])
		rc = hsm_store_certificate(c->hsm, chain.ca[0].label, der, err);
	return rc == PV_OK ? ceremony_put_certificate(c, ca, file, der, err)
			   : rc;
}

enum pv_code ceremony_newest_ca(struct ceremony *c, const char *ca,
				uint32_t *generation, struct err *err)
{
	struct ca_newest newest;
	enum pv_code rc = ca_newest(c->store, ca, &newest, err);

	*generation = newest.generation;
	return rc;
}

enum pv_code ceremony_is_made(struct ceremony *c, const char *ca, bool *there,
			      struct err *err)
{
	uint32_t generation = 0;
	enum pv_code rc = ceremony_newest_ca(c, ca, &generation, err);

	*there = generation > 0;
	return rc;
}

/* A CA's template is pinned like any other before it is used. */
enum pv_code ceremony_ca_template(struct ceremony *c,
				  const struct plan_step *step,
				  struct template **t, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *parsed = NULL;
	CLEANUP(buf_release) struct buf bytes;
	struct adopt_report report;
	enum pv_code rc = plantemplate_read(c->templates, step, &bytes, err);

	if (rc == PV_OK)
		rc = template_parse(buf_span(&bytes), &parsed, NULL, err);
	if (rc == PV_OK && !parsed->ca)
		rc = err_fail(err, PV_INPUT, "plan.template", NULL,
			      "%s is not a template for CAs",
			      step->template_name);
	if (rc == PV_OK)
		rc = adopt_template(c->a, c->store, NULL, buf_span(&bytes),
				    c->opts->want, &report, err);
	/* A version that another one has followed makes nothing any more. */
	if (rc == PV_OK && report.in_effect != report.version)
		rc = err_fail(err, PV_DENIED, "plan.template",
			      "have a plan with the one in effect rehearsed",
			      "the plan names version %llu of template %s, and "
			      "version %llu is in effect",
			      (unsigned long long)report.version, report.name,
			      (unsigned long long)report.in_effect);
	if (rc == PV_OK)
		*t = TAKE(parsed);
	return rc;
}

static enum pv_code issue(struct ceremony *c, const struct plan_step *step,
			  struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	const char *issuer =
		step->kind == PLAN_SELF_SIGNED ? NULL : step->issuer;
	struct cacert_job job = { .a = c->a,
				  .store = c->store,
				  .hsm = c->hsm,
				  .ca = step->ca,
				  .issuer = issuer,
				  .until_s = step->not_after_s,
				  .before = ceremony_tell_tbs,
				  .ctx = c };
	char serial[41];
	enum pv_code rc = ceremony_ca_template(c, step, &t, err);

	job.tmpl = t;
	return rc == PV_OK ? cacert_issue(&job, serial, err) : rc;
}

enum pv_code ceremony_make_ca(struct ceremony *c, const struct plan_step *step,
			      struct err *err)
{
	bool there = false;
	enum pv_code rc;

	if (c->opts->later)
		return ceremony_next_ca(c, step, err);
	snprintf(c->object, sizeof(c->object), "%s", step->ca);
	rc = ceremony_login(c, err);
	if (rc == PV_OK)
		rc = ceremony_is_made(c, step->ca, &there, err);
	if (rc == PV_OK && !there)
		rc = issue(c, step, err);
	return rc == PV_OK ? ceremony_tell_certificate(c, step->ca, err) : rc;
}
