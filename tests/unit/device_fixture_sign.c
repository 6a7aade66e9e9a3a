#include "tests/unit/device_fixture_impl.h"

#include <string.h>

static void put_kid(struct cbor_writer *w, EVP_PKEY *key, const char *hex)
{
	uint8_t kid[32];

	if (hex) {
		ck_assert(hex_decode(hex, kid, strlen(hex) / 2));
		cbor_put_bstr(w, kid, strlen(hex) / 2);
		return;
	}
	ck_assert(pvdev_openssl_spki_hash(key, kid));
	cbor_put_bstr(w, kid, 8);
}

/* [context, protected, h'', payload] (RFC 9052 4.4, 6.3) */
static void structure(struct buf *out, const char *context, struct span prot,
		      struct span payload)
{
	struct scratch s;

	start(&s);
	cbor_put_array(&s.w, 4);
	cbor_put_str(&s.w, context);
	cbor_put_bstr(&s.w, prot.p, prot.len);
	cbor_put_bstr(&s.w, NULL, 0);
	cbor_put_bstr(&s.w, payload.p, payload.len);
	take(&s, out);
}

static void sign_with(EVP_PKEY *key, struct span prot, struct span payload,
		      uint8_t sig[64])
{
	struct buf tbs;

	buf_init(&tbs, MAX);
	structure(&tbs, "Signature1", prot, payload);
	fx_sign(key, tbs.data, tbs.len, sig);
	buf_release(&tbs);
}

void fx_sign1(struct buf *out, EVP_PKEY *named, EVP_PKEY *signer,
	      const char *kid, struct span payload)
{
	struct scratch prot, s;
	struct span p;
	uint8_t sig[64];

	start(&prot);
	cbor_put_map(&prot.w, 2);
	cbor_put_uint(&prot.w, 1);
	cbor_put_int(&prot.w, -7);
	cbor_put_uint(&prot.w, 4);
	put_kid(&prot.w, named, kid);
	p.p = prot.bytes;
	p.len = prot.w.len;
	sign_with(signer, p, payload, sig);
	start(&s);
	cbor_put_tag(&s.w, 18);
	cbor_put_array(&s.w, 4);
	cbor_put_bstr(&s.w, p.p, p.len);
	cbor_put_map(&s.w, 0);
	cbor_put_bstr(&s.w, payload.p, payload.len);
	cbor_put_bstr(&s.w, sig, 64);
	take(&s, out);
}

void fx_mac0(struct buf *out, const struct fx_keys *k,
	     const struct fx_spec *spec, struct span payload)
{
	struct scratch prot, s;
	struct buf tbm;
	struct span p;
	uint8_t kid[32], mac[32], key[32];
	size_t kid_len = spec->kid ? strlen(spec->kid) / 2 : 16;

	memcpy(kid, k->kdf_id, 16);
	if (spec->kid)
		ck_assert(hex_decode(spec->kid, kid, kid_len));
	memcpy(key, k->auth, 32);
	key[0] ^= spec->other_signer;
	start(&prot);
	cbor_put_map(&prot.w, 2);
	cbor_put_uint(&prot.w, 1);
	cbor_put_int(&prot.w, 5);
	cbor_put_uint(&prot.w, 4);
	cbor_put_bstr(&prot.w, kid, kid_len);
	p.p = prot.bytes;
	p.len = prot.w.len;
	buf_init(&tbm, MAX);
	structure(&tbm, "MAC0", p, payload);
	fx_hmac(key, 32, tbm.data, tbm.len, mac);
	buf_release(&tbm);
	start(&s);
	cbor_put_tag(&s.w, 17);
	cbor_put_array(&s.w, 4);
	cbor_put_bstr(&s.w, p.p, p.len);
	cbor_put_map(&s.w, 0);
	cbor_put_bstr(&s.w, payload.p, payload.len);
	cbor_put_bstr(&s.w, mac, 32);
	take(&s, out);
}

static void node(const uint8_t l[32], const uint8_t r[32], uint8_t out[32])
{
	uint8_t both[65];

	both[0] = 1;
	memcpy(both + 1, l, 32);
	memcpy(both + 33, r, 32);
	fx_sha256(both, 65, out);
}

