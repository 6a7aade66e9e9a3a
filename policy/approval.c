/* The text of an approval (formats.md 6). */
#include "policy/approval.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/notechars.h"
#include "lib/base/pvtime.h"

#define TITLE "provctl approval/v1"
#define SHA256_TAG "sha256:"

static enum pv_code bad(struct err *err, const char *what)
{
	return err_fail(err, PV_INPUT, "approval.text",
			"get the request or the approval again from its source",
			"%s of an approval is not as it has to be", what);
}

static struct span text_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

bool approval_has_root(const struct approval *a)
{
	static const uint8_t none[sizeof(a->root)];

	return memcmp(a->root, none, sizeof(none)) != 0;
}

static const char *wrong_field(const struct approval *a)
{
	if (!approval_has_root(a) && a->operation != QUORUM_CEREMONY)
		return "the root";
	if (!notechars_name_ok(text_of(a->log)))
		return "the log";
	if (a->operation >= QUORUM_OPS)
		return "the operation";
	if (!name_is_safe(a->requester, strlen(a->requester)))
		return "the requester";
	if (a->expires_s > (uint64_t)PVTIME_MAX)
		return "the expiry";
	return NULL;
}

enum pv_code approval_text_put(struct buf *out, const struct approval *a,
			       struct err *err)
{
	const char *wrong = wrong_field(a);
	char root[65] = APPROVAL_NO_ROOT, subject[65],
	     nonce[2 * APPROVAL_NONCE_LEN + 1];
	char expires[PVTIME_RFC3339_LEN + 1];

	if (wrong || !pvtime_format((int64_t)a->expires_s, expires))
		return bad(err, wrong ? wrong : "the expiry");
	if (approval_has_root(a))
		hex_encode(a->root, sizeof(a->root), root);
	hex_encode(a->subject, sizeof(a->subject), subject);
	hex_encode(a->nonce, sizeof(a->nonce), nonce);
	buf_printf(out,
		   TITLE "\nlog %s\nroot %s\noperation %s\n"
			 "subject " SHA256_TAG "%s\nrequester %s\nnonce %s\n"
			 "expires %s\n",
		   a->log, root, quorum_op_name(a->operation), subject,
		   a->requester, nonce, expires);
	return buf_check(out, err);
}

/* What stands behind key in the next line; without such a line p is NULL. */
static struct span take_line(struct span *rest, const char *key)
{
	const struct span none = { NULL, 0 };
	size_t head = strlen(key);
	const uint8_t *lf = rest->len ? memchr(rest->p, '\n', rest->len) : NULL;
	struct span value;

	if (!lf || (size_t)(lf - rest->p) <= head ||
	    memcmp(rest->p, key, head) != 0)
		return none;
	value.p = rest->p + head;
	value.len = (size_t)(lf - value.p);
	rest->len -= (size_t)(lf + 1 - rest->p);
	rest->p = lf + 1;
	return value;
}

static bool take_text(struct span value, char *out, size_t cap)
{
	if (!value.p || value.len >= cap || memchr(value.p, '\0', value.len))
		return false;
	memcpy(out, value.p, value.len);
	out[value.len] = '\0';
	return true;
}

static bool take_hex(struct span value, uint8_t *out, size_t len)
{
	char hex[65];

	return take_text(value, hex, sizeof(hex)) && strlen(hex) == 2 * len &&
	       hex_decode(hex, out, len);
}

static bool take_time(struct span value, uint64_t *out)
{
	int64_t time_s;

	if (!value.p ||
	    !pvtime_parse((const char *)value.p, value.len, &time_s))
		return false;
	*out = (uint64_t)time_s;
	return true;
}

static bool take_title(struct span *rest)
{
	size_t len = strlen(TITLE "\n");

	if (rest->len < len || memcmp(rest->p, TITLE "\n", len) != 0)
		return false;
	rest->p += len;
	rest->len -= len;
	return true;
}

/* NULL, or what is wrong. */
static const char *take_lines(struct span rest, struct approval *a)
{
	struct span op, root;

	if (!take_title(&rest))
		return "the first line";
	if (!take_text(take_line(&rest, "log "), a->log, sizeof(a->log)))
		return "the log";
	root = take_line(&rest, "root ");
	if (!span_is(root, APPROVAL_NO_ROOT) &&
	    !take_hex(root, a->root, sizeof(a->root)))
		return "the root";
	op = take_line(&rest, "operation ");
	if (!op.p || !quorum_op_find(op, &a->operation))
		return "the operation";
	if (!take_hex(take_line(&rest, "subject " SHA256_TAG), a->subject,
		      sizeof(a->subject)))
		return "the subject";
	if (!take_text(take_line(&rest, "requester "), a->requester,
		       sizeof(a->requester)))
		return "the requester";
	if (!take_hex(take_line(&rest, "nonce "), a->nonce, sizeof(a->nonce)))
		return "the nonce";
	if (!take_time(take_line(&rest, "expires "), &a->expires_s))
		return "the expiry";
	return rest.len == 0 ? NULL : "the end";
}

/* Written again it has to be the same bytes: one text for each approval. */
enum pv_code approval_text_parse(struct span text, struct approval *a,
				 struct err *err)
{
	CLEANUP(buf_release) struct buf again;
	const char *wrong;
	enum pv_code rc;

	memset(a, 0, sizeof(*a));
	buf_init(&again, APPROVAL_TEXT_MAX);
	wrong = take_lines(text, a);
	rc = wrong ? bad(err, wrong) : approval_text_put(&again, a, err);
	if (rc == PV_OK && !span_equal(buf_span(&again), text))
		rc = bad(err, "the form");
	if (rc != PV_OK)
		memset(a, 0, sizeof(*a));
	return rc;
}
