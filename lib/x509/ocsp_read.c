#include "lib/x509/ocsp_read.h"

#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "lib/x509/oids.h"

#define DER_ENUMERATED 0x0au
#define HASH_LEN 20

static enum pv_code malformed(const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, "ocsp.malformed",
			"give a response about one certificate (RFC 5019)",
			"the OCSP response does not parse: %s", what);
}

static bool take_time(struct span *in, int64_t *time_s)
{
	struct span v;

	return der_take(in, DER_GENERALIZED_TIME, &v) &&
	       pvtime_parse_asn1((const char *)v.p, v.len, true, time_s);
}

/* [n] EXPLICIT around exactly one element. */
static bool take_explicit(struct span *in, unsigned n, struct span *inside)
{
	return der_take(in, DER_CONTEXT_CONS(n), inside);
}

static bool take_sha1(struct span *in)
{
	struct span alg, oid, null;

	return der_take(in, DER_SEQUENCE, &alg) && der_take_oid(&alg, &oid) &&
	       oid_equal(&oid_sha1, oid) && der_take(&alg, DER_NULL, &null) &&
	       null.len == 0 && alg.len == 0;
}

static bool take_cert_id(struct span *in, struct x509_ocsp *r)
{
	struct span id;

	return der_take(in, DER_SEQUENCE, &id) && take_sha1(&id) &&
	       der_take(&id, DER_OCTET_STRING, &r->issuer_name) &&
	       der_take(&id, DER_OCTET_STRING, &r->issuer_key) &&
	       der_take_uint(&id, &r->status.serial) && id.len == 0 &&
	       r->issuer_name.len == HASH_LEN &&
	       r->issuer_key.len == HASH_LEN &&
	       r->status.serial.len <= X509_CRL_SERIAL_MAX &&
	       r->status.serial.p[0] != 0;
}

static bool take_reason(struct span *in, uint8_t *reason)
{
	struct span tag, v;

	if (in->len == 0)
		return true;
	if (!take_explicit(in, 0, &tag) ||
	    !der_take(&tag, DER_ENUMERATED, &v) || tag.len != 0 || v.len != 1 ||
	    v.p[0] == X509_REASON_UNSPECIFIED || v.p[0] == 7 ||
	    v.p[0] == X509_REASON_REMOVE || v.p[0] > X509_REASON_AA_COMPROMISE)
		return false;
	*reason = v.p[0];
	return true;
}

static bool take_status(struct span *in, struct x509_ocsp_status *s)
{
	struct span v;

	if (der_peek(in, DER_CONTEXT(0)))
		return der_take(in, DER_CONTEXT(0), &v) && v.len == 0;
	s->revoked = true;
	return der_take(in, DER_CONTEXT_CONS(1), &v) &&
	       take_time(&v, &s->revoked_s) && take_reason(&v, &s->reason) &&
	       v.len == 0;
}

static bool take_single(struct span *in, struct x509_ocsp *r)
{
	struct span list, one, next;

	return der_take(in, DER_SEQUENCE, &list) &&
	       der_take(&list, DER_SEQUENCE, &one) && list.len == 0 &&
	       take_cert_id(&one, r) && take_status(&one, &r->status) &&
	       take_time(&one, &r->this_s) && take_explicit(&one, 0, &next) &&
	       take_time(&next, &r->next_s) && next.len == 0 && one.len == 0;
}

enum pv_code x509_ocsp_tbs_decode(struct span tbs, struct x509_ocsp *r,
				  struct err *err)
{
	struct span in = tbs, seq, id;

	memset(r, 0, sizeof(*r));
	r->tbs = tbs;
	if (!der_take(&in, DER_SEQUENCE, &seq) || in.len != 0)
		return malformed("not one SEQUENCE", err);
	if (!take_explicit(&seq, 2, &id) ||
	    !der_take(&id, DER_OCTET_STRING, &r->responder) || id.len != 0 ||
	    r->responder.len != HASH_LEN)
		return malformed("responder", err);
	if (!take_time(&seq, &r->produced_s))
		return malformed("producedAt", err);
	if (!take_single(&seq, r) || seq.len != 0)
		return malformed("not one answer", err);
	if (r->this_s >= r->next_s)
		return malformed("nextUpdate", err);
	return PV_OK;
}

static bool is_ecdsa_sha256(struct span algorithm)
{
	struct span oid;

	return der_take_oid(&algorithm, &oid) && algorithm.len == 0 &&
	       oid_equal(&oid_ecdsa_sha256, oid);
}

/* BasicOCSPResponse with one certificate. */
static bool take_basic(struct span in, struct x509_ocsp *r)
{
	struct span seq, alg, tag, list;
	unsigned unused;

	return der_take(&in, DER_SEQUENCE, &seq) && in.len == 0 &&
	       der_take_whole(&seq, DER_SEQUENCE, NULL, &r->tbs) &&
	       der_take(&seq, DER_SEQUENCE, &alg) && is_ecdsa_sha256(alg) &&
	       der_take_bits(&seq, &r->sig, &unused) && unused == 0 &&
	       take_explicit(&seq, 0, &tag) && seq.len == 0 &&
	       der_take(&tag, DER_SEQUENCE, &list) && tag.len == 0 &&
	       der_take_whole(&list, DER_SEQUENCE, NULL, &r->cert) &&
	       list.len == 0;
}

/* The octets of BasicOCSPResponse in a successful response. */
static bool take_response(struct span der, struct span *basic)
{
	struct span seq, v, tag, bytes, oid;

	return der_take(&der, DER_SEQUENCE, &seq) && der.len == 0 &&
	       der_take(&seq, DER_ENUMERATED, &v) && v.len == 1 &&
	       v.p[0] == 0 && take_explicit(&seq, 0, &tag) && seq.len == 0 &&
	       der_take(&tag, DER_SEQUENCE, &bytes) && tag.len == 0 &&
	       der_take_oid(&bytes, &oid) && oid_equal(&oid_ocsp_basic, oid) &&
	       der_take(&bytes, DER_OCTET_STRING, basic) && bytes.len == 0;
}

enum pv_code x509_ocsp_decode(struct span der, struct x509_ocsp *r,
			      struct err *err)
{
	struct x509_ocsp outer = { .sig = { NULL, 0 } };
	struct span basic;
	enum pv_code rc;

	if (!take_response(der, &basic))
		return malformed("not a successful response", err);
	if (!take_basic(basic, &outer))
		return malformed("not a BasicOCSPResponse", err);
	rc = x509_ocsp_tbs_decode(outer.tbs, r, err);
	r->cert = outer.cert;
	r->sig = outer.sig;
	return rc;
}

enum pv_code x509_ocsp_verify(struct x509_verifier *v,
			      const struct x509_ocsp *r, enum pv_code wrong,
			      struct err *err)
{
	uint8_t digest[32], sig[64];
	enum pv_code rc;

	if (!x509_ecdsa_from_der(r->sig, sig))
		return err_fail(err, wrong, "signature.wrong", NULL,
				"the signature is malformed");
	rc = sha256(r->tbs, digest, err);
	return rc == PV_OK ? x509_verify_digest(v, digest, sig, wrong, err)
			   : rc;
}
