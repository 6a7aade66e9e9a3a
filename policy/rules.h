/*
 * rules: the sections of a template that bind its use rather than its bundles:
 * attestation, limits, rotation, approvals. Filled by template_parse(), strings
 * borrowed from its document. Specification: policy.md, "Template".
 */
#ifndef PV_POLICY_RULES_H
#define PV_POLICY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/parts.h"

#define TPL_STATIONS_MAX 16
#define TPL_LIST_MAX 16 /* attestation lists */
#define TPL_NONCE_TTL_MAX_S 86400u

#define TPL_QUARANTINE_MAX                                                     \
	10000 /* where limits.quarantine_max is not given                      \
	       */

enum tpl_anomaly { TPL_ANOMALY_DENY, TPL_ANOMALY_QUARANTINE };
enum tpl_keep { TPL_KEEP_UNTIL_RECEIPT, TPL_KEEP_UNTIL_EXPIRY };

struct tpl_reference {
	const char *component; /* borrowed */
	uint8_t digest[32];    /* SHA-256 */
};
enum tpl_evidence { TPL_PSA, TPL_TPM2, TPL_DICE };
/* Evidence of which format it is held against: "pcr" and "layer" begin the
 * names of what TPMs and DICE measure, others are a PSA token's. */
enum tpl_evidence tpl_reference_of(const struct tpl_reference *r);

struct tpl_attestation {
	bool present, psa, tpm2, dice;
	struct tpl_escrow trust[TPL_LIST_MAX]; /* without names; CRLs, too */
	size_t trust_n;
	const char *lifecycle[TPL_LIST_MAX]; /* static */
	size_t lifecycle_n;
	struct tpl_reference reference[TPL_LIST_MAX];
	size_t reference_n;
	uint32_t min_svn, nonce_ttl_s, offline_nonce_ttl_s;
	bool require_receipt;
};

/* What `audit anomalies` looks for in the log (lib/flow/anomaly_watch.h). */
enum tpl_watch {
	TPL_WATCH_TWO_KEYS, /* one device: denials in a day */
	TPL_WATCH_ONE_KEY,  /* two devices: denials in a day */
	TPL_WATCH_HOURS,    /* outside of them: denials in a day */
	TPL_WATCH_STATION,  /* unknown: denials in a day */
	TPL_WATCH_RATE,	    /* devices in an hour */
	TPL_WATCH_CLOCK,    /* seconds between two entries */
	TPL_WATCH_EVIDENCE, /* failing for a lot, in a day */
	TPL_WATCH_RECEIPTS, /* hours until one is missing */
	TPL_WATCH_RETRIES,  /* of one device that were denied, in a day */
	TPL_WATCH_QUANTITY, /* percent of an open order's */
	TPL_WATCHES
};

struct tpl_limits {
	bool without_order;
	uint64_t per_order, per_hour; /* 0: no limit */
	bool hours;		      /* hours_utc was given */
	uint16_t from_min, to_min; /* minutes of the UTC day; from > to wraps */
	const char *stations[TPL_STATIONS_MAX]; /* borrowed globs: * and ? */
	size_t stations_n;			/* 0: any or none */
	enum tpl_anomaly on_anomaly;
	uint32_t quarantine_max;     /* requests that wait, of one order */
	uint32_t watch[TPL_WATCHES]; /* thresholds; 0: not watched */
};

/* The key of limits.anomalies: "two_keys_one_device" and so on. */
const char *tpl_watch_name(enum tpl_watch watch);
/* Its threshold where the template says none; 0: not watched then. */
uint32_t tpl_watch_preset(enum tpl_watch watch);

struct tpl_rotation {
	bool present, fresh_evidence;
	bool same_key;		 /* a CSR's key may be certified once more */
	uint64_t renew_before_s; /* due so long before the certificate ends */
	enum tpl_keep keep_previous;
};

/* What one operation asks for, beside the roster's quorum. */
struct tpl_approval {
	uint32_t persons;   /* 0: none */
	bool token;	    /* signed with keys that are in tokens */
	uint32_t max_age_s; /* of the request; 0: as for any other */
};

struct tpl_approvals {
	struct tpl_approval adopt, order, revoke, rotate_ca, export_offline,
		release_quarantine, attest_enrol;
};

#endif
