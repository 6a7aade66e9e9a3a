#include "lib/store/sqlite_impl.h"

#include <string.h>

struct table {
	const char *name;
	const char *sql;
};

/* Indices too. Sorted by name: sqlite_schema_check() walks both lists side by
 * side. */
static const struct table tables[] = {
	{ "approval", "CREATE TABLE approval (nonce BLOB PRIMARY KEY, "
		      "log_index INTEGER NOT NULL, note BLOB NOT NULL) "
		      "STRICT, WITHOUT ROWID" },
	{ "attkey",
	  "CREATE TABLE attkey (device TEXT NOT NULL, log_index INTEGER "
	  "NOT NULL, state INTEGER NOT NULL, format INTEGER NOT NULL, mac "
	  "INTEGER NOT NULL, key_sha256 BLOB NOT NULL, key BLOB, "
	  "instance BLOB, ek BLOB, secret BLOB, PRIMARY KEY (device, "
	  "log_index)) STRICT, WITHOUT ROWID" },
	{ "attkey_ek", "CREATE INDEX attkey_ek ON attkey (ek) WHERE ek IS NOT "
		       "NULL" },
	{ "attkey_instance", "CREATE INDEX attkey_instance ON attkey "
			     "(instance) WHERE instance IS NOT NULL" },
	{ "attkey_key", "CREATE INDEX attkey_key ON attkey (key_sha256)" },
	{ "bundle",
	  "CREATE TABLE bundle (number INTEGER NOT NULL REFERENCES device, "
	  "seal_index INTEGER NOT NULL, seq INTEGER NOT NULL, "
	  "stage TEXT NOT NULL, bundle_id BLOB NOT NULL, bh BLOB NOT NULL, "
	  "payload BLOB NOT NULL, template INTEGER NOT NULL, "
	  "start INTEGER NOT NULL, len INTEGER NOT NULL, "
	  "escrow_start INTEGER NOT NULL, escrow_len INTEGER NOT NULL, "
	  "container_sha256 BLOB NOT NULL, escrow_sha256 BLOB, "
	  "evidence BLOB, released_ms INTEGER, "
	  "PRIMARY KEY (number, seal_index)) STRICT, WITHOUT ROWID" },
	{ "bundle_released", "CREATE INDEX bundle_released ON bundle "
			     "(released_ms) WHERE released_ms IS NOT NULL" },
	{ "ca", "CREATE TABLE ca (id INTEGER PRIMARY KEY, "
		"name TEXT NOT NULL, parent TEXT, label TEXT, "
		"spki_sha256 BLOB NOT NULL, shards INTEGER NOT NULL, "
		"generation INTEGER NOT NULL, active_ms INTEGER NOT NULL, "
		"cert BLOB NOT NULL, template BLOB NOT NULL, "
		"intent_index INTEGER NOT NULL, issue_index INTEGER NOT NULL, "
		"active_index INTEGER, UNIQUE (name, generation)) STRICT" },
	{ "cert", "CREATE TABLE cert (number INTEGER PRIMARY KEY REFERENCES "
		  "device, issue_index INTEGER NOT NULL, der BLOB NOT NULL) "
		  "STRICT" },
	{ "checkpoint", "CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, "
			"note BLOB NOT NULL) STRICT" },
	{ "crl",
	  "CREATE TABLE crl (kind INTEGER NOT NULL, ca INTEGER NOT NULL "
	  "REFERENCES ca, shard INTEGER NOT NULL, number INTEGER NOT NULL, "
	  "this_s INTEGER NOT NULL, next_s INTEGER NOT NULL, entries INTEGER "
	  "NOT NULL, intent_index INTEGER NOT NULL, issue_index INTEGER, "
	  "tbs BLOB, der BLOB, PRIMARY KEY (kind, ca, shard, number)) "
	  "STRICT, WITHOUT ROWID" },
	{ "crl_newest", "CREATE INDEX crl_newest ON crl (kind, ca, shard) "
			"WHERE der IS NOT NULL" },
	{ "crl_pending", "CREATE INDEX crl_pending ON crl (kind, ca, shard) "
			 "WHERE tbs IS NOT NULL" },
	{ "crosscert",
	  "CREATE TABLE crosscert (ca TEXT NOT NULL, subject INTEGER NOT NULL, "
	  "signer INTEGER NOT NULL, issue_index INTEGER NOT NULL, "
	  "cert BLOB NOT NULL, PRIMARY KEY (ca, subject, signer)) "
	  "STRICT, WITHOUT ROWID" },
	{ "datakey", "CREATE TABLE datakey (id BLOB PRIMARY KEY, "
		     "sealed BLOB NOT NULL) STRICT, WITHOUT ROWID" },
	{ "device",
	  "CREATE TABLE device (number INTEGER PRIMARY KEY, "
	  "device TEXT NOT NULL, request TEXT, "
	  "template INTEGER NOT NULL REFERENCES template, ord TEXT, "
	  "role TEXT NOT NULL, station TEXT, body BLOB NOT NULL, spki BLOB, "
	  "seal BLOB, serial BLOB NOT NULL, created_ms INTEGER NOT NULL, "
	  "reserved_ms INTEGER NOT NULL, state INTEGER NOT NULL, intent_index "
	  "INTEGER NOT NULL, why INTEGER, replaces INTEGER, first INTEGER, "
	  "current INTEGER, ca_generation INTEGER) STRICT" },
	{ "ending",
	  "CREATE TABLE ending (end_s INTEGER NOT NULL, number INTEGER "
	  "NOT NULL REFERENCES device, PRIMARY KEY (end_s, number)) "
	  "STRICT, WITHOUT ROWID" },
	{ "evidence",
	  "CREATE TABLE evidence (log_index INTEGER PRIMARY KEY, "
	  "device TEXT NOT NULL, stage TEXT, state INTEGER NOT NULL, "
	  "format INTEGER NOT NULL, sha256 BLOB NOT NULL, "
	  "nonce BLOB NOT NULL, nonce_value BLOB NOT NULL, seal BLOB, "
	  "manifest BLOB NOT NULL, verified_ms INTEGER NOT NULL, "
	  "uses INTEGER NOT NULL, rule TEXT, release_index INTEGER) STRICT" },
	{ "evidence_device", "CREATE INDEX evidence_device ON evidence "
			     "(device)" },
	{ "evidence_nonce", "CREATE INDEX evidence_nonce ON evidence (nonce) "
			    "WHERE uses = 1" },
	{ "governance", "CREATE TABLE governance (log_index INTEGER PRIMARY "
			"KEY, kind TEXT NOT NULL, name TEXT NOT NULL) STRICT" },
	{ "held", "CREATE TABLE held (id INTEGER PRIMARY KEY, "
		  "request TEXT NOT NULL, device TEXT, rule TEXT NOT NULL, "
		  "source TEXT NOT NULL, bytes BLOB NOT NULL, "
		  "state INTEGER NOT NULL, put_index INTEGER NOT NULL, "
		  "decided_index INTEGER) STRICT" },
	{ "held_device", "CREATE INDEX held_device ON held (device)" },
	{ "intent", "CREATE TABLE intent (number INTEGER PRIMARY KEY "
		    "REFERENCES device, seq INTEGER NOT NULL, tbs BLOB, "
		    "secrets BLOB) STRICT" },
	{ "kept", "CREATE TABLE kept (number INTEGER PRIMARY KEY REFERENCES "
		  "device, bytes BLOB NOT NULL) STRICT" },
	{ "log", "CREATE TABLE log (first INTEGER PRIMARY KEY, "
		 "entries BLOB NOT NULL) STRICT" },
	{ "lookup", "CREATE TABLE lookup (key INTEGER NOT NULL, "
		    "number INTEGER NOT NULL, PRIMARY KEY (key, number)) "
		    "STRICT, WITHOUT ROWID" },
	{ "manifest",
	  "CREATE TABLE manifest (template INTEGER NOT NULL REFERENCES "
	  "template, stage TEXT NOT NULL, sequence INTEGER NOT NULL, "
	  "bytes BLOB NOT NULL, PRIMARY KEY (template, stage)) "
	  "STRICT, WITHOUT ROWID" },
	{ "meta", "CREATE TABLE meta (id INTEGER PRIMARY KEY, "
		  "name TEXT NOT NULL, origin TEXT NOT NULL, "
		  "created_ms INTEGER NOT NULL, salt BLOB NOT NULL) STRICT" },
	{ "nonce",
	  "CREATE TABLE nonce (hash BLOB PRIMARY KEY, device TEXT NOT NULL, "
	  "stage TEXT NOT NULL, issued_ms INTEGER NOT NULL, until_ms INTEGER "
	  "NOT NULL, offline INTEGER NOT NULL, log_index INTEGER NOT NULL, "
	  "used_index INTEGER) STRICT, WITHOUT ROWID" },
	{ "nonce_device", "CREATE INDEX nonce_device ON nonce (device) "
			  "WHERE used_index IS NULL" },
	{ "ord", "CREATE TABLE ord (name TEXT PRIMARY KEY, "
		 "devices INTEGER NOT NULL, reworked INTEGER NOT NULL) "
		 "STRICT, WITHOUT ROWID" },
	{ "own_key", "CREATE TABLE own_key (id INTEGER PRIMARY KEY, "
		     "purpose TEXT NOT NULL, label TEXT NOT NULL UNIQUE, "
		     "generation INTEGER NOT NULL, kind INTEGER NOT NULL, "
		     "key_id BLOB NOT NULL, spki BLOB, spki_sha256 BLOB, "
		     "attributes BLOB NOT NULL, generated INTEGER NOT NULL, "
		     "log_index INTEGER NOT NULL, rotate_index INTEGER, "
		     "restore_index INTEGER, destroy_index INTEGER) STRICT" },
	{ "rate", "CREATE TABLE rate (name TEXT NOT NULL, "
		  "bucket INTEGER NOT NULL, n INTEGER NOT NULL, "
		  "PRIMARY KEY (name, bucket)) STRICT, WITHOUT ROWID" },
	{ "receipt",
	  "CREATE TABLE receipt (number INTEGER NOT NULL REFERENCES device, "
	  "seq INTEGER NOT NULL, log_index INTEGER NOT NULL, result INTEGER "
	  "NOT NULL, PRIMARY KEY (number, seq, log_index)) "
	  "STRICT, WITHOUT ROWID" },
	{ "recent", "CREATE TABLE recent (id INTEGER PRIMARY KEY, "
		    "keys BLOB NOT NULL) STRICT" },
	{ "renewal",
	  "CREATE TABLE renewal (first INTEGER NOT NULL REFERENCES device, "
	  "intent_index INTEGER NOT NULL, number INTEGER NOT NULL, "
	  "back_index INTEGER, PRIMARY KEY (first, intent_index)) "
	  "STRICT, WITHOUT ROWID" },
	{ "retired", "CREATE TABLE retired (first INTEGER PRIMARY KEY "
		     "REFERENCES device, log_index INTEGER NOT NULL, "
		     "pending INTEGER) STRICT" },
	{ "retired_pending", "CREATE INDEX retired_pending ON retired (first) "
			     "WHERE pending IS NOT NULL" },
	{ "revocation",
	  "CREATE TABLE revocation (ca INTEGER NOT NULL, shard INTEGER "
	  "NOT NULL, number INTEGER NOT NULL, log_index INTEGER NOT NULL, "
	  "reason INTEGER NOT NULL, revoked_ms INTEGER NOT NULL, "
	  "invalidity_s INTEGER, not_after_s INTEGER, "
	  "serial BLOB NOT NULL, PRIMARY KEY (ca, shard, number)) "
	  "STRICT, WITHOUT ROWID" },
	{ "revocation_number", "CREATE UNIQUE INDEX revocation_number ON "
			       "revocation (number)" },
	{ "roster", "CREATE TABLE roster (version INTEGER PRIMARY KEY, "
		    "log_index INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT" },
	{ "sealed", "CREATE TABLE sealed (start INTEGER PRIMARY KEY, "
		    "bytes BLOB NOT NULL) STRICT" },
	{ "secret", "CREATE TABLE secret (name TEXT NOT NULL, "
		    "version INTEGER NOT NULL, add_index INTEGER NOT NULL, "
		    "destroyed_index INTEGER, sealed BLOB, "
		    "PRIMARY KEY (name, version)) STRICT, WITHOUT ROWID" },
	{ "state", "CREATE TABLE state (id INTEGER PRIMARY KEY, "
		   "serial_next INTEGER NOT NULL, sealed_len INTEGER NOT NULL, "
		   "last_ms INTEGER NOT NULL, devices INTEGER NOT NULL, "
		   "recent_first INTEGER NOT NULL, "
		   "recent_last INTEGER NOT NULL, "
		   "governance INTEGER NOT NULL, held INTEGER NOT NULL, "
		   "tree BLOB NOT NULL) STRICT" },
	{ "template",
	  "CREATE TABLE template (id INTEGER PRIMARY KEY, "
	  "name TEXT NOT NULL, version INTEGER NOT NULL, "
	  "sha256 BLOB NOT NULL UNIQUE, adopted_ms INTEGER NOT NULL, "
	  "actor TEXT NOT NULL, bytes BLOB NOT NULL, "
	  "adopt_index INTEGER NOT NULL, escrow BLOB, trust BLOB, "
	  "UNIQUE (name, version)) STRICT" },
	{ "ticket",
	  "CREATE TABLE ticket (name TEXT PRIMARY KEY REFERENCES ord, "
	  "template INTEGER NOT NULL REFERENCES template, "
	  "opened_index INTEGER NOT NULL, closed_index INTEGER, "
	  "bytes BLOB NOT NULL, note BLOB) STRICT, WITHOUT ROWID" },
	{ "tile", "CREATE TABLE tile (level INTEGER NOT NULL, "
		  "place INTEGER NOT NULL, hash BLOB NOT NULL, "
		  "PRIMARY KEY (level, place)) STRICT, WITHOUT ROWID" },
};

