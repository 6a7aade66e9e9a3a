#include <stdio.h>
#include <string.h>

#include <openssl/hmac.h>

#include "lib/base/cleanup.h"
#include "lib/base/cose.h"
#include "lib/flow/ownkey.h"
#include "lib/flow/receipts.h"
#include "lib/store/store_history.h"
#include "tests/unit/issued_fix.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/unit.h"

static struct err err;

/* ---- what a device says ---- */

struct saying {
	struct store_bundle b; /* as it names it */
	uint64_t result;
	EVP_PKEY *key;		  /* COSE_Sign1; NULL: COSE_Mac0 */
	const struct secret *mac; /* its receipt key */
	uint8_t kid[16];	  /* of a COSE_Mac0 */
	bool nonce;
};

static struct cbor_bytes written(const struct cbor_writer *w)
{
	return (struct cbor_bytes){ w->p, w->len };
}

static void put_claims(struct cbor_writer *w, const struct saying *s)
{
	static const uint8_t nonce[32] = { 1 };

	cbor_put_map(w, 4u + s->nonce);
	cbor_put_uint(w, 7);
	cbor_put_bstr(w, s->b.id, STORE_UUID);
	if (s->nonce) {
		cbor_put_uint(w, 10);
		cbor_put_bstr(w, nonce, sizeof(nonce));
	}
	cbor_put_int(w, -70001);
	cbor_put_bstr(w, s->b.bh, 32);
	cbor_put_int(w, -70002);
	cbor_put_uint(w, s->b.seq);
	cbor_put_int(w, -70003);
	cbor_put_uint(w, s->result);
}

static void authenticate(const struct saying *s, struct cbor_bytes prot,
			 struct cbor_bytes payload, uint8_t auth[64])
{
	uint8_t all[512], digest[32];
	struct cbor_writer w;
	unsigned len = 32;

	cbor_writer_init(&w, all, sizeof(all));
	if (s->key) {
		cose_put_sig_structure(&w, prot, payload);
		SHA256(all, w.len, digest);
		keys_sign(s->key, digest, auth);
		return;
	}
	cose_put_mac_structure(&w, prot, payload);
	ck_assert(HMAC(EVP_sha256(), s->mac->data, (int)s->mac->len, all, w.len,
		       auth, &len));
}

static struct span receipt(const struct saying *s)
{
	static uint8_t bytes[SEAL_RECEIPT_MAX];
	uint8_t payload[256], prot[64], auth[64], kid[16];
	struct cbor_writer p, h, w;

	memcpy(kid, s->kid, sizeof(kid));
	if (s->key)
		keys_kid(s->key, kid);
	cbor_writer_init(&p, payload, sizeof(payload));
	put_claims(&p, s);
	cbor_writer_init(&h, prot, sizeof(prot));
	cose_put_protected(&h, s->key ? COSE_ALG_ES256 : COSE_ALG_HMAC256, kid,
			   s->key ? 8 : 16);
	authenticate(s, written(&h), written(&p), auth);
	cbor_writer_init(&w, bytes, sizeof(bytes));
	cose_put_message(&w, s->key ? COSE_TAG_SIGN1 : COSE_TAG_MAC0,
			 written(&h), written(&p), auth,
			 s->key ? COSE_SIG_LEN : COSE_MAC_LEN);
	ck_assert(cbor_writer_ok(&w));
	return (struct span){ bytes, w.len };
}

/* ---- taking it in ---- */

static struct fixed {
	struct opened o;
	struct receipts r;
	struct issued_txn t;
	struct store_device d;
	struct saying s; /* the receipt of its newest bundle */
	struct receipt_said said;
} f;

static void look(const char *device, EVP_PKEY *key, bool token)
{
	memset(&f, 0, sizeof(f));
	err_init(&err);
	fix_open(&f.o, token);
	issued_begin(&f.o, &f.t);
	issued_get(&f.o, device, &f.d);
	issued_bundle(&f.o, &f.d, &f.s.b);
	f.s.key = key;
	f.r.store = f.o.store;
	f.r.hsm = f.o.hsm;
}

static void leave(bool commit)
{
	if (commit)
		issued_commit(&f.t);
	else
		store_rollback(&f.t.txn);
	receipts_release(&f.r);
	fix_close(&f.o);
}

static enum pv_code take(void)
{
	const struct span none = { NULL, 0 };

	err_init(&err);
	return receipts_take(&f.r, &f.t.who, receipt(&f.s), none, &f.said,
			     &err);
}

static enum pv_code count(void *ctx, const struct store_receipt *r,
			  struct err *e)
{
	(void)r;
	(void)e;
	++*(unsigned *)ctx;
	return PV_OK;
}

