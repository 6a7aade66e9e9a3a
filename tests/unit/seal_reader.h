/*
 * seal_reader: opens bundles as a device would, written from formats.md on
 * OpenSSL alone: none of lib/seal's derivations are used here.
 */
#ifndef PV_TESTS_SEAL_READER_H
#define PV_TESTS_SEAL_READER_H

#include <openssl/evp.h>

#include "lib/base/buf.h"

#define READER_COMPONENTS 16

struct reader {
	EVP_PKEY *recipient; /* kind 1, not owned */
	const uint8_t *kek;  /* kind 2, 32 bytes */
	uint8_t bh[32];
	struct buf plain[READER_COMPONENTS]; /* released by reader_release() */
	size_t n;
};

/*
 * Opens a descriptor payload with all its segments. False when anything does
 * not match; plain then holds what was opened before.
 */
bool reader_open(struct reader *r, struct span payload, struct span segments);
void reader_release(struct reader *r);

#endif
