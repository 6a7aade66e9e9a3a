#include "tests/unit/unit.h"

#include "tests/unit/cbor_float.h"

START_TEST(every_half_is_shortest)
{
	uint8_t in[3], out[16];
	struct cbor_writer w;
	uint32_t h;

	for (h = 0; h < 0x10000; h++) {
		struct cbor_bytes item = { in, 3 };
		bool nan = (h & 0x7fff) > 0x7c00;

		in[0] = 0xf9;
		in[1] = (uint8_t)(h >> 8);
		in[2] = (uint8_t)h;
		ck_assert_int_eq(cbor_valid(in, 3, 8, NULL),
				 !nan || h == 0x7e00);
		if (nan)
			continue;
		cbor_writer_init(&w, out, sizeof(out));
		cbor_put_double(&w, float_value(item));
		ck_assert_uint_eq(w.len, 3);
		ck_assert_mem_eq(out, in, 3);
	}
}
END_TEST

static uint64_t next_random(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

START_TEST(random_floats)
{
	uint64_t seed = 0x9e3779b97f4a7c15u;
	uint8_t out[16];
	struct cbor_writer w;
	int i;

	for (i = 0; i < 200000; i++) {
		uint64_t bits = next_random(&seed);
		struct cbor_bytes item = { out, 0 };
		double d, back;
		float f;

		if (i % 3 == 0)
			bits &= 0xffffffffe0000000u; /* often a single */
		if (i % 3 == 1) {
			uint32_t s = (uint32_t)bits;

			memcpy(&f, &s, sizeof(f));
			d = (double)f;
		} else {
			memcpy(&d, &bits, sizeof(d));
		}
		cbor_writer_init(&w, out, sizeof(out));
		cbor_put_double(&w, d);
		ck_assert(cbor_writer_ok(&w));
		ck_assert(cbor_valid(out, w.len, 8, NULL));
		item.len = w.len;
		back = float_value(item);
		if (isnan(d)) {
			ck_assert(isnan(back) && w.len == 3);
			continue;
		}
		ck_assert(memcmp(&back, &d, sizeof(d)) == 0);
		/* the compiler's own conversion agrees on the width */
		ck_assert_int_eq(w.len <= 5,
				 isinf(d) ||
					 (fabs(d) <= (double)3.4028235e38f &&
					  (double)(float)d == d));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cbor_float");
	TCase *t = tcase_create("cbor_float");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, every_half_is_shortest);
	tcase_add_test(t, random_floats);
	suite_add_tcase(s, t);
	return unit_run(s);
}
