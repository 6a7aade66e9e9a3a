/*
 * p11start MODULE PIN_FILE LABEL: a bare libp11 start as a whole process: load
 * the module, enumerate slots, log in, find the private key of that label, one
 * ECDSA signature, end. What a one-shot command cannot do without.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509.h>

#include "tests/bench/bare.h"

/* libp11.h names two types that OPENSSL_NO_DEPRECATED hides. */
#ifdef OPENSSL_NO_DEPRECATED
#define RSA_METHOD struct rsa_meth_st
#define EC_KEY_METHOD struct ec_key_method_st
#endif
#include <libp11.h>
#undef RSA_METHOD
#undef EC_KEY_METHOD

static bool login(PKCS11_SLOT *slot, const char *pin_file)
{
	unsigned char pin[256] = { 0 };
	size_t len = bare_read_pin(pin_file, pin, sizeof(pin) - 1);
	bool ok;

	pin[len] = '\0';
	ok = len > 0 && PKCS11_login(slot, 0, (const char *)pin) == 0;
	explicit_bzero(pin, sizeof(pin));
	return ok;
}

static bool sign(PKCS11_TOKEN *token, const char *label)
{
	const uint8_t digest[32] = { 1 };
	uint8_t sig[80];
	size_t len = sizeof(sig);
	PKCS11_KEY *keys;
	unsigned n = 0;
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *use;
	bool ok;

	if (PKCS11_enumerate_keys(token, &keys, &n) != 0)
		return false;
	for (unsigned i = 0; i < n && !key; i++)
		if (keys[i].label && strcmp(keys[i].label, label) == 0)
			key = PKCS11_get_private_key(&keys[i]);
	use = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	ok = use && EVP_PKEY_sign_init(use) == 1 &&
	     EVP_PKEY_sign(use, sig, &len, digest, sizeof(digest)) == 1;
	EVP_PKEY_CTX_free(use);
	EVP_PKEY_free(key);
	return ok;
}

int main(int argc, char **argv)
{
	PKCS11_CTX *ctx = PKCS11_CTX_new();
	PKCS11_SLOT *slots, *slot;
	unsigned n = 0;
	bool ok = false;

	if (argc != 4 || !ctx) {
		fputs("usage: p11start MODULE PIN_FILE LABEL\n", stderr);
		return 2;
	}
	if (PKCS11_CTX_load(ctx, argv[1]) != 0)
		return 1;
	if (PKCS11_enumerate_slots(ctx, &slots, &n) == 0) {
		slot = PKCS11_find_token(ctx, slots, n);
		ok = slot && slot->token && login(slot, argv[2]) &&
		     sign(slot->token, argv[3]);
		PKCS11_release_all_slots(ctx, slots, n);
	}
	PKCS11_CTX_unload(ctx);
	PKCS11_CTX_free(ctx);
	return ok ? 0 : 1;
}
