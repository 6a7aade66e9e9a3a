#include "policy/approval_render.h"

#include "lib/base/base64.h"
#include "lib/base/sha256.h"
#include "policy/plan.h"
#include "tests/unit/people.h"

/* What is shown for subject; the caller releases it. */
static enum pv_code render(enum quorum_op op, struct span subject,
			   json_t *context, struct buf *out, struct err *err)
{
	struct approval_request *q = NULL;
	struct approval a = { .log = "example.org/factory",
			      .root = { 1 },
			      .operation = op,
			      .requester = "alice",
			      .expires_s = 1800000000 };
	enum pv_code rc;
	struct buf file;

	UNIT_OK(sha256(subject, a.subject, &err_));
	buf_init(&file, APPROVAL_REQUEST_MAX);
	UNIT_OK(approval_request_put(&file, &a, subject, context, &err_));
	UNIT_OK(approval_request_parse(buf_span(&file), &q, &err_));
	buf_init(out, 1024 * 1024);
	err_init(err);
	rc = approval_render(q, out, err);
	ck_assert(rc == PV_OK || out->len == 0);
	approval_request_free(q);
	buf_release(&file);
	json_decref(context);
	return rc;
}

static void shows(struct buf *out, const char *want)
{
	const char *text = buf_cstr(out);

	ck_assert_msg(strstr(text, want) != NULL, "no \"%s\" in:\n%s", want,
		      text);
}

/* The text that names the plan, and the plan beside it. */
static enum pv_code render_ceremony(struct span plan, const char *roster,
				    struct buf *out, struct err *err)
{
	static char base64[16384];
	json_t *context;
	char hex[65], subject[256];
	uint8_t hash[32];

	UNIT_OK(sha256(plan, hash, &err_));
	hex_encode(hash, sizeof(hash), hex);
	snprintf(subject, sizeof(subject),
		 "ceremony\n" APPROVAL_PLAN_LINE "%s\nauthority acme\n", hex);
	base64_encode(plan.p, plan.len, base64);
	context = json_pack("{s:s, s:s*}", APPROVAL_FACT_PLAN, base64,
			    APPROVAL_FACT_ROSTER, roster);
	return render(QUORUM_CEREMONY, span_of(subject), context, out, err);
}

START_TEST(order)
{
	static const char text[] =
		"{\"order\":\"o-1\",\"template\":\"acme\",\"version\":3,"
		"\"template_sha256\":\"0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef\",\"quantity\":1000,"
		"\"rework\":5,\"stations\":[\"line-*\"],"
		"\"from\":\"2026-01-01T00:00:00Z\","
		"\"until\":\"2026-02-01T00:00:00Z\","
		"\"hours_utc\":\"22:00-06:30\",\"per_hour\":7}";
	struct buf out;
	struct err err;

	unit_ok(render(QUORUM_ORDER, span_of(text),
		       json_pack("{s:s}", "why", "line 3"), &out, &err),
		&err);
	shows(&out, "To be signed:\n  provctl approval/v1\n"
		    "  log example.org/factory\n");
	shows(&out, "  operation order\n");
	shows(&out, "  order o-1: 1000 devices and 5 replacements\n"
		    "  of template acme, version 3\n"
		    "  template sha256:0123456789abcdef");
	shows(&out, "  at station line-*\n"
		    "  not before 2026-01-01T00:00:00Z\n"
		    "  before 2026-02-01T00:00:00Z\n"
		    "  at most 7 an hour\n  from 22:00 to 06:30 UTC\n"
		    "  offline lines: not allowed\n");
	ck_assert_int_eq(strncmp(buf_cstr(&out),
				 "Said by the requester, not signed:\n"
				 "? why: line 3\nTo be signed:\n",
				 62),
			 0);
	buf_release(&out);
	unit_refused(render(QUORUM_ORDER, span_of("{}"), NULL, &out, &err),
		     PV_INPUT, "order.missing", &err);
	buf_release(&out);
}
END_TEST

/* However a fact is made up, it is one line that no terminal wraps, above all
 * that is signed. */
