/*
 * transport: a P-256 key that may leave its token, to the transport key of
 * another one, so that neither it nor what wraps it is ever outside of a token
 * in clear. The token that sends makes a pair for this key alone, agrees with
 * the other's public key on an AES-256 session key, and wraps under that; the
 * other agrees on the same one. hsm_send() and hsm_restore() say the rest.
 *
 * That key comes of the x coordinate and of a context, SHA-256 over
 * "provctl/transport/v1", the SPKI of the pair made, of the transport key and
 * of the key sent, and the latter's CKA_ID: so it opens for those alone. Either
 * the token has the KDF of ANSI X9.63, which takes the context as shared data;
 * or the coordinate is an AES-256 key that only derives, and the wrap key what
 * it enciphers the context to (CBC, IV of zeros).
 *
 * NIST SP 800-56A rev. 3, 6.2.2.2; PKCS#11 2.40, 2.3.9 (CKM_ECDH1_DERIVE), 2.15
 * (CKM_AES_CBC_ENCRYPT_DATA); RFC 5649.
 *
 * Does not check: whose key it is that a key is sent to.
 */
#ifndef PV_PKCS11_TRANSPORT_H
#define PV_PKCS11_TRANSPORT_H

#include "pkcs11/wrap.h"

/* hsm_agreements(), hsm_send(). */
PV_MUST enum pv_code p11_agreements(struct p11 *p, struct hsm_key *key,
				    unsigned *takes, struct err *err);
PV_MUST enum pv_code p11_send(struct p11 *p, struct hsm_key *key,
			      struct span to, unsigned takes,
			      struct hsm_sent *out, struct err *err);
/*
 * What in->sent is wrapped under, as a session key; in->with: the
 * HSM_KEY_TRANSPORT that it was sent to; of in, also spki and id. PV_DENIED,
 * "hsm.mechanism"; PV_INPUT, "hsm.point".
 */
PV_MUST enum pv_code p11_transport_key(struct p11 *p,
				       const struct hsm_restore *in,
				       struct p11_wrap_key *by,
				       struct err *err);

#endif
