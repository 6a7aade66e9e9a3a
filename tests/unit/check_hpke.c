#include "lib/seal/gcm.h"
#include "lib/seal/hpke.h"
#include "lib/seal/hpke_impl.h"
#include "tests/unit/seal_vec.h"

#define RFC9180 "vectors/hpke/rfc9180-p256-sha256.json"
#define ECPOINT "vectors/wycheproof/ecdh_secp256r1_ecpoint_test.json"

enum { MODE_BASE, MODE_PSK, MODE_AUTH, MODE_AUTH_PSK };

static struct hpke *h;
static struct err err;

static void setup(void)
{
	err_init(&err);
	unit_ok(hpke_new(&h, &err), &err);
}

static void teardown(void)
{
	hpke_free(h);
}

static void name_case(char *out, size_t cap, size_t i, const json_t *c,
		      const char *part)
{
	snprintf(out, cap, "%zu mode=%ld aead=%ld %s", i, vec_int(c, "mode"),
		 vec_int(c, "aead_id"), part);
}

/* DH(skE, pkR), in the authenticated modes with DH(skS, pkR) behind it. */
static void check_kem(const json_t *c)
{
	static const char *const context_keys[] = { "enc", "pkRm", "pkSm" };
	bool auth = vec_int(c, "mode") >= MODE_AUTH;
	SECRET ske = SECRET_INIT, sks = SECRET_INIT;
	uint8_t point[HPKE_POINT_LEN], dh[2 * HPKE_NH], shared[HPKE_NH];
	struct buf pkr, part, context;
	EVP_PKEY *key;

	buf_init(&context, 4096);
	vec_hex(c, "pkRm", &pkr);
	vec_secret(c, "skEm", &ske);
	unit_ok(hpke_key(&ske, &key, point, &err), &err);
	vec_equal(c, "pkEm", point, sizeof(point));
	unit_ok(hpke_dh(h, key, pkr.data, dh, &err), &err);
	EVP_PKEY_free(key);
	if (auth) {
		vec_secret(c, "skSm", &sks);
		unit_ok(hpke_key(&sks, &key, point, &err), &err);
		vec_equal(c, "pkSm", point, sizeof(point));
		unit_ok(hpke_dh(h, key, pkr.data, dh + HPKE_NH, &err), &err);
		EVP_PKEY_free(key);
	}
	for (size_t i = 0; i < (auth ? 3 : 2); i++) {
		vec_hex(c, context_keys[i], &part);
		buf_put(&context, part.data, part.len);
		buf_release(&part);
	}
	unit_ok(hpke_kem_secret(h, vec_span(dh, auth ? 64 : 32),
				buf_span(&context), shared, &err),
		&err);
	vec_equal(c, "shared_secret", shared, sizeof(shared));
	buf_release(&context);
	buf_release(&pkr);
}

static void check_schedule(const json_t *c, struct hpke_schedule *s)
{
	struct buf shared, info;

	vec_hex(c, "shared_secret", &shared);
	vec_hex(c, "info", &info);
	unit_ok(hpke_key_schedule(h, shared.data, buf_span(&info), s, &err),
		&err);
	vec_equal(c, "key_schedule_context", s->context, sizeof(s->context));
	vec_equal(c, "secret", s->secret, sizeof(s->secret));
	vec_equal(c, "key", s->key, sizeof(s->key));
	vec_equal(c, "base_nonce", s->base_nonce, sizeof(s->base_nonce));
	buf_release(&shared);
	buf_release(&info);
}

