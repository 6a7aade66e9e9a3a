/* audit_entries_ends: what ends a certificate or a device, which key follows
 * which (audit_entries_keys.c), and what devices attest (audit_attest.c), as
 * the log says it. Private to audit_entries. */
#ifndef PV_FLOW_AUDIT_ENTRIES_ENDS_H
#define PV_FLOW_AUDIT_ENTRIES_ENDS_H

#include "lib/flow/audit_entries.h"

/* ---- facts of an entry ---- */

/* Its object, cut to what a message takes; out. */
const char *audit_object(const struct log_entry *e, char out[160]);
/* A hash of 32 bytes into out; false when there is none. */
PV_MUST bool audit_hash(const struct log_entry *e, const char *key,
			uint8_t out[static STORE_HASH]);
/* The number of that fact, or what is meant without it. */
uint64_t audit_uint(const struct log_entry *e, const char *key,
		    uint64_t otherwise);
/* As text of cap bytes, cut. */
void audit_text(char *out, size_t cap, struct span s);

/* ---- what each type of entry says ---- */

PV_MUST enum pv_code audit_take_revoke(struct audit_entries *au,
				       const struct log_entry *e,
				       struct err *err);
PV_MUST enum pv_code audit_take_retire(struct audit_entries *au,
				       const struct log_entry *e,
				       struct err *err);
PV_MUST enum pv_code audit_take_receipt(struct audit_entries *au,
					const struct log_entry *e,
					struct err *err);
PV_MUST enum pv_code audit_take_rollback(struct audit_entries *au,
					 const struct log_entry *e,
					 struct err *err);
/* One key in the place of another: both were made here, for one purpose. */
PV_MUST enum pv_code audit_take_rotation(struct audit_entries *au,
					 const struct log_entry *e,
					 struct err *err);
PV_MUST enum pv_code audit_take_send(struct audit_entries *au,
				     const struct log_entry *e,
				     struct err *err);
PV_MUST enum pv_code audit_take_restore(struct audit_entries *au,
					const struct log_entry *e,
					struct err *err);
/* A CA's certificate that another authority signed. */
PV_MUST enum pv_code audit_take_import(struct audit_entries *au,
				       const struct log_entry *e,
				       struct err *err);
/* A key that was made here is gone, once. */
PV_MUST enum pv_code audit_take_destroy(struct audit_entries *au,
					const struct log_entry *e,
					struct err *err);
PV_MUST enum pv_code audit_take_enrol(struct audit_entries *au,
				      const struct log_entry *e,
				      struct err *err);
PV_MUST enum pv_code audit_take_challenge(struct audit_entries *au,
					  const struct log_entry *e,
					  struct err *err);
PV_MUST enum pv_code audit_take_verify(struct audit_entries *au,
				       const struct log_entry *e,
				       struct err *err);
PV_MUST enum pv_code audit_take_withdraw(struct audit_entries *au,
					 const struct log_entry *e,
					 struct err *err);

#endif
