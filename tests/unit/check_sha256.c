#include "lib/base/sha256.h"

#include <string.h>

#include "tests/unit/unit.h"

static struct sha256 *h;
static struct err err;

static void setup(void)
{
	err_init(&err);
	unit_ok(sha256_new(&h, &err), &err);
}

static void teardown(void)
{
	sha256_free(h);
}

static struct span text(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

/* FIPS 180-4's examples, and NIST's for the empty message. */
static const struct {
	const char *text, *hex;
} known[] = {
	{ "",
	  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc",
	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

START_TEST(each_way_gives_the_known_answer)
{
	struct span in = text(known[_i].text);
	struct span parts[2] = { { in.p, in.len / 2 },
				 { in.p + in.len / 2, in.len - in.len / 2 } };
	uint8_t want[SHA256_LEN], out[SHA256_LEN];

	ck_assert(hex_decode(known[_i].hex, want, sizeof(want)));
	unit_ok(sha256(in, out, &err), &err);
	ck_assert_mem_eq(out, want, sizeof(out));
	unit_ok(sha256_parts(parts, 2, out, &err), &err);
	ck_assert_mem_eq(out, want, sizeof(out));
	unit_ok(sha256_kept(h, in, out, &err), &err);
	ck_assert_mem_eq(out, want, sizeof(out));
	sha256_begin(h);
	for (size_t i = 0; i < in.len; i++)
		sha256_add(h, (struct span){ in.p + i, 1 });
	unit_ok(sha256_end(h, out, &err), &err);
	ck_assert_mem_eq(out, want, sizeof(out));
}
END_TEST

/* What was hashed before, ended or not, is not in the next hash. */
START_TEST(begins_anew)
{
	uint8_t want[SHA256_LEN], out[SHA256_LEN];

	unit_ok(sha256(text("abc"), want, &err), &err);
	sha256_begin(h);
	sha256_add(h, text("something else"));
	sha256_begin(h);
	sha256_add(h, text("abc"));
	unit_ok(sha256_end(h, out, &err), &err);
	ck_assert_mem_eq(out, want, sizeof(out));
}
END_TEST

START_TEST(ends_once)
{
	uint8_t out[SHA256_LEN];

	unit_ok(sha256_kept(h, text("abc"), out, &err), &err);
	sha256_add(h, text("abc"));
	unit_refused(sha256_end(h, out, &err), PV_INTERNAL, "sha256", &err);
	err_init(&err);
	unit_ok(sha256_kept(h, text("abc"), out, &err), &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sha256");
	TCase *t = tcase_create("sha256");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, each_way_gives_the_known_answer, 0,
			    sizeof(known) / sizeof(known[0]));
	tcase_add_test(t, begins_anew);
	tcase_add_test(t, ends_once);
	suite_add_tcase(s, t);
	return unit_run(s);
}
