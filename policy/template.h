/*
 * template: the JSON policy for one device class or one CA, parsed and linted
 * in one go. A struct template exists only when every rule held, and is
 * read-only. Nothing here reads files, keys or the clock.
 *
 * Does not check: that the issuer, escrow files and stored secrets exist, that
 * the issuer outlives the certificate, sizes after expansion.
 * Specification: policy.md, formats.md 1 and 2, profiles.md, and
 * templates/template.schema.json, which says the same for editors.
 */
#ifndef PV_POLICY_TEMPLATE_H
#define PV_POLICY_TEMPLATE_H

#include "lib/base/json.h"
#include "lib/x509/profile.h"
#include "policy/parts.h"
#include "policy/rules.h"

#define TEMPLATE_SIZE_MAX (256u * 1024u) /* bytes of one template file */
#define TEMPLATE_WARNINGS_MAX 16
/* 99991231235959Z, RFC 5280 4.1.2.5, in seconds since the epoch */
#define TEMPLATE_NO_EXPIRY_S 253402300799

struct template
{
	struct json_doc *doc; /* owned; strings below borrow from it */
	uint8_t sha256[32];   /* of the file's bytes */
	const char *name;
	uint32_t version;    /* 1 to 2^31 - 1 */
	bool ca;	     /* CA template: the rest up to profile is empty */
	uint32_t crl_shards; /* CA: crl.shards, 1 when absent */
	uint32_t crl_lifetime_h, crl_overlap_h; /* CA: "crl", hours */

	uint8_t vendor[16], class_id[16];
	struct tpl_pattern id;
	const char *field_names[TEXT_FIELDS_MAX]; /* for struct text_vars */
	struct tpl_pattern field_patterns[TEXT_FIELDS_MAX];
	size_t fields_n;
	enum tpl_key key;
	enum tpl_algorithm algorithm; /* TPL_ALG_NONE with TPL_KEY_NONE */
	enum tpl_recipient recipient;

	bool has_certificate;
	struct x509_profile profile; /* valid with has_certificate */

	struct tpl_component
		components[TPL_COMPONENTS_MAX]; /* manifest order */
	size_t components_n; /* 0: a certificate only, no stage, no bundle */
	struct tpl_role roles[TPL_ROLES_MAX];
	size_t roles_n;
	struct tpl_stage
		stages[TPL_STAGES_MAX]; /* bootstrap before operational */
	size_t stages_n;
	struct tpl_escrow escrow[TPL_ESCROW_MAX];
	size_t escrow_n;

	bool manifest_from_adoption; /* not-before is the time of adoption */
	uint64_t manifest_not_before_s, manifest_not_after_s;
	uint32_t chunk; /* 256 to 4096, a power of two */
	enum tpl_signature signature;
	struct tpl_attestation attestation;
	struct tpl_limits limits;
	struct tpl_rotation rotation;
	struct tpl_approvals approvals;
};

struct template_warning {
	char rule[64], pointer[128], text[256];
	size_t line, column;
};

struct template_warnings {
	struct template_warning list[TEMPLATE_WARNINGS_MAX];
	size_t n;
};

/*
 * Parses and lints a template file's bytes (copied). name is what messages
 * call it. warnings may be NULL. *out is owned by the caller; NULL on failure.
 * PV_INPUT with rule "json.*" or "template.*" and JSON pointer, line and
 * column in the message; PV_INTERNAL for memory.
 */
PV_MUST enum pv_code template_parse(struct span text, struct template **out,
				    struct template_warnings *warnings,
				    struct err *err);
void template_free(struct template *t);

/*
 * Effective template with every default filled in, as a new JSON object that
 * the caller owns (json_decref). It parses again to the same template but for
 * the digest.
 */
PV_MUST enum pv_code template_show(const struct template *t, json_t **out,
				   struct err *err);

/* Whole match. False also when the matcher runs out of memory. */
PV_MUST bool template_match(const struct tpl_pattern *p, const char *s);

/* Index of the role; name NULL or "" means the only role. False: no such. */
PV_MUST bool template_role(const struct template *t, const char *name,
			   size_t *role);

/*
 * Components of one role in one stage, as indices in manifest order; returns
 * their number. 0 means that this role has no bundle in that stage; else at
 * least one of them is sealed.
 */
size_t template_select(const struct template *t, size_t role, size_t stage,
		       size_t out[TPL_COMPONENTS_MAX]);

/* True when some stage is sealed at once, before any evidence. */
PV_MUST bool template_seals_now(const struct template *t);

/* "bootstrap" or "operational". */
const char *template_stage_name(enum tpl_stage_kind kind);

/* 2 * version - 1 for bootstrap, 2 * version for operational. */
uint64_t template_sequence(const struct template *t, enum tpl_stage_kind kind);

#endif
