#include "pkcs11/seal.h"

#include <string.h>

#include <openssl/rand.h>

#include "pkcs11/op.h"
#include "pkcs11/rv.h"

#define TAG_BITS (8 * HSM_GCM_TAG_LEN)
#define PROBE_LEN 16

struct gcm {
	const uint8_t *nonce;
	struct span aad, in;
	uint8_t *out;
	size_t cap; /* bytes */
	CK_ULONG len;
};

static void params_of(const struct gcm *g, CK_GCM_PARAMS *params)
{
	*params = (CK_GCM_PARAMS){
		.pIv = (CK_BYTE *)g->nonce,
		.ulIvLen = HSM_GCM_NONCE_LEN,
		.ulIvBits = 8 * HSM_GCM_NONCE_LEN,
		.pAAD = g->aad.len ? (CK_BYTE *)g->aad.p : NULL,
		.ulAADLen = g->aad.len,
		.ulTagBits = TAG_BITS,
	};
}

static CK_RV encrypt_run(struct p11 *p, CK_SESSION_HANDLE session,
			 const struct hsm_key *key, void *arg)
{
	struct gcm *g = arg;
	CK_GCM_PARAMS params;
	CK_MECHANISM mechanism = { CKM_AES_GCM, &params, sizeof(params) };
	CK_RV rv;

	params_of(g, &params);
	rv = p->mod.f->C_EncryptInit(session, &mechanism, key->handle);
	g->len = g->cap;
	if (rv == CKR_OK)
		rv = p->mod.f->C_Encrypt(session, (CK_BYTE *)g->in.p, g->in.len,
					 g->out, &g->len);
	if (rv == CKR_OK && g->len != g->in.len + HSM_GCM_TAG_LEN)
		rv = CKR_BUFFER_TOO_SMALL;
	return rv;
}

static CK_RV decrypt_run(struct p11 *p, CK_SESSION_HANDLE session,
			 const struct hsm_key *key, void *arg)
{
	struct gcm *g = arg;
	CK_GCM_PARAMS params;
	CK_MECHANISM mechanism = { CKM_AES_GCM, &params, sizeof(params) };
	CK_RV rv;

	params_of(g, &params);
	rv = p->mod.f->C_DecryptInit(session, &mechanism, key->handle);
	g->len = g->cap;
	if (rv == CKR_OK)
		rv = p->mod.f->C_Decrypt(session, (CK_BYTE *)g->in.p, g->in.len,
					 g->out, &g->len);
	if (rv == CKR_OK && g->len != g->in.len - HSM_GCM_TAG_LEN)
		rv = CKR_BUFFER_TOO_SMALL;
	return rv;
}

static enum pv_code wrong_kind(const struct hsm_key *key, struct err *err)
{
	return err_fail(err, PV_INTERNAL, "hsm.key", NULL,
			"key %s is not a store key", key->info.label);
}

enum pv_code p11_seal(struct p11 *p, struct hsm_key *key,
		      const uint8_t nonce[HSM_GCM_NONCE_LEN], struct span aad,
		      const struct secret *plain, struct buf *out,
		      struct err *err)
{
	static const struct p11_op op = { "C_Encrypt", encrypt_run, false };
	struct gcm g = { .nonce = nonce,
			 .aad = aad,
			 .in = { plain->data, plain->len },
			 .cap = plain->len + HSM_GCM_TAG_LEN };
	enum pv_code rc;

	if (key->info.kind != HSM_KEY_STORE)
		return wrong_kind(key, err);
	if (plain->len == 0 || plain->len > P11_SEAL_MAX)
		return err_fail(err, PV_INPUT, "hsm.length", NULL,
				"cannot seal %zu bytes, only 1 to %u",
				plain->len, P11_SEAL_MAX);
	g.out = buf_room(out, g.cap);
	if (!g.out)
		return buf_check(out, err);
	rc = p11_do(p, key, &op, &g, err);
	if (rc == PV_OK)
		buf_commit(out, g.len);
	else
		err_object(err, key->info.label);
	return rc;
}

