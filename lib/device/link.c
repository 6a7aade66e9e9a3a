#include "lib/device/link.h"

#include "lib/base/cbor_mem.h"

#define HAVE_PART 48	/* bytes of the bitmap in one answer */
#define RECEIPT_PART 46 /* of the receipt, behind the result */
#define RESULT_LEN 2

static void answer(struct pvdev_link *l, enum linkframe_type type,
		   unsigned item, uint32_t offset, const uint8_t *p, size_t len)
{
	struct linkframe f = { type, (uint16_t)item, offset, p, len };
	uint8_t out[LINKFRAME_MTU_MIN];

	l->port->send(l->ctx, out, linkframe_put(&f, out, sizeof(out)));
}

/* "Tell me first what you are about to send." */
static void ask(struct pvdev_link *l)
{
	answer(l, LINKFRAME_HAVE, 0, 0, NULL, 0);
}

static void put_result(uint8_t out[RESULT_LEN], enum pvdev_result result)
{
	out[0] = (uint8_t)((unsigned)result >> 8);
	out[1] = (uint8_t)result;
}

/* For good: until a sender opens a container. */
static void refuse(struct pvdev_link *l, unsigned item,
		   enum pvdev_result result)
{
	uint8_t out[RESULT_LEN];

	/* What finish said stands. */
	if (!l->ended)
		l->result = result;
	put_result(out, result);
	answer(l, LINKFRAME_NAK, item, 0, out, sizeof(out));
}

static bool has(const struct pvdev_link *l, unsigned item)
{
	return (l->have[item / 8] >> item % 8 & 1) != 0;
}

static bool has_all(const struct pvdev_link *l)
{
	unsigned i;

	for (i = 0; i < l->items; i++) {
		if (!has(l, i))
			return false;
	}
	return true;
}

static void open_container(struct pvdev_link *l, const struct linkframe *f)
{
	enum pvdev_result result;

	l->items = 0;
	l->next = 0;
	l->ended = false;
	l->result = PVDEV_OK;
	if (f->item == 0 || f->item > 8 * l->have_len) {
		refuse(l, 0, PVDEV_TOO_LARGE);
		return;
	}
	memset(l->have, 0, l->have_len);
	memcpy(l->id, f->payload, sizeof(l->id));
	result = l->port->open(l->ctx, l->id, f->item, l->have);
	if (result != PVDEV_OK) {
		refuse(l, 0, result);
		return;
	}
	l->items = f->item;
}

static void take_have(struct pvdev_link *l, const struct linkframe *f)
{
	size_t total, n;

	if (f->len != PVDEV_LINK_ID_LEN)
		return;
	if (f->offset == 0) {
		open_container(l, f);
		if (l->items == 0)
			return;
	} else if (l->items != f->item ||
		   memcmp(l->id, f->payload, sizeof(l->id)) != 0) {
		ask(l);
		return;
	}
	total = (l->items + 7) / 8;
	if (f->offset >= total) {
		refuse(l, 0, PVDEV_CONTAINER);
		return;
	}
	n = total - f->offset;
	answer(l, LINKFRAME_HAVE, l->items, f->offset, l->have + f->offset,
	       n < HAVE_PART ? n : HAVE_PART);
}

/* Behind the bytes that are there, or among them: its answer was lost, or it
 * was doubled on its way. */
static bool in_place(const struct pvdev_link *l, const struct linkframe *f,
		     uint32_t end)
{
	if (f->item >= l->items || f->len == 0 || end <= f->offset)
		return false;
	if (has(l, f->item))
		return true;
	if (l->next > 0 && l->item != f->item)
		return false;
	return f->offset == l->next || end <= l->next;
}

static void take_data(struct pvdev_link *l, const struct linkframe *f)
{
	uint32_t end = f->offset + (uint32_t)f->len;
	enum pvdev_result result;
	bool whole = false;

	if (!in_place(l, f, end)) {
		refuse(l, f->item, PVDEV_CONTAINER);
		return;
	}
	if (has(l, f->item) || end <= l->next) {
		answer(l, LINKFRAME_ACK, f->item, end, NULL, 0);
		return;
	}
	result = l->port->stage(l->ctx, f->item, f->offset, f->payload, f->len,
				&whole);
	if (result != PVDEV_OK) {
		refuse(l, f->item, result);
		return;
	}
	l->item = f->item;
	l->next = whole ? 0 : end;
	if (whole)
		l->have[f->item / 8] |= (uint8_t)(1u << f->item % 8);
	answer(l, LINKFRAME_ACK, f->item, end, NULL, 0);
}

static void take_done(struct pvdev_link *l, const struct linkframe *f)
{
	uint8_t out[RESULT_LEN + RECEIPT_PART];
	size_t n = 0;

	if (!l->ended && !has_all(l)) {
		ask(l);
		return;
	}
	if (!l->ended) {
		l->result = l->port->finish(l->ctx);
		l->ended = true;
	}
	put_result(out, l->result);
	if (l->port->receipt)
		n = l->port->receipt(l->ctx, f->offset, out + RESULT_LEN,
				     RECEIPT_PART);
	answer(l, LINKFRAME_DONE, l->items, f->offset, out, RESULT_LEN + n);
}

static void take(struct pvdev_link *l, const struct linkframe *f)
{
	if (f->type == LINKFRAME_HAVE)
		take_have(l, f);
	else if (f->type != LINKFRAME_DATA && f->type != LINKFRAME_DONE)
		return; /* a sender sends no others */
	else if (l->result != PVDEV_OK && !l->ended)
		refuse(l, f->item, l->result);
	else if (l->items == 0)
		ask(l);
	else if (f->type == LINKFRAME_DATA)
		take_data(l, f);
	else
		take_done(l, f);
}

void pvdev_link_init(struct pvdev_link *l, const struct pvdev_link_port *port,
		     void *ctx, uint8_t *frame, size_t frame_len, uint8_t *have,
		     size_t have_len)
{
	memset(l, 0, sizeof(*l));
	l->port = port;
	l->ctx = ctx;
	l->have = have;
	l->have_len = have_len;
	/* The 00 that ends a frame is not kept. */
	linkframe_reader_init(&l->in, frame, frame_len - 1);
}

void pvdev_link_hello(struct pvdev_link *l)
{
	static const uint8_t end = 0; /* of what the reset cut off */

	l->port->send(l->ctx, &end, 1);
	ask(l);
}

void pvdev_link_take(struct pvdev_link *l, const uint8_t *p, size_t len)
{
	struct linkframe f;
	size_t i;

	for (i = 0; i < len; i++) {
		switch (linkframe_feed(&l->in, p[i], &f)) {
		case LINKFRAME_WHOLE:
			take(l, &f);
			break;
		case LINKFRAME_DAMAGED:
			answer(l, LINKFRAME_NAK, l->item, l->next, NULL, 0);
			break;
		default:
			break;
		}
	}
}

bool pvdev_link_ended(const struct pvdev_link *l, enum pvdev_result *result)
{
	*result = l->result;
	return l->ended;
}
