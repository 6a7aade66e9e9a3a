/*
 * The simulated device as a program: opens bundles of the fixture, with the
 * power going off at every step. PROVDEV names the program under test.
 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cose.h"
#include "lib/base/fileio.h"
#include "tests/unit/device_fixture.h"

#define ARGS_MAX 24
#define DEVICE "ACME-0123456789AB"

static const char *provdev(void)
{
	const char *p = getenv("PROVDEV");

	return p ? p : "cmd/provdev/provdev";
}

/* Exit status of provdev with these arguments; output is thrown away. */
static int run(const char *first, ...)
{
	const char *argv[ARGS_MAX];
	int status, n = 0, null;
	va_list ap;
	pid_t pid;

	argv[n++] = provdev();
	va_start(ap, first);
	for (; first && n < ARGS_MAX - 1; first = va_arg(ap, const char *))
		argv[n++] = first;
	va_end(ap);
	argv[n] = NULL;
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 1);
		if (!getenv("PROVDEV_LOUD"))
			dup2(null, 2);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const char *path(const char *dir, const char *name)
{
	static char slots[8][512];
	static unsigned next;
	char *out = slots[next++ % 8];

	snprintf(out, sizeof(slots[0]), "%s/%s%s%s", unit_tmp(), dir,
		 name[0] ? "/" : "", name);
	return out;
}

static void put_file(const char *p, const void *data, size_t len)
{
	struct err err;

	err_init(&err);
	unit_ok(file_write(AT_FDCWD, p, 0600, data, len, &err), &err);
}

static void get_file(const char *p, struct buf *b)
{
	struct err err;

	err_init(&err);
	buf_init(b, 1 << 22);
	unit_ok(file_read(AT_FDCWD, p, 0, b, &err), &err);
}

static bool exists(const char *p)
{
	struct stat st;

	return lstat(p, &st) == 0;
}

