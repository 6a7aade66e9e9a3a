#include "lib/x509/csr_parts.h"

#include <string.h>

#include "lib/base/pem.h"
#include "lib/x509/cert.h"
#include "lib/x509/oids.h"

enum pv_code csr_malformed(const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, "csr.malformed",
			"give a DER or PEM PKCS#10 request (RFC 2986)",
			"the CSR does not parse: %s", what);
}

static enum csr_sig find_sig_alg(struct span oid, bool params)
{
	static const struct {
		const struct oid *oid;
		enum csr_sig alg;
		bool null; /* NULL parameters may stand (RFC 4055 5) */
	} known[] = {
		{ &oid_ecdsa_sha256, CSR_SIG_ECDSA_SHA256, false },
		{ &oid_ecdsa_sha384, CSR_SIG_ECDSA_SHA384, false },
		{ &oid_ecdsa_sha512, CSR_SIG_ECDSA_SHA512, false },
		{ &oid_rsa_sha256, CSR_SIG_RSA_SHA256, true },
		{ &oid_rsa_sha384, CSR_SIG_RSA_SHA384, true },
		{ &oid_rsa_sha512, CSR_SIG_RSA_SHA512, true },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (oid_equal(known[i].oid, oid))
			return params && !known[i].null ? CSR_SIG_REFUSED
							: known[i].alg;
	return CSR_SIG_REFUSED;
}

static bool take_sig_alg(struct span *in, struct csr *csr)
{
	struct span seq, oid, null;
	bool params = false;

	if (!der_take(in, DER_SEQUENCE, &seq) || !der_take_oid(&seq, &oid))
		return false;
	if (der_peek(&seq, DER_NULL)) {
		if (!der_take(&seq, DER_NULL, &null) || null.len != 0)
			return false;
		params = true;
	}
	/* Other parameters (PSS) may be anything: the algorithm is refused. */
	csr->sig_alg = seq.len ? CSR_SIG_REFUSED : find_sig_alg(oid, params);
	return true;
}

/* extensionRequest: a SET of exactly one Extensions, which may be empty. */
static enum pv_code read_extensions(struct span values, struct csr *csr,
				    struct err *err)
{
	struct span rest, oid, value;
	bool critical;
	size_t n = 0;

	if (csr->extensions.p)
		return csr_malformed("two extension requests", err);
	if (!der_take(&values, DER_SEQUENCE, &csr->extensions) ||
	    values.len != 0)
		return csr_malformed("extension request", err);
	rest = csr->extensions;
	while (x509_ext_next(&rest, &oid, &critical, &value)) {
		struct span seen = { csr->extensions.p,
				     csr->extensions.len - rest.len };
		struct span again, ignored;
		size_t same = 0;
		bool c;

		if (++n > CSR_EXTS_MAX)
			return csr_malformed("too many extensions", err);
		while (x509_ext_next(&seen, &again, &c, &ignored))
			same += span_equal(again, oid);
		if (same != 1)
			return csr_malformed("an extension twice", err);
	}
	return rest.len == 0 ? PV_OK : csr_malformed("an extension", err);
}

static enum pv_code read_attribute(struct span *in, struct csr *csr,
				   struct err *err)
{
	struct span attr, oid, values;

	if (!der_take(in, DER_SEQUENCE, &attr) || !der_take_oid(&attr, &oid) ||
	    !der_take(&attr, DER_SET, &values) || attr.len != 0)
		return csr_malformed("an attribute", err);
	if (oid_equal(&oid_extension_request, oid) ||
	    oid_equal(&oid_ms_extension_request, oid))
		return read_extensions(values, csr, err);
	if (oid_equal(&oid_challenge_password, oid))
		csr->challenge_password = true;
	else if (!oid_equal(&oid_unstructured_name, oid) && !csr->unknown.p)
		csr->unknown = oid;
	return PV_OK;
}

static enum pv_code check_subject(struct span subject, struct err *err)
{
	struct name_iter it;
	struct name_attr attr;

	name_iter_init(&it, subject);
	while (name_iter_next(&it, &attr))
		if (it.n > CSR_ATTRS_MAX)
			return csr_malformed("too many subject attributes",
					     err);
	return it.bad ? csr_malformed("subject", err) : PV_OK;
}

/* CertificationRequestInfo, RFC 2986 4.1. */
static enum pv_code read_info(struct span info, struct csr *csr,
			      struct err *err)
{
	struct span attrs;
	uint32_t version;
	enum pv_code rc;
	size_t n = 0;

	if (!der_take_small(&info, &version) || version != 0)
		return err_fail(err, PV_INPUT, "csr.version",
				"give a PKCS#10 request of version 1",
				"the CSR's version is not v1 (0)");
	if (!der_take_whole(&info, DER_SEQUENCE, NULL, &csr->subject) ||
	    !der_take_whole(&info, DER_SEQUENCE, NULL, &csr->spki))
		return csr_malformed("subject or key", err);
	if (!der_take(&info, DER_CONTEXT_CONS(0), &attrs) || info.len != 0)
		return csr_malformed("attributes", err);
	rc = check_subject(csr->subject, err);
	while (rc == PV_OK && attrs.len > 0) {
		if (++n > CSR_ATTRS_MAX)
			return csr_malformed("too many attributes", err);
		rc = read_attribute(&attrs, csr, err);
	}
	return rc == PV_OK ? x509_key_parse(csr->spki, &csr->key, err) : rc;
}

enum pv_code csr_decode(struct span der, struct csr *csr, struct err *err)
{
	struct span in = der, seq, info;
	unsigned unused;

	memset(csr, 0, sizeof(*csr));
	csr->der = der;
	if (der.len > CSR_DER_MAX)
		return csr_malformed("it is too long", err);
	if (!der_take(&in, DER_SEQUENCE, &seq) || in.len != 0)
		return csr_malformed("not one SEQUENCE", err);
	if (!der_take_whole(&seq, DER_SEQUENCE, &info, &csr->tbs) ||
	    !take_sig_alg(&seq, csr) ||
	    !der_take_bits(&seq, &csr->sig, &unused) || unused != 0 ||
	    seq.len != 0)
		return csr_malformed("not a CertificationRequest", err);
	return read_info(info, csr, err);
}

enum pv_code csr_pem_to_der(struct span text, struct buf *der, struct err *err)
{
	static const char old_label[] = "NEW CERTIFICATE REQUEST";

	return pem_decode(text,
			  pem_is(text, old_label) ? old_label : old_label + 4,
			  der, err);
}

enum pv_code csr_text_to_der(struct span text, struct buf *der, struct err *err)
{
	if (!der_peek(&text, DER_SEQUENCE))
		return csr_pem_to_der(text, der, err);
	buf_put(der, text.p, text.len);
	return buf_check(der, err);
}
