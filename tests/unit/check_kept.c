#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/kept.h"
#include "tests/unit/issued_fix.h"
#include "tests/unit/unit.h"

static struct err err;

static void setup(void)
{
	err_init(&err);
}

static void add(struct request *r, const char *name, const char *value)
{
	unit_ok(request_add_field(r, name, value, &err), &err);
}

static void ck_text(const struct cbor_bytes *b, const char *want)
{
	ck_assert_uint_eq(b->len, strlen(want));
	ck_assert_mem_eq(b->p, want, b->len);
}

START_TEST(keeps_nothing_of_nothing)
{
	struct request r;
	struct kept k;
	struct buf row;

	request_init(&r);
	buf_init(&row, KEPT_MAX);
	unit_ok(kept_put(&r, &row, &err), &err);
	ck_assert_uint_eq(row.len, 0);
	memset(&k, 0xff, sizeof(k));
	unit_ok(kept_read(buf_span(&row), &k, &err), &err);
	ck_assert(k.seal_key.len == 0 && k.fields_n == 0);
	request_release(&r);
}
END_TEST

START_TEST(keeps_key_and_fields_in_order)
{
	static const uint8_t key[] = { 0x30, 1, 2, 3 };
	struct request r;
	struct kept k;
	struct buf row;

	request_init(&r);
	buf_init(&row, KEPT_MAX);
	if (_i & 1)
		buf_put(&r.seal_key, key, sizeof(key));
	if (_i & 2) {
		add(&r, "site", "north");
		add(&r, "lot", "");
	}
	unit_ok(kept_put(&r, &row, &err), &err);
	unit_ok(kept_read(buf_span(&row), &k, &err), &err);
	ck_assert_uint_eq(k.seal_key.len, _i & 1 ? sizeof(key) : 0);
	ck_assert_uint_eq(k.fields_n, _i & 2 ? 2 : 0);
	if (_i & 1)
		ck_assert_mem_eq(k.seal_key.p, key, sizeof(key));
	if (_i & 2) {
		ck_text(&k.fields[0].name, "site");
		ck_text(&k.fields[0].value, "north");
		ck_text(&k.fields[1].name, "lot");
		ck_text(&k.fields[1].value, "");
	}
	buf_release(&row);
	request_release(&r);
}
END_TEST

START_TEST(refuses_what_is_too_long)
{
	static char value[TEXT_VALUE_MAX];
	static uint8_t key[KEPT_MAX];
	struct request r;
	struct buf row;

	request_init(&r);
	buf_init(&row, KEPT_MAX);
	memset(value, 'x', sizeof(value) - 1);
	add(&r, "lot", value);
	unit_ok(kept_put(&r, &row, &err), &err);
	buf_reset(&row);
	r.seal_key.data = key;
	r.seal_key.len = sizeof(key);
	unit_refused(kept_put(&r, &row, &err), PV_INPUT, "request.fields",
		     &err);
	ck_assert_uint_eq(row.len, 0);
	r.seal_key.data = NULL;
	r.seal_key.len = 0;
	buf_release(&row);
	request_release(&r);
}
END_TEST

#define ROW(...)                                                               \
	{                                                                      \
		{ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })            \
	}
static const struct damaged {
	uint8_t bytes[16];
	size_t len;
} damaged[] = {
	ROW(0x80),				     /* [] */
	ROW(0x81, 0x40),			     /* [h''] */
	ROW(0x83, 0x40, 0x80, 0x80),		     /* three of them */
	ROW(0x82, 0x60, 0x80),			     /* the key as text */
	ROW(0x82, 0x40, 0xa0),			     /* fields as a map */
	ROW(0x82, 0x40, 0x81, 0x61, 'a'),	     /* a name alone */
	ROW(0x82, 0x40, 0x82, 0x61, 'a', 0x41, 'b'), /* a value of bytes */
	ROW(0x82, 0x40, 0x80, 0x00),		     /* more behind it */
	ROW(0x82, 0x40),			     /* cut */
	ROW(0x82, 0x58, 0x00, 0x80),	   /* not the shortest length */
	ROW(0x82, 0x5f, 0xff, 0x80),	   /* no definite length */
	ROW(0x82, 0x40, 0x99, 0x02, 0x02), /* more fields than there may be */
};

START_TEST(reads_its_own_rows_only)
{
	const struct damaged *d = &damaged[_i];
	struct kept k;

	unit_refused(kept_read((struct span){ d->bytes, d->len }, &k, &err),
		     PV_INTEGRITY, "store.edited", &err);
}
END_TEST

/* ---- with a store ---- */

static enum pv_code load(const char *device, struct buf *row, struct kept *k)
{
	struct store_device d;
	OPENED o;

	err_init(&err);
	buf_init(row, KEPT_MAX);
	fix_open(&o, false);
	issued_get(&o, device, &d);
	return kept_load(o.store, &d, row, k, &err);
}

START_TEST(loads_what_the_log_has)
{
	EVP_PKEY *key = issued_cert("U0001");
	struct buf row;
	struct kept k;

	unit_ok(load("U0001", &row, &k), &err);
	ck_assert_uint_eq(k.fields_n, 1);
	ck_text(&k.fields[0].name, "lot");
	ck_text(&k.fields[0].value, "L1");
	buf_release(&row);
	/* Where the template does not rotate, nothing is kept. */
	issued_kdf("K0001");
	unit_ok(load("K0001", &row, &k), &err);
	ck_assert(row.len == 0 && k.fields_n == 0);
	EVP_PKEY_free(key);
}
END_TEST

#define OF " where number = (select number from device where device = '%s')"
static const struct edit {
	bool kdf;
	const char *sql;
} edits[] = {
	{ false, "update kept set bytes = x'824080'" OF },
	{ false, "update kept set bytes = cast(bytes || x'00' as blob)" OF },
	{ false, "delete from kept" OF },
	{ true, "insert into kept select number, x'824080' from device "
		"where device = '%s'" },
};

START_TEST(finds_a_row_that_was_edited)
{
	char device[16], sql[400];
	struct buf row;
	struct kept k;

	snprintf(device, sizeof(device), "%c001%d", edits[_i].kdf ? 'K' : 'U',
		 _i);
	if (edits[_i].kdf)
		issued_kdf(device);
	else
		EVP_PKEY_free(issued_cert(device));
	snprintf(sql, sizeof(sql), edits[_i].sql, device);
	issued_sql(sql);
	unit_refused(load(device, &row, &k), PV_INTEGRITY, "store.edited",
		     &err);
	buf_release(&row);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kept");
	TCase *tc = tcase_create("rows"), *store = tcase_create("store");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, keeps_nothing_of_nothing);
	tcase_add_loop_test(tc, keeps_key_and_fields_in_order, 1, 4);
	tcase_add_test(tc, refuses_what_is_too_long);
	tcase_add_loop_test(tc, reads_its_own_rows_only, 0,
			    sizeof(damaged) / sizeof(*damaged));
	suite_add_tcase(s, tc);
	tcase_set_timeout(store, 60);
	tcase_add_unchecked_fixture(store, issued_make_base, NULL);
	tcase_add_checked_fixture(store, setup, NULL);
	tcase_add_test(store, loads_what_the_log_has);
	tcase_add_loop_test(store, finds_a_row_that_was_edited, 0,
			    sizeof(edits) / sizeof(*edits));
	suite_add_tcase(s, store);
	return unit_run(s);
}
