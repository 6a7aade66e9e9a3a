#include "tests/unit/device_fixture_impl.h"

#include <string.h>

void fx_apply(struct buf *out, const uint8_t *map, size_t len,
	      const struct fx_edit *edits)
{
	struct scratch s, body;
	struct cbor_reader r;
	struct cbor_bytes key, value;
	uint64_t n, left, number;
	size_t i;

	start(&s);
	start(&body);
	cbor_reader_init(&r, map, len);
	ck_assert(cbor_get_map(&r, &n));
	for (left = n; left > 0; left--) {
		const struct fx_edit *e = NULL;
		struct cbor_reader k;

		ck_assert(cbor_skip(&r, &key) && cbor_skip(&r, &value));
		cbor_reader_init(&k, key.p, key.len);
		for (i = 0; i < FX_EDITS_MAX && edits; i++) {
			if (edits[i].key != 0 && cbor_peek(&k) == CBOR_UINT &&
			    cbor_get_uint(&k, &number) &&
			    number == edits[i].key)
				e = &edits[i];
			cbor_reader_init(&k, key.p, key.len);
		}
		if (e && !e->hex) {
			n--;
			continue;
		}
		cbor_put_raw(&body.w, key.p, key.len);
		if (e) {
			uint8_t raw[4096];

			ck_assert(hex_decode(e->hex, raw, strlen(e->hex) / 2));
			cbor_put_raw(&body.w, raw, strlen(e->hex) / 2);
		} else {
			cbor_put_raw(&body.w, value.p, value.len);
		}
	}
	cbor_put_map(&s.w, n);
	cbor_put_raw(&s.w, body.bytes, body.w.len);
	take(&s, out);
}

struct fx_spec fx_spec_default(enum pvdev_form form, enum pvdev_kind kind)
{
	static const struct fx_component comps[] = {
		{ "identity", true, 1024, 1500, 65536, false, NULL },
		{ "public", false, 0, 200, 4096, false, NULL },
		{ "elsewhere", true, 1024, 10, 65536, true, NULL },
		{ "net", true, 256, 700, 65536, false, NULL },
	};
	struct fx_spec s = {
		.form = form,
		.kind = kind,
		.device_id = "ACME-0123456789AB",
		.role = "gateway",
		.stage = "operational",
		.seq = 7,
		.manifest_seq = 4,
		.not_before = 1000,
		.not_after = 2000,
		.comps = comps,
		.comps_n = 4,
	};

	if (form == PVDEV_FORM_BATCH) {
		s.batch_n = 5;
		s.batch_index = 3;
	}
	return s;
}

/* clear: the first component in the clear among the bundle's plain ones. */
static void components(struct scratch *w, const struct fx_spec *s,
		       const struct fx_bundle *b, size_t clear)
{
	uint8_t digest[32];

	cbor_put_uint(&w->w, 7);
	cbor_put_array(&w->w, s->comps_n);
	for (size_t i = 0; i < s->comps_n; i++) {
		const struct fx_component *c = &s->comps[i];

		cbor_put_map(&w->w, c->sealed ? 5 : 6);
		cbor_put_uint(&w->w, 1);
		cbor_put_str(&w->w, c->id);
		cbor_put_uint(&w->w, 2);
		cbor_put_str(&w->w, "2.1.0");
		cbor_put_uint(&w->w, 3);
		cbor_put_str(&w->w, "1.0.0");
		cbor_put_uint(&w->w, 4);
		cbor_put_bool(&w->w, c->sealed);
		if (!c->sealed) {
			if (c->other_role)
				memset(digest, 1, 32);
			else
				fx_sha256(b->plain[clear], b->plain_len[clear],
					  digest);
			clear += !c->other_role;
			digest[5] ^= (s->flips & FX_DIGEST) != 0;
			cbor_put_uint(&w->w, 5);
			cbor_put_bstr(&w->w, digest, 32);
		}
		cbor_put_uint(&w->w, 6);
		cbor_put_uint(&w->w, c->max_size);
	}
}