/* Sequence number 0: our single shot, both ways. */
static void check_single_shot(const json_t *c, const json_t *e)
{
	SECRET ske = SECRET_INIT, skr = SECRET_INIT, opened = SECRET_INIT;
	struct buf info, aad, pt, pkr;
	uint8_t enc[HPKE_ENC_LEN], point[HPKE_POINT_LEN], ct[256];
	EVP_PKEY *key;

	vec_secret(c, "skEm", &ske);
	vec_secret(c, "skRm", &skr);
	vec_hex(c, "pkRm", &pkr);
	vec_hex(c, "info", &info);
	vec_hex(e, "aad", &aad);
	vec_hex(e, "pt", &pt);
	unit_ok(hpke_key(&ske, &key, point, &err), &err);
	hpke_set_ephemeral(h, key);
	unit_ok(hpke_seal(h, pkr.data, buf_span(&info), buf_span(&aad),
			  buf_span(&pt), enc, ct, &err),
		&err);
	vec_equal(c, "enc", enc, sizeof(enc));
	vec_equal(e, "ct", ct, pt.len + HPKE_TAG_LEN);
	unit_ok(hpke_open(h, &skr, enc, buf_span(&info), buf_span(&aad),
			  vec_span(ct, pt.len + HPKE_TAG_LEN), &opened, &err),
		&err);
	ck_assert(secret_equal(&opened, pt.data, pt.len));
	buf_release(&info);
	buf_release(&aad);
	buf_release(&pt);
	buf_release(&pkr);
}

/* Any sequence number: base nonce XOR be96(seq), by the same cipher. */
static void check_encryption(const struct hpke_schedule *s, const json_t *e)
{
	uint32_t seq = (uint32_t)vec_int(e, "seq");
	uint8_t nonce[12], ct[256];
	struct buf aad, pt;
	struct gcm *g;

	memcpy(nonce, s->base_nonce, sizeof(nonce));
	for (size_t i = 0; i < 4; i++)
		nonce[11 - i] ^= (uint8_t)(seq >> (8 * i));
	vec_equal(e, "nonce", nonce, sizeof(nonce));
	vec_hex(e, "aad", &aad);
	vec_hex(e, "pt", &pt);
	unit_ok(gcm_new(&g, &err), &err);
	unit_ok(gcm_key(g, s->key, &err), &err);
	unit_ok(gcm_seal(g, nonce, buf_span(&aad), buf_span(&pt), ct, &err),
		&err);
	vec_equal(e, "ct", ct, pt.len + GCM_TAG_LEN);
	gcm_free(g);
	buf_release(&aad);
	buf_release(&pt);
}

static void list_rest(size_t i, const json_t *c, bool ours)
{
	size_t n = json_array_size(json_object_get(c, "encryptions"));
	char name[96], part[32];

	for (size_t j = 0; j < n && !ours; j++) {
		snprintf(part, sizeof(part), "encryption %zu", j);
		name_case(name, sizeof(name), i, c, part);
		unit_case(RFC9180, name, UNIT_NOT_OURS,
			  vec_int(c, "mode") ? "we use mode base only"
					     : "we use AES-256-GCM only");
	}
	n = json_array_size(json_object_get(c, "exports"));
	for (size_t j = 0; j < n; j++) {
		snprintf(part, sizeof(part), "export %zu", j);
		name_case(name, sizeof(name), i, c, part);
		unit_case(RFC9180, name, UNIT_NOT_OURS,
			  "we use no exported secrets");
	}
}

START_TEST(test_rfc9180)
{
	json_t *root = vec_load(RFC9180);
	const json_t *c, *e;
	size_t i, j, single = 0, kem = 0;
	char name[96], part[32];

	json_array_foreach(root, i, c)
	{
		bool ours = vec_int(c, "mode") == MODE_BASE &&
			    vec_int(c, "aead_id") == 2;
		struct hpke_schedule s;

		ck_assert_int_eq(vec_int(c, "kem_id"), 0x10);
		ck_assert_int_eq(vec_int(c, "kdf_id"), 1);
		check_kem(c);
		kem++;
		name_case(name, sizeof(name), i, c, "kem");
		unit_case(RFC9180, name, UNIT_PASS, NULL);
		list_rest(i, c, ours);
		if (!ours)
			continue;
		check_schedule(c, &s);
		json_array_foreach(json_object_get(c, "encryptions"), j, e)
		{
			if (vec_int(e, "seq") == 0) {
				check_single_shot(c, e);
				single++;
			}
			check_encryption(&s, e);
			snprintf(part, sizeof(part), "encryption %zu", j);
			name_case(name, sizeof(name), i, c, part);
			unit_case(RFC9180, name, UNIT_PASS, NULL);
		}
	}
	ck_assert_uint_eq(kem, 16);
	ck_assert_uint_eq(single, 1);
	json_decref(root);
}
END_TEST

