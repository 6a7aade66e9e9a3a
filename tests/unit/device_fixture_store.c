#include "tests/unit/device_fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static bool fails(struct fx_store *s)
{
	return ++s->calls == s->fail_at;
}

static bool load(void *ctx, uint64_t *seq, uint64_t *manifest_seq)
{
	struct fx_store *s = ctx;

	if (fails(s))
		return false;
	*seq = s->seq;
	*manifest_seq = s->manifest_seq;
	return true;
}

static bool stage(void *ctx, unsigned i, uint32_t offset, const uint8_t *p,
		  size_t len)
{
	struct fx_store *s = ctx;

	ck_assert_uint_lt(i, PVDEV_COMPONENTS_MAX);
	ck_assert_uint_le(offset + len, FX_STORE_MAX);
	if (fails(s))
		return false;
	if (!s->stage[i])
		s->stage[i] = calloc(1, FX_STORE_MAX);
	ck_assert(s->stage[i] != NULL);
	memcpy(s->stage[i] + offset, p, len);
	s->staged_bytes += len;
	return true;
}

static bool read_back(void *ctx, unsigned i, uint32_t offset, uint8_t *p,
		      size_t len)
{
	struct fx_store *s = ctx;

	if (fails(s) || !s->stage[i])
		return false;
	memcpy(p, s->stage[i] + offset, len);
	return true;
}

static enum pvdev_result activate(void *ctx, const struct pvdev *d,
				  uint64_t manifest_seq,
				  const struct pvdev_facts *facts)
{
	struct fx_store *s = ctx;
	const struct pvdev_component *c;
	unsigned i;

	if (fails(s))
		return PVDEV_STORAGE;
	for (i = 0; (c = pvdev_component(d, i)) != NULL; i++) {
		free(s->active[i]);
		s->active[i] = malloc(c->len);
		ck_assert(s->active[i] != NULL);
		memcpy(s->active[i], s->stage[i], c->len);
		s->active_len[i] = c->len;
	}
	s->active_n = i;
	s->seq = facts->seq;
	s->manifest_seq = manifest_seq;
	s->facts = *facts;
	s->activations++;
	return PVDEV_OK;
}

const struct pvdev_storage fx_storage = {
	.load = load,
	.stage = stage,
	.read_back = read_back,
	.activate = activate,
};

static void set_keys(struct fx *f)
{
	struct fx_keys *k = &f->keys;
	uint64_t seed = 4711;

	k->bundle = fx_new_key();
	k->other = fx_new_key();
	k->certified = fx_new_key();
	k->sealing = fx_new_key();
	fx_random(&seed, k->kek, 32);
	fx_random(&seed, k->auth, 32);
	fx_random(&seed, k->receipt, 32);
	fx_random(&seed, k->kdf_id, 16);
	fx_random(&seed, k->vendor, 16);
	fx_random(&seed, k->class_id, 16);
	fx_crypto_init(&f->crypto);
	fx_crypto_keys(&f->crypto, k->certified, k->sealing);
	fx_crypto_secrets(&f->crypto, k->kek, k->auth, k->receipt);
}

