/* attest enrol: the keys that devices attest with. */
#include <fcntl.h>
#include <string.h>

#include "cmd/attest.h"
#include "cmd/attest_enrol.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"

#define SPKI_MAX 1200

CLEANUP_PTR(struct enrolment, enrolment_free);

static enum pv_code usage(const char *what, struct err *err)
{
	return err_fail(err, PV_USAGE, "usage.argument",
			"see provctl attest enrol --help", "%s", what);
}

json_t *enrol_line(const char *device, const char *format,
		   const struct attestkey_said *said)
{
	json_t *o = json_pack("{s:s, s:s}", "device", device, "format", format);
	char hex[2 * 32 + 1];

	if (said->device[0]) {
		hex_encode(said->key_sha256, 32, hex);
		json_object_set_new(o, "key_sha256", json_string(hex));
		json_object_set_new(o, "replaced",
				    json_boolean(said->replaced));
		if (said->renewed)
			json_object_set_new(o, "renewed", json_true());
	}
	return o;
}

/* ---- what became of all ---- */

static enum pv_code say(struct attest_group *r, const struct enrolment_said *s,
			bool pending, struct err *err)
{
	struct err why = s->why;
	struct attestkey_said none = { .device = "" };
	const char *status = s->key.existing ? "existing"
			     : pending	     ? "pending"
					     : "enrolled";
	json_t *line = enrol_line(s->device, s->format,
				  why.code == PV_OK ? &s->key : &none);

	return attest_group_end(r, line, status, &why, err);
}

enum pv_code enrol_all(struct attest_group *r, const struct enrol_args *a,
		       struct enrolment *e, bool pending, struct err *err)
{
	const struct approvals_want want = { .files = a->approvals.values,
					     .files_n = a->approvals.n,
					     .request_out = a->request };
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = enrolment_run(e, &want, &why);
	if (rc == PV_OK)
		rc = session_protect(r->app, r->s, &why);
	/* Who was refused is said, whatever became of the others. */
	for (size_t i = 0; i < enrolment_count(e); i++) {
		const struct enrolment_said *s = enrolment_said(e, i);

		if ((rc == PV_OK || s->why.code != PV_OK) &&
		    say(r, s, pending, err) != PV_OK)
			return err->code;
	}
	if (rc == PV_OK || attest_group_flush(r, err) != PV_OK)
		return err->code;
	*err = why;
	return rc;
}

/* ---- one ---- */

static enum pv_code one_key(struct attest_group *r, const struct enrol_args *a,
			    enum evidence_format format, struct err *err)
{
	CLEANUP(buf_release) struct buf der;
	SECRET mac = SECRET_INIT;
	uint8_t instance[EVIDENCE_UEID_LEN];
	struct attestkey_in in = { .device = a->device, .format = format };
	CLEANUP(cleanup_enrolment_free) struct enrolment *e = NULL;
	enum pv_code rc = PV_OK;

	buf_init(&der, SPKI_MAX);
	if (a->mac_key)
		rc = file_read_secret(AT_FDCWD, a->mac_key, FILEIO_PRIVATE,
				      ATTESTKEY_MAC_MAX, &mac, err);
	else
		rc = attest_read_der(a->key, "PUBLIC KEY", SPKI_MAX, &der, err);
	if (rc == PV_OK && a->instance)
		rc = attest_hex(a->instance, "evidence.instance", instance,
				sizeof(instance), err);
	if (rc != PV_OK)
		return rc;
	if (a->instance)
		in.instance = (struct span){ instance, sizeof(instance) };
	in.spki = buf_span(&der);
	in.mac_key = a->mac_key ? &mac : NULL;
	rc = enrolment_new(r->s->a, r->s->store, r->s->hsm, &e, err);
	if (rc == PV_OK)
		rc = enrolment_add(e, &in, err);
	return rc == PV_OK ? enrol_all(r, a, e, false, err) : rc;
}

static enum pv_code check(const struct enrol_args *a,
			  enum evidence_format *format, struct err *err)
{
	bool tpm;

	if (a->from)
		return a->device || a->format || a->key || a->mac_key
			       ? usage("give --from alone", err)
			       : PV_OK;
	if (!a->device || !a->format ||
	    !evidence_format_find(a->format, format))
		return usage("give --device and --format psa, tpm2 or dice",
			     err);
	tpm = *format == EVIDENCE_TPM2;
	if (tpm && !a->activated && !(a->ek && a->ak && a->out))
		return usage("a TPM begins with --ek-cert, --ak and -o, and "
			     "ends with --activated",
			     err);
	if (!tpm && !a->key == !a->mac_key)
		return usage("give one key, --key or --mac-key", err);
	if (a->activated && (a->approvals.n > 0 || a->request))
		return usage("approvals go with --ek-cert and --ak", err);
	if (a->ek_chain.n >= EVIDENCE_CHAIN_MAX)
		return usage("the chain is too long", err);
	return PV_OK;
}

static enum pv_code work(struct attest_group *r, const struct enrol_args *a,
			 enum evidence_format format, struct evidencebox *box,
			 struct err *err)
{
	if (a->from)
		return enrol_list(r, a, err);
	if (format != EVIDENCE_TPM2)
		return one_key(r, a, format, err);
	return a->activated ? enrol_activate(r, a, err)
			    : enrol_offer(r, a, box, err);
}

/* What a TPM answers was approved when it was offered. */
static unsigned who_may(const struct enrol_args *a)
{
	return a->activated ? SESSION_MAY(ROLE_OP_ATTEST) : SESSION_GATED;
}

enum pv_code attest_run_enrol(const struct app *app, int argc, char **argv,
			      struct err *err)
{
	struct enrol_args a = { .device = NULL };
	const struct opt opts[] = {
		{ "device", 0, OPT_STRING, &a.device, 0, 0 },
		{ "format", 0, OPT_STRING, &a.format, 0, 0 },
		{ "key", 0, OPT_STRING, &a.key, 0, 0 },
		{ "mac-key", 0, OPT_STRING, &a.mac_key, 0, 0 },
		{ "instance", 0, OPT_STRING, &a.instance, 0, 0 },
		{ "ek-cert", 0, OPT_STRING, &a.ek, 0, 0 },
		{ "ek-chain", 0, OPT_LIST, &a.ek_chain, 0, 0 },
		{ "ak", 0, OPT_STRING, &a.ak, 0, 0 },
		{ "activated", 0, OPT_STRING, &a.activated, 0, 0 },
		{ "from", 0, OPT_STRING, &a.from, 0, 0 },
		{ "approval", 0, OPT_LIST, &a.approvals, 0, 0 },
		{ "request", 0, OPT_STRING, &a.request, 0, 0 },
		{ "out", 'o', OPT_STRING, &a.out, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(evidencebox_stop) struct evidencebox box = EVIDENCEBOX_INIT;
	SESSION s = { .a = NULL };
	CLEANUP(attest_group_release) struct attest_group r;
	enum evidence_format format = EVIDENCE_PSA;
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	attest_group_init(&r, app, &s);
	if (rc == PV_OK)
		rc = check(&a, &format, err);
	/* Before PIN, token and store. */
	if (rc == PV_OK && a.ek)
		rc = evidencebox_start(&box, err);
	if (rc == PV_OK)
		rc = session_open(
			app,
			SESSION_STORE | who_may(&a) |
				(a.mac_key || a.ek ? SESSION_HSM : 0u),
			&s, err);
	if (rc == PV_OK)
		rc = work(&r, &a, format, &box, err);
	return rc == PV_OK ? attest_group_finish(&r, "keys", err) : rc;
}
