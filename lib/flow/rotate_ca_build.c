/* rotate_ca: its template, and the certificates to be signed. */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/cachain.h"
#include "lib/flow/calist.h"
#include "lib/flow/castand.h"
#include "lib/flow/logged_authority.h"
#include "lib/flow/rotate_ca_impl.h"
#include "lib/x509/cert.h"

/* ---- template ---- */

/* A serial that stands in no certificate: the TBS is thrown away. */
static const uint8_t sample_serial[X509_SERIAL_LEN] = { 1 };

/* Does the template give the CA's subject? */
static bool gives_subject(const struct rotate_ca *r, const struct template *t)
{
	CLEANUP(buf_release) struct buf tbs;
	struct text_vars vars = { .authority = r->authority };
	struct x509_cert parts;
	struct err ignored;

	err_init(&ignored);
	buf_init(&tbs, X509_TBS_MAX);
	/* As a root: the name alone is looked at. */
	return x509_tbs_build(&t->profile, NULL, &vars, sample_serial,
			      r->old_ca.spki, r->now_s, &tbs,
			      &ignored) == PV_OK &&
	       x509_tbs_decode(buf_span(&tbs), &parts, &ignored) == PV_OK &&
	       span_equal(parts.subject, r->old_ca.subject);
}

static enum pv_code take_name(void *ctx, const struct store_template *row,
			      struct err *err)
{
	(void)err;
	snprintf(ctx, TPL_NAME_MAX + 1, "%s", row->name);
	return PV_OK;
}

enum pv_code rotate_ca_take_template(void *ctx,
				     const struct store_template *row,
				     struct err *err)
{
	struct rotate_ca *r = ctx;
	enum pv_code rc = logged_template(r->store, row, err);

	return rc == PV_OK ? logged_template_parse(row, &r->tmpl, err) : rc;
}

static enum pv_code check(const struct rotate_ca *r, uint32_t shards,
			  struct err *err)
{
	const char *above = r->root ? "self" : r->parent_name;
	const struct template *t = r->tmpl;

	if (!t->ca || strcmp(t->profile.issuer, above) != 0)
		return err_fail(err, PV_DENIED, "rotate.template", NULL,
				"template %s is not for CAs %s%s", t->name,
				r->root ? "that sign themselves" : "below ",
				r->parent_name);
	/* The first generation says what those behind it have to say. */
	if (r->first)
		return PV_OK;
	if (!gives_subject(r, t))
		return err_fail(
			err, PV_DENIED, "rotate.subject",
			"adopt a version with the subject as it was",
			"template %s gives another subject than that of "
			"%s",
			t->name, r->opts->ca);
	if (t->crl_shards != shards)
		return err_fail(err, PV_DENIED, "rotate.shards",
				"adopt a version with as many",
				"template %s has %u shards, and %s has %u",
				t->name, (unsigned)t->crl_shards, r->opts->ca,
				(unsigned)shards);
	return PV_OK;
}

enum pv_code rotate_ca_template(struct rotate_ca *r, uint32_t shards,
				struct err *err)
{
	char name[TPL_NAME_MAX + 1];
	const struct store_visit named = { .ctx = name,
					   .fn.template = take_name };
	const struct store_visit v = { .ctx = r,
				       .fn.template = rotate_ca_take_template };
	enum pv_code rc = PV_OK;

	if (r->opts->template_name)
		snprintf(name, sizeof(name), "%.*s", TPL_NAME_MAX,
			 r->opts->template_name);
	else
		rc = store_template_digest(r->store, r->template_sha256, &named,
					   err);
	if (rc == PV_OK)
		rc = store_template_current(r->store, name, &v, err);
	return rc == PV_OK ? check(r, shards, err) : rc;
}

/* ---- certificates ---- */

static struct camake_job job_of(const struct rotate_ca *r)
{
	return (struct camake_job){ .store = r->store,
				    .hsm = *r->tokens->hsm,
				    .authority = r->authority,
				    .tmpl = r->tmpl,
				    .ca = r->opts->ca,
				    .nonce = r->nonce,
				    .now_s = r->now_s };
}

