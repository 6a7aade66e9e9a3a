#include "pkcs11/facts.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/notechars.h"
#include "pkcs11/quirks.h"
#include "pkcs11/rv.h"

#define P256_BITS 256
#define AES256_BYTES 32
#define AES256_BITS 256 /* some vendors count AES keys in bits */
#define ED25519_BITS 255

void p11_field(char *out, const CK_UTF8CHAR *field, size_t len)
{
	while (len && (field[len - 1] == ' ' || field[len - 1] == '\0'))
		len--;
	notechars_clean(out, len + 1, (struct span){ field, len });
}

/* All slots with a token; *slots is owned by the caller. */
static enum pv_code slot_list(const struct p11_module *m, CK_SLOT_ID **slots,
			      CK_ULONG *n, struct err *err)
{
	CLEANUP(mem_cleanup) CK_SLOT_ID *list = NULL;
	CK_ULONG cap = 0;
	/* The first call makes the module look anew (PKCS#11 2.40, 5.5). */
	CK_RV rv = m->f->C_GetSlotList(CK_TRUE, NULL, &cap);

	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "C_GetSlotList");
	if (cap > P11_SLOTS_MAX)
		return err_fail(err, PV_HSM_FATAL, "hsm.length", NULL,
				"the module claims %lu slots", cap);
	list = mem_array(P11_SLOTS_MAX, sizeof(*list), err);
	if (!list)
		return PV_INTERNAL;
	*n = P11_SLOTS_MAX;
	rv = m->f->C_GetSlotList(CK_TRUE, list, n);
	if (rv != CKR_OK)
		return p11_rv_fail(err, rv, "C_GetSlotList");
	if (*n > P11_SLOTS_MAX)
		return err_fail(err, PV_HSM_FATAL, "hsm.length", NULL,
				"the module claims %lu slots", *n);
	*slots = TAKE(list);
	return PV_OK;
}

enum pv_code p11_slot_find(const struct p11_module *m,
			   const struct p11_uri *uri, CK_SLOT_ID *slot,
			   CK_TOKEN_INFO *info, struct err *err)
{
	CLEANUP(mem_cleanup) CK_SLOT_ID *slots = NULL;
	CK_ULONG n = 0, matches = 0;
	CK_RV broken = CKR_OK;
	enum pv_code rc = slot_list(m, &slots, &n, err);

	for (CK_ULONG i = 0; rc == PV_OK && i < n; i++) {
		CK_TOKEN_INFO one;
		CK_RV rv = m->f->C_GetTokenInfo(slots[i], &one);

		if (rv != CKR_OK) {
			broken = rv;
			continue;
		}
		if (!(one.flags & CKF_TOKEN_INITIALIZED) ||
		    !p11_uri_matches(uri, &one))
			continue;
		*slot = slots[i];
		*info = one;
		matches++;
	}
	if (rc != PV_OK || matches == 1)
		return rc;
	if (matches > 1)
		return err_fail(err, PV_HSM_FATAL, "hsm.token-double",
				"add serial= to the token's URI",
				"%lu tokens match the URI", matches);
	if (broken != CKR_OK)
		return p11_rv_fail(err, broken, "C_GetTokenInfo");
	return err_fail(err, PV_HSM_TEMP, "hsm.token-missing",
			"plug the token in, or check \"tokens\"",
			"no token matches the URI");
}

static bool mechanism(const struct p11_module *m, CK_SLOT_ID slot,
		      CK_MECHANISM_TYPE type, CK_FLAGS need,
		      CK_MECHANISM_INFO *info)
{
	memset(info, 0, sizeof(*info));
	return m->f->C_GetMechanismInfo(slot, type, info) == CKR_OK &&
	       (info->flags & need) == need;
}

/* Some modules leave the sizes 0: then they say nothing. */
static bool takes_size(const CK_MECHANISM_INFO *info, CK_ULONG size)
{
	if (info->ulMinKeySize == 0 && info->ulMaxKeySize == 0)
		return true;
	return info->ulMinKeySize <= size && size <= info->ulMaxKeySize;
}

static bool takes_aes256(const CK_MECHANISM_INFO *info)
{
	return takes_size(info, AES256_BYTES) || takes_size(info, AES256_BITS);
}

static void read_mechanisms(const struct p11_module *m, CK_SLOT_ID slot,
			    struct p11_facts *out)
{
	CK_MECHANISM_INFO i;

