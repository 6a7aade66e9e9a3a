#include "policy/orderfile.h"

#include <string.h>

#include "tests/unit/casefiles.h"

#define DIGEST                                                                 \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SMALLEST                                                               \
	"{\"order\":\"o-1\",\"template\":\"acme\",\"version\":3,"              \
	"\"template_sha256\":\"" DIGEST "\",\"quantity\":1"

static enum pv_code parse(const char *text, struct order *o, struct err *err)
{
	struct span s = { (const uint8_t *)text, strlen(text) };

	err_init(err);
	return order_parse(s, o, err);
}

static enum pv_code parse_case(struct span text, struct err *err)
{
	static const struct order zero;
	struct order o;
	enum pv_code rc = order_parse(text, &o, err);

	ck_assert(!o.open);
	if (rc != PV_OK)
		ck_assert_mem_eq(&o, &zero, sizeof(o));
	return rc;
}

START_TEST(smallest)
{
	uint8_t digest[32];
	struct order o;
	struct err err;

	unit_ok(parse(SMALLEST "}", &o, &err), &err);
	ck_assert_str_eq(o.id, "o-1");
	ck_assert_str_eq(o.template_name, "acme");
	ck_assert_uint_eq(o.version, 3);
	ck_assert(hex_decode(DIGEST, digest, sizeof(digest)));
	ck_assert_mem_eq(o.template_sha256, digest, sizeof(digest));
	ck_assert_uint_eq(o.quantity, 1);
	ck_assert_uint_eq(o.rework, 0);
	ck_assert_uint_eq(o.stations_n, 0);
	ck_assert(!o.from_s && !o.until_s && !o.per_hour);
	ck_assert(!o.hours && !o.offline && !o.open);
}
END_TEST

START_TEST(whole)
{
	struct order o;
	struct err err;

	unit_ok(parse(SMALLEST
		      ",\"rework\":1000000000,\"offline\":true,"
		      "\"stations\":[\"line-*\",\"lab\",\"*-2\"],"
		      "\"station_keys\":{\"alice\":\"alice+e307eaa9+"
		      "AUy2hqMn/O6bO3YFI5t8BLJ8pVaMRiTjiglDaROtWhPD\"},"
		      "\"from\":\"2026-01-01T00:00:00Z\","
		      "\"until\":\"2026-01-01T00:00:01Z\","
		      "\"per_hour\":500,\"hours_utc\":\"22:00-06:00\"}",
		      &o, &err),
		&err);
	ck_assert_uint_eq(o.rework, 1000000000);
	ck_assert_uint_eq(o.stations_n, 3);
	ck_assert_str_eq(o.stations[2], "*-2");
	ck_assert_uint_eq(o.keyed_n, 1);
	ck_assert_str_eq(o.keyed[0].name, "alice");
	ck_assert_int_eq(o.keyed[0].key.type, NOTE_ED25519);
	ck_assert_uint_eq(o.from_s, 1767225600);
	ck_assert_uint_eq(o.until_s, 1767225601);
	ck_assert_uint_eq(o.per_hour, 500);
	ck_assert(o.hours && o.offline);
	ck_assert_uint_eq(o.from_min, 22 * 60);
	ck_assert_uint_eq(o.to_min, 6 * 60);
}
END_TEST

/* What is approved are the bytes, not what they say. */
START_TEST(digest_of_bytes)
{
	struct order a, b;
	struct err err;

	unit_ok(parse(SMALLEST "}", &a, &err), &err);
	unit_ok(parse(SMALLEST "}", &b, &err), &err);
	ck_assert_mem_eq(a.sha256, b.sha256, 32);
	unit_ok(parse(SMALLEST " }", &b, &err), &err);
	ck_assert_mem_ne(a.sha256, b.sha256, 32);
}
END_TEST

START_TEST(edges)
{
	struct order o;
	struct err err;

	unit_ok(parse("{\"order\":\"o\",\"template\":\"t\","
		      "\"version\":2147483647,\"template_sha256\":\"" DIGEST
		      "\",\"quantity\":1000000000,\"hours_utc\":"
		      "\"00:00-24:00\",\"from\":\"1970-01-01T00:00:01Z\"}",
		      &o, &err),
		&err);
	ck_assert_uint_eq(o.quantity, ORDER_QUANTITY_MAX);
	ck_assert_uint_eq(o.to_min, 1440);
	ck_assert_uint_eq(o.from_s, 1);
	unit_ok(parse(SMALLEST ",\"until\":\"9999-12-31T23:59:59Z\"}", &o,
		      &err),
		&err);
	ck_assert_uint_eq(o.until_s, 253402300799);
}
END_TEST

START_TEST(invalid_files)
{
	casefiles_refused("order", 41, parse_case);
}
END_TEST

START_TEST(shipped)
{
	struct order o;
	struct buf b;

	unit_read("../../templates/examples/order.json", &b);
	UNIT_OK(order_parse(buf_span(&b), &o, &err_));
	ck_assert_uint_eq(o.quantity, 1000);
	buf_release(&b);
}
END_TEST

START_TEST(strict)
{
	json_t *root = json_loads(
		SMALLEST ",\"rework\":1,\"offline\":true,\"stations\":[\"a\"],"
			 "\"from\":\"2026-01-01T00:00:00Z\","
			 "\"until\":\"2026-02-01T00:00:00Z\",\"per_hour\":1,"
			 "\"hours_utc\":\"22:00-06:00\"}",
		0, NULL);

	ck_assert_ptr_nonnull(root);
	casefiles_strict(root, parse_case);
	json_decref(root);
}
END_TEST

START_TEST(size)
{
	struct order o;
	struct buf b;
	struct err err;

	buf_init(&b, ORDER_SIZE_MAX * 2);
	buf_put_str(&b, SMALLEST "}");
	while (b.len < ORDER_SIZE_MAX)
		buf_put_u8(&b, ' ');
	err_init(&err);
	unit_ok(order_parse(buf_span(&b), &o, &err), &err);
	buf_put_u8(&b, ' ');
	unit_refused(order_parse(buf_span(&b), &o, &err), PV_INPUT, "json.size",
		     &err);
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("orderfile");
	TCase *t = tcase_create("orderfile");

	tcase_add_test(t, smallest);
	tcase_add_test(t, whole);
	tcase_add_test(t, digest_of_bytes);
	tcase_add_test(t, edges);
	tcase_add_test(t, invalid_files);
	tcase_add_test(t, shipped);
	tcase_add_test(t, strict);
	tcase_add_test(t, size);
	suite_add_tcase(s, t);
	return unit_run(s);
}
