#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"

#define CORPUS_FILES 318

static struct span span_of(const char *s)
{
	struct span out = { (const uint8_t *)s, strlen(s) };

	return out;
}

static struct json_doc *parsed(const char *s)
{
	struct json_doc *doc;
	struct err err;

	err_init(&err);
	unit_ok(json_parse(span_of(s), &doc, &err), &err);
	return doc;
}

static void refused_span(struct span text, const char *rule, size_t line,
			 size_t column)
{
	struct json_doc *doc = (struct json_doc *)(void *)&line;
	char end[64];
	struct err err;
	size_t n;

	err_init(&err);
	unit_refused(json_parse(text, &doc, &err), PV_INPUT, rule, &err);
	ck_assert_ptr_null(doc);
	snprintf(end, sizeof(end), " at line %zu column %zu", line, column);
	n = strlen(err.message);
	if (n < strlen(end) || strcmp(err.message + n - strlen(end), end) != 0)
		ck_abort_msg("\"%s\" does not end with \"%s\"", err.message,
			     end);
}

static void refused(const char *text, const char *rule, size_t line,
		    size_t column)
{
	refused_span(span_of(text), rule, line, column);
}

/*
 * Files of the corpus where our profile decides: every i_ file, and y_ files
 * that RFC 8259 allows and we refuse. rule NULL: accepted.
 */
static const struct decided {
	const char *file;
	const char *rule;
	const char *reason;
} decided[] = {
	{ "i_number_double_huge_neg_exp", NULL, "rounds to 0" },
	{ "i_number_huge_exp", "json.syntax", "past a double" },
	{ "i_number_neg_int_huge_exp", "json.syntax", "past a double" },
	{ "i_number_pos_double_huge_exp", "json.syntax", "past a double" },
	{ "i_number_real_neg_overflow", "json.syntax", "past a double" },
	{ "i_number_real_pos_overflow", "json.syntax", "past a double" },
	{ "i_number_real_underflow", NULL, "rounds to 0" },
	{ "i_number_too_big_neg_int", "json.syntax", "past int64" },
	{ "i_number_too_big_pos_int", "json.syntax", "past int64" },
	{ "i_number_very_big_negative_int", "json.syntax", "past int64" },
	{ "i_object_key_lone_2nd_surrogate", "json.syntax", "lone surrogate" },
	{ "i_string_1st_surrogate_but_2nd_missing", "json.syntax",
	  "lone surrogate" },
	{ "i_string_1st_valid_surrogate_2nd_invalid", "json.syntax",
	  "lone surrogate" },
	{ "i_string_UTF-16LE_with_BOM", "json.encoding", "UTF-16" },
	{ "i_string_UTF-8_invalid_sequence", "json.encoding", "bad UTF-8" },
	{ "i_string_UTF8_surrogate_U+D800", "json.encoding", "bad UTF-8" },
	{ "i_string_incomplete_surrogate_and_escape_valid", "json.syntax",
	  "lone surrogate" },
	{ "i_string_incomplete_surrogate_pair", "json.syntax",
	  "lone surrogate" },
	{ "i_string_incomplete_surrogates_escape_valid", "json.syntax",
	  "lone surrogate" },
	{ "i_string_invalid_lonely_surrogate", "json.syntax",
	  "lone surrogate" },
	{ "i_string_invalid_surrogate", "json.syntax", "lone surrogate" },
	{ "i_string_invalid_utf-8", "json.encoding", "bad UTF-8" },
	{ "i_string_inverted_surrogates_U+1D11E", "json.syntax",
	  "lone surrogate" },
	{ "i_string_iso_latin_1", "json.encoding", "bad UTF-8" },
	{ "i_string_lone_second_surrogate", "json.syntax", "lone surrogate" },
	{ "i_string_lone_utf8_continuation_byte", "json.encoding",
	  "bad UTF-8" },
	{ "i_string_not_in_unicode_range", "json.encoding", "bad UTF-8" },
	{ "i_string_overlong_sequence_2_bytes", "json.encoding", "bad UTF-8" },
	{ "i_string_overlong_sequence_6_bytes", "json.encoding", "bad UTF-8" },
	{ "i_string_overlong_sequence_6_bytes_null", "json.encoding",
	  "bad UTF-8" },
	{ "i_string_truncated-utf-8", "json.encoding", "bad UTF-8" },
	{ "i_string_utf16BE_no_BOM", "json.encoding", "UTF-16" },
	{ "i_string_utf16LE_no_BOM", "json.encoding", "UTF-16" },
	{ "i_structure_500_nested_arrays", "json.depth", "past 32 levels" },
	{ "i_structure_UTF-8_BOM_empty_object", "json.encoding",
	  "byte order mark" },
	{ "y_object_duplicated_key", "json.duplicate", "duplicate key" },
	{ "y_object_duplicated_key_and_value", "json.duplicate",
	  "duplicate key" },
	{ "y_object_escaped_null_in_key", "json.encoding", "NUL" },
	{ "y_string_null_escape", "json.encoding", "NUL" },
};