static void shell(const char *fmt, ...)
{
	char cmd[1200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	ck_assert_int_eq(system(cmd), 0);
}

static EVP_PKEY *load_key(const char *p)
{
	FILE *f = fopen(p, "r");
	EVP_PKEY *key;

	ck_assert(f != NULL);
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	ck_assert(key != NULL);
	return key;
}

/* ---- contents ---- */

static uint8_t identity[2048], net[2048], public_part[256];

static size_t make_identity(void)
{
	static uint8_t der[1300];
	struct cbor_writer w;
	uint64_t seed = 5;

	fx_random(&seed, der, sizeof(der));
	cbor_writer_init(&w, identity, sizeof(identity));
	cbor_put_map(&w, 4);
	cbor_put_uint(&w, 1);
	cbor_put_bstr(&w, der, sizeof(der));
	cbor_put_uint(&w, 2);
	cbor_put_array(&w, 2);
	cbor_put_bstr(&w, der, 10);
	cbor_put_bstr(&w, der + 10, 20);
	cbor_put_uint(&w, 3);
	cbor_put_array(&w, 1);
	cbor_put_bstr(&w, der + 30, 5);
	cbor_put_uint(&w, 4);
	cbor_put_bstr(&w, der + 40, 7);
	ck_assert(cbor_writer_ok(&w));
	return w.len;
}

static size_t make_net(const char *host)
{
	struct cbor_writer w;

	cbor_writer_init(&w, net, sizeof(net));
	cbor_put_map(&w, 3);
	cbor_put_uint(&w, 5);
	cbor_put_map(&w, 3);
	cbor_put_str(&w, "host");
	cbor_put_str(&w, host);
	cbor_put_str(&w, "list");
	cbor_put_array(&w, 5);
	cbor_put_int(&w, -1);
	cbor_put_double(&w, 1.5);
	cbor_put_double(&w, 1.1);
	cbor_put_null(&w);
	cbor_put_bool(&w, true);
	cbor_put_str(&w, "port");
	cbor_put_uint(&w, 8883);
	cbor_put_uint(&w, 6);
	cbor_put_map(&w, 2);
	cbor_put_str(&w, "../evil");
	cbor_put_bstr(&w, (const uint8_t *)"escape", 6);
	cbor_put_str(&w, "wifi_psk");
	cbor_put_bstr(&w, (const uint8_t *)"CANARY-0123456789", 17);
	cbor_put_uint(&w, 7);
	cbor_put_map(&w, 1);
	cbor_put_str(&w, "motd.txt");
	cbor_put_bstr(&w, (const uint8_t *)"hello\n", 6);
	ck_assert(cbor_writer_ok(&w));
	return w.len;
}

static size_t make_public(void)
{
	struct cbor_writer w;

	cbor_writer_init(&w, public_part, sizeof(public_part));
	cbor_put_map(&w, 1);
	cbor_put_uint(&w, 5);
	cbor_put_str(&w, "the same for all");
	return w.len;
}

/* ---- one device and its bundles ---- */

struct world {
	struct fx_keys keys;
	struct fx_component comps[3];
	struct fx_spec spec;
	const char *bundle_key;
};

static void write_bundle(struct world *t, const char *name)
{
	struct fx_bundle b;
	struct buf all;
	size_t i;

	fx_build(&t->keys, &t->spec, &b);
	buf_init(&all, 1 << 20);
	for (i = 0; i < b.items; i++)
		buf_put(&all, b.item[i].data, b.item[i].len);
	put_file(path(name, ""), all.data, all.len);
	buf_release(&all);
	fx_bundle_release(&b);
}

static void write_kek_file(struct world *t, const char *id)
{
	uint8_t out[8192], other[32] = { 1 };
	struct cbor_writer w;
	int i;

	cbor_writer_init(&w, out, sizeof(out));
	for (i = 0; i < 40; i++) { /* more than one window */
		bool mine = i == 37;

		cbor_put_map(&w, 4);
		cbor_put_str(&w, "kek");
		cbor_put_bstr(&w, mine ? t->keys.kek : other, 32);
		cbor_put_str(&w, "auth");
		cbor_put_bstr(&w, mine ? t->keys.auth : other, 32);
		cbor_put_str(&w, "device");
		cbor_put_str(&w, mine ? id : "SOMEBODY-ELSE");
		cbor_put_str(&w, "receipt");
		cbor_put_bstr(&w, mine ? t->keys.receipt : other, 32);
	}
	ck_assert(cbor_writer_ok(&w));
	put_file(path("keks", ""), out, w.len);
}

static void provision(struct world *t)
{
	bool p256 = t->spec.kind == PVDEV_KIND_P256;
	const char *form = t->spec.form == PVDEV_FORM_MAC0    ? "mac0"
			   : t->spec.form == PVDEV_FORM_BATCH ? "batch"
							      : "plain";

	ck_assert_int_eq(
		run("keygen", path("dev", ""), "--id", DEVICE, "--form", form,
		    "--key", p256 ? "csr" : "none",
		    p256 && !t->spec.certified_recipient ? "--sealing" : NULL,
		    NULL),
		0);
	if (!p256) {
		write_kek_file(t, DEVICE);
		ck_assert_int_eq(run("program", path("dev", ""), "--from",
				     path("keks", ""), NULL),
				 0);
		return;
	}
	t->keys.certified = load_key(path("dev", "key.pem"));
	if (!t->spec.certified_recipient)
		t->keys.sealing = load_key(path("dev", "seal.pem"));
}

static void world_open(struct world *t, enum pvdev_form form,
		       enum pvdev_kind kind, bool certified)
{
	uint64_t seed = 31;
	FILE *f;

	memset(t, 0, sizeof(*t));
	t->keys.bundle = fx_new_key();
	t->keys.other = fx_new_key();
	fx_random(&seed, t->keys.kek, 32);
	fx_random(&seed, t->keys.auth, 32);
	fx_random(&seed, t->keys.receipt, 32);
	fx_random(&seed, t->keys.kdf_id, 8);
	fx_random(&seed, t->keys.vendor, 16);
	fx_random(&seed, t->keys.class_id, 16);
	t->spec = fx_spec_default(form, kind);
	t->spec.certified_recipient = certified;
	t->comps[0] = (struct fx_component){ "identity",      true, 256,
					     make_identity(), 4096, false,
					     identity };
	t->comps[1] = (struct fx_component){
		"net", true, 1024, make_net("mqtt.example"), 4096, false, net
	};
	t->comps[2] = (struct fx_component){ "public",	    false, 0,
					     make_public(), 4096,  false,
					     public_part };
	t->spec.comps = t->comps;
	t->spec.comps_n = 3;
	f = fopen(path("bundle.pem", ""), "w");
	ck_assert(f && PEM_write_PUBKEY(f, t->keys.bundle) == 1);
	fclose(f);
	provision(t);
	write_bundle(t, "one.pvb");
}

static void world_close(struct world *t)
{
	EVP_PKEY_free(t->keys.bundle);
	EVP_PKEY_free(t->keys.other);
	EVP_PKEY_free(t->keys.certified);
	EVP_PKEY_free(t->keys.sealing);
}

static int open_bundle(const char *name, const char *extra, const char *value)
{
	return run("open", path("dev", ""), path(name, ""), "--bundle-key",
		   path("bundle.pem", ""), "--now", "1500", extra, value, NULL);
}

static void assert_file(const char *p, const void *want, size_t len)
{
	struct buf b;

	get_file(p, &b);
	ck_assert_msg(b.len == len && memcmp(b.data, want, len) == 0, "%s", p);
	buf_release(&b);
}

static void assert_active(size_t net_len)
{
	static const char *const files[] = {
		"active/identity/certificate.pem", "active/identity/chain.pem",
		"active/identity/anchors.pem",	   "active/identity/key.pem",
		"active/net/config.cbor",	   "receipt.cose"
	};
	size_t i;

	assert_file(path("dev", "active/identity/content.cbor"), identity,
		    make_identity());
	assert_file(path("dev", "active/net/content.cbor"), net, net_len);
	assert_file(path("dev", "active/public/content.cbor"), public_part,
		    make_public());
	assert_file(path("dev", "active/net/secrets/wifi_psk.bin"),
		    "CANARY-0123456789", 17);
	assert_file(path("dev", "active/net/secrets/%2E.%2Fevil.bin"), "escape",
		    6);
	assert_file(path("dev", "active/net/files/motd.txt"), "hello\n", 6);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		ck_assert_msg(exists(path("dev", files[i])), "%s", files[i]);
	ck_assert(!exists(path("dev", "staging")));
}

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

	world_open(&t, combos[_i].form, combos[_i].kind, combos[_i].certified);
	ck_assert_int_eq(open_bundle("one.pvb", "--shuffle", "42"), 0);
	assert_active(make_net("mqtt.example"));
	/* the same again is an old one (case 38) */
	ck_assert_int_eq(open_bundle("one.pvb", NULL, NULL), 4);
	assert_active(make_net("mqtt.example"));
	ck_assert(exists(path("dev", "refusal.cose")));
	world_close(&t);
	shell("rm -r %s/dev", unit_tmp());
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
		shell("rm -rf %s/dev && cp -a %s/%s %s/dev", unit_tmp(),
		      unit_tmp(), before, unit_tmp());
		snprintf(n, sizeof(n), "%u", at);
		status = open_bundle(bundle, "--crash-at", n);
		if (status == 0)
			break;
		ck_assert_int_eq(status, 99);
		cuts++;
		ck_assert_int_eq(open_bundle(bundle, NULL, NULL), 0);
		assert_active(net_len);
		ck_assert_int_eq(open_bundle(bundle, NULL, NULL), 4);
	}
	ck_assert_uint_ge(cuts, 10);
	assert_active(net_len);
}

