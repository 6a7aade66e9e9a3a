#include "lib/evidence/yubihsm.h"

#include <string.h>

#include "tests/unit/evidence_chain.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/unit.h"

#define ARC "1.3.6.1.4.1.41482.4."

/* From the key's certificate up. */
enum { KEY, DEVICE, SUB, ROOT, LEVELS };

/* What a YubiHSM with firmware 2.4.1 says, by the last arc. */
static const struct {
	const char *oid, *rule, *value; /* hex */
} says[] = {
	{ ARC "1", "hsmkey.firmware", "0403020401" },
	{ ARC "2", "hsmkey.serial", "0204020bd9fd" },
	{ ARC "3", "hsmkey.origin", "03020001" },
	{ ARC "4", "hsmkey.domains", "0303000001" },
	{ ARC "5", "hsmkey.capabilities", "0309000000000000000080" },
	{ ARC "6", "hsmkey.object-id", "02020abc" },
	{ ARC "9", "hsmkey.label", "0c0e61636d652f726f6f742f31000000" },
};
#define SAYS (sizeof(says) / sizeof(says[0]))
#define NOTHING ""

static EVP_PKEY *keys[LEVELS];
static struct ec_cert what[LEVELS];
static struct ec_ext exts[2][SAYS + 1];
static uint8_t values[2][SAYS + 1][64], spki[91];
static struct buf ders[LEVELS];
static struct span certs[LEVELS], anchor;
static struct yubihsm_want want;
static struct yubihsm_key got;

static void set_value(size_t level, size_t i, const char *oid, const char *hex)
{
	struct ec_ext *e = &exts[level][i];
	size_t n = strlen(hex) / 2;

	ck_assert(hex_decode(hex, values[level][i], n));
	*e = (struct ec_ext){ oid, { values[level][i], n } };
}

static void setup(void)
{
	static const char *const names[] = { "YubiHSM Attestation id:0x0abc",
					     "YubiHSM Attestation (34331133)",
					     "Sub CA", "Root CA" };

	for (int i = 0; i < LEVELS; i++) {
		keys[i] = keys_new();
		buf_init(&ders[i], 65536);
	}
	for (int i = 0; i < LEVELS; i++) {
		int by = i == ROOT ? i : i + 1;

		what[i] = (struct ec_cert){
			.subject = names[i],
			.issuer = names[by],
			.key = keys[i],
			.signer = keys[by],
			.basic = i == KEY ? NULL : "critical,CA:TRUE",
		};
	}
	for (size_t i = 0; i < SAYS; i++)
		set_value(0, i, says[i].oid, says[i].value);
	what[KEY].exts = exts[0];
	what[KEY].exts_n = SAYS;
	set_value(1, 0, says[0].oid, says[0].value);
	set_value(1, 1, says[1].oid, says[1].value);
	what[DEVICE].exts = exts[1];
	what[DEVICE].exts_n = 2;
	keys_spki(keys[KEY], spki);
	want = (struct yubihsm_want){ .certs = certs,
				      .certs_n = 3,
				      .anchors = &anchor,
				      .anchors_n = 1,
				      .spki = { spki, sizeof(spki) },
				      .now_s = EC_NOW };
}

static void teardown(void)
{
	for (int i = 0; i < LEVELS; i++) {
		EVP_PKEY_free(keys[i]);
		buf_release(&ders[i]);
	}
}

static void verify(enum pv_code code, const char *rule)
{
	struct err err;
	enum pv_code rc;

	for (int i = 0; i < LEVELS; i++) {
		ec_make(&what[i], &ders[i]);
		certs[i] = buf_span(&ders[i]);
	}
	anchor = certs[ROOT];
	err_init(&err);
	rc = yubihsm_verify(&want, &got, &err);
	if (code == PV_OK)
		unit_ok(rc, &err);
	else
		unit_refused(rc, code, rule, &err);
}

