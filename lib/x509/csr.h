/*
 * csr: PKCS#10 certification requests (RFC 2986), read by scanning the DER.
 *
 * csr_decode() is structural and bounded and does no cryptography: it may run
 * in a process that holds nothing. csr_verify() proves possession of the key.
 * csr_within() holds what the request asks for against what a TBS gives.
 *
 * Does not check: whether the key is a good one (keycheck.h).
 */
#ifndef PV_X509_CSR_H
#define PV_X509_CSR_H

#include "lib/x509/keycheck.h"

#define CSR_DER_MAX 16384 /* bytes; a P-256 request has 200 to 400 */
#define CSR_ATTRS_MAX 16  /* attributes, and RDN attributes each */
#define CSR_EXTS_MAX 16

enum csr_sig {
	CSR_SIG_REFUSED, /* SHA-1, MD5, PSS, anything not below */
	CSR_SIG_ECDSA_SHA256,
	CSR_SIG_ECDSA_SHA384,
	CSR_SIG_ECDSA_SHA512,
	CSR_SIG_RSA_SHA256, /* RSASSA-PKCS1-v1_5 */
	CSR_SIG_RSA_SHA384,
	CSR_SIG_RSA_SHA512
};

struct csr { /* spans point into the DER given */
	struct span der;
	struct span tbs;      /* CertificationRequestInfo: what is signed */
	struct span subject;  /* Name, with its header; may be empty inside */
	struct span spki;     /* SubjectPublicKeyInfo, with its header */
	struct key_facts key; /* key.alg; as x509_key_parse() gives it */
	enum csr_sig sig_alg;
	struct span sig;	/* contents of the BIT STRING */
	struct span extensions; /* contents of Extensions; p NULL: none asked */
	struct span unknown;	/* OID of an attribute we do not know; p NULL */
	bool challenge_password; /* present (never used) */
};

/*
 * Takes a request apart. der must outlive *csr. PV_INPUT, rule
 * "csr.malformed" (structure, bounds), "csr.version"; and the rules of
 * x509_key_parse() for the key in it.
 */
PV_MUST enum pv_code csr_decode(struct span der, struct csr *csr,
				struct err *err);

/*
 * Exactly one PEM block CERTIFICATE REQUEST or NEW CERTIFICATE REQUEST
 * (RFC 7468 7), appended to der. PV_INPUT, rule "pem.format".
 */
PV_MUST enum pv_code csr_pem_to_der(struct span text, struct buf *der,
				    struct err *err);
/* As csr_pem_to_der(), or the text itself when it starts like DER (30). */
PV_MUST enum pv_code csr_text_to_der(struct span text, struct buf *der,
				     struct err *err);

/*
 * Proof of possession over the bytes received. PV_INPUT, rule "csr.signature"
 * (wrong, or by an algorithm we refuse), "csr.key" (OpenSSL refuses the key);
 * PV_DENIED, rule "key.off_curve".
 */
PV_MUST enum pv_code csr_verify(struct x509_ctx *ctx, const struct csr *csr,
				struct err *err);

/*
 * Everything asked for must be given: each subject attribute with an equal
 * value in the TBS (UTF8String, PrintableString and IA5String of the same
 * bytes are equal), each extension with equal contents. Of keyUsage,
 * extKeyUsage and subjectAltName a subset is enough; basicConstraints without
 * CA is always given. The critical flag is the template's own affair. tbs: the
 * TBSCertificate that was built. PV_DENIED, rule "csr.requests", naming the
 * OID; PV_INPUT, rule "csr.malformed".
 */
PV_MUST enum pv_code csr_within(const struct csr *csr, struct span tbs,
				struct err *err);

/*
 * SHA-256 over what is asked for (subject attributes and extensions), the same
 * for any order of them: "provctl/csr-requests/v1" || 00 || be32(n) || n
 * sorted SHA-256 of AttributeTypeAndValue || be32(m) || m sorted SHA-256 of
 * Extension. Key and signature do not enter, nor does the challenge password.
 */
PV_MUST enum pv_code csr_requested_hash(struct x509_ctx *ctx,
					const struct csr *csr, uint8_t out[32],
					struct err *err);

#endif
