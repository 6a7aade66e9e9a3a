#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/p11_fault.h"
#include "tests/unit/softhsm.h"
#include "tests/unit/unit.h"

static struct p11_config cfg;
static struct err err;
static struct hsm *h;
static struct p11 *p;
static struct hsm_key *key;
static const uint8_t digest[32] = { 1, 2, 3 };
static uint8_t sig[64];

static void setup(void)
{
	softhsm_token("acme", &cfg);
	err_init(&err);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
	p = (struct p11 *)h;
	unit_ok(hsm_generate(h, HSM_KEY_P256, "a/root/1", &key, &err), &err);
	fault_install(p);
}

static void teardown(void)
{
	hsm_close(h);
}

static void refused(enum pv_code code, const char *rule)
{
	err_init(&err);
	unit_refused(hsm_sign_digest(h, key, digest, sig, &err), code, rule,
		     &err);
}

static void signs(void)
{
	err_init(&err);
	unit_ok(hsm_sign_digest(h, key, digest, sig, &err), &err);
}

/* Goes in anew with faults in place; the key stays known. */
static enum pv_code enter_again(void)
{
	p11_session_leave(p);
	err_init(&err);
	return p11_session_enter(p, &err);
}

START_TEST(wrong_pin)
{
	SECRET wrong = SECRET_INIT;

	unit_ok(secret_copy(&wrong, "wrong-pin", 9, &err), &err);
	p->pin = &wrong;
	unit_refused(enter_again(), PV_HSM_FATAL, "hsm.pin", &err);
	ck_assert_uint_eq(err.ckr, CKR_PIN_INCORRECT);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 1);
	/* Whatever is asked for next, it is not tried a second time. */
	for (int i = 0; i < 3; i++) {
		refused(PV_HSM_FATAL, "hsm.pin");
		ck_assert_int_eq(fault_calls(FAULT_LOGIN), 1);
	}
	p->pin = softhsm_pin();
	refused(PV_HSM_FATAL, "hsm.pin");
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 1);
}
END_TEST

START_TEST(wrong_pin_at_open)
{
	SECRET wrong = SECRET_INIT;
	struct hsm *none = NULL;

	hsm_close(h);
	unit_ok(secret_copy(&wrong, "wrong-pin", 9, &err), &err);
	unit_refused(p11_open(&cfg, &wrong, &none, &err), PV_HSM_FATAL,
		     "hsm.pin", &err);
	ck_assert(none == NULL);
	err_init(&err);
	unit_ok(p11_open(&cfg, softhsm_pin(), &h, &err), &err);
}
END_TEST

/* Nothing is asked of the token before the PIN is there. */
START_TEST(in_two_steps)
{
	SECRET wrong = SECRET_INIT;

	hsm_close(h);
	unit_ok(p11_meet(&cfg, &h, &err), &err);
	p = (struct p11 *)h;
	ck_assert_uint_eq(hsm_sessions(h), 0);
	ck_assert(p->facts.p256);
	fault_install(p);
	unit_ok(secret_copy(&wrong, "wrong-pin", 9, &err), &err);
	unit_refused(p11_login(h, &wrong, &err), PV_HSM_FATAL, "hsm.pin", &err);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 1);
	hsm_close(h);
	err_init(&err);
	unit_ok(p11_meet(&cfg, &h, &err), &err);
	unit_ok(p11_login(h, softhsm_pin(), &err), &err);
	unit_ok(hsm_find(h, HSM_KEY_P256, "a/root/1", &key, &err), &err);
	signs();
}
END_TEST

/* Another token in the slot by then never sees the PIN. */
START_TEST(changed_in_between)
{
	hsm_close(h);
	unit_ok(p11_meet(&cfg, &h, &err), &err);
	p = (struct p11 *)h;
	fault_install(p);
	fault_token(0, "0000000000000000");
	unit_refused(p11_login(h, softhsm_pin(), &err), PV_HSM_FATAL,
		     "hsm.token-changed", &err);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 0);
}
END_TEST

/* Nor does one that the caller does not mean: by its serial number. */
START_TEST(another_than_meant)
{
	struct p11_config meant = cfg;

	hsm_close(h);
	h = NULL;
	meant.serial = "0000000000000000";
	unit_refused(p11_open(&meant, softhsm_pin(), &h, &err), PV_HSM_FATAL,
		     "hsm.token-changed", &err);
	ck_assert_ptr_null(h);
	unit_refused(p11_meet(&meant, &h, &err), PV_HSM_FATAL,
		     "hsm.token-changed", &err);
	meant.serial = "";
	err_init(&err);
	unit_ok(p11_open(&meant, softhsm_pin(), &h, &err), &err);
}
END_TEST

/* Case 42: the token is logged in already, an empty PIN must not ride on it. */
START_TEST(empty_pin)
{
	SECRET empty = SECRET_INIT;
	SECRET one = SECRET_INIT;
	SECRET three_hundred = SECRET_INIT;

	fault_set(FAULT_LOGIN, 0, FAULT_FOR_EVER, CKR_USER_ALREADY_LOGGED_IN);
	p->pin = &empty;
	unit_refused(enter_again(), PV_HSM_FATAL, "hsm.pin", &err);
	p->pin = NULL;
	unit_refused(enter_again(), PV_HSM_FATAL, "hsm.pin", &err);
	unit_ok(secret_copy(&one, "1", 1, NULL), &err);
	p->pin = &one;
	unit_refused(enter_again(), PV_HSM_FATAL, "hsm.pin", &err);
	unit_ok(secret_alloc(&three_hundred, 300, NULL), &err);
	p->pin = &three_hundred;
	unit_refused(enter_again(), PV_HSM_FATAL, "hsm.pin", &err);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 0);
	p->pin = softhsm_pin();
	unit_ok(enter_again(), &err);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 1);
}
END_TEST

