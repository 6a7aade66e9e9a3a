#include <jansson.h>

#include "lib/base/cbor.h"
#include "lib/seal/content.h"
#include "tests/unit/seal_vec.h"

static struct err err;

static void setup(void)
{
	err_init(&err);
}

static const char *const fields[] = { "lot", "site" };
static const char *const values[] = { "L042", "caf\xc3\xa9" };
static const struct text_vars vars = { .device_id = "ACME-01",
				       .order_id = "o-1",
				       .authority = "acme",
				       .fields = values,
				       .fields_n = 2 };

static enum pv_code compile(const char *text, struct content_config **out)
{
	json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);
	enum pv_code rc;

	ck_assert_msg(j != NULL, "%s", text);
	err_init(&err);
	rc = content_config_compile(j, fields, 2, out, &err);
	json_decref(j);
	return rc;
}

/* config alone: A1 05 <item>; the item must be the expected bytes */
static void expect(const char *text, const char *hex)
{
	struct content_config *config;
	struct content c = { .vars = &vars };
	SECRET out = SECRET_INIT;
	struct buf want;

	unit_ok(compile(text, &config), &err);
	c.config = config;
	unit_ok(content_encode(&c, &out, &err), &err);
	vec_hex_text(hex, &want);
	ck_assert_msg(out.len == want.len + 2 &&
			      memcmp(out.data + 2, want.data, want.len) == 0,
		      "%s", text);
	ck_assert_int_eq(out.data[0], 0xa1);
	ck_assert_int_eq(out.data[1], 5);
	ck_assert(
		cbor_valid(out.data + 2, out.len - 2, CBOR_DEPTH_CONFIG, NULL));
	buf_release(&want);
	content_config_free(config);
}

/* Values of RFC 8949 appendix A, mapped as in 6.2. */
START_TEST(test_numbers)
{
	expect("0", "00");
	expect("23", "17");
	expect("24", "1818");
	expect("255", "18ff");
	expect("256", "190100");
	expect("1000000", "1a000f4240");
	expect("1000000000000", "1b000000e8d4a51000");
	expect("-1", "20");
	expect("-1000", "3903e7");
	expect("9223372036854775807", "1b7fffffffffffffff");
	expect("-9223372036854775808", "3b7fffffffffffffff");
	expect("1.0", "01");
	expect("1e3", "1903e8");
	expect("-0.0", "00");
	expect("9007199254740991.0", "1b001fffffffffffff");
	expect("9007199254740992.0", "fa5a000000");
	expect("1.5", "f93e00");
	expect("0.1", "fb3fb999999999999a");
	expect("-4.1", "fbc010666666666666");
	expect("100000.5", "fa47c35040");
	expect("1.0e+300", "fb7e37e43c8800759c");
	expect("5.960464477539063e-8", "f90001");
}
END_TEST

START_TEST(test_values)
{
	expect("true", "f5");
	expect("false", "f4");
	expect("null", "f6");
	expect("\"\"", "60");
	expect("\"\\u00fc\"", "62c3bc");
	expect("[]", "80");
	expect("[1,[2,3],[4,5]]", "8301820203820405");
	expect("{}", "a0");
	/* Keys by their encodings: shorter first, then bytewise. */
	expect("{\"b\":1,\"aa\":2,\"a\":3,\"B\":4,\"\":5}",
	       "a5600561420461610361620162616102");
	expect("{\"z\":{\"y\":[true,{\"x\":null}]}}",
	       "a1617aa1617982f5a16178f6");
}
END_TEST

START_TEST(test_placeholders)
{
	expect("\"${device.id}\"", "6741434d452d3031");
	expect("{\"client\":\"d-${device.id}-${device.lot}\",\"n\":1}",
	       "a2616e0166636c69656e746e642d41434d452d30312d4c303432");
	/* A value is never parsed again, a key never at all. */
	expect("{\"${device.id}\":\"$x\"}",
	       "a16c247b6465766963652e69647d622478");
	expect("[\"${device.site}\",\"${authority.name}\",\"${order.id}\"]",
	       "8365636166c3a96461636d65636f2d31");
}
END_TEST