#define DECIDED_N (sizeof(decided) / sizeof(decided[0]))

static const struct decided *find_decided(const char *name)
{
	for (size_t i = 0; i < DECIDED_N; i++) {
		size_t n = strlen(decided[i].file);

		if (strncmp(name, decided[i].file, n) == 0 &&
		    strcmp(name + n, ".json") == 0)
			return &decided[i];
	}
	return NULL;
}

/* Returns 1 when the file is in the table above. */
static size_t run_file(const char *name)
{
	const struct decided *d = find_decided(name);
	struct json_doc *doc;
	struct buf text;
	struct err err;
	char path[256];
	enum pv_code code;

	snprintf(path, sizeof(path), "corpora/json/%s", name);
	unit_read(path, &text);
	err_init(&err);
	code = json_parse(buf_span(&text), &doc, &err);
	if (name[0] == 'n' || (d && d->rule)) {
		unit_refused(code, PV_INPUT, d ? d->rule : NULL, &err);
		ck_assert(strstr(err.message, " at line ") != NULL);
		unit_case(path, name, d ? UNIT_REFUSED : UNIT_PASS,
			  d ? d->reason : "refused, as it must be");
	} else {
		ck_assert(name[0] == 'y' || d);
		unit_ok(code, &err);
		ck_assert_ptr_nonnull(json_root(doc));
		unit_case(path, name, UNIT_PASS, d ? d->reason : NULL);
	}
	json_doc_free(doc);
	buf_release(&text);
	return d ? 1 : 0;
}

START_TEST(corpus)
{
	DIR *dir = opendir(unit_path("corpora/json"));
	size_t files = 0;
	size_t found = 0;
	struct dirent *e;

	ck_assert_ptr_nonnull(dir);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		ck_assert(strchr("yni", e->d_name[0]) != NULL);
		found += run_file(e->d_name);
		files++;
	}
	closedir(dir);
	ck_assert_uint_eq(files, CORPUS_FILES);
	ck_assert_uint_eq(found, DECIDED_N);
}
END_TEST

START_TEST(values)
{
	struct json_doc *doc =
		parsed(" {\"a\":[1,-9223372036854775808,9223372036854775807,"
		       "1.5,true,null],\"\\u00e4\":\"\\ud834\\udd1e\"}\n");
	json_t *a = json_object_get(json_root(doc), "a");

	ck_assert_int_eq(json_integer_value(json_array_get(a, 0)), 1);
	ck_assert(json_integer_value(json_array_get(a, 1)) == INT64_MIN);
	ck_assert(json_integer_value(json_array_get(a, 2)) == INT64_MAX);
	ck_assert(json_real_value(json_array_get(a, 3)) == 1.5);
	ck_assert(json_is_true(json_array_get(a, 4)));
	ck_assert(json_is_null(json_array_get(a, 5)));
	ck_assert_str_eq(
		json_string_value(json_object_get(json_root(doc), "\xC3\xA4")),
		"\xF0\x9D\x84\x9E");
	json_doc_free(doc);
	doc = parsed("true");
	ck_assert(json_is_true(json_root(doc)));
	json_doc_free(doc);
	json_doc_free(NULL);
}
END_TEST

