#include "tests/unit/unit.h"

#include <string.h>

#include "lib/base/cose.h"
#include "tests/unit/device_fixture.h"

static const struct {
	enum pvdev_form form;
	enum pvdev_kind kind;
	bool certified;
	bool plain; /* a plain descriptor for a batch device */
} combos[] = {
	{ PVDEV_FORM_PLAIN, PVDEV_KIND_P256, false, false },
	{ PVDEV_FORM_PLAIN, PVDEV_KIND_P256, true, false },
	{ PVDEV_FORM_PLAIN, PVDEV_KIND_KDF, false, false },
	{ PVDEV_FORM_MAC0, PVDEV_KIND_KDF, false, false },
	{ PVDEV_FORM_BATCH, PVDEV_KIND_P256, false, false },
	{ PVDEV_FORM_BATCH, PVDEV_KIND_KDF, false, false },
	{ PVDEV_FORM_BATCH, PVDEV_KIND_P256, false, true },
};
#define COMBOS ((int)(sizeof(combos) / sizeof(combos[0])))

static struct fx_spec combo(int i)
{
	struct fx_spec s = fx_spec_default(combos[i].form, combos[i].kind);

	s.certified_recipient = combos[i].certified;
	if (combos[i].plain)
		s.batch_n = 0;
	return s;
}

/* Claims and signature of a receipt, read as formats.md 4 says. */
static void check_receipt(struct fx *f, const struct fx_bundle *b,
			  const uint8_t *p, size_t len, uint64_t seq,
			  enum pvdev_result result, const char *challenge)
{
	bool mac = f->cfg.receipt_slot == PVDEV_SLOT_RECEIPT;
	struct cose_msg m;
	struct cbor_reader r;
	struct cbor_bytes v;
	struct cbor_writer w;
	uint8_t tbs[1024], tag[32], kid[32];
	uint64_t n, u;
	int64_t key;

	ck_assert(cose_parse(&m, mac ? 17 : 18, mac ? 5 : -7, p, len, NULL));
	cbor_writer_init(&w, tbs, sizeof(tbs));
	if (mac) {
		cose_put_mac_structure(&w, m.protected_hdr, m.payload);
		fx_hmac(f->keys.receipt, 32, tbs, w.len, tag);
		ck_assert_mem_eq(tag, m.auth.p, 32);
		ck_assert_mem_eq(m.kid.p, f->keys.kdf_id, 16);
	} else {
		cose_put_sig_structure(&w, m.protected_hdr, m.payload);
		ck_assert(fx_verify(f->keys.certified, tbs, w.len, m.auth.p));
		ck_assert(pvdev_openssl_spki_hash(f->keys.certified, kid));
		ck_assert_mem_eq(m.kid.p, kid, 8);
	}
	ck_assert(cbor_valid(m.payload.p, m.payload.len, 8, NULL));
	cbor_reader_init(&r, m.payload.p, m.payload.len);
	ck_assert(cbor_get_map(&r, &n));
	ck_assert_uint_eq(n, challenge ? 5 : 4);
	ck_assert(cbor_expect_uint(&r, 7) && cbor_get_bstr(&r, &v));
	ck_assert_uint_eq(v.len, 16);
	ck_assert_mem_eq(v.p, b->bundle_id, 16);
	if (challenge) {
		ck_assert(cbor_expect_uint(&r, 10) && cbor_get_bstr(&r, &v));
		ck_assert_uint_eq(v.len, strlen(challenge));
		ck_assert_mem_eq(v.p, challenge, v.len);
	}
	ck_assert(cbor_get_int(&r, &key) && key == -70001);
	ck_assert(cbor_get_bstr(&r, &v) && v.len == 32);
	ck_assert_mem_eq(v.p, b->bh, 32);
	ck_assert(cbor_get_int(&r, &key) && key == -70002);
	ck_assert(cbor_get_uint(&r, &u) && u == seq);
	ck_assert(cbor_get_int(&r, &key) && key == -70003);
	ck_assert(cbor_get_uint(&r, &u) && u == (uint64_t)result);
	ck_assert(cbor_done(&r));
}

