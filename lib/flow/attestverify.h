/*
 * attestverify: evidence taken in (formats.md 8), in two steps. What the
 * device's enrolled key, its template's reference values and its nonce say is
 * expected goes into the box (evidencebox.h), which may take its time: no
 * transaction is open meanwhile. Then what is expected is looked up again, and
 * the verdict, the row, the entry and the use of the nonce are one transaction.
 *
 * A nonce is used up once its device answered it, whatever the answer says: the
 * signature was right and over this nonce, so a second try would be a device
 * that was refused trying again. What is not signed by the device, or is over
 * another nonce, uses none up: a stranger could take a device its nonces
 * otherwise.
 *
 * Refused evidence is kept in quarantine, with its bytes, up to the template's
 * limits.quarantine_max; what is held names the device only where it is the
 * device that answered. Nobody waits for it: the device may attest again. What
 * is not the device's is recorded once for each nonce and rule, has a limit of
 * its own of the same number, and is not recorded at all beyond that.
 * Verified evidence that nothing was released for may be given again.
 */
#ifndef PV_FLOW_ATTESTVERIFY_H
#define PV_FLOW_ATTESTVERIFY_H

#include "lib/flow/attested.h"
#include "lib/flow/authority.h"
#include "lib/flow/event.h"
#include "lib/flow/evidencebox.h"
#include "lib/hsm.h"
#include "lib/store/store_evidence.h"

struct attestverify { /* of one run; borrowed */
	const struct authority *a;
	struct store *store;
	struct hsm *hsm; /* NULL: no evidence in COSE_Mac0 is taken */
	struct evidencebox *box;
};

struct attestverify_in { /* borrowed */
	const char *device;
	const char *stage;    /* NULL: the one that is sealed on evidence */
	const uint8_t *nonce; /* EVIDENCE_NONCE_LEN bytes, of the challenge */
	const uint8_t *manifest; /* 32 bytes of the challenge; NULL: not said */
	struct span evidence;
	struct span seal_key; /* SPKI DER; empty: the one that was kept */
};

struct attestverify_said {
	char device[STORE_ID_MAX + 1];
	const char *stage;  /* static; NULL: it did not come to that */
	const char *format; /* static; likewise */
	uint8_t sha256[32]; /* of the evidence */
	struct verdict verdict;
	bool existing; /* it was recorded before */
	uint64_t held; /* its number in quarantine; 0: none */
};

/* Its enrolled key is a MAC key: the run needs the token. False for a device
 * that has none. PV_STORAGE, PV_INTEGRITY. */
PV_MUST enum pv_code attestverify_needs_token(struct store *store,
					      const char *device, bool *needed,
					      struct err *err);

/* What the box said, and of what it was asked: all of that but the nonce and
 * the time. */
struct attestverify_asked {
	struct verdict verdict;
	bool made;	/* it was asked */
	struct err why; /* else: why it could not be; PV_OK: no need */
	uint8_t a[32], template_sha256[32];
	uint64_t key_index; /* entry of the enrolled key */
};

/*
 * The first step, outside of a transaction. PV_OK also where evidence is
 * refused before it is looked at: the second step says so. PV_HSM_*,
 * PV_STORAGE, PV_INTERNAL.
 */
PV_MUST enum pv_code attestverify_ask(struct attestverify *v,
				      const struct attestverify_in *in,
				      struct attestverify_asked *asked,
				      struct err *err);

/*
 * The second, inside the open write transaction, which the caller commits also
 * when it is refused: that is recorded, too. PV_OK: verified, by record.
 * Refused by the verdict: its code and rule. And, with nothing recorded,
 * PV_DENIED "evidence.unknown" (no key is enrolled), PV_INTEGRITY
 * "evidence.missing", "evidence.type" (the template takes no such evidence any
 * more), PV_DENIED "evidence.manifest" (a newer one is in effect than the
 * challenge names), PV_CONFLICT "evidence.changed" (something else is expected
 * than the box was asked about); codes of attested_load(), _stage() and
 * _seal_key(); PV_STORAGE, PV_INTERNAL.
 */
PV_MUST enum pv_code attestverify_take(struct attestverify *v,
				       const struct event_who *who,
				       const struct attestverify_in *in,
				       const struct attestverify_asked *asked,
				       struct attestverify_said *said,
				       struct err *err);

/* Whether an attest.verify says what the row does. PV_INTERNAL. */
PV_MUST enum pv_code attestverify_fits(const struct log_entry *e,
				       const struct store_evidence *x,
				       bool *fits, struct err *err);
/* The same of the entry that the row names. PV_INTEGRITY "store.edited". */
PV_MUST enum pv_code attestverify_logged(struct store *store,
					 const struct store_evidence *x,
					 struct err *err);

#endif