START_TEST(test_depth)
{
	struct content_config *config;
	char text[64];

	for (int i = 0; i < CBOR_DEPTH_CONFIG; i++) {
		text[i] = '[';
		text[2 * CBOR_DEPTH_CONFIG - 1 - i] = ']';
	}
	text[2 * CBOR_DEPTH_CONFIG] = '\0';
	expect(text, "81818181818181818181818181818180");
	memmove(text + 1, text, 2 * CBOR_DEPTH_CONFIG + 1);
	text[0] = '[';
	strcat(text, "]");
	unit_refused(compile(text, &config), PV_INPUT, "content.depth", &err);
	ck_assert(config == NULL);
	memcpy(text + CBOR_DEPTH_CONFIG, "{\"a\":0}]]]]]]]]]]]]]]]]", 24);
	unit_refused(compile(text, &config), PV_INPUT, "content.depth", &err);
}
END_TEST

START_TEST(test_bad_placeholders)
{
	struct content_config *config;
	struct content c = { 0 };
	SECRET out = SECRET_INIT;

	unit_refused(compile("{\"a\":[\"${device.nosuch}\"]}", &config),
		     PV_INPUT, "template.placeholder", &err);
	ck_assert(config == NULL);
	unit_refused(compile("\"${shard}\"", &config), PV_INPUT,
		     "template.placeholder", &err);
	unit_refused(compile("\"${device.id\"", &config), PV_INPUT,
		     "template.placeholder", &err);
	/* known, but without a value here */
	unit_ok(compile("\"${device.lot}\"", &config), &err);
	ck_assert(content_config_has_vars(config));
	c.config = config;
	unit_refused(content_encode(&c, &out, &err), PV_INPUT, "template.value",
		     &err);
	ck_assert(out.data == NULL);
	content_config_free(config);
}
END_TEST

START_TEST(test_large_config)
{
	json_t *j = json_array();
	struct content_config *config;

	/* More parts than fit at first, and more bytes than are allowed. */
	for (int i = 0; i < 100; i++)
		json_array_append_new(j, json_string("${device.id}"));
	unit_ok(content_config_compile(j, fields, 2, &config, &err), &err);
	content_config_free(config);
	for (int i = 0; i < 300; i++) {
		char kilo[1024];

		memset(kilo, 'k', sizeof(kilo));
		json_array_append_new(j, json_stringn(kilo, sizeof(kilo)));
	}
	unit_refused(content_config_compile(j, fields, 2, &config, &err),
		     PV_INPUT, "size.limit", &err);
	json_decref(j);
}
END_TEST

/* Everything at once, out of order, against bytes written by hand. */
START_TEST(test_whole)
{
	static const char want_hex[] = "a7"
				       "0143434552"
				       "0282434348314443483232"
				       "03814154"
				       "0442504b"
				       "05a16161f5"
				       "06a2617a4131626262425332"
				       "07a261664065696e6465784131";
	struct span chain[] = { { (const uint8_t *)"CH1", 3 },
				{ (const uint8_t *)"CH22", 4 } };
	struct span anchor = { (const uint8_t *)"T", 1 };
	SECRET pkcs8 = SECRET_INIT, s1 = SECRET_INIT, s2 = SECRET_INIT;
	SECRET out = SECRET_INIT;
	struct content_secret secrets[] = { { "bb", &s2 }, { "z", &s1 } };
	struct content_file files[] = {
		{ "index", { (const uint8_t *)"1", 1 } }, { "f", { NULL, 0 } }
	};
	struct content_config *config;
	struct content c = { .certificate = { (const uint8_t *)"CER", 3 },
			     .chain = chain,
			     .chain_n = 2,
			     .anchors = &anchor,
			     .anchors_n = 1,
			     .private_key = &pkcs8,
			     .secrets = secrets,
			     .secrets_n = 2,
			     .files = files,
			     .files_n = 2 };
	struct buf want;

	unit_ok(secret_copy(&pkcs8, "PK", 2, &err), &err);
	unit_ok(secret_copy(&s1, "1", 1, &err), &err);
	unit_ok(secret_copy(&s2, "S2", 2, &err), &err);
	unit_ok(compile("{\"a\":true}", &config), &err);
	c.config = config;
	unit_ok(content_encode(&c, &out, &err), &err);
	vec_hex_text(want_hex, &want);
	ck_assert_uint_eq(out.len, want.len);
	ck_assert_mem_eq(out.data, want.data, want.len);
	ck_assert(cbor_valid(out.data, out.len, CBOR_DEPTH_MAX, NULL));
	content_config_free(config);
	buf_release(&want);
}
END_TEST

