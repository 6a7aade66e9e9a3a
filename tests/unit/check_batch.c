#include "lib/base/cbor.h"
#include "lib/seal/batch.h"
#include "tests/unit/seal_sample.h"

#define AUTHORITY "acme"

static struct err err;
static struct sample x;
static struct buf out;
static const struct seal_batch_claims claims = { AUTHORITY, 2000000000,
						 1700000000 };

static void setup(void)
{
	err_init(&err);
	sample_init(&x, SEAL_KIND_KEM, &err);
	buf_init(&out, 2 * SEAL_DESCRIPTOR_MAX);
}

static void teardown(void)
{
	sample_release(&x);
	buf_release(&out);
}

/* RFC 9162 2.1.1, straight from its recursive definition. */
static void tree_hash(const uint8_t (*leaves)[32], size_t n, uint8_t out32[32])
{
	uint8_t node[65] = { 1 };
	size_t k = 1;

	if (n == 1) {
		memcpy(out32, leaves[0], 32);
		return;
	}
	while (2 * k < n)
		k *= 2;
	tree_hash(leaves, k, node + 1);
	tree_hash(leaves + k, n - k, node + 33);
	SHA256(node, sizeof(node), out32);
}

/* Payloads of a batch: the sample's, and texts that differ. */
static struct span payload_at(size_t i, char text[16])
{
	snprintf(text, 16, "payload %zu", i);
	return vec_span(text, strlen(text));
}

static struct seal_batch *batch_of(size_t n, uint8_t (*leaves)[32])
{
	struct seal_batch *b;
	char text[16];

	for (size_t i = 0; i < n; i++)
		unit_ok(seal_batch_leaf(payload_at(i, text), leaves[i], &err),
			&err);
	unit_ok(seal_batch_new((const uint8_t(*)[32])leaves, n, x.kid, &claims,
			       &b, &err),
		&err);
	return b;
}

START_TEST(test_trees)
{
	static uint8_t leaves[300][32];
	uint8_t want[32], root[32], digest[32];
	static const uint8_t sig[64];

	for (size_t n = 2; n <= 300; n += n < 40 ? 1 : 37) {
		struct seal_batch *b = batch_of(n, leaves);

		tree_hash((const uint8_t(*)[32])leaves, n, want);
		seal_batch_root(b, root);
		ck_assert_mem_eq(root, want, 32);
		unit_ok(seal_batch_digest(b, digest, &err), &err);
		for (size_t i = 0; i < n; i++) {
			struct seal_batch_view v;
			char text[16];

			buf_reset(&out);
			unit_ok(seal_batch_finish(b, i, payload_at(i, text),
						  sig, &out, &err),
				&err);
			unit_ok(seal_batch_open(buf_span(&out), &v, &err),
				&err);
			ck_assert_mem_eq(v.root, want, 32);
			ck_assert_mem_eq(v.digest, digest, 32);
			ck_assert_uint_eq(v.index, i);
			ck_assert_uint_eq(v.tree_size, n);
		}
		seal_batch_free(b);
	}
}
END_TEST

START_TEST(test_largest)
{
	static uint8_t leaves[SEAL_BATCH_MAX + 1][32];
	static const size_t probes[] = { 0, 1, 32767, 32768, 65535 };
	static const uint8_t sig[64];
	struct seal_batch *b = batch_of(SEAL_BATCH_MAX, leaves);
	struct seal_batch_view v;
	char text[16];

	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
		buf_reset(&out);
		unit_ok(seal_batch_finish(b, probes[i],
					  payload_at(probes[i], text), sig,
					  &out, &err),
			&err);
		unit_ok(seal_batch_open(buf_span(&out), &v, &err), &err);
		ck_assert_uint_eq(v.index, probes[i]);
	}
	seal_batch_free(b);
	unit_refused(seal_batch_new((const uint8_t(*)[32])leaves,
				    SEAL_BATCH_MAX + 1, x.kid, &claims, &b,
				    &err),
		     PV_INPUT, "seal.batch", &err);
	err_init(&err);
	unit_refused(seal_batch_new((const uint8_t(*)[32])leaves, 1, x.kid,
				    &claims, &b, &err),
		     PV_INPUT, "seal.batch", &err);
	ck_assert(b == NULL);
}
END_TEST