START_TEST(owns_its_text)
{
	char text[] = "{\"a\":{\"b\":1}}";
	struct json_doc *doc = parsed(text);
	size_t line, column;

	memset(text, 'x', sizeof(text) - 1);
	ck_assert(json_where(doc, "/a/b", &line, &column));
	ck_assert_uint_eq(column, 11);
	json_doc_free(doc);
}
END_TEST

START_TEST(refusals)
{
	static const uint8_t nul[] = "{\"a\":1}\0{}";
	struct span with_nul = { nul, sizeof(nul) - 1 };

	refused("", "json.syntax", 1, 1);
	refused(" \n ", "json.syntax", 2, 2);
	refused("{\"a\":1", "json.syntax", 1, 7);
	refused("{\"a\":tru}", "json.syntax", 1, 6);
	refused("{\n \"a\" 1}", "json.syntax", 2, 6);
	refused("[1,]", "json.syntax", 1, 4);
	refused("[\"\\q\"]", "json.syntax", 1, 2);
	refused("{} {}", "json.syntax", 1, 4);
	refused("1 2", "json.syntax", 1, 3);
	refused("NaN", "json.syntax", 1, 1);
	refused("[1,\n9223372036854775808]", "json.syntax", 2, 1);
	refused("-9223372036854775809", "json.syntax", 1, 1);
	refused("[1e400]", "json.syntax", 1, 2);
	refused("{\"a\":1,\n  \"a\":2}", "json.duplicate", 2, 3);
	refused("{\"a\":1,\"\\u0061\":2}", "json.duplicate", 1, 8);
	refused("[{\"x\":{\"k\":1,\"k\":1}}]", "json.duplicate", 1, 14);
	refused("\xEF\xBB\xBF{}", "json.encoding", 1, 1);
	refused("[\"\\u0000\"]", "json.encoding", 1, 2);
	refused("{\"\\u0000\":1}", "json.encoding", 1, 2);
	refused("[\"\xC3\xA4\xFF\"]", "json.encoding", 1, 5);
	refused("[\"\xED\xA0\x80\"]", "json.encoding", 1, 3);
	refused_span(with_nul, "json.encoding", 1, 8);
}
END_TEST

/* A message must not repeat the input: it may be somebody's secret. */
START_TEST(does_not_echo)
{
	static const char *const texts[] = { "{\"pin\":\"hunter2\"",
					     "{\"pin\":\"hunter2\\q\"}",
					     "{\"pin\":hunter2}",
					     "{\"hunter2\":1,\"hunter2\":2}",
					     "[1] \"hunter2\"" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json_doc *doc;
		struct err err;

		err_init(&err);
		unit_refused(json_parse(span_of(texts[i]), &doc, &err),
			     PV_INPUT, NULL, &err);
		ck_assert_ptr_null(strstr(err.message, "hunter2"));
		ck_assert_ptr_null(strstr(err.object, "hunter2"));
		ck_assert_ptr_null(strstr(err.hint, "hunter2"));
	}
}
END_TEST

/* n opening brackets, then as many closing ones. */
static void fill(struct buf *b, size_t n, bool close)
{
	buf_init(b, JSON_SIZE_MAX);
	for (size_t i = 0; i < n; i++)
		buf_put_u8(b, '[');
	for (size_t i = 0; close && i < n; i++)
		buf_put_u8(b, ']');
}

