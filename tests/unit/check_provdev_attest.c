/*
 * The simulated device attests, lib/evidence verifies: neither knows the
 * other's code.
 */
#include <openssl/pem.h>
#include <string.h>

#include "lib/base/pem.h"
#include "lib/base/sha256.h"
#include "lib/evidence/evidence.h"
#include "tests/unit/evidence_fix.h"
#include "tests/unit/provdev_fixture.h"
#include "tests/unit/unit.h"

#define NOW UINT64_C(1798675200) /* 2026-12-31 */

static uint8_t nonce[32], manifest[32], measured[32];
static uint8_t ueid[EVIDENCE_UEID_LEN];
static struct evidence_reference reference[2];
static struct buf key, seal, root, token;
static struct evidence_want want;
static struct span anchor;

static const struct {
	const char *format;
	enum evidence_format is;
	const char *component;
} formats[] = { { "psa", EVIDENCE_PSA, "BL" },
		{ "psa-mac", EVIDENCE_PSA, "BL" },
		{ "dice", EVIDENCE_DICE, "layer0" } };

static void read_pem(const char *path, const char *label, struct buf *der)
{
	struct buf text;
	struct err err;

	err_init(&err);
	pd_get(path, &text);
	buf_init(der, 4096);
	unit_ok(pem_decode(buf_span(&text), label, der, &err), &err);
	buf_release(&text);
}

static void put_challenge(const char *device)
{
	char n[65], m[65], line[512];
	int len;

	hex_encode(nonce, 32, n);
	hex_encode(manifest, 32, m);
	len = snprintf(line, sizeof(line),
		       "{\"device\":\"%s\",\"stage\":\"operational\","
		       "\"nonce\":\"%s\",\"manifest\":\"sha256:%s\","
		       "\"until\":\"2026-12-31T00:05:00Z\"}\n",
		       device, n, m);
	pd_put(pd_path("challenge", ""), line, (size_t)len);
}

static void setup(void)
{
	struct err err;

	err_init(&err);
	memset(nonce, 7, sizeof(nonce));
	memset(manifest, 8, sizeof(manifest));
	ck_assert_int_eq(pd_run("keygen", pd_path("dev", ""), "--id", DEVICE,
				"--sealing", NULL),
			 0);
	put_challenge(DEVICE);
	read_pem(pd_path("dev", "seal_pub.pem"), "PUBLIC KEY", &seal);
	unit_ok(sha256((struct span){ (const uint8_t *)"provdev", 7 }, measured,
		       &err),
		&err);
	buf_init(&key, 4096);
	buf_init(&root, 4096);
	buf_init(&token, 65536);
}

static void teardown(void)
{
	buf_release(&key);
	buf_release(&seal);
	buf_release(&root);
	buf_release(&token);
	pd_shell("rm -rf %s/*", unit_tmp());
}

static int make_key(int i)
{
	bool dice = formats[i].is == EVIDENCE_DICE;

	return pd_run("attest-key", pd_path("dev", ""), "--format",
		      formats[i].format, dice ? "--vendor" : NULL,
		      pd_path("vendor", ""), NULL);
}

/* What the device is to be, but its key. */
static void set_want(int i, bool sealed)
{
	struct span none = { 0 };
	struct err err;

	err_init(&err);
	reference[0] =
		(struct evidence_reference){ formats[i].component, { 0 } };
	memcpy(reference[0].digest, measured, 32);
	want = (struct evidence_want){ .format = formats[i].is,
				       .device = DEVICE,
				       .reference = reference,
				       .reference_n = 1,
				       .min_svn = 1,
				       .now_s = NOW };
	unit_ok(evidence_a(nonce, sealed ? buf_span(&seal) : none, manifest,
			   want.a, &err),
		&err);
}

static int attest(int i, const char *option, const char *value)
{
	return pd_run("attest", pd_path("dev", ""), "--format",
		      formats[i].format, "--challenge",
		      pd_path("challenge", ""), "--out",
		      pd_path("evidence", ""), option, value, NULL);
}

