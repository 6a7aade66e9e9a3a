#include "lib/ceremony/media.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/filesweep.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/ceremony/mediabox.h"

CLEANUP_PTR(struct file_group, file_group_free);

#define HEX (2 * SHA256_LEN)
#define GAP "  " /* between hash and name, as sha256sum writes it */

/* ---- SHA256SUMS ---- */

struct sum { /* a line; borrowed */
	struct span hex, name;
};

/* The next line of text, which is shortened by it. */
static bool next_sum(struct span *text, struct sum *out)
{
	const uint8_t *end = memchr(text->p, '\n', text->len);
	size_t head = HEX + strlen(GAP);
	size_t len = end ? (size_t)(end - text->p) : 0;

	if (len <= head || memcmp(text->p + HEX, GAP, strlen(GAP)) != 0 ||
	    !name_is_safe((const char *)text->p + head, len - head))
		return false;
	for (size_t i = 0; i < HEX; i++)
		if (!memchr("0123456789abcdef", text->p[i], 16))
			return false;
	out->hex = (struct span){ text->p, HEX };
	out->name = (struct span){ text->p + head, len - head };
	text->p += len + 1;
	text->len -= len + 1;
	return true;
}

static enum pv_code sums_fail(enum pv_code code, const char *file,
			      const char *what, struct err *err)
{
	err_object(err, file);
	return err_fail(err, code, "media.sums",
			"compare the files with what their authority gave, and "
			"take another medium",
			"%s", what);
}

enum pv_code media_sums_find(struct span sums, const char *file,
			     const char hex[static 64], enum pv_code code,
			     bool *found, struct err *err)
{
	struct span want = { (const uint8_t *)file, strlen(file) };
	struct sum line;

	*found = false;
	while (sums.len > 0) {
		if (!next_sum(&sums, &line))
			return sums_fail(code, MEDIA_SUMS,
					 "a line that is no SHA-256 and name",
					 err);
		if (!span_equal(line.name, want))
			continue;
		if (*found || memcmp(line.hex.p, hex, HEX) != 0)
			return sums_fail(code, file,
					 "SHA256SUMS has another hash of it",
					 err);
		*found = true;
	}
	return PV_OK;
}

enum pv_code media_sums_without(struct span sums, const char *file,
				struct buf *rest, struct err *err)
{
	struct span want = { (const uint8_t *)file, strlen(file) };
	struct sum line;

	while (sums.len > 0) {
		if (!next_sum(&sums, &line))
			return sums_fail(PV_CONFLICT, MEDIA_SUMS,
					 "a line that is no SHA-256 and name",
					 err);
		if (span_equal(line.name, want))
			continue;
		buf_put(rest, line.hex.p, line.hex.len);
		buf_put_str(rest, GAP);
		buf_put(rest, line.name.p, line.name.len);
		buf_put_u8(rest, '\n');
	}
	return buf_check(rest, err);
}

/* ---- the folders ---- */

static enum pv_code check_names(const struct media *m, const char *authority,
				const char *file, struct err *err)
{
	if (!m)
		return err_fail(err, PV_USAGE, "media.none",
				"name the folder of the medium with --media",
				"files change hands here, and no medium was "
				"named");
	if (name_is_safe(authority, strlen(authority)) &&
	    (!file || (name_is_safe(file, strlen(file)) &&
		       strcmp(file, MEDIA_SUMS) != 0)))
		return PV_OK;
	return err_fail(err, PV_INPUT, "media.name", NULL,
			"an authority or a file with no plain name");
}

static enum pv_code not_there(const char *object, struct err *err)
{
	err_object(err, object);
	return err_fail(err, PV_NOT_FOUND, "media.file",
			"put the medium in that has it, then go on",
			"%s is not on the medium", object);
}

