/* approve --list: the requests of a folder, newest first. A request has no time
 * of its own: who asks later gets a later end. Knows no authority. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/approve.h"
#include "cmd/opts.h"
#include "cmd/out.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/flow/approvals.h"
#include "policy/approval_request.h"

CLEANUP_PTR(struct approval_request, approval_request_free);

#define NAME_END ".json"
#define PATH_CAP 4096u

struct listed {
	char *name;
	struct approval approval;
};

struct listing {
	const char *folder, *operation, *state;
	uint64_t last; /* 0: all */
	int64_t now_s;
	struct listed *list;
	size_t n, room;
	enum pv_code bad; /* of the first that is no request */
	struct err why;
};

static void dir_cleanup(DIR **d)
{
	if (*d)
		closedir(*d);
}

static void listing_release(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->list[i].name);
	free(l->list);
}

static bool is_open(const struct listing *l, const struct approval *a)
{
	return l->now_s >= 0 && a->expires_s > (uint64_t)l->now_s;
}

static const char *state_of(const struct listing *l, const struct approval *a)
{
	return is_open(l, a) ? "open" : "expired";
}

static bool wanted(const struct listing *l, const struct approval *a)
{
	return (!l->operation ||
		strcmp(l->operation, quorum_op_name(a->operation)) == 0) &&
	       (!l->state || strcmp(l->state, state_of(l, a)) == 0);
}

static enum pv_code keep(struct listing *l, const char *name,
			 const struct approval *a, struct err *err)
{
	size_t room = 2 * l->room + 16;
	struct listed *list = l->list;

	if (l->n == l->room) {
		list = realloc(l->list, room * sizeof(*list));
		if (list) {
			l->list = list;
			l->room = room;
		}
	}
	if (list)
		list[l->n].name = strdup(name);
	if (!list || !list[l->n].name)
		return err_fail(err, PV_INTERNAL, "memory", NULL,
				"no memory for %zu requests", l->n + 1);
	list[l->n++].approval = *a;
	return PV_OK;
}

static enum pv_code read_one(int folder, const char *name,
			     struct approval_request **q, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, APPROVAL_REQUEST_MAX);
	rc = file_read(folder, name,
		       FILEIO_NOFOLLOW | FILEIO_NOT_WRITABLE_BY_OTHERS, &text,
		       err);
	if (rc == PV_OK)
		rc = approval_request_parse(buf_span(&text), q, err);
	if (rc != PV_OK)
		err_object(err, name);
	return rc;
}

/* What is none is told of, and hides no other. */
static enum pv_code take(const struct app *app, struct listing *l, int folder,
			 const char *name, struct err *err)
{
	CLEANUP(cleanup_approval_request_free)
	struct approval_request *q = NULL;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = read_one(folder, name, &q, &why);
	if (rc == PV_OK)
		return wanted(l, &q->approval)
			       ? keep(l, name, &q->approval, err)
			       : PV_OK;
	if (l->bad != PV_OK)
		out_note(app, "%s: %s", name, why.message);
	else
		l->why = why;
	if (l->bad == PV_OK)
		l->bad = rc;
	return PV_OK;
}

static enum pv_code take_all(const struct app *app, struct listing *l,
			     struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	CLEANUP(dir_cleanup) DIR *d = NULL;
	const struct dirent *e;
	enum pv_code rc = dir_open(AT_FDCWD, l->folder, &folder, err);
	int own = rc == PV_OK ? dup(folder) : -1;

	if (rc != PV_OK)
		return rc;
	d = own >= 0 ? fdopendir(own) : NULL;
	if (!d) {
		if (own >= 0)
			close(own);
		return err_fail(err, PV_STORAGE, "file.read", NULL,
				"cannot list %s", l->folder);
	}
	while (rc == PV_OK && (e = readdir(d))) {
		size_t len = strlen(e->d_name), end = strlen(NAME_END);

		if (e->d_name[0] != '.' && len > end &&
		    strcmp(e->d_name + len - end, NAME_END) == 0)
			rc = take(app, l, folder, e->d_name, err);
	}
	return rc;
}

