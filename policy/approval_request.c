#include "policy/approval_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/notechars.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"
#include "policy/node.h"

CLEANUP_PTR(struct approval_request, approval_request_free);
CLEANUP_PTR(json_t, json_decref);

static struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static enum pv_code take_hex(const struct node *root, const char *key,
			     uint8_t *out, size_t len)
{
	struct node n = node_get(root, key);
	const char *s = "";

	NODE_TRY(node_need(&n));
	NODE_TRY(node_string(&n, 2 * len, &s));
	if (strlen(s) != 2 * len || strspn(s, "0123456789abcdef") != 2 * len ||
	    !hex_decode(s, out, len))
		return node_fail(&n, "hex", NULL,
				 "not %zu bytes in small hex digits", len);
	return PV_OK;
}

/* What makes the authority is asked for before it has a root. */
static enum pv_code take_root(const struct node *root, struct approval *a)
{
	struct node n = node_get(root, "root");
	const char *s = "";

	NODE_TRY(node_need(&n));
	NODE_TRY(node_string(&n, 2 * sizeof(a->root), &s));
	return strcmp(s, APPROVAL_NO_ROOT) == 0
		       ? PV_OK
		       : take_hex(root, "root", a->root, sizeof(a->root));
}

static enum pv_code take_log(const struct node *root, struct approval *a)
{
	struct node n = node_get(root, "log");
	const char *s = "";

	NODE_TRY(node_need(&n));
	NODE_TRY(node_string(&n, NOTE_NAME_MAX, &s));
	if (!notechars_name_ok(span_of(s)))
		return node_fail(&n, "log", NULL, "not an origin of a log");
	snprintf(a->log, sizeof(a->log), "%s", s);
	return PV_OK;
}

static enum pv_code take_words(const struct node *root, struct approval *a)
{
	struct node op = node_get(root, "operation");
	struct node requester = node_get(root, "requester");
	struct node expires = node_get(root, "expires");
	const char *s = "";
	int64_t time_s;

	NODE_TRY(node_need(&op));
	NODE_TRY(node_string(&op, 64, &s));
	if (!quorum_op_find(span_of(s), &a->operation))
		return node_fail(&op, "operation", NULL,
				 "unknown operation \"%.64s\"", s);
	NODE_TRY(node_need(&requester));
	NODE_TRY(node_name(&requester, &s));
	snprintf(a->requester, sizeof(a->requester), "%s", s);
	NODE_TRY(node_need(&expires));
	NODE_TRY(node_string(&expires, PVTIME_RFC3339_LEN, &s));
	if (!pvtime_parse(s, strlen(s), &time_s))
		return node_fail(&expires, "time", "as 2026-01-31T00:00:00Z",
				 "not a time in UTC");
	a->expires_s = (uint64_t)time_s;
	return PV_OK;
}

static enum pv_code take_subject(const struct node *root,
				 struct approval_request *q)
{
	struct node n = node_get(root, "subject");
	const char *s = "";
	struct span bytes;
	size_t len;

	NODE_TRY(node_need(&n));
	NODE_TRY(node_string(&n, BASE64_LEN(APPROVAL_SUBJECT_MAX), &s));
	len = strlen(s);
	q->subject = mem_new(BASE64_DECODED_MAX(len) + 1, n.r->err);
	if (!q->subject)
		return PV_INTERNAL;
	if (!base64_decode(s, len, q->subject, APPROVAL_SUBJECT_MAX,
			   &q->subject_len))
		return node_fail(&n, "base64", NULL, "not base64");
	bytes.p = q->subject;
	bytes.len = q->subject_len;
	return sha256(bytes, q->approval.subject, n.r->err);
}

static enum pv_code take_context(const struct node *root,
				 struct approval_request *q)
{
	struct node n = node_get(root, "context");
	const char *key, *s;
	json_t *value;

	NODE_TRY(node_object(&n, NULL));
	if (json_object_size(n.v) > APPROVAL_CONTEXT_MAX)
		return node_fail(&n, "count", NULL,
				 "%zu facts where %u are allowed",
				 json_object_size(n.v), APPROVAL_CONTEXT_MAX);
	json_object_foreach(n.v, key, value)
	{
		struct node fact = node_get(&n, key);

		if (!key[0] || strlen(key) > APPROVAL_FACT_NAME_MAX ||
		    strspn(key, "abcdefghijklmnopqrstuvwxyz_") != strlen(key))
			return node_fail(&n, "fact", NULL,
					 "a fact with a name of other than 1 "
					 "to %u small letters and _",
					 APPROVAL_FACT_NAME_MAX);
		NODE_TRY(node_text(&fact, APPROVAL_FACT_MAX, &s));
	}
	q->context = n.v;
	return PV_OK;
}

