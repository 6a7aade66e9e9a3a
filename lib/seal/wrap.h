/*
 * wrap: AES-256 key wrap (RFC 3394, default IV) of a bundle secret under a
 * device's KEK (formats.md 1, kind 2).
 */
#ifndef PV_SEAL_WRAP_H
#define PV_SEAL_WRAP_H

#include "lib/base/buf.h"
#include "lib/base/secret.h"

#define WRAP_KEK_LEN 32
#define WRAP_OVERHEAD 8 /* bytes (RFC 3394 2.2.1) */

struct wrap;

/* Kept contexts for one thread. *w owned by the caller. PV_INTERNAL. */
PV_MUST enum pv_code wrap_new(struct wrap **w, struct err *err);
void wrap_free(struct wrap *w);

/*
 * Wraps key (16 or more bytes, a multiple of 8) into out, which gets
 * key->len + WRAP_OVERHEAD bytes. PV_INTERNAL, rule "seal.wrap", on a wrong
 * length; out is undefined after a failure.
 */
PV_MUST enum pv_code wrap_kek(struct wrap *w, const struct secret *kek,
			      const struct secret *key, uint8_t *out,
			      struct err *err);
/* Opposite. PV_INTEGRITY, rule "seal.wrap"; key is empty after a failure. */
PV_MUST enum pv_code wrap_unwrap(struct wrap *w, const struct secret *kek,
				 struct span wrapped, struct secret *key,
				 struct err *err);

#endif
