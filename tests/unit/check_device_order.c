/*
 * "Device order, strictly" of provctl-bundle(5): a bundle that breaks two
 * clauses is refused for the earlier one, so no later check is reached with
 * what an earlier one has not passed. Which tests refuse each clause alone:
 *
 *   descriptor's form           check_device_refuse forms
 *   descriptor's signature      signers, batch_sizes; check_device_attack
 *                               heads_flipped
 *   strict parse                check_device_refuse binding, claim, header;
 *                               check_device_limits
 *   device-id                   check_device_refuse binding
 *   seq                         check_device_state counters
 *   manifest hash               check_device_refuse binding
 *   manifest signature          check_device_refuse signers
 *   manifest parse              check_device_refuse manifest;
 *                               check_device_limits
 *   class, role                 check_device_refuse manifest, binding
 *   manifest sequence           check_device_state counters
 *   stage, evidence             check_device_refuse manifest; check_device
 *                               evidence
 *   components in 6 and 7       check_device_refuse binding, manifest
 *   envelope                    check_device_envelope; sealed_wrong
 *   commit                      check_device_refuse sealed_wrong
 *   clear digest, max-size      sealed_wrong; check_device_attack indexes
 *   segment's tag               sealed_wrong; check_device_attack
 *                               bodies_flipped, each_swapped, mixed_bundles
 *   all present                 check_device_attack each_dropped
 *   mac                         sealed_wrong; staging_decays
 *   activate in one step        check_device storage_fails; check_provdev
 *                               power_cuts
 *   receipt                     check_device refused_receipt; calls below
 */
#include "tests/unit/unit.h"

#include <string.h>

#include "tests/unit/device_fixture.h"

static const uint8_t other_class[16] = { 1 };

static void edit_binding(struct fx_spec *s, uint64_t key, const char *hex)
{
	struct fx_edit *e = s->binding;

	while (e->key)
		e++;
	ck_assert(e < s->binding + FX_EDITS_MAX);
	*e = (struct fx_edit){ key, hex };
}

static void bad_signature(struct fx_spec *s)
{
	s->other_signer = true;
}

static void bad_parse(struct fx_spec *s)
{
	edit_binding(s, 5, "00");
}

static void bad_device(struct fx_spec *s)
{
	edit_binding(s, 3, "6141");
}

static void bad_seq(struct fx *f)
{
	f->store.seq = 7;
}

static void bad_hash(struct fx_spec *s)
{
	edit_binding(s, 9,
		     "582000112233445566778899aabbccddeeff"
		     "00112233445566778899aabbccddeeff");
}

static void bad_manifest_signature(struct fx_spec *s)
{
	s->other_manifest_signer = true;
}

static void bad_manifest(struct fx_spec *s)
{
	s->manifest[0] = (struct fx_edit){ 8, "60" };
}

static void bad_class(struct fx *f)
{
	f->cfg.class_id = other_class;
}

static void bad_role(struct fx *f)
{
	f->cfg.role = "sensor";
}

static void bad_manifest_seq(struct fx *f)
{
	f->store.manifest_seq = 5;
}

static void bad_stage(struct fx *f)
{
	f->cfg.stage = "bootstrap";
}

static void bad_components(struct fx_spec *s)
{
	edit_binding(s, 7, "80");
}

static void bad_envelope(struct fx_spec *s)
{
	s->flips |= FX_ENVELOPE;
}

static void bad_commit(struct fx_spec *s)
{
	s->flips |= FX_COMMIT;
}

static void bad_clear(struct fx_spec *s)
{
	s->flips |= FX_DIGEST;
}

static void bad_tag(struct fx_spec *s)
{
	s->last_xor = 1;
}

static void bad_mac(struct fx_spec *s)
{
	s->flips |= FX_MAC;
}

