#include "lib/flow/secretsalt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/approvals.h"
#include "lib/seal/kdf.h"

#define SALT_LEN 32u /* as the hash (RFC 2104 3) */
#define DIGITS 24    /* of the hash of whose it is */
#define FILE_MAX (sizeof("secret-.salt") + DIGITS)

CLEANUP_PTR(struct kdf, kdf_free);

/* Names of any form: the file has their hash. */
static enum pv_code file_name(const struct secretsalt_for *f,
			      char name[FILE_MAX], struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	uint8_t hash[32];
	char hex[65];
	enum pv_code rc;

	buf_init(&text, 4096);
	buf_printf(&text, "%s\n%llu\n%s\n", f->name,
		   (unsigned long long)f->version, f->requester);
	rc = buf_check(&text, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&text), hash, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, sizeof(hash), hex);
	snprintf(name, FILE_MAX, "secret-%.*s.salt", DIGITS, hex);
	return PV_OK;
}

static enum pv_code make(int folder, const char *name, struct secret *salt,
			 struct err *err)
{
	enum pv_code rc = secret_random(salt, SALT_LEN, err);

	return rc == PV_OK ? file_write(folder, name, 0600, salt->data,
					salt->len, err)
			   : rc;
}

static enum pv_code load(int folder, const char *name, struct secret *salt,
			 struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = file_read_secret(folder, name, FILEIO_NOFOLLOW | FILEIO_PRIVATE,
			      SALT_LEN, salt, &why);
	if (rc == PV_NOT_FOUND)
		return make(folder, name, salt, err);
	if (rc != PV_OK)
		*err = why;
	if (rc == PV_OK && salt->len != SALT_LEN)
		rc = err_fail(err, PV_INPUT, "secret.salt",
			      "remove it and ask for approvals again",
			      "it has %zu bytes, not %u", salt->len, SALT_LEN);
	if (rc != PV_OK)
		err_object(err, name);
	return rc;
}

enum pv_code secretsalt_bind(const struct secretsalt_for *f,
			     const struct secret *value,
			     uint8_t out[static LOG_HASH], struct err *err)
{
	CLEANUP(cleanup_kdf_free) struct kdf *k = NULL;
	CLEANUP(fd_cleanup) int folder = -1;
	const struct span part = { value->data, value->len };
	SECRET salt = SECRET_INIT;
	char name[FILE_MAX];
	enum pv_code rc = file_name(f, name, err);

	if (rc == PV_OK)
		rc = dir_make(f->a->home_fd, APPROVALS_FOLDER, 0700, err);
	if (rc == PV_OK)
		rc = dir_open(f->a->home_fd, APPROVALS_FOLDER, &folder, err);
	if (rc == PV_OK)
		rc = load(folder, name, &salt, err);
	if (rc == PV_OK)
		rc = kdf_new(&k, err);
	if (rc != PV_OK)
		return rc;
	rc = kdf_hmac(k, (struct span){ salt.data, salt.len }, &part, 1, out,
		      err);
	kdf_forget(k);
	return rc;
}

enum pv_code secretsalt_forget(const struct secretsalt_for *f, struct err *err)
{
	CLEANUP(fd_cleanup) int folder = -1;
	char name[FILE_MAX];
	struct err why;
	enum pv_code rc = file_name(f, name, err);

	if (rc != PV_OK)
		return rc;
	err_init(&why);
	rc = dir_open(f->a->home_fd, APPROVALS_FOLDER, &folder, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
		return PV_OK;
	return err_errno(err, PV_STORAGE, "secret.salt", "remove it by hand",
			 "cannot remove %s", name);
}
