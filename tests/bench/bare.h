/*
 * bare: what the bare loops share: a token logged in through Cryptoki alone,
 * and n processes that are forked before C_Initialize, made ready one by one,
 * started together and timed until the last has ended. Nothing of provctl.
 */
#ifndef PV_TESTS_BENCH_BARE_H
#define PV_TESTS_BENCH_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <p11-kit/pkcs11.h>

#define BARE_PROCESSES_MAX 64
#define BARE_VALUES 8 /* numbers that each process hands back */

struct bare_token {
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
};

double bare_now_s(void);

/* The bytes of a small file without newlines at its end; 0 when it fails. */
size_t bare_read_pin(const char *file, unsigned char *pin, size_t cap);

/* Loads the module, logs in and finds the private key of that label. */
bool bare_token_open(struct bare_token *t, const char *module,
		     const char *pin_file, const char *label);

/* C_SignInit and C_Sign with CKM_ECDSA. */
bool bare_sign(const struct bare_token *t, const uint8_t digest[static 32],
	       uint8_t sig[static 64]);

struct bare_job {
	void *ctx; /* each process has its own copy */
	bool (*prepare)(void *ctx, int index, int processes); /* or NULL */
	/* C_Initialize to C_Login: SoftHSM writes there, so one at a time. */
	bool (*login)(void *ctx);
	/* Fills values; they are added up over all processes. */
	bool (*work)(void *ctx, double values[static BARE_VALUES]);
};

/* wall_s: from the common start until the last process has reported. */
bool bare_run(const struct bare_job *job, int processes,
	      double values[static BARE_VALUES], double *wall_s);

#endif
