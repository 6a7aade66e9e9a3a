#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/export.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/fileio.h"
#include "lib/flow/event.h"
#include "lib/flow/export.h"
#include "lib/seal/container.h"
#include "lib/store/store_device.h"

CLEANUP_PTR(struct file_group, file_group_free);

#define GROUP_FILES 64 /* written durably together */

struct device_args {
	const char *device, *stage, *output, *out_dir;
	uint64_t item, component, index;
	bool all, list;
};

static enum pv_code parse(int argc, char **argv, struct device_args *in,
			  struct err *err)
{
	const struct opt opts[] = {
		{ "device", 0, OPT_STRING, &in->device, 0, 0 },
		{ "stage", 0, OPT_STRING, &in->stage, 0, 0 },
		{ "output", 'o', OPT_STRING, &in->output, 0, 0 },
		{ "out", 0, OPT_STRING, &in->out_dir, 0, 0 },
		{ "item", 0, OPT_NUMBER, &in->item, 0, UINT32_MAX },
		{ "component", 0, OPT_NUMBER, &in->component, 0, 15 },
		{ "index", 0, OPT_NUMBER, &in->index, 0, UINT32_MAX },
		{ "all", 0, OPT_FLAG, &in->all, 0, 0 },
		{ "list", 0, OPT_FLAG, &in->list, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;

	*in = (struct device_args){ .output = "-",
				    .item = UINT64_MAX,
				    .component = UINT64_MAX,
				    .index = UINT64_MAX };
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 0, &args, err);
	if (rc == PV_OK && !in->device && !in->all)
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "--device is missing");
	return rc;
}

static enum pv_code load(const struct session *s, const char *device,
			 const char *stage, struct export_bundle *b,
			 struct err *err)
{
	struct crl_words words = { .a = s->a,
				   .store = s->store,
				   .upto = &s->log.last };
	enum pv_code rc = export_bundle_load(&words, device, stage, b, err);

	crl_words_release(&words);
	return rc;
}

enum pv_code export_bundle_of(const struct session *s, const char *device,
			      const char *stage, struct export_bundle *b,
			      struct err *err)
{
	enum role_op op = ROLE_OP_EXPORT_BUNDLE_FREE;
	enum pv_code rc = load(s, device, stage, b, err);

	if (rc == PV_OK)
		rc = actor_export_op(s->store, b->device.s.order, &op, err);
	return rc == PV_OK ? actor_allow(&s->who, op, err) : rc;
}

/* Held back, or logged before anything of it leaves. */
static enum pv_code give(const struct app *app, struct session *s,
			 const struct export_bundle *b, const char *what,
			 const char *path, struct span bytes, struct err *err)
{
	char id[2 * STORE_UUID + 1];
	enum pv_code rc;

	hex_encode(b->row.id, sizeof(b->row.id), id);
	rc = session_witnessed(s, id, err);
	return rc == PV_OK
		       ? export_give(app, s, id, what, path, 0600, bytes, err)
		       : rc;
}

enum pv_code export_run_bundle(const struct app *app, int argc, char **argv,
			       struct err *err)
{
	CLEANUP(export_bundle_release)
	struct export_bundle b = { .bytes = { 0 } };
	SESSION s = { .a = NULL };
	struct device_args in;
	enum pv_code rc = parse(argc, argv, &in, err);

	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_BUNDLE),
			&s, err);
	if (rc == PV_OK)
		rc = export_bundle_of(&s, in.device, in.stage, &b, err);
	return rc == PV_OK ? give(app, &s, &b, "bundle", in.output,
				  buf_span(&b.bytes), err)
			   : rc;
}

/* Gives a group's files their names, or only was to see whether it could. */
static enum pv_code end_group(struct file_group **g, bool for_good,
			      struct err *err)
{
	if (for_good)
		return file_group_commit(*g, err);
	file_group_free(TAKE(*g));
	return file_group_new(g, err);
}

/*
 * Every item of the container as a file of its own: 0000000.cbor and so on; or
 * only whether they can be.
 */
