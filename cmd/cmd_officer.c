#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/officer.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/fileio.h"
#include "lib/flow/officers.h"

#define VKEY_MAX 1024u

struct officer_args {
	const char *name, *file, *token, *pin_source;
	struct approvals_want want;
	struct opt_list approvals;
};

static enum pv_code roster(const struct app *app, const char *path,
			   const struct officer_args *in, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	struct officers_report r;
	SESSION s = { .a = NULL };
	char hex[65];
	enum pv_code rc;

	buf_init(&bytes, ROSTER_SIZE_MAX);
	rc = file_read(AT_FDCWD, path, 0, &bytes, err);
	err_object(err, path);
	if (rc == PV_OK)
		err->object[0] = '\0';
	if (rc == PV_OK)
		rc = session_open(app, SESSION_STORE | SESSION_GATED, &s, err);
	if (rc == PV_OK)
		rc = officers_set(s.a, s.store, buf_span(&bytes), &in->want, &r,
				  err);
	if (rc == PV_OK)
		rc = session_protect(app, &s, err);
	if (rc != PV_OK) {
		err_object(err, path);
		return rc;
	}
	hex_encode(r.sha256, 32, hex);
	if (app->json)
		return out_json(json_pack("{s:I, s:s, s:I, s:b, s:s, s:s}",
					  "version", (json_int_t)r.version,
					  "sha256", hex, "officers",
					  (json_int_t)r.officers, "existing",
					  r.existing, "persons", r.persons,
					  "needs_all", r.needs_all),
				err);
	printf("roster version %llu %s: %zu officer%s (sha256 %s)\n",
	       (unsigned long long)r.version,
	       r.existing ? "is in force already" : "is in force", r.officers,
	       err_s(r.officers), hex);
	if (r.persons[0])
		printf("approved by %s\n", r.persons);
	if (r.needs_all[0])
		printf("all security officers must agree to %s: ask for it "
		       "without --as\n",
		       r.needs_all);
	return PV_OK;
}

static enum pv_code key_new(const struct app *app,
			    const struct officer_args *in, struct err *err)
{
	const struct officerkey_from from = {
		.backends = app->backends,
		.name = in->name,
		.key = in->file ? in->file : in->token,
		.pin_source = in->pin_source,
		.softhsm_conf = app->softhsm_conf
	};
	CLEANUP(buf_release) struct buf vkey;
	OFFICERKEY k;
	enum pv_code rc = officerkey_new(&from, &k, err);

	buf_init(&vkey, VKEY_MAX);
	if (rc == PV_OK) {
		note_key_put(&k.key, &vkey);
		rc = buf_check(&vkey, err);
	}
	if (rc != PV_OK)
		return rc;
	if (app->json)
		return out_json(json_pack("{s:s, s:s, s:s}", "name", in->name,
					  "vkey", buf_cstr(&vkey), "kind",
					  in->file ? "file" : "token"),
				err);
	printf("%s\n", buf_cstr(&vkey));
	if (in->file && !in->pin_source)
		out_note(app,
			 "%s is written in clear: whoever reads it signs as "
			 "%s; --pin-source prompt asks for a passphrase",
			 in->file, in->name);
	return PV_OK;
}

static enum pv_code usage(const char *what, struct err *err)
{
	return err_fail(err, PV_USAGE, "usage.argument",
			"see provctl officer --help", "%s", what);
}

/* Which options go with which word. */
static enum pv_code dispatch(const struct app *app, const struct opt_args *args,
			     const struct officer_args *in, struct err *err)
{
	const char *word = args->values[0];
	bool makes_key = in->name || in->file || in->token || in->pin_source;
	bool decides = in->approvals.n > 0 || in->want.request_out;

	if (strcmp(word, "key") == 0) {
		if (args->n != 2 || strcmp(args->values[1], "new") != 0 ||
		    !in->name || !in->file == !in->token || decides)
			return usage("key new takes --name, and --file or "
				     "--token",
				     err);
		return key_new(app, in, err);
	}
	if (makes_key)
		return usage("--name, --file, --token and --pin-source go with "
			     "key new",
			     err);
	if (strcmp(word, "roster") == 0 && args->n == 2)
		return roster(app, args->values[1], in, err);
	if (args->n != 1 || decides)
		return usage("officer takes roster FILE, review, show or key "
			     "new",
			     err);
	if (strcmp(word, "review") == 0)
		return officer_run_review(app, err);
	if (strcmp(word, "show") == 0)
		return officer_run_show(app, err);
	return usage("officer takes roster FILE, review, show or key new", err);
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	struct officer_args in = { .name = NULL };
	const struct opt opts[] = {
		{ "name", 0, OPT_STRING, &in.name, 0, 0 },
		{ "file", 0, OPT_STRING, &in.file, 0, 0 },
		{ "token", 0, OPT_STRING, &in.token, 0, 0 },
		{ "pin-source", 0, OPT_STRING, &in.pin_source, 0, 0 },
		{ "approval", 0, OPT_LIST, &in.approvals, 0, 0 },
		{ "request", 0, OPT_STRING, &in.want.request_out, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 2, &args, err);

	if (rc != PV_OK)
		return rc;
	in.want.files = in.approvals.values;
	in.want.files_n = in.approvals.n;
	return dispatch(app, &args, &in, err);
}

const struct verb verb_officer = {
	.name = "officer",
	.summary = "people: roster, review, show, key new",
	.help = officer_help,
	.parts = officer_parts,
	.token = true,
	.run = run,
};