static void roles(struct scratch *w, const struct fx_spec *s)
{
	size_t i, in_role = 0;

	for (i = 0; i < s->comps_n; i++)
		in_role += !s->comps[i].other_role;
	cbor_put_uint(&w->w, 9);
	cbor_put_map(&w->w, 2);
	cbor_put_str(&w->w, "gateway");
	cbor_put_array(&w->w, in_role);
	for (i = 0; i < s->comps_n; i++) {
		if (!s->comps[i].other_role)
			cbor_put_str(&w->w, s->comps[i].id);
	}
	/* another role, which may not be empty */
	cbor_put_str(&w->w, "hydrometer");
	cbor_put_array(&w->w, 1);
	for (i = 0; i + 1 < s->comps_n && !s->comps[i].other_role; i++)
		;
	cbor_put_str(&w->w, s->comps[i].id);
}

static void manifest(const struct fx_keys *k, const struct fx_spec *s,
		     struct fx_bundle *b)
{
	struct scratch w;
	struct buf plain;
	size_t clear = b->plain_n;

	for (size_t i = 0; i < s->comps_n; i++)
		clear -= !s->comps[i].sealed && !s->comps[i].other_role;
	start(&w);
	cbor_put_map(&w.w, 10);
	cbor_put_uint(&w.w, 1);
	cbor_put_str(&w.w, "provctl-manifest-1");
	cbor_put_uint(&w.w, 2);
	cbor_put_bstr(&w.w, k->vendor, 16);
	cbor_put_uint(&w.w, 3);
	cbor_put_bstr(&w.w, k->class_id, 16);
	cbor_put_uint(&w.w, 4);
	cbor_put_uint(&w.w, s->manifest_seq);
	cbor_put_uint(&w.w, 5);
	cbor_put_uint(&w.w, s->not_before);
	cbor_put_uint(&w.w, 6);
	cbor_put_uint(&w.w, s->not_after);
	components(&w, s, b, clear);
	cbor_put_uint(&w.w, 8);
	cbor_put_str(&w.w, "log.example/acme");
	roles(&w, s);
	cbor_put_uint(&w.w, 10);
	cbor_put_str(&w.w, s->stage);
	buf_init(&plain, MAX);
	take(&w, &plain);
	fx_apply(&b->manifest_payload, plain.data, plain.len, s->manifest);
	buf_release(&plain);
	fx_sign1(&b->item[0], k->bundle,
		 s->other_manifest_signer ? k->other : k->bundle,
		 s->manifest_kid, buf_span(&b->manifest_payload));
}

static void binding(const struct fx_keys *k, const struct fx_spec *s,
		    struct fx_bundle *b)
{
	struct scratch w;
	struct buf plain;
	size_t i, sealed = 0, clear = 0;
	uint8_t hash[32];

