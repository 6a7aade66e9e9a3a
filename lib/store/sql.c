#include "lib/store/sql.h"

#include <stddef.h>

/* Columns of a device as device_row() reads them (sqlite_row.c). */
#define DEVICE_COLUMNS                                                         \
	"d.number, d.device, d.request, t.name, t.sha256, d.ord, d.role, "     \
	"d.station, d.body, d.spki, d.seal, d.serial, d.created_ms, "          \
	"d.reserved_ms, d.state, d.intent_index, i.seq, "                      \
	"(SELECT max(b.seq) FROM bundle b WHERE b.number = d.number), "        \
	"c.issue_index, d.why, d.replaces, d.first, d.current, "               \
	"d.ca_generation, v.log_index, v.reason, x.log_index"
#define DEVICE_ENDS                                                            \
	" LEFT JOIN revocation v ON v.number = d.number"                       \
	" LEFT JOIN retired x ON x.first = coalesce(d.first, d.number)"
#define DEVICE_TABLES                                                          \
	" FROM device d JOIN template t ON t.id = d.template"                  \
	" LEFT JOIN intent i ON i.number = d.number"                           \
	" LEFT JOIN cert c ON c.number = d.number" DEVICE_ENDS
#define ORDER_COLUMNS                                                          \
	"SELECT o.name, o.devices, o.reworked, p.sha256, t.opened_index, "     \
	"t.closed_index, t.bytes, t.note FROM ord o LEFT JOIN ticket t ON "    \
	"t.name = o.name LEFT JOIN template p ON p.id = t.template "
#define HELD_COLUMNS                                                           \
	"SELECT id, request, device, rule, source, bytes, state, put_index, "  \
	"decided_index FROM held "
#define SECRET_COLUMNS                                                         \
	"SELECT name, version, add_index, destroyed_index, sealed FROM "       \
	"secret "
#define REVOCATION_COLUMNS                                                     \
	"SELECT r.number, c.name, c.generation, r.shard, r.reason, "           \
	"r.revoked_ms, r.invalidity_s, r.not_after_s, r.serial, r.log_index, " \
	"r.ca FROM revocation r LEFT JOIN ca c ON c.id = r.ca "
#define CRL_COLUMNS                                                            \
	"SELECT r.kind, c.name, c.generation, r.shard, r.number, r.this_s, "   \
	"r.next_s, r.entries, r.tbs, r.der, r.intent_index, r.issue_index "    \
	"FROM crl r JOIN ca c ON c.id = r.ca "
#define CRL_ORDER "ORDER BY r.kind, r.ca, r.shard, r.number"
#define TEMPLATE_COLUMNS                                                       \
	"SELECT name, version, sha256, adopted_ms, actor, bytes, "             \
	"adopt_index, escrow, trust FROM template "

#define ATTKEY_COLUMNS                                                         \
	"SELECT device, log_index, state, format, mac, key_sha256, key, "      \
	"instance, ek, secret FROM attkey "
#define NONCE_COLUMNS                                                          \
	"SELECT hash, device, stage, issued_ms, until_ms, offline, "           \
	"log_index, used_index FROM nonce "
#define EVIDENCE_COLUMNS                                                       \
	"SELECT log_index, device, stage, state, format, sha256, nonce, "      \
	"nonce_value, seal, manifest, verified_ms, uses, rule, "               \
	"release_index FROM evidence "

