/* What is in a component: config, secrets, files. */
#include <string.h>

#include "lib/base/fileio.h"
#include "policy/template_impl.h"

#define CONFIG_DEPTH_MAX 16 /* formats.md, opening section */

static enum pv_code walk_config(struct tpl_parse *p, const struct node *n,
				struct tpl_component *c, unsigned depth);

static enum pv_code walk_string(struct tpl_parse *p, const struct node *n,
				struct tpl_component *c)
{
	struct text text = { NULL, 0 };
	enum pv_code rc = PV_OK;

	if (json_string_length(n->v) > 0)
		rc = tpl_long_text(p, n, TEMPLATE_SIZE_MAX, &text);
	if (rc == PV_OK && text_has_vars(&text)) {
		c->config_vars = true;
		if (!c->sealed)
			rc = node_fail(n, "clear_placeholder",
				       "seal the component",
				       "a clear component is the same for "
				       "every device");
	}
	text_release(&text);
	return rc;
}

static enum pv_code walk_object(struct tpl_parse *p, const struct node *n,
				struct tpl_component *c, unsigned depth)
{
	const char *key;
	json_t *value;

	json_object_foreach(n->v, key, value)
	{
		struct node child = node_get(n, key);

		if (strstr(key, "${"))
			return node_fail(&child, "config_key",
					 "use it in a value",
					 "placeholder in a key of a config");
		NODE_TRY(walk_config(p, &child, c, depth));
	}
	return PV_OK;
}

/* depth is bounded here, and by JSON_DEPTH_MAX before. */
static enum pv_code walk_config(struct tpl_parse *p, const struct node *n,
				struct tpl_component *c, unsigned depth)
{
	if (json_is_string(n->v))
		return walk_string(p, n, c);
	if (!json_is_object(n->v) && !json_is_array(n->v))
		return PV_OK;
	if (++depth > CONFIG_DEPTH_MAX)
		return node_fail(n, "config_depth", NULL,
				 "config nested deeper than %d",
				 CONFIG_DEPTH_MAX);
	if (json_is_object(n->v))
		return walk_object(p, n, c, depth);
	for (size_t i = 0; i < json_array_size(n->v); i++) {
		struct node child = node_at(n, i);

		NODE_TRY(walk_config(p, &child, c, depth));
	}
	return PV_OK;
}

enum pv_code tpl_config(struct tpl_parse *p, const struct node *n,
			struct tpl_component *c)
{
	NODE_TRY(node_object(n, NULL));
	if (!n->v)
		return PV_OK;
	c->config = n->v;
	return walk_config(p, n, c, 0);
}

static enum pv_code parse_random(const struct node *n, struct tpl_secret *s)
{
	static const char *const keys[] = { "bytes", NULL };
	struct node bytes = node_get(n, "bytes");
	uint32_t len = 0;

	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_need(&bytes));
	NODE_TRY(node_u32(&bytes, 16, 64, &len));
	s->kind = TPL_SECRET_RANDOM;
	s->bytes = len;
	return PV_OK;
}

static enum pv_code parse_derive(const struct node *n, struct tpl_secret *s)
{
	static const char *const keys[] = { "label", NULL };
	struct node label = node_get(n, "label");

	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_need(&label));
	NODE_TRY(node_string(&label, TPL_NAME_MAX, &s->source));
	for (const char *c = s->source; *c; c++)
		if (*c < 0x21 || *c > 0x7e)
			return node_fail(&label, "name", "0x21-0x7E",
					 "not a label");
	s->kind = TPL_SECRET_DERIVE;
	s->bytes = 32; /* every KDF output, formats.md 1 */
	return PV_OK;
}

static enum pv_code parse_escrow(struct tpl_parse *p, const struct node *n,
				 struct tpl_secret *s)
{
	const char *name = NULL;