START_TEST(opens_in_order)
{
	struct fx_spec s = combo(_i);
	uint8_t receipt[PVDEV_RECEIPT_MAX], again[PVDEV_RECEIPT_MAX];
	struct fx_bundle b;
	struct fx f;
	size_t len, len2;

	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_OK);
	ck_assert_uint_eq(pvdev_items(&f.dev), b.items);
	fx_assert_active(&f, &b, &s);
	ck_assert_int_eq(pvdev_receipt(&f.dev, receipt, &len), PVDEV_OK);
	check_receipt(&f, &b, receipt, len, s.seq, PVDEV_OK, NULL);
	ck_assert_int_eq(pvdev_receipt_of(&f.cfg, &f.store.facts, PVDEV_OK,
					  again, &len2),
			 PVDEV_OK);
	check_receipt(&f, &b, again, len2, s.seq, PVDEV_OK, NULL);
	/* the same bundle again is an old one */
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_OLD_SEQ);
	ck_assert_uint_eq(f.store.activations, 1);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

START_TEST(opens_shuffled_and_doubled)
{
	struct fx_spec s = combo(_i % COMBOS);
	uint64_t seed = 1000 + (uint64_t)_i;
	size_t order[FX_ITEMS_MAX], n, i, j, t;
	struct fx_bundle b;
	struct fx f;

	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	n = b.items - 2;
	for (i = 0; i < n; i++) {
		order[i] = i + 2;
		order[i + n] = i + 2; /* each twice */
	}
	for (i = 2 * n - 1; i > 0; i--) {
		uint8_t r[4];

		fx_random(&seed, r, 4);
		j = (size_t)(r[0] << 16 | r[1] << 8 | r[2]) % (i + 1);
		t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
	for (i = 0; i < 2 * n; i++)
		ck_assert_int_eq(fx_feed(&f, &b, order[i]), PVDEV_OK);
	ck_assert_int_eq(pvdev_finish(&f.dev), PVDEV_OK);
	fx_assert_active(&f, &b, &s);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

START_TEST(sizes)
{
	static const uint32_t chunks[] = { 256, 512, 1024, 2048, 4096 };
	struct fx_component c[16];
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_KDF);
	char ids[16][65];
	struct fx_bundle b;
	struct fx f;
	size_t i, chunk = chunks[_i];

	memset(c, 0, sizeof(c));
	for (i = 0; i < 16; i++) {
		memset(ids[i], 'x', 64);
		ids[i][64] = '\0';
		ids[i][63] = (char)('a' + i);
		c[i].id = ids[i];
		c[i].sealed = i < 14;
		c[i].chunk = (uint32_t)chunk;
		c[i].len = i < 7 ? chunk * (i / 3 + 1) + i % 3 - 1 : i - 6;
		c[i].max_size = (uint32_t)c[i].len; /* exactly */
	}
	s.comps = c;
	s.comps_n = 16;
	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_OK);
	fx_assert_active(&f, &b, &s);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

START_TEST(batch_trees)
{
	static const unsigned n[] = { 2, 3, 4, 5, 7, 8, 9, 16, 17, 100 };
	struct fx_spec s = fx_spec_default(PVDEV_FORM_BATCH, PVDEV_KIND_KDF);
	unsigned size = n[_i], k;
	struct fx f;

	fx_setup(&f, &s);
	for (k = 0; k < size; k++) {
		struct fx_bundle b;

		s.batch_n = size;
		s.batch_index = k;
		fx_build(&f.keys, &s, &b);
		ck_assert_msg(fx_begin(&f, &b) == PVDEV_OK, "%u of %u", k,
			      size);
		fx_bundle_release(&b);
	}
	fx_release(&f);
}
END_TEST

START_TEST(largest_batch)
{
	static const unsigned index[] = { 0, 1, 65535, 32768, 40000 };
	struct fx_spec s = fx_spec_default(PVDEV_FORM_BATCH, PVDEV_KIND_P256);
	struct fx_bundle b;
	struct fx f;

	s.batch_n = 65536;
	s.batch_index = index[_i];
	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_OK);
	fx_assert_active(&f, &b, &s);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

START_TEST(evidence)
{
	static const uint8_t hash[32] = { 9, 9 }, other[32] = { 8 };
	struct fx_spec s = combo(_i);
	uint8_t receipt[PVDEV_RECEIPT_MAX];
	struct fx_bundle b;
	struct fx f;
	size_t len;

	s.evidence_hash = hash;
	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	/* a device that gave no evidence */
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_EVIDENCE);
	fx_assert_untouched(&f);
	/* one that gave another */
	f.cfg.challenge = (const uint8_t *)"0123456789abcdef0123456789abcdef";
	f.cfg.challenge_len = 32;
	f.cfg.evidence_hash = other;
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_EVIDENCE);
	f.cfg.evidence_hash = hash;
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_OK);
	fx_assert_active(&f, &b, &s);
	ck_assert_int_eq(pvdev_receipt(&f.dev, receipt, &len), PVDEV_OK);
	check_receipt(&f, &b, receipt, len, s.seq, PVDEV_OK,
		      "0123456789abcdef0123456789abcdef");
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

