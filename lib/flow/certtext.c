#include "lib/flow/certtext.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "lib/base/mem.h"

struct certtext {
	X509 *x;
};

enum pv_code certtext_new(struct span der, struct certtext **out,
			  struct err *err)
{
	struct certtext *c = mem_new(sizeof(*c), err);
	const uint8_t *p = der.p;

	*out = NULL;
	if (!c)
		return PV_INTERNAL;
	c->x = d2i_X509(NULL, &p, (long)der.len);
	if (!c->x || p != der.p + der.len) {
		certtext_free(c);
		return err_fail(err, PV_INPUT, "cert.malformed", NULL,
				"not one X.509 certificate");
	}
	*out = c;
	return PV_OK;
}

void certtext_free(struct certtext *c)
{
	if (!c)
		return;
	X509_free(c->x);
	free(c);
}

static char *bio_text(BIO *bio)
{
	char *data = NULL;
	long len = BIO_get_mem_data(bio, &data);

	return len > 0 ? strndup(data, (size_t)len) : strdup("");
}

static char *name_text(const X509_NAME *name)
{
	const unsigned long how =
		XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	BIO *bio = BIO_new(BIO_s_mem());
	char *out = NULL;

	if (bio && X509_NAME_print_ex(bio, name, 0, how) >= 0)
		out = bio_text(bio);
	BIO_free(bio);
	return out;
}

char *certtext_subject(const struct certtext *c)
{
	return name_text(X509_get_subject_name(c->x));
}

char *certtext_issuer(const struct certtext *c)
{
	return name_text(X509_get_issuer_name(c->x));
}

char *certtext_name(struct span der)
{
	const uint8_t *p = der.p;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der.len);
	char *out = name && p == der.p + der.len ? name_text(name) : NULL;

	X509_NAME_free(name);
	return out;
}

char *certtext_print(const struct certtext *c)
{
	const unsigned long names =
		XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	const unsigned long without =
		X509_FLAG_NO_HEADER | X509_FLAG_NO_SIGNAME |
		X509_FLAG_NO_PUBKEY | X509_FLAG_NO_SIGDUMP;
	BIO *bio = BIO_new(BIO_s_mem());
	char *out = NULL;

	if (bio &&
	    X509_print_ex(bio, c->x, names,
			  without | (unsigned long)X509V3_EXT_DUMP_UNKNOWN) > 0)
		out = bio_text(bio);
	BIO_free(bio);
	return out;
}

static X509_EXTENSION *find(const struct certtext *c, const char *name,
			    bool *known)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(name, 0);
	int at = oid ? X509_get_ext_by_OBJ(c->x, oid, -1) : -1;

	*known = oid != NULL;
	ASN1_OBJECT_free(oid);
	return at >= 0 ? X509_get_ext(c->x, at) : NULL;
}

enum certtext_ext certtext_find(const struct certtext *c, const char *name,
				bool *critical)
{
	bool known;
	X509_EXTENSION *ext = find(c, name, &known);

	if (!known)
		return CERTTEXT_UNKNOWN;
	if (!ext)
		return CERTTEXT_ABSENT;
	*critical = X509_EXTENSION_get_critical(ext) == 1;
	return CERTTEXT_PRESENT;
}

char *certtext_extension(const struct certtext *c, const char *name)
{
	bool known;
	X509_EXTENSION *ext = find(c, name, &known);
	BIO *bio = BIO_new(BIO_s_mem());
	char *out = NULL;

	if (bio && ext &&
	    X509V3_EXT_print(bio, ext, X509V3_EXT_DUMP_UNKNOWN, 0) == 1)
		out = bio_text(bio);
	BIO_free(bio);
	for (size_t n = out ? strlen(out) : 0; n && out[n - 1] == '\n'; n--)
		out[n - 1] = '\0';
	return out;
}

char *certtext_hex(const struct certtext *c, const char *name)
{
	bool known;
	X509_EXTENSION *ext = find(c, name, &known);
	const ASN1_OCTET_STRING *data;
	size_t len;
	char *out;

	if (!ext)
		return NULL;
	data = X509_EXTENSION_get_data(ext);
	len = (size_t)ASN1_STRING_length(data);
	out = malloc(2 * len + 1);
	if (out)
		hex_encode(ASN1_STRING_get0_data(data), len, out);
	return out;
}
