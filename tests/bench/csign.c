/*
 * csign MODULE PIN_FILE LABEL PROCESSES SECONDS: the bare loop of C_SignInit
 * and C_Sign (ECDSA P-256 over a digest) on n processes, each logged in once;
 * prints {"processes":n,"signatures":m,"wall_s":s,"per_s":r}. Nothing that
 * provctl adds is in it: the token's own speed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/bare.h"

struct csign {
	struct bare_token token;
	const char *module, *pin_file, *label;
	double seconds;
};

static bool login(void *ctx)
{
	struct csign *c = ctx;

	return bare_token_open(&c->token, c->module, c->pin_file, c->label);
}

static bool work(void *ctx, double values[static BARE_VALUES])
{
	struct csign *c = ctx;
	uint8_t digest[32] = { 1 }, sig[64];
	double until = bare_now_s() + c->seconds;
	unsigned long n = 0;

	while (bare_now_s() < until) {
		digest[0] = (uint8_t)n++;
		if (!bare_sign(&c->token, digest, sig))
			return false;
	}
	values[0] = (double)n;
	return n > 0;
}

int main(int argc, char **argv)
{
	struct csign c = { 0 };
	struct bare_job job = { .ctx = &c, .login = login, .work = work };
	int processes = argc == 6 ? atoi(argv[4]) : 0;
	double values[BARE_VALUES], wall_s;

	if (argc != 6) {
		fputs("usage: csign MODULE PIN_FILE LABEL PROCESSES SECONDS\n",
		      stderr);
		return 2;
	}
	c.module = argv[1];
	c.pin_file = argv[2];
	c.label = argv[3];
	c.seconds = strtod(argv[5], NULL);
	if (!bare_run(&job, processes, values, &wall_s))
		return 1;
	printf("{\"processes\":%d,\"signatures\":%.0f,\"wall_s\":%.3f,"
	       "\"per_s\":%.1f}\n",
	       processes, values[0], wall_s, values[0] / wall_s);
	return 0;
}
