#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/pvtime.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	int64_t time_s;
	const char *rfc3339;
	const char *asn1;
	bool generalized;
} edges[] = {
	{ 0, "1970-01-01T00:00:00Z", "700101000000Z", false },
	{ 1, "1970-01-01T00:00:01Z", "700101000001Z", false },
	{ 86399, "1970-01-01T23:59:59Z", "700101235959Z", false },
	{ 68169599, "1972-02-28T23:59:59Z", "720228235959Z", false },
	{ 68169600, "1972-02-29T00:00:00Z", "720229000000Z", false },
	{ 68256000, "1972-03-01T00:00:00Z", "720301000000Z", false },
	{ 946684799, "1999-12-31T23:59:59Z", "991231235959Z", false },
	{ 946684800, "2000-01-01T00:00:00Z", "000101000000Z", false },
	{ 951782400, "2000-02-29T00:00:00Z", "000229000000Z", false },
	{ 951868800, "2000-03-01T00:00:00Z", "000301000000Z", false },
	{ 1000000000, "2001-09-09T01:46:40Z", "010909014640Z", false },
	{ 2147483647, "2038-01-19T03:14:07Z", "380119031407Z", false },
	{ 2147483648, "2038-01-19T03:14:08Z", "380119031408Z", false },
	{ 2524607999, "2049-12-31T23:59:59Z", "491231235959Z", false },
	{ 2524608000, "2050-01-01T00:00:00Z", "20500101000000Z", true },
	{ 4107542399, "2100-02-28T23:59:59Z", "21000228235959Z", true },
	{ 4107542400, "2100-03-01T00:00:00Z", "21000301000000Z", true },
	{ 4294967296, "2106-02-07T06:28:16Z", "21060207062816Z", true },
	{ 13574563200, "2400-02-29T00:00:00Z", "24000229000000Z", true },
	{ PVTIME_MAX, "9999-12-31T23:59:59Z", "99991231235959Z", true },
};

START_TEST(known)
{
	for (size_t i = 0; i < COUNT(edges); i++) {
		char text[PVTIME_RFC3339_LEN + 1];
		char asn1[PVTIME_GENERALIZED_LEN + 1];
		bool generalized = !edges[i].generalized;
		int64_t back = -1;

		ck_assert(pvtime_format(edges[i].time_s, text));
		ck_assert_str_eq(text, edges[i].rfc3339);
		ck_assert(pvtime_parse(text, strlen(text), &back));
		ck_assert(back == edges[i].time_s);
		ck_assert(pvtime_asn1(edges[i].time_s, asn1, &generalized));
		ck_assert_str_eq(asn1, edges[i].asn1);
		ck_assert(generalized == edges[i].generalized);
		ck_assert_uint_eq(strlen(asn1), generalized
							? PVTIME_GENERALIZED_LEN
							: PVTIME_UTC_LEN);
		ck_assert(pvtime_parse_asn1(asn1, strlen(asn1), generalized,
					    &back));
		ck_assert(back == edges[i].time_s);
		ck_assert(pvtime_generalized(edges[i].time_s, asn1));
		ck_assert(pvtime_parse_asn1(asn1, strlen(asn1), true, &back));
		ck_assert(back == edges[i].time_s);
	}
}
END_TEST

/* Days of libc and ours: each one to 2123, then each 29th, a moving second. */
START_TEST(many_days)
{
	int64_t step = 1;

	for (int64_t day = 0; day <= PVTIME_MAX / 86400; day += step) {
		int64_t t = day * 86400 + day * 7919 % 86400;
		time_t libc_time = (time_t)t;
		struct pvtime_civil c;
		struct tm tm;
		int64_t back;

		ck_assert(gmtime_r(&libc_time, &tm) != NULL);
		if (!pvtime_split(t, &c) || !pvtime_join(&c, &back) ||
		    back != t || (int)c.year != tm.tm_year + 1900 ||
		    (int)c.month != tm.tm_mon + 1 || (int)c.day != tm.tm_mday ||
		    (int)c.hour != tm.tm_hour || (int)c.minute != tm.tm_min ||
		    (int)c.second != tm.tm_sec)
			ck_abort_msg("wrong at %lld", (long long)t);
		step = c.year < 2124 ? 1 : 29;
	}
}
END_TEST

START_TEST(zone_does_not_matter)
{
	char text[PVTIME_RFC3339_LEN + 1];
	int64_t t;

	ck_assert_int_eq(setenv("TZ", "Pacific/Kiritimati", 1), 0);
	tzset();
	ck_assert(pvtime_format(0, text));
	ck_assert_str_eq(text, "1970-01-01T00:00:00Z");
	ck_assert(pvtime_parse(text, strlen(text), &t));
	ck_assert(t == 0);
}
END_TEST

