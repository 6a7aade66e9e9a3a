#include "tests/unit/unit.h"

#include <string.h>

#include "tests/unit/device_fixture.h"

static const struct {
	enum pvdev_form form;
	enum pvdev_kind kind;
} combos[] = {
	{ PVDEV_FORM_PLAIN, PVDEV_KIND_P256 },
	{ PVDEV_FORM_PLAIN, PVDEV_KIND_KDF },
	{ PVDEV_FORM_MAC0, PVDEV_KIND_KDF },
	{ PVDEV_FORM_BATCH, PVDEV_KIND_P256 },
};
#define COMBOS ((int)(sizeof(combos) / sizeof(combos[0])))

static void setup(struct fx *f, struct fx_bundle *b, int i)
{
	struct fx_spec s = fx_spec_default(combos[i].form, combos[i].kind);

	fx_setup(f, &s);
	fx_build(&f->keys, &s, b);
}

static void teardown(struct fx *f, struct fx_bundle *b)
{
	fx_bundle_release(b);
	fx_release(f);
}

/* Every bit of manifest and descriptor: refused before anything is staged. */
START_TEST(heads_flipped)
{
	struct fx_bundle b;
	struct fx f;
	size_t n, bit;

	setup(&f, &b, _i);
	for (n = 0; n < 2; n++) {
		bool mac0 = combos[_i].form == PVDEV_FORM_MAC0;
		/* nobody checks the kid and signature of a mac0's manifest */
		size_t first = n == 0 && mac0 ? 1 : 0;

		for (bit = 0; bit < b.item[n].len * 8; bit++) {
			uint8_t *at = &b.item[n].data[bit / 8];
			enum pvdev_result r;

			*at ^= (uint8_t)(1u << bit % 8);
			r = fx_begin(&f, &b);
			*at ^= (uint8_t)(1u << bit % 8);
			if (first && r == PVDEV_OK) {
				pvdev_abort(&f.dev);
				ck_assert((bit / 8 >= 8 && bit / 8 < 16) ||
					  bit / 8 >= b.item[n].len - 64);
				continue;
			}
			ck_assert_msg(r != PVDEV_OK, "item %zu bit %zu", n,
				      bit);
		}
	}
	ck_assert_uint_eq(f.store.staged_bytes, 0);
	fx_assert_untouched(&f);
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_OK);
	teardown(&f, &b);
}
END_TEST

/* Every bit of every clear component and segment in the first 4 KiB. */
START_TEST(bodies_flipped)
{
	struct fx_bundle b;
	struct fx f;
	struct pvdev begun;
	size_t n, bit, total = 0;

	setup(&f, &b, _i);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	begun = f.dev;
	for (n = 2; n < b.items && total < 4096; n++) {
		total += b.item[n].len;
		for (bit = 0; bit < b.item[n].len * 8; bit++) {
			uint8_t *at = &b.item[n].data[bit / 8];
			enum pvdev_result r;

			f.dev = begun; /* a fresh session, without its cost */
			*at ^= (uint8_t)(1u << bit % 8);
			r = fx_feed(&f, &b, n);
			*at ^= (uint8_t)(1u << bit % 8);
			ck_assert_msg(r != PVDEV_OK, "item %zu bit %zu", n,
				      bit);
			ck_assert_int_eq(pvdev_finish(&f.dev), PVDEV_STATE);
		}
	}
	ck_assert_uint_eq(f.store.staged_bytes, 0);
	fx_assert_untouched(&f);
	teardown(&f, &b);
}
END_TEST

START_TEST(cut_short)
{
	struct fx_bundle b;
	struct fx f;
	size_t n, len;

	setup(&f, &b, _i);
	for (n = 0; n < b.items; n++) {
		size_t whole = b.item[n].len;

		for (len = 1; len < whole; len += len < 40 ? 1 : 17) {
			enum pvdev_result r;

			b.item[n].len = len;
			r = fx_begin(&f, &b);
			if (n >= 2) {
				ck_assert_int_eq(r, PVDEV_OK);
				r = fx_feed(&f, &b, n);
			}
			ck_assert_int_ne(r, PVDEV_OK);
		}
		b.item[n].len = whole;
	}
	ck_assert_uint_eq(f.store.staged_bytes, 0);
	fx_assert_untouched(&f);
	teardown(&f, &b);
}
END_TEST

static enum pvdev_result feed_all_but(struct fx *f, struct fx_bundle *b,
				      size_t skip)
{
	enum pvdev_result r = fx_begin(f, b);
	size_t n;

	for (n = 2; n < b->items && r == PVDEV_OK; n++) {
		if (n != skip)
			r = fx_feed(f, b, n);
	}
	return r == PVDEV_OK ? pvdev_finish(&f->dev) : r;
}

