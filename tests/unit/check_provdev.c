/*
 * The simulated device as a program, with the power going off at every step.
 */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/provdev_fixture.h"

static const struct {
	enum pvdev_form form;
	enum pvdev_kind kind;
	bool certified;
} combos[] = {
	{ PVDEV_FORM_PLAIN, PVDEV_KIND_P256, false },
	{ PVDEV_FORM_PLAIN, PVDEV_KIND_P256, true },
	{ PVDEV_FORM_MAC0, PVDEV_KIND_KDF, false },
	{ PVDEV_FORM_BATCH, PVDEV_KIND_KDF, false },
};

START_TEST(opens)
{
	struct world t;

	pd_open(&t, combos[_i].form, combos[_i].kind, combos[_i].certified);
	ck_assert_int_eq(pd_try("one.pvb", "--shuffle", "42"), 0);
	pd_assert_active(pd_net("mqtt.example"));
	/* the same again is an old one (case 38) */
	ck_assert_int_eq(pd_try("one.pvb", NULL, NULL), 4);
	pd_assert_active(pd_net("mqtt.example"));
	ck_assert(pd_exists(pd_path("dev", "refusal.cose")));
	pd_close(&t);
	pd_shell("rm -r %s/dev", unit_tmp());
}
END_TEST

/* One run to the N-th boundary, one to the end; N until none is cut. */
static void cut_everywhere(const char *bundle, const char *before,
			   size_t net_len)
{
	char n[16];
	unsigned at, cuts = 0;
	int status;

	for (at = 1; at < 500; at++) {
		pd_shell("rm -rf %s/dev && cp -a %s/%s %s/dev", unit_tmp(),
			 unit_tmp(), before, unit_tmp());
		snprintf(n, sizeof(n), "%u", at);
		status = pd_try(bundle, "--crash-at", n);
		if (status == 0)
			break;
		ck_assert_int_eq(status, 99);
		cuts++;
		ck_assert_int_eq(pd_try(bundle, NULL, NULL), 0);
		pd_assert_active(net_len);
		ck_assert_int_eq(pd_try(bundle, NULL, NULL), 4);
	}
	ck_assert_uint_ge(cuts, 10);
	pd_assert_active(net_len);
}

START_TEST(power_cuts)
{
	struct world t;
	size_t len;

	pd_open(&t, combos[_i].form, combos[_i].kind, combos[_i].certified);
	pd_shell("cp -a %s/dev %s/fresh", unit_tmp(), unit_tmp());
	cut_everywhere("one.pvb", "fresh", pd_net("mqtt.example"));
	/* a later bundle that brings net alone: the others stay */
	pd_shell("cp -a %s/dev %s/first", unit_tmp(), unit_tmp());
	len = pd_net("other.example");
	t.comps[0] = (struct fx_component){ "net", true,  1024,	       len,
					    4096,  false, pd_net_plain };
	t.spec.comps_n = 1;
	t.spec.seq = 8;
	pd_bundle(&t, "two.pvb");
	cut_everywhere("two.pvb", "first", len);
	ck_assert_int_eq(pd_try("one.pvb", NULL, NULL), 4);
	pd_assert_active(len);
	pd_close(&t);
	pd_shell("rm -r %s/dev %s/fresh %s/first", unit_tmp(), unit_tmp(),
		 unit_tmp());
}
END_TEST

static void write_changed(const char *name, size_t at, uint8_t flip, size_t cut)
{
	struct buf b;

	pd_get(pd_path("one.pvb", ""), &b);
	if (flip)
		b.data[at] ^= flip;
	pd_put(pd_path(name, ""), b.data, b.len - cut);
	buf_release(&b);
}

/* A bundle that ends early is broken, wherever: never "too large". */
START_TEST(cut_between_items)
{
	static uint8_t plain[4200], file[4096];
	struct cbor_writer w;
	struct fx_bundle b;
	struct world t;
	struct buf head;

	cbor_writer_init(&w, plain, sizeof(plain));
	cbor_put_map(&w, 1);
	cbor_put_uint(&w, 7);
	cbor_put_map(&w, 1);
	cbor_put_str(&w, "file");
	cbor_put_bstr(&w, file, sizeof(file));
	ck_assert(cbor_writer_ok(&w));
	pd_open(&t, PVDEV_FORM_PLAIN, PVDEV_KIND_P256, false);
	t.comps[1] = (struct fx_component){ "net", true,  256,	w.len,
					    8192,  false, plain };
	fx_build(&t.keys, &t.spec, &b);
	ck_assert_uint_ge(b.items, 24);
	buf_init(&head, 1 << 20);
	for (size_t i = 0; i < b.items; i++) {
		pd_put(pd_path("bad.pvb", ""), head.data, head.len);
		ck_assert_int_eq(pd_try("bad.pvb", NULL, NULL),
				 i < 2 ? PV_INPUT : PV_INTEGRITY);
		buf_put(&head, b.item[i].data, b.item[i].len);
	}
	pd_put(pd_path("bad.pvb", ""), head.data, head.len);
	ck_assert_int_eq(pd_try("bad.pvb", NULL, NULL), 0);
	buf_release(&head);
	fx_bundle_release(&b);
	pd_close(&t);
	pd_shell("rm -r %s/dev", unit_tmp());
}
END_TEST

