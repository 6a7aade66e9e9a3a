#include "lib/log/lines.h"

#include <string.h>

#include "lib/base/base64.h"

#define DIGITS_MAX 19u /* of 2^63 - 1 */

bool lines_next(struct span *rest, struct span *line)
{
	const uint8_t *lf = rest->len ? memchr(rest->p, '\n', rest->len) : NULL;

	if (!lf)
		return false;
	line->p = rest->p;
	line->len = (size_t)(lf - rest->p);
	rest->p = lf + 1;
	rest->len -= line->len + 1;
	return true;
}

bool lines_after(struct span line, const char *word, struct span *rest)
{
	size_t n = strlen(word);

	if (line.len < n || memcmp(line.p, word, n) != 0)
		return false;
	rest->p = line.p + n;
	rest->len = line.len - n;
	return true;
}

bool lines_number(struct span text, uint64_t *v)
{
	uint64_t n = 0;

	if (text.len == 0 || text.len > DIGITS_MAX ||
	    (text.p[0] == '0' && text.len > 1))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		n = 10 * n + (uint64_t)(text.p[i] - '0');
	}
	/* 19 digits are less than 2^64, so nothing has wrapped around. */
	if (n >> 63)
		return false;
	*v = n;
	return true;
}

bool lines_hash(struct span text, uint8_t out[static LOG_HASH])
{
	size_t len;

	return text.len == LINES_HASH &&
	       base64_decode((const char *)text.p, text.len, out, LOG_HASH,
			     &len) &&
	       len == LOG_HASH;
}

void lines_put_hash(struct buf *out, const uint8_t hash[static LOG_HASH])
{
	char text[LINES_HASH + 1];

	base64_encode(hash, LOG_HASH, text);
	buf_put_str(out, text);
}