/* Whether the token opens what it has sealed itself a moment ago. */
static bool opens_known_good(struct p11 *p, CK_SESSION_HANDLE session,
			     const struct hsm_key *key)
{
	static const uint8_t text[PROBE_LEN] = "provctl/probe/v1";
	uint8_t nonce[HSM_GCM_NONCE_LEN];
	uint8_t blob[PROBE_LEN + HSM_GCM_TAG_LEN];
	uint8_t back[sizeof(blob)];
	struct gcm seal = { .nonce = nonce,
			    .in = { text, sizeof(text) },
			    .out = blob,
			    .cap = sizeof(blob) };
	struct gcm open = { .nonce = nonce,
			    .in = { blob, sizeof(blob) },
			    .out = back,
			    .cap = sizeof(back) };

	return RAND_bytes(nonce, sizeof(nonce)) == 1 &&
	       encrypt_run(p, session, key, &seal) == CKR_OK &&
	       decrypt_run(p, session, key, &open) == CKR_OK &&
	       !memcmp(back, text, sizeof(text));
}

/* Codes behind which a wrong tag may hide. */
static bool is_unclear(CK_RV rv)
{
	return rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED ||
	       rv == CKR_DATA_INVALID;
}

static enum pv_code not_authentic(const struct hsm_key *key, CK_RV rv,
				  struct err *err)
{
	err_object(err, key->info.label);
	return p11_rv_fail_as(err, rv, PV_INTEGRITY, "store.sealed",
			      "what is stored does not authenticate under its "
			      "key: C_Decrypt");
}

/* One try, with the question behind it. Holds the lease still when *rv is not
 * CKR_OK. */
static enum pv_code try_open(struct p11 *p, struct hsm_key *key, struct gcm *g,
			     struct p11_lease *lease, CK_RV *rv,
			     struct err *err)
{
	enum pv_code rc = p11_lease(p, key, lease, err);
	CK_RV got;

	*rv = CKR_OK;
	if (rc != PV_OK)
		return rc;
	got = decrypt_run(p, lease->session, key, g);
	if (got != CKR_OK && p11_rv_code(got) != PV_INTEGRITY &&
	    !(is_unclear(got) && opens_known_good(p, lease->session, key))) {
		*rv = got;
		return p11_rv_code(got);
	}
	p11_give_back(p, lease);
	return got == CKR_OK ? PV_OK : not_authentic(key, got, err);
}

static enum pv_code open_healing(struct p11 *p, struct hsm_key *key,
				 struct gcm *g, struct err *err)
{
	struct p11_lease lease;
	CK_RV rv;
	enum pv_code rc = try_open(p, key, g, &lease, &rv, err);

	if (rv == CKR_OK)
		return rc;
	if (p11_rv_heal(rv) == P11_HEAL_NONE)
		return p11_op_failed(p, &lease, rv, "C_Decrypt", err);
	rc = p11_heal_after(p, &lease, rv, err);
	if (rc != PV_OK)
		return rc;
	rc = try_open(p, key, g, &lease, &rv, err);
	return rv == CKR_OK ? rc
			    : p11_op_failed(p, &lease, rv, "C_Decrypt", err);
}

enum pv_code p11_open_sealed(struct p11 *p, struct hsm_key *key,
			     const uint8_t nonce[HSM_GCM_NONCE_LEN],
			     struct span aad, struct span sealed,
			     struct secret *plain, struct err *err)
{
	SECRET text = SECRET_INIT;
	struct gcm g = { .nonce = nonce, .aad = aad, .in = sealed };
	enum pv_code rc;

	if (key->info.kind != HSM_KEY_STORE)
		return wrong_kind(key, err);
	if (sealed.len <= HSM_GCM_TAG_LEN ||
	    sealed.len > P11_SEAL_MAX + HSM_GCM_TAG_LEN)
		return err_fail(err, PV_INTEGRITY, "store.sealed", NULL,
				"%zu bytes cannot be a sealed row", sealed.len);
	/* Modules ask for room for the tag too. */
	rc = secret_alloc(&text, sealed.len, err);
	if (rc != PV_OK)
		return rc;
	g.out = text.data;
	g.cap = text.len;
	rc = open_healing(p, key, &g, err);
	if (rc != PV_OK)
		return rc;
	secret_truncate(&text, g.len);
	secret_move(plain, &text);
	return PV_OK;
}
