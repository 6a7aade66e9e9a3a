#include "tests/unit/p11_fault.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "pkcs11/object.h"
#include "tests/unit/unit.h"

#define GATHER_S 10 /* then the test has failed anyway */

struct plan {
	int skip, times, calls;
	CK_RV rv;
	CK_ULONG len;
	bool gather;
	unsigned delay_us;
};

static CK_FUNCTION_LIST fake;
static CK_FUNCTION_LIST *real;

/* Set by the test while one thread runs. */
static CK_FLAGS more_flags;
static const char *other_serial;
static CK_ULONG most_sessions;
static int random_byte = -1;
static bool undead;
static CK_OBJECT_HANDLE hidden[8]; /* until C_Finalize */
static size_t hidden_n;

/* Under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gathered = PTHREAD_COND_INITIALIZER;
static struct plan plans[FAULT_N];
static int inside, most_inside, overlaps;
static bool turning; /* from C_Finalize to the end of C_Initialize */

static bool turns(enum fault_fn fn)
{
	return fn == FAULT_INITIALIZE || fn == FAULT_FINALIZE;
}

static void count_in(enum fault_fn fn)
{
	if ((turning && fn != FAULT_INITIALIZE) || (turns(fn) && inside))
		overlaps++;
	if (turns(fn))
		turning = true;
	if (++inside > most_inside)
		most_inside = inside;
}

static void gather(const struct plan *p)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += GATHER_S;
	while (p->times > 0 &&
	       pthread_cond_timedwait(&gathered, &lock, &end) == 0)
		;
	pthread_cond_broadcast(&gathered);
}

/* Every call that this covers begins here and ends in leave(). */
static CK_RV enter(enum fault_fn fn)
{
	struct plan *p = &plans[fn];
	struct timespec delay = { 0 };
	CK_RV rv = CKR_OK;

	pthread_mutex_lock(&lock);
	count_in(fn);
	if (p->calls++ >= p->skip && p->times != 0) {
		rv = p->rv;
		if (p->times > 0)
			p->times--;
		if (p->gather)
			gather(p);
	}
	delay.tv_nsec = 1000L * p->delay_us;
	pthread_mutex_unlock(&lock);
	if (delay.tv_nsec)
		nanosleep(&delay, NULL);
	return rv;
}

static CK_RV leave(enum fault_fn fn, CK_RV rv)
{
	pthread_mutex_lock(&lock);
	inside--;
	if (fn == FAULT_INITIALIZE)
		turning = false;
	pthread_mutex_unlock(&lock);
	return rv;
}

/* The length to claim instead of len. */
static CK_ULONG claimed(enum fault_fn fn, CK_RV rv, CK_ULONG len)
{
	CK_ULONG other;

	pthread_mutex_lock(&lock);
	other = plans[fn].len;
	pthread_mutex_unlock(&lock);
	return rv == CKR_OK && other ? other : len;
}

#define PASS(fn, call)                                                         \
	do {                                                                   \
		CK_RV rv_ = enter(fn);                                         \
		return leave(fn, rv_ != CKR_OK ? rv_ : real->call);            \
	} while (0)

static CK_RV f_initialize(void *args)
{
	PASS(FAULT_INITIALIZE, C_Initialize(args));
}

static CK_RV f_finalize(void *reserved)
{
	hidden_n = 0;
	PASS(FAULT_FINALIZE, C_Finalize(reserved));
}

static CK_RV f_get_slot_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n)
{
	PASS(FAULT_GET_SLOT_LIST, C_GetSlotList(present, slots, n));
}

static CK_RV f_get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV rv = enter(FAULT_GET_TOKEN_INFO);

	if (rv != CKR_OK)
		return leave(FAULT_GET_TOKEN_INFO, rv);
	rv = real->C_GetTokenInfo(slot, info);
	info->flags |= more_flags;
	if (most_sessions)
		info->ulMaxRwSessionCount = most_sessions;
	if (other_serial)
		memcpy(info->serialNumber, other_serial,
		       sizeof(info->serialNumber));
	return leave(FAULT_GET_TOKEN_INFO, rv);
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

static bool is_hidden(CK_OBJECT_HANDLE object)
{
	for (size_t i = 0; i < hidden_n; i++)
		if (hidden[i] == object)
			return true;
	return false;
}

static CK_RV f_find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *found,
		    CK_ULONG max, CK_ULONG *n)
{
	CK_RV rv = real->C_FindObjects(session, found, max, n);
	CK_ULONG left = 0;

	for (CK_ULONG i = 0; rv == CKR_OK && i < *n; i++)
		if (!is_hidden(found[i]))
			found[left++] = found[i];
	if (rv == CKR_OK)
		*n = left;
	return rv;
}

