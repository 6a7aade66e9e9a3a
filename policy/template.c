#include "policy/template.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "policy/oid.h"
#include "policy/pattern.h"
#include "policy/template_impl.h"

CLEANUP_PTR(struct template, template_free);

void tpl_warn(struct tpl_parse *p, const struct node *n, const char *rule,
	      const char *fmt, ...)
{
	char pointer[NODE_POINTER_MAX];
	struct template_warning *w;
	va_list ap;

	if (!p->warnings || p->warnings->n == TEMPLATE_WARNINGS_MAX)
		return;
	w = &p->warnings->list[p->warnings->n++];
	memset(w, 0, sizeof(*w));
	snprintf(w->rule, sizeof(w->rule), "%s.%s", p->r.area, rule);
	node_pointer(n, pointer);
	snprintf(w->pointer, sizeof(w->pointer), "%.127s", pointer);
	va_start(ap, fmt);
	vsnprintf(w->text, sizeof(w->text), fmt, ap);
	va_end(ap);
	if (!json_where(p->r.doc, pointer, &w->line, &w->column))
		w->line = w->column = 1;
}

static enum pv_code parse_text(struct tpl_parse *p, const struct node *n,
			       const char *s, bool allow_shard,
			       struct text *out)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = text_parse(out, s, p->t->field_names, p->t->fields_n, allow_shard,
			&why);
	if (rc == PV_INPUT)
		return node_fail(n, "placeholder", why.hint, "%s", why.message);
	if (rc != PV_OK)
		return err_fail(p->r.err, rc, why.rule, why.hint, "%s",
				why.message);
	return PV_OK;
}

enum pv_code tpl_text(struct tpl_parse *p, const struct node *n,
		      bool allow_shard, struct text *out)
{
	const char *s = NULL;

	NODE_TRY(node_string(n, TEXT_VALUE_MAX - 1, &s));
	return s ? parse_text(p, n, s, allow_shard, out) : PV_OK;
}

enum pv_code tpl_long_text(struct tpl_parse *p, const struct node *n,
			   size_t max, struct text *out)
{
	size_t len = json_string_length(n->v);

	if (!json_is_string(n->v))
		return node_fail(n, "type", NULL, "not a string");
	if (len == 0 || len > max)
		return node_fail(n, "length", NULL,
				 "text of %zu bytes where 1 to %zu are allowed",
				 len, max);
	return parse_text(p, n, json_string_value(n->v), false, out);
}

enum pv_code tpl_oid(const struct node *n, struct oid *out)
{
	const char *s = NULL;

	NODE_TRY(node_string(n, 128, &s));
	if (s && !policy_oid_parse(s, out))
		return node_fail(n, "oid", "write it dotted, as 2.5.29.19",
				 "not an object identifier");
	return PV_OK;
}

enum pv_code tpl_path(const struct node *n, const char **out)
{
	const char *s = NULL;

	NODE_TRY(node_string(n, 255, &s));
	for (const char *p = s; p;) {
		size_t len = strcspn(p, "/");

		if (!name_is_safe(p, len))
			return node_fail(n, "path",
					 "relative to the home, without ..",
					 "not a path below the home");
		p = p[len] ? p + len + 1 : NULL;
	}
	if (s)
		*out = s;
	return PV_OK;
}

enum pv_code tpl_base64(const struct node *n, uint8_t **out, size_t *len)
{
	const char *s = NULL;
	size_t cap;

	NODE_TRY(node_string(n, TEMPLATE_SIZE_MAX, &s));
	if (!s)
		return PV_OK;
	cap = BASE64_DECODED_MAX(strlen(s));
	*out = mem_array(1, cap, n->r->err);
	if (!*out)
		return PV_INTERNAL;
	if (!base64_decode(s, strlen(s), *out, cap, len) || *len == 0)
		return node_fail(n, "base64", "standard alphabet with padding",
				 "not base64 of RFC 4648, section 4");
	return PV_OK;
}

/* A list is out of date at once when the next one is never due before. */
static enum pv_code parse_crl(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "shards", "lifetime_hours",
					    "overlap_hours", NULL };
	struct node shards = node_get(n, "shards");
	struct node lifetime = node_get(n, "lifetime_hours");
	struct node overlap = node_get(n, "overlap_hours");
	struct template *t = p->t;

	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_u32(&shards, 1, 65536, &t->crl_shards));
	NODE_TRY(node_u32(&lifetime, 1, 8760, &t->crl_lifetime_h));
	t->crl_overlap_h = t->crl_lifetime_h < 2 * CRL_OVERLAP_H
				   ? t->crl_lifetime_h / 2
				   : CRL_OVERLAP_H;
	NODE_TRY(node_u32(&overlap, 0, 8759, &t->crl_overlap_h));
	if (t->crl_overlap_h >= t->crl_lifetime_h)
		return node_fail(&overlap, "crl",
				 "let lists live longer than they overlap",
				 "not less than lifetime_hours");
	return PV_OK;
}

