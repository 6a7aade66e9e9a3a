#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11/keygen.h"
#include "pkcs11/object.h"
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

static const struct {
	CK_RV rv;
	int logins, sessions, initializes;
} passing[] = {
	{ CKR_SESSION_HANDLE_INVALID, 1, 1, 0 },
	{ CKR_SESSION_CLOSED, 1, 1, 0 },
	{ CKR_KEY_HANDLE_INVALID, 1, 1, 0 },
	{ CKR_OPERATION_ACTIVE, 1, 1, 0 },
	{ CKR_USER_NOT_LOGGED_IN, 1, 0, 0 },
	{ CKR_GENERAL_ERROR, 1, 1, 1 },
	{ CKR_CRYPTOKI_NOT_INITIALIZED, 1, 1, 1 },
};

/* A fault that passes: healed once, the same signature is asked for again. */
START_TEST(healed)
{
	fault_set(FAULT_SIGN_INIT, 0, 1, passing[_i].rv);
	signs();
	ck_assert_int_eq(fault_calls(FAULT_SIGN_INIT), 2);
	ck_assert_int_eq(fault_calls(FAULT_SIGN), 1);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), passing[_i].logins);
	ck_assert_int_eq(fault_calls(FAULT_OPEN_SESSION), passing[_i].sessions);
	ck_assert_int_eq(fault_calls(FAULT_INITIALIZE),
			 passing[_i].initializes);
	ck_assert_int_eq(fault_calls(FAULT_FINALIZE), passing[_i].initializes);
	/* The key was looked for again and compared. */
	ck_assert_int_gt(fault_calls(FAULT_FIND_INIT), 0);
	fault_reset();
	signs();
	ck_assert_int_eq(fault_calls(FAULT_FIND_INIT), 0);
}
END_TEST

/* The same fault for ever: one more try, then temporary; no hammering. */
START_TEST(not_healed)
{
	fault_set(FAULT_SIGN_INIT, 0, FAULT_FOR_EVER, passing[_i].rv);
	refused(PV_HSM_TEMP, NULL);
	ck_assert_uint_eq(err.ckr, passing[_i].rv);
	ck_assert_int_eq(fault_calls(FAULT_SIGN_INIT), 2);
	ck_assert_int_eq(fault_calls(FAULT_INITIALIZE),
			 passing[_i].initializes);
	fault_reset();
	signs();
}
END_TEST

static const CK_RV device[] = { CKR_DEVICE_ERROR, CKR_DEVICE_REMOVED,
				CKR_TOKEN_NOT_PRESENT };

START_TEST(device_faults)
{
	fault_set(FAULT_SIGN, 0, 1, device[_i]);
	refused(PV_HSM_TEMP, "hsm.device");
	ck_assert_uint_eq(err.ckr, device[_i]);
	ck_assert_int_eq(fault_calls(FAULT_SIGN), 1);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 0);
	/* It came back: the handle may be used again. */
	signs();
}
END_TEST

static const CK_RV open_errors[] = { CKR_SESSION_COUNT, CKR_DEVICE_ERROR,
				     CKR_GENERAL_ERROR, CKR_HOST_MEMORY,
				     CKR_TOKEN_NOT_PRESENT };

START_TEST(open_session_fails)
{
	time_t start = time(NULL);

	fault_set(FAULT_OPEN_SESSION, 0, FAULT_FOR_EVER, open_errors[_i]);
	unit_refused(enter_again(), PV_HSM_TEMP, NULL, &err);
	ck_assert_uint_eq(err.ckr, open_errors[_i]);
	ck_assert_int_lt(time(NULL) - start, 5);
	fault_reset();
	signs();
}
END_TEST

START_TEST(session_count_passes)
{
	fault_set(FAULT_OPEN_SESSION, 0, 3, CKR_SESSION_COUNT);
	unit_ok(enter_again(), &err);
	ck_assert_int_eq(fault_calls(FAULT_OPEN_SESSION), 4);
}
END_TEST

