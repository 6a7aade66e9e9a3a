/* crl_fix: a CA with its key, and revocation lists of it. */
#ifndef PV_TESTS_CRL_FIX_H
#define PV_TESTS_CRL_FIX_H

#include "lib/x509/crl_read.h"
#include "tests/unit/x509_fixture.h"

struct crl_fix {
	struct x509_profile profile;
	struct x509_issuer issuer;
	EVP_PKEY *key;
};

extern const char *const crl_fix_uris[2];

void crl_fix_init(struct crl_fix *f);
void crl_fix_release(struct crl_fix *f);
/* Another key under the same name. */
void crl_fix_rekey(struct crl_fix *f);

struct x509_crl_head crl_fix_head(const struct crl_fix *f, uint64_t number);
/* A serial as ours are: four ordered octets and twelve others. */
struct x509_crl_entry crl_fix_entry(uint32_t number);
/* n of them, to free(). */
struct x509_crl_entry *crl_fix_entries(size_t n);
/* Built, linted and signed; der is initialised here. */
void crl_fix_make(const struct crl_fix *f, const struct x509_crl_head *head,
		  const struct x509_crl_entry *entries, size_t n,
		  struct buf *der);

#endif