static enum pv_code parse_all(const struct node_reader *r,
			      struct approval_request *q)
{
	static const char *const keys[] = {
		"approval_request", "log",   "root",	"operation", "subject",
		"requester",	    "nonce", "expires", "context",   NULL
	};
	static const char *const formats[] = { APPROVAL_REQUEST_FORMAT, NULL };
	struct node root = node_root(r);
	struct node format = node_get(&root, "approval_request");
	struct approval *a = &q->approval;
	unsigned word = 0;

	NODE_TRY(node_object(&root, keys));
	NODE_TRY(node_need(&format));
	NODE_TRY(node_word(&format, formats, &word));
	NODE_TRY(take_log(&root, a));
	NODE_TRY(take_root(&root, a));
	NODE_TRY(take_hex(&root, "nonce", a->nonce, sizeof(a->nonce)));
	NODE_TRY(take_words(&root, a));
	NODE_TRY(take_subject(&root, q));
	return take_context(&root, q);
}

enum pv_code approval_request_parse(struct span text,
				    struct approval_request **out,
				    struct err *err)
{
	CLEANUP(cleanup_approval_request_free)
	struct approval_request *q = NULL;
	struct node_reader r = { .area = "approval_request", .err = err };

	*out = NULL;
	q = mem_new(sizeof(*q), err);
	if (!q)
		return PV_INTERNAL;
	NODE_TRY(json_parse_max(text, APPROVAL_REQUEST_MAX, &q->doc, err));
	r.doc = q->doc;
	NODE_TRY(parse_all(&r, q));
	*out = TAKE(q);
	return PV_OK;
}

void approval_request_free(struct approval_request *q)
{
	if (!q)
		return;
	free(q->subject);
	json_doc_free(q->doc);
	free(q);
}

static json_t *request_json(const struct approval *a, const char *subject,
			    const json_t *context)
{
	char root[65] = APPROVAL_NO_ROOT, nonce[2 * APPROVAL_NONCE_LEN + 1];
	char expires[PVTIME_RFC3339_LEN + 1];
	json_t *o;

	if (!pvtime_format((int64_t)a->expires_s, expires))
		return NULL;
	if (approval_has_root(a))
		hex_encode(a->root, sizeof(a->root), root);
	hex_encode(a->nonce, sizeof(a->nonce), nonce);
	o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "approval_request",
		      APPROVAL_REQUEST_FORMAT, "log", a->log, "root", root,
		      "operation", quorum_op_name(a->operation), "subject",
		      subject, "requester", a->requester, "nonce", nonce,
		      "expires", expires);
	if (o && context &&
	    json_object_set_new(o, "context", json_deep_copy(context)) != 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* Written, then read: whoever gets the file must be able to. */
static enum pv_code put_checked(struct buf *out, const json_t *o,
				struct err *err)
{
	CLEANUP(cleanup_approval_request_free)
	struct approval_request *again = NULL;
	CLEANUP(mem_cleanup) char *text = json_dumps(o, JSON_INDENT(2));
	enum pv_code rc;

	if (!text)
		return err_fail(err, PV_INTERNAL, NULL, NULL, "out of memory");
	rc = approval_request_parse(span_of(text), &again, err);
	if (rc != PV_OK)
		return rc;
	buf_put_str(out, text);
	buf_put_u8(out, '\n');
	return buf_check(out, err);
}

enum pv_code approval_request_put(struct buf *out, const struct approval *a,
				  struct span subject, const json_t *context,
				  struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	CLEANUP(mem_cleanup) char *base64 = NULL;
	CLEANUP(cleanup_json_decref) json_t *o = NULL;
	uint8_t hash[32];

	buf_init(&text, APPROVAL_TEXT_MAX);
	NODE_TRY(approval_text_put(&text, a, err));
	NODE_TRY(sha256(subject, hash, err));
	if (memcmp(hash, a->subject, sizeof(hash)) != 0)
		return err_fail(err, PV_INTERNAL, "approval_request.subject",
				NULL, "an approval of other bytes");
	base64 = mem_new(BASE64_LEN(subject.len) + 1, err);
	if (!base64)
		return PV_INTERNAL;
	base64_encode(subject.p, subject.len, base64);
	o = request_json(a, base64, context);
	if (!o)
		return err_fail(err, PV_INTERNAL, NULL, NULL, "out of memory");
	return put_checked(out, o, err);
}
