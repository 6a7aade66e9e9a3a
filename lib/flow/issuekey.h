/* issuekey: a key of the authority as it was recorded; plain data. */
#ifndef PV_FLOW_ISSUEKEY_H
#define PV_FLOW_ISSUEKEY_H

#include "lib/hsm.h"

struct issue_key {
	char purpose[64];
	char label[HSM_LABEL_MAX];
	enum hsm_key_kind kind;
	uint8_t id[HSM_ID_LEN];
	uint8_t spki[HSM_SPKI_MAX]; /* DER; spki_len 0 for secret keys */
	size_t spki_len;
	uint8_t attrs_sha256[32]; /* as read back when it was made */
	bool generated;		  /* on the token, by its own word */
	bool restored;		  /* and another token has it, too */
};

#endif
