#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/acts.h"
#include "lib/flow/logged.h"
#include "lib/flow/succession.h"
#include "lib/store/store_history.h"
#include "lib/store/store_log.h"
#include "lib/store/store_renew.h"
#include "lib/store/store_revoke.h"
#include "tests/unit/issued_fix.h"
#include "tests/unit/unit.h"

#define DAY_S 86400

static struct err err;

/* A device with that many credentials, the store open and a transaction. */
static struct fixed {
	struct opened o;
	struct due due;
	struct issued_txn t;
	struct succession s;
	struct store_device d; /* the current one */
	EVP_PKEY *key;
} f;

static void look(const char *device)
{
	memset(&f.due, 0, sizeof(f.due));
	fix_open(&f.o, false);
	issued_begin(&f.o, &f.t);
	f.s = (struct succession){ f.o.store, &f.due, f.t.who.who };
	issued_get(&f.o, device, &f.d);
}

static void leave(bool commit)
{
	if (commit)
		issued_commit(&f.t);
	else
		store_rollback(&f.t.txn);
	due_release(&f.due);
	fix_close(&f.o);
}

static void say_received(const char *device, uint64_t result);

/* Each but the first by a rotation; what came before is received, the last one
 * is not. */
static void start(const char *device, int credentials)
{
	char lot[16];

	err_init(&err);
	f.key = issued_cert(device);
	for (int i = 1; i < credentials; i++) {
		say_received(device, 0);
		snprintf(lot, sizeof(lot), "LOT%d", i);
		issued_rotate(device, f.key, lot);
	}
	look(device);
}

static void done(bool commit)
{
	leave(commit);
	EVP_PKEY_free(f.key);
}

/* Its row alone: what a receipt must be is receipts.h. */
static void put_receipt(uint64_t result)
{
	uint8_t bh[32] = { 0 };
	const struct store_receipt row = { .number = f.d.s.number,
					   .seq = f.d.seq,
					   .result = result };
	struct log_entry e;
	struct buf bytes;

	buf_init(&bytes, LOG_ENTRY_MAX);
	log_receipt(&e, &f.s.who, f.d.s.device, bh, f.d.seq, result);
	unit_ok(log_entry_encode(&e, &bytes, &err), &err);
	unit_ok(store_receipt_put(f.o.store, &row, buf_span(&bytes), &err),
		&err);
	buf_release(&bytes);
}

static void say_received(const char *device, uint64_t result)
{
	look(device);
	put_receipt(result);
	leave(true);
}

struct states {
	enum store_state list[8]; /* newest first */
	uint32_t number[8];
	size_t n;
};

static enum pv_code take_state(void *ctx, const struct store_device *d,
			       struct span cert, struct err *e)
{
	struct states *s = ctx;

	(void)cert;
	(void)e;
	s->list[s->n] = d->state;
	s->number[s->n++] = d->s.number;
	return PV_OK;
}

static struct states states(void)
{
	struct states s = { .n = 0 };
	const struct store_visit v = { .ctx = &s, .fn.device = take_state };

	unit_ok(store_history_each(f.o.store, f.d.s.device, &v, &err), &err);
	return s;
}

START_TEST(numbers_are_above_all_before)
{
	uint64_t seq = 0;

	start("U0001", 3);
	unit_ok(succession_next_seq(f.o.store, &f.d, &seq, &err), &err);
	ck_assert_uint_eq(seq, 4);
	/* Also above one that was taken back. */
	unit_ok(succession_back(&f.s, &f.d, true, &err), &err);
	issued_get(&f.o, "U0001", &f.d);
	ck_assert_uint_eq(f.d.seq, 2);
	unit_ok(succession_next_seq(f.o.store, &f.d, &seq, &err), &err);
	ck_assert_uint_eq(seq, 4);
	done(false);
}
END_TEST

START_TEST(a_refusal_is_not_received)
{
	bool received = true;

	start("U0002", 1);
	unit_ok(succession_received(f.o.store, f.d.s.number, &received, &err),
		&err);
	ck_assert(!received);
	put_receipt(82);
	unit_ok(succession_received(f.o.store, f.d.s.number, &received, &err),
		&err);
	ck_assert(!received);
	put_receipt(0);
	unit_ok(succession_received(f.o.store, f.d.s.number, &received, &err),
		&err);
	ck_assert(received);
	done(false);
}
END_TEST

