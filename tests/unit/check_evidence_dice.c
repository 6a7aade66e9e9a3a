#include <string.h>

#include "lib/base/cose.h"
#include "lib/base/sha256.h"
#include "lib/evidence/claimed.h"
#include "lib/evidence/tcbinfo.h"
#include "tests/unit/evidence_chain.h"
#include "tests/unit/evidence_fix.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/unit.h"

#define LEVELS 10

/* From the alias up: alias, DeviceID, vendor, root. */
enum { ALIAS, DEVICE, VENDOR, ROOT };

static EVP_PKEY *keys[LEVELS];
static struct ec_cert what[LEVELS];
static struct ec_tcb tcb[2];
static uint8_t digests[3][48], spki[91];
static struct buf ders[LEVELS], tcbs[2], message, whole;
static struct span anchor, alias_tcb; /* alias_tcb: in the place of tcb[0] */
static struct evidence_want want;
static struct evidence_reference references[3];
static const char *const names[LEVELS] = { "alias", "device", "vendor", "root",
					   "r4",    "r5",     "r6",	"r7",
					   "r8",    "r9" };

static void setup(void)
{
	for (int i = 0; i < LEVELS; i++) {
		keys[i] = keys_new();
		buf_init(&ders[i], 65536);
	}
	for (int i = 0; i < LEVELS; i++) {
		int by = i == LEVELS - 1 || i == ROOT ? i : i + 1;

		what[i] = (struct ec_cert){
			.subject = names[i],
			.issuer = names[by],
			.key = keys[i],
			.signer = keys[by],
			.basic = i == ALIAS ? NULL : "critical,CA:TRUE",
			.usage = i == ALIAS ? "critical,digitalSignature"
					    : "critical,keyCertSign"
		};
	}
	for (int i = 0; i < 3; i++)
		memset(digests[i], 'a' + i, sizeof(digests[i]));
	tcb[1] = (struct ec_tcb){ 0, 4, 0, digests[0], NULL, NULL };
	tcb[0] = (struct ec_tcb){ 1, 3, 0, digests[1], NULL, digests[2] };
	alias_tcb = (struct span){ 0 };
	buf_init(&tcbs[0], 4096);
	buf_init(&tcbs[1], 4096);
	buf_init(&message, 65536);
	buf_init(&whole, 65536);
	references[0] = (struct evidence_reference){ "layer0", { 0 } };
	references[1] = (struct evidence_reference){ "layer1", { 0 } };
	references[2] = (struct evidence_reference){ "layer1", { 0 } };
	memcpy(references[0].digest, digests[0], 32);
	memcpy(references[1].digest, digests[1], 32);
	keys_spki(keys[DEVICE], spki);
	want = (struct evidence_want){ .format = EVIDENCE_DICE,
				       .device = "ACME-01",
				       .key = { spki, sizeof(spki) },
				       .anchors = &anchor,
				       .anchors_n = 1,
				       .reference = references,
				       .reference_n = 3,
				       .min_svn = 3,
				       .now_s = EC_NOW };
	memset(want.a, 0x5a, sizeof(want.a));
}

static void teardown(void)
{
	for (int i = 0; i < LEVELS; i++) {
		EVP_PKEY_free(keys[i]);
		buf_release(&ders[i]);
	}
	buf_release(&tcbs[0]);
	buf_release(&tcbs[1]);
	buf_release(&message);
	buf_release(&whole);
}

/* [[of these certificates], message] */
static void put_whole(const int *order, size_t n)
{
	struct cbor_writer w;

	buf_reset(&whole);
	cbor_writer_init(&w, buf_room(&whole, 60000), 60000);
	cbor_put_array(&w, 2);
	cbor_put_array(&w, n);
	for (size_t i = 0; i < n; i++)
		cbor_put_bstr(&w, ders[order[i]].data, ders[order[i]].len);
	cbor_put_bstr(&w, message.data, message.len);
	ck_assert(cbor_writer_ok(&w));
	buf_commit(&whole, w.len);
}

/* Certificates below the anchor at `top', as what says now. */
static void make(int top)
{
	int order[LEVELS];

	for (int i = 0; i < 2; i++)
		ec_tcb(&tcb[i], &tcbs[i]);
	what[ALIAS].tcb = alias_tcb.p ? alias_tcb : buf_span(&tcbs[0]);
	what[DEVICE].tcb = buf_span(&tcbs[1]);
	for (int i = 0; i <= top; i++) {
		ec_make(&what[i], &ders[i]);
		order[i] = i;
	}
	anchor = buf_span(&ders[top]);
	ef_message(keys[ALIAS], (struct span){ 0 }, COSE_ALG_ES256,
		   (struct span){ want.a, 32 }, &message);
	put_whole(order, (size_t)top);
}

