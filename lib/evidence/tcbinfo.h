/*
 * tcbinfo: DiceTcbInfo, OID 2.23.133.5.4.1 (TCG DICE Attestation Architecture
 * 1.0, 6.1.1; flags and their mask of 1.1), in strict DER. RIoT's structure
 * under the same OID, which begins with an INTEGER, is refused.
 *
 * Does not check: whether the values are good ones.
 */
#ifndef PV_EVIDENCE_TCBINFO_H
#define PV_EVIDENCE_TCBINFO_H

#include "lib/base/buf.h"

#define TCBINFO_FWIDS_MAX 16

/* Bits of OperationalFlags; 31 says only how long they are. */
#define TCBINFO_NOT_CONFIGURED (1u << 0)
#define TCBINFO_NOT_SECURE (1u << 1)
#define TCBINFO_RECOVERY (1u << 2)
#define TCBINFO_DEBUG (1u << 3)
#define TCBINFO_FIXED_WIDTH (1u << 31)

struct tcbinfo { /* spans point into the extension */
	bool has_svn, has_layer;
	uint32_t svn, layer;
	uint32_t flags;
	size_t fwid_n; /* how many there are, of any algorithm */
	struct span sha256[TCBINFO_FWIDS_MAX]; /* those of SHA-256 */
	size_t sha256_n;
};

/* The contents of the extension. False, with a static sentence in *why. */
PV_MUST bool tcbinfo_parse(struct span value, struct tcbinfo *out,
			   const char **why);
/* Contents of an OBJECT IDENTIFIER. */
PV_MUST bool tcbinfo_is_oid(struct span oid);

#endif
