/* The device's side of the link, lib/device/link.h. */
#include "tests/unit/unit.h"

#include <string.h>

#include "lib/device/link.h"

#define ITEMS 500 /* needs two answers of the bitmap */
#define ITEM_LEN 10
#define ANSWERS 16

/* A device: each item is ITEM_LEN bytes; what it staged outlives a reset. */
struct device {
	struct pvdev_link link;
	uint8_t frame[128], have[80];
	uint8_t stored_id[PVDEV_LINK_ID_LEN];
	bool stored[ITEMS];
	unsigned opened, finished;
	uint32_t next; /* of the item under way */
	enum pvdev_result open_result, stage_result, finish_result;
	/* What it said. */
	struct linkframe said[ANSWERS];
	uint8_t bytes[ANSWERS][64];
	unsigned n;
};

static void take_answer(void *ctx, const uint8_t *p, size_t len)
{
	struct device *d = ctx;
	struct linkframe_reader r;
	enum linkframe_got got = LINKFRAME_MORE;

	if (len == 1)
		return; /* of a hello */
	ck_assert_uint_lt(d->n, ANSWERS);
	ck_assert_uint_le(len, LINKFRAME_MTU_MIN);
	linkframe_reader_init(&r, d->bytes[d->n], sizeof(d->bytes[0]));
	for (size_t i = 0; i < len; i++)
		got = linkframe_feed(&r, p[i], &d->said[d->n]);
	ck_assert_int_eq(got, LINKFRAME_WHOLE);
	d->n++;
}

static enum pvdev_result open_staging(void *ctx, const uint8_t *id,
				      unsigned items, uint8_t *have)
{
	struct device *d = ctx;

	d->opened++;
	if (memcmp(id, d->stored_id, PVDEV_LINK_ID_LEN) != 0)
		memset(d->stored, 0, sizeof(d->stored));
	memcpy(d->stored_id, id, PVDEV_LINK_ID_LEN);
	for (unsigned i = 0; i < items && i < ITEMS; i++)
		if (d->stored[i])
			have[i / 8] |= (uint8_t)(1u << i % 8);
	return d->open_result;
}

static enum pvdev_result stage(void *ctx, unsigned item, uint32_t offset,
			       const uint8_t *p, size_t len, bool *whole)
{
	struct device *d = ctx;

	ck_assert_uint_lt(item, ITEMS);
	ck_assert(offset == 0 || offset == d->next);
	ck_assert(len > 0 && p[0] == (uint8_t)item);
	d->next = offset + (uint32_t)len;
	if (d->next > ITEM_LEN)
		return PVDEV_CONTAINER;
	*whole = d->stored[item] = d->next == ITEM_LEN;
	return d->stage_result;
}

static enum pvdev_result finish(void *ctx)
{
	struct device *d = ctx;

	d->finished++;
	return d->finish_result;
}

/* 50 bytes: two answers. */
static size_t receipt(void *ctx, uint32_t offset, uint8_t *p, size_t cap)
{
	size_t n = offset < 50 ? 50 - offset : 0;

	(void)ctx;
	n = n < cap ? n : cap;
	memset(p, 0xee, n);
	return n;
}

static const struct pvdev_link_port port = { take_answer, open_staging, stage,
					     finish, receipt };

static void reset(struct device *d)
{
	pvdev_link_init(&d->link, &port, d, d->frame, sizeof(d->frame), d->have,
			sizeof(d->have));
}

static void send(struct device *d, enum linkframe_type type, unsigned item,
		 uint32_t offset, const uint8_t *p, size_t len)
{
	struct linkframe f = { type, (uint16_t)item, offset, p, len };
	uint8_t out[256];
	size_t n = linkframe_put(&f, out, sizeof(out));

	ck_assert_uint_gt(n, 0);
	d->n = 0;
	pvdev_link_take(&d->link, out, n);
}

static void query(struct device *d, unsigned items, uint32_t offset,
		  uint8_t name)
{
	uint8_t id[PVDEV_LINK_ID_LEN];

	memset(id, name, sizeof(id));
	send(d, LINKFRAME_HAVE, items, offset, id, sizeof(id));
}

static void data(struct device *d, unsigned item, uint32_t offset, size_t len)
{
	uint8_t p[64];

	memset(p, (int)item, sizeof(p));
	send(d, LINKFRAME_DATA, item, offset, p, len);
}

/* The one answer. */
static void said(const struct device *d, enum linkframe_type type,
		 unsigned item, uint32_t offset, const char *hex)
{
	char text[128] = "";

	ck_assert_uint_eq(d->n, 1);
	hex_encode(d->said[0].payload, d->said[0].len, text);
	ck_assert_int_eq(d->said[0].type, type);
	ck_assert_uint_eq(d->said[0].item, item);
	ck_assert_uint_eq(d->said[0].offset, offset);
	ck_assert_str_eq(text, hex);
}

