/* Rules that tie key, recipient, descriptor and stages together. */
#include <string.h>

#include "policy/template_impl.h"

static const char *const key_names[] = { "csr", "host", "none" };

/* A certificate for a key of the device's own needs no component. */
static enum pv_code lint_no_components(struct tpl_parse *p,
				       const struct node *root)
{
	struct node device = node_get(root, "device");
	struct node components = node_get(root, "components");
	const struct node unused[] = { node_get(&device, "recipient"),
				       node_get(root, "seal"),
				       node_get(root, "manifest"),
				       node_get(root, "attestation") };

	if (p->t->key != TPL_KEY_CSR)
		return node_fail(
			components.v ? &components : root, "components_needed",
			"give it components, or use key \"csr\"",
			"key \"%s\" needs components", key_names[p->t->key]);
	for (size_t i = 0; i < sizeof(unused) / sizeof(*unused); i++)
		if (unused[i].v)
			tpl_warn(p, &unused[i], "nothing_sealed",
				 "without components nothing is sealed: "
				 "remove it");
	return PV_OK;
}

static enum pv_code lint_recipient(struct tpl_parse *p, const struct node *root)
{
	struct node device = node_get(root, "device");
	struct node n = node_get(&device, "recipient");
	const struct template *t = p->t;

	if (t->components_n == 0)
		return lint_no_components(p, root);
	NODE_TRY(node_need(&n));
	if (t->key != TPL_KEY_CSR && t->recipient != TPL_RECIPIENT_KDF)
		return node_fail(&n, "recipient_kdf", "use \"kdf\"",
				 "key \"%s\" needs recipient \"kdf\"",
				 key_names[t->key]);
	if (t->recipient == TPL_RECIPIENT_CERTIFIED_KEY &&
	    t->algorithm != TPL_ALG_P256)
		return node_fail(&n, "recipient_algorithm",
				 "certify a P-256 key or use \"kdf\"",
				 "HPKE needs a P-256 key");
	/* formats.md 1: its signature is ECDSA P-256, else evidence binds it */
	if (t->recipient == TPL_RECIPIENT_SEALING_KEY &&
	    t->algorithm != TPL_ALG_P256 && template_seals_now(t))
		return node_fail(&n, "recipient_algorithm",
				 "certify a P-256 key, let every stage require "
				 "attestation, or use \"kdf\"",
				 "nothing binds the sealing key to a "
				 "certified key that is not P-256 before a "
				 "bundle is sealed to it");
	if (t->recipient == TPL_RECIPIENT_CERTIFIED_KEY)
		tpl_warn(p, &n, "dual_use",
			 "one key signs and agrees; use \"sealing-key\" where "
			 "the part has a second slot");
	return PV_OK;
}

static enum pv_code lint_certificate(struct tpl_parse *p,
				     const struct node *root)
{
	struct node cert = node_get(root, "certificate");

	if (p->t->key == TPL_KEY_NONE && p->t->has_certificate)
		return node_fail(&cert, "none_certificate", "remove it",
				 "key \"none\" has no certificate");
	if (p->t->key != TPL_KEY_NONE)
		return node_need(&cert);
	return PV_OK;
}

static enum pv_code lint_seal(struct tpl_parse *p, const struct node *root)
{
	struct node seal = node_get(root, "seal");
	struct node signature = node_get(&seal, "signature");

	if (p->t->signature == TPL_SIG_MAC0 &&
	    p->t->recipient != TPL_RECIPIENT_KDF)
		return node_fail(&signature, "mac0_recipient",
				 "use recipient \"kdf\" or \"plain\"",
				 "\"mac0\" needs recipient \"kdf\"");
	return PV_OK;
}

static uint32_t sealed_mask(const struct template *t)
{
	uint32_t mask = 0;

	for (size_t i = 0; i < t->components_n; i++)
		if (t->components[i].sealed)
			mask |= 1u << i;
	return mask;
}

/* A role has a bundle in a stage or nothing at all (formats.md, binding 6). */
static enum pv_code lint_role(struct tpl_parse *p, const struct node *n,
			      const struct tpl_role *role)
{
	const struct template *t = p->t;
	uint32_t reached = 0;

	for (size_t i = 0; i < t->stages_n; i++) {
		uint32_t mask = role->components & t->stages[i].components;

		if (mask && !(mask & sealed_mask(t)))
			return node_fail(
				n, "role_unsealed",
				"seal one of its components",
				"role \"%s\" has no sealed component in stage "
				"\"%s\"",
				role->name,
				template_stage_name(t->stages[i].kind));
		reached |= mask;
	}
	if (reached != role->components)
		return node_fail(n, "stage_missing",
				 "name the component in /stages",
				 "role \"%s\" has a component that no stage "
				 "gives it",
				 role->name);
	return PV_OK;
}

static enum pv_code lint_roles(struct tpl_parse *p, const struct node *root)
{
	const struct template *t = p->t;
	struct node device = node_get(root, "device");
	struct node roles = node_get(&device, "roles");
	struct node components = node_get(root, "components");
	uint32_t used = 0;

