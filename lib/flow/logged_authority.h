/*
 * logged_authority: what devices are made with, rows of templates and CAs, held
 * against the log entries that they name, as logged.h does it for devices.
 *
 * Does not check: the log itself, that no row is missing (governance.h does, of
 * templates, and audit of both).
 */
#ifndef PV_FLOW_LOGGED_AUTHORITY_H
#define PV_FLOW_LOGGED_AUTHORITY_H

#include "lib/flow/logged.h"
#include "policy/template.h"

/* *fits: bytes, and what is pinned with them, are what that template.adopt
 * says. */
PV_MUST enum pv_code logged_template_fits(const struct log_entry *e,
					  const struct store_template *t,
					  bool *fits, struct err *err);
/* The same of the entry that the row names. PV_INTEGRITY, "store.edited". */
PV_MUST enum pv_code logged_template(struct store *store,
				     const struct store_template *t,
				     struct err *err);
/* The template of a row that was found by a digest that the log knows: *t is
 * the caller's to free. PV_INTEGRITY, "store.edited": its bytes have another.
 */
PV_MUST enum pv_code logged_template_parse(const struct store_template *row,
					   struct template **t,
					   struct err *err);
/* Its certificate, name, key, generation, template and shards, by its
 * cert.intent and cert.issue, with its ca.sign where another authority has the
 * key, or by its ca.import; the time that it takes over by the last entry that
 * moved it. An import of a first generation is of before the log's first
 * checkpoint: it comes with the authority. PV_INTEGRITY, "store.edited". Of a
 * generation whose time was planned, the entries from the plan to that time are
 * read: of 300,000 some 45 ms of CPU. */
PV_MUST enum pv_code logged_ca(struct store *store, const struct store_ca *ca,
			       struct err *err);
/* Of a CA that was signed for another authority: *same: for that one.
 * PV_INTEGRITY, "store.edited". */
PV_MUST enum pv_code logged_ca_signed_for(struct store *store,
					  const struct store_ca *ca,
					  const char *to, bool *same,
					  struct err *err);
/* The same as logged_ca(); *counts: its key does, too (keystand.h). A
 * generation of which that is not so is one that was cut off, or a stranger's:
 * as if it was not there.
 */
PV_MUST enum pv_code logged_ca_counts(struct store *store,
				      const struct store_ca *ca, bool *counts,
				      struct err *err);
/* logged_ca_counts() of that generation, which was not withdrawn either. */
PV_MUST enum pv_code logged_generation_counts(struct store *store,
					      const char *ca,
					      uint32_t generation, bool *counts,
					      struct err *err);
/* The certificate, by its cert.issue. PV_INTEGRITY, "store.edited". */
PV_MUST enum pv_code logged_crosscert(struct store *store,
				      const struct store_crosscert *x,
				      struct err *err);
/* The same; *counts: both its generations do. */
PV_MUST enum pv_code logged_crosscert_counts(struct store *store,
					     const struct store_crosscert *x,
					     bool *counts, struct err *err);

#endif
