/*
 * cryptoki: the PKCS#11 2.40 declarations of p11-kit and the few of
 * PKCS#11 3.0 that its 0.24 header lacks. Data only, nothing is called here.
 */
#ifndef PV_PKCS11_CRYPTOKI_H
#define PV_PKCS11_CRYPTOKI_H

#include <p11-kit/pkcs11.h>

/* PKCS#11 3.0, pkcs11t.h and section 2.42 (SP 800-108 key derivation). */
#ifndef CKM_SP800_108_COUNTER_KDF
#define CKM_SP800_108_COUNTER_KDF 0x3acUL
#define CK_SP800_108_ITERATION_VARIABLE 0x1UL
#define CK_SP800_108_BYTE_ARRAY 0x4UL
#endif
/* PKCS#11 3.0, 2.14.3: key wrap with padding as in RFC 5649 (SP 800-38F). */
#ifndef CKM_AES_KEY_WRAP_KWP
#define CKM_AES_KEY_WRAP_KWP 0x210bUL
#endif
/* PKCS#11 3.0, 5.1.6: authenticated decryption failed. */
#ifndef CKR_AEAD_DECRYPT_FAILED
#define CKR_AEAD_DECRYPT_FAILED 0x42UL
#endif
#ifndef CK_UNAVAILABLE_INFORMATION
#define CK_UNAVAILABLE_INFORMATION (~0UL)
#endif

/* CK_PRF_DATA_PARAM, CK_SP800_108_COUNTER_FORMAT, CK_SP800_108_KDF_PARAMS. */
struct p11_prf_data_param {
	CK_ULONG type;
	void *value;
	CK_ULONG value_len;
};

struct p11_counter_format {
	CK_BBOOL little_endian;
	CK_ULONG width_bits;
};

struct p11_kdf_params {
	CK_MECHANISM_TYPE prf;
	CK_ULONG data_params_n;
	struct p11_prf_data_param *data_params;
	CK_ULONG additional_keys_n;
	void *additional_keys;
};

#endif