static int newest_first(const void *x, const void *y)
{
	const struct listed *a = x, *b = y;

	if (a->approval.expires_s != b->approval.expires_s)
		return a->approval.expires_s < b->approval.expires_s ? 1 : -1;
	return strcmp(a->name, b->name);
}

static enum pv_code put(const struct app *app, const struct listing *l,
			const struct listed *r, struct err *err)
{
	const struct approval *a = &r->approval;
	char path[PATH_CAP], subject[65], expires[PVTIME_RFC3339_LEN + 1];
	int n = snprintf(path, sizeof(path), "%s/%s", l->folder, r->name);

	if (n < 0 || (size_t)n >= sizeof(path) ||
	    !pvtime_format((int64_t)a->expires_s, expires))
		return err_fail(err, PV_INPUT, "output.path", NULL,
				"a request does not fit a line");
	hex_encode(a->subject, sizeof(a->subject), subject);
	if (app->json)
		return out_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}",
					  "request", path, "operation",
					  quorum_op_name(a->operation), "state",
					  state_of(l, a), "requester",
					  a->requester, "subject", subject,
					  "expires", expires),
				err);
	printf("%s %s until %s", state_of(l, a), quorum_op_name(a->operation),
	       expires);
	out_text(" by ", a->requester);
	out_text(" ", path);
	putchar('\n');
	return PV_OK;
}

static enum pv_code parse(const struct app *app, int argc, char **argv,
			  struct listing *l, char folder[PATH_CAP],
			  struct err *err)
{
	bool list = false;
	const struct opt opts[] = {
		{ "list", 0, OPT_FLAG, &list, 0, 0 },
		{ "operation", 0, OPT_STRING, &l->operation, 0, 0 },
		{ "state", 0, OPT_STRING, &l->state, 0, 0 },
		{ "last", 0, OPT_NUMBER, &l->last, 1, INT64_MAX },
		{ NULL, 0, OPT_FLAG, NULL, 0, 0 },
	};
	struct opt_args args;
	enum quorum_op op;
	enum pv_code rc = opts_parse(opts, argc, argv, 0, 1, &args, err);

	if (rc != PV_OK)
		return rc;
	snprintf(folder, PATH_CAP, "%s/" APPROVALS_FOLDER, app->home);
	l->folder = args.n > 0 ? args.values[0] : folder;
	if (l->state && strcmp(l->state, "open") != 0 &&
	    strcmp(l->state, "expired") != 0)
		return err_fail(err, PV_USAGE, "usage.value", "see --help",
				"--state takes open or expired");
	if (l->operation &&
	    !quorum_op_find((struct span){ (const uint8_t *)l->operation,
					   strlen(l->operation) },
			    &op))
		return err_fail(err, PV_USAGE, "usage.value", "see --help",
				"no operation is called \"%.40s\"",
				l->operation);
	return PV_OK;
}

enum pv_code approve_run_list(const struct app *app, int argc, char **argv,
			      struct err *err)
{
	CLEANUP(listing_release) struct listing l = { .bad = PV_OK };
	char folder[PATH_CAP];
	enum pv_code rc = parse(app, argc, argv, &l, folder, err);

	l.now_s = pvtime_now_s();
	if (rc == PV_OK)
		rc = take_all(app, &l, err);
	if (rc != PV_OK)
		return rc;
	if (l.n > 0)
		qsort(l.list, l.n, sizeof(*l.list), newest_first);
	for (size_t i = 0; rc == PV_OK && i < l.n; i++)
		if (l.last == 0 || i < l.last)
			rc = put(app, &l, &l.list[i], err);
	if (rc == PV_OK && l.bad != PV_OK) {
		*err = l.why;
		rc = l.bad;
	}
	return rc;
}