static void expect(enum pv_code code, const char *rule)
{
	ef_expect(buf_span(&whole), &want, code, rule);
}

START_TEST(takes_chains)
{
	static const int with_root[] = { ALIAS, DEVICE, VENDOR, ROOT };

	make(ROOT);
	expect(PV_OK, NULL);
	put_whole(with_root, 4);
	expect(PV_OK, NULL);
	/* an anchor need not be self-signed */
	make(VENDOR);
	expect(PV_OK, NULL);
	make(DEVICE);
	want.key = (struct span){ 0 };
	expect(PV_INPUT, "evidence.key");
}
END_TEST

START_TEST(flips)
{
	make(VENDOR);
	expect(PV_OK, NULL);
	ef_flip_all(buf_span(&whole), &want);
	for (size_t n = 1; n < whole.len; n++)
		ef_expect((struct span){ whole.data, n }, &want, PV_INPUT,
			  "evidence.form");
}
END_TEST

/* 8 certificates below the anchor are taken, 9 are not. */
START_TEST(depth)
{
	what[ROOT].issuer = names[ROOT + 1];
	what[ROOT].signer = keys[ROOT + 1];
	make(8);
	expect(PV_OK, NULL);
	make(9);
	expect(PV_INTEGRITY, "evidence.chain");
}
END_TEST

START_TEST(order_and_gaps)
{
	static const int swapped[] = { ALIAS, VENDOR, DEVICE };
	static const int gap[] = { ALIAS, VENDOR };
	static const int extra[] = { ALIAS, DEVICE, VENDOR, 5 };
	static const int twice[] = { ALIAS, DEVICE, VENDOR, VENDOR };
	static const int alone[] = { ALIAS };
	static const int none[] = { 0 };

	make(ROOT);
	ec_make(&what[5], &ders[5]);
	put_whole(swapped, 3);
	expect(PV_INTEGRITY, "evidence.chain");
	put_whole(gap, 2);
	expect(PV_INTEGRITY, "evidence.chain");
	put_whole(extra, 4);
	expect(PV_INTEGRITY, "evidence.chain");
	put_whole(twice, 4);
	expect(PV_INTEGRITY, "evidence.chain");
	put_whole(alone, 1);
	expect(PV_INTEGRITY, "evidence.chain");
	put_whole(none, 0);
	expect(PV_INPUT, "evidence.form");
	/* an anchor is no evidence of itself */
	anchor = buf_span(&ders[ALIAS]);
	put_whole(alone, 1);
	expect(PV_INTEGRITY, "evidence.chain");
	make(ROOT);
	want.anchors_n = 0;
	expect(PV_INTEGRITY, "evidence.chain");
	want.anchors_n = 1;
	anchor.len--;
	expect(PV_INPUT, "evidence.form");
}
END_TEST

static const struct {
	const char *why;
	int at;
	struct ec_cert change;
} wrong_chains[] = {
	{ "expired", DEVICE, { .until_s = EC_NOW - 1 } },
	{ "expired", ALIAS, { .until_s = EC_NOW - 1 } },
	{ "expired", ROOT, { .until_s = EC_NOW - 1 } },
	{ "not yet", DEVICE, { .from_s = EC_NOW + 1 } },
	{ "pathLen", VENDOR, { .basic = "critical,CA:TRUE,pathlen:0" } },
	{ "pathLen", ROOT, { .basic = "critical,CA:TRUE,pathlen:1" } },
	{ "no CA", DEVICE, { .basic = "critical,CA:FALSE" } },
	{ "no CA", VENDOR, { .basic = "" } },
	{ "usage", VENDOR, { .usage = "critical,digitalSignature" } },
	{ "usage", ALIAS, { .usage = "critical,keyAgreement" } },
	{ "names", ROOT, { .names = "critical,permitted;DNS:example.com" } },
	{ "critical", DEVICE, { .other = "2.23.133.5.4.99" } },
	{ "critical", ALIAS, { .other = "2.23.133.5.4.99" } },
	{ "issuer", DEVICE, { .issuer = "elsewhere" } },
};

static void change(struct ec_cert *to, const struct ec_cert *from)
{
	if (from->until_s)
		to->until_s = from->until_s;
	if (from->from_s)
		to->from_s = from->from_s;
	if (from->basic)
		to->basic = *from->basic ? from->basic : NULL;
	if (from->usage)
		to->usage = from->usage;
	if (from->names) {
		to->names = from->names;
		what[ALIAS].san = "DNS:alias.example.org";
	}
	if (from->other)
		to->other = from->other;
	if (from->issuer)
		to->issuer = from->issuer;
}

