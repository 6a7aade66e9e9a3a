/* attest event: what happened where in a factory, as a signed note. */
#include "cmd/attest.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/flow/factoryevent.h"

#define NOTE_MODE 0644

struct event_args {
	struct factoryevent what;
	const char *key, *pin, *output;
};

static enum pv_code usage(const char *what, struct err *err)
{
	return err_fail(err, PV_USAGE, "usage.option",
			"see provctl attest event --help", "%s", what);
}

static enum pv_code check(const struct event_args *a, struct err *err)
{
	if (!a->what.station)
		return usage("--station is missing", err);
	if (!a->what.order && !a->what.device)
		return usage("--device or --order is missing", err);
	if (a->key && !a->what.order)
		return usage("--station-key goes with --order, which names the "
			     "key",
			     err);
	if (a->pin && !a->key)
		return usage("--station-pin goes with --station-key", err);
	return PV_OK;
}

static enum pv_code tell(const struct app *app, const struct event_args *a,
			 const struct buf *note, struct err *err)
{
	if (app->json)
		return out_json(json_pack("{s:s, s:s, s:s, s:s%}", "event",
					  a->what.type, "station",
					  a->what.station, "proof",
					  a->key ? "signed" : "claimed", "note",
					  (const char *)note->data, note->len),
				err);
	return a->output ? PV_OK : out_bytes(buf_span(note), err);
}

/* What stands in the file's way stops it before it is recorded. */
static enum pv_code make(const struct app *app, struct session *s,
			 const struct event_args *a, struct err *err)
{
	CLEANUP(out_staged_release) struct out_staged file = OUT_STAGED_INIT;
	CLEANUP(factoryevent_release) struct factoryevent_made made;
	enum pv_code rc =
		factoryevent_sign(s->a, s->store, s->hsm, &a->what, &made, err);

	if (rc == PV_OK && a->output)
		rc = out_stage(&file, a->output, NOTE_MODE,
			       buf_span(&made.note), err);
	if (rc == PV_OK)
		rc = factoryevent_record(s->store, &a->what, &made, err);
	if (rc == PV_OK && a->output)
		rc = out_give(&file, err);
	if (rc == PV_OK)
		rc = session_checkpoint(app, s, err);
	return rc == PV_OK ? tell(app, a, &made.note, err) : rc;
}

static enum pv_code run(const struct app *app, struct event_args *a,
			struct err *err)
{
	OFFICERKEY k = { .token = false };
	struct note_signer signer;
	SESSION s = { .a = NULL };
	enum pv_code rc = a->key ? session_person(app, a->what.station, a->key,
						  a->pin, &k, err)
				 : PV_OK;

	signer = officerkey_signer(&k);
	a->what.station_key = a->key ? &signer : NULL;
	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_HSM |
					  SESSION_MAY(ROLE_OP_ATTEST),
				  &s, err);
	return rc == PV_OK ? make(app, &s, a, err) : rc;
}

enum pv_code attest_run_event(const struct app *app, int argc, char **argv,
			      struct err *err)
{
	struct event_args a = { .output = NULL };
	const struct opt opts[] = {
		{ "station", 0, OPT_STRING, &a.what.station, 0, 0 },
		{ "station-key", 0, OPT_STRING, &a.key, 0, 0 },
		{ "station-pin", 0, OPT_STRING, &a.pin, 0, 0 },
		{ "order", 0, OPT_STRING, &a.what.order, 0, 0 },
		{ "device", 0, OPT_STRING, &a.what.device, 0, 0 },
		{ "checked", 0, OPT_STRING, &a.what.checked, 0, 0 },
		{ "output", 'o', OPT_STRING, &a.output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 1, &args, err);

	if (rc == PV_OK)
		rc = check(&a, err);
	if (rc != PV_OK)
		return rc;
	a.what.type = args.values[0];
	return run(app, &a, err);
}
