#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/provdev/provdev.h"
#include "lib/base/secret.h"

static const struct verb verbs[] = {
	{ "keygen",
	  "DIR --id ID [--subj /CN=..] [--sealing] [--form plain|mac0|batch]\n"
	  "        [--key csr|none] [--algorithm P-256|P-384|RSA-2048]\n"
	  "        [--rotates DIR]",
	  verb_keygen },
	{ "keygen-many", "FILE.jsonl", verb_keygen_many },
	{ "csr", "DIR [--subj /CN=..] [-o FILE]", verb_csr },
	{ "program", "DIR --from KEKFILE", verb_program },
	{ "open",
	  "DIR BUNDLE.pvb [--bundle-key PEM] [--role R] [--class UUID]\n"
	  "        [--stage S] [--nonce HEX] [--evidence FILE] [--now "
	  "SECONDS]\n"
	  "        [--no-clock] [--shuffle SEED] [--crash-at N]",
	  verb_open },
	{ "receive",
	  "DIR --link LINE [--baud N] [--mtu N] [--idle SECONDS] [options "
	  "of open]\n"
	  "        LINE: a terminal line, a socket, fd:N, or listen:SOCKET",
	  verb_receive },
	{ "attest-key", "DIR --format psa|psa-mac|dice [--vendor DIR]",
	  verb_attest_key },
	{ "attest",
	  "DIR --format psa|psa-mac|dice|tpm2 --challenge FILE --out FILE\n"
	  "        [--seal-key] [--measure NAME=SHA256]... [--lifecycle STATE] "
	  "[--svn N]\n"
	  "        tpm2: --quote FILE --signature FILE --pcrs FILE\n"
	  "        --print-a instead of --out: what is attested, in hex",
	  verb_attest },
	{ "show", "DIR [--json] [--reveal -o FILE]", verb_show },
};
#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

enum pv_code usage_error(struct err *err, const char *what)
{
	return err_fail(err, PV_USAGE, "usage", "see provdev --help", "%s",
			what);
}

enum pv_code parse_number(const char *s, unsigned long long max,
			  unsigned long long *out, struct err *err)
{
	char *end;

	errno = 0;
	*out = strtoull(s, &end, 10);
	if (s[0] < '0' || s[0] > '9' || *end || errno || *out > max)
		return usage_error(err, "not a number in range");
	return PV_OK;
}

static void help(FILE *f)
{
	size_t i;

	fprintf(f, "provdev: a simulated device\n\n");
	for (i = 0; i < VERBS; i++)
		fprintf(f, "provdev %s %s\n", verbs[i].name, verbs[i].usage);
	fprintf(f, "\nprovdev keygen dev1 --id ACME-0001 --sealing &&\n"
		   "provdev open dev1 dev1.operational.pvb --bundle-key "
		   "bundle.pem\n");
}

static enum pv_code run(int argc, char **argv, struct err *err)
{
	enum secret_heap heap;
	enum pv_code code;
	size_t i;

	if (argc < 2)
		return usage_error(err, "no verb given");
	for (i = 0; i < VERBS; i++) {
		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		code = secret_setup(&heap, err);
		if (code != PV_OK)
			return code;
		return verbs[i].run(argc - 1, argv + 1, err);
	}
	return usage_error(err, "unknown verb");
}

int main(int argc, char **argv)
{
	struct err err;
	enum pv_code code;

	umask(077);
	opterr = 0; /* options are ours to complain about */
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		help(stdout);
		return fflush(stdout) == 0 ? 0 : PV_STORAGE;
	}
	err_init(&err);
	code = run(argc, argv, &err);
	if (code == PV_OK && fflush(stdout) != 0)
		code = err_errno(&err, PV_STORAGE, "output.write", NULL,
				 "cannot write output");
	if (code != PV_OK)
		fprintf(stderr, "provdev: %s%s%s [%s]%s%s\n", err.object,
			err.object[0] ? ": " : "", err.message, err.rule,
			err.hint[0] ? "; " : "", err.hint);
	return (int)code;
}