static const char *const texts[SQL_COUNT] = {
	[SQL_META_PUT] = "INSERT INTO meta (id, name, origin, created_ms, "
			 "salt) VALUES (1, $1, $2, $3, $4)",
	[SQL_META_GET] = "SELECT name, origin, created_ms, salt FROM meta "
			 "WHERE id = 1",
	[SQL_STATE_PUT] = "INSERT INTO state (id, serial_next, sealed_len, "
			  "last_ms, devices, recent_first, recent_last, "
			  "governance, held, tree) "
			  "VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9)",
	[SQL_STATE_GET] = "SELECT serial_next, sealed_len, last_ms, devices, "
			  "recent_first, recent_last, governance, held, "
			  "tree FROM state "
			  "WHERE id = 1",
	[SQL_STATE_SET] = "UPDATE state SET serial_next = $1, "
			  "sealed_len = $2, last_ms = $3, devices = $4, "
			  "recent_first = $5, recent_last = $6, "
			  "governance = $7, held = $8, tree = $9 "
			  "WHERE id = 1",

	[SQL_SEALED_PUT] = "INSERT INTO sealed (start, bytes) VALUES ($1, $2)",
	[SQL_SEALED_LAST] = "SELECT start, length(bytes), (SELECT min(b.start) "
			    "FROM sealed b) FROM sealed ORDER BY start DESC "
			    "LIMIT 1",
	[SQL_SEALED_EACH] = "SELECT start, bytes FROM sealed WHERE start >= "
			    "(SELECT max(b.start) FROM sealed b WHERE "
			    "b.start <= $1) ORDER BY start",
	[SQL_SEALED_CLEAR] = "DELETE FROM sealed",

	[SQL_CA_PUT] = "INSERT INTO ca (id, name, parent, label, spki_sha256, "
		       "shards, generation, active_ms, cert, template, "
		       "intent_index, issue_index) VALUES ((SELECT "
		       "coalesce(max(id), 0) + 1 FROM ca), $1, $2, $3, $4, "
		       "$5, $6, $7, $8, $9, $10, $11)",
	[SQL_CA_EACH] = "SELECT name, parent, label, spki_sha256, shards, "
			"generation, active_ms, cert, template, intent_index, "
			"issue_index, active_index FROM ca ORDER BY id",
	[SQL_CA_MOVE] = "UPDATE ca SET active_ms = $1, active_index = $2 "
			"WHERE name = $3 AND generation = $4",
	[SQL_CA_ID] = "SELECT id, shards FROM ca WHERE name = $1 AND "
		      "generation = $2",
	[SQL_CROSSCERT_PUT] = "INSERT INTO crosscert (ca, subject, signer, "
			      "issue_index, cert) VALUES ($1, $2, $3, $4, $5)",
	[SQL_CROSSCERT_EACH] = "SELECT ca, subject, signer, issue_index, cert "
			       "FROM crosscert ORDER BY ca, subject, signer",
	[SQL_KEY_PUT] =
		"INSERT INTO own_key (id, purpose, label, generation, "
		"kind, key_id, spki, spki_sha256, attributes, "
		"generated, log_index) VALUES ((SELECT coalesce(max(id), 0) "
		"+ 1 FROM own_key), $1, $2, $3, $4, $5, $6, $7, $8, $9, "
		"$10)",
	[SQL_KEY_EACH] =
		"SELECT purpose, label, generation, kind, key_id, "
		"spki, attributes, generated, log_index, rotate_index, "
		"restore_index, destroy_index FROM own_key ORDER BY id",
	[SQL_KEY_ROTATE] = "UPDATE own_key SET rotate_index = $1 WHERE "
			   "label = $2 AND rotate_index IS NULL",
	[SQL_KEY_RESTORE] = "UPDATE own_key SET restore_index = $1 WHERE "
			    "label = $2 AND destroy_index IS NULL",
	[SQL_KEY_DESTROY] = "UPDATE own_key SET destroy_index = $1 WHERE "
			    "label = $2 AND destroy_index IS NULL",
	[SQL_OWN_SPKI] = "SELECT label FROM own_key WHERE spki_sha256 = $1 "
			 "UNION ALL SELECT name FROM ca WHERE "
			 "spki_sha256 = $1",
	[SQL_OWN_SPKIS] = "SELECT spki_sha256 FROM own_key WHERE spki_sha256 "
			  "IS NOT NULL UNION SELECT spki_sha256 FROM ca",

	[SQL_TEMPLATE_PUT] = "INSERT INTO template (id, name, version, "
			     "sha256, adopted_ms, actor, bytes, adopt_index, "
			     "escrow, trust) VALUES ((SELECT coalesce(max(id), "
			     "0) + 1 FROM template), $1, $2, $3, $4, $5, $6, "
			     "$7, $8, $9)",
	[SQL_TEMPLATE_TOP] = "SELECT max(version) FROM template "
			     "WHERE name = $1",
	[SQL_TEMPLATE_ID] = "SELECT id, name FROM template WHERE sha256 = $1",
	[SQL_TEMPLATE_EACH] = TEMPLATE_COLUMNS "ORDER BY name, version",
	[SQL_TEMPLATE_CURRENT] = TEMPLATE_COLUMNS
	"WHERE name = $1 ORDER BY version DESC LIMIT 1",
	[SQL_TEMPLATE_DIGEST] = TEMPLATE_COLUMNS "WHERE sha256 = $1",
	[SQL_TEMPLATE_OPEN] = TEMPLATE_COLUMNS
	"WHERE name = $1 AND id IN (SELECT d.template FROM intent i JOIN "
	"device d ON d.number = i.number AND d.state = 0) ORDER BY version",
	[SQL_MANIFEST_PUT] = "INSERT INTO manifest (template, stage, "
			     "sequence, bytes) VALUES ($1, $2, $3, $4)",
	[SQL_MANIFEST_REPLACE] = "UPDATE manifest SET bytes = $1 WHERE "
				 "template = $2 AND stage = $3 AND "
				 "sequence = $4",
	[SQL_MANIFEST_GET] = "SELECT m.sequence, m.bytes FROM manifest m JOIN "
			     "template t ON t.id = m.template WHERE "
			     "t.sha256 = $1 AND m.stage = $2",
	[SQL_CHECKPOINT_PUT] = "INSERT INTO checkpoint (size, note) VALUES "
			       "($1, $2) ON CONFLICT (size) DO UPDATE SET "
			       "note = excluded.note",
	[SQL_CHECKPOINT_EACH] = "SELECT size, note FROM checkpoint WHERE "
				"size >= $1 ORDER BY size",
	[SQL_CHECKPOINT_LAST] = "SELECT size, note FROM checkpoint ORDER BY "
				"size DESC LIMIT 1",
	[SQL_DATAKEY_PUT] = "INSERT INTO datakey (id, sealed) VALUES ($1, $2)",
	/* A destroyed secret does not say any more by which key. */
	[SQL_DATAKEY_COUNT] = "SELECT (SELECT count(*) FROM datakey WHERE "
			      "substr(sealed, 1, 16) = $1) + "
			      "(SELECT count(*) FROM secret) + "
			      "(SELECT count(*) FROM attkey WHERE mac = 1)",
	[SQL_DATAKEY_GET] = "SELECT sealed FROM datakey WHERE id = $1",

	[SQL_DEVICE_PUT] = "INSERT INTO device (number, device, request, "
			   "template, ord, role, station, body, spki, seal, "
			   "serial, created_ms, reserved_ms, state, "
			   "intent_index, why, replaces, first, "
			   "ca_generation) VALUES "
			   "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
			   "$12, $13, 0, $14, $15, $16, $17, $18)",
	[SQL_DEVICE_GET] =
		"SELECT " DEVICE_COLUMNS DEVICE_TABLES " WHERE d.number = $1",
	[SQL_DEVICE_KEYS] = "SELECT device, request, spki, seal, replaces "
			    "FROM device WHERE number = $1",
	[SQL_DEVICE_CURRENT] = "UPDATE device SET current = $1 WHERE "
			       "number = $2",
	[SQL_DEVICE_STATE] = "UPDATE device SET state = $1 WHERE number = $2",
	[SQL_RENEWAL_PUT] = "INSERT INTO renewal (first, intent_index, "
			    "number) VALUES ($1, $2, $3)",
	[SQL_RENEWAL_EACH] = "SELECT number FROM renewal WHERE first = $1 "
			     "ORDER BY intent_index DESC",
	[SQL_RENEWAL_BACK] = "UPDATE renewal SET back_index = $1 WHERE "
			     "first = $2 AND intent_index = $3",
	[SQL_RENEWAL_LEFT] = "SELECT back_index FROM renewal WHERE first = $1 "
			     "AND intent_index = $2",
	[SQL_DEVICE_EACH] = "SELECT " DEVICE_COLUMNS ", c.der" DEVICE_TABLES
			    " WHERE d.number >= $1 ORDER BY d.number",
	[SQL_DEVICE_NAMES] = "SELECT number, device, request, spki, seal, "
			     "replaces FROM device ORDER BY number",
	[SQL_INTENT_PUT] = "INSERT INTO intent (number, seq, tbs, secrets) "
			   "VALUES ($1, $2, $3, $4)",
	[SQL_INTENT_HOLD] = "UPDATE device SET state = $1 WHERE number = $2 "
			    "AND state = 0 AND EXISTS (SELECT 1 FROM intent "
			    "WHERE intent.number = device.number)",
	[SQL_INTENT_EMPTY] = "UPDATE intent SET seq = 0, tbs = NULL, "
			     "secrets = NULL WHERE number = $1",
	[SQL_INTENT_DROP] = "DELETE FROM intent WHERE number = $1 AND "
			    "CASE WHEN tbs IS NULL THEN 0 ELSE 1 END = $2 "
			    "AND (SELECT state FROM device WHERE "
			    "device.number = $1) = 0",
	[SQL_INTENT_OPEN] = "SELECT number FROM intent WHERE number = $1 AND "
			    "(SELECT state FROM device WHERE device.number = "
			    "$1) = 0",
	[SQL_INTENT_EACH] =
		"SELECT " DEVICE_COLUMNS ", i.tbs, i.secrets FROM "
		"intent i JOIN device d ON d.number = i.number "
		"JOIN template t ON t.id = d.template LEFT JOIN "
		"cert c ON c.number = d.number" DEVICE_ENDS " WHERE i.number "
		"BETWEEN $1 AND $2 ORDER BY i.number",
	[SQL_INTENT_COUNT] = "SELECT (SELECT count(*) FROM intent), "
			     "(SELECT count(*) FROM renewal)",
	[SQL_CERT_PUT] = "INSERT INTO cert (number, issue_index, der) "
			 "VALUES ($1, $2, $3)",
	[SQL_CERT_GET] = "SELECT der FROM cert WHERE number = $1",
	[SQL_BUNDLE_PUT] = "INSERT INTO bundle (number, seal_index, seq, "
			   "stage, bundle_id, bh, payload, template, start, "
			   "len, escrow_start, escrow_len, container_sha256, "
			   "escrow_sha256, evidence, released_ms) VALUES "
			   "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
			   "$12, $13, $14, $15, $16)",
	[SQL_BUNDLE_EACH] = "SELECT b.number, b.seal_index, b.seq, b.stage, "
			    "b.bundle_id, b.bh, b.payload, t.sha256, "
			    "b.start, b.len, b.escrow_start, b.escrow_len, "
			    "b.container_sha256, b.escrow_sha256, "
			    "b.evidence, coalesce(b.released_ms, 0) "
			    "FROM bundle b JOIN template t ON t.id = "
			    "b.template WHERE b.number = $1 "
			    "ORDER BY b.seal_index",
	[SQL_BUNDLE_RELEASED] = "SELECT count(*) FROM bundle b JOIN template t "
				"ON t.id = b.template WHERE b.released_ms >= "
				"$1 AND t.name = $2",
	[SQL_BUNDLE_IDS] = "SELECT number, bundle_id FROM bundle "
			   "ORDER BY number, seal_index",

	[SQL_REVOCATION_PUT] = "INSERT INTO revocation (ca, shard, number, "
			       "log_index, reason, revoked_ms, invalidity_s, "
			       "not_after_s, serial) VALUES ($1, $2, $3, $4, "
			       "$5, $6, $7, $8, $9)",
	[SQL_REVOCATION_DROP] = "DELETE FROM revocation WHERE number = $1",
	[SQL_REVOCATION_GET] = REVOCATION_COLUMNS "WHERE r.number = $1",
	[SQL_REVOCATION_EACH] = REVOCATION_COLUMNS
	"WHERE r.ca = $1 AND r.shard = $2 AND r.number >= $3 "
	"ORDER BY r.number",

	[SQL_CRL_TOP] = "SELECT number, issue_index FROM crl WHERE kind = $1 "
			"AND ca = $2 AND shard = $3 ORDER BY number DESC "
			"LIMIT 1",
	[SQL_CRL_PUT] = "INSERT INTO crl (kind, ca, shard, number, this_s, "
			"next_s, entries, intent_index, tbs) VALUES ($1, $2, "
			"$3, $4, $5, $6, $7, $8, $9)",
	[SQL_CRL_ISSUE] = "UPDATE crl SET issue_index = $1, der = $2, tbs = "
			  "NULL WHERE kind = $3 AND ca = $4 AND shard = $5 AND "
			  "number = $6 AND issue_index IS NULL",
	[SQL_CRL_VOID] = "UPDATE crl SET issue_index = $1, tbs = NULL WHERE "
			 "kind = $2 AND ca = $3 AND shard = $4 AND number = $5 "
			 "AND issue_index IS NULL",
	[SQL_CRL_OLD] = "UPDATE crl SET der = NULL WHERE kind = $1 AND "
			"ca = $2 AND shard = $3 AND number < $4 AND "
			"der IS NOT NULL",
	[SQL_CRL_NEWEST] = CRL_COLUMNS "WHERE r.kind = $1 AND r.ca = $2 AND "
				       "r.shard = $3 AND r.der IS NOT NULL",
	[SQL_CRL_PENDING] = CRL_COLUMNS "WHERE r.kind = $1 AND r.ca = $2 AND "
					"r.shard = $3 AND r.tbs IS NOT NULL",
	[SQL_CRL_LAST] = CRL_COLUMNS "WHERE r.kind = $1 AND r.ca = $2 AND "
				     "r.shard = $3 ORDER BY r.number DESC "
				     "LIMIT 1",
	[SQL_CRL_EACH] = CRL_COLUMNS CRL_ORDER,
	[SQL_CRL_NEWEST_EACH] =
		CRL_COLUMNS "WHERE r.der IS NOT NULL " CRL_ORDER,
	[SQL_CRL_PENDING_EACH] =
		CRL_COLUMNS "WHERE r.tbs IS NOT NULL " CRL_ORDER,

	[SQL_RECEIPT_PUT] = "INSERT INTO receipt (number, seq, log_index, "
			    "result) VALUES ($1, $2, $3, $4)",
	[SQL_RECEIPT_GET] = "SELECT 1 FROM receipt WHERE number = $1 AND "
			    "seq = $2 AND (result = 0 OR result = $3)",
	[SQL_RECEIPT_OF] = "SELECT 1 FROM bundle WHERE number = $1 AND "
			   "seq = $2",
	[SQL_RECEIPT_EACH] = "SELECT number, seq, log_index, result FROM "
			     "receipt WHERE number = $1 ORDER BY seq, "
			     "log_index",

	[SQL_KEPT_PUT] = "INSERT INTO kept (number, bytes) VALUES ($1, $2)",
	[SQL_KEPT_GET] = "SELECT bytes FROM kept WHERE number = $1",
	[SQL_KEPT_RETIRE] = "DELETE FROM kept WHERE number IN (SELECT $1 "
			    "UNION ALL SELECT number FROM renewal WHERE "
			    "first = $1)",
	[SQL_ENDING_PUT] = "INSERT INTO ending (end_s, number) "
			   "VALUES ($1, $2)",
	[SQL_ENDING_DROP] = "DELETE FROM ending WHERE end_s = $1 AND "
			    "number = $2",
	[SQL_ENDING_HAS] = "SELECT 1 FROM ending WHERE end_s = $1 AND "
			   "number = $2",
	[SQL_ENDING_EACH] = "SELECT end_s, number FROM ending WHERE "
			    "(end_s, number) > ($1, $2) AND end_s <= $3 "
			    "ORDER BY end_s, number LIMIT $4",

	[SQL_RETIRE_STATE] = "UPDATE device SET state = $1 WHERE number IN "
			     "(SELECT $2 UNION ALL SELECT number FROM renewal "
			     "WHERE first = $2)",
	[SQL_RETIRE_INTENTS] = "DELETE FROM intent WHERE number IN "
			       "(SELECT $1 UNION ALL SELECT number FROM "
			       "renewal WHERE first = $1)",
	[SQL_RETIRED_PUT] = "INSERT INTO retired (first, log_index, pending) "
			    "VALUES ($1, $2, 1)",
	[SQL_RETIRED_PIECES] =
		"SELECT b.start, b.len, b.escrow_start, b.escrow_len FROM "
		"retired t JOIN bundle b ON b.number = t.first WHERE t.pending "
		"IS NOT NULL UNION ALL SELECT b.start, b.len, b.escrow_start, "
		"b.escrow_len FROM retired t JOIN renewal r ON r.first = "
		"t.first JOIN bundle b ON b.number = r.number WHERE t.pending "
		"IS NOT NULL",
	[SQL_RETIRED_DONE] = "UPDATE retired SET pending = NULL WHERE pending "
			     "IS NOT NULL",
	[SQL_RETIRED_COUNT] = "SELECT (SELECT count(*) FROM retired), (SELECT "
			      "count(*) FROM retired WHERE pending IS NOT "
			      "NULL)",
	[SQL_RETIRED_ANY] = "SELECT 1 FROM retired WHERE pending IS NOT NULL "
			    "LIMIT 1",

	[SQL_RATE_ADD] = "INSERT INTO rate (name, bucket, n) VALUES "
			 "($1, $2, $3) ON CONFLICT (name, bucket) DO UPDATE "
			 "SET n = rate.n + excluded.n",
	[SQL_RATE_SUM] = "SELECT coalesce(sum(n), 0) FROM rate "
			 "WHERE name = $1 AND bucket >= $2",
	[SQL_RATE_DROP] = "DELETE FROM rate WHERE name = $1 AND bucket < $2",
	[SQL_ORDER_ADD] = "INSERT INTO ord (name, devices, reworked) VALUES "
			  "($1, $2, $3) ON CONFLICT (name) DO UPDATE SET "
			  "devices = ord.devices + excluded.devices, "
			  "reworked = ord.reworked + excluded.reworked",
	[SQL_ORDER_NEW] = "INSERT INTO ord (name, devices, reworked) VALUES "
			  "($1, 0, 0)",
	[SQL_ORDER_GET] = "SELECT devices, reworked FROM ord WHERE name = $1",
	[SQL_ORDER_FIND] = ORDER_COLUMNS "WHERE o.name = $1",
	[SQL_ORDER_EACH] = ORDER_COLUMNS "ORDER BY o.name",
	[SQL_TICKET_PUT] = "INSERT INTO ticket (name, template, opened_index, "
			   "bytes) VALUES ($1, $2, $3, $4)",
	[SQL_TICKET_CLOSE] = "UPDATE ticket SET closed_index = $1, note = $2 "
			     "WHERE name = $3",

	[SQL_LOOKUP_PUT] = "INSERT INTO lookup (key, number) VALUES ($1, $2) "
			   "ON CONFLICT DO NOTHING",
	[SQL_LOOKUP_GET] = "SELECT number FROM lookup WHERE key = $1",
	[SQL_LOOKUP_COUNT] = "SELECT count(*) FROM lookup",
	[SQL_RECENT_PUT] = "INSERT INTO recent (id, keys) VALUES ($1, $2)",
	[SQL_RECENT_EACH] = "SELECT id, keys FROM recent WHERE id > $1 "
			    "ORDER BY id",
	[SQL_RECENT_DROP] = "DELETE FROM recent WHERE id <= $1",

	[SQL_LOG_PUT] = "INSERT INTO log (first, entries) VALUES ($1, $2)",
	[SQL_LOG_CHUNK] = "SELECT first, entries FROM log WHERE first <= $1 "
			  "ORDER BY first DESC LIMIT 1",
	[SQL_LOG_EACH] = "SELECT first, entries FROM log WHERE first >= "
			 "(SELECT max(l.first) FROM log l WHERE "
			 "l.first <= $1) ORDER BY first",
	[SQL_TILE_PUT] = "INSERT INTO tile (level, place, hash) "
			 "VALUES ($1, $2, $3)",
	[SQL_TILE_EACH] = "SELECT place, hash FROM tile WHERE level = $1 AND "
			  "place >= $2 ORDER BY place",

	[SQL_GOVERN_PUT] = "INSERT INTO governance (log_index, kind, name) "
			   "VALUES ($1, $2, $3)",
	[SQL_GOVERN_LAST] = "SELECT coalesce(max(log_index) + 1, 0) "
			    "FROM governance WHERE kind = $1",
	[SQL_GOVERN_EACH] = "SELECT log_index, kind, name FROM governance "
			    "WHERE log_index >= $1 ORDER BY log_index",
	[SQL_PEOPLE_COUNT] = "SELECT (SELECT count(*) FROM roster), "
			     "(SELECT count(*) FROM approval), "
			     "(SELECT count(*) FROM ticket), "
			     "(SELECT count(closed_index) FROM ticket), "
			     "(SELECT count(*) FROM secret), "
			     "(SELECT count(destroyed_index) FROM secret), "
			     "(SELECT count(*) FROM held), "
			     "(SELECT count(*) FROM held) - (SELECT count(*) "
			     "FROM held WHERE state = 0), "
			     "(SELECT count(*) FROM template)",
	[SQL_ROSTER_PUT] = "INSERT INTO roster (version, log_index, bytes) "
			   "VALUES ($1, $2, $3)",
	[SQL_ROSTER_TOP] = "SELECT max(version) FROM roster",
	[SQL_ROSTER_GET] = "SELECT log_index, bytes FROM roster "
			   "WHERE version = $1",
	[SQL_APPROVAL_PUT] = "INSERT INTO approval (nonce, log_index, note) "
			     "VALUES ($1, $2, $3)",
	[SQL_APPROVAL_GET] = "SELECT nonce, log_index, note FROM approval "
			     "WHERE nonce = $1",
	[SQL_APPROVAL_EACH] = "SELECT nonce, log_index, note FROM approval "
			      "ORDER BY log_index",
	[SQL_HELD_PUT] = "INSERT INTO held (id, request, device, rule, "
			 "source, bytes, state, put_index) VALUES "
			 "($1, $2, $3, $4, $5, $6, 0, $7)",
	[SQL_HELD_TOP] = "SELECT max(id) FROM held",
	[SQL_HELD_DECIDE] = "UPDATE held SET state = $1, decided_index = $2 "
			    "WHERE id = $3",
	[SQL_HELD_ANY] = "SELECT 1 FROM held WHERE state = 0 AND device = $1 "
			 "LIMIT 1",
	[SQL_HELD_COUNT] = "SELECT count(*) FROM held WHERE state = 0 AND "
			   "substr(bytes, 1, $1) = $2",
	[SQL_HELD_GET] = HELD_COLUMNS "WHERE id = $1",
	[SQL_HELD_EACH] = HELD_COLUMNS "ORDER BY id",
	[SQL_HELD_OF] = HELD_COLUMNS "WHERE device = $1 ORDER BY id",
	[SQL_SECRET_PUT] = "INSERT INTO secret (name, version, add_index, "
			   "sealed) VALUES ($1, $2, $3, $4)",
	[SQL_SECRET_TOP] = "SELECT max(version) FROM secret WHERE name = $1",
	[SQL_SECRET_DESTROY] = "UPDATE secret SET sealed = NULL, "
			       "destroyed_index = $1 WHERE name = $2 AND "
			       "version = $3",
	[SQL_SECRET_GET] = SECRET_COLUMNS "WHERE name = $1 AND version = $2",
	[SQL_SECRET_EACH] = SECRET_COLUMNS "ORDER BY name, version",

	[SQL_ATTKEY_PUT] = "INSERT INTO attkey (device, log_index, state, "
			   "format, mac, key_sha256, key, instance, ek, "
			   "secret) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
			   "$9, $10)",
	[SQL_ATTKEY_DROP] = "DELETE FROM attkey WHERE device = $1 AND "
			    "state = $2",
	[SQL_ATTKEY_STATE] = "UPDATE attkey SET state = $1 WHERE device = $2 "
			     "AND state = $3",
	[SQL_ATTKEY_RETIRE] = "UPDATE attkey SET key = NULL WHERE mac = 1 AND "
			      "device = (SELECT device FROM device WHERE "
			      "number = $1)",
	/* 0: ATTKEY_PENDING, whose it is nobody knows yet. */
	[SQL_ATTKEY_OWNER] = "SELECT device FROM attkey WHERE "
			     "key_sha256 = $1 AND state <> 0 LIMIT 1",
	/* 2: ATTKEY_REPLACED, and not in force again: 1, ATTKEY_ENROLLED. */
	[SQL_ATTKEY_GONE] =
		"SELECT device FROM attkey WHERE key_sha256 = $1 AND state = 2 "
		"AND NOT EXISTS (SELECT 1 FROM attkey x WHERE x.key_sha256 = "
		"$1 AND x.state = 1) LIMIT 1",
	[SQL_ATTKEY_INSTANCE] = "SELECT device FROM attkey WHERE "
				"instance = $1 AND state <> 0 LIMIT 1",
	[SQL_ATTKEY_EK] = "SELECT device FROM attkey WHERE ek = $1 AND "
			  "state <> 0 LIMIT 1",
	[SQL_ATTKEY_GET] = ATTKEY_COLUMNS "WHERE device = $1 AND state = $2 "
					  "ORDER BY log_index DESC LIMIT 1",
	[SQL_ATTKEY_EACH] = ATTKEY_COLUMNS "ORDER BY device, log_index",
	[SQL_NONCE_PUT] = "INSERT INTO nonce (hash, device, stage, issued_ms, "
			  "until_ms, offline, log_index) VALUES ($1, $2, $3, "
			  "$4, $5, $6, $7)",
	[SQL_NONCE_USE] = "UPDATE nonce SET used_index = $1 WHERE hash = $2",
	[SQL_NONCE_COUNT] = "SELECT count(*) FROM nonce WHERE device = $1 AND "
			    "until_ms > $2 AND used_index IS NULL",
	/* A nonce is used also where only the evidence says so. */
	[SQL_NONCE_GET] =
		"SELECT hash, device, stage, issued_ms, until_ms, offline, "
		"log_index, coalesce(used_index, (SELECT min(x.log_index) "
		"FROM evidence x WHERE x.nonce = hash AND x.uses = 1)) "
		"FROM nonce WHERE hash = $1",
	[SQL_NONCE_EACH] = NONCE_COLUMNS "ORDER BY log_index",
	[SQL_NONCE_OPEN] = NONCE_COLUMNS
	"WHERE device = $1 AND until_ms > $2 AND used_index IS NULL "
	"ORDER BY log_index",
	[SQL_EVIDENCE_PUT] = "INSERT INTO evidence (log_index, device, stage, "
			     "state, format, sha256, nonce, nonce_value, "
			     "seal, manifest, verified_ms, uses, rule) VALUES "
			     "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
			     "$12, $13)",
	[SQL_EVIDENCE_RELEASE] = "UPDATE evidence SET state = $1, "
				 "release_index = $2 WHERE log_index = $3",
	/* What was verified before what failed: the same bytes may come again.
	 */
	[SQL_EVIDENCE_GET] =
		EVIDENCE_COLUMNS "WHERE device = $1 AND sha256 = $2 "
				 "ORDER BY state = 2, log_index DESC LIMIT 1",
	/* 0: EVIDENCE_VERIFIED */
	[SQL_EVIDENCE_CURRENT] = EVIDENCE_COLUMNS
	"WHERE device = $1 AND stage = $2 AND state = 0 "
	"ORDER BY log_index DESC LIMIT 1",
	/* What failed and does not use its nonce: not the device's. */
	[SQL_EVIDENCE_STRANGER] = "SELECT 1 FROM evidence WHERE device = $1 "
				  "AND nonce = $2 AND rule = $3 AND uses = 0 "
				  "LIMIT 1",
	/* 2: EVIDENCE_FAILED */
	[SQL_EVIDENCE_NEWEST] = EVIDENCE_COLUMNS
	"WHERE device = $1 AND stage = $2 AND state < 2 "
	"ORDER BY log_index DESC LIMIT 1",
	[SQL_EVIDENCE_EACH] = EVIDENCE_COLUMNS "ORDER BY log_index",
};

const char *sql_text(enum sql_id id)
{
	return texts[id];
}
