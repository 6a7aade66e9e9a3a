#include <string.h>

#include "cmd/audit.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "cmd/term.h"
#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/audit_line.h"
#include "lib/flow/audit_show.h"

#define SUBJECTS_N (AUDIT_TEMPLATE + 1)

struct show_args {
	const char *subjects[SUBJECTS_N]; /* by enum audit_subject; AUDIT_ALL:
					     none */
	const char *types, *since, *until;
	uint64_t last;
	char hex[2 * STORE_SERIAL_MAX + 1]; /* of a serial or bundle id */
};

static enum pv_code parse(int argc, char **argv, struct show_args *in,
			  struct err *err)
{
	const char **subjects = in->subjects;
	const struct opt opts[] = {
		{ "device", 0, OPT_STRING, &subjects[AUDIT_DEVICE], 0, 0 },
		{ "serial", 0, OPT_STRING, &subjects[AUDIT_SERIAL], 0, 0 },
		{ "bundle", 0, OPT_STRING, &subjects[AUDIT_BUNDLE], 0, 0 },
		{ "order", 0, OPT_STRING, &subjects[AUDIT_ORDER], 0, 0 },
		{ "officer", 0, OPT_STRING, &subjects[AUDIT_OFFICER], 0, 0 },
		{ "key", 0, OPT_STRING, &subjects[AUDIT_KEY], 0, 0 },
		{ "request", 0, OPT_STRING, &subjects[AUDIT_REQUEST], 0, 0 },
		{ "template", 0, OPT_STRING, &subjects[AUDIT_TEMPLATE], 0, 0 },
		{ "type", 0, OPT_STRING, &in->types, 0, 0 },
		{ "since", 0, OPT_STRING, &in->since, 0, 0 },
		{ "until", 0, OPT_STRING, &in->until, 0, 0 },
		{ "last", 0, OPT_NUMBER, &in->last, 1, INT64_MAX },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;

	return opts_parse(opts, argc, argv, 0, 0, &args, err);
}

static enum pv_code bad_value(const char *option, const char *takes,
			      struct err *err)
{
	return err_fail(err, PV_USAGE, "usage.value", NULL, "--%s takes %s",
			option, takes);
}

/* Serials and bundle ids stand in the log in lower case; argv may differ. */
static enum pv_code take_hex(struct show_args *in, enum audit_subject subject,
			     size_t min, size_t max, const char *takes,
			     struct err *err)
{
	const char **value = &in->subjects[subject];
	uint8_t bytes[STORE_SERIAL_MAX];
	size_t len = strlen(*value) / 2;

	if (len < min || len > max || len > sizeof(bytes) ||
	    strlen(*value) % 2 || !hex_decode(*value, bytes, len))
		return bad_value(subject == AUDIT_SERIAL ? "serial" : "bundle",
				 takes, err);
	hex_encode(bytes, len, in->hex);
	*value = in->hex;
	return PV_OK;
}

/* At most one subject; its name as the log has it. */
static enum pv_code take_subject(struct show_args *in,
				 struct audit_show_opts *o, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; i < SUBJECTS_N; i++) {
		if (!in->subjects[i])
			continue;
		if (o->subject != AUDIT_ALL)
			return err_fail(err, PV_USAGE, "usage.option",
					"see --help",
					"a story is of one thing: device, "
					"serial, bundle, order, officer, key, "
					"request or template");
		o->subject = (enum audit_subject)i;
	}
	if (o->subject == AUDIT_SERIAL)
		rc = take_hex(in, AUDIT_SERIAL, STORE_SERIAL_MIN,
			      STORE_SERIAL_MAX, "32 to 40 hex digits", err);
	if (o->subject == AUDIT_BUNDLE)
		rc = take_hex(in, AUDIT_BUNDLE, STORE_UUID, STORE_UUID,
			      "32 hex digits", err);
	o->name = in->subjects[o->subject];
	return rc;
}

static enum pv_code take_time(const char *option, const char *s, uint64_t *ms,
			      struct err *err)
{
	int64_t time_s;

