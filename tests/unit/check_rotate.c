#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "cmd/backends.h"
#include "lib/base/cleanup.h"
#include "lib/base/pvtime.h"
#include "lib/flow/revocation.h"
#include "lib/flow/rotate.h"
#include "lib/store/store_history.h"
#include "lib/store/store_renew.h"
#include "tests/unit/issued_fix.h"
#include "tests/unit/unit.h"

#define DAY_S 86400

static struct err err;
static struct authority *a;

static void setup(void)
{
	err_init(&err);
	unit_ok(authority_open(fix_path("base"), &a, &err), &err);
}

static void teardown(void)
{
	authority_close(a);
}

/* ---- lines of requests ---- */

/* Devices of a file in its order, with spaces behind; the file is closed. */
static const char *devices(struct rotate_input *in)
{
	static char text[1024];
	char bytes[65536];
	json_t *list = json_object(), *one;
	ssize_t len = read(in->fd, bytes, sizeof(bytes) - 1);
	const char *name;
	size_t n = 0;

	ck_assert_int_gt((int)len, 0);
	bytes[len] = '\0';
	for (char *line = strtok(bytes, "\n"); line;
	     line = strtok(NULL, "\n")) {
		one = json_loads(line, 0, NULL);
		ck_assert_ptr_nonnull(one);
		json_object_set_new(
			list, json_string_value(json_object_get(one, "device")),
			json_true());
		json_decref(one);
		n++;
	}
	ck_assert_uint_eq(n, in->n);
	text[0] = '\0';
	json_object_foreach(list, name, one)
	{
		strncat(text, name, sizeof(text) - strlen(text) - 2);
		strcat(text, " ");
	}
	json_decref(list);
	close(in->fd);
	in->fd = -1;
	return text;
}

/* ---- one ---- */

static enum pv_code one(const char *device, struct rotate_input *in)
{
	const struct renewal_asked nothing = { .parts = NULL };

	err_init(&err);
	return rotate_one(a, &app_backends, device, &nothing, in, &err);
}

START_TEST(one_is_a_request_under_its_template)
{
	struct rotate_input in;

	EVP_PKEY_free(issued_cert("U0001"));
	unit_ok(one("U0001", &in), &err);
	ck_assert_str_eq(in.template_name, ISSUED_CERT);
	ck_assert_uint_eq(in.n, 1);
	ck_assert_str_eq(devices(&in), "U0001 ");
}
END_TEST

static void retire(const char *device)
{
	struct store_device d;
	struct log_entry e;
	struct issued_txn t;
	struct buf entry;
	OPENED o;

	fix_open(&o, false);
	issued_get(&o, device, &d);
	issued_begin(&o, &t);
	buf_init(&entry, LOG_ENTRY_MAX);
	log_device_retire(&e, &t.who.who, device, 1, 1, 0);
	unit_ok(log_entry_encode(&e, &entry, &err), &err);
	unit_ok(store_retire(o.store, d.s.number, buf_span(&entry), &err),
		&err);
	issued_commit(&t);
	buf_release(&entry);
}

static void revoke_device(const char *device, uint32_t reason)
{
	struct due due = { .next = 0 };
	struct revocation v = { .due = &due,
				.reason = reason,
				.invalidity_s = STORE_NO_TIME };
	enum revocation_done done;
	struct store_device d;
	struct issued_txn t;
	OPENED o;

	fix_open(&o, false);
	issued_begin(&o, &t);
	issued_get(&o, device, &d);
	v.store = o.store;
	v.who = t.who.who;
	unit_ok(revocation_make(&v, &d, &done, &err), &err);
	ck_assert(done != REVOCATION_NOTHING);
	issued_commit(&t);
	due_release(&due);
}

START_TEST(one_is_refused)
{
	static const char *const bad[] = { "", "-x", "a/b", "a b" };
	struct rotate_input in;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		unit_refused(one(bad[i], &in), PV_INPUT, "device.id", &err);
		ck_assert_int_eq(in.fd, -1);
	}
	unit_refused(one("U9999", &in), PV_NOT_FOUND, "device.unknown", &err);
	ck_assert_str_eq(err.object, "U9999");
	EVP_PKEY_free(issued_cert("U0002"));
	revoke_device("U0002", 4);
	retire("U0002");
	unit_refused(one("U0002", &in), PV_DENIED, "device.retired", &err);
	ck_assert_int_eq(in.fd, -1);
	EVP_PKEY_free(issued_cert("U0003"));
	issued_sql("update device set role = 'two' where device = 'U0003'");
	unit_refused(one("U0003", &in), PV_INTEGRITY, "store.edited", &err);
	ck_assert_int_eq(in.fd, -1);
}
END_TEST

/* ---- back ---- */

static enum pv_code back(const char *device)
{
	OPENED o;

	err_init(&err);
	fix_open(&o, false);
	return rotate_back(o.store, device, true, &err);
}

START_TEST(back_is_durable_or_nothing)
{
	EVP_PKEY *key = issued_cert("U0004");
	struct store_device first, now;
	OPENED o;

	fix_open(&o, false);
	issued_get(&o, "U0004", &first);
	fix_close(&o);
	unit_refused(back("U0004"), PV_CONFLICT, "rotate.first", &err);
	ck_assert_str_eq(err.object, "U0004");
	issued_rotate("U0004", key, "L2");
	unit_ok(back("U0004"), &err);
	fix_open(&o, false);
	issued_get(&o, "U0004", &now);
	ck_assert_uint_eq(now.s.number, first.s.number);
	ck_assert_int_eq(now.state, STORE_ISSUED);
	unit_refused(back("U0004"), PV_CONFLICT, "rotate.first", &err);
	unit_refused(back("U9999"), PV_NOT_FOUND, "device.unknown", &err);
	EVP_PKEY_free(key);
}
END_TEST

