/*
 * prepared: bundles alone, for a device that keeps its certificate: components
 * that are named, or the stage that evidence is for. A bundle holds what the
 * role has of a stage, so each stage that one of the named components is of is
 * sealed anew, whole. What would change in it beside the named ones stands in
 * the way.
 */
#include <string.h>

#include "lib/flow/parts.h"
#include "lib/flow/prepared_impl.h"

static enum pv_code no_parts(const char *id, const char *what, const char *hint,
			     struct err *err)
{
	return err_fail(err, PV_DENIED, "rotate.components", hint,
			"component %s %s", id, what);
}

static enum pv_code check_one(const struct tpl_component *c, bool named,
			      struct err *err)
{
	if (c->private_key)
		return no_parts(c->id,
				"holds a key that comes with its certificate",
				"rotate the device without --components", err);
	for (size_t j = 0; !named && j < c->secrets_n; j++)
		if (c->secrets[j].kind == TPL_SECRET_RANDOM)
			return no_parts(c->id,
					"would get new secrets: it is sealed "
					"with the named ones",
					"name it, too", err);
	return PV_OK;
}

static enum pv_code choose(struct prepared *p, const char *names,
			   struct err *err)
{
	const struct template *t = p->ctx->tmpl;
	uint32_t all;
	enum pv_code rc = parts_named(t, p->role, names, &p->named, err);

	all = parts_whole(t, p->role, p->named);
	for (size_t i = 0; rc == PV_OK && i < t->components_n; i++)
		if (all >> i & 1)
			rc = check_one(&t->components[i], p->named >> i & 1,
				       err);
	p->components = all;
	return rc;
}

/* All that the role has of the stage. */
static enum pv_code choose_stage(struct prepared *p, const char *stage,
				 struct err *err)
{
	const struct template *t = p->ctx->tmpl;

	p->components = 0;
	for (size_t k = 0; k < t->stages_n; k++)
		if (t->stages[k].requires_attestation &&
		    strcmp(template_stage_name(t->stages[k].kind), stage) == 0)
			p->components = t->stages[k].components &
					t->roles[p->role].components;
	p->named = p->components;
	if (p->components != 0)
		return PV_OK;
	return err_fail(err, PV_DENIED, "release.stage",
			"see `provctl policy show'",
			"nothing is sealed for evidence in stage %.64s for the "
			"device's role",
			stage);
}

enum pv_code prepared_make_parts(struct prepared *p, struct err *err)
{
	const struct request *r = approved_request(p->a);

	if (r->serial.len != X509_SERIAL_LEN)
		return err_fail(err, PV_INTERNAL, "request.renewal", NULL,
				"components are asked for without a "
				"credential");
	memcpy(p->serial, r->serial.data, X509_SERIAL_LEN);
	p->number = (uint32_t)p->serial[0] << 24 |
		    (uint32_t)p->serial[1] << 16 | (uint32_t)p->serial[2] << 8 |
		    p->serial[3];
	return r->replace == REQUEST_RELEASE
		       ? choose_stage(p, request_parts(r), err)
		       : choose(p, request_parts(r), err);
}
