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

#define TPL_STATIONS_MAX 16
#define TPL_LIST_MAX 16 /* attestation lists */

enum tpl_anomaly { TPL_ANOMALY_DENY, TPL_ANOMALY_QUARANTINE };
enum tpl_keep { TPL_KEEP_UNTIL_RECEIPT, TPL_KEEP_UNTIL_EXPIRY };

struct tpl_reference {
	const char *component; /* borrowed */
	uint8_t digest[32];    /* SHA-256 */
};

struct tpl_attestation {
	bool present, psa, tpm2, dice;
	const char *trust[TPL_LIST_MAX]; /* borrowed paths below the home */
	size_t trust_n;
	const char *lifecycle[TPL_LIST_MAX]; /* borrowed */
	size_t lifecycle_n;
	struct tpl_reference reference[TPL_LIST_MAX];
	size_t reference_n;
	uint32_t min_svn, nonce_ttl_s, offline_nonce_ttl_s;
	bool require_receipt;
};

struct tpl_limits {
	bool without_order;
	uint64_t per_order, per_hour; /* 0: no limit */
	bool hours;		      /* hours_utc was given */
	uint16_t from_min, to_min; /* minutes of the UTC day; from > to wraps */
	const char *stations[TPL_STATIONS_MAX]; /* borrowed globs: * and ? */
	size_t stations_n;			/* 0: any or none */
	enum tpl_anomaly on_anomaly;
};

struct tpl_rotation {
	bool present, fresh_evidence;
	uint32_t renew_before_days;
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
		release_quarantine;
};

#endif
