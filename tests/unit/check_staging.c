/*
 * The example's staging on a host: what comes over the line without being
 * signed, and what a reset has left of what was kept.
 */
#include "tests/unit/unit.h"

#include <string.h>

#include "docs/firmware/board.h"
#include "docs/firmware/staging.h"
#include "lib/base/linkframe.h"

#define SLOT_LEN 4096u

static uint64_t retained[BOARD_RETAINED_LEN / sizeof(uint64_t)];

uint8_t *board_retained(void)
{
	return (uint8_t *)retained;
}

static struct linkframe_reader answers;
static uint8_t room[512];
static unsigned kept; /* items that the device says it has */

void board_send(const uint8_t *p, size_t len)
{
	struct linkframe f;

	for (size_t i = 0; i < len; i++)
		if (linkframe_feed(&answers, p[i], &f) == LINKFRAME_WHOLE &&
		    f.type == LINKFRAME_HAVE && f.len > 0)
			kept = (f.payload[0] & 1) + (f.payload[0] >> 1 & 1);
}

static unsigned erases;

static bool erase(void *ctx, unsigned slot)
{
	(void)ctx;
	(void)slot;
	erases++;
	return true;
}

static bool program(void *ctx, unsigned slot, uint32_t offset, const uint8_t *p,
		    size_t len)
{
	(void)ctx;
	(void)slot;
	(void)offset;
	(void)p;
	(void)len;
	return false;
}

static bool read_at(void *ctx, unsigned slot, uint32_t offset, uint8_t *p,
		    size_t len)
{
	(void)ctx;
	(void)slot;
	(void)offset;
	memset(p, 0xff, len);
	return true;
}

static const struct slots_flash flash = { erase, program, read_at, SLOT_LEN };

static void reset(struct staging *s)
{
	memset(s, 0, sizeof(*s));
	linkframe_reader_init(&answers, room, sizeof(room));
	ck_assert(slots_init(&s->slots, &flash, NULL));
	staging_init(s);
}

static void feed(struct staging *s, enum linkframe_type type, unsigned item,
		 const void *p, size_t len)
{
	const struct linkframe f = { type, (uint16_t)item, 0, p, len };
	uint8_t out[256];

	pvdev_link_take(&s->link, out, linkframe_put(&f, out, sizeof(out)));
}

START_TEST(unsigned_erases_nothing)
{
	uint8_t id[PVDEV_LINK_ID_LEN] = { 1 }, zero = 0;
	enum pvdev_result result = PVDEV_OK;
	static struct staging s;

	reset(&s);
	for (uint8_t i = 0; i < 5; i++) {
		id[1] = i;
		feed(&s, LINKFRAME_HAVE, 2, id, sizeof(id));
		feed(&s, LINKFRAME_DATA, 0, &zero, 1);
		feed(&s, LINKFRAME_DATA, 1, &zero, 1);
		feed(&s, LINKFRAME_DONE, 2, NULL, 0);
		ck_assert(pvdev_link_ended(&s.link, &result));
		ck_assert_int_ne(result, PVDEV_OK);
	}
	ck_assert_uint_eq(erases, 0);
}
END_TEST

/* Each word of what is kept about the items, turned in one bit. */
START_TEST(cut_short)
{
	const uint8_t id[PVDEV_LINK_ID_LEN] = { 1 }, zero = 0;
	static struct staging s;

	reset(&s);
	feed(&s, LINKFRAME_HAVE, 2, id, sizeof(id));
	feed(&s, LINKFRAME_DATA, 0, &zero, 1);
	feed(&s, LINKFRAME_DATA, 1, &zero, 1);
	for (size_t at = 0; at < 4 * (3 + 8 + STAGING_ITEMS_MAX); at += 4) {
		static uint64_t before[BOARD_RETAINED_LEN / sizeof(uint64_t)];

		memcpy(before, retained, sizeof(before));
		reset(&s);
		feed(&s, LINKFRAME_HAVE, 2, id, sizeof(id));
		ck_assert_uint_eq(kept, 2);
		board_retained()[at] ^= 0x10;
		reset(&s);
		feed(&s, LINKFRAME_HAVE, 2, id, sizeof(id));
		ck_assert_msg(kept == 0, "the word at %zu", at);
		memcpy(retained, before, sizeof(before));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("staging");
	TCase *t = tcase_create("staging");

	tcase_add_test(t, unsigned_erases_nothing);
	tcase_add_test(t, cut_short);
	suite_add_tcase(s, t);
	return unit_run(s);
}
