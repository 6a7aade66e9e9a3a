#include "lib/seal/link_impl.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"

#define CONTENTS_FROM 60 /* results about contents: provctl-bundle(5), 4 */

static enum pv_code check_opts(const struct seal_link_opts *o, struct err *err)
{
	if (o->mtu < LINKFRAME_MTU_MIN || o->mtu > LINKFRAME_MTU_MAX)
		return err_fail(err, PV_USAGE, "link.mtu",
				"as many as the device takes, see its manual",
				"the MTU is %d to %d bytes, not %zu",
				LINKFRAME_MTU_MIN, LINKFRAME_MTU_MAX, o->mtu);
	if (o->tries < 1 || o->tries > SEAL_LINK_TRIES_MAX)
		return err_fail(err, PV_USAGE, "link.tries", NULL,
				"tries are 1 to %d", SEAL_LINK_TRIES_MAX);
	if (o->wait_ms < 1 || o->wait_ms > SEAL_LINK_WAIT_MAX_MS)
		return err_fail(err, PV_USAGE, "link.wait", NULL,
				"the wait is 1 to %d ms",
				SEAL_LINK_WAIT_MAX_MS);
	return PV_OK;
}

CLEANUP_PTR(struct seal_link, seal_link_free);

enum pv_code seal_link_new(const struct seal_link_opts *opts,
			   const struct seal_container_view *view,
			   struct seal_link **l, struct err *err)
{
	CLEANUP(cleanup_seal_link_free) struct seal_link *n = NULL;
	enum pv_code rc = check_opts(opts, err);

	if (rc != PV_OK)
		return rc;
	if (view->items > SEAL_LINK_ITEMS_MAX)
		return err_fail(err, PV_INPUT, "link.items",
				"give it out with `export bundle'",
				"a link takes %d items, and the bundle has %u",
				SEAL_LINK_ITEMS_MAX, view->items);
	n = mem_new(sizeof(*n), err);
	if (!n)
		return PV_INTERNAL;
	n->opts = *opts;
	n->view = view;
	n->counts.items = view->items;
	linkframe_reader_init(&n->in, n->frame, sizeof(n->frame));
	rc = sha256(view->bytes, n->id, err);
	if (rc == PV_OK)
		*l = TAKE(n);
	return rc;
}

void seal_link_free(struct seal_link *l)
{
	free(l);
}

struct seal_link_counts seal_link_counts(const struct seal_link *l)
{
	return l->counts;
}

static bool has(const struct seal_link *l, uint32_t item)
{
	return (l->have[item / 8] >> item % 8 & 1) != 0;
}

static uint32_t count_items(const struct seal_link *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->view->items; i++)
		n += has(l, i);
	return n;
}

static enum pv_code lies(struct err *err, const char *what)
{
	return err_fail(err, PV_INTEGRITY, "link.lies",
			"have its staging erased; do not trust that device",
			"the device %s", what);
}

/* One part of the bitmap behind the at bytes that there are; their number is
 * *at then, or 0 when it asked to begin anew. */
static enum pv_code ask_part(struct seal_link *l, size_t total, size_t *at,
			     struct err *err)
{
	const struct linkframe q = { LINKFRAME_HAVE, (uint16_t)l->view->items,
				     (uint32_t)*at, l->id, sizeof(l->id) };
	struct linkframe a;
	bool anew;
	enum pv_code rc = link_exchange(l, &q, &a, &anew, err);

	if (rc != PV_OK)
		return rc;
	if (anew) {
		*at = 0;
		return PV_OK;
	}
	if (a.len > total - *at)
		return lies(err, "says that it has items past the bundle's "
				 "end");
	memcpy(l->have + *at, a.payload, a.len);
	*at += a.len;
	return PV_OK;
}

static enum pv_code ask_all(struct seal_link *l, struct err *err)
{
	size_t total = (l->view->items + 7) / 8, at = 0;
	unsigned anew = 0;
	enum pv_code rc = PV_OK;

	memset(l->have, 0, sizeof(l->have));
	while (rc == PV_OK && at < total) {
		rc = ask_part(l, total, &at, err);
		if (rc == PV_OK && at == 0 && ++anew == l->opts.tries)
			return link_reset(l, err);
	}
	if (rc != PV_OK)
		return rc;
	for (uint32_t i = l->view->items; i < 8 * total; i++)
		if (has(l, i))
			return lies(err, "says that it has items past the "
					 "bundle's end");
	return PV_OK;
}

enum pv_code seal_link_meet(struct seal_link *l, struct err *err)
{
	enum pv_code rc = ask_all(l, err);

	if (rc == PV_OK)
		l->counts.had = l->most = count_items(l);
	return rc;
}

