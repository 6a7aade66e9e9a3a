/*
 * Anything from outside that claims to be a CSR: text to DER, decoding, key
 * check, hash of what it asks for, proof of possession. RSA keys above 4096
 * bits are parsed but not checked, to keep one run short.
 */
#include <stdlib.h>

#include "lib/x509/csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void whole_way(struct x509_ctx *ctx, struct span der)
{
	struct key_facts facts;
	struct csr csr;
	uint8_t hash[32];

	if (csr_decode(der, &csr, NULL) != PV_OK)
		return;
	if (csr_requested_hash(ctx, &csr, hash, NULL) != PV_OK)
		abort(); /* what was decoded can be walked again */
	if (csr.key.bits > 4096)
		return;
	if (x509_key_check(ctx, csr.spki, X509_ALLOW_ALL, &facts, NULL) !=
	    PV_OK)
		return;
	if (facts.alg != csr.key.alg)
		abort();
	if (csr_verify(ctx, &csr, NULL) == PV_OK &&
	    csr.sig_alg == CSR_SIG_REFUSED)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct x509_ctx *ctx;
	struct buf der;

	if (x509_ctx_new(&ctx, NULL) != PV_OK)
		return 0;
	buf_init(&der, CSR_DER_MAX);
	if (csr_text_to_der((struct span){ data, size }, &der, NULL) == PV_OK)
		whole_way(ctx, buf_span(&der));
	buf_release(&der);
	x509_ctx_free(ctx);
	return 0;
}
