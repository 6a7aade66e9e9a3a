/*
 * secrets: the authority's stored secrets (formats.md 9; policy.md, "stored"):
 * values that many devices share. Each version is sealed by the store key
 * inside the HSM, bound to authority, name and version, and kept in the store
 * with its log entry. Versions go up by one; an older one stays until it is
 * destroyed, for intents that began with it.
 *
 * Does not check: what a value is good for.
 */
#ifndef PV_FLOW_SECRETS_H
#define PV_FLOW_SECRETS_H

#include "lib/flow/approvals.h"
#include "lib/hsm.h"
#include "lib/seal/atrest.h"
#include "lib/store/store_secret.h"

/* Bytes of a value: a PEM key or a chain of passwords; what tokens take in one
 * AES-GCM call. */
#define SECRETS_VALUE_MAX 4096u
#define SECRETS_ROW_MAX (SECRETS_VALUE_MAX + ATREST_OVERHEAD)
#define SECRETS_OBJECT_MAX (STORE_ID_MAX + 8) /* "secret/<name>" and NUL */

/*
 * The approvals that the next call needs (QUORUM_SECRET). type: LOG_SECRET_ADD,
 * _ROTATE or _DESTROY. What is approved is bound to the value (secretsalt.h),
 * and to what there is to destroy: nothing is asked where nothing is left. from
 * brings files and request_out. Codes of approvals_gate() and
 * secretsalt_bind(); PV_INPUT, "secret.name". Release got in any case.
 */
struct secrets_ask {
	const char *type, *name;
	uint64_t version;	    /* to be destroyed; 0: all */
	const struct secret *value; /* to be stored, else NULL */
};
PV_MUST enum pv_code secrets_gate(const struct authority *a,
				  struct store *store,
				  const struct secrets_ask *ask,
				  const struct approvals_want *from,
				  struct approvals *got, struct err *err);

/* The first version, by what secrets_gate() got. PV_CONFLICT, "approval.roster"
 * (the roster is another than then), "secret.approved"
 * (another value, or something else to destroy than was approved, as below);
 * "secret.exists",
 * when there is or was one; PV_INPUT ("secret.name", "secret.length"),
 * PV_NOT_FOUND without a store key, PV_HSM_*, PV_DENIED (clock, "atrest.uses"),
 * PV_STORAGE. */
PV_MUST enum pv_code secrets_add(const struct authority *a, struct store *store,
				 struct hsm *hsm, const char *name,
				 const struct secret *value,
				 const struct approvals *got, struct err *err);
/* The next version, which new devices get from now on. PV_NOT_FOUND,
 * "secret.missing"; else as above. */
PV_MUST enum pv_code
secrets_rotate(const struct authority *a, struct store *store, struct hsm *hsm,
	       const char *name, const struct secret *value, uint64_t *version,
	       const struct approvals *got, struct err *err);
/*
 * Deletes the sealed bytes of that version, or of all (0). *n of them; 0 when
 * they were gone already. PV_NOT_FOUND, "secret.missing"; PV_INTEGRITY for a
 * row that is not the log's; PV_STORAGE.
 */
PV_MUST enum pv_code secrets_destroy(struct store *store, const char *name,
				     uint64_t version, uint64_t *n,
				     const struct approvals *got,
				     struct err *err);

/* A row (with its sealed bytes) held against the log. PV_INTEGRITY,
 * "store.edited". */
PV_MUST enum pv_code secrets_logged(struct store *store,
				    const struct store_secret *row,
				    struct err *err);

/* Version 0: the newest, also when it was destroyed. As store_secret_get(), and
 * held against the log; row->sealed are the bytes in sealed. */
PV_MUST enum pv_code secrets_get(struct store *store, const char *name,
				 uint64_t version, struct store_secret *row,
				 struct buf *sealed, bool *found,
				 struct err *err);

/* What a sealed row is bound to. object is room for its name. */
struct atrest_name secrets_bound_to(const char *authority, const char *name,
				    uint32_t version,
				    char object[SECRETS_OBJECT_MAX]);

#endif
