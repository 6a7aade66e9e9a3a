#include "cmd/issue_input.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/pin.h"
#include "lib/base/fileio.h"

#define COUNT_BYTES 65536
#define COUNT_MAX (64 * 1024 * 1024) /* bytes looked at: some tens of ms */

/* "csr_file" is opened by the confined reader, below the file's own folder. */
static enum pv_code open_folder(const char *path, int *folder,
				const char **base, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char dir[4096];

	*base = slash ? slash + 1 : path;
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path + 1) : 1,
		 slash ? path : ".");
	return dir_open(AT_FDCWD, dir, folder, err);
}

void issue_one_release(struct issue_one *one)
{
	buf_release(&one->seal_key);
	buf_release(&one->seal_sig);
}

static void add_pair(struct issue_one *one, struct reader_opts *src,
		     const char *key, const char *value)
{
	if (!value)
		return;
	one->pairs[src->pairs_n].key = key;
	one->pairs[src->pairs_n++].value = value;
}

static enum pv_code add_file(struct issue_one *one, struct reader_opts *src,
			     struct buf *b, const char *key, const char *path,
			     struct err *err)
{
	enum pv_code rc;

	if (!path)
		return PV_OK;
	buf_init(b, 4096);
	rc = file_read(AT_FDCWD, path, FILEIO_NOFOLLOW, b, err);
	while (b->len > 0 && b->data[b->len - 1] == '\n')
		b->len--;
	if (rc == PV_OK && (!buf_cstr(b) || memchr(b->data, 0, b->len)))
		rc = err_fail(err, PV_INPUT, "request.value", NULL,
			      "%s is not text", path);
	if (rc == PV_OK)
		add_pair(one, src, key, (const char *)b->data);
	return rc;
}

static enum pv_code add_sets(const struct issue_cmd_opts *o,
			     struct issue_one *one, struct reader_opts *src,
			     struct err *err)
{
	for (size_t i = 0; i < o->sets.n; i++) {
		const char *eq = strchr(o->sets.values[i], '=');

		if (!eq || eq == o->sets.values[i] ||
		    eq - o->sets.values[i] > 64)
			return err_fail(err, PV_USAGE, "usage.value",
					"--set FIELD=VALUE",
					"--set needs a field and a value");
		snprintf(one->names[i], sizeof(one->names[i]), "field.%.*s",
			 (int)(eq - o->sets.values[i]), o->sets.values[i]);
		add_pair(one, src, one->names[i], eq + 1);
	}
	return PV_OK;
}

enum pv_code issue_set_one(const struct issue_cmd_opts *o,
			   struct issue_one *one, struct reader_opts *src,
			   struct err *err)
{
	const char *csr = NULL;
	enum pv_code rc = PV_OK;

	src->fd = -1;
	src->pairs = one->pairs;
	src->host_key = o->key != NULL;
	if (o->csr)
		rc = open_folder(o->csr, &src->folder, &csr, err);
	add_pair(one, src, "device", o->device);
	add_pair(one, src, "request", o->request);
	add_pair(one, src, "replace", o->reason);
	add_pair(one, src, "role", o->role);
	add_pair(one, src, "csr_file", csr);
	if (rc == PV_OK)
		rc = add_file(one, src, &one->seal_key, "seal_key", o->seal_key,
			      err);
	if (rc == PV_OK)
		rc = add_file(one, src, &one->seal_sig, "seal_key_sig",
			      o->seal_sig, err);
	return rc == PV_OK ? add_sets(o, one, src, err) : rc;
}

/* The name says the form: what is not called .csv is JSON lines. */
static enum rows_format format_of(const char *path)
{
	const char *end = strrchr(path, '.');

	return end && strcasecmp(end, ".csv") == 0 ? ROWS_CSV : ROWS_JSONL;
}

static enum pv_code open_rows(const struct issue_cmd_opts *o,
			      struct reader_opts *src, struct err *err)
{
	const char *base;
	enum pv_code rc;

