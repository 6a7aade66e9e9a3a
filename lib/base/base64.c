#include "lib/base/base64.h"

#include <string.h>

/* What 12 bits stand for: two characters at once. */
#define PAIR(a, b)                                                             \
	{                                                                      \
		a, b                                                           \
	}
#define ROW(a)                                                                 \
	PAIR(a, 'A'), PAIR(a, 'B'), PAIR(a, 'C'), PAIR(a, 'D'), PAIR(a, 'E'),  \
		PAIR(a, 'F'), PAIR(a, 'G'), PAIR(a, 'H'), PAIR(a, 'I'),        \
		PAIR(a, 'J'), PAIR(a, 'K'), PAIR(a, 'L'), PAIR(a, 'M'),        \
		PAIR(a, 'N'), PAIR(a, 'O'), PAIR(a, 'P'), PAIR(a, 'Q'),        \
		PAIR(a, 'R'), PAIR(a, 'S'), PAIR(a, 'T'), PAIR(a, 'U'),        \
		PAIR(a, 'V'), PAIR(a, 'W'), PAIR(a, 'X'), PAIR(a, 'Y'),        \
		PAIR(a, 'Z'), PAIR(a, 'a'), PAIR(a, 'b'), PAIR(a, 'c'),        \
		PAIR(a, 'd'), PAIR(a, 'e'), PAIR(a, 'f'), PAIR(a, 'g'),        \
		PAIR(a, 'h'), PAIR(a, 'i'), PAIR(a, 'j'), PAIR(a, 'k'),        \
		PAIR(a, 'l'), PAIR(a, 'm'), PAIR(a, 'n'), PAIR(a, 'o'),        \
		PAIR(a, 'p'), PAIR(a, 'q'), PAIR(a, 'r'), PAIR(a, 's'),        \
		PAIR(a, 't'), PAIR(a, 'u'), PAIR(a, 'v'), PAIR(a, 'w'),        \
		PAIR(a, 'x'), PAIR(a, 'y'), PAIR(a, 'z'), PAIR(a, '0'),        \
		PAIR(a, '1'), PAIR(a, '2'), PAIR(a, '3'), PAIR(a, '4'),        \
		PAIR(a, '5'), PAIR(a, '6'), PAIR(a, '7'), PAIR(a, '8'),        \
		PAIR(a, '9'), PAIR(a, '+'), PAIR(a, '/')

static const char pairs[4096][2] = {
	ROW('A'), ROW('B'), ROW('C'), ROW('D'), ROW('E'), ROW('F'), ROW('G'),
	ROW('H'), ROW('I'), ROW('J'), ROW('K'), ROW('L'), ROW('M'), ROW('N'),
	ROW('O'), ROW('P'), ROW('Q'), ROW('R'), ROW('S'), ROW('T'), ROW('U'),
	ROW('V'), ROW('W'), ROW('X'), ROW('Y'), ROW('Z'), ROW('a'), ROW('b'),
	ROW('c'), ROW('d'), ROW('e'), ROW('f'), ROW('g'), ROW('h'), ROW('i'),
	ROW('j'), ROW('k'), ROW('l'), ROW('m'), ROW('n'), ROW('o'), ROW('p'),
	ROW('q'), ROW('r'), ROW('s'), ROW('t'), ROW('u'), ROW('v'), ROW('w'),
	ROW('x'), ROW('y'), ROW('z'), ROW('0'), ROW('1'), ROW('2'), ROW('3'),
	ROW('4'), ROW('5'), ROW('6'), ROW('7'), ROW('8'), ROW('9'), ROW('+'),
	ROW('/'),
};

static inline char *encode_group(uint32_t v, char *out)
{
	memcpy(out, pairs[v >> 12], 2);
	memcpy(out + 2, pairs[v & 4095], 2);
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

/* From '(' on: 0 to 63, or 64 for what is not in the alphabet. */
static const uint8_t values[] = {
	64, 64, 64, 62, 64, 64, 64, 63, /* () +,-. */
	52, 53, 54, 55, 56, 57, 58, 59, /* 01234567 */
	60, 61, 64, 64, 64, 64, 64, 64, /* 89:;<=>? */
	64, 0,	1,  2,	3,  4,	5,  6,	/* @ABCDEFG */
	7,  8,	9,  10, 11, 12, 13, 14, /* HIJKLMNO */
	15, 16, 17, 18, 19, 20, 21, 22, /* PQRSTUVW */
	23, 24, 25, 64, 64, 64, 64, 64, /* XYZ[ ]^_ */
	64, 26, 27, 28, 29, 30, 31, 32, /* `abcdefg */
	33, 34, 35, 36, 37, 38, 39, 40, /* hijklmno */
	41, 42, 43, 44, 45, 46, 47, 48, /* pqrstuvw */
	49, 50, 51, 64, 64, 64, 64, 64, /* xyz{|}~ */
};

static uint32_t value_of(char c)
{
	size_t at = (size_t)(uint8_t)c - '(';

	return at < sizeof(values) ? values[at] : 64;
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
	for (size_t done = 0; done < total; s += 4, done += 3) {
		size_t bytes = total - done < 3 ? total - done : 3;
		uint8_t group[3];

		if (bytes == 3 && !decode_group(s, 3, out + done))
			return false;
		if (bytes == 3)
			continue;
		if (!decode_group(s, bytes, group))
			return false;
		memcpy(out + done, group, bytes);
	}
	*len = total;
	return true;
}
