/*
 * ocsp: answers about one certificate each, signed ahead: building what is
 * signed, a second opinion on those bytes, putting the response together.
 * Reading them: ocsp_read.h. Specification: RFC 6960, in the profile of
 * RFC 5019 (one certificate, CertID with SHA-1, responder by key, no nonce).
 *
 * SHA-1 names the issuer here and protects nothing: RFC 5019 2.1.1 asks for it
 * and clients look answers up by it. Signed with ecdsa-with-SHA256 by a
 * responder whose certificate goes along.
 *
 * Does not check: whose certificate the responder's is, that nextUpdate has not
 * passed.
 */
#ifndef PV_X509_OCSP_H
#define PV_X509_OCSP_H

#include "lib/x509/cert.h"
#include "lib/x509/crl.h"
#include "lib/x509/issuer.h"

#define X509_OCSP_MAX 8192 /* bytes of one response */

struct x509_ocsp_head { /* the same for all answers of a batch */
	uint8_t issuer_name[20], issuer_key[20]; /* SHA-1: CertID */
	uint8_t responder[20];			 /* SHA-1 of its key */
	int64_t this_s, next_s;			 /* producedAt is thisUpdate */
};

/* Of the CA and the responder's SPKI. PV_INPUT "key.malformed". */
PV_MUST enum pv_code x509_ocsp_head(const struct x509_issuer *issuer,
				    struct span responder_spki, int64_t this_s,
				    int64_t next_s, struct x509_ocsp_head *head,
				    struct err *err);

struct x509_ocsp_status {
	struct span serial; /* magnitude, no leading zero */
	bool revoked;	    /* else good */
	uint8_t reason;	    /* enum x509_reason */
	int64_t revoked_s;
};

/*
 * Appends the ResponseData to tbs. PV_INPUT "ocsp.time" (nextUpdate not after
 * thisUpdate, a revocation after it, a time out of range), "ocsp.serial",
 * "ocsp.reason"; on failure tbs holds what it held before.
 */
PV_MUST enum pv_code x509_ocsp_build(const struct x509_ocsp_head *head,
				     const struct x509_ocsp_status *status,
				     struct buf *tbs, struct err *err);

/* Whether tbs is exactly that answer, read with the DER reader alone.
 * PV_DENIED, rule "ocsp.lint". */
PV_MUST enum pv_code x509_ocsp_lint(const struct x509_ocsp_head *head,
				    const struct x509_ocsp_status *status,
				    struct span tbs, struct err *err);

/* Appends an OCSPRequest about one certificate, without nonce (RFC 5019 2.1).
 */
PV_MUST enum pv_code x509_ocsp_request(const struct x509_ocsp_head *head,
				       struct span serial, struct buf *out,
				       struct err *err);

/* Appends the whole OCSPResponse; cert: the responder's; sig is raw r||s. */
PV_MUST enum pv_code x509_ocsp_assemble(struct span tbs, const uint8_t sig[64],
					struct span cert, struct buf *out,
					struct err *err);

#endif
