#include "tests/unit/unit.h"

#include <string.h>

#include "tests/unit/device_fixture.h"

START_TEST(counters)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_KDF);
	struct fx_bundle b;
	struct fx f;
	uint64_t seq;

	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	for (seq = 6; seq <= 8; seq++) {
		f.store.seq = seq;
		f.store.manifest_seq = 5;
		ck_assert_int_eq(fx_open(&f, &b),
				 seq < 7 ? PVDEV_OLD_MANIFEST : PVDEV_OLD_SEQ);
	}
	f.store.seq = 0x7fffffffffffffff;
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_OLD_SEQ);
	ck_assert_uint_eq(f.store.activations, 0);
	f.store.seq = 6;
	f.store.manifest_seq = 4;
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_OK);
	fx_assert_active(&f, &b, &s);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

START_TEST(other_keys)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_P256);
	struct fx_bundle b;
	struct fx f;

	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	/* the slot holds another key than the point says */
	fx_crypto_keys(&f.crypto, f.keys.certified, f.keys.other);
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_ENVELOPE);
	fx_crypto_keys(&f.crypto, f.keys.certified, NULL);
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_ENVELOPE);
	f.cfg.kind = PVDEV_KIND_KDF;
	f.cfg.key_id_len = 0;
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_ENVELOPE_KIND);
	fx_assert_untouched(&f);
	fx_bundle_release(&b);
	fx_release(&f);

	s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_KDF);
	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	f.keys.kek[31] ^= 1; /* case 39 */
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_ENVELOPE);
	f.keys.kek[31] ^= 1;
	f.cfg.key_id_len = 16; /* provisioned, and another */
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_ENVELOPE_KEY);
	memcpy(f.cfg.key_id, f.keys.kdf_id, 16);
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_OK);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

START_TEST(configurations)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_P256);
	struct pvdev_config good;
	struct fx_bundle b;
	struct fx f;

	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	good = f.cfg;
#define BAD(change)                                                            \
	do {                                                                   \
		f.cfg = good;                                                  \
		change;                                                        \
		ck_assert_int_eq(fx_begin(&f, &b), PVDEV_CONFIG);              \
	} while (0)
	BAD(f.cfg.crypto = NULL);
	BAD(f.cfg.storage = NULL);
	BAD(f.cfg.device_id = NULL);
	BAD(f.cfg.device_id = "");
	BAD(f.cfg.device_id = "../x");
	BAD(f.cfg.seen = NULL);
	BAD(f.cfg.form = PVDEV_FORM_MAC0);
	BAD(f.cfg.kind = (enum pvdev_kind)3);
	BAD(f.cfg.key_id_len = 8);
	BAD(f.cfg.kind = PVDEV_KIND_KDF); /* with an id of 32 bytes */
	BAD((f.cfg.kind = PVDEV_KIND_KDF, f.cfg.key_id_len = 8));
	BAD(f.cfg.seal_slot = PVDEV_SLOT_KEK);
	BAD(f.cfg.challenge_len = 65);
	f.cfg = good;
	f.cfg.seen_len = 0; /* five segments do not fit in no bytes */
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_TOO_LARGE);
	f.cfg.seen_len = 1;
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	pvdev_abort(&f.dev);
	fx_assert_untouched(&f);
	ck_assert_int_eq(pvdev_finish(&f.dev), PVDEV_STATE);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

START_TEST(names)
{
	int i, known = 0;

	for (i = 0; i < 256; i++)
		known += strcmp(pvdev_result_name((enum pvdev_result)i),
				"unknown") != 0;
	ck_assert_int_eq(known, 47);
	ck_assert_str_eq(pvdev_result_name(PVDEV_OK), "ok");
	ck_assert_str_eq(pvdev_result_name(PVDEV_SEGMENT_TAG), "segment-tag");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device_state");
	TCase *t = tcase_create("device_state");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, counters);
	tcase_add_test(t, other_keys);
	tcase_add_test(t, configurations);
	tcase_add_test(t, names);
	suite_add_tcase(s, t);
	return unit_run(s);
}
