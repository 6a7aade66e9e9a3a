#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cose.h"
#include "lib/seal/receipt.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/unit.h"

/* What a receipt says, and how. */
struct claims {
	bool mac;
	uint64_t seq, result;
	size_t nonce; /* bytes; 0: none */
	bool other;   /* a claim that there is none of */
};

static uint8_t kid[16] = { 1, 2, 3 };
static uint8_t mac_key[32] = { 9, 9, 9 };

static struct cbor_bytes written(const struct cbor_writer *w)
{
	struct cbor_bytes b = { w->p, w->len };

	return b;
}

static void put_claims(struct cbor_writer *w, const struct claims *c)
{
	static const uint8_t id[SEAL_ID_LEN] = { 0xab }, bh[32] = { 0xcd },
			     nonce[80] = { 0xef };

	cbor_put_map(w, 4u + (c->nonce > 0) + c->other);
	cbor_put_uint(w, 7);
	cbor_put_bstr(w, id, sizeof(id));
	if (c->nonce > 0) {
		cbor_put_uint(w, 10);
		cbor_put_bstr(w, nonce, c->nonce);
	}
	cbor_put_int(w, -70001);
	cbor_put_bstr(w, bh, sizeof(bh));
	cbor_put_int(w, -70002);
	cbor_put_uint(w, c->seq);
	cbor_put_int(w, -70003);
	cbor_put_uint(w, c->result);
	if (c->other) {
		cbor_put_int(w, -70005);
		cbor_put_uint(w, 0);
	}
}

/* Signed by key, or under mac_key where that is NULL. */
static size_t make_of(struct cbor_bytes payload, EVP_PKEY *key, uint8_t *out,
		      size_t cap)
{
	uint8_t prot[64], all[512], auth[64], digest[32];
	struct cbor_writer h, s, w;
	unsigned len = 32;

	cbor_writer_init(&h, prot, sizeof(prot));
	cose_put_protected(&h, key ? COSE_ALG_ES256 : COSE_ALG_HMAC256, kid,
			   key ? 8 : 16);
	cbor_writer_init(&s, all, sizeof(all));
	if (key) {
		cose_put_sig_structure(&s, written(&h), payload);
		SHA256(all, s.len, digest);
		keys_sign(key, digest, auth);
	} else {
		cose_put_mac_structure(&s, written(&h), payload);
		ck_assert(HMAC(EVP_sha256(), mac_key, 32, all, s.len, auth,
			       &len));
	}
	cbor_writer_init(&w, out, cap);
	cose_put_message(&w, key ? COSE_TAG_SIGN1 : COSE_TAG_MAC0, written(&h),
			 payload, auth, key ? COSE_SIG_LEN : COSE_MAC_LEN);
	ck_assert(cbor_writer_ok(&w));
	return w.len;
}

/* A whole receipt in out; signed by key, or under mac_key. */
static size_t make(const struct claims *c, EVP_PKEY *key, uint8_t *out,
		   size_t cap)
{
	uint8_t payload[256];
	struct cbor_writer p;

	cbor_writer_init(&p, payload, sizeof(payload));
	put_claims(&p, c);
	return make_of(written(&p), c->mac ? NULL : key, out, cap);
}

static const struct claims good[] = {
	{ false, 1, 0, 0, false },
	{ false, (UINT64_C(1) << 63) - 1, 82, 32, false },
	{ true, 7, 0, 0, false },
	{ true, 7, UINT32_MAX, 64, false },
};

START_TEST(takes_apart)
{
	const struct claims *c = &good[_i];
	EVP_PKEY *key = keys_new();
	struct seal_receipt r;
	uint8_t bytes[512];
	size_t len = make(c, key, bytes, sizeof(bytes));
	struct err err;

	err_init(&err);
	unit_ok(seal_receipt_parse((struct span){ bytes, len }, &r, &err),
		&err);
	ck_assert(r.mac == c->mac && r.seq == c->seq && r.result == c->result);
	ck_assert(r.nonce.len == c->nonce);
	ck_assert(r.bundle_id[0] == 0xab && r.bh[0] == 0xcd);
	ck_assert(r.kid.len == (c->mac ? 16 : 8) && r.kid.p[0] == 1);
	EVP_PKEY_free(key);
}
END_TEST

static const struct claims bad[] = {
	{ false, 0, 0, 0, false },
	{ false, UINT64_C(1) << 63, 0, 0, false },
	{ false, 1, UINT64_C(1) << 32, 0, false },
	{ false, 1, 0, 7, false },
	{ false, 1, 0, 65, false },
	{ true, 1, 0, 0, true },
	{ true, 1, 0, 32, true },
};

START_TEST(refuses)
{
	EVP_PKEY *key = keys_new();
	struct seal_receipt r;
	uint8_t bytes[512];
	size_t len = make(&bad[_i], key, bytes, sizeof(bytes));
	struct err err;

	err_init(&err);
	unit_refused(seal_receipt_parse((struct span){ bytes, len }, &r, &err),
		     PV_INPUT, "receipt.form", &err);
	EVP_PKEY_free(key);
}
END_TEST

/* ---- each claim, as bytes ---- */

