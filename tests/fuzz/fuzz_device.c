/*
 * Any bytes as a .pvb for receivers of each form. The cryptography says yes to
 * everything (every hash is zeros), so that the fuzzer reaches all the parsers
 * behind it. Whatever comes: activation only with every segment in place, no
 * secret left in a session that ended, nothing read or written out of bounds.
 */
#include <string.h>

#include "lib/device/container.h"
#include "lib/device/receipt.h"
#include "tests/fuzz/fuzz_device.h"

#define STAGE_MAX 65536u

struct world {
	unsigned activated;
	uint8_t stage[STAGE_MAX];
};

static bool yes(void *ctx)
{
	(void)ctx;
	return true;
}

/* Reads every byte, for the sanitizer. */
static bool eat(void *ctx, const uint8_t *p, size_t len)
{
	volatile uint8_t sum = 0;
	size_t i;

	(void)ctx;
	for (i = 0; i < len; i++)
		sum = (uint8_t)(sum ^ p[i]);
	return true;
}

static bool zeros(void *ctx, uint8_t out[32])
{
	(void)ctx;
	memset(out, 0, 32);
	return true;
}

static bool slot(void *ctx, enum pvdev_slot s)
{
	(void)ctx;
	return s == PVDEV_SLOT_AUTH || s == PVDEV_SLOT_RECEIPT;
}

static bool verify(void *ctx, const uint8_t *point, const uint8_t *digest,
		   const uint8_t *sig)
{
	return eat(ctx, point, 65) && eat(ctx, digest, 32) && eat(ctx, sig, 64);
}

static bool sign(void *ctx, enum pvdev_slot s, const uint8_t *digest,
		 uint8_t *sig)
{
	(void)s;
	memset(sig, 1, 64);
	return eat(ctx, digest, 32);
}

static bool ecdh(void *ctx, enum pvdev_slot s, const uint8_t *peer, uint8_t *x)
{
	(void)s;
	return eat(ctx, peer, 65) && zeros(ctx, x);
}

static bool gcm_open(void *ctx, const uint8_t *key, const uint8_t *nonce,
		     const uint8_t *aad, size_t aad_len, uint8_t *p, size_t len)
{
	return eat(ctx, key, 32) && eat(ctx, nonce, 12) &&
	       eat(ctx, aad, aad_len) && eat(ctx, p, len + 16);
}

static bool unwrap(void *ctx, const uint8_t *in, uint8_t *out)
{
	return eat(ctx, in, 40) && zeros(ctx, out);
}

static const struct pvdev_crypto crypto = { yes,  eat,	zeros,	  eat,
					    slot, eat,	zeros,	  verify,
					    sign, ecdh, gcm_open, unwrap };

static bool load(void *ctx, uint64_t *seq, uint64_t *manifest_seq)
{
	(void)ctx;
	*seq = 0;
	*manifest_seq = 0;
	return true;
}

static bool stage(void *ctx, unsigned i, uint32_t offset, const uint8_t *p,
		  size_t len)
{
	struct world *w = ctx;

	FUZZ_CHECK(i < PVDEV_COMPONENTS_MAX);
	if (offset > STAGE_MAX || len > STAGE_MAX - offset)
		return false;
	memcpy(w->stage + offset, p, len);
	return true;
}

static bool read_back(void *ctx, unsigned i, uint32_t offset, uint8_t *p,
		      size_t len)
{
	struct world *w = ctx;

	FUZZ_CHECK(i < PVDEV_COMPONENTS_MAX);
	if (offset > STAGE_MAX || len > STAGE_MAX - offset)
		return false;
	memcpy(p, w->stage + offset, len);
	return true;
}

static enum pvdev_result activate(void *ctx, const struct pvdev *d,
				  uint64_t manifest_seq,
				  const struct pvdev_facts *facts)
{
	struct world *w = ctx;
	unsigned i;

	FUZZ_CHECK(facts->seq > 0 && manifest_seq > 0);
	FUZZ_CHECK(d->sealed_n > 0);
	for (i = 0; pvdev_component(d, i); i++)
		FUZZ_CHECK(pvdev_component(d, i)->len > 0);
	FUZZ_CHECK(i == d->sealed_n + d->clear_n && i <= PVDEV_COMPONENTS_MAX);
	w->activated++;
	return PVDEV_OK;
}

static const struct pvdev_storage storage = { load, stage, read_back,
					      activate };

static enum pvdev_result session(struct pvdev *d, struct pvdev_config *cfg,
				 uint8_t *copy, size_t len)
{
	struct pvdev_container c;
	struct cbor_bytes item, manifest, descriptor;
	enum pvdev_result r;
	uint64_t n = 2;

	pvdev_container_init(&c, copy, len);
	if (!pvdev_container_next(&c, &manifest) ||
	    !pvdev_container_next(&c, &descriptor))
		return PVDEV_CONTAINER;
	r = pvdev_begin(d, cfg, manifest, descriptor);
	while (r == PVDEV_OK && pvdev_container_next(&c, &item))
		r = pvdev_feed(d, n++, copy + (item.p - copy), item.len);
	if (r != PVDEV_OK)
		return r;
	r = pvdev_finish(d);
	if (r == PVDEV_OK)
		FUZZ_CHECK(n >= pvdev_items(d));
	return r;
}

static void check_end(const struct pvdev *d, enum pvdev_result r,
		      const struct world *w)
{
	static const uint8_t zero[sizeof(d->keys)];
	uint8_t receipt[PVDEV_RECEIPT_MAX];
	enum pvdev_result made;
	size_t len;

	FUZZ_CHECK((r == PVDEV_OK) == (w->activated == 1));
	FUZZ_CHECK(memcmp(d->bs, zero, sizeof(d->bs)) == 0);
	FUZZ_CHECK(memcmp(d->keys, zero, sizeof(d->keys)) == 0);
	made = pvdev_receipt(d, receipt, &len);
	FUZZ_CHECK(made == (d->verified ? PVDEV_OK : PVDEV_STATE));
}

unsigned fuzz_device(const uint8_t *data, size_t len)
{
	static const enum pvdev_form forms[] = { PVDEV_FORM_BATCH,
						 PVDEV_FORM_BATCH,
						 PVDEV_FORM_MAC0 };
	static struct world w;
	uint8_t seen[64], *copy = malloc(len ? len : 1);
	struct pvdev_config cfg;
	unsigned activated = 0;
	struct pvdev d;
	int i;

	FUZZ_CHECK(copy != NULL);
	for (i = 0; i < 3; i++) {
		memset(&d, 0, sizeof(d));
		memset(&cfg, 0, sizeof(cfg));
		w.activated = 0;
		cfg.crypto = &crypto;
		cfg.storage = &storage;
		cfg.storage_ctx = &w;
		cfg.device_id = "DEV";
		cfg.form = forms[i];
		cfg.kind = i == 0 ? PVDEV_KIND_P256 : PVDEV_KIND_KDF;
		cfg.key_id_len = i == 0 ? 32 : 0;
		cfg.seal_slot = PVDEV_SLOT_SEALING;
		cfg.receipt_slot =
			i == 0 ? PVDEV_SLOT_CERTIFIED : PVDEV_SLOT_RECEIPT;
		cfg.seen = seen;
		cfg.seen_len = sizeof(seen);
		memcpy(copy, data, len);
		check_end(&d, session(&d, &cfg, copy, len), &w);
		activated += w.activated;
	}
	free(copy);
	return activated;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	(void)!fuzz_device(data, len);
	return 0;
}
