#include "tests/unit/provdev_fixture.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "tests/unit/unit.h"

#define ARGS_MAX 24

static const char *provdev(void)
{
	const char *p = getenv("PROVDEV");

	return p ? p : "cmd/provdev/provdev";
}

/* Exit status of provdev with these arguments; output is thrown away. */
int pd_run(const char *first, ...)
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

const char *pd_path(const char *dir, const char *name)
{
	static char slots[8][512];
	static unsigned next;
	char *out = slots[next++ % 8];

	snprintf(out, sizeof(slots[0]), "%s/%s%s%s", unit_tmp(), dir,
		 name[0] ? "/" : "", name);
	return out;
}

void pd_put(const char *p, const void *data, size_t len)
{
	struct err err;

	err_init(&err);
	unit_ok(file_write(AT_FDCWD, p, 0600, data, len, &err), &err);
}

void pd_get(const char *p, struct buf *b)
{
	struct err err;

	err_init(&err);
	buf_init(b, 1 << 22);
	unit_ok(file_read(AT_FDCWD, p, 0, b, &err), &err);
}

bool pd_exists(const char *p)
{
	struct stat st;

	return lstat(p, &st) == 0;
}

void pd_shell(const char *fmt, ...)
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

static uint8_t identity[2048], public_part[256];
uint8_t pd_net_plain[2048];

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

size_t pd_net(const char *host)
{
	char slashes[255]; /* the longest name, all of it to be escaped */
	struct cbor_writer w;

	cbor_writer_init(&w, pd_net_plain, sizeof(pd_net_plain));
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
	cbor_put_map(&w, 3);
	cbor_put_str(&w, "../evil");
	cbor_put_bstr(&w, (const uint8_t *)"escape", 6);
	cbor_put_str(&w, "wifi_psk");
	cbor_put_bstr(&w, (const uint8_t *)"CANARY-0123456789", 17);
	memset(slashes, '/', sizeof(slashes));
	cbor_put_tstr(&w, slashes, sizeof(slashes));
	cbor_put_bstr(&w, (const uint8_t *)"long", 4);
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

void pd_bundle(struct world *t, const char *name)
{
	struct fx_bundle b;
	struct buf all;
	size_t i;

	fx_build(&t->keys, &t->spec, &b);
	buf_init(&all, 1 << 20);
	for (i = 0; i < b.items; i++)
		buf_put(&all, b.item[i].data, b.item[i].len);
	pd_put(pd_path(name, ""), all.data, all.len);
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
	pd_put(pd_path("keks", ""), out, w.len);
}

static void provision(struct world *t)
{
	bool p256 = t->spec.kind == PVDEV_KIND_P256;
	const char *form = t->spec.form == PVDEV_FORM_MAC0    ? "mac0"
			   : t->spec.form == PVDEV_FORM_BATCH ? "batch"
							      : "plain";

	ck_assert_int_eq(pd_run("keygen", pd_path("dev", ""), "--id", DEVICE,
				"--form", form, "--key", p256 ? "csr" : "none",
				p256 && !t->spec.certified_recipient
					? "--sealing"
					: NULL,
				NULL),
			 0);
	if (!p256) {
		write_kek_file(t, DEVICE);
		ck_assert_int_eq(pd_run("program", pd_path("dev", ""), "--from",
					pd_path("keks", ""), NULL),
				 0);
		return;
	}
	t->keys.certified = load_key(pd_path("dev", "key.pem"));
	if (!t->spec.certified_recipient)
		t->keys.sealing = load_key(pd_path("dev", "seal.pem"));
}

void pd_open(struct world *t, enum pvdev_form form, enum pvdev_kind kind,
	     bool certified)
{
	uint64_t seed = 31;
	FILE *f;

	memset(t, 0, sizeof(*t));
	t->keys.bundle = fx_new_key();
	t->keys.other = fx_new_key();
	fx_random(&seed, t->keys.kek, 32);
	fx_random(&seed, t->keys.auth, 32);
	fx_random(&seed, t->keys.receipt, 32);
	fx_random(&seed, t->keys.kdf_id, 16);
	fx_random(&seed, t->keys.vendor, 16);
	fx_random(&seed, t->keys.class_id, 16);
	t->spec = fx_spec_default(form, kind);
	t->spec.certified_recipient = certified;
	t->comps[0] = (struct fx_component){ "identity",      true, 256,
					     make_identity(), 4096, false,
					     identity };
	t->comps[1] = (struct fx_component){
		"net", true,  1024,	   pd_net("mqtt.example"),
		4096,  false, pd_net_plain
	};
	t->comps[2] = (struct fx_component){ "public",	    false, 0,
					     make_public(), 4096,  false,
					     public_part };
	t->spec.comps = t->comps;
	t->spec.comps_n = 3;
	f = fopen(pd_path("bundle.pem", ""), "w");
	ck_assert(f && PEM_write_PUBKEY(f, t->keys.bundle) == 1);
	fclose(f);
	provision(t);
	pd_bundle(t, "one.pvb");
}

void pd_close(struct world *t)
{
	EVP_PKEY_free(t->keys.bundle);
	EVP_PKEY_free(t->keys.other);
	EVP_PKEY_free(t->keys.certified);
	EVP_PKEY_free(t->keys.sealing);
}

int pd_try(const char *name, const char *extra, const char *value)
{
	return pd_run("open", pd_path("dev", ""), pd_path(name, ""),
		      "--bundle-key", pd_path("bundle.pem", ""), "--now",
		      "1500", extra, value, NULL);
}

static void assert_file(const char *p, const void *want, size_t len)
{
	struct buf b;

	pd_get(p, &b);
	ck_assert_msg(b.len == len && memcmp(b.data, want, len) == 0, "%s", p);
	buf_release(&b);
}

void pd_assert_active(size_t net_len)
{
	static const char *const files[] = {
		"active/identity/certificate.pem", "active/identity/chain.pem",
		"active/identity/anchors.pem",	   "active/identity/key.pem",
		"active/net/config.cbor",	   "receipt.cose"
	};
	char slashes[255], hex[65], name[128];
	uint8_t hash[32];
	size_t i;

	memset(slashes, '/', sizeof(slashes));
	assert_file(pd_path("dev", "active/identity/content.cbor"), identity,
		    make_identity());
	assert_file(pd_path("dev", "active/net/content.cbor"), pd_net_plain,
		    net_len);
	assert_file(pd_path("dev", "active/public/content.cbor"), public_part,
		    make_public());
	assert_file(pd_path("dev", "active/net/secrets/wifi_psk.bin"),
		    "CANARY-0123456789", 17);
	assert_file(pd_path("dev", "active/net/secrets/%2E.%2Fevil.bin"),
		    "escape", 6);
	fx_sha256(slashes, sizeof(slashes), hash);
	hex_encode(hash, sizeof(hash), hex);
	snprintf(name, sizeof(name), "active/net/secrets/%%sha256-%s.bin", hex);
	assert_file(pd_path("dev", name), "long", 4);
	assert_file(pd_path("dev", "active/net/files/motd.txt"), "hello\n", 6);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		ck_assert_msg(pd_exists(pd_path("dev", files[i])), "%s",
			      files[i]);
	ck_assert(!pd_exists(pd_path("dev", "staging")));
}