/* A scalar as the vectors have it: any length, leading zeros. */
static bool scalar_of(const json_t *test, struct secret *s)
{
	struct buf b;
	size_t skip = 0;

	vec_hex(test, "private", &b);
	while (b.len - skip > HPKE_SCALAR_LEN && b.data[skip] == 0)
		skip++;
	unit_ok(secret_alloc(s, HPKE_SCALAR_LEN, &err), &err);
	if (b.len - skip <= HPKE_SCALAR_LEN)
		memcpy(s->data + HPKE_SCALAR_LEN - (b.len - skip),
		       b.data + skip, b.len - skip);
	skip = b.len - skip;
	buf_release(&b);
	return skip <= HPKE_SCALAR_LEN;
}

static void ecpoint_case(const char *file, const char *name,
			 const json_t *group, const json_t *test, bool valid)
{
	SECRET scalar = SECRET_INIT;
	uint8_t point[HPKE_POINT_LEN], dh[HPKE_NH];
	struct buf peer;
	EVP_PKEY *key;
	enum pv_code rc;

	(void)group;
	err_init(&err);
	vec_hex(test, "public", &peer);
	ck_assert(scalar_of(test, &scalar));
	unit_ok(hpke_key(&scalar, &key, point, &err), &err);
	if (peer.len != HPKE_POINT_LEN) {
		/* The length is part of every format that carries a point. */
		unit_case(file, name, UNIT_REFUSED,
			  "our profile: uncompressed points only");
	} else {
		rc = hpke_dh(h, key, peer.data, dh, &err);
		ck_assert_int_eq(rc == PV_OK, valid);
		if (valid) {
			vec_equal(test, "shared", dh, sizeof(dh));
			unit_case(file, name, UNIT_PASS, NULL);
		} else {
			unit_refused(rc, PV_INPUT, "seal.point", &err);
			vec_refused(file, name, test);
		}
	}
	EVP_PKEY_free(key);
	buf_release(&peer);
}

START_TEST(test_ecpoint)
{
	vec_wycheproof(ECPOINT, 52, ecpoint_case);
}
END_TEST

/* One message for a fresh recipient, for the tests of refusals. */
struct message {
	struct secret scalar;
	uint8_t point[HPKE_POINT_LEN], enc[HPKE_ENC_LEN], ct[48];
	struct span info, aad;
};

static void make_message(struct message *m)
{
	static const uint8_t pt[32] = "thirty-two bytes of secret text";
	EVP_PKEY *key;

	memset(m, 0, sizeof(*m));
	m->info = vec_span("info", 4);
	m->aad = vec_span("aad", 3);
	unit_ok(secret_random(&m->scalar, HPKE_SCALAR_LEN, &err), &err);
	m->scalar.data[0] &= 0x7f; /* below the order */
	unit_ok(hpke_key(&m->scalar, &key, m->point, &err), &err);
	EVP_PKEY_free(key);
	unit_ok(hpke_seal(h, m->point, m->info, m->aad, vec_span(pt, 32),
			  m->enc, m->ct, &err),
		&err);
}

static enum pv_code open_message(struct message *m)
{
	SECRET out = SECRET_INIT;
	enum pv_code rc;

	err_init(&err);
	rc = hpke_open(h, &m->scalar, m->enc, m->info, m->aad,
		       vec_span(m->ct, sizeof(m->ct)), &out, &err);
	ck_assert_uint_eq(out.len, rc == PV_OK ? 32 : 0);
	return rc;
}

