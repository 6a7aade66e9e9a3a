/* rotate device ID: what the next credential is to be, as options say it. */
#include <fcntl.h>
#include <string.h>

#include "cmd/rotate_asked.h"
#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"

#define TEXT_MAX 32768u

void rotate_asked_release(struct rotate_asked *asked)
{
	buf_release(&asked->csr);
	buf_release(&asked->seal_key);
	buf_release(&asked->seal_sig);
	buf_release(&asked->key_sig);
}

static enum pv_code read_text(const char *path, struct buf *b, struct span *s,
			      struct err *err)
{
	enum pv_code rc = PV_OK;

	buf_init(b, TEXT_MAX);
	if (path)
		rc = file_read(AT_FDCWD, path, FILEIO_NOFOLLOW, b, err);
	while (b->len > 0 && b->data[b->len - 1] == '\n')
		b->len--;
	if (rc == PV_OK && b->len > 0 && memchr(b->data, 0, b->len))
		rc = err_fail(err, PV_INPUT, "request.value", NULL,
			      "%s is not text", path);
	*s = buf_span(b);
	return rc;
}

/* FIELD=VALUE, each field once; they point into argv. */
static enum pv_code read_sets(const struct rotate_ask *a,
			      struct renewal_set sets[OPTS_LIST_MAX],
			      struct err *err)
{
	for (size_t i = 0; i < a->sets.n; i++) {
		const char *eq = strchr(a->sets.values[i], '=');
		size_t len = eq ? (size_t)(eq - a->sets.values[i]) : 0;

		if (len == 0)
			return err_fail(err, PV_USAGE, "usage.value",
					"--set FIELD=VALUE",
					"--set needs a field and a value");
		for (size_t n = 0; n < i; n++)
			if (sets[n].name_len == len &&
			    memcmp(sets[n].name, a->sets.values[i], len) == 0)
				return err_fail(err, PV_USAGE, "usage.value",
						"set each field once",
						"--set names a field twice");
		sets[i] =
			(struct renewal_set){ a->sets.values[i], eq + 1, len };
	}
	return PV_OK;
}

enum pv_code rotate_asked_read(const struct rotate_ask *a,
			       struct rotate_asked *asked, struct err *err)
{
	struct renewal_asked *r = &asked->renewal;
	enum pv_code rc = read_text(a->csr, &asked->csr, &r->csr, err);

	if (rc == PV_OK)
		rc = read_text(a->seal_key, &asked->seal_key, &r->seal_key,
			       err);
	if (rc == PV_OK)
		rc = read_text(a->seal_sig, &asked->seal_sig, &r->seal_sig,
			       err);
	if (rc == PV_OK)
		rc = read_text(a->key_sig, &asked->key_sig, &r->key_sig, err);
	if (rc == PV_OK)
		rc = read_sets(a, asked->sets, err);
	r->parts = a->parts;
	r->fresh = a->fresh;
	r->role = a->role;
	r->sets = asked->sets;
	r->sets_n = a->sets.n;
	return rc;
}