	for (i = 0; i < s->comps_n; i++) {
		if (s->comps[i].other_role)
			continue;
		sealed += s->comps[i].sealed;
		clear += !s->comps[i].sealed;
	}
	start(&w);
	cbor_put_map(&w.w, s->evidence_hash ? 10 : 9);
	cbor_put_uint(&w.w, 1);
	cbor_put_str(&w.w, "provctl-bundle-1");
	cbor_put_uint(&w.w, 2);
	cbor_put_bstr(&w.w, b->bundle_id, 16);
	cbor_put_uint(&w.w, 3);
	cbor_put_str(&w.w, s->device_id);
	cbor_put_uint(&w.w, 4);
	cbor_put_str(&w.w, s->role);
	cbor_put_uint(&w.w, 5);
	cbor_put_uint(&w.w, s->seq);
	cbor_put_uint(&w.w, 6);
	cbor_put_array(&w.w, sealed);
	for (i = 0; i < s->comps_n; i++) {
		if (s->comps[i].other_role || !s->comps[i].sealed)
			continue;
		cbor_put_array(&w.w, 3);
		cbor_put_str(&w.w, s->comps[i].id);
		cbor_put_uint(&w.w, s->comps[i].chunk);
		cbor_put_uint(&w.w, s->comps[i].len);
	}
	cbor_put_uint(&w.w, 7);
	cbor_put_array(&w.w, clear);
	for (i = 0; i < s->comps_n; i++) {
		if (!s->comps[i].other_role && !s->comps[i].sealed)
			cbor_put_str(&w.w, s->comps[i].id);
	}
	cbor_put_uint(&w.w, 8);
	cbor_put_array(&w.w, 2);
	cbor_put_uint(&w.w, (uint64_t)s->kind);
	if (s->kind == PVDEV_KIND_P256) {
		ck_assert(pvdev_openssl_spki_hash(
			s->certified_recipient ? k->certified : k->sealing,
			hash));
		cbor_put_bstr(&w.w, hash, 32);
	} else {
		cbor_put_bstr(&w.w, k->kdf_id, 16);
	}
	cbor_put_uint(&w.w, 9);
	fx_sha256(b->manifest_payload.data, b->manifest_payload.len, hash);
	cbor_put_bstr(&w.w, hash, 32);
	if (s->evidence_hash) {
		cbor_put_uint(&w.w, 10);
		cbor_put_bstr(&w.w, s->evidence_hash, 32);
	}
	buf_init(&plain, MAX);
	take(&w, &plain);
	fx_apply(&b->binding, plain.data, plain.len, s->binding);
	buf_release(&plain);
	fx_sha256(b->binding.data, b->binding.len, b->bh);
}

static void okm(const struct fx_bundle *b, size_t i, uint8_t out[108])
{
	uint8_t info[16 + 32 + 2];

	memcpy(info, "provctl/seal/v1", 16);
	memcpy(info + 16, b->bh, 32);
	info[48] = (uint8_t)(i >> 8);
	info[49] = (uint8_t)i;
	fx_hkdf_expand(b->bs, info, sizeof(info), out, 108);
}

static void payload(const struct fx_keys *k, const struct fx_spec *s,
		    struct fx_bundle *b, size_t sealed)
{
	struct scratch w;
	uint8_t envelope[113], keys[108], mac[32], info[20 + 32];
	bool p256 = s->kind == PVDEV_KIND_P256;
	size_t i;

	memcpy(info, "provctl/seal-kem/v1", 20);
	memcpy(info + 20, b->bh, 32);
	if (p256)
		fx_hpke_seal(s->certified_recipient ? k->certified : k->sealing,
			     info, sizeof(info), b->bs, s->flips & FX_HYBRID,
			     envelope);
	else
		fx_key_wrap(k->kek, b->bs, envelope);
	envelope[p256 ? 80 : 20] ^= (s->flips & FX_ENVELOPE) != 0;
	start(&w);
	cbor_put_array(&w.w, 3);
	cbor_put_raw(&w.w, b->binding.data, b->binding.len);
	cbor_put_bstr(&w.w, envelope, p256 ? 113 : 40);
	cbor_put_array(&w.w, sealed);
	for (i = 0; i < sealed; i++) {
		okm(b, i, keys);
		fx_hmac(keys + 76, 32, b->plain[i], b->plain_len[i], mac);
		keys[31] ^= (s->flips & FX_COMMIT) != 0;
		mac[0] ^= (s->flips & FX_MAC) != 0;
		cbor_put_array(&w.w, 2);
		cbor_put_bstr(&w.w, keys, 32);
		cbor_put_bstr(&w.w, mac, 32);
	}
	take(&w, &b->payload);
}

