/*
 * keymake: a new key of the authority. It is made on the token, read back, and
 * recorded with its key.generate before anything uses it. Its label is
 * authority/purpose/generation, which no other key ever had.
 *
 * A crash between token and store leaves a key that is not recorded under that
 * label: it is never taken up, and the label is refused (PV_CONFLICT,
 * "hsm.label-taken") until people delete the key.
 * Specification: pkcs11.md, "Key rules"; formats.md 7.
 */
#ifndef PV_FLOW_KEYMAKE_H
#define PV_FLOW_KEYMAKE_H

#include "lib/flow/context.h"
#include "lib/log/events.h"

struct keymake_job {
	const char *authority; /* its name */
	struct store *store;
	struct hsm *hsm;
	const char *purpose;
	unsigned generation;
	enum hsm_key_kind kind;
	const char *from; /* of a key that another authority sent; or NULL */
};

#define KEYMAKE_FIRST 1 /* generation */

void keymake_label(const struct keymake_job *job, char label[HSM_LABEL_MAX]);

/* PV_CONFLICT (label), PV_HSM_FATAL "hsm.attributes" (the token does not vouch
 * for it), PV_HSM_*, PV_DENIED (the clock), PV_STORAGE. */
PV_MUST enum pv_code keymake(const struct keymake_job *job,
			     struct issue_key *key, struct err *err);

/* The row and the entry of one that is on the token: key.generate, or key.take
 * where the job says from whom it is. */
PV_MUST enum pv_code keymake_record(const struct keymake_job *job,
				    const struct hsm_key_info *info,
				    struct issue_key *key, struct err *err);

/* The facts of an entry about that key; hash gets SHA-256 of its SPKI. */
PV_MUST enum pv_code keymake_facts(const struct issue_key *key,
				   unsigned generation, uint8_t hash[32],
				   struct log_key *facts, struct err *err);

/* All generations of a purpose that the store has. */
struct keymake_known {
	struct issue_key newest; /* with the highest generation */
	unsigned generation;	 /* of newest; 0: there is none */
	uint64_t made_index;	 /* of its key.generate */
	bool used;		 /* a key.rotate put newest to use */
	size_t n, all;		 /* of that purpose; of any */
};
PV_MUST enum pv_code keymake_known(struct store *store, const char *purpose,
				   struct keymake_known *known,
				   struct err *err);
/* One that was prepared is used as it is, or not at all. PV_CONFLICT,
 * "rotate.kind": it is of another kind. */
PV_MUST enum pv_code keymake_is_kind(const struct issue_key *key,
				     enum hsm_key_kind kind, struct err *err);

#endif