/* ---- due ---- */

struct told {
	unsigned n;
	char device[64], rule[64];
};

static enum pv_code waiting(void *ctx, const char *device,
			    const struct err *why, struct err *e)
{
	struct told *t = ctx;

	(void)e;
	t->n++;
	snprintf(t->device, sizeof(t->device), "%.63s", device);
	snprintf(t->rule, sizeof(t->rule), "%s", why->rule);
	return PV_OK;
}

/* As if its certificate ended so many seconds from now. */
static void ends_in(const char *device, int64_t s)
{
	struct store_device d;
	struct issued_txn t;
	OPENED o;

	fix_open(&o, false);
	issued_begin(&o, &t);
	issued_get(&o, device, &d);
	unit_ok(store_ending_put(o.store, d.s.number, pvtime_now_s() + s, &err),
		&err);
	issued_commit(&t);
}

/* All that is due under ISSUED_CERT; "" for nothing. */
static const char *due_devices(struct told *told)
{
	const struct rotate_sink sink = { told, waiting };
	struct rotate_due *due = NULL;
	struct rotate_input in;
	const char *all = "";

	memset(told, 0, sizeof(*told));
	err_init(&err);
	unit_ok(rotate_due_new(a, &app_backends, &sink, &due, &err), &err);
	unit_ok(rotate_due_next(due, &in, &err), &err);
	if (in.fd >= 0) {
		ck_assert_str_eq(in.template_name, ISSUED_CERT);
		all = devices(&in);
		unit_ok(rotate_due_next(due, &in, &err), &err);
	}
	ck_assert_int_eq(in.fd, -1);
	/* It stays at the end. */
	unit_ok(rotate_due_next(due, &in, &err), &err);
	ck_assert_int_eq(in.fd, -1);
	rotate_due_free(due);
	return all;
}

START_TEST(due_is_what_ends_within_the_window)
{
	struct told told;

	/* What other tests left is in nobody's way. */
	issued_sql("delete from ending");
	for (int i = 0; i < 3; i++) {
		char device[16];

		snprintf(device, sizeof(device), "U001%d", i);
		EVP_PKEY_free(issued_cert(device));
	}
	ck_assert_str_eq(due_devices(&told), "");
	ends_in("U0010", DAY_S);
	ends_in("U0011", 6 * DAY_S);
	ends_in("U0012", 8 * DAY_S);
	ck_assert_str_eq(due_devices(&told), "U0010 U0011 ");
	/* One that has ended is due, too. */
	ends_in("U0012", -DAY_S);
	ck_assert_str_eq(due_devices(&told), "U0012 U0010 U0011 ");
	ck_assert_uint_eq(told.n, 0);
}
END_TEST

static uint64_t listed;

static enum pv_code count(void *ctx, const struct store_ending *e,
			  struct err *x)
{
	(void)ctx;
	(void)e;
	(void)x;
	listed++;
	return PV_OK;
}

static uint64_t endings(void)
{
	const struct store_ending all = { .number = 0 };
	const struct store_visit v = { .fn.ending = count };
	OPENED o;

	listed = 0;
	fix_open(&o, false);
	unit_ok(store_ending_each(o.store, &all, INT64_MAX, UINT64_MAX / 2, &v,
				  &err),
		&err);
	return listed;
}

START_TEST(due_forgets_what_needs_none)
{
	EVP_PKEY *key;
	struct told told;

	issued_sql("delete from ending");
	EVP_PKEY_free(issued_cert("U0020"));
	EVP_PKEY_free(issued_cert("U0021"));
	key = issued_cert("U0022");
	ends_in("U0020", DAY_S);
	ends_in("U0021", DAY_S);
	ends_in("U0022", DAY_S);
	revoke_device("U0020", 4);
	revoke_device("U0021", STORE_REASON_HOLD);
	issued_rotate("U0022", key, "L2");
	/* What is held is not rotated, and may be let go of: it stays listed,
	 * as do the ends of the certificates themselves. */
	ck_assert_uint_eq(endings(), 7);
	ck_assert_str_eq(due_devices(&told), "");
	ck_assert_uint_eq(endings(), 5);
	revoke_device("U0021", STORE_REASON_REMOVE);
	ck_assert_str_eq(due_devices(&told), "U0021 ");
	ck_assert_uint_eq(endings(), 5);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(due_tells_of_those_that_it_cannot_rotate)
{
	struct told told;

	issued_sql("delete from ending");
	EVP_PKEY_free(issued_cert("U0030"));
	EVP_PKEY_free(issued_cert("U0031"));
	ends_in("U0030", DAY_S);
	ends_in("U0031", DAY_S);
	issued_sql("update kept set bytes = x'824080' where number = (select "
		   "number from device where device = 'U0030')");
	ck_assert_str_eq(due_devices(&told), "U0031 ");
	ck_assert_uint_eq(told.n, 1);
	ck_assert_str_eq(told.device, "U0030");
	ck_assert_str_eq(told.rule, "store.edited");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rotate");
	TCase *tc = tcase_create("rotate");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, issued_make_base, NULL);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_is_a_request_under_its_template);
	tcase_add_test(tc, one_is_refused);
	tcase_add_test(tc, back_is_durable_or_nothing);
	tcase_add_test(tc, due_is_what_ends_within_the_window);
	tcase_add_test(tc, due_forgets_what_needs_none);
	tcase_add_test(tc, due_tells_of_those_that_it_cannot_rotate);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
