/*
 * template_impl: what the template's section parsers share. Each takes its
 * node (which may be absent), fills its part of the template and fails with
 * "template.*". Private to policy/.
 */
#ifndef PV_POLICY_TEMPLATE_IMPL_H
#define PV_POLICY_TEMPLATE_IMPL_H

#include "policy/node.h"
#include "policy/template.h"

#define CRL_LIFETIME_H 168u /* hours, where a CA's template is silent */
#define CRL_OVERLAP_H 24u

struct tpl_parse {
	struct node_reader r;
	struct template *t;
	struct template_warnings *warnings; /* may be NULL */
};

/* template.c */
PV_PRINTF(4, 5)
void tpl_warn(struct tpl_parse *p, const struct node *n, const char *rule,
	      const char *fmt, ...);
/* Text with placeholders, below TEXT_VALUE_MAX bytes before expansion. */
PV_MUST enum pv_code tpl_text(struct tpl_parse *p, const struct node *n,
			      bool allow_shard, struct text *out);
/* As tpl_text(), with a bound of its own. */
PV_MUST enum pv_code tpl_long_text(struct tpl_parse *p, const struct node *n,
				   size_t max, struct text *out);
PV_MUST enum pv_code tpl_oid(const struct node *n, struct oid *out);
/* A path below the home: safe names joined by '/'. */
PV_MUST enum pv_code tpl_path(const struct node *n, const char **out);
/* A certificate: its path alone, or with the digest of what lies there. */
PV_MUST enum pv_code tpl_target(const struct node *n, struct tpl_escrow *to);
/* Base64 into owned bytes, at least one. */
PV_MUST enum pv_code tpl_base64(const struct node *n, uint8_t **out,
				size_t *len);

/* template_device.c: ids, uuids, device; template_roles.c: the rest of it */
PV_MUST enum pv_code tpl_identity(struct tpl_parse *p, const struct node *root);
PV_MUST enum pv_code tpl_device(struct tpl_parse *p, const struct node *n);
PV_MUST enum pv_code tpl_roles(struct tpl_parse *p, const struct node *n);
PV_MUST enum pv_code tpl_stages(struct tpl_parse *p, const struct node *n);

/* template_cert.c, template_ext.c, template_san.c */
PV_MUST enum pv_code tpl_certificate(struct tpl_parse *p, const struct node *n);
PV_MUST enum pv_code tpl_extensions(struct tpl_parse *p, const struct node *n);
/* A list, or {"critical": true, "values": [...]}; n must outlive *list. */
PV_MUST enum pv_code tpl_list_or_critical(const struct node *n,
					  struct node *list, bool *critical);
PV_MUST enum pv_code tpl_san(struct tpl_parse *p, const struct node *n);
PV_MUST enum pv_code tpl_custom(struct tpl_parse *p, const struct node *n);

/*
 * template_value.c: what of a text is known before a device is may stand in a
 * certificate. Rule subject_value, san_value, uri_value or custom_value.
 */
PV_MUST enum pv_code tpl_value_subject(const struct node *n,
				       const struct profile_rdn *rdn);
PV_MUST enum pv_code tpl_value_san(const struct node *n,
				   const struct profile_san *san);
PV_MUST enum pv_code tpl_value_uri(const struct node *n, const struct text *t);
PV_MUST enum pv_code tpl_value_custom(const struct node *n,
				      const struct text *t);

/* template_parts.c, template_config.c */
PV_MUST enum pv_code tpl_escrows(struct tpl_parse *p, const struct node *n);
PV_MUST enum pv_code tpl_components(struct tpl_parse *p, const struct node *n);
PV_MUST enum pv_code tpl_config(struct tpl_parse *p, const struct node *n,
				struct tpl_component *c);
PV_MUST enum pv_code tpl_secrets(struct tpl_parse *p, const struct node *n,
				 struct tpl_component *c);
PV_MUST enum pv_code tpl_files(struct tpl_parse *p, const struct node *n,
			       struct tpl_component *c);

/* template_limits.c, template_attest.c */
PV_MUST enum pv_code tpl_seal(struct tpl_parse *p, const struct node *n);
PV_MUST enum pv_code tpl_limits(struct tpl_parse *p, const struct node *n);
PV_MUST enum pv_code tpl_rotation(struct tpl_parse *p, const struct node *n);
PV_MUST enum pv_code tpl_approvals(struct tpl_parse *p, const struct node *n);
PV_MUST enum pv_code tpl_manifest(struct tpl_parse *p, const struct node *n);
PV_MUST enum pv_code tpl_attestation(struct tpl_parse *p, const struct node *n);

/* Rules across sections, once all is parsed: lint.c, lint_*.c */
PV_MUST enum pv_code tpl_lint(struct tpl_parse *p, const struct node *root);
PV_MUST enum pv_code tpl_lint_parts(struct tpl_parse *p,
				    const struct node *root);
PV_MUST enum pv_code tpl_lint_stages(struct tpl_parse *p,
				     const struct node *root);
PV_MUST enum pv_code tpl_lint_cert(struct tpl_parse *p,
				   const struct node *root);
PV_MUST enum pv_code tpl_lint_matter(struct tpl_parse *p,
				     const struct node *root);
/* Warns only: such a template was adopted before, and harms nobody. */
void tpl_lint_limits(struct tpl_parse *p, const struct node *root);

#endif
