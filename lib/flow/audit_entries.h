/*
 * audit_entries: what a log says by itself, wherever its entries come from: in
 * order, each well formed and not older than the one before, one intent a
 * serial, one issue at most and after it, a quarantine of an open intent only,
 * a serial revoked once, unless it was held, no trust anchor but a CA's. What
 * people decided is one chain, each with its approvals (pairing.h), and rosters
 * count up by one; of no order is there more than it allows, and its end counts
 * what there is (quota.h); a TPM's key came of an offer that was approved. The
 * tree grows with them. Each type of entry is a row of the table in
 * audit_entries.c.
 *
 * Holds five bits a serial (serialset.h), and what audit.c compares with rows
 * of CAs, keys and templates. Does not check: the root; rows of the store.
 */
#ifndef PV_FLOW_AUDIT_ENTRIES_H
#define PV_FLOW_AUDIT_ENTRIES_H

#include "lib/flow/acts.h"
#include "lib/flow/audit_crl.h"
#include "lib/flow/governance.h"
#include "lib/flow/pairing.h"
#include "lib/flow/quota.h"
#include "lib/flow/serialset.h"
#include "lib/log/lifecycle.h"
#include "lib/log/tree.h"
#include "lib/store/store_types.h"

#define AUDIT_LIST_MAX 4096 /* CAs, keys, templates: each */

/* A CA's intent as the log has it. */
struct audit_ca {
	char serial[2 * STORE_SERIAL_MAX + 1];
	char name[STORE_ID_MAX + 1];
	uint8_t tbs[32], cert[32], template_hash[32];
	uint64_t shards;
	uint64_t generation, signer; /* of its key, and of the one above */
	uint64_t active_ms;
	bool cross, elsewhere; /* its key is: a request was signed */
	bool imported; /* ca.import: serial, tbs and signer are not ours */
	bool issued, matched;
	uint8_t spki[32]; /* of an imported one */
	uint64_t index;	  /* of its ca.import */
};

struct audit_key { /* key.generate */
	char label[STORE_LABEL_MAX + 1];
	char purpose[STORE_ID_MAX + 1];
	char kind[16];
	uint8_t spki[32]; /* hash; all zero for a secret key */
	uint8_t id[STORE_UUID], attributes[32];
	uint64_t generation, index; /* of the entry */
	bool secret, generated, matched;
	bool rotated;		      /* it was put in another's place */
	uint64_t restored, destroyed; /* newest of each; or STORE_NO_INDEX */
};

struct audit_template { /* template.adopt */
	uint8_t sha256[32];
};
struct audit_entries { /* zeroed: nothing was taken yet */
	struct log_hasher hasher;
	struct log_tree tree;
	struct log_tree_sink sink; /* told of the tree; done may be NULL */
	struct log_entry entry;	   /* the one that is looked at */

	struct serialset serials;	 /* every number that may be lent */
	uint64_t intents, issues, seals; /* entries */
	uint64_t retires, receipts, rollbacks, releases;
	uint64_t enrolled, challenges, evidence, answered; /* attestation */
	uint64_t withdrawn;
	/* The last bundle.seal: index of the entry behind it, 0 unless it is
	 * for evidence; the bundle and that. */
	uint64_t seal_index;
	char seal[2 * STORE_UUID + 1];
	uint8_t seal_evidence[32];
	uint64_t last_ms;   /* newest time in an entry */
	uint64_t before_ms; /* in the entries before this one */

	struct governance governance; /* the chain of what people decided */
	struct pairing pairing;	      /* its newest, and their approvals */
	struct acts acts;	      /* what else was approved */
	uint64_t rosters;	      /* version of the newest */
	uint64_t held;		      /* rows that quarantine.put names */
	struct quota quota;	      /* what was issued under each order */
	struct audit_crls crls;	      /* what is published */

	/* Certificates of OCSP responders: each goes along with its answers,
	 * none has a row. */
	uint32_t *responders;
	size_t responders_n, responders_room;
	struct audit_offer *offers; /* those that may still be answered */
	size_t offers_n, offers_room;
	struct audit_ca *cas;
	struct audit_key *keys;
	struct audit_template *templates;
	size_t cas_n, keys_n, templates_n;
};

/* For the first numbers serials from STORE_SERIAL_FIRST on. PV_INTERNAL. */
PV_MUST enum pv_code audit_entries_init(struct audit_entries *au,
					uint64_t numbers, struct err *err);
void audit_entries_release(struct audit_entries *au);
/*
 * The next entry: first into the tree, whose sink may refuse it, then its
 * checks. PV_INTEGRITY, rule "log.entry" or "audit.*"; the object may be set,
 * to what the entry is about.
 */
PV_MUST enum pv_code audit_entries_take(struct audit_entries *au,
					struct span bytes, struct err *err);

/* There is no further one. PV_INTEGRITY, "store.governance". */
PV_MUST enum pv_code audit_entries_end(const struct audit_entries *au,
				       struct err *err);
/* Ordered part of a serial in hex; false when it is none of ours. */
PV_MUST bool audit_number(struct span hex, uint32_t *number);
PV_PRINTF(4, 5)
enum pv_code audit_fail(struct err *err, const char *object, const char *rule,
			const char *fmt, ...);

#endif
