/*
 * issuer: what building and linting need to know of a CA, taken once from its
 * certificate. Specification: RFC 5280 4.1, 4.2; profiles.md (PAA, PAI).
 *
 * Does not check: the certificate's own signature or chain.
 */
#ifndef PV_X509_ISSUER_H
#define PV_X509_ISSUER_H

#include "lib/base/buf.h"

#define X509_CERT_MAX 16384 /* bytes of DER */

struct x509_issuer {	     /* spans point into der */
	struct buf der;	     /* owned copy of the certificate */
	struct span subject; /* Name, with its header */
	struct span spki;    /* with its header */
	struct span ski;     /* contents of the key identifier */
	int64_t not_before_s, not_after_s;
	int path_len;	     /* -1: none */
	unsigned ku_bits;    /* enum profile_ku */
	bool self_issued;    /* subject equals issuer: a root */
	char vid[5], pid[5]; /* Matter, upper-case hex; "" when absent */
};

/*
 * Copies and reads a CA certificate. PV_INPUT, rule "issuer.malformed";
 * PV_DENIED, rule "issuer.ca" (not a CA, or without keyCertSign),
 * "issuer.ski" (no subjectKeyIdentifier), "issuer.key" (not P-256). On failure
 * *issuer is empty and needs no release.
 */
PV_MUST enum pv_code x509_issuer_load(struct span cert, struct x509_issuer *out,
				      struct err *err);
/* Takes one that was zeroed or released. */
void x509_issuer_release(struct x509_issuer *issuer);

/* now_s inside the issuer's validity; else PV_DENIED, "validity.issuer". */
PV_MUST enum pv_code x509_issuer_valid(const struct x509_issuer *issuer,
				       int64_t now_s, struct err *err);

#endif
