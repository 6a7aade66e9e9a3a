/* What a TPM brings to be enrolled is taken apart in a box: what comes out of
 * it is what the same functions make here, or is not believed. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/sha256.h"
#include "lib/flow/evidencebox_impl.h"
#include "tests/unit/box_fix.h"
#include "tests/unit/evidence_chain.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/tpm2_fix.h"
#include "tests/unit/unit.h"

static struct evidencebox box;
static struct offer_made made;
static struct offer_want want;
static struct secret secret;
static struct err err;
static struct buf root, ek, crl;
static struct span certs[1], anchors[1], crls[1];
static EVP_PKEY *keys[2]; /* the maker's, the EK */
static uint8_t ak_spki[91], ek_spki[91], area[1024];
static size_t area_len;

static void make_ak(void)
{
	EVP_PKEY *key = keys_new();
	TPM2B_PUBLIC public;

	keys_spki(key, ak_spki);
	EVP_PKEY_free(key);
	tpm2_fix_public(&public, ak_spki);
	area_len = 0;
	ck_assert(Tss2_MU_TPM2B_PUBLIC_Marshal(&public, area, sizeof(area),
					       &area_len) == 0);
}

static void make_ek(void)
{
	const struct ec_cert maker = { .subject = "maker",
				       .issuer = "maker",
				       .key = keys[0],
				       .signer = keys[0],
				       .basic = "critical,CA:TRUE",
				       .usage = "keyCertSign,cRLSign" };
	const struct ec_cert cert = { .subject = "ek",
				      .issuer = "maker",
				      .key = keys[1],
				      .signer = keys[0],
				      .serial = 5,
				      .extended = "2.23.133.8.1" };

	buf_init(&root, 8192);
	buf_init(&ek, 8192);
	buf_init(&crl, 8192);
	ec_make(&maker, &root);
	ec_make(&cert, &ek);
	keys_spki(keys[1], ek_spki);
	anchors[0] = buf_span(&root);
	certs[0] = buf_span(&ek);
}

static void open_box(void)
{
	ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	err_init(&err);
	for (int i = 0; i < 2; i++)
		keys[i] = keys_new();
	make_ak();
	make_ek();
	unit_ok(secret_alloc(&secret, 32, &err), &err);
	memset(secret.data, 0x5a, secret.len);
	want = (struct offer_want){ .ak = { area, area_len },
				    .ek = { .certs = certs,
					    .certs_n = 1,
					    .anchors = anchors,
					    .anchors_n = 1,
					    .now_s = EC_NOW,
					    .crls = crls },
				    .secret = &secret };
	box = (struct evidencebox)EVIDENCEBOX_INIT;
	unit_ok(evidencebox_start(&box, &err), &err);
}

static void close_box(void)
{
	evidencebox_stop(&box);
	secret_release(&secret);
	for (int i = 0; i < 2; i++)
		EVP_PKEY_free(keys[i]);
	buf_release(&root);
	buf_release(&ek);
	buf_release(&crl);
}

static void ask(enum pv_code code, const char *rule)
{
	unit_ok(evidencebox_offer(&box, &want, &made, &err), &err);
	ck_assert_msg(made.why.code == code, "%d %s: %s", (int)made.why.code,
		      made.why.rule, made.why.message);
	ck_assert_str_eq(made.why.rule, rule);
}

START_TEST(makes)
{
	uint8_t hash[32];

	ask(PV_OK, "");
	ck_assert_mem_eq(made.ak_spki, ak_spki, sizeof(ak_spki));
	unit_ok(sha256((struct span){ ek_spki, sizeof(ek_spki) }, hash, &err),
		&err);
	ck_assert_mem_eq(made.ek_sha256, hash, sizeof(hash));
	/* BADCC0DE: what tpm2_activatecredential takes. */
	ck_assert_mem_eq(made.file, "\xba\xdc\xc0\xde\0\0\0\1", 8);
	ck_assert_uint_gt(made.file_len, 100);
}
END_TEST