START_TEST(depth)
{
	struct json_doc *doc;
	struct buf b;
	struct err err;

	err_init(&err);
	fill(&b, JSON_DEPTH_MAX, true);
	unit_ok(json_parse(buf_span(&b), &doc, &err), &err);
	json_doc_free(doc);
	buf_release(&b);
	fill(&b, JSON_DEPTH_MAX + 1, true);
	refused_span(buf_span(&b), "json.depth", 1, JSON_DEPTH_MAX + 1);
	buf_release(&b);
	fill(&b, 100000, true);
	refused_span(buf_span(&b), "json.depth", 1, JSON_DEPTH_MAX + 1);
	buf_release(&b);
	fill(&b, 100000, false);
	refused_span(buf_span(&b), "json.depth", 1, JSON_DEPTH_MAX + 1);
	buf_release(&b);
	/* brackets in strings do not nest; siblings do not add up */
	doc = parsed("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\",[],[],"
		     "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
		     "[],[],[],[],[],[],[],[],[],[],[],[],[],[],[]]");
	json_doc_free(doc);
}
END_TEST

START_TEST(sizes)
{
	struct json_doc *doc;
	struct buf b;
	struct err err;

	err_init(&err);
	buf_init(&b, JSON_SIZE_MAX + 1);
	buf_put_str(&b, "[1");
	while (b.len < JSON_SIZE_MAX - 1)
		buf_put_u8(&b, ' ');
	buf_put_u8(&b, ']');
	unit_ok(json_parse(buf_span(&b), &doc, &err), &err);
	json_doc_free(doc);
	buf_put_u8(&b, ' ');
	refused_span(buf_span(&b), "json.size", 1, 1);
	buf_release(&b);
	unit_ok(json_parse_max(span_of("[12]"), 4, &doc, &err), &err);
	json_doc_free(doc);
	unit_refused(json_parse_max(span_of("[123]"), 4, &doc, &err), PV_INPUT,
		     "json.size", &err);
	ck_assert_ptr_null(doc);
}
END_TEST

/* The allocator of jansson, which can be told to fail. */
static size_t allocations_left;

static void *fail_at_nth(size_t size)
{
	if (allocations_left == 0)
		return NULL;
	allocations_left--;
	return malloc(size);
}

START_TEST(out_of_memory)
{
	enum pv_code code = PV_INTERNAL;
	size_t internal = 0;

	json_set_alloc_funcs(fail_at_nth, free);
	for (size_t n = 0; code != PV_OK; n++) {
		struct json_doc *doc;
		struct err err;

		ck_assert_uint_lt(n, 1000);
		allocations_left = n;
		err_init(&err);
		code = json_parse(span_of("{\"a\":[1,1.5,{\"b\":\"c\"}]}"),
				  &doc, &err);
		ck_assert((code == PV_OK) == (doc != NULL));
		ck_assert_int_eq(err.code, code);
		internal += code == PV_INTERNAL;
		json_doc_free(doc);
	}
	ck_assert_uint_gt(internal, 0);
	json_set_alloc_funcs(malloc, free);
}
END_TEST

static const char places[] =
	"{\n"
	"  \"a\": {\"b\": [10, {\"c\" : \"]}\\\"\"}, [ ], true, 1.5e3]},\n"
	"  \"t~/\\u00e4\" : null,\n"
	"\t\"\": {\"\": -1}, \"n\\\"q\":[[1,2],[3,[4]]]\n"
	"}\n";