static void expect(enum pv_code code, const char *rule)
{
	struct buf bytes;

	pd_get(pd_path("evidence", ""), &bytes);
	ef_expect(buf_span(&bytes), &want, code, rule);
	buf_release(&bytes);
	pd_shell("rm %s/evidence", unit_tmp());
}

/* The instance ID that is enrolled with a shared key. */
static void take_ueid(void)
{
	struct buf hex;

	pd_get(pd_path("dev", "iak_ueid.hex"), &hex);
	ck_assert_uint_eq(hex.len, 2 * sizeof(ueid) + 1);
	hex.data[2 * sizeof(ueid)] = '\0';
	ck_assert(hex_decode((const char *)hex.data, ueid, sizeof(ueid)));
	want.instance = (struct span){ ueid, sizeof(ueid) };
	buf_release(&hex);
}

/* The key as it would be enrolled. */
static void enrol(int i, struct secret *mac)
{
	struct err err;

	err_init(&err);
	ck_assert_int_eq(make_key(i), 0);
	if (i == 1) {
		pd_get(pd_path("dev", "iak.bin"), &key);
		unit_ok(secret_copy(mac, key.data, key.len, &err), &err);
		take_ueid();
		want.mac_key = mac;
		return;
	}
	read_pem(pd_path("dev", i == 0 ? "iak_pub.pem" : "deviceid_pub.pem"),
		 "PUBLIC KEY", &key);
	want.key = buf_span(&key);
	if (i != 2)
		return;
	read_pem(pd_path("vendor", "root.pem"), "CERTIFICATE", &root);
	anchor = buf_span(&root);
	want.anchors = &anchor;
	want.anchors_n = 1;
}

START_TEST(verifies)
{
	static const char other[] =
		"=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaa";
	const char *debug = _i == 2 ? "debug" : "non-psa-rot-debug";
	SECRET mac = SECRET_INIT;
	char measure[128];

	ck_assert_int_eq(attest(_i, NULL, NULL), 10); /* it has no key yet */
	set_want(_i, true);
	enrol(_i, &mac);
	ck_assert_int_eq(make_key(_i), 9);
	ck_assert_int_eq(attest(_i, "--seal-key", NULL), 0);
	expect(PV_OK, "");
	ck_assert_int_eq(attest(_i, NULL, NULL), 0); /* binds no key */
	expect(PV_DENIED, "evidence.nonce");
	set_want(_i, false);
	want.key = _i == 1 ? (struct span){ 0 } : buf_span(&key);
	want.mac_key = _i == 1 ? &mac : NULL;
	want.anchors = &anchor;
	want.anchors_n = _i == 2;
	ck_assert_int_eq(attest(_i, NULL, NULL), 0);
	expect(PV_OK, "");
	ck_assert_int_eq(attest(_i, "--svn", "0"), 0);
	expect(PV_DENIED, "evidence.svn");
	ck_assert_int_eq(attest(_i, "--lifecycle", debug), 0);
	expect(PV_DENIED, "evidence.debug");
	snprintf(measure, sizeof(measure), "%s%s", formats[_i].component,
		 other);
	ck_assert_int_eq(attest(_i, "--measure", measure), 0);
	expect(PV_DENIED, "evidence.measurement");
	nonce[0] ^= 1;
	put_challenge(DEVICE);
	ck_assert_int_eq(attest(_i, NULL, NULL), 0);
	expect(PV_DENIED, "evidence.nonce");
}
END_TEST

