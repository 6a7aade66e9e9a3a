#include "lib/device/container.h"

#include "lib/device/impl.h"

#define FIRST_CLEAR 2u /* items 0 and 1: manifest and descriptor */

void pvdev_container_init(struct pvdev_container *c, const uint8_t *p,
			  size_t len)
{
	c->p = p;
	c->len = len;
	c->pos = 0;
}

bool pvdev_container_next(struct pvdev_container *c, struct cbor_bytes *item)
{
	size_t n;

	if (c->pos >= c->len)
		return false;
	n = cbor_item_len(c->p + c->pos, c->len - c->pos, CBOR_DEPTH_MAX, NULL);
	if (n == 0)
		return false;
	item->p = c->p + c->pos;
	item->len = n;
	c->pos += n;
	return true;
}

bool pvdev_container_broken(const struct pvdev_container *c)
{
	return c->pos < c->len;
}

uint64_t pvdev_items(const struct pvdev *d)
{
	uint64_t n = FIRST_CLEAR + d->clear_n;
	unsigned i;

	for (i = 0; i < d->sealed_n; i++)
		n += pvdev_segments(&d->comp[i]);
	return n;
}

struct pvdev_item pvdev_item_at(const struct pvdev *d, uint64_t n)
{
	struct pvdev_item item = { PVDEV_ITEM_NONE, 0, 0 };
	unsigned i;

	if (n < FIRST_CLEAR) {
		item.kind =
			n == 0 ? PVDEV_ITEM_MANIFEST : PVDEV_ITEM_DESCRIPTOR;
		return item;
	}
	n -= FIRST_CLEAR;
	if (n < d->clear_n) {
		item.kind = PVDEV_ITEM_CLEAR;
		item.component = (unsigned)n;
		return item;
	}
	n -= d->clear_n;
	for (i = 0; i < d->sealed_n; i++) {
		if (n < pvdev_segments(&d->comp[i])) {
			item.kind = PVDEV_ITEM_SEGMENT;
			item.component = i;
			item.segment = (uint32_t)n;
			return item;
		}
		n -= pvdev_segments(&d->comp[i]);
	}
	return item;
}

static enum pvdev_result feed_clear(struct pvdev *d, unsigned j,
				    const uint8_t *bytes, size_t len)
{
	struct cbor_reader r;
	struct cbor_bytes body;

	cbor_reader_init(&r, bytes, len);
	if (!cbor_get_bstr(&r, &body) || !cbor_done(&r))
		return pvdev_ended(d, PVDEV_CONTAINER);
	return pvdev_clear(d, j, body.p, body.len);
}

enum pvdev_result pvdev_feed(struct pvdev *d, uint64_t n, uint8_t *bytes,
			     size_t len)
{
	struct pvdev_item item = pvdev_item_at(d, n);
	uint32_t k;

	if (d->state != PVDEV_RECEIVING)
		return PVDEV_STATE;
	switch (item.kind) {
	case PVDEV_ITEM_CLEAR:
		return feed_clear(d, item.component, bytes, len);
	case PVDEV_ITEM_SEGMENT:
		if (pvdev_segment_number(bytes, len, &k) && k != item.segment)
			return pvdev_ended(d, PVDEV_CONTAINER);
		return pvdev_segment(d, item.component, bytes, len);
	default:
		return pvdev_ended(d, PVDEV_CONTAINER);
	}
}
