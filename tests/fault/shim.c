/*
 * shim: a PKCS#11 module that hands every call on to SoftHSM (FAULT_MODULE),
 * and makes chosen calls slow, wrong or failing. The environment says how:
 *
 *   FAULT_LOG=FILE            a line "pid call rv" for each watched call
 *   FAULT_<call>_MS=N         the call takes N ms longer
 *   FAULT_<call>_RV=N         it returns N, from the FAULT_<call>_FROM-th of a
 *                             process on (1), FAULT_<call>_TIMES times (always)
 *   FAULT_<call>_WAIT=FILE    it makes FILE.here, and waits until FILE is there
 *   FAULT_AFTER=FILE          these three only once FILE is there
 *   FAULT_FLIP=N              signatures have one bit changed, from the N-th
 *                             C_Sign of a process on, FAULT_FLIP_TIMES times
 *                             (always); a line "pid flipped" each
 *   FAULT_PAD=FILE            the token has a pin pad; FILE holds what the
 *                             person types
 *   FAULT_TRIES=N             after N-1 wrong PINs the token says that one more
 *                             locks it (CKF_USER_PIN_FINAL_TRY)
 *   FAULT_LOCKED=1            its PIN is locked
 *   FAULT_SERIAL=FILE         once FILE is there the token has another serial
 *                             number
 *   FAULT_BLANK=1             it has none
 *   FAULT_EMPTY=LABEL         the token named so says that it is empty
 *   FAULT_SESSIONS=N          the token has N sessions; FAULT_LOCKS=PREFIX of
 *                             files that stand for them
 *   FAULT_DIE=N               the process is killed before its N-th watched
 * call; with FAULT_DIE_BEHIND=1 behind it
 *
 * Watched: C_Initialize C_OpenSession C_Login C_SignInit C_Sign
 * C_FindObjectsInit C_GenerateRandom C_GetTokenInfo C_Encrypt C_Decrypt
 * C_GenerateKey C_GenerateKeyPair C_CreateObject C_WrapKey C_UnwrapKey
 * C_DeriveKey C_DestroyObject C_InitToken C_InitPIN.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

static CK_FUNCTION_LIST fake, *real;

static long number(const char *call, const char *what)
{
	char name[64];
	const char *v;

	snprintf(name, sizeof(name), "FAULT_%s%s", call, what);
	v = getenv(name);
	return v ? strtol(v, NULL, 0) : 0;
}

static _Atomic long calls;

static void die_at(int behind)
{
	if (calls > 0 && calls == number("DIE", "") &&
	    number("DIE", "_BEHIND") == behind)
		kill(getpid(), SIGKILL);
}

static void note(const char *call, CK_RV rv)
{
	const char *file = getenv("FAULT_LOG");
	int fd = file ? open(file, O_WRONLY | O_APPEND | O_CREAT, 0600) : -1;

	if (strncmp(call, "C_", 2) == 0)
		die_at(1);
	if (fd < 0)
		return;
	dprintf(fd, "%d %s 0x%lx\n", (int)getpid(), call, rv);
	close(fd);
}

/* The test has its turn. */
static void wait_for(const char *call)
{
	char name[64], here[300];
	const char *file;
	int fd;

	snprintf(name, sizeof(name), "FAULT_%s_WAIT", call);
	file = getenv(name);
	if (!file)
		return;
	snprintf(here, sizeof(here), "%.280s.here", file);
	fd = open(here, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	while (access(file, F_OK) != 0)
		usleep(5000);
}

/* What the plan says of the n-th call: CKR_OK, go on. */
static CK_RV planned(const char *call, long n)
{
	long ms = number(call, "_MS"), rv = number(call, "_RV");
	long from = number(call, "_FROM"), times = number(call, "_TIMES");
	const char *after = getenv("FAULT_AFTER");

	calls++;
	die_at(0);
	if (after && access(after, F_OK) != 0)
		return CKR_OK;
	wait_for(call);
	if (ms > 0)
		usleep((useconds_t)ms * 1000);
	if (rv == 0 || n < (from > 0 ? from : 1))
		return CKR_OK;
	if (times > 0 && n >= (from > 0 ? from : 1) + times)
		return CKR_OK;
	return (CK_RV)rv;
}

#define WATCHED(call, params, args)                                            \
	static CK_RV my_##call params                                          \
	{                                                                      \
		static _Atomic long count;                                     \
		CK_RV rv = planned(#call, ++count);                            \
		if (rv == CKR_OK)                                              \
			rv = real->call args;                                  \
		note(#call, rv);                                               \
		return rv;                                                     \
	}

WATCHED(C_Initialize, (void *a), (a))
WATCHED(C_SignInit, (CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE k),
	(s, m, k))
WATCHED(C_FindObjectsInit, (CK_SESSION_HANDLE s, CK_ATTRIBUTE *a, CK_ULONG n),
	(s, a, n))
WATCHED(C_GenerateRandom, (CK_SESSION_HANDLE s, CK_BYTE *p, CK_ULONG n),
	(s, p, n))
WATCHED(C_Encrypt,
	(CK_SESSION_HANDLE s, CK_BYTE *p, CK_ULONG n, CK_BYTE *o, CK_ULONG *l),
	(s, p, n, o, l))
WATCHED(C_Decrypt,
	(CK_SESSION_HANDLE s, CK_BYTE *p, CK_ULONG n, CK_BYTE *o, CK_ULONG *l),
	(s, p, n, o, l))

WATCHED(C_GenerateKey,
	(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_ATTRIBUTE *a, CK_ULONG n,
	 CK_OBJECT_HANDLE *k),
	(s, m, a, n, k))
WATCHED(C_GenerateKeyPair,
	(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_ATTRIBUTE *a, CK_ULONG n,
	 CK_ATTRIBUTE *b, CK_ULONG o, CK_OBJECT_HANDLE *k, CK_OBJECT_HANDLE *l),
	(s, m, a, n, b, o, k, l))
WATCHED(C_CreateObject,
	(CK_SESSION_HANDLE s, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *o),
	(s, a, n, o))
WATCHED(C_WrapKey,
	(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE by,
	 CK_OBJECT_HANDLE k, CK_BYTE *o, CK_ULONG *l),
	(s, m, by, k, o, l))
WATCHED(C_UnwrapKey,
	(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE by, CK_BYTE *p,
	 CK_ULONG n, CK_ATTRIBUTE *a, CK_ULONG o, CK_OBJECT_HANDLE *k),
	(s, m, by, p, n, a, o, k))
WATCHED(C_DeriveKey,
	(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE b,
	 CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *k),
	(s, m, b, a, n, k))
WATCHED(C_DestroyObject, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o), (s, o))
WATCHED(C_InitToken, (CK_SLOT_ID s, CK_BYTE *p, CK_ULONG n, CK_BYTE *l),
	(s, p, n, l))
WATCHED(C_InitPIN, (CK_SESSION_HANDLE s, CK_BYTE *p, CK_ULONG n), (s, p, n))

static CK_RV my_C_Sign(CK_SESSION_HANDLE s, CK_BYTE *p, CK_ULONG n, CK_BYTE *o,
		       CK_ULONG *l)
{
	static _Atomic long count;
	long flip = number("FLIP", ""), times = number("FLIP", "_TIMES");
	long n_th = ++count;
	CK_RV rv = planned("C_Sign", n_th);

	if (rv == CKR_OK)
		rv = real->C_Sign(s, p, n, o, l);
	note("C_Sign", rv);
	/* Of a MAC nobody could tell. */
	if (rv == CKR_OK && o && *l == 64 && flip > 0 && n_th >= flip &&
	    (times == 0 || n_th < flip + times)) {
		o[5] ^= 1;
		note("flipped", rv);
	}
	return rv;
}

static _Atomic long wrong_pins; /* of this process and who forked it */

static CK_RV my_C_Login(CK_SESSION_HANDLE s, CK_USER_TYPE t, CK_BYTE *p,
			CK_ULONG n)
{
	static _Atomic long count;
	const char *pad = getenv("FAULT_PAD");
	char typed[64] = "";
	CK_RV rv;

	note("entering-C_Login", 0);
	rv = planned("C_Login", ++count);
	if (pad) {
		FILE *f = fopen(pad, "r");

		if (f && fgets(typed, sizeof(typed), f))
			typed[strcspn(typed, "\n")] = '\0';
		if (f)
			fclose(f);
		p = (CK_BYTE *)typed;
		n = strlen(typed);
	}
	if (rv == CKR_OK)
		rv = real->C_Login(s, t, p, n);
	if (rv == CKR_PIN_INCORRECT)
		wrong_pins++;
	note("C_Login", rv);
	return rv;
}

/* One of N locked files for each session, over all processes. */
static int takes_session(void)
{
	long max = number("SESSIONS", "");
	const char *prefix = getenv("FAULT_LOCKS");

	for (long i = 0; prefix && i < max; i++) {
		struct flock lock = { .l_type = F_WRLCK };
		char path[400];
		int fd;

		snprintf(path, sizeof(path), "%.280s.%ld", prefix, i);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0)
			return 1;
		close(fd);
	}
	return max == 0;
}

static CK_RV my_C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *app,
			      CK_NOTIFY notify, CK_SESSION_HANDLE *s)
{
	static _Atomic long count;
	CK_RV rv = planned("C_OpenSession", ++count);

	if (rv == CKR_OK && !takes_session())
		rv = CKR_SESSION_COUNT;
	if (rv == CKR_OK)
		rv = real->C_OpenSession(slot, flags, app, notify, s);
	note("C_OpenSession", rv);
	return rv;
}

