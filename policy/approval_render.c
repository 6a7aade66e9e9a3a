#include "policy/approval_render.h"

#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/notechars.h"
#include "lib/base/pvtime.h"
#include "policy/node.h"
#include "policy/orderfile.h"
#include "policy/template.h"

#define RENDER_MAX (1024u * 1024u) /* bytes of one part */
#define CONTEXT_COLUMNS 78	   /* of one fact: no terminal wraps it */

CLEANUP_PTR(struct plan, plan_free);
CLEANUP_PTR(struct json_doc, json_doc_free);
CLEANUP_PTR(struct roster, roster_free);
CLEANUP_PTR(struct template, template_free);
CLEANUP_PTR(json_t, json_decref);

static struct span subject_of(const struct approval_request *q)
{
	return (struct span){ q->subject, q->subject_len };
}

/* The next line without its LF; false at the end. */
static bool next_line(struct span *rest, struct span *line)
{
	const uint8_t *lf;

	if (rest->len == 0)
		return false;
	lf = memchr(rest->p, '\n', rest->len);
	line->p = rest->p;
	line->len = lf ? (size_t)(lf - rest->p) : rest->len;
	rest->p += line->len + (lf != NULL);
	rest->len -= line->len + (lf != NULL);
	return true;
}

static void put_lines(struct buf *out, const char *mark, struct span text)
{
	struct span line;

	while (next_line(&text, &line)) {
		buf_put_str(out, mark);
		buf_put(out, line.p, line.len);
		buf_put_u8(out, '\n');
	}
}

/* As it is read aloud and compared: four digits and a blank. */
static void put_groups(struct buf *out, const uint8_t sha256[32])
{
	char hex[65];

	hex_encode(sha256, 32, hex);
	for (size_t i = 0; i < 64; i += 4)
		buf_printf(out, " %.4s", hex + i);
	buf_put_u8(out, '\n');
}

static void put_officer(struct buf *out, const struct roster_officer *o)
{
	const char *comma = "";

	buf_printf(out, "officer %s: %s; ", o->name, o->person);
	for (unsigned i = 0; i < ROLES_N; i++) {
		if (!(o->roles & 1u << i))
			continue;
		buf_printf(out, "%s%s", comma, role_name(1u << i));
		comma = ", ";
	}
	buf_put_u8(out, '\n');
	for (size_t i = 0; i < o->keys_n; i++) {
		buf_printf(out, "key of %s, %s: ", o->name,
			   o->keys[i].file ? "may be a file" : "in a token");
		note_key_put(&o->keys[i].key, out);
		buf_put_u8(out, '\n');
	}
}

static void put_roster(struct buf *out, const struct roster *r)
{
	buf_printf(out, "roster version %llu\n",
		   (unsigned long long)r->version);
	for (size_t i = 0; i < r->n; i++)
		put_officer(out, &r->officers[i]);
	for (size_t i = 0; i < QUORUM_OPS; i++)
		buf_printf(out, "%s: %u approval%s\n",
			   quorum_op_name((enum quorum_op)i),
			   r->quorum.persons[i], err_s(r->quorum.persons[i]));
}

static bool has_line(struct span text, struct span wanted)
{
	struct span line;

	while (next_line(&text, &line))
		if (span_equal(line, wanted))
			return true;
	return false;
}

/* Lines of text that other lacks behind lacking, the rest behind mark. */
static void put_compared(struct buf *out, struct span text, struct span other,
			 const char *lacking, const char *mark)
{
	struct span line;

	while (next_line(&text, &line)) {
		const char *m = has_line(other, line) ? mark : lacking;

		if (!m)
			continue;
		buf_put_str(out, m);
		buf_put(out, line.p, line.len);
		buf_put_u8(out, '\n');
	}
}

/* The roster that the subject names, by its hash; anything else is a trick. */
static enum pv_code parse_shown(const char *base64, const uint8_t sha256[32],
				const char *what, struct roster **shown,
				struct err *err)
{
	size_t len = strlen(base64);
	CLEANUP(mem_cleanup)
	uint8_t *bytes = mem_new(BASE64_DECODED_MAX(len) + 1, err);
	struct span text = { bytes, 0 };

