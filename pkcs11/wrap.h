/*
 * wrap: keys out of the token and back for backups, by AES key wrap with
 * padding (RFC 5649), under a session key that lives for the one step.
 *
 * What may leave the token is decided when a key is generated: of those that
 * p11_generate() makes only HSM_KEY_P256_BACKUP is extractable, and p11_wrap()
 * of any other fails. An unwrapped key reads back as restored (info.generated
 * is false). Pairs are backup.h's.
 */
#ifndef PV_PKCS11_WRAP_H
#define PV_PKCS11_WRAP_H

#include "pkcs11/keygen.h"

#define P11_WRAP_KEY_LEN HSM_WRAP_KEY_LEN

/* A session object; gone with the session, so never reused after a fault. */
struct p11_wrap_key {
	CK_OBJECT_HANDLE handle;
	unsigned long generation;
};

/* PV_DENIED, "hsm.mechanism": the token cannot wrap that way. */
PV_MUST enum pv_code p11_wrap_needed(const struct p11 *p, struct err *err);
/* What a wrap key is, but for its value: it never leaves, and ends with its
 * session. */
void p11_wrap_key_template(struct p11_template *t);
/* The same for an AES key that a wrap key is derived from. */
void p11_base_key_template(struct p11_template *t);
/* value: P11_WRAP_KEY_LEN bytes, joined from its shares by the caller. */
PV_MUST enum pv_code p11_wrap_key_import(struct p11 *p,
					 const struct secret *value,
					 struct p11_wrap_key *key,
					 struct err *err);
/* Destroys the session object, and looks whether it is gone: PV_HSM_FATAL,
 * "hsm.not-destroyed". It is gone with its session, too. */
PV_MUST enum pv_code p11_wrap_key_drop(struct p11 *p, struct p11_wrap_key *key,
				       struct err *err);

/*
 * Appends HSM_WRAPPED_MAX bytes at most to out. PV_HSM_FATAL when the key may
 * not leave (rule "hsm.key"), PV_HSM_TEMP when the session died in between.
 */
PV_MUST enum pv_code p11_wrap(struct p11 *p, const struct p11_wrap_key *by,
			      CK_OBJECT_HANDLE object, struct buf *out,
			      struct err *err);
/*
 * One object by that template, unwrapped under by. PV_INTEGRITY for wrong bytes
 * or a wrong wrap key, rule "hsm.wrapped".
 */
PV_MUST enum pv_code p11_unwrap_object(struct p11 *p,
				       const struct p11_wrap_key *by,
				       struct span wrapped,
				       struct p11_template *t,
				       CK_OBJECT_HANDLE *made, struct err *err);

#endif
