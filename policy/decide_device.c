/* What the store says about device and request: retries and states. */
#include "policy/decide_impl.h"

enum decide_next decide_deny_device(struct decide *d, enum pv_code code,
				    const char *rule, const char *fix,
				    const char *message)
{
	struct decide_why why = { .code = code,
				  .rule = rule,
				  .field = "device",
				  .value = d->r->device,
				  .fix = fix };

	return decide_deny(d, &why, "%s", message);
}

static enum decide_next key_changed(struct decide *d)
{
	struct decide_why why = {
		.code = PV_DENIED,
		.rule = "device.key_changed",
		.field = "device",
		.value = d->r->device,
		.fix = "`provctl issue --replace --reason rework|scrap` "
		       "supersedes and revokes the old one",
		.anomaly = true
	};

	return decide_deny(d, &why, "the device is known with another key");
}

/* A device that is there: the stored answer, or why there is none. */
static enum decide_next retry(struct decide *d)
{
	if (!d->f->same_rest)
		return decide_deny_device(
			d, PV_CONFLICT, "request.conflict",
			"repeat the first request unchanged",
			"the device is known with another request");
	if (!d->f->same_spki)
		return key_changed(d);
	return decide_allow(d, POLICY_EXISTING);
}

/*
 * The stored answer is what this request asks for: a retry. A request without
 * keys says only by its id whether it is the one that was answered.
 */
static bool same_answer(const struct decide *d)
{
	return d->f->same_rest && d->f->same_spki &&
	       (d->r->csr || d->f->same_request);
}

enum decide_next decide_old_key(struct decide *d)
{
	return decide_deny_device(d, PV_DENIED, "key.superseded",
				  "make a new key in the device",
				  "the key is one that the device had before");
}

enum decide_next decide_revoked(struct decide *d)
{
	return decide_deny_device(
		d, PV_DENIED, "device.revoked",
		"`provctl issue --replace --reason rework|scrap`, with a new "
		"key",
		"the device is revoked");
}

enum decide_next decide_suspended(struct decide *d)
{
	return decide_deny_device(
		d, PV_DENIED, "device.suspended",
		"take it from hold first: `provctl revoke --reason "
		"removeFromCRL --serial HEX`",
		"the device is on hold");
}

static enum decide_next replace(struct decide *d)
{
	switch (d->f->state) {
	case POLICY_STATE_PENDING:
		if (same_answer(d))
			return decide_allow(d, POLICY_EXISTING);
		return decide_deny_device(
			d, PV_CONFLICT, "replace.pending",
			"repeat the device's open request first",
			"a request for the device was not finished");
	case POLICY_STATE_ISSUED:
	case POLICY_STATE_SUSPENDED:
		if (same_answer(d))
			return decide_allow(d, POLICY_EXISTING);
		if (d->f->state == POLICY_STATE_SUSPENDED)
			return decide_suspended(d);
		break;
	case POLICY_STATE_REVOKED:
		if (d->r->csr && d->f->same_spki)
			return decide_deny_device(
				d, PV_DENIED, "device.revoked",
				"make a new key in the device",
				"the device's key is revoked");
		break;
	case POLICY_STATE_NONE:
		return decide_deny_device(d, PV_DENIED, "replace.unknown",
					  "issue it without \"replace\"",
					  "there is no such device to replace");
	case POLICY_STATE_RETIRED: /* stopped before */
	default:
		return DECIDE_STOP;
	}
	if (d->r->csr && d->f->spki_owner == POLICY_OWNER_SAME_DEVICE &&
	    !d->f->same_spki)
		return decide_old_key(d);
	d->replaces = true;
	return DECIDE_GO_ON;
}

static enum decide_next new_or_known(struct decide *d)
{
	switch (d->f->state) {
	case POLICY_STATE_NONE:
		return DECIDE_GO_ON;
	case POLICY_STATE_REVOKED:
		return decide_revoked(d);
	case POLICY_STATE_PENDING:
	case POLICY_STATE_ISSUED:
	case POLICY_STATE_SUSPENDED:
		return retry(d);
	case POLICY_STATE_RETIRED: /* stopped before */
		break;
	}
	return DECIDE_STOP;
}

/* Before the keys are looked at. */
enum decide_next decide_quarantined(struct decide *d)
{
	if (!d->f->store_known || !d->f->quarantined)
		return DECIDE_GO_ON;
	return decide_deny_device(
		d, PV_DENIED, "quarantine.held",
		"have the token checked, then issue under another device "
		"id with another key",
		"the token signed wrongly for the device, which is in "
		"quarantine");
}

/*
 * Behind the stored answer, which nobody takes away by a request of their own.
 * Another request for the device, or under its id, does not wait for this one.
 */
enum decide_next decide_held(struct decide *d)
{
	if (!d->f->store_known || !d->f->held)
		return DECIDE_GO_ON;
	return decide_deny_device(d, PV_DENIED, "quarantine.held",
				  "see `provctl quarantine list`",
				  "this request is in quarantine");
}

enum decide_next decide_device(struct decide *d)
{
	const struct policy_facts *f = d->f;

	if (!f->store_known)
		return DECIDE_GO_ON;
	if (!f->actor || !f->actor[0])
		return decide_deny_device(d, PV_DENIED, "actor.unknown",
					  "say who is acting",
					  "nobody is named as the actor");
	if (f->request_of_other_device)
		return decide_deny_device(
			d, PV_CONFLICT, "request.conflict",
			"use a new request id",
			"the request id stands for another device");
	if (f->state == POLICY_STATE_RETIRED)
		return decide_deny_device(
			d, PV_DENIED, "device.retired", "use another id",
			"the device is retired and its id is blocked");
	if (d->r->rotate)
		return decide_rotate(d);
	if (d->r->release)
		return decide_release(d);
	return d->r->replace ? replace(d) : new_or_known(d);
}
