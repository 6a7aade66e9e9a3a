/* A share as text: for paper, and what an officer's key opens. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/sha256.h"
#include "lib/seal/shares.h"

#define LINES 4u
#define LINE_BYTES (SHARES_SECRET_LEN / LINES)
#define LINE_CHECK 2u /* bytes */
#define HEX_MAX 64u   /* characters of a line's hex, with blanks */

/* Longest line of text that is no secret: "key " and a label. */
#define PLAIN_MAX (SHARES_KEY_MAX + 8)

enum pv_code share_check(const struct share *s, char check[SHARES_CHECK_LEN],
			 struct err *err)
{
	uint8_t d[32];
	enum pv_code rc = share_digest(s, d, err);

	if (rc == PV_OK)
		snprintf(check, SHARES_CHECK_LEN, "%02x%02x %02x%02x", d[0],
			 d[1], d[2], d[3]);
	return rc;
}

static enum pv_code line_check(const struct share *s, unsigned line,
			       uint8_t check[LINE_CHECK], struct err *err)
{
	static const char domain[] = "provctl/share/v1/line";
	const uint8_t numbers[] = { (uint8_t)s->number, (uint8_t)line };
	const struct span parts[] = {
		{ (const uint8_t *)domain, sizeof(domain) },
		{ s->split, sizeof(s->split) },
		{ numbers, sizeof(numbers) },
		{ s->value.data + line * LINE_BYTES, LINE_BYTES },
	};
	uint8_t hash[32];
	enum pv_code rc = sha256_parts(parts, sizeof(parts) / sizeof(parts[0]),
				       hash, err);

	memcpy(check, hash, LINE_CHECK);
	return rc;
}

/* ---- out ---- */

/* Appends to text, which has room; s is no longer than PLAIN_MAX. */
static void put(struct secret *text, size_t *len, const char *s)
{
	size_t n = strlen(s);

	memcpy(text->data + *len, s, n);
	*len += n;
}

/* Groups of four, each behind a blank. */
static void put_hex(struct secret *text, size_t *len, const uint8_t *p,
		    size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		if (i % 2 == 0)
			text->data[(*len)++] = ' ';
		text->data[(*len)++] = (uint8_t)digits[p[i] >> 4];
		text->data[(*len)++] = (uint8_t)digits[p[i] & 15];
	}
}

static enum pv_code put_value(const struct share *s, struct secret *text,
			      size_t *len, struct err *err)
{
	enum pv_code rc = PV_OK;

	for (unsigned i = 0; rc == PV_OK && i < LINES; i++) {
		uint8_t check[LINE_CHECK];
		const char number[] = { (char)('1' + i), '\0' };

		rc = line_check(s, i, check, err);
		if (rc != PV_OK)
			break;
		put(text, len, number);
		put_hex(text, len, s->value.data + (size_t)i * LINE_BYTES,
			LINE_BYTES);
		put_hex(text, len, check, sizeof(check));
		put(text, len, "\n");
	}
	return rc;
}

enum pv_code share_text(const struct share *s, struct secret *text,
			struct err *err)
{
	char line[PLAIN_MAX], split[2 * SHARES_SPLIT_LEN + 1];
	char check[SHARES_CHECK_LEN];
	size_t len = 0;
	enum pv_code rc = secret_alloc(text, SHARES_TEXT_MAX, err);

	if (rc == PV_OK)
		rc = share_check(s, check, err);
	if (rc != PV_OK)
		return rc;
	put(text, &len, "provctl share v1\n");
	snprintf(line, sizeof(line), "key %s\n", s->key);
	put(text, &len, line);
	hex_encode(s->split, sizeof(s->split), split);
	snprintf(line, sizeof(line), "split %s\n", split);
	put(text, &len, line);
	snprintf(line, sizeof(line), "share %u of %u, any %u restore\n",
		 s->number, s->n, s->m);
	put(text, &len, line);
	rc = put_value(s, text, &len, err);
	snprintf(line, sizeof(line), "check %s\n", check);
	put(text, &len, line);
	secret_truncate(text, len);
	return rc;
}

/* ---- in ---- */

static enum pv_code wrong(const char *line, struct err *err)
{
	return err_fail(err, PV_INTEGRITY, "shares.text",
			"compare it with the paper, word by word",
			"the share's %s is not as it was given out", line);
}

/* The next line, its end taken off; false at the end of the text. */
static bool next_line(struct span *rest, struct span *line)
{
	const uint8_t *end;

	if (rest->len == 0)
		return false;
	end = memchr(rest->p, '\n', rest->len);
	line->p = rest->p;
	line->len = end ? (size_t)(end - rest->p) : rest->len;
	rest->p += end ? line->len + 1 : line->len;
	rest->len -= end ? line->len + 1 : line->len;
	while (line->len > 0 && (line->p[line->len - 1] == ' ' ||
				 line->p[line->len - 1] == '\r'))
		line->len--;
	return true;
}

