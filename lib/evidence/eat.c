#include "lib/evidence/eat.h"

#include <string.h>

/* Additional information that announces an argument (RFC 8949 3). */
#define INFO_U8 24u
#define INFO_U64 27u
#define SIMPLE_FIRST_2BYTE 32u /* RFC 8949 3.3: not f8 00 to f8 1f */

struct head {
	unsigned major, info;
	uint64_t arg;
	size_t len;
};

static bool refuse(const char **why, const char *reason)
{
	*why = reason;
	return false;
}

static bool is_string(const struct head *h)
{
	return h->major == CBOR_BSTR || h->major == CBOR_TSTR;
}

/* One head; what it announces could fit into len. */
static bool get_head(struct span in, struct head *h, const char **why)
{
	size_t n;

	if (in.len == 0)
		return refuse(why, "truncated");
	h->major = in.p[0] >> 5;
	h->info = in.p[0] & 0x1fu;
	h->arg = h->info;
	h->len = 1;
	if (h->info > INFO_U64)
		return refuse(why, h->info == 31 ? "indefinite length"
						 : "reserved additional "
						   "information");
	if (h->info >= INFO_U8) {
		n = (size_t)1 << (h->info - INFO_U8);
		if (in.len - 1 < n)
			return refuse(why, "truncated");
		h->arg = 0;
		for (size_t i = 0; i < n; i++)
			h->arg = h->arg << 8 | in.p[1 + i];
		h->len += n;
	}
	n = in.len - h->len;
	if (((is_string(h) || h->major == CBOR_ARRAY) && h->arg > n) ||
	    (h->major == CBOR_MAP && h->arg > n / 2))
		return refuse(why, "length beyond the input");
	if (h->major == CBOR_SIMPLE && h->info == INFO_U8 &&
	    h->arg < SIMPLE_FIRST_2BYTE)
		return refuse(why, "simple value in two bytes");
	return true;
}

struct key {
	unsigned major;
	uint64_t arg;	  /* value, or length */
	const uint8_t *p; /* of a string */
};

struct level {
	uint64_t left; /* items still to come; a map has two a pair */
	bool map;
	size_t first_key; /* of this map in keys */
};

struct walk {
	struct span in;
	size_t pos;
	unsigned depth;
	struct level stack[EAT_DEPTH_MAX];
	struct key keys[EAT_KEYS_MAX];
	size_t keys_n;
	int64_t top; /* the last key of the outermost map */
	struct eat_twice *twice;
	const char **why;
};

static bool key_equal(const struct key *a, const struct key *b)
{
	return a->major == b->major && a->arg == b->arg &&
	       (!a->p || memcmp(a->p, b->p, (size_t)a->arg) == 0);
}

static int64_t label_of(const struct key *k)
{
	if (k->p || k->arg > INT64_MAX)
		return INT64_MIN;
	return k->major == CBOR_NINT ? -1 - (int64_t)k->arg : (int64_t)k->arg;
}

/* A key begins at pos: RFC 9052 1.5 and RFC 8392 have integers and text. */
static bool take_key(struct walk *w, const struct head *h)
{
	struct level *l = &w->stack[w->depth - 1];
	struct key *k = &w->keys[w->keys_n];

	if (h->major != CBOR_UINT && h->major != CBOR_NINT && !is_string(h))
		return refuse(w->why, "map key is no number and no string");
	if (w->keys_n == EAT_KEYS_MAX)
		return refuse(w->why, "too many map keys");
	k->major = h->major;
	k->arg = h->arg;
	k->p = is_string(h) ? w->in.p + w->pos + h->len : NULL;
	for (size_t i = l->first_key; i < w->keys_n; i++) {
		if (!key_equal(&w->keys[i], k))
			continue;
		if (w->twice) {
			w->twice->depth = w->depth;
			w->twice->label = label_of(k);
			w->twice->top = w->depth > 1 ? w->top : label_of(k);
		}
		return refuse(w->why, "duplicate map key");
	}
	w->keys_n++;
	if (w->depth == 1)
		w->top = label_of(k);
	return true;
}

/* An item ended: closes every container that it completes. */
static void item_ended(struct walk *w)
{
	while (w->depth > 0 && --w->stack[w->depth - 1].left == 0) {
		w->depth--;
		w->keys_n = w->stack[w->depth].first_key;
	}
}

static bool container(struct walk *w, uint64_t items, bool map)
{
	struct level *l;

	if (w->depth == EAT_DEPTH_MAX)
		return refuse(w->why, "nested too deep");
	if (items == 0) {
		item_ended(w);
		return true;
	}
	l = &w->stack[w->depth++];
	*l = (struct level){ items, map, w->keys_n };
	return true;
}

