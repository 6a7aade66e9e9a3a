/*
 * The receiver's own HPKE against RFC 9180's vectors, its key schedule and
 * segments against bundles that a Python program made, and the table
 * against Wycheproof. (These files are listed case by case in check_hpke and
 * its neighbours; here they hold lib/device's second implementation.)
 */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <string.h>

#include "lib/device/impl.h"
#include "tests/unit/device_fixture.h"

static json_t *load(const char *name)
{
	struct buf text;
	json_t *j;

	unit_read(name, &text);
	j = json_loadb((const char *)text.data, text.len, 0, NULL);
	ck_assert(j != NULL);
	buf_release(&text);
	return j;
}

static size_t hex(const json_t *j, const char *key, uint8_t *out, size_t cap)
{
	const json_t *s = json_object_get(j, key);
	size_t len = json_string_length(s) / 2;

	ck_assert(json_is_string(s));
	ck_assert_uint_le(len, cap);
	ck_assert(hex_decode(json_string_value(s), out, len));
	return len;
}

/* d times the generator. */
static void public_point(const BIGNUM *d, uint8_t out[65])
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = EC_POINT_new(group);

	ck_assert_int_eq(EC_POINT_mul(group, point, d, NULL, NULL, NULL), 1);
	ck_assert_uint_eq(EC_POINT_point2oct(group, point,
					     POINT_CONVERSION_UNCOMPRESSED, out,
					     65, NULL),
			  65);
	EC_POINT_free(point);
	EC_GROUP_free(group);
}

static EVP_PKEY *private_key(const uint8_t d[32])
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	BIGNUM *bn = BN_bin2bn(d, 32, NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;
	uint8_t point[65];

	OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
					"P-256", 0);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, bn);
	public_point(bn, point);
	OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point,
					 65);
	params = OSSL_PARAM_BLD_to_param(bld);
	ck_assert_int_eq(EVP_PKEY_fromdata_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params),
			 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	BN_free(bn);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void check_hpke(struct fx_crypto *o, const json_t *v)
{
	const json_t *first =
		json_array_get(json_object_get(v, "encryptions"), 0);
	struct pvdev_config cfg = { .crypto = o->table };
	uint8_t sk[32], enc[65], info[64], key[32], nonce[12], want[32];
	uint8_t aad[64], ct[128], pt[128];
	EVP_PKEY *key_pair;
	size_t info_len = hex(v, "info", info, sizeof(info)), aad_len, ct_len;

	cfg.crypto_ctx = o->ctx;
	cfg.seal_slot = PVDEV_SLOT_SEALING;
	hex(v, "skRm", sk, 32);
	hex(v, "pkRm", cfg.seal_point, 65);
	hex(v, "enc", enc, 65);
	key_pair = private_key(sk);
	fx_crypto_keys(o, NULL, key_pair);
	ck_assert(pvdev_hpke_schedule(&cfg, enc, PVDEV_BYTES(info, info_len),
				      key, nonce));
	ck_assert_uint_eq(hex(v, "key", want, 32), 32);
	ck_assert_mem_eq(key, want, 32);
	ck_assert_uint_eq(hex(v, "base_nonce", want, 32), 12);
	ck_assert_mem_eq(nonce, want, 12);
	aad_len = hex(first, "aad", aad, sizeof(aad));
	ct_len = hex(first, "ct", ct, sizeof(ct));
	ck_assert(o->table->gcm_open(o->ctx, key, nonce, aad, aad_len, ct,
				     ct_len - 16));
	ck_assert_uint_eq(hex(first, "pt", pt, sizeof(pt)), ct_len - 16);
	ck_assert_mem_eq(ct, pt, ct_len - 16);
	EVP_PKEY_free(key_pair);
}

START_TEST(hpke)
{
	json_t *all = load("vectors/hpke/rfc9180-p256-sha256.json"), *v;
	struct fx_crypto o;
	size_t i, done = 0;

	fx_crypto_init(&o);
	json_array_foreach(all, i, v)
	{
		if (json_integer_value(json_object_get(v, "mode")) != 0 ||
		    json_integer_value(json_object_get(v, "aead_id")) != 2)
			continue;
		check_hpke(&o, v);
		done++;
	}
	ck_assert_uint_eq(done, 1);
	fx_crypto_release(&o);
	json_decref(all);
}
END_TEST

