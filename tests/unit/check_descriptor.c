#include <openssl/hmac.h>

#include "lib/seal/descriptor.h"
#include "tests/unit/seal_sample.h"

static struct err err;
static struct sample x;
static struct buf out;

static void setup(void)
{
	err_init(&err);
	sample_init(&x, SEAL_KIND_KEK, &err);
	buf_init(&out, 2 * SEAL_DESCRIPTOR_MAX);
}

static void teardown(void)
{
	sample_release(&x);
	buf_release(&out);
}

static void make_plain(void)
{
	uint8_t digest[32], sig[64];

	buf_reset(&out);
	unit_ok(seal_plain_digest(buf_span(&x.payload), x.kid, digest, &err),
		&err);
	keys_sign(x.signer, digest, sig);
	unit_ok(seal_plain_finish(buf_span(&x.payload), x.kid, sig, &out, &err),
		&err);
}

/* D2 84 43.. by hand: tag 18, {1: -7, 4: kid}, {}, payload, signature */
START_TEST(test_plain)
{
	struct buf want, tbs;
	struct seal_view v;
	uint8_t digest[32];
	size_t n = x.payload.len;

	make_plain();
	buf_init(&want, 1u << 20);
	buf_put(&want, "\xd2\x84\x4d\xa2\x01\x26\x04\x48", 8);
	buf_put(&want, x.kid, 8);
	buf_put(&want, "\xa0\x59", 2);
	buf_put_be16(&want, (uint16_t)n);
	buf_put(&want, x.payload.data, n);
	buf_put(&want, "\x58\x40", 2);
	ck_assert_uint_eq(out.len, want.len + 64);
	ck_assert_mem_eq(out.data, want.data, want.len);
	buf_init(&tbs, 1u << 20);
	buf_put(&tbs, "\x84\x6aSignature1\x4d\xa2\x01\x26\x04\x48", 18);
	buf_put(&tbs, x.kid, 8);
	buf_put(&tbs, "\x40\x59", 2);
	buf_put_be16(&tbs, (uint16_t)n);
	buf_put(&tbs, x.payload.data, n);
	SHA256(tbs.data, tbs.len, digest);
	ck_assert(keys_verify(x.signer, digest, out.data + want.len));
	unit_ok(seal_descriptor_parse(buf_span(&out), &v, &err), &err);
	ck_assert_int_eq(v.form, SEAL_FORM_PLAIN);
	ck_assert_mem_eq(v.kid.p, x.kid, 8);
	ck_assert(span_equal(v.payload, buf_span(&x.payload)));
	buf_release(&want);
	buf_release(&tbs);
}
END_TEST

START_TEST(test_mac0)
{
	struct seal_view v;
	struct buf tbs;
	uint8_t tag[32];
	size_t n = x.payload.len;

	unit_ok(seal_mac0(x.s, buf_span(&x.payload), &x.auth, x.job.key_id,
			  &out, &err),
		&err);
	unit_ok(seal_descriptor_parse(buf_span(&out), &v, &err), &err);
	ck_assert_int_eq(v.form, SEAL_FORM_MAC0);
	ck_assert_uint_eq(v.kid.len, 16);
	ck_assert_mem_eq(v.kid.p, x.job.key_id, 16);
	/* ["MAC0", h'{1: 5, 4: kid}', h'', payload] by hand */
	buf_init(&tbs, 1u << 20);
	buf_put(&tbs, "\x84\x64MAC0\x55\xa2\x01\x05\x04\x50", 12);
	buf_put(&tbs, x.job.key_id, 16);
	buf_put(&tbs, "\x40\x59", 2);
	buf_put_be16(&tbs, (uint16_t)n);
	buf_put(&tbs, x.payload.data, n);
	HMAC(EVP_sha256(), x.auth.data, 32, tbs.data, tbs.len, tag, NULL);
	ck_assert_uint_eq(v.auth.len, 32);
	ck_assert_mem_eq(v.auth.p, tag, 32);
	buf_release(&tbs);
}
END_TEST

static void refuse_mac0(struct span payload, const struct secret *key,
			const uint8_t kid[16], enum pv_code code,
			const char *rule)
{
	err_init(&err);
	unit_refused(seal_mac0(x.s, payload, key, kid, &out, &err), code, rule,
		     &err);
	ck_assert_uint_eq(out.len, 0);
}

START_TEST(test_mac0_refused)
{
	static const uint8_t other[16] = { 1 };
	struct span p = buf_span(&x.payload), cut = p;
	struct secret none = SECRET_INIT;
	struct sample kem;

	cut.len--;
	refuse_mac0(p, &x.auth, other, PV_INTERNAL, "seal.mac0");
	refuse_mac0(p, &none, x.job.key_id, PV_INTERNAL, "seal.mac0");
	refuse_mac0(cut, &x.auth, x.job.key_id, PV_INPUT, "seal.descriptor");
	err_init(&err);
	sample_init(&kem, SEAL_KIND_KEM, &err);
	refuse_mac0(buf_span(&kem.payload), &x.auth, kem.job.key_id,
		    PV_INTERNAL, "seal.mac0");
	sample_release(&kem);
}
END_TEST

