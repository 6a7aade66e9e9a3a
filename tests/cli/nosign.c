/*
 * nosign: a PKCS#11 module that is SoftHSM but for C_Sign(), which fails as if
 * the token had just gone. A run with it leaves its intents open, each time.
 */
#include "config.h"

#include <dlfcn.h>
#include <stddef.h>

#include <p11-kit/pkcs11.h>

static CK_RV fail_sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data,
		       CK_ULONG data_len, CK_BYTE_PTR sig, CK_ULONG_PTR sig_len)
{
	(void)session;
	(void)data;
	(void)data_len;
	(void)sig;
	(void)sig_len;
	return CKR_DEVICE_REMOVED;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
	static CK_FUNCTION_LIST mine;
	CK_FUNCTION_LIST_PTR real = NULL;
	CK_C_GetFunctionList get = NULL;
	void *module = dlopen(PV_SOFTHSM_MODULE, RTLD_NOW | RTLD_LOCAL);
	CK_RV rv;

	if (module)
		*(void **)&get = dlsym(module, "C_GetFunctionList");
	if (!get)
		return CKR_GENERAL_ERROR;
	rv = get(&real);
	if (rv != CKR_OK)
		return rv;
	mine = *real;
	mine.C_Sign = fail_sign;
	*list = &mine;
	return CKR_OK;
}
