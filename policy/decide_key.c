/* Keys: quality, possession, owners, and what the template asks of them. */
#include <string.h>

#include "policy/decide_impl.h"

enum decide_next decide_proof(struct decide *d)
{
	const struct err *e = d->f->key_err;
	bool named = e && e->rule[0];
	bool input = e && e->code == PV_INPUT;

	if (!d->r->csr)
		return DECIDE_GO_ON;
	if (!d->f->key_ok)
		return decide_deny(d,
				   &(struct decide_why){
					   .code = input ? PV_INPUT : PV_DENIED,
					   .rule = named ? e->rule : "key.weak",
					   .field = "csr",
					   .fix = e && e->hint[0]
							  ? e->hint
							  : "make a new key on "
							    "the device" },
				   "%.200s",
				   e && e->message[0] ? e->message
						      : "the key is not sound");
	if (!d->f->csr_signature_ok)
		return decide_deny(
			d,
			&(struct decide_why){ .code = PV_INPUT,
					      .rule = "csr.signature",
					      .field = "csr",
					      .fix = "make the CSR with the "
						     "device's own key" },
			"the CSR's signature is wrong: no proof of "
			"possession");
	return DECIDE_GO_ON;
}

static enum decide_next deny_unsigned(struct decide *d)
{
	struct decide_why why = {
		.code = PV_INPUT,
		.rule = "device.seal_key_sig",
		.field = "seal_key_sig",
		.fix = "sign \"provctl/seal-key/v1\", the id and the SPKI "
		       "with the certified key"
	};

	return decide_deny(d, &why, "%s",
			   d->r->seal_sig ? "the certified key did not sign "
					    "the sealing key"
					  : "seal_key_sig is missing");
}

/* formats.md 1: that signature is ECDSA P-256; others wait for evidence. */
static bool can_sign(const struct policy_request *r)
{
	return !r->csr ||
	       (r->algorithm != TPL_ALG_P384 && r->algorithm != TPL_ALG_RSA);
}

enum decide_next decide_seal_proof(struct decide *d)
{
	struct decide_why why = { .code = PV_DENIED, .field = "seal_key" };

	if (!d->r->seal_key)
		return DECIDE_GO_ON;
	if (!d->f->seal_key_ok) {
		why.rule = "key.seal_key";
		why.fix = "make a new P-256 key on the device";
		return decide_deny(d, &why,
				   "the sealing key is not a sound P-256 key");
	}
	if (d->f->seal_is_certified) {
		why.rule = "key.dual_use";
		why.fix = "use a second key, or a template with recipient "
			  "\"certified-key\"";
		return decide_deny(d, &why,
				   "the sealing key is the certified key");
	}
	if (!d->f->seal_sig_ok && can_sign(d->r))
		return deny_unsigned(d);
	return DECIDE_GO_ON;
}

enum decide_next decide_owner(struct decide *d)
{
	const struct policy_facts *f = d->f;
	bool stored = f->store_known;

	if (f->key_authority == POLICY_OWNER_AUTHORITY ||
	    (stored && (f->spki_owner == POLICY_OWNER_AUTHORITY ||
			f->seal_owner == POLICY_OWNER_AUTHORITY)))
		return decide_deny(
			d,
			&(struct decide_why){ .code = PV_DENIED,
					      .rule = "key.authority",
					      .field = "csr",
					      .fix = "find out who sent this",
					      .anomaly = true },
			"the device presents a key of the authority");
	if (stored && (f->spki_owner == POLICY_OWNER_OTHER_DEVICE ||
		       f->seal_owner == POLICY_OWNER_OTHER_DEVICE))
		return decide_deny(
			d,
			&(struct decide_why){
				.code = PV_DENIED,
				.rule = "key.reused",
				.field =
					f->spki_owner ==
							POLICY_OWNER_OTHER_DEVICE
						? "csr"
						: "seal_key",
				.fix = "make the key on the device "
				       "itself",
				.anomaly = true },
			"the key belongs to another device");
	return DECIDE_GO_ON;
}

static enum decide_next deny_key(struct decide *d, const char *rule,
				 enum pv_code code, const char *field,
				 const char *fix, const char *message)
{
	struct decide_why why = {
		.code = code, .rule = rule, .field = field, .fix = fix
	};

	return decide_deny(d, &why, "%s", message);
}

static enum decide_next check_kind(struct decide *d)
{
	const struct policy_request *r = d->r;

	switch (d->t->key) {
	case TPL_KEY_CSR:
		if (r->csr && !r->host_key)
			return DECIDE_GO_ON;
		return deny_key(d, "device.key", PV_INPUT, "csr",
				"give the device's CSR",
				"the template certifies the key of a CSR");
	case TPL_KEY_HOST:
		if (r->host_key && !r->csr)
			return DECIDE_GO_ON;
		return deny_key(d, "device.key", PV_INPUT, "csr",
				"ask with --key host and without a CSR",
				"the template has the key made by provctl");
	case TPL_KEY_NONE:
		if (!r->csr && !r->host_key)
			return DECIDE_GO_ON;
		return deny_key(d, "device.key", PV_INPUT, "csr",
				"leave CSR and --key out",
				"the template certifies no key");
	}
	return DECIDE_STOP;
}

enum decide_next decide_key(struct decide *d)
{
	const struct policy_request *r = d->r;
	bool wants_seal = d->t->recipient == TPL_RECIPIENT_SEALING_KEY;

	if (check_kind(d) == DECIDE_STOP)
		return DECIDE_STOP;
	if (r->csr && r->algorithm != d->t->algorithm)
		return deny_key(d, "device.algorithm", PV_DENIED, "csr",
				"make a key of the template's algorithm",
				"the key's algorithm is not the template's");
	if (wants_seal && !r->seal_key)
		return deny_key(d, "device.seal_key", PV_INPUT, "seal_key",
				"give seal_key and seal_key_sig",
				"the template seals to a sealing key");
	if (!wants_seal && r->seal_key)
		return deny_key(d, "device.seal_key", PV_INPUT, "seal_key",
				"leave seal_key out",
				"the template does not seal to a sealing key");
	/* Nothing is sealed to a key that neither signature nor evidence binds.
	 */
	if (wants_seal && !d->f->seal_sig_ok && template_seals_now(d->t))
		return deny_unsigned(d);
	return DECIDE_GO_ON;
}

enum decide_next decide_excess(struct decide *d)
{
	if (!d->r->csr || d->f->csr_within)
		return DECIDE_GO_ON;
	return decide_deny(
		d,
		&(struct decide_why){ .code = PV_DENIED,
				      .rule = "csr.excess",
				      .field = "csr",
				      .value = d->f->csr_excess,
				      .fix = "ask for nothing, or for what the "
					     "template gives" },
		"the CSR asks for more than the template gives");
}
