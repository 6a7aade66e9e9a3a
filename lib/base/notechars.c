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

/*
 * What shows as nothing, as a blank, or as a part of the character before it:
 * Cf and Default_Ignorable_Code_Point of Unicode 15, blank letters, and the
 * blocks of combining marks.
 */
static bool is_unseen(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0xAD, 0xAD },	      { 0x300, 0x36F },
		{ 0x600, 0x605 },     { 0x61C, 0x61C },
		{ 0x6DD, 0x6DD },     { 0x70F, 0x70F },
		{ 0x890, 0x891 },     { 0x8E2, 0x8E2 },
		{ 0x115F, 0x1160 },   { 0x17B4, 0x17B5 },
		{ 0x180B, 0x180F },   { 0x1AB0, 0x1AFF },
		{ 0x1DC0, 0x1DFF },   { 0x200B, 0x200F },
		{ 0x2028, 0x202E },   { 0x2060, 0x206F },
		{ 0x20D0, 0x20FF },   { 0x2800, 0x2800 },
		{ 0x3164, 0x3164 },   { 0xFE00, 0xFE0F },
		{ 0xFE20, 0xFE2F },   { 0xFEFF, 0xFEFF },
		{ 0xFFA0, 0xFFA0 },   { 0xFFF0, 0xFFFB },
		{ 0x110BD, 0x110BD }, { 0x110CD, 0x110CD },
		{ 0x13430, 0x1343F }, { 0x1BCA0, 0x1BCA3 },
		{ 0x1D173, 0x1D17A }, { 0xE0000, 0xE0FFF },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return true;
	return false;
}

bool notechars_seen(struct span text, uint32_t *cp)
{
	size_t n;

	for (size_t i = 0; i < text.len; i += n) {
		n = utf8_next(text.p + i, text.len - i, cp);
		if (n == 0) {
			*cp = NOTECHARS_INVALID;
			return false;
		}
		if (is_unseen(*cp) || (is_space(*cp) && *cp != ' '))
			return false;
	}
	return true;
}

/* Eight bytes, each of them v. */
#define EIGHT(v) (UINT64_C(0x0101010101010101) * (v))

/*
 * Not 0 when one of eight bytes is not U+0020 to U+007E: the high bit stands
 * where it is not ASCII, by the sum where it is 7F, by the difference where it
 * is below 20, from where alone a borrow goes on.
 */
static uint64_t strange(uint64_t eight)
{
	return (eight | (eight + EIGHT(0x01)) | (eight - EIGHT(0x20))) &
	       EIGHT(0x80);
}

static uint64_t load_eight(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t load_four(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* By eight or four, the last of them perhaps again. */
bool notechars_plain(struct span text)
{
	const uint8_t *p = text.p;
	size_t n = text.len;
	uint64_t found = 0;

	if (n >= 8) {
		for (size_t i = 0; i + 8 <= n; i += 8)
			found |= strange(load_eight(p + i));
		found |= strange(load_eight(p + n - 8));
	} else if (n >= 4) {
		found = strange(load_four(p) | load_four(p + n - 4) << 32);
	} else {
		for (size_t i = 0; i < n; i++)
			found |= p[i] < 0x20 || p[i] > 0x7E;
	}
	return found == 0;
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