	if (!bytes)
		return PV_INTERNAL;
	if (!base64_decode(base64, len, bytes, BASE64_DECODED_MAX(len),
			   &text.len) ||
	    roster_parse(text, shown, NULL) != PV_OK ||
	    memcmp((*shown)->sha256, sha256, 32) != 0)
		return err_fail(err, PV_INPUT, "approval_request.roster",
				"ask the requester for another request",
				"the request shows another roster than the one "
				"that %s",
				what);
	return PV_OK;
}

static enum pv_code render_roster(const struct approval_request *q,
				  struct buf *out, struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *r = NULL;
	CLEANUP(cleanup_roster_free) struct roster *former = NULL;
	CLEANUP(buf_release) struct buf text = { .max = RENDER_MAX };
	CLEANUP(buf_release) struct buf old = { .max = RENDER_MAX };
	const char *base64 = json_string_value(
		json_object_get(q->context, APPROVAL_FACT_ROSTER));

	NODE_TRY(roster_parse(subject_of(q), &r, err));
	put_roster(&text, r);
	NODE_TRY(buf_check(&text, err));
	if (!base64 || !r->replaces_one) {
		buf_put_str(out, "All of it may be new: it names no roster "
				 "that it replaces.\n");
		put_lines(out, "+ ", buf_span(&text));
		return PV_OK;
	}
	NODE_TRY(parse_shown(base64, r->replaces, "the new one replaces",
			     &former, err));
	put_roster(&old, former);
	NODE_TRY(buf_check(&old, err));
	buf_put_str(out, "Changes (-, +) to the roster that it says it "
			 "replaces:\n");
	put_compared(out, buf_span(&old), buf_span(&text), "- ", NULL);
	put_compared(out, buf_span(&text), buf_span(&old), "+ ", "  ");
	return PV_OK;
}

