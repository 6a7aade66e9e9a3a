#include "lib/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/base/mem.h"
#include "lib/store/filecheck.h"
#include "lib/store/sqlite_attest.h"
#include "lib/store/sqlite_lifecycle.h"
#include "lib/store/sqlite_ops.h"
#include "lib/store/sqlite_people.h"

#define APPLICATION_ID 0x50564354 /* "PVCT", in the file's header */
#define SCHEMA_VERSION 5
#define BUSY_MS 10000
#define CLOSE_FRAMES 256 /* more than these are worth moving at close */
#define LOG_BUF_MAX (SQLITE_CHUNK_MAX + 65537u)

static const struct store_ops ops;

static void sqlite_close(struct store *store)
{
	struct sqlite_store *s = to_sqlite(store);

	if (s->db)
		sqlite_rollback(store);
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(s->stmt[i]);
	for (size_t i = 0; i < SQLITE_BOUNDS; i++)
		sqlite3_finalize(s->bound[i]);
	/* The next process reads all of a write-ahead log that is left, and
	 * what was erased may stand in it. */
	if (s->db &&
	    (s->wal_frames > CLOSE_FRAMES || s->wal_filled || s->erased) &&
	    !s->poisoned)
		(void)sqlite3_wal_checkpoint_v2(
			s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_close_v2(s->db);
	sealed_close(&s->sealed);
	log_hasher_release(&s->hasher);
	keys_release(&s->keys);
	buf_release(&s->log);
	free(s->path);
	free(s);
}

void sqlite_destroy(struct sqlite_store *s)
{
	if (s)
		sqlite_close(&s->base);
}

/* A handle with a database connection and nothing read yet. */
enum pv_code sqlite_connect(const char *path, struct sqlite_store **out,
			    struct err *err)
{
	CLEANUP(cleanup_sqlite_destroy)
	struct sqlite_store *s = mem_new(sizeof(*s), err);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
	enum pv_code rc;

	if (!s)
		return PV_INTERNAL;
	s->base.ops = &ops;
	s->sealed.fd = -1;
	keys_init(&s->keys);
	buf_init(&s->log, LOG_BUF_MAX);
	buf_init(&s->sealed.gather, SEALED_GATHER_MAX);
	s->path = mem_strdup(path, err);
	rc = s->path ? log_hasher_init(&s->hasher, err) : PV_INTERNAL;
	if (rc != PV_OK)
		return rc;
	if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(s->db, BUSY_MS) != SQLITE_OK)
		return sqlite_fail(s, "open the store", err);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_wal_hook(s->db, sqlite_wal_hook, s);
	*out = TAKE(s);
	return PV_OK;
}

enum pv_code sqlite_exec_all(struct sqlite_store *s, const char *const *sql,
			     size_t n, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (size_t i = 0; rc == PV_OK && i < n; i++)
		rc = sqlite_exec(s, sql[i], err);
	return rc;
}

enum pv_code sqlite_configure(struct sqlite_store *s, struct err *err)
{
	static const char *const pragmas[] = {
		"PRAGMA synchronous = FULL",   "PRAGMA foreign_keys = ON",
		"PRAGMA secure_delete = FAST", "PRAGMA temp_store = MEMORY",
		"PRAGMA mmap_size = 0", /* 12 MiB hold the lookups of 100,000
					   devices. */
		"PRAGMA cache_size = -12288",
	};

	return sqlite_exec_all(s, pragmas, sizeof(pragmas) / sizeof(pragmas[0]),
			       err);
}

/* A pragma's one value as a number, or as text when text is not NULL. */
static enum pv_code ask(struct sqlite_store *s, const char *sql, uint64_t *v,
			char text[16], struct err *err)
{
	QUERY q = query_once(s, sql);
	bool row;
	enum pv_code rc = query_row(&q, &row, err);

	if (rc == PV_OK &&
	    (!row || !(text ? col_text(&q, 0, text, 16) : col_u64(&q, 0, v))))
		return sqlite_corrupt(s, "its header", err);
	return rc;
}

static enum pv_code check_header(struct sqlite_store *s, struct err *err)
{
	char journal[16] = "";
	uint64_t id = 0;
	uint64_t version = 0;
	enum pv_code rc = ask(s, "PRAGMA application_id", &id, NULL, err);

