#include <string.h>

#include "pkcs11/uri.h"
#include "tests/unit/unit.h"

static void refused(const char *text)
{
	struct p11_uri *uri = NULL;
	struct err err;

	err_init(&err);
	unit_refused(p11_uri_parse(text, &uri, &err), PV_INPUT, "hsm.uri",
		     &err);
	ck_assert(uri == NULL);
}

static struct p11_uri *parsed(const char *text)
{
	struct p11_uri *uri = NULL;
	struct err err;

	err_init(&err);
	unit_ok(p11_uri_parse(text, &uri, &err), &err);
	return uri;
}

static void fill(CK_UTF8CHAR *field, size_t len, const char *text)
{
	memset(field, ' ', len);
	memcpy(field, text, strlen(text));
}

static CK_TOKEN_INFO token(const char *label, const char *maker,
			   const char *model, const char *serial)
{
	CK_TOKEN_INFO t;

	memset(&t, 0, sizeof(t));
	fill(t.label, sizeof(t.label), label);
	fill(t.manufacturerID, sizeof(t.manufacturerID), maker);
	fill(t.model, sizeof(t.model), model);
	fill(t.serialNumber, sizeof(t.serialNumber), serial);
	return t;
}

START_TEST(all_attributes)
{
	struct p11_uri *uri = parsed("pkcs11:token=acme%20CA;serial=00ff;"
				     "manufacturer=Soft;model=v2;"
				     "object=acme%2Froot%2F1;id=%00%01%fF");
	size_t len = 0;
	const uint8_t *id = p11_uri_id(uri, &len);

	ck_assert_str_eq(p11_uri_token(uri), "acme CA");
	ck_assert_str_eq(p11_uri_object(uri), "acme/root/1");
	ck_assert_uint_eq(len, 3);
	ck_assert_mem_eq(id, "\x00\x01\xff", 3);
	p11_uri_free(uri);
	p11_uri_free(NULL);
}
END_TEST

START_TEST(absent_attributes)
{
	struct p11_uri *uri = parsed("pkcs11:serial=1");
	size_t len = 9;

	ck_assert_ptr_null(p11_uri_token(uri));
	ck_assert_ptr_null(p11_uri_object(uri));
	ck_assert_ptr_null(p11_uri_id(uri, &len));
	ck_assert_uint_eq(len, 0);
	p11_uri_free(uri);
}
END_TEST

START_TEST(matching)
{
	struct p11_uri *uri = parsed("pkcs11:token=acme;serial=01;"
				     "manufacturer=Maker;model=M1");
	CK_TOKEN_INFO good = token("acme", "Maker", "M1", "01");
	CK_TOKEN_INFO bad[] = {
		token("acm", "Maker", "M1", "01"),
		token("acme2", "Maker", "M1", "01"),
		token("acme", "maker", "M1", "01"),
		token("acme", "Maker", "M2", "01"),
		token("acme", "Maker", "M1", "1"),
		token("", "", "", ""),
	};

	ck_assert(p11_uri_matches(uri, &good));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert(!p11_uri_matches(uri, &bad[i]));
	p11_uri_free(uri);
}
END_TEST

