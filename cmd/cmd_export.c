#include <string.h>

#include "cmd/export.h"
#include "cmd/out.h"
#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/event.h"

static const struct export_verb {
	const char *name;
	enum pv_code (*run)(const struct app *app, int argc, char **argv,
			    struct err *err);
} exports[] = {
	{ "bundle", export_run_bundle }, { "segment", export_run_segment },
	{ "escrow", export_run_escrow }, { "chain", export_run_chain },
	{ "key", export_run_key },	 { "kek", export_run_kek },
	{ "crl", export_run_crl },	 { "inventory", export_run_inventory },
	{ "ocsp", export_run_ocsp },	 { "log", export_run_log },
	{ "proof", export_run_proof },	 { "stream", export_run_stream },
};

static enum pv_code give(const struct app *app, struct session *s,
			 const char *object, const char *what, const char *path,
			 struct out_staged *out, struct err *err)
{
	enum pv_code rc =
		event_export(s->store, object, what, export_to(path), err);

	if (rc == PV_OK)
		rc = out_give(out, err);
	return rc == PV_OK ? session_checkpoint(app, s, err) : rc;
}

enum pv_code export_give(const struct app *app, struct session *s,
			 const char *object, const char *what, const char *path,
			 mode_t mode, struct span bytes, struct err *err)
{
	CLEANUP(out_staged_release) struct out_staged out = OUT_STAGED_INIT;
	enum pv_code rc = out_stage(&out, path, mode, bytes, err);

	return rc == PV_OK ? give(app, s, object, what, path, &out, err) : rc;
}

enum pv_code export_renew(const struct app *app, struct session *s,
			  const char *object, const char *what,
			  const char *path, mode_t mode, struct span bytes,
			  struct err *err)
{
	CLEANUP(out_staged_release)
	struct out_staged out = { .folder = -1, .replace = true };
	enum pv_code rc = out_stage(&out, path, mode, bytes, err);

	return rc == PV_OK ? give(app, s, object, what, path, &out, err) : rc;
}

enum pv_code export_since(const char *text, int64_t *since_s, struct err *err)
{
	if (pvtime_parse(text, strlen(text), since_s) && *since_s >= 0)
		return PV_OK;
	return err_fail(err, PV_USAGE, "usage.option", "see --help",
			"--since is a time, YYYY-MM-DDTHH:MM:SSZ");
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	if (argc < 2)
		return err_fail(err, PV_USAGE, "usage.argument", "see --help",
				"export what?");
	for (size_t i = 0; i < sizeof(exports) / sizeof(exports[0]); i++)
		if (strcmp(exports[i].name, argv[1]) == 0)
			return exports[i].run(app, argc - 1, argv + 1, err);
	return err_fail(err, PV_USAGE, "usage.argument", "see --help",
			"export does not know \"%.40s\"", argv[1]);
}

const struct verb verb_export = {
	.name = "export",
	.summary = "bundles, streams, escrow, chain, keys, KEKs, CRLs, "
		   "inventory, log, proofs",
	.help = export_help,
	.parts = export_parts,
	.token = true,
	.run = run,
};
