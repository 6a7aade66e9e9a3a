#include "cmd/provdev/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/pem.h"
#include "lib/base/sha256.h"

#define PEM_MAX (4u * 1024u * 1024u)
#define FILE_NAME_SIZE (NAME_MAX + 1) /* of one file in a component */
#define HASHED "%%sha256-" /* no escape: "%s" is not "%" and two digits */

static enum pv_code storage_error(struct err *err, const char *name)
{
	return err_errno(err, PV_STORAGE, "device.storage", NULL,
			 "cannot "
			 "change %s",
			 name);
}

enum pv_code tree_each(int dirfd, tree_visit *fn, void *arg, struct err *err)
{
	enum pv_code code = PV_OK;
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	if (!d) {
		fd_cleanup(&fd);
		return storage_error(err, "a folder");
	}
	while (code == PV_OK && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			code = fn(arg, dirfd, e->d_name, err);
	}
	closedir(d);
	return code;
}

static enum pv_code remove_entry(void *arg, int dirfd, const char *name,
				 struct err *err)
{
	(void)arg;
	return tree_remove(dirfd, name, err);
}

/* Our folders are three deep, so this does not go far. */
enum pv_code tree_remove(int dirfd, const char *name, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	enum pv_code code;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return PV_OK;
	if (errno != EISDIR && errno != EPERM)
		return storage_error(err, name);
	fd = openat(dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return storage_error(err, name);
	code = tree_each(fd, remove_entry, NULL, err);
	if (code == PV_OK && unlinkat(dirfd, name, AT_REMOVEDIR) != 0)
		code = storage_error(err, name);
	return code;
}

static enum pv_code link_entry(void *arg, int dirfd, const char *name,
			       struct err *err)
{
	int to = *(int *)arg;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return storage_error(err, name);
	if (S_ISDIR(st.st_mode))
		return tree_link(dirfd, to, name, err);
	if (linkat(dirfd, name, to, name, 0) != 0)
		return storage_error(err, name);
	return PV_OK;
}

enum pv_code tree_link(int from, int to, const char *name, struct err *err)
{
	CLEANUP(fd_cleanup) int source = -1;
	CLEANUP(fd_cleanup) int target = -1;
	enum pv_code code = dir_open(from, name, &source, err);

	if (code == PV_OK)
		code = dir_make(to, name, 0700, err);
	if (code == PV_OK)
		code = dir_open(to, name, &target, err);
	if (code == PV_OK)
		code = tree_each(source, link_entry, &target, err);
	return code;
}

/* A file of a folder that nothing names yet: the caller syncs and names it. */
static enum pv_code add(int dirfd, const char *name, const void *p, size_t len,
			struct err *err)
{
	CLEANUP(fd_cleanup)
	int fd = openat(dirfd, name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);

	if (fd < 0)
		return storage_error(err, name);
	return fd_write_all(fd, p, len, err);
}

static enum pv_code add_pem(int dirfd, const char *name, const char *label,
			    struct cbor_bytes der, struct err *err)
{
	CLEANUP(buf_wipe) struct buf pem;
	struct span s = { der.p, der.len };
	enum pv_code code;

	buf_init(&pem, PEM_MAX);
	if (!der.p)
		return PV_OK;
	pem_encode(&pem, label, s);
	code = buf_check(&pem, err);
	return code == PV_OK ? add(dirfd, name, pem.data, pem.len, err) : code;
}

static enum pv_code add_list(int dirfd, const char *name,
			     struct cbor_bytes list, struct err *err)
{
	CLEANUP(buf_release) struct buf pem;
	struct cbor_reader r;
	struct cbor_bytes der;
	enum pv_code code;
	uint64_t n;

	buf_init(&pem, PEM_MAX);
	if (!list.p)
		return PV_OK;
	pvdev_content_open(&r, &n, list);
	while (pvdev_content_next(&r, &n, NULL, &der)) {
		struct span s = { der.p, der.len };

		pem_encode(&pem, "CERTIFICATE", s);
	}
	code = buf_check(&pem, err);
	return code == PV_OK ? add(dirfd, name, pem.data, pem.len, err) : code;
}

static bool plain_byte(uint8_t c, bool first)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '_' ||
	       (!first && (c == '.' || c == '-'));
}

