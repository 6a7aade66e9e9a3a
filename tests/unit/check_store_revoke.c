/* Revoked and held credentials, receipts, retirement: rows and states. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "lib/store/store_history.h"
#include "lib/store/store_revoke.h"
#include "tests/unit/store_rig.h"

static void put_ca(uint32_t generation)
{
	struct store_ca ca = { .name = "issuing-1",
			       .label = "k",
			       .shards = 4,
			       .generation = generation,
			       .active_ms = generation,
			       .spki_sha256 = { (uint8_t)generation },
			       .cert = { (const uint8_t *)"DER", 3 } };

	unit_ok(store_ca_put(s, &ca, &err), &err);
}

/* Two devices with result (entries 0 to 5), one reserved (6). */
static void start(void)
{
	STORE_TXN t = STORE_TXN_INIT;

	setup();
	begin(&t);
	put_ca(1);
	for (int i = 0; i < 3; i++) {
		reserve(&dev[i], (uint64_t)i * 3);
		if (i < 2)
			unit_ok(fix_complete(s, &dev[i], &err), &err);
	}
	commit(&t);
}

static struct store_revocation revocation(int i, uint32_t reason)
{
	const struct store_subject *b = &dev[i].intent.s;
	struct store_revocation r = { .number = b->number,
				      .ca = "issuing-1",
				      .generation = 1,
				      .shard = 3,
				      .reason = reason,
				      .revoked_ms = FIX_TIME,
				      .invalidity_s = STORE_NO_TIME,
				      .not_after_s = 1900000000,
				      .serial_len = b->serial_len };

	memcpy(r.serial, b->serial, b->serial_len);
	return r;
}

static enum pv_code put(const struct store_revocation *r)
{
	return store_revoke(s, r, fix_entry("cert.revoke"), &err);
}

static void ck_state(int i, enum store_state want, uint64_t index)
{
	struct store_device d;

	get(dev[i].intent.s.device, &d);
	ck_assert_int_eq(d.state, want);
	ck_assert(d.revoke_index == index);
}

START_TEST(test_revoke)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_revocation r = revocation(0, 1), got;
	bool found;

	r.invalidity_s = 0;
	begin(&t);
	unit_ok(put(&r), &err);
	ck_refused(put(&r), PV_CONFLICT, "store.revoked");
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_state(0, STORE_REVOKED, 7);
		ck_state(1, STORE_ISSUED, STORE_NO_INDEX);
		unit_ok(store_revocation_get(s, first, &got, &found, &err),
			&err);
		ck_assert(found && got.reason == 1 && got.shard == 3);
		ck_assert(got.invalidity_s == 0 && got.log_index == 7);
		ck_assert(got.not_after_s == 1900000000);
		ck_assert(got.revoked_ms == FIX_TIME && got.generation == 1);
		ck_assert_str_eq(got.ca, "issuing-1");
		ck_assert_mem_eq(got.serial, r.serial, r.serial_len);
		unit_ok(store_revocation_get(s, first + 1, &got, &found, &err),
			&err);
		ck_assert(!found);
		unit_ok(store_check(s, &err), &err);
	}
}
END_TEST

START_TEST(test_refused)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_revocation r = revocation(2, 1);
	uint64_t size;

	begin(&t);
	ck_refused(put(&r), PV_CONFLICT, "store.open");
	r.number = first + 5;
	ck_refused(put(&r), PV_NOT_FOUND, "store.device");
	r = revocation(0, 8);
	ck_refused(put(&r), PV_INPUT, "store.revocation");
	r = revocation(0, 7);
	ck_refused(put(&r), PV_INPUT, "store.revocation");
	r = revocation(0, 1);
	r.shard = 4;
	ck_refused(put(&r), PV_INPUT, "store.revocation");
	r = revocation(0, 1);
	r.generation = 2;
	ck_refused(put(&r), PV_NOT_FOUND, "store.ca");
	r = revocation(0, 1);
	r.ca[0] = '\0';
	ck_refused(put(&r), PV_INPUT, "store.revocation");
	r = revocation(0, 1);
	r.serial[7] ^= 1;
	ck_refused(put(&r), PV_INPUT, "store.revocation");
	r = revocation(0, 1);
	r.invalidity_s = -1;
	ck_refused(put(&r), PV_INPUT, "store.revocation");
	ck_refused(store_unhold(s, first, fix_entry("cert.revoke"), &err),
		   PV_CONFLICT, "store.hold");
	ck_refused(store_unhold(s, first + 5, fix_entry("cert.revoke"), &err),
		   PV_NOT_FOUND, "store.device");
	unit_ok(store_log_size(s, &size, &err), &err);
	ck_assert_uint_eq(size, 7);
	commit(&t);
}
END_TEST

