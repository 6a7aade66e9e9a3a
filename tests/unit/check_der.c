#include "tests/unit/unit.h"

#include <string.h>

#include "lib/x509/der.h"
#include "lib/x509/oids.h"

static struct span hex(const char *text, uint8_t *room, size_t cap)
{
	size_t len = strlen(text) / 2;

	ck_assert_uint_le(len, cap);
	ck_assert(hex_decode(text, room, len));
	return (struct span){ room, len };
}

enum want { REFUSED, ANY, UINT, BOOL, BITS, NAMED, OID };

/* What each reader makes of these bytes; value by kind, rest: octets left. */
static const struct {
	const char *hex;
	enum want kind;
	const char *value;
	size_t rest;
} reads[] = {
	{ "", REFUSED, "", 0 },
	{ "30", REFUSED, "", 0 },
	{ "3000", ANY, "", 0 },
	{ "3001", REFUSED, "", 0 },
	{ "300102ff", ANY, "02", 1 },
	{ "3080", REFUSED, "", 0 }, /* indefinite */
	{ "30800000", REFUSED, "", 0 },
	{ "308101aa", REFUSED, "", 0 },	      /* long form for a short length */
	{ "30820001aa", REFUSED, "", 0 },     /* leading zero */
	{ "3084010000007f", REFUSED, "", 0 }, /* over three octets */
	{ "30ff", REFUSED, "", 0 },
	{ "1f0100", REFUSED, "", 0 }, /* high tag number */
	{ "3083ffffff", REFUSED, "", 0 },
	{ "020100", UINT, "00", 0 },
	{ "02017f", UINT, "7f", 0 },
	{ "02020080", UINT, "80", 0 },
	{ "0200", REFUSED, "", 0 },
	{ "020180", REFUSED, "", 0 },	/* negative */
	{ "02020001", REFUSED, "", 0 }, /* not minimal */
	{ "0202ff80", REFUSED, "", 0 },
	{ "010100", BOOL, "00", 0 },
	{ "0101ff", BOOL, "01", 0 },
	{ "010101", REFUSED, "", 0 },
	{ "0100", REFUSED, "", 0 },
	{ "0102ffff", REFUSED, "", 0 },
	{ "030100", BITS, "", 0 },
	{ "03020780", BITS, "80", 0 },
	{ "030204aa", REFUSED, "", 0 }, /* unused bits not zero */
	{ "030101", REFUSED, "", 0 },
	{ "03020880", REFUSED, "", 0 },
	{ "0300", REFUSED, "", 0 },
	{ "03020780", NAMED, "01", 0 },
	{ "03020106", NAMED, "60", 0 },
	{ "0303070080", NAMED, "0100", 0 },
	{ "030100", NAMED, "00", 0 },
	{ "0603550403", OID, "550403", 0 },
	{ "0600", REFUSED, "", 0 },
	{ "06028001", REFUSED, "", 0 },	  /* leading 80 in an arc */
	{ "06035504ff", REFUSED, "", 0 }, /* unfinished arc */
	{ "0603558001", REFUSED, "", 0 },
};

static bool read_as(enum want kind, struct span *in, struct span *out,
		    unsigned *number)
{
	bool flag = false;
	unsigned unused, tag;

	switch (kind) {
	case ANY:
		return der_next(in, &tag, out, NULL);
	case UINT:
		return der_take_uint(in, out);
	case BOOL:
		if (!der_take_bool(in, &flag))
			return false;
		*number = flag;
		return true;
	case BITS:
		return der_take_bits(in, out, &unused);
	case NAMED:
		return der_take_named_bits(in, number);
	case OID:
		return der_take_oid(in, out);
	case REFUSED:
		break;
	}
	return false;
}

/* The reader that the tag asks for. */
static enum want by_tag(struct span in)
{
	if (in.len == 0)
		return ANY;
	switch (in.p[0]) {
	case DER_INTEGER:
		return UINT;
	case DER_BOOLEAN:
		return BOOL;
	case DER_BIT_STRING:
		return BITS;
	case DER_OID:
		return OID;
	default:
		return ANY;
	}
}