START_TEST(power_cuts)
{
	struct world t;
	size_t len;

	world_open(&t, combos[_i].form, combos[_i].kind, combos[_i].certified);
	shell("cp -a %s/dev %s/fresh", unit_tmp(), unit_tmp());
	cut_everywhere("one.pvb", "fresh", make_net("mqtt.example"));
	/* a later bundle that brings net alone: the others stay */
	shell("cp -a %s/dev %s/first", unit_tmp(), unit_tmp());
	len = make_net("other.example");
	t.comps[0] = (struct fx_component){ "net", true,  1024, len,
					    4096,  false, net };
	t.spec.comps_n = 1;
	t.spec.seq = 8;
	write_bundle(&t, "two.pvb");
	cut_everywhere("two.pvb", "first", len);
	ck_assert_int_eq(open_bundle("one.pvb", NULL, NULL), 4);
	assert_active(len);
	world_close(&t);
	shell("rm -r %s/dev %s/fresh %s/first", unit_tmp(), unit_tmp(),
	      unit_tmp());
}
END_TEST

static void write_changed(const char *name, size_t at, uint8_t flip, size_t cut)
{
	struct buf b;

	get_file(path("one.pvb", ""), &b);
	if (flip)
		b.data[at] ^= flip;
	put_file(path(name, ""), b.data, b.len - cut);
	buf_release(&b);
}

