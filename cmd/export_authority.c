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
#include "lib/flow/event.h"
#include "lib/flow/export.h"

#define TEXT_MAX (1024u * 1024u)
#define LIST_MAX (64u * 1024u * 1024u) /* bytes of a file of device ids */
#define CERT_FILE_MAX 65536u
#define KEK_GROUP 256

CLEANUP_PTR(struct export_kek, export_kek_free);

const char *export_to(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (strcmp(path, "-") == 0)
		return "stdout";
	return slash && slash[1] ? slash + 1 : path;
}

enum pv_code export_run_chain(const struct app *app, int argc, char **argv,
			      struct err *err)
{
	const char *ca = NULL, *output = "-", *dir = NULL;
	bool proof = false;
	const struct opt opts[] = {
		{ "ca", 0, OPT_STRING, &ca, 0, 0 },
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
	if (rc == PV_OK &&
	    (proof != (dir != NULL) || (dir && strcmp(output, "-") != 0)))
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "--proof and --out DIR go together, without -o");
	if (rc == PV_OK)
		rc = session_open(app, SESSION_STORE, &s, err);
	if (rc == PV_OK)
		rc = session_witnessed(&s, NULL, err);
	if (rc == PV_OK)
		rc = export_chain(s.store, ca, &out, err);
	if (rc == PV_OK && proof)
		return export_chain_proofs(app, &s, ca, dir, err);
	if (rc == PV_OK)
		rc = event_export(s.store, ca ? ca : "all", "chain",
				  export_to(output), err);
	if (rc == PV_OK)
		rc = out_file(output, 0644, buf_span(&out), err);
	return rc == PV_OK ? session_checkpoint(app, &s, err) : rc;
}

enum pv_code export_run_key(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	const char *purpose = NULL, *output = "-";
	bool vkey = false;
	const struct opt opts[] = {
		{ "purpose", 0, OPT_STRING, &purpose, 0, 0 },
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
		rc = session_open(app, SESSION_STORE, &s, err);
	if (rc == PV_OK)
		rc = export_key(s.a, s.store, purpose, vkey, &out, err);
	if (rc == PV_OK)
		rc = event_export(s.store, purpose, vkey ? "vkey" : "key",
				  export_to(output), err);
	if (rc == PV_OK)
		rc = out_file(output, 0644, buf_span(&out), err);
	return rc == PV_OK ? session_checkpoint(app, &s, err) : rc;
}

/* ---- kek ---- */

struct kek_args {
	const char *to, *from, *output;
	struct opt_list devices;
};

/* Devices are logged in groups, all before anything leaves. */
struct kek_run {
	struct export_kek *k;
	struct store *store;
	struct store_txn txn;
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

static enum pv_code fill(struct session *s, const struct kek_args *in,
			 struct buf *out, struct err *err)
{
	CLEANUP(cleanup_export_kek_free) struct export_kek *k = NULL;
	CLEANUP(buf_release) struct buf cert, list;
	struct kek_run run = { .store = s->store };
	uint8_t digest[32];
	char to[65];
	enum pv_code rc;

	run.to = to;
	buf_init(&cert, CERT_FILE_MAX);
	buf_init(&list, LIST_MAX);
	rc = file_read(AT_FDCWD, in->to, 0, &cert, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&cert), digest, err);
	hex_encode(digest, sizeof(digest), to);
	if (rc == PV_OK)
		rc = export_kek_new(s->a, s->store, s->hsm, buf_span(&cert), &k,
				    err);
	if (rc == PV_INPUT)
		err_object(err, in->to);
	run.k = k;
	for (size_t i = 0; rc == PV_OK && i < in->devices.n; i++)
		rc = add_device(&run, in->devices.values[i], err);
	if (rc == PV_OK && in->from)
		rc = file_read(AT_FDCWD, in->from, 0, &list, err);
	if (rc == PV_OK && in->from)
		rc = add_list(&run, &list, err);
	if (rc == PV_INPUT && in->from)
		err_object(err, in->from);
	if (rc == PV_OK && run.txn.store)
		rc = store_commit(&run.txn, err);
	store_rollback(&run.txn);
	if (rc == PV_OK)
		rc = export_kek_finish(k, out, err);
	return rc;
}

enum pv_code export_run_kek(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	struct kek_args in = { .output = "-" };
	const struct opt opts[] = {
		{ "to", 0, OPT_STRING, &in.to, 0, 0 },
		{ "device", 0, OPT_LIST, &in.devices, 0, 0 },
		{ "from", 0, OPT_STRING, &in.from, 0, 0 },
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
		rc = session_open(app, SESSION_STORE | SESSION_HSM, &s, err);
	if (rc == PV_OK)
		rc = session_witnessed(&s, NULL, err);
	if (rc == PV_OK)
		rc = fill(&s, &in, &out, err);
	if (rc == PV_OK)
		rc = out_file(in.output, 0600, buf_span(&out), err);
	return rc == PV_OK ? session_checkpoint(app, &s, err) : rc;
}
