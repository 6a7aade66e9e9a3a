#include "lib/evidence/claimed.h"

#include <string.h>

#include "lib/evidence/eat.h"
#include "lib/evidence/psa_claims.h"

#define UEID_RAND 0x01

static void psa_claimed(struct span bytes, struct evidence_claimed *out)
{
	const struct evidence_want want = { .device = "" };
	struct evidence_run run = { &want, NULL, NULL, PV_OK, false };
	struct psa_claims claims;
	struct eat_msg m;
	const char *why;

	if (bytes.len > EVIDENCE_PSA_MAX || !eat_message(bytes, &m, &why) ||
	    psa_claims_parse(&run, m.payload, &claims) != PV_OK ||
	    claims.ueid.len != EVIDENCE_UEID_LEN ||
	    claims.ueid.p[0] != UEID_RAND)
		return;
	memcpy(out->id[0], claims.ueid.p + 1, sizeof(out->id[0]));
	out->n = 1;
}

void evidence_claimed(enum evidence_format format, struct span bytes,
		      struct evidence_claimed *out)
{
	out->n = 0;
	if (format == EVIDENCE_PSA)
		psa_claimed(bytes, out);
	else if (format == EVIDENCE_DICE)
		evidence_dice_claimed(bytes, out);
}
