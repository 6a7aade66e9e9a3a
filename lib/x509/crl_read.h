/*
 * crl_read: revocation lists of the kind that crl.h makes, as bytes: taking
 * them apart, strictly, and which one may follow on which.
 * Specification: RFC 5280 5 and 6.3.3.
 *
 * Does not check: dates against a clock, whose key the list is signed with
 * (x509_crl_verify() is for that).
 */
#ifndef PV_X509_CRL_READ_H
#define PV_X509_CRL_READ_H

#include "lib/x509/crl.h"

struct x509_crl {	      /* spans point into the input */
	struct span der, tbs; /* der empty when only the TBS was read */
	struct span issuer;   /* Name, with its header */
	struct span entries;  /* one behind the other: x509_crl_next() */
	struct span aki;      /* contents of the key identifier */
	struct span uris;     /* of the distribution point; p NULL: none */
	struct span sig;      /* signature octets */
	int64_t this_s, next_s;
	uint64_t number;
};

/*
 * Takes a list of the kind above apart, every entry included (*n of them; n
 * may be NULL). PV_INPUT, rule "crl.malformed".
 */
PV_MUST enum pv_code x509_crl_decode(struct span der, struct x509_crl *crl,
				     size_t *n, struct err *err);
/* The same for what is signed. */
PV_MUST enum pv_code x509_crl_tbs_decode(struct span tbs, struct x509_crl *crl,
					 size_t *n, struct err *err);
/* The next entry of what was decoded; false at the end. */
PV_MUST bool x509_crl_next(struct span *entries, struct x509_crl_entry *e);
/* The next URI of crl->uris; false at the end. */
PV_MUST bool x509_crl_uri_next(struct span *uris, struct span *uri);
/* Finds a serial (magnitude without leading zeros). */
PV_MUST bool x509_crl_find(const struct x509_crl *crl, struct span serial,
			   struct x509_crl_entry *e);

/* The signature over the TBS. A wrong one is `wrong`, rule "signature.wrong".
 */
PV_MUST enum pv_code x509_crl_verify(struct x509_verifier *v,
				     const struct x509_crl *crl,
				     enum pv_code wrong, struct err *err);

/* Whether an entry of the former list may be gone. */
struct x509_crl_gone {
	bool (*may)(void *ctx, const struct x509_crl_entry *e);
	void *ctx;
};

/*
 * Whether next may follow on last. PV_INTEGRITY: "crl.foreign" (another issuer
 * or key identifier), "crl.backwards" (its number does not rise, or thisUpdate
 * goes back), "crl.scope" (it no longer names a URI that last did, but is no
 * complete list), "crl.vanished" (an entry is gone and may not be; gone NULL:
 * none may), "crl.changed" (an entry's date is
 * another, or its reason, which only a hold may change).
 */
PV_MUST enum pv_code x509_crl_compare(const struct x509_crl *last,
				      const struct x509_crl *next,
				      const struct x509_crl_gone *gone,
				      struct err *err);

#endif