START_TEST(token_changed)
{
	fault_token(0, "0000000000000000");
	fault_set(FAULT_SIGN_INIT, 0, 1, CKR_SESSION_HANDLE_INVALID);
	refused(PV_HSM_FATAL, "hsm.token-changed");
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 0);
	unit_refused(enter_again(), PV_HSM_FATAL, "hsm.token-changed", &err);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 0);
}
END_TEST

static void destroy_pair(struct hsm_key *k)
{
	ck_assert_uint_eq(
		p->mod.f->C_DestroyObject(p->pool.seats[0].session, k->handle),
		CKR_OK);
	ck_assert_uint_eq(p->mod.f->C_DestroyObject(p->pool.seats[0].session,
						    k->public_handle),
			  CKR_OK);
}

/* Another key under the known label: never used in its place. */
START_TEST(key_changed)
{
	struct hsm_key *old = key, *fresh;

	destroy_pair(key);
	p->keys = NULL; /* as if another process did it */
	unit_ok(hsm_generate(h, HSM_KEY_P256, "a/root/1", &fresh, &err), &err);
	fresh->next = old;
	fault_set(FAULT_SIGN_INIT, 0, 1, CKR_SESSION_CLOSED);
	refused(PV_HSM_FATAL, "hsm.key-changed");
	ck_assert_int_eq(fault_calls(FAULT_SIGN), 0);
}
END_TEST

START_TEST(key_gone)
{
	destroy_pair(key);
	refused(PV_HSM_FATAL, "hsm.key-missing");
	ck_assert_int_eq(fault_calls(FAULT_SIGN), 0);
}
END_TEST

/* Healed, but the new session does not last: the next call gets another. */
START_TEST(refind_fails)
{
	fault_set(FAULT_SIGN_INIT, 0, 1, CKR_SESSION_CLOSED);
	fault_set(FAULT_FIND_INIT, 0, 1, CKR_SESSION_HANDLE_INVALID);
	refused(PV_HSM_TEMP, "hsm.session");
	ck_assert_int_eq(fault_calls(FAULT_OPEN_SESSION), 1);
	signs();
	ck_assert_int_eq(fault_calls(FAULT_OPEN_SESSION), 2);
	ck_assert_int_eq(fault_calls(FAULT_LOGIN), 2);
}
END_TEST

static const CK_ULONG lengths[] = { 0, 1000, 65536, ~0UL - 1 };

START_TEST(attribute_lengths)
{
	p11_key_forget(p, key);
	fault_length(FAULT_GET_ATTRIBUTE, lengths[_i] ? lengths[_i] : ~0UL);
	err_init(&err);
	unit_refused(hsm_find(h, HSM_KEY_P256, "a/root/1", &key, &err),
		     PV_HSM_FATAL, NULL, &err);
}
END_TEST

START_TEST(fork_is_refused)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		err_init(&err);
		_exit((int)hsm_sign_digest(h, key, digest, sig, &err));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WEXITSTATUS(status), PV_INTERNAL);
	signs();
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

static TCase *faults(void)
{
	TCase *t = tcase_create("faults");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, healed, 0, COUNT(passing));
	tcase_add_loop_test(t, not_healed, 0, COUNT(passing));
	tcase_add_loop_test(t, device_faults, 0, COUNT(device));
	tcase_add_loop_test(t, open_session_fails, 0, COUNT(open_errors));
	tcase_add_test(t, session_count_passes);
	tcase_add_test(t, token_changed);
	tcase_add_test(t, key_changed);
	tcase_add_test(t, key_gone);
	tcase_add_test(t, refind_fails);
	tcase_add_loop_test(t, attribute_lengths, 0, COUNT(lengths));
	tcase_add_test(t, fork_is_refused);
	return t;
}

int main(void)
{
	Suite *s = suite_create("p11_session");

	suite_add_tcase(s, faults());
	return unit_run(s);
}
