#include "tests/unit/unit.h"

#include <string.h>

#include "lib/x509/oids.h"
#include "lib/x509/value.h"

enum value_kind { CN, C, SN, VID, MAIL, DNS, URI, IP, DC };

/* RFC 5280 A.1 bounds and alphabets, formats.md 6 characters. */
static const struct {
	enum value_kind kind;
	const char *value;
	bool ok;
} values[] = {
	{ CN, "ACME-1", true },
	{ CN, "", false },
	{ CN, "a, b + c = \"d\" \\ <e>; #f ${device.id}", true },
	{ CN, "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", true },
	{ CN, "\x80", false },
	{ CN, "\xc0\xaf", false },
	{ CN, "\xe0\x80\xaf", false },
	{ CN, "\xed\xa0\x80", false },
	{ CN, "\xf4\x90\x80\x80", false },
	{ CN, "\xe2\x82", false },
	{ CN, "a\nb", false },
	{ CN, "a\x7f", false },
	{ CN, "a\xc2\x85", false },
	{ CN, "a\xd8\x9c", false },
	{ CN, "a\xe2\x80\x8e", false },
	{ CN, "a\xe2\x80\xae", false },
	{ CN, "a\xe2\x81\xa6", false },
	{ CN, "a\xe2\x80\xa7", true },
	{ CN,
	  "0123456789012345678901234567890123456789012345678901234567890123",
	  true },
	{ CN,
	  "0123456789012345678901234567890123456789012345678901234567890123"
	  "4",
	  false },
	{ C, "DE", true },
	{ C, "de", false },
	{ C, "DEU", false },
	{ C, "D", false },
	{ SN, "AB (1)+,-./:=?", true },
	{ SN, "AB_1", false },
	{ SN, "AB*1", false },
	{ SN, "\xc3\xbc", false },
	{ VID, "FFF1", true },
	{ VID, "fff1", false },
	{ VID, "FFF", false },
	{ VID, "FFF11", false },
	{ MAIL, "a.b@example.com", true },
	{ MAIL, "a@b@c", false },
	{ MAIL, "@b", false },
	{ MAIL, "ab", false },
	{ MAIL, "a b@c", false },
	{ MAIL, "a@", false },
	{ DC, "example", true },
	{ DC, "\xc3\xbc", false },
	{ DNS, "example.com", true },
	{ DNS, "a", true },
	{ DNS, "x-1.example", true },
	{ DNS, "", false },
	{ DNS, ".a", false },
	{ DNS, "a.", false },
	{ DNS, "a..b", false },
	{ DNS, "-a.b", false },
	{ DNS, "a-.b", false },
	{ DNS, "a_b", false },
	{ DNS, "*.a", false },
	{ DNS, "a/b", false },
	{ DNS,
	  "012345678901234567890123456789012345678901234567890123456789012"
	  ".a",
	  true },
	{ DNS,
	  "0123456789012345678901234567890123456789012345678901234567890123"
	  ".a",
	  false },
	{ URI, "http://a/b?c=%20#d", true },
	{ URI, "urn:uuid:0", true },
	{ URI, "urn:", false },
	{ URI, "no-scheme", false },
	{ URI, "1http://a", false },
	{ URI, "http://a b", false },
	{ URI, "http://a/\"", false },
	{ URI, "http://a/%2", false },
	{ URI, "http://a/%zz", false },
	{ URI, "http://a/\xc3\xbc", false },
	{ URI, "", false },
	{ IP, "192.0.2.1", true },
	{ IP, "2001:db8::1", true },
	{ IP, "192.0.2", false },
	{ IP, "192.0.2.256", false },
	{ IP, "::g", false },
	{ IP, "", false },
};

static const char *judge(enum value_kind kind, const char *value)
{
	struct span v = { (const uint8_t *)value, strlen(value) };
	uint8_t ip[16];
	size_t len;

	switch (kind) {
	case CN:
		return value_attribute(&oid_cn, DER_UTF8, v);
	case C:
		return value_attribute(&oid_country, DER_PRINTABLE, v);
	case SN:
		return value_attribute(&oid_serial_number, DER_PRINTABLE, v);
	case VID:
		return value_attribute(&oid_matter_vid, DER_UTF8, v);
	case MAIL:
		return value_attribute(&oid_email, DER_IA5, v);
	case DC:
		return value_attribute(&oid_dc, DER_IA5, v);
	case DNS:
		return value_dns(v);
	case URI:
		return value_uri(v);
	case IP:
		return value_ip(value, ip, &len);
	}
	return "unknown kind";
}

START_TEST(value_table)
{
	const char *bad = judge(values[_i].kind, values[_i].value);

	ck_assert_msg((bad == NULL) == values[_i].ok, "%s: %s",
		      values[_i].value, bad ? bad : "taken");
}
END_TEST

START_TEST(value_nul)
{
	static const uint8_t v[] = { 'a', 0, 'b' };

	ck_assert(value_attribute(&oid_cn, DER_UTF8,
				  (struct span){ v, sizeof(v) }) != NULL);
	ck_assert(value_attribute(&oid_serial_number, DER_PRINTABLE,
				  (struct span){ v, sizeof(v) }) != NULL);
	ck_assert(value_dns((struct span){ v, sizeof(v) }) != NULL);
	ck_assert(value_email((struct span){ v, sizeof(v) }) != NULL);
	ck_assert(value_uri((struct span){ v, sizeof(v) }) != NULL);
}
END_TEST

/* What has a bound but no row above. */
START_TEST(value_bounds)
{
	static const uint8_t x[65] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	static const struct span none = { x, 0 };
	static const struct span most = { x, 64 };
	static const struct span more = { x, 65 };

	ck_assert(value_attribute(&oid_surname, DER_UTF8, most) == NULL);
	ck_assert(value_attribute(&oid_surname, DER_UTF8, more) != NULL);
	ck_assert(value_attribute(&oid_given_name, DER_UTF8, most) == NULL);
	ck_assert(value_attribute(&oid_given_name, DER_UTF8, more) != NULL);
	ck_assert(value_hw_serial(most) == NULL);
	ck_assert(value_hw_serial(more) != NULL);
	ck_assert(value_hw_serial(none) != NULL);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *s = suite_create("value");
	TCase *tc = tcase_create("value");

	tcase_add_loop_test(tc, value_table, 0, COUNT(values));
	tcase_add_test(tc, value_nul);
	tcase_add_test(tc, value_bounds);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
