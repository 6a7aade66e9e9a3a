/*
 * prepared: components alone, for a device that keeps its certificate. A bundle
 * holds what the role has of a stage, so each stage that one of the named
 * components is of is sealed anew, whole. What would change in it beside the
 * named ones stands in the way.
 */
#include <stdio.h>
#include <string.h>

#include "lib/flow/contents.h"
#include "lib/flow/prepared_impl.h"

static enum pv_code no_parts(const char *name, size_t len, const char *what,
			     const char *hint, struct err *err)
{
	return err_fail(err, PV_DENIED, "rotate.components", hint,
			"component %.*s %s", (int)(len > 64 ? 64 : len), name,
			what);
}

/* The components of the role that are sealed without attestation. */
static bool find_component(const struct prepared *p, const char *name,
			   size_t len, size_t *at)
{
	const struct template *t = p->ctx->tmpl;
	uint32_t now = prepared_components_now(t, p->role);

	for (*at = 0; *at < t->components_n; (*at)++)
		if ((now >> *at & 1) && strlen(t->components[*at].id) == len &&
		    memcmp(t->components[*at].id, name, len) == 0)
			return true;
	return false;
}

static enum pv_code take_names(const struct prepared *p, const char *names,
			       uint32_t *named, struct err *err)
{
	for (const char *at = names; at; at = strchr(at, ',')) {
		size_t len, i;

		at += at != names;
		len = strcspn(at, ",");
		if (!find_component(p, at, len, &i))
			return no_parts(
				at, len,
				"is none that the device has been given",
				"see `provctl policy show`", err);
		*named |= 1u << i;
	}
	return PV_OK;
}

/* Whole stages: what has one of the named ones. */
static uint32_t stages_of(const struct prepared *p, uint32_t named)
{
	const struct template *t = p->ctx->tmpl;
	uint32_t bits = 0;

	for (size_t k = 0; k < t->stages_n; k++)
		if (t->stages[k].components & named)
			bits |= t->stages[k].components;
	return bits & prepared_components_now(t, p->role);
}

static enum pv_code check_one(const struct tpl_component *c, bool named,
			      struct err *err)
{
	if (c->private_key)
		return no_parts(c->id, strlen(c->id),
				"holds a key that comes with its certificate",
				"rotate the device without --components", err);
	for (size_t j = 0; !named && j < c->secrets_n; j++)
		if (c->secrets[j].kind == TPL_SECRET_RANDOM)
			return no_parts(c->id, strlen(c->id),
					"would get new secrets: it is sealed "
					"with the named ones",
					"name it, too", err);
	return PV_OK;
}

static enum pv_code choose(struct prepared *p, const char *names,
			   struct err *err)
{
	const struct template *t = p->ctx->tmpl;
	uint32_t named = 0, all;
	enum pv_code rc = take_names(p, names, &named, err);

	all = stages_of(p, named);
	for (size_t i = 0; rc == PV_OK && i < t->components_n; i++)
		if (all >> i & 1)
			rc = check_one(&t->components[i], named >> i & 1, err);
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
