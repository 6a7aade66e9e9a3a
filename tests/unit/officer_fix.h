/*
 * officer_fix: officers of a roster with keys that are the same in each process
 * of a test: who shares an authority shares its roster.
 */
#ifndef PV_TESTS_OFFICER_FIX_H
#define PV_TESTS_OFFICER_FIX_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "lib/base/note.h"
#include "tests/unit/people_fix.h"
#include "tests/unit/unit.h"

static struct err err;

/* Keys that are the same in all tests: they share one authority. */
struct fixed_key {
	EVP_PKEY *pkey;
	struct note_key key;
};

static inline void fixed_key_init(struct fixed_key *k, const char *name,
				  uint8_t seed)
{
	uint8_t raw[32], *der = NULL;
	int len;

	memset(raw, seed, sizeof(raw));
	k->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw,
					       sizeof(raw));
	len = i2d_PUBKEY(k->pkey, &der);
	ck_assert_int_gt(len, 0);
	unit_ok(note_key_from_spki(&k->key, name,
				   (struct span){ der, (size_t)len }, &err),
		&err);
	OPENSSL_free(der);
}

static inline enum pv_code fixed_key_sign(void *ctx, struct span text,
					  const uint8_t digest[32],
					  uint8_t raw[64], struct err *e)
{
	const struct fixed_key *k = ctx;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t len = 64;

	(void)digest;
	(void)e;
	ck_assert(EVP_DigestSignInit(md, NULL, NULL, NULL, k->pkey) == 1);
	ck_assert(EVP_DigestSign(md, raw, &len, text.p, text.len) == 1);
	EVP_MD_CTX_free(md);
	return PV_OK;
}

static inline void put_officer(struct buf *text, const char *name, uint8_t seed)
{
	struct fixed_key k;

	fixed_key_init(&k, name, seed);
	buf_printf(text,
		   "{\"name\":\"%s\",\"person\":\"%s\",\"roles\":"
		   "[\"security-officer\"],\"keys\":[{\"kind\":\"file\","
		   "\"vkey\":\"",
		   name, name);
	note_key_put(&k.key, text);
	buf_put_str(text, "\"}]}");
	EVP_PKEY_free(k.pkey);
}

/* The text of the next one: alice and bob, and one has to approve. */
static inline void roster_text(uint64_t version, struct buf *text)
{
	buf_printf(text,
		   "{\"roster\":\"provctl/roster/v1\",\"version\":%llu,"
		   "\"quorum\":{\"roster\":1},\"officers\":[",
		   (unsigned long long)version);
	put_officer(text, "alice", 1);
	buf_put_u8(text, ',');
	put_officer(text, PEOPLE_APPROVER, 2);
	buf_put_str(text, "]}");
}

#endif