START_TEST(fact)
{
	static const char subject[] =
		"{\"order\":\"o-1\",\"template\":\"acme\",\"version\":3,"
		"\"template_sha256\":\"0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef\",\"quantity\":1}";
	char wide[4096] = "x";
	const char *text, *lf;
	struct buf out;
	struct err err;

	memset(wide + 1, ' ', 200);
	memcpy(wide + 201, "To be signed:", 13);
	memset(wide + 214, 'y', sizeof(wide) - 215);
	memcpy(wide + 300, "\xE4\xBD\xA0", 3);
	unit_ok(render(QUORUM_ORDER, span_of(subject),
		       json_pack("{s:s, s:s}", "note", wide, "order",
				 "\xE4\xBD\xA0 o-2"),
		       &out, &err),
		&err);
	text = buf_cstr(&out);
	shows(&out, "\n? order: ??? o-2\nTo be signed:\n");
	shows(&out, "\n? note: x To be signed:yyyy");
	lf = strchr(strstr(text, "? note"), '\n');
	ck_assert_int_eq(lf - strstr(text, "? note"), 78);
	ck_assert_int_eq(lf[-1], '~');
	ck_assert_str_eq(text + out.len - strlen("not allowed\n"),
			 "not allowed\n");
	buf_release(&out);
}
END_TEST

static json_t *with_roster(struct span text)
{
	char *base64 = calloc(1, BASE64_LEN(text.len) + 1);
	json_t *o;

	ck_assert_ptr_nonnull(base64);
	base64_encode(text.p, text.len, base64);
	o = json_pack("{s:s}", APPROVAL_FACT_ROSTER, base64);
	free(base64);
	return o;
}

/* The text with "replaces", the hash of old. */
static void replacing(struct buf *text, const struct buf *old)
{
	json_t *o = json_loads(buf_cstr(text), 0, NULL);
	uint8_t hash[32];
	char hex[65], *dump;

	UNIT_OK(sha256(buf_span(old), hash, &err_));
	hex_encode(hash, sizeof(hash), hex);
	ck_assert_int_eq(json_object_set_new(o, "replaces", json_string(hex)),
			 0);
	dump = json_dumps(o, JSON_COMPACT);
	ck_assert_ptr_nonnull(dump);
	buf_reset(text);
	buf_put_str(text, dump);
	free(dump);
	json_decref(o);
}

START_TEST(roster)
{
	struct people p;
	struct buf old, new, out;
	struct err err;

	people_init(&p, "\"roster\":2");
	people_text(&p, "\"roster\":2", &old);
	people_text(&p, "\"roster\":2,\"adopt\":1", &new);
	unit_ok(render(QUORUM_ROSTER, buf_span(&new), NULL, &out, &err), &err);
	shows(&out, "names no roster that it replaces.\n+ roster version 7\n"
		    "+ officer alice: Alice Example; security-officer\n"
		    "+ key of alice, in a token: alice+");
	shows(&out, "+ key of alice, may be a file: alice+");
	shows(&out, "+ adopt: 1 approval\n");
	buf_release(&out);
	unit_ok(render(QUORUM_ROSTER, buf_span(&new),
		       with_roster(buf_span(&new)), &out, &err),
		&err);
	shows(&out, "+ officer alice"); /* whatever the requester says */
	buf_release(&out);
	replacing(&new, &old);
	unit_ok(render(QUORUM_ROSTER, buf_span(&new),
		       with_roster(buf_span(&old)), &out, &err),
		&err);
	shows(&out, "says it replaces:\n- adopt: 2 approvals\n"
		    "  roster version 7\n");
	shows(&out, "\n+ adopt: 1 approval\n");
	shows(&out, "\n  order: 2 approvals\n");
	buf_release(&out);
	unit_refused(render(QUORUM_ROSTER, buf_span(&new),
			    with_roster(span_of("{}")), &out, &err),
		     PV_INPUT, "approval_request.roster", &err);
	buf_release(&out);
	unit_refused(render(QUORUM_ROSTER, buf_span(&new),
			    with_roster(buf_span(&new)), &out, &err),
		     PV_INPUT, "approval_request.roster", &err);
	buf_release(&out);
	unit_refused(render(QUORUM_ROSTER, span_of("[]"), NULL, &out, &err),
		     PV_INPUT, "roster.type", &err);
	buf_release(&out);
	buf_release(&new);
	buf_release(&old);
	people_release(&p);
}
END_TEST

START_TEST(template_)
{
	struct buf text, out;
	struct err err;

	unit_read("template/base.json", &text);
	unit_ok(render(QUORUM_ADOPT, buf_span(&text), NULL, &out, &err), &err);
	shows(&out, "with every default:\n  {\n");
	shows(&out, "\"max_size\": 65536");
	shows(&out, "SHA-256 of the template's file: ");
	buf_release(&out);
	buf_release(&text);
	unit_refused(render(QUORUM_ADOPT, span_of("{}"), NULL, &out, &err),
		     PV_INPUT, NULL, &err);
	buf_release(&out);
}
END_TEST

