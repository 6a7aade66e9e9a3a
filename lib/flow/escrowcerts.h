/*
 * escrowcerts: the certificates that a template's escrow targets name. Files of
 * the home when the template is adopted; from then on bytes of the store, whose
 * hash stands in the template.adopt entry: a file that changes later changes
 * nothing. Under a roster the template itself says which certificates they are,
 * so that whoever approves it approves them.
 *
 * Does not check: who holds the key, chains, dates.
 * Specification: policy.md, "Template".
 */
#ifndef PV_FLOW_ESCROWCERTS_H
#define PV_FLOW_ESCROWCERTS_H

#include "lib/flow/context.h"

/*
 * Appends the DER of each, in the template's order. PV_NOT_FOUND and
 * PV_DENIED (files); PV_INPUT, "escrow.certificate" (of no use),
 * "escrow.digest" (another than the template says) or
 * "template.escrow_unpinned" (the template says none, and a roster is in
 * force); PV_INTEGRITY; PV_STORAGE.
 */
PV_MUST enum pv_code escrowcerts_read(const struct authority *a,
				      struct store *store,
				      const struct template *t, struct buf *all,
				      struct err *err);
/* The file of one, PEM or DER, appended; compared with what target says of it.
 * PV_INPUT, rule "escrow.digest"; files' codes. */
PV_MUST enum pv_code escrowcerts_file(const struct authority *a,
				      const struct tpl_escrow *target,
				      struct buf *der, struct err *err);
/* Into ctx->escrow, of ctx->tmpl: all was held against the log. PV_INTEGRITY,
 * "store.edited". */
PV_MUST enum pv_code escrowcerts_take(struct issue_context *ctx,
				      struct span all, struct err *err);

#endif
