/* order: production tickets. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/order.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/fileio.h"

#define NOTE_MODE 0644

struct order_args {
	const char *note, *missing;
	bool give_up;
	struct opt_list approvals;
	struct approvals_want want;
};

static enum pv_code run_open(const struct app *app, const char *path,
			     const struct order_args *in, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	SESSION s = { .a = NULL };
	struct orders_report r;
	enum pv_code rc;

	buf_init(&bytes, ORDER_SIZE_MAX);
	rc = file_read(AT_FDCWD, path, 0, &bytes, err);
	if (rc == PV_OK)
		rc = session_open(app, SESSION_STORE | SESSION_GATED, &s, err);
	if (rc == PV_OK)
		rc = orders_open(s.a, s.store, buf_span(&bytes), &in->want, &r,
				 err);
	if (rc == PV_OK)
		rc = session_protect(app, &s, err);
	if (rc != PV_OK) {
		err_object(err, path);
		return rc;
	}
	if (app->json)
		return out_json(json_pack("{s:s, s:I, s:I, s:b, s:s}", "order",
					  r.name, "quantity",
					  (json_int_t)r.quantity, "rework",
					  (json_int_t)r.rework, "existing",
					  r.existing, "persons", r.persons),
				err);
	printf("order %s %s: %llu device%s, %llu replacement%s\n", r.name,
	       r.existing ? "is open already" : "is open",
	       (unsigned long long)r.quantity, err_s(r.quantity),
	       (unsigned long long)r.rework, err_s(r.rework));
	if (r.persons[0])
		printf("approved by %s\n", r.persons);
	return PV_OK;
}

static enum pv_code tell_end(const struct app *app, const struct order_args *in,
			     const struct orders_end *e, bool existing,
			     struct err *err)
{
	enum pv_code rc = PV_OK;

	if (in->missing)
		rc = out_file(in->missing, NOTE_MODE, buf_span(&e->missing),
			      err);
	if (rc == PV_OK && in->note)
		rc = out_file(in->note, NOTE_MODE, buf_span(&e->note), err);
	if (rc != PV_OK)
		return rc;
	if (app->json) {
		json_t *j = order_json(e, true);

		if (j)
			json_object_set_new(
				j, "note",
				json_stringn((const char *)e->note.data,
					     e->note.len));
		if (j)
			json_object_set_new(j, "existing",
					    json_boolean(existing));
		return out_json(j, err);
	}
	if (!in->note)
		return out_bytes(buf_span(&e->note), err);
	order_print(e, true);
	return PV_OK;
}

static enum pv_code run_close(const struct app *app, const char *name,
			      const struct order_args *in, struct err *err)
{
	struct orders_end e = { .missing_n = 0 };
	SESSION s = { .a = NULL };
	bool existing = false;
	enum pv_code rc = session_open(app,
				       SESSION_STORE | SESSION_HSM |
					       SESSION_MAY(ROLE_OP_ORDER_CLOSE),
				       &s, err);

	if (rc == PV_OK)
		rc = orders_close(s.a, s.store, s.hsm, &s.log, name,
				  in->give_up, &in->want, &e, &existing, err);
	if (rc == PV_OK)
		rc = session_protect(app, &s, err);
	e.order.open = false;
	if (rc == PV_OK)
		rc = tell_end(app, in, &e, existing, err);
	orders_end_release(&e);
	return rc;
}

static enum pv_code usage(const char *what, struct err *err)
{
	return err_fail(err, PV_USAGE, "usage.argument",
			"see provctl order --help", "%s", what);
}

static enum pv_code dispatch(const struct app *app, const struct opt_args *args,
			     const struct order_args *in, struct err *err)
{
	const char *word = args->values[0];
	const char *name = args->n > 1 ? args->values[1] : NULL;
	bool decides = in->want.files_n > 0 || in->want.request_out;
	bool ends = in->note || in->missing || in->give_up;

	if (decides && strcmp(word, "show") == 0)
		return usage("--approval and --request go with order open and "
			     "close",
			     err);
	if (ends && strcmp(word, "close") != 0)
		return usage("-o, --missing and --give-up go with order close",
			     err);
	if (strcmp(word, "open") == 0 && name)
		return run_open(app, name, in, err);
	if (strcmp(word, "show") == 0)
		return order_run_show(app, name, err);
	if (strcmp(word, "close") == 0 && name)
		return run_close(app, name, in, err);
	return usage("order takes open FILE, show or close NAME", err);
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	struct order_args in = { .note = NULL };
	const struct opt opts[] = {
		{ "output", 'o', OPT_STRING, &in.note, 0, 0 },
		{ "missing", 0, OPT_STRING, &in.missing, 0, 0 },
		{ "give-up", 0, OPT_FLAG, &in.give_up, 0, 0 },
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

const struct verb verb_order = {
	.name = "order",
	.summary = "production tickets: open, show, close",
	.help = order_help,
	.parts = order_parts,
	.token = true,
	.run = run,
};
