/*
 * ossl: shared by this folder only: how a failed OpenSSL call is reported, and
 * release functions for CLEANUP().
 */
#ifndef PV_SEAL_OSSL_H
#define PV_SEAL_OSSL_H

#include <openssl/err.h>
#include <openssl/evp.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"

CLEANUP_PTR(EVP_PKEY, EVP_PKEY_free);
CLEANUP_PTR(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
CLEANUP_PTR(EVP_MD_CTX, EVP_MD_CTX_free);

/* PV_INTERNAL, rule "seal.crypto"; empties OpenSSL's error queue. */
static inline enum pv_code ossl_fail(struct err *err, const char *what)
{
	ERR_clear_error();
	return err_fail(err, PV_INTERNAL, "seal.crypto", NULL, "%s failed",
			what);
}

#endif
