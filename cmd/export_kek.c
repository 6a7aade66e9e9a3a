/* export kek: the keys of devices without ECC, for a chip programmer. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/approvals.h"
#include "lib/flow/event.h"
#include "lib/flow/export.h"

#define LIST_MAX (64u * 1024u * 1024u) /* bytes of a file of device ids */
#define CERT_FILE_MAX 65536u
#define SUBJECT_MAX 16384u
#define KEK_GROUP 256

CLEANUP_PTR(struct export_kek, export_kek_free);

struct kek_args {
	const char *to, *from, *output;
	struct opt_list devices, approvals;
	const char *request;
};

/* Devices are logged in groups, all before anything leaves. */
struct kek_run {
	struct export_kek *k;
	struct store *store;
	struct store_txn txn;
	const struct approvals *got; /* used with the first group */
	const char *to;
	size_t n;
};

static enum pv_code add_device(struct kek_run *r, const char *device,
			       struct err *err)
{
	struct event_who who;
	struct log_entry e;
	enum pv_code rc = export_kek_add(r->k, device, err);

	if (rc == PV_OK && !r->txn.store)
		rc = store_begin(r->store, STORE_WRITE, &r->txn, err);
	if (rc == PV_OK)
		rc = event_now(r->store, &who, err);
	if (rc == PV_OK && r->n == 0)
		rc = approvals_use(r->store, &who.who, r->got, err);
	if (rc != PV_OK)
		return rc;
	log_export(&e, &who.who, device, "kek", r->to);
	rc = event_append(r->store, &e, err);
	if (rc == PV_OK && ++r->n % KEK_GROUP == 0)
		rc = store_commit(&r->txn, err);
	return rc;
}

/* One id a line. */
static enum pv_code add_list(struct kek_run *r, struct buf *list,
			     struct err *err)
{
	char *save = NULL, *text;
	enum pv_code rc = PV_OK;

	buf_put_u8(list, 0);
	rc = buf_check(list, err);
	if (rc != PV_OK)
		return rc;
	if (strlen((char *)list->data) + 1 != list->len)
		return err_fail(err, PV_INPUT, "device.id", NULL,
				"the list holds a NUL byte");
	text = (char *)list->data;
	for (char *id = strtok_r(text, "\r\n", &save); rc == PV_OK && id;
	     id = strtok_r(NULL, "\r\n", &save))
		rc = add_device(r, id, err);
	if (rc == PV_OK && r->n == 0)
		rc = err_fail(err, PV_INPUT, "device.id", NULL,
			      "the list is empty");
	return rc;
}

/* What is read before anybody is asked. */
struct kek_input {
	struct buf cert, list;
	char to[65]; /* hash of the certificate's file */
};

static void input_release(struct kek_input *f)
{
	buf_release(&f->cert);
	buf_release(&f->list);
}

static enum pv_code read_input(const struct kek_args *in, struct kek_input *f,
			       struct err *err)
{
	uint8_t digest[32];
	enum pv_code rc;

	buf_init(&f->cert, CERT_FILE_MAX);
	buf_init(&f->list, LIST_MAX);
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
static enum pv_code put_subject(const struct kek_args *in,
				const struct kek_input *f, struct buf *out,
				struct err *err)
{
	const struct export_kek_whose whose = {
		.cert = buf_span(&f->cert),
		.devices = in->devices.values,
		.devices_n = in->devices.n,
		.list = in->from ? buf_span(&f->list) : (struct span){ NULL, 0 }
	};
	enum pv_code rc = export_kek_subject(&whose, out, err);

	if (rc == PV_INPUT && strcmp(err->rule, "device.id") != 0)
		err_object(err, in->to);
	else if (rc == PV_INPUT && in->from)
		err_object(err, in->from);
	return rc;
}

static enum pv_code fill(struct session *s, const struct kek_args *in,
			 struct kek_input *f, const struct approvals *got,
			 struct buf *out, struct err *err)
{
	CLEANUP(cleanup_export_kek_free) struct export_kek *k = NULL;
	struct kek_run run = { .store = s->store, .got = got, .to = f->to };
	enum pv_code rc = export_kek_new(s->a, s->store, s->hsm,
					 buf_span(&f->cert), &k, err);

	if (rc == PV_INPUT)
		err_object(err, in->to);
	run.k = k;
	for (size_t i = 0; rc == PV_OK && i < in->devices.n; i++)
		rc = add_device(&run, in->devices.values[i], err);
	if (rc == PV_OK && in->from)
		rc = add_list(&run, &f->list, err);
	if (rc == PV_INPUT && in->from)
		err_object(err, in->from);
	if (rc == PV_OK && run.txn.store)
		rc = store_commit(&run.txn, err);
	store_rollback(&run.txn);
	if (rc == PV_OK)
		rc = export_kek_finish(k, out, err);
	return rc;
}

static enum pv_code approved(struct session *s, const struct kek_args *in,
			     struct buf *out, struct err *err)
{
	CLEANUP(approvals_release) struct approvals got = { .needed = 0 };
	CLEANUP(input_release) struct kek_input f = { .to = "" };
	CLEANUP(buf_release) struct buf subject;
	struct approvals_want want = { .op = QUORUM_EXPORT_KEK,
				       .what = "export kek",
				       .files = in->approvals.values,
				       .files_n = in->approvals.n,
				       .request_out = in->request };
	enum pv_code rc = read_input(in, &f, err);

	buf_init(&subject, SUBJECT_MAX);
	if (rc == PV_OK)
		rc = put_subject(in, &f, &subject, err);
	want.subject = buf_span(&subject);
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
