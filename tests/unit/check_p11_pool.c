#include <time.h>

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

static void enter_again(unsigned sessions)
{
	p11_session_leave(whsm.p);
	err_init(&err);
	unit_ok(p11_session_enter(whsm.p, &err), &err);
	ck_assert_uint_eq(hsm_sessions(whsm.h), sessions);
	workers_run(WORKERS_MAX, 8, workers_sign);
	workers_all_good(WORKERS_MAX, 8);
}

static const CK_RV no_more[] = { CKR_SESSION_COUNT, CKR_HOST_MEMORY };

START_TEST(fewer_sessions)
{
	time_t start = time(NULL);

	fault_set(FAULT_OPEN_SESSION, 3, FAULT_FOR_EVER, no_more[_i]);
	enter_again(3);
	ck_assert_int_eq(fault_calls(FAULT_OPEN_SESSION), 4);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 1);
	ck_assert_int_lt(time(NULL) - start, 5);
	/* It grows again when there is room, at the next way in. */
	fault_reset();
	enter_again(SESSIONS);
	fault_sessions(2);
	enter_again(2);
	ck_assert_int_eq(fault_calls(FAULT_OPEN_SESSION), SESSIONS + 2);
}
END_TEST

static const struct {
	CK_RV rv;
	int logins, sessions, turns;
} passing[] = {
	{ CKR_SESSION_HANDLE_INVALID, 1, SESSIONS, 0 },
	{ CKR_SESSION_CLOSED, 1, SESSIONS, 0 },
	{ CKR_KEY_HANDLE_INVALID, 1, SESSIONS, 0 },
	{ CKR_USER_NOT_LOGGED_IN, 1, 0, 0 },
	{ CKR_GENERAL_ERROR, 1, SESSIONS, 1 },
	{ CKR_CRYPTOKI_NOT_INITIALIZED, 1, SESSIONS, 1 },
};

/* All threads fail at once, or one of them does: one heals, all go on. */
START_TEST(healed)
{
	int at_once = _i % 2 ? SESSIONS : 1;
	int row = _i / 2;

	fault_delay(FAULT_SIGN, WORKERS_DELAY_US);
	fault_set(FAULT_SIGN_INIT, 20, at_once, passing[row].rv);
	fault_gather(FAULT_SIGN_INIT);
	workers_run(WORKERS_MAX, 20, workers_sign);
	workers_all_good(WORKERS_MAX, 20);
	ck_assert_int_eq(fault_calls(FAULT_SIGN_INIT),
			 WORKERS_MAX * 20 + at_once);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), passing[row].logins);
	ck_assert_int_eq(fault_calls(FAULT_OPEN_SESSION),
			 passing[row].sessions);
	ck_assert_int_eq(fault_calls(FAULT_INITIALIZE), passing[row].turns);
	ck_assert_int_eq(fault_calls(FAULT_FINALIZE), passing[row].turns);
	ck_assert_int_eq(fault_overlaps(), 0);
	/* The key was found again, by one of them: one search. */
	ck_assert_int_eq(fault_calls(FAULT_FIND_INIT), 1);
	workers_pool_is_whole(SESSIONS);
}
END_TEST

/* The token goes and stays away: an error each, one look for each call. */
START_TEST(removed)
{
	fault_delay(FAULT_SIGN, WORKERS_DELAY_US);
	fault_set(FAULT_SIGN, 20, FAULT_FOR_EVER, CKR_DEVICE_REMOVED);
	fault_set(FAULT_GET_TOKEN_INFO, 0, FAULT_FOR_EVER, CKR_DEVICE_REMOVED);
	workers_run(WORKERS_MAX, 100, workers_sign);
	workers_all_failed(WORKERS_MAX, PV_HSM_TEMP, "hsm.device");
	ck_assert_int_le(fault_calls(FAULT_SIGN), 20 + SESSIONS);
	ck_assert_int_le(fault_calls(FAULT_GET_TOKEN_INFO), WORKERS_MAX);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 0);
	/* As long as it is away there is no session. */
	ck_assert_uint_eq(hsm_sessions(whsm.h), 0);
	workers_pool_is_whole(SESSIONS);
}
END_TEST

