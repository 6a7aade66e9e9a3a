/*
 * Every node of a manifest and a descriptor in the place of which another
 * stands: of another type, missing, doubled, empty, too long. Cryptography says
 * yes to all of it, so that only the grammar can refuse; and whatever the
 * receiver does, it does nothing that it may not (tests/fuzz/fuzz_device.c).
 */
#include "tests/unit/unit.h"

#include <string.h>

#include "lib/base/cbor.h"
#include "lib/device/container.h"
#include "tests/fuzz/fuzz_device.h"

#define OUT_MAX 16384u

/* RENAME: a part of a map goes, and one of another key stands at the end. */
enum op { SWAP, DROP, RENAME, DOUBLE_LAST };
#define PARTS_MAX 10u

struct other {
	enum cbor_type type;
	const char *bytes;
	size_t len;
};

#define ITEM(type, s)                                                          \
	{                                                                      \
		type, s, sizeof(s) - 1                                         \
	}
static const struct other others[] = {
	ITEM(CBOR_UINT, "\x00"),
	ITEM(CBOR_UINT, "\x18\xfe"),
	ITEM(CBOR_UINT, "\x1b\xff\xff\xff\xff\xff\xff\xff\xff"),
	ITEM(CBOR_NINT, "\x20"),
	ITEM(CBOR_NINT, "\x3a\x00\x01\x11\x73"),
	ITEM(CBOR_BSTR, "\x40"),
	ITEM(CBOR_BSTR, "\x50"
			"0123456789abcdef"),
	ITEM(CBOR_BSTR, "\x58\x20"
			"0123456789abcdef0123456789abcdef"),
	ITEM(CBOR_BSTR, "\x58\x40"
			"0123456789abcdef0123456789abcdef"
			"0123456789abcdef0123456789abcdef"),
	ITEM(CBOR_TSTR, "\x60"),
	ITEM(CBOR_TSTR, "\x61x"),
	ITEM(CBOR_TSTR, "\x62-x"),
	ITEM(CBOR_ARRAY, "\x80"),
	ITEM(CBOR_ARRAY, "\x82\x01\x02"),
	ITEM(CBOR_MAP, "\xa0"),
	ITEM(CBOR_MAP, "\xa1\x01\x02"),
	ITEM(CBOR_TAG, "\xd2\x80"),
	ITEM(CBOR_SIMPLE, "\xf5"),
	ITEM(CBOR_SIMPLE, "\xf6"),
};
#define OTHERS (sizeof(others) / sizeof(others[0]))

struct change {
	unsigned at, now; /* node, counted from 0 as they come */
	enum op op;
	unsigned part; /* that is dropped or renamed */
	const struct other *with;
	enum cbor_type was; /* of the node that was changed */
	bool done;	    /* it could be */
};

static void copy(struct cbor_reader *r, struct cbor_writer *w,
		 struct change *c);

/* parts: 1 for an array, 2 for a map. */
static void copy_parts(struct cbor_reader *r, struct cbor_writer *w,
		       struct change *c, uint64_t n, unsigned parts, bool mine)
{
	uint64_t i, k;

	for (i = 0; i < n; i++) {
		bool drop = mine && c->op != DOUBLE_LAST && i == c->part;
		size_t from = w->len;

		for (k = 0; k < parts; k++) {
			if (drop)
				ck_assert(cbor_skip(r, NULL));
			else
				copy(r, w, c);
		}
		if (mine && c->op == DOUBLE_LAST && i == n - 1)
			cbor_put_raw(w, w->p + from, w->len - from);
	}
	if (mine && c->op == RENAME) {
		cbor_put_uint(w, 99);
		cbor_put_uint(w, 0);
	}
}

/* Whether the change can be made to n parts, and how many there are then. */
static bool count(const struct change *c, uint64_t *n, unsigned parts)
{
	if (*n == 0 || (c->op != DOUBLE_LAST && c->part >= *n) ||
	    (c->op == RENAME && parts == 1))
		return false;
	if (c->op != RENAME)
		*n = c->op == DOUBLE_LAST ? *n + 1 : *n - 1;
	return true;
}

static void copy_group(struct cbor_reader *r, struct cbor_writer *w,
		       struct change *c, unsigned parts, bool here)
{
	uint64_t n, now;
	bool mine;

	ck_assert(parts == 1 ? cbor_get_array(r, &n) : cbor_get_map(r, &n));
	now = n;
	mine = here && count(c, &now, parts);
	c->done = c->done || mine;
	if (parts == 1)
		cbor_put_array(w, now);
	else
		cbor_put_map(w, now);
	copy_parts(r, w, c, n, parts, mine);
}

/* What a byte string carries, if that is a map or an array. */
static bool embedded(struct cbor_bytes v)
{
	return v.len > 1 && (v.p[0] >> 5 == 4 || v.p[0] >> 5 == 5) &&
	       cbor_valid(v.p, v.len, CBOR_DEPTH_LIMIT, NULL);
}

