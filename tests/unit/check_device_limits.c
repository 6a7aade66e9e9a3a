/*
 * The limits of provctl-bundle(5), each at its edge: what is just inside is
 * taken, or refused for another reason; what is just outside is refused.
 */
#include "tests/unit/unit.h"

#include <string.h>

#include "lib/device/content.h"
#include "lib/device/impl.h"
#include "tests/unit/device_fixture.h"

#define HEX_MAX 4096

struct item {
	struct cbor_writer w;
	uint8_t bytes[HEX_MAX / 2];
};

static struct cbor_writer *start(struct item *i)
{
	cbor_writer_init(&i->w, i->bytes, sizeof(i->bytes));
	return &i->w;
}

static const char *done(const struct item *i, char out[HEX_MAX])
{
	ck_assert(cbor_writer_ok(&i->w) && 2 * i->w.len < HEX_MAX);
	hex_encode(i->bytes, i->w.len, out);
	return out;
}

/* Hex of a tstr of n times the byte c. */
static const char *text(char out[HEX_MAX], size_t n, char c)
{
	char body[HEX_MAX / 2];
	struct item i;

	memset(body, c, sizeof(body));
	cbor_put_tstr(start(&i), body, n);
	return done(&i, out);
}

static void check(const struct fx_spec *s, enum pvdev_result want)
{
	struct fx_bundle b;
	enum pvdev_result got;
	struct fx f;

	fx_setup(&f, s);
	f.cfg.role = NULL;
	f.cfg.stage = NULL;
	fx_build(&f.keys, s, &b);
	got = fx_open(&f, &b);
	ck_assert_msg(got == want, "%s, not %s", pvdev_result_name(got),
		      pvdev_result_name(want));
	if (want != PVDEV_OK)
		fx_assert_untouched(&f);
	fx_bundle_release(&b);
	fx_release(&f);
}

static void check_binding(uint64_t key, const char *hex, enum pvdev_kind kind,
			  enum pvdev_result want)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, kind);

	s.binding[0] = (struct fx_edit){ key, hex };
	check(&s, want);
}

static void check_manifest(uint64_t key, const char *hex,
			   enum pvdev_result want)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_P256);

	s.manifest[0] = (struct fx_edit){ key, hex };
	check(&s, want);
}

static void check_key_id(unsigned kind, size_t len)
{
	static const uint8_t id[40] = { 7 };
	size_t want = kind == 1 ? 32 : kind == 2 ? 16 : SIZE_MAX;
	enum pvdev_result other =
		kind == 1 ? PVDEV_ENVELOPE_KEY : PVDEV_ENVELOPE_KIND;
	char hex[HEX_MAX];
	struct item i;
	struct cbor_writer *w = start(&i);

	cbor_put_array(w, 2);
	cbor_put_uint(w, kind);
	cbor_put_bstr(w, id, len);
	check_binding(8, done(&i, hex), PVDEV_KIND_P256,
		      len == want ? other : PVDEV_BINDING);
}

/* 8: 32 bytes for kind 1, 16 for kind 2, no other kind. */
START_TEST(key_ids)
{
	static const size_t lens[] = { 8, 15, 16, 17, 31, 32, 33 };

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		check_key_id((unsigned)_i, lens[i]);
}
END_TEST

/* The kid of a Mac0 is that id, the one of a Sign1 has 8 bytes. */
START_TEST(kids)
{
	static const char id[] = "00112233445566778899aabbccddeeff0011";
	struct fx_spec s = fx_spec_default(PVDEV_FORM_MAC0, PVDEV_KIND_KDF);
	char kid[sizeof(id)];

	for (size_t len = 8; len <= 17; len++) {
		memcpy(kid, id, 2 * len);
		kid[2 * len] = '\0';
		s = fx_spec_default(PVDEV_FORM_MAC0, PVDEV_KIND_KDF);
		s.kid = kid;
		check(&s, len == 16 ? PVDEV_DESC_KID : PVDEV_DESC_COSE);
		s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_KDF);
		s.kid = kid;
		check(&s, len == 8 ? PVDEV_DESC_KID : PVDEV_DESC_COSE);
		s.kid = NULL;
		s.manifest_kid = kid;
		check(&s, len == 8 ? PVDEV_MANIFEST_KID : PVDEV_MANIFEST_COSE);
	}
}
END_TEST

