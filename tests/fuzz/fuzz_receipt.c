/*
 * Any bytes as a receipt: what is accepted can be built again from its parts to
 * the same bytes, and its claims are within their bounds.
 */
#include <string.h>

#include "lib/base/cose.h"
#include "lib/seal/receipt.h"
#include "tests/fuzz/fuzz.h"

static struct cbor_bytes bytes_of(struct span s)
{
	struct cbor_bytes b = { s.p, s.len };

	return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t again[SEAL_RECEIPT_MAX], digest[32];
	struct seal_receipt r;
	struct cbor_writer w;
	struct err err;

	err_init(&err);
	if (seal_receipt_parse((struct span){ data, len }, &r, &err) != PV_OK) {
		FUZZ_CHECK(err.code == PV_INPUT);
		FUZZ_CHECK(strcmp(err.rule, "receipt.form") == 0);
		return 0;
	}
	FUZZ_CHECK(r.seq > 0 && r.seq < UINT64_C(1) << 63);
	FUZZ_CHECK(r.nonce.len <= SEAL_NONCE_MAX);
	FUZZ_CHECK(r.auth.len == (r.mac ? COSE_MAC_LEN : COSE_SIG_LEN));
	FUZZ_CHECK(seal_receipt_digest(&r, digest, &err) == PV_OK);
	cbor_writer_init(&w, again, sizeof(again));
	cose_put_message(&w, r.mac ? COSE_TAG_MAC0 : COSE_TAG_SIGN1,
			 bytes_of(r.protected_hdr), bytes_of(r.payload),
			 r.auth.p, r.auth.len);
	FUZZ_CHECK(cbor_writer_ok(&w) && w.len == len);
	FUZZ_CHECK(memcmp(again, data, len) == 0);
	return 0;
}