/* Held, released, held again, then for good: since the hold. */
static struct store_revocation ca_revocation(uint32_t number)
{
	struct store_revocation r = revocation(0, 2);

	r.number = number;
	for (int i = 0; i < 4; i++)
		r.serial[i] = (uint8_t)(number >> (24 - 8 * i));
	r.not_after_s = STORE_NO_TIME;
	return r;
}

static enum pv_code put_ca_revoked(const struct store_revocation *r)
{
	return store_revoke_ca(s, r, fix_entry("cert.revoke"), &err);
}

START_TEST(test_revoke_ca)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_revocation r = ca_revocation(first + 7), bad, got;
	uint64_t size;
	bool found;

	unit_ok(store_log_size(s, &size, &err), &err);
	begin(&t);
	bad = r;
	bad.reason = STORE_REASON_HOLD;
	ck_refused(put_ca_revoked(&bad), PV_INPUT, "store.revocation");
	bad = r;
	bad.reason = STORE_REASON_REMOVE;
	ck_refused(put_ca_revoked(&bad), PV_INPUT, "store.revocation");
	bad = r;
	bad.number++;
	ck_refused(put_ca_revoked(&bad), PV_INPUT, "store.revocation");
	bad = r;
	bad.shard = 4;
	ck_refused(put_ca_revoked(&bad), PV_INPUT, "store.revocation");
	bad = r;
	bad.generation = 2;
	ck_refused(put_ca_revoked(&bad), PV_NOT_FOUND, "store.ca");
	bad = ca_revocation(first);
	ck_refused(put_ca_revoked(&bad), PV_CONFLICT, "store.number");
	unit_ok(put_ca_revoked(&r), &err);
	ck_refused(put_ca_revoked(&r), PV_CONFLICT, "store.revoked");
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		unit_ok(store_revocation_get(s, first + 7, &got, &found, &err),
			&err);
		ck_assert(found && got.reason == 2 && got.log_index == size);
		ck_assert(got.not_after_s == STORE_NO_TIME);
		ck_assert_mem_eq(got.serial, r.serial, r.serial_len);
		ck_state(0, STORE_ISSUED, STORE_NO_INDEX);
		unit_ok(store_check(s, &err), &err);
	}
}
END_TEST

START_TEST(test_hold)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_revocation r = revocation(0, STORE_REASON_HOLD), got;
	bool found;

	begin(&t);
	unit_ok(put(&r), &err);
	ck_state(0, STORE_SUSPENDED, 7);
	ck_refused(put(&r), PV_CONFLICT, "store.revoked");
	unit_ok(store_unhold(s, first, fix_entry("cert.revoke"), &err), &err);
	ck_state(0, STORE_ISSUED, STORE_NO_INDEX);
	unit_ok(put(&r), &err);
	r = revocation(0, 1);
	r.revoked_ms++;
	ck_refused(put(&r), PV_INPUT, "store.revocation");
	r.revoked_ms--;
	unit_ok(put(&r), &err);
	commit(&t);
	ck_state(0, STORE_REVOKED, 10);
	unit_ok(store_revocation_get(s, first, &got, &found, &err), &err);
	ck_assert(found && got.reason == 1 && got.revoked_ms == FIX_TIME);
	begin(&t);
	ck_refused(store_unhold(s, first, fix_entry("cert.revoke"), &err),
		   PV_CONFLICT, "store.hold");
	store_rollback(&t);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

