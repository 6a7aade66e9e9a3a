/*
 * secret: bytes that must not leak. Memory comes from OpenSSL's secure heap
 * (locked, not dumped, guarded) and is wiped on release. When the heap could
 * not be locked, secret_setup() says so and the caller tells the person.
 *
 * Does not check: copies that a library makes of bytes we hand it.
 */
#ifndef PV_BASE_SECRET_H
#define PV_BASE_SECRET_H

#include <stdint.h>

#include "lib/base/cleanup.h"
#include "lib/base/err.h"

enum secret_heap { SECRET_HEAP_LOCKED, SECRET_HEAP_UNLOCKED };

/*
 * Sets up the process-wide secure heap (1 MiB) before the first secret; called
 * again in a forked child, whose pages are not locked by the parent's call.
 * *heap says whether the pages are locked (CRYPTO_secure_malloc_init, 1 or 2).
 * With secrets still in use the old heap stays, and counts as not locked.
 */
PV_MUST enum pv_code secret_setup(enum secret_heap *heap, struct err *err);
/* The same with another size in bytes, a power of two, for who holds many. */
PV_MUST enum pv_code secret_setup_size(size_t bytes, enum secret_heap *heap,
				       struct err *err);

struct secret {
	uint8_t *data;         /* NULL when empty */
	size_t len;            /* bytes */
};

#define SECRET_INIT { NULL, 0 }
#define SECRET CLEANUP(secret_release) struct secret

/* len zeroed bytes (1 to 65536 + some); a former value is released first. */
PV_MUST enum pv_code secret_alloc(struct secret *s, size_t len, struct err *err);
PV_MUST enum pv_code secret_copy(struct secret *s, const void *from, size_t len,
				 struct err *err);
/* len random bytes from OpenSSL's private generator. */
PV_MUST enum pv_code secret_random(struct secret *s, size_t len, struct err *err);
/*
 * Locks the pages of s again, in a forked child that has to use its parent's
 * heap; false when the kernel refuses. Takes NULL and an empty one.
 */
PV_MUST bool secret_lock(const struct secret *s);
/* Drops all bytes past len, wiping them; len may not exceed s->len. */
void secret_truncate(struct secret *s, size_t len);
/* Wipes and frees; s is empty after. Takes an empty one. */
void secret_release(struct secret *s);
/* Moves from into to (which is released first). */
void secret_move(struct secret *to, struct secret *from);
/* Constant time in the contents; different lengths are different. */
PV_MUST bool secret_equal(const struct secret *a, const void *b, size_t len);
/* Wipes n bytes that were not in a struct secret (a C API's own buffer). */
void secret_wipe(void *p, size_t n);

#endif
