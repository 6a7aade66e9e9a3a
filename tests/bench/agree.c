/*
 * agree RESULTS OUT: holds the files of a batch against what the store gives
 * out: RESULTS are lines of the same batch issued again without --out (each
 * with certificate and bundle from the store), OUT is the folder that --out
 * filled. Each line is issued or existing, its certificate is certs/ID.pem and
 * its bundle bundles/ID.operational.pvb, byte for byte, and there is no other
 * file. Prints {"devices":n,"files":f,"differences":d}; ends with 1 unless d
 * is 0.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/base/base64.h"

#define FILE_CAP (2u * 1024u * 1024u)
#define SHOWN_MAX 10

struct agree {
	const char *out;
	unsigned long devices, differences;
	unsigned char file[FILE_CAP], bytes[FILE_CAP];
};

static void differ(struct agree *a, const char *what, const char *why)
{
	if (a->differences++ < SHOWN_MAX)
		fprintf(stderr, "%s: %s\n", what, why);
}

static void compare(struct agree *a, const char *path, const void *p,
		    size_t len)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(a->file, 1, FILE_CAP, f) : 0;

	if (!f)
		differ(a, path, "is not there");
	else if (n != len || memcmp(a->file, p, n) != 0)
		differ(a, path, "is not what the store gives out");
	if (f)
		fclose(f);
}

static void take_line(struct agree *a, const char *line)
{
	json_t *o = json_loads(line, 0, NULL);
	const char *device = "?", *status = "", *cert = NULL, *bundle = NULL;
	char path[4096];
	size_t len = 0;

	if (json_unpack(o, "{s:s, s:s, s:s, s:s}", "device", &device, "status",
			&status, "certificate", &cert, "bundle",
			&bundle) != 0 ||
	    (strcmp(status, "existing") != 0 &&
	     strcmp(status, "issued") != 0)) {
		differ(a, device, "has no certificate and bundle in the store");
		json_decref(o);
		return;
	}
	a->devices++;
	snprintf(path, sizeof(path), "%.3800s/certs/%.64s.pem", a->out, device);
	compare(a, path, cert, strlen(cert));
	snprintf(path, sizeof(path), "%.3800s/bundles/%.64s.operational.pvb",
		 a->out, device);
	if (!base64_decode(bundle, strlen(bundle), a->bytes, FILE_CAP, &len))
		differ(a, device, "has a bundle that is not base64");
	else
		compare(a, path, a->bytes, len);
	json_decref(o);
}

static unsigned long count_files(const char *out, const char *sub)
{
	char path[4096];
	struct dirent *e;
	unsigned long n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%.3800s/%s", out, sub);
	d = opendir(path);
	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	struct agree *a = calloc(1, sizeof(*a));
	FILE *in = argc == 3 ? fopen(argv[1], "r") : NULL;
	char *line = NULL;
	size_t cap = 0;
	unsigned long certs, bundles;

	if (!a || !in) {
		fputs("usage: agree RESULTS OUT\n", stderr);
		return 2;
	}
	a->out = argv[2];
	while (getline(&line, &cap, in) > 0)
		take_line(a, line);
	certs = count_files(a->out, "certs");
	bundles = count_files(a->out, "bundles");
	if (certs != a->devices || bundles != a->devices)
		differ(a, a->out, "has other files than one of each a device");
	printf("{\"devices\":%lu,\"files\":%lu,\"differences\":%lu}\n",
	       a->devices, certs + bundles, a->differences);
	fclose(in);
	free(line);
	return a->differences == 0 && a->devices > 0 ? 0 : 1;
}