START_TEST(test_every_bit)
{
	struct message m;

	make_message(&m);
	ck_assert_int_eq(open_message(&m), PV_OK);
	for (size_t i = 0; i < 8 * sizeof(m.ct); i++) {
		m.ct[i / 8] ^= (uint8_t)(1 << i % 8);
		unit_refused(open_message(&m), PV_INTEGRITY, "seal.gcm", &err);
		m.ct[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < 8 * sizeof(m.enc); i++) {
		m.enc[i / 8] ^= (uint8_t)(1 << i % 8);
		unit_refused(open_message(&m), PV_INPUT, "seal.point", &err);
		m.enc[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	ck_assert_int_eq(open_message(&m), PV_OK);
	secret_release(&m.scalar);
}
END_TEST

START_TEST(test_wrong_context)
{
	struct message m, other;
	SECRET out = SECRET_INIT;

	make_message(&m);
	m.info = vec_span("inf0", 4);
	unit_refused(open_message(&m), PV_INTEGRITY, "seal.gcm", &err);
	m.info = vec_span("info", 4);
	m.aad = vec_span("aa", 2);
	unit_refused(open_message(&m), PV_INTEGRITY, "seal.gcm", &err);
	m.aad = vec_span("aad", 3);
	make_message(&other);
	secret_move(&m.scalar, &other.scalar);
	unit_refused(open_message(&m), PV_INTEGRITY, "seal.gcm", &err);
	err_init(&err);
	unit_refused(hpke_open(h, &m.scalar, m.enc, m.info, m.aad,
			       vec_span(m.ct, HPKE_TAG_LEN), &out, &err),
		     PV_INPUT, "seal.hpke", &err);
	secret_release(&m.scalar);
}
END_TEST

START_TEST(test_fresh_ephemeral)
{
	struct message m;
	uint8_t enc[HPKE_ENC_LEN], ct[48];

	make_message(&m);
	unit_ok(hpke_seal(h, m.point, m.info, m.aad, vec_span(ct, 32), enc, ct,
			  &err),
		&err);
	ck_assert_mem_ne(enc, m.enc, sizeof(enc));
	/* An injected key serves one call. */
	secret_release(&m.scalar);
}
END_TEST

static void refuse_point(const uint8_t *point)
{
	uint8_t enc[HPKE_ENC_LEN], ct[48];

	err_init(&err);
	unit_refused(hpke_point_check(h, point, &err), PV_INPUT, "seal.point",
		     &err);
	err_init(&err);
	unit_refused(hpke_seal(h, point, vec_span("", 0), vec_span("", 0),
			       vec_span(ct, 32), enc, ct, &err),
		     PV_INPUT, "seal.point", &err);
}

START_TEST(test_points)
{
	struct message m;
	uint8_t point[HPKE_POINT_LEN];

	make_message(&m);
	/* infinity with its rest filled up, compressed and hybrid forms */
	for (unsigned first = 0; first < 256; first++) {
		memcpy(point, m.point, sizeof(point));
		point[0] = (uint8_t)first;
		if (first == 4)
			unit_ok(hpke_point_check(h, point, &err), &err);
		else
			refuse_point(point);
	}
	memcpy(point, m.point, sizeof(point));
	point[64] ^= 1; /* off the curve */
	refuse_point(point);
	memset(point + 1, 0, 64);
	refuse_point(point);
	memset(point + 1, 0xff, 64); /* above the prime */
	refuse_point(point);
	ck_assert_int_eq(open_message(&m), PV_OK);
	secret_release(&m.scalar);
}
END_TEST

static void refuse_scalar(const char *hex)
{
	uint8_t bytes[40], point[HPKE_POINT_LEN];
	SECRET s = SECRET_INIT;
	EVP_PKEY *key;

	ck_assert(hex_decode(hex, bytes, strlen(hex) / 2));
	unit_ok(secret_copy(&s, bytes, strlen(hex) / 2, &err), &err);
	err_init(&err);
	unit_refused(hpke_key(&s, &key, point, &err), PV_INPUT, "seal.scalar",
		     &err);
	ck_assert(key == NULL);
}

/* 0, the order, above it, and wrong lengths (SEC 2, secp256r1). */
START_TEST(test_scalars)
{
	refuse_scalar("00000000000000000000000000000000"
		      "00000000000000000000000000000000");
	refuse_scalar("ffffffff00000000ffffffffffffffff"
		      "bce6faada7179e84f3b9cac2fc632551");
	refuse_scalar("ffffffffffffffffffffffffffffffff"
		      "ffffffffffffffffffffffffffffffff");
	refuse_scalar("01");
	refuse_scalar("0000000000000000000000000000000000000000"
		      "00000000000000000000000001");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("hpke");
	TCase *t = tcase_create("hpke");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_rfc9180);
	tcase_add_test(t, test_ecpoint);
	tcase_add_test(t, test_every_bit);
	tcase_add_test(t, test_wrong_context);
	tcase_add_test(t, test_fresh_ephemeral);
	tcase_add_test(t, test_points);
	tcase_add_test(t, test_scalars);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