/* Healing fails: the one who tried and all who waited have its error. */
START_TEST(not_healed)
{
	fault_delay(FAULT_SIGN, WORKERS_DELAY_US);
	fault_set(FAULT_SIGN, 20, SESSIONS, CKR_GENERAL_ERROR);
	fault_gather(FAULT_SIGN);
	fault_set(FAULT_INITIALIZE, 0, FAULT_FOR_EVER, CKR_DEVICE_ERROR);
	/* Long enough for all the others to wait for it. */
	fault_delay(FAULT_INITIALIZE, 200000);
	workers_run(WORKERS_MAX, 100, workers_sign);
	workers_all_failed(WORKERS_MAX, PV_HSM_TEMP, "hsm.device");
	ck_assert_int_eq(fault_calls(FAULT_FINALIZE), 1);
	ck_assert_int_le(fault_calls(FAULT_INITIALIZE), 2);
	workers_pool_is_whole(SESSIONS);
}
END_TEST

/* One C_Login, however many threads find that they need it. */
START_TEST(pin_refused)
{
	fault_delay(FAULT_SIGN, WORKERS_DELAY_US);
	fault_set(FAULT_SIGN_INIT, 20, FAULT_FOR_EVER, CKR_USER_NOT_LOGGED_IN);
	fault_set(FAULT_LOGIN, 0, FAULT_FOR_EVER, CKR_PIN_INCORRECT);
	workers_run(WORKERS_MAX, 100, workers_sign);
	workers_all_failed(WORKERS_MAX, PV_HSM_FATAL, "hsm.pin");
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 1);
	fault_reset();
	fault_set(FAULT_SIGN_INIT, 0, FAULT_FOR_EVER, CKR_SESSION_CLOSED);
	workers_run(WORKERS_MAX, 1, workers_sign);
	workers_all_failed(WORKERS_MAX, PV_HSM_FATAL, "hsm.pin");
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 0);
}
END_TEST

/* What one call left active is nothing to the other sessions. */
START_TEST(one_is_stale)
{
	fault_set(FAULT_SIGN, 0, 1, CKR_BUFFER_TOO_SMALL);
	workers_run(1, 1, workers_sign);
	workers_all_failed(1, PV_HSM_FATAL, "hsm.length");
	workers_run(WORKERS_MAX, 8, workers_sign);
	workers_all_good(WORKERS_MAX, 8);
	ck_assert_int_eq(fault_calls(FAULT_OPEN_SESSION), 1);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 0);
	workers_pool_is_whole(SESSIONS);
	/* No room for its successor: then for all of them anew. */
	fault_reset();
	fault_set(FAULT_SIGN, 0, 1, CKR_BUFFER_TOO_SMALL);
	fault_set(FAULT_OPEN_SESSION, 0, 1, CKR_SESSION_COUNT);
	workers_run(1, 1, workers_sign);
	workers_all_failed(1, PV_HSM_FATAL, "hsm.length");
	workers_run(WORKERS_MAX, 8, workers_sign);
	workers_all_good(WORKERS_MAX, 8);
	ck_assert_int_eq(fault_calls(FAULT_OPEN_SESSION), 1 + SESSIONS);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 1);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
	Suite *s = suite_create("p11_pool");
	TCase *t = tcase_create("pool");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, fewer_sessions, 0, COUNT(no_more));
	tcase_add_loop_test(t, healed, 0, 2 * COUNT(passing));
	tcase_add_test(t, removed);
	tcase_add_test(t, not_healed);
	tcase_add_test(t, pin_refused);
	tcase_add_test(t, one_is_stale);
	suite_add_tcase(s, t);
	return unit_run(s);
}
