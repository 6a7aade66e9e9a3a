#include "pkcs11/backup.h"

#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "lib/base/p256.h"
#include "pkcs11/destroy.h"
#include "pkcs11/keygen.h"
#include "pkcs11/object.h"
#include "pkcs11/op.h"
#include "pkcs11/point.h"
#include "pkcs11/sign.h"
#include "pkcs11/transport.h"
#include "pkcs11/wrap.h"

#define SIG_ROOM 256
#define DER_SIG_MAX 80 /* bytes of an ECDSA-Sig-Value on P-256 */

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);
CLEANUP_PTR(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
CLEANUP_PTR(ECDSA_SIG, ECDSA_SIG_free);

static const CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
static const CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY;
static const CK_KEY_TYPE ec_type = CKK_EC;

/* ---- a signature as proof ---- */

/* r||s as DER into der; its length, 0 when it is none. */
static size_t to_der(const uint8_t sig[64], uint8_t der[DER_SIG_MAX])
{
	CLEANUP(cleanup_ECDSA_SIG_free) ECDSA_SIG *es = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig, 32, NULL);
	BIGNUM *s = BN_bin2bn(sig + 32, 32, NULL);
	unsigned char *end = der;
	int len;

	if (!es || !r || !s || ECDSA_SIG_set0(es, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return 0;
	}
	len = i2d_ECDSA_SIG(es, &end);
	return len > 0 && len <= DER_SIG_MAX ? (size_t)len : 0;
}

static bool is_signed(struct span spki, const uint8_t digest[32],
		      const uint8_t sig[64])
{
	const uint8_t *point = p256_point(spki);
	CLEANUP(cleanup_EVP_PKEY_free)
	EVP_PKEY *pkey = point ? p256_load(point) : NULL;
	CLEANUP(cleanup_EVP_PKEY_CTX_free)
	EVP_PKEY_CTX *ctx = pkey ? EVP_PKEY_CTX_new(pkey, NULL) : NULL;
	uint8_t der[DER_SIG_MAX];
	size_t len = to_der(sig, der);
	bool good = ctx && len > 0 && EVP_PKEY_verify_init(ctx) == 1 &&
		    EVP_PKEY_verify(ctx, der, len, digest, 32) == 1;

	ERR_clear_error();
	return good;
}

static enum pv_code another_key(const char *label, struct err *err)
{
	err_object(err, label);
	return err_fail(err, PV_INTEGRITY, "hsm.restored",
			"take the file of this key",
			"what comes out of it does not sign as %s", label);
}

/* ---- out ---- */

struct trial {
	CK_OBJECT_HANDLE object;
	const uint8_t *digest;
	uint8_t sig[SIG_ROOM];
	CK_ULONG len;
};

/* A session key, and gone when this returns. */
static CK_RV trial_run(struct p11 *p, CK_SESSION_HANDLE session,
		       const struct hsm_key *key, void *arg)
{
	struct trial *t = arg;
	CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
	CK_RV rv = p->mod.f->C_SignInit(session, &m, t->object);
	CK_RV end;

	(void)key;
	t->len = sizeof(t->sig);
	if (rv == CKR_OK)
		rv = p->mod.f->C_Sign(session, (CK_BYTE *)t->digest, 32, t->sig,
				      &t->len);
	end = p->mod.f->C_DestroyObject(session, t->object);
	return rv != CKR_OK ? rv : end;
}

/* What was wrapped opens again, and is the key: before anybody relies on it. */
static enum pv_code try_it(struct p11 *p, const struct p11_wrap_key *by,
			   const struct hsm_key *key, struct span wrapped,
			   struct err *err)
{
	static const struct p11_op op = { "C_Sign", trial_run, true };
	struct span spki = { key->info.spki, key->info.spki_len };
	struct p11_template t = { .n = 0 };
	struct trial trial = { .digest = key->info.attrs_sha256 };
	enum pv_code rc;

	p11_template_add(&t, CKA_CLASS, &private_class, sizeof(private_class));
	p11_template_add(&t, CKA_KEY_TYPE, &ec_type, sizeof(ec_type));
	p11_template_flag(&t, CKA_TOKEN, false);
	p11_template_flag(&t, CKA_PRIVATE, true);
	p11_template_flag(&t, CKA_SENSITIVE, true);
	p11_template_flag(&t, CKA_EXTRACTABLE, false);
	p11_template_flag(&t, CKA_SIGN, true);
	rc = p11_unwrap_object(p, by, wrapped, &t, &trial.object, err);
	if (rc == PV_OK)
		rc = p11_do(p, NULL, &op, &trial, err);
	if (rc != PV_OK ||
	    (trial.len == 64 && is_signed(spki, trial.digest, trial.sig)))
		return rc;
	err_object(err, key->info.label);
	return err_fail(
		err, PV_HSM_FATAL, "hsm.signature", "do not rely on this token",
		"what was wrapped does not sign as %s", key->info.label);
}

/* The wrap key goes, whatever came of it. */
static enum pv_code drop(struct p11 *p, struct p11_wrap_key *wrap,
			 enum pv_code rc, struct err *err)
{
	struct err second;
	enum pv_code end;

	err_init(&second);
	end = p11_wrap_key_drop(p, wrap, &second);
	if (rc != PV_OK || end == PV_OK)
		return rc;
	*err = second;
	return end;
}

/* Its handles are those of now: what the wrap key came in with. */
static enum pv_code fresh_handle(struct p11 *p, struct hsm_key *key,
				 CK_OBJECT_HANDLE *object, struct err *err)
{
	struct p11_lease lease;
	enum pv_code rc = p11_lease(p, key, &lease, err);

	if (rc != PV_OK)
		return rc;
	*object = key->handle;
	p11_give_back(p, &lease);
	return PV_OK;
}

enum pv_code p11_may_leave(const struct hsm_key *key, struct err *err)
{
	if (key->info.kind == HSM_KEY_P256_BACKUP && key->info.generated)
		return PV_OK;
	err_object(err, key->info.label);
	return err_fail(err, PV_HSM_FATAL, "hsm.key",
			"only a key that a plan generates with \"backup\" "
			"leaves its token, from the token that made it",
			"key %s may not leave", key->info.label);
}

enum pv_code p11_wrap_out(struct p11 *p, struct p11_wrap_key *by,
			  struct hsm_key *key, struct buf *out, struct err *err)
{
	CK_OBJECT_HANDLE object = 0;
	size_t from = out->len;
	enum pv_code rc = fresh_handle(p, key, &object, err);

	if (rc == PV_OK)
		rc = p11_wrap(p, by, object, out, err);
	if (rc == PV_OK)
		rc = try_it(p, by, key,
			    (struct span){ out->data + from, out->len - from },
			    err);
	rc = drop(p, by, rc, err);
	if (rc != PV_OK)
		out->len = from;
	return rc;
}

enum pv_code p11_back_up(struct p11 *p, struct hsm_key *key,
			 const struct secret *by, struct buf *out,
			 struct err *err)
{
	struct p11_wrap_key wrap = { .handle = 0 };
	enum pv_code rc = p11_may_leave(key, err);

	if (rc == PV_OK)
		rc = p11_wrap_key_import(p, by, &wrap, err);
	return rc == PV_OK ? p11_wrap_out(p, &wrap, key, out, err) : rc;
}

/* ---- back in ---- */

struct half {
	size_t n;	 /* of that label */
	bool another_id; /* of one of them */
};

struct halves {
	const struct hsm_restore *in;
	struct half private, public;
	bool other; /* something else bears the label */
};

static CK_RV take_object(struct p11 *p, CK_SESSION_HANDLE session,
			 CK_OBJECT_HANDLE object, struct halves *h)
{
	CK_OBJECT_CLASS klass = CK_UNAVAILABLE_INFORMATION;
	uint8_t id[HSM_ID_LEN];
	struct half *half;
	size_t len = 0;
	CK_RV rv = p11_attribute(p, session, object, CKA_CLASS, &klass,
				 sizeof(klass), &len);

	if (rv != CKR_OK || klass == CKO_CERTIFICATE)
		return rv;
	half = klass == CKO_PRIVATE_KEY	 ? &h->private
	       : klass == CKO_PUBLIC_KEY ? &h->public
					 : NULL;
	if (!half) {
		h->other = true;
		return CKR_OK;
	}
	half->n++;
	rv = p11_attribute(p, session, object, CKA_ID, id, sizeof(id), &len);
	if (rv != CKR_OK || len != sizeof(id) ||
	    memcmp(id, h->in->id, sizeof(id)) != 0)
		half->another_id = true;
	return CKR_OK;
}

static CK_RV halves_run(struct p11 *p, CK_SESSION_HANDLE session,
			const struct hsm_key *key, void *arg)
{
	CK_OBJECT_HANDLE found[P11_FOUND_MAX];
	struct halves *h = arg;
	size_t n = 0;
	CK_RV rv = p11_objects_labelled(p, session, h->in->label, found, &n);

	(void)key;
	h->private = h->public = (struct half){ .n = 0 };
	h->other = n == P11_FOUND_MAX;
	for (size_t i = 0; rv == CKR_OK && i < n; i++)
		rv = take_object(p, session, found[i], h);
	return rv;
}

/* Halves of this very key are what an interrupted restore left. */
static enum pv_code look(struct p11 *p, struct halves *h, struct err *err)
{
	static const struct p11_op op = { "C_FindObjects", halves_run, false };
	enum pv_code rc = p11_do(p, NULL, &op, h, err);

	if (rc != PV_OK)
		return rc;
	if (!h->other && h->private.n <= 1 && h->public.n <= 1 &&
	    !h->private.another_id && !h->public.another_id)
		return PV_OK;
	err_object(err, h->in->label);
	return err_fail(err, PV_CONFLICT, "hsm.label-taken",
			"take another token, or delete that key with the "
			"token's own tool",
			"label %s is taken by another key", h->in->label);
}

/* Under another label it would go with what a failure takes back. */
static enum pv_code alone(struct p11 *p, const struct halves *h,
			  struct err *err)
{
	size_t n = 0;
	enum pv_code rc = p11_count_id(p, h->in->id, &n, err);

	if (rc != PV_OK || n == h->private.n + h->public.n)
		return rc;
	err_object(err, h->in->label);
	return err_fail(err, PV_CONFLICT, "hsm.key-there",
			"restore it onto another token, or delete that copy "
			"with the token's own tool",
			"the CKA_ID of %s is on the token under another label",
			h->in->label);
}

/* Whoever was sent a key has it as one that never leaves. */
static enum hsm_key_kind kind_of(const struct hsm_restore *in)
{
	return in->by ? HSM_KEY_P256_BACKUP : HSM_KEY_P256;
}

static enum pv_code put_private(struct p11 *p, const struct hsm_restore *in,
				struct err *err)
{
	struct p11_wrap_key wrap = { .handle = 0 };
	struct p11_template t = { .n = 0 };
	CK_OBJECT_HANDLE made;
	enum pv_code rc;

	p11_template_add(&t, CKA_CLASS, &private_class, sizeof(private_class));
	p11_template_add(&t, CKA_KEY_TYPE, &ec_type, sizeof(ec_type));
	p11_template_restored(&t, in->label, in->id, p->quirk);
	rc = in->by ? p11_wrap_key_import(p, in->by, &wrap, err)
		    : p11_transport_key(p, in, &wrap, err);
	if (rc == PV_OK)
		rc = p11_unwrap_object(p, &wrap, in->wrapped, &t, &made, err);
	return drop(p, &wrap, rc, err);
}

struct creation {
	struct p11_template t;
	CK_OBJECT_HANDLE made;
};

static CK_RV create_run(struct p11 *p, CK_SESSION_HANDLE session,
			const struct hsm_key *key, void *arg)
{
	struct creation *c = arg;

	(void)key;
	return p->mod.f->C_CreateObject(session, c->t.a, c->t.n, &c->made);
}

static enum pv_code put_public(struct p11 *p, const struct hsm_restore *in,
			       struct err *err)
{
	static const struct p11_op op = { "C_CreateObject", create_run, true };
	uint8_t point[P11_POINT_OCTETS_LEN];
	struct creation c = { .made = 0 };

	p11_point_octets(p256_point(in->spki), point);
	p11_template_add(&c.t, CKA_CLASS, &public_class, sizeof(public_class));
	p11_template_add(&c.t, CKA_KEY_TYPE, &ec_type, sizeof(ec_type));
	p11_template_public(&c.t, kind_of(in), in->label, in->id, p->quirk,
			    true);
	p11_template_add(&c.t, CKA_EC_POINT, point, sizeof(point));
	return p11_do(p, NULL, &op, &c, err);
}

/* Read back as restored, and it signs as the key that it has to be. */
static enum pv_code prove(struct p11 *p, struct hsm_restore *in,
			  struct hsm_key **key, struct err *err)
{
	enum pv_code rc = p11_key_find(p, kind_of(in), in->label, key, err);
	const struct hsm_key_info *info;

	if (rc != PV_OK)
		return rc;
	info = &(*key)->info;
	if (info->generated)
		return err_fail(err, PV_CONFLICT, "hsm.key-there",
				"restore it onto another token",
				"%s is on the token, which made it", in->label);
	if (!span_equal((struct span){ info->spki, info->spki_len }, in->spki))
		return another_key(in->label, err);
	rc = p11_sign_digest(p, *key, in->digest, in->sig, err);
	if (rc == PV_OK && !is_signed(in->spki, in->digest, in->sig))
		rc = another_key(in->label, err);
	return rc;
}

enum pv_code p11_restore(struct p11 *p, struct hsm_restore *in,
			 struct hsm_key **key, struct err *err)
{
	struct halves h = { .in = in };
	struct err ignored;
	bool made = false;
	enum pv_code rc = p11_label_check(in->label, err);

	*key = NULL;
	if (rc == PV_OK && !p256_point(in->spki))
		rc = err_fail(err, PV_INPUT, "hsm.point", NULL,
			      "only P-256 keys are restored");
	if (rc == PV_OK)
		rc = look(p, &h, err);
	if (rc == PV_OK)
		rc = alone(p, &h, err);
	if (rc == PV_OK && h.private.n == 0) {
		made = true;
		rc = put_private(p, in, err);
	}
	if (rc == PV_OK && h.public.n == 0)
		rc = put_public(p, in, err);
	if (rc == PV_OK)
		rc = prove(p, in, key, err);
	if (rc == PV_OK)
		return PV_OK;
	if (*key)
		p11_key_forget(p, *key);
	*key = NULL;
	err_init(&ignored);
	/* What a call that was cut off made of another backup goes, too. */
	if ((made || rc == PV_INTEGRITY) &&
	    p11_destroy_id(p, in->id, &ignored) != PV_OK)
		err_prefix(err, "what was restored may still be on the token");
	return rc;
}
