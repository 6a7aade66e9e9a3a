/* What a transcript says was signed or taken: its files have their hashes. */
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pem.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/ceremonycheck_files.h"
#include "lib/ceremony/ceremonycheck_lines_impl.h"
#include "lib/ceremony/ceremonycheck_shown.h"

/* The certificate as it is known elsewhere: its DER's hash. */
static enum pv_code check_der(const struct transcript_line *line,
			      struct span der, struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc = sha256(der, hash, err);

	if (rc != PV_OK)
		return rc;
	return ceremonycheck_says_hex(line, "sha256", hash, sizeof(hash))
		       ? PV_OK
		       : ceremonycheck_another(ceremonycheck_fact(line, "file"),
					       err);
}

/* Who signed that one has shown it in a room of their own: what was asked for
 * is the key, and what was trusted the root. */
static enum pv_code imported(struct ceremonycheck_state *c,
			     const struct transcript_line *line,
			     const struct x509_cert *cert, struct err *err)
{
	const struct keyseen_key *asked = keyseen_made(&c->keys, c->name);
	char spki[65];
	uint8_t hash[32];
	enum pv_code rc = sha256(cert->spki, hash, err);

	if (rc != PV_OK || strcmp(ceremonycheck_fact(line, "ca"), c->name) != 0)
		return rc;
	hex_encode(hash, sizeof(hash), spki);
	return asked && strcmp(asked->sha256, spki) == 0
		       ? PV_OK
		       : ceremonycheck_another(ceremonycheck_fact(line, "file"),
					       err);
}

/* One that the step signed is one that it showed. */
static enum pv_code check_certificate(struct ceremonycheck_state *c,
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
	if (rc == PV_OK)
		rc = x509_cert_decode(buf_span(&der), &cert, err);
	if (rc != PV_OK)
		return rc;
	return ceremonycheck_is(c, PLAN_IMPORT_CA)
		       ? imported(c, line, &cert, err)
		       : ceremonycheck_shown_cert(c, line, &cert, err);
}

enum pv_code ceremonycheck_certificate(struct ceremonycheck_state *c,
				       const struct transcript_line *line,
				       struct err *err)
{
	bool own = strcmp(ceremonycheck_fact(line, "ca"), c->name) == 0;

	/* The root comes with what it signed. */
	if (!own && (!ceremonycheck_is(c, PLAN_IMPORT_CA) ||
		     strcmp(ceremonycheck_fact(line, "sha256"), c->root) != 0))
		return ceremonycheck_order(
			"a certificate that the step is not about", err);
	c->about |= own;
	c->out->certificates++;
	return c->in->dir < 0 ? PV_OK : check_certificate(c, line, err);
}

/* The root that a step imports: the plan's, or people trusted it (askcheck.h).
 * A rehearsal's is a throw-away one. */
enum pv_code ceremonycheck_root(struct ceremonycheck_state *c,
				const struct transcript_line *line,
				struct err *err)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);
	const char *planned = ceremonycheck_fact(line, "planned");
	const char *sha256 = ceremonycheck_fact(line, "sha256");
	char want[65] = "";

	if (s && s->has_root)
		hex_encode(s->root, sizeof(s->root), want);
	if (!ceremonycheck_is(c, PLAN_IMPORT_CA) || strlen(sha256) != 64 ||
	    (s && (strcmp(ceremonycheck_fact(line, "ca"), s->issuer) != 0 ||
		   strcmp(planned, want) != 0)) ||
	    (planned[0] && strcmp(planned, sha256) != 0 &&
	     strcmp(c->out->mode, "rehearsal") != 0))
		return ceremonycheck_order("another root than the plan's", err);
	memcpy(c->root, sha256, sizeof(c->root));
	return PV_OK;
}

static enum pv_code check_csr(const struct ceremonycheck_state *c,
			      const struct transcript_line *line,
			      struct err *err)
{
	CLEANUP(buf_release) struct buf pem = { .data = NULL };
	CLEANUP(buf_release) struct buf der;
	struct csr csr;
	enum pv_code rc = ceremonycheck_take_file(c, line, &pem, err);

	buf_init(&der, CSR_DER_MAX);
	if (rc == PV_OK)
		rc = csr_pem_to_der(buf_span(&pem), &der, err);
	if (rc == PV_OK)
		rc = csr_decode(buf_span(&der), &csr, err);
	return rc == PV_OK ? ceremonycheck_shown_csr(c, line, &csr, err) : rc;
}

/* The certificate that comes back has to be for its key. */
enum pv_code ceremonycheck_csr(struct ceremonycheck_state *c,
			       const struct transcript_line *line,
			       struct err *err)
{
	enum pv_code rc;

	if (strcmp(ceremonycheck_fact(line, "ca"), c->name) != 0)
		return ceremonycheck_order(
			"a request that the step is not about", err);
	c->about = true;
	rc = keyseen_take(&c->keys, line, c->name, true, err);
	return rc != PV_OK || c->in->dir < 0 ? rc : check_csr(c, line, err);
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
	struct x509_crl crl;
	size_t entries = 0;
	enum pv_code rc = ceremonycheck_take_file(c, line, &der, err);

	if (rc == PV_OK)
		rc = x509_crl_decode(buf_span(&der), &crl, &entries, err);
	return rc == PV_OK
		       ? ceremonycheck_shown_list(c, line, &crl, entries, err)
		       : rc;
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
	keyseen_paid(&c->keys, ceremonycheck_fact(line, "ca"));
	return c->in->dir < 0 ? PV_OK : check_list(c, line, err);
}
