#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/flow/event.h"
#include "lib/flow/export.h"
#include "lib/flow/exportchain.h"

#define TEXT_MAX (1024u * 1024u)

const char *export_to(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (strcmp(path, "-") == 0)
		return "stdout";
	return slash && slash[1] ? slash + 1 : path;
}

static enum pv_code check_chain(const struct export_chain_of *of, bool proof,
				const char *dir, const char *output,
				struct err *err)
{
	if (proof != (dir != NULL) || (dir && strcmp(output, "-") != 0))
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"--proof and --out DIR go together, without "
				"-o");
	if ((of->all || of->generation) && !of->ca)
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"--all and --generation go with --ca");
	if ((of->all && of->generation) || (of->device && of->ca))
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"one generation, all of them, or a device's");
	return PV_OK;
}

enum pv_code export_run_chain(const struct app *app, int argc, char **argv,
			      struct err *err)
{
	const char *output = "-", *dir = NULL, *about;
	struct export_chain_of of = { .ca = NULL };
	uint64_t generation = 0;
	bool proof = false;
	const struct opt opts[] = {
		{ "ca", 0, OPT_STRING, &of.ca, 0, 0 },
		{ "generation", 0, OPT_NUMBER, &generation, 1, UINT32_MAX },
		{ "all", 0, OPT_FLAG, &of.all, 0, 0 },
		{ "device", 0, OPT_STRING, &of.device, 0, 0 },
		{ "proof", 0, OPT_FLAG, &proof, 0, 0 },
		{ "out", 0, OPT_STRING, &dir, 0, 0 },
		{ "output", 'o', OPT_STRING, &output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(buf_release) struct buf out;
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	buf_init(&out, TEXT_MAX);
	of.generation = (uint32_t)generation;
	if (rc == PV_OK)
		rc = check_chain(&of, proof, dir, output, err);
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_PUBLIC),
			&s, err);
	if (rc == PV_OK)
		rc = session_witnessed(&s, NULL, err);
	if (rc == PV_OK)
		rc = export_chain(s.store, &of, &out, err);
	about = of.device ? of.device : of.ca ? of.ca : "all";
	if (rc == PV_OK && proof)
		return export_chain_proofs(app, &s, &of, about, dir, err);
	return rc == PV_OK ? export_give(app, &s, about, "chain", output, 0644,
					 buf_span(&out), err)
			   : rc;
}

enum pv_code export_run_key(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	const char *purpose = NULL, *output = "-";
	uint64_t generation = 0;
	bool vkey = false;
	const struct opt opts[] = {
		{ "purpose", 0, OPT_STRING, &purpose, 0, 0 },
		{ "generation", 0, OPT_NUMBER, &generation, 1, UINT32_MAX },
		{ "vkey", 0, OPT_FLAG, &vkey, 0, 0 },
		{ "output", 'o', OPT_STRING, &output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(buf_release) struct buf out;
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	buf_init(&out, TEXT_MAX);
	if (rc == PV_OK && !purpose)
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "--purpose is missing");
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_PUBLIC),
			&s, err);
	if (rc == PV_OK)
		rc = export_key(s.a, s.store, purpose, (unsigned)generation,
				vkey, &out, err);
	return rc == PV_OK
		       ? export_give(app, &s, purpose, vkey ? "vkey" : "key",
				     output, 0644, buf_span(&out), err)
		       : rc;
}