/* A batch of three real descriptors; the sample is number 1. */
static struct seal_batch *sample_batch(uint8_t sig[64])
{
	static uint8_t leaves[3][32];
	struct seal_batch *b;
	uint8_t digest[32];
	char text[16];

	for (size_t i = 0; i < 3; i++)
		unit_ok(seal_batch_leaf(i == 1 ? buf_span(&x.payload)
					       : payload_at(i, text),
					leaves[i], &err),
			&err);
	unit_ok(seal_batch_new((const uint8_t(*)[32])leaves, 3, x.kid, &claims,
			       &b, &err),
		&err);
	unit_ok(seal_batch_digest(b, digest, &err), &err);
	keys_sign(x.signer, digest, sig);
	return b;
}

START_TEST(test_descriptor)
{
	struct seal_batch_view v;
	struct seal_view head;
	uint8_t sig[64], other[64] = { 0 };
	struct seal_batch *b = sample_batch(sig);

	unit_ok(seal_batch_finish(b, 1, buf_span(&x.payload), sig, &out, &err),
		&err);
	ck_assert(cbor_valid(out.data, out.len, CBOR_DEPTH_MAX, NULL));
	unit_ok(seal_descriptor_parse(buf_span(&out), &head, &err), &err);
	ck_assert_int_eq(head.form, SEAL_FORM_BATCH);
	ck_assert_mem_eq(head.bh, x.bh, 32);
	ck_assert_mem_eq(head.kid.p, x.kid, 8);
	unit_ok(seal_batch_open(buf_span(&out), &v, &err), &err);
	ck_assert(keys_verify(x.signer, v.digest, v.sig.p));
	ck_assert(span_is(v.authority, AUTHORITY));
	ck_assert_uint_eq(v.not_after_s, 2000000000);
	ck_assert_uint_eq(v.iat_s, 1700000000);
	/* Another payload, or another place, is not this leaf. */
	unit_refused(seal_batch_finish(b, 0, buf_span(&x.payload), other, &out,
				       &err),
		     PV_INTERNAL, "seal.batch", &err);
	err_init(&err);
	unit_refused(seal_batch_finish(b, 3, buf_span(&x.payload), other, &out,
				       &err),
		     PV_INTERNAL, "seal.batch", &err);
	seal_batch_free(b);
}
END_TEST

/* The receipt's bytes, by hand from formats.md 3. */
START_TEST(test_receipt_bytes)
{
	uint8_t sig[64], leaf[32];
	struct seal_batch *b = sample_batch(sig);
	struct buf want;
	char text[16];

	unit_ok(seal_batch_finish(b, 1, buf_span(&x.payload), sig, &out, &err),
		&err);
	buf_init(&want, 1u << 16);
	buf_put(&want, "\x82\x59", 2);
	buf_put_be16(&want, (uint16_t)x.payload.len);
	buf_put(&want, x.payload.data, x.payload.len);
	buf_put(&want, "\xd2\x84\x58\x42\xa4\x01\x26\x04\x48", 9);
	buf_put(&want, x.kid, 8);
	buf_put(&want,
		"\x0f\xa5\x01\x64"
		"acme\x02\x75" SEAL_BATCH_SUBJECT,
		10 + 21);
	buf_put(&want, "\x04\x1a\x77\x35\x94\x00\x06\x1a\x65\x53\xf1\x00", 12);
	buf_put(&want, "\x3a\x00\x01\x11\x73\x03\x19\x01\x8b\x01", 10);
	buf_put(&want, "\xa1\x19\x01\x8c\xa1\x20\x81\x58\x48\x83\x03\x01\x82",
		13);
	unit_ok(seal_batch_leaf(payload_at(0, text), leaf, &err), &err);
	buf_put(&want, "\x58\x20", 2);
	buf_put(&want, leaf, 32);
	unit_ok(seal_batch_leaf(payload_at(2, text), leaf, &err), &err);
	buf_put(&want, "\x58\x20", 2);
	buf_put(&want, leaf, 32);
	buf_put(&want, "\xf6\x58\x40", 3);
	buf_put(&want, sig, 64);
	ck_assert_uint_eq(out.len, want.len);
	ck_assert_mem_eq(out.data, want.data, want.len);
	seal_batch_free(b);
	buf_release(&want);
}
END_TEST

