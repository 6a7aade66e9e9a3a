/*
 * Any bytes as COSE_Sign1 or COSE_Mac0 of our profile: what is accepted can be
 * built again from its parts to the same bytes.
 */
#include <string.h>

#include "lib/base/cose.h"
#include "tests/fuzz/fuzz.h"

static void one(const uint8_t *data, size_t len, uint64_t tag, int64_t alg)
{
	struct cose_msg m;
	struct cbor_writer w;
	struct cbor_bytes prot;
	const char *why = NULL;
	uint8_t header[64], *out;

	if (!cose_parse(&m, tag, alg, data, len, &why)) {
		FUZZ_CHECK(why != NULL);
		return;
	}
	FUZZ_CHECK(m.kid.len >= COSE_KID_MIN && m.kid.len <= COSE_KID_MAX);
	cbor_writer_init(&w, header, sizeof(header));
	cose_put_protected(&w, alg, m.kid.p, m.kid.len);
	FUZZ_CHECK(cbor_writer_ok(&w) && w.len == m.protected_hdr.len);
	FUZZ_CHECK(memcmp(header, m.protected_hdr.p, w.len) == 0);
	prot.p = header;
	prot.len = w.len;
	out = malloc(len);
	FUZZ_CHECK(out != NULL);
	cbor_writer_init(&w, out, len);
	cose_put_message(&w, tag, prot, m.payload, m.auth.p, m.auth.len);
	FUZZ_CHECK(cbor_writer_ok(&w) && w.len == len);
	FUZZ_CHECK(memcmp(out, data, len) == 0);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	one(data, len, COSE_TAG_SIGN1, COSE_ALG_ES256);
	one(data, len, COSE_TAG_MAC0, COSE_ALG_HMAC256);
	return 0;
}
