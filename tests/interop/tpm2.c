/*
 * tpm2: lib/evidence on what a TPM made, for swtpm.sh.
 *
 *     tpm2 name AK.pub                        name of the key, in hex
 *     tpm2 credential EK.der AK.pub SECRET OUT    SECRET in hex, EK as SPKI
 *     tpm2 quote AK.pub A MSG SIG VALUES PCR=DIGEST...
 *         prints "ok" or "CODE RULE"; VALUES: 32 bytes each; OUT of the whole
 *         evidence is written beside VALUES, as VALUES.evidence
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cbor.h"
#include "lib/evidence/evidence.h"
#include "lib/evidence/makecred.h"

#define REFERENCES_MAX 24
#define FILE_MAX 4096

static int fail(const char *what)
{
	fprintf(stderr, "tpm2: %s\n", what);
	return 2;
}

static bool read_file(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "rb");
	uint8_t bytes[FILE_MAX];
	size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0;

	if (f)
		fclose(f);
	buf_init(b, FILE_MAX);
	buf_put(b, bytes, n);
	return n > 0;
}

static bool write_file(const char *path, struct span bytes)
{
	FILE *f = fopen(path, "wb");
	bool ok = f && fwrite(bytes.p, 1, bytes.len, f) == bytes.len;

	return f && fclose(f) == 0 && ok;
}

static bool read_ak(const char *path, struct tpm2_ak *ak)
{
	struct buf b;
	struct err err;
	bool ok;

	err_init(&err);
	ok = read_file(path, &b) &&
	     tpm2_ak_read(buf_span(&b), ak, &err) == PV_OK;
	if (!ok)
		fprintf(stderr, "%s %s\n", err.rule, err.message);
	buf_release(&b);
	return ok;
}

static int name(char **argv)
{
	struct tpm2_ak ak;
	char hex[2 * TPM2_NAME_LEN + 1];

	if (!read_ak(argv[0], &ak))
		return fail("the key is refused");
	hex_encode(ak.name, sizeof(ak.name), hex);
	printf("%s\n", hex);
	return 0;
}

static int credential(char **argv)
{
	SECRET secret = SECRET_INIT;
	struct tpm2_ak ak;
	struct buf ek, out;
	uint8_t bytes[TPM2_CREDENTIAL_MAX];
	size_t len = strlen(argv[2]) / 2;
	struct err err;
	int status = 1;

	err_init(&err);
	buf_init(&out, TPM2_MADE_MAX);
	if (!read_file(argv[0], &ek) || !read_ak(argv[1], &ak) ||
	    len > sizeof(bytes) || !hex_decode(argv[2], bytes, len) ||
	    secret_copy(&secret, bytes, len, &err) != PV_OK)
		fail("arguments");
	else if (tpm2_make_credential(buf_span(&ek), ak.name, &secret, &out,
				      &err) != PV_OK)
		fail(err.message);
	else if (write_file(argv[3], buf_span(&out)))
		status = 0;
	buf_release(&ek);
	buf_release(&out);
	return status;
}

static size_t put_evidence(uint8_t *out, size_t cap, const struct buf *msg,
			   const struct buf *sig, const struct buf *values)
{
	struct cbor_writer w;

	cbor_writer_init(&w, out, cap);
	cbor_put_array(&w, 3);
	cbor_put_bstr(&w, msg->data, msg->len);
	cbor_put_bstr(&w, sig->data, sig->len);
	cbor_put_array(&w, values->len / 32);
	for (size_t i = 0; i + 32 <= values->len; i += 32)
		cbor_put_bstr(&w, values->data + i, 32);
	return cbor_writer_ok(&w) ? w.len : 0;
}

static bool take_reference(char *text, struct evidence_reference *out)
{
	char *digest = strchr(text, '=');

	if (!digest)
		return false;
	*digest++ = '\0';
	out->component = text;
	return strlen(digest) == 64 && hex_decode(digest, out->digest, 32);
}

static int quote(int argc, char **argv)
{
	struct evidence_reference reference[REFERENCES_MAX];
	struct evidence_want want = { .format = EVIDENCE_TPM2,
				      .device = "swtpm",
				      .reference = reference };
	struct buf msg, sig, values;
	uint8_t whole[4 * FILE_MAX];
	struct tpm2_ak ak;
	char path[512];
	size_t len;
	struct err err;
	enum pv_code rc;

	if (!read_ak(argv[0], &ak) || strlen(argv[1]) != 64 ||
	    !hex_decode(argv[1], want.a, 32) || !read_file(argv[2], &msg) ||
	    !read_file(argv[3], &sig) || !read_file(argv[4], &values))
		return fail("arguments");
	for (int i = 5; i < argc && i < 5 + REFERENCES_MAX; i++) {
		if (!take_reference(argv[i], &reference[want.reference_n++]))
			return fail("PCR=DIGEST");
	}
	want.key = (struct span){ ak.spki, sizeof(ak.spki) };
	len = put_evidence(whole, sizeof(whole), &msg, &sig, &values);
	snprintf(path, sizeof(path), "%s.evidence", argv[4]);
	if (len == 0 || !write_file(path, (struct span){ whole, len }))
		return fail("evidence");
	err_init(&err);
	rc = evidence_verify((struct span){ whole, len }, &want, NULL, &err);
	if (rc == PV_OK)
		printf("ok\n");
	else
		printf("%d %s\n", rc, err.rule);
	buf_release(&msg);
	buf_release(&sig);
	buf_release(&values);
	return 0;
}

int main(int argc, char **argv)
{
	enum secret_heap heap;

	if (secret_setup(&heap, NULL) != PV_OK)
		return fail("no heap for secrets");
	if (argc == 3 && strcmp(argv[1], "name") == 0)
		return name(argv + 2);
	if (argc == 6 && strcmp(argv[1], "credential") == 0)
		return credential(argv + 2);
	if (argc >= 7 && strcmp(argv[1], "quote") == 0)
		return quote(argc - 2, argv + 2);
	return fail("usage");
}