/* A mac0 frame around a bundle that is not a KDF device's. */
START_TEST(test_mac0_needs_kind_2)
{
	struct seal_view v;
	struct sample kem;
	size_t at;

	sample_init(&kem, SEAL_KIND_KEM, &err);
	buf_put(&out, "\xd1\x84\x55\xa2\x01\x05\x04\x50", 8);
	buf_put(&out, kem.job.key_id, 16);
	buf_put(&out, "\xa0\x59", 2);
	buf_put_be16(&out, (uint16_t)kem.payload.len);
	buf_put(&out, kem.payload.data, kem.payload.len);
	buf_put(&out, "\x58\x20", 2);
	at = out.len;
	buf_put(&out, x.auth.data, 32);
	unit_refused(seal_descriptor_parse(buf_span(&out), &v, &err), PV_INPUT,
		     "seal.descriptor", &err);
	/* and one with a short tag */
	out.data[at - 1] = 0x1f;
	out.len--;
	err_init(&err);
	unit_refused(seal_descriptor_parse(buf_span(&out), &v, &err), PV_INPUT,
		     "seal.descriptor", &err);
	sample_release(&kem);
}
END_TEST

/* Every bit: another form, another payload or another signature. */
START_TEST(test_every_bit)
{
	uint8_t digest[32];
	struct seal_view v;
	size_t refused = 0;

	make_plain();
	for (size_t i = 0; i < 8 * out.len; i++) {
		err_init(&err);
		out.data[i / 8] ^= (uint8_t)(1 << i % 8);
		if (seal_descriptor_parse(buf_span(&out), &v, &err)) {
			refused++;
		} else {
			unit_ok(seal_plain_digest(v.payload, v.kid.p, digest,
						  &err),
				&err);
			ck_assert(memcmp(v.kid.p, x.kid, 8) != 0 ||
				  !keys_verify(x.signer, digest, v.auth.p));
		}
		out.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	ck_assert_uint_gt(refused, 500);
}
END_TEST

START_TEST(test_cut_and_surplus)
{
	struct seal_view v;

	make_plain();
	for (size_t len = 0; len < out.len; len++) {
		struct span cut = { out.data, len };

		err_init(&err);
		ck_assert_int_eq(seal_descriptor_parse(cut, &v, &err),
				 PV_INPUT);
	}
	buf_put_u8(&out, 0);
	err_init(&err);
	unit_refused(seal_descriptor_parse(buf_span(&out), &v, &err), PV_INPUT,
		     "seal.descriptor", &err);
}
END_TEST

/* Replaces hex from by to in the payload, which then has to be refused. */
static void refuse_payload(const char *from, const char *to)
{
	char hex[8192], *at;
	struct seal_view v;
	struct buf b;

	hex_encode(x.payload.data, x.payload.len, hex);
	at = strstr(hex, from);
	ck_assert_msg(at != NULL, "%s", from);
	memmove(at + strlen(to), at + strlen(from),
		strlen(at + strlen(from)) + 1);
	memcpy(at, to, strlen(to));
	vec_hex_text(hex, &b);
	err_init(&err);
	unit_refused(seal_payload_parse(buf_span(&b), &v, &err), PV_INPUT,
		     "seal.descriptor", &err);
	buf_release(&b);
}

START_TEST(test_payload_rules)
{
	struct seal_view v;
	struct buf big;

	unit_ok(seal_payload_parse(buf_span(&x.payload), &v, &err), &err);
	refuse_payload("756e646c652d31", "756e646c652d32"); /* the format */
	refuse_payload("0501068283", "0500068283");	    /* seq 0 */
	refuse_payload("0501068283", "0520068283");	    /* seq negative */
	refuse_payload("190100", "1900ff");	/* not the shortest */
	refuse_payload("190100", "190101");	/* chunk 257 */
	refuse_payload("1902bc", "00");		/* total 0 */
	refuse_payload("1902bc", "1a80000001"); /* total past 2^31 */
	refuse_payload("636e6574", "632f6574"); /* component "/et" */
	refuse_payload("8164736974650882", "81636e65740882"); /* twice */
	refuse_payload("088202", "088203");		      /* kind 3 */
	refuse_payload("088202", "088201"); /* the id's length */
	refuse_payload("5828", "5827");	    /* the envelope's */
	refuse_payload("6741434d452d3031", "672d434d452d3031"); /* "-CME-01" */
	buf_init(&big, 1u << 20);
	buf_put(&big, x.payload.data, x.payload.len);
	while (big.len <= SEAL_DESCRIPTOR_MAX)
		buf_put_u8(&big, 0);
	err_init(&err);
	unit_refused(seal_payload_parse(buf_span(&big), &v, &err), PV_INPUT,
		     "seal.descriptor", &err);
	buf_release(&big);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("descriptor");
	TCase *t = tcase_create("descriptor");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_plain);
	tcase_add_test(t, test_mac0);
	tcase_add_test(t, test_mac0_refused);
	tcase_add_test(t, test_mac0_needs_kind_2);
	tcase_add_test(t, test_every_bit);
	tcase_add_test(t, test_cut_and_surplus);
	tcase_add_test(t, test_payload_rules);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
