#include "tests/unit/unit.h"

#include <jansson.h>
#include <string.h>

#include "tests/unit/cbor_float.h"

#define OUT_MAX 4096
#define CORPUS "corpora/cbor/appendix_a.json"

static void put_number(struct cbor_reader *r, struct cbor_writer *w)
{
	struct cbor_bytes item;
	uint64_t u;
	int64_t i;

	if (cbor_peek(r) == CBOR_UINT) {
		ck_assert(cbor_get_uint(r, &u));
		cbor_put_uint(w, u);
		return;
	}
	if (r->p[r->pos] == 0x3b && r->p[r->pos + 1] & 0x80) {
		/* below INT64_MIN: the getters refuse it, skipping does not */
		struct cbor_reader copy = *r;

		ck_assert(!cbor_get_int(&copy, &i));
		ck_assert(cbor_skip(r, &item));
		cbor_put_raw(w, item.p, item.len);
		return;
	}
	ck_assert(cbor_get_int(r, &i));
	cbor_put_int(w, i);
}

static void put_other(struct cbor_reader *r, struct cbor_writer *w)
{
	struct cbor_bytes item;
	uint8_t first = r->p[r->pos];
	bool b;

	if (cbor_peek(r) == CBOR_FLOAT) {
		ck_assert(cbor_skip(r, &item));
		cbor_put_double(w, float_value(item));
	} else if (first == 0xf4 || first == 0xf5) {
		ck_assert(cbor_get_bool(r, &b));
		cbor_put_bool(w, b);
	} else if (first == 0xf6) {
		ck_assert(cbor_get_null(r));
		cbor_put_null(w);
	} else {
		/* other simple values: no writer, our formats have none */
		ck_assert(cbor_skip(r, &item));
		cbor_put_raw(w, item.p, item.len);
	}
}

/* Reads one item through the getters and writes it again. */
static void copy_item(struct cbor_reader *r, struct cbor_writer *w)
{
	struct cbor_bytes s;
	uint64_t n;

	switch (cbor_peek(r)) {
	case CBOR_UINT:
	case CBOR_NINT:
		put_number(r, w);
		return;
	case CBOR_BSTR:
		ck_assert(cbor_get_bstr(r, &s));
		cbor_put_bstr(w, s.p, s.len);
		return;
	case CBOR_TSTR:
		ck_assert(cbor_get_tstr(r, &s));
		cbor_put_tstr(w, (const char *)s.p, s.len);
		return;
	case CBOR_ARRAY:
		ck_assert(cbor_get_array(r, &n));
		cbor_put_array(w, n);
		break;
	case CBOR_MAP:
		ck_assert(cbor_get_map(r, &n));
		cbor_put_map(w, n);
		n *= 2;
		break;
	case CBOR_TAG:
		ck_assert(cbor_get_tag(r, &n));
		cbor_put_tag(w, n);
		n = 1;
		break;
	default:
		put_other(r, w);
		return;
	}
	while (n-- > 0)
		copy_item(r, w);
}

static void check_round_trip(const uint8_t *p, size_t len)
{
	uint8_t out[OUT_MAX];
	struct cbor_reader r;
	struct cbor_writer w;

	cbor_reader_init(&r, p, len);
	cbor_writer_init(&w, out, sizeof(out));
	copy_item(&r, &w);
	ck_assert(cbor_done(&r));
	ck_assert(cbor_writer_ok(&w));
	ck_assert_uint_eq(w.len, len);
	ck_assert_mem_eq(out, p, len);
}

static void check_truncated(const uint8_t *p, size_t len)
{
	const char *why;
	size_t cut;

	for (cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);

		ck_assert(exact != NULL);
		memcpy(exact, p, cut);
		why = NULL;
		ck_assert(!cbor_valid(exact, cut, 16, &why));
		ck_assert(why != NULL);
		free(exact);
	}
}

