/* Rules for what components carry, and for declarations nobody uses. */
#include <string.h>

#include "policy/template_impl.h"

static bool has_content(const struct tpl_component *c)
{
	return c->certificate || c->chain || c->trust_anchors ||
	       c->private_key || c->config || c->secrets_n || c->files_n;
}

static enum pv_code lint_content(struct tpl_parse *p, const struct node *n,
				 const struct tpl_component *c)
{
	struct node content = node_get(n, "content");

	if (!has_content(c))
		return node_fail(n, "component_empty",
				 "give it content, config, secrets or files",
				 "component \"%s\" holds nothing", c->id);
	/* formats.md 1: clear components have 5, 3 and 7 only */
	if (!c->sealed && (c->certificate || c->chain || c->private_key))
		return node_fail(&content, "clear_content",
				 "seal the component",
				 "a clear component holds trust anchors, "
				 "config and files only");
	if (!p->t->has_certificate &&
	    (c->certificate || c->chain || c->trust_anchors))
		return node_fail(&content, "none_content",
				 "remove it, or carry it as a file",
				 "without a certificate there is no "
				 "certificate, chain or trust anchor");
	if (c->private_key && p->t->key != TPL_KEY_HOST)
		return node_fail(&content, "private_key",
				 "only key \"host\" is made here",
				 "provctl has no private key of this device");
	return PV_OK;
}

#define CERT_LEAST 200 /* bytes; any X.509 certificate has more */
#define PKCS8_LEAST 67 /* the same of a P-256 private key */

static uint64_t text_least(const struct text *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].var == TEXT_LITERAL)
			n += strlen(t->parts[i].literal);
	return n;
}

/* A config in CBOR: a head each; of a string what is before a placeholder. */
static uint64_t config_least(const json_t *v)
{
	const char *s = json_string_value(v), *key;
	uint64_t n = 1;
	json_t *item;
	size_t i;

	if (s)
		return n + (strstr(s, "${") ? (size_t)(strstr(s, "${") - s)
					    : strlen(s));
	json_array_foreach(v, i, item) n += config_least(item);
	json_object_foreach((json_t *)(uintptr_t)v, key, item) n +=
		1 + strlen(key) + config_least(item);
	return n;
}

/* What is known before a device is: the least a component will hold. */
static enum pv_code lint_size(const struct node *n,
			      const struct tpl_component *c)
{
	struct node max_size = node_get(n, "max_size");
	uint64_t least = 1;

	least += c->certificate ? CERT_LEAST : 0;
	least += c->private_key ? PKCS8_LEAST : 0;
	least += c->config ? config_least(c->config) : 0;
	for (size_t i = 0; i < c->secrets_n; i++)
		least += c->secrets[i].bytes;
	for (size_t i = 0; i < c->files_n; i++)
		least += c->files[i].is_text ? text_least(&c->files[i].text)
					     : c->files[i].bytes_len;
	if (least > c->max_size)
		return node_fail(max_size.v ? &max_size : n, "max_size",
				 "raise max_size",
				 "component \"%s\" holds at least %llu bytes, "
				 "max_size is %u",
				 c->id, (unsigned long long)least, c->max_size);
	return PV_OK;
}

static bool role_has_key(const struct template *t, const struct tpl_role *r)
{
	for (size_t i = 0; i < t->components_n; i++)
		if ((r->components & 1u << i) && t->components[i].private_key)
			return true;
	return false;
}

/* policy.md: a host key reaches the device as sealed content or not at all. */
static enum pv_code lint_host_key(struct tpl_parse *p,
				  const struct node *components)
{
	if (p->t->key != TPL_KEY_HOST)
		return PV_OK;
	for (size_t i = 0; i < p->t->roles_n; i++)
		if (!role_has_key(p->t, &p->t->roles[i]))
			return node_fail(components, "host_key",
					 "add \"private_key\": true to a "
					 "sealed component",
					 "key \"host\" and nothing carries it "
					 "to role \"%s\"",
					 p->t->roles[i].name);
	return PV_OK;
}

static void warn_escrow(struct tpl_parse *p, const struct node *root)
{
	struct node escrow = node_get(root, "escrow");
	const struct template *t = p->t;

	for (size_t i = 0; i < t->escrow_n; i++) {
		struct node n = node_get(&escrow, t->escrow[i].name);
		bool used = false;

		for (size_t c = 0; c < t->components_n; c++)
			for (size_t s = 0; s < t->components[c].secrets_n; s++)
				if (t->components[c].secrets[s].escrow ==
				    (int)i)
					used = true;
		if (!used)
			tpl_warn(p, &n, "escrow_unused",
				 "no secret names escrow target \"%s\"",
				 t->escrow[i].name);
		if (!t->escrow[i].pinned)
			tpl_warn(p, &n, "escrow_unpinned",
				 "the SHA-256 of the certificate is not said, "
				 "which a roster asks for");
	}
}

/* A secret that only the device knows authenticates it to nobody. */
static void warn_unshared(struct tpl_parse *p, const struct node *component,
			  const struct tpl_component *c)
{
	struct node secrets = node_get(component, "secrets");

	for (size_t i = 0; i < c->secrets_n; i++) {
		struct node n = node_get(&secrets, c->secrets[i].name);

		if (c->secrets[i].kind == TPL_SECRET_RANDOM &&
		    c->secrets[i].escrow < 0)
			tpl_warn(p, &n, "secret_unshared",
				 "only the device will know \"%s\"; name an "
				 "escrow target where a backend needs it",
				 c->secrets[i].name);
	}
}

enum pv_code tpl_lint_parts(struct tpl_parse *p, const struct node *root)
{
	struct node components = node_get(root, "components");

	for (size_t i = 0; i < p->t->components_n; i++) {
		const struct tpl_component *c = &p->t->components[i];
		struct node n = node_get(&components, c->id);

		NODE_TRY(lint_content(p, &n, c));
		NODE_TRY(lint_size(&n, c));
		warn_unshared(p, &n, c);
	}
	warn_escrow(p, root);
	return lint_host_key(p, &components);
}