/* A name from a bundle as one path component; false when it is too long. */
static bool escape_name(struct cbor_bytes name, const char *suffix,
			char out[FILE_NAME_SIZE])
{
	size_t i, n = 0;

	for (i = 0; i < name.len; i++) {
		bool plain = plain_byte(name.p[i], i == 0);

		if (n + (plain ? 1 : 3) + strlen(suffix) > NAME_MAX)
			return false;
		if (plain)
			out[n++] = (char)name.p[i];
		else
			n += (size_t)snprintf(out + n, 4, "%%%02X", name.p[i]);
	}
	memcpy(out + n, suffix, strlen(suffix) + 1);
	return true;
}

/* A bundle's names have up to 255 bytes; escaped, three times as many. */
static enum pv_code file_name(struct cbor_bytes name, const char *suffix,
			      char out[FILE_NAME_SIZE], struct err *err)
{
	uint8_t hash[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	enum pv_code code;

	if (escape_name(name, suffix, out))
		return PV_OK;
	code = sha256((struct span){ name.p, name.len }, hash, err);
	if (code != PV_OK)
		return code;
	hex_encode(hash, sizeof(hash), hex);
	snprintf(out, FILE_NAME_SIZE, HASHED "%s%s", hex, suffix);
	return PV_OK;
}

static enum pv_code add_map(int dirfd, struct cbor_bytes map,
			    const char *suffix, struct err *err)
{
	struct cbor_reader r;
	struct cbor_bytes name, value;
	char file[FILE_NAME_SIZE];
	enum pv_code code = PV_OK;
	uint64_t n;

	pvdev_content_open(&r, &n, map);
	while (code == PV_OK && pvdev_content_next(&r, &n, &name, &value)) {
		code = file_name(name, suffix, file, err);
		if (code == PV_OK)
			code = add(dirfd, file, value.p, value.len, err);
	}
	return code;
}

static enum pv_code make_folder(int dirfd, const char *name, bool wanted,
				int *fd, struct err *err)
{
	enum pv_code code;

	if (!wanted)
		return PV_OK;
	code = dir_make(dirfd, name, 0700, err);
	return code == PV_OK ? dir_open(dirfd, name, fd, err) : code;
}

static enum pv_code add_all(int dirfd, const struct pvdev_content *c,
			    struct span plaintext, struct err *err)
{
	enum pv_code code;

	code = add(dirfd, "content.cbor", plaintext.p, plaintext.len, err);
	if (code == PV_OK)
		code = add_pem(dirfd, "certificate.pem", "CERTIFICATE",
			       c->certificate, err);
	if (code == PV_OK)
		code = add_list(dirfd, "chain.pem", c->chain, err);
	if (code == PV_OK)
		code = add_list(dirfd, "anchors.pem", c->anchors, err);
	if (code == PV_OK)
		code = add_pem(dirfd, "key.pem", "PRIVATE KEY", c->key, err);
	if (code == PV_OK && c->config.p)
		code = add(dirfd, "config.cbor", c->config.p, c->config.len,
			   err);
	return code;
}

enum pv_code tree_write(int dirfd, const char *id,
			const struct pvdev_content *c, struct span plaintext,
			struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	CLEANUP(fd_cleanup) int secrets = -1;
	CLEANUP(fd_cleanup) int files = -1;
	enum pv_code code = make_folder(dirfd, id, true, &fd, err);

	if (code == PV_OK)
		code = add_all(fd, c, plaintext, err);
	if (code == PV_OK)
		code = make_folder(fd, "secrets", c->secrets.p, &secrets, err);
	if (code == PV_OK)
		code = add_map(secrets, c->secrets, ".bin", err);
	if (code == PV_OK)
		code = make_folder(fd, "files", c->files.p, &files, err);
	if (code == PV_OK)
		code = add_map(files, c->files, "", err);
	return code;
}
