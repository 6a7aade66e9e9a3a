#include <string.h>

#include <openssl/evp.h>

#include "pkcs11/keygen.h"
#include "pkcs11/seal.h"
#include "tests/unit/p11_fault.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

static struct p11_config cfg;
static struct err err;
static struct hsm *h;
static struct p11 *p;
static struct hsm_key *key;
static const uint8_t nonce[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
static const struct span aad = { (const uint8_t *)"provctl/store/v1", 16 };

static void setup(void)
{
	softhsm_token("acme", &cfg);
	err_init(&err);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	p = (struct p11 *)h;
	unit_ok(hsm_generate(h, HSM_KEY_STORE, "a/store/1", &key, &err), &err);
	fault_install(p);
}

static void teardown(void)
{
	hsm_close(h);
}

static void seal(size_t len, struct secret *plain, struct buf *out)
{
	unit_ok(secret_random(plain, len, &err), &err);
	buf_init(out, 1024 * 1024);
	unit_ok(hsm_seal(h, key, nonce, aad, plain, out, &err), &err);
	ck_assert_uint_eq(out->len, len + HSM_GCM_TAG_LEN);
}

static const size_t lengths[] = { 1, 15, 16, 17, 32, 1000, P11_SEAL_MAX };

START_TEST(round_trip)
{
	SECRET plain = SECRET_INIT;
	SECRET back = SECRET_INIT;
	struct buf out;

	seal(lengths[_i], &plain, &out);
	unit_ok(hsm_open(h, key, nonce, aad, buf_span(&out), &back, &err),
		&err);
	ck_assert(secret_equal(&back, plain.data, plain.len));
	buf_release(&out);
}
END_TEST

START_TEST(no_aad_and_appending)
{
	struct span none = { NULL, 0 };
	SECRET plain = SECRET_INIT;
	SECRET back = SECRET_INIT;
	struct buf out;
	struct span sealed;

	unit_ok(secret_random(&plain, 40, &err), &err);
	buf_init(&out, 100);
	buf_put_str(&out, "head");
	unit_ok(hsm_seal(h, key, nonce, none, &plain, &out, &err), &err);
	ck_assert_uint_eq(out.len, 4 + 40 + 16);
	ck_assert_mem_eq(out.data, "head", 4);
	sealed = (struct span){ out.data + 4, out.len - 4 };
	unit_ok(hsm_open(h, key, nonce, none, sealed, &back, &err), &err);
	ck_assert(secret_equal(&back, plain.data, plain.len));
	buf_release(&out);
}
END_TEST

/* Compared with OpenSSL on a key that the test has put there. */
START_TEST(same_as_openssl)
{
	static const uint8_t value[32] = "an AES-256 key that is no secret";
	const CK_OBJECT_CLASS klass = CKO_SECRET_KEY;
	const CK_KEY_TYPE type = CKK_AES;
	struct p11_template t = { .n = 0 };
	struct hsm_key known = { .info = { .kind = HSM_KEY_STORE } };
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	SECRET plain = SECRET_INIT;
	uint8_t theirs[64];
	struct buf out;
	int n = 0;

	p11_template_add(&t, CKA_CLASS, &klass, sizeof(klass));
	p11_template_add(&t, CKA_KEY_TYPE, &type, sizeof(type));
	p11_template_add(&t, CKA_VALUE, value, sizeof(value));
	p11_template_flag(&t, CKA_TOKEN, false);
	p11_template_flag(&t, CKA_ENCRYPT, true);
	ck_assert_uint_eq(p->mod.f->C_CreateObject(p->pool.seats[0].session,
						   t.a, t.n, &known.handle),
			  CKR_OK);
	known.generation = p->pool.generation;
	unit_ok(secret_random(&plain, 33, &err), &err);
	buf_init(&out, 100);
	unit_ok(p11_seal(p, &known, nonce, aad, &plain, &out, &err), &err);
	EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), value, nonce, NULL);
	EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.len);
	EVP_EncryptUpdate(ctx, theirs, &n, plain.data, (int)plain.len);
	EVP_EncryptFinal_ex(ctx, theirs + n, &n);
	EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, theirs + 33);
	ck_assert_uint_eq(out.len, 49);
	ck_assert_mem_eq(out.data, theirs, 49);
	EVP_CIPHER_CTX_free(ctx);
	buf_release(&out);
}
END_TEST

static void not_opened(const uint8_t *n, struct span a, struct span sealed)
{
	SECRET back = SECRET_INIT;

	err_init(&err);
	unit_refused(hsm_open(h, key, n, a, sealed, &back, &err), PV_INTEGRITY,
		     "store.sealed", &err);
	ck_assert_uint_eq(back.len, 0);
}

