#include "lib/ceremony/certfacts.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/notechars.h"
#include "lib/flow/certtext.h"
#include "lib/x509/cert.h"

CLEANUP_PTR(struct certtext, certtext_free);

/* text is freed; NULL: there was no memory, or what it is of is not there. */
static enum pv_code take(char *to, size_t cap, char *text, struct err *err)
{
	if (!text)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"no memory for what a certificate says");
	notechars_clean(to, cap,
			(struct span){ (const uint8_t *)text, strlen(text) });
	free(text);
	return PV_OK;
}

static enum pv_code take_extension(const struct certtext *c, const char *name,
				   char *to, size_t cap, struct err *err)
{
	bool critical;

	return certtext_find(c, name, &critical) == CERTTEXT_PRESENT
		       ? take(to, cap, certtext_extension(c, name), err)
		       : take(to, cap, strdup("none"), err);
}

/* OpenSSL prints certificates only: it gets one under a signature that is
 * none, and that nobody looks at. */
static enum pv_code parse(struct span tbs, struct certtext **out,
			  struct err *err)
{
	CLEANUP(buf_release) struct buf der;
	uint8_t sig[64];
	enum pv_code rc;

	memset(sig, 1, sizeof(sig));
	buf_init(&der, tbs.len + X509_CERT_EXTRA_MAX);
	rc = x509_cert_assemble(tbs, sig, &der, err);
	return rc == PV_OK ? certtext_new(buf_span(&der), out, err) : rc;
}

enum pv_code certfacts_read(struct span tbs, struct certfacts *f,
			    struct err *err)
{
	CLEANUP(cleanup_certtext_free) struct certtext *c = NULL;
	struct x509_cert cert;
	enum pv_code rc = x509_tbs_decode(tbs, &cert, err);

	memset(f, 0, sizeof(*f));
	if (rc == PV_OK && (!pvtime_format(cert.not_before_s, f->not_before) ||
			    !pvtime_format(cert.not_after_s, f->not_after)))
		rc = err_fail(err, PV_INPUT, "cert.malformed", NULL,
			      "a certificate of a time that is none");
	if (rc == PV_OK)
		rc = parse(tbs, &c, err);
	if (rc == PV_OK)
		rc = take(f->subject, sizeof(f->subject), certtext_subject(c),
			  err);
	if (rc == PV_OK)
		rc = take(f->issuer, sizeof(f->issuer), certtext_issuer(c),
			  err);
	if (rc == PV_OK)
		rc = take_extension(c, "basicConstraints", f->basic_constraints,
				    sizeof(f->basic_constraints), err);
	return rc == PV_OK ? take_extension(c, "keyUsage", f->key_usage,
					    sizeof(f->key_usage), err)
			   : rc;
}

void certfacts_pairs(const struct certfacts *f,
		     struct transcript_pair pairs[CERTFACTS_N])
{
	const struct transcript_pair all[CERTFACTS_N] = {
		{ "subject", f->subject },
		{ "issuer", f->issuer },
		{ "not_before", f->not_before },
		{ "not_after", f->not_after },
		{ "basic_constraints", f->basic_constraints },
		{ "key_usage", f->key_usage },
	};

	memcpy(pairs, all, sizeof(all));
}

enum pv_code certfacts_name(struct span name, char *text, size_t cap,
			    struct err *err)
{
	return take(text, cap, certtext_name(name), err);
}
