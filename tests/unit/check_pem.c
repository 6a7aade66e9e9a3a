#include <string.h>

#include "lib/base/pem.h"
#include "tests/unit/unit.h"

static enum pv_code decode(const char *text, struct buf *der, struct err *e)
{
	struct span s = { (const uint8_t *)text, strlen(text) };

	err_init(e);
	buf_init(der, 200);
	return pem_decode(s, "PUBLIC KEY", der, e);
}

START_TEST(round_trip)
{
	uint8_t bytes[100];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t n = 1; n <= sizeof(bytes); n++) {
		struct span der = { bytes, n };
		struct buf text, back;
		struct err e;

		buf_init(&text, 1000);
		pem_encode(&text, "PUBLIC KEY", der);
		ck_assert_int_eq(decode(buf_cstr(&text), &back, &e), PV_OK);
		ck_assert(span_equal(buf_span(&back), der));
		ck_assert(pem_is(buf_span(&text), "PUBLIC KEY"));
		ck_assert(!pem_is(buf_span(&text), "PUBLIC"));
		buf_release(&text);
		buf_release(&back);
	}
}
END_TEST

START_TEST(refusals)
{
	static const char *const bad[] = {
		"",
		"x",
		"-----BEGIN PUBLIC KEY-----",
		"-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----",
		"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE "
		"KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\nAAA\n-----END PUBLIC KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\nA*AA\n-----END PUBLIC KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\nx",
		"x-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\nA: b\n\nAAAA\n-----END PUBLIC "
		"KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
		"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct buf der;
		struct err e;

		unit_refused(decode(bad[i], &der, &e), PV_INPUT, "pem.format",
			     &e);
		ck_assert_uint_eq(der.len, 0);
		buf_release(&der);
	}
}
END_TEST

START_TEST(white_space_around)
{
	struct buf der;
	struct err e;

	ck_assert_int_eq(decode("\r\n \t-----BEGIN PUBLIC KEY-----\r\nAA AA\r\n"
				"-----END PUBLIC KEY-----\n\n",
				&der, &e),
			 PV_OK);
	ck_assert_uint_eq(der.len, 3);
	buf_release(&der);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pem");
	TCase *t = tcase_create("pem");

	tcase_add_test(t, round_trip);
	tcase_add_test(t, refusals);
	tcase_add_test(t, white_space_around);
	suite_add_tcase(s, t);
	return unit_run(s);
}
