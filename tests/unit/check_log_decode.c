/* Entries from outside: lib/log/entry.c, decoding. */
#include <stdio.h>
#include <string.h>

#include "lib/log/entry.h"
#include "tests/unit/unit.h"

static const struct {
	const char *why, *hex;
} bad_entries[] = {
	{ "empty", "" },
	{ "cut", "a50161740201036161" },
	{ "trailing", "a50161740201036161"
		      "04616f05a000" },
	{ "four fields", "a4016174020103616104616f" },
	{ "six fields", "a6016174020103616104616f05a00600" },
	{ "fields out of order", "a502010161740361610461"
				 "6f05a0" },
	{ "time is text", "a501617402617803616104616f05a0" },
	{ "time too long", "a50161740218010361610461"
			   "6f05a0" },
	{ "type is bytes", "a5014174020103616104616f05a0" },
	{ "facts is an array", "a5016174020103616104616f0580" },
	{ "fact is an array", "a5016174020103616104616f05a1616b80" },
	{ "fact is negative", "a5016174020103616104616f05a1616b20" },
	{ "fact is null", "a5016174020103616104616f05a1616bf6" },
	{ "fact key is a number", "a5016174020103616104616f05a10101" },
	{ "facts unsorted", "a5016174020103616104616f05a2616200616100" },
	{ "fact twice", "a5016174020103616104616f05a2616100616100" },
	{ "indefinite", "bf016174020103616104616f05a0ff" },
	{ "control character", "a5016174020103610a04616f05a0" },
	{ "bidi in a fact", "a5016174020103616104616f05a1616b63e280ae" },
	{ "type in capitals", "a5016154020103616104616f05a0" },
	{ "fact not UTF-8", "a5016174020103616104616f05a1616b62c328" },
	{ "key not UTF-8", "a5016174020103616104616f05a161ff00" },
	{ "actor is half a character", "a50161740201036261c304616f05a0" },
	{ "object of a surrogate", "a501617402010361610463eda08005a0" },
	{ "overlong character", "a50161740201036161046161"
				"05a1616b62c1bf" },
	{ "longer key first", "a5016174020103616104616f05a262616100616200" },
	{ "key with a long head", "a5016174020103616104616f05a178016b00" },
	{ "key beyond the end", "a5016174020103616104616f05a1656b00" },
	{ "number with a long head", "a5016174020103616104616f05a1616b1817" },
	{ "DEL", "a5016174020103617f04616f05a0" },
	{ "LF in an actor of nine", "a501617402010369616161616161610a61"
				    "04616f05a0" },
	{ "empty object", "a50161740201036161046005a0" },
	{ "25 facts", "a5016174020103616104616f05b81961610061620061630061640061"
		      "6500616600616700616800616900616a00616b00616c00616d00616e"
		      "00616f00617000617100617200617300617400617500617600617700"
		      "617800617900" },
};

START_TEST(test_decode_refuses)
{
	uint8_t bytes[256];
	size_t len = strlen(bad_entries[_i].hex) / 2;
	struct span s = { bytes, len };
	struct log_entry e;
	struct err err;

	err_init(&err);
	ck_assert(hex_decode(bad_entries[_i].hex, bytes, len));
	unit_refused(log_entry_decode(s, &e, &err), PV_INTEGRITY, "log.entry",
		     &err);
	ck_assert_uint_eq(e.facts_n, 0);
	ck_assert(e.type.p == NULL);
}
END_TEST

/* Whatever one byte of it is made: what decodes is what would be written. */
START_TEST(test_every_byte)
{
	struct log_entry e = { .type = log_str("cert.intent"),
			       .time_ms = 1750000000000,
			       .actor = log_str("os:1000"),
			       .object = log_str("01ab") };
	struct log_entry d;
	struct buf b, again;

	log_fact_str(&e, "device", "ACME-0123456789");
	log_fact_bytes(&e, "tbs", (const uint8_t *)"0123456789abcdef", 16);
	log_fact_uint(&e, "seq", 70000);
	log_fact_str(&e, "station", "l\xc3\xadnea 1");
	buf_init(&b, LOG_ENTRY_MAX);
	UNIT_OK(log_entry_encode(&e, &b, &err_));
	buf_init(&again, LOG_ENTRY_MAX);
	for (size_t i = 0; i < b.len; i++) {
		uint8_t was = b.data[i];

		for (unsigned v = 0; v < 256; v++) {
			b.data[i] = (uint8_t)v;
			if (log_entry_decode(buf_span(&b), &d, NULL) != PV_OK)
				continue;
			buf_reset(&again);
			UNIT_OK(log_entry_encode(&d, &again, &err_));
			ck_assert(span_equal(buf_span(&again), buf_span(&b)));
		}
		b.data[i] = was;
	}
	buf_release(&again);
	buf_release(&b);
}
END_TEST

START_TEST(test_time_refuses)
{
	uint64_t t;
	struct span none = { NULL, 0 };
	struct span junk = { (const uint8_t *)"\xa5\x01\x61t\x03", 5 };
	static uint8_t large[LOG_ENTRY_MAX + 1] = { 0xa5, 1, 0x61, 't', 2, 1 };
	struct span s = { large, LOG_ENTRY_MAX };

	ck_assert(!log_entry_time(none, &t));
	ck_assert(!log_entry_time(junk, &t));
	ck_assert(log_entry_time(s, &t));
	s.len++;
	ck_assert(!log_entry_time(s, &t));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log_decode");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, test_decode_refuses, 0,
			    sizeof(bad_entries) / sizeof(bad_entries[0]));
	tcase_add_test(t, test_every_byte);
	tcase_add_test(t, test_time_refuses);
	suite_add_tcase(s, t);
	return unit_run(s);
}