START_TEST(each_dropped)
{
	struct fx_bundle b;
	struct fx f;
	size_t n;

	setup(&f, &b, _i);
	for (n = 2; n < b.items; n++)
		ck_assert_int_eq(feed_all_but(&f, &b, n), PVDEV_INCOMPLETE);
	fx_assert_untouched(&f);
	ck_assert_int_eq(feed_all_but(&f, &b, 0), PVDEV_OK);
	teardown(&f, &b);
}
END_TEST

/* Every item in every other item's place. */
START_TEST(each_swapped)
{
	struct fx_bundle b;
	struct fx f;
	size_t n, m;

	setup(&f, &b, _i);
	for (n = 0; n < b.items; n++) {
		for (m = 0; m < b.items; m++) {
			struct buf kept = b.item[n];
			enum pvdev_result r;

			if (n == m)
				continue;
			b.item[n] = b.item[m];
			r = fx_open(&f, &b);
			b.item[n] = kept;
			ck_assert_msg(r != PVDEV_OK, "%zu by %zu", n, m);
			fx_assert_untouched(&f);
		}
	}
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_OK);
	teardown(&f, &b);
}
END_TEST

/* A segment of an older bundle of the same device, or of another device. */
START_TEST(mixed_bundles)
{
	struct fx_spec s = fx_spec_default(combos[_i].form, combos[_i].kind);
	struct fx_bundle b, old;
	struct fx f;
	size_t n;

	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	s.seq--;
	fx_build(&f.keys, &s, &old);
	for (n = 1; n < b.items; n++) {
		struct buf kept = b.item[n];
		enum pvdev_result r;

		b.item[n] = old.item[n];
		if (n == 1)
			r = fx_begin(&f, &b) == PVDEV_OK ? fx_feed(&f, &b, 3)
							 : PVDEV_OTHER_DEVICE;
		else
			r = fx_open(&f, &b);
		b.item[n] = kept;
		ck_assert_int_ne(r, PVDEV_OK);
	}
	fx_assert_untouched(&f);
	fx_bundle_release(&old);
	teardown(&f, &b);
}
END_TEST

/* Direct calls with indexes that no component or segment has. */
START_TEST(indexes)
{
	uint8_t seg[14 + 17] = { 0 };
	struct fx_bundle b;
	struct fx f;

	setup(&f, &b, _i);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	ck_assert_int_eq(pvdev_segment(&f.dev, 2, seg, sizeof(seg)),
			 PVDEV_SEGMENT_INDEX);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	ck_assert_int_eq(pvdev_segment(&f.dev, 0, seg, 13),
			 PVDEV_SEGMENT_LENGTH);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	seg[12] = 2; /* identity has two segments */
	ck_assert_int_eq(pvdev_segment(&f.dev, 0, seg, sizeof(seg)),
			 PVDEV_SEGMENT_INDEX);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	ck_assert_int_eq(pvdev_clear(&f.dev, 1, seg, 1), PVDEV_CLEAR_INDEX);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	ck_assert_int_eq(pvdev_clear(&f.dev, 0, seg, 0), PVDEV_CLEAR_SIZE);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	ck_assert_int_eq(pvdev_clear(&f.dev, 0, seg, 4097), PVDEV_CLEAR_SIZE);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	ck_assert_int_eq(pvdev_clear(&f.dev, 0, seg, sizeof(seg)),
			 PVDEV_CLEAR_DIGEST);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	ck_assert_int_eq(pvdev_feed(&f.dev, b.items, seg, sizeof(seg)),
			 PVDEV_CONTAINER);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	ck_assert_int_eq(pvdev_feed(&f.dev, 1, seg, sizeof(seg)),
			 PVDEV_CONTAINER);
	fx_assert_untouched(&f);
	teardown(&f, &b);
}
END_TEST

/* Flash that loses what was staged: found by the second copy or the mac. */
START_TEST(staging_decays)
{
	struct fx_bundle b;
	struct fx f;

	setup(&f, &b, _i);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	ck_assert_int_eq(fx_feed(&f, &b, 3), PVDEV_OK);
	ck_assert_int_eq(fx_feed(&f, &b, 3), PVDEV_OK);
	f.store.stage[0][1000] ^= 1;
	ck_assert_int_eq(fx_feed(&f, &b, 3), PVDEV_SEGMENT_CONFLICT);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	for (size_t n = 2; n < b.items; n++)
		ck_assert_int_eq(fx_feed(&f, &b, n), PVDEV_OK);
	f.store.stage[1][699] ^= 0x80;
	ck_assert_int_eq(pvdev_finish(&f.dev), PVDEV_MAC);
	fx_assert_untouched(&f);
	teardown(&f, &b);
}
END_TEST

