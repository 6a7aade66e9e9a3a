/*
 * streamlat REQUESTS IN_FLIGHT COUNT WARM COMMAND...: runs a co-process
 * (provctl issue --stream), keeps IN_FLIGHT requests on their way to it and
 * measures each from its line in to its line out. WARM requests go before,
 * one by one, and are not counted. Prints
 * {"in_flight":k,"requests":n,"failed":f,"p50_ms":p,"p99_ms":q,"max_ms":m,
 * "per_s":r}.
 *
 * REQUESTS is a file of gen_requests: device ids end in -NUMBER, from 1.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bare.h"

#define DEVICE "\"device\":\""

struct stream {
	FILE *requests, *to, *from;
	double *sent_s, *took_s; /* by number, took 0: no answer yet */
	unsigned long cap, sent, answered, failed;
	char *line;
	size_t line_cap;
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The number at the end of the device id in a line; 0: none. */
static unsigned long number_of(const char *line)
{
	const char *at = strstr(line, DEVICE), *end;

	if (!at)
		return 0;
	at += sizeof(DEVICE) - 1;
	end = strchr(at, '"');
	while (end && end > at && end[-1] >= '0' && end[-1] <= '9')
		end--;
	return end ? strtoul(end, NULL, 10) : 0;
}

static bool send_one(struct stream *s)
{
	ssize_t len = getline(&s->line, &s->line_cap, s->requests);
	unsigned long number = len > 0 ? number_of(s->line) : 0;

	if (number == 0 || number > s->cap)
		return false;
	s->sent_s[number] = bare_now_s();
	s->sent++;
	return fwrite(s->line, 1, (size_t)len, s->to) == (size_t)len &&
	       fflush(s->to) == 0;
}

static bool take_one(struct stream *s)
{
	unsigned long number;

	if (getline(&s->line, &s->line_cap, s->from) <= 0)
		return false;
	number = number_of(s->line);
	if (number == 0 || number > s->cap)
		return false;
	s->took_s[number] = bare_now_s() - s->sent_s[number];
	s->answered++;
	if (!strstr(s->line, "\"status\":\"issued\""))
		s->failed++;
	return true;
}

static bool run(struct stream *s, unsigned long in_flight, unsigned long count)
{
	unsigned long until = s->sent + count;
	bool ok = true;

	for (unsigned long i = 0; ok && i < in_flight && s->sent < until; i++)
		ok = send_one(s);
	while (ok && s->answered < until) {
		ok = take_one(s);
		if (ok && s->sent < until)
			ok = send_one(s);
	}
	return ok;
}

static bool start(struct stream *s, char **command, pid_t *pid)
{
	int in[2], out[2];

	if (pipe(in) != 0 || pipe(out) != 0)
		return false;
	*pid = fork();
	if (*pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		for (int side = 0; side < 2; side++) {
			close(in[side]);
			close(out[side]);
		}
		execvp(command[0], command);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	s->to = fdopen(in[1], "w");
	s->from = fdopen(out[0], "r");
	return *pid > 0 && s->to && s->from;
}

static void report(struct stream *s, unsigned long in_flight,
		   unsigned long warm, double wall_s)
{
	double *took = s->took_s + 1 + warm;
	size_t n = s->answered - warm;

	qsort(took, n, sizeof(*took), by_value);
	printf("{\"in_flight\":%lu,\"requests\":%zu,\"failed\":%lu,"
	       "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,"
	       "\"per_s\":%.1f}\n",
	       in_flight, n, s->failed, took[n / 2] * 1e3,
	       took[n * 99 / 100] * 1e3, took[n - 1] * 1e3, (double)n / wall_s);
}

int main(int argc, char **argv)
{
	struct stream s = { 0 };
	unsigned long in_flight = argc > 5 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long count = argc > 5 ? strtoul(argv[3], NULL, 10) : 0;
	unsigned long warm = argc > 5 ? strtoul(argv[4], NULL, 10) : 0;
	double from, wall_s;
	int status = 1;
	pid_t pid;
	bool ok;

	if (in_flight == 0 || count == 0) {
		fputs("usage: streamlat REQUESTS IN_FLIGHT COUNT WARM "
		      "COMMAND...\n",
		      stderr);
		return 2;
	}
	s.cap = warm + count;
	s.sent_s = calloc(s.cap + 1, sizeof(double));
	s.took_s = calloc(s.cap + 1, sizeof(double));
	s.requests = fopen(argv[1], "r");
	ok = s.sent_s && s.took_s && s.requests && start(&s, argv + 5, &pid) &&
	     run(&s, 1, warm);
	from = bare_now_s();
	ok = ok && run(&s, in_flight, count);
	wall_s = bare_now_s() - from;
	if (!ok || fclose(s.to) != 0)
		return 1;
	report(&s, in_flight, warm, wall_s);
	return waitpid(pid, &status, 0) == pid && status == 0 && s.failed == 0
		       ? 0
		       : 1;
}
