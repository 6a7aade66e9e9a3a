/*
 * cert: certificates as bytes. Taking apart, putting together, SPKI of a
 * P-256 point, and the verifier that checks a token's signature before
 * anything is released (promise 1). Specification: RFC 5280 4.1, RFC 5480,
 * RFC 3279 2.2.3 (DER form of an ECDSA signature).
 *
 * Does not check: chains, names, validity, revocation.
 */
#ifndef PV_X509_CERT_H
#define PV_X509_CERT_H

#include "lib/x509/keycheck.h"

#define X509_P256_POINT_LEN 65 /* 04 || x || y */
#define X509_P256_SPKI_LEN 91
#define X509_ECDSA_DER_MAX 72 /* P-256 */
/* What a certificate is longer than its TBS: the headers of SEQUENCE and BIT
 * STRING (4, 3), ecdsa-with-SHA256 (12), the signature. */
#define X509_CERT_EXTRA_MAX (4 + 3 + 12 + X509_ECDSA_DER_MAX)

struct x509_cert {	      /* spans point into der */
	struct span der, tbs; /* whole certificate; what is signed */
	struct span serial;   /* magnitude, big-endian, no leading zero */
	struct span issuer, subject, spki; /* with their headers */
	struct span extensions;	  /* contents of Extensions; p NULL: none */
	struct span sig_alg, sig; /* AlgorithmIdentifier, signature octets */
	int64_t not_before_s, not_after_s;
};

/* Takes a v3 certificate apart, strictly. PV_INPUT, rule "cert.malformed". */
PV_MUST enum pv_code x509_cert_decode(struct span der, struct x509_cert *cert,
				      struct err *err);
/*
 * The same for a TBSCertificate alone: der and sig stay empty. On failure
 * *cert is partly filled and not to be used.
 */
PV_MUST enum pv_code x509_tbs_decode(struct span tbs, struct x509_cert *cert,
				     struct err *err);
/* Next Extension of the contents of Extensions; false at the end or when it
 * is malformed (then *extensions is not empty). */
PV_MUST bool x509_ext_next(struct span *extensions, struct span *oid,
			   bool *critical, struct span *value);
/* Finds an extension by the contents of its OID; false when absent. */
PV_MUST bool x509_ext_find(struct span extensions, struct span oid,
			   bool *critical, struct span *value);

/* Appends SEQUENCE { tbs, ecdsa-with-SHA256, signature } to cert, also of what
 * a request or a list says (RFC 2986 4.2, RFC 5280 5.1.1); sig is raw r||s. PV_INPUT, rule "size.limit"; PV_INTERNAL, rule "signature.form". */
PV_MUST enum pv_code x509_cert_assemble(struct span tbs, const uint8_t sig[64],
					struct buf *cert, struct err *err);

/* Raw r||s to DER and back (P-256). False: r or s is 0, too long or not
 * minimal. Whether they lie below the order is the verifier's question. */
PV_MUST bool x509_ecdsa_to_der(const uint8_t sig[64],
			       uint8_t der[X509_ECDSA_DER_MAX], size_t *len);
PV_MUST bool x509_ecdsa_from_der(struct span der, uint8_t sig[64]);

/* SPKI of a P-256 point; the point is copied as it is, not checked. */
void x509_spki_from_point(const uint8_t point[X509_P256_POINT_LEN],
			  uint8_t spki[X509_P256_SPKI_LEN]);
/* The point inside a P-256 SPKI in the one form above; false otherwise. */
PV_MUST bool x509_spki_point(struct span spki, const uint8_t **point);
/* SHA-256 of the SPKI's DER; kid is its first 8 bytes. */
PV_MUST enum pv_code x509_spki_sha256(struct span spki, uint8_t out[32],
				      struct err *err);

/* ECDSA P-256 verifier of one key, with kept contexts. */
struct x509_verifier;
/* PV_INPUT or PV_DENIED as x509_key_check(); only P-256. */
PV_MUST enum pv_code
x509_verifier_new(struct span spki, struct x509_verifier **v, struct err *err);
/* Takes NULL. */
void x509_verifier_free(struct x509_verifier *v);
void x509_verifier_cleanup(struct x509_verifier **v);

/*
 * sig (raw r||s) over a SHA-256 digest. A wrong signature is `wrong` (PV_HSM_-
 * FATAL for a token's answer, PV_INTEGRITY for stored bytes), rule
 * "signature.wrong". PV_INTERNAL when OpenSSL fails.
 */
PV_MUST enum pv_code x509_verify_digest(struct x509_verifier *v,
					const uint8_t digest[32],
					const uint8_t sig[64],
					enum pv_code wrong, struct err *err);
/*
 * What the checks of several signatures (raw r||s, of whatever P-256 keys) can
 * share, done for all n of them at once, at most X509_AHEAD_MAX. No verdict
 * depends on it: x509_verify_digest_ahead() is x509_verify_digest() but for the
 * time that it takes, whatever ahead holds. PV_INTERNAL when OpenSSL fails.
 */
struct x509_ahead {
	uint8_t inverse[32];
};
#define X509_AHEAD_MAX 64
PV_MUST enum pv_code x509_verify_ahead(struct x509_verifier *v,
				       const uint8_t *const *sigs, size_t n,
				       struct x509_ahead *ahead,
				       struct err *err);
PV_MUST enum pv_code
x509_verify_digest_ahead(struct x509_verifier *v, const uint8_t digest[32],
			 const uint8_t sig[64], const struct x509_ahead *ahead,
			 enum pv_code wrong, struct err *err);
/* The certificate's signature (DER, ecdsa-with-SHA256) over its TBS. */
PV_MUST enum pv_code x509_verify_cert(struct x509_verifier *v,
				      const struct x509_cert *cert,
				      enum pv_code wrong, struct err *err);

/*
 * ECDSA P-256 with SHA-256, DER signature, by the key of an SPKI that changes
 * with every call (seal keys: formats.md 1). PV_INPUT, rule "signature.wrong"
 * or "signature.form"; codes of x509_key_parse(); PV_DENIED "key.off_curve".
 */
PV_MUST enum pv_code x509_verify_message(struct x509_ctx *ctx, struct span spki,
					 struct span msg, struct span sig_der,
					 struct err *err);

#endif
