#include "lib/evidence/claimed.h"
#include "tests/unit/evidence_psa.h"

/* The right evidence of another question, or of another device. */
START_TEST(nonce_and_identity)
{
	EVP_PKEY *other = keys_new();
	uint8_t other_spki[91];

	make(CLAIMS, NULL, "");
	want.a[31] ^= 1;
	ef_expect(buf_span(&token), &want, PV_DENIED, "evidence.nonce");
	want.a[31] ^= 1;
	make(index_of(10), "h'" H32("01") H32("01") "'", "");
	ef_expect(buf_span(&token), &want, PV_DENIED, "evidence.nonce");
	make(CLAIMS, NULL, "");
	instance[32] ^= 1;
	ef_expect(buf_span(&token), &want, PV_DENIED, "evidence.identity");
	want.instance = (struct span){ 0 };
	ef_expect(buf_span(&token), &want, PV_DENIED, "evidence.identity");
	keys_spki(other, other_spki);
	want.key.p = other_spki;
	ef_expect(buf_span(&token), &want, PV_INTEGRITY, "evidence.signature");
	EVP_PKEY_free(other);
}
END_TEST

/* Without an enrolled one the instance is the hash of the key. */
START_TEST(instance_derived)
{
	char value[80] = "h'01";
	uint8_t hash[32];

	SHA256(spki + 91 - 65, 65, hash);
	hex_encode(hash, 32, value + 4);
	strcat(value, "'");
	make(index_of(256), value, "");
	ef_expect(buf_span(&token), &want, PV_DENIED, "evidence.identity");
	want.instance = (struct span){ 0 };
	ef_expect(buf_span(&token), &want, PV_OK, NULL);
}
END_TEST

/* Every check is made and told, also behind one that failed. */
START_TEST(reports_all)
{
	static const char *const rules[] = {
		"evidence.type",      "evidence.algorithm",
		"evidence.signature", "evidence.nonce",
		"evidence.identity",  "evidence.debug",
		"evidence.lifecycle", "evidence.measurement",
		"evidence.svn"
	};
	struct evidence_report report;
	struct err err;

	make(CLAIMS, NULL, "");
	want.a[0] ^= 1;
	instance[1] ^= 1;
	references[1].digest[0] ^= 1;
	want.min_svn = 4;
	err_init(&err);
	unit_refused(evidence_verify(buf_span(&token), &want, &report, &err),
		     PV_DENIED, "evidence.nonce", &err);
	ck_assert_uint_eq(report.n, 9);
	for (size_t i = 0; i < 9; i++) {
		ck_assert_str_eq(report.list[i].rule, rules[i]);
		ck_assert(report.list[i].passed == (i < 3 || i == 5 || i == 6));
	}
	ck_assert_str_eq(report.list[8].expected, "4 or higher");
	ck_assert_str_eq(report.list[8].found, "3");
	/* nothing is compared before the signature is believed */
	token.data[token.len - 1] ^= 1;
	err_init(&err);
	unit_refused(evidence_verify(buf_span(&token), &want, &report, &err),
		     PV_INTEGRITY, "evidence.signature", &err);
	ck_assert_uint_eq(report.n, 3);
}
END_TEST

/* RFC 9783 5.1: a key may be named, in any way; who it is is enrolled. */
START_TEST(key_named)
{
	static const uint8_t kid[] = { 0xa1, 0x04, 0x42, 0x01, 0x02 };
	const size_t at = 6; /* d2 84 43 a10126, then the unprotected header */
	struct buf named;

	make(CLAIMS, NULL, "");
	buf_init(&named, 16384);
	buf_put(&named, token.data, at);
	buf_put(&named, kid, sizeof(kid));
	buf_put(&named, token.data + at + 1, token.len - at - 1);
	ef_expect(buf_span(&named), &want, PV_OK, NULL);
	named.data[at + 1] = 0x03; /* content type: nothing that we know */
	ef_expect(buf_span(&named), &want, PV_INPUT, "evidence.form");
	buf_release(&named);
}
END_TEST

