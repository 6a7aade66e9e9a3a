/* ceremony explain and show: what people read, as text or as a page. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ceremony.h"
#include "cmd/ceremony_files.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/ceremony/ceremonypage.h"
#include "lib/ceremony/ceremonyscript.h"
#include "lib/ceremony/plantemplate.h"

CLEANUP_PTR(struct plan, plan_free);

enum pv_code ceremony_read_plan(const char *path, struct plan **plan,
				struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, PLAN_SIZE_MAX);
	rc = file_read(AT_FDCWD, path, 0, &text, err);
	err_object(err, path); /* places in it are named path#/pointer */
	if (rc == PV_OK)
		rc = plan_parse(buf_span(&text), plan, err);
	if (rc == PV_OK && err)
		err->object[0] = '\0';
	return rc;
}

struct page_args {
	const char *file, *output, *templates;
	bool html;
};

/* templates: the verb takes that option, too. */
static enum pv_code parse(int argc, char **argv, bool templates,
			  struct page_args *in, struct err *err)
{
	const struct opt opts[] = {
		{ "html", 0, OPT_FLAG, &in->html, 0, 0 },
		{ "output", 'o', OPT_STRING, &in->output, 0, 0 },
		{ templates ? "templates" : NULL, 0, OPT_STRING, &in->templates,
		  0, 0 },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum pv_code rc;

	*in = (struct page_args){ .output = "-" };
	rc = opts_parse(opts, argc, argv, 1, 1, &args, err);
	if (rc == PV_OK)
		in->file = args.values[0];
	return rc;
}

enum pv_code ceremony_run_explain(const struct app *app, int argc, char **argv,
				  struct err *err)
{
	CLEANUP(cleanup_plan_free) struct plan *plan = NULL;
	CLEANUP(buf_release) struct buf text;
	CLEANUP(fd_cleanup) int templates = -1;
	struct page_args in;
	enum pv_code rc = parse(argc, argv, true, &in, err);

	(void)app;
	buf_init(&text, CEREMONYSCRIPT_MAX);
	if (rc == PV_OK)
		rc = ceremony_read_plan(in.file, &plan, err);
	if (rc == PV_OK && in.templates)
		rc = plantemplate_open(plan, in.templates, &templates, err);
	if (rc == PV_OK)
		rc = ceremonyscript(plan, templates, in.html, &text, err);
	return rc == PV_OK ? out_file(in.output, 0644, buf_span(&text), err)
			   : rc;
}

enum pv_code ceremony_run_show(const struct app *app, int argc, char **argv,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf lines;
	CLEANUP(buf_release) struct buf text;
	char room[CEREMONY_PATH_MAX];
	struct page_args in;
	enum pv_code rc = parse(argc, argv, false, &in, err);

	(void)app;
	buf_init(&lines, TRANSCRIPT_SIZE_MAX);
	buf_init(&text, CEREMONYPAGE_MAX);
	if (rc != PV_OK)
		return rc;
	in.file = ceremony_transcript(in.file, room);
	rc = file_read(AT_FDCWD, in.file, 0, &lines, err);
	if (rc == PV_OK)
		rc = ceremonypage(buf_span(&lines), in.html, &text, err);
	if (rc == PV_OK)
		return out_file(in.output, 0644, buf_span(&text), err);
	err_object(err, in.file);
	return rc;
}
