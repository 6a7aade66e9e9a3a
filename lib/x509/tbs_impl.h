/* tbs_impl: what tbs.c and tbs_ext.c share. */
#ifndef PV_X509_TBS_IMPL_H
#define PV_X509_TBS_IMPL_H

#include "lib/x509/tbs.h"

struct tbs_work { /* one TBS being built */
	const struct x509_profile *profile;
	const struct x509_issuer *issuer; /* NULL: self-issued */
	const struct text_vars *vars;
	struct span spki;
	struct buf *out;
	char text[TEXT_VALUE_MAX]; /* the value expanded last */
	size_t text_len;
};

/* Expands into w->text. */
PV_MUST enum pv_code tbs_expand(struct tbs_work *w, const struct text *t,
				struct err *err);
/* bad from value.h, or NULL for PV_OK. */
PV_MUST enum pv_code tbs_value(const char *rule, const char *what,
			       const char *bad, struct err *err);
/* The profile's Name. PV_INPUT, "subject.value". */
PV_MUST enum pv_code tbs_put_subject(struct tbs_work *w, struct err *err);
/* Those of a profile that a request asks for, too; nothing where it has none.
 */
void tbs_put_basic_constraints(struct buf *b, const struct x509_profile *p);
void tbs_put_key_usage(struct buf *b, const struct x509_profile *p);
/* [3] Extensions; nothing when the profile has none. */
PV_MUST enum pv_code tbs_put_extensions(struct tbs_work *w, struct err *err);

static inline struct span tbs_text(const struct tbs_work *w)
{
	return (struct span){ (const uint8_t *)w->text, w->text_len };
}

#endif
