#include "lib/base/cbor.h"
#include "lib/seal/manifest.h"
#include "tests/unit/seal_keys.h"
#include "tests/unit/seal_vec.h"

static struct err err;
static struct manifest m;

/* Two components, two roles out of order. */
static void setup(void)
{
	err_init(&err);
	memset(&m, 0, sizeof(m));
	memset(m.vendor, 0x11, 16);
	memset(m.class_id, 0x22, 16);
	m.sequence = 6;
	m.not_before_s = 1700000000;
	m.not_after_s = 253402300799;
	m.components_n = 2;
	strcpy(m.components[0].id, "identity");
	strcpy(m.components[0].version, "3");
	strcpy(m.components[0].min_version, "1");
	m.components[0].sealed = true;
	m.components[0].max_size = 65536;
	strcpy(m.components[1].id, "net");
	strcpy(m.components[1].version, "2.1.0");
	strcpy(m.components[1].min_version, "2.1.0");
	memset(m.components[1].digest, 0x33, 32);
	m.components[1].max_size = 24;
	strcpy(m.origin, "acme.example/log");
	m.roles_n = 2;
	strcpy(m.roles[0].name, "sensors");
	m.roles[0].components = 1;
	strcpy(m.roles[1].name, "gate");
	m.roles[1].components = 3;
	strcpy(m.stage, "operational");
}

/* Written by hand from formats.md 2. */
static const char payload_hex[] =
	"aa"
	"017270726f7663746c2d6d616e69666573742d31"
	"025011111111111111111111111111111111"
	"035022222222222222222222222222222222"
	"0406"
	"051a6553f100"
	"061b0000003afff4417f"
	"0782"
	"a501686964656e7469747902613303613104f5061a00010000"
	"a601636e65740265322e312e300365322e312e3004f4"
	"0558203333333333333333333333333333333333333333333333333333333333333333"
	"061818"
	"087061636d652e6578616d706c652f6c6f67"
	"09a2"
	"646761746582686964656e74697479636e6574"
	"6773656e736f727381686964656e74697479"
	"0a6b6f7065726174696f6e616c";

START_TEST(test_payload)
{
	struct buf out, want;

	buf_init(&out, MANIFEST_SIZE_MAX);
	unit_ok(manifest_payload(&m, &out, &err), &err);
	vec_hex_text(payload_hex, &want);
	ck_assert_uint_eq(out.len, want.len);
	ck_assert_mem_eq(out.data, want.data, want.len);
	ck_assert(cbor_valid(out.data, out.len, CBOR_DEPTH_MAX, NULL));
	buf_release(&out);
	buf_release(&want);
}
END_TEST

static void make(EVP_PKEY *key, struct buf *message)
{
	uint8_t kid[8], digest[32], sig[64];
	struct buf payload;

	buf_init(&payload, MANIFEST_SIZE_MAX);
	buf_init(message, MANIFEST_SIZE_MAX);
	keys_kid(key, kid);
	unit_ok(manifest_payload(&m, &payload, &err), &err);
	unit_ok(manifest_digest(buf_span(&payload), kid, digest, &err), &err);
	keys_sign(key, digest, sig);
	unit_ok(manifest_finish(buf_span(&payload), kid, sig, message, &err),
		&err);
	buf_release(&payload);
}

START_TEST(test_round_trip)
{
	EVP_PKEY *key = keys_new();
	struct manifest_parts parts;
	struct manifest back;
	uint8_t kid[8], hash[32];
	struct buf message, again;

	make(key, &message);
	keys_kid(key, kid);
	unit_ok(manifest_parse(buf_span(&message), &back, &parts, &err), &err);
	ck_assert_mem_eq(parts.kid.p, kid, 8);
	SHA256(parts.payload.p, parts.payload.len, hash);
	ck_assert_mem_eq(parts.payload_sha256, hash, 32);
	ck_assert(keys_verify(key, parts.digest, parts.sig.p));
	/* The roles come back sorted; the payload is the same bytes. */
	buf_init(&again, MANIFEST_SIZE_MAX);
	unit_ok(manifest_payload(&back, &again, &err), &err);
	ck_assert(span_equal(buf_span(&again), parts.payload));
	ck_assert_str_eq(back.roles[0].name, "gate");
	ck_assert_uint_eq(back.roles[0].components, 3);
	ck_assert_str_eq(back.components[1].version, "2.1.0");
	ck_assert(!back.components[1].sealed);
	ck_assert_uint_eq(back.sequence, 6);
	unit_ok(manifest_parse(buf_span(&message), NULL, &parts, &err), &err);
	buf_release(&message);
	buf_release(&again);
	EVP_PKEY_free(key);
}
END_TEST