START_TEST(refusals)
{
	struct world t;
	struct buf b, first;

	world_open(&t, PVDEV_FORM_PLAIN, PVDEV_KIND_P256, false);
	get_file(path("one.pvb", ""), &b);
	write_changed("bad.pvb", b.len - 1, 1, 0);
	ck_assert_int_eq(open_bundle("bad.pvb", NULL, NULL), 5);
	write_changed("bad.pvb", 0, 0, 1); /* cut */
	ck_assert_int_eq(open_bundle("bad.pvb", NULL, NULL), 5);
	write_changed("bad.pvb", 0, 0x20, 0); /* a manifest that is none */
	ck_assert_int_eq(open_bundle("bad.pvb", NULL, NULL), 3);
	put_file(path("bad.pvb", ""), "\x5b\x80\0\0\0\0\0\0\0", 9);
	ck_assert_int_eq(open_bundle("bad.pvb", NULL, NULL), 3);
	put_file(path("bad.pvb", ""), "", 0);
	ck_assert_int_eq(open_bundle("bad.pvb", NULL, NULL), 3);
	/* doubled last segment, trailing item */
	buf_init(&first, 1 << 20);
	buf_put(&first, b.data, b.len);
	buf_put(&first, "\x41\x00", 2);
	put_file(path("bad.pvb", ""), first.data, first.len);
	ck_assert_int_eq(open_bundle("bad.pvb", NULL, NULL), 5);
	buf_release(&first);
	ck_assert_int_eq(open_bundle("one.pvb", "--role", "sensor"), 4);
	ck_assert_int_eq(open_bundle("one.pvb", "--stage", "bootstrap"), 4);
	ck_assert_int_eq(open_bundle("one.pvb", "--class",
				     "00112233-4455-6677-8899-aabbccddeeff"),
			 4);
	ck_assert_int_eq(open_bundle("one.pvb", "--class", "nothing"), 2);
	ck_assert_int_eq(open_bundle("one.pvb", "--now", "2001"), 4);
	ck_assert(!exists(path("dev", "active")));
	ck_assert(!exists(path("dev", "state")));
	ck_assert(!exists(path("dev", "staging")));
	t.spec.device_id = "ACME-OTHER";
	write_bundle(&t, "other.pvb");
	ck_assert_int_eq(open_bundle("other.pvb", NULL, NULL), 4);
	/* sound to the last byte, but not contents */
	t.spec.device_id = DEVICE;
	t.comps[1].data = NULL;
	write_bundle(&t, "other.pvb");
	ck_assert_int_eq(open_bundle("other.pvb", NULL, NULL), 5);
	ck_assert(!exists(path("dev", "state")));
	ck_assert_int_eq(open_bundle("one.pvb", NULL, NULL), 0);
	assert_active(make_net("mqtt.example"));
	/* role and class were taken with the first bundle */
	t.comps[1].data = net;
	t.spec.seq = 9;
	t.keys.class_id[0] ^= 1;
	write_bundle(&t, "other.pvb");
	ck_assert_int_eq(open_bundle("other.pvb", NULL, NULL), 4);
	buf_release(&b);
	world_close(&t);
	shell("rm -r %s/dev", unit_tmp());
}
END_TEST