START_TEST(every_bit_counts)
{
	SECRET plain = SECRET_INIT;
	SECRET back = SECRET_INIT;
	uint8_t other_nonce[12];
	struct span other_aad = { aad.p, aad.len - 1 };
	struct buf out;

	seal(8, &plain, &out);
	for (size_t bit = 0; bit < 8 * out.len; bit++) {
		out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		not_opened(nonce, aad, buf_span(&out));
		out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	memcpy(other_nonce, nonce, 12);
	other_nonce[11] ^= 1;
	not_opened(other_nonce, aad, buf_span(&out));
	not_opened(nonce, other_aad, buf_span(&out));
	/* It was never the HSM: no second Initialize, and it still opens. */
	ck_assert_int_eq(fault_calls(FAULT_INITIALIZE), 0);
	err_init(&err);
	unit_ok(hsm_open(h, key, nonce, aad, buf_span(&out), &back, &err),
		&err);
	buf_release(&out);
}
END_TEST

START_TEST(lengths_refused)
{
	static const uint8_t bytes[P11_SEAL_MAX + 17];
	SECRET plain = SECRET_INIT;
	struct buf out;

	for (size_t len = 0; len <= HSM_GCM_TAG_LEN; len++)
		not_opened(nonce, aad, (struct span){ bytes, len });
	not_opened(nonce, aad, (struct span){ bytes, sizeof(bytes) });
	buf_init(&out, 1024 * 1024);
	err_init(&err);
	unit_refused(hsm_seal(h, key, nonce, aad, &plain, &out, &err), PV_INPUT,
		     "hsm.length", &err);
	err_init(&err);
	unit_ok(secret_alloc(&plain, P11_SEAL_MAX + 1, &err), &err);
	unit_refused(hsm_seal(h, key, nonce, aad, &plain, &out, &err), PV_INPUT,
		     "hsm.length", &err);
	/* An output with too little room. */
	secret_truncate(&plain, 32);
	err_init(&err);
	buf_init(&out, 40);
	unit_refused(hsm_seal(h, key, nonce, aad, &plain, &out, &err), PV_INPUT,
		     NULL, &err);
	ck_assert_int_eq(fault_calls(FAULT_DECRYPT), 0);
	ck_assert_int_eq(fault_calls(FAULT_ENCRYPT), 0);
}
END_TEST

START_TEST(another_key)
{
	struct hsm_key *two;
	SECRET plain = SECRET_INIT;
	struct buf out;

	unit_ok(hsm_generate(h, HSM_KEY_STORE, "a/store/2", &two, &err), &err);
	seal(32, &plain, &out);
	key = two;
	not_opened(nonce, aad, buf_span(&out));
	err_init(&err);
	unit_ok(hsm_generate(h, HSM_KEY_KDF, "a/kdf/1", &two, &err), &err);
	unit_refused(hsm_seal(h, two, nonce, aad, &plain, &out, &err),
		     PV_INTERNAL, "hsm.key", &err);
	err_init(&err);
	unit_refused(hsm_open(h, two, nonce, aad, buf_span(&out), &plain, &err),
		     PV_INTERNAL, "hsm.key", &err);
	buf_release(&out);
}
END_TEST

/* GENERAL_ERROR of a good blob: the HSM's fault, healed by one Initialize. */
START_TEST(general_error_of_the_hsm)
{
	SECRET plain = SECRET_INIT;
	SECRET back = SECRET_INIT;
	struct buf out;

	seal(32, &plain, &out);
	fault_set(FAULT_DECRYPT, 0, FAULT_FOR_EVER, CKR_GENERAL_ERROR);
	unit_refused(hsm_open(h, key, nonce, aad, buf_span(&out), &back, &err),
		     PV_HSM_TEMP, "hsm.call", &err);
	ck_assert_int_eq(fault_calls(FAULT_INITIALIZE), 1);
	ck_assert_int_eq(fault_calls(FAULT_FINALIZE), 1);
	/* One bad answer that left the session unusable; then it works. */
	err_init(&err);
	fault_set(FAULT_DECRYPT, 0, 1, CKR_GENERAL_ERROR);
	unit_ok(hsm_open(h, key, nonce, aad, buf_span(&out), &back, &err),
		&err);
	ck_assert(secret_equal(&back, plain.data, plain.len));
	buf_release(&out);
}
END_TEST

START_TEST(other_faults)
{
	SECRET plain = SECRET_INIT;
	SECRET back = SECRET_INIT;
	struct buf out;

	seal(32, &plain, &out);
	fault_set(FAULT_DECRYPT, 0, 1, CKR_SESSION_HANDLE_INVALID);
	unit_ok(hsm_open(h, key, nonce, aad, buf_span(&out), &back, &err),
		&err);
	fault_set(FAULT_DECRYPT, 0, 1, CKR_DEVICE_REMOVED);
	unit_refused(hsm_open(h, key, nonce, aad, buf_span(&out), &back, &err),
		     PV_HSM_TEMP, "hsm.device", &err);
	fault_set(FAULT_DECRYPT, 0, 1, CKR_AEAD_DECRYPT_FAILED);
	not_opened(nonce, aad, buf_span(&out));
	fault_reset();
	fault_length(FAULT_DECRYPT, ~0UL);
	err_init(&err);
	unit_refused(hsm_open(h, key, nonce, aad, buf_span(&out), &back, &err),
		     PV_HSM_FATAL, "hsm.length", &err);
	fault_reset();
	err_init(&err);
	fault_set(FAULT_ENCRYPT, 0, 1, CKR_SESSION_CLOSED);
	out.len = 0;
	unit_ok(hsm_seal(h, key, nonce, aad, &plain, &out, &err), &err);
	unit_ok(hsm_open(h, key, nonce, aad, buf_span(&out), &back, &err),
		&err);
	buf_release(&out);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_seal");
	TCase *t = tcase_create("seal");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, round_trip, 0,
			    sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_test(t, no_aad_and_appending);
	tcase_add_test(t, same_as_openssl);
	tcase_add_test(t, every_bit_counts);
	tcase_add_test(t, lengths_refused);
	tcase_add_test(t, another_key);
	tcase_add_test(t, general_error_of_the_hsm);
	tcase_add_test(t, other_faults);
	suite_add_tcase(s, t);
	return unit_run(s);
}
