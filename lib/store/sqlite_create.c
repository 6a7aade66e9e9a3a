/* Making a new store, whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "lib/base/fileio.h"
#include "lib/store/sqlite.h"
#include "lib/store/sqlite_ops.h"

static enum pv_code first_rows(struct sqlite_store *s,
			       const struct store_meta *meta, struct err *err)
{
	QUERY q = query_start(s, SQL_META_PUT);
	enum pv_code rc;

	if (RAND_bytes(s->salt, sizeof(s->salt)) != 1)
		return err_fail(err, PV_INTERNAL, "crypto.random", NULL,
				"no random bytes are to be had");
	query_str(&q, meta->name);
	query_str(&q, meta->origin);
	query_u64(&q, meta->created_ms);
	query_blob(&q, s->salt, sizeof(s->salt));
	rc = query_run(&q, err);
	if (rc != PV_OK)
		return rc;
	s->state.serial_next = STORE_SERIAL_FIRST;
	s->state.recent_first = 1;
	return sqlite_state_put(s, SQL_STATE_PUT, err);
}

/* Fills an empty file; its journal is gone when this returns. */
static enum pv_code fill(const char *path, const struct store_meta *meta,
			 struct err *err)
{
	static const char *const before[] = {
		"PRAGMA application_id = 1347830612", /* APPLICATION_ID */
		"PRAGMA user_version = 5",
		"BEGIN IMMEDIATE",
	};
	CLEANUP(cleanup_sqlite_destroy) struct sqlite_store *s = NULL;
	enum pv_code rc = sqlite_connect(path, &s, err);

	if (rc == PV_OK)
		rc = sqlite_configure(s, err);
	if (rc == PV_OK)
		rc = sqlite_exec_all(s, before,
				     sizeof(before) / sizeof(before[0]), err);
	if (rc == PV_OK)
		rc = sqlite_schema_make(s, err);
	if (rc == PV_OK)
		rc = first_rows(s, meta, err);
	if (rc == PV_OK)
		rc = sqlite_exec(s, "COMMIT", err);
	if (rc == PV_OK)
		rc = sqlite_exec(s, "PRAGMA journal_mode = WAL", err);
	/* Without a log left behind: the file is renamed next. */
	if (rc == PV_OK)
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0,
				  NULL);
	return rc;
}

/* Makes name of temp, unless it is there, and both durable. */
static enum pv_code publish(int dirfd, const char *temp, const char *name,
			    struct err *err)
{
	CLEANUP(fd_cleanup)
	int fd = openat(dirfd, temp, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		return err_errno(err, PV_STORAGE, "store.io", "check the disk",
				 "cannot sync the new store");
	if (linkat(dirfd, temp, dirfd, name, 0) != 0 && errno == EEXIST)
		return err_fail(err, PV_CONFLICT, "store.exists",
				"choose another folder",
				"there is a store already");
	if (faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 ||
	    unlinkat(dirfd, temp, 0) != 0 || fsync(dirfd) != 0)
		return err_errno(err, PV_STORAGE, "store.io", "check the disk",
				 "cannot put the new store in place");
	return PV_OK;
}

/* Removes what an interrupted creation left, then makes an empty file. */
static enum pv_code temp_file(int dirfd, const char *temp, struct err *err)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
	CLEANUP(fd_cleanup) int fd = -1;
	char old[SQLITE_PATH_MAX];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(old, sizeof(old), "%s%s", temp, ends[i]);
		if (unlinkat(dirfd, old, 0) != 0 && errno != ENOENT)
			return err_errno(err, PV_STORAGE, "store.io", NULL,
					 "cannot remove %s", old);
	}
	fd = openat(dirfd, temp,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, PV_STORAGE, "store.io",
				 "check that the folder can be written",
				 "cannot create %s", temp);
	return PV_OK;
}

/* Neither the database nor a log that SQLite would play into a new one. */
static enum pv_code check_free(int dirfd, const char *name, struct err *err)
{
	char wal[SQLITE_PATH_MAX];

	snprintf(wal, sizeof(wal), "%s-wal", name);
	if (faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 &&
	    faccessat(dirfd, wal, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return PV_OK;
	return err_fail(err, PV_CONFLICT, "store.exists",
			"choose another folder", "there is a store already");
}

enum pv_code store_sqlite_create(const char *path,
				 const struct store_meta *meta, struct err *err)
{
	CLEANUP(fd_cleanup) int dirfd = -1;
	char dir[SQLITE_PATH_MAX];
	char temp[SQLITE_PATH_MAX];
	const char *name;
	enum pv_code rc = sqlite_split_path(path, dir, &name, err);

	err_object(err, path);
	if (rc == PV_OK && (!meta->name[0] || !meta->origin[0]))
		rc = err_fail(err, PV_INPUT, "store.meta", NULL,
			      "a store needs the authority's name and origin");
	if (rc == PV_OK)
		rc = dir_open(AT_FDCWD, dir, &dirfd, err);
	if (rc == PV_OK)
		rc = check_free(dirfd, name, err);
	if (rc == PV_OK)
		rc = sealed_create(dirfd, err);
	if (rc != PV_OK)
		return rc;
	snprintf(temp, sizeof(temp), "%s.new", path);
	rc = temp_file(dirfd, temp + (name - path), err);
	if (rc == PV_OK)
		rc = fill(temp, meta, err);
	if (rc == PV_OK)
		rc = publish(dirfd, temp + (name - path), name, err);
	return rc;
}