START_TEST(refusals)
{
	struct world t;
	struct buf b, first;

	pd_open(&t, PVDEV_FORM_PLAIN, PVDEV_KIND_P256, false);
	pd_get(pd_path("one.pvb", ""), &b);
	write_changed("bad.pvb", b.len - 1, 1, 0);
	ck_assert_int_eq(pd_try("bad.pvb", NULL, NULL), 5);
	write_changed("bad.pvb", 0, 0, 1); /* cut */
	ck_assert_int_eq(pd_try("bad.pvb", NULL, NULL), 5);
	write_changed("bad.pvb", 0, 0x20, 0); /* a manifest that is none */
	ck_assert_int_eq(pd_try("bad.pvb", NULL, NULL), 3);
	pd_put(pd_path("bad.pvb", ""), "\x5b\x80\0\0\0\0\0\0\0", 9);
	ck_assert_int_eq(pd_try("bad.pvb", NULL, NULL), 3);
	pd_put(pd_path("bad.pvb", ""), "", 0);
	ck_assert_int_eq(pd_try("bad.pvb", NULL, NULL), 3);
	/* doubled last segment, trailing item */
	buf_init(&first, 1 << 20);
	buf_put(&first, b.data, b.len);
	buf_put(&first, "\x41\x00", 2);
	pd_put(pd_path("bad.pvb", ""), first.data, first.len);
	ck_assert_int_eq(pd_try("bad.pvb", NULL, NULL), 5);
	buf_release(&first);
	ck_assert_int_eq(pd_try("one.pvb", "--role", "sensor"), 4);
	ck_assert_int_eq(pd_try("one.pvb", "--stage", "bootstrap"), 4);
	ck_assert_int_eq(pd_try("one.pvb", "--class",
				"00112233-4455-6677-8899-aabbccddeeff"),
			 4);
	ck_assert_int_eq(pd_try("one.pvb", "--class", "nothing"), 2);
	ck_assert_int_eq(pd_try("one.pvb", "--now", "2001"), 4);
	ck_assert(!pd_exists(pd_path("dev", "active")));
	ck_assert(!pd_exists(pd_path("dev", "state")));
	ck_assert(!pd_exists(pd_path("dev", "staging")));
	t.spec.device_id = "ACME-OTHER";
	pd_bundle(&t, "other.pvb");
	ck_assert_int_eq(pd_try("other.pvb", NULL, NULL), 4);
	/* sound to the last byte, but not contents */
	t.spec.device_id = DEVICE;
	t.comps[1].data = NULL;
	pd_bundle(&t, "other.pvb");
	ck_assert_int_eq(pd_try("other.pvb", NULL, NULL), 5);
	ck_assert(!pd_exists(pd_path("dev", "state")));
	ck_assert_int_eq(pd_try("one.pvb", NULL, NULL), 0);
	pd_assert_active(pd_net("mqtt.example"));
	/* role and class were taken with the first bundle */
	t.comps[1].data = pd_net_plain;
	t.spec.seq = 9;
	t.keys.class_id[0] ^= 1;
	pd_bundle(&t, "other.pvb");
	ck_assert_int_eq(pd_try("other.pvb", NULL, NULL), 4);
	buf_release(&b);
	pd_close(&t);
	pd_shell("rm -r %s/dev", unit_tmp());
}
END_TEST

START_TEST(shows)
{
	struct world t;
	struct stat st;
	struct buf b;
	json_t *j, *c;
	double real;

	pd_open(&t, PVDEV_FORM_MAC0, PVDEV_KIND_KDF, false);
	ck_assert_int_eq(pd_try("one.pvb", NULL, NULL), 0);
	ck_assert_int_eq(pd_run("show", pd_path("dev", ""), "-o",
				pd_path("out", ""), NULL),
			 0);
	pd_get(pd_path("out", ""), &b);
	ck_assert(memmem(b.data, b.len, "43414e415259", 12) == NULL);
	ck_assert(memmem(b.data, b.len, "CANARY", 6) == NULL);
	buf_release(&b);
	ck_assert_int_eq(pd_run("show", pd_path("dev", ""), "--reveal", NULL),
			 2);
	ck_assert_int_eq(pd_run("show", pd_path("dev", ""), "--reveal", "-o",
				pd_path("out", ""), NULL),
			 0);
	ck_assert_int_eq(stat(pd_path("out", ""), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	pd_get(pd_path("out", ""), &b);
	j = json_loadb((const char *)b.data, b.len, 0, NULL);
	ck_assert(j != NULL);
	ck_assert_str_eq(json_string_value(json_object_get(j, "device")),
			 DEVICE);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "seq")), 7);
	c = json_object_get(json_object_get(j, "components"), "net");
	ck_assert_str_eq(json_string_value(json_object_get(
				 json_object_get(c, "secrets"), "wifi_psk")),
			 "43414e4152592d30313233343536373839");
	c = json_object_get(c, "config");
	ck_assert_int_eq(json_integer_value(json_object_get(c, "port")), 8883);
	real = json_real_value(json_array_get(json_object_get(c, "list"), 2));
	ck_assert(real > 1.09 && real < 1.11);
	json_decref(j);
	buf_release(&b);
	pd_close(&t);
	pd_shell("rm -r %s/dev", unit_tmp());
}
END_TEST

