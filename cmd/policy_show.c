#include <stdio.h>
#include <string.h>

#include "cmd/out.h"
#include "cmd/policy.h"
#include "cmd/session.h"

CLEANUP_PTR(struct template, template_free);

static enum pv_code print_template(const struct template *t, struct err *err)
{
	json_t *effective = NULL;
	enum pv_code rc = template_show(t, &effective, err);
	int failed;

	if (rc != PV_OK)
		return rc;
	failed = json_dumpf(effective, stdout,
			    JSON_INDENT(2) | JSON_PRESERVE_ORDER |
				    JSON_ENSURE_ASCII);
	json_decref(effective);
	putchar('\n');
	return failed ? err_fail(err, PV_STORAGE, "output.lost", NULL,
				 "cannot write to standard output")
		      : PV_OK;
}

static enum pv_code parse_row(void *ctx, const struct store_template *row,
			      struct err *err)
{
	return template_parse(row->bytes, ctx, NULL, err);
}

/* An existing file, else the adopted template of that name. */
enum pv_code policy_run_show(const struct app *app, const char *name,
			     struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf bytes;
	SESSION s = { .a = NULL };
	const struct store_visit v = { .ctx = &t, .fn.template = parse_row };
	enum pv_code rc;

	buf_init(&bytes, TEMPLATE_SIZE_MAX);
	if (strchr(name, '/') || strchr(name, '.')) {
		rc = policy_read(app, name, &bytes, &t, err);
		/* "ieee-802.1ar-idevid" is a name, too. */
		if (rc != PV_NOT_FOUND)
			return rc == PV_OK ? print_template(t, err) : rc;
		err_init(err);
	}
	rc = session_open(app, SESSION_STORE | SESSION_MAY(ROLE_OP_READ), &s,
			  err);
	if (rc == PV_OK)
		rc = store_template_current(s.store, name, &v, err);
	if (rc != PV_OK) {
		err_object(err, name);
		return rc;
	}
	return print_template(t, err);
}

static enum pv_code list_row(void *ctx, const struct store_template *row,
			     struct err *err)
{
	const struct app *app = ctx;
	char hex[65];

	hex_encode(row->sha256, 32, hex);
	if (app->json)
		return out_json(json_pack("{s:s, s:I, s:s, s:s}", "template",
					  row->name, "version",
					  (json_int_t)row->version, "sha256",
					  hex, "actor", row->actor),
				err);
	printf("%-24s %4llu  %s\n", row->name, (unsigned long long)row->version,
	       hex);
	return PV_OK;
}

enum pv_code policy_run_list(const struct app *app, struct err *err)
{
	struct app copy = *app;
	const struct store_visit v = { .ctx = &copy, .fn.template = list_row };
	SESSION s = { .a = NULL };
	enum pv_code rc = session_open(
		app, SESSION_STORE | SESSION_MAY(ROLE_OP_READ), &s, err);

	return rc == PV_OK ? store_template_each(s.store, &v, err) : rc;
}
