/*
 * Any bytes as a PSA token, and any bytes as a token's claims: what is taken is
 * within the RFC's bounds, and nothing passes under a key that signed nothing.
 */
#include "lib/evidence/psa_claims.h"
#include "tests/fuzz/fuzz_evidence.h"

/* The base point of P-256 as a key. */
static const uint8_t spki[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
	0x42, 0x00, 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8,
	0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d,
	0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
	0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c,
	0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb,
	0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5
};

static bool is_hash(struct span s)
{
	return s.len == 32 || s.len == 48 || s.len == 64;
}

static void parse(struct span payload)
{
	const struct evidence_want want = { .device = "fuzz" };
	struct psa_claims c;
	struct err err;
	struct evidence_run run = { &want, NULL, &err, PV_OK, false };

	err_init(&err);
	if (psa_claims_parse(&run, payload, &c) != PV_OK) {
		FUZZ_CHECK(err.code == PV_INPUT);
		FUZZ_CHECK(strncmp(err.rule, "evidence.", 9) == 0);
		return;
	}
	FUZZ_CHECK(is_hash(c.nonce) && c.ueid.len == EVIDENCE_UEID_LEN);
	FUZZ_CHECK(psa_lifecycle_name(c.lifecycle) != NULL);
	FUZZ_CHECK(c.component_n > 0 && c.component_n <= PSA_COMPONENTS_MAX);
	for (size_t i = 0; i < c.component_n; i++) {
		FUZZ_CHECK(is_hash(c.component[i].value));
		FUZZ_CHECK(is_hash(c.component[i].signer));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	fuzz_evidence(EVIDENCE_PSA, (struct span){ spki, sizeof(spki) }, data,
		      len);
	parse((struct span){ data, len });
	return 0;
}
