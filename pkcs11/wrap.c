#include "pkcs11/wrap.h"

#include <string.h>

#include "pkcs11/destroy.h"
#include "pkcs11/object.h"
#include "pkcs11/op.h"
#include "pkcs11/rv.h"

#define WRAPPED_ROOM HSM_WRAPPED_MAX /* longer answers are refused */
#define WRAPPED_MIN 24		     /* bytes: RFC 5649 of more than 8 */
#define PROBE_WRAPPED 40	     /* of an AES-256 key */

static const CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static const CK_KEY_TYPE aes_type = CKK_AES;

/* CKM_AES_KEY_WRAP_PAD or _KWP is there. */
static bool can_wrap(const struct p11 *p)
{
	return p->facts.key_wrap_pad || p->facts.key_wrap_kwp;
}

static CK_MECHANISM mechanism_of(const struct p11 *p)
{
	CK_MECHANISM m = { p->facts.key_wrap_kwp ? CKM_AES_KEY_WRAP_KWP
						 : CKM_AES_KEY_WRAP_PAD,
			   NULL, 0 };

	return m;
}

enum pv_code p11_wrap_needed(const struct p11 *p, struct err *err)
{
	if (can_wrap(p))
		return PV_OK;
	return err_fail(err, PV_DENIED, "hsm.mechanism", "take another token",
			"token %s has no AES key wrap with padding",
			p->facts.label);
}

static void stays_template(struct p11_template *t, bool wraps)
{
	p11_template_add(t, CKA_CLASS, &secret_class, sizeof(secret_class));
	p11_template_add(t, CKA_KEY_TYPE, &aes_type, sizeof(aes_type));
	p11_template_flag(t, CKA_TOKEN, false);
	p11_template_flag(t, CKA_PRIVATE, true);
	p11_template_flag(t, CKA_SENSITIVE, true);
	p11_template_flag(t, CKA_EXTRACTABLE, false);
	p11_template_flag(t, CKA_WRAP, wraps);
	p11_template_flag(t, CKA_UNWRAP, wraps);
	p11_template_flag(t, CKA_ENCRYPT, false);
	p11_template_flag(t, CKA_DECRYPT, false);
	p11_template_flag(t, CKA_SIGN, false);
	p11_template_flag(t, CKA_VERIFY, false);
	p11_template_flag(t, CKA_DERIVE, !wraps);
}

void p11_wrap_key_template(struct p11_template *t)
{
	stays_template(t, true);
}

void p11_base_key_template(struct p11_template *t)
{
	stays_template(t, false);
}

struct import {
	const struct secret *value;
	CK_OBJECT_HANDLE handle;
	unsigned long generation;
};

static CK_RV import_run(struct p11 *p, CK_SESSION_HANDLE session,
			const struct hsm_key *key, void *arg)
{
	struct import *i = arg;
	struct p11_template t = { .n = 0 };

	(void)key;
	/* It stays while this session is ours. */
	i->generation = p->pool.generation;
	p11_wrap_key_template(&t);
	p11_template_add(&t, CKA_VALUE, i->value->data, i->value->len);
	return p->mod.f->C_CreateObject(session, t.a, t.n, &i->handle);
}

enum pv_code p11_wrap_key_import(struct p11 *p, const struct secret *value,
				 struct p11_wrap_key *key, struct err *err)
{
	static const struct p11_op op = { "C_CreateObject", import_run, false };
	struct import i = { .value = value };
	enum pv_code rc = p11_wrap_needed(p, err);

	if (rc == PV_OK && value->len != P11_WRAP_KEY_LEN)
		rc = err_fail(err, PV_INPUT, "hsm.length", NULL,
			      "a wrap key of %zu bytes, not 32", value->len);
	if (rc == PV_OK)
		rc = p11_do(p, NULL, &op, &i, err);
	if (rc != PV_OK)
		return rc;
	key->handle = i.handle;
	key->generation = i.generation;
	return PV_OK;
}

static bool is_there(const struct p11 *p, const struct p11_wrap_key *key)
{
	return key->handle && p->pool.size && !p->pool.stale_n &&
	       key->generation == p->pool.generation;
}

enum pv_code p11_wrap_key_drop(struct p11 *p, struct p11_wrap_key *key,
			       struct err *err)
{
	CK_OBJECT_CLASS klass = 0;
	struct p11_lease lease;
	enum pv_code rc;
	size_t len = 0;
	CK_RV rv;

	if (!is_there(p, key)) {
		key->handle = 0;
		return PV_OK;
	}
	rc = p11_lease(p, NULL, &lease, err);
	if (rc != PV_OK)
		return rc;
	p->mod.f->C_DestroyObject(lease.session, key->handle);
	rv = p11_attribute(p, lease.session, key->handle, CKA_CLASS, &klass,
			   sizeof(klass), &len);
	p11_give_back(p, &lease);
	key->handle = 0;
	if (rv != CKR_OK)
		return PV_OK;
	return err_fail(err, PV_HSM_FATAL, "hsm.not-destroyed",
			"end the session with the token: switch it off",
			"the wrap key still answers after it was destroyed");
}

