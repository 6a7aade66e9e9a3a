/*
 * prepared: components alone, for a device that keeps its certificate. A bundle
 * holds what the role has of a stage, so each stage that one of the named
 * components is of is sealed anew, whole. What would change in it beside the
 * named ones stands in the way.
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
	return choose(p, request_parts(r), err);
}
