#include "lib/x509/ocsp.h"

#include <string.h>

#include <openssl/evp.h>

#include "lib/base/pvtime.h"
#include "lib/x509/ctx.h"
#include "lib/x509/ocsp_read.h"
#include "lib/x509/oids.h"

#define DER_ENUMERATED 0x0au
#define HASH_LEN 20

static enum pv_code sha1(struct span s, uint8_t out[HASH_LEN], struct err *err)
{
	return EVP_Digest(s.p, s.len, out, NULL, EVP_sha1(), NULL) == 1
		       ? PV_OK
		       : x509_openssl_fail("SHA-1", err);
}

/* Of the BIT STRING's octets (RFC 6960 4.1.1). */
static enum pv_code key_hash(struct span spki, uint8_t out[HASH_LEN],
			     struct err *err)
{
	struct span seq, bits;
	unsigned unused;

	if (!der_take(&spki, DER_SEQUENCE, &seq) || spki.len != 0 ||
	    !der_take(&seq, DER_SEQUENCE, NULL) ||
	    !der_take_bits(&seq, &bits, &unused) || seq.len != 0)
		return err_fail(err, PV_INPUT, "key.malformed", NULL,
				"the public key does not parse");
	return sha1(bits, out, err);
}

enum pv_code x509_ocsp_head(const struct x509_issuer *issuer,
			    struct span responder_spki, int64_t this_s,
			    int64_t next_s, struct x509_ocsp_head *head,
			    struct err *err)
{
	enum pv_code rc = sha1(issuer->subject, head->issuer_name, err);

	head->this_s = this_s;
	head->next_s = next_s;
	if (rc == PV_OK)
		rc = key_hash(issuer->spki, head->issuer_key, err);
	if (rc == PV_OK)
		rc = key_hash(responder_spki, head->responder, err);
	return rc;
}

static enum pv_code refuse(const char *rule, const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, rule, NULL,
			"the OCSP answer cannot be built: %s", what);
}

static enum pv_code check(const struct x509_ocsp_head *h,
			  const struct x509_ocsp_status *s, struct err *err)
{
	if (h->this_s < 0 || h->next_s > PVTIME_MAX || h->this_s >= h->next_s)
		return refuse("ocsp.time", "nextUpdate is not after thisUpdate",
			      err);
	if (s->serial.len == 0 || s->serial.len > X509_CRL_SERIAL_MAX ||
	    s->serial.p[0] == 0)
		return refuse("ocsp.serial", "the serial number", err);
	if (!s->revoked)
		return PV_OK;
	if (s->revoked_s < 0 || s->revoked_s > h->this_s)
		return refuse("ocsp.time", "a revocation after thisUpdate",
			      err);
	if (s->reason > X509_REASON_AA_COMPROMISE || s->reason == 7 ||
	    s->reason == X509_REASON_REMOVE)
		return refuse("ocsp.reason", "a reason that none may have",
			      err);
	return PV_OK;
}

static void put_time(struct buf *b, int64_t time_s)
{
	char text[PVTIME_GENERALIZED_LEN + 1];

	if (!pvtime_generalized(time_s, text)) {
		b->failed = true;
		return;
	}
	der_put(b, DER_GENERALIZED_TIME,
		(struct span){ (const uint8_t *)text, PVTIME_GENERALIZED_LEN });
}

/* CertID; id-sha1 has NULL parameters, as clients compare and send it. */
static void put_cert_id(struct buf *b, const struct x509_ocsp_head *h,
			struct span serial)
{
	size_t id = der_begin(b, DER_SEQUENCE);
	size_t alg = der_begin(b, DER_SEQUENCE);

	der_put_oid(b, &oid_sha1);
	der_put(b, DER_NULL, (struct span){ NULL, 0 });
	der_end(b, alg);
	der_put(b, DER_OCTET_STRING, (struct span){ h->issuer_name, HASH_LEN });
	der_put(b, DER_OCTET_STRING, (struct span){ h->issuer_key, HASH_LEN });
	der_put_uint(b, serial);
	der_end(b, id);
}

enum pv_code x509_ocsp_request(const struct x509_ocsp_head *head,
			       struct span serial, struct buf *out,
			       struct err *err)
{
	size_t request = der_begin(out, DER_SEQUENCE);
	size_t tbs = der_begin(out, DER_SEQUENCE);
	size_t list = der_begin(out, DER_SEQUENCE);
	size_t one = der_begin(out, DER_SEQUENCE);

	put_cert_id(out, head, serial);
	der_end(out, one);
	der_end(out, list);
	der_end(out, tbs);
	der_end(out, request);
	return buf_check(out, err);
}

static void put_status(struct buf *b, const struct x509_ocsp_status *s)
{
	size_t info, reason;

	if (!s->revoked) {
		der_put(b, DER_CONTEXT(0), (struct span){ NULL, 0 });
		return;
	}
	info = der_begin(b, DER_CONTEXT_CONS(1));
	put_time(b, s->revoked_s);
	if (s->reason != X509_REASON_UNSPECIFIED) {
		reason = der_begin(b, DER_CONTEXT_CONS(0));
		der_put(b, DER_ENUMERATED, (struct span){ &s->reason, 1 });
		der_end(b, reason);
	}
	der_end(b, info);
}