START_TEST(ends_with_its_certificate)
{
	struct store_device none;
	int64_t ends = 0;

	start("U0003", 1);
	unit_ok(succession_ends(f.o.store, &f.d, &ends, &err), &err);
	ck_assert(ends > pvtime_now_s() + 29 * DAY_S &&
		  ends <= pvtime_now_s() + 30 * DAY_S);
	none = f.d;
	none.has_cert = false;
	unit_ok(succession_ends(f.o.store, &none, &ends, &err), &err);
	ck_assert(ends == STORE_NO_TIME);
	done(false);
}
END_TEST

/* What came before is revoked as superseded, once, with an entry. */
START_TEST(supersedes_what_was_before)
{
	struct store_revocation r;
	struct states s;
	bool found = false;
	uint32_t n = 9;

	start("U0004", 2);
	unit_ok(succession_supersede(&f.s, &f.d, &n, &err), &err);
	ck_assert_uint_eq(n, 1);
	s = states();
	ck_assert_uint_eq(s.n, 2);
	ck_assert_int_eq(s.list[0], STORE_ISSUED);
	for (size_t i = 1; i < s.n; i++) {
		ck_assert_int_eq(s.list[i], STORE_REVOKED);
		unit_ok(store_revocation_get(f.o.store, s.number[i], &r, &found,
					     &err),
			&err);
		ck_assert(found && r.reason == SUCCESSION_SUPERSEDED);
		ck_assert(r.revoked_ms == f.s.who.time_ms);
		unit_ok(logged_revocation(f.o.store, &r, &err), &err);
	}
	unit_ok(succession_supersede(&f.s, &f.d, &n, &err), &err);
	ck_assert_uint_eq(n, 0);
	unit_ok(succession_supersede(&f.s, &f.d, NULL, &err), &err);
	done(true);
	/* It is so afterwards, too. */
	look("U0004");
	s = states();
	ck_assert_int_eq(s.list[1], STORE_REVOKED);
	leave(false);
}
END_TEST

START_TEST(leaves_what_has_ended)
{
	struct states s;
	uint32_t n = 9;

	start("U0005", 2);
	f.s.who.time_ms += UINT64_C(40) * DAY_S * 1000;
	unit_ok(succession_supersede(&f.s, &f.d, &n, &err), &err);
	ck_assert_uint_eq(n, 0);
	s = states();
	ck_assert_int_eq(s.list[1], STORE_ISSUED);
	done(false);
}
END_TEST

START_TEST(goes_back_to_the_one_before)
{
	struct states s;
	uint32_t left;
	uint64_t index = STORE_NO_INDEX;
	bool has = false;
	int64_t ends;

	start("U0006", 2);
	left = f.d.s.number;
	/* The bundle is out: somebody has to say that it is not installed. */
	unit_refused(succession_back(&f.s, &f.d, false, &err), PV_DENIED,
		     "rotate.given", &err);
	err_init(&err);
	ck_assert_int_eq(states().list[1], STORE_ISSUED);
	unit_ok(succession_back(&f.s, &f.d, true, &err), &err);
	s = states();
	ck_assert_int_eq(s.list[0], STORE_REVOKED);
	ck_assert_int_eq(s.list[1], STORE_ISSUED);
	issued_get(&f.o, "U0006", &f.d);
	ck_assert_uint_eq(f.d.s.number, s.number[1]);
	unit_ok(store_left(f.o.store, left, &index, &err), &err);
	ck_assert(index != STORE_NO_INDEX);
	/* It is due again in its time. */
	unit_ok(succession_ends(f.o.store, &f.d, &ends, &err), &err);
	unit_ok(store_ending_has(f.o.store, f.d.s.number, ends, &has, &err),
		&err);
	ck_assert(has);
	done(true);
}
END_TEST

enum hindrance { FIRST, RECEIVED, PENDING, ENDED, REVOKED, REWORKED };
static const struct {
	enum hindrance what;
	int credentials;
	const char *rule;
} hindrances[] = {
	{ FIRST, 1, "rotate.first" },	    { REWORKED, 2, "rotate.first" },
	{ RECEIVED, 2, "rotate.received" }, { PENDING, 2, "rotate.pending" },
	{ ENDED, 2, "rotate.previous" },    { REVOKED, 2, "rotate.previous" },
};

