#include "policy/decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/fileio.h"
#include "policy/decide_impl.h"

/* Bounded copy without control bytes; a UTF-8 character is not cut in two. */
static void copy_value(char *to, size_t cap, const char *from)
{
	size_t i = 0;

	for (; from[i] && i + 1 < cap; i++) {
		unsigned char c = (unsigned char)from[i];

		to[i] = (c < 0x20 || c == 0x7f) ? '?' : from[i];
	}
	if (from[i])
		while (i > 0 && ((unsigned char)from[i] & 0xc0) == 0x80)
			i--;
	to[i] = '\0';
}

enum decide_next decide_deny(struct decide *d, const struct decide_why *why,
			     const char *fmt, ...)
{
	struct policy_verdict *v = d->out;
	va_list ap;

	/* What is held is not held again. */
	if (why->anomaly && decide_held(d) == DECIDE_STOP)
		return DECIDE_STOP;
	v->answer = POLICY_DENIED;
	v->code = why->code;
	/* A release is asked for by us, and nobody's to let through. */
	v->quarantine = why->anomaly && !d->r->release &&
			d->t->limits.on_anomaly == TPL_ANOMALY_QUARANTINE;
	snprintf(v->rule, sizeof(v->rule), "%s", why->rule);
	copy_value(v->field, sizeof(v->field), why->field ? why->field : "");
	copy_value(v->value, sizeof(v->value), why->value ? why->value : "");
	snprintf(v->fix, sizeof(v->fix), "%s", why->fix ? why->fix : "");
	va_start(ap, fmt);
	vsnprintf(v->message, sizeof(v->message), fmt, ap);
	va_end(ap);
	return DECIDE_STOP;
}

enum decide_next decide_allow(struct decide *d, enum policy_answer answer)
{
	memset(d->out, 0, sizeof(*d->out));
	d->out->code = PV_OK;
	d->out->answer = answer;
	d->out->replaces = answer == POLICY_APPROVED && d->replaces;
	return DECIDE_STOP;
}

static enum decide_next check_replace(struct decide *d)
{
	struct decide_why why = { .code = PV_INPUT,
				  .rule = "request.replace",
				  .field = "replace",
				  .value = d->r->replace,
				  .fix = "leave \"replace\" out" };

	if (!d->r->replace)
		return DECIDE_GO_ON;
	if (strcmp(d->r->replace, "rework") == 0 ||
	    strcmp(d->r->replace, "scrap") == 0)
		return DECIDE_GO_ON;
	why.fix = "say \"rework\" or \"scrap\"";
	return decide_deny(d, &why, "no reason to replace a device");
}

static enum decide_next check_key_sig(struct decide *d)
{
	if (!d->r->key_sig || (d->r->rotate && !d->r->renewed))
		return DECIDE_GO_ON;
	return decide_deny(
		d,
		&(struct decide_why){ .code = PV_INPUT,
				      .rule = "request.key_sig",
				      .field = "key_sig",
				      .fix = "leave it out" },
		"only a rotation to a new key has the signature of the key "
		"before");
}

static enum decide_next check_type(struct decide *d)
{
	const struct policy_request *r = d->r;

	if (r->type && strcmp(r->type, "issue") != 0)
		return decide_deny(
			d,
			&(struct decide_why){ .code = PV_DENIED,
					      .rule = "request.type",
					      .field = "type",
					      .value = r->type,
					      .fix = "ask for \"issue\"" },
			"unknown request type");
	if (d->t->ca)
		return decide_deny(
			d,
			&(struct decide_why){ .code = PV_DENIED,
					      .rule = "template.ca",
					      .field = "template",
					      .value = d->t->name,
					      .fix = "name a device template" },
			"a CA template is used by plan steps only");
	return DECIDE_GO_ON;
}

static enum decide_next check_names(struct decide *d)
{
	const struct policy_request *r = d->r;

	if (!r->device || !name_is_safe(r->device, strlen(r->device)))
		return decide_deny(
			d,
			&(struct decide_why){
				.code = PV_INPUT,
				.rule = "device.id",
				.field = "device",
				.value = r->device,
				.fix = "1 to 64 of 0x21-0x7E without /, not "
				       "starting with . or -" },
			"not a device-id");
	if (!r->request || !name_is_safe(r->request, strlen(r->request)))
		return decide_deny(
			d,
			&(struct decide_why){
				.code = PV_INPUT,
				.rule = "request.id",
				.field = "request",
				.value = r->request,
				.fix = "1 to 64 of 0x21-0x7E without /, not "
				       "starting with . or -" },
			"not a request id");
	return DECIDE_GO_ON;
}

static enum decide_next check_id(struct decide *d)
{
	size_t role;

	if (!template_match(&d->t->id, d->r->device))
		return decide_deny(
			d,
			&(struct decide_why){
				.code = PV_DENIED,
				.rule = "device.id",
				.field = "device",
				.value = d->r->device,
				.fix = "use an id of this template" },
			"the device-id does not match %.100s", d->t->id.text);
	if (!template_role(d->t, d->r->role, &role))
		return decide_deny(
			d,
			&(struct decide_why){
				.code = PV_DENIED,
				.rule = "device.role",
				.field = "role",
				.value = d->r->role,
				.fix = "name a role of the template" },
			d->r->role ? "the template has no such role"
				   : "the template has several roles and the "
				     "request names none");
	return DECIDE_GO_ON;
}

