#include "tests/unit/softhsm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

/*
 * SoftHSM 2.6.1 loses 37 bytes with every Ed25519 C_SignInit. To know its
 * frames, the sanitizer must walk the whole stack.
 */
const char *__lsan_default_suppressions(void);
const char *__asan_default_options(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libsofthsm2.so\n";
}

const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

static char folder[256];
static char lock_dir[256];
static char uri[256];

const char *softhsm_module(void)
{
	static const char *const paths[] = {
		"/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
		"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], R_OK) == 0)
			return paths[i];
	ck_abort_msg("libsofthsm2.so is not installed");
	return NULL;
}

void softhsm_empty(const char *label, struct p11_config *cfg)
{
	static unsigned count;
	char conf[300];
	FILE *f;

	snprintf(folder, sizeof(folder), "%.100s/softhsm-%d-%u", unit_tmp(),
		 (int)getpid(), count++);
	snprintf(lock_dir, sizeof(lock_dir), "%.100s/lock", unit_tmp());
	snprintf(uri, sizeof(uri), "pkcs11:token=%.100s", label);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	snprintf(conf, sizeof(conf), "%s/softhsm2.conf", folder);
	f = fopen(conf, "w");
	ck_assert(f != NULL);
	fprintf(f,
		"directories.tokendir = %s\nobjectstore.backend = file\n"
		"log.level = ERROR\nslots.removable = false\n",
		folder);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(setenv("SOFTHSM2_CONF", conf, 1), 0);
	*cfg = (struct p11_config){ .module = softhsm_module(),
				    .token_uri = uri,
				    .lock_dir = lock_dir,
				    .timeout_s = 20 };
}

static const struct secret *constant(struct secret *s, const char *text)
{
	struct err err;

	err_init(&err);
	if (!s->len)
		unit_ok(secret_copy(s, text, strlen(text), &err), &err);
	return s;
}

const struct secret *softhsm_pin(void)
{
	static struct secret pin;

	return constant(&pin, "user-1234");
}

const struct secret *softhsm_so_pin(void)
{
	static struct secret pin;

	return constant(&pin, "officer-5678");
}

const char *softhsm_folder(void)
{
	return folder;
}

void softhsm_token(const char *label, struct p11_config *cfg)
{
	struct err err;

	err_init(&err);
	softhsm_empty(label, cfg);
	unit_ok(p11_token_init(cfg, label, softhsm_so_pin(), softhsm_pin(), NULL,
			       &err),
		&err);
}