/* MTH and PATH of RFC 9162 2.1.1 and 2.1.3.1, as they are defined there. */
static void tree(const uint8_t (*leaf)[32], size_t n, size_t m, uint8_t out[32],
		 uint8_t path[16][32], size_t *path_len)
{
	uint8_t l[32], r[32];
	size_t k = 1;

	if (n == 1) {
		memcpy(out, leaf[0], 32);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	tree(leaf, k, m, l, m < k ? path : NULL, path_len);
	tree(leaf + k, n - k, m - k, r, m < k ? NULL : path, path_len);
	node(l, r, out);
	if (path)
		memcpy(path[(*path_len)++], m < k ? r : l, 32);
}

static void batch_protected(const struct fx_keys *k, const struct fx_spec *s,
			    struct buf *out)
{
	struct scratch claims, head;
	struct buf edited;

	start(&claims);
	cbor_put_map(&claims.w, 5);
	cbor_put_uint(&claims.w, 1);
	cbor_put_str(&claims.w, "ACME provisioning");
	cbor_put_uint(&claims.w, 2);
	cbor_put_str(&claims.w, "provctl/seal-batch/v1");
	cbor_put_uint(&claims.w, 4);
	cbor_put_uint(&claims.w, s->not_after);
	cbor_put_uint(&claims.w, 6);
	cbor_put_uint(&claims.w, s->not_after - 10);
	cbor_put_int(&claims.w, -70004);
	cbor_put_uint(&claims.w, s->batch_n);
	buf_init(&edited, MAX);
	fx_apply(&edited, claims.bytes, claims.w.len, s->claims);
	start(&head);
	cbor_put_map(&head.w, 4);
	cbor_put_uint(&head.w, 1);
	cbor_put_int(&head.w, -7);
	cbor_put_uint(&head.w, 4);
	put_kid(&head.w, k->bundle, s->kid);
	cbor_put_uint(&head.w, 15);
	cbor_put_raw(&head.w, edited.data, edited.len);
	cbor_put_uint(&head.w, 395);
	cbor_put_uint(&head.w, 1);
	fx_apply(out, head.bytes, head.w.len, s->headers);
	buf_release(&edited);
}

void fx_batch(const struct fx_keys *k, const struct fx_spec *s,
	      struct fx_bundle *b)
{
	static uint8_t leaf[65536][32];
	struct scratch proof, w;
	struct buf prot, one;
	struct span rootspan;
	uint8_t root[32], path[16][32], sig[64];
	uint64_t seed = 99;
	size_t path_len = 0, i;

	for (i = 0; i < s->batch_n; i++)
		fx_random(&seed, leaf[i], 32);
	buf_init(&one, MAX);
	buf_put_u8(&one, 0);
	buf_put(&one, b->payload.data, b->payload.len);
	fx_sha256(one.data, one.len, leaf[s->batch_index]);
	buf_release(&one);
	tree((const uint8_t(*)[32])leaf, s->batch_n, s->batch_index, root, path,
	     &path_len);
	start(&proof);
	cbor_put_array(&proof.w, 3);
	cbor_put_uint(&proof.w, s->proof_size ? s->proof_size : s->batch_n);
	cbor_put_uint(&proof.w, s->batch_index);
	cbor_put_array(&proof.w, path_len);
	for (i = 0; i < path_len; i++)
		cbor_put_bstr(&proof.w, path[i], 32);
	buf_init(&prot, MAX);
	batch_protected(k, s, &prot);
	rootspan.p = root;
	rootspan.len = 32;
	sign_with(s->other_signer ? k->other : k->bundle, buf_span(&prot),
		  rootspan, sig);
	start(&w);
	cbor_put_array(&w.w, 2);
	cbor_put_bstr(&w.w, b->payload.data, b->payload.len);
	cbor_put_tag(&w.w, 18);
	cbor_put_array(&w.w, 4);
	cbor_put_bstr(&w.w, prot.data, prot.len);
	cbor_put_map(&w.w, 1);
	cbor_put_uint(&w.w, 396);
	cbor_put_map(&w.w, 1);
	cbor_put_int(&w.w, -1);
	cbor_put_array(&w.w, 1);
	cbor_put_bstr(&w.w, proof.bytes, proof.w.len);
	cbor_put_null(&w.w);
	cbor_put_bstr(&w.w, sig, 64);
	take(&w, &b->item[1]);
	buf_release(&prot);
}