/* As it is written, with the roster that it sets, and no other. */
START_TEST(plan)
{
	static const char head[] =
		"{\"plan\":\"root\",\"version\":2,\"steps\":[{\"step\":"
		"\"init-token\"},{\"step\":\"set-roster\",\"sha256\":\"";
	struct people p;
	struct buf bytes, text, out;
	char base64[8192], hex[65];
	struct err err;

	people_init(&p, "\"roster\":2");
	buf_init(&bytes, ROSTER_SIZE_MAX);
	buf_init(&text, PLAN_SIZE_MAX);
	people_text(&p, "\"roster\":2", &bytes);
	hex_encode(p.roster->sha256, 32, hex);
	people_release(&p);
	buf_printf(&text, "%s%064d\"}]}", head, 0);
	base64_encode(bytes.data, bytes.len, base64);
	unit_refused(render_ceremony(buf_span(&text), base64, &out, &err),
		     PV_INPUT, "approval_request.roster", &err);
	buf_release(&out);
	buf_reset(&text);
	buf_printf(&text, "%s%s\"}]}", head, hex);
	unit_ok(render_ceremony(buf_span(&text), base64, &out, &err), &err);
	shows(&out, "Plan root, version 2:\n  {\n");
	shows(&out, "      \"step\": \"set-roster\",\n");
	shows(&out, "The roster that it sets:\nroster version ");
	shows(&out, "officer bob: Bob Example; security-officer\n");
	buf_release(&out);
	unit_refused(render_ceremony(buf_span(&text), NULL, &out, &err),
		     PV_INPUT, "approval_request.roster", &err);
	buf_release(&out);
	unit_refused(render_ceremony(span_of("{}"), NULL, &out, &err), PV_INPUT,
		     "plan.missing", &err);
	buf_release(&out);
	/* Nobody approves a plan that is not shown, or another one. */
	unit_refused(render(QUORUM_CEREMONY, span_of("ceremony\n"), NULL, &out,
			    &err),
		     PV_INPUT, "approval_request.plan", &err);
	buf_release(&out);
	base64_encode(text.data, text.len, base64);
	unit_refused(render(QUORUM_CEREMONY, span_of("ceremony\n"),
			    json_pack("{s:s}", APPROVAL_FACT_PLAN, base64),
			    &out, &err),
		     PV_INPUT, "approval_request.plan", &err);
	buf_release(&out);
	buf_release(&text);
	buf_release(&bytes);
}
END_TEST

/* The templates that it names, as they are read aloud. */
START_TEST(plan_templates)
{
	static const char text[] =
		"{\"plan\":\"p\",\"version\":1,\"steps\":[{\"step\":\"adopt\","
		"\"template\":\"t\",\"template_sha256\":"
		"\"0123456789abcdef0123456789abcdef0123456789abcdef"
		"0123456789abcdef\"},{\"step\":\"adopt\",\"template\":"
		"\"u\"}]}";
	struct buf out;
	struct err err;

	unit_ok(render_ceremony(span_of(text), NULL, &out, &err), &err);
	shows(&out, "\nStep 1, adopt: SHA-256 of t.json: 0123 4567 89ab cdef "
		    "0123 4567 89ab cdef 0123 4567 89ab cdef 0123 4567 89ab "
		    "cdef\n");
	ck_assert_ptr_null(strstr(buf_cstr(&out), "of u.json"));
	buf_release(&out);
}
END_TEST

/* A subject is shown line by line, and nothing in it reaches a terminal. */
START_TEST(text)
{
	static const char *const hidden[] = { "a\x1b[2Jb", "a\xE2\x80\xAE",
					      "a\rb", "\xFF" };
	struct buf out;
	struct err err;

	unit_ok(render(QUORUM_SECRET, span_of("secret fleet-key\nversion 2\n"),
		       NULL, &out, &err),
		&err);
	shows(&out, "The subject, 27 bytes:\n  secret fleet-key\n"
		    "  version 2\n");
	buf_release(&out);
	unit_ok(render(QUORUM_CLOCK_ACCEPT, span_of("no line feed"), NULL, &out,
		       &err),
		&err);
	shows(&out, "  no line feed\n");
	buf_release(&out);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
		unit_refused(render(QUORUM_RELEASE_QUARANTINE,
				    span_of(hidden[i]), NULL, &out, &err),
			     PV_INPUT, "approval_request.subject", &err);
		buf_release(&out);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("approval_render");
	TCase *t = tcase_create("approval_render");

	tcase_add_test(t, order);
	tcase_add_test(t, fact);
	tcase_add_test(t, roster);
	tcase_add_test(t, template_);
	tcase_add_test(t, plan);
	tcase_add_test(t, plan_templates);
	tcase_add_test(t, text);
	suite_add_tcase(s, t);
	return unit_run(s);
}
