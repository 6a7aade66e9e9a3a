#include "pkcs11/keygen.h"

#include <string.h>

#include <openssl/rand.h>

#include "pkcs11/destroy.h"
#include "pkcs11/object.h"
#include "pkcs11/op.h"
#include "pkcs11/rv.h"

#define AES256_BYTES 32
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t p256_oid[] = { 0x06, 0x08, 0x2a, 0x86, 0x48,
				    0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t ed25519_oid[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
static const CK_MECHANISM_TYPE cmac_only[] = { CKM_AES_CMAC };
static const CK_MECHANISM_TYPE kdf_only[] = { CKM_SP800_108_COUNTER_KDF };
static const CK_MECHANISM_TYPE gcm_only[] = { CKM_AES_GCM };

/* One generation on its way. */
struct job {
	enum hsm_key_kind kind;
	const char *label;
	uint8_t id[HSM_ID_LEN];
	CK_OBJECT_HANDLE handle, public_handle;
};

void p11_template_add(struct p11_template *t, CK_ATTRIBUTE_TYPE type,
		      const void *value, size_t len)
{
	CK_ATTRIBUTE a = { type, (void *)value, len };

	t->a[t->n++] = a;
}

void p11_template_flag(struct p11_template *t, CK_ATTRIBUTE_TYPE type, bool on)
{
	static const CK_BBOOL values[] = { CK_FALSE, CK_TRUE };

	p11_template_add(t, type, &values[on], sizeof(values[on]));
}

static void add_name(struct p11_template *t, const char *label,
		     const uint8_t id[HSM_ID_LEN])
{
	p11_template_add(t, CKA_LABEL, label, strlen(label));
	p11_template_add(t, CKA_ID, id, HSM_ID_LEN);
}

static void add_protection(struct p11_template *t, bool extractable)
{
	p11_template_flag(t, CKA_TOKEN, true);
	p11_template_flag(t, CKA_PRIVATE, true);
	p11_template_flag(t, CKA_SENSITIVE, true);
	p11_template_flag(t, CKA_EXTRACTABLE, extractable);
}

void p11_template_secret(struct p11_template *t, enum hsm_key_kind kind,
			 const char *label, const uint8_t id[HSM_ID_LEN],
			 const struct p11_quirk *quirk, bool by_kdf,
			 bool with_modifiable)
{
	bool store = kind == HSM_KEY_STORE;
	const CK_MECHANISM_TYPE *only = store	 ? gcm_only
					: by_kdf ? kdf_only
						 : cmac_only;

	add_protection(t, false);
	add_name(t, label, id);
	p11_template_flag(t, CKA_ENCRYPT, store);
	p11_template_flag(t, CKA_DECRYPT, store);
	p11_template_flag(t, CKA_SIGN, !store && !by_kdf);
	p11_template_flag(t, CKA_DERIVE, !store && by_kdf);
	p11_template_flag(t, CKA_VERIFY, false);
	p11_template_flag(t, CKA_WRAP, false);
	p11_template_flag(t, CKA_UNWRAP, false);
	if (!quirk->no_allowed_mechanisms)
		p11_template_add(t, CKA_ALLOWED_MECHANISMS, only,
				 sizeof(*only));
	if (with_modifiable && !quirk->no_modifiable)
		p11_template_flag(t, CKA_MODIFIABLE, false);
}

static void add_signing(struct p11_template *t, const struct p11_quirk *quirk,
			bool with_modifiable)
{
	p11_template_flag(t, CKA_SIGN, true);
	p11_template_flag(t, CKA_SIGN_RECOVER, false);
	p11_template_flag(t, CKA_DECRYPT, false);
	p11_template_flag(t, CKA_UNWRAP, false);
	p11_template_flag(t, CKA_DERIVE, false);
	if (with_modifiable && !quirk->no_modifiable)
		p11_template_flag(t, CKA_MODIFIABLE, false);
}

static void add_agreeing(struct p11_template *t, const struct p11_quirk *quirk,
			 bool with_modifiable)
{
	p11_template_flag(t, CKA_DERIVE, true);
	p11_template_flag(t, CKA_SIGN, false);
	p11_template_flag(t, CKA_SIGN_RECOVER, false);
	p11_template_flag(t, CKA_DECRYPT, false);
	p11_template_flag(t, CKA_UNWRAP, false);
	if (with_modifiable && !quirk->no_modifiable)
		p11_template_flag(t, CKA_MODIFIABLE, false);
}

void p11_template_restored(struct p11_template *t, const char *label,
			   const uint8_t id[HSM_ID_LEN],
			   const struct p11_quirk *quirk)
{
	add_protection(t, false);
	add_name(t, label, id);
	add_signing(t, quirk, true);
}

static void private_template(struct p11_template *t, const struct job *job,
			     const struct p11_quirk *quirk,
			     bool with_modifiable)
{
	add_protection(t, job->kind == HSM_KEY_P256_BACKUP);
	add_name(t, job->label, job->id);
	if (job->kind == HSM_KEY_TRANSPORT)
		add_agreeing(t, quirk, with_modifiable);
	else
		add_signing(t, quirk, with_modifiable);
}

void p11_template_p256(struct p11_template *t)
{
	p11_template_add(t, CKA_EC_PARAMS, p256_oid, sizeof(p256_oid));
}

void p11_template_public(struct p11_template *t, enum hsm_key_kind kind,
			 const char *label, const uint8_t id[HSM_ID_LEN],
			 const struct p11_quirk *quirk, bool with_modifiable)
{
	p11_template_flag(t, CKA_TOKEN, true);
	p11_template_flag(t, CKA_PRIVATE, quirk->public_is_private);
	add_name(t, label, id);
	p11_template_flag(t, CKA_VERIFY, kind != HSM_KEY_TRANSPORT);
	p11_template_flag(t, CKA_VERIFY_RECOVER, false);
	p11_template_flag(t, CKA_ENCRYPT, false);
	p11_template_flag(t, CKA_WRAP, false);
	p11_template_flag(t, CKA_DERIVE, false);
	if (kind != HSM_KEY_ED25519)
		p11_template_p256(t);
	else
		p11_template_add(t, CKA_EC_PARAMS, ed25519_oid,
				 sizeof(ed25519_oid));
	if (with_modifiable && !quirk->no_modifiable)
		p11_template_flag(t, CKA_MODIFIABLE, false);
}

static CK_RV make_pair(struct p11 *p, CK_SESSION_HANDLE session,
		       struct job *job, bool with_modifiable)
{
	CK_MECHANISM mechanism = { job->kind == HSM_KEY_ED25519
					   ? CKM_EC_EDWARDS_KEY_PAIR_GEN
					   : CKM_EC_KEY_PAIR_GEN,
				   NULL, 0 };
	struct p11_template pub = { .n = 0 };
	struct p11_template priv = { .n = 0 };

	p11_template_public(&pub, job->kind, job->label, job->id, p->quirk,
			    with_modifiable);
	private_template(&priv, job, p->quirk, with_modifiable);
	return p->mod.f->C_GenerateKeyPair(session, &mechanism, pub.a, pub.n,
					   priv.a, priv.n, &job->public_handle,
					   &job->handle);
}

static CK_RV make_secret(struct p11 *p, CK_SESSION_HANDLE session,
			 struct job *job, bool with_modifiable)
{
	CK_MECHANISM mechanism = { CKM_AES_KEY_GEN, NULL, 0 };
	struct p11_template t = { .n = 0 };
	CK_ULONG len = AES256_BYTES;

	p11_template_secret(&t, job->kind, job->label, job->id, p->quirk,
			    p->facts.sp800_108, with_modifiable);
	p11_template_add(&t, CKA_VALUE_LEN, &len, sizeof(len));
	return p->mod.f->C_GenerateKey(session, &mechanism, t.a, t.n,
				       &job->handle);
}

/* The token does not like something in the template. */
static bool template_refused(CK_RV rv)
{
	return rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	       rv == CKR_ATTRIBUTE_VALUE_INVALID ||
	       rv == CKR_ATTRIBUTE_READ_ONLY || rv == CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV make_run(struct p11 *p, CK_SESSION_HANDLE session,
		      const struct hsm_key *key, void *arg)
{
	struct job *job = arg;
	bool secret = job->kind == HSM_KEY_KDF || job->kind == HSM_KEY_STORE;
	CK_RV rv = secret ? make_secret(p, session, job, true)
			  : make_pair(p, session, job, true);

	(void)key;
	/* Not MODIFIABLE only "where the token takes it". */
	if (template_refused(rv) && !p->quirk->no_modifiable)
		rv = secret ? make_secret(p, session, job, false)
			    : make_pair(p, session, job, false);
	return rv;
}

bool p11_can(const struct p11 *p, enum hsm_key_kind kind)
{
	const struct p11_facts *f = &p->facts;

	switch (kind) {
	case HSM_KEY_P256:
		return f->p256;
	case HSM_KEY_P256_BACKUP:
		return f->p256 && (f->key_wrap_pad || f->key_wrap_kwp);
	case HSM_KEY_TRANSPORT:
		return f->p256 && f->ecdh &&
		       (f->key_wrap_pad || f->key_wrap_kwp);
	case HSM_KEY_ED25519:
		return f->ed25519;
	case HSM_KEY_KDF:
		return f->aes256 && (f->cmac || f->sp800_108);
	case HSM_KEY_STORE:
		return f->aes256 && f->gcm;
	}
	return false;
}

struct taken {
	const char *label;
	size_t n[3]; /* private, public, secret */
};

static CK_RV taken_run(struct p11 *p, CK_SESSION_HANDLE session,
		       const struct hsm_key *key, void *arg)
{
	CK_OBJECT_HANDLE found[P11_FOUND_MAX];
	struct taken *t = arg;
	CK_RV rv = CKR_OK;

	(void)key;
	for (size_t i = 0; rv == CKR_OK && i < P11_KEY_CLASSES; i++)
		rv = p11_objects_named(p, session, p11_key_classes[i], t->label,
				       found, &t->n[i]);
	return rv;
}

enum pv_code p11_label_is_free(struct p11 *p, const char *label,
			       struct err *err)
{
	static const struct p11_op op = { "C_FindObjects", taken_run, false };
	struct taken t = { .label = label };
	enum pv_code rc = p11_do(p, NULL, &op, &t, err);
	bool half;

	if (rc != PV_OK || t.n[0] + t.n[1] + t.n[2] == 0)
		return rc;
	half = t.n[0] != t.n[1];
	err_object(err, label);
	return err_fail(err, PV_CONFLICT, "hsm.label-taken",
			"take another name (init --name, the URI's object), "
			"or delete the keys with the token's own tool; a label "
			"is never used twice",
			half ? "label %s is taken by half a key pair"
			     : "label %s is taken",
			label);
}

/* Takes back what the job made; err holds why and keeps it. */
static void take_back(struct p11 *p, const struct job *job, struct err *err)
{
	struct err ignored;

	err_init(&ignored);
	if (p11_destroy_id(p, job->id, &ignored) != PV_OK)
		err_prefix(err, "what was made as %s may still be on the token",
			   job->label);
}

static enum pv_code read_back(struct p11 *p, const struct job *job,
			      struct hsm_key **key, struct err *err)
{
	enum pv_code rc = p11_key_find(p, job->kind, job->label, key, err);

	if (rc != PV_OK)
		return rc;
	if (memcmp((*key)->info.id, job->id, HSM_ID_LEN) != 0)
		rc = err_fail(err, PV_HSM_FATAL, "hsm.key-id", NULL,
			      "the token changed the CKA_ID of %s", job->label);
	else if (!(*key)->info.generated)
		rc = err_fail(err, PV_HSM_FATAL, "hsm.key-attributes", NULL,
			      "%s does not read back as generated on the token",
			      job->label);
	if (rc != PV_OK) {
		p11_key_forget(p, *key);
		*key = NULL;
	}
	return rc;
}

enum pv_code p11_generate(struct p11 *p, enum hsm_key_kind kind,
			  const char *label, struct hsm_key **key,
			  struct err *err)
{
	static const struct p11_op op = { "key generation", make_run, true };
	struct job job = { .kind = kind, .label = label };
	enum pv_code rc = p11_label_check(label, err);

	*key = NULL;
	if (rc == PV_OK && !p11_can(p, kind))
		rc = err_fail(err, PV_DENIED, "hsm.mechanism",
			      "take another token",
			      "token %s cannot make a key for %s",
			      p->facts.label, label);
	if (rc == PV_OK)
		rc = p11_label_is_free(p, label, err);
	if (rc != PV_OK)
		return rc;
	if (RAND_bytes(job.id, sizeof(job.id)) != 1)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"no random CKA_ID");
	rc = p11_do(p, NULL, &op, &job, err);
	if (rc == PV_OK)
		rc = read_back(p, &job, key, err);
	if (rc != PV_OK)
		take_back(p, &job, err);
	return rc;
}