#define H8 "0102030405060708"
#define H32 H8 H8 H8 H8
static const struct {
	const char *label, *value;
	bool needed;
	const char *lengths[2]; /* one byte short, one too many */
} parts[] = {
	{ "07", "50" H8 H8, true, { "4f" H8 "01020304050607", "5101" H8 H8 } },
	{ "0a", "48" H8, false, { "4701020304050607", "584101" H32 H32 } },
	{ "3a00011170",
	  "5820" H32,
	  true,
	  { "581f" H8 H8 H8 "01020304050607", "582101" H32 } },
	{ "3a00011171", "01", true, { "00", "1b8000000000000000" } },
	{ "3a00011172",
	  "00",
	  true,
	  { "1b0000000100000000", "1bffffffffffffffff" } },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))
/* Of no claim's type: null, true, -1, text, a list, a map, one byte, a tag. */
static const char *const no_claim_takes[] = { "f6", "f5", "20",	  "6161",
					      "80", "a0", "4100", "c100" };

/* A receipt that has the claim at so many times, of this value. */
static void expect_claim(size_t at, const char *value, int times,
			 enum pv_code code)
{
	struct seal_receipt r;
	char hex[512] = "";
	uint8_t payload[256], bytes[512];
	size_t n = 0, len = 0;
	struct err err;

	for (size_t i = 0; i < PARTS; i++) {
		for (int k = 0; k < (i == at ? times : 1); k++, n++) {
			len += (size_t)snprintf(hex + len, sizeof(hex) - len,
						"%s%s", parts[i].label,
						i == at ? value
							: parts[i].value);
		}
	}
	payload[0] = (uint8_t)(0xa0 + n);
	len /= 2;
	ck_assert(hex_decode(hex, payload + 1, len));
	len = make_of((struct cbor_bytes){ payload, len + 1 }, NULL, bytes,
		      sizeof(bytes));
	err_init(&err);
	if (code == PV_OK)
		unit_ok(seal_receipt_parse((struct span){ bytes, len }, &r,
					   &err),
			&err);
	else
		unit_refused(seal_receipt_parse((struct span){ bytes, len }, &r,
						&err),
			     code, "receipt.form", &err);
}

START_TEST(each_claim)
{
	size_t at = (size_t)_i;
	const char *value = parts[at].value;

	expect_claim(at, value, 1, PV_OK);
	expect_claim(at, value, 0, parts[at].needed ? PV_INPUT : PV_OK);
	expect_claim(at, value, 2, PV_INPUT);
	for (size_t i = 0;
	     i < sizeof(no_claim_takes) / sizeof(no_claim_takes[0]); i++)
		expect_claim(at, no_claim_takes[i], 1, PV_INPUT);
	for (size_t i = 0; i < 2; i++)
		expect_claim(at, parts[at].lengths[i], 1, PV_INPUT);
}
END_TEST

/* Cut anywhere, or with something behind it, it is none. */
START_TEST(refuses_lengths)
{
	EVP_PKEY *key = keys_new();
	struct seal_receipt r;
	uint8_t bytes[600] = { 0 };
	size_t len = make(&good[_i], key, bytes, 512);
	struct err err;

	for (size_t n = 0; n <= SEAL_RECEIPT_MAX + 1; n++) {
		err_init(&err);
		if (n != len)
			unit_refused(
				seal_receipt_parse((struct span){ bytes, n },
						   &r, &err),
				PV_INPUT, "receipt.form", &err);
	}
	EVP_PKEY_free(key);
}
END_TEST

/* Every bit of a MAC'ed receipt matters. */
START_TEST(authenticates)
{
	SECRET secret = SECRET_INIT;
	struct kdf *k = NULL;
	struct seal_receipt r;
	uint8_t bytes[512];
	size_t len = make(&good[2], NULL, bytes, sizeof(bytes));
	struct span s = { bytes, len };
	struct err err;

	err_init(&err);
	unit_ok(kdf_new(&k, &err), &err);
	unit_ok(secret_copy(&secret, mac_key, sizeof(mac_key), &err), &err);
	unit_ok(seal_receipt_parse(s, &r, &err), &err);
	unit_ok(seal_receipt_mac(&r, k, &secret, &err), &err);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err_init(&err);
		if (seal_receipt_parse(s, &r, &err) == PV_OK)
			unit_refused(seal_receipt_mac(&r, k, &secret, &err),
				     PV_INTEGRITY, "receipt.signature", &err);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	kdf_free(k);
}
END_TEST

/* The digest is the one that was signed. */
START_TEST(digests)
{
	EVP_PKEY *key = keys_new();
	struct seal_receipt r;
	uint8_t bytes[512], digest[32];
	size_t len = make(&good[1], key, bytes, sizeof(bytes));
	struct err err;

	err_init(&err);
	unit_ok(seal_receipt_parse((struct span){ bytes, len }, &r, &err),
		&err);
	unit_ok(seal_receipt_digest(&r, digest, &err), &err);
	ck_assert(keys_verify(key, digest, r.auth.p));
	EVP_PKEY_free(key);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("receipt");
	TCase *t = tcase_create("receipt");

	tcase_add_loop_test(t, takes_apart, 0, 4);
	tcase_add_loop_test(t, refuses, 0, 7);
	tcase_add_loop_test(t, each_claim, 0, (int)PARTS);
	tcase_add_loop_test(t, refuses_lengths, 0, 4);
	tcase_add_test(t, authenticates);
	tcase_add_test(t, digests);
	suite_add_tcase(s, t);
	return unit_run(s);
}