static enum pv_code render_template(const struct approval_request *q,
				    struct buf *out, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	CLEANUP(cleanup_json_decref) json_t *shown = NULL;
	CLEANUP(mem_cleanup) char *text = NULL;

	NODE_TRY(template_parse(subject_of(q), &t, NULL, err));
	NODE_TRY(template_show(t, &shown, err));
	text = json_dumps(shown, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	if (!text)
		return err_fail(err, PV_INTERNAL, NULL, NULL, "out of memory");
	buf_put_str(out, "SHA-256 of the template's file:");
	put_groups(out, t->sha256);
	buf_printf(out, "Template %s, version %u, with every default:\n",
		   t->name, t->version);
	put_lines(out, "  ",
		  (struct span){ (const uint8_t *)text, strlen(text) });
	return PV_OK;
}

static void put_time(struct buf *out, const char *what, uint64_t time_s)
{
	char text[PVTIME_RFC3339_LEN + 1];

	if (time_s && pvtime_format((int64_t)time_s, text))
		buf_printf(out, "  %s %s\n", what, text);
}

static enum pv_code render_order(const struct approval_request *q,
				 struct buf *out, struct err *err)
{
	char digest[65];
	struct order o;

	NODE_TRY(order_parse(subject_of(q), &o, err));
	hex_encode(o.template_sha256, sizeof(o.template_sha256), digest);
	buf_printf(out,
		   "  order %s: %llu device%s and %llu replacement%s\n"
		   "  of template %s, version %u\n  template sha256:%s\n",
		   o.id, (unsigned long long)o.quantity, err_s(o.quantity),
		   (unsigned long long)o.rework, err_s(o.rework),
		   o.template_name, o.version, digest);
	for (size_t i = 0; i < o.stations_n; i++)
		buf_printf(out, "  at station %s\n", o.stations[i]);
	for (size_t i = 0; i < o.keyed_n; i++) {
		buf_put_str(out, "  only with the key of its station: ");
		note_key_put(&o.keyed[i].key, out);
		buf_put_u8(out, '\n');
	}
	if (!o.stations_n)
		buf_put_str(out, "  at any station of the template\n");
	put_time(out, "not before", o.from_s);
	put_time(out, "before", o.until_s);
	if (!o.until_s)
		buf_put_str(out, "  without an end\n");
	if (o.per_hour)
		buf_printf(out, "  at most %llu an hour\n",
			   (unsigned long long)o.per_hour);
	if (o.hours)
		buf_printf(out, "  from %02u:%02u to %02u:%02u UTC\n",
			   o.from_min / 60u, o.from_min % 60u, o.to_min / 60u,
			   o.to_min % 60u);
	buf_printf(out, "  offline lines: %s\n",
		   o.offline ? "allowed" : "not allowed");
	return PV_OK;
}

/* What its signatures are made under. */
static void put_templates(const struct plan *plan, struct buf *out)
{
	for (size_t i = 0; i < plan->steps_n; i++) {
		const struct plan_step *s = &plan->steps[i];

		if (!s->bound)
			continue;
		buf_printf(out, "Step %zu, %s: SHA-256 of %s.json:", i + 1,
			   plan_kind_name(s->kind), s->template_name);
		put_groups(out, s->template_sha256);
	}
}

static enum pv_code render_text(const struct approval_request *q,
				struct buf *out, struct err *err)
{
	uint32_t cp;
	size_t at;

	if (!notechars_ok(subject_of(q), &at, &cp))
		return err_fail(err, PV_INPUT, "approval_request.subject",
				"do not approve it",
				"the subject cannot be shown: byte %zu is no "
				"clean text",
				at);
	put_lines(out, "  ", subject_of(q));
	return PV_OK;
}

static enum pv_code decode_plan(const char *base64, struct buf *out,
				struct err *err)
{
	size_t len = base64 ? strlen(base64) : 0, n = 0;
	CLEANUP(mem_cleanup)
	uint8_t *bytes = mem_new(BASE64_DECODED_MAX(len) + 1, err);

	if (!bytes)
		return PV_INTERNAL;
	if (len == 0 ||
	    !base64_decode(base64, len, bytes, BASE64_DECODED_MAX(len), &n))
		return err_fail(err, PV_INPUT, "approval_request.plan",
				"ask the requester for another request",
				"the request does not show its plan");
	buf_put(out, bytes, n);
	return buf_check(out, err);
}

/* The one that the subject names, by its hash. */
enum pv_code approval_plan(const struct approval_request *q, struct buf *bytes,
			   struct plan **plan, struct err *err)
{
	char line[sizeof(APPROVAL_PLAN_LINE) + 64] = APPROVAL_PLAN_LINE;
	char *hex = line + strlen(APPROVAL_PLAN_LINE);

	NODE_TRY(decode_plan(json_string_value(json_object_get(
				     q->context, APPROVAL_FACT_PLAN)),
			     bytes, err));
	NODE_TRY(plan_parse(buf_span(bytes), plan, err));
	hex_encode((*plan)->sha256, sizeof((*plan)->sha256), hex);
	if (has_line(subject_of(q),
		     (struct span){ (const uint8_t *)line, strlen(line) }))
		return PV_OK;
	plan_free(*plan);
	*plan = NULL;
	return err_fail(err, PV_INPUT, "approval_request.plan",
			"ask the requester for another request",
			"the request shows another plan than the one that is "
			"to be approved");
}

/* As it is written, and whom it sets in charge. */
static enum pv_code render_plan(const struct approval_request *q,
				struct buf *out, struct err *err)
{
	CLEANUP(cleanup_plan_free) struct plan *plan = NULL;
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	CLEANUP(cleanup_roster_free) struct roster *r = NULL;
	CLEANUP(buf_release) struct buf bytes;
	CLEANUP(mem_cleanup) char *text = NULL;
	const char *base64 = json_string_value(
		json_object_get(q->context, APPROVAL_FACT_ROSTER));
	const struct plan_step *set;

	buf_init(&bytes, PLAN_SIZE_MAX);
	NODE_TRY(render_text(q, out, err));
	NODE_TRY(approval_plan(q, &bytes, &plan, err));
	NODE_TRY(json_parse_max(buf_span(&bytes), PLAN_SIZE_MAX, &doc, err));
	text = json_dumps(json_root(doc), JSON_INDENT(2) | JSON_ENSURE_ASCII);
	if (!text)
		return err_fail(err, PV_INTERNAL, NULL, NULL, "out of memory");
	buf_printf(out, "Plan %s, version %u:\n", plan->name, plan->version);
	put_lines(out, "  ",
		  (struct span){ (const uint8_t *)text, strlen(text) });
	put_templates(plan, out);
	set = plan_roster(plan);
	if (!set)
		return PV_OK;
	if (!base64)
		return err_fail(err, PV_INPUT, "approval_request.roster",
				"let the command that asks make the request "
				"again",
				"the plan sets a roster, and the request does "
				"not show it");
	NODE_TRY(parse_shown(base64, set->roster, "the plan sets", &r, err));
	buf_put_str(out, "The roster that it sets:\n");
	put_roster(out, r);
	return PV_OK;
}

static bool ends_order(const struct approval_request *q)
{
	const size_t len = strlen(APPROVAL_ORDER_END);

	return q->subject_len > len &&
	       memcmp(q->subject, APPROVAL_ORDER_END, len) == 0;
}

static enum pv_code render_subject(const struct approval_request *q,
				   struct buf *out, struct err *err)
{
	switch (q->approval.operation) {
	case QUORUM_ROSTER:
		return render_roster(q, out, err);
	case QUORUM_ADOPT:
		return render_template(q, out, err);
	case QUORUM_ORDER:
		return ends_order(q) ? render_text(q, out, err)
				     : render_order(q, out, err);
	case QUORUM_CEREMONY:
		return render_plan(q, out, err);
	default:
		return render_text(q, out, err);
	}
}

/*
 * One line behind a mark of its own, whatever the text: cut and not wrapped,
 * blanks in a row are one, and what is not ASCII (it may be wide) is a "?".
 */
static void put_fact(const char *key, const char *value, struct buf *out)
{
	int columns = CONTEXT_COLUMNS - (int)strlen("?  : ") - (int)strlen(key);
	char last = ' ';

	buf_printf(out, "? %s: ", key);
	for (; *value && columns > 0; value++) {
		char c = *value >= ' ' && *value < 0x7f ? *value : '?';

		if (c == ' ' && last == ' ')
			continue;
		buf_put_u8(out, (uint8_t)c);
		last = c;
		columns--;
	}
	buf_put_str(out, *value ? "~\n" : "\n");
}

static bool is_shown_as_file(const char *key)
{
	return strcmp(key, APPROVAL_FACT_ROSTER) == 0 ||
	       strcmp(key, APPROVAL_FACT_PLAN) == 0;
}

/* Before what is signed: nothing that is not signed comes last. */
static void put_context(const json_t *context, struct buf *out)
{
	const char *key;
	json_t *value;

	bool any = false;

	json_object_foreach((json_t *)context, key, value)
	{
		if (is_shown_as_file(key))
			continue;
		if (!any)
			buf_put_str(out,
				    "Said by the requester, not signed:\n");
		any = true;
		put_fact(key, json_string_value(value), out);
	}
}

enum pv_code approval_render(const struct approval_request *q, struct buf *out,
			     struct err *err)
{
	CLEANUP(buf_release) struct buf part = { .max = RENDER_MAX };
	CLEANUP(buf_release) struct buf text = { .max = APPROVAL_TEXT_MAX };

	NODE_TRY(approval_text_put(&text, &q->approval, err));
	NODE_TRY(render_subject(q, &part, err));
	NODE_TRY(buf_check(&part, err));
	put_context(q->context, out);
	buf_put_str(out, "To be signed:\n");
	put_lines(out, "  ", buf_span(&text));
	buf_printf(out, "The subject, %zu bytes:\n", q->subject_len);
	buf_put(out, part.data, part.len);
	return buf_check(out, err);
}