/* Flipped bits either break the form or the signature. */
START_TEST(test_every_bit)
{
	EVP_PKEY *key = keys_new();
	struct manifest_parts parts;
	struct manifest back;
	struct buf message;
	size_t form = 0, signature = 0;

	make(key, &message);
	for (size_t i = 0; i < 8 * message.len; i++) {
		err_init(&err);
		message.data[i / 8] ^= (uint8_t)(1 << i % 8);
		if (manifest_parse(buf_span(&message), &back, &parts, &err)) {
			form++;
		} else {
			uint8_t kid[8];

			keys_kid(key, kid);
			ck_assert(
				!keys_verify(key, parts.digest, parts.sig.p) ||
				memcmp(kid, parts.kid.p, 8) != 0);
			signature++;
		}
		message.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	ck_assert_uint_gt(form, 0);
	ck_assert_uint_gt(signature, 0);
	for (size_t len = 0; len < message.len; len++) {
		struct span cut = { message.data, len };

		err_init(&err);
		unit_refused(manifest_parse(cut, &back, &parts, &err), PV_INPUT,
			     "manifest.format", &err);
	}
	buf_put_u8(&message, 0);
	err_init(&err);
	unit_refused(manifest_parse(buf_span(&message), &back, &parts, &err),
		     PV_INPUT, "manifest.format", &err);
	buf_release(&message);
	EVP_PKEY_free(key);
}
END_TEST

static void refuse(const char *word)
{
	struct buf out;

	buf_init(&out, MANIFEST_SIZE_MAX);
	err_init(&err);
	unit_refused(manifest_payload(&m, &out, &err), PV_INPUT,
		     "manifest.content", &err);
	ck_assert_msg(strstr(err.message, word) != NULL, "%s: %s", word,
		      err.message);
	ck_assert_uint_eq(out.len, 0);
	buf_release(&out);
	setup();
}

START_TEST(test_refused_values)
{
	m.sequence = 0;
	refuse("sequence");
	m.sequence = (uint64_t)INT64_MAX + 1;
	refuse("sequence");
	m.not_before_s = m.not_after_s + 1;
	refuse("not-after");
	m.origin[0] = '\0';
	refuse("origin");
	strcpy(m.stage, "a/b");
	refuse("stage");
	m.components_n = 0;
	refuse("components");
	m.components_n = 17;
	refuse("components");
	m.roles_n = 0;
	refuse("roles");
	m.roles_n = 17;
	refuse("roles");
	strcpy(m.components[1].id, "-net");
	refuse("component-id");
	strcpy(m.components[1].id, "identity");
	refuse("listed twice");
	m.components[1].version[0] = '\0';
	refuse("version");
	m.components[1].min_version[0] = '\0';
	refuse("version");
	m.components[1].max_size = 0;
	refuse("max-size");
	m.components[1].max_size = MANIFEST_MAX_SIZE_MAX + 1;
	refuse("max-size");
	m.roles[1].components = 0;
	refuse("gate");
	m.roles[1].components = 4;
	refuse("gate");
	strcpy(m.roles[1].name, "sensors");
	refuse("listed twice");
	strcpy(m.roles[1].name, "");
	refuse("role");
}
END_TEST

START_TEST(test_limits)
{
	struct manifest_parts parts;
	EVP_PKEY *key = keys_new();
	struct manifest back;
	struct buf message;

	m.sequence = INT64_MAX;
	m.components_n = MANIFEST_COMPONENTS_MAX;
	m.roles_n = MANIFEST_ROLES_MAX;
	for (size_t i = 0; i < 16; i++) {
		m.components[i] = m.components[1];
		memset(m.components[i].id, 'c', MANIFEST_NAME_MAX);
		m.components[i].id[63] = (char)('a' + i);
		m.components[i].max_size = MANIFEST_MAX_SIZE_MAX;
		memset(m.roles[i].name, 'r', MANIFEST_NAME_MAX);
		m.roles[i].name[0] = (char)('z' - i);
		m.roles[i].components = 0xffff;
	}
	memset(m.origin, 'o', MANIFEST_ORIGIN_MAX);
	make(key, &message);
	unit_ok(manifest_parse(buf_span(&message), &back, &parts, &err), &err);
	ck_assert_uint_eq(back.roles_n, 16);
	ck_assert_int_eq(back.roles[0].name[0], 'k');
	EVP_PKEY_free(key);
	buf_release(&message);
}
END_TEST

/* Well-formed payloads that break one rule each, behind a valid frame. */
static void refuse_payload(const char *from, const char *to, const char *rule)
{
	static const uint8_t kid[8], sig[64];
	struct manifest_parts parts;
	struct buf message, payload;
	struct manifest back;
	char hex[2048], *at;

	snprintf(hex, sizeof(hex), "%s", payload_hex);
	at = strstr(hex, from);
	ck_assert(at != NULL);
	memmove(at + strlen(to), at + strlen(from),
		strlen(at + strlen(from)) + 1);
	memcpy(at, to, strlen(to));
	vec_hex_text(hex, &payload);
	buf_init(&message, MANIFEST_SIZE_MAX);
	unit_ok(manifest_finish(buf_span(&payload), kid, sig, &message, &err),
		&err);
	err_init(&err);
	unit_refused(manifest_parse(buf_span(&message), &back, &parts, &err),
		     PV_INPUT, rule, &err);
	buf_release(&message);
	buf_release(&payload);
}

START_TEST(test_refused_payloads)
{
	static const char form[] = "manifest.format";
	static const char content[] = "manifest.content";

	refuse_payload("742d31", "742d32", form); /* provctl-manifest-2 */
	refuse_payload("0406", "041806", form);	  /* not the shortest form */
	refuse_payload("0406", "0400", content);
	refuse_payload("04f506", "04f406", form); /* clear without a digest */
	refuse_payload("04f405", "04f505", form); /* sealed with one */
	refuse_payload("03613104", "03613d0004", form); /* a surplus item */
	refuse_payload("0a6b6f70", "0b6b6f70", form);
	refuse_payload("aa01", "a901", form);
	/* a role that lists an unknown component, or one twice */
	refuse_payload("81686964656e74697479", "8163787878", form);
	refuse_payload("82686964656e74697479636e6574", "82636e6574636e6574",
		       form);
	/* roles in the wrong order: the longer key first */
	refuse_payload("646761746582686964656e74697479636e6574"
		       "6773656e736f727381686964656e74697479",
		       "6773656e736f727381686964656e74697479"
		       "646761746582686964656e74697479636e6574",
		       form);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("manifest");
	TCase *t = tcase_create("manifest");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_payload);
	tcase_add_test(t, test_round_trip);
	tcase_add_test(t, test_every_bit);
	tcase_add_test(t, test_refused_values);
	tcase_add_test(t, test_limits);
	tcase_add_test(t, test_refused_payloads);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