static void copy_bstr(struct cbor_reader *r, struct cbor_writer *w,
		      struct change *c)
{
	struct cbor_bytes v;

	ck_assert(cbor_get_bstr(r, &v));
	if (embedded(v)) {
		static uint8_t stack[8][OUT_MAX];
		static unsigned depth;
		struct cbor_writer inner;
		struct cbor_reader in;

		ck_assert_uint_lt(depth, 8);
		cbor_writer_init(&inner, stack[depth++], OUT_MAX);
		cbor_reader_init(&in, v.p, v.len);
		copy(&in, &inner, c);
		v.p = inner.p;
		v.len = inner.len;
		cbor_put_bstr(w, v.p, v.len);
		depth--;
		return;
	}
	cbor_put_bstr(w, v.p, v.len);
}

static void copy(struct cbor_reader *r, struct cbor_writer *w, struct change *c)
{
	enum cbor_type type = cbor_peek(r);
	bool here = c->now++ == c->at;
	struct cbor_bytes raw;
	uint64_t n;

	if (here)
		c->was = type;
	if (here && c->op == SWAP) {
		ck_assert(cbor_skip(r, &raw));
		cbor_put_raw(w, (const uint8_t *)c->with->bytes, c->with->len);
		c->done = true;
	} else if (type == CBOR_ARRAY || type == CBOR_MAP) {
		copy_group(r, w, c, type == CBOR_ARRAY ? 1 : 2, here);
	} else if (type == CBOR_TAG) {
		ck_assert(cbor_get_tag(r, &n));
		cbor_put_tag(w, n);
		copy(r, w, c);
	} else if (type == CBOR_BSTR) {
		copy_bstr(r, w, c);
	} else {
		ck_assert(cbor_skip(r, &raw));
		cbor_put_raw(w, raw.p, raw.len);
	}
}

static const char *const seeds[] = { "p256-plain", "p256-batch", "kdf-plain",
				     "kdf-batch", "kdf-mac0" };
#define SEEDS ((int)(sizeof(seeds) / sizeof(seeds[0])))

/* Container with item changed; whether there was such a node to change. */
static bool changed(struct buf *seed, unsigned item, struct change *c,
		    struct buf *out)
{
	static uint8_t bytes[OUT_MAX];
	struct pvdev_container in;
	struct cbor_bytes one;
	struct cbor_writer w;
	struct cbor_reader r;
	unsigned i;

	buf_init(out, OUT_MAX);
	pvdev_container_init(&in, seed->data, seed->len);
	for (i = 0; pvdev_container_next(&in, &one); i++) {
		cbor_writer_init(&w, bytes, sizeof(bytes));
		cbor_reader_init(&r, one.p, one.len);
		if (i == item)
			copy(&r, &w, c);
		else
			cbor_put_raw(&w, one.p, one.len);
		ck_assert(cbor_writer_ok(&w));
		buf_put(out, w.p, w.len);
	}
	return c->done;
}

/* Two texts or two numbers may both be right; two types never are. */
static bool may_stand(const struct change *c)
{
	return c->op == SWAP && c->with->type == c->was;
}

struct sweep {
	struct buf seed;
	unsigned refused, taken, nodes;
};

static void attempt(struct sweep *s, unsigned item, struct change c)
{
	struct buf out;
	bool any = changed(&s->seed, item, &c, &out);

	if (any && fuzz_device(out.data, out.len) > 0) {
		ck_assert_msg(may_stand(&c), "item %u node %u op %d part %u",
			      item, c.at, (int)c.op, c.part);
		s->taken++;
	} else if (any) {
		s->refused++;
	}
	if (any && c.at + 1 > s->nodes)
		s->nodes = c.at + 1;
	buf_release(&out);
}

START_TEST(one_node)
{
	struct sweep s = { .nodes = 0 };
	char name[64];
	unsigned item, node, k;

	snprintf(name, sizeof(name), "fuzz/device/%s.pvb", seeds[_i]);
	unit_read(name, &s.seed);
	ck_assert_uint_gt(fuzz_device(s.seed.data, s.seed.len), 0);
	for (item = 0; item < 2; item++) {
		s.nodes = 0;
		for (node = 0; node <= s.nodes; node++) {
			struct change c = { .at = node };

			for (k = 0; k < OTHERS; k++) {
				c.with = &others[k];
				attempt(&s, item, c);
			}
			c.op = DOUBLE_LAST;
			attempt(&s, item, c);
			for (c.part = 0; c.part < PARTS_MAX; c.part++) {
				c.op = DROP;
				attempt(&s, item, c);
				c.op = RENAME;
				attempt(&s, item, c);
			}
		}
		ck_assert_uint_gt(s.nodes, 15);
	}
	printf("%s: %u refused, %u of the same type taken\n", seeds[_i],
	       s.refused, s.taken);
	ck_assert_uint_gt(s.refused, 1000);
	buf_release(&s.seed);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device_grammar");
	TCase *t = tcase_create("device_grammar");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, one_node, 0, SEEDS);
	suite_add_tcase(s, t);
	return unit_run(s);
}
