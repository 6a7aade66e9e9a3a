/*
 * acts: whether entries that people have to approve and that are none of the
 * chain (lib/log/acts.h) had their approval, as the log says it by itself. All
 * of one approval come one behind the other, by one actor at one time and with
 * its nonce; the people.decide right behind them says how many they are, and
 * the text that was approved, which has to be what they amount to: the same
 * bytes are made of them again (subject_acts.h). So a revocation of very many
 * is one entry of the chain and one approval.use (pairing.h), and no serial,
 * device or key more or other than was approved is among them.
 *
 * Without approval a certificate is only revoked as superseded, by what is in
 * its place, and a TPM's key only enrolled on what was approved to be offered
 * to it (acts_follows()).
 *
 * Does not check: the chain, the approval itself (pairing.h, judge.h); of the
 * text how certificates were chosen, the template's name and version beside its
 * digest, and whose the certificate of an export is beside its hash.
 */
#ifndef PV_FLOW_ACTS_H
#define PV_FLOW_ACTS_H

#include "lib/flow/subject_acts.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store.h"
#include "policy/quorum.h"

struct sha256;

struct acts {	       /* zeroed: before the first entry */
	uint64_t n;    /* entries that wait for their decision; 0: none do */
	uint64_t next; /* index of the next one, or of that */
	enum quorum_op op;
	uint64_t retired; /* of n */
	/* Of all of them: */
	uint64_t time_ms;
	uint8_t nonce[LOG_NONCE];
	char actor[LOG_TEXT_MAX + 1];
	uint64_t reason, invalidity; /* of what is revoked; the latter + 1 */
	char to[LOG_TEXT_MAX + 1];   /* whom is exported to */
	char first[LOG_TEXT_MAX + 1], last[LOG_TEXT_MAX + 1];
	struct sha256 *serials, *devices; /* owned: of lines */
	struct buf rotation;		  /* the entry of a key */
	struct subject_keys keys;	  /* that are enrolled */
};
void acts_release(struct acts *x);

/* What an entry that log_acts() is needs, or one that decides on such. False
 * for all others. */
PV_MUST bool acts_op(const struct log_entry *e, enum quorum_op *op);
/* A cert.revoke or attest.enrol that nobody had to approve, by its own word. */
PV_MUST bool acts_alone(const struct log_entry *e);
/*
 * The next entry, at index; ruled: a roster was in force before it. Entries
 * that are neither an act nor people.decide may be left out. PV_INTEGRITY,
 * "store.governance", "log entry N: what".
 */
PV_MUST enum pv_code acts_take(struct acts *x, const struct log_entry *e,
			       uint64_t index, bool ruled, struct err *err);
/* Nothing waits any more. */
PV_MUST enum pv_code acts_end(const struct acts *x, struct err *err);
/* The row of what an entry revokes or retires. *found is false for others. */
PV_MUST enum pv_code acts_device(struct store *store, const struct log_entry *e,
				 struct store_device *d, bool *found,
				 struct err *err);
/*
 * Of one that acts_alone() is, at index of the log, made under a roster. What
 * is revoked: the store has the other credential, of the same device, made
 * after it in its place, for good or by a rotation that the device said just
 * before to have; or it is taken back itself, by the entry behind it. What is
 * enrolled: the entry that it names is of that very key and TPM, not older than
 * an offer may be, and was approved. PV_INTEGRITY, as above.
 */
PV_MUST enum pv_code acts_follows(struct store *store,
				  const struct log_entry *e, uint64_t index,
				  struct err *err);

#endif