START_TEST(chain_wrong)
{
	change(&what[wrong_chains[_i].at], &wrong_chains[_i].change);
	make(ROOT);
	expect(PV_INTEGRITY, "evidence.chain");
}
END_TEST

START_TEST(chain_signature)
{
	what[DEVICE].md = EVP_sha1();
	make(ROOT);
	expect(PV_INTEGRITY, "evidence.chain");
	what[DEVICE].md = NULL;
	what[DEVICE].signer = keys[9];
	make(ROOT);
	expect(PV_INTEGRITY, "evidence.chain");
}
END_TEST

START_TEST(message_wrong)
{
	static const int order[] = { ALIAS, DEVICE, VENDOR };
	uint8_t a[33] = { 0 };

	make(ROOT);
	ef_message(keys[DEVICE], (struct span){ 0 }, COSE_ALG_ES256,
		   (struct span){ want.a, 32 }, &message);
	put_whole(order, 3);
	expect(PV_INTEGRITY, "evidence.signature");
	ef_message(NULL, (struct span){ spki, 32 }, COSE_ALG_HMAC256,
		   (struct span){ want.a, 32 }, &message);
	put_whole(order, 3);
	expect(PV_INTEGRITY, "evidence.algorithm");
	ef_message(keys[ALIAS], (struct span){ 0 }, -35,
		   (struct span){ want.a, 32 }, &message);
	put_whole(order, 3);
	expect(PV_INTEGRITY, "evidence.algorithm");
	for (size_t n = 31; n <= 33; n++) {
		ef_message(keys[ALIAS], (struct span){ 0 }, COSE_ALG_ES256,
			   (struct span){ a, n }, &message);
		put_whole(order, 3);
		expect(PV_DENIED, "evidence.nonce");
	}
}
END_TEST

/* A chain that is right, but of another device of the same vendor. */
START_TEST(other_device)
{
	make(ROOT);
	keys_spki(keys[9], spki);
	expect(PV_DENIED, "evidence.identity");
	keys_spki(keys[ALIAS], spki);
	expect(PV_OK, NULL);
	/* the anchor's own key is everybody's */
	keys_spki(keys[ROOT], spki);
	expect(PV_DENIED, "evidence.identity");
}
END_TEST

/* Whose it could be is known before anything is believed. */
START_TEST(keys_claimed)
{
	struct evidence_claimed c;
	uint8_t hash[32];

	make(ROOT);
	evidence_claimed(EVIDENCE_DICE, buf_span(&whole), &c);
	ck_assert_uint_eq(c.n, 3);
	ck_assert(sha256((struct span){ spki, sizeof(spki) }, hash, NULL) ==
		  PV_OK);
	ck_assert_mem_eq(c.id[1], hash, sizeof(hash)); /* DEVICE's */
	evidence_claimed(EVIDENCE_DICE,
			 (struct span){ whole.data, whole.len - 1 }, &c);
	ck_assert_uint_eq(c.n, 0);
}
END_TEST

START_TEST(alias_kind)
{
	what[ALIAS].key = EVP_EC_gen("P-384"); /* the message is of another */
	make(ROOT);
	expect(PV_INTEGRITY, "evidence.algorithm");
	EVP_PKEY_free(what[ALIAS].key);
}
END_TEST

START_TEST(measurements)
{
	/* another layer's software */
	tcb[0].sha256 = digests[2];
	make(ROOT);
	expect(PV_DENIED, "evidence.measurement");
	/* one of two alternatives */
	memcpy(references[2].digest, digests[2], 32);
	expect(PV_OK, NULL);
	/* two of one layer must both be known */
	tcb[0].sha256_too = digests[0];
	make(ROOT);
	expect(PV_DENIED, "evidence.measurement");
	tcb[0].sha256_too = digests[1];
	make(ROOT);
	expect(PV_OK, NULL);
	/* SHA-384 alone has no reference */
	tcb[0].sha256 = tcb[0].sha256_too = NULL;
	make(ROOT);
	expect(PV_DENIED, "evidence.measurement");
	tcb[0].sha384 = NULL;
	make(ROOT);
	expect(PV_DENIED, "evidence.measurement");
}
END_TEST

START_TEST(layers)
{
	tcb[0].layer = tcb[1].layer = -1; /* by their place */
	make(ROOT);
	expect(PV_OK, NULL);
	tcb[0].layer = 0; /* twice */
	make(ROOT);
	expect(PV_DENIED, "evidence.measurement");
	tcb[0].layer = 7; /* without a reference */
	make(ROOT);
	expect(PV_DENIED, "evidence.measurement");
	tcb[0].layer = 1;
	references[0].component = "layer9"; /* of no layer */
	make(ROOT);
	expect(PV_DENIED, "evidence.measurement");
	want.reference_n = 0;
	expect(PV_OK, NULL);
}
END_TEST

