/*
 * keycheck: is this public key one that may be certified? Structure, curve,
 * and the weaknesses that a public key alone shows.
 *
 * EC: named curves P-256 and P-384, uncompressed points, on the curve, not
 * infinity (RFC 5480). RSA: 2048 to 4096 bits, exponent odd, 65537 to
 * 2^256 - 1 (SP 800-56B, 6.2), no factor below 2^16, no Fermat factors within
 * 100 rounds, no ROCA fingerprint (CVE-2017-15361).
 *
 * Does not check: Debian's list of 2008 (none is shipped; facts say so),
 * factors shared with other keys, who owns the key.
 */
#ifndef PV_X509_KEYCHECK_H
#define PV_X509_KEYCHECK_H

#include "lib/base/buf.h"

#define X509_RSA_BITS_MIN 2048 /* SP 800-131A: 112 bits of strength */
#define X509_RSA_BITS_MAX 4096 /* bounds the work that one key can ask for */
#define X509_FERMAT_ROUNDS 100 /* policy.md, "Deciding" */
#define X509_SPKI_MAX 1200     /* bytes of DER; RSA 4096 needs 550 + e */

enum x509_alg {
	X509_ALG_OTHER, /* anything we do not certify */
	X509_ALG_P256,
	X509_ALG_P384,
	X509_ALG_RSA
};
#define X509_ALLOW(alg) (1u << (alg))
#define X509_ALLOW_ALL                                                         \
	(X509_ALLOW(X509_ALG_P256) | X509_ALLOW(X509_ALG_P384) |               \
	 X509_ALLOW(X509_ALG_RSA))

/* "P-256", "P-384", "RSA" or "other". */
const char *x509_alg_name(enum x509_alg alg);

/*
 * Kept OpenSSL objects of one process or thread: one EVP_PKEY per curve whose
 * public point is replaced, numbers for the RSA checks. Not shared by threads.
 */
struct x509_ctx;
PV_MUST enum pv_code x509_ctx_new(struct x509_ctx **ctx, struct err *err);
/* Takes NULL. */
void x509_ctx_free(struct x509_ctx *ctx);
void x509_ctx_cleanup(struct x509_ctx **ctx);
/* Its kept SHA-256, for who has a ctx and something to hash. */
struct sha256 *x509_ctx_hash(struct x509_ctx *ctx);

struct key_facts {
	enum x509_alg alg;
	unsigned bits;	    /* 256, 384, or of the modulus */
	struct span point;  /* EC: 04 || x || y, inside the given SPKI */
	struct span n, e;   /* RSA: magnitudes, inside the given SPKI */
	const char *debian; /* "not checked" for RSA, "not applicable" */
};

/*
 * Takes an SPKI apart, no arithmetic: for readers of untrusted input. A key of
 * another algorithm is X509_ALG_OTHER and PV_OK. PV_INPUT, rule
 * "key.malformed"; PV_DENIED, rule "key.curve" (explicit parameters or another
 * curve), "key.infinity", "key.point" (compressed or of another length).
 */
PV_MUST enum pv_code x509_key_parse(struct span spki, struct key_facts *facts,
				    struct err *err);

/*
 * What costs next to nothing: structure, algorithm, curve, sizes. allowed:
 * X509_ALLOW() bits. *facts is filled even when a check after parsing refuses.
 * Codes of x509_key_parse(), and PV_DENIED with rule "key.algorithm",
 * "key.off_curve", "key.size", "key.modulus" (even) or "key.exponent".
 */
PV_MUST enum pv_code x509_key_check_form(struct x509_ctx *ctx, struct span spki,
					 unsigned allowed,
					 struct key_facts *facts,
					 struct err *err);
/*
 * What is left, on facts of a key whose form is right: up to tens of
 * milliseconds with RSA, so the algorithm should be one that is wanted.
 * PV_DENIED with rule "key.small_factors", "key.roca", "key.fermat" or
 * "key.prime" (an RSA modulus that is itself prime).
 */
PV_MUST enum pv_code x509_key_check_weak(struct x509_ctx *ctx,
					 const struct key_facts *facts,
					 struct err *err);
/* Both, in turn. */
PV_MUST enum pv_code x509_key_check(struct x509_ctx *ctx, struct span spki,
				    unsigned allowed, struct key_facts *facts,
				    struct err *err);

#endif