	if (!s)
		return PV_OK;
	if (!pvtime_parse(s, strlen(s), &time_s))
		return bad_value(option, "a time like 2026-01-31T23:59:59Z",
				 err);
	*ms = (uint64_t)time_s * 1000;
	return PV_OK;
}

/* Names of types between commas, none of them empty. */
static enum pv_code check_types(const char *types, struct err *err)
{
	for (;;) {
		size_t len = strcspn(types, ",");

		if (!audit_type_known(types, len))
			return err_fail(err, PV_USAGE, "usage.value",
					"`provctl audit show --help' lists all",
					"--type takes types like "
					"cert.issue,export; \"%.*s\" is none",
					len < 40 ? (int)len : 40, types);
		if (!types[len])
			return PV_OK;
		types += len + 1;
	}
}

static enum pv_code take_filters(struct show_args *in,
				 struct audit_show_opts *o, struct err *err)
{
	enum pv_code rc = take_subject(in, o, err);

	if (rc == PV_OK && in->types)
		rc = check_types(in->types, err);
	if (rc == PV_OK)
		rc = take_time("since", in->since, &o->since_ms, err);
	if (rc == PV_OK)
		rc = take_time("until", in->until, &o->until_ms, err);
	if (rc == PV_OK && o->since_ms >= o->until_ms)
		rc = err_fail(err, PV_USAGE, "usage.value", NULL,
			      "--since is not before --until");
	o->types = in->types;
	o->last = in->last;
	return rc;
}

/* What the callbacks need. */
struct view {
	const struct app *app;
	struct progress progress;
	struct buf line;
};

static void view_release(struct view *v)
{
	buf_release(&v->line);
}

static enum pv_code print_entry(void *ctx, uint64_t index,
				const struct log_entry *e, struct err *err)
{
	struct view *v = ctx;
	enum pv_code rc;

	progress_clear(&v->progress);
	buf_reset(&v->line);
	rc = v->app->json ? audit_line_json(index, e, &v->line, err)
			  : audit_line_text(index, e, &v->line, err);
	return rc == PV_OK ? out_bytes(buf_span(&v->line), err) : rc;
}

static void print_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct view *v = ctx;

	progress_update(&v->progress, done, total);
}

static bool has_filter(const struct audit_show_opts *o)
{
	return o->subject != AUDIT_ALL || o->types || o->since_ms > 0 ||
	       o->until_ms != UINT64_MAX;
}

enum pv_code audit_run_show(const struct app *app, int argc, char **argv,
			    struct err *err)
{
	CLEANUP(view_release) struct view v = { .app = app };
	struct audit_show_opts o = { .until_ms = UINT64_MAX,
				     .entry = print_entry,
				     .progress = print_progress,
				     .ctx = &v };
	struct show_args in = { .types = NULL };
	SESSION s = { .a = NULL };
	uint64_t shown = 0;
	enum pv_code rc = parse(argc, argv, &in, err);

	buf_init(&v.line, AUDIT_LINE_MAX + 1);
	if (rc == PV_OK)
		rc = take_filters(&in, &o, err);
	if (rc == PV_OK)
		rc = session_open(app,
				  SESSION_STORE | SESSION_MAY(ROLE_OP_AUDIT),
				  &s, err);
	if (rc != PV_OK)
		return rc;
	progress_init(&v.progress, "audit", app->quiet || app->json);
	rc = audit_show(s.store, &o, &shown, err);
	progress_clear(&v.progress);
	if (rc != PV_OK || shown > 0 || !has_filter(&o))
		return rc;
	err_object(err, o.name ? o.name : "log");
	return err_fail(err, PV_NOT_FOUND, "log.none",
			o.subject == AUDIT_KEY
				? "a key's label is NAME/PURPOSE/GENERATION, "
				  "like acme/log/1"
				: "without options, audit show gives the whole "
				  "log",
			"no entry of the log fits what was asked for");
}
