/*
 * challenge: nonces for evidence (formats.md 8), drawn from the token before a
 * transaction is open, durable with their entry before they leave, each for one
 * device and stage, good once and for as long as the template says:
 * nonce_ttl_s, or offline_nonce_ttl_s for lines that collect evidence without a
 * connection. Only the hash is kept: the nonce comes back with the evidence.
 */
#ifndef PV_FLOW_CHALLENGE_H
#define PV_FLOW_CHALLENGE_H

#include "lib/flow/attested.h"
#include "lib/flow/event.h"
#include "lib/store/store_attest.h"

#define CHALLENGE_OPEN_MAX 16u /* of one device at a time */

struct challenge { /* what the device makes A of, but its sealing key */
	char device[STORE_ID_MAX + 1];
	const char *stage;  /* static */
	const char *format; /* of its key: "psa", "tpm2", "dice" */
	uint8_t nonce[EVIDENCE_NONCE_LEN];
	uint8_t manifest[32]; /* SHA-256 of the manifest's payload */
	uint64_t until_ms;
	bool offline;
};

/*
 * One, inside the open write transaction; nonce: random bytes from the token,
 * which no other challenge gets; stage NULL: the one that is sealed on
 * evidence. PV_DENIED "evidence.unknown" (no key is enrolled),
 * "evidence.format" (the template takes none of its format any more),
 * "attest.nonces" (as many as CHALLENGE_OPEN_MAX are open); PV_CONFLICT
 * "store.nonce": it was handed out before; codes of attested_load() and
 * attested_stage(); PV_STORAGE.
 */
PV_MUST enum pv_code challenge_make(struct store *store,
				    const uint8_t nonce[EVIDENCE_NONCE_LEN],
				    const struct event_who *who,
				    const char *device, const char *stage,
				    bool offline, struct challenge *c,
				    struct err *err);

/*
 * Takes back all of the device that are open, each with an attest.withdraw,
 * inside the open write transaction; *n: how many. Whatever became of the
 * device. PV_INPUT "device.id"; PV_NOT_FOUND "device.unknown"; PV_INTEGRITY
 * "store.edited"; PV_STORAGE.
 */
PV_MUST enum pv_code challenge_withdraw(struct store *store,
					const struct event_who *who,
					const char *device, size_t *n,
					struct err *err);

/*
 * The row of that nonce, held against its entry, when it may be answered for
 * that device and stage now. *why is empty, or says what is wrong: not handed
 * out, another's, used, withdrawn, over. PV_INTEGRITY "store.edited";
 * PV_STORAGE.
 */
PV_MUST enum pv_code challenge_find(struct store *store,
				    const uint8_t hash[static 32],
				    const char *device, const char *stage,
				    uint64_t now_ms, char why[64],
				    struct err *err);
/* Whether an attest.challenge says what the row does. */
PV_MUST bool challenge_fits(const struct log_entry *e,
			    const struct store_nonce *n);

#endif
