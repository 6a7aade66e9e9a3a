/* The log's last word on what is revoked and published, and what vouches for
 * the entries that say so. */
#include <sqlite3.h>

#include "lib/flow/crlword.h"
#include "lib/log/lifecycle.h"
#include "lib/store/store_revoke.h"
#include "tests/unit/store_rig.h"

#define SHARD 3u

static const struct log_who who = { FIX_TIME, "os:1000" };
static const struct crl_issuer issuer = {
	.ca = "issuing-1", .generation = 1, .shards = 4, .generations = 1
};
static struct crl_tail tail;
static uint64_t start_at; /* of what each test appends */

/* Runs SQL on the database behind the store's back. */
static void tamper(const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	ck_assert(sqlite3_open(path, &db) == SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK,
		      "%s", why);
	ck_assert(sqlite3_changes(db) > 0);
	ck_assert(sqlite3_close(db) == SQLITE_OK);
}

static struct span encode(const struct log_entry *e)
{
	static struct buf room;

	buf_release(&room);
	buf_init(&room, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(e, &room, &err), &err);
	return buf_span(&room);
}

/* Two devices of a CA with four shards. */
static void start(void)
{
	const struct store_ca ca = { .name = "issuing-1",
				     .label = "k",
				     .shards = 4,
				     .generation = 1,
				     .spki_sha256 = { 1 },
				     .cert = { (const uint8_t *)"DER", 3 } };
	STORE_TXN t = STORE_TXN_INIT;

	setup();
	begin(&t);
	unit_ok(store_ca_put(s, &ca, &err), &err);
	for (int i = 0; i < 2; i++) {
		reserve(&dev[i], (uint64_t)i * 3);
		unit_ok(fix_complete(s, &dev[i], &err), &err);
	}
	unit_ok(store_log_size(s, &start_at, &err), &err);
	commit(&t);
	unit_ok(crl_tail_init(&tail, s, NULL, &err), &err);
}

static void finish(void)
{
	crl_tail_release(&tail);
	teardown();
}

/* Its row with its entry, as revocation.c makes both. */
static void revoke(int i, uint32_t reason)
{
	const struct store_subject *b = &dev[i].intent.s;
	char serial[2 * STORE_SERIAL_MAX + 1];
	struct store_revocation r = { .number = b->number,
				      .ca = "issuing-1",
				      .generation = 1,
				      .shard = SHARD,
				      .reason = reason,
				      .revoked_ms = FIX_TIME,
				      .invalidity_s = STORE_NO_TIME,
				      .not_after_s = STORE_NO_TIME,
				      .serial_len = b->serial_len };
	const struct log_revoke facts = { .serial = serial,
					  .device = b->device,
					  .reason = reason,
					  .ca = "issuing-1",
					  .generation = 1,
					  .shard = SHARD,
					  .invalidity = LOG_NO_TIME,
					  .ends = LOG_NO_TIME };
	STORE_TXN t = STORE_TXN_INIT;
	struct log_entry e;

	memcpy(r.serial, b->serial, b->serial_len);
	hex_encode(b->serial, b->serial_len, serial);
	log_cert_revoke(&e, &who, &facts);
	begin(&t);
	unit_ok(reason == STORE_REASON_REMOVE
			? store_unhold(s, b->number, encode(&e), &err)
			: store_revoke(s, &r, encode(&e), &err),
		&err);
	commit(&t);
}

/* The next list, or batch, of the shard; signed, or recorded only. */
static void publish(enum store_crl_kind kind, uint64_t number, bool sign)
{
	const char *object = kind == STORE_CRL ? "issuing-1/3" : "issuing-1/0";
	struct store_crl row = { .kind = kind,
				 .ca = "issuing-1",
				 .generation = 1,
				 .shard = kind == STORE_CRL ? SHARD : 0,
				 .number = number,
				 .this_s = 1,
				 .next_s = 2,
				 .tbs = { (const uint8_t *)"TBS", 3 },
				 .der = { (const uint8_t *)"DER", 3 } };
	const uint8_t hash[32] = { 0 };
	const struct log_crl c = { .object = object,
				   .number = number,
				   .tbs = hash,
				   .this_s = 1,
				   .next_s = 2 };
	STORE_TXN t = STORE_TXN_INIT;
	struct log_entry e;

	begin(&t);
	log_crl_intent(&e, &who,
		       kind == STORE_CRL ? LOG_CRL_INTENT : LOG_OCSP_INTENT,
		       &c);
	unit_ok(store_crl_reserve(s, &row, encode(&e), &err), &err);
	log_crl_issue(&e, &who,
		      kind == STORE_CRL ? LOG_CRL_ISSUE : LOG_OCSP_ISSUE,
		      object, number, hash);
	if (sign)
		unit_ok(store_crl_complete(s, &row, encode(&e), &err), &err);
	commit(&t);
}

