#include <stdio.h>
#include <string.h>

#include "lib/base/pvtime.h"
#include "lib/flow/audit_show.h"
#include "lib/log/events.h"
#include "lib/store/sqlite.h"
#include "lib/store/store_log.h"
#include "tests/unit/store_fix.h"
#include "tests/unit/unit.h"

#define MANY 1300u /* more than two pieces; entry i is i seconds after 0 */

static struct store *s;
static struct err err;
static char path[256];

/* What a walk gave. */
struct seen {
	uint64_t first, last, n;
	uint64_t fail_at; /* entries until the callback fails */
	uint64_t done, total;
	bool append;
};

static void append(const struct log_entry *e)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct buf b;

	buf_init(&b, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(e, &b, &err), &err);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(store_log_append(s, buf_span(&b), NULL, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
	buf_release(&b);
}

static void append_raw(const uint8_t *p, size_t len)
{
	STORE_TXN t = STORE_TXN_INIT;

	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	unit_ok(store_log_append(s, (struct span){ p, len }, NULL, &err), &err);
	unit_ok(store_commit(&t, &err), &err);
}

/* Every tenth is a denial of "d", the others are exports. */
static void numbered(struct log_entry *e, uint64_t i)
{
	const struct log_who who = { FIX_TIME + i * 1000, "os:0" };

	if (i % 10 == 0)
		log_request_deny(e, &who, "r", "d", "rate", NULL);
	else
		log_export(e, &who, "inventory", "inventory", "-");
}

static void setup(void)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct buf b;

	err_init(&err);
	buf_init(&b, LOG_ENTRY_MAX);
	unit_ok(fix_store(unit_tmp(), path, &s, &err), &err);
	unit_ok(store_begin(s, STORE_WRITE, &t, &err), &err);
	for (uint64_t i = 0; i < MANY; i++) {
		struct log_entry e;

		numbered(&e, i);
		buf_reset(&b);
		unit_ok(log_entry_encode(&e, &b, &err), &err);
		unit_ok(store_log_append(s, buf_span(&b), NULL, &err), &err);
	}
	unit_ok(store_commit(&t, &err), &err);
	buf_release(&b);
}

static void teardown(void)
{
	store_close(s);
	s = NULL;
}

static enum pv_code see(void *ctx, uint64_t index, const struct log_entry *e,
			struct err *why)
{
	struct seen *seen = ctx;
	struct log_entry more;

	ck_assert_uint_gt(e->type.len, 0);
	if (seen->n == 0)
		seen->first = index;
	else
		ck_assert(index > seen->last);
	seen->last = index;
	seen->n++;
	if (seen->append) {
		numbered(&more, MANY);
		append(&more);
	}
	if (seen->n == seen->fail_at)
		return err_fail(why, PV_INTERRUPTED, "test", NULL, "enough");
	return PV_OK;
}

static void progress(void *ctx, uint64_t done, uint64_t total)
{
	struct seen *seen = ctx;

	ck_assert(done > seen->done && done <= total);
	seen->done = done;
	seen->total = total;
}

static struct audit_show_opts all(struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	return (struct audit_show_opts){ .until_ms = UINT64_MAX,
					 .entry = see,
					 .progress = progress,
					 .ctx = seen };
}

static void ck_shows(const struct audit_show_opts *o, const struct seen *seen,
		     uint64_t n, uint64_t first, uint64_t last)
{
	uint64_t shown = 0;

	unit_ok(audit_show(s, o, &shown, &err), &err);
	ck_assert_uint_eq(shown, n);
	ck_assert_uint_eq(seen->n, n);
	ck_assert_uint_eq(seen->done, seen->total);
	if (n == 0)
		return;
	ck_assert_uint_eq(seen->first, first);
	ck_assert_uint_eq(seen->last, last);
}

START_TEST(shows_all)
{
	struct seen seen;
	struct audit_show_opts o = all(&seen);

	ck_shows(&o, &seen, MANY, 0, MANY - 1);
	ck_assert_uint_eq(seen.total, MANY);
}
END_TEST

START_TEST(shows_a_time)
{
	struct seen seen;
	struct audit_show_opts o = all(&seen);

	o.since_ms = FIX_TIME + 7000;
	ck_shows(&o, &seen, MANY - 7, 7, MANY - 1);
	ck_assert_uint_eq(seen.total, MANY - 7);
	o = all(&seen);
	o.since_ms = FIX_TIME + 6001;
	o.until_ms = FIX_TIME + 20000;
	ck_shows(&o, &seen, 13, 7, 19);
	o = all(&seen);
	o.until_ms = FIX_TIME;
	ck_shows(&o, &seen, 0, 0, 0);
	o = all(&seen);
	o.since_ms = FIX_TIME + MANY * 1000;
	ck_shows(&o, &seen, 0, 0, 0);
	o = all(&seen);
	o.until_ms = FIX_TIME + MANY * 1000;
	ck_shows(&o, &seen, MANY, 0, MANY - 1);
	/* A story is followed from its beginning, and shown from then on. */
	o = all(&seen);
	o.subject = AUDIT_DEVICE;
	o.name = "d";
	o.since_ms = FIX_TIME + 15000;
	o.until_ms = FIX_TIME + 45000;
	ck_shows(&o, &seen, 3, 20, 40);
}
END_TEST