void fx_setup(struct fx *f, const struct fx_spec *s)
{
	struct pvdev_config *c = &f->cfg;
	uint8_t hash[32];
	EVP_PKEY *seal;

	memset(f, 0, sizeof(*f));
	set_keys(f);
	c->crypto = f->crypto.table;
	c->crypto_ctx = f->crypto.ctx;
	c->storage = &fx_storage;
	c->storage_ctx = &f->store;
	c->device_id = "ACME-0123456789AB";
	c->role = "gateway";
	c->stage = "operational";
	c->vendor = f->keys.vendor;
	c->class_id = f->keys.class_id;
	c->form = s->form;
	c->kind = s->kind;
	ck_assert(pvdev_openssl_point(f->keys.bundle, c->bundle_point));
	ck_assert(pvdev_openssl_spki_hash(f->keys.bundle, hash));
	memcpy(c->bundle_kid, hash, 8);
	seal = s->certified_recipient ? f->keys.certified : f->keys.sealing;
	c->seal_slot = s->certified_recipient ? PVDEV_SLOT_CERTIFIED
					      : PVDEV_SLOT_SEALING;
	ck_assert(pvdev_openssl_point(seal, c->seal_point));
	if (s->kind == PVDEV_KIND_P256) {
		ck_assert(pvdev_openssl_spki_hash(seal, c->key_id));
		c->key_id_len = 32;
	}
	c->receipt_slot = s->kind == PVDEV_KIND_P256 ? PVDEV_SLOT_CERTIFIED
						     : PVDEV_SLOT_RECEIPT;
	ck_assert(pvdev_openssl_spki_hash(f->keys.certified, hash));
	memcpy(c->receipt_kid, hash, 8);
	c->has_clock = true;
	c->now = 1500;
	c->seen = f->seen;
	c->seen_len = sizeof(f->seen);
}

void fx_release(struct fx *f)
{
	size_t i;

	EVP_PKEY_free(f->keys.bundle);
	EVP_PKEY_free(f->keys.other);
	EVP_PKEY_free(f->keys.certified);
	EVP_PKEY_free(f->keys.sealing);
	fx_crypto_release(&f->crypto);
	for (i = 0; i < PVDEV_COMPONENTS_MAX; i++) {
		free(f->store.stage[i]);
		free(f->store.active[i]);
	}
}

enum pvdev_result fx_begin(struct fx *f, struct fx_bundle *b)
{
	struct cbor_bytes m = { b->item[0].data, b->item[0].len };
	struct cbor_bytes d = { b->item[1].data, b->item[1].len };

	return pvdev_begin(&f->dev, &f->cfg, m, d);
}

enum pvdev_result fx_feed(struct fx *f, struct fx_bundle *b, size_t n)
{
	size_t len = b->item[n].len;
	uint8_t *copy = malloc(len);
	enum pvdev_result r;

	ck_assert(copy != NULL);
	memcpy(copy, b->item[n].data, len);
	r = pvdev_feed(&f->dev, n, copy, len);
	free(copy);
	return r;
}

enum pvdev_result fx_open(struct fx *f, struct fx_bundle *b)
{
	enum pvdev_result r = fx_begin(f, b);
	size_t n;

	for (n = 2; n < b->items && r == PVDEV_OK; n++)
		r = fx_feed(f, b, n);
	return r == PVDEV_OK ? pvdev_finish(&f->dev) : r;
}

static void assert_wiped(const struct pvdev *d)
{
	static const uint8_t zero[sizeof(d->keys)];

	ck_assert_mem_eq(d->bs, zero, sizeof(d->bs));
	ck_assert_mem_eq(d->keys, zero, sizeof(d->keys));
}

void fx_assert_active(const struct fx *f, const struct fx_bundle *b,
		      const struct fx_spec *s)
{
	size_t i;

	ck_assert_uint_eq(f->store.activations, 1);
	ck_assert_uint_eq(f->store.active_n, b->plain_n);
	for (i = 0; i < b->plain_n; i++) {
		ck_assert_uint_eq(f->store.active_len[i], b->plain_len[i]);
		ck_assert_mem_eq(f->store.active[i], b->plain[i],
				 b->plain_len[i]);
	}
	ck_assert_uint_eq(f->store.seq, s->seq);
	ck_assert_uint_eq(f->store.manifest_seq, s->manifest_seq);
	ck_assert_mem_eq(f->store.facts.bh, b->bh, 32);
	ck_assert_mem_eq(f->store.facts.bundle_id, b->bundle_id, 16);
	assert_wiped(&f->dev);
}

void fx_assert_untouched(const struct fx *f)
{
	ck_assert_uint_eq(f->store.activations, 0);
	ck_assert_uint_eq(f->store.active_n, 0);
	ck_assert_uint_eq(f->store.seq, 0);
	ck_assert_uint_eq(f->store.manifest_seq, 0);
	assert_wiped(&f->dev);
}