START_TEST(refused_receipt)
{
	struct fx_spec s = combo(_i);
	uint8_t receipt[PVDEV_RECEIPT_MAX];
	struct fx_bundle b;
	struct fx f;
	size_t len;

	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	ck_assert_int_eq(fx_begin(&f, &b), PVDEV_OK);
	/* none while nothing is decided */
	ck_assert_int_eq(pvdev_receipt(&f.dev, receipt, &len), PVDEV_STATE);
	ck_assert_int_eq(pvdev_finish(&f.dev), PVDEV_INCOMPLETE);
	ck_assert_int_eq(pvdev_receipt(&f.dev, receipt, &len), PVDEV_OK);
	check_receipt(&f, &b, receipt, len, s.seq, PVDEV_INCOMPLETE, NULL);
	ck_assert_int_eq(fx_feed(&f, &b, 3), PVDEV_STATE);
	ck_assert_int_eq(pvdev_finish(&f.dev), PVDEV_STATE);
	ck_assert_int_eq(pvdev_clear(&f.dev, 0, receipt, 1), PVDEV_STATE);
	/* none before the descriptor was verified */
	b.item[1].data[b.item[1].len - 1] ^= 1;
	ck_assert_int_ne(fx_begin(&f, &b), PVDEV_OK);
	ck_assert_int_eq(pvdev_receipt(&f.dev, receipt, &len), PVDEV_STATE);
	fx_assert_untouched(&f);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

START_TEST(unassigned_device)
{
	struct fx_spec s = combo(_i);
	struct fx_bundle b;
	struct fx f;

	fx_setup(&f, &s);
	f.cfg.role = NULL;
	f.cfg.stage = NULL;
	f.cfg.vendor = NULL;
	f.cfg.class_id = NULL;
	f.cfg.has_clock = false;
	fx_build(&f.keys, &s, &b);
	ck_assert_int_eq(fx_open(&f, &b), PVDEV_OK);
	fx_assert_active(&f, &b, &s);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

START_TEST(storage_fails)
{
	struct fx_spec s = combo(_i);
	struct fx_bundle b;
	struct fx f;
	unsigned at, calls;

	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	for (at = 1;; at++) {
		enum pvdev_result r;

		f.store.calls = 0;
		f.store.fail_at = at;
		r = fx_open(&f, &b);
		calls = f.store.calls;
		if (r == PVDEV_OK)
			break;
		ck_assert_int_eq(r, PVDEV_STORAGE);
		ck_assert_uint_eq(calls, at);
		fx_assert_untouched(&f);
	}
	ck_assert_uint_gt(at, 30);
	fx_assert_active(&f, &b, &s);
	fx_bundle_release(&b);
	fx_release(&f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device");
	TCase *t = tcase_create("device");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, opens_in_order, 0, COMBOS);
	tcase_add_loop_test(t, opens_shuffled_and_doubled, 0, 4 * COMBOS);
	tcase_add_loop_test(t, sizes, 0, 5);
	tcase_add_loop_test(t, batch_trees, 0, 10);
	tcase_add_loop_test(t, largest_batch, 0, 5);
	tcase_add_loop_test(t, evidence, 0, COMBOS);
	tcase_add_loop_test(t, refused_receipt, 0, COMBOS);
	tcase_add_loop_test(t, unassigned_device, 0, COMBOS);
	tcase_add_loop_test(t, storage_fails, 0, COMBOS);
	suite_add_tcase(s, t);
	return unit_run(s);
}