static enum pv_code write_items(const struct seal_container_view *view,
				int folder, bool for_good, struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	struct seal_item item;
	char name[32];
	enum pv_code rc = file_group_new(&g, err);

	for (uint32_t i = 0; rc == PV_OK && i < view->items; i++) {
		snprintf(name, sizeof(name), "%07u.cbor", i);
		rc = seal_container_item(view, i, &item, err);
		if (rc == PV_OK)
			rc = file_group_add(g, folder, name, 0600, item.bytes.p,
					    item.bytes.len, err);
		if (rc == PV_OK && (i + 1) % GROUP_FILES == 0)
			rc = end_group(&g, for_good, err);
	}
	return rc == PV_OK ? end_group(&g, for_good, err) : rc;
}

static enum pv_code give_items(const struct app *app, struct session *s,
			       const struct export_bundle *b,
			       const struct seal_container_view *view,
			       const char *dir, struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	char id[2 * STORE_UUID + 1];
	enum pv_code rc;

	hex_encode(b->row.id, sizeof(b->row.id), id);
	rc = session_witnessed(s, id, err);
	if (rc == PV_OK)
		rc = dir_make(AT_FDCWD, dir, 0700, err);
	if (rc == PV_OK)
		rc = dir_open(AT_FDCWD, dir, &folder, err);
	if (rc == PV_OK)
		rc = write_items(view, folder, false, err);
	if (rc == PV_OK)
		rc = event_export(s->store, id, "segment", export_to(dir), err);
	if (rc == PV_OK)
		rc = write_items(view, folder, true, err);
	return rc == PV_OK ? session_checkpoint(app, s, err) : rc;
}

static bool names_one(const struct device_args *in)
{
	return in->item != UINT64_MAX || in->component != UINT64_MAX ||
	       in->index != UINT64_MAX || strcmp(in->output, "-") != 0;
}

static enum pv_code one_item(const struct device_args *in,
			     const struct seal_container_view *view,
			     struct seal_item *item, struct err *err)
{
	if (in->item != UINT64_MAX)
		return seal_container_item(view, (uint32_t)in->item, item, err);
	if (in->component != UINT64_MAX && in->index != UINT64_MAX)
		return seal_container_segment(view, (size_t)in->component,
					      (uint32_t)in->index, item, err);
	return err_fail(err, PV_USAGE, "usage.option", "see --help",
			"give --item, --component and --index, or --out");
}

enum pv_code export_run_segment(const struct app *app, int argc, char **argv,
				struct err *err)
{
	CLEANUP(export_bundle_release)
	struct export_bundle b = { .bytes = { 0 } };
	SESSION s = { .a = NULL };
	struct seal_container_view view;
	struct seal_item item = { .bytes = { NULL, 0 } };
	struct device_args in;
	enum pv_code rc = parse(argc, argv, &in, err);

	if (rc == PV_OK && (in.out_dir || in.list) &&
	    (names_one(&in) || (in.out_dir && in.list)))
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "--out and --list are about all segments: "
			      "without each other, --item, --component, "
			      "--index and -o");
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_BUNDLE),
			&s, err);
	if (rc == PV_OK)
		rc = export_bundle_of(&s, in.device, in.stage, &b, err);
	if (rc == PV_OK)
		rc = seal_container_parse(buf_span(&b.bytes), &view, err);
	if (rc == PV_OK && in.list)
		return export_items(&view, err);
	if (rc == PV_OK && !in.out_dir)
		rc = one_item(&in, &view, &item, err);
	if (rc != PV_OK)
		return rc;
	return in.out_dir ? give_items(app, &s, &b, &view, in.out_dir, err)
			  : give(app, &s, &b, "segment", in.output, item.bytes,
				 err);
}

/* All escrowed values: one file for each bundle that has some. */
struct escrow_pass {
	struct store *store;
	struct crl_words words;
	struct file_group *g;
	const struct store_device *d;
	int folder;
	bool for_good;
	uint64_t files;
};

static enum pv_code escrow_bundle(void *ctx, const struct store_bundle *row,
				  struct err *err)
{
	struct escrow_pass *p = ctx;
	struct export_bundle b = { .device = *p->d, .row = *row };
	CLEANUP(buf_release) struct buf cms;
	char name[2 * STORE_ID_MAX + 16];
	enum pv_code rc;