	if (o->stream || strcmp(o->from, "-") == 0) {
		src->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		return src->fd >= 0 ? PV_OK
				    : err_errno(err, PV_INPUT, "input.open",
						NULL, "no standard input");
	}
	rc = file_open(AT_FDCWD, o->from, FILEIO_NOFOLLOW, &src->fd, err);
	src->format = format_of(o->from);
	return rc == PV_OK ? open_folder(o->from, &src->folder, &base, err)
			   : rc;
}

enum pv_code issue_set_rows(const struct issue_cmd_opts *o,
			    const char *pin_source, struct reader_opts *src,
			    struct err *err)
{
	enum pv_code rc = open_rows(o, src, err);

	/* Each would take bytes of the other: the PIN from the requests. */
	if (rc == PV_OK && pin_source_shares(pin_source, src->fd))
		return err_fail(err, PV_USAGE, "pin.shared",
				"give the PIN a descriptor of its own, or "
				"--from a file",
				"the PIN and the requests come from one "
				"descriptor (pin_source %s)",
				pin_source);
	return rc;
}

/* A file of our own that nobody else can open. */
static enum pv_code open_nameless(int home, int *fd, struct err *err)
{
	char name[48];

	snprintf(name, sizeof(name), ".requests.%ld.tmp", (long)getpid());
	(void)unlinkat(home, name, 0); /* what a crash left */
	*fd = openat(home, name,
		     O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd >= 0 && unlinkat(home, name, 0) == 0)
		return PV_OK;
	return err_errno(err, PV_STORAGE, "file.write", NULL,
			 "cannot keep the requests in the home");
}

enum pv_code issue_own_rows(int home, struct reader_opts *src, struct err *err)
{
	CLEANUP(fd_cleanup) int own = -1;
	char buf[COUNT_BYTES];
	struct stat st;
	ssize_t n = 1;
	enum pv_code rc;

	if (src->fd < 0 || fstat(src->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return PV_OK;
	rc = open_nameless(home, &own, err);
	while (rc == PV_OK && n > 0) {
		n = read(src->fd, buf, sizeof(buf));
		if (n > 0)
			rc = fd_write_all(own, buf, (size_t)n, err);
	}
	if (rc == PV_OK && (n < 0 || lseek(own, 0, SEEK_SET) != 0))
		rc = err_errno(err, PV_STORAGE, "file.read", NULL,
			       "cannot read the requests to be signed");
	if (rc != PV_OK)
		return rc;
	fd_cleanup(&src->fd);
	src->fd = TAKE_FD(own);
	return PV_OK;
}

/* What stands between two row ends, as far as counting goes. */
struct row_count {
	bool csv, quoted, blank;
	uint64_t rows;
};

static void count_bytes(struct row_count *c, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\n' && !c->quoted) {
			c->rows += !c->blank;
			c->blank = true;
			continue;
		}
		c->quoted ^= c->csv && p[i] == '"';
		c->blank &= p[i] == ' ' || p[i] == '\t' || p[i] == '\r';
	}
}

uint64_t issue_count_rows(const struct reader_opts *src)
{
	struct row_count c = { .csv = src->format == ROWS_CSV, .blank = true };
	char buf[COUNT_BYTES];
	struct stat st;
	off_t at = 0;
	ssize_t n = 1;

	if (src->fd < 0 || fstat(src->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return 0;
	/* The reader's place in the file stays where it is. */
	while (at < COUNT_MAX && n > 0) {
		n = pread(src->fd, buf, sizeof(buf), at);
		count_bytes(&c, buf, n > 0 ? (size_t)n : 0);
		at += n > 0 ? n : 0;
	}
	c.rows += !c.blank;
	if (c.csv && c.rows > 0)
		c.rows--;
	if (at > 0 && st.st_size > at)
		return (uint64_t)((double)c.rows * (double)st.st_size /
				  (double)at);
	return c.rows;
}