static bool one_head(struct walk *w)
{
	const struct level *l = w->depth ? &w->stack[w->depth - 1] : NULL;
	struct span rest = { w->in.p + w->pos, w->in.len - w->pos };
	struct head h;

	if (!get_head(rest, &h, w->why) ||
	    (l && l->map && l->left % 2 == 0 && !take_key(w, &h)))
		return false;
	if (h.major == CBOR_TSTR &&
	    !cbor_utf8_valid(rest.p + h.len, (size_t)h.arg))
		return refuse(w->why, "text is not UTF-8");
	w->pos += h.len + (is_string(&h) ? (size_t)h.arg : 0);
	switch (h.major) {
	case CBOR_ARRAY:
		return container(w, h.arg, false);
	case CBOR_MAP:
		return container(w, h.arg * 2, true);
	case CBOR_TAG:
		return container(w, 1, false);
	default:
		item_ended(w);
		return true;
	}
}

bool eat_valid(struct span bytes, const char **why, struct eat_twice *twice)
{
	struct walk w;

	w.in = bytes;
	w.pos = 0;
	w.depth = 0;
	w.keys_n = 0;
	w.top = INT64_MIN;
	w.twice = twice;
	w.why = why;
	if (twice)
		memset(twice, 0, sizeof(*twice));
	do {
		if (!one_head(&w))
			return false;
	} while (w.depth > 0);
	return w.pos == bytes.len || refuse(why, "trailing bytes");
}

void eat_reader_init(struct eat_reader *r, struct span bytes)
{
	*r = (struct eat_reader){ bytes.p, bytes.len, 0, false };
}

static bool next(const struct eat_reader *r, struct head *h)
{
	const char *why;

	return !r->failed &&
	       get_head((struct span){ r->p + r->pos, r->len - r->pos }, h,
			&why);
}

static bool take(struct eat_reader *r, unsigned major, struct head *h)
{
	if (!next(r, h) || h->major != major) {
		r->failed = true;
		return false;
	}
	r->pos += h->len;
	return true;
}

enum cbor_type eat_peek(const struct eat_reader *r)
{
	struct head h;

	return next(r, &h) ? (enum cbor_type)h.major : CBOR_NONE;
}

static bool take_count(struct eat_reader *r, unsigned major, uint64_t *n)
{
	struct head h;

	if (!take(r, major, &h))
		return false;
	*n = h.arg;
	return true;
}

bool eat_get_uint(struct eat_reader *r, uint64_t *v)
{
	return take_count(r, CBOR_UINT, v);
}

bool eat_get_int(struct eat_reader *r, int64_t *v)
{
	bool negative = eat_peek(r) == CBOR_NINT;
	uint64_t n;

	if (!take_count(r, negative ? CBOR_NINT : CBOR_UINT, &n))
		return false;
	if (n > INT64_MAX) {
		r->failed = true;
		return false;
	}
	*v = negative ? -1 - (int64_t)n : (int64_t)n;
	return true;
}

static bool take_string(struct eat_reader *r, unsigned major, struct span *v)
{
	struct head h;

	if (!take(r, major, &h))
		return false;
	*v = (struct span){ r->p + r->pos, (size_t)h.arg };
	r->pos += v->len;
	return true;
}

bool eat_get_bstr(struct eat_reader *r, struct span *v)
{
	return take_string(r, CBOR_BSTR, v);
}

bool eat_get_tstr(struct eat_reader *r, struct span *v)
{
	return take_string(r, CBOR_TSTR, v);
}

bool eat_get_array(struct eat_reader *r, uint64_t *n)
{
	return take_count(r, CBOR_ARRAY, n);
}

bool eat_get_map(struct eat_reader *r, uint64_t *n)
{
	return take_count(r, CBOR_MAP, n);
}

bool eat_get_tag(struct eat_reader *r, uint64_t *tag)
{
	return take_count(r, CBOR_TAG, tag);
}

/* Counts heads instead of nesting: each container adds what it announces. */
bool eat_skip(struct eat_reader *r)
{
	uint64_t left = 1;
	struct head h;

	while (left > 0) {
		if (!next(r, &h)) {
			r->failed = true;
			return false;
		}
		r->pos += h.len + (is_string(&h) ? (size_t)h.arg : 0);
		left--;
		if (h.major == CBOR_ARRAY)
			left += h.arg;
		else if (h.major == CBOR_MAP)
			left += 2 * h.arg;
		else if (h.major == CBOR_TAG)
			left++;
	}
	return true;
}

bool eat_done(const struct eat_reader *r)
{
	return !r->failed && r->pos == r->len;
}