/* Whose it could be is known before anything is believed. */
START_TEST(instance_claimed)
{
	struct evidence_claimed c;

	make(CLAIMS, NULL, "");
	token.data[token.len - 1] ^= 1;
	evidence_claimed(EVIDENCE_PSA, buf_span(&token), &c);
	ck_assert_uint_eq(c.n, 1);
	ck_assert_mem_eq(c.id[0], want.instance.p + 1, 32);
	evidence_claimed(EVIDENCE_TPM2, buf_span(&token), &c);
	ck_assert_uint_eq(c.n, 0);
	evidence_claimed(EVIDENCE_PSA, (struct span){ token.data, 0 }, &c);
	ck_assert_uint_eq(c.n, 0);
	make(index_of(256), NULL, "");
	evidence_claimed(EVIDENCE_PSA, buf_span(&token), &c);
	ck_assert_uint_eq(c.n, 0);
}
END_TEST

START_TEST(algorithms)
{
	SECRET mac = SECRET_INIT;
	struct span secret = { spki, 64 };
	struct err err;

	err_init(&err);
	unit_ok(secret_copy(&mac, secret.p, secret.len, &err), &err);
	make(CLAIMS, NULL, "");
	/* asymmetric where a MAC is enrolled, and the other way round */
	want.mac_key = &mac;
	want.key = (struct span){ 0 };
	ef_expect(buf_span(&token), &want, PV_INTEGRITY, "evidence.algorithm");
	ef_message(NULL, secret, COSE_ALG_HMAC256, buf_span(&payload), &token);
	ef_expect(buf_span(&token), &want, PV_OK, NULL);
	ef_flip_all(buf_span(&token), &want);
	ef_message(NULL, secret, 6, buf_span(&payload), &token);
	ef_expect(buf_span(&token), &want, PV_INTEGRITY, "evidence.algorithm");
	ef_message(NULL, (struct span){ spki, 91 }, COSE_ALG_HMAC256,
		   buf_span(&payload), &token);
	want.mac_key = NULL;
	want.key = (struct span){ spki, 91 };
	ef_expect(buf_span(&token), &want, PV_INTEGRITY, "evidence.algorithm");
	ef_message(key, secret, -35, buf_span(&payload), &token);
	ef_expect(buf_span(&token), &want, PV_INTEGRITY, "evidence.algorithm");
	ef_message(key, secret, COSE_ALG_HMAC256, buf_span(&payload), &token);
	ef_expect(buf_span(&token), &want, PV_INTEGRITY, "evidence.algorithm");
}
END_TEST

START_TEST(key_wrong)
{
	SECRET mac = SECRET_INIT;
	struct err err;

	err_init(&err);
	make(CLAIMS, NULL, "");
	want.mac_key = &mac;
	ef_expect(buf_span(&token), &want, PV_INPUT, "evidence.key");
	want.key = (struct span){ 0 };
	ef_expect(buf_span(&token), &want, PV_INPUT, "evidence.key");
	want.mac_key = NULL;
	ef_expect(buf_span(&token), &want, PV_INPUT, "evidence.key");
	spki[90] ^= 1; /* off the curve */
	want.key = (struct span){ spki, 91 };
	ef_expect(buf_span(&token), &want, PV_INPUT, "evidence.key");
}
END_TEST

