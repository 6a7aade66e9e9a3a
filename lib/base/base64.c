#include "lib/base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

static char *encode_group(uint32_t v, char *out)
{
	out[0] = alphabet[v >> 18];
	out[1] = alphabet[v >> 12 & 63];
	out[2] = alphabet[v >> 6 & 63];
	out[3] = alphabet[v & 63];
	return out + 4;
}

void base64_encode(const uint8_t *p, size_t len, char *out)
{
	for (; len >= 3; len -= 3, p += 3)
		out = encode_group(
			(uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2], out);
	if (len > 0) {
		uint32_t second = len > 1 ? p[1] : 0;

		out = encode_group((uint32_t)p[0] << 16 | second << 8, out);
		out[-1] = '=';
		if (len == 1)
			out[-2] = '=';
	}
	*out = '\0';
}

/* 0 to 63, or 64 for what is not in the alphabet. */
static uint32_t value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Four characters that stand for n bytes; false also for set spare bits. */
static bool decode_group(const char *s, size_t n, uint8_t out[3])
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		uint32_t d = i <= n ? value_of(s[i]) : 0;

		if (d > 63)
			return false;
		v = v << 6 | d;
	}
	if ((n == 1 && (v & 0xFFFF)) || (n == 2 && (v & 0xFF)))
		return false;
	out[0] = (uint8_t)(v >> 16);
	out[1] = (uint8_t)(v >> 8);
	out[2] = (uint8_t)v;
	return true;
}

bool base64_decode(const char *s, size_t n, uint8_t *out, size_t cap,
		   size_t *len)
{
	size_t pad = 0;
	size_t total;

	if (n % 4 != 0)
		return false;
	if (n > 0 && s[n - 1] == '=')
		pad = s[n - 2] == '=' ? 2 : 1;
	total = n / 4 * 3 - pad;
	if (total > cap)
		return false;
	for (size_t i = 0, done = 0; i < n; i += 4) {
		size_t bytes = total - done < 3 ? total - done : 3;
		uint8_t group[3];

		if (!decode_group(s + i, bytes, group))
			return false;
		for (size_t k = 0; k < bytes; k++)
			out[done++] = group[k];
	}
	*len = total;
	return true;
}