START_TEST(reader)
{
	uint8_t room[64], value_room[64];
	struct span in = hex(reads[_i].hex, room, sizeof(room)), out, before;
	struct span want = hex(reads[_i].value, value_room, sizeof(value_room));
	unsigned number = 0;
	enum want kind = reads[_i].kind;

	before = in;
	if (kind == REFUSED) {
		ck_assert(!read_as(by_tag(in), &in, &out, &number));
		ck_assert(in.p == before.p && in.len == before.len);
		return;
	}
	ck_assert(read_as(kind, &in, &out, &number));
	ck_assert_uint_eq(in.len, reads[_i].rest);
	if (kind == BOOL || kind == NAMED) {
		unsigned n = 0;

		for (size_t i = 0; i < want.len; i++)
			n = n << 8 | want.p[i];
		ck_assert_uint_eq(number, n);
		return;
	}
	ck_assert(span_equal(out, want));
}
END_TEST

START_TEST(named_bits_not_minimal)
{
	uint8_t room[8];
	struct span in = hex("030206c0", room, sizeof(room));
	unsigned bits;

	ck_assert(der_take_named_bits(&in, &bits));
	ck_assert_uint_eq(bits, 3);
	in = hex("030205c0", room, sizeof(room)); /* trailing zero bit kept */
	ck_assert(!der_take_named_bits(&in, &bits));
	in = hex("03020000", room, sizeof(room));
	ck_assert(!der_take_named_bits(&in, &bits));
	in = hex("0306000101010101", room, sizeof(room)); /* 40 bits */
	ck_assert(!der_take_named_bits(&in, &bits));
}
END_TEST

START_TEST(small_numbers)
{
	static const struct {
		const char *hex;
		bool ok;
		uint32_t value;
	} t[] = { { "020100", true, 0 },
		  { "02047fffffff", true, 0x7fffffff },
		  { "02050080000000", false, 0 },
		  { "02050100000000", false, 0 } };
	uint8_t room[16];
	struct span in = hex(t[_i].hex, room, sizeof(room));
	uint32_t v = 0;

	ck_assert(der_take_small(&in, &v) == t[_i].ok);
	ck_assert_uint_eq(v, t[_i].value);
}
END_TEST

/* Lengths around every change of form, written and read back. */
START_TEST(writer_lengths)
{
	static const size_t lens[] = { 0,   1,	 127,	128,   129,
				       255, 256, 65535, 65536, 70000 };
	size_t len = lens[_i], mark;
	static const uint8_t zero[70000];
	struct buf b;
	struct span in, body, inner;
	struct err err;

	err_init(&err);
	buf_init(&b, 100000);
	mark = der_begin(&b, DER_SEQUENCE);
	der_put(&b, DER_OCTET_STRING, (struct span){ zero, len });
	der_end(&b, mark);
	unit_ok(buf_check(&b, &err), &err);
	in = buf_span(&b);
	ck_assert(der_take(&in, DER_SEQUENCE, &body) && in.len == 0);
	ck_assert(der_take(&body, DER_OCTET_STRING, &inner) && body.len == 0);
	ck_assert_uint_eq(inner.len, len);
	/* One octet less at any place is refused, not read past. */
	in = buf_span(&b);
	in.len--;
	ck_assert(!der_take(&in, DER_SEQUENCE, &body));
	buf_release(&b);
}
END_TEST

START_TEST(writer_values)
{
	static const uint8_t n[] = { 0, 0, 0x80, 1 }, zero[] = { 0, 0 };
	static const char want[] = "020300800102010003020780030307008003010001"
				   "01ff010100";
	char text[128];
	struct buf b;

	buf_init(&b, 100);
	der_put_uint(&b, (struct span){ n, sizeof(n) });
	der_put_uint(&b, (struct span){ zero, sizeof(zero) });
	der_put_named_bits(&b, 1u << 0);
	der_put_named_bits(&b, 1u << 8);
	der_put_named_bits(&b, 0);
	der_put_bool(&b, true);
	der_put_bool(&b, false);
	hex_encode(b.data, b.len, text);
	ck_assert_str_eq(text, want);
	buf_release(&b);
}
END_TEST