/* Case 15: every edge is input refused (3). */
static const char *const bad_uris[] = {
	"",
	"pkcs11",
	"pkcs11:",
	"pkcs12:token=a",
	" pkcs11:token=a",
	"PKCS11:token=a",
	"pkcs11:token",
	"pkcs11:token=",
	"pkcs11:=a",
	"pkcs11:;",
	"pkcs11:token=a;",
	"pkcs11:;token=a",
	"pkcs11:token=a;;serial=1",
	"pkcs11:token=a;token=a",
	"pkcs11:token=a;token=b",
	"pkcs11:token=a b",
	"pkcs11:token=a\tb",
	"pkcs11:token=a\n",
	"pkcs11:token=\xc3\xa4",
	"pkcs11:token=a/b",
	"pkcs11:token=a\"b",
	"pkcs11:token=a<b",
	"pkcs11:token=%",
	"pkcs11:token=%4",
	"pkcs11:token=%4;serial=1",
	"pkcs11:token=%zz",
	"pkcs11:token=%00",
	"pkcs11:token=a%00b",
	"pkcs11:token=a%0ab",
	"pkcs11:token=a%7f",
	"pkcs11:object=%00",
	"pkcs11:token=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"pkcs11:serial=aaaaaaaaaaaaaaaaa",
	"pkcs11:model=aaaaaaaaaaaaaaaaa",
	"pkcs11:Token=a",
	"pkcs11:toke=a",
	"pkcs11:tokens=a",
	"pkcs11:x-vendor=a",
	"pkcs11:token=a;x-vendor=b",
	"pkcs11:slot-id=0",
	"pkcs11:slot-description=a",
	"pkcs11:slot-manufacturer=a",
	"pkcs11:library-manufacturer=a",
	"pkcs11:library-description=a",
	"pkcs11:library-version=1.0",
	"pkcs11:type=private",
	"pkcs11:token=a;type=private",
	"pkcs11:token=a?",
	"pkcs11:token=a?pin-value=1234",
	"pkcs11:token=a?pin-source=file:/etc/pin",
	"pkcs11:token=a?module-path=/tmp/evil.so",
	"pkcs11:token=a?module-name=evil",
	"pkcs11:token=a?x-vendor=b",
	"pkcs11:token=a;pin-value=1234",
	"pkcs11:token=a;pin-source=/etc/pin",
	"pkcs11:token=a;pinfile=/etc/pin",
	"pkcs11:token=a;module-path=/tmp/evil.so",
	"pkcs11:token=a#fragment",
};

START_TEST(edges)
{
	refused(bad_uris[_i]);
}
END_TEST

START_TEST(too_long)
{
	char text[P11_URI_MAX + 2];

	memset(text, 'a', sizeof(text));
	memcpy(text, "pkcs11:id=", 10);
	text[P11_URI_MAX + 1] = '\0';
	refused(text);
	/* 65 bytes of id are one too many, 64 are not. */
	text[10 + P11_URI_ID_MAX + 1] = '\0';
	refused(text);
	text[10 + P11_URI_ID_MAX] = '\0';
	p11_uri_free(parsed(text));
}
END_TEST

START_TEST(longest_values)
{
	struct p11_uri *uri =
		parsed("pkcs11:token=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;"
		       "serial=bbbbbbbbbbbbbbbb;model=cccccccccccccccc");

	ck_assert_uint_eq(strlen(p11_uri_token(uri)), 32);
	p11_uri_free(uri);
}
END_TEST

START_TEST(messages_hold_no_value)
{
	struct p11_uri *uri = NULL;
	struct err err;

	err_init(&err);
	ck_assert_int_eq(
		p11_uri_parse("pkcs11:token=a?pin-value=s3cret", &uri, &err),
		PV_INPUT);
	ck_assert_ptr_null(strstr(err.message, "s3cret"));
	err_init(&err);
	ck_assert_int_eq(p11_uri_parse("pkcs11:pin-value=s3cret", &uri, &err),
			 PV_INPUT);
	ck_assert_ptr_null(strstr(err.message, "s3cret"));
}
END_TEST

START_TEST(token_uris)
{
	static const char *const bad[] = { "pkcs11:object=a", "pkcs11:id=%01",
					   "pkcs11:token=a;object=b",
					   "pkcs11:token=a;id=%01" };
	struct p11_uri *uri = NULL;
	struct err err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_init(&err);
		unit_refused(p11_uri_parse_token(bad[i], &uri, &err), PV_INPUT,
			     "hsm.uri", &err);
	}
	err_init(&err);
	unit_ok(p11_uri_parse_token("pkcs11:model=a", &uri, &err), &err);
	p11_uri_free(uri);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("p11_uri");
	TCase *t = tcase_create("uri");

	tcase_add_test(t, all_attributes);
	tcase_add_test(t, absent_attributes);
	tcase_add_test(t, matching);
	tcase_add_loop_test(t, edges, 0,
			    sizeof(bad_uris) / sizeof(bad_uris[0]));
	tcase_add_test(t, too_long);
	tcase_add_test(t, longest_values);
	tcase_add_test(t, messages_hold_no_value);
	tcase_add_test(t, token_uris);
	suite_add_tcase(s, t);
	return unit_run(s);
}
