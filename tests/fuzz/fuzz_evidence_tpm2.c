/*
 * Any bytes as a TPM's quote, and as a TPM2B_PUBLIC: nothing passes under a key
 * that signed nothing, and of the public area that is taken the name is right.
 */
#include "lib/evidence/tpm2_ak.h"
#include "tests/fuzz/fuzz_evidence.h"

static void parse(struct span public)
{
	struct tpm2_ak ak;
	struct err err;

	err_init(&err);
	if (tpm2_ak_read(public, &ak, &err) != PV_OK) {
		FUZZ_CHECK(err.code == PV_INPUT || err.code == PV_DENIED);
		FUZZ_CHECK(strncmp(err.rule, "ak.", 3) == 0);
		return;
	}
	FUZZ_CHECK(p256_point((struct span){ ak.spki, sizeof(ak.spki) }));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t key[] = { 1 };

	fuzz_evidence(EVIDENCE_TPM2, (struct span){ key, sizeof(key) }, data, len);
	parse((struct span){ data, len });
	return 0;
}