START_TEST(shows_types)
{
	struct seen seen;
	struct audit_show_opts o = all(&seen);

	o.types = "request.deny";
	ck_shows(&o, &seen, MANY / 10, 0, MANY - 10);
	o = all(&seen);
	o.types = "cert.issue,request.deny,export";
	ck_shows(&o, &seen, MANY, 0, MANY - 1);
	o = all(&seen);
	o.types = "request,export.";
	ck_shows(&o, &seen, 0, 0, 0);
}
END_TEST

START_TEST(shows_the_last)
{
	struct seen seen;
	struct audit_show_opts o = all(&seen);

	o.last = 5;
	ck_shows(&o, &seen, 5, MANY - 5, MANY - 1);
	ck_assert_uint_eq(seen.total, 5);
	o = all(&seen);
	o.last = MANY + 1;
	ck_shows(&o, &seen, MANY, 0, MANY - 1);
	o = all(&seen);
	o.last = 2;
	o.types = "request.deny";
	ck_shows(&o, &seen, 2, MANY - 20, MANY - 10);
	ck_assert_uint_eq(seen.total, 2 * MANY);
	o = all(&seen);
	o.last = 1000;
	o.subject = AUDIT_DEVICE;
	o.name = "d";
	ck_shows(&o, &seen, MANY / 10, 0, MANY - 10);
	o = all(&seen);
	o.last = 2;
	o.until_ms = FIX_TIME + 100000;
	ck_shows(&o, &seen, 2, 98, 99);
}
END_TEST

START_TEST(ends_with_its_reader)
{
	struct seen seen;
	struct audit_show_opts o = all(&seen);
	uint64_t shown = 0;

	seen.fail_at = 600;
	unit_refused(audit_show(s, &o, &shown, &err), PV_INTERRUPTED, "test",
		     &err);
	ck_assert_uint_eq(seen.n, 600);
	ck_assert_uint_eq(shown, 0);
}
END_TEST

/* No transaction is open while an entry is given out. */
START_TEST(lets_others_write)
{
	struct seen seen;
	struct audit_show_opts o = all(&seen);
	uint64_t size = 0;

	seen.append = true;
	ck_shows(&o, &seen, MANY, 0, MANY - 1);
	unit_ok(store_log_size(s, &size, &err), &err);
	ck_assert_uint_eq(size, 2 * MANY);
}
END_TEST

static void ck_damaged(const char *object)
{
	struct seen seen;
	struct audit_show_opts o = all(&seen);
	uint64_t shown = 0;

	err_init(&err);
	unit_refused(audit_show(s, &o, &shown, &err), PV_INTEGRITY, "log.entry",
		     &err);
	ck_assert_str_eq(err.object, object);
	ck_assert_uint_eq(seen.n, MANY);
	/* Also where it is no part of what is asked for. */
	err_init(&err);
	o = all(&seen);
	o.subject = AUDIT_DEVICE;
	o.name = "d";
	unit_refused(audit_show(s, &o, &shown, &err), PV_INTEGRITY, "log.entry",
		     &err);
}

START_TEST(finds_a_damaged_entry)
{
	/* {1: "t", 2: FIX_TIME + MANY s, 3: ... that is all */
	uint8_t bytes[] = { 0xa5, 0x01, 0x61, 't', 0x02, 0x1b, 0,    0,	 0,
			    0,	  0,	0,    0,   0,	 0x03, 0x61, 'a' };
	uint64_t time_ms = FIX_TIME + MANY * 1000;

	for (int i = 0; i < 8; i++)
		bytes[6 + i] = (uint8_t)(time_ms >> (56 - 8 * i));
	append_raw(bytes, sizeof(bytes));
	ck_damaged("log entry 1300");
}
END_TEST

START_TEST(finds_a_time_past_9999)
{
	const struct log_who who = { (uint64_t)PVTIME_MAX * 1000 + 1000, "a" };
	struct log_entry e;

	log_export(&e, &who, "o", "key", "-");
	append(&e);
	ck_damaged("log entry 1300");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("audit_show");
	TCase *t = tcase_create("audit_show");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, shows_all);
	tcase_add_test(t, shows_a_time);
	tcase_add_test(t, shows_types);
	tcase_add_test(t, shows_the_last);
	tcase_add_test(t, ends_with_its_reader);
	tcase_add_test(t, lets_others_write);
	tcase_add_test(t, finds_a_damaged_entry);
	tcase_add_test(t, finds_a_time_past_9999);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
