/*
 * csr_build: PKCS#10 requests for keys of our own, by a profile, as DER. Asked
 * for are the profile's subject and, as an extensionRequest, its
 * basicConstraints and keyUsage: the rest is the signing CA's to give.
 * Specification: RFC 2986 4; RFC 2985 5.4.2.
 *
 * Signed with ecdsa-with-SHA256, and put together by x509_cert_assemble().
 * Does not check: that the signature is the key's (csr_verify() does).
 */
#ifndef PV_X509_CSR_BUILD_H
#define PV_X509_CSR_BUILD_H

#include "lib/x509/csr.h"
#include "lib/x509/profile.h"

#define X509_CRI_MAX 4096 /* bytes of what is signed */

/*
 * Appends the CertificationRequestInfo, which is what is signed, to cri. spki:
 * whole SubjectPublicKeyInfo, P-256. PV_INPUT, "template.value" or
 * "subject.value", "size.limit". On failure cri is not to be used.
 */
PV_MUST enum pv_code x509_csr_build(const struct x509_profile *profile,
				    const struct text_vars *vars,
				    struct span spki, struct buf *cri,
				    struct err *err);
/*
 * A second opinion on the exact bytes that will be signed, by the reader that
 * the signing CA uses: the subject is the profile's, the key is spki, and
 * nothing is asked for that a certificate of the profile would not have. Any
 * finding is PV_DENIED, "lint.csr", or csr_within()'s.
 */
PV_MUST enum pv_code x509_csr_lint(const struct x509_profile *profile,
				   const struct text_vars *vars,
				   struct span spki, struct span cri,
				   struct err *err);

#endif