START_TEST(refuses)
{
	const struct ec_crl list = { .issuer = "maker",
				     .signer = keys[0],
				     .revoked = 5 };

	want.ak.len--;
	ask(PV_INPUT, "ak.form");
	want.ak.len++;
	want.ek.now_s = EC_NOW + 3 * 86400;
	ask(PV_INTEGRITY, "ek.chain");
	want.ek.now_s = EC_NOW;
	ec_crl(&list, &crl);
	crls[0] = buf_span(&crl);
	want.ek.crls_n = 1;
	ask(PV_INTEGRITY, "ek.chain");
	want.ek.crls_n = 0;
	certs[0].len--;
	ask(PV_INPUT, "ek.form");
	ck_assert_uint_eq(made.file_len, 0);
	want.ek.anchors_n = BOX_LIST_MAX + 1;
	unit_refused(evidencebox_offer(&box, &want, &made, &err), PV_INTERNAL,
		     "evidence.box", &err);
}
END_TEST

/* Nobody is enrolled without a box. */
START_TEST(keeper_gone)
{
	ck_assert(kill(box.keeper.pid, SIGKILL) == 0);
	unit_refused(evidencebox_offer(&box, &want, &made, &err), PV_INTERNAL,
		     "evidence.box", &err);
}
END_TEST

/* ---- a box that lies ---- */

static enum pv_code lie(enum pv_code code, const char *rule, size_t file_len,
			bool point, enum wire_type type)
{
	static const uint8_t zeros[TPM2_MADE_MAX + 1];
	struct wire_rec rec;
	struct wire w = { .fd = -1 };
	struct err why, ignored;
	size_t mark;
	enum pv_code rc;

	err_init(&why);
	err_init(&ignored);
	if (code != PV_OK)
		(void)err_fail(&why, code, rule, NULL, "x");
	buf_init(&w.out, 8192);
	buf_init(&w.in, 8192);
	mark = wire_begin(&w, type);
	wire_put_err(&w, &why);
	wire_put_bytes(&w, point ? ak_spki : zeros, sizeof(ak_spki));
	wire_put_bytes(&w, zeros, 32);
	wire_put_span(&w, (struct span){ zeros, file_len });
	wire_end(&w, mark);
	buf_put(&w.in, w.out.data, w.out.len);
	ck_assert(wire_next(&w, &rec));
	rc = box_get_offer(&rec, &made, &ignored);
	buf_release(&w.in);
	buf_release(&w.out);
	return rc;
}

START_TEST(lies)
{
	make_ak();
	ck_assert(lie(PV_OK, "", 10, true, WIRE_OFFER) == PV_OK);
	ck_assert(lie(PV_OK, "", 0, true, WIRE_OFFER) == PV_INPUT);
	ck_assert(lie(PV_OK, "", 10, false, WIRE_OFFER) == PV_INPUT);
	ck_assert(lie(PV_OK, "", sizeof(made.file) + 1, true, WIRE_OFFER) ==
		  PV_INPUT);
	ck_assert(lie(PV_OK, "", 10, true, WIRE_VERDICT) == PV_INPUT);
	ck_assert(lie(PV_DENIED, "ek.usage", 0, false, WIRE_OFFER) == PV_OK);
	ck_assert(lie(PV_DENIED, "order.closed", 0, false, WIRE_OFFER) ==
		  PV_INPUT);
	ck_assert(lie(PV_DENIED, "ek.\x1b", 0, false, WIRE_OFFER) == PV_INPUT);
	ck_assert(lie(PV_STORAGE, "ek.form", 0, false, WIRE_OFFER) == PV_INPUT);
	ck_assert(lie(PV_WAITING, "ek.form", 0, false, WIRE_OFFER) == PV_INPUT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("evidencebox_offer");
	TCase *t, *wire = tcase_create("wire");

	tcase_add_test(wire, lies);
	suite_add_tcase(s, wire);
	if (!seccomp_is_there()) {
		unit_skip("evidencebox_offer", "no seccomp here");
		return unit_run(s);
	}
	t = tcase_create("box");
	tcase_add_checked_fixture(t, open_box, close_box);
	tcase_add_test(t, makes);
	tcase_add_test(t, refuses);
	tcase_add_test(t, keeper_gone);
	suite_add_tcase(s, t);
	return unit_run(s);
}