START_TEST(versions)
{
	want.min_svn = 4;
	make(ROOT);
	expect(PV_DENIED, "evidence.svn");
	tcb[0].svn = 4;
	make(ROOT);
	expect(PV_OK, NULL);
	tcb[1].svn = -1;
	make(ROOT);
	expect(PV_DENIED, "evidence.svn");
	want.min_svn = 0;
	expect(PV_OK, NULL);
}
END_TEST

static const struct {
	unsigned flag;
	const char *name, *rule;
} flags[] = {
	{ TCBINFO_NOT_CONFIGURED, "not-configured", "evidence.lifecycle" },
	{ TCBINFO_NOT_SECURE, "not-secure", "evidence.lifecycle" },
	{ TCBINFO_RECOVERY, "recovery", "evidence.lifecycle" },
	{ TCBINFO_DEBUG, "debug", "evidence.debug" },
	{ 1u << 8, "other", "evidence.lifecycle" },
};

START_TEST(flag)
{
	const char *const allowed[] = { "secured", flags[_i].name };

	for (int at = 0; at < 2; at++) {
		tcb[0].flags = at == 0 ? flags[_i].flag : 0;
		tcb[1].flags = at == 1 ? flags[_i].flag : 0;
		make(ROOT);
		want.lifecycle_n = 0;
		expect(PV_DENIED, flags[_i].rule);
		want.lifecycle = allowed;
		want.lifecycle_n = 2;
		if (flags[_i].flag != TCBINFO_DEBUG)
			expect(PV_OK, NULL);
		want.lifecycle_n = 1;
		expect(PV_DENIED, flags[_i].rule);
	}
	/* two flags are two states */
	tcb[0].flags = TCBINFO_RECOVERY | TCBINFO_NOT_SECURE;
	tcb[1].flags = 0;
	make(ROOT);
	want.lifecycle = allowed;
	want.lifecycle_n = 2;
	expect(PV_DENIED, "evidence.lifecycle");
}
END_TEST

START_TEST(tcb_absent)
{
	const size_t riot_inner = 14; /* behind [0] and the OID */
	struct buf riot;

	unit_read("vectors/dice/tcg_test_riot-ext.der", &riot);
	make(ROOT);
	what[ALIAS].tcb2 = what[ALIAS].tcb;
	make(ROOT);
	expect(PV_INPUT, "evidence.tcb");
	what[ALIAS].tcb2 = (struct span){ 0 };
	alias_tcb =
		(struct span){ riot.data + riot_inner, riot.len - riot_inner };
	make(ROOT);
	expect(PV_INPUT, "evidence.tcb");
	alias_tcb = buf_span(&riot);
	make(ROOT);
	expect(PV_INPUT, "evidence.tcb");
	unit_case("vectors/dice/tcg_test_riot-ext.der",
		  "in an alias certificate", UNIT_REFUSED,
		  "RIoT's structure under the OID of DiceTcbInfo");
	buf_release(&riot);
	/* in the DeviceID's certificate alone: the alias is not measured */
	what[ALIAS].tcb = (struct span){ 0 };
	ec_tcb(&tcb[1], &tcbs[1]);
	what[DEVICE].tcb = buf_span(&tcbs[1]);
	ec_make(&what[ALIAS], &ders[ALIAS]);
	ec_make(&what[DEVICE], &ders[DEVICE]);
	ec_make(&what[VENDOR], &ders[VENDOR]);
	ec_make(&what[ROOT], &ders[ROOT]);
	anchor = buf_span(&ders[ROOT]);
	put_whole((const int[]){ ALIAS, DEVICE, VENDOR }, 3);
	expect(PV_INPUT, "evidence.tcb");
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
	Suite *s = suite_create("evidence_dice");
	TCase *t = tcase_create("evidence_dice");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, takes_chains);
	tcase_add_test(t, flips);
	tcase_add_test(t, depth);
	tcase_add_test(t, order_and_gaps);
	tcase_add_loop_test(t, chain_wrong, 0, COUNT(wrong_chains));
	tcase_add_test(t, chain_signature);
	tcase_add_test(t, message_wrong);
	tcase_add_test(t, other_device);
	tcase_add_test(t, keys_claimed);
	tcase_add_test(t, alias_kind);
	tcase_add_test(t, measurements);
	tcase_add_test(t, layers);
	tcase_add_test(t, versions);
	tcase_add_loop_test(t, flag, 0, COUNT(flags));
	tcase_add_test(t, tcb_absent);
	suite_add_tcase(s, t);
	return unit_run(s);
}
