#include "tests/unit/unit.h"

#include <string.h>

#include "lib/base/cose.h"

static const uint8_t kid[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static size_t make(uint8_t *out, uint64_t tag, int64_t alg, size_t kid_len,
		   bool detached)
{
	static const uint8_t long_kid[33], auth[64];
	uint8_t prot[64];
	struct cbor_writer p, w;
	struct cbor_bytes body = { (const uint8_t *)"x", 1 }, none = { 0, 0 };
	struct cbor_bytes hdr;

	cbor_writer_init(&p, prot, sizeof(prot));
	cose_put_protected(&p, alg, kid_len == 8 ? kid : long_kid, kid_len);
	hdr.p = prot;
	hdr.len = p.len;
	cbor_writer_init(&w, out, 256);
	cose_put_message(&w, tag, hdr, detached ? none : body, auth,
			 tag == COSE_TAG_SIGN1 ? 64 : 32);
	ck_assert(cbor_writer_ok(&w));
	return w.len;
}

START_TEST(own_messages)
{
	static const size_t kids[] = { 7, 8, 16, 32, 33 };
	uint8_t out[256];
	struct cose_msg m;
	const char *why = NULL;
	size_t len, i;

	for (i = 0; i < 5; i++) {
		bool ok = kids[i] >= 8 && kids[i] <= 32;

		len = make(out, COSE_TAG_SIGN1, COSE_ALG_ES256, kids[i], false);
		ck_assert_int_eq(cose_parse(&m, COSE_TAG_SIGN1, COSE_ALG_ES256,
					    out, len, &why),
				 ok);
		if (!ok)
			ck_assert_str_eq(why, "key id is not 8 to 32 bytes");
	}
	len = make(out, COSE_TAG_MAC0, COSE_ALG_HMAC256, 8, false);
	ck_assert(cose_parse(&m, COSE_TAG_MAC0, COSE_ALG_HMAC256, out, len,
			     NULL));
	ck_assert_mem_eq(m.kid.p, kid, 8);
	ck_assert_uint_eq(m.payload.len, 1);
	ck_assert_uint_eq(m.auth.len, COSE_MAC_LEN);
	ck_assert(!cose_parse(&m, COSE_TAG_SIGN1, COSE_ALG_ES256, out, len,
			      &why));
	ck_assert_str_eq(why, "tag is not the expected one");
	len = make(out, COSE_TAG_SIGN1, -8, 8, false);
	ck_assert(!cose_parse(&m, COSE_TAG_SIGN1, COSE_ALG_ES256, out, len,
			      &why));
	ck_assert_str_eq(why, "algorithm is not the expected one");
	len = make(out, COSE_TAG_SIGN1, COSE_ALG_ES256, 8, true);
	ck_assert(
		cose_parse(&m, COSE_TAG_SIGN1, COSE_ALG_ES256, out, len, NULL));
	ck_assert(m.payload.p == NULL);
}
END_TEST

START_TEST(refusals)
{
#define SIG64                                                                  \
	"5840"                                                                 \
	"0000000000000000000000000000000000000000000000000000000000000000"     \
	"0000000000000000000000000000000000000000000000000000000000000000"
#define KID                                                                    \
	"0448"                                                                 \
	"0102030405060708"
	static const struct {
		const char *hex, *why;
	} bad[] = {
		{ "d2834da20126" KID "a0" SIG64,
		  "message is not an array of four" },
		{ "d284a0a04101" SIG64,
		  "protected header is not a byte string" },
		{ "d28443a10126a04101" SIG64,
		  "protected header is not {1: alg, 4: kid}" },
		{ "d2844fa30126020"
		  "0" KID "a04101" SIG64,
		  "protected header is not {1: alg, 4: kid}" },
		{ "d2844ea20126" KID "00a04101" SIG64,
		  "protected header is not {1: alg, 4: kid}" },
		{ "d2844da2" KID "0126a04101" SIG64,
		  "protected header is not {1: alg, 4: kid}" },
		{ "d2844da20126" KID "a104410041"
		  "01" SIG64,
		  "unprotected header is not empty" },
		{ "d2844da20126" KID "a06101" SIG64,
		  "payload is not a byte string" },
		{ "d2844da20126" KID "a0f5" SIG64,
		  "payload is not a byte string" },
		{ "d2844da20126" KID "a04101f6",
		  "signature or tag is not a byte string" },
		{ "d2844da20126" KID "a041014100",
		  "signature or tag has the wrong length" },
		{ "d2844da20126" KID "a04101" SIG64 "00", "trailing bytes" },
		{ "844da20126" KID "a04101" SIG64,
		  "tag is not the expected one" },
		{ "d29f4da20126" KID "a04101" SIG64 "ff", "indefinite length" },
	};
	uint8_t bytes[256];
	struct cose_msg m;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = NULL;
		size_t len = strlen(bad[i].hex) / 2;

		ck_assert(hex_decode(bad[i].hex, bytes, len));
		ck_assert_msg(!cose_parse(&m, COSE_TAG_SIGN1, COSE_ALG_ES256,
					  bytes, len, &why),
			      "case %zu", i);
		ck_assert_msg(strcmp(why, bad[i].why) == 0, "case %zu: %s", i,
			      why);
	}
}
END_TEST

START_TEST(truncated_and_flipped)
{
	uint8_t out[256], again[256];
	struct cose_msg m;
	size_t len = make(out, COSE_TAG_SIGN1, COSE_ALG_ES256, 8, false);
	size_t cut, bit;

	for (cut = 0; cut < len; cut++)
		ck_assert(!cose_parse(&m, COSE_TAG_SIGN1, COSE_ALG_ES256, out,
				      cut, NULL));
	/* every bit of tag, headers and lengths decides; kid and body do not */
	for (bit = 0; bit < 16 * 8; bit++) {
		memcpy(again, out, len);
		again[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		if (cose_parse(&m, COSE_TAG_SIGN1, COSE_ALG_ES256, again, len,
			       NULL))
			ck_assert_uint_ge(bit / 8, 8);
	}
}
END_TEST

START_TEST(segment_header)
{
	static const struct {
		uint32_t k;
		size_t ct;
		const char *hex;
	} c[] = {
		{ 0, 17, "d08343a10103a106440000000051" },
		{ 1, 23, "d08343a10103a106440000000157" },
		{ 1, 24, "d08343a10103a10644000000015818" },
		{ 0x01020304, 255, "d08343a10103a106440102030458ff" },
		{ 0xffffffff, 256, "d08343a10103a10644ffffffff590100" },
		{ 2, 1040, "d08343a10103a1064400000002590410" },
		{ 2, 65535, "d08343a10103a106440000000259ffff" },
		{ 2, 65536, "d08343a10103a10644000000025a00010000" },
	};
	uint8_t out[COSE_SEGMENT_HEADER_MAX], want[32];
	size_t i;

	for (i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		size_t len = strlen(c[i].hex) / 2;

		ck_assert(hex_decode(c[i].hex, want, len));
		ck_assert_uint_eq(cose_segment_header(out, c[i].k, c[i].ct),
				  len);
		ck_assert_mem_eq(out, want, len);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cose");
	TCase *t = tcase_create("cose");

	tcase_add_test(t, own_messages);
	tcase_add_test(t, refusals);
	tcase_add_test(t, truncated_and_flipped);
	tcase_add_test(t, segment_header);
	suite_add_tcase(s, t);
	return unit_run(s);
}
