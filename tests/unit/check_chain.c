/* Chains with lists of what is revoked; all else of chain.h is checked through
 * the formats (check_evidence_dice, check_makecred). */
#include <string.h>

#include "lib/base/sha256.h"
#include "lib/evidence/chain.h"
#include "tests/unit/evidence_chain.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/unit.h"

/* From the alias up; the alias is the device's own. */
enum { ALIAS, DEVICE, VENDOR, ROOT, LEVELS };
enum { OF_ROOT, OF_VENDOR, LISTS };

static const char *const names[LEVELS] = { "alias", "device", "vendor",
					   "root" };
static EVP_PKEY *keys[LEVELS];
static struct buf ders[LEVELS], lists[LISTS];
static struct span certs[LEVELS], crls[LISTS], anchor;
static struct evidence_chain chain;
static struct evidence_path path;
static struct err err;

static void make(const char *usage)
{
	for (int i = 0; i < LEVELS; i++) {
		int by = i == ROOT ? i : i + 1;
		const struct ec_cert what = { .subject = names[i],
					      .issuer = names[by],
					      .key = keys[i],
					      .signer = keys[by],
					      .basic = i == ALIAS
							       ? NULL
							       : "critical,CA:"
								 "TRUE",
					      .usage =
						      i == ALIAS ? NULL : usage,
					      .serial = 1 + (unsigned)i };

		ec_make(&what, &ders[i]);
		certs[i] = buf_span(&ders[i]);
	}
}

static void setup(void)
{
	err_init(&err);
	for (int i = 0; i < LEVELS; i++) {
		keys[i] = keys_new();
		buf_init(&ders[i], 8192);
	}
	for (int i = 0; i < LISTS; i++)
		buf_init(&lists[i], 8192);
	chain = (struct evidence_chain){ .certs = certs,
					 .anchors = &anchor,
					 .anchors_n = 1,
					 .now_s = EC_NOW,
					 .crls = crls,
					 .revocable = DEVICE };
}

static void teardown(void)
{
	for (int i = 0; i < LEVELS; i++) {
		EVP_PKEY_free(keys[i]);
		buf_release(&ders[i]);
	}
	for (int i = 0; i < LISTS; i++)
		buf_release(&lists[i]);
}

/* Up to the anchor at top, which does not come with it. */
static void expect(int top, enum pv_code code)
{
	char why[EVIDENCE_CHAIN_TEXT];
	uint8_t hash[32];
	enum pv_code rc;

	chain.certs_n = (size_t)top;
	anchor = buf_span(&ders[top]);
	rc = evidence_chain_verify(&chain, &path, why, &err);
	ck_assert_msg(rc == code, "%d: %s", (int)rc, why);
	if (rc != PV_OK)
		return;
	ck_assert_uint_eq(path.below, (size_t)top);
	unit_ok(sha256(anchor, hash, &err), &err);
	ck_assert_mem_eq(path.anchor_sha256, hash, sizeof(hash));
}

static const struct {
	const char *why;
	int top;
	bool given[LISTS];
	struct ec_crl change; /* of the vendor's */
	int signer;
	enum pv_code code;
} rows[] = {
	{ "both", ROOT, { true, true }, { 0 }, VENDOR, PV_OK },
	{ "the root's is missing",
	  ROOT,
	  { false, true },
	  { 0 },
	  VENDOR,
	  PV_INTEGRITY },
	{ "the vendor's is missing",
	  ROOT,
	  { true, false },
	  { 0 },
	  VENDOR,
	  PV_INTEGRITY },
	{ "nobody revokes an anchor",
	  VENDOR,
	  { false, true },
	  { 0 },
	  VENDOR,
	  PV_OK },
	{ "the device is revoked",
	  VENDOR,
	  { false, true },
	  { .revoked = 1 + DEVICE },
	  VENDOR,
	  PV_INTEGRITY },
	{ "another is",
	  VENDOR,
	  { false, true },
	  { .revoked = 99 },
	  VENDOR,
	  PV_OK },
	{ "it is over",
	  VENDOR,
	  { false, true },
	  { .until_s = EC_NOW - 1 },
	  VENDOR,
	  PV_INTEGRITY },
	{ "it is of tomorrow",
	  VENDOR,
	  { false, true },
	  { .from_s = EC_NOW + 60 },
	  VENDOR,
	  PV_INTEGRITY },
	{ "it is for ever",
	  VENDOR,
	  { false, true },
	  { .until_s = -1 },
	  VENDOR,
	  PV_INPUT },
	{ "a stranger signed it",
	  VENDOR,
	  { false, true },
	  { 0 },
	  ALIAS,
	  PV_INTEGRITY },
};

START_TEST(revocation)
{
	const struct ec_crl root = { .issuer = "root", .signer = keys[ROOT] };
	struct ec_crl vendor = rows[_i].change;

	make("critical,keyCertSign,cRLSign");
	vendor.issuer = "vendor";
	vendor.signer = keys[rows[_i].signer];
	ec_crl(&root, &lists[OF_ROOT]);
	ec_crl(&vendor, &lists[OF_VENDOR]);
	for (int i = 0; i < LISTS; i++)
		if (rows[_i].given[i])
			crls[chain.crls_n++] = buf_span(&lists[i]);
	expect(rows[_i].top, rows[_i].code);
}
END_TEST

/* Where the device's own certificates are not told apart all need a list. */
START_TEST(own_certificates)
{
	const struct ec_crl vendor = { .issuer = "vendor",
				       .signer = keys[VENDOR] };

	make("critical,keyCertSign,cRLSign");
	ec_crl(&vendor, &lists[OF_VENDOR]);
	crls[0] = buf_span(&lists[OF_VENDOR]);
	chain.crls_n = 1;
	expect(VENDOR, PV_OK);
	chain.revocable = ALIAS;
	expect(VENDOR, PV_INTEGRITY);
	chain.crls_n = 0;
	expect(VENDOR, PV_OK);
}
END_TEST

/* An issuer that may not sign lists. */
START_TEST(usage)
{
	const struct ec_crl vendor = { .issuer = "vendor",
				       .signer = keys[VENDOR] };
	const char *why;

	make("critical,keyCertSign");
	ec_crl(&vendor, &lists[OF_VENDOR]);
	crls[0] = buf_span(&lists[OF_VENDOR]);
	chain.crls_n = 1;
	expect(VENDOR, PV_INTEGRITY);
	ck_assert(evidence_crl_good(crls[0], EC_NOW, &why));
	ck_assert(!evidence_crl_good(crls[0], EC_NOW + 3 * 86400, &why));
	crls[0].len--;
	ck_assert(!evidence_crl_good(crls[0], EC_NOW, &why));
	expect(VENDOR, PV_INPUT);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("chain");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, revocation, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(t, own_certificates);
	tcase_add_test(t, usage);
	suite_add_tcase(s, t);
	return unit_run(s);
}