#define TABLES (sizeof(tables) / sizeof(tables[0]))

enum pv_code sqlite_schema_make(struct sqlite_store *s, struct err *err)
{
	for (size_t i = 0; i < TABLES; i++) {
		enum pv_code rc = sqlite_exec(s, tables[i].sql, err);

		if (rc != PV_OK)
			return rc;
	}
	return PV_OK;
}

static bool same_text(sqlite3_stmt *st, int column, const char *want)
{
	const char *got = (const char *)sqlite3_column_text(st, column);

	return got && strcmp(got, want) == 0;
}

enum pv_code sqlite_schema_check(struct sqlite_store *s, struct err *err)
{
	QUERY q = query_once(s, "SELECT name, sql FROM sqlite_schema "
				"WHERE sql IS NOT NULL ORDER BY name");
	size_t n = 0;
	bool same = true;

	for (;; n++) {
		bool row;
		enum pv_code rc = query_row(&q, &row, err);

		if (rc != PV_OK)
			return rc;
		if (!row)
			break;
		same = same && n < TABLES &&
		       same_text(q.st, 0, tables[n].name) &&
		       same_text(q.st, 1, tables[n].sql);
	}
	if (same && n == TABLES)
		return PV_OK;
	return err_fail(err, PV_INTEGRITY, "store.schema",
			"restore the store from a backup",
			"the tables of %s are not the ones we made", s->path);
}
