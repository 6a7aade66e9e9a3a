#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/json.h"
#include "lib/base/pvtime.h"
#include "lib/flow/audit_line.h"

#include "lib/log/claim.h"
#include "lib/log/events.h"
#include "tests/unit/unit.h"

CLEANUP_PTR(struct json_doc, json_doc_free);

static struct log_entry entry(const char *object)
{
	struct log_entry e;

	memset(&e, 0, sizeof(e));
	e.type = log_str("cert.issue");
	e.time_ms = UINT64_C(1769903999007);
	e.actor = log_str("os:0");
	e.object = log_str(object);
	return e;
}

static void ck_text(const struct log_entry *e, const char *want)
{
	CLEANUP(buf_release) struct buf out;

	buf_init(&out, AUDIT_LINE_MAX + 1);
	UNIT_OK(audit_line_text(17, e, &out, &err_));
	ck_assert_str_eq(buf_cstr(&out), want);
}

static void ck_json(const struct log_entry *e, const char *want)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	CLEANUP(buf_release) struct buf out;
	struct span line;

	buf_init(&out, AUDIT_LINE_MAX + 1);
	UNIT_OK(audit_line_json(17, e, &out, &err_));
	if (want)
		ck_assert_str_eq(buf_cstr(&out), want);
	line = buf_span(&out);
	ck_assert_int_eq(line.p[line.len - 1], '\n');
	ck_assert_ptr_null(memchr(line.p, '\n', line.len - 1));
	UNIT_OK(json_parse(line, &doc, &err_));
}

START_TEST(test_facts)
{
	static const uint8_t bytes[] = { 0x00, 0xab, 0xff };
	struct log_entry e = entry("01ab");

	ck_text(&e, "2026-01-31T23:59:59.007Z       17  cert.issue         "
		    "os:0     01ab\n");
	ck_json(&e, "{\"index\":17,\"time\":\"2026-01-31T23:59:59.007Z\","
		    "\"type\":\"cert.issue\",\"actor\":\"os:0\","
		    "\"object\":\"01ab\",\"facts\":{}}\n");
	log_fact_bytes(&e, "template hash", bytes, sizeof(bytes));
	log_fact_uint(&e, "seq", 18);
	log_fact_str(&e, "step", "2 adopt");
	log_fact_str(&e, "to", "");
	ck_text(&e, "2026-01-31T23:59:59.007Z       17  cert.issue         "
		    "os:0     01ab                             "
		    "template-hash=00abff seq=18 step=\"2 adopt\" to=\"\"\n");
	ck_json(&e, "{\"index\":17,\"time\":\"2026-01-31T23:59:59.007Z\","
		    "\"type\":\"cert.issue\",\"actor\":\"os:0\","
		    "\"object\":\"01ab\",\"facts\":{\"template "
		    "hash\":\"00abff\",\"seq\":18,\"step\":\"2 adopt\","
		    "\"to\":\"\"}}\n");
}
END_TEST

/* Names of strangers: quotes, backslashes, letters that are not ASCII. */
START_TEST(test_names)
{
	struct log_entry e = entry("a\"b\\");

	e.actor = log_str("J\xc3\xb6rg");
	log_fact_uint(&e, "n", INT64_MAX);
	ck_text(&e, "2026-01-31T23:59:59.007Z       17  cert.issue         "
		    "\"J\xc3\xb6rg\"  \"a\\\"b\\\\\"                        "
		    " n=9223372036854775807\n");
	ck_json(&e, "{\"index\":17,\"time\":\"2026-01-31T23:59:59.007Z\","
		    "\"type\":\"cert.issue\",\"actor\":\"J\xc3\xb6rg\","
		    "\"object\":\"a\\\"b\\\\\","
		    "\"facts\":{\"n\":9223372036854775807}}\n");
}
END_TEST

/* An entry that no decoder has let through: nothing reaches a terminal. */
START_TEST(test_hostile)
{
	struct log_entry e = entry("a\x1b[2J\nb\xff\xe2\x80\xae");

	ck_text(&e, "2026-01-31T23:59:59.007Z       17  cert.issue         "
		    "os:0     \"a?[2J\\nb??\"\n");
	ck_json(&e, "{\"index\":17,\"time\":\"2026-01-31T23:59:59.007Z\","
		    "\"type\":\"cert.issue\",\"actor\":\"os:0\","
		    "\"object\":\"a?[2J\\nb??\",\"facts\":{}}\n");
}
END_TEST

/* The longest entries there can be still make a line. */
START_TEST(test_longest)
{
	const size_t len = LOG_ENTRY_MAX - 100;
	char *quotes = calloc(1, len + 1);
	struct log_entry e = entry("o");
	CLEANUP(buf_release) struct buf out;

	memset(quotes, '"', len);
	log_fact_str(&e, "k", quotes);
	buf_init(&out, AUDIT_LINE_MAX + 1);
	UNIT_OK(audit_line_text(UINT64_MAX, &e, &out, &err_));
	ck_assert_uint_gt(out.len, 2 * len);
	ck_json(&e, NULL);
	e.facts_n = 0;
	log_fact_bytes(&e, "k", (const uint8_t *)quotes, len);
	buf_reset(&out);
	UNIT_OK(audit_line_text(UINT64_MAX, &e, &out, &err_));
	ck_assert_uint_gt(out.len, 2 * len);
	ck_json(&e, NULL);
	free(quotes);
}
END_TEST

/* What people approved, and notes, can be read. */
START_TEST(test_texts)
{
	static const uint8_t text[] = "revoke\nto \"x\"\n";
	struct log_entry e = entry("o");

	log_fact_bytes(&e, LOG_SUBJECT, text, sizeof(text) - 1);
	log_fact_bytes(&e, LOG_NOTE, text, 7);
	ck_json(&e, "{\"index\":17,\"time\":\"2026-01-31T23:59:59.007Z\","
		    "\"type\":\"cert.issue\",\"actor\":\"os:0\","
		    "\"object\":\"o\",\"facts\":{"
		    "\"text\":\"revoke\\nto \\\"x\\\"\\n\","
		    "\"note\":\"revoke\\n\"}}\n");
}
END_TEST

START_TEST(test_time)
{
	struct log_entry e = entry("o");
	struct buf out;
	struct err err;

	e.time_ms = (uint64_t)PVTIME_MAX * 1000 + 999;
	ck_text(&e, "9999-12-31T23:59:59.999Z       17  cert.issue         "
		    "os:0     o\n");
	for (uint64_t late = e.time_ms + 1; late;
	     late = late < UINT64_MAX ? UINT64_MAX : 0) {
		e.time_ms = late;
		buf_init(&out, AUDIT_LINE_MAX);
		err_init(&err);
		unit_refused(audit_line_text(1, &e, &out, &err), PV_INTEGRITY,
			     "log.entry", &err);
		err_init(&err);
		unit_refused(audit_line_json(1, &e, &out, &err), PV_INTEGRITY,
			     "log.entry", &err);
		ck_assert_uint_eq(out.len, 0);
		buf_release(&out);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit_line");
	TCase *t = tcase_create("audit_line");

	tcase_add_test(t, test_facts);
	tcase_add_test(t, test_names);
	tcase_add_test(t, test_hostile);
	tcase_add_test(t, test_longest);
	tcase_add_test(t, test_texts);
	tcase_add_test(t, test_time);
	suite_add_tcase(s, t);
	return unit_run(s);
}
