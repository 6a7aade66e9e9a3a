/* Escrow targets and components; what is in them is template_config.c. */
#include <stdio.h>
#include <string.h>

#include "lib/base/fileio.h"
#include "policy/template_impl.h"

enum pv_code tpl_target(const struct node *n, struct tpl_escrow *to)
{
	static const char *const keys[] = { "certificate", "sha256", NULL };
	struct node path = node_get(n, "certificate");
	struct node digest = node_get(n, "sha256");

	if (json_is_string(n->v))
		return tpl_path(n, &to->path);
	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_need(&path));
	NODE_TRY(node_need(&digest));
	to->pinned = true;
	NODE_TRY(node_digest(&digest, to->sha256));
	return tpl_path(&path, &to->path);
}

enum pv_code tpl_escrows(struct tpl_parse *p, const struct node *n)
{
	struct template *t = p->t;
	const char *name;
	json_t *value;

	NODE_TRY(node_object(n, NULL));
	if (json_object_size(n->v) > TPL_ESCROW_MAX)
		return node_fail(n, "count", NULL, "more than %d targets",
				 TPL_ESCROW_MAX);
	json_object_foreach(n->v, name, value)
	{
		struct node target = node_get(n, name);

		if (!name_is_safe(name, strlen(name)))
			return node_fail(&target, "name", NULL,
					 "not a safe name for a target");
		NODE_TRY(tpl_target(&target, &t->escrow[t->escrow_n]));
		t->escrow[t->escrow_n++].name = name;
	}
	return PV_OK;
}

static enum pv_code parse_content(const struct node *n, struct tpl_component *c)
{
	static const char *const keys[] = { "certificate", "chain",
					    "trust_anchors", "private_key",
					    NULL };
	struct node certificate = node_get(n, "certificate");
	struct node chain = node_get(n, "chain");
	struct node anchors = node_get(n, "trust_anchors");
	struct node private_key = node_get(n, "private_key");

	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_bool(&certificate, &c->certificate));
	NODE_TRY(node_bool(&chain, &c->chain));
	NODE_TRY(node_bool(&anchors, &c->trust_anchors));
	return node_bool(&private_key, &c->private_key);
}

static enum pv_code parse_version(const struct node *n, uint32_t version,
				  char out[TPL_NAME_MAX + 1])
{
	const char *s = NULL;

	NODE_TRY(node_name(n, &s));
	if (s)
		snprintf(out, TPL_NAME_MAX + 1, "%s", s);
	else
		snprintf(out, TPL_NAME_MAX + 1, "%u", version);
	return PV_OK;
}

static enum pv_code parse_component(struct tpl_parse *p, const struct node *n,
				    struct tpl_component *c)
{
	static const char *const keys[] = { "version",	"min_version", "sealed",
					    "max_size", "content",     "config",
					    "secrets",	"files",       NULL };
	struct node version = node_get(n, "version");
	struct node min_version = node_get(n, "min_version");
	struct node sealed = node_get(n, "sealed");
	struct node max_size = node_get(n, "max_size");
	struct node content = node_get(n, "content");
	struct node config = node_get(n, "config");
	struct node secrets = node_get(n, "secrets");
	struct node files = node_get(n, "files");

	c->max_size = TPL_SIZE_DEFAULT;
	NODE_TRY(node_object(n, keys));
	NODE_TRY(parse_version(&version, p->t->version, c->version));
	NODE_TRY(parse_version(&min_version, p->t->version, c->min_version));
	NODE_TRY(node_need(&sealed));
	NODE_TRY(node_bool(&sealed, &c->sealed));
	NODE_TRY(node_u32(&max_size, 1, TPL_SIZE_MAX, &c->max_size));
	NODE_TRY(parse_content(&content, c));
	NODE_TRY(tpl_config(p, &config, c));
	NODE_TRY(tpl_secrets(p, &secrets, c));
	return tpl_files(p, &files, c);
}

enum pv_code tpl_components(struct tpl_parse *p, const struct node *n)
{
	struct template *t = p->t;
	const char *id;
	json_t *value;

	NODE_TRY(node_object(n, NULL));
	if (json_object_size(n->v) > TPL_COMPONENTS_MAX)
		return node_fail(n, "count", NULL, "more than %d components",
				 TPL_COMPONENTS_MAX);
	if (json_object_size(n->v) == 0)
		t->recipient = TPL_RECIPIENT_NONE;
	json_object_foreach(n->v, id, value)
	{
		struct node child = node_get(n, id);
		struct tpl_component *c = &t->components[t->components_n];

		if (!name_is_safe(id, strlen(id)))
			return node_fail(&child, "name", NULL,
					 "not a component-id");
		c->id = id;
		t->components_n++;
		NODE_TRY(parse_component(p, &child, c));
	}
	return PV_OK;
}
