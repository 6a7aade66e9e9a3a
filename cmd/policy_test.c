#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/out.h"
#include "cmd/policy.h"
#include "lib/base/fileio.h"
#include "lib/base/notechars.h"
#include "lib/flow/policytest.h"

CLEANUP_PTR(struct template, template_free);

/* Names and reasons hold what the file of cases says. */
static void print_case(const char *name, const char *why)
{
	struct span n = { (const uint8_t *)name, strlen(name) };
	struct span w = { (const uint8_t *)why, strlen(why) };
	char clean_name[256], clean_why[1024];

	notechars_clean(clean_name, sizeof(clean_name), n);
	notechars_clean(clean_why, sizeof(clean_why), w);
	if (why[0])
		printf("FAIL %s: %s\n", clean_name, clean_why);
	else
		printf("ok   %s\n", clean_name);
}

static void show(const void *ctx, const char *name, bool ok, const char *why)
{
	const struct app *app = ctx;
	struct err lost;

	err_init(&lost);
	if (app->json) {
		/* A lost line is found when main flushes the output. */
		if (out_json(json_pack("{s:s, s:b, s:s}", "case", name, "ok",
				       ok, "why", why),
			     &lost) != PV_OK)
			return;
	} else if (!ok || !app->quiet) {
		print_case(name, ok ? "" : why);
	}
}

enum pv_code policy_read_ca(const struct app *app, const char *path,
			    struct buf *bytes, struct template **t,
			    struct err *err)
{
	enum pv_code rc = policy_read(app, path, bytes, t, err);

	if (rc == PV_OK && !(*t)->ca)
		rc = err_fail(err, PV_INPUT, "policy.ca", NULL,
			      "%s is not a template for CAs", (*t)->name);
	return rc;
}

enum pv_code policy_run_test(const struct app *app, const char *file,
			     const char *cases, const char *ca, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(cleanup_template_free) struct template *issuer = NULL;
	CLEANUP(buf_release) struct buf bytes, text, above;
	size_t total = 0, failed = 0;
	enum pv_code rc = policy_read(app, file, &bytes, &t, err);

	buf_init(&text, JSON_SIZE_MAX);
	buf_init(&above, TEMPLATE_SIZE_MAX);
	if (rc == PV_OK && ca)
		rc = policy_read_ca(app, ca, &above, &issuer, err);
	if (rc == PV_OK)
		rc = file_read(AT_FDCWD, cases, 0, &text, err);
	if (rc != PV_OK)
		return rc;
	const struct policytest_opts opts = { .result = show,
					      .ctx = app,
					      .ca = issuer };
	rc = policytest_run(t, buf_span(&text), &opts, &total, &failed, err);
	if (rc != PV_OK) {
		err_object(err, cases);
		return rc;
	}
	if (!app->json && !app->quiet)
		printf("%zu case%s as expected\n", total, err_s(total));
	return PV_OK;
}
