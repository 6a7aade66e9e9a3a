/*
 * log_fix: a log of the tests: a tree with each of its subtrees and roots at
 * hand, and witnesses that cosign what it says.
 */
#ifndef PV_TESTS_LOG_FIX_H
#define PV_TESTS_LOG_FIX_H

#include <openssl/evp.h>

#include "lib/log/cosign.h"
#include "lib/log/proof.h"

#define GROVE_MAX 700u /* leaves */
#define GROVE_LEVELS 10u
#define GROVE_ENTRY_MAX 64u

struct grove {
	struct log_tree tree;
	uint8_t hash[GROVE_LEVELS][GROVE_MAX][LOG_HASH];
	uint8_t root[GROVE_MAX + 1][LOG_HASH]; /* of the first n leaves */
};

/* One more leaf; g starts zeroed, but for the empty root: grove_start(). */
void grove_start(struct grove *g, struct log_hasher *h);
void grove_add(struct grove *g, struct log_hasher *h, struct span entry);
/* n leaves whose entries are "salt/index". */
void grove_fill(struct grove *g, struct log_hasher *h, size_t n,
		const char *salt);
/* Text of such an entry. */
struct span grove_entry(const char *salt, size_t index,
			char text[static GROVE_ENTRY_MAX]);

/* A reader of the first size leaves; asked for more, it fails the proof. */
struct grove_view {
	const struct grove *g;
	uint64_t size;
};
struct log_reader grove_reader(struct grove_view *v);
struct log_point grove_point(const struct grove *g, uint64_t size);

/* The tiles of hashes of the first size leaves as files below dir. */
void grove_publish(const struct grove *g, uint64_t size, const char *dir);
/* Bytes to dir/path, with the folders on the way. */
void log_fix_file(const char *dir, const char *path, struct span bytes);

struct cosigner {
	EVP_PKEY *pkey;
	struct log_witness w;
};
void cosigner_new(struct cosigner *c, const char *name);
/* The same key under another name. */
void cosigner_twin(struct cosigner *c, const struct cosigner *of,
		   const char *name);
void cosigner_free(struct cosigner *c);
/* Its signature over body at time_s. */
void cosigner_sign(const struct cosigner *c, struct span body, uint64_t time_s,
		   uint8_t sig[static LOG_COSIGN_SIG]);
/* Appends its line, whatever stands in note. */
void cosigner_line(const struct cosigner *c, struct buf *note, struct span body,
		   uint64_t time_s);

#endif
