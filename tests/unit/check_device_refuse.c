#include "tests/unit/unit.h"

#include <string.h>

#include "tests/unit/device_fixture.h"

#define H16 "00112233445566778899aabbccddeeff"
#define ID64                                                                   \
	"7840"                                                                 \
	"61616161616161616161616161616161616161616161616161616161616161616161" \
	"616161616161616161616161616161616161616161616161616161616161"
/* [["identity", 1024, 1500], ["net", 256, 700]] as the fixture has it */
#define IDENTITY                                                               \
	"83686964656e74697479190400"                                           \
	"1905dc"
#define NET                                                                    \
	"83636e6574190100"                                                     \
	"1902bc"
#define PUBLIC "667075626c6963"
/* One more than there may be. */
#define SEVENTEEN(x) "91" x x x x x x x x x x x x x x x x x

struct edited {
	uint64_t key;
	const char *hex; /* NULL: left out */
	enum pvdev_result want;
};

static const struct edited bindings[] = {
	{ 1, NULL, PVDEV_BINDING },
	{ 1, "7070726f7663746c2d62756e646c652d32", PVDEV_BINDING },
	{ 1, "5070726f7663746c2d62756e646c652d31", PVDEV_BINDING },
	{ 2, NULL, PVDEV_BINDING },
	{ 2,
	  "4f"
	  "00112233445566778899aabbccddee",
	  PVDEV_BINDING },
	{ 2, "51" H16 "00", PVDEV_BINDING },
	{ 3, "60", PVDEV_BINDING },
	{ 3, "612e", PVDEV_BINDING },
	{ 3, "622d61", PVDEV_BINDING },
	{ 3, "63612f62", PVDEV_BINDING },
	{ 3, "63612062", PVDEV_BINDING },
	{ 3, "63617f62", PVDEV_BINDING },
	{ 3,
	  "7841"
	  "61616161616161616161616161616161616161616161616161616161"
	  "61616161616161616161616161616161616161616161616161616161"
	  "616161616161616161",
	  PVDEV_BINDING },
	{ 3, ID64, PVDEV_OTHER_DEVICE },
	{ 3,
	  "71"
	  "41434d452d30313233343536373839414"
	  "1",
	  PVDEV_OTHER_DEVICE },
	{ 3,
	  "70"
	  "41434d452d303132333435363738394"
	  "1",
	  PVDEV_OTHER_DEVICE },
	{ 4, "01", PVDEV_BINDING },
	{ 4, "6673656e736f72", PVDEV_OTHER_ROLE },
	{ 4, "6a687964726f6d65746572", PVDEV_OTHER_ROLE },
	{ 5, "00", PVDEV_BINDING },
	{ 5, "20", PVDEV_BINDING },
	{ 5, "1b8000000000000000", PVDEV_BINDING },
	{ 6, "80", PVDEV_BINDING_COMPONENTS },
	{ 6, SEVENTEEN(NET), PVDEV_BINDING_COMPONENTS },
	{ 6, "a0", PVDEV_BINDING_COMPONENTS },
	{ 6, "82" IDENTITY "82636e6574190100", PVDEV_BINDING_COMPONENTS },
	{ 6,
	  "82" IDENTITY "83636e6574190100"
	  "00",
	  PVDEV_BINDING_COMPONENTS },
	{ 6,
	  "82" IDENTITY "83636e6574190100"
	  "1a80000001",
	  PVDEV_BINDING_COMPONENTS },
	{ 6,
	  "82" IDENTITY "83636e6574188"
	  "01902bc",
	  PVDEV_BINDING_COMPONENTS },
	{ 6, "82" IDENTITY "83636e65741903001902bc", PVDEV_BINDING_COMPONENTS },
	{ 6, "82" IDENTITY "83636e65741920001902bc", PVDEV_BINDING_COMPONENTS },
	{ 6, "82" IDENTITY "83636e6574001902bc", PVDEV_BINDING_COMPONENTS },
	{ 6, "82" IDENTITY "83601901001902bc", PVDEV_BINDING_COMPONENTS },
	/* pairs are two, so other counts break the payload's third part */
	{ 6, "81" IDENTITY, PVDEV_DESC_PAYLOAD },
	{ 6, "83" IDENTITY NET NET, PVDEV_DESC_PAYLOAD },
	{ 6, "82" NET IDENTITY, PVDEV_COMPONENTS },
	{ 6, "82" IDENTITY IDENTITY, PVDEV_COMPONENTS },
	{ 6, "82" IDENTITY "83636e6f741901001902bc", PVDEV_COMPONENTS },
	{ 6, "82" IDENTITY "83636e65741901001a00010001", PVDEV_COMPONENTS },
	{ 6, "82" IDENTITY "83636e65741901001a80000000", PVDEV_COMPONENTS },
	{ 7, "80", PVDEV_COMPONENTS },
	{ 7, "82" PUBLIC PUBLIC, PVDEV_COMPONENTS },
	{ 7, "81667075626c6964", PVDEV_COMPONENTS },
	{ 7, "8160", PVDEV_BINDING_COMPONENTS },
	{ 7, "8101", PVDEV_BINDING_COMPONENTS },
	{ 7, "8f616161616161616161616161616161616161616161616161616161616161",
	  PVDEV_BINDING_COMPONENTS },
	{ 8, "8101", PVDEV_BINDING },
	{ 8,
	  "820147"
	  "00112233445566",
	  PVDEV_BINDING },
	{ 8, "82015821" H16 H16 "00", PVDEV_BINDING },
	{ 8, "82035820" H16 H16, PVDEV_BINDING },
	{ 8, "820250" H16, PVDEV_ENVELOPE_KIND },
	{ 8, "82015820" H16 H16, PVDEV_ENVELOPE_KEY },
	{ 9, NULL, PVDEV_BINDING },
	{ 9, "581f" H16 "00112233445566778899aabbccddee", PVDEV_BINDING },
	{ 9, "5820" H16 H16, PVDEV_MANIFEST_HASH },
	{ 10, "581f" H16 "00112233445566778899aabbccddee", PVDEV_BINDING },
	{ 10, "5821" H16 H16 "00", PVDEV_BINDING },
	{ 10, "6141", PVDEV_BINDING },
	{ 10, "f6", PVDEV_BINDING },
	{ 10, "5820" H16 H16, PVDEV_EVIDENCE },
	{ 10, NULL, PVDEV_OK },
};

