#include "lib/x509/value.h"

#include <arpa/inet.h>
#include <string.h>

#include "lib/x509/oids.h"

#define DNS_NAME_MAX 253 /* RFC 1035 2.3.4, as text */
#define DNS_LABEL_MAX 63
#define HW_SERIAL_MAX 64 /* bytes; a device id's length */

struct bounds {
	const struct oid *oid;
	size_t min, max; /* characters */
};

/*
 * RFC 5280 A.1, upper bounds; of SN and GN that of X.520's earlier editions.
 * Matter ids are exactly four digits.
 */
static const struct bounds attribute_bounds[] = {
	{ &oid_cn, 1, 64 },	      { &oid_serial_number, 1, 64 },
	{ &oid_country, 2, 2 },	      { &oid_locality, 1, 128 },
	{ &oid_state, 1, 128 },	      { &oid_org, 1, 64 },
	{ &oid_org_unit, 1, 64 },     { &oid_title, 1, 64 },
	{ &oid_dn_qualifier, 1, 64 }, { &oid_pseudonym, 1, 128 },
	{ &oid_email, 3, 255 },	      { &oid_dc, 1, 63 },
	{ &oid_uid, 1, 256 },	      { &oid_surname, 1, 64 },
	{ &oid_given_name, 1, 64 },   { &oid_matter_vid, 4, 4 },
	{ &oid_matter_pid, 4, 4 },
};

/* One UTF-8 character (RFC 3629 4); its octets, 0 when malformed. */
static size_t utf8_next(struct span v, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t b = v.p[0];
	size_t n = b < 0x80   ? 1
		   : b < 0xc2 ? 0
		   : b < 0xe0 ? 2
		   : b < 0xf0 ? 3
		   : b < 0xf5 ? 4
			      : 0;

	if (n == 0 || n > v.len)
		return 0;
	*c = n == 1 ? b : b & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((v.p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (v.p[i] & 0x3f);
	}
	if (*c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return n;
}

/* formats.md 6: controls, and marks that turn or hide text. */
static bool refused_char(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c ||
	       c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

const char *value_text(struct span v, size_t *chars)
{
	*chars = 0;
	while (v.len > 0) {
		uint32_t c;
		size_t n = utf8_next(v, &c);

		if (n == 0)
			return "is not UTF-8";
		if (refused_char(c))
			return "has a control or bidi character";
		v.p += n;
		v.len -= n;
		++*chars;
	}
	return NULL;
}

static bool is_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static bool is_one_of(uint8_t c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

const char *value_string(enum der_string type, struct span v, size_t *chars)
{
	const char *bad = value_text(v, chars);

	for (size_t i = 0; !bad && i < v.len; i++) {
		if (type == DER_IA5 && v.p[i] >= 0x80)
			bad = "has a character outside ASCII";
		if (type == DER_PRINTABLE && !is_alnum(v.p[i]) &&
		    !is_one_of(v.p[i], " '()+,-./:=?"))
			bad = "has a character outside PrintableString";
	}
	return bad;
}

static bool only_of(struct span v, const char *set)
{
	for (size_t i = 0; i < v.len; i++)
		if (!is_one_of(v.p[i], set))
			return false;
	return true;
}

static const char *too_long(size_t max)
{
	switch (max) {
	case 63:
		return "is longer than 63 characters";
	case 64:
		return "is longer than 64 characters";
	case 128:
		return "is longer than 128 characters";
	case 255:
		return "is longer than 255 characters";
	case 256:
		return "is longer than 256 characters";
	}
	return "is too long";
}

const char *value_attribute(const struct oid *oid, enum der_string type,
			    struct span v)
{
	struct bounds b = { oid, 1, 1024 };
	size_t chars;
	const char *bad = value_string(type, v, &chars);

	if (bad)
		return bad;
	for (size_t i = 0;
	     i < sizeof(attribute_bounds) / sizeof(attribute_bounds[0]); i++)
		if (oid_equal(oid, oid_span(attribute_bounds[i].oid)))
			b = attribute_bounds[i];
	if (v.len == 0)
		return "is empty";
	if (b.oid == &oid_country &&
	    (chars != 2 || !only_of(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")))
		return "is not two capital letters (ISO 3166)";
	if ((b.oid == &oid_matter_vid || b.oid == &oid_matter_pid) &&
	    (chars != 4 || !only_of(v, "0123456789ABCDEF")))
		return "is not four upper-case hex digits";
	if (chars < b.min)
		return "is too short";
	if (chars > b.max)
		return too_long(b.max);
	if (b.oid == &oid_email)
		return value_email(v);
	return NULL;
}

const char *value_dns(struct span v)
{
	size_t label = 0;

	if (v.len == 0 || v.len > DNS_NAME_MAX)
		return "is empty or longer than 253 characters";
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.p[i];
		bool last = i + 1 == v.len || v.p[i + 1] == '.';

		if (c == '.') {
			if (label == 0 || i + 1 == v.len)
				return "has an empty label";
			label = 0;
			continue;
		}
		if (!is_alnum(c) && (c != '-' || label == 0 || last))
			return "is not a host name (RFC 1034 3.5)";
		if (++label > DNS_LABEL_MAX)
			return "has a label longer than 63 characters";
	}
	return NULL;
}

/* scheme ":" and the characters of RFC 3986 2; escapes are whole. */
const char *value_uri(struct span v)
{
	size_t i = 0;

	while (i < v.len && (is_alnum(v.p[i]) || is_one_of(v.p[i], "+-.")))
		i++;
	if (i == 0 || i + 1 >= v.len || v.p[i] != ':' || v.p[0] < 'A')
		return "is not an absolute URI";
	for (; i < v.len; i++) {
		if (!is_alnum(v.p[i]) &&
		    !is_one_of(v.p[i], "-._~:/?#[]@!$&'()*+,;=%"))
			return "has a character that no URI has";
		if (v.p[i] == '%' &&
		    (v.len - i < 3 ||
		     !is_one_of(v.p[i + 1], "0123456789abcdefABCDEF") ||
		     !is_one_of(v.p[i + 2], "0123456789abcdefABCDEF")))
			return "has a broken % escape";
	}
	return NULL;
}

const char *value_email(struct span v)
{
	size_t at = 0;

	while (at < v.len && (is_alnum(v.p[at]) ||
			      is_one_of(v.p[at], "!#$%&'*+-/=?^_`{|}~.")))
		at++;
	if (at == 0 || at > 64 || at == v.len || v.p[at] != '@')
		return "is not a mail address (RFC 5321 4.1.2)";
	return value_dns((struct span){ v.p + at + 1, v.len - at - 1 });
}

const char *value_hw_serial(struct span v)
{
	size_t chars;
	const char *bad = value_text(v, &chars);

	if (!bad && (v.len == 0 || v.len > HW_SERIAL_MAX))
		bad = "is empty or longer than 64 bytes";
	return bad;
}

const char *value_ip(const char *v, uint8_t out[16], size_t *len)
{
	bool six = strchr(v, ':') != NULL;

	*len = six ? 16 : 4;
	return inet_pton(six ? AF_INET6 : AF_INET, v, out) == 1
		       ? NULL
		       : "is not an IP address";
}
