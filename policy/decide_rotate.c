/*
 * Rotation: a device that has its credential gets the next one, or components
 * alone. What it has stays valid until the next one is received, so there are
 * at most two, but where one is due and its receipt never came.
 */
#include "policy/decide_impl.h"

/* An intent that was not finished: this very rotation's, or something else. */
static enum decide_next unfinished(struct decide *d)
{
	const struct policy_facts *f = d->f;

	if (f->renewal && !d->r->parts && f->same_rest && f->same_spki)
		return decide_allow(d, POLICY_EXISTING);
	return decide_deny_device(
		d, PV_CONFLICT, "rotate.pending",
		f->renewal ? "run the rotation that was begun once more"
			   : "repeat the device's open request first",
		"a request for the device was not finished");
}

/*
 * Another key takes over only with the word of the one that is certified: who
 * has a CSR of their own is not the device.
 */
static enum decide_next prove_key(struct decide *d)
{
	if (!d->r->csr || d->r->renewed || d->f->same_spki || d->f->key_proved)
		return DECIDE_GO_ON;
	return decide_deny_device(
		d, PV_DENIED, "rotate.key_sig",
		"have the device sign \"provctl/rotate-key/v1\", its id "
		"and the new SPKI with the key that is certified "
		"(--key-sig); where that key is lost, `provctl issue "
		"--replace --reason rework|scrap`",
		d->r->key_sig ? "the certified key did not sign the new key"
			      : "key_sig is missing");
}

static enum decide_next next_credential(struct decide *d)
{
	const struct policy_facts *f = d->f;
	bool own = f->spki_owner == POLICY_OWNER_SAME_DEVICE;

	if (f->renewal && !f->due && f->same_spki && f->same_rest &&
	    (d->r->csr || !f->received))
		return decide_allow(d, POLICY_EXISTING);
	if (f->renewal && !f->due && !f->received)
		return decide_deny_device(
			d, PV_CONFLICT, "rotate.pending",
			"take the receipt of the last one in (attest "
			"receipt), or take it back (rotate device "
			"--rollback)",
			"the device has not said that it has its last "
			"credential");
	if (d->r->csr && own && !f->same_spki)
		return decide_old_key(d);
	d->replaces = true;
	return prove_key(d);
}

enum decide_next decide_rotate(struct decide *d)
{
	switch (d->f->state) {
	case POLICY_STATE_PENDING:
		return unfinished(d);
	case POLICY_STATE_ISSUED:
		return d->r->parts ? DECIDE_GO_ON : next_credential(d);
	case POLICY_STATE_SUSPENDED:
		return decide_suspended(d);
	case POLICY_STATE_REVOKED:
		return decide_revoked(d);
	case POLICY_STATE_NONE:
		return decide_deny_device(d, PV_DENIED, "rotate.unknown",
					  "issue it first",
					  "there is no such device");
	case POLICY_STATE_RETIRED: /* stopped before */
		break;
	}
	return DECIDE_STOP;
}

/* What the template asks of a rotation. */
enum decide_next decide_rotation(struct decide *d)
{
	const struct policy_facts *f = d->f;
	bool same =
		d->r->renewed || (f->store_known && d->r->csr && f->same_spki);

	if (d->t->rotation.fresh_evidence && f->store_known &&
	    decide_evidence(d) == DECIDE_STOP)
		return DECIDE_STOP;
	if (d->r->csr && !d->r->renewed && !d->t->rotation.present)
		return decide_deny_device(
			d, PV_DENIED, "rotation.missing",
			"adopt a version of the template with a section "
			"\"rotation\", or `provctl issue --replace "
			"--reason rework|scrap`",
			"the template rotates no device to a key of its "
			"own");
	if (!d->r->parts && same && !d->t->rotation.same_key)
		return decide_deny_device(
			d, PV_DENIED, "rotation.same_key",
			"give a CSR of a new key, or allow it with "
			"rotation.same_key",
			"the template does not certify a key once more");
	if (d->r->renewed && f->store_known && !f->same_spki)
		return decide_deny_device(
			d, PV_DENIED, "rotation.same_key", "run it again",
			"the key is not the one that the device has");
	return DECIDE_GO_ON;
}
