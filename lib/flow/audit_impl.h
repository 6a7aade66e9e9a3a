/* audit_impl: what the passes of an audit share. Included by audit*.c only. */
#ifndef PV_FLOW_AUDIT_IMPL_H
#define PV_FLOW_AUDIT_IMPL_H

#include "lib/flow/audit.h"
#include "lib/log/events.h"
#include "lib/log/tree.h"

#define AUDIT_LIST_MAX 4096 /* CAs, keys, templates: each */

/* A CA's intent as the log has it. */
struct audit_ca {
	char serial[2 * STORE_SERIAL_MAX + 1];
	char name[STORE_ID_MAX + 1];
	uint8_t tbs[32], cert[32];
	bool issued, matched;
};

struct audit_key { /* key.generate */
	char label[STORE_LABEL_MAX + 1];
	uint8_t spki[32]; /* hash; of a secret key: id in the first bytes */
	bool secret;
};

struct audit_template { /* template.adopt */
	char name[STORE_ID_MAX + 1];
	uint64_t version;
	uint8_t sha256[32];
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
	uint8_t *intents, *issues;
	uint64_t first, numbers;
	uint64_t seals; /* bundle.seal entries */

	struct audit_ca *cas;
	struct audit_key *keys;
	struct audit_template *templates;
	size_t cas_n, keys_n, templates_n;

	struct buf entry, sealed; /* used again and again */
};

/* First pass: every entry of the log. */
PV_MUST enum pv_code audit_log(struct audit *au, struct err *err);
/* Second: devices with their certificates and bundles. */
PV_MUST enum pv_code audit_devices(struct audit *au, struct err *err);
/* Third: CAs, keys, templates, and entries that are left over. */
PV_MUST enum pv_code audit_authority(struct audit *au, struct err *err);

void audit_progress(struct audit *au);
/* Place of a serial's bit; false when it was never lent. */
PV_MUST bool audit_bit(const struct audit *au, uint32_t number, uint64_t *bit);
PV_MUST bool audit_get(const uint8_t *bits, uint64_t bit);
void audit_set(uint8_t *bits, uint64_t bit, bool value);
/* Ordered part of a serial in hex; false when it is none of ours. */
PV_MUST bool audit_number(struct span hex, uint32_t *number);

/* True when the fact is a text with exactly these bytes; s "" means absent. */
PV_MUST bool audit_fact_is(const struct log_entry *e, const char *key,
			   const char *s);
/* The entry at index, of that type and object; PV_INTEGRITY "audit.entry". */
PV_MUST enum pv_code audit_entry(struct audit *au, uint64_t index,
				 const char *type, const char *object,
				 struct log_entry *e, struct err *err);
PV_PRINTF(4, 5)
enum pv_code audit_fail(struct err *err, const char *object, const char *rule,
			const char *fmt, ...);

#endif
