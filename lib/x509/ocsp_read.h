/*
 * ocsp_read: OCSP responses of the kind that ocsp.h makes, as bytes.
 * Specification: RFC 6960 4.2.1.
 */
#ifndef PV_X509_OCSP_READ_H
#define PV_X509_OCSP_READ_H

#include "lib/x509/ocsp.h"

struct x509_ocsp {			     /* spans point into the input */
	struct span tbs;		     /* ResponseData, with its header */
	struct span responder;		     /* SHA-1 of its key */
	struct span issuer_name, issuer_key; /* SHA-1: CertID */
	struct x509_ocsp_status status;
	int64_t produced_s, this_s, next_s;
	struct span cert; /* the responder's; empty when the TBS was read */
	struct span sig;  /* signature octets; likewise */
};

/*
 * Takes a successful response about one certificate apart. Another answer than
 * good or revoked, more than one, or a responder by name is PV_INPUT, rule
 * "ocsp.malformed".
 */
PV_MUST enum pv_code x509_ocsp_decode(struct span der, struct x509_ocsp *r,
				      struct err *err);
PV_MUST enum pv_code x509_ocsp_tbs_decode(struct span tbs, struct x509_ocsp *r,
					  struct err *err);

/* The signature over the TBS by the responder's key. A wrong one is `wrong`,
 * rule "signature.wrong". */
PV_MUST enum pv_code x509_ocsp_verify(struct x509_verifier *v,
				      const struct x509_ocsp *r,
				      enum pv_code wrong, struct err *err);

#endif
