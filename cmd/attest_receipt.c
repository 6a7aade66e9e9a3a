/* attest receipt: receipts of devices, verified and recorded. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/attest.h"
#include "cmd/attest_intake.h"
#include "cmd/opts.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pem.h"

#define FILES_MAX 1000000
#define PEM_MAX 4096

struct args {
	const char *file, *from, *seal_key;
};

static int is_file(const struct dirent *e)
{
	return e->d_name[0] != '.' &&
	       (e->d_type == DT_REG || e->d_type == DT_UNKNOWN);
}

struct list {
	struct dirent **names;
	int n;
};

static void list_release(struct list *l)
{
	for (int i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
}

/* One that needs the token makes the run one with the token. */
static enum pv_code needs_token(int folder, const struct list *l, bool *needed,
				struct err *err)
{
	*needed = false;
	for (int i = 0; i < l->n && !*needed; i++) {
		CLEANUP(buf_release) struct buf bytes;
		struct err ignored;

		err_init(&ignored);
		buf_init(&bytes, INTAKE_FILE_MAX);
		if (intake_read(folder, l->names[i]->d_name, &bytes,
				&ignored) == PV_OK)
			*needed = receipts_need_token(buf_span(&bytes));
	}
	return l->n < FILES_MAX
		       ? PV_OK
		       : err_fail(err, PV_INPUT, "receipt.folder", "split it",
				  "more than %d receipts", FILES_MAX);
}

static enum pv_code take_list(struct intake *t, const struct list *l,
			      struct err *err)
{
	bool token = false;
	enum pv_code rc = needs_token(t->folder, l, &token, err);

	if (rc == PV_OK)
		rc = intake_open(t, token, err);
	for (int i = 0; rc == PV_OK && i < l->n; i++)
		rc = intake_file(t, l->names[i]->d_name, err);
	return rc == PV_OK ? intake_finish(t, err) : rc;
}

static enum pv_code take_one(struct intake *t, const char *name,
			     struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	enum pv_code rc;

	buf_init(&bytes, INTAKE_FILE_MAX);
	rc = intake_read(-1, name, &bytes, err);
	if (rc == PV_OK)
		rc = intake_open(t, receipts_need_token(buf_span(&bytes)), err);
	if (rc == PV_OK)
		rc = intake_bytes(t, name, buf_span(&bytes), err);
	return rc == PV_OK ? intake_finish(t, err) : rc;
}

static enum pv_code read_seal_key(const char *path, struct buf *der,
				  struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, PEM_MAX);
	rc = file_read(AT_FDCWD, path, 0, &text, err);
	return rc == PV_OK ? pem_decode(buf_span(&text), "PUBLIC KEY", der, err)
			   : rc;
}

static enum pv_code run(struct intake *t, const struct args *a, struct err *err)
{
	CLEANUP(list_release) struct list l = { NULL, 0 };
	CLEANUP(fd_cleanup) int folder = -1;
	enum pv_code rc;

	if (!a->from)
		return take_one(t, a->file, err);
	rc = dir_open(AT_FDCWD, a->from, &folder, err);
	if (rc != PV_OK)
		return rc;
	l.n = scandirat(folder, ".", &l.names, is_file, alphasort);
	if (l.n < 0) {
		l.n = 0;
		return err_errno(err, PV_STORAGE, "receipt.folder", NULL,
				 "cannot read the folder");
	}
	t->folder = folder;
	return take_list(t, &l, err);
}

enum pv_code attest_run_receipt(const struct app *app, int argc, char **argv,
				struct err *err)
{
	struct args a = { NULL, NULL, NULL };
	const char *order = NULL;
	bool missing = false;
	const struct opt opts[] = {
		{ "from", 0, OPT_STRING, &a.from, 0, 0 },
		{ "seal-key", 0, OPT_STRING, &a.seal_key, 0, 0 },
		{ "missing", 0, OPT_FLAG, &missing, 0, 0 },
		{ "order", 0, OPT_STRING, &order, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(buf_release) struct buf der;
	SESSION s = { .a = NULL };
	CLEANUP(intake_release) struct intake t;
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 1, &args, err);

	buf_init(&der, PEM_MAX);
	intake_init(&t, app, &s);
	if (rc == PV_OK && (missing != (order != NULL) ||
			    (missing && (args.n > 0 || a.from || a.seal_key))))
		rc = err_fail(err, PV_USAGE, "usage.option",
			      "see provctl attest receipt --help",
			      "--missing goes with --order NAME alone");
	if (rc == PV_OK && missing)
		return attest_run_missing(app, order, err);
	if (rc == PV_OK && (args.n == 0) == !a.from)
		rc = err_fail(err, PV_USAGE, "usage.argument",
			      "see provctl attest receipt --help",
			      "give one FILE, -, or --from DIR");
	a.file = args.n > 0 ? args.values[0] : NULL;
	if (rc == PV_OK && a.seal_key)
		rc = read_seal_key(a.seal_key, &der, err);
	t.seal_key = buf_span(&der);
	if (rc == PV_OK)
		rc = run(&t, &a, err);
	return rc;
}