static void refuse_name(const char *a, const char *b)
{
	SECRET v = SECRET_INIT, out = SECRET_INIT;
	struct content_secret secrets[] = { { a, &v }, { b, &v } };
	struct content_file files[] = { { a, { NULL, 0 } },
					{ b, { NULL, 0 } } };
	struct content c = { .secrets = secrets, .secrets_n = 2 };

	unit_ok(secret_copy(&v, "v", 1, &err), &err);
	err_init(&err);
	unit_refused(content_encode(&c, &out, &err), PV_INPUT, "content.name",
		     &err);
	ck_assert(out.data == NULL);
	c = (struct content){ .files = files, .files_n = 2 };
	err_init(&err);
	unit_refused(content_encode(&c, &out, &err), PV_INPUT, "content.name",
		     &err);
}

START_TEST(test_refused)
{
	SECRET empty = SECRET_INIT, out = SECRET_INIT;
	struct content_secret one = { "psk", &empty };
	struct content c = { 0 };
	char longest[CONTENT_NAME_MAX + 2];

	unit_refused(content_encode(&c, &out, &err), PV_INPUT, "content.empty",
		     &err);
	err_init(&err);
	c = (struct content){ .secrets = &one, .secrets_n = 1 };
	unit_refused(content_encode(&c, &out, &err), PV_INPUT, "content.value",
		     &err);
	err_init(&err);
	c = (struct content){ .chain_n = CONTENT_ITEMS_MAX + 1 };
	unit_refused(content_encode(&c, &out, &err), PV_INPUT, "content.count",
		     &err);
	memset(longest, 'n', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	refuse_name("a", "a");
	refuse_name("a", "");
	refuse_name("a", longest);
	refuse_name("a", "\xff\xfe");
	refuse_name("\xc3", "b");
}
END_TEST

START_TEST(test_clear)
{
	struct span anchor = { (const uint8_t *)"T", 1 };
	SECRET v = SECRET_INIT, same = SECRET_INIT;
	struct content_secret one = { "psk", &v };
	struct content_config *fixed, *device;
	struct content c = { .anchors = &anchor, .anchors_n = 1 };
	struct buf out;

	buf_init(&out, 64);
	buf_put(&out, "x", 1);
	unit_ok(compile("[1]", &fixed), &err);
	unit_ok(compile("[\"${device.id}\"]", &device), &err);
	unit_ok(secret_copy(&v, "v", 1, &err), &err);
	c.config = fixed;
	unit_ok(content_encode_clear(&c, &out, &err), &err);
	unit_ok(content_encode(&c, &same, &err), &err);
	ck_assert(secret_equal(&same, out.data + 1, out.len - 1));
	c.config = device;
	unit_refused(content_encode_clear(&c, &out, &err), PV_INTERNAL,
		     "content.clear", &err);
	c.config = fixed;
	c.secrets = &one;
	c.secrets_n = 1;
	err_init(&err);
	unit_refused(content_encode_clear(&c, &out, &err), PV_INTERNAL,
		     "content.clear", &err);
	c.secrets_n = 0;
	c.certificate = anchor;
	err_init(&err);
	unit_refused(content_encode_clear(&c, &out, &err), PV_INTERNAL,
		     "content.clear", &err);
	ck_assert_uint_eq(out.len, 1 + same.len);
	/* A buffer without room: an error, nothing added. */
	c.certificate.len = 0;
	buf_release(&out);
	buf_init(&out, 4);
	err_init(&err);
	unit_refused(content_encode_clear(&c, &out, &err), PV_INPUT,
		     "size.limit", &err);
	ck_assert_uint_eq(out.len, 0);
	buf_release(&out);
	content_config_free(fixed);
	content_config_free(device);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("content");
	TCase *t = tcase_create("content");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, test_numbers);
	tcase_add_test(t, test_values);
	tcase_add_test(t, test_placeholders);
	tcase_add_test(t, test_depth);
	tcase_add_test(t, test_bad_placeholders);
	tcase_add_test(t, test_large_config);
	tcase_add_test(t, test_whole);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_clear);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return unit_run(suite());
}