	if (rc == PV_OK)
		rc = ask(s, "PRAGMA user_version", &version, NULL, err);
	if (rc == PV_OK)
		rc = ask(s, "PRAGMA journal_mode", NULL, journal, err);
	if (rc != PV_OK)
		return rc;
	if (id != APPLICATION_ID)
		return err_fail(err, PV_INTEGRITY, "store.format",
				"name the store of an authority",
				"%s is not a store of provctl", s->path);
	if (version != SCHEMA_VERSION)
		return err_fail(err, PV_STORAGE, "store.version",
				"use the provctl that wrote it",
				"%s is of version %llu, this provctl is for %d",
				s->path, (unsigned long long)version,
				SCHEMA_VERSION);
	if (strcmp(journal, "wal") != 0)
		return sqlite_corrupt(s, "it has no write-ahead log", err);
	return sqlite_schema_check(s, err);
}

/* Splits a path; dir gets the folder ("." for none). */
enum pv_code sqlite_split_path(const char *path, char dir[SQLITE_PATH_MAX],
			       const char **name, struct err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	*name = slash ? slash + 1 : path;
	if (!(*name)[0] || strlen(path) + 16 > SQLITE_PATH_MAX)
		return err_fail(
			err, PV_INPUT, "store.path", NULL,
			"the store's path names no file or is too long");
	if (!slash)
		snprintf(dir, SQLITE_PATH_MAX, ".");
	else if (len == 0)
		snprintf(dir, SQLITE_PATH_MAX, "/");
	else
		snprintf(dir, SQLITE_PATH_MAX, "%.*s", (int)len, path);
	return PV_OK;
}