static void segments(const struct fx_spec *s, struct fx_bundle *b, size_t i,
		     uint32_t chunk)
{
	uint8_t keys[108], nonce[12], aad[57], ct[4096 + 16];
	static const uint8_t head[] = { 0x83, 0x68, 'E',  'n', 'c',  'r',
					'y',  'p',  't',  '0', 0x43, 0xa1,
					0x01, 0x03, 0x58, 0x27 };
	static const uint8_t first[] = { 0xd0, 0x83, 0x43, 0xa1, 0x01,
					 0x03, 0xa1, 0x06, 0x44 };
	size_t n = (b->plain_len[i] + chunk - 1) / chunk, k, j;

	okm(b, i, keys);
	for (k = 0; k < n; k++) {
		size_t len = k + 1 < n ? chunk : b->plain_len[i] - k * chunk;
		struct buf *out = &b->item[b->items++];
		struct scratch w;
		uint8_t number[4];

		ck_assert_uint_lt(b->items, FX_ITEMS_MAX);
		for (j = 0; j < 4; j++)
			number[j] = (uint8_t)(k >> (24 - 8 * j));
		memcpy(aad, head, 16);
		memcpy(aad + 16, b->bh, 32);
		aad[48] = (uint8_t)(i >> 8);
		aad[49] = (uint8_t)i;
		memcpy(aad + 50, number, 4);
		aad[54] = (k + 1 == n) ^ s->last_xor;
		memcpy(nonce, keys + 64, 12);
		for (j = 0; j < 4; j++)
			nonce[8 + j] ^= number[j];
		fx_gcm_seal(keys + 32, nonce, aad, 55, b->plain[i] + k * chunk,
			    len, ct);
		buf_put(out, first, 9);
		buf_put(out, number, 4);
		start(&w);
		cbor_put_bstr(&w.w, ct, len + 16);
		take(&w, out);
	}
}

/* Sealed plaintexts in order, then the clear ones. */
static size_t plaintexts(const struct fx_spec *s, struct fx_bundle *b)
{
	uint64_t seed = 0x1234567 + s->seq;
	size_t i, pass, sealed = 0;

	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < s->comps_n; i++) {
			const struct fx_component *c = &s->comps[i];
			size_t n = b->plain_n;

			if (c->other_role || c->sealed != (pass == 0))
				continue;
			b->plain[n] = malloc(c->len);
			ck_assert(b->plain[n] != NULL);
			b->plain_len[n] = c->len;
			if (c->data)
				memcpy(b->plain[n], c->data, c->len);
			else
				fx_random(&seed, b->plain[n], c->len);
			b->plain_n++;
			sealed += pass == 0;
		}
	}
	return sealed;
}

void fx_build(const struct fx_keys *k, const struct fx_spec *s,
	      struct fx_bundle *b)
{
	uint64_t seed = 77 + s->seq;
	struct scratch w;
	size_t i, sealed;

	memset(b, 0, sizeof(*b));
	buf_init(&b->payload, MAX);
	buf_init(&b->binding, MAX);
	buf_init(&b->manifest_payload, MAX);
	for (i = 0; i < FX_ITEMS_MAX; i++)
		buf_init(&b->item[i], MAX);
	fx_random(&seed, b->bs, 32);
	fx_random(&seed, b->bundle_id, 16);
	sealed = plaintexts(s, b);
	manifest(k, s, b);
	binding(k, s, b);
	payload(k, s, b, sealed);
	if (s->form == PVDEV_FORM_MAC0)
		fx_mac0(&b->item[1], k, s, buf_span(&b->payload));
	else if (s->batch_n > 0)
		fx_batch(k, s, b);
	else
		fx_sign1(&b->item[1], k->bundle,
			 s->other_signer ? k->other : k->bundle, s->kid,
			 buf_span(&b->payload));
	b->items = 2;
	for (i = sealed; i < b->plain_n; i++) {
		start(&w);
		cbor_put_bstr(&w.w, b->plain[i], b->plain_len[i]);
		take(&w, &b->item[b->items++]);
	}
	for (i = 0, sealed = 0; i < s->comps_n; i++) {
		if (s->comps[i].sealed && !s->comps[i].other_role)
			segments(s, b, sealed++, s->comps[i].chunk);
	}
}

void fx_bundle_release(struct fx_bundle *b)
{
	size_t i;

	buf_release(&b->payload);
	buf_release(&b->binding);
	buf_release(&b->manifest_payload);
	for (i = 0; i < FX_ITEMS_MAX; i++)
		buf_release(&b->item[i]);
	for (i = 0; i < b->plain_n; i++)
		free(b->plain[i]);
	memset(b, 0, sizeof(*b));
}
