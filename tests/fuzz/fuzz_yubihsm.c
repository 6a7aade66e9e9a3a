/*
 * Any bytes as a YubiHSM's attestation of a key: what is taken is within its
 * bounds, and nothing passes that no anchor stands for.
 */
#include <string.h>

#include "lib/evidence/yubihsm.h"
#include "tests/fuzz/fuzz.h"

static void parse(struct span cert)
{
	struct yubihsm_key k;
	const char *rule = NULL;

	if (!yubihsm_parse(cert, &k, &rule)) {
		FUZZ_CHECK(rule && strncmp(rule, "hsmkey.", 7) == 0);
		return;
	}
	FUZZ_CHECK(memchr(k.label, '\0', sizeof(k.label)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct span certs[] = { { data, len }, { data, len } };
	struct yubihsm_want want = { .certs = certs, .certs_n = 2 };
	struct yubihsm_key k;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	rc = yubihsm_verify(&want, &k, &err);
	FUZZ_CHECK(rc == PV_INPUT || rc == PV_INTEGRITY);
	FUZZ_CHECK(strncmp(err.rule, "hsmkey.", 7) == 0 && k.serial == 0);
	parse((struct span){ data, len });
	return 0;
}