START_TEST(ecdh)
{
	json_t *all =
		load("vectors/wycheproof/ecdh_secp256r1_ecpoint_test.json");
	const json_t *groups = json_object_get(all, "testGroups");
	json_t *g, *v;
	struct fx_crypto o;
	size_t i, k, done = 0;

	fx_crypto_init(&o);
	json_array_foreach(groups, i, g)
		json_array_foreach(json_object_get(g, "tests"), k, v)
	{
		const char *want =
			json_string_value(json_object_get(v, "result"));
		uint8_t d[33], pub[128], x[32], shared[32];
		uint8_t priv[33] = { 0 };
		size_t n = hex(v, "private", priv, 33);
		EVP_PKEY *key;
		bool ok;

		memset(d, 0, sizeof(d));
		memcpy(d + (n < 32 ? 32 - n : 0), priv + (n > 32),
		       n > 32 ? 32 : n);
		if (hex(v, "public", pub, sizeof(pub)) != 65)
			continue; /* compressed or not a point: never ours */
		key = private_key(d);
		fx_crypto_keys(&o, NULL, key);
		ok = o.table->p256_ecdh(o.ctx, PVDEV_SLOT_SEALING, pub, x);
		ck_assert_msg(
			ok == (strcmp(want, "invalid") != 0), "tcId %d",
			(int)json_integer_value(json_object_get(v, "tcId")));
		if (ok) {
			hex(v, "shared", shared, 32);
			ck_assert_mem_eq(x, shared, 32);
		}
		EVP_PKEY_free(key);
		done++;
	}
	ck_assert_uint_gt(done, 30);
	fx_crypto_release(&o);
	json_decref(all);
}
END_TEST

START_TEST(ecdsa)
{
	json_t *all = load(
		"vectors/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json");
	const json_t *groups = json_object_get(all, "testGroups");
	json_t *g, *v;
	struct fx_crypto o;
	size_t i, k, done = 0;

	fx_crypto_init(&o);
	json_array_foreach(groups, i, g)
		json_array_foreach(json_object_get(g, "tests"), k, v)
	{
		const char *want =
			json_string_value(json_object_get(v, "result"));
		uint8_t point[65], msg[256], sig[256], digest[32];
		size_t len;

		hex(json_object_get(g, "publicKey"), "uncompressed", point, 65);
		len = hex(v, "msg", msg, sizeof(msg));
		fx_sha256(msg, len, digest);
		if (hex(v, "sig", sig, sizeof(sig)) != 64)
			continue; /* cose_parse takes 64 bytes only */
		ck_assert_int_eq(
			o.table->p256_verify(o.ctx, point, digest, sig),
			strcmp(want, "valid") == 0);
		done++;
	}
	ck_assert_uint_gt(done, 100);
	fx_crypto_release(&o);
	json_decref(all);
}
END_TEST

START_TEST(key_wrap)
{
	json_t *all = load("vectors/wycheproof/aes_wrap_test.json");
	const json_t *groups = json_object_get(all, "testGroups");
	json_t *g, *v;
	struct fx_crypto o;
	size_t i, k, done = 0;

	fx_crypto_init(&o);
	json_array_foreach(groups, i, g)
		json_array_foreach(json_object_get(g, "tests"), k, v)
	{
		bool valid =
			strcmp(json_string_value(json_object_get(v, "result")),
			       "valid") == 0;
		uint8_t kek[64], ct[512], msg[512], out[32];

		if (hex(v, "key", kek, sizeof(kek)) != 32 ||
		    hex(v, "ct", ct, sizeof(ct)) != PVDEV_KW_LEN)
			continue;
		fx_crypto_secrets(&o, kek, NULL, NULL);
		ck_assert_int_eq(o.table->kw_unwrap(o.ctx, ct, out), valid);
		if (valid) {
			ck_assert_uint_eq(hex(v, "msg", msg, sizeof(msg)), 32);
			ck_assert_mem_eq(out, msg, 32);
		}
		done++;
	}
	ck_assert_uint_gt(done, 5);
	fx_crypto_release(&o);
	json_decref(all);
}
END_TEST

