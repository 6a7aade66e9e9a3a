/* What a transcript says was signed or taken: its files have their hashes. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pem.h"
#include "lib/base/sha256.h"
#include "lib/flow/ceremonycheck_files.h"
#include "lib/flow/ceremonycheck_impl.h"
#include "lib/flow/certfacts.h"
#include "lib/x509/cert.h"
#include "lib/x509/crl_read.h"

/* ---- what was shown, and what came of it ---- */

static enum pv_code hash_facts(const struct transcript_pair *pairs,
			       uint8_t hash[32], struct err *err)
{
	CLEANUP(buf_release) struct buf all;
	enum pv_code rc;

	buf_init(&all, CERTFACTS_N * (TRANSCRIPT_VALUE_MAX + 1));
	for (size_t i = 0; i < CERTFACTS_N; i++)
		buf_put(&all, pairs[i].value, strlen(pairs[i].value) + 1);
	rc = buf_check(&all, err);
	return rc == PV_OK ? sha256(buf_span(&all), hash, err) : rc;
}

enum pv_code ceremonycheck_shown(struct ceremonycheck_state *c,
				 const struct transcript_line *line,
				 struct err *err)
{
	const char *tbs = ceremonycheck_fact(line, "tbs_sha256");
	const struct certfacts none = { .subject = "" };
	struct transcript_pair pairs[CERTFACTS_N];
	struct ceremonycheck_signed s;
	enum pv_code rc;

	/* A request is none of ours to take apart. */
	if (!transcript_fact(line, "not_after") &&
	    !transcript_fact(line, "list"))
		return PV_OK;
	if (strlen(tbs) != 64 || !hex_decode(tbs, s.tbs, sizeof(s.tbs)))
		return ceremonycheck_order(
			"something was signed without its hash being shown",
			err);
	certfacts_pairs(&none, pairs);
	for (size_t i = 0; i < CERTFACTS_N; i++)
		pairs[i].value = ceremonycheck_fact(line, pairs[i].key);
	rc = hash_facts(pairs, s.facts, err);
	buf_put(&c->signs, &s, sizeof(s));
	c->waits = askcheck_waits(&c->asks);
	return rc == PV_OK ? buf_check(&c->signs, err) : rc;
}

static enum pv_code not_shown(const char *file, struct err *err)
{
	err_object(err, file);
	return err_fail(err, PV_INTEGRITY, "ceremony.shown",
			"do not use it: ask who ran the ceremony",
			"%s is not what the people in the room were shown",
			file);
}

void ceremonycheck_said(struct ceremonycheck_state *c,
			const struct transcript_line *line)
{
	if (strcmp(line->event, "answer") == 0)
		c->waits = c->waits && askcheck_waits(&c->asks);
	if (!c->waits || (strcmp(line->event, "resume") != 0 &&
			  strcmp(line->event, "step") != 0))
		return;
	c->signs.len -= sizeof(struct ceremonycheck_signed);
	c->waits = false;
}

static bool find_shown(const struct ceremonycheck_state *c,
		       const uint8_t tbs[32], struct ceremonycheck_signed *s)
{
	for (size_t at = 0; at + sizeof(*s) <= c->signs.len; at += sizeof(*s)) {
		memcpy(s, c->signs.data + at, sizeof(*s));
		if (memcmp(s->tbs, tbs, 32) == 0)
			return true;
	}
	return false;
}

/* It is what people were shown, by its hash and in words. */
static enum pv_code held_to_shown(const struct ceremonycheck_state *c,
				  const char *file, struct span tbs,
				  struct err *err)
{
	struct ceremonycheck_signed shown;
	struct transcript_pair pairs[CERTFACTS_N];
	struct certfacts f;
	uint8_t hash[32], facts[32];
	enum pv_code rc = certfacts_read(tbs, &f, err);

	if (rc == PV_OK)
		rc = sha256(tbs, hash, err);
	certfacts_pairs(&f, pairs);
	if (rc == PV_OK)
		rc = hash_facts(pairs, facts, err);
	if (rc != PV_OK)
		return rc;
	return find_shown(c, hash, &shown) &&
			       memcmp(shown.facts, facts, sizeof(facts)) == 0
		       ? PV_OK
		       : not_shown(file, err);
}

