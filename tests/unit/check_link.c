/*
 * The sender's side of the link, lib/seal/link.h, against the device's
 * (lib/device/link.h) over a line that loses, doubles and damages frames, and
 * against devices that lie. Time is what the test says it is.
 */
#include "tests/unit/unit.h"

#include <string.h>

#include "lib/device/link.h"
#include "lib/seal/link.h"
#include "tests/unit/linkline.h"

#define SEALED_TOTAL 120000 /* bytes, of chunks of 256 */
#define CLEARS 2
#define ITEMS (2 + CLEARS + (SEALED_TOTAL + 255) / 256)
#define RECEIPT_LEN 100

enum how {
	HONEST,
	DEAF,
	GARBAGE,
	NAKS,
	PAST_END,
	TOO_LONG,
	ASKS,
	CLAIMS,
	GONE,
	LONG_RECEIPT
};

struct world {
	struct seal_container_view view;
	uint8_t bytes[200000];
	/* the device */
	enum how how;
	struct pvdev_link link;
	uint8_t frame[LINKFRAME_MTU_MAX], have[(ITEMS + 7) / 8];
	bool stored[ITEMS];
	uint32_t next;
	bool claim_all;
	enum pvdev_result open_result, finish_result;
	unsigned finished;
	struct linkframe_reader in; /* of the liars */
	/* the line, to the sender */
	struct linkline line;
	unsigned damage, drop, twice; /* in 1000 frames */
	unsigned reset_every;	      /* frames; 0: never */
	unsigned frames, resets;
	unsigned slow_ms; /* that each frame takes */
	uint64_t random, done, total;
};

static unsigned die(struct world *w)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(w->random >> 33) % 1000;
}

/* What the line makes of a frame; its length then. */
static size_t wire(struct world *w, const uint8_t *p, size_t len,
		   uint8_t out[2 * LINKFRAME_MTU_MAX + 2])
{
	size_t n = len;

	if (die(w) < w->drop)
		return 0;
	memcpy(out, p, len);
	if (die(w) < w->damage)
		out[die(w) % len] = (uint8_t)die(w);
	if (die(w) < w->twice) {
		memcpy(out + len, out, len);
		n += len;
	}
	return n;
}

static void to_sender(void *ctx, const uint8_t *p, size_t len)
{
	static uint8_t out[2 * LINKFRAME_MTU_MAX + 2];
	struct world *w = ctx;
	size_t n = wire(w, p, len, out);

	ck_assert(linkline_say(&w->line, out, n));
}

static enum pvdev_result open_staging(void *ctx, const uint8_t *id,
				      unsigned items, uint8_t *have)
{
	struct world *w = ctx;

	(void)id;
	ck_assert_uint_eq(items, ITEMS);
	for (unsigned i = 0; i < items; i++)
		if (w->stored[i] || w->claim_all)
			have[i / 8] |= (uint8_t)(1u << i % 8);
	return w->open_result;
}

static enum pvdev_result stage(void *ctx, unsigned item, uint32_t offset,
			       const uint8_t *p, size_t len, bool *whole)
{
	struct world *w = ctx;
	struct seal_item want;

	UNIT_OK(seal_container_item(&w->view, item, &want, &err_));
	ck_assert(!w->stored[item]);
	ck_assert(offset == 0 || offset == w->next);
	ck_assert_uint_le(offset + len, want.bytes.len);
	ck_assert_mem_eq(p, want.bytes.p + offset, len);
	w->next = offset + (uint32_t)len;
	w->stored[item] = w->next == want.bytes.len;
	*whole = w->stored[item];
	return PVDEV_OK;
}

static enum pvdev_result finish(void *ctx)
{
	struct world *w = ctx;

	w->finished++;
	for (unsigned i = 0; i < ITEMS; i++)
		ck_assert(w->stored[i] || w->claim_all);
	return w->finish_result;
}

static size_t receipt(void *ctx, uint32_t offset, uint8_t *p, size_t cap)
{
	struct world *w = ctx;
	size_t len = w->how == LONG_RECEIPT ? 100000 : RECEIPT_LEN;
	size_t n = offset < len ? len - offset : 0;

	n = n < cap ? n : cap;
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(offset + i);
	return n;
}