	for (size_t i = 0; i < t->roles_n; i++) {
		struct node role = node_get(&roles, t->roles[i].name);

		NODE_TRY(lint_role(p, role.v ? &role : &components,
				   &t->roles[i]));
		used |= t->roles[i].components;
	}
	for (size_t i = 0; i < t->components_n; i++) {
		struct node c = node_get(&components, t->components[i].id);

		if (!(used & 1u << i))
			return node_fail(&c, "component_unused",
					 "name it in a role or remove it",
					 "no role has component \"%s\"",
					 t->components[i].id);
	}
	return PV_OK;
}

/* The key is made and certified when the device is issued, and kept by nobody
 * until there is evidence. */
static enum pv_code lint_attested(const struct node *n,
				  const struct template *t,
				  const struct tpl_stage *stage)
{
	for (size_t i = 0; i < t->components_n; i++)
		if ((stage->components & 1u << i) &&
		    t->components[i].private_key)
			return node_fail(n, "stage_private_key",
					 "have the device make its key: key "
					 "\"csr\"",
					 "component \"%s\" holds the private "
					 "key, and waits for evidence",
					 t->components[i].id);
	return PV_OK;
}

static enum pv_code lint_stage(struct tpl_parse *p, const struct node *root,
			       const struct tpl_stage *stage)
{
	const struct template *t = p->t;
	struct node stages = node_get(root, "stages");
	struct node n = node_get(&stages, template_stage_name(stage->kind));

	if (stage->requires_attestation && !t->attestation.present)
		return node_fail(&n, "stage_attestation",
				 "add an attestation section",
				 "the stage asks for attestation and the "
				 "template has none");
	if (stage->requires_attestation)
		return lint_attested(&n, t, stage);
	if (stage->kind != TPL_STAGE_BOOTSTRAP)
		return PV_OK;
	for (size_t i = 0; i < t->components_n; i++) {
		const struct tpl_component *c = &t->components[i];

		if ((stage->components & 1u << i) &&
		    (c->secrets_n || c->private_key))
			return node_fail(&n, "bootstrap_secret",
					 "move it to the operational stage",
					 "component \"%s\" holds a lasting "
					 "secret before attestation",
					 c->id);
	}
	return PV_OK;
}

/* Evidence that nobody can give would let no device be rotated. */
static enum pv_code lint_fresh(const struct template *t,
			       const struct node *root)
{
	struct node n = node_get(root, "rotation");
	bool asked = false;

	for (size_t k = 0; k < t->stages_n; k++)
		asked |= t->stages[k].requires_attestation;
	if (!t->rotation.fresh_evidence || asked)
		return PV_OK;
	return node_fail(&n, "fresh_evidence",
			 "let a stage require attestation: evidence is for one",
			 "a rotation asks for evidence and no stage does");
}

/* Where some evidence is measured, none goes unmeasured by its format. */
static enum pv_code lint_references(const struct template *t,
				    const struct node *root)
{
	static const char *const names[] = { "psa", "tpm2", "dice" };
	const struct tpl_attestation *at = &t->attestation;
	const bool taken[] = { at->psa, at->tpm2, at->dice };
	struct node attestation = node_get(root, "attestation");
	struct node n = node_get(&attestation, "reference");
	bool measured[] = { false, false, false };

	for (size_t i = 0; i < at->reference_n; i++)
		measured[tpl_reference_of(&at->reference[i])] = true;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (at->reference_n > 0 && taken[i] && !measured[i])
			return node_fail(&n, "reference_format",
					 "give a reference value for each "
					 "format, or take that format out",
					 "no reference value is for evidence "
					 "of format %s",
					 names[i]);
	return PV_OK;
}

/* formats.md 2: a device takes no lower manifest sequence than it has. */
static void warn_bootstrap(struct tpl_parse *p, const struct node *root)
{
	const struct template *t = p->t;
	struct node stages = node_get(root, "stages");
	struct node n = node_get(&stages, "bootstrap");

	if (!t->rotation.present || t->stages_n < 2)
		return;
	for (size_t i = 0; i < t->components_n; i++)
		if ((t->stages[0].components & 1u << i) &&
		    t->components[i].certificate)
			tpl_warn(p, &n, "bootstrap_certificate",
				 "a device in the field takes no bootstrap "
				 "bundle of the same version any more: the "
				 "next certificate in component \"%s\" does "
				 "not reach it",
				 t->components[i].id);
}

enum pv_code tpl_lint(struct tpl_parse *p, const struct node *root)
{
	if (!p->t->ca) {
		NODE_TRY(lint_certificate(p, root));
		NODE_TRY(lint_recipient(p, root));
		NODE_TRY(lint_seal(p, root));
		NODE_TRY(tpl_lint_parts(p, root));
		NODE_TRY(lint_roles(p, root));
		for (size_t i = 0; i < p->t->stages_n; i++)
			NODE_TRY(lint_stage(p, root, &p->t->stages[i]));
		NODE_TRY(tpl_lint_stages(p, root));
		NODE_TRY(lint_fresh(p->t, root));
		NODE_TRY(lint_references(p->t, root));
		warn_bootstrap(p, root);
		tpl_lint_limits(p, root);
	}
	NODE_TRY(tpl_lint_cert(p, root));
	return tpl_lint_matter(p, root);
}