/* A line that is no secret, as text. */
static bool plain_line(struct span *rest, char out[PLAIN_MAX])
{
	struct span line;

	if (!next_line(rest, &line) || line.len >= PLAIN_MAX)
		return false;
	memcpy(out, line.p, line.len);
	out[line.len] = '\0';
	return strlen(out) == line.len;
}

static bool get_hex(struct span line, uint8_t *out, size_t n)
{
	char hex[HEX_MAX + 1];
	size_t len = 0;
	bool fits = line.len <= HEX_MAX;

	for (size_t i = 0; fits && i < line.len; i++)
		if (line.p[i] != ' ')
			hex[len++] = (char)line.p[i];
	fits = fits && len == 2 * n;
	hex[fits ? len : 0] = '\0';
	fits = fits && hex_decode(hex, out, n);
	secret_wipe(hex, sizeof(hex));
	return fits;
}

static enum pv_code parse_value(struct span *rest, struct share *s,
				struct err *err)
{
	uint8_t bytes[LINE_BYTES + LINE_CHECK];
	uint8_t check[LINE_CHECK] = { 0 };
	enum pv_code rc = PV_OK;

	for (unsigned i = 0; rc == PV_OK && i < LINES; i++) {
		char name[] = { 'l', 'i', 'n', 'e', ' ', (char)('1' + i), 0 };
		struct span line = { NULL, 0 };
		bool good = next_line(rest, &line) && line.len > 2 &&
			    line.p[0] == '1' + i && line.p[1] == ' ' &&
			    get_hex((struct span){ line.p + 1, line.len - 1 },
				    bytes, sizeof(bytes));

		if (good) {
			memcpy(s->value.data + (size_t)i * LINE_BYTES, bytes,
			       LINE_BYTES);
			rc = line_check(s, i, check, err);
			good = memcmp(check, bytes + LINE_BYTES, LINE_CHECK) ==
			       0;
		}
		secret_wipe(bytes, sizeof(bytes));
		if (rc == PV_OK && !good)
			rc = wrong(name, err);
	}
	return rc;
}

static enum pv_code parse_head(struct span *rest, struct share *s,
			       struct err *err)
{
	char line[PLAIN_MAX], again[PLAIN_MAX];

	if (!plain_line(rest, line) || strcmp(line, "provctl share v1") != 0)
		return wrong("first line", err);
	if (!plain_line(rest, line) || strncmp(line, "key ", 4) != 0 ||
	    strlen(line + 4) > SHARES_KEY_MAX || strlen(line + 4) == 0)
		return wrong("line \"key\"", err);
	memcpy(s->key, line + 4, strlen(line + 4));
	if (!plain_line(rest, line) || strncmp(line, "split ", 6) != 0 ||
	    strlen(line + 6) != 2 * SHARES_SPLIT_LEN ||
	    !hex_decode(line + 6, s->split, SHARES_SPLIT_LEN))
		return wrong("line \"split\"", err);
	if (!plain_line(rest, line) ||
	    sscanf(line, "share %2u of %2u, any %2u restore", &s->number, &s->n,
		   &s->m) != 3)
		return wrong("line \"share\"", err);
	snprintf(again, sizeof(again), "share %u of %u, any %u restore",
		 s->number, s->n, s->m);
	if (strcmp(line, again) != 0 || s->m < 2 || s->m > s->n ||
	    s->n > SHARES_MAX || s->number < 1 || s->number > s->n)
		return wrong("line \"share\"", err);
	return PV_OK;
}

/* The check is over all of it, so that a changed head is found, too. */
static enum pv_code parse_end(struct span *rest, const struct share *s,
			      struct err *err)
{
	char line[PLAIN_MAX] = "", want[SHARES_CHECK_LEN];
	struct span last;
	enum pv_code rc = share_check(s, want, err);

	if (rc != PV_OK)
		return rc;
	if (!plain_line(rest, line) || strncmp(line, "check ", 6) != 0 ||
	    strcasecmp(line + 6, want) != 0)
		return wrong("line \"check\"", err);
	while (next_line(rest, &last))
		if (last.len > 0)
			return wrong("end", err);
	return PV_OK;
}

enum pv_code share_parse(const struct secret *text, struct share *s,
			 struct err *err)
{
	struct span rest = { text->data, text->len };
	enum pv_code rc;

	memset(s, 0, sizeof(*s));
	if (text->len > SHARES_TEXT_MAX)
		return wrong("length", err);
	rc = parse_head(&rest, s, err);
	if (rc == PV_OK)
		rc = secret_alloc(&s->value, SHARES_SECRET_LEN, err);
	if (rc == PV_OK)
		rc = parse_value(&rest, s, err);
	if (rc == PV_OK)
		rc = parse_end(&rest, s, err);
	if (rc != PV_OK)
		share_release(s);
	return rc;
}
