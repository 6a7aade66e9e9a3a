/*
 * shares: a secret of 32 bytes split n ways, of which any m join again (Shamir
 * over GF(256), by libgfshare: gfcombine takes the raw values, with a share's
 * number as the end of a file's name), and the text of one share, for paper:
 *
 *   provctl share v1
 *   key acme/root/1
 *   split 3fa2b1c09d8e7f60
 *   share 2 of 5, any 3 restore
 *   1 6a3f 0c1e 77b0 92d4 e5
 *   2 ...                         four lines, the last word is a check of the
 *   3 ...                         line: typing errors are found where they are
 *   4 ...
 *   check 51c9 0e7a               is no secret: people read it to each other
 *
 * Below m shares say nothing of the secret. A share's digest is no secret
 * either: who has the digests tells a mangled share from a true one.
 *
 * Does not check: that shares join to the secret they were split from, beyond
 * their split, number and digest. libgfshare works on memory of its own, which
 * is overwritten when this returns, and locked if shares_lock_memory() could.
 * Specification: A. Shamir, How to share a secret, 1979; libgfshare(5).
 */
#ifndef PV_SEAL_SHARES_H
#define PV_SEAL_SHARES_H

#include "lib/base/buf.h"
#include "lib/base/secret.h"

#define SHARES_MAX 16
#define SHARES_SECRET_LEN 32u /* bytes: AES-256 */
#define SHARES_SPLIT_LEN 8
#define SHARES_KEY_MAX 127   /* bytes of a key's label */
#define SHARES_TEXT_MAX 512u /* bytes */
#define SHARES_CHECK_LEN 10  /* "51c9 0e7a" with its NUL */

struct share {
	char key[SHARES_KEY_MAX + 1]; /* label of the key that is backed up */
	uint8_t split[SHARES_SPLIT_LEN]; /* random, the same in all n */
	unsigned number;		 /* 1 to n */
	unsigned n, m;
	struct secret value; /* SHARES_SECRET_LEN bytes */
};

struct shares { /* zeroed: none */
	struct share share[SHARES_MAX];
	unsigned n;
};
void shares_release(struct shares *s);
void share_release(struct share *s);

/*
 * Locks the heap, where libgfshare will have its memory, against being written
 * to swap, until the process ends; false when the kernel refuses, or it cannot
 * be known. Called before each split and join; people are told.
 */
PV_MUST bool shares_lock_memory(void);

/*
 * Splits secret (SHARES_SECRET_LEN bytes) into the empty *out. Every m shares
 * in a row, and the last with the first, are joined again before this returns.
 * PV_INPUT "shares.count": not 2 <= m <= n <= SHARES_MAX; "shares.key".
 * PV_INTERNAL. After a failure *out is empty.
 */
PV_MUST enum pv_code shares_split(const struct secret *secret, const char *key,
				  unsigned m, unsigned n, struct shares *out,
				  struct err *err);
/*
 * Joins n shares into secret. PV_INPUT "shares.few": less than m of them, the
 * same one twice counts once. PV_INTEGRITY "shares.other": they are of more
 * than one split, or key.
 */
PV_MUST enum pv_code shares_join(const struct share *const *shares, size_t n,
				 struct secret *secret, struct err *err);

/* SHA-256 over domain, key, split, number, m, n and value. PV_INTERNAL. */
PV_MUST enum pv_code share_digest(const struct share *s, uint8_t digest[32],
				  struct err *err);
/* Its first bytes for people. */
PV_MUST enum pv_code share_check(const struct share *s,
				 char check[SHARES_CHECK_LEN], struct err *err);
/* The text above into the empty *text. */
PV_MUST enum pv_code share_text(const struct share *s, struct secret *text,
				struct err *err);
/*
 * That text as a person wrote it down: blanks and the case of hex do not
 * matter. *s is set up, and the caller's to release. PV_INTEGRITY,
 * "shares.text": names the line that does not check, never what stands in it.
 */
PV_MUST enum pv_code share_parse(const struct secret *text, struct share *s,
				 struct err *err);

#endif
