/*
 * The example's two flash slots: power cut at every unit that is programmed and
 * in every erase, and the newest whole configuration after it.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "docs/firmware/slots.h"
#include "tests/unit/device_fixture.h"

#define SLOT_LEN 16384u
#define NEVER SIZE_MAX

/* Flash that loses its power: what it was doing is done by half, or turned
 * bits are left. */
struct sim {
	uint8_t bytes[SLOTS][SLOT_LEN];
	size_t left;	 /* units that it still programs or erases */
	size_t done;	 /* units so far */
	unsigned erases; /* of a slot */
};

static bool powered(struct sim *f)
{
	f->done++;
	return f->left == NEVER || (f->left > 0 && f->left--);
}

static bool erase(void *ctx, unsigned slot)
{
	struct sim *f = ctx;
	size_t at;

	ck_assert_uint_lt(slot, SLOTS);
	f->erases++;
	for (at = 0; at < SLOT_LEN; at += 1024) {
		if (!powered(f)) {
			memset(f->bytes[slot] + at, 0x5a, 512);
			return false;
		}
		memset(f->bytes[slot] + at, 0xff, 1024);
	}
	return true;
}

static bool program(void *ctx, unsigned slot, uint32_t offset, const uint8_t *p,
		    size_t len)
{
	struct sim *f = ctx;
	size_t i, k;

	ck_assert_uint_lt(slot, SLOTS);
	ck_assert(offset % SLOTS_UNIT == 0 && len % SLOTS_UNIT == 0);
	ck_assert_uint_le(offset + len, SLOT_LEN);
	for (i = 0; i < len; i += SLOTS_UNIT) {
		bool ok = powered(f);

		for (k = 0; k < SLOTS_UNIT; k++) {
			uint8_t *to = &f->bytes[slot][offset + i + k];

			ck_assert_msg(*to == 0xff, "programmed twice");
			if (ok || k < SLOTS_UNIT / 2)
				*to = p[i + k];
		}
		if (!ok)
			return false;
	}
	return true;
}

static bool read_at(void *ctx, unsigned slot, uint32_t offset, uint8_t *p,
		    size_t len)
{
	struct sim *f = ctx;

	ck_assert_uint_lt(slot, SLOTS);
	ck_assert_uint_le(offset + len, SLOT_LEN);
	memcpy(p, f->bytes[slot] + offset, len);
	return true;
}

static const struct slots_flash flash = { erase, program, read_at, SLOT_LEN };

static enum pvdev_result take(struct fx *f, struct slots *s,
			      struct fx_bundle *b)
{
	f->cfg.storage = &slots_storage;
	f->cfg.storage_ctx = s;
	slots_begin(s, &f->dev);
	return fx_open(f, b);
}

static void holds(struct slots *s, const struct fx_bundle *b, uint64_t seq)
{
	uint8_t got[4096];
	uint64_t now = 0, manifest = 0;
	uint32_t len = 0;
	struct pvdev_facts facts;

	ck_assert(slots_counters(s, &now, &manifest));
	ck_assert_uint_eq(now, seq);
	ck_assert(slots_facts(s, &facts));
	ck_assert_uint_eq(facts.seq, seq);
	ck_assert_mem_eq(facts.bh, b->bh, 32);
	for (unsigned i = 0; i < b->plain_n; i++) {
		ck_assert(slots_length(s, i, &len));
		ck_assert_uint_eq(len, b->plain_len[i]);
		ck_assert(slots_read(s, i, 0, got, len));
		ck_assert_mem_eq(got, b->plain[i], len);
		ck_assert(!slots_read(s, i, 1, got, len));
	}
	ck_assert(!slots_length(s, (unsigned)b->plain_n, &len));
}

/* Bundles of sequence numbers 7, 8, 9. */
struct rig {
	struct fx f;
	struct fx_spec spec;
	struct fx_bundle b[3];
	struct sim *sim;
};

static void rig_setup(struct rig *r)
{
	r->spec = fx_spec_default(PVDEV_FORM_MAC0, PVDEV_KIND_KDF);
	fx_setup(&r->f, &r->spec);
	for (unsigned i = 0; i < 3; i++) {
		r->spec.seq = 7 + i;
		fx_build(&r->f.keys, &r->spec, &r->b[i]);
	}
	r->sim = malloc(sizeof(*r->sim));
	ck_assert(r->sim != NULL);
	memset(r->sim, 0, sizeof(*r->sim));
	memset(r->sim->bytes, 0xff, sizeof(r->sim->bytes));
	r->sim->left = NEVER;
}

static void rig_release(struct rig *r)
{
	for (unsigned i = 0; i < 3; i++)
		fx_bundle_release(&r->b[i]);
	fx_release(&r->f);
	free(r->sim);
}

START_TEST(takes_turns)
{
	struct slots s, again;
	struct rig r;
	uint64_t n;
	struct pvdev_facts facts;

	rig_setup(&r);
	ck_assert(slots_init(&s, &flash, r.sim));
	ck_assert_uint_eq(s.active, SLOTS_NONE);
	ck_assert(!slots_counters(&s, &n, &n) && !slots_facts(&s, &facts));
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(take(&r.f, &s, &r.b[i]), PVDEV_OK);
		holds(&s, &r.b[i], 7 + i);
		ck_assert_uint_eq(s.active, i % 2);
		ck_assert(slots_init(&again, &flash, r.sim));
		holds(&again, &r.b[i], 7 + i);
	}
	/* an older one is refused by what the slots say, and changes nothing */
	ck_assert_int_eq(take(&r.f, &s, &r.b[1]), PVDEV_OLD_SEQ);
	ck_assert(slots_init(&again, &flash, r.sim));
	holds(&again, &r.b[2], 9);
	rig_release(&r);
}
END_TEST