static const struct edited manifests[] = {
	{ 1, "7270726f7663746c2d6d616e69666573742d32", PVDEV_MANIFEST },
	{ 1, NULL, PVDEV_MANIFEST },
	{ 2,
	  "4f"
	  "00112233445566778899aabbccddee",
	  PVDEV_MANIFEST },
	{ 2, "50" H16, PVDEV_OTHER_CLASS },
	{ 3, "50" H16, PVDEV_OTHER_CLASS },
	{ 3, NULL, PVDEV_MANIFEST },
	{ 4, "00", PVDEV_MANIFEST },
	{ 4, "1b8000000000000000", PVDEV_MANIFEST },
	{ 4, "02", PVDEV_OLD_MANIFEST }, /* 3 is stored */
	{ 5, "1907d1", PVDEV_MANIFEST }, /* 2001, behind not-after */
	{ 5, "1905dd", PVDEV_NOT_YET },	 /* 1501, it is 1500 */
	{ 5, "20", PVDEV_MANIFEST },
	{ 6, "1905db", PVDEV_EXPIRED }, /* 1499 */
	{ 7, "80", PVDEV_MANIFEST },
	{ 7,
	  SEVENTEEN("a5016161026131036131"
		    "04f5"
		    "0601"),
	  PVDEV_MANIFEST },
	{ 7, "a0", PVDEV_MANIFEST },
	/* sealed with a digest, clear without, a flag that is none, twice */
	{ 7,
	  "81a6016161026131036131"
	  "04f5"
	  "055820" H16 H16 "0601",
	  PVDEV_MANIFEST },
	{ 7,
	  "81a5016161026131036131"
	  "04f4"
	  "0601",
	  PVDEV_MANIFEST },
	{ 7,
	  "81a5016161026131036131"
	  "0401"
	  "0601",
	  PVDEV_MANIFEST },
	{ 7,
	  "81a5016161026131036131"
	  "04f5"
	  "0600",
	  PVDEV_MANIFEST },
	{ 7,
	  "81a5016161026131036131"
	  "04f5"
	  "061a80000001",
	  PVDEV_MANIFEST },
	{ 7,
	  "81a4016161026131"
	  "04f5"
	  "0601",
	  PVDEV_MANIFEST },
	{ 7,
	  "82a5016161026131036131"
	  "04f5"
	  "0601"
	  "a5016161026131036131"
	  "04f5"
	  "0601",
	  PVDEV_MANIFEST },
	/* sound, but the roles name others */
	{ 7,
	  "81a5016161026131036131"
	  "04f5"
	  "0601",
	  PVDEV_MANIFEST },
	{ 8,
	  "41"
	  "00",
	  PVDEV_MANIFEST },
	{ 9, "a0", PVDEV_MANIFEST },
	{ 9,
	  "a167"
	  "67617465776179" SEVENTEEN("6161"),
	  PVDEV_MANIFEST },
	{ 9,
	  "a1676761746577617961"
	  "61",
	  PVDEV_MANIFEST },
	{ 9,
	  "a1676761746577617981"
	  "60",
	  PVDEV_MANIFEST },
	{ 9, "a16673656e736f7281686964656e74697479", PVDEV_OTHER_ROLE },
	{ 9, "a1676761746577617980", PVDEV_MANIFEST },
	{ 9,
	  "a1676761746577617981"
	  "686964656e74697479",
	  PVDEV_COMPONENTS },
	{ 10, "60", PVDEV_MANIFEST },
	{ 10, NULL, PVDEV_MANIFEST },
	{ 10, "69626f6f747374726170", PVDEV_OTHER_STAGE },
};

