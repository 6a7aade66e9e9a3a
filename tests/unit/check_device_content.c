#include "tests/unit/unit.h"

#include <string.h>

#include "lib/device/container.h"
#include "lib/device/content.h"

static const struct {
	const char *hex;
	bool sealed;
	const char *why; /* NULL: valid */
} contents[] = {
	{ "a0", true, "component is empty" },
	{ "a0", false, "component is empty" },
	{ "a7014101028141020381410304414405a10102"
	  "06a161614100"
	  "07a1616240",
	  true, NULL },
	{ "a303814103"
	  "05f6"
	  "07a1616240",
	  false, NULL },
	{ "80", true, "component is not a map" },
	{ "01", true, "component is not a map" },
	{ "a1616100", true, "component key is not a number" },
	{ "a10000", true,
	  "component entry is unknown, empty or of another type" },
	{ "a10800", true,
	  "component entry is unknown, empty or of another type" },
	{ "a10140", true,
	  "component entry is unknown, empty or of another type" },
	{ "a10161"
	  "61",
	  true, "component entry is unknown, empty or of another type" },
	{ "a10280", true,
	  "component entry is unknown, empty or of another type" },
	{ "a1028140", true,
	  "component entry is unknown, empty or of another type" },
	{ "a1028101", true,
	  "component entry is unknown, empty or of another type" },
	{ "a103a0", true,
	  "component entry is unknown, empty or of another type" },
	{ "a10440", true,
	  "component entry is unknown, empty or of another type" },
	{ "a106a0", true,
	  "component entry is unknown, empty or of another type" },
	{ "a106a16040", true,
	  "component entry is unknown, empty or of another type" },
	{ "a106a1616101", true,
	  "component entry is unknown, empty or of another type" },
	{ "a106a1014100", true,
	  "component entry is unknown, empty or of another type" },
	{ "a10780", true,
	  "component entry is unknown, empty or of another type" },
	{ "a1014101", false,
	  "clear component holds more than anchors, config and files" },
	{ "a102814102", false,
	  "clear component holds more than anchors, config and files" },
	{ "a1044102", false,
	  "clear component holds more than anchors, config and files" },
	{ "a106a161614100", false,
	  "clear component holds more than anchors, config and files" },
	{ "a105a2616200616100", true, "map keys are not sorted" },
	{ "a106a2616140616140", true, "duplicate map key" },
	{ "a000", true, "trailing bytes" },
	{ "bf0141"
	  "01ff",
	  true, "indefinite length" },
	{ "", true, "truncated" },
	/* a config may be 16 deep, not 17 */
	{ "a10581818181818181818181818181818180", true, NULL },
	{ "a1058181818181818181818181818181818180", true, "nested too deep" },
};

START_TEST(parse)
{
	struct pvdev_content c;
	uint8_t bytes[128];
	const char *why = NULL;
	size_t len = strlen(contents[_i].hex) / 2;
	bool ok;

	ck_assert(hex_decode(contents[_i].hex, bytes, len));
	ok = pvdev_content_parse(&c, bytes, len, contents[_i].sealed, &why);
	if (contents[_i].why) {
		ck_assert(!ok);
		ck_assert_str_eq(why, contents[_i].why);
	} else {
		ck_assert_msg(ok, "%s", why);
	}
}
END_TEST

START_TEST(walk)
{
	static const char hex[] = "a3028241014202030"
				  "6a2616141aa616241bb"
				  "07a1616341ff";
	struct pvdev_content c;
	struct cbor_reader r;
	struct cbor_bytes name, value;
	uint8_t bytes[64];
	uint64_t n;

	ck_assert(hex_decode(hex, bytes, strlen(hex) / 2));
	ck_assert(pvdev_content_parse(&c, bytes, strlen(hex) / 2, true, NULL));
	ck_assert(c.certificate.p == NULL && c.anchors.p == NULL);
	ck_assert(c.key.p == NULL && c.config.p == NULL);
	pvdev_content_open(&r, &n, c.chain);
	ck_assert(pvdev_content_next(&r, &n, NULL, &value));
	ck_assert(value.len == 1 && value.p[0] == 1);
	ck_assert(pvdev_content_next(&r, &n, NULL, &value));
	ck_assert(value.len == 2 && value.p[1] == 3);
	ck_assert(!pvdev_content_next(&r, &n, NULL, &value));
	pvdev_content_open(&r, &n, c.secrets);
	ck_assert(pvdev_content_next(&r, &n, &name, &value));
	ck_assert(name.p[0] == 'a' && value.p[0] == 0xaa);
	ck_assert(pvdev_content_next(&r, &n, &name, &value));
	ck_assert(name.p[0] == 'b' && value.p[0] == 0xbb);
	ck_assert(!pvdev_content_next(&r, &n, &name, &value));
	pvdev_content_open(&r, &n, c.files);
	ck_assert(pvdev_content_next(&r, &n, &name, &value));
	pvdev_content_open(&r, &n, c.anchors); /* absent */
	ck_assert(!pvdev_content_next(&r, &n, NULL, &value));
}
END_TEST

START_TEST(container)
{
	static const uint8_t good[] = { 0x01, 0x82, 0x01, 0x02, 0x41, 0x00 };
	struct pvdev_container c;
	struct cbor_bytes item;
	size_t cut;

	pvdev_container_init(&c, good, sizeof(good));
	ck_assert(pvdev_container_next(&c, &item) && item.len == 1);
	ck_assert(pvdev_container_next(&c, &item) && item.len == 3);
	ck_assert(pvdev_container_next(&c, &item) && item.len == 2);
	ck_assert(!pvdev_container_next(&c, &item));
	ck_assert(!pvdev_container_broken(&c));
	for (cut = 0; cut < sizeof(good); cut++) {
		pvdev_container_init(&c, good, cut);
		while (pvdev_container_next(&c, &item))
			;
		ck_assert_int_eq(pvdev_container_broken(&c),
				 cut != 0 && cut != 1 && cut != 4);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("device_content");
	TCase *t = tcase_create("device_content");

	tcase_add_loop_test(t, parse, 0,
			    (int)(sizeof(contents) / sizeof(contents[0])));
	tcase_add_test(t, walk);
	tcase_add_test(t, container);
	suite_add_tcase(s, t);
	return unit_run(s);
}
