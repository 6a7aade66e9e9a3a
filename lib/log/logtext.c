#include "lib/log/logtext.h"

#include "lib/log/entry.h"

static bool refused(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c ||
	       c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* Length of the sequence that starts with lead, 0 when none does; *c gets the
 * lead's bits and *min the least code point that needs that length. */
static size_t lead_bits(uint8_t lead, uint32_t *c, uint32_t *min)
{
	if (lead >= 0xc2 && lead <= 0xdf) {
		*c = lead & 0x1fu;
		*min = 0x80;
		return 2;
	}
	if (lead >= 0xe0 && lead <= 0xef) {
		*c = lead & 0x0fu;
		*min = 0x800;
		return 3;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		*c = lead & 0x07u;
		*min = 0x10000;
		return 4;
	}
	return 0;
}

/* Length of the allowed character at p, 0 when it is none (RFC 3629 4). */
static size_t char_len(const uint8_t *p, size_t left)
{
	uint32_t c;
	uint32_t min;
	size_t n;

	if (p[0] < 0x80)
		return refused(p[0]) ? 0 : 1;
	n = lead_bits(p[0], &c, &min);
	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return refused(c) ? 0 : n;
}

bool log_text_ok(struct span s)
{
	size_t i = 0;

	while (i < s.len) {
		size_t n = char_len(s.p + i, s.len - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

bool log_type_ok(struct span s)
{
	if (s.len == 0 || s.len > LOG_TYPE_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			  c == '.' || c == '-';

		if (!ok)
			return false;
	}
	return true;
}
