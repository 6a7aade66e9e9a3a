/*
 * Any certificates, anchors and revocation lists as a chain: records of a kind
 * (0 certificate, 1 anchor, 2 list), two bytes of length, and so many bytes. A
 * verdict has its reason, and what a list says only ever takes away.
 */
#include <string.h>

#include "lib/evidence/chain.h"
#include "lib/evidence/makecred.h"
#include "tests/fuzz/fuzz.h"

#define NOW_S 1830000000 /* in the time of the corpus's certificates */
#define LIST_MAX 12	 /* more than a chain takes */

enum kind { CERT, ANCHOR, CRL, KINDS };

struct lists {
	struct span of[KINDS][LIST_MAX];
	size_t n[KINDS];
};

static void cut(const uint8_t *data, size_t len, struct lists *l)
{
	memset(l, 0, sizeof(*l));
	while (len >= 3 && data[0] < KINDS) {
		size_t size = (size_t)data[1] << 8 | data[2];
		size_t kind = data[0];

		if (size > len - 3 || l->n[kind] == LIST_MAX)
			return;
		l->of[kind][l->n[kind]++] = (struct span){ data + 3, size };
		data += 3 + size;
		len -= 3 + size;
	}
}

static bool stands(const struct evidence_chain *chain)
{
	static const struct evidence_path none;
	struct evidence_path path;
	char why[EVIDENCE_CHAIN_TEXT] = "";
	struct err err;
	enum pv_code rc;

	err_init(&err);
	rc = evidence_chain_verify(chain, &path, why, &err);
	if (rc == PV_OK) {
		FUZZ_CHECK(chain->anchors_n > 0);
		FUZZ_CHECK(path.below == chain->certs_n ||
			   path.below + 1 == chain->certs_n);
		return true;
	}
	FUZZ_CHECK(rc == PV_INPUT || rc == PV_INTEGRITY);
	FUZZ_CHECK(why[0] && memchr(why, '\0', sizeof(why)));
	FUZZ_CHECK(memcmp(&path, &none, sizeof(path)) == 0);
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct lists l;
	struct evidence_chain chain = { .now_s = NOW_S };
	struct span spki;
	struct err err;
	bool listed;

	cut(data, len, &l);
	chain.certs = l.of[CERT];
	chain.certs_n = l.n[CERT];
	chain.anchors = l.of[ANCHOR];
	chain.anchors_n = l.n[ANCHOR];
	chain.crls = l.of[CRL];
	chain.crls_n = l.n[CRL];
	listed = stands(&chain);
	err_init(&err);
	FUZZ_CHECK(tpm2_ek_verify(&chain, &spki, &err) != PV_OK || listed);
	for (size_t i = 0; i < l.n[CRL]; i++) {
		const char *why = NULL;

		FUZZ_CHECK(evidence_crl_good(l.of[CRL][i], NOW_S, &why) ||
			   why != NULL);
	}
	chain.crls_n = 0;
	FUZZ_CHECK(stands(&chain) || !listed);
	return 0;
}
