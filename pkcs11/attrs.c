#include "pkcs11/attrs.h"

#include <stdio.h>
#include <string.h>

#include "pkcs11/object.h"

#define AES256_BYTES 32

enum which {
	A_TOKEN,
	A_PRIVATE,
	A_SENSITIVE,
	A_EXTRACTABLE,
	A_LOCAL,
	A_ALWAYS_SENSITIVE,
	A_NEVER_EXTRACTABLE,
	A_MODIFIABLE,
	A_SIGN,
	A_SIGN_RECOVER,
	A_ENCRYPT,
	A_DECRYPT,
	A_VERIFY,
	A_WRAP,
	A_UNWRAP,
	A_DERIVE
};

/* The order is that of the transcript and never changes. */
static const struct {
	CK_ATTRIBUTE_TYPE type;
	const char *name;
} table[P11_ATTRS_N] = {
	[A_TOKEN] = { CKA_TOKEN, "CKA_TOKEN" },
	[A_PRIVATE] = { CKA_PRIVATE, "CKA_PRIVATE" },
	[A_SENSITIVE] = { CKA_SENSITIVE, "CKA_SENSITIVE" },
	[A_EXTRACTABLE] = { CKA_EXTRACTABLE, "CKA_EXTRACTABLE" },
	[A_LOCAL] = { CKA_LOCAL, "CKA_LOCAL" },
	[A_ALWAYS_SENSITIVE] = { CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE" },
	[A_NEVER_EXTRACTABLE] = { CKA_NEVER_EXTRACTABLE,
				  "CKA_NEVER_EXTRACTABLE" },
	[A_MODIFIABLE] = { CKA_MODIFIABLE, "CKA_MODIFIABLE" },
	[A_SIGN] = { CKA_SIGN, "CKA_SIGN" },
	[A_SIGN_RECOVER] = { CKA_SIGN_RECOVER, "CKA_SIGN_RECOVER" },
	[A_ENCRYPT] = { CKA_ENCRYPT, "CKA_ENCRYPT" },
	[A_DECRYPT] = { CKA_DECRYPT, "CKA_DECRYPT" },
	[A_VERIFY] = { CKA_VERIFY, "CKA_VERIFY" },
	[A_WRAP] = { CKA_WRAP, "CKA_WRAP" },
	[A_UNWRAP] = { CKA_UNWRAP, "CKA_UNWRAP" },
	[A_DERIVE] = { CKA_DERIVE, "CKA_DERIVE" },
};

#define BIT(a) (1u << (a))
#define ALWAYS (BIT(A_TOKEN) | BIT(A_PRIVATE) | BIT(A_SENSITIVE))
#define USES                                                                   \
	(BIT(A_SIGN) | BIT(A_SIGN_RECOVER) | BIT(A_ENCRYPT) | BIT(A_DECRYPT) | \
	 BIT(A_VERIFY) | BIT(A_WRAP) | BIT(A_UNWRAP) | BIT(A_DERIVE))
/* All three on: generated here. All three off: restored. */
#define ORIGIN                                                                 \
	(BIT(A_LOCAL) | BIT(A_ALWAYS_SENSITIVE) | BIT(A_NEVER_EXTRACTABLE))
/* Generated here to be backed up. */
#define ORIGIN_BACKUP (BIT(A_LOCAL) | BIT(A_ALWAYS_SENSITIVE))

struct rules {
	CK_KEY_TYPE key_type;
	CK_ULONG value_len;
	CK_MECHANISM_TYPE generated_by;
	unsigned uses;		   /* exactly these uses are on */
	CK_MECHANISM_TYPE allowed; /* the only mechanism; 0: not asked */
	bool backup;		   /* extractable where it was generated */
};

static const struct rules rules_of[] = {
	[HSM_KEY_P256] = { CKK_EC, 0, CKM_EC_KEY_PAIR_GEN, BIT(A_SIGN), 0,
			   false },
	[HSM_KEY_P256_BACKUP] = { CKK_EC, 0, CKM_EC_KEY_PAIR_GEN, BIT(A_SIGN),
				  0, true },
	[HSM_KEY_TRANSPORT] = { CKK_EC, 0, CKM_EC_KEY_PAIR_GEN, BIT(A_DERIVE),
				0, false },
	[HSM_KEY_ED25519] = { CKK_EC_EDWARDS, 0, CKM_EC_EDWARDS_KEY_PAIR_GEN,
			      BIT(A_SIGN), 0, false },
	[HSM_KEY_KDF] = { CKK_AES, AES256_BYTES, CKM_AES_KEY_GEN, BIT(A_SIGN),
			  CKM_AES_CMAC, false },
	[HSM_KEY_STORE] = { CKK_AES, AES256_BYTES, CKM_AES_KEY_GEN,
			    BIT(A_ENCRYPT) | BIT(A_DECRYPT), CKM_AES_GCM,
			    false },
};

/* The other way of a KDF master: DERIVE and the true mechanism. */
static const struct rules kdf_derive_rules = { CKK_AES,
					       AES256_BYTES,
					       CKM_AES_KEY_GEN,
					       BIT(A_DERIVE),
					       CKM_SP800_108_COUNTER_KDF,
					       false };

static CK_RV absent_is_fine(CK_RV rv)
{
	return rv == CKR_ATTRIBUTE_TYPE_INVALID ? CKR_OK : rv;
}

/* One flag by itself. */
static CK_RV read_flag(struct p11 *p, CK_SESSION_HANDLE session,
		       CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
		       int8_t *on)
{
	CK_BBOOL value = CK_FALSE;
	size_t len = 0;
	CK_RV rv = p11_attribute(p, session, object, type, &value,
				 sizeof(value), &len);

	*on = -1;
	if (rv == CKR_OK && len == sizeof(value))
		*on = value != CK_FALSE;
	return absent_is_fine(rv);
}

#define UNTOUCHED 0xAA /* no CK_BBOOL: the module did not write there */

/*
 * All flags in one call, which is one message to the token. A module may give
 * up at the first attribute that an object lacks: what it did not write is
 * asked for by itself.
 */
static CK_RV read_flags(struct p11 *p, CK_SESSION_HANDLE session,
			CK_OBJECT_HANDLE object, struct p11_attrs *a)
{
	CK_BBOOL values[P11_ATTRS_N];
	CK_ATTRIBUTE all[P11_ATTRS_N];
	bool asked;
	CK_RV rv;

	memset(values, UNTOUCHED, sizeof(values));
	for (size_t i = 0; i < P11_ATTRS_N; i++)
		all[i] = (CK_ATTRIBUTE){ table[i].type, &values[i],
					 sizeof(values[i]) };
	rv = p->mod.f->C_GetAttributeValue(session, object, all, P11_ATTRS_N);
	asked = absent_is_fine(rv) == CKR_OK;
	rv = CKR_OK;
	for (size_t i = 0; rv == CKR_OK && i < P11_ATTRS_N; i++) {
		bool written = all[i].ulValueLen == sizeof(values[i]) &&
			       values[i] != UNTOUCHED;

		if (asked && written)
			a->on[i] = values[i] != CK_FALSE;
		else if (asked &&
			 all[i].ulValueLen == CK_UNAVAILABLE_INFORMATION)
			a->on[i] = -1;
		else
			rv = read_flag(p, session, object, table[i].type,
				       &a->on[i]);
	}
	return rv;
}

static CK_RV read_ulong(struct p11 *p, CK_SESSION_HANDLE session,
			CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
			CK_ULONG *out, bool *known)
{
	size_t len = 0;
	CK_RV rv = p11_attribute(p, session, object, type, out, sizeof(*out),
				 &len);

	*known = rv == CKR_OK && len == sizeof(*out) &&
		 *out != CK_UNAVAILABLE_INFORMATION;
	if (!*known)
		*out = 0;
	return absent_is_fine(rv);
}

CK_RV p11_attrs_read(struct p11 *p, CK_SESSION_HANDLE session,
		     CK_OBJECT_HANDLE object, struct p11_attrs *a)
{
	size_t len = 0;
	bool known;
	CK_RV rv;

	memset(a, 0, sizeof(*a));
	rv = read_flags(p, session, object, a);
	if (rv == CKR_OK)
		rv = read_ulong(p, session, object, CKA_KEY_TYPE, &a->key_type,
				&known);
	if (rv == CKR_OK && a->key_type == CKK_AES)
		rv = read_ulong(p, session, object, CKA_VALUE_LEN,
				&a->value_len, &known);
	if (rv == CKR_OK)
		rv = read_ulong(p, session, object, CKA_KEY_GEN_MECHANISM,
				&a->generated_by, &a->generated_by_known);
	if (rv != CKR_OK)
		return rv;
	rv = p11_attribute(p, session, object, CKA_ALLOWED_MECHANISMS,
			   a->allowed, sizeof(a->allowed), &len);
	a->allowed_n = len / sizeof(a->allowed[0]);
	/* Tokens of before 2.20 answer otherwise to an unknown attribute. */
	return rv == CKR_ATTRIBUTE_VALUE_INVALID ? CKR_OK : absent_is_fine(rv);
}

static enum pv_code off(const char *name, const char *why, struct err *err)
{
	return err_fail(err, PV_HSM_FATAL, "hsm.key-attributes",
			"the key must not be used; generate a new one", "%s %s",
			name, why);
}

bool p11_attrs_by_kdf(const struct p11_attrs *a)
{
	return a->on[A_DERIVE] == 1;
}

static enum pv_code check_flags(const struct p11_attrs *a,
				const struct rules *r, struct err *err)
{
	for (unsigned i = 0; i < P11_ATTRS_N; i++) {
		if ((BIT(i) & (ALWAYS | r->uses)) && a->on[i] != 1)
			return off(table[i].name, "is not set", err);
		if ((BIT(i) & USES & ~r->uses) && a->on[i] == 1)
			return off(table[i].name, "is set", err);
	}
	/* Absent is not good enough here. A restored key leaves no more. */
	if (r->backup && a->on[A_LOCAL] == 1)
		return a->on[A_EXTRACTABLE] == 1
			       ? PV_OK
			       : off("CKA_EXTRACTABLE", "is not true", err);
	return a->on[A_EXTRACTABLE] == 0
		       ? PV_OK
		       : off("CKA_EXTRACTABLE", "is not false", err);
}

static enum pv_code check_allowed(const struct p11_attrs *a,
				  const struct rules *r,
				  const struct p11_quirk *quirk,
				  struct err *err)
{
	if (!r->allowed || (quirk->no_allowed_mechanisms && !a->allowed_n))
		return PV_OK;
	if (a->allowed_n != 1 || a->allowed[0] != r->allowed)
		return off("CKA_ALLOWED_MECHANISMS",
			   "is not the one mechanism of this key", err);
	return PV_OK;
}

/* All that a generated key has or none of it; in between nobody knows where it
 * came from. */
static enum pv_code check_origin(const struct p11_attrs *a,
				 const struct rules *r, bool *generated,
				 struct err *err)
{
	const unsigned made = r->backup ? ORIGIN_BACKUP : ORIGIN;
	unsigned on = 0;

	for (unsigned i = 0; i < P11_ATTRS_N; i++)
		if ((BIT(i) & ORIGIN) && a->on[i] == 1)
			on |= BIT(i);
	if (on != 0 && on != made)
		return off("CKA_LOCAL, CKA_ALWAYS_SENSITIVE and "
			   "CKA_NEVER_EXTRACTABLE",
			   "do not agree", err);
	if (on == made &&
	    (!a->generated_by_known || a->generated_by != r->generated_by))
		return off("CKA_KEY_GEN_MECHANISM", "is not the expected one",
			   err);
	if (on == made && r->backup && a->on[A_NEVER_EXTRACTABLE] != 0)
		return off("CKA_NEVER_EXTRACTABLE", "is not false", err);
	*generated = on == made;
	return PV_OK;
}

enum pv_code p11_attrs_check(const struct p11_attrs *a, enum hsm_key_kind kind,
			     const struct p11_quirk *quirk, bool *generated,
			     struct err *err)
{
	const struct rules *r = &rules_of[kind];
	enum pv_code rc;

	*generated = false;
	if (kind == HSM_KEY_KDF && p11_attrs_by_kdf(a))
		r = &kdf_derive_rules;
	if (a->key_type != r->key_type)
		return off("CKA_KEY_TYPE", "is not that of the purpose", err);
	/* SoftHSM does not tell the length of a key that was unwrapped, as the
	 * vendor's tool does where it copies one to another token. */
	if (a->value_len != r->value_len &&
	    !(a->value_len == 0 && a->on[A_LOCAL] != 1))
		return off("CKA_VALUE_LEN", "is not 32", err);
	rc = check_flags(a, r, err);
	if (rc == PV_OK)
		rc = check_allowed(a, r, quirk, err);
	if (rc == PV_OK)
		rc = check_origin(a, r, generated, err);
	return rc;
}

enum pv_code p11_attrs_text(const struct p11_attrs *a, char *out, size_t cap,
			    struct err *err)
{
	static const char sign[] = { '-', '0', '1' };
	struct buf b;
	const char *text;
	enum pv_code rc;

	buf_init(&b, cap - 1);
	buf_printf(&b, "CKA_KEY_TYPE=0x%lx", a->key_type);
	for (size_t i = 0; i < P11_ATTRS_N; i++)
		buf_printf(&b, " %s=%c", table[i].name, sign[a->on[i] + 1]);
	if (a->generated_by_known)
		buf_printf(&b, " CKA_KEY_GEN_MECHANISM=0x%lx", a->generated_by);
	else
		buf_put_str(&b, " CKA_KEY_GEN_MECHANISM=-");
	buf_put_str(&b, " CKA_ALLOWED_MECHANISMS=");
	for (size_t i = 0; i < a->allowed_n; i++)
		buf_printf(&b, "%s0x%lx", i ? "," : "", a->allowed[i]);
	if (!a->allowed_n)
		buf_put_str(&b, "-");
	text = buf_cstr(&b);
	rc = buf_check(&b, err);
	if (rc == PV_OK)
		memcpy(out, text, b.len + 1);
	buf_release(&b);
	return rc;
}
