#include <stdio.h>
#include <string.h>

#include "cmd/opts.h"
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

struct wanted {
	const char *name; /* version 0: the one in effect */
	size_t name_len;
	uint64_t version;
	struct template **t;
};

static enum pv_code parse_row(void *ctx, const struct store_template *row,
			      struct err *err)
{
	struct wanted *w = ctx;
	enum pv_code rc;

	if (w->version != 0 &&
	    (row->version != w->version || strlen(row->name) != w->name_len ||
	     memcmp(row->name, w->name, w->name_len) != 0))
		return PV_OK;
	rc = template_parse(row->bytes, w->t, NULL, err);
	if (rc == PV_OK && memcmp((*w->t)->sha256, row->sha256, 32) != 0) {
		template_free(TAKE(*w->t));
		rc = err_fail(err, PV_INTEGRITY, "template.digest",
			      "restore the store from a backup",
			      "the stored template is not the adopted one");
	}
	return rc;
}

/* NAME or NAME@VERSION of what was adopted. */
static enum pv_code find_adopted(struct store *store, const char *name,
				 struct template **t, struct err *err)
{
	const char *at = strrchr(name, '@');
	struct wanted w = { .name = name, .t = t };
	const struct store_visit v = { .ctx = &w, .fn.template = parse_row };
	enum pv_code rc;

	if (!at)
		return store_template_current(store, name, &v, err);
	w.name_len = (size_t)(at - name);
	if (!opts_number(at + 1, 1, INT32_MAX, &w.version))
		return err_fail(err, PV_USAGE, "usage.argument",
				"see provctl policy --help",
				"\"%.40s\" is no version of a template",
				at + 1);
	rc = store_template_each(store, &v, err);
	if (rc == PV_OK && !*t)
		rc = err_fail(err, PV_NOT_FOUND, "store.template",
			      "see `provctl policy list'",
			      "no such version was adopted");
	return rc;
}

/* An existing file, else what was adopted under that name. */
enum pv_code policy_find(const struct app *app, struct session *s,
			 const char *name, struct template **t, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;
	enum pv_code rc = PV_OK;

	buf_init(&bytes, TEMPLATE_SIZE_MAX);
	if (strchr(name, '/') || strchr(name, '.')) {
		rc = policy_read(app, name, &bytes, t, err);
		/* "ieee-802.1ar-idevid" is a name, too. */
		if (rc != PV_NOT_FOUND)
			return rc;
		err_init(err);
		rc = PV_OK;
	}
	if (!s->store)
		rc = session_open(
			app, SESSION_STORE | SESSION_MAY(ROLE_OP_READ), s, err);
	if (rc == PV_OK)
		rc = find_adopted(s->store, name, t, err);
	if (rc != PV_OK)
		err_object(err, name);
	return rc;
}

enum pv_code policy_run_show(const struct app *app, const char *name,
			     struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	SESSION s = { .a = NULL };
	enum pv_code rc = policy_find(app, &s, name, &t, err);

	return rc == PV_OK ? print_template(t, err) : rc;
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