static enum pv_code open_top(const char *dir, int *top, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = dir_open(AT_FDCWD, dir, top, &why);
	if (rc == PV_NOT_FOUND)
		return not_there(dir, err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* What a link leads to is not the medium's. */
static enum pv_code open_below(int top, const char *folder, int *fd,
			       struct err *err)
{
	*fd = openat(top, folder,
		     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd >= 0)
		return PV_OK;
	if (errno == ENOENT)
		return not_there(folder, err);
	err_object(err, folder);
	if (errno == ENOTDIR || errno == ELOOP)
		return err_fail(err, PV_INPUT, "media.folder",
				"take the medium as its people wrote it",
				"the medium has a link or a file of that name, "
				"and no folder");
	return err_errno(err, PV_STORAGE, "media.folder", NULL,
			 "cannot open a folder of the medium");
}

enum pv_code media_open(const struct media *m, const char *folder, int *fd,
			struct err *err)
{
	CLEANUP(fd_cleanup) int top = -1;
	enum pv_code rc = check_names(m, folder, NULL, err);

	if (rc == PV_OK)
		rc = open_top(m->dir, &top, err);
	return rc == PV_OK ? open_below(top, folder, fd, err) : rc;
}

static enum pv_code make_folder(const struct media *m, const char *authority,
				int *folder, struct err *err)
{
	CLEANUP(fd_cleanup) int top = -1;
	enum pv_code rc = open_top(m->dir, &top, err);

	if (rc == PV_OK)
		rc = dir_make(top, authority, 0755, err);
	return rc == PV_OK ? open_below(top, authority, folder, err) : rc;
}

static enum pv_code read_file(int folder, const char *file, struct buf *bytes,
			      struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = file_read(folder, file, FILEIO_NOFOLLOW, bytes, &why);
	if (rc == PV_NOT_FOUND)
		return not_there(file, err);
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* ---- giving and taking ---- */

struct gift {
	const char *authority, *file;
	mode_t mode;
	bool replaces;
};

static enum pv_code read_sums(int folder, struct buf *sums, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = file_read(folder, MEDIA_SUMS, FILEIO_NOFOLLOW, sums, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc != PV_OK)
		*err = why;
	return rc;
}

/* The sums that are there, and the file's. */
static enum pv_code add_sum(const struct media *m, int folder,
			    const struct gift *gift, const char *hex,
			    struct buf *sums, struct err *err)
{
	CLEANUP(buf_release) struct buf old;
	bool found = false;
	enum pv_code rc;

	buf_init(&old, MEDIA_FILE_MAX);
	rc = read_sums(folder, &old, err);
	if (rc == PV_OK && gift->replaces)
		rc = mediabox_sums_without(m->box, buf_span(&old), gift->file,
					   sums, err);
	else if (rc == PV_OK)
		rc = mediabox_sums(m->box, buf_span(&old), gift->file, hex,
				   PV_CONFLICT, &found, err);
	if (rc == PV_OK && !gift->replaces)
		buf_put(sums, old.data, old.len);
	if (rc == PV_OK && !found)
		buf_printf(sums, "%s" GAP "%s\n", hex, gift->file);
	return rc == PV_OK ? buf_check(sums, err) : rc;
}

/* Both are written, and neither is in its place. */
static enum pv_code stage(struct file_group *g, int folder,
			  const struct gift *gift, struct span bytes,
			  struct span sums, struct err *err)
{
	enum pv_code rc =
		(gift->replaces ? file_group_replace : file_group_add)(
			g, folder, gift->file, gift->mode, bytes.p, bytes.len,
			err);

	return rc == PV_OK ? file_group_replace(g, folder, MEDIA_SUMS, 0644,
						sums.p, sums.len, err)
			   : rc;
}

static enum pv_code put(int folder, const struct gift *gift, struct span bytes,
			struct span sums, struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	enum pv_code rc = file_group_new(&g, err);

	if (rc == PV_OK)
		rc = stage(g, folder, gift, bytes, sums, err);
	return rc == PV_OK ? file_group_commit(g, err) : rc;
}

enum pv_code media_fits(const char *file, size_t size, struct err *err)
{
	if (size <= MEDIA_FILE_MAX)
		return PV_OK;
	err_object(err, file);
	return err_fail(err, PV_INPUT, "media.size",
			"bring it there in another way than with a ceremony",
			"%zu bytes: whoever takes a medium reads no file of "
			"more than %u",
			size, MEDIA_FILE_MAX);
}

static enum pv_code give(const struct media *m, const struct gift *gift,
			 struct span bytes, uint8_t hash[32], struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	CLEANUP(buf_release) struct buf sums;
	char hex[HEX + 1];
	enum pv_code rc = check_names(m, gift->authority, gift->file, err);

	buf_init(&sums, MEDIA_FILE_MAX);
	if (rc == PV_OK)
		rc = media_fits(gift->file, bytes.len, err);
	if (rc == PV_OK)
		rc = sha256(bytes, hash, err);
	if (rc == PV_OK)
		rc = make_folder(m, gift->authority, &folder, err);
	if (rc != PV_OK)
		return rc;
	/* What a crash left of a file is on its way to somebody else. */
	file_group_sweep(folder);
	hex_encode(hash, SHA256_LEN, hex);
	rc = add_sum(m, folder, gift, hex, &sums, err);
	return rc == PV_OK ? put(folder, gift, bytes, buf_span(&sums), err)
			   : rc;
}

enum pv_code media_give(const struct media *m, const char *authority,
			const char *file, struct span bytes, uint8_t hash[32],
			struct err *err)
{
	const struct gift gift = { authority, file, 0644, false };

	return give(m, &gift, bytes, hash, err);
}

enum pv_code media_replace(const struct media *m, const char *authority,
			   const char *file, struct span bytes,
			   uint8_t hash[32], struct err *err)
{
	const struct gift gift = { authority, file, 0644, true };

	return give(m, &gift, bytes, hash, err);
}

enum pv_code media_give_private(const struct media *m, const char *authority,
				const char *file, const struct secret *bytes,
				uint8_t hash[32], struct err *err)
{
	const struct gift gift = { authority, file, 0600, false };

	return give(m, &gift, (struct span){ bytes->data, bytes->len }, hash,
		    err);
}

enum pv_code media_take(const struct media *m, const char *from,
			const char *file, struct buf *bytes, uint8_t hash[32],
			struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	CLEANUP(buf_release) struct buf sums;
	bool found = false;
	char hex[HEX + 1];
	enum pv_code rc = check_names(m, from, file, err);

	buf_init(&sums, MEDIA_FILE_MAX);
	if (rc == PV_OK)
		rc = media_open(m, from, &folder, err);
	if (rc == PV_OK)
		rc = read_file(folder, file, bytes, err);
	if (rc == PV_OK)
		rc = read_file(folder, MEDIA_SUMS, &sums, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(bytes), hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, SHA256_LEN, hex);
	rc = mediabox_sums(m->box, buf_span(&sums), file, hex, PV_INTEGRITY,
			   &found, err);
	if (rc == PV_OK && !found)
		rc = sums_fail(PV_INTEGRITY, file,
			       "SHA256SUMS does not have it", err);
	return rc;
}

/* ---- what the medium is like, and what lies on it ---- */

/* The sums with a line for a file of which nothing is known but its name. */
static enum pv_code try_sums(const struct media *m, int folder,
			     const struct gift *gift, struct buf *sums,
			     struct err *err)
{
	CLEANUP(buf_release) struct buf old;
	enum pv_code rc;

	buf_init(&old, MEDIA_FILE_MAX);
	rc = read_sums(folder, &old, err);
	if (rc == PV_OK)
		rc = mediabox_sums_without(m->box, buf_span(&old), gift->file,
					   sums, err);
	if (rc == PV_OK && !gift->replaces && sums->len != old.len)
		rc = sums_fail(PV_CONFLICT, gift->file,
			       "SHA256SUMS has a hash of it already", err);
	if (rc == PV_OK)
		buf_printf(sums, "%0*d" GAP "%s\n", HEX, 0, gift->file);
	return rc == PV_OK ? buf_check(sums, err) : rc;
}

static enum pv_code try_folder(const struct media *m, int folder,
			       const struct gift *gift, size_t size,
			       struct err *err)
{
	CLEANUP(cleanup_file_group_free) struct file_group *g = NULL;
	CLEANUP(mem_cleanup) uint8_t *bytes = NULL;
	CLEANUP(buf_release) struct buf sums;
	enum pv_code rc;

	buf_init(&sums, MEDIA_FILE_MAX);
	rc = try_sums(m, folder, gift, &sums, err);
	if (rc == PV_OK)
		rc = file_group_new(&g, err);
	if (rc != PV_OK)
		return rc;
	bytes = mem_new(size + 1, err);
	return bytes ? stage(g, folder, gift, (struct span){ bytes, size },
			     buf_span(&sums), err)
		     : PV_INTERNAL;
}

enum pv_code media_may_give(const struct media *m, const char *authority,
			    const char *file, size_t size, bool replaces,
			    struct err *err)
{
	CLEANUP(fd_cleanup) int top = -1;
	CLEANUP(fd_cleanup) int folder = -1;
	const struct gift gift = { authority, file, 0644, replaces };
	enum pv_code rc = check_names(m, authority, file, err);

	if (rc == PV_OK)
		rc = media_fits(file, size, err);
	if (rc == PV_OK)
		rc = make_folder(m, authority, &folder, err);
	if (rc == PV_OK)
		rc = try_folder(m, folder, &gift, size, err);
	/* One that was made for this is empty. */
	if (folder >= 0 && open_top(m->dir, &top, NULL) == PV_OK)
		unlinkat(top, authority, AT_REMOVEDIR);
	return rc;
}

/* A file as a share would be, with nothing in it. */
enum pv_code media_keeps_modes(const struct media *m, const char *authority,
			       bool *keeps, struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	CLEANUP(fd_cleanup) int fd = -1;
	struct stat st;
	char name[64];
	enum pv_code rc = check_names(m, authority, NULL, err);

	*keeps = false;
	if (rc == PV_OK)
		rc = make_folder(m, authority, &folder, err);
	if (rc != PV_OK)
		return rc;
	snprintf(name, sizeof(name), ".modes.0.%ld.tmp", (long)getpid());
	/* What a crash of a process with this number left. */
	unlinkat(folder, name, 0);
	fd = openat(folder, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, PV_STORAGE, "file.create", NULL,
				 "cannot make a file on the medium");
	/* A FAT may give all files to somebody else (uid=, umask=). */
	*keeps = fstat(fd, &st) == 0 && (st.st_mode & 077) == 0 &&
		 st.st_uid == geteuid();
	return unlinkat(folder, name, 0) == 0
		       ? PV_OK
		       : err_errno(err, PV_STORAGE, "file.create", NULL,
				   "cannot remove a file from the medium");
}

enum pv_code media_sweep(const struct media *m, const char *authority,
			 void (*told)(void *ctx, const char *file), void *ctx,
			 struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = media_open(m, authority, &folder, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc == PV_OK)
		return file_sweep_told(folder, told, ctx, err);
	*err = why;
	return rc;
}
