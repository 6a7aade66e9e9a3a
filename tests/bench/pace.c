/*
 * pace EVERY TICKS COMMAND...: runs it and reads its output to the end without
 * keeping it; writes to TICKS a line "SECONDS LINES BYTES" (monotonic clock)
 * when it starts, for the first lines, about every EVERY lines and at the end.
 * Ends with the command's status.
 *
 * Lines come in bursts, a group at a time. A tick is taken where a burst ends,
 * so that the rate between two ticks is not wrong by a part of a group.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/bare.h"

#define BUFFER_LEN (1024 * 1024)
#define GAP_MS 2     /* without output: the burst has ended */
#define OVERDUE 1024 /* lines after which a tick waits for no gap */

struct pace {
	FILE *ticks;
	unsigned long every, lines, next;
	unsigned long long bytes;
	double last_s;
};

static void tick(struct pace *p)
{
	fprintf(p->ticks, "%.6f %lu %llu\n", p->last_s, p->lines, p->bytes);
	p->next = (p->lines / p->every + 1) * p->every;
}

static unsigned long count_lines(const char *p, size_t len)
{
	const char *end = p + len;
	unsigned long n = 0;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		n++;
		p++;
	}
	return n;
}

static bool follow(struct pace *p, int fd)
{
	char *buffer = malloc(BUFFER_LEN);
	struct pollfd in = { fd, POLLIN, 0 };
	bool waiting = false;
	ssize_t n = 1;

	p->last_s = bare_now_s();
	tick(p);
	p->next = 1; /* the first burst */
	while (buffer && n > 0) {
		if (waiting && poll(&in, 1, GAP_MS) == 0) {
			tick(p);
			waiting = false;
		}
		n = read(fd, buffer, BUFFER_LEN);
		if (n <= 0)
			break;
		p->last_s = bare_now_s();
		p->bytes += (unsigned long long)n;
		p->lines += count_lines(buffer, (size_t)n);
		waiting = p->lines >= p->next;
		if (p->lines >= p->next + OVERDUE)
			tick(p);
	}
	tick(p);
	free(buffer);
	return n == 0;
}

int main(int argc, char **argv)
{
	struct pace p = { 0 };
	int ends[2], status = 1;
	pid_t pid;

	p.every = argc >= 4 ? strtoul(argv[1], NULL, 10) : 0;
	p.ticks = p.every ? fopen(argv[2], "w") : NULL;
	if (!p.ticks || pipe(ends) != 0) {
		fputs("usage: pace EVERY TICKS COMMAND...\n", stderr);
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	close(ends[1]);
	if (!follow(&p, ends[0]) || fclose(p.ticks) != 0 ||
	    waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