START_TEST(test_every_bit)
{
	uint8_t sig[64];
	struct seal_batch *b = sample_batch(sig);
	struct seal_batch_view v;

	unit_ok(seal_batch_finish(b, 1, buf_span(&x.payload), sig, &out, &err),
		&err);
	for (size_t i = 0; i < 8 * out.len; i++) {
		err_init(&err);
		out.data[i / 8] ^= (uint8_t)(1 << i % 8);
		ck_assert(seal_batch_open(buf_span(&out), &v, &err) != PV_OK ||
			  !keys_verify(x.signer, v.digest, v.sig.p));
		out.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t len = 0; len < out.len; len++) {
		struct span cut = { out.data, len };

		err_init(&err);
		unit_refused(seal_batch_open(cut, &v, &err), PV_INPUT,
			     "seal.batch", &err);
	}
	buf_put_u8(&out, 0);
	err_init(&err);
	unit_refused(seal_batch_open(buf_span(&out), &v, &err), PV_INPUT,
		     "seal.batch", &err);
	seal_batch_free(b);
}
END_TEST

/* Replaces one run of bytes in a good descriptor, which is refused then. */
static void refuse_bytes(const char *from, const char *to)
{
	uint8_t sig[64];
	struct seal_batch *b = sample_batch(sig);
	struct seal_batch_view v;
	char hex[8192], *at;
	struct buf bad;

	buf_reset(&out);
	unit_ok(seal_batch_finish(b, 1, buf_span(&x.payload), sig, &out, &err),
		&err);
	hex_encode(out.data, out.len, hex);
	at = strstr(hex, from);
	ck_assert_msg(at != NULL, "%s", from);
	ck_assert_uint_eq(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
	vec_hex_text(hex, &bad);
	err_init(&err);
	unit_refused(seal_batch_open(buf_span(&bad), &v, &err), PV_INPUT,
		     "seal.batch", &err);
	buf_release(&bad);
	seal_batch_free(b);
}

START_TEST(test_rules)
{
	refuse_bytes("8303018258", "8304018258"); /* proof's tree-size */
	refuse_bytes("8303018258", "8303038258"); /* index past the end */
	refuse_bytes("8303018258", "8303028258"); /* path too long for it */
	refuse_bytes("3a000111730319", "3a000111730219"); /* claim's size */
	refuse_bytes("3a000111730319", "3a000111730119");
	refuse_bytes("061a6553f100", "061a7735940a"); /* iat past exp */
	refuse_bytes("62617463682f763104", "62617463682f763204"); /* v2 */
	refuse_bytes("19018b01", "19018b02");	  /* another structure */
	refuse_bytes("a40126", "a40127");	  /* EdDSA */
	refuse_bytes("a120815848", "a121815848"); /* another proof */
}
END_TEST

START_TEST(test_claims)
{
	static const uint8_t leaves[2][32];
	struct seal_batch_claims c = claims;
	char name[66];
	struct seal_batch *b;

	memset(name, 'n', 65);
	name[65] = '\0';
	c.authority = name;
	unit_refused(seal_batch_new(leaves, 2, x.kid, &c, &b, &err), PV_INPUT,
		     "seal.batch", &err);
	name[64] = '\0';
	c.not_after_s = c.iat_s = UINT64_MAX;
	err_init(&err);
	unit_ok(seal_batch_new(leaves, 2, x.kid, &c, &b, &err), &err);
	seal_batch_free(b);
	c.authority = "";
	unit_refused(seal_batch_new(leaves, 2, x.kid, &c, &b, &err), PV_INPUT,
		     "seal.batch", &err);
	c = claims;
	c.iat_s = c.not_after_s + 1;
	err_init(&err);
	unit_refused(seal_batch_new(leaves, 2, x.kid, &c, &b, &err), PV_INPUT,
		     "seal.batch", &err);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("batch");
	TCase *t = tcase_create("batch");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_test(t, test_trees);
	tcase_add_test(t, test_largest);
	tcase_add_test(t, test_descriptor);
	tcase_add_test(t, test_receipt_bytes);
	tcase_add_test(t, test_every_bit);
	tcase_add_test(t, test_rules);
	tcase_add_test(t, test_claims);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