static const struct {
	const char *hex;
	enum pv_code code;
	const char *rule;
} shapes[] = {
	{ "", PV_INTEGRITY, "evidence.type" },
	{ "83404040", PV_INTEGRITY, "evidence.type" },
	{ "824040", PV_INTEGRITY, "evidence.type" },
	{ "a0", PV_INPUT, "evidence.form" },
	{ "84404040", PV_INPUT, "evidence.form" },
	{ "d08343a1010543a10641004100", PV_INPUT, "evidence.form" },
	{ "d2", PV_INPUT, "evidence.form" },
	{ "d28443a10126a0a05800", PV_INPUT, "evidence.form" },
	{ "d29f43a10126a041a04100ff", PV_INPUT, "evidence.form" },
	{ "d28443a10126a0f64100", PV_INPUT, "evidence.form" },
	{ "d28440a041a04100", PV_INPUT, "evidence.form" },
	{ "d28441a0a041a04100", PV_INPUT, "evidence.form" },
	{ "d28446a10126014100a041a04100", PV_INPUT, "evidence.form" },
	{ "d28446a2012602 80a041a04100", PV_INPUT, "evidence.form" },
	{ "d28443a10126a1024041a04100", PV_INPUT, "evidence.form" },
	{ "d28445a201260440a1044041a04100", PV_INPUT, "evidence.form" },
	{ "d28443a10126a041a0410000", PV_INPUT, "evidence.form" },
	{ "d28443a10126a041804100", PV_INPUT, "evidence.form" },
	{ "d28443a10126a042a000"
	  "4100",
	  PV_INPUT, "evidence.form" },
	{ "d28443a10126a041a04100", PV_INPUT, "evidence.claim.profile" },
	/* heads that are not the shortest */
	{ "d8128443a10126a041a04100", PV_INPUT, "evidence.claim.profile" },
	{ "d2844 3a10126a058 01a04100", PV_INPUT, "evidence.claim.profile" },
};

START_TEST(shape)
{
	uint8_t bytes[64];
	char hex[128];
	size_t n = 0;

	for (const char *s = shapes[_i].hex; *s; s++) {
		if (*s != ' ')
			hex[n++] = *s;
	}
	hex[n] = '\0';
	ck_assert(hex_decode(hex, bytes, n / 2));
	ef_expect((struct span){ bytes, n / 2 }, &want, shapes[_i].code,
		  shapes[_i].rule);
}
END_TEST

START_TEST(sizes)
{
	uint8_t big[EVIDENCE_PSA_MAX + 1] = { 0xd2, 0x84 };

	ef_expect((struct span){ big, EVIDENCE_PSA_MAX + 1 }, &want, PV_INPUT,
		  "evidence.size");
	ef_expect((struct span){ big, EVIDENCE_PSA_MAX }, &want, PV_INPUT,
		  "evidence.form");
	make(CLAIMS, NULL, "");
	for (size_t n = 1; n < token.len; n++)
		ef_expect((struct span){ token.data, n }, &want, PV_INPUT,
			  "evidence.form");
}
END_TEST

/* ---- what others made ---- */

START_TEST(official_sign1)
{
	EVP_PKEY *iak = ef_key("vectors/psa/tfm-es-iak.pem");
	struct buf t;

	no_policy();
	keys_spki(iak, spki);
	unit_read("vectors/psa/psa-sign1.cbor", &t);
	ef_expect(buf_span(&t), &want, PV_OK, NULL);
	ef_flip_all(buf_span(&t), &want);
	unit_case("vectors/psa/psa-sign1.cbor", "RFC 9783 A.1", UNIT_PASS,
		  NULL);
	unit_case("vectors/psa/tfm-es-iak.pem", "its key", UNIT_PASS, NULL);
	buf_release(&t);
	EVP_PKEY_free(iak);
}
END_TEST

START_TEST(official_mac0)
{
	SECRET iak = SECRET_INIT;
	struct buf t, k;
	struct err err;

	err_init(&err);
	no_policy();
	unit_read("vectors/psa/psa-mac0.cbor", &t);
	unit_read("vectors/psa/tfm-hs-iak.bin", &k);
	unit_ok(secret_copy(&iak, k.data, k.len, &err), &err);
	want.key = want.instance = (struct span){ 0 };
	want.mac_key = &iak;
	ef_expect(buf_span(&t), &want, PV_OK, NULL);
	ef_flip_all(buf_span(&t), &want);
	unit_case("vectors/psa/psa-mac0.cbor", "RFC 9783 A.2", UNIT_PASS, NULL);
	unit_case("vectors/psa/tfm-hs-iak.bin", "its key", UNIT_PASS, NULL);
	buf_release(&t);
	buf_release(&k);
}
END_TEST