START_TEST(command_lines)
{
	static const char id[] = "--id";

	ck_assert_int_eq(pd_run(NULL), 2);
	ck_assert_int_eq(pd_run("nonsense", NULL), 2);
	ck_assert_int_eq(pd_run("--help", NULL), 0);
	ck_assert_int_eq(pd_run("keygen", NULL), 2);
	ck_assert_int_eq(pd_run("keygen", pd_path("x", ""), "--what", NULL), 2);
	ck_assert_int_eq(pd_run("keygen", pd_path("x", ""), NULL), 3);
	ck_assert_int_eq(pd_run("keygen", pd_path("x", ""), id, "../x", NULL),
			 3);
	ck_assert_int_eq(pd_run("keygen", pd_path("x", ""), id, "a", "--form",
				"odd", NULL),
			 3);
	ck_assert_int_eq(pd_run("keygen", pd_path("x", ""), id, "a", "--key",
				"none", "--sealing", NULL),
			 3);
	ck_assert_int_eq(pd_run("keygen", pd_path("x", ""), id, "a", "--subj",
				"CN=a", NULL),
			 3);
	ck_assert(!pd_exists(pd_path("x", "id")));
	ck_assert_int_eq(pd_run("keygen", pd_path("x", ""), id, "a", "--subj",
				"/O=A\\/B/CN=a", "--algorithm", "P-384", NULL),
			 0);
	pd_shell("openssl req -in %s/x/csr.pem -noout -subject -verify 2>&1 | "
		 "grep -q 'O = A/B, CN = a'",
		 unit_tmp());
	ck_assert_int_eq(pd_run("keygen", pd_path("x", ""), id, "a", NULL), 9);
	ck_assert_int_eq(pd_run("csr", pd_path("x", ""), "-o",
				pd_path("again.pem", ""), "--subj", "/CN=b",
				NULL),
			 0);
	ck_assert_int_eq(pd_run("csr", pd_path("nowhere", ""), NULL), 10);
	pd_put(pd_path("keks", ""), "\xa0", 1);
	ck_assert_int_eq(pd_run("program", pd_path("x", ""), "--from",
				pd_path("keks", ""), NULL),
			 3);
	pd_put(pd_path("keks", ""), "", 0);
	ck_assert_int_eq(pd_run("program", pd_path("x", ""), "--from",
				pd_path("keks", ""), NULL),
			 10);
	ck_assert_int_eq(pd_run("program", pd_path("x", ""), NULL), 2);
	ck_assert_int_eq(pd_run("open", pd_path("x", ""), NULL), 2);
	ck_assert_int_eq(pd_run("show", NULL), 2);
	pd_shell("rm -r %s/x", unit_tmp());
}
END_TEST

START_TEST(many)
{
	char text[65536];
	size_t n = 0;
	int i;

	for (i = 0; i < 150; i++)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n,
			"{\"device\":\"D-%d\",\"dir\":\"%s/m%d\","
			"\"sealing\":%s,\"key\":\"%s\"}\n",
			i, unit_tmp(), i, i % 2 ? "true" : "false",
			i % 3 == 0 && i % 2 == 0 ? "none" : "csr");
	pd_put(pd_path("list", ""), text, n);
	ck_assert_int_eq(pd_run("keygen-many", pd_path("list", ""), NULL), 0);
	ck_assert(pd_exists(pd_path("m0", "id")) &&
		  !pd_exists(pd_path("m0", "key.pem")));
	ck_assert(pd_exists(pd_path("m149", "seal_sig.b64")));
	pd_shell("openssl req -in %s/m149/csr.pem -noout -verify 2>/dev/null",
		 unit_tmp());
	ck_assert_int_eq(pd_run("keygen-many", pd_path("list", ""), NULL), 9);
	pd_put(pd_path("list", ""), "{\"device\":1}\n", 13);
	ck_assert_int_eq(pd_run("keygen-many", pd_path("list", ""), NULL), 3);
	pd_put(pd_path("list", ""), "[", 1);
	ck_assert_int_eq(pd_run("keygen-many", pd_path("list", ""), NULL), 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("provdev");
	TCase *t = tcase_create("provdev");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, opens, 0, 4);
	tcase_add_loop_test(t, power_cuts, 0, 4);
	tcase_add_test(t, cut_between_items);
	tcase_add_test(t, refusals);
	tcase_add_test(t, shows);
	tcase_add_test(t, command_lines);
	tcase_add_test(t, many);
	suite_add_tcase(s, t);
	return unit_run(s);
}