START_TEST(verifies)
{
	verify(PV_OK, NULL);
	ck_assert_mem_eq(got.firmware, "\2\4\1", 3);
	ck_assert_uint_eq(got.serial, 34331133);
	ck_assert_uint_eq(got.origin, YUBIHSM_GENERATED);
	ck_assert_uint_eq(got.domains, 1);
	ck_assert_uint_eq(got.capabilities, 0x80);
	ck_assert_uint_eq(got.object_id, 0xabc);
	ck_assert_str_eq(got.label, "acme/root/1");
	/* An extension that Yubico added later says nothing of the rest. */
	set_value(0, SAYS, ARC "10", "0403020106");
	what[KEY].exts_n = SAYS + 1;
	verify(PV_OK, NULL);
}
END_TEST

/* Each of them missing, twice, and with something behind it. */
START_TEST(needs_each)
{
	char longer[80];

	exts[0][_i].oid = "1.3.6.1.4.1.41482.5.1";
	verify(PV_INPUT, says[_i].rule);
	exts[0][_i].oid = says[_i].oid;
	exts[0][SAYS] = exts[0][_i];
	what[KEY].exts_n = SAYS + 1;
	verify(PV_INPUT, says[_i].rule);
	what[KEY].exts_n = SAYS;
	snprintf(longer, sizeof(longer), "%s00", says[_i].value);
	set_value(0, (size_t)_i, says[_i].oid, longer);
	verify(PV_INPUT, says[_i].rule);
}
END_TEST

static const struct {
	size_t at;
	const char *value;
} malformed[] = {
	{ 0, "0402020401" },		   /* firmware: cut */
	{ 0, "04020204" },		   /* two bytes */
	{ 0, "0203020401" },		   /* another type */
	{ 1, "0205010000000100" },	   /* serial: cut */
	{ 1, "02050100000001" },	   /* over 32 bits */
	{ 1, "0204820bd9fd" },		   /* negative */
	{ 1, "0205000a0bd9fd" },	   /* not minimal */
	{ 2, "03020101" },		   /* origin: an unused bit */
	{ 2, "0303000001" },		   /* two octets */
	{ 2, "030100" },		   /* none */
	{ 2, "020101" },		   /* INTEGER */
	{ 3, "03020001" },		   /* domains: one octet */
	{ 4, "03080000000000000080" },	   /* capabilities: seven */
	{ 4, "030a00000000000000000080" }, /* nine */
	{ 4, "0309040000000000000080" },   /* unused bits */
	{ 5, "0203010000" },		   /* id: over 16 bits */
	{ 5, "0402000a" },		   /* OCTET STRING */
	{ 6, "0c02c328" },		   /* label: not UTF-8 */
	{ 6, "16046b657931" },		   /* IA5String */
	{ 6, "0c293031323334353637383930313233343536373839303132333435363738"
	     "39303132333435363738393031" }, /* 41 bytes */
};

START_TEST(refuses_malformed)
{
	size_t at = malformed[_i].at;

	set_value(0, at, says[at].oid, malformed[_i].value);
	verify(PV_INPUT, says[at].rule);
}
END_TEST

static const struct {
	size_t at;
	const char *value, *rule; /* NULL: it passes */
} policies[] = {
	{ 2, "03020002", "hsmkey.imported" },
	{ 2, "03020010", "hsmkey.imported" },
	{ 2, "03020011", "hsmkey.imported" }, /* made here, and came back */
	{ 2, "03020003", "hsmkey.imported" },
	{ 2, "03020000", "hsmkey.imported" },
	{ 2, "03020081", "hsmkey.imported" }, /* a bit that nobody knows */
	{ 4, "0309000000000000010080", "hsmkey.exportable" },
	{ 4, "030900ffffffffffffffff", "hsmkey.exportable" },
	{ 4, "030900fffffffffffeffff", NULL },
};

