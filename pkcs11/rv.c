#include "pkcs11/rv.h"

#include <string.h>

struct rv_row {
	CK_RV rv;
	const char *name;
	enum pv_code code;
	enum p11_heal heal;
	const char *rule;
};

#define HINT_TEMP "see that the HSM is there, then run the same command again"
#define HINT_PIN "check the PIN; every attempt counts, so none is repeated"

#define TEMP(v, heal, rule)                                                    \
	{                                                                      \
		v, #v, PV_HSM_TEMP, heal, rule                                 \
	}
#define FATAL(v, heal, rule)                                                   \
	{                                                                      \
		v, #v, PV_HSM_FATAL, heal, rule                                \
	}
#define BAD_DATA(v)                                                            \
	{                                                                      \
		v, #v, PV_INTEGRITY, P11_HEAL_NONE, "hsm.data"                 \
	}

static const struct rv_row rows[] = {
	/* Sessions and logins that ended under us. */
	TEMP(CKR_SESSION_HANDLE_INVALID, P11_HEAL_REOPEN, "hsm.session"),
	TEMP(CKR_SESSION_CLOSED, P11_HEAL_REOPEN, "hsm.session"),
	TEMP(CKR_OPERATION_ACTIVE, P11_HEAL_REOPEN, "hsm.session"),
	TEMP(CKR_OPERATION_NOT_INITIALIZED, P11_HEAL_REOPEN, "hsm.session"),
	TEMP(CKR_KEY_HANDLE_INVALID, P11_HEAL_REOPEN, "hsm.session"),
	TEMP(CKR_OBJECT_HANDLE_INVALID, P11_HEAL_REOPEN, "hsm.session"),
	TEMP(CKR_USER_NOT_LOGGED_IN, P11_HEAL_LOGIN, "hsm.login"),
	TEMP(CKR_SESSION_COUNT, P11_HEAL_NONE, "hsm.session"),
	TEMP(CKR_SESSION_EXISTS, P11_HEAL_NONE, "hsm.session"),
	/* The device or the library. */
	TEMP(CKR_DEVICE_ERROR, P11_HEAL_NONE, "hsm.device"),
	TEMP(CKR_DEVICE_REMOVED, P11_HEAL_NONE, "hsm.device"),
	TEMP(CKR_TOKEN_NOT_PRESENT, P11_HEAL_NONE, "hsm.device"),
	TEMP(CKR_TOKEN_NOT_RECOGNIZED, P11_HEAL_NONE, "hsm.device"),
	TEMP(CKR_SLOT_ID_INVALID, P11_HEAL_NONE, "hsm.device"),
	TEMP(CKR_GENERAL_ERROR, P11_HEAL_REINIT, "hsm.call"),
	TEMP(CKR_FUNCTION_FAILED, P11_HEAL_NONE, "hsm.call"),
	TEMP(CKR_CRYPTOKI_NOT_INITIALIZED, P11_HEAL_REINIT, "hsm.call"),
	TEMP(CKR_HOST_MEMORY, P11_HEAL_NONE, "hsm.call"),
	TEMP(CKR_FUNCTION_CANCELED, P11_HEAL_NONE, "hsm.call"),
	TEMP(CKR_CANCEL, P11_HEAL_NONE, "hsm.call"),
	TEMP(CKR_CANT_LOCK, P11_HEAL_NONE, "hsm.call"),
	TEMP(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, P11_HEAL_NONE, "hsm.login"),
	TEMP(CKR_USER_TOO_MANY_TYPES, P11_HEAL_NONE, "hsm.login"),
	TEMP(CKR_SESSION_READ_WRITE_SO_EXISTS, P11_HEAL_NONE, "hsm.login"),
	/* The PIN: never tried twice. */
	FATAL(CKR_PIN_INCORRECT, P11_HEAL_NONE, "hsm.pin"),
	FATAL(CKR_PIN_INVALID, P11_HEAL_NONE, "hsm.pin"),
	FATAL(CKR_PIN_LEN_RANGE, P11_HEAL_NONE, "hsm.pin"),
	FATAL(CKR_PIN_EXPIRED, P11_HEAL_NONE, "hsm.pin"),
	FATAL(CKR_PIN_TOO_WEAK, P11_HEAL_NONE, "hsm.pin"),
	FATAL(CKR_PIN_LOCKED, P11_HEAL_NONE, "hsm.pin-locked"),
	FATAL(CKR_USER_PIN_NOT_INITIALIZED, P11_HEAL_NONE, "hsm.pin"),
	/* What the token cannot or will not do. */
	FATAL(CKR_DEVICE_MEMORY, P11_HEAL_NONE, "hsm.full"),
	FATAL(CKR_TOKEN_WRITE_PROTECTED, P11_HEAL_NONE, "hsm.read-only"),
	FATAL(CKR_SESSION_READ_ONLY, P11_HEAL_NONE, "hsm.read-only"),
	FATAL(CKR_MECHANISM_INVALID, P11_HEAL_NONE, "hsm.mechanism"),
	FATAL(CKR_MECHANISM_PARAM_INVALID, P11_HEAL_NONE, "hsm.mechanism"),
	FATAL(CKR_FUNCTION_NOT_SUPPORTED, P11_HEAL_NONE, "hsm.mechanism"),
	FATAL(CKR_CURVE_NOT_SUPPORTED, P11_HEAL_NONE, "hsm.mechanism"),
	FATAL(CKR_DOMAIN_PARAMS_INVALID, P11_HEAL_NONE, "hsm.mechanism"),
	FATAL(CKR_KEY_SIZE_RANGE, P11_HEAL_NONE, "hsm.mechanism"),
	FATAL(CKR_KEY_TYPE_INCONSISTENT, P11_HEAL_NONE, "hsm.key"),
	FATAL(CKR_KEY_FUNCTION_NOT_PERMITTED, P11_HEAL_NONE, "hsm.key"),
	FATAL(CKR_KEY_NOT_WRAPPABLE, P11_HEAL_NONE, "hsm.key"),
	FATAL(CKR_KEY_UNEXTRACTABLE, P11_HEAL_NONE, "hsm.key"),
	FATAL(CKR_ATTRIBUTE_READ_ONLY, P11_HEAL_NONE, "hsm.key"),
	FATAL(CKR_ATTRIBUTE_SENSITIVE, P11_HEAL_NONE, "hsm.key"),
	FATAL(CKR_ATTRIBUTE_TYPE_INVALID, P11_HEAL_NONE, "hsm.key"),
	FATAL(CKR_ATTRIBUTE_VALUE_INVALID, P11_HEAL_NONE, "hsm.key"),
	FATAL(CKR_TEMPLATE_INCOMPLETE, P11_HEAL_NONE, "hsm.key"),
	FATAL(CKR_TEMPLATE_INCONSISTENT, P11_HEAL_NONE, "hsm.key"),
	FATAL(CKR_ACTION_PROHIBITED, P11_HEAL_NONE, "hsm.key"),
	FATAL(CKR_RANDOM_NO_RNG, P11_HEAL_NONE, "hsm.random"),
	FATAL(CKR_BUFFER_TOO_SMALL, P11_HEAL_NONE, "hsm.length"),
	FATAL(CKR_ARGUMENTS_BAD, P11_HEAL_NONE, "hsm.call"),
	FATAL(CKR_DATA_INVALID, P11_HEAL_NONE, "hsm.call"),
	FATAL(CKR_DATA_LEN_RANGE, P11_HEAL_NONE, "hsm.call"),
	FATAL(CKR_CRYPTOKI_ALREADY_INITIALIZED, P11_HEAL_NONE, "hsm.call"),
	FATAL(CKR_FIPS_SELF_TEST_FAILED, P11_HEAL_NONE, "hsm.call"),
	/* What we gave it does not authenticate. */
	BAD_DATA(CKR_ENCRYPTED_DATA_INVALID),
	BAD_DATA(CKR_ENCRYPTED_DATA_LEN_RANGE),
	BAD_DATA(CKR_AEAD_DECRYPT_FAILED),
	BAD_DATA(CKR_WRAPPED_KEY_INVALID),
	BAD_DATA(CKR_WRAPPED_KEY_LEN_RANGE),
};

