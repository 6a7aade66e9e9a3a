/*
 * claimed: whose it is by what evidence says itself, for finding out whose key
 * could have signed it (reliability.md, case 26).
 *
 * Does not check: anything of that. It is believed once a signature under the
 * key that it leads to was right.
 * Specification: RFC 9783 4.2.1; TCG DICE Attestation Architecture 1.0, 6.
 */
#ifndef PV_EVIDENCE_CLAIMED_H
#define PV_EVIDENCE_CLAIMED_H

#include "lib/evidence/evidence.h"

#define EVIDENCE_CLAIMED_MAX 8 /* a chain's certificates */

struct evidence_claimed {
	/* psa: the ueid without its first byte, 01; dice: SHA-256 of the SPKI
	 * of each certificate, the alias's first. A quote says nothing. */
	uint8_t id[EVIDENCE_CLAIMED_MAX][32];
	size_t n; /* 0: it says nothing, or is no such evidence */
};

void evidence_claimed(enum evidence_format format, struct span bytes,
		      struct evidence_claimed *out);

#endif