	out->p256 = mechanism(m, slot, CKM_ECDSA, CKF_SIGN, &i) &&
		    takes_size(&i, P256_BITS);
	out->ec_min_bits = i.ulMinKeySize;
	out->ec_max_bits = i.ulMaxKeySize;
	out->ed25519 =
		mechanism(m, slot, CKM_EC_EDWARDS_KEY_PAIR_GEN, 0, &i) &&
		mechanism(m, slot, CKM_EDDSA, CKF_SIGN, &i) &&
		(takes_size(&i, ED25519_BITS) || takes_size(&i, P256_BITS));
	out->aes256 = mechanism(m, slot, CKM_AES_KEY_GEN, CKF_GENERATE, &i) &&
		      takes_aes256(&i);
	out->aes_min_bytes = i.ulMinKeySize;
	out->aes_max_bytes = i.ulMaxKeySize;
	out->cmac = mechanism(m, slot, CKM_AES_CMAC, CKF_SIGN, &i) &&
		    takes_aes256(&i);
	out->gcm = mechanism(m, slot, CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT,
			     &i) &&
		   takes_aes256(&i);
	out->ecdh = mechanism(m, slot, CKM_ECDH1_DERIVE, CKF_DERIVE, &i) &&
		    takes_size(&i, P256_BITS);
	out->sp800_108 =
		mechanism(m, slot, CKM_SP800_108_COUNTER_KDF, CKF_DERIVE, &i);
	out->key_wrap_pad = mechanism(m, slot, CKM_AES_KEY_WRAP_PAD,
				      CKF_WRAP | CKF_UNWRAP, &i);
	out->key_wrap_kwp = mechanism(m, slot, CKM_AES_KEY_WRAP_KWP,
				      CKF_WRAP | CKF_UNWRAP, &i);
}

/* "Not said" and "without limit" are the same to us: 0. */
static unsigned long limit(CK_ULONG n)
{
	return n == CK_UNAVAILABLE_INFORMATION ? 0 : n;
}

void p11_facts_read(const struct p11_module *m, CK_SLOT_ID slot,
		    const CK_TOKEN_INFO *info, struct p11_facts *out)
{
	CK_FLAGS flags = info->flags;
	unsigned long most;

	memset(out, 0, sizeof(*out));
	out->slot = slot;
	p11_field(out->label, info->label, sizeof(info->label));
	p11_field(out->manufacturer, info->manufacturerID,
		  sizeof(info->manufacturerID));
	p11_field(out->model, info->model, sizeof(info->model));
	p11_field(out->serial, info->serialNumber, sizeof(info->serialNumber));
	snprintf(out->firmware, sizeof(out->firmware), "%u.%u",
		 (unsigned)info->firmwareVersion.major,
		 (unsigned)info->firmwareVersion.minor);
	out->max_sessions = limit(info->ulMaxSessionCount);
	out->max_rw_sessions = limit(info->ulMaxRwSessionCount);
	out->min_pin_len = info->ulMinPinLen;
	out->max_pin_len = info->ulMaxPinLen;
	out->pin_initialised = flags & CKF_USER_PIN_INITIALIZED;
	out->pin_count_low = flags & CKF_USER_PIN_COUNT_LOW;
	out->pin_final_try = flags & CKF_USER_PIN_FINAL_TRY;
	out->pin_locked = flags & CKF_USER_PIN_LOCKED;
	out->login_required = flags & CKF_LOGIN_REQUIRED;
	out->protected_path = flags & CKF_PROTECTED_AUTHENTICATION_PATH;
	out->write_protected = flags & CKF_WRITE_PROTECTED;
	out->has_rng = flags & CKF_RNG;
	read_mechanisms(m, slot, out);
	most = p11_quirk_for(out)->max_sessions;
	if (most && (out->max_sessions == 0 || out->max_sessions > most))
		out->max_sessions = most;
}

enum pv_code p11_facts_judge_pin(const struct p11_facts *facts, struct err *err)
{
	if (facts->pin_locked)
		return err_fail(err, PV_HSM_FATAL, "hsm.pin-locked",
				"the security officer must unlock the PIN",
				"token %s: the PIN is locked", facts->label);
	if (facts->pin_final_try)
		return err_fail(err, PV_HSM_FATAL, "hsm.pin-locked",
				"log in once with another tool, with the "
				"right PIN, to reset the counter",
				"token %s: one wrong PIN more would lock it",
				facts->label);
	if (facts->login_required && !facts->pin_initialised)
		return err_fail(err, PV_HSM_FATAL, "hsm.pin",
				"set a user PIN first",
				"token %s has no user PIN", facts->label);
	return PV_OK;
}

enum pv_code p11_facts_judge(const struct p11_facts *facts, struct err *err)
{
	enum pv_code rc = p11_facts_judge_pin(facts, err);

	if (rc != PV_OK)
		return rc;
	if (!facts->p256)
		return err_fail(err, PV_DENIED, "hsm.mechanism",
				"take a token that signs with P-256",
				"token %s has no CKM_ECDSA for 256 bits",
				facts->label);
	return PV_OK;
}