static void tell(const struct seal_link *l, uint64_t done)
{
	if (l->opts.port->progress)
		l->opts.port->progress(l->opts.ctx, done, l->view->bytes.len);
}

static enum pv_code send_item(struct seal_link *l, const struct seal_item *item,
			      uint32_t index, uint64_t done, bool *anew,
			      struct err *err)
{
	size_t most = linkframe_payload_max(l->opts.mtu), at = 0;
	enum pv_code rc = PV_OK;

	*anew = false;
	while (rc == PV_OK && !*anew && at < item->bytes.len) {
		size_t left = item->bytes.len - at;
		const struct linkframe f = { LINKFRAME_DATA, (uint16_t)index,
					     (uint32_t)at, item->bytes.p + at,
					     left < most ? left : most };
		struct linkframe a;

		rc = link_exchange(l, &f, &a, anew, err);
		at += f.len;
		tell(l, done + at);
	}
	return rc;
}

static enum pv_code send_missing(struct seal_link *l, bool *anew,
				 struct err *err)
{
	struct seal_item item;
	uint64_t done = 0;
	enum pv_code rc = PV_OK;

	*anew = false;
	for (uint32_t i = 0; rc == PV_OK && !*anew && i < l->view->items; i++) {
		rc = seal_container_item(l->view, i, &item, err);
		if (rc == PV_OK && !has(l, i)) {
			rc = send_item(l, &item, i, done, anew, err);
			l->sent[i / 8] |= (uint8_t)(1u << i % 8);
		}
		done += item.bytes.len;
		tell(l, done);
	}
	return rc;
}

/* Result, and the receipt from offset on; *n of its bytes came. */
static enum pv_code send_done(struct seal_link *l, struct buf *receipt,
			      size_t *n, bool *anew, struct err *err)
{
	const struct linkframe f = { LINKFRAME_DONE, (uint16_t)l->view->items,
				     receipt ? (uint32_t)receipt->len : 0, NULL,
				     0 };
	struct linkframe a;
	enum pv_code rc = link_exchange(l, &f, &a, anew, err);

	*n = 0;
	if (rc != PV_OK || *anew)
		return rc;
	l->result = (unsigned)a.payload[0] << 8 | a.payload[1];
	if (receipt) {
		*n = a.len - LINK_RESULT_LEN;
		buf_put(receipt, a.payload + LINK_RESULT_LEN, *n);
		if (receipt->len > SEAL_RECEIPT_MAX)
			return err_fail(err, PV_INTEGRITY, "link.receipt", NULL,
					"what the device gives as receipt is "
					"longer than %d bytes",
					SEAL_RECEIPT_MAX);
		rc = buf_check(receipt, err);
	}
	return rc;
}

static enum pv_code finish(struct seal_link *l, struct buf *receipt, bool *anew,
			   struct err *err)
{
	size_t n;
	enum pv_code rc;

	if (receipt)
		buf_reset(receipt);
	do {
		rc = send_done(l, receipt, &n, anew, err);
	} while (rc == PV_OK && !*anew && n > 0);
	return rc;
}

/* An item that it has from somebody else, or from before. */
static bool claimed(const struct seal_link *l)
{
	for (uint32_t i = 0; i < l->view->items; i++)
		if (!(l->sent[i / 8] >> i % 8 & 1))
			return true;
	return false;
}

static enum pv_code judge(const struct seal_link *l, struct err *err)
{
	if (l->result == 0)
		return PV_OK;
	if (l->result >= CONTENTS_FROM && claimed(l))
		return lies(err, "said that it has items whose contents its "
				 "receiver refuses");
	return link_refused(l->result, err);
}

/* After it asked: what it has now, and whether that gets anywhere. */
static enum pv_code begin_anew(struct seal_link *l, bool at_done,
			       struct err *err)
{
	enum pv_code rc = ask_all(l, err);
	uint32_t n;

	if (rc != PV_OK)
		return rc;
	n = count_items(l);
	if (n > l->most) {
		l->most = n;
		l->idle = 0;
		return PV_OK;
	}
	if (++l->idle < l->opts.tries)
		return PV_OK;
	return at_done && n == l->view->items
		       ? lies(err, "says that it has all items, and lacks some "
				   "when it is to take them")
		       : link_reset(l, err);
}

enum pv_code seal_link_run(struct seal_link *l, struct buf *receipt,
			   struct err *err)
{
	enum pv_code rc;
	bool anew, at_done;

	for (;;) {
		rc = send_missing(l, &anew, err);
		at_done = rc == PV_OK && !anew;
		if (at_done)
			rc = finish(l, receipt, &anew, err);
		if (rc == PV_OK && !anew)
			return judge(l, err);
		if (rc == PV_OK)
			rc = begin_anew(l, at_done, err);
		if (rc != PV_OK)
			return rc;
	}
}
