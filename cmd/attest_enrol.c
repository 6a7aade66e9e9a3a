/* attest enrol: the keys that devices attest with. */
#include <fcntl.h>
#include <string.h>

#include "cmd/attest.h"
#include "cmd/attest_enrol.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"

#define SPKI_MAX 1200

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

/* One key that is taken as it is. */
static enum pv_code enrol(struct attest_group *r, const struct attestkey_in *in,
			  struct err *why, struct err *err)
{
	struct attestkey_said said = { .device = "" };
	const char *format =
		in->mac_key ? "psa-mac0" : evidence_format_name(in->format);
	enum pv_code rc = attest_group_begin(r, err);

	if (rc != PV_OK)
		return rc;
	if (why->code == PV_OK &&
	    attestkey_enrol(r->s->a, r->s->store, r->s->hsm, &r->who, in, &said,
			    why) != PV_OK)
		said.device[0] = '\0';
	if (why->code != PV_OK)
		err_object(why, in->device);
	return attest_group_end(r, enrol_line(in->device, format, &said),
				said.existing ? "existing" : "enrolled", why,
				err);
}

/* ---- many ---- */

static const char *text_of(json_t *line, const char *key)
{
	const char *s = json_string_value(json_object_get(line, key));

	return s ? s : "";
}

static enum pv_code take_line(void *ctx, json_t *line, struct err *err)
{
	CLEANUP(buf_release) struct buf der;
	const char *key = text_of(line, "key");
	const char *hex = text_of(line, "instance");
	uint8_t instance[EVIDENCE_UEID_LEN];
	struct attestkey_in in = { .device = text_of(line, "device") };
	struct err why;

	err_init(&why);
	buf_init(&der, SPKI_MAX);
	if (!evidence_format_find(text_of(line, "format"), &in.format) ||
	    in.format == EVIDENCE_TPM2)
		(void)err_fail(&why, PV_INPUT, "evidence.format",
			       "many are enrolled of psa and dice",
			       "the line has no such format");
	else if (pem_decode((struct span){ (const uint8_t *)key, strlen(key) },
			    "PUBLIC KEY", &der, &why) == PV_OK &&
		 hex[0] &&
		 attest_hex(hex, "evidence.instance", instance,
			    sizeof(instance), &why) == PV_OK)
		in.instance = (struct span){ instance, sizeof(instance) };
	in.spki = buf_span(&der);
	return enrol(ctx, &in, &why, err);
}

/* ---- one ---- */

static enum pv_code one_key(struct attest_group *r, const struct enrol_args *a,
			    enum evidence_format format, struct err *err)
{
	CLEANUP(buf_release) struct buf der;
	SECRET mac = SECRET_INIT;
	uint8_t instance[EVIDENCE_UEID_LEN];
	struct attestkey_in in = { .device = a->device, .format = format };
	struct err why;
	enum pv_code rc = PV_OK;

	err_init(&why);
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
	return enrol(r, &in, &why, err);
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
	if (a->ek_chain.n >= EVIDENCE_CHAIN_MAX)
		return usage("the chain is too long", err);
	return PV_OK;
}

static enum pv_code work(struct attest_group *r, const struct enrol_args *a,
			 enum evidence_format format, struct err *err)
{
	if (a->from)
		return attest_each_line(r, a->from, take_line, r, err);
	if (format != EVIDENCE_TPM2)
		return one_key(r, a, format, err);
	return a->activated ? enrol_activate(r, a, err)
			    : enrol_offer(r, a, err);
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
		{ "out", 'o', OPT_STRING, &a.out, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	SESSION s = { .a = NULL };
	CLEANUP(attest_group_release) struct attest_group r;
	enum evidence_format format = EVIDENCE_PSA;
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	attest_group_init(&r, app, &s);
	if (rc == PV_OK)
		rc = check(&a, &format, err);
	if (rc == PV_OK)
		rc = session_open(
			app,
			SESSION_STORE | SESSION_MAY(ROLE_OP_ATTEST) |
				(a.mac_key || a.ek ? SESSION_HSM : 0u),
			&s, err);
	if (rc == PV_OK)
		rc = work(&r, &a, format, err);
	return rc == PV_OK ? attest_group_finish(&r, "keys", err) : rc;
}
