/*
 * exportchain: certificates of CAs for others, verified: a CA and those above
 * it, of the generation that issues, of another one, of a device's own, or all
 * that there is with the cross-certificates, which is what a device of any age
 * needs to verify the others.
 */
#ifndef PV_FLOW_EXPORTCHAIN_H
#define PV_FLOW_EXPORTCHAIN_H

#include "lib/flow/crlword.h"
#include "lib/store/store.h"

struct export_chain_of {
	const char *ca; /* NULL: all CAs, generations and cross-certificates */
	uint32_t generation; /* of ca; 0: the one that issues now */
	bool all; /* every generation of ca and of those above it, and their
		   * cross-certificates */
	const char *device; /* instead: above the certificate that it has */
	struct crl_words *words; /* with device: of that store */
};

struct export_chain_cert {
	const char *ca;
	uint32_t generation; /* of its key */
	uint32_t signer;     /* of a cross-certificate: who signed it; else 0 */
	struct span cert;    /* DER */
};
typedef enum pv_code
export_chain_fn(void *ctx, const struct export_chain_cert *c, struct err *err);

/* Issuer first, the newest generation first, roots last: behind the
 * cross-certificates of their keys; each certificate once. Codes of
 * ca_chain_load(), of export_device_find(); PV_NOT_FOUND "cert.none". A
 * device's row is held against the log, and its last word on the certificate:
 * PV_INTEGRITY, "store.edited". Outside of a transaction. */
PV_MUST enum pv_code export_chain_each(struct store *store,
				       const struct export_chain_of *of,
				       export_chain_fn *take, void *ctx,
				       struct err *err);
/* The same as PEM. */
PV_MUST enum pv_code export_chain(struct store *store,
				  const struct export_chain_of *of,
				  struct buf *out, struct err *err);

#endif
