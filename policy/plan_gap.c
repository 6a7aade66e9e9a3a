/* The steps of two authorities that an air gap keeps apart. */
#include <string.h>

#include "policy/plan_impl.h"

static const struct plan_step *find(const struct plan *p, enum plan_kind kind,
				    const char *ca)
{
	for (size_t i = 0; i < p->steps_n; i++)
		if (p->steps[i].kind == kind && strcmp(p->steps[i].ca, ca) == 0)
			return &p->steps[i];
	return NULL;
}

/* One that is optional. */
static enum pv_code take_to(const struct node *n, struct plan_step *s)
{
	struct node child = node_get(n, "to");

	return child.v ? plan_take_party(n, "to", s->to) : PV_OK;
}

enum pv_code plan_parse_make_csr(const struct plan *p, const struct node *n,
				 struct plan_step *s)
{
	static const char *const keys[] = { "step",	"ca",
					    "template", "template_sha256",
					    "to",	NULL };

	NODE_TRY(node_object(n, keys));
	NODE_TRY(plan_take_name(n, "ca", s->ca));
	NODE_TRY(plan_take_template(n, s));
	NODE_TRY(take_to(n, s));
	NODE_TRY(plan_check_ca(n, s->ca));
	if (!plan_has_p256(p, s->ca))
		return node_fail(n, "key_missing", "generate it before",
				 "no P-256 key \"%s\" at this step", s->ca);
	if (plan_has_ca(p, s->ca) || find(p, PLAN_MAKE_CSR, s->ca))
		return node_fail(n, "duplicate", "ask for it once",
				 "CA \"%s\" is made or asked for twice", s->ca);
	return PV_OK;
}

enum pv_code plan_parse_sign_csr(const struct plan *p, const struct node *n,
				 struct plan_step *s)
{
	static const char *const keys[] = {
		"step", "ca",	     "issuer", "template", "template_sha256",
		"from", "not_after", NULL
	};

	NODE_TRY(node_object(n, keys));
	NODE_TRY(plan_take_name(n, "ca", s->ca));
	NODE_TRY(plan_take_name(n, "issuer", s->issuer));
	NODE_TRY(plan_take_template(n, s));
	NODE_TRY(plan_take_party(n, "from", s->from));
	NODE_TRY(plan_take_time(n, "not_after", &s->not_after_s));
	NODE_TRY(plan_check_ca(n, s->ca));
	if (plan_has_key(p, s->ca) && !plan_has_step(p, PLAN_SEND_KEY, s->ca))
		return node_fail(n, "key_own", "make it with issue-ca",
				 "the key \"%s\" is generated here, and comes "
				 "with no request",
				 s->ca);
	if (plan_has_ca(p, s->ca))
		return node_fail(n, "duplicate", "make it once",
				 "CA \"%s\" is made twice", s->ca);
	if ((!plan_has_own_ca(p, s->issuer) && plan_is_first(p)) ||
	    find(p, PLAN_SIGN_CSR, s->issuer))
		return node_fail(n, "issuer_missing", "make it before",
				 "no CA \"%s\" with a key of ours at this step",
				 s->issuer);
	return PV_OK;
}

enum pv_code plan_parse_import_ca(const struct plan *p, const struct node *n,
				  struct plan_step *s)
{
	static const char *const keys[] = { "step", "ca",	   "issuer",
					    "from", "root_sha256", "active",
					    NULL };
	struct node root = node_get(n, "root_sha256");
	struct node active = node_get(n, "active");

	NODE_TRY(node_object(n, keys));
	NODE_TRY(plan_take_name(n, "ca", s->ca));
	NODE_TRY(plan_take_name(n, "issuer", s->issuer));
	NODE_TRY(plan_take_party(n, "from", s->from));
	NODE_TRY(plan_check_ca(n, s->issuer));
	NODE_TRY(node_digest(&root, s->root));
	s->has_root = root.v != NULL;
	NODE_TRY(plan_take_time(n, "active", &s->active_s));
	if (active.v && plan_is_first(p))
		return node_fail(&active, "active", "leave it out",
				 "a first generation issues at once");
	if (!find(p, PLAN_MAKE_CSR, s->ca))
		return node_fail(n, "csr_missing", "ask for it with make-csr",
				 "no request for CA \"%s\" at this step",
				 s->ca);
	if (plan_has_ca(p, s->ca))
		return node_fail(n, "duplicate", "import it once",
				 "CA \"%s\" is made twice", s->ca);
	if (strcmp(s->issuer, s->ca) == 0 || plan_has_key(p, s->issuer))
		return node_fail(n, "key_own", "name the CA that signed it",
				 "the key of \"%s\" is ours", s->issuer);
	return PV_OK;
}
