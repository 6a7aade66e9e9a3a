/* audit_impl: what the passes of an audit share. Included by audit*.c only. */
#ifndef PV_FLOW_AUDIT_IMPL_H
#define PV_FLOW_AUDIT_IMPL_H

#include "lib/flow/audit.h"
#include "lib/flow/due.h"
#include "lib/log/events.h"
#include "lib/log/tree.h"
#include "lib/x509/cert.h"

#define AUDIT_LIST_MAX 4096 /* CAs, keys, templates: each */

/* A CA's intent as the log has it. */
struct audit_ca {
	char serial[2 * STORE_SERIAL_MAX + 1];
	char name[STORE_ID_MAX + 1];
	uint8_t tbs[32], cert[32];
	uint64_t shards;
	bool issued, matched;
};

struct audit_key { /* key.generate */
	char label[STORE_LABEL_MAX + 1];
	char purpose[STORE_ID_MAX + 1];
	char kind[16];
	uint8_t spki[32]; /* hash; all zero for a secret key */
	uint8_t id[STORE_UUID], attributes[32];
	uint64_t generation;
	bool secret, generated, matched;
};

struct audit_template { /* template.adopt */
	char name[STORE_ID_MAX + 1];
	char actor[STORE_TEXT_MAX + 1];
	uint64_t version, time_ms;
	uint8_t sha256[32];
};

#define AUDIT_SIGNERS_MAX 64 /* generations of the bundle key */

struct audit_signer { /* a bundle key's public half, as recorded */
	uint8_t kid[8];
	struct x509_verifier *verifier;
};

struct audit {
	const struct authority *a;
	struct store *store;
	const struct audit_opts *opts;
	struct audit_counts *counts;
	uint64_t total, done; /* for progress */

	struct log_hasher hasher;
	struct log_tree tree;

	/* One bit for each serial ever lent. */
	uint8_t *intents, *issues, *held;
	uint64_t first, numbers;
	uint64_t seals;	  /* bundle.seal entries */
	uint64_t last_ms; /* newest time in an entry */
	uint64_t open;	  /* devices with an intent, held ones too */

	struct audit_ca *cas;
	struct audit_key *keys;
	struct audit_template *templates;
	size_t cas_n, keys_n, templates_n;

	struct audit_signer signers[AUDIT_SIGNERS_MAX];
	size_t signers_n;
	/* What was verified last: many bundles share a signature. */
	uint8_t manifest_digest[32], batch_digest[32];
	uint8_t manifest_sig[64], batch_sig[64];

	struct buf entry, sealed; /* used again and again */
	struct due due;
};

/* First pass: every entry of the log. */
PV_MUST enum pv_code audit_log(struct audit *au, struct err *err);
/* Second: devices with their certificates and bundles. */
PV_MUST enum pv_code audit_devices(struct audit *au, struct err *err);
/* The bundles of one device; *stages gets due_bit() of each. */
PV_MUST enum pv_code audit_bundles(struct audit *au,
				   const struct store_device *d,
				   unsigned *stages, struct err *err);
/* The recorded bundle keys, for signatures; before the second pass. */
PV_MUST enum pv_code audit_signers(struct audit *au, struct err *err);
/* Third: CAs, keys, templates, and entries that are left over. */
PV_MUST enum pv_code audit_authority(struct audit *au, struct err *err);

void audit_progress(struct audit *au);
/* Place of a serial's bit; false when it was never lent. */
PV_MUST bool audit_bit(const struct audit *au, uint32_t number, uint64_t *bit);
PV_MUST bool audit_get(const uint8_t *bits, uint64_t bit);
void audit_set(uint8_t *bits, uint64_t bit, bool value);
/* Ordered part of a serial in hex; false when it is none of ours. */
PV_MUST bool audit_number(struct span hex, uint32_t *number);

/* The entry at index, of that type and object; PV_INTEGRITY "audit.entry". */
PV_MUST enum pv_code audit_entry(struct audit *au, uint64_t index,
				 const char *type, const char *object,
				 struct log_entry *e, struct err *err);
PV_PRINTF(4, 5)
enum pv_code audit_fail(struct err *err, const char *object, const char *rule,
			const char *fmt, ...);

#endif
