/*
 * repeat COUNT COMMAND...: runs it COUNT times, one after another, as whole
 * processes without a shell; "{}" in an argument becomes the number of the run
 * (from 1, eight digits). Prints
 * {"runs":n,"failed":f,"mean_ms":m,"p50_ms":p,"p99_ms":q}. Output of the runs
 * goes to /dev/null.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bare.h"

#define ARGS_MAX 64
#define ARG_CAP 1024

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void fill(char out[ARG_CAP], const char *arg, unsigned long number)
{
	const char *at = strstr(arg, "{}");

	if (at)
		snprintf(out, ARG_CAP, "%.*s%08lu%s", (int)(at - arg), arg,
			 number, at + 2);
	else
		snprintf(out, ARG_CAP, "%s", arg);
}

/* Seconds that one run took; below 0 when it failed. */
static double run(int argc, char **argv, unsigned long number)
{
	static char text[ARGS_MAX][ARG_CAP];
	char *args[ARGS_MAX + 1] = { NULL };
	double start;
	int status = 1;
	pid_t pid;

	for (int i = 0; i < argc; i++) {
		fill(text[i], argv[i], number);
		args[i] = text[i];
	}
	start = bare_now_s();
	pid = vfork();
	if (pid == 0) {
		execvp(args[0], args);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return -1;
	return bare_now_s() - start;
}

int main(int argc, char **argv)
{
	unsigned long n = argc >= 3 ? strtoul(argv[1], NULL, 10) : 0;
	double *took = calloc(n + 1, sizeof(*took)), sum = 0;
	size_t good = 0;
	int out = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY);

	if (n == 0 || argc - 2 > ARGS_MAX || !took || out < 0 || null < 0) {
		fputs("usage: repeat COUNT COMMAND...\n", stderr);
		return 2;
	}
	fcntl(out, F_SETFD, FD_CLOEXEC);
	dup2(null, STDOUT_FILENO);
	for (unsigned long i = 1; i <= n; i++) {
		double s = run(argc - 2, argv + 2, i);

		if (s < 0)
			continue;
		took[good++] = s;
		sum += s;
	}
	if (good == 0)
		return 1;
	qsort(took, good, sizeof(*took), by_value);
	dprintf(out,
		"{\"runs\":%zu,\"failed\":%zu,\"mean_ms\":%.3f,"
		"\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
		good, n - good, sum * 1e3 / (double)good, took[good / 2] * 1e3,
		took[(good * 99) / 100] * 1e3);
	free(took);
	return good == n ? 0 : 1;
}
