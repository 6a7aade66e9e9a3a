/* The envelope and the keys behind it, with points and callbacks gone bad. */
#include "tests/unit/unit.h"

#include <string.h>

#include "lib/device/impl.h"
#include "tests/unit/device_fixture.h"

/* The table's context is its own: what a callback of ours needs lies here. */
static const struct pvdev_crypto *real;
static unsigned left; /* HMACs that still end well */

static bool final_fails(void *ctx, uint8_t out[32])
{
	return left > 0 && left-- && real->hmac_final(ctx, out);
}

#define SCHEDULE_HMACS 7u /* two of them in Decap */

/* What a callback did not give is not copied: no stack gets into the session.
 */
START_TEST(failed_callback)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_P256);
	struct pvdev_crypto table;
	uint8_t enc[PVDEV_ENVELOPE_P256_LEN], key[PVDEV_KEY_LEN];
	uint8_t nonce[PVDEV_NONCE_LEN], was[sizeof(((struct pvdev *)0)->keys)];
	struct fx f;

	fx_setup(&f, &s);
	real = f.crypto.table;
	table = *real;
	fx_hpke_seal(f.keys.sealing, "x", 1, f.keys.kek, false, enc);
	table.hmac_final = final_fails;
	f.cfg.crypto = &table;
	memset(was, 0xa5, sizeof(was));
	for (unsigned i = 0; i < SCHEDULE_HMACS; i++) {
		memset(key, 0xa5, sizeof(key));
		memset(nonce, 0xa5, sizeof(nonce));
		left = i;
		ck_assert(!pvdev_hpke_schedule(&f.cfg, enc, PVDEV_TEXT("x"),
					       key, nonce));
		if (i < SCHEDULE_HMACS - 1)
			ck_assert_mem_eq(key, was, sizeof(key));
		ck_assert_mem_eq(nonce, was, sizeof(nonce));
	}
	f.dev.cfg = &f.cfg;
	f.dev.keys_of = PVDEV_COMPONENTS_MAX;
	memset(f.dev.keys, 0xa5, sizeof(f.dev.keys));
	left = 0;
	ck_assert(!pvdev_keys(&f.dev, 0, NULL));
	ck_assert_mem_eq(f.dev.keys, was, sizeof(was));
	ck_assert_uint_eq(f.dev.keys_of, PVDEV_COMPONENTS_MAX);
	fx_release(&f);
}
END_TEST

/* SEC 1 2.3.3 knows 04 alone; OpenSSL would take 06 and 07 too. */
START_TEST(hybrid_point)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_P256);
	uint8_t point[PVDEV_POINT_LEN], x[PVDEV_KEY_LEN];
	struct fx_bundle b;
	struct fx f;

	s.flips = FX_HYBRID;
	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_ENVELOPE);
	fx_assert_untouched(&f);
	ck_assert(pvdev_openssl_point(f.keys.other, point));
	ck_assert(f.cfg.crypto->p256_ecdh(f.crypto.ctx, PVDEV_SLOT_SEALING,
					  point, x));
	point[0] = 6 | (point[64] & 1);
	ck_assert(!f.cfg.crypto->p256_ecdh(f.crypto.ctx, PVDEV_SLOT_SEALING,
					   point, x));
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

/* The library itself asks: a table may be as lenient as OpenSSL. */
static bool lenient(void *ctx, enum pvdev_slot slot, const uint8_t peer[65],
		    uint8_t x[32])
{
	uint8_t plain[PVDEV_POINT_LEN];

	memcpy(plain, peer, sizeof(plain));
	plain[0] = 4;
	return real->p256_ecdh(ctx, slot, plain, x);
}

START_TEST(hybrid_point_lenient)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_P256);
	struct pvdev_crypto table;
	struct fx_bundle b;
	struct fx f;

	s.flips = FX_HYBRID;
	fx_setup(&f, &s);
	real = f.crypto.table;
	table = *real;
	fx_build(&f.keys, &s, &b);
	table.p256_ecdh = lenient;
	f.cfg.crypto = &table;
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_ENVELOPE);
	fx_assert_untouched(&f);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device_envelope");
	TCase *t = tcase_create("device_envelope");

	tcase_add_test(t, failed_callback);
	tcase_add_test(t, hybrid_point);
	tcase_add_test(t, hybrid_point_lenient);
	suite_add_tcase(s, t);
	return unit_run(s);
}
