/*
 * fsyncs DIR COUNT BYTES: COUNT times: append BYTES to a new file in DIR and
 * fsync it; prints {"count":n,"bytes":b,"mean_ms":m,"p50_ms":p,"p99_ms":q}: a
 * bare durable step on this file system.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/bare.h"

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	size_t n = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	size_t len = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	double *took = calloc(n + 1, sizeof(*took)), sum = 0;
	char *bytes = calloc(1, len + 1), path[4096];
	int fd;

	if (n == 0 || len == 0 || !took || !bytes) {
		fputs("usage: fsyncs DIR COUNT BYTES\n", stderr);
		return 2;
	}
	snprintf(path, sizeof(path), "%.4000s/fsyncs-XXXXXX", argv[1]);
	fd = mkstemp(path);
	if (fd < 0)
		return 1;
	unlink(path);
	for (size_t i = 0; i < n; i++) {
		double start = bare_now_s();

		if (write(fd, bytes, len) != (ssize_t)len || fsync(fd) != 0)
			return 1;
		took[i] = bare_now_s() - start;
		sum += took[i];
	}
	qsort(took, n, sizeof(*took), by_value);
	printf("{\"count\":%zu,\"bytes\":%zu,\"mean_ms\":%.3f,"
	       "\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
	       n, len, sum * 1e3 / (double)n, took[n / 2] * 1e3,
	       took[n * 99 / 100] * 1e3);
	free(took);
	free(bytes);
	return close(fd) == 0 ? 0 : 1;
}