static const struct edited claims[] = {
	{ 1, "60", PVDEV_BATCH_RECEIPT },
	{ 1, NULL, PVDEV_BATCH_RECEIPT },
	{ 2,
	  "757"
	  "0726f7663746c2f7365616c2d62617463682f7632",
	  PVDEV_BATCH_RECEIPT },
	{ 4, "1907d1", PVDEV_BATCH_TIME }, /* not the manifest's not-after */
	{ 4, "20", PVDEV_BATCH_RECEIPT },
	{ 6, "1907d1", PVDEV_BATCH_TIME }, /* behind claim 4 */
	{ 6, "1907d0", PVDEV_OK },
};

static const struct edited headers[] = {
	{ 1, "27", PVDEV_BATCH_RECEIPT },
	{ 4,
	  "48"
	  "0011223344556677",
	  PVDEV_DESC_KID },
	{ 15, "a0", PVDEV_BATCH_RECEIPT },
	{ 395, "02", PVDEV_BATCH_RECEIPT },
	{ 395, NULL, PVDEV_BATCH_RECEIPT },
};

static void check(const struct fx_spec *s, enum pvdev_result want)
{
	struct fx_bundle b;
	enum pvdev_result got;
	struct fx f;

	fx_setup(&f, s);
	f.store.manifest_seq = 3;
	fx_build(&f.keys, s, &b);
	got = fx_open(&f, &b);
	ck_assert_msg(got == want, "%s, not %s", pvdev_result_name(got),
		      pvdev_result_name(want));
	if (want != PVDEV_OK) {
		f.store.manifest_seq = 0;
		fx_assert_untouched(&f);
	}
	fx_bundle_release(&b);
	fx_release(&f);
}

START_TEST(binding)
{
	static const uint8_t given[32] = { 1 };
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_P256);

	if (bindings[_i].key == 10)
		s.evidence_hash = given;
	s.binding[0].key = bindings[_i].key;
	s.binding[0].hex = bindings[_i].hex;
	check(&s, bindings[_i].want);
}
END_TEST

START_TEST(manifest)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_MAC0, PVDEV_KIND_KDF);

	s.manifest[0].key = manifests[_i].key;
	s.manifest[0].hex = manifests[_i].hex;
	check(&s, manifests[_i].want);
	s.form = PVDEV_FORM_PLAIN;
	check(&s, manifests[_i].want);
}
END_TEST

START_TEST(claim)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_BATCH, PVDEV_KIND_P256);

	s.claims[0].key = claims[_i].key;
	s.claims[0].hex = claims[_i].hex;
	check(&s, claims[_i].want);
}
END_TEST

