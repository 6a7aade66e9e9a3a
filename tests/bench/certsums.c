/*
 * certsums DIR: for each certificate file of DIR (PEM) a line with the SHA-256
 * of its DER in hexadecimal: what the inventory calls certificate_sha256.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

static bool print_sum(const char *path)
{
	FILE *f = fopen(path, "r");
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL, hash[32];
	long len = 0;
	bool ok = f && PEM_read(f, &name, &header, &der, &len) == 1 &&
		  EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(),
			     NULL) == 1;

	for (size_t i = 0; ok && i < sizeof(hash); i++)
		printf("%02x", hash[i]);
	if (ok)
		putchar('\n');
	else
		fprintf(stderr, "%s: not a PEM file\n", path);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	if (f)
		fclose(f);
	return ok;
}

int main(int argc, char **argv)
{
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *e;
	char path[4096];
	bool ok = true;

	if (!d) {
		fputs("usage: certsums DIR\n", stderr);
		return 2;
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%.3800s/%.255s", argv[1],
			 e->d_name);
		ok = print_sum(path) && ok;
	}
	closedir(d);
	return ok && fflush(stdout) == 0 ? 0 : 1;
}
