#include <string.h>

#include "policy/oid.h"
#include "tests/unit/unit.h"

/* DER contents from X.690 8.19.5 and RFC 5280. */
static const struct {
	const char *dotted, *hex;
} good[] = {
	{ "2.999.3", "883703" },
	{ "2.5.4.3", "550403" },
	{ "1.2.840.113549.1.9.1", "2a864886f70d010901" },
	{ "1.3.6.1.4.1.37244.2.1", "2b0601040182a27c0201" },
	{ "2.23.133.1.2", "6781050102" },
	{ "0.0", "00" },
	{ "0.39", "27" },
	{ "1.0", "28" },
	{ "1.39", "4f" },
	{ "2.0", "50" },
	{ "2.9223372036854775727", "ffffffffffffffff7f" },
	{ "1.2.9223372036854775807", "2affffffffffffffff7f" },
};

static const char *const bad[] = {
	"",
	"1",
	"3.1",
	"1.40",
	"0.40",
	"1.2.",
	".1.2",
	"1..2",
	"1.2.03",
	"01.2",
	"1.2.-3",
	"1.2.3 ",
	" 1.2.3",
	"1.2,3",
	"a.b",
	"1.2.3.x",
	"1.2.9223372036854775808",
	"2.9223372036854775728",
	"1.2.99999999999999999999999999",
	"1.2.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1"
};

START_TEST(test_good)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct oid oid;
		char hex[2 * OID_DER_MAX + 1];
		char text[128];

		ck_assert_msg(policy_oid_parse(good[i].dotted, &oid), "%s",
			      good[i].dotted);
		hex_encode(oid.der, oid.len, hex);
		ck_assert_str_eq(hex, good[i].hex);
		ck_assert(policy_oid_format(&oid, text, sizeof(text)));
		ck_assert_str_eq(text, good[i].dotted);
		ck_assert(policy_oid_is(&oid, good[i].dotted));
	}
}
END_TEST

START_TEST(test_bad)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct oid oid = { { 0x2a }, 1 };

		ck_assert_msg(!policy_oid_parse(bad[i], &oid), "%s", bad[i]);
		ck_assert_uint_eq(oid.len, 1);
		ck_assert_uint_eq(oid.der[0], 0x2a);
	}
}
END_TEST

START_TEST(test_format_bounds)
{
	struct oid oid;
	struct oid broken = { { 0x2a, 0x86 }, 2 };
	struct oid padded = { { 0x2a, 0x80, 0x01 }, 3 };
	struct oid empty = { { 0 }, 0 };
	char text[64];

	ck_assert(policy_oid_parse("1.2.3", &oid));
	ck_assert(policy_oid_format(&oid, text, 6));
	for (size_t cap = 0; cap < 6; cap++)
		ck_assert(!policy_oid_format(&oid, text, cap));
	ck_assert(!policy_oid_format(&broken, text, sizeof(text)));
	ck_assert(!policy_oid_format(&padded, text, sizeof(text)));
	ck_assert(!policy_oid_format(&empty, text, sizeof(text)));
	ck_assert(!policy_oid_equal(&oid, &empty));
	ck_assert(policy_oid_equal(&oid, &oid));
	ck_assert(!policy_oid_is(&oid, "1.2.4"));
	ck_assert(!policy_oid_is(&oid, "nonsense"));
}
END_TEST

/* 32 bytes fit, 33 do not. */
START_TEST(test_length)
{
	char s[3 + 2 * OID_DER_MAX + 1] = "1.2";
	struct oid oid;

	for (size_t i = 1; i < OID_DER_MAX; i++)
		memcpy(s + 1 + 2 * i, ".1", 2);
	ck_assert(policy_oid_parse(s, &oid));
	ck_assert_uint_eq(oid.len, OID_DER_MAX);
	memcpy(s + strlen(s), ".1", 2);
	ck_assert(!policy_oid_parse(s, &oid));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy_oid");
	TCase *t = tcase_create("policy_oid");

	tcase_add_test(t, test_good);
	tcase_add_test(t, test_bad);
	tcase_add_test(t, test_format_bounds);
	tcase_add_test(t, test_length);
	suite_add_tcase(s, t);
	return unit_run(s);
}
