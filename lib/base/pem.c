#include "lib/base/pem.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/base64.h"

#define PEM_LABEL_MAX 40

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span s)
{
	while (s.len > 0 && is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

static bool starts(struct span s, const char *with)
{
	size_t len = strlen(with);

	return s.len >= len && memcmp(s.p, with, len) == 0;
}

static bool ends(struct span s, const char *with)
{
	size_t len = strlen(with);

	return s.len >= len && memcmp(s.p + s.len - len, with, len) == 0;
}

bool pem_is(struct span text, const char *label)
{
	char line[PEM_LABEL_MAX + 24];

	snprintf(line, sizeof(line), "-----BEGIN %.*s-----", PEM_LABEL_MAX,
		 label);
	return starts(trim(text), line);
}

static enum pv_code refuse(const char *label, const char *what, struct err *err)
{
	return err_fail(err, PV_INPUT, "pem.format",
			"give exactly one PEM block of that kind",
			"not one PEM block \"%s\": %s", label, what);
}

/* Names what stands there instead, as far as it is a plain label. */
static enum pv_code other_label(const char *label, struct span s,
				struct err *err)
{
	size_t skip = strlen("-----BEGIN "), n = 0;
	char found[PEM_LABEL_MAX + 1], what[PEM_LABEL_MAX + 24];

	while (n < PEM_LABEL_MAX && skip + n < s.len &&
	       ((s.p[skip + n] >= 'A' && s.p[skip + n] <= 'Z') ||
		s.p[skip + n] == ' '))
		n++;
	snprintf(found, sizeof(found), "%.*s", (int)n,
		 (const char *)s.p + skip);
	snprintf(what, sizeof(what), "it is a \"%s\"", found);
	return refuse(label, what, err);
}

/* The text without its white space. */
static void put_lines(struct buf *body, struct span s)
{
	size_t at = 0;

	while (at < s.len) {
		size_t end = at;

		while (end < s.len && !is_space(s.p[end]))
			end++;
		buf_put(body, s.p + at, end - at);
		at = end + 1;
	}
}

/* body is base64 without white space. */
static enum pv_code put_decoded(const struct buf *body, const char *label,
				struct buf *der, struct err *err)
{
	size_t cap = BASE64_DECODED_MAX(body->len);
	uint8_t *room = buf_room(der, cap);
	size_t len;

	if (!room)
		return buf_check(der, err);
	if (!base64_decode((const char *)body->data, body->len, room, cap,
			   &len))
		return refuse(label, "it is not base64", err);
	buf_commit(der, len);
	return PV_OK;
}

enum pv_code pem_decode(struct span text, const char *label, struct buf *der,
			struct err *err)
{
	char begin[PEM_LABEL_MAX + 24], end[PEM_LABEL_MAX + 24];
	struct span s = trim(text);
	struct buf body;
	enum pv_code rc;

	snprintf(begin, sizeof(begin), "-----BEGIN %.*s-----", PEM_LABEL_MAX,
		 label);
	snprintf(end, sizeof(end), "-----END %.*s-----", PEM_LABEL_MAX, label);
	if (!starts(s, begin) && starts(s, "-----BEGIN "))
		return other_label(label, s, err);
	if (!starts(s, begin) || !ends(s, end) ||
	    s.len < strlen(begin) + strlen(end))
		return refuse(label, "the BEGIN or END line is missing", err);
	s.p += strlen(begin);
	s.len -= strlen(begin) + strlen(end);
	if (s.len == 0 || !is_space(s.p[0]))
		return refuse(label, "no line end after BEGIN", err);
	buf_init(&body, der->max * 2 + 64);
	put_lines(&body, s);
	rc = buf_check(&body, err);
	if (rc == PV_OK && body.len == 0)
		rc = refuse(label, "it is empty", err);
	if (rc == PV_OK)
		rc = put_decoded(&body, label, der, err);
	buf_release(&body);
	return rc;
}

void pem_encode(struct buf *out, const char *label, struct span der)
{
	buf_printf(out, "-----BEGIN %s-----\n", label);
	/* 48 bytes are one line of 64 characters. */
	for (size_t at = 0; at < der.len; at += 48) {
		size_t n = der.len - at < 48 ? der.len - at : 48;
		char line[BASE64_LEN(48) + 1];

		base64_encode(der.p + at, n, line);
		line[BASE64_LEN(n)] = '\n';
		buf_put(out, line, BASE64_LEN(n) + 1);
	}
	buf_printf(out, "-----END %s-----\n", label);
}