/* In the order of the page; a fault is in the bundle or in the device. */
static const struct {
	enum pvdev_result want;
	void (*bundle)(struct fx_spec *s);
	void (*device)(struct fx *f);
} clauses[] = {
	{ PVDEV_DESC_SIGNATURE, bad_signature, NULL },
	{ PVDEV_BINDING, bad_parse, NULL },
	{ PVDEV_OTHER_DEVICE, bad_device, NULL },
	{ PVDEV_OLD_SEQ, NULL, bad_seq },
	{ PVDEV_MANIFEST_HASH, bad_hash, NULL },
	{ PVDEV_MANIFEST_SIGNATURE, bad_manifest_signature, NULL },
	{ PVDEV_MANIFEST, bad_manifest, NULL },
	{ PVDEV_OTHER_CLASS, NULL, bad_class },
	{ PVDEV_OTHER_ROLE, NULL, bad_role },
	{ PVDEV_OLD_MANIFEST, NULL, bad_manifest_seq },
	{ PVDEV_OTHER_STAGE, NULL, bad_stage },
	{ PVDEV_COMPONENTS, bad_components, NULL },
	{ PVDEV_ENVELOPE, bad_envelope, NULL },
	{ PVDEV_COMMIT, bad_commit, NULL },
	{ PVDEV_CLEAR_DIGEST, bad_clear, NULL },
	{ PVDEV_SEGMENT_TAG, bad_tag, NULL },
	{ PVDEV_MAC, bad_mac, NULL },
};
#define CLAUSES ((int)(sizeof(clauses) / sizeof(clauses[0])))

static void refuse_both(int first, int second)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_P256);
	const int both[] = { first, second };
	enum pvdev_result got;
	struct fx_bundle b;
	struct fx f;

	fx_setup(&f, &s);
	for (int i = 0; i < 2; i++) {
		if (clauses[both[i]].bundle)
			clauses[both[i]].bundle(&s);
		else
			clauses[both[i]].device(&f);
	}
	fx_build(&f.keys, &s, &b);
	got = fx_open(&f, &b);
	ck_assert_msg(got == clauses[first].want, "%s with %s gave %s",
		      pvdev_result_name(clauses[first].want),
		      pvdev_result_name(clauses[second].want),
		      pvdev_result_name(got));
	ck_assert_uint_eq(f.store.activations, 0);
	fx_bundle_release(&b);
	fx_release(&f);
}

START_TEST(earlier_clause_first)
{
	for (int later = _i + 1; later < CLAUSES; later++)
		refuse_both(_i, later);
}
END_TEST

/* Contents, finish and receipt before or after their time. */
START_TEST(calls)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_P256);
	uint8_t receipt[PVDEV_RECEIPT_MAX], seg[64] = { 0 };
	struct fx_bundle b;
	struct fx f;
	size_t len;

	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	f.dev.cfg = &f.cfg; /* not begun */
	ck_assert_int_eq(pvdev_clear(&f.dev, 0, seg, 1), PVDEV_STATE);
	ck_assert_int_eq(pvdev_segment(&f.dev, 0, seg, sizeof(seg)),
			 PVDEV_STATE);
	ck_assert_int_eq(pvdev_finish(&f.dev), PVDEV_STATE);
	ck_assert_int_eq(pvdev_receipt(&f.dev, receipt, &len), PVDEV_STATE);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	ck_assert_int_eq(pvdev_receipt(&f.dev, receipt, &len), PVDEV_STATE);
	ck_assert_int_eq(pvdev_finish(&f.dev), PVDEV_INCOMPLETE);
	ck_assert_uint_eq(f.store.activations, 0);
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_OK);
	ck_assert_int_eq(pvdev_clear(&f.dev, 0, seg, 1), PVDEV_STATE);
	ck_assert_int_eq(pvdev_segment(&f.dev, 0, seg, sizeof(seg)),
			 PVDEV_STATE);
	ck_assert_int_eq(pvdev_finish(&f.dev), PVDEV_STATE);
	ck_assert_uint_eq(f.store.activations, 1);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device_order");
	TCase *t = tcase_create("device_order");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, earlier_clause_first, 0, CLAUSES);
	tcase_add_test(t, calls);
	suite_add_tcase(s, t);
	return unit_run(s);
}
