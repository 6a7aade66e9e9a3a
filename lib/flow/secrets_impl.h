/* secrets_impl: between the files of stored secrets. Private to secrets. */
#ifndef PV_FLOW_SECRETS_IMPL_H
#define PV_FLOW_SECRETS_IMPL_H

#include "lib/flow/secrets.h"
#include "lib/flow/subject.h"

/* ---- secrets.c ---- */

/* *version 0: there is none and never was. */
PV_MUST enum pv_code secrets_newest(struct store *store, const char *name,
				    uint64_t *version, struct err *err);
/* PV_NOT_FOUND; version 0: none at all. */
enum pv_code secrets_missing(const char *name, uint64_t version,
			     struct err *err);
/* PV_INPUT. */
enum pv_code secrets_bad_name(struct err *err);
/* There is none yet, or there is one. top: its newest version, 0 for none. */
PV_MUST enum pv_code secrets_check_top(const char *type, const char *name,
				       uint64_t top, struct err *err);
/* Type of the entry that a version is made with. */
const char *secrets_made_by(uint64_t version);

/* ---- secrets_gate.c ---- */

/* Counts only while no roster is in force: approvals_use() sees to that. */
extern const struct approvals secrets_nobody;

/* The text that binds the approvals to a value; bound gets its part of it. */
PV_MUST enum pv_code secrets_put_value(const struct authority *a,
				       struct store *store, const char *name,
				       uint64_t version,
				       const struct secret *value,
				       uint8_t bound[static 32],
				       struct buf *subject, struct err *err);
/* What is to be destroyed of a secret as it stands: nothing when *n is 0.
 * version 0: all, up to top. */
PV_MUST enum pv_code secrets_put_destroy(struct store *store, const char *name,
					 uint64_t version, uint64_t top,
					 uint64_t *n, struct buf *subject,
					 struct err *err);
/* What was approved is what is done. PV_CONFLICT, "secret.approved". */
PV_MUST enum pv_code secrets_check_approved(const struct approvals *got,
					    const struct buf *subject,
					    struct err *err);

#endif