static void put_single(struct buf *b, const struct x509_ocsp_head *h,
		       const struct x509_ocsp_status *s)
{
	size_t one = der_begin(b, DER_SEQUENCE), next;

	put_cert_id(b, h, s->serial);
	put_status(b, s);
	put_time(b, h->this_s);
	next = der_begin(b, DER_CONTEXT_CONS(0));
	put_time(b, h->next_s);
	der_end(b, next);
	der_end(b, one);
}

enum pv_code x509_ocsp_build(const struct x509_ocsp_head *h,
			     const struct x509_ocsp_status *s, struct buf *tbs,
			     struct err *err)
{
	size_t start = tbs->len, outer, mark;
	enum pv_code rc = check(h, s, err);

	if (rc != PV_OK)
		return rc;
	outer = der_begin(tbs, DER_SEQUENCE);
	mark = der_begin(tbs, DER_CONTEXT_CONS(2));
	der_put(tbs, DER_OCTET_STRING, (struct span){ h->responder, HASH_LEN });
	der_end(tbs, mark);
	put_time(tbs, h->this_s);
	mark = der_begin(tbs, DER_SEQUENCE);
	put_single(tbs, h, s);
	der_end(tbs, mark);
	der_end(tbs, outer);
	rc = buf_check(tbs, err);
	if (rc != PV_OK)
		tbs->len = start;
	return rc;
}

static void put_signature(struct buf *b, struct span sig_der)
{
	size_t mark = der_begin(b, DER_SEQUENCE);

	der_put_oid(b, &oid_ecdsa_sha256);
	der_end(b, mark);
	mark = der_begin(b, DER_BIT_STRING);
	buf_put_u8(b, 0);
	buf_put(b, sig_der.p, sig_der.len);
	der_end(b, mark);
}

static void put_basic(struct buf *b, struct span tbs, struct span sig_der,
		      struct span cert)
{
	size_t basic = der_begin(b, DER_SEQUENCE), tag, list;

	buf_put(b, tbs.p, tbs.len);
	put_signature(b, sig_der);
	tag = der_begin(b, DER_CONTEXT_CONS(0));
	list = der_begin(b, DER_SEQUENCE);
	buf_put(b, cert.p, cert.len);
	der_end(b, list);
	der_end(b, tag);
	der_end(b, basic);
}

enum pv_code x509_ocsp_assemble(struct span tbs, const uint8_t sig[64],
				struct span cert, struct buf *out,
				struct err *err)
{
	static const uint8_t successful = 0;
	uint8_t der[X509_ECDSA_DER_MAX];
	size_t len, outer, tag, bytes, octets;

	if (!x509_ecdsa_to_der(sig, der, &len))
		return err_fail(err, PV_INTERNAL, "signature.form", NULL,
				"r or s of a signature is 0");
	outer = der_begin(out, DER_SEQUENCE);
	der_put(out, DER_ENUMERATED, (struct span){ &successful, 1 });
	tag = der_begin(out, DER_CONTEXT_CONS(0));
	bytes = der_begin(out, DER_SEQUENCE);
	der_put_oid(out, &oid_ocsp_basic);
	octets = der_begin(out, DER_OCTET_STRING);
	put_basic(out, tbs, (struct span){ der, len }, cert);
	der_end(out, octets);
	der_end(out, bytes);
	der_end(out, tag);
	der_end(out, outer);
	return buf_check(out, err);
}

/* ---- the second opinion ---- */

static enum pv_code found(const char *what, struct err *err)
{
	return err_fail(err, PV_DENIED, "ocsp.lint",
			"nothing was signed: this is a defect, report it",
			"the OCSP answer to be signed is refused: %s", what);
}

static bool is_hash(struct span s, const uint8_t hash[HASH_LEN])
{
	return s.len == HASH_LEN && memcmp(s.p, hash, HASH_LEN) == 0;
}

enum pv_code x509_ocsp_lint(const struct x509_ocsp_head *h,
			    const struct x509_ocsp_status *s, struct span tbs,
			    struct err *err)
{
	struct x509_ocsp r;

	if (x509_ocsp_tbs_decode(tbs, &r, NULL) != PV_OK)
		return found("it does not parse", err);
	if (!is_hash(r.issuer_name, h->issuer_name) ||
	    !is_hash(r.issuer_key, h->issuer_key) ||
	    !is_hash(r.responder, h->responder))
		return found("it is not about this CA, or not by this "
			     "responder",
			     err);
	if (!span_equal(r.status.serial, s->serial))
		return found("it is about another certificate", err);
	if (r.status.revoked != s->revoked ||
	    (s->revoked && (r.status.revoked_s != s->revoked_s ||
			    r.status.reason != s->reason)))
		return found("it says something else", err);
	if (r.produced_s != h->this_s || r.this_s != h->this_s ||
	    r.next_s != h->next_s || (s->revoked && s->revoked_s > h->this_s))
		return found("its times are not the ones given", err);
	return PV_OK;
}