START_TEST(shows)
{
	struct world t;
	struct stat st;
	struct buf b;
	json_t *j, *c;
	double real;

	world_open(&t, PVDEV_FORM_MAC0, PVDEV_KIND_KDF, false);
	ck_assert_int_eq(open_bundle("one.pvb", NULL, NULL), 0);
	ck_assert_int_eq(
		run("show", path("dev", ""), "-o", path("out", ""), NULL), 0);
	get_file(path("out", ""), &b);
	ck_assert(memmem(b.data, b.len, "43414e415259", 12) == NULL);
	ck_assert(memmem(b.data, b.len, "CANARY", 6) == NULL);
	buf_release(&b);
	ck_assert_int_eq(run("show", path("dev", ""), "--reveal", NULL), 2);
	ck_assert_int_eq(run("show", path("dev", ""), "--reveal", "-o",
			     path("out", ""), NULL),
			 0);
	ck_assert_int_eq(stat(path("out", ""), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	get_file(path("out", ""), &b);
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
	world_close(&t);
	shell("rm -r %s/dev", unit_tmp());
}
END_TEST

START_TEST(command_lines)
{
	static const char id[] = "--id";

	ck_assert_int_eq(run(NULL), 2);
	ck_assert_int_eq(run("nonsense", NULL), 2);
	ck_assert_int_eq(run("--help", NULL), 0);
	ck_assert_int_eq(run("keygen", NULL), 2);
	ck_assert_int_eq(run("keygen", path("x", ""), "--what", NULL), 2);
	ck_assert_int_eq(run("keygen", path("x", ""), NULL), 3);
	ck_assert_int_eq(run("keygen", path("x", ""), id, "../x", NULL), 3);
	ck_assert_int_eq(
		run("keygen", path("x", ""), id, "a", "--form", "odd", NULL),
		3);
	ck_assert_int_eq(run("keygen", path("x", ""), id, "a", "--key", "none",
			     "--sealing", NULL),
			 3);
	ck_assert_int_eq(
		run("keygen", path("x", ""), id, "a", "--subj", "CN=a", NULL),
		3);
	ck_assert(!exists(path("x", "id")));
	ck_assert_int_eq(run("keygen", path("x", ""), id, "a", "--subj",
			     "/O=A\\/B/CN=a", "--algorithm", "P-384", NULL),
			 0);
	shell("openssl req -in %s/x/csr.pem -noout -subject -verify 2>&1 | "
	      "grep -q 'O = A/B, CN = a'",
	      unit_tmp());
	ck_assert_int_eq(run("keygen", path("x", ""), id, "a", NULL), 9);
	ck_assert_int_eq(run("csr", path("x", ""), "-o", path("again.pem", ""),
			     "--subj", "/CN=b", NULL),
			 0);
	ck_assert_int_eq(run("csr", path("nowhere", ""), NULL), 10);
	put_file(path("keks", ""), "\xa0", 1);
	ck_assert_int_eq(
		run("program", path("x", ""), "--from", path("keks", ""), NULL),
		3);
	put_file(path("keks", ""), "", 0);
	ck_assert_int_eq(
		run("program", path("x", ""), "--from", path("keks", ""), NULL),
		10);
	ck_assert_int_eq(run("program", path("x", ""), NULL), 2);
	ck_assert_int_eq(run("open", path("x", ""), NULL), 2);
	ck_assert_int_eq(run("show", NULL), 2);
	shell("rm -r %s/x", unit_tmp());
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
	put_file(path("list", ""), text, n);
	ck_assert_int_eq(run("keygen-many", path("list", ""), NULL), 0);
	ck_assert(exists(path("m0", "id")) && !exists(path("m0", "key.pem")));
	ck_assert(exists(path("m149", "seal_sig.b64")));
	shell("openssl req -in %s/m149/csr.pem -noout -verify 2>/dev/null",
	      unit_tmp());
	ck_assert_int_eq(run("keygen-many", path("list", ""), NULL), 9);
	put_file(path("list", ""), "{\"device\":1}\n", 13);
	ck_assert_int_eq(run("keygen-many", path("list", ""), NULL), 3);
	put_file(path("list", ""), "[", 1);
	ck_assert_int_eq(run("keygen-many", path("list", ""), NULL), 3);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("provdev");
	TCase *t = tcase_create("provdev");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, opens, 0, 4);
	tcase_add_loop_test(t, power_cuts, 0, 4);
	tcase_add_test(t, refusals);
	tcase_add_test(t, shows);
	tcase_add_test(t, command_lines);
	tcase_add_test(t, many);
	suite_add_tcase(s, t);
	return unit_run(s);
}
