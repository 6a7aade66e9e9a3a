/*
 * gen_requests N PREFIX: N request lines on standard output, each with a fresh
 * P-256 key and a real PKCS#10 request for device PREFIX-%08u.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static X509_REQ *make_csr(const char *cn)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *req = X509_REQ_new();
	X509_NAME *name = X509_NAME_new();
	int ok = key && req && name &&
		 X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					    (const unsigned char *)cn, -1, -1,
					    0) == 1 &&
		 X509_REQ_set_subject_name(req, name) == 1 &&
		 X509_REQ_set_pubkey(req, key) == 1 &&
		 X509_REQ_sign(req, key, EVP_sha256()) > 0;

	EVP_PKEY_free(key);
	X509_NAME_free(name);
	if (!ok) {
		X509_REQ_free(req);
		return NULL;
	}
	return req;
}

static int print_request(const char *device)
{
	X509_REQ *req = make_csr(device);
	BIO *mem = BIO_new(BIO_s_mem());
	char *pem;
	long len;
	int ok = req && mem && PEM_write_bio_X509_REQ(mem, req) == 1;

	X509_REQ_free(req);
	if (ok) {
		len = BIO_get_mem_data(mem, &pem);
		printf("{\"device\":\"%s\",\"csr\":\"", device);
		for (long i = 0; i < len; i++) {
			if (pem[i] == '\n')
				fputs("\\n", stdout);
			else
				putchar(pem[i]);
		}
		fputs("\"}\n", stdout);
	}
	BIO_free(mem);
	return ok;
}

int main(int argc, char **argv)
{
	unsigned long n = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;

	if (n == 0) {
		fputs("usage: gen_requests N PREFIX\n", stderr);
		return 2;
	}
	for (unsigned long i = 1; i <= n; i++) {
		char device[80];

		snprintf(device, sizeof(device), "%.40s-%08lu", argv[2], i);
		if (!print_request(device))
			return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