/* Envelope, keys, segments and macs of bundles that Python made. */
static void check_known(struct fx *f, const json_t *v, bool p256)
{
	static uint8_t payload[8192], segments[65536];
	struct pvdev *d = &f->dev;
	struct pvdev_container c;
	struct pvdev_binding b;
	struct cbor_bytes item;
	uint8_t want[32], commit[32], sk[32];
	EVP_PKEY *key = NULL;
	uint64_t n = 2;
	unsigned i;

	memset(d, 0, sizeof(*d));
	d->cfg = &f->cfg;
	d->keys_of = PVDEV_COMPONENTS_MAX;
	ck_assert_int_eq(
		pvdev_binding(d,
			      PVDEV_BYTES(payload, hex(v, "payload", payload,
						       sizeof(payload))),
			      &b),
		PVDEV_OK);
	ck_assert(pvdev_sha256(&f->cfg, &b.bytes, 1, d->facts.bh));
	hex(v, "bh", want, 32);
	ck_assert_mem_eq(d->facts.bh, want, 32);
	if (p256) {
		hex(v, "recipient", sk, 32);
		key = private_key(sk);
		fx_crypto_keys(&f->crypto, NULL, key);
		ck_assert(pvdev_openssl_point(key, f->cfg.seal_point));
	} else {
		hex(v, "kek", f->keys.kek, 32);
	}
	/* key ids there are random */
	ck_assert_uint_le(b.key_id.len, sizeof(f->cfg.key_id));
	memcpy(f->cfg.key_id, b.key_id.p, b.key_id.len);
	f->cfg.key_id_len = b.key_id.len;
	ck_assert_int_eq(pvdev_envelope(d, &b), PVDEV_OK);
	hex(v, "bs", want, 32);
	ck_assert_mem_eq(d->bs, want, 32);
	for (i = 0; i < d->sealed_n; i++) {
		ck_assert(pvdev_keys(d, i, commit));
		ck_assert_mem_eq(commit, d->comp[i].commit, 32);
		d->comp[i].first_bit = i * 512;
	}
	d->state = PVDEV_RECEIVING;
	pvdev_container_init(&c, segments,
			     hex(v, "segments", segments, sizeof(segments)));
	while (pvdev_container_next(&c, &item))
		ck_assert_int_eq(pvdev_feed(d, n++,
					    segments + (item.p - segments),
					    item.len),
				 PVDEV_OK);
	ck_assert_uint_eq(n, pvdev_items(d));
	d->facts.seq = 1;
	ck_assert_int_eq(pvdev_finish(d), PVDEV_OK);
	for (i = 0; i < d->sealed_n; i++) {
		static uint8_t plain[FX_STORE_MAX];
		const json_t *one =
			json_array_get(json_object_get(v, "sealed"), i);

		ck_assert_uint_eq(hex(one, "plain", plain, sizeof(plain)),
				  f->store.active_len[i]);
		ck_assert_mem_eq(f->store.active[i], plain,
				 f->store.active_len[i]);
	}
	EVP_PKEY_free(key);
}

START_TEST(known_bundles)
{
	json_t *all = load("seal/known-bundles.json"), *v;
	size_t i;

	json_array_foreach(json_object_get(all, "bundles"), i, v)
	{
		bool p256 = json_integer_value(json_object_get(v, "kind")) == 1;
		struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN,
						   p256 ? PVDEV_KIND_P256
							: PVDEV_KIND_KDF);
		struct fx f;

		fx_setup(&f, &s);
		check_known(&f, v, p256);
		fx_release(&f);
	}
	ck_assert_uint_eq(i, 2);
	json_decref(all);
}
END_TEST

START_TEST(empty_slots)
{
	static const uint8_t zero[65];
	struct fx_crypto o;
	uint8_t out[64];

	fx_crypto_init(&o);
	ck_assert(!o.table->hmac_begin_slot(o.ctx, PVDEV_SLOT_AUTH));
	ck_assert(!o.table->hmac_begin_slot(o.ctx, PVDEV_SLOT_RECEIPT));
	ck_assert(!o.table->hmac_begin_slot(o.ctx, PVDEV_SLOT_KEK));
	ck_assert(!o.table->kw_unwrap(o.ctx, zero, out));
	ck_assert(!o.table->p256_sign(o.ctx, PVDEV_SLOT_CERTIFIED, zero, out));
	ck_assert(!o.table->p256_sign(o.ctx, PVDEV_SLOT_KEK, zero, out));
	ck_assert(!o.table->p256_verify(o.ctx, zero, zero, zero));
	fx_crypto_release(&o);
	fx_crypto_release(&o);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device_crypto");
	TCase *t = tcase_create("device_crypto");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, hpke);
	tcase_add_test(t, ecdh);
	tcase_add_test(t, ecdsa);
	tcase_add_test(t, key_wrap);
	tcase_add_test(t, known_bundles);
	tcase_add_test(t, empty_slots);
	suite_add_tcase(s, t);
	return unit_run(s);
}