static struct device *new_device(void)
{
	static struct device d;

	memset(&d, 0, sizeof(d));
	reset(&d);
	return &d;
}

START_TEST(whole_way)
{
	struct device *d = new_device();
	enum pvdev_result result = PVDEV_STATE;

	query(d, 3, 0, 'a');
	said(d, LINKFRAME_HAVE, 3, 0, "00");
	data(d, 0, 0, 4);
	said(d, LINKFRAME_ACK, 0, 4, "");
	data(d, 0, 0, 4); /* its answer was lost */
	said(d, LINKFRAME_ACK, 0, 4, "");
	data(d, 0, 4, 6);
	said(d, LINKFRAME_ACK, 0, 10, "");
	data(d, 0, 4, 6); /* and this one's */
	said(d, LINKFRAME_ACK, 0, 10, "");
	data(d, 2, 0, 10);
	said(d, LINKFRAME_ACK, 2, 10, "");
	ck_assert(!pvdev_link_ended(&d->link, &result));
	query(d, 3, 0, 'a');
	said(d, LINKFRAME_HAVE, 3, 0, "05");
	send(d, LINKFRAME_DONE, 3, 0, NULL, 0); /* not all is there */
	said(d, LINKFRAME_HAVE, 0, 0, "");
	data(d, 1, 0, 10);
	send(d, LINKFRAME_DONE, 3, 0, NULL, 0);
	ck_assert_uint_eq(d->said[0].len, 2 + 46);
	ck_assert_mem_eq(d->said[0].payload, "\0\0\xee", 3);
	send(d, LINKFRAME_DONE, 3, 46, NULL, 0);
	said(d, LINKFRAME_DONE, 3, 46, "0000eeeeeeee");
	send(d, LINKFRAME_DONE, 3, 50, NULL, 0);
	said(d, LINKFRAME_DONE, 3, 50, "0000");
	ck_assert_uint_eq(d->finished, 1);
	ck_assert(pvdev_link_ended(&d->link, &result));
	ck_assert_int_eq(result, PVDEV_OK);
	/* What makes no sense behind the end changes nothing of it. */
	query(d, 3, 1, 'a');
	said(d, LINKFRAME_NAK, 0, 0, "0006");
	data(d, 3, 0, 4);
	said(d, LINKFRAME_NAK, 3, 0, "0006");
	ck_assert(pvdev_link_ended(&d->link, &result));
	ck_assert_int_eq(result, PVDEV_OK);
	send(d, LINKFRAME_DONE, 3, 50, NULL, 0);
	said(d, LINKFRAME_DONE, 3, 50, "0000");
}
END_TEST

START_TEST(resets)
{
	struct device *d = new_device();

	query(d, 3, 0, 'a');
	data(d, 0, 0, 10);
	data(d, 1, 0, 4);
	reset(d);
	d->n = 0;
	pvdev_link_hello(&d->link);
	said(d, LINKFRAME_HAVE, 0, 0, "");
	data(d, 1, 4, 6); /* it does not know of what */
	said(d, LINKFRAME_HAVE, 0, 0, "");
	send(d, LINKFRAME_DONE, 3, 0, NULL, 0);
	said(d, LINKFRAME_HAVE, 0, 0, "");
	query(d, 3, 0, 'a');
	said(d, LINKFRAME_HAVE, 3, 0, "01");
	data(d, 1, 0, 10); /* from its beginning */
	said(d, LINKFRAME_ACK, 1, 10, "");
	/* A sender that begins again: what was under way begins again. */
	data(d, 2, 0, 4);
	query(d, 3, 0, 'a');
	said(d, LINKFRAME_HAVE, 3, 0, "03");
	data(d, 2, 0, 10);
	said(d, LINKFRAME_ACK, 2, 10, "");
	/* Another container. */
	query(d, 3, 0, 'b');
	said(d, LINKFRAME_HAVE, 3, 0, "00");
}
END_TEST

START_TEST(large_bitmap)
{
	struct device *d = new_device();
	char want[2 * 48 + 1];

	query(d, ITEMS, 0, 'a');
	data(d, 8, 0, 10);
	data(d, 499, 0, 10);
	query(d, ITEMS, 0, 'a');
	memset(want, '0', sizeof(want) - 1);
	want[sizeof(want) - 1] = '\0';
	want[3] = '1';
	said(d, LINKFRAME_HAVE, ITEMS, 0, want);
	query(d, ITEMS, 48, 'a');
	said(d, LINKFRAME_HAVE, ITEMS, 48, "000000000000000000000000000008");
	query(d, ITEMS, 48, 'b'); /* not what was opened */
	said(d, LINKFRAME_HAVE, 0, 0, "");
	query(d, ITEMS - 1, 48, 'a');
	said(d, LINKFRAME_HAVE, 0, 0, "");
	ck_assert_uint_eq(d->opened, 2);
	query(d, ITEMS, 63, 'a');
	said(d, LINKFRAME_NAK, 0, 0, "0006");
}
END_TEST

