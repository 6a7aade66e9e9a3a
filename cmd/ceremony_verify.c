/* ceremony verify and cosign: no authority, and no token but a person's own. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/ceremony.h"
#include "cmd/ceremony_files.h"
#include "cmd/confirm.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/fileio.h"

#define SHOWN_MAX 65536 /* bytes of what a witness reads before signing */

enum pv_code ceremony_run_verify(const struct app *app, int argc, char **argv,
				 struct err *err)
{
	struct ceremony_named in = { .note = NULL };
	const struct opt opts[] = {
		{ "note", 0, OPT_STRING, &in.note, 0, 0 },
		{ "plan", 0, OPT_STRING, &in.plan, 0, 0 },
		{ "dir", 0, OPT_STRING, &in.dir, 0, 0 },
		{ "log-vkey", 0, OPT_STRING, &in.vkey, 0, 0 },
		{ "witness", 0, OPT_LIST, &in.witnesses, 0, 0 },
		{ "mode", 0, OPT_STRING, &in.mode, 0, 0 },
		{ "unattended", 0, OPT_FLAG, &in.unattended, 0, 0 },
		{ "log", 0, OPT_STRING, &in.log, 0, 0 },
		{ "log-key", 0, OPT_LIST, &in.log_keys, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CEREMONY_FILES f = { .dir = -1 };
	struct ceremonycheck_report r;
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 1, &args, err);

	if (rc != PV_OK)
		return rc;
	if (in.log_keys.n > 0 && !in.log)
		return err_fail(err, PV_USAGE, "usage.option", "see --help",
				"--log-key goes with --log");
	in.transcript = args.values[0];
	rc = ceremony_files_check(&in, &f, &r, err);
	return rc == PV_OK ? ceremony_print(app, &r, buf_span(&f.lines), err)
			   : rc;
}

/* ---- cosign ---- */

struct cosign_args {
	struct ceremony_named named;
	const char *as, *key, *pin_source, *output;
	bool yes;
};

static enum pv_code parse(const struct app *app, int argc, char **argv,
			  struct cosign_args *in, struct err *err)
{
	const struct opt opts[] = {
		{ "note", 0, OPT_STRING, &in->named.note, 0, 0 },
		{ "plan", 0, OPT_STRING, &in->named.plan, 0, 0 },
		{ "dir", 0, OPT_STRING, &in->named.dir, 0, 0 },
		{ "log-vkey", 0, OPT_STRING, &in->named.vkey, 0, 0 },
		{ "mode", 0, OPT_STRING, &in->named.mode, 0, 0 },
		{ "unattended", 0, OPT_FLAG, &in->named.unattended, 0, 0 },
		{ "as", 0, OPT_STRING, &in->as, 0, 0 },
		{ "key", 0, OPT_STRING, &in->key, 0, 0 },
		{ "pin-source", 0, OPT_STRING, &in->pin_source, 0, 0 },
		{ "output", 'o', OPT_STRING, &in->output, 0, 0 },
		{ "yes", 0, OPT_FLAG, &in->yes, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc;

	*in = (struct cosign_args){ .output = "-" };
	rc = opts_parse(opts, argc, argv, 1, 1, &args, err);
	if (rc != PV_OK)
		return rc;
	in->named.transcript = args.values[0];
	if (!in->as && !in->key && !in->pin_source) {
		in->as = app->as;
		in->key = app->key;
		in->pin_source = app->pin_source;
	}
	return in->as && in->key
		       ? PV_OK
		       : err_fail(err, PV_USAGE, "usage.option",
				  "see provctl ceremony cosign --help",
				  "give --as and --key");
}

/* What is signed is shown, also with --quiet: what the script has, too. */
static enum pv_code confirm(const struct cosign_args *in,
			    const struct ceremonycheck_report *r,
			    struct span transcript, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct confirm c = { .as = in->as,
			     .terminal = "ceremony.terminal",
			     .declined = "ceremony.declined" };
	enum pv_code rc;

	buf_init(&text, SHOWN_MAX);
	rc = ceremony_found(r, transcript, &text, err);
	if (rc != PV_OK)
		return rc;
	c.shown = buf_span(&text);
	fwrite(text.data, 1, text.len, stderr);
	return in->yes ? PV_OK : confirm_signing(&c, err);
}

static enum pv_code sign(const struct app *app, const struct cosign_args *in,
			 struct span note, struct buf *out, struct err *err)
{
	OFFICERKEY k;
	struct note_signer signer;
	enum pv_code rc =
		session_person(app, in->as, in->key, in->pin_source, &k, err);

	if (rc != PV_OK)
		return rc;
	signer = officerkey_signer(&k);
	return ceremonycheck_cosign(note, &signer, out, err);
}

enum pv_code ceremony_run_cosign(const struct app *app, int argc, char **argv,
				 struct err *err)
{
	CEREMONY_FILES f = { .dir = -1 };
	CLEANUP(buf_release) struct buf note;
	struct ceremonycheck_report r;
	struct cosign_args in;
	enum pv_code rc = parse(app, argc, argv, &in, err);

	buf_init(&note, NOTE_SIZE_MAX);
	if (rc == PV_OK)
		rc = ceremony_files_check(&in.named, &f, &r, err);
	if (rc == PV_OK)
		rc = session_person_check(app, in.as, in.key, err);
	if (rc == PV_OK)
		rc = confirm(&in, &r, buf_span(&f.lines), err);
	if (rc == PV_OK)
		rc = sign(app, &in, buf_span(&f.note), &note, err);
	if (rc == PV_OK)
		rc = out_file(in.output, 0600, buf_span(&note), err);
	if (rc == PV_OK && strcmp(in.output, "-") != 0)
		out_note(app,
			 "signed as %s: %s is the note with that signature; "
			 "the next witness takes it with --note, the last one "
			 "gives it back to the authority",
			 in.as, in.output);
	return rc;
}
