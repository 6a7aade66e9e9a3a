#include <string.h>

#include <openssl/pem.h>

#include "lib/flow/witnesskey.h"
#include "tests/unit/notepair.h"
#include "tests/unit/unit.h"

#define NAME "witness.example/1"
#define BODY "log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

static struct witnesskey key;
static struct secret text;
static struct err err;

static void setup(void)
{
	enum secret_heap heap;

	UNIT_OK(secret_setup(&heap, &err_));
	UNIT_OK(witnesskey_new(&key, NAME, &err_));
	UNIT_OK(witnesskey_put(&key, &text, &err_));
}

static void teardown(void)
{
	witnesskey_release(&key);
	secret_release(&text);
}

static void refused(const struct secret *s, const char *rule)
{
	struct witnesskey k;

	err_init(&err);
	unit_refused(witnesskey_parse(&k, s, &err), PV_INPUT, rule, &err);
	ck_assert_ptr_null(k.seed.data);
	ck_assert_str_eq(k.w.name, "");
}

START_TEST(test_round_trip)
{
	struct witnesskey again;
	struct secret put = SECRET_INIT;

	UNIT_OK(witnesskey_parse(&again, &text, &err_));
	ck_assert_mem_eq(&again.w, &key.w, sizeof(key.w));
	ck_assert(secret_equal(&again.seed, key.seed.data, key.seed.len));
	UNIT_OK(witnesskey_put(&again, &put, &err_));
	ck_assert(secret_equal(&put, text.data, text.len));
	secret_release(&put);
	witnesskey_release(&again);
}
END_TEST

/* OpenSSL finds the same key behind the first line. */
START_TEST(test_openssl_reads_it)
{
	BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	uint8_t pub[LOG_WITNESS_KEY];
	size_t len = sizeof(pub);

	ck_assert_ptr_nonnull(pkey);
	ck_assert_int_eq(EVP_PKEY_get_raw_public_key(pkey, pub, &len), 1);
	ck_assert_mem_eq(pub, key.w.key, sizeof(pub));
	EVP_PKEY_free(pkey);
	BIO_free(bio);
}
END_TEST

START_TEST(test_refuses)
{
	struct secret s = SECRET_INIT;

	refused(&s, "witness.key");
	UNIT_OK(secret_alloc(&s, text.len + 1, &err_));
	memcpy(s.data, text.data, text.len);
	s.data[text.len] = '\n'; /* something behind it */
	refused(&s, "witness.key");
	for (size_t len = 1; len < text.len; len++) {
		UNIT_OK(secret_copy(&s, text.data, len, &err_));
		refused(&s, "witness.key");
	}
	for (size_t i = 0; i < text.len; i++) {
		UNIT_OK(secret_copy(&s, text.data, text.len, &err_));
		s.data[i] ^= 1;
		refused(&s, NULL);
	}
	secret_release(&s);
}
END_TEST

START_TEST(test_names)
{
	static const char *const bad[] = { "", "a b", "a+b", "a\nb", "\xff" };
	struct witnesskey k;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_init(&err);
		unit_refused(witnesskey_new(&k, bad[i], &err), PV_INPUT,
			     "log.witness", &err);
		ck_assert_ptr_null(k.seed.data);
	}
}
END_TEST

START_TEST(test_cosigns)
{
	struct pair log_key;
	struct buf line, note;
	size_t len;

	pair_new(&log_key, NOTE_ED25519, "log");
	start(&note, BODY);
	UNIT_OK(add(&note, BODY, &log_key, &err_));
	len = note.len;
	buf_init(&line, LOG_COSIGN_LINE_MAX);
	UNIT_OK(witnesskey_cosign(&key, span_of(BODY), 1700000000, &line,
				  &err_));
	UNIT_OK(log_cosign_take(&note, buf_span(&line), &key.w, 1, &err_));
	ck_assert_uint_eq(note.len, len + line.len);
	/* A seed that is not the public key's: nothing leaves. */
	buf_reset(&line);
	key.seed.data[0] ^= 1;
	err_init(&err);
	unit_refused(witnesskey_cosign(&key, span_of(BODY), 1, &line, &err),
		     PV_INTEGRITY, "log.cosignature", &err);
	ck_assert_uint_eq(line.len, 0);
	buf_release(&line);
	buf_release(&note);
	EVP_PKEY_free(log_key.pkey);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("witnesskey");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_round_trip);
	tcase_add_test(t, test_openssl_reads_it);
	tcase_add_test(t, test_refuses);
	tcase_add_test(t, test_names);
	tcase_add_test(t, test_cosigns);
	suite_add_tcase(s, t);
	return unit_run(s);
}
