#include "tests/unit/unit.h"

#include <string.h>

#include "lib/base/base64.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* RFC 4648 10, and two values that use '+' and '/'. */
static const struct {
	const char *bytes;
	const char *text;
} known[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xFB\xEF\xBE", "++++" },
	{ "\xFF\xFF\xFF", "////" },
};

START_TEST(known_answers)
{
	for (size_t i = 0; i < COUNT(known); i++) {
		size_t n = strlen(known[i].bytes);
		uint8_t back[8];
		char text[16];
		size_t len = 99;

		base64_encode((const uint8_t *)known[i].bytes, n, text);
		ck_assert_str_eq(text, known[i].text);
		ck_assert_uint_eq(strlen(text), BASE64_LEN(n));
		ck_assert(base64_decode(text, strlen(text), back, n, &len));
		ck_assert_uint_eq(len, n);
		ck_assert_mem_eq(back, known[i].bytes, n);
	}
}
END_TEST

START_TEST(refusals)
{
	static const char *const wrong[] = {
		"Z",	    "Zg",	"Zg=",	"Zm8",	"=",	  "==",
		"====",	    "Z===",	"Zh==", "Zm9=", "Zm9v\n", " Zm9v",
		"Zm 9v",    "Zg==Zg==", "Zm9-", "Zm9_", "Zm=v",	  "Z\0==",
		"Zm9vY===", "A=A=",	"Zg=A",
	};
	uint8_t out[16];
	size_t len = 99;

	for (size_t i = 0; i < COUNT(wrong); i++)
		if (base64_decode(wrong[i], strlen(wrong[i]), out, sizeof(out),
				  &len) ||
		    len != 99)
			ck_abort_msg("\"%s\" accepted", wrong[i]);
	ck_assert(!base64_decode("Z\0==", 4, out, sizeof(out), &len));
	ck_assert(!base64_decode("Zm9vYg==", 8, out, 3, &len));
	ck_assert_uint_eq(len, 99);
}
END_TEST

/* Every text of one group decodes at most to what encodes back to it. */
START_TEST(one_text_a_value)
{
	static const char chars[] = "AQgwZ/+9=\n-";
	size_t accepted = 0;

	for (size_t i = 0; i < 11 * 11 * 11 * 11; i++) {
		char s[5] = { chars[i % 11], chars[i / 11 % 11],
			      chars[i / 121 % 11], chars[i / 1331], 0 };
		uint8_t out[3];
		char again[5];
		size_t len;

		if (!base64_decode(s, 4, out, sizeof(out), &len))
			continue;
		base64_encode(out, len, again);
		ck_assert_str_eq(again, s);
		accepted++;
	}
	ck_assert_uint_gt(accepted, 8 * 8 * 8 * 8);
}
END_TEST

START_TEST(all_lengths)
{
	uint8_t in[256], out[256];
	char text[BASE64_LEN(sizeof(in)) + 1];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 151 + 7);
	for (size_t n = 0; n <= sizeof(in); n++) {
		size_t len;

		base64_encode(in, n, text);
		ck_assert(base64_decode(text, strlen(text), out, sizeof(out),
					&len));
		ck_assert_uint_eq(len, n);
		ck_assert_mem_eq(in, out, n);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base64");
	TCase *tc = tcase_create("base64");

	tcase_add_test(tc, known_answers);
	tcase_add_test(tc, refusals);
	tcase_add_test(tc, one_text_a_value);
	tcase_add_test(tc, all_lengths);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
