/* acts_impl: what the files of acts.h share. */
#ifndef PV_FLOW_ACTS_IMPL_H
#define PV_FLOW_ACTS_IMPL_H

#include "lib/flow/acts.h"

/* A text of an entry, empty where there is none; a number, or otherwise. */
struct span acts_text_of(const struct log_entry *e, const char *key);
uint64_t acts_number_of(const struct log_entry *e, const char *key,
			uint64_t otherwise);
/* With its LF. */
void acts_add_line(struct sha256 *h, struct span s);
/* What the entries amount to, where text is what was approved: the same, if it
 * is. PV_INTERNAL; other codes: it is not. */
PV_MUST enum pv_code acts_text(struct acts *x, struct span text,
			       struct buf *out, struct err *err);

#endif
