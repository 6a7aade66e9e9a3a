#include <string.h>

#include "cmd/export.h"
#include "cmd/out.h"
#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/event.h"

static const char help[] =
	"usage: provctl export bundle    --device ID [--stage S] [-o FILE]\n"
	"       provctl export segment   --device ID [--stage S] [-o FILE]\n"
	"                                --item N | --component I --index K\n"
	"       provctl export segment   --device ID [--stage S] --out DIR | "
	"--list\n"
	"       provctl export stream    --device ID [--stage S] --link LINE\n"
	"                                [--mtu N] [--baud N] [--tries N] "
	"[--wait MS]\n"
	"                                [--receipt FILE]\n"
	"       provctl export escrow    --device ID [--stage S] [-o FILE]\n"
	"       provctl export escrow    --all --out DIR\n"
	"       provctl export chain     [--ca NAME [--generation N | --all] "
	"|\n"
	"                                --device ID] [--der | --jsonl | "
	"--csv]\n"
	"                                [-o FILE | --proof --out DIR]\n"
	"       provctl export key       --purpose P [--generation N] [--vkey] "
	"[-o FILE]\n"
	"       provctl export kek       --to CERT (--device ID... | --from "
	"LIST)\n"
	"                                [--approval NOTE]... [--request FILE] "
	"[-o FILE]\n"
	"       provctl export crl       --ca NAME [--shard N] [--der | "
	"--jsonl | --csv]\n"
	"                                [--since TIME] [-o FILE]\n"
	"       provctl export ocsp      --device ID [--jsonl | --csv] [-o "
	"FILE]\n"
	"       provctl export inventory [--jsonl | --csv] [--since TIME] [--state S]\n"
	"                                [--device ID] [--template T] [--order "
	"O]\n"
	"                                [-o FILE]\n"
	"       provctl export log       --out DIR\n"
	"       provctl export proof     --device ID | --serial HEX [-o FILE]\n"
	"\n"
	"Writes to FILE or to standard output; DIR gets one file for each. A\n"
	"file that is there with other bytes is a conflict (9). kek asks for "
	"the\n"
	"PIN; its output and escrow are sealed to a certificate (CMS). log "
	"brings\n"
	"DIR up to the last signed checkpoint (tlog-tiles) and writes what is "
	"new.\n"
	"stream sends a bundle to a device over LINE: a serial line, a socket "
	"or\n"
	"fd:N. Run again, it goes on with what the device has not.\n"
	"Every other export is logged. P is the purpose of a key in "
	"provctl.json:\n"
	"bundle, log, root, issuing-1 and so on; not kdf and store, which "
	"are secret.\n"
	"The N of --shard is the number in a revocation list's URL; a list "
	"that has\n"
	"ended is not given out (5): see rotate. STATE is reserved, issued, "
	"suspended\n"
	"(held), revoked, retired or quarantined; --since: made, revoked or "
	"held since\n"
	"then (YYYY-MM-DDTHH:MM:SSZ).\n"
	"\n"
	"example: provctl -C acme export bundle --device ACME-01 -o "
	"ACME-01.pvb\n";

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
	.help = help,
	.token = true,
	.run = run,
};
