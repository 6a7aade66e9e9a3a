/* export kek: the keys of devices without ECC, for a chip programmer. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/approvals.h"
#include "lib/flow/export.h"
#include "lib/flow/subject_acts.h"

#define LIST_MAX (64u * 1024u * 1024u) /* bytes of a file of device ids */
#define CERT_FILE_MAX 65536u

CLEANUP_PTR(struct export_kek, export_kek_free);

struct kek_args {
	const char *to, *from, *output;
	struct opt_list devices, approvals;
	const char *request;
};

/* What is read before anybody is asked. */
struct kek_input {
	struct buf cert, list;
	char to[65]; /* hash of the certificate's file */
	struct buf subject;
	const char **listed; /* ids in list, once it was split */
	size_t listed_n;
};

static void input_release(struct kek_input *f)
{
	buf_release(&f->cert);
	buf_release(&f->list);
	buf_release(&f->subject);
	free(f->listed);
}

static enum pv_code read_input(const struct kek_args *in, struct kek_input *f,
			       struct err *err)
{
	uint8_t digest[32];
	enum pv_code rc;

	buf_init(&f->cert, CERT_FILE_MAX);
	buf_init(&f->list, LIST_MAX);
	buf_init(&f->subject, SUBJECT_ACTS_MAX);
	rc = file_read(AT_FDCWD, in->to, 0, &f->cert, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&f->cert), digest, err);
	if (rc == PV_OK && in->from)
		rc = file_read(AT_FDCWD, in->from, 0, &f->list, err);
	if (rc == PV_OK)
		hex_encode(digest, sizeof(digest), f->to);
	return rc;
}

/* Whose keys, to whom: what officers approve. */
static enum pv_code put_subject(const struct kek_args *in, struct kek_input *f,
				struct err *err)
{
	const struct export_kek_whose whose = {
		.cert = buf_span(&f->cert),
		.devices = in->devices.values,
		.devices_n = in->devices.n,
		.list = in->from ? buf_span(&f->list) : (struct span){ NULL, 0 }
	};
	enum pv_code rc = export_kek_subject(&whose, &f->subject, err);

	if (rc == PV_INPUT && strcmp(err->rule, "device.id") != 0)
		err_object(err, in->to);
	else if (rc == PV_INPUT && in->from)
		err_object(err, in->from);
	return rc;
}

struct kek_run {
	struct session *s;
	const struct kek_input *f;
	const char *const *ids;
	size_t n;
};

static enum pv_code seal(const struct kek_run *r, struct buf *out,
			 struct err *err)
{
	CLEANUP(cleanup_export_kek_free) struct export_kek *k = NULL;
	enum pv_code rc = export_kek_new(r->s->a, r->s->store, r->s->hsm,
					 buf_span(&r->f->cert), &k, err);

	for (size_t i = 0; rc == PV_OK && i < r->n; i++)
		rc = export_kek_add(k, r->ids[i], err);
	return rc == PV_OK ? export_kek_finish(k, out, err) : rc;
}

static enum pv_code log_all(const struct kek_run *r,
			    const struct approvals *got, struct err *err)
{
	const struct export_kek_logged l = { .ids = r->ids,
					     .n = r->n,
					     .to = r->f->to,
					     .subject =
						     buf_span(&r->f->subject) };

	return export_kek_log(r->s->store, &l, got, err);
}

/* All are logged, with what was approved, before anything leaves. */
static enum pv_code fill(struct session *s, const struct kek_args *in,
			 struct kek_input *f, const struct approvals *got,
			 struct buf *out, struct err *err)
{
	struct kek_run run = { s, f, in->devices.values, in->devices.n };
	enum pv_code rc = in->from ? export_kek_split(&f->list, &f->listed,
						      &f->listed_n, err)
				   : PV_OK;

	if (in->from) {
		run.ids = f->listed;
		run.n = f->listed_n;
	}
	if (rc == PV_OK)
		rc = seal(&run, out, err);
	if (rc == PV_INPUT)
		err_object(err, in->from ? in->from : in->to);
	return rc == PV_OK ? log_all(&run, got, err) : rc;
}

static enum pv_code approved(struct session *s, const struct kek_args *in,
			     struct buf *out, struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	CLEANUP(input_release) struct kek_input f = { .to = "" };
	struct approvals_want want = { .op = QUORUM_EXPORT_KEK,
				       .what = "export kek",
				       .files = in->approvals.values,
				       .files_n = in->approvals.n,
				       .request_out = in->request };
	enum pv_code rc = read_input(in, &f, err);

	if (rc == PV_OK)
		rc = put_subject(in, &f, err);
	want.subject = buf_span(&f.subject);
	if (rc == PV_OK)
		rc = approvals_gate(s->a, s->store, &want, &got, err);
	return rc == PV_OK ? fill(s, in, &f, &got, out, err) : rc;
}

/* Sealed anew each time: no file that is there can be the same. */
static enum pv_code find_place(const char *path, struct err *err)
{
	static const uint8_t any = 0;
	CLEANUP(out_staged_release) struct out_staged s = OUT_STAGED_INIT;

	return out_stage(&s, path, 0600, (struct span){ &any, 1 }, err);
}

enum pv_code export_run_kek(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	struct kek_args in = { .output = "-" };
	const struct opt opts[] = {
		{ "to", 0, OPT_STRING, &in.to, 0, 0 },
		{ "device", 0, OPT_LIST, &in.devices, 0, 0 },
		{ "from", 0, OPT_STRING, &in.from, 0, 0 },
		{ "approval", 0, OPT_LIST, &in.approvals, 0, 0 },
		{ "request", 0, OPT_STRING, &in.request, 0, 0 },
		{ "output", 'o', OPT_STRING, &in.output, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	CLEANUP(buf_release) struct buf out;
	SESSION s = { .a = NULL };
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);

	buf_init(&out, 4 * LIST_MAX);
	if (rc == PV_OK && (!in.to || (in.devices.n == 0) == !in.from))
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "give --to, and --device or --from");
	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_HSM | SESSION_GATED,
				  &s, err);
	if (rc == PV_OK)
		rc = session_witnessed(&s, NULL, err);
	if (rc == PV_OK)
		rc = find_place(in.output, err);
	if (rc == PV_OK)
		rc = approved(&s, &in, &out, err);
	if (rc == PV_OK)
		rc = out_file(in.output, 0600, buf_span(&out), err);
	return rc == PV_OK ? session_checkpoint(app, &s, err) : rc;
}
