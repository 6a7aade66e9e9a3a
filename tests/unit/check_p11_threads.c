#include <string.h>

#include "tests/unit/p11_fault.h"
#include "tests/unit/p11_workers.h"
#include "tests/unit/unit.h"

#define SESSIONS 4

static struct err err;

static void setup(void)
{
	err_init(&err);
	workers_open(SESSIONS);
	ck_assert_uint_eq(hsm_sessions(whsm.h), SESSIONS);
}

static void teardown(void)
{
	hsm_close(whsm.h);
}

static const unsigned pools[] = { 1, 3, SESSIONS, WORKERS_MAX };

START_TEST(all_verify)
{
	int rounds = pools[_i] == SESSIONS ? 200 : 40;

	workers_open(pools[_i]);
	ck_assert_uint_eq(hsm_sessions(whsm.h), pools[_i]);
	fault_delay(FAULT_SIGN, WORKERS_DELAY_US);
	workers_run(WORKERS_MAX, rounds, workers_sign);
	workers_all_good(WORKERS_MAX, rounds);
	ck_assert_int_eq(fault_calls(FAULT_SIGN), WORKERS_MAX * rounds);
	ck_assert_int_eq(fault_calls(FAULT_FIND_INIT), 0);
	ck_assert_int_eq(fault_calls(FAULT_OPEN_SESSION), 0);
	ck_assert_int_eq(fault_most(), (int)pools[_i]);
	hsm_close(whsm.h);
}
END_TEST

static void *draw_once(void *arg)
{
	struct worker *w = arg;
	uint8_t out[16];

	w->code = hsm_random(whsm.h, out, sizeof(out), &w->err);
	w->good = w->code == PV_OK;
	return NULL;
}

/* The same bytes on every session: whoever is not the first sees it. */
START_TEST(random_repeats)
{
	int good = 0;

	workers_run(WORKERS_MAX, 1, draw_once);
	workers_all_good(WORKERS_MAX, 1);
	fault_random(7);
	workers_run(WORKERS_MAX, 1, draw_once);
	for (int i = 0; i < WORKERS_MAX; i++) {
		good += workers[i].good;
		if (!workers[i].good)
			unit_refused(workers[i].code, PV_HSM_FATAL,
				     "hsm.random", &workers[i].err);
	}
	ck_assert_int_eq(good, 1);
}
END_TEST

static struct hsm_key *log_key, *kdf_key, *store_key;
static struct secret derived = SECRET_INIT;

static enum pv_code seal_and_open(struct worker *w, int round)
{
	const uint8_t nonce[12] = { (uint8_t)w->number, (uint8_t)round };
	const struct span aad = { nonce, 2 };
	SECRET plain = SECRET_INIT;
	SECRET back = SECRET_INIT;
	struct buf out;
	enum pv_code rc = secret_random(&plain, 100, &w->err);

	buf_init(&out, 256);
	if (rc == PV_OK)
		rc = hsm_seal(whsm.h, store_key, nonce, aad, &plain, &out,
			      &w->err);
	if (rc == PV_OK)
		rc = hsm_open(whsm.h, store_key, nonce, aad, buf_span(&out),
			      &back, &w->err);
	if (rc == PV_OK && !secret_equal(&back, plain.data, plain.len))
		w->wrong++;
	if (rc == PV_OK) {
		out.data[0] ^= 1;
		if (hsm_open(whsm.h, store_key, nonce, aad, buf_span(&out),
			     &back, NULL) != PV_INTEGRITY)
			w->wrong++;
	}
	buf_release(&out);
	return rc;
}

static void *use_all(void *arg)
{
	struct worker *w = arg;
	const struct span input = { (const uint8_t *)"p\0x", 3 };
	SECRET out = SECRET_INIT;
	uint8_t sig[64];
	uint8_t bytes[32];

	for (int i = 0; w->code == PV_OK && i < w->rounds; i++) {
		w->code =
			hsm_sign_message(whsm.h, log_key, input, sig, &w->err);
		if (w->code == PV_OK)
			w->code = hsm_derive(whsm.h, kdf_key, input, &out,
					     &w->err);
		if (w->code == PV_OK &&
		    !secret_equal(&out, derived.data, derived.len))
			w->wrong++;
		if (w->code == PV_OK)
			w->code = hsm_random(whsm.h, bytes, sizeof(bytes),
					     &w->err);
		if (w->code == PV_OK)
			w->code = seal_and_open(w, i);
		w->good += w->code == PV_OK;
	}
	return NULL;
}

/* Every call that threads may make, four keys, sessions that end meanwhile. */
START_TEST(all_calls)
{
	const struct span input = { (const uint8_t *)"p\0x", 3 };

	unit_ok(hsm_generate(whsm.h, HSM_KEY_ED25519, "a/log/1", &log_key,
			     &err),
		&err);
	unit_ok(hsm_generate(whsm.h, HSM_KEY_KDF, "a/kdf/1", &kdf_key, &err),
		&err);
	unit_ok(hsm_generate(whsm.h, HSM_KEY_STORE, "a/s/1", &store_key, &err),
		&err);
	unit_ok(hsm_derive(whsm.h, kdf_key, input, &derived, &err), &err);
	fault_reset();
	fault_set(FAULT_ENCRYPT, 20, 1, CKR_SESSION_CLOSED);
	fault_set(FAULT_DECRYPT, 61, 1, CKR_SESSION_HANDLE_INVALID);
	fault_set(FAULT_RANDOM, 100, 1, CKR_USER_NOT_LOGGED_IN);
	fault_set(FAULT_SIGN, 350, 1, CKR_CRYPTOKI_NOT_INITIALIZED);
	workers_run(WORKERS_MAX, 25, use_all);
	workers_all_good(WORKERS_MAX, 25);
	for (int i = 0; i < WORKERS_MAX; i++)
		ck_assert_int_eq(workers[i].wrong, 0);
	/* Faults may meet, or be met by C_Decrypt's question for a wrong tag:
	 * GENERAL_ERROR means the HSM then. */
	ck_assert_int_ge(fault_calls(FAULT_LOGIN), 1);
	ck_assert_int_le(fault_calls(FAULT_LOGIN), 4);
	ck_assert_int_le(fault_calls(FAULT_FINALIZE), 3);
	ck_assert_int_eq(fault_overlaps(), 0);
	workers_pool_is_whole(SESSIONS);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
	Suite *s = suite_create("p11_threads");
	TCase *t = tcase_create("threads");
	TCase *sizes = tcase_create("sizes");

	tcase_set_timeout(sizes, 60);
	tcase_add_loop_test(sizes, all_verify, 0, COUNT(pools));
	suite_add_tcase(s, sizes);
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, random_repeats);
	tcase_add_test(t, all_calls);
	suite_add_tcase(s, t);
	return unit_run(s);
}
