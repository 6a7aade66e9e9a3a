/*
 * slowhsm.so: a PKCS#11 module that forwards to a real one (its path is
 * compiled in) and makes each call that would be a round trip to a network
 * HSM last at least PROVCTL_SLOWHSM_MS milliseconds (environment; 5). The real
 * call is made first and counts; no lock is held while the rest is waited for,
 * so calls of several sessions wait beside each other.
 *
 * Local, as in the clients of such HSMs: C_Initialize, slot and token facts,
 * the *Init calls, C_FindObjectsInit and -Final, digests.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include <p11-kit/pkcs11.h>

#define DEFAULT_MS 5
#define MS_MAX 10000
#define TIMER_SLACK_NS 1000UL

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST slow;
static long wait_ms = DEFAULT_MS;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct timespec deadline(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += wait_ms / 1000;
	t.tv_nsec += wait_ms % 1000 * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_nsec -= 1000000000L;
		t.tv_sec++;
	}
	return t;
}

static CK_RV wait_until(CK_RV rv, const struct timespec *until)
{
	static __thread int precise;

	if (!precise)
		precise = prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS) == 0;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, until, NULL))
		;
	return rv;
}

/* s_NAME: the real NAME, then what is missing to the round trip's time. */
#define SLOW(name, params, args)                                               \
	static CK_RV s_##name params                                           \
	{                                                                      \
		const struct timespec until = deadline();                      \
		return wait_until(real->name args, &until);                    \
	}

#define S CK_SESSION_HANDLE s
#define H CK_OBJECT_HANDLE h
#define IN(p, n) CK_BYTE *p, CK_ULONG n
#define OUT(p, n) CK_BYTE *p, CK_ULONG *n

SLOW(C_OpenSession,
     (CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify,
      CK_SESSION_HANDLE *s),
     (slot, flags, app, notify, s))
SLOW(C_CloseSession, (S), (s))
SLOW(C_Login, (S, CK_USER_TYPE user, IN(pin, n)), (s, user, pin, n))
SLOW(C_Logout, (S), (s))
SLOW(C_CreateObject, (S, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *h),
     (s, a, n, h))
SLOW(C_CopyObject, (S, H, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *o),
     (s, h, a, n, o))
SLOW(C_DestroyObject, (S, H), (s, h))
SLOW(C_GetAttributeValue, (S, H, CK_ATTRIBUTE *a, CK_ULONG n), (s, h, a, n))
SLOW(C_SetAttributeValue, (S, H, CK_ATTRIBUTE *a, CK_ULONG n), (s, h, a, n))
SLOW(C_FindObjects, (S, CK_OBJECT_HANDLE *h, CK_ULONG max, CK_ULONG *n),
     (s, h, max, n))
SLOW(C_Encrypt, (S, IN(p, n), OUT(q, m)), (s, p, n, q, m))
SLOW(C_EncryptUpdate, (S, IN(p, n), OUT(q, m)), (s, p, n, q, m))
SLOW(C_EncryptFinal, (S, OUT(q, m)), (s, q, m))
SLOW(C_Decrypt, (S, IN(p, n), OUT(q, m)), (s, p, n, q, m))
SLOW(C_DecryptUpdate, (S, IN(p, n), OUT(q, m)), (s, p, n, q, m))
SLOW(C_DecryptFinal, (S, OUT(q, m)), (s, q, m))
SLOW(C_Sign, (S, IN(p, n), OUT(q, m)), (s, p, n, q, m))
SLOW(C_SignFinal, (S, OUT(q, m)), (s, q, m))
SLOW(C_Verify, (S, IN(p, n), IN(q, m)), (s, p, n, q, m))
SLOW(C_GenerateKey,
     (S, CK_MECHANISM *mech, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *h),
     (s, mech, a, n, h))
SLOW(C_GenerateKeyPair,
     (S, CK_MECHANISM *mech, CK_ATTRIBUTE *a, CK_ULONG n, CK_ATTRIBUTE *b,
      CK_ULONG m, CK_OBJECT_HANDLE *pub, CK_OBJECT_HANDLE *priv),
     (s, mech, a, n, b, m, pub, priv))
SLOW(C_WrapKey, (S, CK_MECHANISM *mech, CK_OBJECT_HANDLE k, H, OUT(q, m)),
     (s, mech, k, h, q, m))
SLOW(C_UnwrapKey,
     (S, CK_MECHANISM *mech, CK_OBJECT_HANDLE k, IN(p, n), CK_ATTRIBUTE *a,
      CK_ULONG m, CK_OBJECT_HANDLE *h),
     (s, mech, k, p, n, a, m, h))
SLOW(C_DeriveKey,
     (S, CK_MECHANISM *mech, CK_OBJECT_HANDLE k, CK_ATTRIBUTE *a, CK_ULONG n,
      CK_OBJECT_HANDLE *h),
     (s, mech, k, a, n, h))
SLOW(C_SeedRandom, (S, IN(p, n)), (s, p, n))
SLOW(C_GenerateRandom, (S, IN(p, n)), (s, p, n))

static void fill(void)
{
#define PUT(name) slow.name = s_##name
	PUT(C_OpenSession);
	PUT(C_CloseSession);
	PUT(C_Login);
	PUT(C_Logout);
	PUT(C_CreateObject);
	PUT(C_CopyObject);
	PUT(C_DestroyObject);
	PUT(C_GetAttributeValue);
	PUT(C_SetAttributeValue);
	PUT(C_FindObjects);
	PUT(C_Encrypt);
	PUT(C_EncryptUpdate);
	PUT(C_EncryptFinal);
	PUT(C_Decrypt);
	PUT(C_DecryptUpdate);
	PUT(C_DecryptFinal);
	PUT(C_Sign);
	PUT(C_SignFinal);
	PUT(C_Verify);
	PUT(C_GenerateKey);
	PUT(C_GenerateKeyPair);
	PUT(C_WrapKey);
	PUT(C_UnwrapKey);
	PUT(C_DeriveKey);
	PUT(C_SeedRandom);
	PUT(C_GenerateRandom);
#undef PUT
}

static void load(void)
{
	void *lib = dlopen(SLOWHSM_MODULE, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get =
		lib ? (CK_C_GetFunctionList)dlsym(lib, "C_GetFunctionList")
		    : NULL;
	const char *ms = getenv("PROVCTL_SLOWHSM_MS");

	if (ms)
		wait_ms = strtol(ms, NULL, 10);
	if (wait_ms < 0 || wait_ms > MS_MAX)
		wait_ms = DEFAULT_MS;
	if (!get || get(&real) != CKR_OK || !real)
		return;
	slow = *real;
	slow.C_GetFunctionList = C_GetFunctionList;
	fill();
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	if (!list)
		return CKR_ARGUMENTS_BAD;
	pthread_once(&once, load);
	if (!real)
		return CKR_GENERAL_ERROR;
	*list = &slow;
	return CKR_OK;
}