static unsigned kept(void)
{
	unsigned n = 0;
	const struct store_visit v = { .ctx = &n, .fn.receipt = count };

	unit_ok(store_receipt_each(f.o.store, f.d.s.number, &v, &err), &err);
	return n;
}

START_TEST(takes_one_in_once)
{
	EVP_PKEY *key = issued_cert("U0001");

	look("U0001", key, false);
	ck_assert(!receipts_need_token(receipt(&f.s)));
	unit_ok(take(), &err);
	ck_assert_str_eq(f.said.device, "U0001");
	ck_assert_str_eq(f.said.stage, "operational");
	ck_assert_uint_eq(f.said.seq, 1);
	ck_assert(!f.said.existing && !f.said.left && f.said.superseded == 0);
	ck_assert_uint_eq(kept(), 1);
	unit_ok(take(), &err);
	ck_assert(f.said.existing);
	ck_assert_uint_eq(kept(), 1);
	leave(true);
	look("U0001", key, false);
	unit_ok(take(), &err);
	ck_assert(f.said.existing);
	leave(false);
	EVP_PKEY_free(key);
}
END_TEST

/* After a refusal the bundle may be installed, and not the other way round. */
START_TEST(a_refusal_may_be_followed)
{
	EVP_PKEY *key = issued_cert("U0002");

	look("U0002", key, false);
	f.s.result = 82;
	unit_ok(take(), &err);
	ck_assert(!f.said.existing && f.said.result == 82);
	f.s.result = 0;
	unit_ok(take(), &err);
	ck_assert(!f.said.existing);
	f.s.result = 82;
	unit_ok(take(), &err);
	ck_assert(f.said.existing);
	ck_assert_uint_eq(kept(), 2);
	leave(false);
	EVP_PKEY_free(key);
}
END_TEST

