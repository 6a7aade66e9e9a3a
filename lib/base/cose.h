/*
 * cose: COSE_Sign1, COSE_Mac0 and COSE_Encrypt0 (RFC 9052) in the one profile
 * of our formats: tagged, protected header exactly {1: alg, 4: kid} with an
 * 8-byte-or-longer kid, unprotected header empty, external_aad empty; a segment
 * has protected {1: 3} and unprotected {6: Partial IV}; a batch receipt has
 * protected {1, 4, 395, 15}, unprotected {396} and a null payload.
 * Freestanding C99, no heap, no cryptography: this module builds the bytes that
 * are signed or authenticated and takes messages apart. Callers sign and verify.
 */
#ifndef PV_BASE_COSE_H
#define PV_BASE_COSE_H

#include "lib/base/cbor.h"

#define COSE_TAG_ENCRYPT0 16
#define COSE_TAG_MAC0 17
#define COSE_TAG_SIGN1 18
#define COSE_ALG_ES256 (-7)
#define COSE_ALG_HMAC256 5
#define COSE_ALG_A256GCM 3
#define COSE_KID_MIN 8
#define COSE_KID_MAX 32          /* bytes; ours are 8 or 16 */
#define COSE_SIG_LEN 64          /* raw r||s (RFC 9053 2.1) */
#define COSE_MAC_LEN 32
#define COSE_GCM_TAG_LEN 16

struct cose_msg {
	uint64_t tag;
	struct cbor_bytes protected_hdr; /* contents of the bstr */
	int64_t alg;
	struct cbor_bytes kid;
	struct cbor_bytes payload;       /* p NULL when detached (null) */
	struct cbor_bytes auth;          /* signature or tag */
};

/* Protected header {1: alg, 4: kid} into w. */
void cose_put_protected(struct cbor_writer *w, int64_t alg, const uint8_t *kid,
			size_t kid_len);
/* Sig_structure ["Signature1", protected, h'', payload] (RFC 9052 4.4). */
void cose_put_sig_structure(struct cbor_writer *w, struct cbor_bytes prot,
			    struct cbor_bytes payload);
/* MAC_structure ["MAC0", protected, h'', payload] (RFC 9052 6.3). */
void cose_put_mac_structure(struct cbor_writer *w, struct cbor_bytes prot,
			    struct cbor_bytes payload);
/* Enc_structure ["Encrypt0", protected, aad] (RFC 9052 5.3). */
void cose_put_enc_structure(struct cbor_writer *w, struct cbor_bytes prot,
			    struct cbor_bytes aad);
/*
 * The same structures for callers that hash piecewise: everything up to the
 * payload's bytes (its bstr head included); the payload itself follows.
 */
void cose_put_sig_prefix(struct cbor_writer *w, struct cbor_bytes prot,
			 size_t payload_len);
void cose_put_mac_prefix(struct cbor_writer *w, struct cbor_bytes prot,
			 size_t payload_len);
/* Tagged Sign1 or Mac0: tag, protected, empty unprotected, payload, auth. */
void cose_put_message(struct cbor_writer *w, uint64_t tag,
		      struct cbor_bytes prot, struct cbor_bytes payload,
		      const uint8_t *auth, size_t auth_len);
/*
 * Strict parse of a Sign1 or Mac0 in our profile; nothing may follow. The
 * message points into p. *why (may be NULL) gets a static sentence.
 */
bool cose_parse(struct cose_msg *m, uint64_t tag, int64_t alg,
		const uint8_t *p, size_t len, const char **why);

/*
 * Segment header: D0 83 43 A10103 A1 06 44 be32(k) <bstr head of ct_len>.
 * Returns its length, 14 to 16 for 1 to 65535 bytes of ciphertext with tag.
 */
#define COSE_SEGMENT_HEADER_MAX 18
size_t cose_segment_header(uint8_t out[COSE_SEGMENT_HEADER_MAX], uint32_t k,
			   size_t ct_len);

#endif
