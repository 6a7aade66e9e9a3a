#include "lib/ceremony/ceremony_aside.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"

#define ASIDES_MAX 999u
#define NAME_LEN (sizeof(TRANSCRIPT_FILE) + 16)

CLEANUP_PTR(struct file_group, file_group_free);

static void name_of(uint32_t n, char name[NAME_LEN])
{
	snprintf(name, NAME_LEN, "transcript.aside-%u", n);
}

struct span ceremony_aside_split(struct span text, uint64_t lines,
				 struct span *rest)
{
	struct span kept = { text.p, 0 };

	while (lines > 0 && kept.len < text.len)
		lines -= text.p[kept.len++] == '\n';
	rest->p = text.p + kept.len;
	rest->len = text.len - kept.len;
	return kept;
}

/* Behind those that lines name, whether these are there or not. */
static enum pv_code next_name(int folder, uint32_t named, char name[NAME_LEN],
			      struct err *err)
{
	name_of(ASIDES_MAX, name);
	for (uint32_t n = named + 1; n <= ASIDES_MAX; n++) {
		name_of(n, name);
		if (faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			return PV_OK;
	}
	err_object(err, name);
	return err_fail(err, PV_CONFLICT, "output.exists",
			"look at who goes on with this ceremony, and why it "
			"does not come further",
			"its lines were set aside %u times", ASIDES_MAX);
}

static enum pv_code cut(int folder, size_t kept, struct err *err)
{
	CLEANUP(fd_cleanup)
	int fd = openat(folder, TRANSCRIPT_FILE,
			O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)kept) != 0 || fsync(fd) != 0)
		return err_errno(err, PV_STORAGE, "transcript.write", NULL,
				 "the transcript cannot be cut");
	return PV_OK;
}

enum pv_code ceremony_aside_keep(int folder, uint32_t named, struct span rest,
				 size_t kept, struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	char name[NAME_LEN];
	enum pv_code rc;

	if (rest.len == 0)
		return PV_OK;
	rc = next_name(folder, named, name, err);
	if (rc == PV_OK)
		rc = file_group_new(&g, err);
	if (rc == PV_OK)
		rc = file_group_add(g, folder, name, 0600, rest.p, rest.len,
				    err);
	if (rc == PV_OK)
		rc = file_group_commit(g, err);
	return rc == PV_OK ? cut(folder, kept, err) : rc;
}

static enum pv_code tell(struct ceremony *c, const char *name,
			 const struct buf *bytes, struct err *err)
{
	uint8_t hash[32];
	char hex[65], lines[24];
	size_t n = 0;
	enum pv_code rc = sha256(buf_span(bytes), hash, err);

	if (rc != PV_OK)
		return rc;
	for (size_t i = 0; i < bytes->len; i++)
		n += bytes->data[i] == '\n';
	snprintf(lines, sizeof(lines), "%zu", n);
	hex_encode(hash, sizeof(hash), hex);
	return CEREMONY_PUT(c, "set-aside", { "lines", lines },
			    { "file", name }, { "file_sha256", hex });
}

enum pv_code ceremony_aside_tell(struct ceremony *c, struct err *err)
{
	for (uint32_t n = c->asides + 1; n <= ASIDES_MAX; n++) {
		CLEANUP(buf_release) struct buf bytes;
		char name[NAME_LEN];
		struct err why;
		enum pv_code rc;

		name_of(n, name);
		err_init(&why);
		buf_init(&bytes, TRANSCRIPT_SIZE_MAX);
		rc = file_read(c->opts->folder, name,
			       FILEIO_NOFOLLOW | FILEIO_PRIVATE, &bytes, &why);
		if (rc == PV_NOT_FOUND)
			return PV_OK;
		if (rc != PV_OK) {
			*err = why;
			return rc;
		}
		rc = tell(c, name, &bytes, err);
		if (rc != PV_OK)
			return rc;
	}
	return PV_OK;
}
