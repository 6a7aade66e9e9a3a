#include "lib/base/notechars.h"

#include <string.h>

/* Bytes of the sequence at p, 1 to 4, and its code point; 0 when wrong. */
static size_t utf8_next(const uint8_t *p, size_t len, uint32_t *cp)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n;
	uint32_t v;

	if (p[0] < 0x80) {
		*cp = p[0];
		return 1;
	}
	if (p[0] >= 0xC2 && p[0] <= 0xDF)
		n = 2;
	else if (p[0] >= 0xE0 && p[0] <= 0xEF)
		n = 3;
	else if (p[0] >= 0xF0 && p[0] <= 0xF4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	v = p[0] & (0x7Fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3Fu);
	}
	if (v < lowest[n] || v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
		return 0;
	*cp = v;
	return n;
}

/* Controls, line separators and what turns the direction of writing. */
static bool refused(uint32_t cp)
{
	return (cp < 0x20 && cp != '\n') || (cp >= 0x7F && cp <= 0x9F) ||
	       cp == 0x061C || cp == 0x200E || cp == 0x200F ||
	       (cp >= 0x2028 && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

/* White_Space of Unicode, past those that refused() already holds. */
static bool is_space(uint32_t cp)
{
	return cp == '\n' || cp == ' ' || cp == 0xA0 || cp == 0x1680 ||
	       (cp >= 0x2000 && cp <= 0x200A) || cp == 0x202F || cp == 0x205F ||
	       cp == 0x3000;
}

bool notechars_ok(struct span text, size_t *at, uint32_t *cp)
{
	size_t n;

	for (*at = 0; *at < text.len; *at += n) {
		/* Nearly all is plain ASCII. */
		n = 1;
		if (text.p[*at] >= 0x20 && text.p[*at] < 0x7F)
			continue;
		n = utf8_next(text.p + *at, text.len - *at, cp);
		if (n == 0) {
			*cp = NOTECHARS_INVALID;
			return false;
		}
		if (refused(*cp))
			return false;
	}
	return true;
}

size_t notechars_clean(char *to, size_t cap, struct span text)
{
	size_t used = 0, n;
	uint32_t cp;

	for (size_t i = 0; i < text.len; i += n) {
		bool plain;

		n = utf8_next(text.p + i, text.len - i, &cp);
		plain = n > 0 && !refused(cp) && cp != '\n';
		n = n > 0 ? n : 1;
		if ((plain ? n : 1) >= cap - used)
			break;
		if (plain)
			memcpy(to + used, text.p + i, n);
		else
			to[used] = '?';
		used += plain ? n : 1;
	}
	to[used] = '\0';
	return used;
}

bool notechars_name_ok(struct span name)
{
	uint32_t cp;
	size_t n;

	for (size_t i = 0; i < name.len; i += n) {
		n = utf8_next(name.p + i, name.len - i, &cp);
		if (n == 0 || refused(cp) || is_space(cp) || cp == '+')
			return false;
	}
	return name.len > 0;
}