START_TEST(holds_policy)
{
	size_t at = policies[_i].at;

	set_value(0, at, says[at].oid, policies[_i].value);
	verify(policies[_i].rule ? PV_DENIED : PV_OK, policies[_i].rule);
	/* What the device says is shown all the same. */
	ck_assert_uint_eq(got.serial, 34331133);
}
END_TEST

START_TEST(is_that_key)
{
	spki[90] ^= 1;
	verify(PV_DENIED, "hsmkey.spki");
	want.spki.len = 0;
	verify(PV_DENIED, "hsmkey.spki");
}
END_TEST

START_TEST(is_that_device)
{
	set_value(1, 1, says[1].oid, "0204020bd9fe");
	verify(PV_INTEGRITY, "hsmkey.device");
	what[DEVICE].exts_n = 1;
	verify(PV_INTEGRITY, "hsmkey.device");
	/* A vendor's certificate straight above the key's. */
	what[KEY].issuer = "Sub CA";
	what[KEY].signer = keys[SUB];
	what[DEVICE] = what[SUB];
	want.certs_n = 2;
	verify(PV_INTEGRITY, "hsmkey.device");
	/* The root itself. */
	what[KEY].issuer = "Root CA";
	what[KEY].signer = keys[ROOT];
	want.certs_n = 1;
	verify(PV_INTEGRITY, "hsmkey.device");
}
END_TEST

START_TEST(checks_the_chain)
{
	EVP_PKEY *other = keys_new();

	what[KEY].signer = other;
	verify(PV_INTEGRITY, "hsmkey.chain");
	ck_assert_uint_eq(got.serial, 0);
	what[KEY].signer = keys[DEVICE];
	what[DEVICE].basic = "critical,CA:FALSE";
	verify(PV_INTEGRITY, "hsmkey.chain");
	what[DEVICE].basic = NULL;
	verify(PV_INTEGRITY, "hsmkey.chain");
	what[DEVICE].basic = "critical,CA:TRUE,pathlen:0";
	verify(PV_OK, NULL);
	what[SUB].basic = "critical,CA:TRUE,pathlen:0";
	verify(PV_INTEGRITY, "hsmkey.chain");
	what[SUB].basic = "critical,CA:TRUE";
	want.now_s = EC_NOW + 10 * 86400;
	verify(PV_INTEGRITY, "hsmkey.chain");
	want.now_s = EC_NOW;
	want.anchors_n = 0;
	verify(PV_INTEGRITY, "hsmkey.chain");
	want.anchors_n = 1;
	want.certs_n = 2;
	verify(PV_INTEGRITY, "hsmkey.chain");
	want.certs_n = 0;
	verify(PV_INPUT, "hsmkey.form");
	EVP_PKEY_free(other);
}
END_TEST

/* Every byte of the key's certificate counts. */
START_TEST(flips)
{
	struct buf copy;
	struct err err;

	verify(PV_OK, NULL);
	buf_init(&copy, 65536);
	buf_put(&copy, ders[KEY].data, ders[KEY].len);
	certs[KEY] = buf_span(&copy);
	for (size_t i = 0; i < copy.len; i++) {
		copy.data[i] ^= 1;
		err_init(&err);
		ck_assert_int_ne(yubihsm_verify(&want, &got, &err), PV_OK);
		copy.data[i] ^= 1;
	}
	buf_release(&copy);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("yubihsm");
	TCase *t = tcase_create("yubihsm");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, verifies);
	tcase_add_loop_test(t, needs_each, 0, SAYS);
	tcase_add_loop_test(t, refuses_malformed, 0,
			    sizeof(malformed) / sizeof(malformed[0]));
	tcase_add_loop_test(t, holds_policy, 0,
			    sizeof(policies) / sizeof(policies[0]));
	tcase_add_test(t, is_that_key);
	tcase_add_test(t, is_that_device);
	tcase_add_test(t, checks_the_chain);
	tcase_add_test(t, flips);
	suite_add_tcase(s, t);
	return unit_run(s);
}
