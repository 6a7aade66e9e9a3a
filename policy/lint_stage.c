/* Rules for what one device is sealed together: sizes, escrowed secrets. */
#include <string.h>

#include "policy/template_impl.h"

/* A device's bundles pass between processes in one record. */
static enum pv_code lint_role_size(const struct node *n,
				   const struct template *t,
				   const struct tpl_role *role)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->components_n; i++)
		if (role->components & 1u << i)
			sum += t->components[i].max_size;
	if (sum > TPL_ROLE_SIZE_MAX)
		return node_fail(n, "role_size", "lower max_size",
				 "role \"%s\" may hold %llu bytes, a device "
				 "takes %u at most",
				 role->name, (unsigned long long)sum,
				 TPL_ROLE_SIZE_MAX);
	return PV_OK;
}

/* An escrowed secret and where it stands. */
struct escrowed {
	const struct tpl_secret *secret;
	size_t component;
};

/*
 * The store keeps one escrow container a bundle: for one backend, which finds
 * a value by its name.
 */
static enum pv_code lint_pair(const struct node *components,
			      const struct template *t,
			      const struct escrowed *a,
			      const struct escrowed *b)
{
	struct node c = node_get(components, t->components[b->component].id);
	struct node secrets = node_get(&c, "secrets");
	struct node n = node_get(&secrets, b->secret->name);

	if (a->secret->escrow != b->secret->escrow)
		return node_fail(
			&n, "escrow_targets", "name one target in each stage",
			"secret \"%s\" goes to \"%s\", another of its "
			"stage to \"%s\"",
			b->secret->name, t->escrow[b->secret->escrow].name,
			t->escrow[a->secret->escrow].name);
	if (strcmp(a->secret->name, b->secret->name) == 0)
		return node_fail(&n, "escrow_twice", "give it another name",
				 "two secrets \"%s\" go to \"%s\" in one stage",
				 b->secret->name,
				 t->escrow[b->secret->escrow].name);
	return PV_OK;
}

static enum pv_code lint_stage_escrow(const struct node *components,
				      const struct template *t,
				      const struct tpl_stage *stage)
{
	struct escrowed seen[TPL_COMPONENTS_MAX * TPL_SECRETS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < t->components_n; i++) {
		const struct tpl_component *c = &t->components[i];

		for (size_t j = 0; j < c->secrets_n; j++) {
			if (!(stage->components & 1u << i) ||
			    c->secrets[j].escrow < 0)
				continue;
			seen[n] = (struct escrowed){ &c->secrets[j], i };
			for (size_t k = 0; k < n; k++)
				NODE_TRY(lint_pair(components, t, &seen[k],
						   &seen[n]));
			n++;
		}
	}
	return PV_OK;
}

enum pv_code tpl_lint_stages(struct tpl_parse *p, const struct node *root)
{
	const struct template *t = p->t;
	struct node device = node_get(root, "device");
	struct node roles = node_get(&device, "roles");
	struct node components = node_get(root, "components");

	for (size_t i = 0; i < t->roles_n; i++) {
		struct node role = node_get(&roles, t->roles[i].name);

		NODE_TRY(lint_role_size(role.v ? &role : &components, t,
					&t->roles[i]));
	}
	for (size_t i = 0; i < t->stages_n; i++)
		NODE_TRY(lint_stage_escrow(&components, t, &t->stages[i]));
	return PV_OK;
}