static enum pv_code count_rows(void *ctx, const struct store_revocation *r,
			       struct err *e)
{
	(void)r;
	(void)e;
	++*(int *)ctx;
	return PV_OK;
}

START_TEST(test_each)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_revocation r[2] = { revocation(0, 1), revocation(1, 4) };
	int n = 0;
	const struct store_visit v = { &n, { .revocation = count_rows } };

	begin(&t);
	unit_ok(put(&r[0]), &err);
	unit_ok(put(&r[1]), &err);
	commit(&t);
	unit_ok(store_revocation_each(s, "issuing-1", 1, 3, 0, &v, &err), &err);
	ck_assert_int_eq(n, 2);
	unit_ok(store_revocation_each(s, "issuing-1", 1, 3, first + 1, &v,
				      &err),
		&err);
	ck_assert_int_eq(n, 3);
	unit_ok(store_revocation_each(s, "issuing-1", 1, 2, 0, &v, &err), &err);
	unit_ok(store_revocation_each(s, "", 0, 0, 0, &v, &err), &err);
	ck_assert_int_eq(n, 3);
	ck_refused(store_revocation_each(s, "issuing-1", 2, 0, 0, &v, &err),
		   PV_NOT_FOUND, "store.ca");
}
END_TEST

/* ---- receipts and retirement ---- */

static enum pv_code take_receipt(void *ctx, const struct store_receipt *r,
				 struct err *e)
{
	(void)e;
	*(struct store_receipt *)ctx = *r;
	return PV_OK;
}

START_TEST(test_receipts)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_receipt r = { .number = first, .seq = 1, .result = 73 };
	struct store_receipt back = { .seq = 0 };
	const struct store_visit v = { &back, { .receipt = take_receipt } };

	begin(&t);
	unit_ok(store_receipt_put(s, &r, fix_entry("receipt"), &err), &err);
	ck_refused(store_receipt_put(s, &r, fix_entry("receipt"), &err),
		   PV_CONFLICT, "store.receipt");
	r.result = 0; /* the device tried again, and has it */
	unit_ok(store_receipt_put(s, &r, fix_entry("receipt"), &err), &err);
	ck_refused(store_receipt_put(s, &r, fix_entry("receipt"), &err),
		   PV_CONFLICT, "store.receipt");
	r.seq = 2;
	ck_refused(store_receipt_put(s, &r, fix_entry("receipt"), &err),
		   PV_NOT_FOUND, "store.receipt");
	r.seq = 0;
	ck_refused(store_receipt_put(s, &r, fix_entry("receipt"), &err),
		   PV_INPUT, "store.receipt");
	commit(&t);
	unit_ok(store_receipt_each(s, first, &v, &err), &err);
	ck_assert(back.seq == 1 && back.log_index == 8 && back.result == 0);
}
END_TEST

static bool all_zero(struct span b)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] != 0)
			return false;
	return true;
}

static bool sealed_gone(int i)
{
	CLEANUP(buf_release) struct buf b;

	buf_init(&b, FIX_SEALED);
	unit_ok(store_sealed_read(s, dev[i].bundle.offset, FIX_SEALED, &b,
				  &err),
		&err);
	return all_zero(buf_span(&b));
}

static void ck_retired(uint64_t want, uint64_t want_pending)
{
	uint64_t retired, pending;

	unit_ok(store_retired_count(s, &retired, &pending, &err), &err);
	ck_assert(retired == want && pending == want_pending);
}

