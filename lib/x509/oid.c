#include <stdio.h>
#include <string.h>

#include "lib/x509/oids.h"

#define OID(name, ...)                                                         \
	const struct oid name = { { __VA_ARGS__ },                             \
				  sizeof((const uint8_t[]){ __VA_ARGS__ }) }
#define OID_CE(name, n) OID(name, 0x55, 0x1d, n)
#define OID_AT(name, n) OID(name, 0x55, 0x04, n)
#define OID_PKCS(name, a, b)                                                   \
	OID(name, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, a, b)

OID(oid_ec_public_key, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);
OID(oid_p256, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07);
OID(oid_p384, 0x2b, 0x81, 0x04, 0x00, 0x22);
OID_PKCS(oid_rsa_encryption, 0x01, 0x01);
OID(oid_ecdsa_sha256, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02);
OID(oid_ecdsa_sha384, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03);
OID(oid_ecdsa_sha512, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04);
OID_PKCS(oid_rsa_sha256, 0x01, 0x0b);
OID_PKCS(oid_rsa_sha384, 0x01, 0x0c);
OID_PKCS(oid_rsa_sha512, 0x01, 0x0d);

OID_CE(oid_ski, 14);
OID_CE(oid_key_usage, 15);
OID_CE(oid_san, 17);
OID_CE(oid_basic_constraints, 19);
OID_CE(oid_crl_number, 20);
OID_CE(oid_crl_reason, 21);
OID_CE(oid_invalidity_date, 24);
OID_CE(oid_idp, 28);
OID_CE(oid_cdp, 31);
OID_CE(oid_policies, 32);
OID_CE(oid_no_rev_avail, 56);
OID_CE(oid_aki, 35);
OID_CE(oid_ext_key_usage, 37);
OID(oid_aia, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01);
OID(oid_ad_ocsp, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01);
OID(oid_ad_ca_issuers, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02);
OID(oid_ocsp_basic, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01);
OID(oid_ocsp_nocheck, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x05);
OID(oid_kp_ocsp_signing, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x09);
OID(oid_sha1, 0x2b, 0x0e, 0x03, 0x02, 0x1a);
OID(oid_on_hw_module, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x04);

OID_PKCS(oid_extension_request, 0x09, 0x0e);
OID(oid_ms_extension_request, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02,
    0x01, 0x0e);
OID_PKCS(oid_challenge_password, 0x09, 0x07);
OID_PKCS(oid_unstructured_name, 0x09, 0x02);

OID_AT(oid_cn, 3);
OID_AT(oid_surname, 4);
OID_AT(oid_serial_number, 5);
OID_AT(oid_country, 6);
OID_AT(oid_locality, 7);
OID_AT(oid_state, 8);
OID_AT(oid_street, 9);
OID_AT(oid_org, 10);
OID_AT(oid_org_unit, 11);
OID_AT(oid_title, 12);
OID_AT(oid_name, 41);
OID_AT(oid_given_name, 42);
OID_AT(oid_initials, 43);
OID_AT(oid_generation, 44);
OID_AT(oid_dn_qualifier, 46);
OID_AT(oid_pseudonym, 65);
OID_PKCS(oid_email, 0x09, 0x01);
OID(oid_dc, 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19);
OID(oid_uid, 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01);
OID(oid_matter_vid, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xa2, 0x7c, 0x02, 0x01);
OID(oid_matter_pid, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xa2, 0x7c, 0x02, 0x02);

bool oid_equal(const struct oid *a, struct span b)
{
	return a->len == b.len && b.len > 0 && memcmp(a->der, b.p, b.len) == 0;
}

/* Arcs are base 128, each without a leading 80, the last octet below 80. */
static bool arcs_valid(struct span v)
{
	bool start = true;

	for (size_t i = 0; i < v.len; i++) {
		if (start && v.p[i] == 0x80)
			return false;
		start = v.p[i] < 0x80;
	}
	return v.len > 0 && start;
}

bool der_take_oid(struct span *in, struct span *oid)
{
	struct span work = *in, v;

	if (!der_take(&work, DER_OID, &v) || !arcs_valid(v))
		return false;
	if (oid)
		*oid = v;
	*in = work;
	return true;
}

/* One decimal arc without leading zeros, up to 2^32 - 1. */
static bool parse_arc(const char **s, uint64_t *arc)
{
	const char *p = *s;
	uint64_t v = 0;

	if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (uint64_t)(*p - '0');
		if (v > UINT32_MAX)
			return false;
	}
	*s = p;
	*arc = v;
	return true;
}

static bool put_arc(struct oid *oid, uint64_t arc)
{
	size_t n = 1;

	while (arc >> (7 * n))
		n++;
	if (n > OID_DER_MAX - oid->len)
		return false;
	while (n-- > 0)
		oid->der[oid->len++] =
			(uint8_t)((arc >> (7 * n) & 0x7f) | (n ? 0x80 : 0));
	return true;
}

bool oid_parse(const char *dotted, struct oid *oid)
{
	struct oid out = { .len = 0 };
	uint64_t first, arc;

	/* X.660: the root arcs are 0 to 2; below 0 and 1 come 0 to 39. */
	if (!parse_arc(&dotted, &first) || first > 2 || *dotted++ != '.' ||
	    !parse_arc(&dotted, &arc) || (first < 2 && arc > 39) ||
	    !put_arc(&out, first * 40 + arc))
		return false;
	while (*dotted) {
		if (*dotted++ != '.' || !parse_arc(&dotted, &arc) ||
		    !put_arc(&out, arc))
			return false;
	}
	*oid = out;
	return true;
}

/* Appends text; false when it does not fit with room for "...". */
static bool put_text(char *out, size_t cap, size_t *used, const char *text)
{
	size_t n = strlen(text);

	if (n + 4 > cap - *used)
		return false;
	memcpy(out + *used, text, n + 1);
	*used += n;
	return true;
}

void oid_format(struct span oid, char *out, size_t cap)
{
	size_t used = 0;
	uint64_t arc = 0;
	bool first = true;

	out[0] = '\0';
	for (size_t i = 0; i < oid.len; i++) {
		char text[48];

		if (arc >> 56)
			break;
		arc = arc << 7 | (oid.p[i] & 0x7f);
		if (oid.p[i] & 0x80)
			continue;
		if (first) {
			unsigned root = arc < 80 ? (unsigned)(arc / 40) : 2;

			snprintf(text, sizeof(text), "%u.%llu", root,
				 (unsigned long long)(arc - root * 40));
		} else {
			snprintf(text, sizeof(text), ".%llu",
				 (unsigned long long)arc);
		}
		if (!put_text(out, cap, &used, text))
			break;
		first = false;
		arc = 0;
		if (i + 1 == oid.len)
			return;
	}
	memcpy(out + used, "...", 4);
}
