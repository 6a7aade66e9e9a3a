#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "cmd/term.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"
#include "lib/flow/event.h"
#include "lib/flow/export.h"
#include "lib/flow/exportlog.h"
#include "lib/flow/exportchain.h"
#include "lib/flow/exportproof.h"

#define PROOF_MODE 0644 /* public, like the certificate that it is kept by */
#define FOLDER_MODE 0755
#define PEM_MAX 65536u

static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
	progress_update(ctx, done, total);
}

static enum pv_code say(const struct app *app, const char *dir,
			const struct exportlog *x, struct err *err)
{
	if (app->json)
		return out_json(json_pack("{s:I, s:I, s:I}", "entries",
					  (json_int_t)x->entries, "new",
					  (json_int_t)x->added, "files",
					  (json_int_t)x->files),
				err);
	out_note(app,
		 "export: %s has %llu entr%s, %llu of them new, %llu file%s",
		 dir, (unsigned long long)x->entries, err_ies(x->entries),
		 (unsigned long long)x->added, (unsigned long long)x->files,
		 err_s(x->files));
	return PV_OK;
}

/*
 * Not an entry of the log: it would make the folder old at once, and every
 * run would have something to write. What is given out is the log itself.
 */
enum pv_code export_run_log(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	const char *dir = NULL;
	const struct opt opts[] = {
		{ "out", 0, OPT_STRING, &dir, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct progress progress;
	struct exportlog x = { .progress = show_progress, .ctx = &progress };
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	if (rc == PV_OK && !dir)
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "--out is missing");
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_PUBLIC),
			&s, err);
	if (rc == PV_OK)
		rc = session_checkpoint(app, &s, err);
	if (rc != PV_OK)
		return rc;
	progress_init(&progress, "export", app->quiet || app->json);
	rc = export_log(s.a, s.store, dir, &x, err);
	progress_clear(&progress);
	return rc == PV_OK ? say(app, dir, &x, err) : rc;
}

/* ---- proofs: first a checkpoint that covers what was issued ---- */

enum pv_code export_run_proof(const struct app *app, int argc, char **argv,
			      struct err *err)
{
	const char *device = NULL, *serial = NULL, *output = "-";
	const struct opt opts[] = {
		{ "device", 0, OPT_STRING, &device, 0, 0 },
		{ "serial", 0, OPT_STRING, &serial, 0, 0 },
		{ "output", 'o', OPT_STRING, &output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(export_proof_release) struct export_proof p = { .store = NULL };
	CLEANUP(buf_release) struct buf out;
	SESSION s = { .a = NULL };
	struct export_entry e;
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	buf_init(&out, LOG_TLOGPROOF_MAX);
	if (rc == PV_OK && !device == !serial)
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "give --device or --serial");
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_PUBLIC),
			&s, err);
	if (rc == PV_OK)
		rc = device ? export_entry_device(s.store, device, &e, err)
			    : export_entry_serial(s.store, serial, &e, err);
	if (rc == PV_OK)
		rc = session_checkpoint(app, &s, err);
	if (rc == PV_OK)
		rc = export_proof_load(s.a, s.store, &p, err);
	if (rc == PV_OK)
		rc = export_proof_put(&p, &e, &out, err);
	return rc == PV_OK ? export_give(app, &s, e.serial, "proof", output,
					 PROOF_MODE, buf_span(&out), err)
			   : rc;
}

struct chain_files {
	struct export_proof p;
	struct file_group *group;
	int dir;
};

static void chain_files_release(struct chain_files *f)
{
	file_group_free(f->group);
	fd_cleanup(&f->dir);
	export_proof_release(&f->p);
}

static enum pv_code stage(struct chain_files *f, const char *ca,
			  const char *ending, const struct buf *b,
			  struct err *err)
{
	char name[STORE_ID_MAX + 48];

	snprintf(name, sizeof(name), "%s.%s", ca, ending);
	return file_group_add(f->group, f->dir, name, PROOF_MODE, b->data,
			      b->len, err);
}

static void file_of(const struct export_chain_cert *c, char *name, size_t cap)
{
	if (c->signer)
		snprintf(name, cap, "%s-%lu-by-%lu", c->ca,
			 (unsigned long)c->generation,
			 (unsigned long)c->signer);
	else if (c->generation > 1)
		snprintf(name, cap, "%s-%lu", c->ca,
			 (unsigned long)c->generation);
	else
		snprintf(name, cap, "%s", c->ca);
}

static enum pv_code put_ca(void *ctx, const struct export_chain_cert *c,
			   struct err *err)
{
	CLEANUP(buf_release) struct buf proof, pem;
	char name[STORE_ID_MAX + 32];
	struct chain_files *f = ctx;
	struct export_entry e;
	enum pv_code rc;

	buf_init(&proof, LOG_TLOGPROOF_MAX);
	buf_init(&pem, PEM_MAX);
	pem_encode(&pem, "CERTIFICATE", c->cert);
	rc = buf_check(&pem, err);
	/* It is a file's; the store's rows are anybody's who can write them. */
	if (rc == PV_OK && !name_is_safe(c->ca, strlen(c->ca)))
		rc = err_fail(err, PV_INTEGRITY, "store.edited",
			      "run provctl audit verify",
			      "a CA's row has a name that no CA has");
	if (rc == PV_OK)
		rc = export_entry_ca(f->p.store, c->cert, &e, err);
	if (rc == PV_OK)
		rc = export_proof_put(&f->p, &e, &proof, err);
	file_of(c, name, sizeof(name));
	if (rc == PV_OK)
		rc = stage(f, name, "pem", &pem, err);
	if (rc == PV_OK)
		rc = stage(f, name, "tlog-proof", &proof, err);
	if (rc != PV_OK)
		err_object(err, c->ca);
	return rc;
}

enum pv_code export_chain_proofs(const struct app *app, struct session *s,
				 const struct export_chain_of *of,
				 const char *about, const char *dir,
				 struct err *err)
{
	CLEANUP(chain_files_release) struct chain_files f = { .dir = -1 };
	enum pv_code rc = file_group_new(&f.group, err);

	if (rc == PV_OK)
		rc = dir_make(AT_FDCWD, dir, FOLDER_MODE, err);
	if (rc == PV_OK)
		rc = dir_open(AT_FDCWD, dir, &f.dir, err);
	if (rc == PV_OK)
		rc = session_checkpoint(app, s, err);
	if (rc == PV_OK)
		rc = export_proof_load(s->a, s->store, &f.p, err);
	if (rc == PV_OK)
		rc = export_chain_each(s->store, of, put_ca, &f, err);
	if (rc == PV_OK)
		rc = event_export(s->store, about, "chain", export_to(dir),
				  err);
	if (rc == PV_OK)
		rc = file_group_commit(f.group, err);
	return rc == PV_OK ? session_checkpoint(app, s, err) : rc;
}
