#include "lib/base/cbor_read.h"

#define TAG_BIGNUM 2u
#define TAG_NEGATIVE_BIGNUM 3u

bool cbor_head_argument(struct cbor_head *h, const uint8_t *p, size_t len,
			const char **why)
{
	static const uint64_t least[] = { 24, 0x100, 0x10000, 0x100000000u };
	uint64_t arg = 0;
	size_t n, i;

	if (h->info > CBOR_INFO_U64)
		return cbor_refuse(
			why, h->info == 31 ? "indefinite length"
					   : "reserved additional information");
	n = (size_t)1 << (h->info - CBOR_INFO_U8);
	if (len - 1 < n)
		return cbor_refuse(why, "truncated");
	for (i = 0; i < n; i++)
		arg = (arg << 8) | p[1 + i];
	h->arg = arg;
	h->len += n;
	if (h->major != CBOR_MAJOR_OTHER &&
	    h->arg < least[h->info - CBOR_INFO_U8])
		return cbor_refuse(why,
				   "length or number is not in shortest form");
	return true;
}

/* Length of one UTF-8 sequence (RFC 3629) at p, 0 when wrong. */
static size_t utf8_one(const uint8_t *p, size_t len)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t n, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (p[1] < lo || p[1] > hi)
		return 0;
	for (i = 2; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

bool cbor_utf8_valid(const uint8_t *p, size_t len)
{
	size_t n;

	while (len > 0) {
		n = utf8_one(p, len);
		if (n == 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

/* ---- whole items: a loop over a fixed stack, never recursion ---- */

struct level {
	uint64_t left; /* items still to come; a map has two a pair */
	bool map;
	size_t key;	       /* where the pending key starts */
	size_t prev, prev_len; /* the key before it; prev_len 0: none */
};

struct walk {
	const uint8_t *p;
	size_t len, pos;
	unsigned depth, depth_max;
	struct level stack[CBOR_DEPTH_LIMIT];
	const char **why;
};

/* RFC 8949 4.2.1: bytewise lexicographic order of the encoded keys. */
static bool key_in_order(struct walk *w, struct level *l)
{
	size_t n = w->pos - l->key;
	size_t m = n < l->prev_len ? n : l->prev_len;
	int c = m ? memcmp(w->p + l->prev, w->p + l->key, m) : -1;

	/* A CBOR item is never a proper prefix of another one. */
	if (c == 0)
		return cbor_refuse(w->why, "duplicate map key");
	if (c > 0)
		return cbor_refuse(w->why, "map keys are not sorted");
	l->prev = l->key;
	l->prev_len = n;
	return true;
}

/* An item ended at pos: closes every container that it completes. */
static bool walk_close(struct walk *w)
{
	while (w->depth > 0) {
		struct level *l = &w->stack[w->depth - 1];

		l->left--;
		if (l->map && (l->left & 1) && !key_in_order(w, l))
			return false;
		if (l->left > 0)
			return true;
		w->depth--;
	}
	return true;
}

static bool walk_open(struct walk *w, uint64_t items, bool map)
{
	struct level *l;

	if (w->depth >= w->depth_max)
		return cbor_refuse(w->why, "nested too deep");
	if (items == 0)
		return walk_close(w);
	l = &w->stack[w->depth++];
	memset(l, 0, sizeof(*l));
	l->left = items;
	l->map = map;
	return true;
}

/* RFC 8949 3.4.3: a bignum is never shorter than the integers it extends. */
static bool bignum_valid(struct walk *w)
{
	struct cbor_head h;

	if (!cbor_head(&h, w->p + w->pos, w->len - w->pos, w->why))
		return false;
	if (h.major != CBOR_MAJOR_BSTR)
		return cbor_refuse(w->why, "bignum without a byte string");
	if (h.arg < 9 || w->p[w->pos + h.len] == 0)
		return cbor_refuse(w->why, "bignum not in shortest form");
	return true;
}

static bool walk_head(struct walk *w)
{
	struct cbor_head h;

	if (w->depth > 0 && !(w->stack[w->depth - 1].left & 1))
		w->stack[w->depth - 1].key = w->pos;
	if (!cbor_head(&h, w->p + w->pos, w->len - w->pos, w->why))
		return false;
	w->pos += h.len;
	switch (h.major) {
	case CBOR_MAJOR_TSTR:
		if (!cbor_utf8_valid(w->p + w->pos, (size_t)h.arg))
			return cbor_refuse(w->why, "text is not UTF-8");
		w->pos += (size_t)h.arg;
		return walk_close(w);
	case CBOR_MAJOR_BSTR:
		w->pos += (size_t)h.arg;
		return walk_close(w);
	case CBOR_MAJOR_ARRAY:
		return walk_open(w, h.arg, false);
	case CBOR_MAJOR_MAP:
		return walk_open(w, h.arg * 2, true);
	case CBOR_MAJOR_TAG:
		if ((h.arg == TAG_BIGNUM || h.arg == TAG_NEGATIVE_BIGNUM) &&
		    !bignum_valid(w))
			return false;
		return walk_open(w, 1, false);
	default:
		return walk_close(w);
	}
}

size_t cbor_item_len(const uint8_t *p, size_t len, unsigned depth_max,
		     const char **why)
{
	struct walk w;

	w.p = p;
	w.len = len;
	w.pos = 0;
	w.depth = 0;
	w.depth_max =
		depth_max < CBOR_DEPTH_LIMIT ? depth_max : CBOR_DEPTH_LIMIT;
	w.why = why;
	do {
		if (!walk_head(&w))
			return 0;
	} while (w.depth > 0);
	return w.pos;
}

bool cbor_valid(const uint8_t *p, size_t len, unsigned depth_max,
		const char **why)
{
	size_t n = cbor_item_len(p, len, depth_max, why);

	if (n == 0)
		return false;
	if (n != len)
		return cbor_refuse(why, "trailing bytes");
	return true;
}
