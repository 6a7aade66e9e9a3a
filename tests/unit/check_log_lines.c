#include <string.h>

#include "lib/log/lines.h"
#include "lib/log/proof.h"
#include "tests/unit/unit.h"

static struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

START_TEST(test_lines)
{
	struct span rest = span_of("one\n\ntwo");
	struct span line, word;

	ck_assert(lines_next(&rest, &line) && span_is(line, "one"));
	ck_assert(lines_after(line, "on", &word) && span_is(word, "e"));
	ck_assert(lines_after(line, "one", &word) && word.len == 0);
	ck_assert(!lines_after(line, "ones", &word));
	ck_assert(lines_next(&rest, &line) && line.len == 0);
	ck_assert(!lines_next(&rest, &line));
	ck_assert(span_is(rest, "two"));
	rest = (struct span){ NULL, 0 };
	ck_assert(!lines_next(&rest, &line));
}
END_TEST

START_TEST(test_numbers)
{
	static const struct {
		const char *text;
		uint64_t v;
	} good[] = {
		{ "0", 0 },
		{ "9", 9 },
		{ "10", 10 },
		{ "1099511627776", UINT64_C(1) << 40 },
		{ "9223372036854775807", LOG_SIZE_MAX - 1 },
	};
	static const char *const bad[] = {
		"",
		"00",
		"01",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1e3",
		"0x1",
		"1\xD9\xA1",
		"9223372036854775808",
		"9999999999999999999",
		"18446744073709551616",
		"100000000000000000000000000000000000000000",
	};
	uint64_t v;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert(lines_number(span_of(good[i].text), &v));
		ck_assert_uint_eq(v, good[i].v);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!lines_number(span_of(bad[i]), &v), "%s", bad[i]);
}
END_TEST

START_TEST(test_hashes)
{
	uint8_t hash[LOG_HASH];
	uint8_t again[LOG_HASH];
	struct buf b;

	for (size_t i = 0; i < LOG_HASH; i++)
		hash[i] = (uint8_t)(7 * i);
	buf_init(&b, LINES_HASH);
	lines_put_hash(&b, hash);
	ck_assert_uint_eq(b.len, LINES_HASH);
	ck_assert(lines_hash(buf_span(&b), again));
	ck_assert_mem_eq(hash, again, LOG_HASH);
	b.len--;
	ck_assert(!lines_hash(buf_span(&b), again));
	b.len++;
	b.data[42]++; /* a spare bit: another text of the same bytes */
	ck_assert(!lines_hash(buf_span(&b), again));
	memset(b.data, 'A', b.len);
	ck_assert(!lines_hash(buf_span(&b), again)); /* 33 bytes */
	memset(b.data + 42, '=', 2);
	ck_assert(!lines_hash(buf_span(&b), again)); /* 31 bytes */
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log_lines");
	TCase *t = tcase_create("all");

	tcase_add_test(t, test_lines);
	tcase_add_test(t, test_numbers);
	tcase_add_test(t, test_hashes);
	suite_add_tcase(s, t);
	return unit_run(s);
}