static void sql(const char *text)
{
	sqlite3 *db = NULL;

	ck_assert(sqlite3_open(path, &db) == SQLITE_OK);
	ck_assert(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
}

static void ck_intents(uint64_t want)
{
	struct store_counts c;

	unit_ok(store_counts(s, &c, &err), &err);
	ck_assert_uint_eq(c.reserved, want);
}

/* Issued, then renewed: both go, and what is open of it, too. */
START_TEST(test_retire)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_revocation r = revocation(0, 5);
	struct fix_device next;
	struct store_owner owner;
	struct store_device d;
	bool found;

	fix_device(&next, 1, 5, first + 3);
	fix_renewal(&next, &dev[0], STORE_ROTATE);
	begin(&t);
	reserve(&next, 7);
	unit_ok(put(&r), &err);
	commit(&t);
	begin(&t);
	ck_intents(2);
	ck_refused(store_retire(s, first + 3, fix_entry("device.retire"), &err),
		   PV_NOT_FOUND, "store.device");
	unit_ok(store_retire(s, first, fix_entry("device.retire"), &err), &err);
	ck_refused(store_retire(s, first, fix_entry("device.retire"), &err),
		   PV_CONFLICT, "store.retired");
	ck_assert(!sealed_gone(0));
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_retired(1, 0);
		ck_intents(1);
		ck_assert(sealed_gone(0) && !sealed_gone(1));
		get(dev[0].intent.s.device, &d);
		ck_assert(d.state == STORE_RETIRED && d.retire_index == 9);
		ck_assert(d.s.number == first + 3);
		unit_ok(store_number_get(s, first, &d, &found, &err), &err);
		ck_assert(d.state == STORE_RETIRED && d.revoke_index == 8);
		unit_ok(store_spki_owner(s, dev[0].intent.s.spki_sha256, &owner,
					 &err),
			&err);
		ck_assert(owner.kind == STORE_OWNER_DEVICE);
		unit_ok(store_check(s, &err), &err);
	}
	begin(&t);
	ck_refused(put(&r), PV_CONFLICT, "store.retired");
	fix_device(&next, 1, 6, first + 4);
	fix_renewal(&next, &dev[0], STORE_ROTATE);
	next.intent.s.replaces = first + 3;
	reserve_refused(&next, PV_CONFLICT, "store.current");
	store_rollback(&t);
}
END_TEST

/* The commit was durable and the erasing was not: the next to open does it,
 * also where the bytes came to the file later than others. */
START_TEST(test_retire_again)
{
	STORE_TXN t = STORE_TXN_INIT;
	char file[280];
	int fd;

	unit_ok(fix_large(s, &err), &err);
	begin(&t);
	unit_ok(store_retire(s, first + 1, fix_entry("device.retire"), &err),
		&err);
	commit(&t);
	store_close(s);
	sql("UPDATE retired SET pending = 1");
	snprintf(file, sizeof(file), "%.*ssealed.dat",
		 (int)(strrchr(path, '/') + 1 - path), path);
	fd = open(file, O_WRONLY);
	ck_assert(fd >= 0);
	ck_assert(pwrite(fd, dev[1].sealed, FIX_SEALED,
			 (off_t)dev[1].bundle.offset) == FIX_SEALED);
	close(fd);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_assert(sealed_gone(1) && !sealed_gone(0));
	ck_retired(1, 0);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* A state that was set by hand is found when the row is read. */
static const char *const edits[] = {
	"UPDATE device SET state = 0 WHERE number = 16777216",
	"UPDATE device SET state = 2 WHERE number = 16777216",
	"UPDATE device SET state = 4 WHERE number = 16777216",
	"DELETE FROM revocation",
	"UPDATE revocation SET reason = 6",
};

START_TEST(test_edits)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_revocation r = revocation(0, 1);
	struct store_device d;
	bool found;

	begin(&t);
	unit_ok(put(&r), &err);
	commit(&t);
	store_close(s);
	sql(edits[_i]);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_refused(
		store_device_get(s, dev[0].intent.s.device, &d, &found, &err),
		PV_INTEGRITY, "store.corrupt");
}
END_TEST

static Suite *suite(void)
{
	Suite *su = suite_create("store_revoke");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, start, teardown);
	tcase_add_test(t, test_revoke_ca);
	tcase_add_test(t, test_revoke);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_hold);
	tcase_add_test(t, test_each);
	tcase_add_test(t, test_receipts);
	tcase_add_test(t, test_retire);
	tcase_add_test(t, test_retire_again);
	tcase_add_loop_test(t, test_edits, 0, sizeof(edits) / sizeof(edits[0]));
	suite_add_tcase(su, t);
	return su;
}

int main(void)
{
	return unit_run(suite());
}