START_TEST(where)
{
	static const struct {
		const char *pointer;
		size_t line, column;
	} at[] = {
		{ "", 1, 1 },	     { "/a", 2, 8 },
		{ "/a/b", 2, 14 },   { "/a/b/0", 2, 15 },
		{ "/a/b/1", 2, 19 }, { "/a/b/1/c", 2, 26 },
		{ "/a/b/2", 2, 35 }, { "/a/b/3", 2, 40 },
		{ "/a/b/4", 2, 46 }, { "/t~0~1\xC3\xA4", 3, 17 },
		{ "/", 4, 6 },	     { "//", 4, 11 },
		{ "/n\"q", 4, 23 },  { "/n\"q/1/1/0", 4, 34 },
	};
	static const char *const nowhere[] = {
		"a",	   "/b",       "/a/c",	   "/a/b/5",	      "/a/b/-",
		"/a/b/01", "/a/b/1/d", "/a/b/0/x", "/t~/\xC3\xA4",    "/t~2",
		"/t~",	   "/a/b/",    "/a/b/2/0", "/a/b/9999999999", "/A",
		"/a/b/+1", "/a//b",
	};
	struct json_doc *doc = parsed(places);
	size_t line, column;

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		if (!json_where(doc, at[i].pointer, &line, &column))
			ck_abort_msg("%s not found", at[i].pointer);
		if (line != at[i].line || column != at[i].column)
			ck_abort_msg("%s at %zu:%zu", at[i].pointer, line,
				     column);
	}
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		if (json_where(doc, nowhere[i], &line, &column))
			ck_abort_msg("%s found", nowhere[i]);
	json_doc_free(doc);
}
END_TEST

START_TEST(fail_at)
{
	struct json_doc *doc = parsed(places);
	struct err err;
	char longer[400];

	err_init(&err);
	err_object(&err, "acme.json");
	ck_assert_int_eq(json_fail(&err, PV_INPUT, doc, "/a/b/1", "policy.x",
				   "remove it", "unknown key %s", "\"c\""),
			 PV_INPUT);
	ck_assert_str_eq(err.object, "acme.json#/a/b/1");
	ck_assert_str_eq(err.rule, "policy.x");
	ck_assert_str_eq(err.hint, "remove it");
	ck_assert_str_eq(err.message, "unknown key \"c\" at /a/b/1"
				      " (line 2, column 19)");
	/* the first cause stays */
	ck_assert_int_eq(json_fail(&err, PV_DENIED, doc, "/a", "r", NULL, "x"),
			 PV_INPUT);
	ck_assert_str_eq(err.object, "acme.json#/a/b/1");

	err_init(&err);
	ck_assert_int_eq(json_fail(&err, PV_DENIED, doc, "", "r", NULL, "no"),
			 PV_DENIED);
	ck_assert_str_eq(err.object, "#");
	ck_assert_str_eq(err.message, "no at the root (line 1, column 1)");

	err_init(&err);
	ck_assert_int_eq(
		json_fail(&err, PV_INPUT, doc, "/a/missing/x", "r", NULL, "no"),
		PV_INPUT);
	ck_assert_str_eq(err.message, "no at /a/missing/x (line 2, column 8)");

	err_init(&err);
	ck_assert_int_eq(json_fail(&err, PV_INPUT, NULL, "/q", "r", NULL, "no"),
			 PV_INPUT);
	ck_assert_str_eq(err.message, "no at /q");
	ck_assert_int_eq(json_fail(NULL, PV_INPUT, doc, "/q", "r", NULL, "no"),
			 PV_INPUT);

	memset(longer, 'p', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	err_init(&err);
	ck_assert_int_eq(
		json_fail(&err, PV_INPUT, doc, longer, "r", NULL, "%s", longer),
		PV_INPUT);
	ck_assert(strstr(err.message, "(line 1, column 1)") != NULL);
	json_doc_free(doc);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *tc = tcase_create("json");

	tcase_add_test(tc, corpus);
	tcase_add_test(tc, values);
	tcase_add_test(tc, owns_its_text);
	tcase_add_test(tc, refusals);
	tcase_add_test(tc, does_not_echo);
	tcase_add_test(tc, depth);
	tcase_add_test(tc, sizes);
	tcase_add_test(tc, out_of_memory);
	tcase_add_test(tc, where);
	tcase_add_test(tc, fail_at);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
