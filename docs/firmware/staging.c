#include "docs/firmware/staging.h"

#include <stddef.h>

#include "docs/firmware/board.h"
#include "lib/base/cbor_mem.h"
#include "lib/device/container.h"

#define MAGIC 0x70767374u /* "pvst" */

/* What lies in the retained memory; the bytes of items behind it. */
struct area {
	uint32_t magic;
	uint32_t
		crc; /* of what follows: a reset may come while it is written */
	uint32_t whole; /* items 0 to whole - 1 are there */
	uint8_t id[PVDEV_LINK_ID_LEN];
	uint32_t end[STAGING_ITEMS_MAX]; /* of each item's bytes */
};
#define BYTES_MAX (BOARD_RETAINED_LEN - (uint32_t)sizeof(struct area))

static struct area *area_of(void)
{
	return (struct area *)(void *)board_retained();
}

static uint8_t *bytes_of(void)
{
	return board_retained() + sizeof(struct area);
}

static uint32_t begin_of(const struct area *a, unsigned item)
{
	return item == 0 ? 0 : a->end[item - 1];
}

static uint32_t crc_of(const struct area *a)
{
	return linkframe_crc32(0, (const uint8_t *)&a->whole,
			       sizeof(*a) - offsetof(struct area, whole));
}

static void drop(void)
{
	area_of()->magic = 0;
}

static void send(void *ctx, const uint8_t *p, size_t len)
{
	(void)ctx;
	board_send(p, len);
}

static enum pvdev_result open(void *ctx, const uint8_t id[PVDEV_LINK_ID_LEN],
			      unsigned items, uint8_t *have)
{
	struct area *a = area_of();
	unsigned i;

	(void)ctx;
	if (items > STAGING_ITEMS_MAX)
		return PVDEV_TOO_LARGE;
	if (a->magic != MAGIC || a->crc != crc_of(a) || a->whole > items ||
	    memcmp(a->id, id, sizeof(a->id)) != 0) {
		memset(a, 0, sizeof(*a));
		memcpy(a->id, id, sizeof(a->id));
		a->crc = crc_of(a);
		a->magic = MAGIC;
	}
	for (i = 0; i < a->whole; i++)
		have[i / 8] |= (uint8_t)(1u << i % 8);
	return PVDEV_OK;
}

/* Items come in turn: a sender goes on with the first that is lacking. */
static enum pvdev_result stage(void *ctx, unsigned item, uint32_t offset,
			       const uint8_t *p, size_t len, bool *whole)
{
	struct area *a = area_of();
	uint32_t begin;
	size_t n;

	(void)ctx;
	if (item != a->whole || item >= STAGING_ITEMS_MAX)
		return PVDEV_CONTAINER;
	begin = begin_of(a, item);
	if (begin > BYTES_MAX || offset > BYTES_MAX - begin ||
	    len > BYTES_MAX - begin - offset)
		return PVDEV_TOO_LARGE;
	memcpy(bytes_of() + begin + offset, p, len);
	n = cbor_item_len(bytes_of() + begin, offset + len, CBOR_DEPTH_LIMIT,
			  NULL);
	if (n == 0)
		return PVDEV_OK;
	if (n != offset + len)
		return PVDEV_CONTAINER;
	a->end[item] = begin + (uint32_t)n;
	a->whole = item + 1;
	a->crc = crc_of(a);
	*whole = true;
	return PVDEV_OK;
}

static enum pvdev_result feed(struct staging *s, const struct area *a,
			      unsigned item)
{
	uint32_t begin = begin_of(a, item), len = a->end[item] - begin;
	uint8_t *p = bytes_of() + begin;

	if (pvdev_item_at(&s->dev, item).kind == PVDEV_ITEM_SEGMENT) {
		/* opened in place: what is staged stays as it came */
		if (len > sizeof(s->work))
			return PVDEV_TOO_LARGE;
		memcpy(s->work, p, len);
		p = s->work;
	}
	return pvdev_feed(&s->dev, item, p, len);
}

static enum pvdev_result receive(struct staging *s, const struct area *a)
{
	struct cbor_bytes manifest = { bytes_of(), a->end[0] };
	struct cbor_bytes descriptor = { bytes_of() + a->end[0],
					 a->end[1] - a->end[0] };
	enum pvdev_result r;
	unsigned i;

	if (a->whole < 2)
		return PVDEV_CONTAINER;
	slots_begin(&s->slots, &s->dev);
	r = pvdev_begin(&s->dev, &s->cfg, manifest, descriptor);
	if (r == PVDEV_OK && pvdev_items(&s->dev) != a->whole)
		r = PVDEV_CONTAINER;
	for (i = 2; i < a->whole && r == PVDEV_OK; i++)
		r = feed(s, a, i);
	if (r == PVDEV_OK)
		r = pvdev_finish(&s->dev);
	if (r != PVDEV_OK)
		pvdev_abort(&s->dev);
	return r;
}

/* This very bundle is active already: its receipt was lost on the way. */
static bool was_taken(struct staging *s, struct pvdev_facts *facts)
{
	return s->dev.verified && slots_facts(&s->slots, facts) &&
	       memcmp(facts->bh, s->dev.facts.bh, sizeof(facts->bh)) == 0;
}

static enum pvdev_result finish(void *ctx)
{
	struct staging *s = ctx;
	struct pvdev_facts facts;
	enum pvdev_result r;

	if (s->before)
		s->before();
	r = receive(s, area_of());
	if (r == PVDEV_OLD_SEQ && was_taken(s, &facts))
		r = pvdev_receipt_of(&s->cfg, &facts, PVDEV_OK, s->receipt,
				     &s->receipt_len);
	else if (pvdev_receipt(&s->dev, s->receipt, &s->receipt_len) !=
		 PVDEV_OK)
		s->receipt_len = 0;
	if (r != PVDEV_OK)
		drop();
	if (s->after)
		s->after(r);
	return r;
}

static size_t receipt(void *ctx, uint32_t offset, uint8_t *p, size_t cap)
{
	struct staging *s = ctx;
	size_t n;

	if (offset >= s->receipt_len)
		return 0;
	n = s->receipt_len - offset;
	n = n < cap ? n : cap;
	memcpy(p, s->receipt + offset, n);
	return n;
}

void staging_init(struct staging *s)
{
	static const struct pvdev_link_port port = {
		.send = send,
		.open = open,
		.stage = stage,
		.finish = finish,
		.receipt = receipt,
	};

	s->cfg.storage = &slots_storage;
	s->cfg.storage_ctx = &s->slots;
	s->cfg.seen = s->seen;
	s->cfg.seen_len = sizeof(s->seen);
	pvdev_link_init(&s->link, &port, s, s->work, sizeof(s->work), s->have,
			sizeof(s->have));
	pvdev_link_hello(&s->link);
}