/* Role and stage follow the rule for ids. */
START_TEST(roles_are_ids)
{
	/* empty, ".", "-a", "a/b", a blank, a letter beyond ASCII */
	static const char *const bad[] = { "60",       "612e", "622d61",
					   "63612f62", "6120", "62c3bc" };
	char hex[HEX_MAX];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		check_binding(4, bad[i], PVDEV_KIND_KDF, PVDEV_BINDING);
		check_manifest(10, bad[i], PVDEV_MANIFEST);
	}
	check_binding(4, text(hex, 64, 'r'), PVDEV_KIND_KDF, PVDEV_OTHER_ROLE);
	check_binding(4, text(hex, 65, 'r'), PVDEV_KIND_KDF, PVDEV_BINDING);
	check_manifest(10, text(hex, 64, 's'), PVDEV_OK);
	check_manifest(10, text(hex, 65, 's'), PVDEV_MANIFEST);
}
END_TEST

START_TEST(origins)
{
	char hex[HEX_MAX];

	check_manifest(8, text(hex, 255, 'o'), PVDEV_OK);
	check_manifest(8, text(hex, 256, 'o'), PVDEV_MANIFEST);
	check_manifest(8, "60", PVDEV_MANIFEST);
	check_manifest(8, "62006f", PVDEV_MANIFEST);
}
END_TEST

/* One component "a" and one role "r" of it, with these versions. */
static enum pvdev_result versions_parse(const char *version, const char *min)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_KDF);
	enum pvdev_result got;
	struct pvdev_manifest m;
	char hex[HEX_MAX];
	struct fx_bundle b;
	struct fx f;

	snprintf(hex, sizeof(hex), "81a501616102%s03%s04f50601", version, min);
	s.manifest[0] = (struct fx_edit){ 7, hex };
	s.manifest[1] = (struct fx_edit){ 9, "a16172816161" };
	fx_setup(&f, &s);
	fx_build(&f.keys, &s, &b);
	got = pvdev_manifest_parse(
		PVDEV_BYTES(b.manifest_payload.data, b.manifest_payload.len),
		&m);
	fx_bundle_release(&b);
	fx_release(&f);
	return got;
}

START_TEST(versions)
{
	static const struct {
		size_t len;
		enum pvdev_result want;
	} cases[] = { { 0, PVDEV_MANIFEST },
		      { 1, PVDEV_OK },
		      { 64, PVDEV_OK },
		      { 65, PVDEV_MANIFEST } };
	char hex[HEX_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text(hex, cases[i].len, 'v');
		ck_assert_int_eq(versions_parse(hex, "6131"), cases[i].want);
		ck_assert_int_eq(versions_parse("6131", hex), cases[i].want);
	}
}
END_TEST

#define ID "686964656e74697479" /* "identity" */
#define NET "636e6574"
#define ELSE "69656c73657768657265"
#define PUB "667075626c6963"

/* A list names listed components, each once; a role has at least one. */
START_TEST(role_lists)
{
	/* roles "b" and "gateway": shorter keys first */
	static const struct {
		const char *hex;
		enum pvdev_result want;
	} cases[] = {
		{ "a2616281" ELSE "6767617465776179"
		  "83" ID PUB NET,
		  PVDEV_OK },
		{ "a2616280"
		  "6767617465776179"
		  "83" ID PUB NET,
		  PVDEV_MANIFEST },
		{ "a2616281"
		  "6161"
		  "6767617465776179"
		  "83" ID PUB NET,
		  PVDEV_MANIFEST },
		{ "a2616282" ELSE ELSE "6767617465776179"
		  "83" ID PUB NET,
		  PVDEV_MANIFEST },
		{ "a16767617465776179"
		  "84" ID PUB NET ID,
		  PVDEV_MANIFEST },
		{ "a16767617465776179"
		  "84" ID PUB NET "6161",
		  PVDEV_MANIFEST },
		{ "a2612e81" ELSE "6767617465776179"
		  "83" ID PUB NET,
		  PVDEV_MANIFEST },
	};

	check_manifest(9, cases[_i].hex, cases[_i].want);
}
END_TEST
#define ROLE_LISTS 7

/* Roles "a", "b", ... of one component each, then the device's. */
START_TEST(role_count)
{
	char hex[HEX_MAX], name;

	for (unsigned n = 16; n <= 17; n++) {
		struct item i;
		struct cbor_writer *w = start(&i);

		cbor_put_map(w, n);
		for (name = 'a'; name < (char)('a' + n - 1); name++) {
			cbor_put_tstr(w, &name, 1);
			cbor_put_array(w, 1);
			cbor_put_str(w, "elsewhere");
		}
		cbor_put_str(w, "gateway");
		cbor_put_array(w, 3);
		cbor_put_str(w, "identity");
		cbor_put_str(w, "public");
		cbor_put_str(w, "net");
		check_manifest(9, done(&i, hex),
			       n == 16 ? PVDEV_OK : PVDEV_MANIFEST);
	}
}
END_TEST

