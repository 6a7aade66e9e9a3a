#include "lib/seal/wrap.h"
#include "tests/unit/seal_vec.h"

#define KW "vectors/wycheproof/aes_wrap_test.json"
#define KWP "vectors/wycheproof/aes_kwp_test.json"

static struct wrap *w;
static struct err err;

static void setup(void)
{
	err_init(&err);
	unit_ok(wrap_new(&w, &err), &err);
}

static void teardown(void)
{
	wrap_free(w);
}

/* Both ways; the vectors' other results are about unwrapping. */
static void check_valid(const json_t *test, const struct secret *kek,
			struct span ct)
{
	SECRET key = SECRET_INIT, back = SECRET_INIT;
	uint8_t out[512];

	vec_secret(test, "msg", &key);
	unit_ok(wrap_kek(w, kek, &key, out, &err), &err);
	vec_equal(test, "ct", out, key.len + WRAP_OVERHEAD);
	unit_ok(wrap_unwrap(w, kek, ct, &back, &err), &err);
	vec_equal(test, "msg", back.data, back.len);
}

static void kw_case(const char *file, const char *name, const json_t *group,
		    const json_t *test, bool valid)
{
	SECRET kek = SECRET_INIT, back = SECRET_INIT;
	size_t msg_len = strlen(vec_str(test, "msg")) / 2;
	struct buf ct;

	if (vec_int(group, "keySize") != 256) {
		unit_case(file, name, UNIT_NOT_OURS, "our KEKs are AES-256");
		return;
	}
	err_init(&err);
	vec_secret(test, "key", &kek);
	vec_hex(test, "ct", &ct);
	if (valid && msg_len >= 16) {
		check_valid(test, &kek, buf_span(&ct));
		unit_case(file, name, UNIT_PASS, NULL);
	} else {
		unit_refused(wrap_unwrap(w, &kek, buf_span(&ct), &back, &err),
			     PV_INTEGRITY, "seal.wrap", &err);
		ck_assert(back.data == NULL);
		if (valid)
			unit_case(file, name, UNIT_REFUSED,
				  "our profile: keys of 16 bytes or more");
		else
			vec_refused(file, name, test);
	}
	buf_release(&ct);
}

START_TEST(test_kw)
{
	vec_wycheproof(KW, 145, kw_case);
}
END_TEST

static void kwp_case(const char *file, const char *name, const json_t *group,
		     const json_t *test, bool valid)
{
	SECRET kek = SECRET_INIT, back = SECRET_INIT;
	struct buf ct;

	(void)valid;
	if (vec_int(group, "keySize") == 256) {
		/* Padded wrapping is never mistaken for ours. */
		err_init(&err);
		vec_secret(test, "key", &kek);
		vec_hex(test, "ct", &ct);
		unit_refused(wrap_unwrap(w, &kek, buf_span(&ct), &back, &err),
			     PV_INTEGRITY, "seal.wrap", &err);
		buf_release(&ct);
	}
	unit_case(file, name, UNIT_NOT_OURS,
		  "we wrap without padding (RFC 3394), not RFC 5649");
}

START_TEST(test_kwp)
{
	vec_wycheproof(KWP, 104, kwp_case);
}
END_TEST

START_TEST(test_every_bit)
{
	SECRET kek = SECRET_INIT, bs = SECRET_INIT, back = SECRET_INIT;
	uint8_t out[40];

	unit_ok(secret_random(&kek, 32, &err), &err);
	unit_ok(secret_random(&bs, 32, &err), &err);
	unit_ok(wrap_kek(w, &kek, &bs, out, &err), &err);
	for (size_t i = 0; i < 8 * sizeof(out); i++) {
		err_init(&err);
		out[i / 8] ^= (uint8_t)(1 << i % 8);
		unit_refused(
			wrap_unwrap(w, &kek, vec_span(out, 40), &back, &err),
			PV_INTEGRITY, "seal.wrap", &err);
		out[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	err_init(&err);
	unit_ok(wrap_unwrap(w, &kek, vec_span(out, 40), &back, &err), &err);
	ck_assert(secret_equal(&back, bs.data, bs.len));
	kek.data[31] ^= 1;
	unit_refused(wrap_unwrap(w, &kek, vec_span(out, 40), &back, &err),
		     PV_INTEGRITY, "seal.wrap", &err);
	ck_assert(back.data == NULL);
}
END_TEST

START_TEST(test_lengths)
{
	static const size_t bad[] = { 1, 8, 15, 17, 31, 33, 4104 };
	SECRET kek = SECRET_INIT, key = SECRET_INIT;
	static uint8_t out[8192];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_init(&err);
		unit_ok(secret_random(&kek, 32, &err), &err);
		unit_ok(secret_alloc(&key, bad[i], &err), &err);
		unit_refused(wrap_kek(w, &kek, &key, out, &err), PV_INTERNAL,
			     "seal.wrap", &err);
		err_init(&err);
		unit_refused(wrap_unwrap(w, &kek,
					 vec_span(out, bad[i] == 4104 ? 4112
								      : bad[i]),
					 &key, &err),
			     PV_INTEGRITY, "seal.wrap", &err);
		/* A KEK of the wrong length is a programming error. */
		err_init(&err);
		unit_ok(secret_alloc(&kek, bad[i], &err), &err);
		unit_ok(secret_alloc(&key, 32, &err), &err);
		unit_refused(wrap_kek(w, &kek, &key, out, &err), PV_INTERNAL,
			     "seal.wrap", &err);
		err_init(&err);
		unit_refused(
			wrap_unwrap(w, &kek, vec_span(out, 40), &key, &err),
			PV_INTERNAL, "seal.wrap", &err);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("wrap");
	TCase *t = tcase_create("wrap");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_kw);
	tcase_add_test(t, test_kwp);
	tcase_add_test(t, test_every_bit);
	tcase_add_test(t, test_lengths);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
