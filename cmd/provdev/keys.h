/*
 * keys: what a new device makes: key pairs, the request, the binding of its
 * sealing key (formats.md 1). Files are staged in a group of the caller.
 */
#ifndef PV_CMD_PROVDEV_KEYS_H
#define PV_CMD_PROVDEV_KEYS_H

#include <openssl/evp.h>

#include "lib/base/fileio.h"

struct keys_spec {
	const char *id;
	const char *subject;   /* "/CN=../O=..", NULL: CN is the id */
	const char *form;      /* plain, mac0 or batch */
	const char *algorithm; /* P-256, P-384 or RSA-2048 */
	bool key;              /* make key.pem and csr.pem */
	bool sealing;          /* make seal.pem and its binding */
	EVP_PKEY *before;      /* signs the new key: key_sig.b64; NULL: none */
};

/* PV_INPUT when id, form or algorithm are not known, or sealing lacks a key. */
PV_MUST enum pv_code keys_check(const struct keys_spec *s, struct err *err);
/* All files of a new device into folder dirfd, which stays open until commit. */
PV_MUST enum pv_code keys_make(struct file_group *g, int dirfd,
			       const struct keys_spec *s, struct err *err);
/* PKCS#10 with SHA-256, PEM, appended. */
PV_MUST enum pv_code keys_request(EVP_PKEY *key, const char *id,
				  const char *subject, struct buf *pem,
				  struct err *err);
/* A private key as PKCS#8 in PEM, mode 0600. */
PV_MUST enum pv_code keys_add_private(struct file_group *g, int dirfd,
				      const char *name, EVP_PKEY *key,
				      struct err *err);
/* A public key as SPKI in PEM. */
PV_MUST enum pv_code keys_add_public(struct file_group *g, int dirfd,
				     const char *name, EVP_PKEY *key,
				     struct err *err);

#endif
