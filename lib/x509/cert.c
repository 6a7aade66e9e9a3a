#include "lib/x509/cert.h"

#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/x509/oids.h"

#define VERSION_3 2
#define SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */

static enum pv_code malformed(const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, "cert.malformed",
			"give a DER certificate (RFC 5280 4.1)",
			"the certificate does not parse: %s", what);
}

static bool take_version(struct span *in)
{
	struct span v;
	uint32_t version;

	return der_take(in, DER_CONTEXT_CONS(0), &v) &&
	       der_take_small(&v, &version) && v.len == 0 &&
	       version == VERSION_3;
}

bool x509_ext_next(struct span *extensions, struct span *oid, bool *critical,
		   struct span *value)
{
	struct span work = *extensions, ext;

	*critical = false;
	if (!der_take(&work, DER_SEQUENCE, &ext) || !der_take_oid(&ext, oid))
		return false;
	/* DEFAULT FALSE is not encoded (X.690 11.5). */
	if (der_peek(&ext, DER_BOOLEAN) &&
	    (!der_take_bool(&ext, critical) || !*critical))
		return false;
	if (!der_take(&ext, DER_OCTET_STRING, value) || ext.len != 0)
		return false;
	*extensions = work;
	return true;
}

bool x509_ext_find(struct span extensions, struct span want, bool *critical,
		   struct span *value)
{
	struct span oid;

	while (x509_ext_next(&extensions, &oid, critical, value))
		if (span_equal(oid, want))
			return true;
	return false;
}

/* [3] EXPLICIT Extensions, not empty, each well formed. */
static bool take_extensions(struct span *in, struct span *extensions)
{
	struct span outer, rest, oid, value;
	bool critical;

	*extensions = (struct span){ NULL, 0 };
	if (in->len == 0)
		return true;
	if (!der_take(in, DER_CONTEXT_CONS(3), &outer) ||
	    !der_take(&outer, DER_SEQUENCE, extensions) || outer.len != 0 ||
	    extensions->len == 0)
		return false;
	rest = *extensions;
	while (x509_ext_next(&rest, &oid, &critical, &value))
		;
	return rest.len == 0;
}

enum pv_code x509_tbs_decode(struct span tbs, struct x509_cert *cert,
			     struct err *err)
{
	struct span in = tbs, seq, validity;

	memset(cert, 0, sizeof(*cert));
	cert->tbs = tbs;
	if (!der_take(&in, DER_SEQUENCE, &seq) || in.len != 0)
		return malformed("not one SEQUENCE", err);
	if (!take_version(&seq))
		return malformed("not version 3", err);
	if (!der_take_uint(&seq, &cert->serial) ||
	    cert->serial.len > SERIAL_MAX)
		return malformed("serial number", err);
	if (!der_take_whole(&seq, DER_SEQUENCE, NULL, &cert->sig_alg) ||
	    !der_take_whole(&seq, DER_SEQUENCE, NULL, &cert->issuer))
		return malformed("algorithm or issuer", err);
	if (!der_take(&seq, DER_SEQUENCE, &validity) ||
	    !der_take_time(&validity, &cert->not_before_s) ||
	    !der_take_time(&validity, &cert->not_after_s) || validity.len != 0)
		return malformed("validity", err);
	if (!der_take_whole(&seq, DER_SEQUENCE, NULL, &cert->subject) ||
	    !der_take_whole(&seq, DER_SEQUENCE, NULL, &cert->spki))
		return malformed("subject or key", err);
	if (!take_extensions(&seq, &cert->extensions) || seq.len != 0)
		return malformed("extensions", err);
	return PV_OK;
}

enum pv_code x509_cert_decode(struct span der, struct x509_cert *cert,
			      struct err *err)
{
	struct span in = der, seq, tbs, sig_alg, sig;
	enum pv_code rc;
	unsigned unused;

	if (!der_take(&in, DER_SEQUENCE, &seq) || in.len != 0 ||
	    !der_take_whole(&seq, DER_SEQUENCE, NULL, &tbs) ||
	    !der_take_whole(&seq, DER_SEQUENCE, NULL, &sig_alg) ||
	    !der_take_bits(&seq, &sig, &unused) || unused != 0 || seq.len != 0)
		return malformed("not a Certificate", err);
	rc = x509_tbs_decode(tbs, cert, err);
	if (rc != PV_OK)
		return rc;
	/* RFC 5280 4.1.1.2: the same identifier inside and outside. */
	if (!span_equal(cert->sig_alg, sig_alg))
		return malformed("two signature algorithms", err);
	cert->der = der;
	cert->sig = sig;
	return PV_OK;
}

static void put_ecdsa_sha256(struct buf *b)
{
	size_t mark = der_begin(b, DER_SEQUENCE);

	der_put_oid(b, &oid_ecdsa_sha256);
	der_end(b, mark);
}

enum pv_code x509_cert_assemble(struct span tbs, const uint8_t sig[64],
				struct buf *cert, struct err *err)
{
	uint8_t der[X509_ECDSA_DER_MAX];
	size_t len, outer, bits;

	if (!x509_ecdsa_to_der(sig, der, &len))
		return err_fail(err, PV_INTERNAL, "signature.form", NULL,
				"r or s of a signature is 0");
	outer = der_begin(cert, DER_SEQUENCE);
	buf_put(cert, tbs.p, tbs.len);
	put_ecdsa_sha256(cert);
	bits = der_begin(cert, DER_BIT_STRING);
	buf_put_u8(cert, 0);
	buf_put(cert, der, len);
	der_end(cert, bits);
	der_end(cert, outer);
	return buf_check(cert, err);
}
