#include <string.h>

#include "pkcs11/rv.h"
#include "tests/unit/unit.h"

/* The faults of the design page, and what each must become. */
static const struct row {
	CK_RV rv;
	enum pv_code code;
	enum p11_heal heal;
} table[] = {
	{ CKR_OK, PV_OK, P11_HEAL_NONE },
	{ CKR_SESSION_HANDLE_INVALID, PV_HSM_TEMP, P11_HEAL_REOPEN },
	{ CKR_SESSION_CLOSED, PV_HSM_TEMP, P11_HEAL_REOPEN },
	{ CKR_OPERATION_ACTIVE, PV_HSM_TEMP, P11_HEAL_REOPEN },
	{ CKR_KEY_HANDLE_INVALID, PV_HSM_TEMP, P11_HEAL_REOPEN },
	{ CKR_DEVICE_ERROR, PV_HSM_TEMP, P11_HEAL_NONE },
	{ CKR_DEVICE_REMOVED, PV_HSM_TEMP, P11_HEAL_NONE },
	{ CKR_TOKEN_NOT_PRESENT, PV_HSM_TEMP, P11_HEAL_NONE },
	{ CKR_GENERAL_ERROR, PV_HSM_TEMP, P11_HEAL_REINIT },
	{ CKR_CRYPTOKI_NOT_INITIALIZED, PV_HSM_TEMP, P11_HEAL_REINIT },
	{ CKR_USER_NOT_LOGGED_IN, PV_HSM_TEMP, P11_HEAL_LOGIN },
	{ CKR_SESSION_COUNT, PV_HSM_TEMP, P11_HEAL_NONE },
	{ CKR_PIN_INCORRECT, PV_HSM_FATAL, P11_HEAL_NONE },
	{ CKR_PIN_LOCKED, PV_HSM_FATAL, P11_HEAL_NONE },
	{ CKR_PIN_EXPIRED, PV_HSM_FATAL, P11_HEAL_NONE },
	{ CKR_DEVICE_MEMORY, PV_HSM_FATAL, P11_HEAL_NONE },
	{ CKR_BUFFER_TOO_SMALL, PV_HSM_FATAL, P11_HEAL_NONE },
	{ CKR_MECHANISM_INVALID, PV_HSM_FATAL, P11_HEAL_NONE },
	{ CKR_ENCRYPTED_DATA_INVALID, PV_INTEGRITY, P11_HEAL_NONE },
	{ CKR_AEAD_DECRYPT_FAILED, PV_INTEGRITY, P11_HEAL_NONE },
	{ CKR_WRAPPED_KEY_INVALID, PV_INTEGRITY, P11_HEAL_NONE },
	{ CKR_VENDOR_DEFINED, PV_HSM_FATAL, P11_HEAL_NONE },
	{ CKR_VENDOR_DEFINED + 7, PV_HSM_FATAL, P11_HEAL_NONE },
	{ 0x7654321, PV_HSM_FATAL, P11_HEAL_NONE },
	{ ~0UL, PV_HSM_FATAL, P11_HEAL_NONE },
};

START_TEST(mapping)
{
	const struct row *r = &table[_i];

	ck_assert_int_eq(p11_rv_code(r->rv), r->code);
	ck_assert_int_eq(p11_rv_heal(r->rv), r->heal);
}
END_TEST

START_TEST(no_code_is_success)
{
	for (CK_RV rv = 1; rv < 0x400; rv++) {
		enum pv_code code = p11_rv_code(rv);

		ck_assert(code == PV_HSM_TEMP || code == PV_HSM_FATAL ||
			  code == PV_INTEGRITY);
		/* Only what may pass is healed. */
		if (p11_rv_heal(rv) != P11_HEAL_NONE)
			ck_assert_int_eq(code, PV_HSM_TEMP);
		ck_assert(p11_rv_name(rv)[0] != '\0');
	}
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(p11_rv_name(CKR_OK), "CKR_OK");
	ck_assert_str_eq(p11_rv_name(CKR_PIN_INCORRECT), "CKR_PIN_INCORRECT");
	ck_assert_str_eq(p11_rv_name(CKR_VENDOR_DEFINED | 1),
			 "CKR_VENDOR_DEFINED");
	ck_assert_str_eq(p11_rv_name(0x7654321), "unknown CK_RV");
}
END_TEST

START_TEST(failure_record)
{
	struct err err;

	err_init(&err);
	unit_refused(p11_rv_fail(&err, CKR_PIN_LOCKED, "C_Login"), PV_HSM_FATAL,
		     "hsm.pin-locked", &err);
	ck_assert_uint_eq(err.ckr, CKR_PIN_LOCKED);
	ck_assert_ptr_nonnull(strstr(err.message, "C_Login"));
	ck_assert_ptr_nonnull(strstr(err.message, "CKR_PIN_LOCKED"));
	ck_assert(err.hint[0] != '\0');
	/* The first cause stays, with its CK_RV. */
	ck_assert_int_eq(p11_rv_fail(&err, CKR_DEVICE_ERROR, "C_Sign"),
			 PV_HSM_FATAL);
	ck_assert_uint_eq(err.ckr, CKR_PIN_LOCKED);
	ck_assert_int_eq(p11_rv_fail(NULL, CKR_DEVICE_ERROR, "C_Sign"),
			 PV_HSM_TEMP);
}
END_TEST

START_TEST(success_is_no_failure)
{
	struct err err;

	err_init(&err);
	unit_refused(p11_rv_fail(&err, CKR_OK, "C_Sign"), PV_INTERNAL,
		     "hsm.call", &err);
}
END_TEST

START_TEST(other_code)
{
	struct err err;

	err_init(&err);
	unit_refused(p11_rv_fail_as(&err, CKR_GENERAL_ERROR, PV_INTEGRITY,
				    "store.sealed", "C_Decrypt"),
		     PV_INTEGRITY, "store.sealed", &err);
	ck_assert_uint_eq(err.ckr, CKR_GENERAL_ERROR);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_rv");
	TCase *t = tcase_create("rv");

	tcase_add_loop_test(t, mapping, 0, sizeof(table) / sizeof(table[0]));
	tcase_add_test(t, no_code_is_success);
	tcase_add_test(t, names);
	tcase_add_test(t, failure_record);
	tcase_add_test(t, success_is_no_failure);
	tcase_add_test(t, other_code);
	suite_add_tcase(s, t);
	return unit_run(s);
}