START_TEST(header)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_BATCH, PVDEV_KIND_P256);

	s.headers[0].key = headers[_i].key;
	s.headers[0].hex = headers[_i].hex;
	check(&s, headers[_i].want);
}
END_TEST

START_TEST(batch_sizes)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_BATCH, PVDEV_KIND_P256);

	s.batch_n = 1;
	s.batch_index = 0;
	check(&s, PVDEV_BATCH_RECEIPT); /* a batch of one is plain */
	s.batch_n = 5;
	s.proof_size = 6;
	check(&s, PVDEV_BATCH_PROOF);
	s.proof_size = 1;
	check(&s, PVDEV_BATCH_PROOF);
	s.proof_size = 0;
	s.other_signer = true;
	check(&s, PVDEV_DESC_SIGNATURE);
}
END_TEST

/* Every form against every device: only what is provisioned is taken. */
START_TEST(forms)
{
	static const enum pvdev_form form[] = { PVDEV_FORM_PLAIN,
						PVDEV_FORM_MAC0,
						PVDEV_FORM_BATCH };
	struct fx_spec s = fx_spec_default(form[_i / 3], PVDEV_KIND_KDF);
	enum pvdev_form device = form[_i % 3];
	bool ok = device == s.form ||
		  (device == PVDEV_FORM_BATCH && s.form == PVDEV_FORM_PLAIN);
	struct fx_bundle b;
	struct fx f;

	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	f.cfg.form = device;
	ck_assert_int_eq(fx_open(&f, &b), ok ? PVDEV_OK : PVDEV_DESC_FORM);
	if (!ok)
		fx_assert_untouched(&f);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

START_TEST(signers)
{
	static const enum pvdev_form form[] = { PVDEV_FORM_PLAIN,
						PVDEV_FORM_MAC0,
						PVDEV_FORM_BATCH };
	struct fx_spec good = fx_spec_default(form[_i], PVDEV_KIND_KDF), s;
	bool ecc = form[_i] != PVDEV_FORM_MAC0;

	s = good;
	s.other_signer = true;
	check(&s, PVDEV_DESC_SIGNATURE);
	s = good;
	s.kid = ecc ? "0011223344556677" : H16;
	check(&s, PVDEV_DESC_KID);
	s.kid = "00112233445566";
	check(&s,
	      form[_i] == PVDEV_FORM_BATCH ? PVDEV_DESC_KID : PVDEV_DESC_COSE);
	s = good;
	s.other_manifest_signer = true;
	check(&s, ecc ? PVDEV_MANIFEST_SIGNATURE : PVDEV_OK);
	s = good;
	s.manifest_kid = "0011223344556677";
	check(&s, ecc ? PVDEV_MANIFEST_KID : PVDEV_OK);
	s.manifest_kid = "00";
	check(&s, PVDEV_MANIFEST_COSE);
}
END_TEST

START_TEST(sealed_wrong)
{
	static const enum pvdev_kind kind[] = { PVDEV_KIND_P256,
						PVDEV_KIND_KDF };
	struct fx_spec good = fx_spec_default(PVDEV_FORM_PLAIN, kind[_i]), s;

	s = good;
	s.flips = FX_COMMIT;
	check(&s, PVDEV_COMMIT);
	s.flips = FX_MAC;
	check(&s, PVDEV_MAC);
	s.flips = FX_ENVELOPE;
	check(&s, PVDEV_ENVELOPE);
	s.flips = FX_DIGEST;
	check(&s, PVDEV_CLEAR_DIGEST);
	s = good;
	s.last_xor = 1;
	check(&s, PVDEV_SEGMENT_TAG);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("device_refuse");
	TCase *t = tcase_create("device_refuse");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, binding, 0, COUNT(bindings));
	tcase_add_loop_test(t, manifest, 0, COUNT(manifests));
	tcase_add_loop_test(t, claim, 0, COUNT(claims));
	tcase_add_loop_test(t, header, 0, COUNT(headers));
	tcase_add_test(t, batch_sizes);
	tcase_add_loop_test(t, forms, 0, 9);
	tcase_add_loop_test(t, signers, 0, 3);
	tcase_add_loop_test(t, sealed_wrong, 0, 2);
	suite_add_tcase(s, t);
	return unit_run(s);
}