/* Two layers are two certificates below the DeviceID's. */
START_TEST(layers)
{
	char hex[65], first[96], second[96];
	SECRET mac = SECRET_INIT;

	set_want(2, false);
	enrol(2, &mac);
	hex_encode(measured, 32, hex);
	snprintf(first, sizeof(first), "layer0=sha256:%s", hex);
	snprintf(second, sizeof(second), "layer1=%s", hex);
	reference[1] = reference[0];
	reference[1].component = "layer1";
	want.reference_n = 2;
	ck_assert_int_eq(pd_run("attest", pd_path("dev", ""), "--format",
				"dice", "--challenge", pd_path("challenge", ""),
				"--out", pd_path("evidence", ""), "--measure",
				first, "--measure", second, NULL),
			 0);
	expect(PV_OK, "");
	/* Another device of the vendor is not this one. */
	ck_assert_int_eq(
		pd_run("keygen", pd_path("two", ""), "--id", DEVICE, NULL), 0);
	ck_assert_int_eq(pd_run("attest-key", pd_path("two", ""), "--format",
				"dice", "--vendor", pd_path("vendor", ""),
				NULL),
			 0);
	ck_assert_int_eq(pd_run("attest", pd_path("two", ""), "--format",
				"dice", "--challenge", pd_path("challenge", ""),
				"--out", pd_path("evidence", ""), "--measure",
				first, "--measure", second, NULL),
			 0);
	expect(PV_DENIED, "evidence.identity");
}
END_TEST

static int pack(const char *pcrs)
{
	return pd_run("attest", pd_path("dev", ""), "--format", "tpm2",
		      "--challenge", pd_path("challenge", ""), "--out",
		      pd_path("evidence", ""), "--quote", pd_path("quote", ""),
		      "--signature", pd_path("signature", ""),
		      pcrs ? "--pcrs" : NULL, pcrs, NULL);
}

/* What tpm2-tools wrote, as one array. */
START_TEST(packs_a_quote)
{
	static const uint8_t packed[] = { 0x83, 0x41, 'q',  0x42,
					  's',	's',  0x82, 0x58 };
	uint8_t values[64] = { 1 };
	struct buf b;

	pd_put(pd_path("quote", ""), "q", 1);
	pd_put(pd_path("signature", ""), "ss", 2);
	pd_put(pd_path("pcrs", ""), values, sizeof(values));
	ck_assert_int_eq(pack(NULL), 2);
	ck_assert_int_eq(pack(pd_path("pcrs", "")), 0);
	pd_get(pd_path("evidence", ""), &b);
	ck_assert_uint_eq(b.len, 1 + 2 + 3 + 1 + 2 * 34);
	ck_assert_mem_eq(b.data, packed, sizeof(packed));
	buf_release(&b);
	pd_put(pd_path("pcrs", ""), values, 63);
	ck_assert_int_eq(pack(pd_path("pcrs", "")), 3);
}
END_TEST

START_TEST(refuses)
{
	static const char *const bad[] = {
		"[]", "{}", "{\"device\":\"" DEVICE "\",\"nonce\":\"00\"}", "x"
	};

	ck_assert_int_eq(make_key(0), 0);
	ck_assert_int_eq(attest(0, "--lifecycle", "debug"), 3);
	ck_assert_int_eq(attest(0, "--lifecycle", "none"), 2);
	ck_assert_int_eq(attest(0, "--measure", "BL=00"), 2);
	ck_assert_int_eq(attest(0, "--svn", "x"), 2);
	ck_assert_int_eq(attest(0, "--print-a", NULL), 2);
	ck_assert_int_eq(make_key(2), 0);
	ck_assert_int_eq(attest(2, "--lifecycle", "unknown"), 3);
	put_challenge("ACME-OTHER");
	ck_assert_int_eq(attest(0, NULL, NULL), 4);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pd_put(pd_path("challenge", ""), bad[i], strlen(bad[i]));
		ck_assert_int_eq(attest(0, NULL, NULL), 3);
	}
	ck_assert_int_eq(pd_run("attest-key", pd_path("dev", ""), "--format",
				"tpm2", NULL),
			 2);
	ck_assert_int_eq(pd_run("attest-key", pd_path("dev", ""), "--format",
				"x509", NULL),
			 2);
	ck_assert(!pd_exists(pd_path("evidence", "")));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("provdev_attest");
	TCase *t = tcase_create("provdev_attest");

	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, verifies, 0, 3);
	tcase_add_test(t, layers);
	tcase_add_test(t, packs_a_quote);
	tcase_add_test(t, refuses);
	suite_add_tcase(s, t);
	return unit_run(s);
}