static int is_named(const CK_TOKEN_INFO *info, const char *label)
{
	size_t len = label ? strlen(label) : 0;

	return len > 0 && len < sizeof(info->label) &&
	       memcmp(info->label, label, len) == 0 && info->label[len] == ' ';
}

static CK_RV my_C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	static _Atomic long count;
	CK_RV rv = planned("C_GetTokenInfo", ++count);
	const char *other = getenv("FAULT_SERIAL");
	long tries = number("TRIES", "");

	if (rv == CKR_OK)
		rv = real->C_GetTokenInfo(slot, info);
	if (rv == CKR_OK && getenv("FAULT_PAD"))
		info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	if (rv == CKR_OK && tries > 0 && wrong_pins >= tries - 1)
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	if (rv == CKR_OK && getenv("FAULT_LOCKED"))
		info->flags |= CKF_USER_PIN_LOCKED;
	if (rv == CKR_OK && other && access(other, F_OK) == 0)
		info->serialNumber[0] ^= 1;
	if (rv == CKR_OK && getenv("FAULT_BLANK"))
		memset(info->serialNumber, ' ', sizeof(info->serialNumber));
	if (rv == CKR_OK && is_named(info, getenv("FAULT_EMPTY")))
		info->flags &= ~(CK_FLAGS)CKF_TOKEN_INITIALIZED;
	return rv;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	void *module = dlopen(FAULT_MODULE, RTLD_NOW | RTLD_NODELETE);
	CK_C_GetFunctionList get = NULL;

	if (module)
		*(void **)&get = dlsym(module, "C_GetFunctionList");
	if (!get || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	fake = *real;
	fake.C_Initialize = my_C_Initialize;
	fake.C_OpenSession = my_C_OpenSession;
	fake.C_Login = my_C_Login;
	fake.C_SignInit = my_C_SignInit;
	fake.C_Sign = my_C_Sign;
	fake.C_FindObjectsInit = my_C_FindObjectsInit;
	fake.C_GenerateRandom = my_C_GenerateRandom;
	fake.C_GetTokenInfo = my_C_GetTokenInfo;
	fake.C_Encrypt = my_C_Encrypt;
	fake.C_Decrypt = my_C_Decrypt;
	fake.C_GenerateKey = my_C_GenerateKey;
	fake.C_GenerateKeyPair = my_C_GenerateKeyPair;
	fake.C_CreateObject = my_C_CreateObject;
	fake.C_WrapKey = my_C_WrapKey;
	fake.C_UnwrapKey = my_C_UnwrapKey;
	fake.C_DeriveKey = my_C_DeriveKey;
	fake.C_DestroyObject = my_C_DestroyObject;
	fake.C_InitToken = my_C_InitToken;
	fake.C_InitPIN = my_C_InitPIN;
	*list = &fake;
	return CKR_OK;
}
