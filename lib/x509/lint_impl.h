/* lint_impl: what tbs_lint.c and lint_ext.c share. */
#ifndef PV_X509_LINT_IMPL_H
#define PV_X509_LINT_IMPL_H

#include "lib/x509/csr_parts.h"
#include "lib/x509/tbs_lint.h"

struct lint {
	const struct x509_profile *profile;
	const struct x509_issuer *issuer; /* NULL: self-issued */
	struct span spki, subject;
	struct key_facts key;
	uint8_t key_id[20]; /* by method 1 */
};

/* The one way a finding is told: PV_DENIED, "lint." before what. */
enum pv_code lint_fail(const char *what, const char *text, struct err *err);

/* in: what follows the SPKI in the TBS. */
PV_MUST enum pv_code lint_extensions(const struct lint *l, struct span in,
				     struct err *err);

/* v may be what t expands to: equal when t has no placeholders. */
PV_MUST bool lint_text(const struct text *t, struct span v);

#endif
