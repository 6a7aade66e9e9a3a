#include "lib/store/keys.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define KEYS_CAP_MIN 1024u

void keys_init(struct keys *k)
{
	memset(k, 0, sizeof(*k));
	buf_init(&k->added, SIZE_MAX / 2);
}

void keys_release(struct keys *k)
{
	free(k->slots);
	buf_release(&k->added);
	keys_init(k);
}

void keys_clear(struct keys *k)
{
	if (k->n > 0)
		memset(k->slots, 0, k->cap * sizeof(*k->slots));
	k->n = 0;
	k->loaded = false;
	k->first = 0;
	k->last = 0;
	buf_reset(&k->added);
}

/* Keys are hashes already: their low bits choose the slot. */
static void place(struct key_slot *slots, size_t cap, struct key_slot e)
{
	size_t at = (size_t)e.key & (cap - 1);

	while (slots[at].number != 0)
		at = (at + 1) & (cap - 1);
	slots[at] = e;
}

static enum pv_code grow(struct keys *k, struct err *err)
{
	size_t cap = k->cap ? 2 * k->cap : KEYS_CAP_MIN;
	struct key_slot *slots = mem_array(cap, sizeof(*slots), err);

	if (!slots)
		return PV_INTERNAL;
	for (size_t i = 0; i < k->cap; i++)
		if (k->slots[i].number != 0)
			place(slots, cap, k->slots[i]);
	free(k->slots);
	k->slots = slots;
	k->cap = cap;
	return PV_OK;
}

enum pv_code keys_add(struct keys *k, uint64_t key, uint32_t number,
		      struct err *err)
{
	struct key_slot e = { .key = key, .number = number };

	if (4 * (k->n + 1) > 3 * k->cap) {
		enum pv_code rc = grow(k, err);

		if (rc != PV_OK)
			return rc;
	}
	place(k->slots, k->cap, e);
	k->n++;
	return PV_OK;
}

static uint64_t get_be(const uint8_t *p, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++)
		v = v << 8 | p[i];
	return v;
}

enum pv_code keys_unpack(struct keys *k, struct span packed, struct err *err)
{
	enum pv_code rc = PV_OK;
	bool whole = packed.len % KEYS_ENTRY == 0;

	for (size_t at = 0; rc == PV_OK && whole && at < packed.len;
	     at += KEYS_ENTRY) {
		uint32_t number = (uint32_t)get_be(packed.p + at + 8, 4);

		whole = number != 0;
		if (whole)
			rc = keys_add(k, get_be(packed.p + at, 8), number, err);
	}
	if (whole)
		return rc;
	return err_fail(err, PV_INTEGRITY, "store.corrupt",
			"restore the store from a backup",
			"a row of recent keys is damaged");
}

size_t keys_find(const struct keys *k, uint64_t key, uint32_t *numbers,
		 size_t cap)
{
	size_t at = k->cap ? (size_t)key & (k->cap - 1) : 0;
	size_t n = 0;

	while (k->cap && k->slots[at].number != 0) {
		if (k->slots[at].key == key) {
			if (n < cap)
				numbers[n] = k->slots[at].number;
			n++;
		}
		at = (at + 1) & (k->cap - 1);
	}
	return n;
}

/* As signed numbers: that is how the database compares them. */
static int compare(const void *pa, const void *pb)
{
	const struct key_slot *a = pa;
	const struct key_slot *b = pb;
	int64_t ka = (int64_t)a->key;
	int64_t kb = (int64_t)b->key;

	if (ka != kb)
		return ka < kb ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

enum pv_code keys_sorted(const struct keys *k, struct key_slot **out,
			 struct err *err)
{
	struct key_slot *all = mem_array(k->n + 1, sizeof(*all), err);
	size_t n = 0;

	if (!all)
		return PV_INTERNAL;
	for (size_t i = 0; i < k->cap; i++)
		if (k->slots[i].number != 0)
			all[n++] = k->slots[i];
	qsort(all, n, sizeof(*all), compare);
	*out = all;
	return PV_OK;
}