/* Existing, ours and safe; *dirfd gets its folder. */
static enum pv_code check_file(const char *path, int *dirfd, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	char dir[SQLITE_PATH_MAX];
	const char *name;
	enum pv_code rc = sqlite_split_path(path, dir, &name, err);

	if (rc == PV_OK)
		rc = dir_open(AT_FDCWD, dir, dirfd, err);
	if (rc != PV_OK)
		return rc;
	fd = openat(*dirfd, name,
		    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return err_fail(err, PV_NOT_FOUND, "store.missing",
				"restore it from a backup, with sealed.dat of "
				"the same moment",
				"there is no store %s", path);
	if (fd < 0 && errno != ELOOP)
		return err_errno(err, PV_STORAGE, "store.io",
				 "check its mode and owner", "cannot open %s",
				 path);
	return filecheck_owner(fd, path, err);
}

enum pv_code store_sqlite_open(const char *path, struct store **store,
			       struct err *err)
{
	CLEANUP(fd_cleanup) int dirfd = -1;
	CLEANUP(cleanup_sqlite_destroy) struct sqlite_store *s = NULL;
	struct store_meta meta;
	VIEW v = { NULL };
	enum pv_code rc = check_file(path, &dirfd, err);

	if (rc == PV_OK)
		rc = sqlite_connect(path, &s, err);
	if (rc == PV_OK)
		rc = sqlite_configure(s, err);
	if (rc == PV_OK)
		rc = check_header(s, err);
	if (rc == PV_OK)
		rc = sealed_open(&s->sealed, dirfd, err);
	if (rc == PV_OK)
		rc = sqlite_meta(&s->base, &meta, err);
	if (rc == PV_OK)
		rc = sqlite_view(s, &v, err);
	sqlite_view_end(&v);
	if (rc != PV_OK)
		return rc;
	sqlite_retired_finish(s);
	*store = &TAKE(s)->base;
	return PV_OK;
}

static const struct store_ops ops = {
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.settle = sqlite_settle,
	.rollback = sqlite_rollback,
	.close = sqlite_close,
	.check = sqlite_check,
	.meta = sqlite_meta,
	.counts = sqlite_counts,
	.ca_put = sqlite_ca_put,
	.ca_each = sqlite_ca_each,
	.ca_move = sqlite_ca_move,
	.key_put = sqlite_key_put,
	.key_each = sqlite_key_each,
	.key_rotate = sqlite_key_rotate,
	.key_restore = sqlite_key_restore,
	.key_destroy = sqlite_key_destroy,
	.template_put = sqlite_template_put,
	.template_each = sqlite_template_each,
	.template_open = sqlite_template_open,
	.manifest_put = sqlite_manifest_put,
	.manifest_replace = sqlite_manifest_replace,
	.manifest_get = sqlite_manifest_get,
	.datakey_put = sqlite_datakey_put,
	.datakey_get = sqlite_datakey_get,
	.datakey_count = sqlite_datakey_count,
	.serial_lend = sqlite_serial_lend,
	.reserve = sqlite_reserve,
	.complete = sqlite_complete,
	.quarantine = sqlite_quarantine,
	.device_find = sqlite_device_find,
	.device_number = sqlite_device_number,
	.spki_owner = sqlite_spki_owner,
	.cert_get = sqlite_cert_get,
	.bundle_each = sqlite_bundle_each,
	.bundle_find = sqlite_bundle_find,
	.intent_each = sqlite_intent_each,
	.intent_get = sqlite_intent_get,
	.device_each = sqlite_device_each,
	.rate_since = sqlite_rate_since,
	.released_since = sqlite_released_since,
	.order_count = sqlite_order_count,
	.sealed_append = sqlite_sealed_append,
	.sealed_read = sqlite_sealed_read,
	.log_append = sqlite_log_append,
	.log_size = sqlite_log_size,
	.log_root = sqlite_log_root,
	.log_each = sqlite_log_each,
	.log_hash = sqlite_log_hash,
	.checkpoint_put = sqlite_checkpoint_put,
	.checkpoint_each = sqlite_checkpoint_each,
	.checkpoint_last = sqlite_checkpoint_last,
	.governance_head = sqlite_governance_head,
	.governance_last = sqlite_governance_last,
	.governance_each = sqlite_governance_each,
	.governance_add = sqlite_governance_add,
	.people_count = sqlite_people_count,
	.people_digest = sqlite_people_digest,
	.roster_put = sqlite_roster_put,
	.roster_get = sqlite_roster_get,
	.approval_use = sqlite_approval_use,
	.approval_get = sqlite_approval_get,
	.approval_each = sqlite_approval_each,
	.order_open = sqlite_order_open,
	.order_close = sqlite_order_close,
	.order_get = sqlite_order_get,
	.held_next = sqlite_held_next,
	.held_put = sqlite_held_put,
	.held_decide = sqlite_held_decide,
	.held_any = sqlite_held_any,
	.held_count = sqlite_held_count,
	.held_of = sqlite_held_of,
	.held_get = sqlite_held_get,
	.secret_put = sqlite_secret_put,
	.secret_destroy = sqlite_secret_destroy,
	.secret_get = sqlite_secret_get,
	.secret_each = sqlite_secret_each,
	.crosscert_put = sqlite_crosscert_put,
	.crosscert_each = sqlite_crosscert_each,
	.history_each = sqlite_history_each,
	.go_back = sqlite_go_back,
	.left = sqlite_left,
	.receipt_put = sqlite_receipt_put,
	.receipt_each = sqlite_receipt_each,
	.bundles_add = sqlite_bundles_add,
	.kept_get = sqlite_kept_get,
	.ending_put = sqlite_ending_put,
	.ending_has = sqlite_ending_has,
	.ending_drop = sqlite_ending_drop,
	.ending_each = sqlite_ending_each,
	.retire = sqlite_retire,
	.retired_count = sqlite_retired_count,
	.revoke = sqlite_revoke,
	.revoke_ca = sqlite_revoke_ca,
	.unhold = sqlite_unhold,
	.revocation_get = sqlite_revocation_get,
	.revocation_each = sqlite_revocation_each,
	.crl_reserve = sqlite_crl_reserve,
	.crl_complete = sqlite_crl_complete,
	.crl_void = sqlite_crl_void,
	.crl_get = sqlite_crl_get,
	.crl_each = sqlite_crl_each,
	.attkey_put = sqlite_attkey_put,
	.attkey_get = sqlite_attkey_get,
	.attkey_each = sqlite_attkey_each,
	.attkey_owner = sqlite_attkey_owner,
	.nonce_put = sqlite_nonce_put,
	.nonce_get = sqlite_nonce_get,
	.nonce_count = sqlite_nonce_count,
	.nonce_each = sqlite_nonce_each,
	.nonce_withdraw = sqlite_nonce_withdraw,
	.evidence_put = sqlite_evidence_put,
	.evidence_find = sqlite_evidence_find,
	.evidence_stranger = sqlite_evidence_stranger,
	.evidence_newest = sqlite_evidence_newest,
	.evidence_release = sqlite_evidence_release,
	.evidence_each = sqlite_evidence_each,
};
