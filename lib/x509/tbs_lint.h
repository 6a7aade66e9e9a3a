/*
 * tbs_lint: a second opinion on the exact bytes that will be signed. It reads
 * them with the DER reader alone, shares nothing with the writer but template
 * texts and calendar, and knows what a certificate of the profile must look
 * like. Specification: RFC 5280 4.1 and 4.2, profiles.md.
 *
 * Does not check: values that placeholders gave, beyond their alphabet.
 *
 * Checks: version 3; the serial given, positive, at most 20 octets;
 * ecdsa-with-SHA256 without parameters; issuer and subject; validity order,
 * form and distance; the SPKI given, byte for byte; every extension once, in
 * the profile, with its critical flag and contents as far as the profile fixes
 * them; keyUsage fitting key and CA flag; SKI by method 1; AKI of the issuer;
 * Matter subjects (VID and PID, upper case, as in the issuer, never mixed with
 * Mvid: and Mpid: in a CN).
 */
#ifndef PV_X509_TBS_LINT_H
#define PV_X509_TBS_LINT_H

#include "lib/x509/tbs.h"

/*
 * Arguments as for x509_tbs_build(); tbs is the whole TBSCertificate; serial
 * NULL: any that is positive, of one that others made. Any
 * finding is PV_DENIED with rule "lint.<what>": der, version, serial,
 * algorithm, issuer, validity, subject, spki, extension (missing, doubled,
 * unknown), critical, basic_constraints, key_usage, ext_key_usage, ski, aki,
 * san, cdp, aia, policies, no_rev_avail, custom, matter.
 */
PV_MUST enum pv_code x509_tbs_lint(const struct x509_profile *profile,
				   const struct x509_issuer *issuer,
				   struct span tbs, struct span spki,
				   const uint8_t serial[X509_SERIAL_LEN],
				   int64_t now_s, struct err *err);

#endif