static const struct pvdev_link_port device_port = { to_sender, open_staging,
						    stage, finish, receipt };

static void reset(struct world *w)
{
	pvdev_link_init(&w->link, &device_port, w, w->frame, sizeof(w->frame),
			w->have, sizeof(w->have));
	linkframe_reader_init(&w->in, w->frame, sizeof(w->frame));
}

static void say(struct world *w, const struct linkframe *f)
{
	uint8_t out[LINKFRAME_MTU_MAX];

	to_sender(w, out, linkframe_put(f, out, sizeof(out)));
}

static void lie(struct world *w, const struct linkframe *f)
{
	uint8_t bits[ITEMS / 8 + 9];
	size_t left = sizeof(w->have) - f->offset;
	struct linkframe a = { f->type, f->item, f->offset, bits, 0 };

	memset(bits, 0xff, sizeof(bits));
	if (f->type == LINKFRAME_DATA) {
		a.type = LINKFRAME_ACK;
		a.offset += (uint32_t)f->len;
	} else if (w->how == NAKS) {
		a.type = LINKFRAME_NAK;
	} else if (f->type == LINKFRAME_DONE) {
		a = (struct linkframe){ LINKFRAME_HAVE, 0, 0, NULL, 0 };
	} else if (w->how == ASKS) {
		a.len = f->offset ? 0 : 1;
		a.offset = a.item = 0;
		if (!f->offset)
			a.item = f->item;
	} else {
		a.len = w->how == TOO_LONG ? left + 1 : left;
		if (w->how == CLAIMS)
			bits[left - 1] = 0xff >> (8 * sizeof(w->have) - ITEMS);
	}
	say(w, &a);
}

static enum pv_code send_bytes(void *ctx, struct span b, uint64_t wait_ms,
			       struct err *err)
{
	static uint8_t out[2 * LINKFRAME_MTU_MAX + 2];
	struct world *w = ctx;
	struct linkframe f;
	size_t n;

	ck_assert_uint_gt(wait_ms, 0);
	if (w->how == GONE)
		return err_fail(err, PV_HSM_TEMP, "link.gone", NULL, "gone");
	n = wire(w, b.p, b.len, out);
	w->line.now += w->slow_ms;
	if (w->reset_every && ++w->frames % w->reset_every == 0) {
		reset(w);
		w->resets++;
		if (w->resets % 2)
			pvdev_link_hello(&w->link);
	}
	if (w->how == HONEST || w->how == LONG_RECEIPT)
		pvdev_link_take(&w->link, out, n);
	else if (w->how == GARBAGE)
		to_sender(w, (const uint8_t *)"\x07garbage", 9);
	for (size_t i = 0; i < n && w->how >= NAKS && w->how < GONE; i++)
		if (linkframe_feed(&w->in, out[i], &f) == LINKFRAME_WHOLE)
			lie(w, &f);
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

static void progress(void *ctx, uint64_t done, uint64_t total)
{
	struct world *w = ctx;

	ck_assert_uint_le(done, total);
	w->done = done;
	w->total = total;
}

static const struct seal_link_port port = { send_bytes, receive, now_ms,
					    progress };

/* A container as the parser leaves it; what is in the items is any bytes. */
static struct world *new_world(enum how how)
{
	static struct world w;
	struct seal_container_view *v = &w.view;
	size_t at = 0;

	memset(&w, 0, sizeof(w));
	for (size_t i = 0; i < sizeof(w.bytes); i++)
		w.bytes[i] = (uint8_t)(die(&w) % 7 ? die(&w) : 0);
	v->manifest = (struct span){ w.bytes, 700 };
	v->descriptor = (struct span){ w.bytes + 700, 400 };
	at = 1100;
	v->head.clear_n = CLEARS;
	for (size_t i = 0; i < CLEARS; i++, at += 3000)
		v->clear_at[i] = at;
	v->segments_at = at;
	v->head.sealed_n = 1;
	v->head.sealed[0].chunk = 256;
	v->head.sealed[0].total = SEALED_TOTAL;
	v->items = ITEMS;
	v->bytes = (struct span){ w.bytes,
				  at + seal_segments_len(SEALED_TOTAL, 256) };
	w.how = how;
	reset(&w);
	return &w;
}

static enum pv_code transfer(struct world *w, size_t mtu, unsigned tries,
			     struct buf *got, struct seal_link_counts *counts,
			     struct err *err)
{
	const struct seal_link_opts opts = { &port, w, mtu, tries, 100 };
	struct seal_link *l = NULL;
	enum pv_code rc;

