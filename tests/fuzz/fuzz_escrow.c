/*
 * Any bytes as the certificate that secrets are sealed to: what is taken can
 * be sealed to.
 */
#include <string.h>

#include <openssl/rand.h>

#include "lib/seal/escrow.h"
#include "tests/fuzz/fuzz.h"

#define CMS_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span cert = { data, len };
	SECRET content = SECRET_INIT;
	struct escrow_to *to = NULL;
	struct buf out;
	struct err err;

	FUZZ_SECRETS();
	err_init(&err);
	if (escrow_to_new(cert, &to, &err) != PV_OK) {
		FUZZ_CHECK(!to && err.code == PV_INPUT && err.message[0]);
		return 0;
	}
	FUZZ_CHECK(to && secret_alloc(&content, 32, NULL) == PV_OK);
	memset(content.data, 1, content.len);
	buf_init(&out, CMS_MAX + 2 * len);
	FUZZ_CHECK(escrow_seal(to, &content, &out, NULL) == PV_OK);
	FUZZ_CHECK(out.len > content.len);
	buf_release(&out);
	escrow_to_free(to);
	return 0;
}
