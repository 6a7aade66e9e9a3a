#include "lib/x509/issuer.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/x509/cert.h"
#include "lib/x509/matter.h"
#include "lib/x509/oids.h"

static enum pv_code malformed(const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, "issuer.malformed",
			"give a CA certificate (RFC 5280 4.2)",
			"the CA certificate does not parse: %s", what);
}

static enum pv_code not_ca(const char *what, struct err *err)
{
	return err_fail(err, PV_DENIED, "issuer.ca",
			"give a certificate with CA:TRUE and keyCertSign",
			"the certificate is no CA's: %s", what);
}

static enum pv_code read_constraints(struct span exts, struct x509_issuer *out,
				     struct err *err)
{
	struct span v, seq;
	bool critical, ca = false;
	uint32_t len;

	out->path_len = -1;
	if (!x509_ext_find(exts, oid_span(&oid_basic_constraints), &critical,
			   &v))
		return not_ca("no basicConstraints", err);
	if (!der_take(&v, DER_SEQUENCE, &seq) || v.len != 0 ||
	    (seq.len != 0 && !der_take_bool(&seq, &ca)))
		return malformed("basicConstraints", err);
	if (!ca)
		return not_ca("basicConstraints say so", err);
	if (seq.len == 0)
		return PV_OK;
	if (!der_take_small(&seq, &len) || seq.len != 0)
		return malformed("pathLenConstraint", err);
	out->path_len = (int)len;
	return PV_OK;
}

static enum pv_code read_usage(struct span exts, struct x509_issuer *out,
			       struct err *err)
{
	struct span v;
	bool critical;

	if (!x509_ext_find(exts, oid_span(&oid_key_usage), &critical, &v))
		return not_ca("no keyUsage", err);
	if (!der_take_named_bits(&v, &out->ku_bits) || v.len != 0)
		return malformed("keyUsage", err);
	if (!(out->ku_bits & KU_KEY_CERT_SIGN))
		return not_ca("keyUsage lacks keyCertSign", err);
	if (!x509_ext_find(exts, oid_span(&oid_ski), &critical, &v))
		return err_fail(err, PV_DENIED, "issuer.ski",
				"give the CA template its "
				"subjectKeyIdentifier",
				"the CA certificate has no "
				"subjectKeyIdentifier");
	if (!der_take(&v, DER_OCTET_STRING, &out->ski) || v.len != 0 ||
	    out->ski.len == 0)
		return malformed("subjectKeyIdentifier", err);
	return PV_OK;
}

static enum pv_code read_issuer(struct x509_issuer *out, struct err *err)
{
	struct x509_cert cert;
	struct matter_ids ids;
	const uint8_t *point;
	enum pv_code rc = x509_cert_decode(buf_span(&out->der), &cert, NULL);

	if (rc != PV_OK)
		return malformed("not a strict v3 certificate", err);
	out->subject = cert.subject;
	out->spki = cert.spki;
	out->not_before_s = cert.not_before_s;
	out->not_after_s = cert.not_after_s;
	out->self_issued = span_equal(cert.subject, cert.issuer);
	if (cert.subject.len <= 2)
		return malformed("the subject is empty", err);
	if (!x509_spki_point(cert.spki, &point))
		return err_fail(err, PV_DENIED, "issuer.key",
				"make a P-256 CA key",
				"the CA's key is not a P-256 key with a named "
				"curve");
	matter_read(cert.subject, &ids);
	if (ids.bad)
		return malformed(ids.bad, err);
	memcpy(out->vid, ids.vid, sizeof(out->vid));
	memcpy(out->pid, ids.pid, sizeof(out->pid));
	rc = read_constraints(cert.extensions, out, err);
	return rc == PV_OK ? read_usage(cert.extensions, out, err) : rc;
}

enum pv_code x509_issuer_load(struct span cert, struct x509_issuer *out,
			      struct err *err)
{
	enum pv_code rc;

	memset(out, 0, sizeof(*out));
	buf_init(&out->der, X509_CERT_MAX);
	buf_put(&out->der, cert.p, cert.len);
	rc = buf_check(&out->der, err);
	if (rc == PV_OK)
		rc = read_issuer(out, err);
	if (rc != PV_OK)
		x509_issuer_release(out);
	return rc;
}

void x509_issuer_release(struct x509_issuer *issuer)
{
	buf_release(&issuer->der);
	memset(issuer, 0, sizeof(*issuer));
}

enum pv_code x509_issuer_valid(const struct x509_issuer *issuer, int64_t now_s,
			       struct err *err)
{
	char from[PVTIME_RFC3339_LEN + 1], to[PVTIME_RFC3339_LEN + 1];

	if (now_s >= issuer->not_before_s && now_s <= issuer->not_after_s)
		return PV_OK;
	if (!pvtime_format(issuer->not_before_s, from) ||
	    !pvtime_format(issuer->not_after_s, to))
		return err_fail(err, PV_INTERNAL, "issuer.time", NULL,
				"the CA's validity is out of range");
	return err_fail(err, PV_DENIED, "validity.issuer",
			"check the clock, or rotate the CA",
			"the CA certificate is valid from %s to %s, not now",
			from, to);
}