static void go_to(uint64_t from)
{
	unit_ok(crl_tail_view(&tail, &err), &err);
	unit_ok(crl_tail_to(&tail, from, &err), &err);
}

static enum pv_code agrees(uint64_t last, uint64_t newest)
{
	return crl_tail_agrees(&tail, STORE_CRL, &issuer, SHARD, last, newest,
			       &err);
}

static enum crl_word word(int i)
{
	return crl_tail_word(&tail, first + (uint32_t)i);
}

START_TEST(last_words)
{
	start();
	revoke(0, STORE_REASON_HOLD);
	go_to(start_at);
	ck_assert(word(0) == CRL_WORD_REVOKED && word(1) == CRL_WORD_NONE);
	revoke(0, STORE_REASON_REMOVE);
	revoke(1, 1);
	/* Not looked at yet. */
	ck_assert(word(0) == CRL_WORD_REVOKED && word(1) == CRL_WORD_NONE);
	go_to(start_at);
	ck_assert(word(0) == CRL_WORD_RELEASED && word(1) == CRL_WORD_REVOKED);
	unit_ok(agrees(0, 0), &err);
	revoke(0, STORE_REASON_HOLD);
	revoke(0, 4);
	go_to(start_at);
	ck_assert(word(0) == CRL_WORD_REVOKED);
	unit_ok(agrees(0, 0), &err);
	/* Behind it all: nothing was said since. An earlier start, anew. */
	crl_tail_release(&tail);
	unit_ok(crl_tail_init(&tail, s, NULL, &err), &err);
	go_to(start_at + 5);
	ck_assert(word(0) == CRL_WORD_NONE && word(1) == CRL_WORD_NONE);
	go_to(start_at + 2);
	ck_assert(word(0) == CRL_WORD_REVOKED && word(1) == CRL_WORD_REVOKED);
	finish();
}
END_TEST

/* Each edit of the last row alone, and the shard that it costs. */
START_TEST(edited_rows)
{
	static const char *const edits[] = {
		"DELETE FROM revocation",
		"UPDATE revocation SET reason = 4",
		"UPDATE revocation SET log_index = log_index - 1",
		"UPDATE revocation SET log_index = log_index + 1",
		"UPDATE revocation SET revoked_ms = 0",
		"UPDATE revocation SET shard = 2",
		"UPDATE revocation SET not_after_s = 1",
		"UPDATE revocation SET serial = zeroblob(16)",
	};
	start();
	revoke(0, STORE_REASON_HOLD);
	revoke(0, 1);
	tamper(edits[_i]);
	reopen();
	tail.store = s;
	go_to(start_at);
	ck_assert(word(0) == CRL_WORD_WRONG);
	ck_refused(agrees(0, 0), PV_INTEGRITY, "store.edited");
	unit_ok(crl_tail_agrees(&tail, STORE_CRL, &issuer, SHARD - 1, 0, 0,
				&err),
		&err);
	finish();
}
END_TEST

/* Let go of, and the row put back; released again: all is well. */
START_TEST(row_of_what_was_released)
{
	start();
	revoke(0, STORE_REASON_HOLD);
	tamper("CREATE TABLE kept_row AS SELECT * FROM revocation; "
	       "UPDATE kept_row SET reason = 6");
	revoke(0, STORE_REASON_REMOVE);
	tamper("INSERT INTO revocation SELECT * FROM kept_row");
	go_to(start_at);
	ck_assert(word(0) == CRL_WORD_WRONG);
	ck_refused(agrees(0, 0), PV_INTEGRITY, "store.edited");
	/* Of the entry that removes it, even. */
	tamper("UPDATE revocation SET reason = 8, log_index = log_index + 1");
	crl_tail_release(&tail);
	unit_ok(crl_tail_init(&tail, s, NULL, &err), &err);
	go_to(start_at);
	ck_assert(word(0) == CRL_WORD_WRONG);
	finish();
}
END_TEST

/* For who goes by rows: what newest lists have, and nothing was said of since,
 * is not good; what is revoked has its row. */
