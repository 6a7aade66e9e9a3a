/*
 * attester: what a device does to attest, for tests.
 *
 *     attester a NONCE MANIFEST [SEAL.der]   prints A (formats.md 8), in hex
 *     attester diag TEXT OUT                 CBOR from diagnostic notation
 *     attester sign KEY.pem PAYLOAD OUT      COSE_Sign1, ES256
 *     attester mac KEY PAYLOAD OUT           COSE_Mac0, HMAC 256/256
 */
#include <check.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cose.h"
#include "lib/base/fileio.h"
#include "tests/unit/evidence_fix.h"

static struct buf in, out;

static void die(const char *what)
{
	fprintf(stderr, "attester: %s\n", what);
	exit(1);
}

static void read_file(const char *path, struct buf *to)
{
	if (file_read(AT_FDCWD, path, 0, to, NULL) != PV_OK)
		die(path);
}

static void write_out(const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(out.data, 1, out.len, f) != out.len || fclose(f) != 0)
		die(path);
}

static void print_a(int argc, char **argv)
{
	uint8_t nonce[32], manifest[32], a[32];
	char hex[65];

	if (!hex_decode(argv[2], nonce, 32) ||
	    !hex_decode(argv[3], manifest, 32))
		die("not hex");
	if (argc > 4)
		read_file(argv[4], &in);
	if (evidence_a(nonce, buf_span(&in), manifest, a, NULL) != PV_OK)
		die("no A");
	hex_encode(a, sizeof(a), hex);
	puts(hex);
}

static void sign(const char *path)
{
	FILE *f = fopen(path, "r");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (!key)
		die(path);
	ef_message(key, (struct span){ NULL, 0 }, COSE_ALG_ES256, buf_span(&in),
		   &out);
	fclose(f);
	EVP_PKEY_free(key);
}

static void mac(const char *path)
{
	struct buf key;

	buf_init(&key, 64);
	read_file(path, &key);
	ef_message(NULL, buf_span(&key), COSE_ALG_HMAC256, buf_span(&in), &out);
	buf_release(&key);
}

static int args;
static char **arg;

/* What makes CBOR is of unit tests, and runs in one only. */
START_TEST(act)
{
	if (args >= 4 && strcmp(arg[1], "a") == 0) {
		print_a(args, arg);
		return;
	}
	if (args == 4 && strcmp(arg[1], "diag") == 0) {
		read_file(arg[2], &in);
		buf_put_u8(&in, 0);
		ef_diag((const char *)in.data, &out);
		write_out(arg[3]);
		return;
	}
	if (args != 5)
		die("see the source");
	read_file(arg[3], &in);
	if (strcmp(arg[1], "sign") == 0)
		sign(arg[2]);
	else
		mac(arg[2]);
	write_out(arg[4]);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("attester");
	TCase *t = tcase_create("all");
	SRunner *run = srunner_create(suite);
	int failed;

	args = argc;
	arg = argv;
	buf_init(&in, 1 << 20);
	buf_init(&out, 1 << 20);
	tcase_add_test(t, act);
	suite_add_tcase(suite, t);
	srunner_set_fork_status(run, CK_NOFORK);
	srunner_run_all(run, CK_SILENT);
	failed = srunner_ntests_failed(run);
	srunner_free(run);
	buf_release(&in);
	buf_release(&out);
	return failed ? 1 : 0;
}
