#include "lib/device/impl.h"

void pvdev_wipe(void *p, size_t len)
{
	volatile uint8_t *v = p;

	while (len-- > 0)
		*v++ = 0;
}

bool pvdev_same(const uint8_t *a, const uint8_t *b, size_t len)
{
	volatile uint8_t diff = 0;
	size_t i;

	for (i = 0; i < len; i++)
		diff = (uint8_t)(diff | (a[i] ^ b[i]));
	return diff == 0;
}

bool pvdev_equal(struct cbor_bytes a, struct cbor_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool pvdev_equal_str(struct cbor_bytes a, const char *s)
{
	return pvdev_equal(a, PVDEV_BYTES((const uint8_t *)s, strlen(s)));
}

bool pvdev_id_ok(struct cbor_bytes id)
{
	size_t i;

	if (id.len < 1 || id.len > PVDEV_ID_MAX)
		return false;
	if (id.p[0] == '.' || id.p[0] == '-')
		return false;
	for (i = 0; i < id.len; i++) {
		if (id.p[i] < 0x21 || id.p[i] > 0x7e || id.p[i] == '/')
			return false;
	}
	return true;
}

void pvdev_be16(uint8_t out[2], unsigned v)
{
	out[0] = (uint8_t)(v >> 8);
	out[1] = (uint8_t)v;
}

void pvdev_be32(uint8_t out[4], uint32_t v)
{
	pvdev_be16(out, v >> 16);
	pvdev_be16(out + 2, v & 0xffffu);
}

bool pvdev_sha256(const struct pvdev_config *cfg,
		  const struct cbor_bytes *parts, size_t n, uint8_t out[32])
{
	const struct pvdev_crypto *c = cfg->crypto;
	size_t i;

	if (!c->sha256_begin(cfg->crypto_ctx))
		return false;
	for (i = 0; i < n; i++) {
		if (!c->sha256_update(cfg->crypto_ctx, parts[i].p,
				      parts[i].len))
			return false;
	}
	return c->sha256_final(cfg->crypto_ctx, out);
}

bool pvdev_hmac(const struct pvdev_config *cfg, const uint8_t *key,
		size_t key_len, const struct cbor_bytes *parts, size_t n,
		uint8_t out[32])
{
	const struct pvdev_crypto *c = cfg->crypto;
	size_t i;

	if (!c->hmac_begin(cfg->crypto_ctx, key, key_len))
		return false;
	for (i = 0; i < n; i++) {
		if (!c->hmac_update(cfg->crypto_ctx, parts[i].p, parts[i].len))
			return false;
	}
	return c->hmac_final(cfg->crypto_ctx, out);
}

bool pvdev_get_fixed(struct cbor_reader *r, size_t len, struct cbor_bytes *v)
{
	return cbor_get_bstr(r, v) && v->len == len;
}

bool pvdev_get_count(struct cbor_reader *r, uint64_t max, uint64_t *v)
{
	return cbor_get_uint(r, v) && *v >= 1 && *v <= max;
}

bool pvdev_get_id(struct cbor_reader *r, struct cbor_bytes *v)
{
	return cbor_get_tstr(r, v) && pvdev_id_ok(*v);
}

bool pvdev_get_text(struct cbor_reader *r, size_t max, struct cbor_bytes *v)
{
	size_t i;

	if (!cbor_get_tstr(r, v) || v->len < 1 || v->len > max)
		return false;
	for (i = 0; i < v->len; i++) {
		if (v->p[i] == 0)
			return false;
	}
	return true;
}
