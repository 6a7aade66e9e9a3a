/*
 * Anything on the line to a device (lib/device/link.h). The input is a list of
 * records: raw bytes, frames with a right CRC, resets. Whatever comes: staging
 * gets items in order and within the container, finish is asked when all are
 * there, and what goes out are frames that fit into the smallest MTU.
 */
#include <string.h>

#include "lib/device/link.h"
#include "tests/fuzz/fuzz.h"

#define ITEMS_MAX 40
#define FRAME_MAX 300

struct world {
	struct pvdev_link link;
	uint8_t frame[256], have[ITEMS_MAX / 8];
	bool whole[ITEMS_MAX];
	unsigned items, item;
	uint32_t next; /* of the item under way; 0: none */
	bool open;
};

static void check_answer(void *ctx, const uint8_t *p, size_t len)
{
	enum linkframe_got got = LINKFRAME_MORE;
	uint8_t bytes[LINKFRAME_MTU_MIN];
	struct linkframe_reader r;
	struct linkframe f;
	size_t i;

	(void)ctx;
	if (len == 1 && p[0] == 0)
		return; /* of a hello */
	FUZZ_CHECK(len > 0 && len <= LINKFRAME_MTU_MIN);
	linkframe_reader_init(&r, bytes, sizeof(bytes));
	for (i = 0; i < len; i++) {
		FUZZ_CHECK(got == LINKFRAME_MORE);
		got = linkframe_feed(&r, p[i], &f);
	}
	FUZZ_CHECK(got == LINKFRAME_WHOLE && f.type != LINKFRAME_DATA);
}

static enum pvdev_result open_staging(void *ctx, const uint8_t *id,
				      unsigned items, uint8_t *have)
{
	struct world *w = ctx;
	unsigned i;

	FUZZ_CHECK(items > 0 && items <= ITEMS_MAX);
	w->next = 0;
	w->items = items;
	memset(w->whole, 0, sizeof(w->whole));
	for (i = 0; i < items; i++) {
		FUZZ_CHECK(!(have[i / 8] >> i % 8 & 1));
		w->whole[i] = id[i % 32] & 1;
		have[i / 8] |= (uint8_t)(w->whole[i] << i % 8);
	}
	w->open = !(id[31] & 2);
	return w->open ? PVDEV_OK : PVDEV_STORAGE;
}

/* An item ends where a byte of it is FF. */
static enum pvdev_result stage(void *ctx, unsigned item, uint32_t offset,
			       const uint8_t *p, size_t len, bool *whole)
{
	struct world *w = ctx;

	FUZZ_CHECK(w->open && item < w->items && !w->whole[item]);
	FUZZ_CHECK(len > 0 && offset == w->next);
	FUZZ_CHECK(w->next == 0 || item == w->item);
	FUZZ_CHECK(!*whole);
	w->item = item;
	w->next = offset + (uint32_t)len;
	if (p[0] == 0xfe)
		return PVDEV_CONTAINER;
	if (p[len - 1] == 0xff) {
		*whole = w->whole[item] = true;
		w->next = 0;
	}
	return PVDEV_OK;
}

static enum pvdev_result finish(void *ctx)
{
	struct world *w = ctx;
	unsigned i;

	FUZZ_CHECK(w->open);
	for (i = 0; i < w->items; i++)
		FUZZ_CHECK(w->whole[i]);
	return PVDEV_OK;
}

static size_t receipt(void *ctx, uint32_t offset, uint8_t *p, size_t cap)
{
	size_t n = offset < 60 ? 60 - offset : 0;

	(void)ctx;
	n = n < cap ? n : cap;
	memset(p, 0x5a, n);
	return n;
}

static const struct pvdev_link_port port = { check_answer, open_staging, stage,
					     finish, receipt };

static void reset(struct world *w)
{
	w->open = false;
	pvdev_link_init(&w->link, &port, w, w->frame, sizeof(w->frame), w->have,
			sizeof(w->have));
}

/* item(2) offset(4) payload */
static void take_frame(struct world *w, unsigned type, const uint8_t *p,
		       size_t len)
{
	struct linkframe f = { (enum linkframe_type)type, 0, 0, p + 6, 0 };
	uint8_t out[FRAME_MAX];

	if (len < 6)
		return;
	f.item = (uint16_t)((unsigned)p[0] << 8 | p[1]);
	f.offset = (uint32_t)p[2] << 24 | (uint32_t)p[3] << 16 |
		   (uint32_t)p[4] << 8 | p[5];
	f.len = len - 6;
	pvdev_link_take(&w->link, out, linkframe_put(&f, out, sizeof(out)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct world w;
	enum pvdev_result result;
	size_t at = 0;

	reset(&w);
	while (at + 2 <= len) {
		unsigned op = data[at] & 7;
		size_t n = data[at + 1];

		at += 2;
		if (n > len - at)
			n = len - at;
		if (op == 0)
			pvdev_link_take(&w.link, data + at, n);
		else if (op <= LINKFRAME_DONE)
			take_frame(&w, op, data + at, n);
		else if (op == 6)
			reset(&w);
		else
			pvdev_link_hello(&w.link);
		at += n;
	}
	if (pvdev_link_ended(&w.link, &result))
		FUZZ_CHECK(result == PVDEV_OK);
	return 0;
}