/* 64 KiB around a payload of zeros: refused before anything is hashed. */
START_TEST(manifest_size)
{
	static uint8_t zeros[PVDEV_MANIFEST_MAX], out[PVDEV_MANIFEST_MAX + 64];
	static const uint8_t kid[8], sig[64];
	struct pvdev_binding b = { .seq = 0 };
	struct cbor_bytes payload = { zeros, 0 };
	struct fx_spec s = fx_spec_default(PVDEV_FORM_PLAIN, PVDEV_KIND_KDF);
	uint8_t prot[16];
	struct cbor_writer w, p;
	struct fx f;

	fx_setup(&f, &s);
	b.manifest_hash = PVDEV_BYTES(zeros, 32);
	cbor_writer_init(&p, prot, sizeof(prot));
	cose_put_protected(&p, COSE_ALG_ES256, kid, sizeof(kid));
	for (size_t over = 0; over <= 1; over++) {
		payload.len = PVDEV_MANIFEST_MAX - 1 - 1 - p.len - 1 - 1 - 3 -
			      2 - sizeof(sig) + over;
		cbor_writer_init(&w, out, sizeof(out));
		cose_put_message(&w, COSE_TAG_SIGN1, PVDEV_BYTES(prot, p.len),
				 payload, sig, sizeof(sig));
		ck_assert(cbor_writer_ok(&w));
		ck_assert_uint_eq(w.len, PVDEV_MANIFEST_MAX + over);
		ck_assert_int_eq(
			pvdev_manifest_open(&f.cfg, PVDEV_BYTES(out, w.len), &b,
					    &payload),
			over ? PVDEV_MANIFEST_COSE : PVDEV_MANIFEST_HASH);
	}
	fx_release(&f);
}
END_TEST

START_TEST(batch_issuer)
{
	struct fx_spec s = fx_spec_default(PVDEV_FORM_BATCH, PVDEV_KIND_P256);
	char hex[HEX_MAX];

	s.claims[0] = (struct fx_edit){ 1, text(hex, 64, 'i') };
	check(&s, PVDEV_OK);
	text(hex, 65, 'i');
	check(&s, PVDEV_BATCH_RECEIPT);
}
END_TEST

static bool content_ok(uint64_t key, size_t n, size_t name_len,
		       size_t value_len)
{
	uint8_t out[8192], name[300] = { 0 };
	struct pvdev_content c;
	struct cbor_writer w;

	memset(name, 'n', sizeof(name));
	cbor_writer_init(&w, out, sizeof(out));
	cbor_put_map(&w, 1);
	cbor_put_uint(&w, key);
	if (key < 4)
		cbor_put_array(&w, n);
	else
		cbor_put_map(&w, n);
	for (size_t i = 0; i < n; i++) {
		if (key >= 4) {
			name[0] = (uint8_t)('a' + i);
			cbor_put_tstr(&w, (const char *)name, name_len);
		}
		cbor_put_bstr(&w, name, value_len);
	}
	ck_assert(cbor_writer_ok(&w));
	return pvdev_content_parse(&c, out, w.len, true, NULL);
}

START_TEST(content_entries)
{
	for (uint64_t key = 2; key <= 3; key++) {
		ck_assert(content_ok(key, 16, 0, 1));
		ck_assert(!content_ok(key, 17, 0, 1));
	}
	for (uint64_t key = 6; key <= 7; key++) {
		ck_assert(content_ok(key, 16, 4, 1));
		ck_assert(!content_ok(key, 17, 4, 1));
		ck_assert(content_ok(key, 2, 255, 1));
		ck_assert(!content_ok(key, 2, 256, 1));
		ck_assert(!content_ok(key, 1, 0, 1));
	}
	ck_assert(!content_ok(6, 1, 1, 0)); /* an empty secret */
	ck_assert(content_ok(7, 1, 1, 0));  /* an empty file */
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device_limits");
	TCase *t = tcase_create("device_limits");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, key_ids, 0, 4);
	tcase_add_test(t, kids);
	tcase_add_test(t, roles_are_ids);
	tcase_add_test(t, origins);
	tcase_add_test(t, versions);
	tcase_add_loop_test(t, role_lists, 0, ROLE_LISTS);
	tcase_add_test(t, role_count);
	tcase_add_test(t, manifest_size);
	tcase_add_test(t, batch_issuer);
	tcase_add_test(t, content_entries);
	suite_add_tcase(s, t);
	return unit_run(s);
}
