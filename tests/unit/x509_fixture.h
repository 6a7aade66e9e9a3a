/* x509_fixture: keys, requests and CAs for the tests of lib/x509. */
#ifndef PV_TESTS_X509_FIXTURE_H
#define PV_TESTS_X509_FIXTURE_H

#include <openssl/evp.h>

#include "lib/x509/csr.h"
#include "lib/x509/issuer.h"
#include "lib/x509/tbs.h"

#define FX_NOW INT64_C(1767225600) /* 2026-01-01T00:00:00Z */

/* "P-256", "P-384", "P-521", "secp256k1", "RSA", "Ed25519"; fails the test. */
EVP_PKEY *xf_key(const char *kind);
EVP_PKEY *xf_rsa(unsigned bits);
/* A fixed P-256 key: RFC 6979 A.2.5 (n 0) or the base point (n 1). */
void xf_fixed_spki(unsigned n, uint8_t spki[91]);
void xf_spki(EVP_PKEY *key, struct buf *out);
/* The same as a span that stays. */
struct span xf_fixed_key(unsigned n);
/* SPKI of an RSA key, from RSAPublicKey or from its numbers. */
void xf_wrap_rsa(struct span pkcs1, struct buf *spki);
void xf_rsa_spki(struct span n, struct span e, struct buf *spki);
/* Raw r||s over SHA-256 of msg. */
void xf_sign(EVP_PKEY *key, struct span msg, uint8_t sig[64]);

/* Subject "CN=a/O=b" and OpenSSL extension lines, NULL: none. */
struct xf_csr {
	const char *subject;
	const char *const *exts; /* {"keyUsage", "digitalSignature", NULL} */
	const char *md;		 /* NULL: SHA256 */
	bool challenge, unknown_attr;
};
void xf_csr(EVP_PKEY *key, const struct xf_csr *what, struct buf *out);

/* A text that knows the fields "lot" and "spare" and ${shard}. */
void xf_text(struct text *t, const char *s);
void xf_oid(struct oid *oid, const char *dotted);
void xf_rdn(struct x509_profile *p, const char *name, const char *oid,
	    enum der_string type, const char *value);
void xf_san(struct x509_profile *p, enum profile_san_kind kind,
	    const char *value);
void xf_profile_release(struct x509_profile *p);
/* A CA profile: subject CN, 20 years, pathLen as given (-1 none). */
void xf_ca_profile(struct x509_profile *p, const char *cn, int path_len);
/* A TLS client: CN ${device.id}, digitalSignature, clientAuth. */
void xf_leaf_profile(struct x509_profile *p);

/* Every extension there is, and no placeholder anywhere. */
void xf_literal_profile(struct x509_profile *p);

/* With a made-up signature. */
void xf_unsigned_cert(const struct x509_profile *p,
		      const struct x509_issuer *issuer, struct span spki,
		      int64_t now, struct buf *cert);
/* A CA with the fixed key 1 at FX_NOW; releases p. */
void xf_fixed_issuer(struct x509_profile *p, struct x509_issuer *out);
/* Builds, lints and signs; issuer NULL: self-issued by key. */
void xf_cert(const struct x509_profile *p, const struct x509_issuer *issuer,
	     EVP_PKEY *issuer_key, struct span spki, struct buf *cert);
/* A root of profile p with a new key (or *key if set), loaded. */
void xf_root(const struct x509_profile *p, EVP_PKEY **key,
	     struct x509_issuer *out);

extern const struct text_vars xf_vars;
extern const uint8_t xf_serial[X509_SERIAL_LEN];

#endif
