/*
 * keys: 64-bit keys and the device numbers they stand for, in memory: those
 * that were added lately and are not yet in the database's own sorted table.
 * A key may stand for several numbers. Number 0 is none.
 *
 * Why: keys are random, and each insert into a large sorted table touches
 * another page. Gathered and inserted in order, many share a page.
 */
#ifndef PV_STORE_KEYS_H
#define PV_STORE_KEYS_H

#include "lib/base/buf.h"

#define KEYS_MAX 32768u /* more than this are moved to the table */
#define KEYS_ENTRY 12u	/* bytes packed: be64 key, be32 number */

struct key_slot {
	uint64_t key;
	uint32_t number; /* 0: empty */
};

struct keys {
	struct key_slot *slots; /* open addressing; n at most 3/4 of cap */
	size_t cap;		/* a power of two, or 0 */
	size_t n;
	struct buf added; /* packed: this transaction's own */
	bool loaded;
	uint64_t first, last; /* rows of table recent that are in here */
};

void keys_init(struct keys *k);
void keys_release(struct keys *k);
/* Forgets everything, keeps the memory. */
void keys_clear(struct keys *k);
PV_MUST enum pv_code keys_add(struct keys *k, uint64_t key, uint32_t number,
			      struct err *err);
/* Adds packed entries; PV_INTEGRITY, "store.corrupt", when the length is not
 * a multiple of KEYS_ENTRY or a number is 0. */
PV_MUST enum pv_code keys_unpack(struct keys *k, struct span packed,
				 struct err *err);
/* Numbers of that key, at most cap; how many there are. */
size_t keys_find(const struct keys *k, uint64_t key, uint32_t *numbers,
		 size_t cap);
/* All entries, sorted by key and number, heap memory of the caller's. */
PV_MUST enum pv_code keys_sorted(const struct keys *k, struct key_slot **out,
				 struct err *err);

#endif