	buf_init(&cms, 1024u * 1024u);
	if (!row->escrow_len)
		return PV_OK;
	snprintf(name, sizeof(name), "%s.%s.%llu.cms", p->d->s.device,
		 row->stage, (unsigned long long)row->seq);
	rc = export_escrow(p->store, &b, &cms, err);
	if (rc == PV_OK)
		rc = file_group_add(p->g, p->folder, name, 0600, cms.data,
				    cms.len, err);
	if (rc == PV_OK && ++p->files % GROUP_FILES == 0)
		rc = end_group(&p->g, p->for_good, err);
	return rc;
}

static enum pv_code escrow_device(void *ctx, const struct store_device *d,
				  struct span cert, struct err *err)
{
	struct escrow_pass *p = ctx;
	const struct store_visit v = { .ctx = p, .fn.bundle = escrow_bundle };
	enum pv_code rc;

	(void)cert;
	/* What was escrowed of one that is retired is gone. */
	if (d->state == STORE_RETIRED)
		return PV_OK;
	p->d = d;
	rc = crl_words_device(&p->words, d, err);
	if (rc == PV_OK)
		return store_bundle_each(p->store, d->s.number, &v, err);
	err_object(err, d->s.device);
	return rc;
}

static enum pv_code escrow_files(const struct session *s, int folder,
				 bool for_good, struct err *err)
{
	struct escrow_pass p = {
		.store = s->store,
		.words = { .a = s->a, .store = s->store, .upto = &s->log.last },
		.folder = folder,
		.for_good = for_good
	};
	const struct store_visit v = { .ctx = &p, .fn.device = escrow_device };
	STORE_TXN txn = STORE_TXN_INIT;
	enum pv_code rc = file_group_new(&p.g, err);

	if (rc == PV_OK)
		rc = store_begin(s->store, STORE_READ, &txn, err);
	if (rc == PV_OK)
		rc = store_device_each(s->store, 0, &v, err);
	crl_words_release(&p.words);
	if (rc == PV_OK)
		rc = end_group(&p.g, for_good, err);
	file_group_free(p.g);
	return rc;
}

static enum pv_code escrow_all(const struct session *s, const char *dir,
			       struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	enum pv_code rc = dir_make(AT_FDCWD, dir, 0700, err);

	if (rc == PV_OK)
		rc = dir_open(AT_FDCWD, dir, &folder, err);
	if (rc == PV_OK)
		rc = escrow_files(s, folder, false, err);
	if (rc == PV_OK)
		rc = event_export(s->store, "all", "escrow", export_to(dir),
				  err);
	return rc == PV_OK ? escrow_files(s, folder, true, err) : rc;
}

enum pv_code export_run_escrow(const struct app *app, int argc, char **argv,
			       struct err *err)
{
	CLEANUP(export_bundle_release)
	struct export_bundle b = { .bytes = { 0 } };
	CLEANUP(buf_release) struct buf cms;
	SESSION s = { .a = NULL };
	struct device_args in;
	enum pv_code rc = parse(argc, argv, &in, err);

	buf_init(&cms, 1024u * 1024u);
	if (rc == PV_OK &&
	    (in.all != (in.out_dir != NULL) || in.all == (in.device != NULL)))
		rc = err_fail(err, PV_USAGE, "usage.option", "see --help",
			      "give --device, or --all with --out");
	if (rc == PV_OK)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_EXPORT_SECRET),
			&s, err);
	if (rc == PV_OK && in.all) {
		rc = session_witnessed(&s, NULL, err);
		if (rc == PV_OK)
			rc = escrow_all(&s, in.out_dir, err);
		return rc == PV_OK ? session_checkpoint(app, &s, err) : rc;
	}
	if (rc == PV_OK)
		rc = load(&s, in.device, in.stage, &b, err);
	if (rc == PV_OK)
		rc = export_escrow(s.store, &b, &cms, err);
	return rc == PV_OK ? give(app, &s, &b, "escrow", in.output,
				  buf_span(&cms), err)
			   : rc;
}
