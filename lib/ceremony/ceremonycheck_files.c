/* The files that lie beside a transcript: they have their hashes. */
#include "lib/ceremony/ceremonycheck_files.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/ceremonyfolder.h"

static enum pv_code read_beside(const struct ceremonycheck_state *c,
				const char *file, struct buf *bytes,
				char hex[65], struct err *err)
{
	uint8_t hash[32];
	enum pv_code rc;

	buf_init(bytes, CEREMONYCHECK_FILE_MAX);
	rc = file_read(c->in->dir, file, FILEIO_NOFOLLOW, bytes, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(bytes), hash, err);
	if (rc == PV_OK)
		hex_encode(hash, sizeof(hash), hex);
	return rc;
}

static enum pv_code hash_of(const struct ceremonycheck_state *c,
			    const char *file, char hex[65], struct err *err)
{
	CLEANUP(buf_release) struct buf bytes;

	return read_beside(c, file, &bytes, hex, err);
}

enum pv_code ceremonycheck_another(const char *file, struct err *err)
{
	err_object(err, file);
	return err_fail(err, PV_INTEGRITY, "ceremony.file",
			"take the file of the ceremony",
			"%s is not what the ceremony wrote", file);
}

bool ceremonycheck_says(const struct transcript_line *line, const char *key,
			const char *value)
{
	return strcmp(ceremonycheck_fact(line, key), value) == 0;
}

bool ceremonycheck_says_hex(const struct transcript_line *line, const char *key,
			    const uint8_t *p, size_t len)
{
	char hex[65] = "";

	if (len < sizeof(hex) / 2 + 1)
		hex_encode(p, len, hex);
	return ceremonycheck_says(line, key, hex);
}

/* Whoever reads it takes it for what was run. */
static enum pv_code check_kept(const struct ceremonycheck_state *c,
			       const char *file, const char *sha256,
			       struct err *err)
{
	struct err why;
	char hex[65];
	enum pv_code rc;

	err_init(&why);
	rc = hash_of(c, file, hex, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	return strcmp(hex, sha256) == 0 ? PV_OK
					: ceremonycheck_another(file, err);
}

/* The head of the rehearsal, where it lies there. */
static enum pv_code check_rehearsed(const struct ceremonycheck_state *c,
				    struct err *err)
{
	CLEANUP(buf_release) struct buf head;
	struct err why;
	enum pv_code rc;

	buf_init(&head, sizeof(c->out->rehearsed));
	err_init(&why);
	rc = file_read(c->in->dir, CEREMONY_REHEARSED_FILE, FILEIO_NOFOLLOW,
		       &head, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	return rc == PV_OK && span_is(buf_span(&head), c->out->rehearsed)
		       ? PV_OK
		       : ceremonycheck_another(CEREMONY_REHEARSED_FILE, err);
}

enum pv_code ceremonycheck_kept(const struct ceremonycheck_state *c,
				const struct transcript_line *line,
				struct err *err)
{
	enum pv_code rc;

	if (c->in->dir < 0)
		return PV_OK;
	rc = check_kept(c, CEREMONY_PLAN_FILE,
			ceremonycheck_fact(line, "sha256"), err);
	if (rc == PV_OK)
		rc = check_rehearsed(c, err);
	return rc == PV_OK ? check_kept(c, CEREMONY_HOME_FILE,
					ceremonycheck_fact(line, "home_sha256"),
					err)
			   : rc;
}

enum pv_code ceremonycheck_take_file(const struct ceremonycheck_state *c,
				     const struct transcript_line *line,
				     struct buf *bytes, struct err *err)
{
	const char *file = ceremonycheck_fact(line, "file");
	char hex[65];
	enum pv_code rc;

	buf_init(bytes, CEREMONYCHECK_FILE_MAX);
	if (!name_is_safe(file, strlen(file)))
		return ceremonycheck_order("a file whose name is no plain name",
					   err);
	rc = read_beside(c, file, bytes, hex, err);
	if (rc == PV_OK &&
	    strcmp(hex, ceremonycheck_fact(line, "file_sha256")) != 0)
		rc = ceremonycheck_another(file, err);
	return rc;
}

enum pv_code ceremonycheck_file(const struct ceremonycheck_state *c,
				const struct transcript_line *line,
				struct err *err)
{
	CLEANUP(buf_release) struct buf bytes = { .data = NULL };

	return c->in->dir < 0 ? PV_OK
			      : ceremonycheck_take_file(c, line, &bytes, err);
}