START_TEST(appendix_a)
{
	json_t *all, *one;
	size_t i;
	struct buf text;

	unit_read(CORPUS, &text);
	all = json_loadb((const char *)text.data, text.len,
			 JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
	ck_assert(json_is_array(all));
	ck_assert_uint_eq(json_array_size(all), 82);
	json_array_foreach(all, i, one)
	{
		const char *hex =
			json_string_value(json_object_get(one, "hex"));
		bool round = json_is_true(json_object_get(one, "roundtrip"));
		uint8_t bytes[128];
		size_t len = strlen(hex) / 2;
		const char *why = NULL;
		bool ok;

		ck_assert(hex_decode(hex, bytes, len));
		ok = cbor_valid(bytes, len, CBOR_DEPTH_MAX, &why);
		if (strcmp(hex, "f818") == 0)
			round = false; /* RFC 8949 3.3: not well-formed */
		ck_assert_msg(ok == round, "%s: %s", hex, why ? why : "valid");
		if (ok) {
			check_round_trip(bytes, len);
			check_truncated(bytes, len);
		}
		unit_case(CORPUS, hex, ok ? UNIT_PASS : UNIT_REFUSED, why);
	}
	json_decref(all);
	buf_release(&text);
}
END_TEST

static const struct {
	const char *hex;
	unsigned depth;
	const char *why; /* NULL: valid */
} items[] = {
	{ "", 8, "truncated" },
	{ "5b8000000000000000", 8, "length beyond the input" },
	{ "7b8000000000000000", 8, "length beyond the input" },
	{ "9b8000000000000000", 8, "length beyond the input" },
	{ "bb8000000000000000", 8, "length beyond the input" },
	{ "5bffffffffffffffff", 8, "length beyond the input" },
	{ "9bffffffffffffffff00", 8, "length beyond the input" },
	{ "bb7fffffffffffffff0000", 8, "length beyond the input" },
	{ "5f4101ff", 8, "indefinite length" },
	{ "7f6161ff", 8, "indefinite length" },
	{ "9fff", 8, "indefinite length" },
	{ "bfff", 8, "indefinite length" },
	{ "ff", 8, "indefinite length" },
	{ "1c", 8, "reserved additional information" },
	{ "fd", 8, "reserved additional information" },
	{ "1817", 8, "length or number is not in shortest form" },
	{ "1818", 8, NULL },
	{ "1900ff", 8, "length or number is not in shortest form" },
	{ "190100", 8, NULL },
	{ "1a0000ffff", 8, "length or number is not in shortest form" },
	{ "1a00010000", 8, NULL },
	{ "1b00000000ffffffff", 8, "length or number is not in shortest form" },
	{ "1b0000000100000000", 8, NULL },
	{ "580100", 8, "length or number is not in shortest form" },
	{ "d81700", 8, "length or number is not in shortest form" },
	{ "a201000100", 8, "duplicate map key" },
	{ "a202000100", 8, "map keys are not sorted" },
	{ "a2010018ff00", 8, NULL },
	{ "a2200001f6", 8, "map keys are not sorted" },
	{ "a201002000", 8, NULL },
	{ "a2616200626161f6", 8, NULL },
	{ "a262616100616200", 8, "map keys are not sorted" },
	{ "a3010002000200", 8, "duplicate map key" },
	{ "a282010200820102f6", 8, "duplicate map key" },
	{ "a281a1010200a10102f6", 8, NULL },
	{ "a2a10102f681a1010200", 8, "map keys are not sorted" },
	{ "a1", 8, "length beyond the input" },
	{ "a10102f6", 8, "trailing bytes" },
	{ "0000", 8, "trailing bytes" },
	{ "61ff", 8, "text is not UTF-8" },
	{ "62c080", 8, "text is not UTF-8" },
	{ "63eda080", 8, "text is not UTF-8" },
	{ "63e08080", 8, "text is not UTF-8" },
	{ "64f0808080", 8, "text is not UTF-8" },
	{ "64f4908080", 8, "text is not UTF-8" },
	{ "64f48fbfbf", 8, NULL },
	{ "62e6b0", 8, "text is not UTF-8" },
	{ "6180", 8, "text is not UTF-8" },
	{ "63e6b041", 8, "text is not UTF-8" },
	{ "f800", 8, "simple value not in shortest form" },
	{ "f81f", 8, "simple value not in shortest form" },
	{ "f820", 8, NULL },
	{ "f97e01", 8, "float not in shortest form" },
	{ "f9fe00", 8, "float not in shortest form" },
	{ "fa33800000", 8, "float not in shortest form" },
	{ "fa33000000", 8, NULL },
	{ "fa00000001", 8, NULL },
	{ "fa00000000", 8, "float not in shortest form" },
	{ "fa477fe000", 8, "float not in shortest form" },
	{ "fa477ff000", 8, NULL },
	{ "fb36a0000000000000", 8, "float not in shortest form" },
	{ "fb3690000000000000", 8, NULL },
	{ "fb47efffffe0000000", 8, "float not in shortest form" },
	{ "fb47efffffe0000001", 8, NULL },
	{ "fb0000000000000001", 8, NULL },
	{ "fb8000000000000000", 8, "float not in shortest form" },
	{ "fb7ff0000000000001", 8, "float not in shortest form" },
	{ "c24101", 8, "bignum not in shortest form" },
	{ "c249000000000000000001", 8, "bignum not in shortest form" },
	{ "c348ffffffffffffffff", 8, "bignum not in shortest form" },
	{ "c201", 8, "bignum without a byte string" },
	{ "c2", 8, "truncated" },
	{ "8181818181818180", 8, NULL },
	{ "818181818181818180", 8, "nested too deep" },
	{ "818181818181818100", 8, NULL },
	{ "c1c1c1c1c1c1c1c1c100", 8, "nested too deep" },
	{ "a100a100a100a100a100a100a100a100a10000", 8, "nested too deep" },
	{ "8100", 0, "nested too deep" },
	{ "00", 0, NULL },
};

START_TEST(one_item)
{
	const char *hex = items[_i].hex;
	uint8_t bytes[64];
	const char *why = NULL;
	size_t len = strlen(hex) / 2;
	uint8_t *exact;
	bool ok;

	ck_assert(hex_decode(hex, bytes, len));
	exact = malloc(len ? len : 1);
	ck_assert(exact != NULL);
	memcpy(exact, bytes, len);
	ok = cbor_valid(exact, len, items[_i].depth, &why);
	ck_assert_msg(ok == (items[_i].why == NULL), "%s: %s", hex,
		      why ? why : "accepted");
	if (!ok)
		ck_assert_str_eq(why, items[_i].why);
	free(exact);
}
END_TEST

START_TEST(depth)
{
	uint8_t deep[100000];
	const char *why;
	unsigned d;

	memset(deep, 0x81, sizeof(deep));
	ck_assert(!cbor_valid(deep, sizeof(deep), 8, &why));
	ck_assert_str_eq(why, "nested too deep");
	for (d = 1; d <= CBOR_DEPTH_CONFIG + 1; d++) {
		deep[d] = 0x00;
		ck_assert(cbor_valid(deep, d + 1, d, NULL));
		ck_assert(!cbor_valid(deep, d + 1, d - 1, NULL));
		deep[d] = 0x81;
	}
	/* a larger limit than the reader's own stack is cut to it */
	deep[CBOR_DEPTH_CONFIG + 2] = 0x00;
	ck_assert(!cbor_valid(deep, CBOR_DEPTH_CONFIG + 3, 1000, NULL));
}
END_TEST

START_TEST(sequence)
{
	static const uint8_t seq[] = { 0x01, 0x82, 0x01, 0x02, 0x41, 0x00 };
	const char *why = NULL;

	ck_assert_uint_eq(cbor_item_len(seq, 6, 8, &why), 1);
	ck_assert_uint_eq(cbor_item_len(seq + 1, 5, 8, &why), 3);
	ck_assert_uint_eq(cbor_item_len(seq + 4, 2, 8, &why), 2);
	ck_assert_uint_eq(cbor_item_len(seq + 4, 1, 8, &why), 0);
	ck_assert_str_eq(why, "length beyond the input");
}
END_TEST

START_TEST(getters_stick)
{
	static const uint8_t seq[] = { 0x01, 0x61, 0x61, 0xf4, 0xf6, 0x20 };
	struct cbor_reader r;
	struct cbor_bytes s;
	uint64_t u;
	int64_t i;
	bool b;

	cbor_reader_init(&r, seq, sizeof(seq));
	ck_assert(cbor_expect_uint(&r, 1));
	ck_assert(cbor_get_tstr(&r, &s));
	ck_assert(cbor_get_bool(&r, &b) && !b);
	ck_assert(cbor_get_null(&r));
	ck_assert(cbor_get_int(&r, &i) && i == -1);
	ck_assert(cbor_done(&r));
	ck_assert(!cbor_get_uint(&r, &u));
	ck_assert(r.err && !cbor_done(&r));

	cbor_reader_init(&r, seq, sizeof(seq));
	ck_assert(!cbor_get_bstr(&r, &s));
	ck_assert(!cbor_get_uint(&r, &u));
	ck_assert(!cbor_skip(&r, NULL));
	ck_assert_int_eq(cbor_peek(&r), CBOR_NONE);

	cbor_reader_init(&r, seq, sizeof(seq));
	ck_assert(!cbor_expect_uint(&r, 2));
	cbor_reader_init(&r, seq + 3, 1);
	ck_assert(!cbor_get_null(&r));
	cbor_reader_init(&r, seq + 4, 1);
	ck_assert(!cbor_get_bool(&r, &b));
	cbor_reader_init(&r, seq, 0);
	ck_assert(cbor_done(&r));
	ck_assert_int_eq(cbor_peek(&r), CBOR_NONE);
}
END_TEST

START_TEST(int_limits)
{
	static const struct {
		int64_t v;
		const char *hex;
	} c[] = { { INT64_MAX, "1b7fffffffffffffff" },
		  { INT64_MIN, "3b7fffffffffffffff" },
		  { -70001, "3a00011170" },
		  { -24, "37" },
		  { -25, "3818" } };
	uint8_t out[16], want[16];
	struct cbor_writer w;
	struct cbor_reader r;
	int64_t v;
	size_t i;

	for (i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		size_t n = strlen(c[i].hex) / 2;

		cbor_writer_init(&w, out, sizeof(out));
		cbor_put_int(&w, c[i].v);
		ck_assert(hex_decode(c[i].hex, want, n));
		ck_assert_uint_eq(w.len, n);
		ck_assert_mem_eq(out, want, n);
		cbor_reader_init(&r, out, n);
		ck_assert(cbor_get_int(&r, &v));
		ck_assert(v == c[i].v);
	}
	/* one past both ends */
	memcpy(out, "\x1b\x80\0\0\0\0\0\0\0", 9);
	cbor_reader_init(&r, out, 9);
	ck_assert(!cbor_get_int(&r, &v));
	out[0] = 0x3b;
	cbor_reader_init(&r, out, 9);
	ck_assert(!cbor_get_int(&r, &v));
}
END_TEST

START_TEST(writer_measures_and_never_overruns)
{
	uint8_t out[8];
	struct cbor_writer w;

	cbor_writer_init(&w, NULL, 0);
	cbor_put_str(&w, "0123456789");
	ck_assert_uint_eq(w.len, 11);
	ck_assert(!cbor_writer_ok(&w));

	memset(out, 0xaa, sizeof(out));
	cbor_writer_init(&w, out, 4);
	cbor_put_array(&w, 2);
	cbor_put_str(&w, "012");
	ck_assert(!cbor_writer_ok(&w));
	ck_assert_uint_eq(out[4], 0xaa);
	cbor_put_uint(&w, 1); /* must not land in the hole */
	ck_assert_uint_eq(w.len, 6);
	ck_assert(!cbor_writer_ok(&w));
	cbor_put_raw(&w, out, SIZE_MAX);
	ck_assert(!cbor_writer_ok(&w));
	ck_assert_uint_eq(w.len, SIZE_MAX);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cbor");
	TCase *t = tcase_create("cbor");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, appendix_a);
	tcase_add_loop_test(t, one_item, 0,
			    (int)(sizeof(items) / sizeof(items[0])));
	tcase_add_test(t, depth);
	tcase_add_test(t, sequence);
	tcase_add_test(t, getters_stick);
	tcase_add_test(t, int_limits);
	tcase_add_test(t, writer_measures_and_never_overruns);
	suite_add_tcase(s, t);
	return unit_run(s);
}
