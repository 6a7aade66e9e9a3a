/*
 * Release: a device that has shown what it is gets the bundle of the stage that
 * asks for it. Evidence is for one manifest, one sealing key and a short time.
 */
#include "policy/decide_impl.h"

#define AGAIN                                                                  \
	"ask the device anew: `provctl attest challenge`, then `provctl "      \
	"attest verify`"

static enum decide_next check_state(struct decide *d)
{
	switch (d->f->state) {
	case POLICY_STATE_ISSUED:
		return DECIDE_GO_ON;
	case POLICY_STATE_PENDING:
		return decide_deny_device(
			d, PV_CONFLICT, "release.pending",
			"repeat the device's open request first",
			"a request for the device was not finished");
	case POLICY_STATE_SUSPENDED:
		return decide_suspended(d);
	case POLICY_STATE_REVOKED:
		return decide_revoked(d);
	case POLICY_STATE_NONE:
		return decide_deny_device(d, PV_DENIED, "release.unknown",
					  "issue it first",
					  "there is no such device");
	case POLICY_STATE_RETIRED: /* stopped before */
		break;
	}
	return DECIDE_STOP;
}

/* Evidence answers once: asked again, with the bundle that it was released
 * for. */
enum decide_next decide_release(struct decide *d)
{
	if (check_state(d) == DECIDE_STOP)
		return DECIDE_STOP;
	switch (d->f->evidence) {
	case POLICY_EVIDENCE_VERIFIED:
		return DECIDE_GO_ON;
	case POLICY_EVIDENCE_RELEASED:
		return decide_allow(d, POLICY_EXISTING);
	case POLICY_EVIDENCE_NONE:
		break;
	}
	return decide_deny_device(
		d, PV_DENIED, "release.evidence", AGAIN,
		"the device has shown no evidence that was verified");
}

/* A device may be another one by the time that its evidence is old. */
bool policy_evidence_fresh(const struct template *t, uint64_t verified_ms,
			   uint64_t now_ms)
{
	return now_ms <= verified_ms ||
	       (now_ms - verified_ms) / 1000 < t->attestation.nonce_ttl_s;
}

static bool is_fresh(const struct decide *d)
{
	return policy_evidence_fresh(d->t, d->f->evidence_ms, d->f->now_ms);
}

enum decide_next decide_evidence(struct decide *d)
{
	if (d->f->evidence == POLICY_EVIDENCE_NONE)
		return decide_deny_device(
			d, PV_DENIED, "rotate.evidence", AGAIN,
			"the template asks for fresh evidence and there is "
			"none");
	if (!is_fresh(d))
		return decide_deny_device(
			d, PV_DENIED, "rotate.evidence", AGAIN,
			"the template asks for fresh evidence, and the "
			"device's is older than attestation.nonce_ttl_s");
	return DECIDE_GO_ON;
}

static enum decide_next check_evidence(struct decide *d)
{
	const struct policy_facts *f = d->f;

	if (!f->same_spki)
		return decide_deny_device(
			d, PV_CONFLICT, "release.changed", "run it again",
			"the device got another key meanwhile");
	if (!f->evidence_manifest)
		return decide_deny_device(
			d, PV_DENIED, "release.manifest", AGAIN,
			"the evidence names a manifest that is not in "
			"effect any more");
	if (!f->evidence_recipient)
		return decide_deny_device(
			d, PV_DENIED, "release.recipient", AGAIN,
			"the evidence does not bind the key that the "
			"bundle would be sealed to");
	if (!is_fresh(d))
		return decide_deny_device(d, PV_DENIED, "release.expired",
					  AGAIN,
					  "the evidence is older than "
					  "attestation.nonce_ttl_s");
	return DECIDE_GO_ON;
}

/* An order ends, a device does not: only its first bundle is the order's. */
static bool within_order(struct decide *d)
{
	return (!d->order || decide_order(d) == DECIDE_GO_ON) &&
	       decide_station(d) == DECIDE_GO_ON &&
	       decide_hours(d) == DECIDE_GO_ON &&
	       decide_rate(d) == DECIDE_GO_ON;
}

enum decide_next decide_released(struct decide *d)
{
	if (!d->f->store_known)
		return DECIDE_GO_ON;
	if (check_evidence(d) == DECIDE_STOP)
		return DECIDE_STOP;
	return d->f->in_field || within_order(d) ? DECIDE_GO_ON : DECIDE_STOP;
}