START_TEST(writer_overflow_sticks)
{
	struct err err;
	struct buf b;
	size_t mark;

	err_init(&err);
	buf_init(&b, 130);
	mark = der_begin(&b, DER_SEQUENCE);
	for (int i = 0; i < 128; i++)
		buf_put_u8(&b, 0);
	der_end(&b, mark); /* needs one octet more than there is */
	unit_refused(buf_check(&b, &err), PV_INPUT, "size.limit", &err);
	der_end(&b, mark);
	buf_release(&b);
}
END_TEST

static const struct {
	const char *dotted, *hex;
} oids[] = {
	{ "2.5.4.3", "550403" },
	{ "1.3.6.1.4.1.37244.2.1", "2b0601040182a27c0201" },
	{ "1.3.6.1.4.1.37244.2.2", "2b0601040182a27c0202" },
	{ "1.3.6.1.5.5.7.8.4", "2b06010505070804" },
	{ "2.999.1", "883701" },
	{ "0.39", "27" },
	{ "2.0", "50" },
	{ "1.2.4294967295", "2a8fffffff7f" },
	{ "2.23.133.1.2", "6781050102" },
	{ "0.9.2342.19200300.100.1.25", "0992268993f22c640119" },
};

START_TEST(oid_both_ways)
{
	uint8_t room[32];
	struct span want = hex(oids[_i].hex, room, sizeof(room));
	struct oid oid;
	char text[64];

	ck_assert(oid_parse(oids[_i].dotted, &oid));
	ck_assert(oid_equal(&oid, want));
	oid_format(want, text, sizeof(text));
	ck_assert_str_eq(text, oids[_i].dotted);
}
END_TEST

START_TEST(oid_refused)
{
	static const char *const bad[] = {
		"",
		"1",
		"3.1",
		"1.40",
		"0.40",
		"1.2.",
		".1.2",
		"1..2",
		"1.02",
		"1.2.x",
		"1.2 ",
		"1.4294967296",
		"-1.2",
		"1.2.-3",
		"00.1",
		"1.2.4294967296",
		/* 36 bytes of contents */
		("1.2.999999999.999999999.999999999.999999999.999999999."
		 "999999999.999999999"),
	};
	struct oid oid = { .len = 7 };

	ck_assert_msg(!oid_parse(bad[_i], &oid), "%s", bad[_i]);
	ck_assert_uint_eq(oid.len, 7);
}
END_TEST

START_TEST(oid_format_cut)
{
	struct oid oid;
	char text[12];
	static const uint8_t huge[] = { 0x2a, 0xff, 0xff, 0xff, 0xff, 0xff,
					0xff, 0xff, 0xff, 0xff, 0xff, 0x7f };
	static const uint8_t open_arc[] = { 0x2a, 0x81 };

	ck_assert(oid_parse("1.3.6.1.4.1.37244.2.1", &oid));
	oid_format(oid_span(&oid), text, sizeof(text));
	ck_assert_str_eq(text, "1.3.6.1...");
	oid_format((struct span){ huge, sizeof(huge) }, text, sizeof(text));
	ck_assert_str_eq(text, "1.2...");
	oid_format((struct span){ open_arc, 2 }, text, sizeof(text));
	ck_assert_str_eq(text, "1.2...");
	oid_format((struct span){ huge, 0 }, text, 4);
	ck_assert_str_eq(text, "...");
	ck_assert(!oid_equal(&oid, (struct span){ NULL, 0 }));
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("der");
	TCase *tc = tcase_create("der");

	tcase_add_loop_test(tc, reader, 0, COUNT(reads));
	tcase_add_test(tc, named_bits_not_minimal);
	tcase_add_loop_test(tc, small_numbers, 0, 4);
	tcase_add_loop_test(tc, writer_lengths, 0, 10);
	tcase_add_test(tc, writer_values);
	tcase_add_test(tc, writer_overflow_sticks);
	tcase_add_loop_test(tc, oid_both_ways, 0, COUNT(oids));
	tcase_add_loop_test(tc, oid_refused, 0, 17);
	tcase_add_test(tc, oid_format_cut);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
