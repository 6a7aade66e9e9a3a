#include "lib/evidence/tcbinfo.h"
#include "tests/unit/unit.h"

#define H16 "00112233445566778899aabbccddeeff"
#define FWID "302d060960864801650304020" /* and algorithm, digest */
static const struct {
	bool right;
	const char *hex;
} encodings[] = {
	{ true, "3000" },
	{ true, "3009800141810142820143" },
	{ true, "3003830100" },
	{ true, "300783050 0ffffffff" },
	{ true, "300387 0100" },
	{ true, "30048702 0780" },
	{ true, "30068704 00000001" },
	{ true, "3006 88021234 8900" },
	{ true, "30048a02 0780" },
	{ false, "" },
	{ false, "300000" },
	{ false, "3100" },
	{ false, "308100" },
	{ false, "3080830100 0000" },
	{ false, "3003020101" },
	{ false, "3006830101830101" },
	{ false, "3006840101830101" },
	{ false, "30038b0101" },
	{ false, "300383 0180" },
	{ false, "30048302 0001" },
	{ false, "30078305 0100000000" },
	{ false, "30028300" },
	{ false, "300380 01ff" },
	{ false, "3003a30101" },
	{ false, "3002a600" },
	{ false, "30028600" },
	{ false, "300487020700" },
	{ false, "300487020781" },
	{ false, "300487020880" },
	{ false, "300487020080" },
	{ false, "30028700" },
	{ false, "3003870101" },
	{ false, "30078705 000000000100" },
	{ true, "3031a62f" FWID "10420" H16 H16 },
	{ false, "3031a62f" FWID "20420" H16 H16 },
	{ false, "3031a62f" FWID "40420" H16 H16 },
	{ false, "3032a630" FWID "10420" H16 H16 "00" },
	{ false, "3031a62f" FWID "10320" H16 H16 },
};

START_TEST(encoding)
{
	struct tcbinfo out;
	const char *why;
	uint8_t bytes[128];
	char hex[256];
	size_t n = 0;

	for (const char *s = encodings[_i].hex; *s; s++) {
		if (*s != ' ')
			hex[n++] = *s;
	}
	hex[n] = '\0';
	ck_assert(hex_decode(hex, bytes, n / 2));
	ck_assert_msg(tcbinfo_parse((struct span){ bytes, n / 2 }, &out,
				    &why) == encodings[_i].right,
		      "%s", encodings[_i].hex);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tcbinfo");
	TCase *t = tcase_create("tcbinfo");

	tcase_add_loop_test(t, encoding, 0,
			    (int)(sizeof(encodings) / sizeof(encodings[0])));
	suite_add_tcase(s, t);
	return unit_run(s);
}