/* The certificate as it is known elsewhere: its DER's hash. */
static enum pv_code check_der(const struct transcript_line *line,
			      struct span der, struct err *err)
{
	uint8_t hash[32];
	char hex[65];
	enum pv_code rc = sha256(der, hash, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	return strcmp(hex, ceremonycheck_fact(line, "sha256")) == 0
		       ? PV_OK
		       : ceremonycheck_another(ceremonycheck_fact(line, "file"),
					       err);
}

/* One that the step signed is one that it showed. */
static enum pv_code check_certificate(const struct ceremonycheck_state *c,
				      const struct transcript_line *line,
				      struct err *err)
{
	CLEANUP(buf_release) struct buf pem = { .data = NULL };
	CLEANUP(buf_release) struct buf der;
	struct x509_cert cert;
	enum pv_code rc = ceremonycheck_take_file(c, line, &pem, err);

	buf_init(&der, CEREMONYCHECK_FILE_MAX);
	if (rc == PV_OK)
		rc = pem_decode(buf_span(&pem), "CERTIFICATE", &der, err);
	if (rc == PV_OK)
		rc = check_der(line, buf_span(&der), err);
	/* Who signed that one has shown it in a room of their own. */
	if (rc != PV_OK || ceremonycheck_is(c, PLAN_IMPORT_CA))
		return rc;
	rc = x509_cert_decode(buf_span(&der), &cert, err);
	return rc == PV_OK ? held_to_shown(c, ceremonycheck_fact(line, "file"),
					   cert.tbs, err)
			   : rc;
}

enum pv_code ceremonycheck_certificate(struct ceremonycheck_state *c,
				       const struct transcript_line *line,
				       struct err *err)
{
	bool own = strcmp(ceremonycheck_fact(line, "ca"), c->name) == 0;

	/* The root comes with what it signed. */
	if (!own && !ceremonycheck_is(c, PLAN_IMPORT_CA))
		return ceremonycheck_order(
			"a certificate that the step is not about", err);
	c->about |= own;
	c->out->certificates++;
	return c->in->dir < 0 ? PV_OK : check_certificate(c, line, err);
}

enum pv_code ceremonycheck_csr(struct ceremonycheck_state *c,
			       const struct transcript_line *line,
			       struct err *err)
{
	if (strcmp(ceremonycheck_fact(line, "ca"), c->name) != 0)
		return ceremonycheck_order(
			"a request that the step is not about", err);
	c->about = true;
	return ceremonycheck_file(c, line, err);
}

/* A run that goes on need not take it again. */
enum pv_code ceremonycheck_taken(struct ceremonycheck_state *c,
				 const struct transcript_line *line,
				 struct err *err)
{
	(void)line;
	(void)err;
	c->taken = true;
	return PV_OK;
}

enum pv_code ceremonycheck_older_list(struct ceremonycheck_state *c,
				      const struct transcript_line *line,
				      struct err *err)
{
	(void)line;
	return ceremonycheck_is(c, PLAN_IMPORT_CA)
		       ? PV_OK
		       : ceremonycheck_order(
				 "a list that the step is not about", err);
}

static enum pv_code check_list(const struct ceremonycheck_state *c,
			       const struct transcript_line *line,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf der = { .data = NULL };
	struct ceremonycheck_signed shown;
	struct x509_crl crl;
	uint8_t hash[32];
	enum pv_code rc = ceremonycheck_take_file(c, line, &der, err);

	if (rc != PV_OK)
		return rc;
	rc = x509_crl_decode(buf_span(&der), &crl, NULL, err);
	if (rc == PV_OK)
		rc = sha256(crl.tbs, hash, err);
	if (rc != PV_OK)
		return rc;
	return find_shown(c, hash, &shown)
		       ? PV_OK
		       : not_shown(ceremonycheck_fact(line, "file"), err);
}

enum pv_code ceremonycheck_crl(struct ceremonycheck_state *c,
			       const struct transcript_line *line,
			       struct err *err)
{
	bool end = line->step == 0 && c->open == 0;

	if (end && c->signs.len == 0)
		return ceremonycheck_order("a list that nobody was shown", err);
	if (!end && (line->step == 0 || line->step != c->open ||
		     !ceremonycheck_is(c, PLAN_SIGN_CRL) ||
		     strcmp(ceremonycheck_fact(line, "ca"), c->name) != 0))
		return ceremonycheck_order("a list that the step is not about",
					   err);
	c->about = true;
	c->out->lists++;
	return c->in->dir < 0 ? PV_OK : check_list(c, line, err);
}
