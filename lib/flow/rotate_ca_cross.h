/*
 * rotate_ca_cross: the certificates between two generations of a CA, where they
 * are made behind the newer one and not with it (rotate_ca.h).
 *
 * Does not check: approvals (those of the generation cover them).
 * Specification: RFC 4210 4.4.
 */
#ifndef PV_FLOW_ROTATE_CA_CROSS_H
#define PV_FLOW_ROTATE_CA_CROSS_H

#include "lib/flow/rotate_ca.h"

/*
 * The two certificates between a CA's newest generation and the one before it,
 * where they were not made with it (opts->uncrossed): both in one transaction.
 * Of opts ca, before and ctx count; report->resumed: they are there, and
 * nothing was done. PV_CONFLICT, "rotate.cross": there is one generation;
 * PV_DENIED, "rotate.cross": the older one is over or revoked; PV_INTEGRITY,
 * "log.key" (the newest does not count); codes of camake.h.
 */
PV_MUST enum pv_code rotate_ca_cross(struct authority *a, struct store *store,
				     struct tokens *tokens,
				     const struct rotate_ca_opts *opts,
				     struct rotate_ca_report *report,
				     struct err *err);

#endif
