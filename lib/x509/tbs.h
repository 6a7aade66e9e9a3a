/*
 * tbs: the TBSCertificate of one device or CA, from a profile. Written as DER
 * directly. Specification: RFC 5280 4.1 and 4.2, RFC 4108 5 (HardwareModule-
 * Name), profiles.md.
 *
 * Signature algorithm is always ecdsa-with-SHA256: CA keys are P-256.
 * Does not check: the key (keycheck.h), that the bytes obey the profile (that
 * is what tbs_lint.h is for, on its own).
 */
#ifndef PV_X509_TBS_H
#define PV_X509_TBS_H

#include "lib/x509/issuer.h"
#include "lib/x509/profile.h"

#define X509_SERIAL_LEN 16 /* 4 ordered bytes and 12 random ones */
#define X509_TBS_MAX 8192  /* bytes; what one TBS may grow to */

/*
 * Appends the TBS to tbs. issuer NULL: self-issued, the subject is the issuer
 * and spki its own key. serial: big-endian, top bit 0, not 0; leading zero
 * octets are left out of the INTEGER. spki: whole SubjectPublicKeyInfo.
 *
 * notBefore = now_s - backdate, but not before the issuer's own notBefore;
 * notAfter = now_s + days * 86400 - 1 (the last second counts), or
 * 99991231235959Z, or the profile's until_s.
 *
 * PV_INPUT: "template.value" (a placeholder without value), "subject.value",
 * "san.value", "uri.value", "custom.value" (a value that may not stand there:
 * empty, too long (RFC 5280 A.1 upper bounds), NUL, control or bidi
 * characters, wrong alphabet), "validity.clock", "validity.range" (past the
 * year 9999), "key.malformed", "size.limit". PV_DENIED: "validity.issuer"
 * (issuer not valid now, or it ends before the certificate would),
 * "issuer.path_len" (a CA below a CA that allows none). PV_INTERNAL:
 * "tbs.serial", "tbs.profile" (what no template gives). On failure tbs holds
 * what it held before; a passed cap sticks in it.
 */
PV_MUST enum pv_code x509_tbs_build(const struct x509_profile *profile,
				    const struct x509_issuer *issuer,
				    const struct text_vars *vars,
				    const uint8_t serial[X509_SERIAL_LEN],
				    struct span spki, int64_t now_s,
				    struct buf *tbs, struct err *err);

/* Validity that x509_tbs_build() gives, in seconds; the same codes. */
PV_MUST enum pv_code x509_validity(const struct x509_profile *profile,
				   const struct x509_issuer *issuer,
				   int64_t now_s, int64_t *not_before_s,
				   int64_t *not_after_s, struct err *err);

#endif