static enum pv_code parse_ca(struct tpl_parse *p, const struct node *root)
{
	static const char *const keys[] = { "template",	   "version",	"ca",
					    "certificate", "approvals", "crl",
					    NULL };
	struct node cert = node_get(root, "certificate");
	struct node crl = node_get(root, "crl");
	struct node approvals = node_get(root, "approvals");

	NODE_TRY(node_object(root, keys));
	NODE_TRY(node_need(&cert));
	NODE_TRY(tpl_certificate(p, &cert));
	NODE_TRY(parse_crl(p, &crl));
	return tpl_approvals(p, &approvals);
}

/* Sections in the order in which they need each other. */
static enum pv_code parse_device_class(struct tpl_parse *p,
				       const struct node *root)
{
	static const char *const keys[] = {
		"template", "version", "ca",	   "vendor",	  "class",
		"device",   "seal",    "escrow",   "certificate", "components",
		"stages",   "limits",  "rotation", "approvals",	  "attestation",
		"manifest", NULL
	};
	struct node device = node_get(root, "device");
	struct node cert = node_get(root, "certificate");
	struct node escrow = node_get(root, "escrow");
	struct node components = node_get(root, "components");
	struct node roles = node_get(&device, "roles");
	struct node stages = node_get(root, "stages");
	struct node attestation = node_get(root, "attestation");
	struct node seal = node_get(root, "seal");
	struct node limits = node_get(root, "limits");
	struct node rotation = node_get(root, "rotation");
	struct node approvals = node_get(root, "approvals");
	struct node manifest = node_get(root, "manifest");

	NODE_TRY(node_object(root, keys));
	NODE_TRY(node_need(&device));
	NODE_TRY(tpl_device(p, &device));
	NODE_TRY(tpl_certificate(p, &cert));
	NODE_TRY(tpl_escrows(p, &escrow));
	NODE_TRY(tpl_components(p, &components));
	NODE_TRY(tpl_roles(p, &roles));
	NODE_TRY(tpl_stages(p, &stages));
	NODE_TRY(tpl_attestation(p, &attestation));
	NODE_TRY(tpl_seal(p, &seal));
	NODE_TRY(tpl_limits(p, &limits));
	NODE_TRY(tpl_rotation(p, &rotation));
	NODE_TRY(tpl_approvals(p, &approvals));
	return tpl_manifest(p, &manifest);
}

static enum pv_code parse_all(struct tpl_parse *p)
{
	struct node root = node_root(&p->r);
	struct node ca = node_get(&root, "ca");

	NODE_TRY(node_object(&root, NULL));
	NODE_TRY(node_bool(&ca, &p->t->ca));
	NODE_TRY(tpl_identity(p, &root));
	NODE_TRY(p->t->ca ? parse_ca(p, &root) : parse_device_class(p, &root));
	return tpl_lint(p, &root);
}

enum pv_code template_parse(struct span text, struct template **out,
			    struct template_warnings *warnings, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	struct tpl_parse p = {
		.r = { .area = "template",
		       .schema = "see templates/template.schema.json",
		       .err = err },
		.warnings = warnings
	};

	*out = NULL;
	if (warnings)
		warnings->n = 0;
	t = mem_new(sizeof(*t), err);
	if (!t)
		return PV_INTERNAL;
	NODE_TRY(json_parse_max(text, TEMPLATE_SIZE_MAX, &t->doc, err));
	NODE_TRY(sha256(text, t->sha256, err));
	p.r.doc = t->doc;
	p.t = t;
	NODE_TRY(parse_all(&p));
	*out = TAKE(t);
	return PV_OK;
}

static void release_profile(struct x509_profile *p)
{
	for (size_t i = 0; i < p->subject_n; i++)
		text_release(&p->subject[i].value);
	for (size_t i = 0; i < p->san_n; i++)
		text_release(&p->san[i].value);
	for (size_t i = 0; i < p->cdp_n; i++)
		text_release(&p->cdp[i]);
	for (size_t i = 0; i < p->custom_n; i++) {
		text_release(&p->custom[i].text);
		free(p->custom[i].bytes);
	}
	text_release(&p->ocsp);
	text_release(&p->ca_issuers);
}

static void release_component(struct tpl_component *c)
{
	for (size_t i = 0; i < c->files_n; i++) {
		text_release(&c->files[i].text);
		free(c->files[i].bytes);
	}
}

void template_free(struct template *t)
{
	if (!t)
		return;
	pattern_release(&t->id);
	for (size_t i = 0; i < t->fields_n; i++)
		pattern_release(&t->field_patterns[i]);
	release_profile(&t->profile);
	for (size_t i = 0; i < t->components_n; i++)
		release_component(&t->components[i]);
	json_doc_free(t->doc);
	free(t);
}