START_TEST(out_of_range)
{
	static const int64_t wrong[] = { -1, INT64_MIN, PVTIME_MAX + 1,
					 INT64_MAX };

	for (size_t i = 0; i < COUNT(wrong); i++) {
		char out[PVTIME_RFC3339_LEN + 1] = "kept";
		struct pvtime_civil c = { 1, 2, 3, 4, 5, 6 };
		bool generalized = true;

		ck_assert(!pvtime_split(wrong[i], &c));
		ck_assert_uint_eq(c.year, 1);
		ck_assert(!pvtime_format(wrong[i], out));
		ck_assert(!pvtime_asn1(wrong[i], out, &generalized));
		ck_assert(!pvtime_generalized(wrong[i], out));
		ck_assert_str_eq(out, "kept");
	}
}
END_TEST

START_TEST(bad_text)
{
	static const char *const wrong[] = {
		"",
		"2024-01-01T00:00:00",
		"2024-01-01T00:00:00z",
		"2024-01-01t00:00:00Z",
		"2024-01-01 00:00:00Z",
		"2024-01-01T00:00:00ZZ",
		" 2024-01-01T00:00:00Z",
		"2024-01-01T00:00:00.0Z",
		"2024-01-01T00:00+00:00",
		"2024-01-01T00:00:00+00:00",
		"2024/01/01T00:00:00Z",
		"2024-01-01T00-00-00Z",
		"+024-01-01T00:00:00Z",
		"2024- 1-01T00:00:00Z",
		"2024-0x-01T00:00:00Z",
		"1969-12-31T23:59:59Z",
		"0000-01-01T00:00:00Z",
		"2024-00-01T00:00:00Z",
		"2024-13-01T00:00:00Z",
		"2024-01-00T00:00:00Z",
		"2024-01-32T00:00:00Z",
		"2024-04-31T00:00:00Z",
		"2023-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z",
		"2024-02-30T00:00:00Z",
		"2024-01-01T24:00:00Z",
		"2024-01-01T00:60:00Z",
		"2016-12-31T23:59:60Z",
	};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		int64_t t = -7;

		if (pvtime_parse(wrong[i], strlen(wrong[i]), &t) || t != -7)
			ck_abort_msg("%s accepted", wrong[i]);
	}
}
END_TEST

START_TEST(bad_asn1)
{
	static const struct {
		const char *text;
		bool generalized;
	} wrong[] = {
		{ "", false },
		{ "", true },
		{ "240101000000", false },
		{ "2401010000Z", false },
		{ "240101000000+0000", false },
		{ "20240101000000Z", false },
		{ "690101000000Z", false },
		{ "500101000000Z", false },
		{ "230229000000Z", false },
		{ "240101000060Z", false },
		{ "24010100000xZ", false },
		{ "240101000000z", false },
		{ "240101000000Z", true },
		{ "20240101000000", true },
		{ "20240101000000.5Z", true },
		{ "202401010000Z", true },
		{ "20240101000000z", true },
		{ "19691231235959Z", true },
		{ "20241301000000Z", true },
		{ "20240101240000Z", true },
	};
	int64_t t = -7;

	for (size_t i = 0; i < COUNT(wrong); i++)
		if (pvtime_parse_asn1(wrong[i].text, strlen(wrong[i].text),
				      wrong[i].generalized, &t) ||
		    t != -7)
			ck_abort_msg("%s accepted", wrong[i].text);
	/* GeneralizedTime for an early date is the caller's question */
	ck_assert(pvtime_parse_asn1("20240229120000Z", 15, true, &t));
	ck_assert(t == 1709208000);
}
END_TEST

START_TEST(join_checks)
{
	static const struct pvtime_civil wrong[] = {
		{ 1969, 12, 31, 0, 0, 0 }, { 10000, 1, 1, 0, 0, 0 },
		{ 2024, 0, 1, 0, 0, 0 },   { 2024, 13, 1, 0, 0, 0 },
		{ 2024, 1, 0, 0, 0, 0 },   { 2024, 6, 31, 0, 0, 0 },
		{ 2024, 1, 1, 24, 0, 0 },  { 2024, 1, 1, 0, 60, 0 },
		{ 2024, 1, 1, 0, 0, 60 },  { 2024, UINT32_MAX, 1, 0, 0, 0 },
	};
	int64_t t = -7;

	for (size_t i = 0; i < COUNT(wrong); i++)
		ck_assert(!pvtime_join(&wrong[i], &t));
	ck_assert(t == -7);
}
END_TEST

START_TEST(now)
{
	int64_t before = (int64_t)time(NULL);
	int64_t s = pvtime_now_s();
	int64_t ms = pvtime_now_ms();
	int64_t mono = pvtime_mono_ms();

	ck_assert(s >= before && s <= before + 60);
	ck_assert(ms / 1000 >= s && ms / 1000 <= s + 60);
	ck_assert(mono >= 0 && pvtime_mono_ms() >= mono);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pvtime");
	TCase *tc = tcase_create("pvtime");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, known);
	tcase_add_test(tc, many_days);
	tcase_add_test(tc, zone_does_not_matter);
	tcase_add_test(tc, out_of_range);
	tcase_add_test(tc, bad_text);
	tcase_add_test(tc, bad_asn1);
	tcase_add_test(tc, join_checks);
	tcase_add_test(tc, now);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
