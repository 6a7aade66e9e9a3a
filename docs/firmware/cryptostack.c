#include "docs/firmware/cryptostack.h"

#include <string.h>

#include "docs/firmware/board.h"

#define STACK_LEN 4096u
#define PAINT 0xa5

/* One call on its way to the other stack; each callback fills what it has. */
struct call {
	bool (*run)(const struct call *c);
	void *ctx;
	const uint8_t *a, *b, *c;
	uint8_t *out;
	size_t n, m;
	enum pvdev_slot slot;
	bool ok;
};

/* One board, one receiver, one stack. */
static const struct pvdev_crypto *table;
static _Alignas(8) uint8_t stack[STACK_LEN];

static void enter(void *arg)
{
	struct call *c = arg;

	c->ok = c->run(c);
}

static bool call(struct call *c)
{
	board_on_stack(enter, c, stack + sizeof(stack));
	return c->ok;
}

static bool run_sha256_begin(const struct call *c)
{
	return table->sha256_begin(c->ctx);
}

static bool sha256_begin(void *ctx)
{
	struct call c = { .run = run_sha256_begin, .ctx = ctx };

	return call(&c);
}

static bool run_sha256_update(const struct call *c)
{
	return table->sha256_update(c->ctx, c->a, c->n);
}

static bool sha256_update(void *ctx, const uint8_t *p, size_t len)
{
	struct call c = {
		.run = run_sha256_update, .ctx = ctx, .a = p, .n = len
	};

	return call(&c);
}

static bool run_sha256_final(const struct call *c)
{
	return table->sha256_final(c->ctx, c->out);
}

static bool sha256_final(void *ctx, uint8_t out[PVDEV_HASH_LEN])
{
	struct call c = { .run = run_sha256_final, .ctx = ctx, .out = out };

	return call(&c);
}

static bool run_hmac_begin(const struct call *c)
{
	return table->hmac_begin(c->ctx, c->a, c->n);
}

static bool hmac_begin(void *ctx, const uint8_t *key, size_t len)
{
	struct call c = {
		.run = run_hmac_begin, .ctx = ctx, .a = key, .n = len
	};

	return call(&c);
}

static bool run_hmac_begin_slot(const struct call *c)
{
	return table->hmac_begin_slot(c->ctx, c->slot);
}

static bool hmac_begin_slot(void *ctx, enum pvdev_slot slot)
{
	struct call c = { .run = run_hmac_begin_slot,
			  .ctx = ctx,
			  .slot = slot };

	return call(&c);
}

static bool run_hmac_update(const struct call *c)
{
	return table->hmac_update(c->ctx, c->a, c->n);
}

static bool hmac_update(void *ctx, const uint8_t *p, size_t len)
{
	struct call c = {
		.run = run_hmac_update, .ctx = ctx, .a = p, .n = len
	};

	return call(&c);
}

static bool run_hmac_final(const struct call *c)
{
	return table->hmac_final(c->ctx, c->out);
}

static bool hmac_final(void *ctx, uint8_t out[PVDEV_HASH_LEN])
{
	struct call c = { .run = run_hmac_final, .ctx = ctx, .out = out };

	return call(&c);
}

static bool run_p256_verify(const struct call *c)
{
	return table->p256_verify(c->ctx, c->a, c->b, c->c);
}

static bool p256_verify(void *ctx, const uint8_t point[PVDEV_POINT_LEN],
			const uint8_t digest[PVDEV_HASH_LEN],
			const uint8_t sig[PVDEV_SIG_LEN])
{
	struct call c = { .run = run_p256_verify,
			  .ctx = ctx,
			  .a = point,
			  .b = digest,
			  .c = sig };

	return call(&c);
}

static bool run_p256_sign(const struct call *c)
{
	return table->p256_sign(c->ctx, c->slot, c->a, c->out);
}

static bool p256_sign(void *ctx, enum pvdev_slot slot,
		      const uint8_t digest[PVDEV_HASH_LEN],
		      uint8_t sig[PVDEV_SIG_LEN])
{
	struct call c = { .run = run_p256_sign,
			  .ctx = ctx,
			  .slot = slot,
			  .a = digest,
			  .out = sig };

	return call(&c);
}

static bool run_p256_ecdh(const struct call *c)
{
	return table->p256_ecdh(c->ctx, c->slot, c->a, c->out);
}

static bool p256_ecdh(void *ctx, enum pvdev_slot slot,
		      const uint8_t peer[PVDEV_POINT_LEN],
		      uint8_t x[PVDEV_KEY_LEN])
{
	struct call c = { .run = run_p256_ecdh,
			  .ctx = ctx,
			  .slot = slot,
			  .a = peer,
			  .out = x };

	return call(&c);
}

static bool run_gcm_open(const struct call *c)
{
	return table->gcm_open(c->ctx, c->a, c->b, c->c, c->n, c->out, c->m);
}

static bool gcm_open(void *ctx, const uint8_t key[PVDEV_KEY_LEN],
		     const uint8_t nonce[PVDEV_NONCE_LEN], const uint8_t *aad,
		     size_t aad_len, uint8_t *p, size_t len)
{
	struct call c = { .run = run_gcm_open,
			  .ctx = ctx,
			  .a = key,
			  .b = nonce,
			  .c = aad,
			  .n = aad_len,
			  .out = p,
			  .m = len };

	return call(&c);
}

static bool run_kw_unwrap(const struct call *c)
{
	return table->kw_unwrap(c->ctx, c->a, c->out);
}

static bool kw_unwrap(void *ctx, const uint8_t in[PVDEV_KW_LEN],
		      uint8_t out[PVDEV_KEY_LEN])
{
	struct call c = {
		.run = run_kw_unwrap, .ctx = ctx, .a = in, .out = out
	};

	return call(&c);
}

const struct pvdev_crypto cryptostack_table = {
	.sha256_begin = sha256_begin,
	.sha256_update = sha256_update,
	.sha256_final = sha256_final,
	.hmac_begin = hmac_begin,
	.hmac_begin_slot = hmac_begin_slot,
	.hmac_update = hmac_update,
	.hmac_final = hmac_final,
	.p256_verify = p256_verify,
	.p256_sign = p256_sign,
	.p256_ecdh = p256_ecdh,
	.gcm_open = gcm_open,
	.kw_unwrap = kw_unwrap,
};

void cryptostack_init(const struct pvdev_crypto *inner)
{
	table = inner;
	memset(stack, PAINT, sizeof(stack));
}

size_t cryptostack_used(void)
{
	size_t untouched = 0;

	while (untouched < sizeof(stack) && stack[untouched] == PAINT)
		untouched++;
	return sizeof(stack) - untouched;
}