static void hinder(enum hindrance what)
{
	uint32_t n;

	switch (what) {
	case FIRST:
		break;
	case RECEIVED:
		put_receipt(0);
		break;
	case PENDING:
		f.d.state = STORE_RESERVED;
		break;
	case ENDED:
		f.s.who.time_ms += UINT64_C(40) * DAY_S * 1000;
		break;
	case REVOKED:
		unit_ok(succession_supersede(&f.s, &f.d, &n, &err), &err);
		ck_assert_uint_eq(n, 1);
		break;
	case REWORKED:
		f.d.s.why = STORE_REWORK;
		break;
	}
}

START_TEST(does_not_go_back_when)
{
	struct states before, after;
	char device[16];

	snprintf(device, sizeof(device), "U001%d", _i);
	start(device, hindrances[_i].credentials);
	hinder(hindrances[_i].what);
	before = states();
	unit_refused(succession_back(&f.s, &f.d, true, &err), PV_CONFLICT,
		     hindrances[_i].rule, &err);
	err_init(&err);
	after = states();
	ck_assert_mem_eq(before.list, after.list, sizeof(before.list));
	done(false);
}
END_TEST

#define BEFORE                                                                 \
	" where number = (select min(number) from device where device = '%s')"
static const char *const edits[] = {
	"update device set role = 'two'" BEFORE,
	"update cert set der = (select der from cert order by number limit "
	"1)" BEFORE,
};

/* The rows that it reads are the log's. */
START_TEST(finds_rows_that_were_edited)
{
	char device[16], sql[300];

	snprintf(device, sizeof(device), "U002%d", _i);
	start(device, 2);
	leave(false);
	snprintf(sql, sizeof(sql), edits[_i], device);
	issued_sql(sql);
	look(device);
	unit_refused(succession_back(&f.s, &f.d, true, &err), PV_INTEGRITY,
		     NULL, &err);
	done(false);
}
END_TEST

static void hex_of(uint32_t number, char hex[2 * STORE_SERIAL_MAX + 1],
		   uint32_t *replaces)
{
	struct store_device d;
	bool found;

	unit_ok(store_number_get(f.o.store, number, &d, &found, &err), &err);
	ck_assert(found);
	hex_encode(d.s.serial, d.s.serial_len, hex);
	*replaces = d.s.replaces;
}

/* Whether the first credential may be superseded by the current one, right
 * behind its receipt. */
static enum pv_code follows(struct err *why)
{
	char first[2 * STORE_SERIAL_MAX + 1], by[2 * STORE_SERIAL_MAX + 1];
	const struct log_revoke r = { .serial = first,
				      .device = f.d.s.device,
				      .reason = SUCCESSION_SUPERSEDED,
				      .invalidity = LOG_NO_TIME,
				      .ends = LOG_NO_TIME,
				      .by = by };
	struct log_entry e;
	uint32_t before = 0, none = 0;
	uint64_t index = 0;

	put_receipt(0);
	hex_of(f.d.s.number, by, &before);
	hex_of(before, first, &before);
	hex_of(before, first, &none);
	ck_assert_uint_eq(none, 0);
	log_cert_revoke(&e, &f.s.who, &r);
	unit_ok(store_log_size(f.o.store, &index, &err), &err);
	return acts_follows(f.o.store, &e, index, why);
}

/* What needs no approval needs all rows from the one to the other. */
START_TEST(follows_rows_of_the_log)
{
	char sql[120];
	struct err why;

	err_init(&why);
	start("U0030", 3);
	unit_ok(follows(&why), &why);
	leave(false);
	snprintf(sql, sizeof(sql),
		 "update device set role = 'two' where number = %lu",
		 (unsigned long)f.d.s.replaces);
	issued_sql(sql);
	look("U0030");
	unit_refused(follows(&why), PV_INTEGRITY, "store.edited", &why);
	done(false);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("succession");
	TCase *tc = tcase_create("succession");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, issued_make_base, NULL);
	tcase_add_test(tc, numbers_are_above_all_before);
	tcase_add_test(tc, a_refusal_is_not_received);
	tcase_add_test(tc, ends_with_its_certificate);
	tcase_add_test(tc, supersedes_what_was_before);
	tcase_add_test(tc, leaves_what_has_ended);
	tcase_add_test(tc, goes_back_to_the_one_before);
	tcase_add_loop_test(tc, does_not_go_back_when, 0,
			    sizeof(hindrances) / sizeof(*hindrances));
	tcase_add_loop_test(tc, finds_rows_that_were_edited, 0,
			    sizeof(edits) / sizeof(*edits));
	tcase_add_test(tc, follows_rows_of_the_log);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
