/*
 * yubihsm: the attestation of a key by the YubiHSM 2 that it is in, verified
 * without the device. It is a certificate of the key by the device's own
 * attestation key, whose certificate goes back to Yubico's root; extensions of
 * the arc 1.3.6.1.4.1.41482.4 say what the device knows of the key.
 * Pure: bytes in, verdict out; no clock, no file.
 *
 * Does not check: revocation; that the root is Yubico's (the caller gives it);
 * that the device is the one in use. Tested with synthetic chains only.
 * Specification: YubiHSM 2 User Guide, "Core Concepts", Attestation; "YubiHSM
 * OIDs". Bit masks are BIT STRINGs of whole octets, big-endian.
 */
#ifndef PV_EVIDENCE_YUBIHSM_H
#define PV_EVIDENCE_YUBIHSM_H

#include "lib/base/buf.h"

#define YUBIHSM_LABEL_MAX 40 /* bytes */
/* Origin: how the key came into the device. */
#define YUBIHSM_GENERATED 0x01u
#define YUBIHSM_IMPORTED 0x02u
#define YUBIHSM_IMPORTED_WRAPPED 0x10u
/* Capabilities. */
#define YUBIHSM_EXPORTABLE_UNDER_WRAP (UINT64_C(1) << 0x10)

struct yubihsm_key { /* what the device says of it */
	uint8_t firmware[3];
	uint32_t serial; /* the device's */
	uint8_t origin;	 /* bits */
	uint16_t domains;
	uint64_t capabilities;
	uint16_t object_id;
	char label[YUBIHSM_LABEL_MAX + 1]; /* bytes that a terminal obeys are
					    * escaped; cut to fit */
	/* Of the DER of the anchor that the chain led to; zeros from a parse.
	 * Whose it is, whoever gave it knows. */
	uint8_t anchor_sha256[32];
};

struct yubihsm_want {		  /* all of it borrowed */
	const struct span *certs; /* DER, the key's first, then upwards */
	size_t certs_n;		  /* EVIDENCE_CHAIN_MAX + 1 at most */
	const struct span *anchors;
	size_t anchors_n;
	struct span spki; /* DER of the key that it has to be */
	uint64_t now_s;	  /* since the epoch */
};

/*
 * Takes the extensions of a certificate apart, which is not believed yet. All
 * of them must be there, once, and be what Yubico says. False, with the rule
 * "hsmkey.<extension>" or "hsmkey.form" in *rule, static.
 */
PV_MUST bool yubihsm_parse(struct span cert, struct yubihsm_key *out,
			   const char **rule);

/*
 * PV_OK only when the chain is right, the key is spki, was generated inside
 * and never came in from outside, and cannot leave under a wrap key. out has
 * what the device says once the chain is right, else zeros. The first failure:
 *   PV_INPUT      "hsmkey.form", "hsmkey.firmware", "hsmkey.serial",
 *                 "hsmkey.origin", "hsmkey.domains", "hsmkey.capabilities",
 *                 "hsmkey.object-id", "hsmkey.label": missing or malformed
 *   PV_INTEGRITY  "hsmkey.chain"; "hsmkey.device" (the certificate above is
 *                 not that of the device which the key is said to be in)
 *   PV_DENIED     "hsmkey.spki", "hsmkey.imported", "hsmkey.exportable"
 *   PV_INTERNAL   OpenSSL fails, no memory
 */
PV_MUST enum pv_code yubihsm_verify(const struct yubihsm_want *want,
				    struct yubihsm_key *out, struct err *err);

#endif