START_TEST(rows_and_words)
{
	struct serialset listed = { .n = 0 };
	struct store_revocation r;
	bool found;

	start();
	unit_ok(serialset_init(&listed, STORE_SERIAL_FIRST, STORE_SERIALS,
			       &err),
		&err);
	revoke(0, STORE_REASON_HOLD);
	unit_ok(store_revocation_get(s, first, &r, &found, &err), &err);
	ck_assert(found);
	for (int behind = 0; behind < 2; behind++) {
		crl_tail_release(&tail);
		unit_ok(crl_tail_init(&tail, s, NULL, &err), &err);
		go_to(start_at + (unsigned)behind);
		unit_ok(crl_word_agrees(&tail, &listed, first, true, &r, &err),
			&err);
		unit_ok(crl_word_agrees(&tail, &listed, first + 1, false, NULL,
					&err),
			&err);
		unit_ok(serialset_set(&listed, first, 0, &err), &err);
		ck_refused(crl_word_agrees(&tail, &listed, first, false, NULL,
					   &err),
			   PV_INTEGRITY, "store.edited");
	}
	r.reason = 1;
	ck_refused(crl_word_agrees(&tail, &listed, first, true, &r, &err),
		   PV_INTEGRITY, "store.edited");
	/* Let go of: on the list still, and good. */
	revoke(0, STORE_REASON_REMOVE);
	go_to(start_at + 1);
	unit_ok(crl_word_agrees(&tail, &listed, first, false, NULL, &err),
		&err);
	ck_refused(crl_word_agrees(&tail, &listed, first, true, &r, &err),
		   PV_INTEGRITY, "store.edited");
	serialset_release(&listed);
	finish();
}
END_TEST

START_TEST(numbers)
{
	start();
	publish(STORE_CRL, 1, true);
	publish(STORE_OCSP, 1, true);
	publish(STORE_CRL, 2, true);
	publish(STORE_CRL, 3, false);
	go_to(start_at);
	unit_ok(agrees(3, 2), &err);
	ck_refused(agrees(2, 2), PV_INTEGRITY, "crl.rollback");
	ck_refused(agrees(3, 1), PV_INTEGRITY, "crl.rollback");
	ck_refused(agrees(0, 0), PV_INTEGRITY, "crl.rollback");
	ck_refused(agrees(4, 2), PV_INTEGRITY, "store.edited");
	ck_refused(agrees(3, 3), PV_INTEGRITY, "store.edited");
	unit_ok(crl_tail_agrees(&tail, STORE_OCSP, &issuer, 0, 1, 1, &err),
		&err);
	ck_refused(crl_tail_agrees(&tail, STORE_OCSP, &issuer, 0, 0, 0, &err),
		   PV_INTEGRITY, "crl.rollback");
	finish();
}
END_TEST

/* Of a CA with one list, all generations' certificates are on each. */
START_TEST(complete_list)
{
	const struct crl_issuer all = { .ca = "issuing-1",
					.generation = 2,
					.shards = 1,
					.generations = 2,
					.complete = true };

	start();
	revoke(0, 1);
	tamper("UPDATE revocation SET reason = 4");
	go_to(start_at);
	ck_refused(crl_tail_agrees(&tail, STORE_CRL, &all, SHARD, 0, 0, &err),
		   PV_INTEGRITY, "store.edited");
	finish();
}
END_TEST

/* An entry that says something else, below tiles that are as they were. */
START_TEST(what_vouches)
{
	struct log_point upto = { .size = 0 };
	uint64_t size = 0;

	start();
	revoke(0, 1);
	revoke(1, 1);
	unit_ok(store_log_root(s, &upto.size, upto.root, &err), &err);
	publish(STORE_CRL, 1, true);
	for (uint64_t from = 0; from <= upto.size; from++) {
		crl_tail_release(&tail);
		unit_ok(crl_tail_init(&tail, s, &upto, &err), &err);
		go_to(from);
		/* On: not held against it once more. */
		publish(STORE_OCSP, from + 1, true);
		go_to(from);
	}
	unit_ok(store_log_size(s, &size, &err), &err);
	ck_assert(tail.next == size);
	upto.root[7] ^= 1;
	for (uint64_t from = 0; from < upto.size; from += 3) {
		crl_tail_release(&tail);
		unit_ok(crl_tail_init(&tail, s, &upto, &err), &err);
		unit_ok(crl_tail_view(&tail, &err), &err);
		ck_refused(crl_tail_to(&tail, from, &err), PV_INTEGRITY,
			   "store.governance");
		ck_assert(word(0) == CRL_WORD_NONE);
	}
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crltail");
	TCase *t = tcase_create("crltail");

	tcase_add_test(t, last_words);
	tcase_add_loop_test(t, edited_rows, 0, 8);
	tcase_add_test(t, row_of_what_was_released);
	tcase_add_test(t, rows_and_words);
	tcase_add_test(t, numbers);
	tcase_add_test(t, complete_list);
	tcase_add_test(t, what_vouches);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