	err_init(err);
	unit_ok(seal_link_new(&opts, &w->view, &l, err), err);
	rc = seal_link_meet(l, err);
	if (rc == PV_OK)
		rc = seal_link_run(l, got, err);
	if (counts)
		*counts = seal_link_counts(l);
	seal_link_free(l);
	return rc;
}

static void arrives(struct world *w, size_t mtu, unsigned tries,
		    struct seal_link_counts *counts)
{
	struct buf got;
	struct err err;

	buf_init(&got, 4096);
	unit_ok(transfer(w, mtu, tries, &got, counts, &err), &err);
	ck_assert_uint_eq(got.len, RECEIPT_LEN);
	for (size_t i = 0; i < got.len; i++)
		ck_assert_uint_eq(got.data[i], i);
	for (unsigned i = 0; i < ITEMS; i++)
		ck_assert(w->stored[i] || w->claim_all);
	ck_assert_uint_eq(w->done, w->total);
	buf_release(&got);
}

START_TEST(clean_line)
{
	static const size_t mtus[] = { 64, 65, 300, 1100, 4096 };
	struct seal_link_counts c;

	for (size_t i = 0; i < 5; i++) {
		struct world *w = new_world(HONEST);

		arrives(w, mtus[i], 1, &c);
		ck_assert_uint_eq(c.items, ITEMS);
		ck_assert_uint_eq(c.had, 0);
		ck_assert_uint_eq(c.repeated, 0);
		ck_assert_uint_eq(w->line.now, 0);
		ck_assert_uint_eq(w->finished, 1);
	}
	ck_assert_uint_lt(c.frames, ITEMS + 10); /* one each at 4096 */
}
END_TEST

START_TEST(lossy_line)
{
	struct seal_link_counts c;
	unsigned resets = 0;

	for (unsigned seed = 0; seed < 6; seed++) {
		struct world *w = new_world(HONEST);

		w->random = seed;
		w->damage = 50;
		w->drop = w->twice = 20;
		w->reset_every = seed < 3 ? 0 : 97 + 40 * seed;
		arrives(w, seed % 2 ? 4096 : 256, 12, &c);
		ck_assert_uint_gt(c.repeated, 10);
		resets += w->resets;
	}
	ck_assert_uint_ge(resets, 6);
}
END_TEST

/* It is cut off, and another sender goes on with what the device has. */
START_TEST(goes_on)
{
	struct world *w = new_world(HONEST);
	struct seal_link_counts c;

	for (unsigned i = 0; i < ITEMS; i += 2)
		w->stored[i] = true;
	arrives(w, 512, 2, &c);
	ck_assert_uint_eq(c.had, (ITEMS + 1) / 2);
	reset(w);
	arrives(w, 512, 2, &c); /* once more: nothing to send */
	ck_assert_uint_eq(c.had, ITEMS);
	ck_assert_uint_lt(c.frames, 10);
}
END_TEST

static void fails(struct world *w, enum pv_code code, const char *rule)
{
	struct err err;

	unit_refused(transfer(w, 512, 4, NULL, NULL, &err), code, rule, &err);
}

START_TEST(no_answers)
{
	struct world *w = new_world(DEAF);

	fails(w, PV_HSM_TEMP, "link.silent");
	ck_assert_uint_eq(w->line.now, 100 + 200 + 400 + 800);
	fails(new_world(GARBAGE), PV_HSM_TEMP, "link.noise");
	fails(new_world(NAKS), PV_HSM_TEMP, "link.noise");
	fails(new_world(GONE), PV_HSM_TEMP, "link.gone");
}
END_TEST

/* The wait doubles no further than to its cap. */
START_TEST(wait_cap)
{
	struct world *w = new_world(DEAF);
	struct err err;

	unit_refused(transfer(w, 512, 9, NULL, NULL, &err), PV_HSM_TEMP,
		     "link.silent", &err);
	ck_assert_uint_eq(w->line.now, 100 * 127 + 8000 * 2);
}
END_TEST

START_TEST(liars)
{
	struct world *w;

	fails(new_world(PAST_END), PV_INTEGRITY, "link.lies");
	fails(new_world(TOO_LONG), PV_INTEGRITY, "link.lies");
	fails(new_world(CLAIMS), PV_INTEGRITY, "link.lies");
	fails(new_world(ASKS), PV_HSM_TEMP, "link.reset");
	/* It has never heard of an item that it said to have. */
	w = new_world(HONEST);
	w->claim_all = true;
	w->finish_result = PVDEV_MAC;
	fails(w, PV_INTEGRITY, "link.lies");
	w = new_world(HONEST);
	w->finish_result = PVDEV_MAC;
	fails(w, PV_INTEGRITY, "link.refused");
	w = new_world(HONEST);
	w->claim_all = true;
	w->finish_result = PVDEV_OTHER_DEVICE;
	fails(w, PV_INTEGRITY, "link.refused");
	w = new_world(HONEST);
	w->open_result = PVDEV_TOO_LARGE;
	fails(w, PV_INTEGRITY, "link.refused");
}
END_TEST

/* Resets after each other, and nothing is kept: it ends. */
START_TEST(resets_for_ever)
{
	struct world *w = new_world(HONEST);

	w->reset_every = 2;
	fails(w, PV_HSM_TEMP, "link.reset");
	/* Each answer comes in time, all of them do not. */
	w = new_world(HONEST);
	w->slow_ms = 5000;
	fails(w, PV_HSM_TEMP, "link.slow");
	ck_assert_uint_lt(w->line.now, 1000000);
}
END_TEST

START_TEST(long_receipt)
{
	struct world *w = new_world(LONG_RECEIPT);
	struct buf got;
	struct err err;

	buf_init(&got, 4096);
	unit_refused(transfer(w, 512, 4, &got, NULL, &err), PV_INTEGRITY,
		     "link.receipt", &err);
	buf_release(&got);
}
END_TEST

START_TEST(bad_options)
{
	static const struct {
		size_t mtu;
		unsigned tries;
		uint64_t wait_ms;
		const char *rule;
	} bad[] = {
		{ 63, 4, 1, "link.mtu" },      { 4097, 4, 1, "link.mtu" },
		{ 0, 4, 1, "link.mtu" },       { 64, 0, 1, "link.tries" },
		{ 64, 101, 1, "link.tries" },  { 64, 4, 0, "link.wait" },
		{ 64, 4, 60001, "link.wait" },
	};
	struct world *w = new_world(HONEST);
	struct seal_link *l = NULL;
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct seal_link_opts o = { &port, w, bad[i].mtu,
						  bad[i].tries,
						  bad[i].wait_ms };

		err_init(&err);
		unit_refused(seal_link_new(&o, &w->view, &l, &err), PV_USAGE,
			     bad[i].rule, &err);
	}
	w->view.items = SEAL_LINK_ITEMS_MAX + 1;
	err_init(&err);
	unit_refused(
		seal_link_new(&(struct seal_link_opts){ &port, w, 64, 1, 1 },
			      &w->view, &l, &err),
		PV_INPUT, "link.items", &err);
	ck_assert(!l);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("link");
	TCase *tc = tcase_create("link");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, clean_line);
	tcase_add_test(tc, lossy_line);
	tcase_add_test(tc, goes_on);
	tcase_add_test(tc, no_answers);
	tcase_add_test(tc, wait_cap);
	tcase_add_test(tc, liars);
	tcase_add_test(tc, resets_for_ever);
	tcase_add_test(tc, long_receipt);
	tcase_add_test(tc, bad_options);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
