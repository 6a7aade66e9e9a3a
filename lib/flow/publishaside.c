#include "lib/flow/publishaside.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "lib/flow/logged.h"
#include "lib/store/store_crl.h"

#define FOLDER_MODE 0700
#define FILE_MODE 0600

struct wanted {
	const struct crl_issuer *i;
	uint32_t shard;
	uint64_t number, index;
};

static enum pv_code look_at(void *ctx, const struct store_crl *row,
			    struct err *err)
{
	struct wanted *w = ctx;

	(void)err;
	if (row->kind == STORE_CRL && row->number == w->number &&
	    row->shard == w->shard && row->generation == w->i->generation &&
	    strcmp(row->ca, w->i->ca) == 0)
		w->index = row->issue_index;
	return PV_OK;
}

enum pv_code aside_is_logged(struct store *store, const struct crl_issuer *i,
			     uint32_t shard, const struct x509_crl *crl,
			     bool *logged, struct err *err)
{
	CLEANUP(buf_release) struct buf room;
	struct wanted w = { i, shard, crl->number, STORE_NO_INDEX };
	const struct store_visit v = { .ctx = &w, .fn.crl = look_at };
	char object[CRL_OBJECT_MAX];
	uint8_t hash[32];
	struct log_entry e;
	struct err why;
	enum pv_code rc = sha256(crl->der, hash, err);

	buf_init(&room, LOG_ENTRY_MAX);
	*logged = false;
	if (rc == PV_OK)
		rc = store_crl_each(store, STORE_CRL_ALL, &v, err);
	if (rc != PV_OK || w.index == STORE_NO_INDEX)
		return rc;
	err_init(&why);
	crl_object(i, shard, object);
	rc = logged_entry(store, w.index, LOG_CRL_ISSUE, object, &room, &e,
			  &why);
	if (rc != PV_OK && rc != PV_INTEGRITY)
		*err = why;
	*logged = rc == PV_OK && logged_uint_is(&e, "number", crl->number) &&
		  log_fact_is(&e, "crl", hash, sizeof(hash));
	return rc == PV_INTEGRITY ? PV_OK : rc;
}

enum pv_code aside_put(const struct authority *a, const struct crl_issuer *i,
		       uint32_t shard, const struct x509_crl *crl,
		       struct err *err)
{
	char name[ASIDE_NAME_MAX], hex[9];
	CLEANUP(fd_cleanup) int fd = -1;
	uint8_t hash[32];
	enum pv_code rc = sha256(crl->der, hash, err);

	if (rc == PV_OK)
		rc = dir_make(a->home_fd, ASIDE_FOLDER, FOLDER_MODE, err);
	if (rc == PV_OK)
		rc = dir_open(a->home_fd, ASIDE_FOLDER, &fd, err);
	if (rc != PV_OK)
		return rc;
	hex_encode(hash, 4, hex);
	snprintf(name, sizeof(name), "%s-%lu-%llu-%s.crl", i->ca,
		 (unsigned long)crl_shard_number(i, shard),
		 (unsigned long long)crl->number, hex);
	return file_write(fd, name, FILE_MODE, crl->der.p, crl->der.len, err);
}

static enum pv_code failed(struct err *err)
{
	err_object(err, ASIDE_FOLDER);
	return err_errno(err, PV_STORAGE, "publish.aside", NULL,
			 "cannot read the folder of lists that were kept");
}

static void dir_cleanup(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* The first by name, so that the same one is told each time. */
enum pv_code aside_find(const struct authority *a, char name[ASIDE_NAME_MAX],
			struct err *err)
{
	CLEANUP(dir_cleanup) DIR *dir = NULL;
	CLEANUP(fd_cleanup) int fd = -1;
	struct dirent *d;
	struct err why;
	enum pv_code rc;

	name[0] = '\0';
	err_init(&why);
	rc = dir_open(a->home_fd, ASIDE_FOLDER, &fd, &why);
	if (rc == PV_NOT_FOUND)
		return PV_OK;
	if (rc != PV_OK) {
		*err = why;
		return rc;
	}
	dir = fdopendir(fd);
	if (!dir)
		return failed(err);
	fd = -1; /* dir's */
	for (errno = 0; (d = readdir(dir)) != NULL; errno = 0)
		if (d->d_name[0] != '.' &&
		    (!name[0] || strcmp(d->d_name, name) < 0))
			snprintf(name, ASIDE_NAME_MAX, "%.*s",
				 (int)ASIDE_NAME_MAX - 1, d->d_name);
	return errno == 0 ? PV_OK : failed(err);
}

enum pv_code aside_judge(const char *name, struct err *err)
{
	if (!name[0])
		return PV_OK;
	err_object(err, name);
	return err_fail(
		err, PV_INTEGRITY, "publish.aside",
		"find out who signed it: was the store set back, or has "
		"somebody else the key? Then move it out of HOME/"
		"" ASIDE_FOLDER,
		"a revocation list was published that this CA's key "
		"signed and the log does not know; it lies in "
		"HOME/" ASIDE_FOLDER);
}
