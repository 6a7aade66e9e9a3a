/*
 * certfacts: what a certificate says, as people read it before they sign and as
 * a transcript keeps it. From the bytes that are signed, and by OpenSSL, not by
 * what built them: names in the form of RFC 4514, times of RFC 3339.
 *
 * Does not check: that it says what it should (tbs_lint.h).
 * Specification: RFC 5280 4.1.2, 4.2.1.3, 4.2.1.9.
 */
#ifndef PV_CEREMONY_CERTFACTS_H
#define PV_CEREMONY_CERTFACTS_H

#include "lib/base/buf.h"
#include "lib/base/pvtime.h"
#include "lib/log/transcript.h"

#define CERTFACTS_N 6

struct certfacts { /* as they may stand in a transcript */
	char subject[TRANSCRIPT_VALUE_MAX + 1],
		issuer[TRANSCRIPT_VALUE_MAX + 1];
	char not_before[PVTIME_RFC3339_LEN + 1];
	char not_after[PVTIME_RFC3339_LEN + 1];
	/* "CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign"; "none": it has no
	 * such extension. */
	char basic_constraints[64], key_usage[256];
};

/* Of a TBSCertificate (DER). PV_INPUT, "cert.malformed"; PV_INTERNAL. */
PV_MUST enum pv_code certfacts_read(struct span tbs, struct certfacts *f,
				    struct err *err);
/* Their names in a transcript's line, with values that point into f. */
void certfacts_pairs(const struct certfacts *f,
		     struct transcript_pair pairs[CERTFACTS_N]);
/* A Name (DER) alone, into text of cap bytes. Codes as above. */
PV_MUST enum pv_code certfacts_name(struct span name, char *text, size_t cap,
				    struct err *err);

#endif
