/*
 * gen_requests N PREFIX [PROCESSES]: N request lines on standard output, each
 * with a fresh P-256 key and a real PKCS#10 request (RFC 2986) for device
 * PREFIX-%08u. The DER around key and signature is the same for all of them
 * but for the name, so it is written by hand; blocks are made by PROCESSES
 * (default: one per core) and put out in order.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>

#define BLOCK 256 /* requests that one process makes at a time */
#define LINE_CAP 1280
#define PROCESSES_MAX 64
#define NAME_CAP 64 /* of a common name, RFC 5280 A.1 */
#define POINT_LEN 65

static const uint8_t cn_head[] = { 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c };
static const uint8_t spki_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
				     0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
				     0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
				     0x01, 0x07, 0x03, 0x42, 0x00 };
static const uint8_t ecdsa_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
					0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };

struct maker {
	EVP_PKEY_CTX *keygen;
	EVP_MD *sha256;
};

static bool maker_init(struct maker *m)
{
	m->keygen = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	m->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	return m->keygen && m->sha256 && EVP_PKEY_keygen_init(m->keygen) == 1 &&
	       EVP_PKEY_CTX_set_group_name(m->keygen, "P-256") == 1;
}

/* Tag and length before len bytes; at most four bytes. */
static size_t put_head(uint8_t *out, uint8_t tag, size_t len)
{
	out[0] = tag;
	out[1] = (uint8_t)len;
	if (len < 0x80)
		return 2;
	out[1] = len < 0x100 ? 0x81 : 0x82;
	out[2] = (uint8_t)(len < 0x100 ? len : len >> 8);
	out[3] = (uint8_t)len;
	return len < 0x100 ? 3 : 4;
}

/* CertificationRequestInfo: version 0, CN, the key, no attributes. */
static size_t put_info(uint8_t *out, const char *cn, const uint8_t *point)
{
	size_t n = strlen(cn), at, name = sizeof(cn_head) + 1 + n;
	size_t len = 3 + 6 + name + sizeof(spki_head) + POINT_LEN + 2;

	at = put_head(out, 0x30, len);
	memcpy(out + at, "\x02\x01\x00", 3);
	at += 3;
	at += put_head(out + at, 0x30, name + 4);
	at += put_head(out + at, 0x31, name + 2);
	at += put_head(out + at, 0x30, name);
	memcpy(out + at, cn_head, sizeof(cn_head));
	at += sizeof(cn_head);
	out[at++] = (uint8_t)n;
	memcpy(out + at, cn, n);
	at += n;
	memcpy(out + at, spki_head, sizeof(spki_head));
	at += sizeof(spki_head);
	memcpy(out + at, point, POINT_LEN);
	at += POINT_LEN;
	out[at++] = 0xa0;
	out[at++] = 0x00;
	return at;
}

static bool sign(const struct maker *m, EVP_PKEY *key, const uint8_t *info,
		 size_t info_len, uint8_t *sig, size_t *sig_len)
{
	EVP_PKEY_CTX *use = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	uint8_t digest[32];
	bool ok = use &&
		  EVP_Digest(info, info_len, digest, NULL, m->sha256, NULL) ==
			  1 &&
		  EVP_PKEY_sign_init(use) == 1 &&
		  EVP_PKEY_sign(use, sig, sig_len, digest, sizeof(digest)) == 1;

	EVP_PKEY_CTX_free(use);
	return ok;
}

/* The whole request; its length, 0 when something failed. */
static size_t make_csr(const struct maker *m, const char *cn, uint8_t *out)
{
	uint8_t info[256], point[POINT_LEN], sig[80];
	size_t info_len, sig_len = sizeof(sig), point_len = 0, at;
	EVP_PKEY *key = NULL;
	bool ok = EVP_PKEY_generate(m->keygen, &key) == 1 &&
		  EVP_PKEY_get_octet_string_param(
			  key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
			  sizeof(point), &point_len) == 1 &&
		  point_len == POINT_LEN;

	info_len = put_info(info, cn, point);
	ok = ok && sign(m, key, info, info_len, sig, &sig_len);
	EVP_PKEY_free(key);
	if (!ok || sig_len > sizeof(sig))
		return 0;
	at = put_head(out, 0x30, info_len + sizeof(ecdsa_sha256) + 3 + sig_len);
	memcpy(out + at, info, info_len);
	at += info_len;
	memcpy(out + at, ecdsa_sha256, sizeof(ecdsa_sha256));
	at += sizeof(ecdsa_sha256);
	at += put_head(out + at, 0x03, sig_len + 1);
	out[at++] = 0;
	memcpy(out + at, sig, sig_len);
	return at + sig_len;
}

