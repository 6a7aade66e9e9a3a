/*
 * keyvalue MODULE TOKEN PIN LABEL: the private value of a key that may leave
 * its token, as hex: backed up under an AES key of this program's, and opened
 * by OpenSSL. For tests that look where it may not be; PIN is a test's.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/base/cleanup.h"
#include "pkcs11/pkcs11.h"

#define VALUE_LEN 32

static EVP_PKEY *open_backup(const struct secret *by, struct span wrapped)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t out[2 * HSM_WRAPPED_MAX];
	const uint8_t *p = out;
	EVP_PKEY *pkey = NULL;
	int len = 0;

	if (!ctx)
		return NULL;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	if (EVP_DecryptInit_ex(ctx, EVP_aes_256_wrap_pad(), NULL, by->data,
			       NULL) == 1 &&
	    EVP_DecryptUpdate(ctx, out, &len, wrapped.p, (int)wrapped.len) == 1)
		pkey = d2i_AutoPrivateKey(NULL, &p, len);
	EVP_CIPHER_CTX_free(ctx);
	return pkey;
}

static bool print_value(const struct secret *by, struct span wrapped)
{
	EVP_PKEY *pkey = open_backup(by, wrapped);
	uint8_t value[VALUE_LEN];
	BIGNUM *bn = NULL;
	bool good = pkey &&
		    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY,
					  &bn) == 1 &&
		    BN_bn2binpad(bn, value, VALUE_LEN) == VALUE_LEN;

	for (size_t i = 0; good && i < VALUE_LEN; i++)
		printf("%02x", value[i]);
	if (good)
		putchar('\n');
	BN_free(bn);
	EVP_PKEY_free(pkey);
	return good;
}

int main(int argc, char **argv)
{
	SECRET pin = SECRET_INIT;
	SECRET by = SECRET_INIT;
	CLEANUP(buf_release) struct buf wrapped;
	struct p11_config cfg = { .timeout_s = 60 };
	struct hsm *h = NULL;
	enum secret_heap heap;
	struct hsm_key *key;
	struct err err;
	char uri[128];
	enum pv_code rc;

	buf_init(&wrapped, HSM_WRAPPED_MAX);
	if (argc != 5) {
		fputs("usage: keyvalue MODULE TOKEN PIN LABEL\n", stderr);
		return 2;
	}
	err_init(&err);
	snprintf(uri, sizeof(uri), "pkcs11:token=%s", argv[2]);
	cfg.module = argv[1];
	cfg.token_uri = uri;
	rc = secret_setup(&heap, &err);
	if (rc == PV_OK)
		rc = secret_copy(&pin, argv[3], strlen(argv[3]), &err);
	if (rc == PV_OK)
		rc = secret_random(&by, HSM_WRAP_KEY_LEN, &err);
	if (rc == PV_OK)
		rc = p11_open(&cfg, &pin, &h, &err);
	if (rc == PV_OK)
		rc = hsm_find(h, HSM_KEY_P256_BACKUP, argv[4], &key, &err);
	if (rc == PV_OK)
		rc = hsm_back_up(h, key, &by, &wrapped, &err);
	if (h)
		hsm_close(h);
	if (rc == PV_OK && print_value(&by, buf_span(&wrapped)))
		return 0;
	fprintf(stderr, "keyvalue: %s: %s\n", argv[4], err.message);
	return 1;
}