static const struct rv_row *row_of(CK_RV rv)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].rv == rv)
			return &rows[i];
	return NULL;
}

enum pv_code p11_rv_code(CK_RV rv)
{
	const struct rv_row *row = row_of(rv);

	if (rv == CKR_OK)
		return PV_OK;
	return row ? row->code : PV_HSM_FATAL;
}

enum p11_heal p11_rv_heal(CK_RV rv)
{
	const struct rv_row *row = row_of(rv);

	return row ? row->heal : P11_HEAL_NONE;
}

const char *p11_rv_name(CK_RV rv)
{
	const struct rv_row *row = row_of(rv);

	if (rv == CKR_OK)
		return "CKR_OK";
	if (row)
		return row->name;
	return rv >= CKR_VENDOR_DEFINED ? "CKR_VENDOR_DEFINED"
					: "unknown CK_RV";
}

static const char *hint_of(enum pv_code code, const char *rule)
{
	if (code == PV_HSM_TEMP)
		return HINT_TEMP;
	if (rule && !strncmp(rule, "hsm.pin", 7))
		return HINT_PIN;
	return NULL;
}

enum pv_code p11_rv_fail_as(struct err *err, CK_RV rv, enum pv_code code,
			    const char *rule, const char *call)
{
	bool first = err && err->code == PV_OK;

	code = err_fail(err, code, rule, hint_of(code, rule), "%s: %s (0x%lx)",
			call, p11_rv_name(rv), rv);
	if (first)
		err->ckr = rv;
	return code;
}

enum pv_code p11_rv_fail(struct err *err, CK_RV rv, const char *call)
{
	const struct rv_row *row = row_of(rv);

	if (rv == CKR_OK)
		return err_fail(err, PV_INTERNAL, "hsm.call", NULL,
				"%s succeeded but is reported as failed", call);
	return p11_rv_fail_as(err, rv, p11_rv_code(rv),
			      row ? row->rule : "hsm.call", call);
}
