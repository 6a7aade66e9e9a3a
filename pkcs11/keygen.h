/*
 * keygen: new keys on the token, with our own template and read-back.
 *
 * The template is minimal and for one use: TOKEN, PRIVATE, SENSITIVE, not
 * EXTRACTABLE (but for a key that is to be backed up), not MODIFIABLE where the
 * token takes that, one usage flag set and every other said to be false
 * (modules default them to true).
 */
#ifndef PV_PKCS11_KEYGEN_H
#define PV_PKCS11_KEYGEN_H

#include "pkcs11/keys.h"

#define P11_TEMPLATE_MAX 24

/* A template under construction; values are the caller's. */
struct p11_template {
	CK_ATTRIBUTE a[P11_TEMPLATE_MAX];
	CK_ULONG n;
};

void p11_template_add(struct p11_template *t, CK_ATTRIBUTE_TYPE type,
		      const void *value, size_t len);
void p11_template_flag(struct p11_template *t, CK_ATTRIBUTE_TYPE type, bool on);
/*
 * What a secret key of that kind (KDF or STORE) gets, generated or unwrapped,
 * but for CKA_VALUE_LEN. by_kdf: a KDF master for SP 800-108.
 */
void p11_template_secret(struct p11_template *t, enum hsm_key_kind kind,
			 const char *label, const uint8_t id[HSM_ID_LEN],
			 const struct p11_quirk *quirk, bool by_kdf,
			 bool with_modifiable);
/* What the private half of a backup gets where it is restored. */
void p11_template_restored(struct p11_template *t, const char *label,
			   const uint8_t id[HSM_ID_LEN],
			   const struct p11_quirk *quirk);
/* That the pair is on P-256. */
void p11_template_p256(struct p11_template *t);
/* What the public half of a pair gets, generated or restored. */
void p11_template_public(struct p11_template *t, enum hsm_key_kind kind,
			 const char *label, const uint8_t id[HSM_ID_LEN],
			 const struct p11_quirk *quirk, bool with_modifiable);

/* Whether the token can make and use keys of that kind. */
PV_MUST bool p11_can(const struct p11 *p, enum hsm_key_kind kind);

/* PV_CONFLICT, rule "hsm.label-taken", if any key or half bears the label. */
PV_MUST enum pv_code p11_label_is_free(struct p11 *p, const char *label,
				       struct err *err);
/*
 * hsm_generate(). What does not read back as it must is destroyed again; when
 * that fails too, the message says so.
 */
PV_MUST enum pv_code p11_generate(struct p11 *p, enum hsm_key_kind kind,
				  const char *label, struct hsm_key **key,
				  struct err *err);

#endif
