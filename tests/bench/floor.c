/*
 * floor MODULE PIN_FILE LABEL CERT REQUESTS PROCESSES [steps]: the floor: the
 * cryptography that cannot be avoided for the devices of REQUESTS (JSON lines
 * with a PEM CSR), done as well as we know how, on n processes; prints
 * {"processes":n,"devices":m,"wall_s":s,"per_s":r}. Requests are decoded
 * before the clock starts. With "steps" each step is timed as well, in
 * microseconds a device; that costs some nanoseconds itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tests/bench/floor_steps.h"

#define LINE_CAP 65536

struct floor {
	const char *module, *pin_file, *label, *cert, *requests;
	bool steps;
	struct floor_keys keys;
	struct floor_csr *csrs; /* of this process */
	size_t n, cap;
};

static bool take_csr(X509_REQ *req, struct floor_csr *c)
{
	const ASN1_BIT_STRING *sig;
	const X509_ALGOR *alg;
	const unsigned char *point;
	X509_PUBKEY *key = X509_REQ_get_X509_PUBKEY(req);
	unsigned char *info = NULL;
	int point_len, info_len = i2d_re_X509_REQ_tbs(req, &info);

	X509_REQ_get0_signature(req, &sig, &alg);
	if (info_len <= 0 || !key ||
	    X509_PUBKEY_get0_param(NULL, &point, &point_len, NULL, key) != 1 ||
	    point_len != FLOOR_POINT_LEN || sig->length < 8 ||
	    (size_t)sig->length > sizeof(c->sig))
		return false;
	c->info = info;
	c->info_len = (size_t)info_len;
	memcpy(c->point, point, FLOOR_POINT_LEN);
	memcpy(c->sig, sig->data, (size_t)sig->length);
	c->sig_len = (size_t)sig->length;
	return true;
}

/* From the PEM text of a JSON line, whose newlines are written \n. */
static bool decode(char *line, struct floor_csr *c)
{
	char *from = strstr(line, "-----BEGIN"), *to = from;
	BIO *mem;
	X509_REQ *req;
	bool ok;

	if (!from)
		return false;
	for (const char *p = from; *p && *p != '"'; p++) {
		bool newline = p[0] == '\\' && p[1] == 'n';

		*to++ = newline ? '\n' : *p;
		p += newline;
	}
	mem = BIO_new_mem_buf(from, (int)(to - from));
	req = mem ? PEM_read_bio_X509_REQ(mem, NULL, NULL, NULL) : NULL;
	ok = req && take_csr(req, c);
	X509_REQ_free(req);
	BIO_free(mem);
	return ok;
}

static bool add(struct floor *f, char *line)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 1024;
		void *p = realloc(f->csrs, cap * sizeof(*f->csrs));

		if (!p)
			return false;
		f->csrs = p;
		f->cap = cap;
	}
	return decode(line, &f->csrs[f->n++]);
}

/* Every processes-th request is of this process. */
static bool prepare(void *ctx, int index, int processes)
{
	struct floor *f = ctx;
	FILE *in = fopen(f->requests, "r");
	char *line = malloc(LINE_CAP);
	bool ok = in && line;

	for (int i = 0; ok && fgets(line, LINE_CAP, in); i++)
		if (i % processes == index)
			ok = add(f, line);
	free(line);
	if (in)
		fclose(in);
	return ok && f->n > 0 && floor_keys_init(&f->keys, f->cert);
}

static bool login(void *ctx)
{
	struct floor *f = ctx;

	return bare_token_open(&f->keys.token, f->module, f->pin_file,
			       f->label);
}

static bool run_steps(struct floor *f, struct floor_work *w,
		      double values[static BARE_VALUES])
{
	double from = bare_now_s();

	for (size_t s = 0; s < FLOOR_STEPS; s++) {
		double now;

		if (!floor_steps[s].run(&f->keys, w))
			return false;
		if (!f->steps)
			continue;
		now = bare_now_s();
		values[1 + s] += now - from;
		from = now;
	}
	return true;
}

static bool work(void *ctx, double values[static BARE_VALUES])
{
	struct floor *f = ctx;
	struct floor_work *w = calloc(1, sizeof(*w));

	for (size_t i = 0; w && i < f->n; i++) {
		w->csr = &f->csrs[i];
		if (!run_steps(f, w, values))
			return false;
	}
	values[0] = (double)f->n;
	return w != NULL;
}

int main(int argc, char **argv)
{
	struct floor f = { 0 };
	struct bare_job job = { &f, prepare, login, work };
	double values[BARE_VALUES], wall_s;
	int processes;

	if (argc < 7 || argc > 8 ||
	    (argc == 8 && strcmp(argv[7], "steps") != 0)) {
		fputs("usage: floor MODULE PIN_FILE LABEL CERT REQUESTS "
		      "PROCESSES [steps]\n",
		      stderr);
		return 2;
	}
	f.module = argv[1];
	f.pin_file = argv[2];
	f.label = argv[3];
	f.cert = argv[4];
	f.requests = argv[5];
	processes = atoi(argv[6]);
	f.steps = argc == 8;
	if (!bare_run(&job, processes, values, &wall_s))
		return 1;
	printf("{\"processes\":%d,\"devices\":%.0f,\"wall_s\":%.4f,"
	       "\"per_s\":%.1f",
	       processes, values[0], wall_s, values[0] / wall_s);
	for (size_t s = 0; f.steps && s < FLOOR_STEPS; s++)
		printf(",\"%s_us\":%.1f", floor_steps[s].name,
		       values[1 + s] * 1e6 / values[0]);
	printf("}\n");
	return 0;
}