	s->escrow = -1;
	NODE_TRY(node_name(n, &name));
	if (!name)
		return PV_OK;
	for (size_t i = 0; i < p->t->escrow_n; i++)
		if (strcmp(p->t->escrow[i].name, name) == 0)
			s->escrow = (int)i;
	if (s->escrow < 0)
		return node_fail(n, "escrow_unknown", "name one of /escrow",
				 "no escrow target \"%s\"", name);
	return PV_OK;
}

static enum pv_code parse_secret(struct tpl_parse *p, const struct node *n,
				 struct tpl_secret *s)
{
	static const char *const keys[] = { "random", "derive", "stored",
					    "escrow", NULL };
	struct node random = node_get(n, "random");
	struct node derive = node_get(n, "derive");
	struct node stored = node_get(n, "stored");
	struct node escrow = node_get(n, "escrow");

	NODE_TRY(node_object(n, keys));
	if (!random.v + !derive.v + !stored.v != 2)
		return node_fail(n, "secret_kind", NULL,
				 "exactly one of random, derive and stored is "
				 "needed");
	NODE_TRY(parse_escrow(p, &escrow, s));
	if (random.v)
		return parse_random(&random, s);
	if (derive.v)
		return parse_derive(&derive, s);
	if (escrow.v)
		return node_fail(&escrow, "escrow_stored", "remove it",
				 "a stored secret is not one device's");
	s->kind = TPL_SECRET_STORED;
	return node_name(&stored, &s->source);
}

enum pv_code tpl_secrets(struct tpl_parse *p, const struct node *n,
			 struct tpl_component *c)
{
	const char *name;
	json_t *value;

	NODE_TRY(node_object(n, NULL));
	if (json_object_size(n->v) > TPL_SECRETS_MAX)
		return node_fail(n, "count", NULL, "more than %d secrets",
				 TPL_SECRETS_MAX);
	if (json_object_size(n->v) > 0 && !c->sealed)
		return node_fail(n, "clear_secret", "seal the component",
				 "a clear component holds no secret");
	json_object_foreach(n->v, name, value)
	{
		struct node child = node_get(n, name);

		if (!name_is_safe(name, strlen(name)))
			return node_fail(&child, "name", NULL,
					 "not a safe name for a secret");
		c->secrets[c->secrets_n].name = name;
		NODE_TRY(parse_secret(p, &child, &c->secrets[c->secrets_n++]));
	}
	return PV_OK;
}

static enum pv_code parse_file(struct tpl_parse *p, const struct node *n,
			       struct tpl_component *c, struct tpl_file *f)
{
	static const char *const keys[] = { "utf8", "base64", NULL };
	struct node utf8 = node_get(n, "utf8");
	struct node base64 = node_get(n, "base64");

	NODE_TRY(node_object(n, keys));
	if (!utf8.v == !base64.v)
		return node_fail(n, "file_kind", NULL,
				 "exactly one of utf8 and base64 is needed");
	if (base64.v)
		return tpl_base64(&base64, &f->bytes, &f->bytes_len);
	f->is_text = true;
	NODE_TRY(tpl_long_text(p, &utf8, TEMPLATE_SIZE_MAX, &f->text));
	if (!c->sealed && text_has_vars(&f->text))
		return node_fail(&utf8, "clear_placeholder",
				 "seal the component",
				 "a clear component is the same for every "
				 "device");
	return PV_OK;
}

enum pv_code tpl_files(struct tpl_parse *p, const struct node *n,
		       struct tpl_component *c)
{
	const char *name;
	json_t *value;

	NODE_TRY(node_object(n, NULL));
	if (json_object_size(n->v) > TPL_FILES_MAX)
		return node_fail(n, "count", NULL, "more than %d files",
				 TPL_FILES_MAX);
	json_object_foreach(n->v, name, value)
	{
		struct node child = node_get(n, name);

		if (!name_is_safe(name, strlen(name)))
			return node_fail(&child, "name", NULL,
					 "not a safe name for a file");
		c->files[c->files_n].name = name;
		NODE_TRY(parse_file(p, &child, c, &c->files[c->files_n++]));
	}
	return PV_OK;
}