START_TEST(damage)
{
	struct device *d = new_device();
	uint8_t noise[600];

	memset(noise, 0x55, sizeof(noise));
	noise[9] = noise[20] = 0;
	d->n = 0;
	pvdev_link_take(&d->link, noise, 30);
	ck_assert_uint_eq(d->n, 2);
	noise[9] = noise[20] = 1;
	noise[599] = 0;
	d->n = 0;
	pvdev_link_take(&d->link, noise, 600); /* longer than a frame */
	said(d, LINKFRAME_NAK, 0, 0, "");
	query(d, 3, 0, 'a');
	data(d, 0, 0, 10);
	data(d, 1, 0, 4);
	d->n = 0;
	pvdev_link_take(&d->link, noise + 590, 10);
	said(d, LINKFRAME_NAK, 1, 4, "");
	/* What a sender does not send, and a query without a name. */
	send(d, LINKFRAME_ACK, 1, 4, NULL, 0);
	ck_assert_uint_eq(d->n, 0);
	send(d, LINKFRAME_NAK, 1, 4, NULL, 0);
	ck_assert_uint_eq(d->n, 0);
	send(d, LINKFRAME_HAVE, 3, 0, noise, 31);
	ck_assert_uint_eq(d->n, 0);
	send(d, LINKFRAME_HAVE, 3, 0, NULL, 0);
	ck_assert_uint_eq(d->n, 0);
}
END_TEST

/* Refused for good, until a sender opens a container. */
static void refuses(struct device *d, const char *why)
{
	ck_assert_uint_eq(d->n, 1);
	said(d, LINKFRAME_NAK, d->said[0].item, 0, why);
	data(d, 1, 0, 4);
	said(d, LINKFRAME_NAK, 1, 0, why);
	send(d, LINKFRAME_DONE, 3, 0, NULL, 0);
	said(d, LINKFRAME_NAK, 3, 0, why);
	ck_assert_uint_eq(d->finished, 0);
	query(d, 3, 0, 'a');
	ck_assert_int_eq(d->said[0].type, LINKFRAME_HAVE);
}

START_TEST(refusals)
{
	struct device *d = new_device();

	query(d, 0, 0, 'a');
	refuses(d, "0005");
	query(d, 641, 0, 'a'); /* a bit more than have has */
	refuses(d, "0005");
	d->open_result = PVDEV_STORAGE;
	query(d, 3, 0, 'a');
	d->open_result = PVDEV_OK;
	refuses(d, "0003");
	data(d, 3, 0, 4); /* past the container */
	refuses(d, "0006");
	data(d, 0, 4, 4); /* a gap */
	refuses(d, "0006");
	data(d, 0, 0, 4);
	data(d, 0, 2, 4); /* half of it known */
	refuses(d, "0006");
	data(d, 0, 0, 4);
	data(d, 1, 0, 4); /* before item 0 ends */
	refuses(d, "0006");
	data(d, 0, 0, 0);
	refuses(d, "0006");
	data(d, 0, UINT32_MAX, 4);
	refuses(d, "0006");
	data(d, 0, 0, 11); /* past the item's end */
	refuses(d, "0006");
	d->stage_result = PVDEV_STORAGE;
	data(d, 0, 0, 4);
	d->stage_result = PVDEV_OK;
	refuses(d, "0003");
}
END_TEST

START_TEST(refused_content)
{
	struct device *d = new_device();
	enum pvdev_result result = PVDEV_OK;

	d->finish_result = PVDEV_SEGMENT_TAG;
	query(d, 1, 0, 'a');
	data(d, 0, 0, 10);
	send(d, LINKFRAME_DONE, 1, 0, NULL, 0);
	ck_assert_mem_eq(d->said[0].payload, "\0\x49", 2);
	send(d, LINKFRAME_DONE, 1, 99, NULL, 0);
	said(d, LINKFRAME_DONE, 1, 99, "0049");
	ck_assert_uint_eq(d->finished, 1);
	ck_assert(pvdev_link_ended(&d->link, &result));
	ck_assert_int_eq(result, PVDEV_SEGMENT_TAG);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device_link");
	TCase *tc = tcase_create("device_link");

	tcase_add_test(tc, whole_way);
	tcase_add_test(tc, resets);
	tcase_add_test(tc, large_bitmap);
	tcase_add_test(tc, damage);
	tcase_add_test(tc, refusals);
	tcase_add_test(tc, refused_content);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
