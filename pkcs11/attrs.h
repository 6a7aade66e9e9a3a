/*
 * attrs: the attributes of a key as the token reports them, what they must
 * be for each kind of key, and their one textual form for transcripts.
 */
#ifndef PV_PKCS11_ATTRS_H
#define PV_PKCS11_ATTRS_H

#include "pkcs11/session.h"

#define P11_ATTRS_N 16 /* boolean attributes read back */
#define P11_ALLOWED_MAX 8

struct p11_attrs {
	/* 0, 1 or -1 (the object has no such attribute), in table order. */
	int8_t on[P11_ATTRS_N];
	CK_KEY_TYPE key_type;
	CK_ULONG value_len; /* bytes; secret keys only, else 0 */
	CK_MECHANISM_TYPE generated_by;
	bool generated_by_known;
	CK_MECHANISM_TYPE allowed[P11_ALLOWED_MAX];
	size_t allowed_n;
};

/* Reads all of them from a private or secret key. */
PV_MUST CK_RV p11_attrs_read(struct p11 *p, CK_SESSION_HANDLE session,
			     CK_OBJECT_HANDLE object, struct p11_attrs *a);
/*
 * Holds them to the kind's rules; PV_HSM_FATAL, rule "hsm.key-attributes",
 * names the first that is off. *generated: made on the token and never out of
 * it; otherwise the key was restored, which is told, not refused.
 */
PV_MUST enum pv_code p11_attrs_check(const struct p11_attrs *a,
				     enum hsm_key_kind kind,
				     const struct p11_quirk *quirk,
				     bool *generated, struct err *err);
/* "CKA_KEY_TYPE=3 CKA_TOKEN=1 ...", '-' for absent ones. */
PV_MUST enum pv_code p11_attrs_text(const struct p11_attrs *a, char *out,
				    size_t cap, struct err *err);
/* HSM_KEY_KDF: through the SP 800-108 mechanism (else through CMAC). */
PV_MUST bool p11_attrs_by_kdf(const struct p11_attrs *a);

#endif