/* Whose key will sign is shown before its token is asked for it. */
static struct tokensign *parent_key(struct rotate_ca *r)
{
	struct tokensign *key = &r->parent_key;

	if (key->spki_len == 0) {
		memcpy(key->spki, r->above.spki, r->above.spki_len);
		key->spki_len = r->above.spki_len;
	}
	return key;
}

enum pv_code rotate_ca_build(struct rotate_ca *r, struct err *err)
{
	struct camake_job job = job_of(r);
	enum pv_code rc = camake_check_until(r->tmpl, r->opts->until_s,
					     r->now_s, err);

	if (rc != PV_OK)
		return rc;
	job.spki = (struct span){ r->new_key.spki, r->new_key.spki_len };
	job.generation = r->generation + 1;
	job.above = r->root ? NULL : &r->parent;
	job.above_name = r->root ? NULL : r->parent_name;
	job.above_generation = r->root ? job.generation : r->parent_generation;
	job.signer = r->root ? &r->new_key : parent_key(r);
	job.active_ms = r->wanted_ms;
	job.until_s = r->opts->until_s;
	r->made_n = 1;
	return camake_build(&r->made[ROTATE_NEW], &job, err);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* subject: 0 the old key, 1 the new one. */
static enum pv_code build_cross(struct rotate_ca *r, size_t i, unsigned subject,
				struct err *err)
{
	struct camake_job job = job_of(r);
	const struct tokensign *key = subject ? &r->new_key : &r->old_key;

	job.spki = (struct span){ key->spki, key->spki_len };
	job.generation = subject ? r->generation + 1 : r->former;
	job.above = subject ? &r->old_ca : &r->new_ca;
	job.above_generation = subject ? r->former : r->generation + 1;
	job.signer = subject ? &r->old_key : &r->new_key;
	job.cross = true;
	job.until_s = earlier(r->old_ca.not_after_s, r->new_ca.not_after_s);
	r->made_n++;
	return camake_build(&r->made[i], &job, err);
}

/* By the list of a CA whose key is elsewhere. */
static enum pv_code revoked_elsewhere(const struct rotate_ca *r, bool *revoked,
				      struct err *err)
{
	CLEANUP(ca_chain_release) struct ca_chain chain = { .n = 0 };
	struct err why;
	enum pv_code rc = ca_chain_load_generation(r->store, r->opts->ca,
						   r->former, -1, &chain, err);

	if (rc != PV_OK)
		return rc;
	err_init(&why);
	rc = calist_chain(r->a, r->store, &chain, r->now_s, &why);
	*revoked = rc == PV_DENIED && strcmp(why.rule, "ca.revoked") == 0;
	if (rc == PV_OK || *revoked)
		return PV_OK;
	*err = why;
	return rc;
}

/* Who is over or revoked vouches for nobody, and nobody for it. */
static enum pv_code old_stands(const struct rotate_ca *r, bool *stands,
			       struct err *err)
{
	struct store_revocation row;
	bool revoked = false;
	enum pv_code rc = ca_is_revoked(r->store, buf_span(&r->old_ca.der),
					&row, &revoked, err);

	if (rc == PV_OK && !revoked)
		rc = revoked_elsewhere(r, &revoked, err);
	*stands = rc == PV_OK && !revoked && r->old_ca.not_after_s > r->now_s;
	return rc;
}

enum pv_code rotate_ca_build_cross(struct rotate_ca *r, struct err *err)
{
	bool stands = false;
	enum pv_code rc = PV_OK;

	r->made_n = 1;
	if (!span_equal(r->new_ca.subject, r->old_ca.subject))
		rc = err_fail(err, PV_DENIED, "rotate.subject", NULL,
			      "the new certificate has another subject");
	if (rc == PV_OK)
		rc = old_stands(r, &stands, err);
	if (rc != PV_OK || !stands)
		return rc;
	rc = build_cross(r, ROTATE_NEW_OLD, 1, err);
	return rc == PV_OK ? build_cross(r, ROTATE_OLD_NEW, 0, err) : rc;
}