static const struct {
	CK_FLAGS flag;
	const char *rule;
} blocked[] = {
	{ CKF_USER_PIN_LOCKED, "hsm.pin-locked" },
	{ CKF_USER_PIN_FINAL_TRY, "hsm.pin-locked" },
};

START_TEST(no_login_at_all)
{
	fault_token(blocked[_i].flag, NULL);
	unit_refused(enter_again(), PV_HSM_FATAL, blocked[_i].rule, &err);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 0);
	refused(PV_HSM_FATAL, blocked[_i].rule);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 0);
	/* In mid-batch too. */
	fault_reset();
	unit_ok(enter_again(), &err);
	fault_reset();
	fault_token(blocked[_i].flag, NULL);
	fault_set(FAULT_SIGN_INIT, 0, 1, CKR_USER_NOT_LOGGED_IN);
	refused(PV_HSM_FATAL, blocked[_i].rule);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 0);
}
END_TEST

START_TEST(locked_by_answer)
{
	fault_set(FAULT_LOGIN, 0, FAULT_FOR_EVER, CKR_PIN_LOCKED);
	unit_refused(enter_again(), PV_HSM_FATAL, "hsm.pin-locked", &err);
	refused(PV_HSM_FATAL, "hsm.pin");
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 1);
}
END_TEST

START_TEST(pin_pad)
{
	SECRET empty = SECRET_INIT;

	/* SoftHSM has no pad, so C_Login must not reach it. */
	fault_token(CKF_PROTECTED_AUTHENTICATION_PATH, NULL);
	fault_set(FAULT_LOGIN, 0, FAULT_FOR_EVER, CKR_USER_ALREADY_LOGGED_IN);
	p->pin = &empty;
	unit_ok(enter_again(), &err);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 1);
	p->pin = NULL;
	unit_ok(enter_again(), &err);
}
END_TEST

START_TEST(random_bytes)
{
	uint8_t a[64], b[64], tiny[3];

	unit_ok(hsm_random(h, a, sizeof(a), &err), &err);
	unit_ok(hsm_random(h, b, sizeof(b), &err), &err);
	ck_assert_mem_ne(a, b, 16);
	ck_assert_mem_ne(a, b + 48, 16);
	for (int i = 0; i < 100; i++)
		unit_ok(hsm_random(h, tiny, sizeof(tiny), &err), &err);
	unit_ok(hsm_random(h, tiny, 0, &err), &err);
}
END_TEST

static const int bytes[] = { 0, 0x55, 0xff };

START_TEST(random_is_ill)
{
	uint8_t out[64];

	/* Zeros or a repeat inside one call, then from call to call. */
	fault_random(bytes[_i]);
	err_init(&err);
	unit_refused(hsm_random(h, out, sizeof(out), &err), PV_HSM_FATAL,
		     "hsm.random", &err);
	err_init(&err);
	if (bytes[_i])
		unit_ok(hsm_random(h, out, 16, &err), &err);
	unit_refused(hsm_random(h, out, 16, &err), PV_HSM_FATAL, "hsm.random",
		     &err);
	err_init(&err);
	unit_refused(hsm_random(h, out, 4, &err), PV_HSM_FATAL, "hsm.random",
		     &err);
	fault_reset();
	fault_set(FAULT_RANDOM, 0, FAULT_FOR_EVER, CKR_RANDOM_NO_RNG);
	err_init(&err);
	unit_refused(hsm_random(h, out, 16, &err), PV_HSM_FATAL, "hsm.random",
		     &err);
}
END_TEST

#define LOGINS_AT_ONCE 8

/* In a process of its own: SoftHSM, eight at a time, each signs once. */
static int log_in_and_sign(void)
{
	struct hsm *mine = NULL;
	struct hsm_key *k = NULL;
	enum pv_code rc;

	err_init(&err);
	rc = p11_open(&cfg, softhsm_pin(), &mine, &err);
	if (rc == PV_OK)
		rc = hsm_find(mine, HSM_KEY_P256, "a/root/1", &k, &err);
	if (rc == PV_OK)
		rc = hsm_sign_digest(mine, k, digest, sig, &err);
	if (rc != PV_OK)
		fprintf(stderr, "%s\n", err.message);
	hsm_close(mine);
	return (int)rc;
}

START_TEST(eight_logins_at_once)
{
	pid_t pids[LOGINS_AT_ONCE];
	int status = 0;

	/* Forked before C_Initialize, as signers are. */
	p11_session_leave(p);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < LOGINS_AT_ONCE; i++) {
			pids[i] = fork();
			ck_assert_int_ge(pids[i], 0);
			if (pids[i] == 0)
				_exit(log_in_and_sign());
		}
		for (int i = 0; i < LOGINS_AT_ONCE; i++) {
			ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
			ck_assert_int_eq(status, 0);
		}
	}
	signs();
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

static TCase *logins(void)
{
	TCase *t = tcase_create("logins");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, wrong_pin);
	tcase_add_test(t, wrong_pin_at_open);
	tcase_add_test(t, in_two_steps);
	tcase_add_test(t, changed_in_between);
	tcase_add_test(t, another_than_meant);
	tcase_add_test(t, empty_pin);
	tcase_add_loop_test(t, no_login_at_all, 0, COUNT(blocked));
	tcase_add_test(t, locked_by_answer);
	tcase_add_test(t, pin_pad);
	tcase_add_test(t, random_bytes);
	tcase_add_loop_test(t, random_is_ill, 0, COUNT(bytes));
	tcase_add_test(t, eight_logins_at_once);
	return t;
}

int main(void)
{
	Suite *s = suite_create("p11_login");

	suite_add_tcase(s, logins());
	return unit_run(s);
}