/* ---- cryptography that fails at the n-th call ---- */

struct faulty {
	const struct fx_crypto *real;
	unsigned calls, fail_at;
};

static bool fails(struct faulty *x)
{
	return ++x->calls == x->fail_at;
}

#define FAULTY(name, params, args)                                             \
	static bool faulty_##name params                                       \
	{                                                                      \
		struct faulty *x = ctx;                                        \
		return !fails(x) && x->real->table->name args;                 \
	}

FAULTY(sha256_begin, (void *ctx), (x->real->ctx))
FAULTY(sha256_update, (void *ctx, const uint8_t *p, size_t n), (x->real->ctx, p, n))
FAULTY(sha256_final, (void *ctx, uint8_t *out), (x->real->ctx, out))
FAULTY(hmac_begin, (void *ctx, const uint8_t *p, size_t n), (x->real->ctx, p, n))
FAULTY(hmac_begin_slot, (void *ctx, enum pvdev_slot s), (x->real->ctx, s))
FAULTY(hmac_update, (void *ctx, const uint8_t *p, size_t n), (x->real->ctx, p, n))
FAULTY(hmac_final, (void *ctx, uint8_t *out), (x->real->ctx, out))
FAULTY(p256_verify,
       (void *ctx, const uint8_t *p, const uint8_t *d, const uint8_t *s),
       (x->real->ctx, p, d, s))
FAULTY(p256_sign,
       (void *ctx, enum pvdev_slot s, const uint8_t *d, uint8_t *out),
       (x->real->ctx, s, d, out))
FAULTY(p256_ecdh,
       (void *ctx, enum pvdev_slot s, const uint8_t *peer, uint8_t *out),
       (x->real->ctx, s, peer, out))
FAULTY(gcm_open,
       (void *ctx, const uint8_t *k, const uint8_t *n, const uint8_t *aad,
	size_t aad_len, uint8_t *p, size_t len),
       (x->real->ctx, k, n, aad, aad_len, p, len))
FAULTY(kw_unwrap, (void *ctx, const uint8_t *in, uint8_t *out),
       (x->real->ctx, in, out))

static const struct pvdev_crypto faulty_crypto = {
	faulty_sha256_begin, faulty_sha256_update,   faulty_sha256_final,
	faulty_hmac_begin,   faulty_hmac_begin_slot, faulty_hmac_update,
	faulty_hmac_final,   faulty_p256_verify,     faulty_p256_sign,
	faulty_p256_ecdh,    faulty_gcm_open,	     faulty_kw_unwrap
};

START_TEST(crypto_fails)
{
	uint8_t receipt[PVDEV_RECEIPT_MAX];
	struct faulty x = { NULL, 0, 0 };
	struct fx_bundle b;
	struct fx f;
	size_t len;

	setup(&f, &b, _i);
	x.real = &f.crypto;
	f.cfg.crypto = &faulty_crypto;
	f.cfg.crypto_ctx = &x;
	for (x.fail_at = 1;; x.fail_at++) {
		x.calls = 0;
		if (fx_open(&f, &b) == PVDEV_OK)
			break;
		fx_assert_untouched(&f);
	}
	ck_assert_uint_gt(x.fail_at, 100);
	ck_assert_uint_eq(f.store.activations, 1);
	/* the same for the receipt */
	for (x.fail_at = 1;; x.fail_at++) {
		enum pvdev_result r;

		x.calls = 0;
		r = pvdev_receipt(&f.dev, receipt, &len);
		if (r == PVDEV_OK)
			break;
		ck_assert_int_eq(r, PVDEV_CRYPTO);
	}
	ck_assert_uint_gt(x.fail_at, 4);
	teardown(&f, &b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device_attack");
	TCase *t = tcase_create("device_attack");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, heads_flipped, 0, COMBOS);
	tcase_add_loop_test(t, bodies_flipped, 0, COMBOS);
	tcase_add_loop_test(t, cut_short, 0, COMBOS);
	tcase_add_loop_test(t, each_dropped, 0, COMBOS);
	tcase_add_loop_test(t, each_swapped, 0, COMBOS);
	tcase_add_loop_test(t, mixed_bundles, 0, COMBOS);
	tcase_add_loop_test(t, indexes, 0, COMBOS);
	tcase_add_loop_test(t, staging_decays, 0, COMBOS);
	tcase_add_loop_test(t, crypto_fails, 0, COMBOS);
	suite_add_tcase(s, t);
	return unit_run(s);
}