static enum pv_code still_there(const struct p11 *p,
				const struct p11_wrap_key *by, struct err *err)
{
	if (is_there(p, by))
		return PV_OK;
	return err_fail(err, PV_HSM_TEMP, "hsm.session", "start the step again",
			"the wrap key went away with its session");
}

struct wrapping {
	const struct p11_wrap_key *by;
	CK_OBJECT_HANDLE object;
	uint8_t out[WRAPPED_ROOM];
	CK_ULONG len;
};

static CK_RV wrap_run(struct p11 *p, CK_SESSION_HANDLE session,
		      const struct hsm_key *key, void *arg)
{
	struct wrapping *w = arg;
	CK_MECHANISM m = mechanism_of(p);

	(void)key;
	w->len = sizeof(w->out);
	return p->mod.f->C_WrapKey(session, &m, w->by->handle, w->object,
				   w->out, &w->len);
}

enum pv_code p11_wrap(struct p11 *p, const struct p11_wrap_key *by,
		      CK_OBJECT_HANDLE object, struct buf *out, struct err *err)
{
	static const struct p11_op op = { "C_WrapKey", wrap_run, true };
	struct wrapping w = { .by = by, .object = object };
	enum pv_code rc = p11_wrap_needed(p, err);

	if (rc == PV_OK)
		rc = still_there(p, by, err);
	if (rc == PV_OK)
		rc = p11_do(p, NULL, &op, &w, err);
	if (rc != PV_OK)
		return rc;
	if (w.len < WRAPPED_MIN || w.len > sizeof(w.out) || w.len % 8 != 0)
		return err_fail(err, PV_HSM_FATAL, "hsm.length", NULL,
				"a wrapped key of %lu bytes", w.len);
	buf_put(out, w.out, w.len);
	return buf_check(out, err);
}

static void session_key_template(struct p11_template *t)
{
	p11_template_add(t, CKA_CLASS, &secret_class, sizeof(secret_class));
	p11_template_add(t, CKA_KEY_TYPE, &aes_type, sizeof(aes_type));
	p11_template_flag(t, CKA_TOKEN, false);
	p11_template_flag(t, CKA_EXTRACTABLE, true);
}

/* Whether the wrap key unwraps what it wrapped a moment ago. */
static bool opens_known_good(struct p11 *p, CK_SESSION_HANDLE session,
			     const struct p11_wrap_key *by)
{
	const CK_FUNCTION_LIST *f = p->mod.f;
	CK_MECHANISM generate = { CKM_AES_KEY_GEN, NULL, 0 };
	CK_MECHANISM m = mechanism_of(p);
	struct p11_template t = { .n = 0 };
	const CK_ULONG want = P11_WRAP_KEY_LEN;
	CK_OBJECT_HANDLE probe = 0, back = 0;
	uint8_t out[WRAPPED_ROOM];
	CK_ULONG len = sizeof(out);
	bool good;

	session_key_template(&t);
	p11_template_add(&t, CKA_VALUE_LEN, &want, sizeof(want));
	if (f->C_GenerateKey(session, &generate, t.a, t.n, &probe) != CKR_OK)
		return false;
	t.n--; /* no length for C_UnwrapKey */
	good = f->C_WrapKey(session, &m, by->handle, probe, out, &len) ==
		       CKR_OK &&
	       len == PROBE_WRAPPED &&
	       f->C_UnwrapKey(session, &m, by->handle, out, len, t.a, t.n,
			      &back) == CKR_OK;
	if (back)
		f->C_DestroyObject(session, back);
	f->C_DestroyObject(session, probe);
	secret_wipe(out, sizeof(out));
	return good;
}

/* Modules have no common word for "does not unwrap". */
static bool bytes_at_fault(struct p11 *p, CK_SESSION_HANDLE session,
			   const struct p11_wrap_key *by, CK_RV rv)
{
	if (rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED)
		return opens_known_good(p, session, by);
	return p11_rv_code(rv) == PV_INTEGRITY;
}

/* No healing: the wrap key would not outlive it. */
enum pv_code p11_unwrap_object(struct p11 *p, const struct p11_wrap_key *by,
			       struct span wrapped, struct p11_template *t,
			       CK_OBJECT_HANDLE *made, struct err *err)
{
	CK_MECHANISM m = mechanism_of(p);
	struct p11_lease lease;
	enum pv_code rc = still_there(p, by, err);
	CK_RV rv;

	*made = 0;
	if (rc == PV_OK)
		rc = p11_lease(p, NULL, &lease, err);
	if (rc != PV_OK)
		return rc;
	rv = p->mod.f->C_UnwrapKey(lease.session, &m, by->handle,
				   (CK_BYTE *)wrapped.p, wrapped.len, t->a,
				   t->n, made);
	if (rv != CKR_OK && !bytes_at_fault(p, lease.session, by, rv))
		return p11_op_failed(p, &lease, rv, "C_UnwrapKey", err);
	p11_give_back(p, &lease);
	if (rv == CKR_OK)
		return PV_OK;
	return p11_rv_fail_as(err, rv, PV_INTEGRITY, "hsm.wrapped",
			      "what was wrapped does not open: C_UnwrapKey");
}
