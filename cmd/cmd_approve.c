/* approve: knows no authority: a request, an officer's key, a note. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/approve.h"
#include "cmd/confirm.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/approve.h"

#define NOTE_MAX 4096u

CLEANUP_PTR(struct approval_request, approval_request_free);

static const char help[] =
	"usage: provctl approve REQUEST --as NAME --key FILE|URI "
	"[--pin-source S]\n"
	"                       [--log-vkey VKEY] [--root CERT] [-o NOTE] "
	"[--yes]\n"
	"       provctl approve --list [DIR] [--operation OP]\n"
	"                       [--state open|expired] [--last N]\n"
	"\n"
	"Shows what REQUEST asks for, made from its own bytes, also with -q, "
	"and\n"
	"signs it with the officer's key. What the requester says beside it, "
	"unsigned,\n"
	"comes first behind \"? \"; the last line is made of what is signed. "
	"Needs no\n"
	"authority: it runs on the officer's own machine. The note goes to "
	"NOTE or to\n"
	"standard output, and back to who asked, for --approval.\n"
	"\n"
	"  --key FILE       key file of `officer key new --file'\n"
	"  --key URI        key in a PKCS#11 token: pkcs11:token=T;object=KEY"
	"\n"
	"                   ?module-path=/PATH/TO/MODULE.so\n"
	"  --pin-source S   of the token's PIN or the file's passphrase: "
	"prompt\n"
	"                   (default), file:PATH, fd:N, systemd:NAME\n"
	"  --log-vkey VKEY  refuse a request for another log\n"
	"  --root CERT      refuse a request for another root (PEM)\n"
	"  --yes            do not ask on the terminal\n"
	"  --list [DIR]     the requests there (default: requests/ of the "
	"home), "
	"newest\n"
	"                   first: of OP, in that state, N of them; approved "
	"or "
	"not\n"
	"\n"
	"example: provctl approve adopt-1a2b3c4d5e6f.json --as alice --key "
	"alice.key\n"
	"           -o alice.note\n";

struct approve_args {
	const char *as, *key, *pin_source, *vkey, *root, *output;
	bool yes;
};

static enum pv_code parse(const struct app *app, int argc, char **argv,
			  struct approve_args *in, struct opt_args *args,
			  struct err *err)
{
	const struct opt opts[] = {
		{ "as", 0, OPT_STRING, &in->as, 0, 0 },
		{ "key", 0, OPT_STRING, &in->key, 0, 0 },
		{ "pin-source", 0, OPT_STRING, &in->pin_source, 0, 0 },
		{ "log-vkey", 0, OPT_STRING, &in->vkey, 0, 0 },
		{ "root", 0, OPT_STRING, &in->root, 0, 0 },
		{ "output", 'o', OPT_STRING, &in->output, 0, 0 },
		{ "yes", 0, OPT_FLAG, &in->yes, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	enum pv_code rc;

	*in = (struct approve_args){ .output = "-" };
	rc = opts_parse(opts, argc, argv, 1, 1, args, err);
	if (!in->as && !in->key && !in->pin_source) {
		in->as = app->as;
		in->key = app->key;
		in->pin_source = app->pin_source;
	}
	if (rc == PV_OK && (!in->as || !in->key))
		rc = err_fail(err, PV_USAGE, "usage.option",
			      "see provctl approve --help",
			      "give --as and --key");
	return rc;
}

/* Nobody signs what was not shown: --quiet does not reach it. */
static enum pv_code show(const struct approve_args *in,
			 const struct approval_request *q, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct confirm c = { .as = in->as,
			     .terminal = "approve.terminal",
			     .declined = "approve.declined" };
	enum pv_code rc;

	buf_init(&text, APPROVE_TEXT_MAX);
	rc = approve_show(q, &text, err);
	if (rc != PV_OK)
		return rc;
	fwrite(text.data, 1, text.len, stderr);
	c.shown = buf_span(&text);
	return in->yes ? PV_OK : confirm_signing(&c, err);
}

static enum pv_code sign(const struct app *app, const struct approve_args *in,
			 const struct approval_request *q, struct buf *note,
			 struct err *err)
{
	OFFICERKEY k;
	struct note_signer signer;
	enum pv_code rc =
		session_person(app, in->as, in->key, in->pin_source, &k, err);

	if (rc != PV_OK)
		return rc;
	signer = officerkey_signer(&k);
	return approve_sign(q, &signer, note, err);
}

static bool wants_list(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--list") == 0)
			return true;
	return false;
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	CLEANUP(cleanup_approval_request_free)
	struct approval_request *q = NULL;
	CLEANUP(buf_release) struct buf note;
	struct approve_args in;
	struct opt_args args;
	char subject[65];
	enum pv_code rc;

	if (wants_list(argc, argv))
		return approve_run_list(app, argc, argv, err);
	rc = parse(app, argc, argv, &in, &args, err);
	buf_init(&note, NOTE_MAX);
	if (rc == PV_OK)
		rc = approve_load(args.values[0], &q, err);
	if (rc == PV_OK)
		rc = approve_compare(q, in.vkey, in.root, err);
	if (rc == PV_OK)
		rc = session_person_check(app, in.as, in.key, err);
	if (rc == PV_OK)
		rc = show(&in, q, err);
	if (rc == PV_OK)
		rc = sign(app, &in, q, &note, err);
	if (rc == PV_OK && (!app->json || strcmp(in.output, "-") != 0))
		rc = out_file(in.output, 0600, buf_span(&note), err);
	if (rc == PV_OK && strcmp(in.output, "-") != 0)
		out_note(app,
			 "signed as %s: %s goes back to who asked, for "
			 "--approval",
			 in.as, in.output);
	if (rc != PV_OK || !app->json)
		return rc;
	hex_encode(q->approval.subject, 32, subject);
	return out_json(json_pack("{s:s, s:s, s:s, s:s}", "officer", in.as,
				  "operation",
				  quorum_op_name(q->approval.operation),
				  "subject", subject, "note", buf_cstr(&note)),
			err);
}

const struct verb verb_approve = {
	.name = "approve",
	.summary = "sign a request for approval, on the officer's own machine",
	.help = help,
	.run = run,
};