/* The n-th unit is half done when the power goes: old or new, never less. */
START_TEST(power_cut)
{
	struct sim *before = malloc(sizeof(*before));
	size_t units, cut;
	unsigned old = 0, new = 0;
	struct slots s;
	struct rig r;

	ck_assert(before != NULL);
	rig_setup(&r);
	ck_assert(slots_init(&s, &flash, r.sim));
	for (unsigned i = 0; i < (unsigned)_i + 1; i++)
		ck_assert_int_eq(take(&r.f, &s, &r.b[i]), PVDEV_OK);
	*before = *r.sim;
	before->done = 0;
	*r.sim = *before;
	ck_assert(slots_init(&s, &flash, r.sim));
	ck_assert_int_eq(take(&r.f, &s, &r.b[_i + 1]), PVDEV_OK);
	units = r.sim->done;
	ck_assert_uint_gt(units, 300);
	for (cut = 0; cut <= units; cut++) {
		enum pvdev_result said;
		uint64_t seq = 0, manifest = 0;

		*r.sim = *before;
		ck_assert(slots_init(&s, &flash, r.sim));
		r.sim->left = cut;
		said = take(&r.f, &s, &r.b[_i + 1]);
		ck_assert_int_eq(said, cut < units ? PVDEV_STORAGE : PVDEV_OK);
		ck_assert(slots_init(&s, &flash, r.sim)); /* power is back */
		ck_assert(slots_counters(&s, &seq, &manifest));
		if (seq == 8 + (uint64_t)_i)
			new ++;
		else
			old++;
		holds(&s, &r.b[seq - 7], seq);
		r.sim->left = NEVER;
		if (seq == 7 + (uint64_t)_i) {
			ck_assert_int_eq(take(&r.f, &s, &r.b[_i + 1]),
					 PVDEV_OK);
			holds(&s, &r.b[_i + 1], 8 + (uint64_t)_i);
		}
	}
	ck_assert_uint_eq(new, 1);
	ck_assert_uint_eq(old, units);
	rig_release(&r);
	free(before);
}
END_TEST

/* A head that is not whole, and one bit of a whole one turned. */
START_TEST(damaged)
{
	struct slots s;
	struct rig r;

	rig_setup(&r);
	ck_assert(slots_init(&s, &flash, r.sim));
	ck_assert_int_eq(take(&r.f, &s, &r.b[0]), PVDEV_OK);
	ck_assert_int_eq(take(&r.f, &s, &r.b[1]), PVDEV_OK);
	for (size_t i = 0; i < 512; i++) {
		r.sim->bytes[1][i] ^= 0x10;
		ck_assert(slots_init(&s, &flash, r.sim));
		/* behind the head and its word come the components */
		if (s.active == 0)
			holds(&s, &r.b[0], 7);
		else
			ck_assert_uint_gt(i, 256);
		r.sim->bytes[1][i] ^= 0x10;
	}
	memset(r.sim->bytes, 0, sizeof(r.sim->bytes));
	ck_assert(slots_init(&s, &flash, r.sim));
	ck_assert_uint_eq(s.active, SLOTS_NONE);
	rig_release(&r);
}
END_TEST

/* Only what is signed and newer takes the place of the configuration before. */
START_TEST(nothing_erased)
{
	unsigned erases;
	struct slots s;
	struct rig r;

	rig_setup(&r);
	ck_assert(slots_init(&s, &flash, r.sim));
	ck_assert_int_eq(take(&r.f, &s, &r.b[0]), PVDEV_OK);
	ck_assert_int_eq(take(&r.f, &s, &r.b[1]), PVDEV_OK);
	erases = r.sim->erases;
	ck_assert_uint_eq(erases, 2);
	ck_assert_int_eq(take(&r.f, &s, &r.b[0]), PVDEV_OLD_SEQ);
	r.b[2].item[1].data[r.b[2].item[1].len - 1] ^= 1;
	ck_assert_int_ne(take(&r.f, &s, &r.b[2]), PVDEV_OK);
	ck_assert_uint_eq(r.sim->erases, erases);
	r.b[2].item[1].data[r.b[2].item[1].len - 1] ^= 1;
	ck_assert_int_eq(take(&r.f, &s, &r.b[2]), PVDEV_OK);
	ck_assert_uint_eq(r.sim->erases, erases + 1);
	rig_release(&r);
}
END_TEST

/* What does not fit in a slot is refused before anything is activated. */
START_TEST(too_large)
{
	static const struct fx_component comps[] = {
		{ "identity", true, 1024, 9000, 65536, false, NULL },
		{ "net", true, 1024, 9000, 65536, false, NULL },
	};
	struct fx_bundle big;
	struct slots s;
	struct rig r;

	rig_setup(&r);
	r.spec.comps = comps;
	r.spec.comps_n = 2;
	r.spec.seq = 8;
	fx_build(&r.f.keys, &r.spec, &big);
	ck_assert(slots_init(&s, &flash, r.sim));
	ck_assert_int_eq(take(&r.f, &s, &r.b[0]), PVDEV_OK);
	ck_assert_int_eq(take(&r.f, &s, &big), PVDEV_STORAGE);
	ck_assert(slots_init(&s, &flash, r.sim));
	holds(&s, &r.b[0], 7);
	fx_bundle_release(&big);
	rig_release(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("slots");
	TCase *t = tcase_create("slots");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, takes_turns);
	tcase_add_loop_test(t, power_cut, 0, 2);
	tcase_add_test(t, damaged);
	tcase_add_test(t, nothing_erased);
	tcase_add_test(t, too_large);
	suite_add_tcase(s, t);
	return unit_run(s);
}
