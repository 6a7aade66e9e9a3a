/*
 * Any device at the other end of a link (lib/seal/link.h). The input is a list
 * of records, which answer what the sender sends: raw bytes, frames with a
 * right CRC, the answer that fits, silence. Whatever comes: it ends, within the
 * time that its tries allow, and a bundle counts as taken only with every item
 * sent or claimed and a result of 0.
 */
#include <string.h>

#include "lib/seal/link.h"
#include "lib/seal/receipt.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/linkline.h"

#define TRIES 3
#define WAIT_MS 10
#define SEALED_TOTAL 3000
#define BYTES 16384

struct world {
	const uint8_t *p; /* records */
	size_t len, at;
	struct seal_container_view view;
	bool done; /* a DONE with result 0 was answered */
	unsigned sent;
	uint8_t bytes[BYTES];
	struct linkline line;
};

static void say(struct world *w, const uint8_t *p, size_t len)
{
	(void)linkline_say(&w->line, p, len);
}

static void say_frame(struct world *w, const struct linkframe *f)
{
	uint8_t out[512];

	w->done = w->done || (f->type == LINKFRAME_DONE && f->len >= 2 &&
			      f->payload[0] == 0 && f->payload[1] == 0);
	say(w, out, linkframe_put(f, out, sizeof(out)));
}

static void say_record(struct world *w, unsigned type, const uint8_t *p,
		       size_t len)
{
	struct linkframe f = { (enum linkframe_type)type, 0, 0, p + 6, 0 };

	if (len < 6)
		return;
	f.item = (uint16_t)((unsigned)p[0] << 8 | p[1]);
	f.offset = (uint32_t)p[2] << 24 | (uint32_t)p[3] << 16 |
		   (uint32_t)p[4] << 8 | p[5];
	f.len = len - 6;
	say_frame(w, &f);
}

/* What an honest device says; of the bitmap and the receipt, p. */
static void say_fit(struct world *w, const struct linkframe *sent,
		    const uint8_t *p, size_t len)
{
	struct linkframe f = { sent->type, sent->item, sent->offset, p, len };

	if (sent->type == LINKFRAME_DATA) {
		f.type = LINKFRAME_ACK;
		f.offset += (uint32_t)sent->len;
		f.len = 0;
	}
	say_frame(w, &f);
}

static enum pv_code send_bytes(void *ctx, struct span b, uint64_t wait_ms,
			       struct err *err)
{
	uint8_t frame[LINKFRAME_MTU_MAX];
	struct world *w = ctx;
	struct linkframe_reader r;
	struct linkframe sent;
	bool more = true;

	(void)err;
	FUZZ_CHECK(wait_ms > 0 && b.len <= 1 + 256);
	linkframe_reader_init(&r, frame, sizeof(frame));
	for (size_t i = 0; i < b.len; i++) {
		enum linkframe_got got = linkframe_feed(&r, b.p[i], &sent);

		FUZZ_CHECK((got == LINKFRAME_WHOLE) == (i + 1 == b.len));
	}
	w->sent++;
	while (more && w->at + 2 <= w->len) {
		unsigned op = w->p[w->at] & 7;
		size_t n = w->p[w->at + 1];

		more = w->p[w->at] & 8;
		w->at += 2;
		if (n > w->len - w->at)
			n = w->len - w->at;
		if (op == 0)
			say(w, w->p + w->at, n);
		else if (op <= LINKFRAME_DONE)
			say_record(w, op, w->p + w->at, n);
		else if (op == 6)
			say_fit(w, &sent, w->p + w->at, n);
		w->at += n;
	}
	return PV_OK;
}

static enum pv_code receive(void *ctx, uint8_t *p, size_t cap, uint64_t wait_ms,
			    size_t *n, struct err *err)
{
	struct world *w = ctx;

	(void)err;
	*n = linkline_receive(&w->line, p, cap, wait_ms);
	return PV_OK;
}

static uint64_t now_ms(void *ctx)
{
	return ((struct world *)ctx)->line.now;
}

static const struct seal_link_port port = { send_bytes, receive, now_ms, NULL };

/* A container as the parser leaves it. */
static void make_view(struct world *w)
{
	struct seal_container_view *v = &w->view;

	memset(w->bytes, 0x42, sizeof(w->bytes));
	v->manifest = (struct span){ w->bytes, 300 };
	v->descriptor = (struct span){ w->bytes + 300, 300 };
	v->segments_at = 600;
	v->head.sealed_n = 1;
	v->head.sealed[0].chunk = 256;
	v->head.sealed[0].total = SEALED_TOTAL;
	v->items = 2 + (SEALED_TOTAL + 255) / 256;
	v->bytes = (struct span){ w->bytes, 600 + (size_t)seal_segments_len(
							  SEALED_TOTAL, 256) };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct world w;
	const struct seal_link_opts opts = { &port, &w, 256, TRIES, WAIT_MS };
	struct seal_link *l = NULL;
	struct buf receipt;
	struct err err;
	enum pv_code rc;

	memset(&w, 0, offsetof(struct world, bytes));
	linkline_reset(&w.line);
	w.p = data;
	w.len = len;
	make_view(&w);
	err_init(&err);
	buf_init(&receipt, 4096);
	FUZZ_CHECK(seal_link_new(&opts, &w.view, &l, &err) == PV_OK);
	rc = seal_link_meet(l, &err);
	if (rc == PV_OK)
		rc = seal_link_run(l, &receipt, &err);
	FUZZ_CHECK(rc == PV_OK || rc == PV_HSM_TEMP || rc == PV_INTEGRITY);
	FUZZ_CHECK(rc == err.code);
	FUZZ_CHECK(rc != PV_OK || w.done);
	FUZZ_CHECK(rc != PV_OK || receipt.len <= SEAL_RECEIPT_MAX);
	/* The input ends, and then so does it. */
	FUZZ_CHECK(w.sent <= len + TRIES);
	FUZZ_CHECK(w.line.now <= (uint64_t)w.sent * SEAL_LINK_WAIT_CAP_MS);
	buf_release(&receipt);
	seal_link_free(l);
	return 0;
}
