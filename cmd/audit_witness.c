/* `audit witness' knows no authority: a folder, a state and a key. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/audit.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "lib/base/base64.h"
#include "lib/base/fileio.h"
#include "lib/flow/witness.h"

struct witness_args {
	const char *log, *state, *key, *new_key, *name, *output;
	struct opt_list log_keys;
	bool first;
};

/* ---- witness --new-key ---- */

static enum pv_code new_key(const struct app *app,
			    const struct witness_args *in, struct err *err)
{
	CLEANUP(buf_release) struct buf vkey;
	WITNESSKEY k = { .seed = SECRET_INIT };
	SECRET text = SECRET_INIT;
	enum pv_code rc = witnesskey_new(&k, in->name, err);

	buf_init(&vkey, WITNESSKEY_FILE_MAX);
	if (rc == PV_OK)
		rc = witnesskey_put(&k, &text, err);
	log_witness_put(&k.w, &vkey);
	if (rc == PV_OK)
		rc = buf_check(&vkey, err);
	if (rc == PV_OK)
		rc = out_file(in->new_key, 0600,
			      (struct span){ text.data, text.len }, err);
	if (rc != PV_OK)
		return rc;
	if (app->json)
		return out_json(json_pack("{s:s, s:s}", "name", k.w.name,
					  "vkey", buf_cstr(&vkey)),
				err);
	printf("%s\n", buf_cstr(&vkey));
	return PV_OK;
}

/* ---- witness ---- */

static enum pv_code read_key(const char *path, struct witnesskey *k,
			     struct err *err)
{
	SECRET text = SECRET_INIT;
	enum pv_code rc = file_read_secret(AT_FDCWD, path,
					   FILEIO_PRIVATE | FILEIO_NOFOLLOW,
					   WITNESSKEY_FILE_MAX, &text, err);

	if (rc == PV_OK)
		rc = witnesskey_parse(k, &text, err);
	if (rc != PV_OK)
		err_object(err, path);
	return rc;
}

static enum pv_code put_seen(const struct app *app,
			     const struct witness_args *in,
			     const struct witness_seen *seen, struct buf *line,
			     struct err *err)
{
	char root[BASE64_LEN(LOG_HASH) + 1];
	bool to_file = strcmp(in->output, "-") != 0;

	if (to_file || !app->json) {
		enum pv_code rc =
			out_file(in->output, 0644, buf_span(line), err);

		if (rc != PV_OK)
			return rc;
	}
	if (!app->json) {
		out_note(app, "%s: %llu entr%s, %llu more than before",
			 seen->origin, (unsigned long long)seen->at.size,
			 err_ies(seen->at.size),
			 (unsigned long long)(seen->at.size - seen->before));
		return PV_OK;
	}
	base64_encode(seen->at.root, LOG_HASH, root);
	return out_json(json_pack("{s:s, s:I, s:s, s:I, s:s}", "origin",
				  seen->origin, "size",
				  (json_int_t)seen->at.size, "root", root,
				  "before", (json_int_t)seen->before,
				  "cosignature", buf_cstr(line)),
			err);
}

static enum pv_code watch(const struct app *app, const struct witness_args *in,
			  struct err *err)
{
	struct note_key keys[OPTS_LIST_MAX];
	const struct witness_opts opts = { in->log, in->state, keys,
					   in->log_keys.n, in->first };
	WITNESSKEY k = { .seed = SECRET_INIT };
	CLEANUP(buf_release) struct buf line;
	struct witness_seen seen;
	enum pv_code rc;

	buf_init(&line, LOG_COSIGN_LINE_MAX);
	rc = audit_take_vkeys(&in->log_keys, keys, err);
	if (rc == PV_OK)
		rc = read_key(in->key, &k, err);
	if (rc == PV_OK)
		rc = witness_run(&opts, &k, &seen, &line, err);
	return rc == PV_OK ? put_seen(app, in, &seen, &line, err) : rc;
}

static bool asks_for_key(const struct witness_args *in)
{
	/* A private key is a file, never what a terminal or a pipe gets. */
	return in->new_key && strcmp(in->new_key, "-") != 0 && in->name &&
	       !in->log && !in->state && !in->key && !in->log_keys.n &&
	       !in->first && strcmp(in->output, "-") == 0;
}

static bool asks_to_watch(const struct witness_args *in)
{
	return in->log && in->state && in->key && in->log_keys.n &&
	       !in->new_key && !in->name;
}

enum pv_code audit_run_witness(const struct app *app, int argc, char **argv,
			       struct err *err)
{
	struct witness_args in = { .output = "-" };
	const struct opt opts[] = {
		{ "log", 0, OPT_STRING, &in.log, 0, 0 },
		{ "log-key", 0, OPT_LIST, &in.log_keys, 0, 0 },
		{ "state", 0, OPT_STRING, &in.state, 0, 0 },
		{ "key", 0, OPT_STRING, &in.key, 0, 0 },
		{ "first", 0, OPT_FLAG, &in.first, 0, 0 },
		{ "new-key", 0, OPT_STRING, &in.new_key, 0, 0 },
		{ "name", 0, OPT_STRING, &in.name, 0, 0 },
		{ "output", 'o', OPT_STRING, &in.output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	if (rc != PV_OK)
		return rc;
	if (asks_for_key(&in))
		return new_key(app, &in, err);
	if (asks_to_watch(&in))
		return watch(app, &in, err);
	return err_fail(
		err, PV_USAGE, "usage.option", "see --help",
		"give --log, --log-key, --state and --key, or --new-key "
		"with a file and --name");
}
