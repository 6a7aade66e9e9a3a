#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/opts.h"
#include "cmd/out.h"
#include "cmd/policy.h"
#include "lib/base/fileio.h"

CLEANUP_PTR(struct template, template_free);

void policy_warn(const struct app *app, const struct template_warnings *w)
{
	for (size_t i = 0; i < w->n; i++) {
		out_note(app, "warning: %s at %s (line %zu, column %zu)",
			 w->list[i].text, w->list[i].pointer, w->list[i].line,
			 w->list[i].column);
		out_note(app, "  rule: %s", w->list[i].rule);
	}
}

enum pv_code policy_read(const struct app *app, const char *path,
			 struct buf *bytes, struct template **t,
			 struct err *err)
{
	struct template_warnings warnings = { .n = 0 };
	enum pv_code rc;

	buf_init(bytes, TEMPLATE_SIZE_MAX);
	rc = file_read(AT_FDCWD, path, 0, bytes, err);
	/* Places in it are named path#/pointer. */
	err_object(err, path);
	if (rc == PV_OK)
		rc = template_parse(buf_span(bytes), t, &warnings, err);
	policy_warn(app, &warnings);
	if (rc == PV_OK && err)
		err->object[0] = '\0';
	return rc;
}

static enum pv_code lint(const struct app *app, const char *path,
			 struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(buf_release) struct buf bytes;
	char hex[65];
	enum pv_code rc = policy_read(app, path, &bytes, &t, err);

	if (rc != PV_OK)
		return rc;
	hex_encode(t->sha256, 32, hex);
	if (app->json)
		return out_json(json_pack("{s:s, s:I, s:b, s:s}", "template",
					  t->name, "version",
					  (json_int_t)t->version, "ca", t->ca,
					  "sha256", hex),
				err);
	printf("%s version %u is sound (sha256 %s)\n", t->name,
	       (unsigned)t->version, hex);
	return PV_OK;
}

/* What each wants behind its name. */
static const struct policy_verb {
	const char *name, *arguments;
	size_t min, max;
} policy_verbs[] = {
	{ "lint", "FILE", 1, 1 },
	{ "show", "NAME or FILE", 1, 1 },
	{ "test", "FILE and CASES", 2, 2 },
	{ "diff", "A and B", 2, 2 },
	{ "adopt", "FILE", 1, 1 },
	{ "list", "nothing", 0, 0 },
	{ "drift", "NAME or nothing", 0, 1 },
};

static enum pv_code check_words(const struct opt_args *args, struct err *err)
{
	for (size_t i = 0; i < sizeof(policy_verbs) / sizeof(policy_verbs[0]);
	     i++) {
		const struct policy_verb *v = &policy_verbs[i];

		if (strcmp(v->name, args->values[0]) != 0)
			continue;
		if (args->n > v->min && args->n <= v->max + 1)
			return PV_OK;
		return err_fail(err, PV_USAGE, "usage.argument",
				"see provctl policy --help",
				"policy %s takes %s, not %zu argument%s",
				v->name, v->arguments, args->n - 1,
				err_s(args->n - 1));
	}
	return err_fail(err, PV_USAGE, "usage.argument",
			"see provctl policy --help",
			"policy does not know \"%.40s\"", args->values[0]);
}

/* --request is the sample of diff, and where adopt puts what it asks for. */
static enum pv_code check_options(const char *verb, const char *request,
				  size_t approvals, struct err *err)
{
	bool adopt = strcmp(verb, "adopt") == 0;

	if (approvals > 0 && !adopt)
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl policy --help",
				"--approval goes with policy adopt");
	if (request && !adopt && strcmp(verb, "diff") != 0)
		return err_fail(err, PV_USAGE, "usage.option",
				"see provctl policy --help",
				"--request goes with policy adopt or diff");
	return PV_OK;
}

static enum pv_code run(const struct app *app, int argc, char **argv,
			struct err *err)
{
	const char *ca = NULL, *request = NULL;
	struct approvals_want want = { .op = QUORUM_ADOPT };
	struct opt_list approvals = { .n = 0 };
	const struct opt opts[] = {
		{ "request", 0, OPT_STRING, &request, 0, 0 },
		{ "ca", 0, OPT_STRING, &ca, 0, 0 },
		{ "approval", 0, OPT_LIST, &approvals, 0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc = opts_parse(opts, argc, argv, 1, 4, &args, err);

	if (rc == PV_OK)
		rc = check_words(&args, err);
	if (rc == PV_OK)
		rc = check_options(args.values[0], request, approvals.n, err);
	if (rc != PV_OK)
		return rc;
	want.request_out = request;
	want.files = approvals.values;
	want.files_n = approvals.n;
	if (strcmp(args.values[0], "list") == 0)
		return policy_run_list(app, err);
	if (strcmp(args.values[0], "lint") == 0)
		return lint(app, args.values[1], err);
	if (strcmp(args.values[0], "show") == 0)
		return policy_run_show(app, args.values[1], err);
	if (strcmp(args.values[0], "adopt") == 0)
		return policy_run_adopt(app, args.values[1], &want, err);
	if (strcmp(args.values[0], "drift") == 0)
		return policy_run_drift(app, args.n > 1 ? args.values[1] : NULL,
					err);
	if (strcmp(args.values[0], "diff") == 0)
		return policy_run_diff(app, args.values[1], args.values[2],
				       request, ca, err);
	return policy_run_test(app, args.values[1], args.values[2], ca, err);
}

const struct verb verb_policy = {
	.name = "policy",
	.summary = "templates: lint, show, test, diff, adopt, drift",
	.help = policy_help,
	.parts = policy_parts,
	.token = true,
	.run = run,
};