static const struct {
	const char *name;
	/* with the RFC's profile in it; PV_DENIED: of another device */
	enum pv_code code;
	const char *rule;
} others[] = {
	{ "P1ClaimsAll", PV_INPUT, "evidence.claim.profile" },
	{ "P1ClaimsMandatoryOnly", PV_INPUT, "evidence.claim.profile" },
	{ "P1ClaimsTFM", PV_INPUT, "evidence.claim.profile" },
	{ "P2ClaimsAll", PV_OK, NULL },
	{ "P2ClaimsMandatoryOnly", PV_OK, NULL },
	{ "P2ClaimsInvalidMultiNonce", PV_INPUT, "evidence.claim.nonce" },
	{ "P2ClaimsMissingMandatoryNonce", PV_INPUT, "evidence.claim.nonce" },
	{ "P2ClaimsTFM", PV_DENIED, "evidence.nonce" },
};

/* The profile that came before the RFC, and then the RFC's in its place. */
START_TEST(veraison)
{
	static const char old[] = "http://arm.com/psa/2.0.0";
	char name[128], text[4096];
	const char *at;
	struct buf t;

	no_policy();
	snprintf(name, sizeof(name), "vectors/psa/veraison-%s.diag",
		 others[_i].name);
	unit_read(name, &t);
	ef_diag(buf_cstr(&t), &payload);
	ef_message(key, (struct span){ 0 }, COSE_ALG_ES256, buf_span(&payload),
		   &token);
	ef_expect(buf_span(&token), &want, PV_INPUT, "evidence.claim.profile");
	unit_case(name, "as it is", UNIT_REFUSED,
		  "its profile is older than RFC 9783");
	at = strstr(buf_cstr(&t), old);
	if (at) {
		snprintf(text, sizeof(text), "%.*s" PROFILE "%s",
			 (int)(at - buf_cstr(&t)), buf_cstr(&t),
			 at + strlen(old));
		ef_diag(text, &payload);
		ef_message(key, (struct span){ 0 }, COSE_ALG_ES256,
			   buf_span(&payload), &token);
		ef_expect(buf_span(&token), &want, others[_i].code,
			  others[_i].rule);
		unit_case(name, "with the RFC's profile",
			  others[_i].rule ? UNIT_REFUSED : UNIT_PASS,
			  others[_i].rule);
	}
	buf_release(&t);
}
END_TEST

START_TEST(binds)
{
	static const uint8_t label[] = "provctl-att/1"; /* and a NUL */
	uint8_t all[14 + 96], nonce[32], manifest[32], a[32], expected[32];
	struct err err;

	err_init(&err);
	memset(nonce, 5, 32);
	memset(manifest, 6, 32);
	memcpy(all, label, 14);
	memcpy(all + 14, nonce, 32);
	memset(all + 46, 0, 32);
	memcpy(all + 78, manifest, 32);
	SHA256(all, sizeof(all), expected);
	unit_ok(evidence_a(nonce, (struct span){ 0 }, manifest, a, &err), &err);
	ck_assert_mem_eq(a, expected, 32);
	SHA256(spki, sizeof(spki), all + 46);
	SHA256(all, sizeof(all), expected);
	unit_ok(evidence_a(nonce, want.key, manifest, a, &err), &err);
	ck_assert_mem_eq(a, expected, 32);
}
END_TEST

START_TEST(names)
{
	enum evidence_format f;

	for (int i = EVIDENCE_PSA; i <= EVIDENCE_DICE; i++) {
		ck_assert(evidence_format_find(
			evidence_format_name((enum evidence_format)i), &f));
		ck_assert(f == (enum evidence_format)i);
	}
	ck_assert(!evidence_format_find("tpm", &f));
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
	Suite *s = suite_create("evidence_token");
	TCase *t = tcase_create("evidence_token");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, nonce_and_identity);
	tcase_add_test(t, instance_derived);
	tcase_add_test(t, reports_all);
	tcase_add_test(t, key_named);
	tcase_add_test(t, instance_claimed);
	tcase_add_test(t, algorithms);
	tcase_add_test(t, key_wrong);
	tcase_add_loop_test(t, shape, 0, COUNT(shapes));
	tcase_add_test(t, sizes);
	tcase_add_test(t, official_sign1);
	tcase_add_test(t, official_mac0);
	tcase_add_loop_test(t, veraison, 0, COUNT(others));
	tcase_add_test(t, binds);
	tcase_add_test(t, names);
	suite_add_tcase(s, t);
	return unit_run(s);
}