/* PEM with its newlines as JSON writes them. */
static size_t put_pem(char *out, const uint8_t *der, size_t len)
{
	static const char head[] = "-----BEGIN CERTIFICATE REQUEST-----\\n";
	static const char tail[] = "-----END CERTIFICATE REQUEST-----\\n";
	size_t at = sizeof(head) - 1;

	memcpy(out, head, at);
	for (size_t i = 0; i < len; i += 48) {
		int n = len - i < 48 ? (int)(len - i) : 48;

		at += (size_t)EVP_EncodeBlock((unsigned char *)out + at,
					      der + i, n);
		memcpy(out + at, "\\n", 2);
		at += 2;
	}
	memcpy(out + at, tail, sizeof(tail) - 1);
	return at + sizeof(tail) - 1;
}

static size_t put_line(const struct maker *m, const char *prefix,
		       unsigned long number, char *out)
{
	char device[NAME_CAP + 1];
	uint8_t der[512];
	size_t at, len;

	snprintf(device, sizeof(device), "%.40s-%08lu", prefix, number);
	len = make_csr(m, device, der);
	if (len == 0)
		return 0;
	at = (size_t)snprintf(out, LINE_CAP, "{\"device\":\"%s\",\"csr\":\"",
			      device);
	at += put_pem(out + at, der, len);
	memcpy(out + at, "\"}\n", 3);
	return at + 3;
}

static bool write_all(int fd, const void *p, size_t len)
{
	const char *at = p;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool read_all(int fd, void *p, size_t len)
{
	char *at = p;

	while (len > 0) {
		ssize_t n = read(fd, at, len);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* Blocks index, index + processes, ...: each with its length before it. */
static bool make_blocks(const char *prefix, unsigned long n, size_t index,
			size_t processes, int fd, char *text)
{
	struct maker m;

	if (!maker_init(&m))
		return false;
	for (unsigned long b = index; b * BLOCK < n; b += processes) {
		size_t len = 0;

		for (unsigned long i = b * BLOCK + 1;
		     i <= n && i <= (b + 1) * BLOCK; i++) {
			size_t got = put_line(&m, prefix, i, text + len);

			if (got == 0)
				return false;
			len += got;
		}
		if (!write_all(fd, &len, sizeof(len)) ||
		    !write_all(fd, text, len))
			return false;
	}
	return true;
}

static bool put_blocks(const int *fds, unsigned long n, size_t processes,
		       char *text)
{
	for (unsigned long b = 0; b * BLOCK < n; b++) {
		int fd = fds[b % processes];
		size_t len;

		if (!read_all(fd, &len, sizeof(len)) ||
		    len > (size_t)BLOCK * LINE_CAP ||
		    !read_all(fd, text, len) ||
		    !write_all(STDOUT_FILENO, text, len))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	unsigned long n = argc >= 3 ? strtoul(argv[1], NULL, 10) : 0;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t processes = argc == 4 ? strtoul(argv[3], NULL, 10)
				     : (size_t)(cores > 0 ? cores : 1);
	char *text = malloc((size_t)BLOCK * LINE_CAP);
	int fds[PROCESSES_MAX], end[2];

	if (n == 0 || argc > 4 || processes == 0 || processes > PROCESSES_MAX ||
	    !text) {
		fputs("usage: gen_requests N PREFIX [PROCESSES]\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < processes; i++) {
		if (pipe(end) != 0)
			return 1;
		if (fork() == 0)
			_exit(make_blocks(argv[2], n, i, processes, end[1],
					  text)
				      ? 0
				      : 1);
		close(end[1]);
		fds[i] = end[0];
	}
	return put_blocks(fds, n, processes, text) ? 0 : 1;
}
