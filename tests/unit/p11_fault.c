#include "tests/unit/p11_fault.h"

#include <string.h>

struct plan {
	int skip, times, calls;
	CK_RV rv;
	CK_ULONG len;
};

static CK_FUNCTION_LIST fake;
static CK_FUNCTION_LIST *real;
static struct plan plans[FAULT_N];
static CK_FLAGS more_flags;
static const char *other_serial;
static int random_byte = -1;

static CK_RV take(enum fault_fn fn)
{
	struct plan *p = &plans[fn];

	if (p->calls++ < p->skip || p->times == 0)
		return CKR_OK;
	if (p->times > 0)
		p->times--;
	return p->rv;
}

#define PASS(fn, call)                                                         \
	do {                                                                   \
		CK_RV rv_ = take(fn);                                          \
		return rv_ != CKR_OK ? rv_ : real->call;                       \
	} while (0)

static CK_RV f_initialize(void *args)
{
	PASS(FAULT_INITIALIZE, C_Initialize(args));
}

static CK_RV f_finalize(void *reserved)
{
	PASS(FAULT_FINALIZE, C_Finalize(reserved));
}

static CK_RV f_get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n)
{
	PASS(FAULT_GET_SLOT_LIST, C_GetSlotList(present, slots, n));
}

static CK_RV f_get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV rv = take(FAULT_GET_TOKEN_INFO);

	if (rv != CKR_OK)
		return rv;
	rv = real->C_GetTokenInfo(slot, info);
	info->flags |= more_flags;
	if (other_serial)
		memcpy(info->serialNumber, other_serial,
		       sizeof(info->serialNumber));
	return rv;
}

static CK_RV f_open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app,
			    CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
	PASS(FAULT_OPEN_SESSION,
	     C_OpenSession(slot, flags, app, notify, session));
}

static CK_RV f_login(CK_SESSION_HANDLE session, CK_USER_TYPE type, CK_BYTE *pin,
		     CK_ULONG len)
{
	PASS(FAULT_LOGIN, C_Login(session, type, pin, len));
}

static CK_RV f_find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *t, CK_ULONG n)
{
	PASS(FAULT_FIND_INIT, C_FindObjectsInit(session, t, n));
}

static CK_RV f_get_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
			     CK_ATTRIBUTE *t, CK_ULONG n)
{
	CK_RV rv = take(FAULT_GET_ATTRIBUTE);

	if (rv != CKR_OK)
		return rv;
	rv = real->C_GetAttributeValue(session, object, t, n);
	if (rv == CKR_OK && plans[FAULT_GET_ATTRIBUTE].len)
		t->ulValueLen = plans[FAULT_GET_ATTRIBUTE].len;
	return rv;
}

static CK_RV f_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *m,
			 CK_OBJECT_HANDLE key)
{
	PASS(FAULT_SIGN_INIT, C_SignInit(session, m, key));
}

static CK_RV f_sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG len,
		    CK_BYTE *sig, CK_ULONG *sig_len)
{
	CK_RV rv = take(FAULT_SIGN);

	if (rv != CKR_OK)
		return rv;
	rv = real->C_Sign(session, data, len, sig, sig_len);
	if (rv == CKR_OK && plans[FAULT_SIGN].len)
		*sig_len = plans[FAULT_SIGN].len;
	return rv;
}

static CK_RV f_encrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_len,
		       CK_BYTE *out, CK_ULONG *out_len)
{
	PASS(FAULT_ENCRYPT, C_Encrypt(session, in, in_len, out, out_len));
}

static CK_RV f_decrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_len,
		       CK_BYTE *out, CK_ULONG *out_len)
{
	CK_RV rv = take(FAULT_DECRYPT);

	if (rv != CKR_OK)
		return rv;
	rv = real->C_Decrypt(session, in, in_len, out, out_len);
	if (rv == CKR_OK && plans[FAULT_DECRYPT].len)
		*out_len = plans[FAULT_DECRYPT].len;
	return rv;
}

static CK_RV f_random(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG len)
{
	CK_RV rv = take(FAULT_RANDOM);

	if (rv != CKR_OK)
		return rv;
	rv = real->C_GenerateRandom(session, out, len);
	if (random_byte >= 0)
		memset(out, random_byte, len);
	return rv;
}

static CK_RV f_destroy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	PASS(FAULT_DESTROY, C_DestroyObject(session, object));
}

static CK_RV f_generate(CK_SESSION_HANDLE session, CK_MECHANISM *m,
			CK_ATTRIBUTE *t, CK_ULONG n, CK_OBJECT_HANDLE *key)
{
	PASS(FAULT_GENERATE, C_GenerateKey(session, m, t, n, key));
}

void fault_reset(void)
{
	memset(plans, 0, sizeof(plans));
	more_flags = 0;
	other_serial = NULL;
	random_byte = -1;
}

void fault_install(struct p11 *p)
{
	fault_reset();
	real = p->mod.f;
	fake = *real;
	fake.C_Initialize = f_initialize;
	fake.C_Finalize = f_finalize;
	fake.C_GetSlotList = f_get_slot_list;
	fake.C_GetTokenInfo = f_get_token_info;
	fake.C_OpenSession = f_open_session;
	fake.C_Login = f_login;
	fake.C_FindObjectsInit = f_find_init;
	fake.C_GetAttributeValue = f_get_attribute;
	fake.C_SignInit = f_sign_init;
	fake.C_Sign = f_sign;
	fake.C_Encrypt = f_encrypt;
	fake.C_Decrypt = f_decrypt;
	fake.C_GenerateRandom = f_random;
	fake.C_DestroyObject = f_destroy;
	fake.C_GenerateKey = f_generate;
	p->mod.f = &fake;
}

void fault_set(enum fault_fn fn, int skip, int times, CK_RV rv)
{
	plans[fn] = (struct plan){ .skip = skip, .times = times, .rv = rv };
}

int fault_calls(enum fault_fn fn)
{
	return plans[fn].calls;
}

void fault_token(CK_FLAGS flags, const char *serial)
{
	more_flags = flags;
	other_serial = serial;
}

void fault_length(enum fault_fn fn, CK_ULONG len)
{
	plans[fn].len = len;
}

void fault_random(int byte)
{
	random_byte = byte;
}
