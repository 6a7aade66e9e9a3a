/*
 * content: takes the plaintext of a component apart (formats.md 1):
 * {1: certificate, 2: [chain], 3: [anchors], 4: private key, 5: config,
 * 6: {secret name: bstr}, 7: {file name: bstr}}. A clear component may hold
 * 3, 5 and 7 only. Freestanding C99; spans point into the plaintext.
 *
 * Does not check: that certificates, keys and names mean anything.
 */
#ifndef PV_DEVICE_CONTENT_H
#define PV_DEVICE_CONTENT_H

#include "lib/base/cbor.h"

struct pvdev_content {
	struct cbor_bytes certificate; /* p NULL: absent, as in all below */
	struct cbor_bytes chain;       /* the encoded array */
	struct cbor_bytes anchors;     /* the encoded array */
	struct cbor_bytes key;
	struct cbor_bytes config;      /* one encoded item */
	struct cbor_bytes secrets;     /* the encoded map */
	struct cbor_bytes files;       /* the encoded map */
};

/* Strict; *why (may be NULL) gets a static sentence. */
bool pvdev_content_parse(struct pvdev_content *c, const uint8_t *p, size_t len,
			 bool sealed, const char **why);

/* Walks chain and anchors (name NULL), or secrets and files. */
void pvdev_content_open(struct cbor_reader *r, uint64_t *n,
			struct cbor_bytes of);
bool pvdev_content_next(struct cbor_reader *r, uint64_t *n,
			struct cbor_bytes *name, struct cbor_bytes *value);

#endif