static CK_RV f_get_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
			     CK_ATTRIBUTE *t, CK_ULONG n)
{
	CK_RV rv = enter(FAULT_GET_ATTRIBUTE);

	if (rv == CKR_OK)
		rv = real->C_GetAttributeValue(session, object, t, n);
	t->ulValueLen = claimed(FAULT_GET_ATTRIBUTE, rv, t->ulValueLen);
	return leave(FAULT_GET_ATTRIBUTE, rv);
}

static CK_RV f_sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *m,
			 CK_OBJECT_HANDLE key)
{
	PASS(FAULT_SIGN_INIT, C_SignInit(session, m, key));
}

static CK_RV f_sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG len,
		    CK_BYTE *sig, CK_ULONG *sig_len)
{
	CK_RV rv = enter(FAULT_SIGN);

	if (rv == CKR_OK)
		rv = real->C_Sign(session, data, len, sig, sig_len);
	*sig_len = claimed(FAULT_SIGN, rv, *sig_len);
	return leave(FAULT_SIGN, rv);
}

static CK_RV f_encrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_len,
		       CK_BYTE *out, CK_ULONG *out_len)
{
	PASS(FAULT_ENCRYPT, C_Encrypt(session, in, in_len, out, out_len));
}

static CK_RV f_decrypt(CK_SESSION_HANDLE session, CK_BYTE *in, CK_ULONG in_len,
		       CK_BYTE *out, CK_ULONG *out_len)
{
	CK_RV rv = enter(FAULT_DECRYPT);

	if (rv == CKR_OK)
		rv = real->C_Decrypt(session, in, in_len, out, out_len);
	*out_len = claimed(FAULT_DECRYPT, rv, *out_len);
	return leave(FAULT_DECRYPT, rv);
}

static CK_RV f_random(CK_SESSION_HANDLE session, CK_BYTE *out, CK_ULONG len)
{
	CK_RV rv = enter(FAULT_RANDOM);

	if (rv != CKR_OK)
		return leave(FAULT_RANDOM, rv);
	rv = real->C_GenerateRandom(session, out, len);
	if (random_byte >= 0)
		memset(out, random_byte, len);
	return leave(FAULT_RANDOM, rv);
}

static CK_RV f_destroy(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
	if (undead && hidden_n < sizeof(hidden) / sizeof(hidden[0])) {
		hidden[hidden_n++] = object;
		return leave(FAULT_DESTROY, enter(FAULT_DESTROY));
	}
	PASS(FAULT_DESTROY, C_DestroyObject(session, object));
}

static CK_RV f_generate(CK_SESSION_HANDLE session, CK_MECHANISM *m,
			CK_ATTRIBUTE *t, CK_ULONG n, CK_OBJECT_HANDLE *key)
{
	PASS(FAULT_GENERATE, C_GenerateKey(session, m, t, n, key));
}

void fault_reset(void)
{
	pthread_mutex_lock(&lock);
	memset(plans, 0, sizeof(plans));
	most_inside = overlaps = 0;
	pthread_mutex_unlock(&lock);
	more_flags = 0;
	other_serial = NULL;
	most_sessions = 0;
	random_byte = -1;
	fault_undead(false);
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
	fake.C_FindObjects = f_find;
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
	pthread_mutex_lock(&lock);
	plans[fn] = (struct plan){ .skip = skip,
				   .times = times,
				   .rv = rv,
				   .delay_us = plans[fn].delay_us };
	pthread_mutex_unlock(&lock);
}

void fault_gather(enum fault_fn fn)
{
	pthread_mutex_lock(&lock);
	plans[fn].gather = true;
	pthread_mutex_unlock(&lock);
}

void fault_delay(enum fault_fn fn, unsigned us)
{
	pthread_mutex_lock(&lock);
	plans[fn].delay_us = us;
	pthread_mutex_unlock(&lock);
}

static int read_locked(const int *n)
{
	int now;

	pthread_mutex_lock(&lock);
	now = *n;
	pthread_mutex_unlock(&lock);
	return now;
}

int fault_calls(enum fault_fn fn)
{
	return read_locked(&plans[fn].calls);
}

int fault_most(void)
{
	return read_locked(&most_inside);
}

int fault_overlaps(void)
{
	return read_locked(&overlaps);
}

void fault_sessions(CK_ULONG most)
{
	most_sessions = most;
}

void fault_token(CK_FLAGS flags, const char *serial)
{
	more_flags = flags;
	other_serial = serial;
}

void fault_length(enum fault_fn fn, CK_ULONG len)
{
	pthread_mutex_lock(&lock);
	plans[fn].len = len;
	pthread_mutex_unlock(&lock);
}

void fault_undead(bool on)
{
	undead = on;
	hidden_n = 0;
}

void fault_random(int byte)
{
	random_byte = byte;
}

size_t fault_objects(struct hsm *h)
{
	struct p11 *p = (struct p11 *)h;
	CK_OBJECT_HANDLE found[P11_FOUND_MAX];
	size_t n;

	ck_assert_uint_eq(
		p11_objects(p, p->pool.seats[0].session, NULL, 0, found, &n),
		CKR_OK);
	return n;
}
