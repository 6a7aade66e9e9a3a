/* Roles and stages: which components go together. */
#include <string.h>

#include "lib/base/fileio.h"
#include "policy/template_impl.h"

/* A list of component ids as a mask. */
static enum pv_code parse_mask(struct tpl_parse *p, const struct node *n,
			       uint32_t *mask)
{
	NODE_TRY(node_need(n));
	NODE_TRY(node_array(n, 1, TPL_COMPONENTS_MAX));
	*mask = 0;
	for (size_t i = 0; i < json_array_size(n->v); i++) {
		struct node item = node_at(n, i);
		const char *id = NULL;
		size_t c = 0;

		NODE_TRY(node_name(&item, &id));
		while (c < p->t->components_n &&
		       strcmp(p->t->components[c].id, id) != 0)
			c++;
		if (c == p->t->components_n)
			return node_fail(&item, "component_unknown",
					 "name one of /components",
					 "no component \"%s\"", id);
		if (*mask & 1u << c)
			return node_fail(&item, "duplicate", "name it once",
					 "component \"%s\" stands twice", id);
		*mask |= 1u << c;
	}
	return PV_OK;
}

static uint32_t all_components(const struct template *t)
{
	return (1u << t->components_n) - 1;
}

enum pv_code tpl_roles(struct tpl_parse *p, const struct node *n)
{
	struct template *t = p->t;
	const char *name;
	json_t *value;

	if (!n->v) {
		t->roles[0].name = "device";
		t->roles[0].components = all_components(t);
		t->roles_n = 1;
		return PV_OK;
	}
	NODE_TRY(node_object(n, NULL));
	if (json_object_size(n->v) == 0 ||
	    json_object_size(n->v) > TPL_ROLES_MAX)
		return node_fail(n, "count", NULL,
				 "%zu roles where 1 to %d are allowed",
				 json_object_size(n->v), TPL_ROLES_MAX);
	json_object_foreach(n->v, name, value)
	{
		struct node role = node_get(n, name);

		if (!name_is_safe(name, strlen(name)))
			return node_fail(&role, "name", NULL,
					 "not a safe name for a role");
		NODE_TRY(
			parse_mask(p, &role, &t->roles[t->roles_n].components));
		t->roles[t->roles_n++].name = name;
	}
	return PV_OK;
}

static enum pv_code parse_stage(struct tpl_parse *p, const struct node *n,
				enum tpl_stage_kind kind)
{
	static const char *const keys[] = { "components", "requires", NULL };
	static const char *const requires[] = { "attestation", NULL };
	struct tpl_stage *stage = &p->t->stages[p->t->stages_n];
	struct node components = node_get(n, "components");
	struct node needs = node_get(n, "requires");
	unsigned word;

	stage->kind = kind;
	p->t->stages_n++;
	if (json_is_array(n->v))
		return parse_mask(p, n, &stage->components);
	NODE_TRY(node_object(n, keys));
	NODE_TRY(parse_mask(p, &components, &stage->components));
	NODE_TRY(node_word(&needs, requires, &word));
	stage->requires_attestation = needs.v != NULL;
	if (needs.v && kind == TPL_STAGE_BOOTSTRAP)
		return node_fail(&needs, "bootstrap_attestation",
				 "let the operational stage ask for it",
				 "the bootstrap stage comes before evidence");
	return PV_OK;
}

enum pv_code tpl_stages(struct tpl_parse *p, const struct node *n)
{
	static const char *const keys[] = { "bootstrap", "operational", NULL };
	struct node bootstrap = node_get(n, "bootstrap");
	struct node operational = node_get(n, "operational");

	if (!n->v && p->t->components_n == 0)
		return PV_OK;
	if (!n->v) {
		p->t->stages[0].kind = TPL_STAGE_OPERATIONAL;
		p->t->stages[0].components = all_components(p->t);
		p->t->stages_n = 1;
		return PV_OK;
	}
	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_need(&operational));
	if (bootstrap.v)
		NODE_TRY(parse_stage(p, &bootstrap, TPL_STAGE_BOOTSTRAP));
	return parse_stage(p, &operational, TPL_STAGE_OPERATIONAL);
}

bool template_role(const struct template *t, const char *name, size_t *role)
{
	if (!name || !name[0]) {
		*role = 0;
		return t->roles_n == 1;
	}
	for (size_t i = 0; i < t->roles_n; i++) {
		if (strcmp(t->roles[i].name, name) == 0) {
			*role = i;
			return true;
		}
	}
	return false;
}

size_t template_select(const struct template *t, size_t role, size_t stage,
		       size_t out[TPL_COMPONENTS_MAX])
{
	uint32_t mask;
	size_t n = 0;

	if (role >= t->roles_n || stage >= t->stages_n)
		return 0;
	mask = t->roles[role].components & t->stages[stage].components;
	for (size_t i = 0; i < t->components_n; i++)
		if (mask & 1u << i)
			out[n++] = i;
	return n;
}

bool template_seals_now(const struct template *t)
{
	for (size_t i = 0; i < t->stages_n; i++)
		if (!t->stages[i].requires_attestation)
			return true;
	return false;
}

const char *template_stage_name(enum tpl_stage_kind kind)
{
	return kind == TPL_STAGE_BOOTSTRAP ? "bootstrap" : "operational";
}

uint64_t template_sequence(const struct template *t, enum tpl_stage_kind kind)
{
	return 2 * (uint64_t)t->version - (kind == TPL_STAGE_BOOTSTRAP);
}
