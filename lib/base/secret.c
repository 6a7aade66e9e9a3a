#include "lib/base/secret.h"

#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#define SECRET_HEAP_BYTES (1024u * 1024u)
#define SECRET_HEAP_MIN 32
#define SECRET_MAX (4u * 1024u * 1024u) /* bytes of one secret */

enum pv_code secret_setup(enum secret_heap *heap, struct err *err)
{
	return secret_setup_size(SECRET_HEAP_BYTES, heap, err);
}

enum pv_code secret_setup_size(size_t bytes, enum secret_heap *heap,
			       struct err *err)
{
	int got;

	/* Locks do not pass a fork: a child sets up a heap of its own. */
	if (CRYPTO_secure_malloc_initialized() &&
	    CRYPTO_secure_malloc_done() != 1) {
		*heap = SECRET_HEAP_UNLOCKED;
		return PV_OK;
	}
	got = CRYPTO_secure_malloc_init(bytes, SECRET_HEAP_MIN);
	if (got == 0)
		return err_fail(err, PV_INTERNAL, "secret.heap",
				"raise the locked-memory limit (ulimit -l)",
				"no secure heap for secrets");
	*heap = got == 1 ? SECRET_HEAP_LOCKED : SECRET_HEAP_UNLOCKED;
	return PV_OK;
}

enum pv_code secret_alloc(struct secret *s, size_t len, struct err *err)
{
	secret_release(s);
	if (len == 0 || len > SECRET_MAX)
		return err_fail(err, PV_INTERNAL, "secret.size", NULL,
				"a secret of %zu bytes is not possible", len);
	/* Outside the secure heap there is no fall-back to the plain one. */
	if (!CRYPTO_secure_malloc_initialized())
		return err_fail(err, PV_INTERNAL, "secret.heap", NULL,
				"the secure heap was not set up");
	s->data = OPENSSL_secure_zalloc(len);
	if (!s->data)
		return err_fail(err, PV_INTERNAL, "secret.heap",
				"fewer secrets at once: smaller batches",
				"the secure heap is full");
	s->len = len;
	return PV_OK;
}

enum pv_code secret_copy(struct secret *s, const void *from, size_t len,
			 struct err *err)
{
	enum pv_code rc = secret_alloc(s, len, err);

	if (rc == PV_OK)
		memcpy(s->data, from, len);
	return rc;
}

enum pv_code secret_random(struct secret *s, size_t len, struct err *err)
{
	enum pv_code rc = secret_alloc(s, len, err);

	if (rc != PV_OK)
		return rc;
	if (RAND_priv_bytes(s->data, (int)len) != 1) {
		secret_release(s);
		return err_fail(err, PV_INTERNAL, "secret.random", NULL,
				"the random generator failed");
	}
	return PV_OK;
}

bool secret_lock(const struct secret *s)
{
	return !s || !s->data || mlock(s->data, s->len) == 0;
}

void secret_truncate(struct secret *s, size_t len)
{
	if (len >= s->len)
		return;
	OPENSSL_cleanse(s->data + len, s->len - len);
	s->len = len;
}

void secret_release(struct secret *s)
{
	/* The actual size of the block is wiped, also after a truncate. */
	if (s->data)
		OPENSSL_secure_clear_free(s->data,
					  CRYPTO_secure_actual_size(s->data));
	s->data = NULL;
	s->len = 0;
}

void secret_move(struct secret *to, struct secret *from)
{
	secret_release(to);
	*to = *from;
	from->data = NULL;
	from->len = 0;
}

bool secret_equal(const struct secret *a, const void *b, size_t len)
{
	return a->len == len &&
	       (len == 0 || CRYPTO_memcmp(a->data, b, len) == 0);
}

void secret_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}
