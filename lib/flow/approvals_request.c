/* The file that asks for approvals: found again, or written. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/flow/approvals_impl.h"
#include "lib/store/store_people.h"

#define SUBJECT_DIGITS 12

CLEANUP_PTR(struct approval_request, approval_request_free);
CLEANUP_PTR(struct file_group, file_group_free);

/* Where a request is kept, and what was found there. */
struct place {
	int folder; /* not owned */
	const char *name;
	bool own; /* below the home: what is outdated may be replaced */
};

/* Parsed, or NULL when no file is there. */
static enum pv_code read_file(const struct place *at,
			      struct approval_request **q, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct err why;
	enum pv_code rc;

	*q = NULL;
	err_init(&why);
	buf_init(&text, APPROVAL_REQUEST_MAX);
	rc = file_read(at->folder, at->name,
		       FILEIO_NOFOLLOW | FILEIO_NOT_WRITABLE_BY_OTHERS, &text,
		       &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc == PV_OK)
		rc = approval_request_parse(buf_span(&text), q, &why);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* Asks for the same, whatever nonce and expiry. */
static bool same_matter(const struct approval *x, const struct approval *y)
{
	return strcmp(x->log, y->log) == 0 &&
	       memcmp(x->root, y->root, sizeof(x->root)) == 0 &&
	       x->operation == y->operation &&
	       memcmp(x->subject, y->subject, sizeof(x->subject)) == 0 &&
	       strcmp(x->requester, y->requester) == 0;
}

/* *good: the file's approval may still be given and used. */
static enum pv_code still_good(const struct approvals_asking *g,
			       const struct approval *had, bool *good,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf note;
	struct store_approval used;
	bool found = false;
	enum pv_code rc;

	*good = false;
	if (!same_matter(had, g->asked) || had->expires_s <= g->now_s ||
	    had->expires_s > g->now_s + g->valid_s)
		return PV_OK;
	if (!g->store) {
		*good = true;
		return PV_OK;
	}
	buf_init(&note, NOTE_SIZE_MAX);
	rc = store_approval_get(g->store, had->nonce, &used, &note, &found,
				err);
	*good = rc == PV_OK && !found;
	if (*good && g->max_age_s)
		rc = approvals_fresh(g->store, had, g->now_s, g->max_age_s,
				     STORE_NO_INDEX, good, err);
	return rc;
}

static enum pv_code write_file(const struct place *at,
			       const struct approvals_want *want,
			       const struct approval *asked, struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	CLEANUP(buf_release) struct buf text;
	enum pv_code rc;

	buf_init(&text, APPROVAL_REQUEST_MAX);
	rc = approval_request_put(&text, asked, want->subject, want->context,
				  err);
	if (rc == PV_OK && at->own)
		return file_write(at->folder, at->name, 0600, text.data,
				  text.len, err);
	if (rc == PV_OK)
		rc = file_group_new(&g, err);
	if (rc == PV_OK)
		rc = file_group_add(g, at->folder, at->name, 0600, text.data,
				    text.len, err);
	return rc == PV_OK ? file_group_commit(g, err) : rc;
}

static enum pv_code make_new(const struct approvals_asking *g, struct err *err)
{
	struct approval *asked = g->asked;

	if (RAND_bytes(asked->nonce, sizeof(asked->nonce)) != 1)
		return err_fail(err, PV_INTERNAL, "crypto.random", NULL,
				"no random bytes for a nonce");
	asked->expires_s = g->now_s + g->valid_s;
	return g->max_age_s ? approvals_ask(g->store, asked, err) : PV_OK;
}

/* What is shown beside the subject is what this command says, nobody else. */
static bool same_context(const struct approval_request *q,
			 const struct approvals_want *want)
{
	size_t had = json_object_size(q->context);
	size_t now = json_object_size(want->context);

	return had == now &&
	       (now == 0 || json_equal(q->context, want->context));
}

static enum pv_code find_or_write(const struct approvals_asking *g,
				  const struct place *at, struct err *err)
{
	CLEANUP(cleanup_approval_request_free)
	struct approval_request *q = NULL;
	bool good = false;
	enum pv_code rc = read_file(at, &q, err);

	if (rc == PV_OK && q)
		rc = still_good(g, &q->approval, &good, err);
	if (rc != PV_OK)
		return rc;
	if (good && !g->known)
		*g->asked = q->approval;
	if (good && same_context(q, g->want))
		return PV_OK;
	if (good && at->own) /* the same nonce: who signed need not again */
		return write_file(at, g->want, &q->approval, err);
	if (q && !at->own)
		return err_fail(err, PV_CONFLICT, "output.exists",
				"name another file, or remove it",
				"%s asks for something else", at->name);
	if (!g->known)
		rc = make_new(g, err);
	return rc == PV_OK ? write_file(at, g->want, g->asked, err) : rc;
}

/* requests/<op>-<12 hex of the subject>.json; here, where no home is yet */
static enum pv_code in_home(const struct authority *a,
			    const struct approval *asked, int *folder,
			    char path[APPROVALS_PATH_MAX], struct err *err)
{
	char hex[2 * sizeof(asked->subject) + 1];
	enum pv_code rc;

	hex_encode(asked->subject, sizeof(asked->subject), hex);
	if (a->home_fd < 0) {
		snprintf(path, APPROVALS_PATH_MAX, "%s-%.*s.json",
			 quorum_op_name(asked->operation), SUBJECT_DIGITS, hex);
		return dir_open(AT_FDCWD, ".", folder, err);
	}
	rc = dir_make(a->home_fd, APPROVALS_FOLDER, 0700, err);
	snprintf(path, APPROVALS_PATH_MAX,
		 "%s/" APPROVALS_FOLDER "/%s-%.*s.json", a->home,
		 quorum_op_name(asked->operation), SUBJECT_DIGITS, hex);
	return rc == PV_OK ? dir_open(a->home_fd, APPROVALS_FOLDER, folder, err)
			   : rc;
}

/* The folder of a path that a person gave. */
static enum pv_code elsewhere(const char *file, int *folder,
			      char path[APPROVALS_PATH_MAX], struct err *err)
{
	char dir[APPROVALS_PATH_MAX];
	const char *slash = strrchr(file, '/');
	int n = snprintf(path, APPROVALS_PATH_MAX, "%s", file);

	if (n <= 0 || n >= APPROVALS_PATH_MAX || (slash && !slash[1]))
		return err_fail(err, PV_INPUT, "output.path", NULL,
				"--request names no file");
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - file) + 1 : 1,
		 slash ? file : ".");
	return dir_open(AT_FDCWD, dir, folder, err);
}

enum pv_code approvals_request(const struct approvals_asking *g,
			       char path[APPROVALS_PATH_MAX], struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	const char *out = g->want->request_out;
	struct place at = { .own = out == NULL };
	const char *slash;
	enum pv_code rc = at.own ? in_home(g->a, g->asked, &folder, path, err)
				 : elsewhere(out, &folder, path, err);

	if (rc != PV_OK)
		return rc;
	slash = strrchr(path, '/');
	at.folder = folder;
	at.name = slash ? slash + 1 : path;
	return find_or_write(g, &at, err);
}