/* The one before goes with the receipt, not with a refusal. */
START_TEST(supersedes_what_was_rotated)
{
	EVP_PKEY *key = issued_cert("U0003");
	struct store_device before;
	bool found;

	issued_rotate("U0003", key, "L2");
	look("U0003", key, false);
	f.s.result = 82;
	unit_ok(take(), &err);
	ck_assert_uint_eq(f.said.superseded, 0);
	f.s.result = 0;
	unit_ok(take(), &err);
	ck_assert_uint_eq(f.said.superseded, 1);
	unit_ok(store_number_get(f.o.store, f.d.s.replaces, &before, &found,
				 &err),
		&err);
	ck_assert_int_eq(before.state, STORE_REVOKED);
	leave(true);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(says_of_one_that_was_left)
{
	EVP_PKEY *key = issued_cert("U0004");

	issued_rotate("U0004", key, "L2");
	look("U0004", key, false);
	unit_ok(take(), &err);
	leave(true);
	/* The receipt of the first comes when it is revoked: recorded, and no
	 * more. */
	look("U0004", key, false);
	unit_ok(store_number_get(f.o.store, f.d.s.replaces, &f.d,
				 &(bool){ false }, &err),
		&err);
	issued_bundle(&f.o, &f.d, &f.s.b);
	unit_ok(take(), &err);
	ck_assert(f.said.left && !f.said.existing && f.said.superseded == 0);
	ck_assert_uint_eq(kept(), 1);
	leave(false);
	EVP_PKEY_free(key);
}
END_TEST

enum twist { BUNDLE, SEQ, HASH, NONCE, OTHER_KEY };
static const struct {
	enum twist what;
	enum pv_code code;
	const char *rule;
} twists[] = {
	{ BUNDLE, PV_NOT_FOUND, "receipt.bundle" },
	{ SEQ, PV_INTEGRITY, "receipt.claims" },
	{ HASH, PV_INTEGRITY, "receipt.claims" },
	{ NONCE, PV_INTEGRITY, "receipt.claims" },
	{ OTHER_KEY, PV_INTEGRITY, "receipt.key" },
};

START_TEST(refuses_what_is_not_so)
{
	EVP_PKEY *key, *other = keys_new();
	char device[16];

	snprintf(device, sizeof(device), "U001%d", _i);
	key = issued_cert(device);
	look(device, key, false);
	switch (twists[_i].what) {
	case BUNDLE:
		f.s.b.id[0] ^= 1;
		break;
	case SEQ:
		f.s.b.seq++;
		break;
	case HASH:
		f.s.b.bh[31] ^= 1;
		break;
	case NONCE:
		f.s.nonce = true;
		break;
	case OTHER_KEY:
		f.s.key = other;
		break;
	}
	unit_refused(take(), twists[_i].code, twists[_i].rule, &err);
	err_init(&err);
	ck_assert_uint_eq(kept(), 0);
	/* It is known whose it would be, once its bundle is. */
	ck_assert_str_eq(f.said.device,
			 twists[_i].what == BUNDLE ? "" : device);
	leave(false);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}
END_TEST

/* Its bytes: form and signature. */
START_TEST(refuses_bytes_that_were_changed)
{
	const struct span none = { NULL, 0 };
	EVP_PKEY *key = issued_cert("U0020");
	uint8_t bytes[SEAL_RECEIPT_MAX + 1];
	struct span good;
	unsigned form = 0, signature = 0;

	look("U0020", key, false);
	good = receipt(&f.s);
	for (size_t i = 0; i < good.len; i++) {
		enum pv_code rc;

		memcpy(bytes, good.p, good.len);
		bytes[i] ^= 1;
		err_init(&err);
		rc = receipts_take(&f.r, &f.t.who,
				   (struct span){ bytes, good.len }, none,
				   &f.said, &err);
		ck_assert_msg(rc == PV_INPUT || rc == PV_INTEGRITY ||
				      rc == PV_NOT_FOUND,
			      "byte %zu: %d", i, (int)rc);
		form += strcmp(err.rule, "receipt.form") == 0;
		signature += strcmp(err.rule, "receipt.signature") == 0;
	}
	ck_assert(form > 0 && signature >= 64);
	err_init(&err);
	ck_assert_uint_eq(kept(), 0);
	memcpy(bytes, good.p, good.len);
	bytes[good.len] = 0;
	unit_refused(receipts_take(&f.r, &f.t.who,
				   (struct span){ bytes, good.len + 1 }, none,
				   &f.said, &err),
		     PV_INPUT, "receipt.form", &err);
	ck_assert(!receipts_need_token(none));
	leave(false);
	EVP_PKEY_free(key);
}
END_TEST

/* ---- COSE_Mac0: the token derives the receipt key ---- */

static void derive(struct secret *key)
{
	const struct authority_key *named = NULL;
	struct hsm_key *master = NULL;
	struct issue_key want;
	struct buf input;

	buf_init(&input, KDF_INPUT_MAX);
	unit_ok(authority_key(f.o.a, "kdf", &named, &err), &err);
	unit_ok(ownkey_load(f.o.store, named->label, &want, &err), &err);
	unit_ok(ownkey_find(f.o.hsm, &want, &master, &err), &err);
	unit_ok(kdf_input(KDF_RECEIPT, f.d.s.device, &input, &err), &err);
	unit_ok(hsm_derive(f.o.hsm, master, buf_span(&input), key, &err), &err);
	memcpy(f.s.kid, want.id, sizeof(f.s.kid));
	buf_release(&input);
}

START_TEST(takes_a_mac_by_the_token)
{
	SECRET mac = SECRET_INIT;

	issued_kdf("K0001");
	look("K0001", NULL, true);
	derive(&mac);
	f.s.mac = &mac;
	ck_assert(receipts_need_token(receipt(&f.s)));
	mac.data[0] ^= 1;
	unit_refused(take(), PV_INTEGRITY, "receipt.signature", &err);
	mac.data[0] ^= 1;
	f.s.kid[0] ^= 1;
	unit_refused(take(), PV_INTEGRITY, "receipt.key", &err);
	f.s.kid[0] ^= 1;
	unit_ok(take(), &err);
	ck_assert(!f.said.existing);
	/* Without a token none is taken. */
	f.r.hsm = NULL;
	unit_refused(take(), PV_INTERNAL, "receipt.token", &err);
	leave(false);
}
END_TEST

START_TEST(finds_rows_that_were_edited)
{
	static const char *const edits[] = {
		"update bundle set stage = 'bootstrap' where number = "
		"(select number from device where device = '%s')",
		"update device set role = 'two' where device = '%s'",
	};
	char device[16], sql[300];
	EVP_PKEY *key;

	snprintf(device, sizeof(device), "U003%d", _i);
	key = issued_cert(device);
	snprintf(sql, sizeof(sql), edits[_i], device);
	issued_sql(sql);
	look(device, key, false);
	unit_refused(take(), PV_INTEGRITY, "store.edited", &err);
	leave(false);
	EVP_PKEY_free(key);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("receipts");
	TCase *tc = tcase_create("receipts");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, issued_make_base, NULL);
	tcase_add_test(tc, takes_one_in_once);
	tcase_add_test(tc, a_refusal_may_be_followed);
	tcase_add_test(tc, supersedes_what_was_rotated);
	tcase_add_test(tc, says_of_one_that_was_left);
	tcase_add_loop_test(tc, refuses_what_is_not_so, 0,
			    sizeof(twists) / sizeof(*twists));
	tcase_add_test(tc, refuses_bytes_that_were_changed);
	tcase_add_test(tc, takes_a_mac_by_the_token);
	tcase_add_loop_test(tc, finds_rows_that_were_edited, 0, 2);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