static size_t find_declared(const struct template *t, const char *name)
{
	size_t i = 0;

	while (i < t->fields_n && strcmp(t->field_names[i], name) != 0)
		i++;
	return i;
}

static enum decide_next check_field(struct decide *d,
				    const struct policy_field *f,
				    bool seen[TEXT_FIELDS_MAX])
{
	struct decide_why why = { .code = PV_INPUT,
				  .rule = "device.field",
				  .field = f->name,
				  .value = f->value,
				  .fix = "give the fields that the template "
					 "declares, as it declares them" };
	size_t at;

	if (!f->name || !f->value)
		return decide_deny(d, &why, "a field without name or value");
	at = find_declared(d->t, f->name);
	if (at == d->t->fields_n)
		return decide_deny(d, &why,
				   "the template declares no such "
				   "field");
	if (seen[at])
		return decide_deny(d, &why, "the field stands twice");
	seen[at] = true;
	if (!template_match(&d->t->field_patterns[at], f->value))
		return decide_deny(d, &why, "the value does not match %.100s",
				   d->t->field_patterns[at].text);
	return DECIDE_GO_ON;
}

static enum decide_next check_fields(struct decide *d)
{
	bool seen[TEXT_FIELDS_MAX] = { false };

	for (size_t i = 0; i < d->r->fields_n; i++)
		if (check_field(d, &d->r->fields[i], seen) == DECIDE_STOP)
			return DECIDE_STOP;
	for (size_t i = 0; i < d->t->fields_n; i++)
		if (!seen[i])
			return decide_deny(
				d,
				&(struct decide_why){
					.code = PV_INPUT,
					.rule = "device.field",
					.field = d->t->field_names[i],
					.fix = "give it in \"fields\" or with "
					       "--set" },
				"a declared field is missing");
	return DECIDE_GO_ON;
}

/*
 * The order matters: form, then what the keys show, then the answer that is
 * stored already; what this template asks binds new devices only.
 */
static decide_step *const stored_steps[] = {
	check_type,    check_replace,	  check_key_sig,      check_names,
	decide_proof,  decide_seal_proof, decide_quarantined, decide_owner,
	decide_device, decide_held
};
static decide_step *const template_steps[] = { check_id, check_fields,
					       decide_key, decide_excess,
					       decide_clock };
/* A device in the field is rotated whatever was ordered, where and when. */
static decide_step *const issue_steps[] = { decide_order, decide_station,
					    decide_hours, decide_quantity,
					    decide_rate };
static decide_step *const rotate_steps[] = { decide_rotation };
static decide_step *const release_steps[] = { decide_released };

static void undecided(struct policy_verdict *out)
{
	memset(out, 0, sizeof(*out));
	out->answer = POLICY_DENIED;
	out->code = PV_DENIED;
	snprintf(out->rule, sizeof(out->rule), "policy.undecided");
	snprintf(out->message, sizeof(out->message), "no rule allowed it");
	snprintf(out->fix, sizeof(out->fix), "report this to the authority");
}

static bool stops(struct decide *d, decide_step *const *steps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (steps[i](d) == DECIDE_STOP)
			return true;
	return false;
}

#define STOPS(d, steps) stops(d, steps, sizeof(steps) / sizeof(*(steps)))

static bool decide_stored(struct decide *d)
{
	undecided(d->out);
	return STOPS(d, stored_steps);
}

bool policy_decide_stored(const struct template *t,
			  const struct policy_request *r,
			  const struct policy_facts *f,
			  struct policy_verdict *out)
{
	struct decide d = { .t = t, .r = r, .f = f, .out = out };

	return decide_stored(&d);
}

void policy_decide(const struct template *t, const struct order *order,
		   const struct policy_request *r, const struct policy_facts *f,
		   struct policy_verdict *out)
{
	struct decide d = {
		.t = t, .order = order, .r = r, .f = f, .out = out
	};

	if (decide_stored(&d) || STOPS(&d, template_steps))
		return;
	if (r->release && STOPS(&d, release_steps))
		return;
	if (r->rotate && STOPS(&d, rotate_steps))
		return;
	if (!r->release && !r->rotate && STOPS(&d, issue_steps))
		return;
	decide_allow(&d, POLICY_APPROVED);
}

void policy_decide_release(const struct template *t, const struct order *order,
			   const struct policy_request *r,
			   const struct policy_facts *f,
			   struct policy_verdict *out)
{
	static decide_step *const steps[] = { decide_device, decide_released };
	struct decide d = {
		.t = t, .order = order, .r = r, .f = f, .out = out
	};

	undecided(out);
	if (r->release && f->store_known && !STOPS(&d, steps))
		decide_allow(&d, POLICY_APPROVED);
}

enum pv_code policy_verdict_fail(const struct policy_verdict *v,
				 struct err *err)
{
	if (v->answer == POLICY_APPROVED || v->answer == POLICY_EXISTING)
		return err_fail(err, PV_INTERNAL, "policy.verdict", NULL,
				"an allowing verdict is no error");
	if (v->field[0] && v->value[0])
		return err_fail(err, v->code, v->rule, v->fix, "%s (%s: %s)",
				v->message, v->field, v->value);
	if (v->field[0])
		return err_fail(err, v->code, v->rule, v->fix, "%s (%s)",
				v->message, v->field);
	return err_fail(err, v->code, v->rule, v->fix, "%s", v->message);
}
