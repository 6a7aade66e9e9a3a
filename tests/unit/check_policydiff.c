#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/policydiff.h"
#include "tests/unit/unit.h"

CLEANUP_PTR(struct template, template_free);

/* Version, days, what stands behind the extensions. */
static const char form[] =
	"{\"template\":\"t\",\"version\":%u,"
	"\"vendor\":\"2c7b9e10-63d4-4f85-a1b2-c3d4e5f60718\","
	"\"class\":\"f8e7d6c5-b4a3-4291-8070-6f5e4d3c2b1a\","
	"\"device\":{\"id\":\"%s\",\"key\":\"csr\",\"algorithm\":\"P-256\","
	"\"recipient\":\"sealing-key\"},"
	"\"certificate\":{\"issuer\":\"ca\",\"validity\":{\"days\":%u},"
	"\"subject\":[{\"CN\":\"${device.id}\"}%s],"
	"\"extensions\":{\"basicConstraints\":{\"critical\":true,\"ca\":false},"
	"\"keyUsage\":{\"critical\":true,\"bits\":[\"digitalSignature\"]}}},"
	"\"components\":{\"id\":{\"version\":\"1\",\"min_version\":\"1\","
	"\"sealed\":true,\"content\":{\"certificate\":true}}},"
	"\"limits\":{\"without_order\":true%s}}";

static struct span span(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static struct template *make(unsigned version, const char *id, unsigned days,
			     const char *subject, const char *limits)
{
	struct template *t = NULL;
	char text[4096];

	snprintf(text, sizeof(text), form, version, id, days, subject, limits);
	UNIT_OK(template_parse(span(text), &t, NULL, &err_));
	return t;
}

static void fields(const struct template *a, const struct template *b,
		   const char *want)
{
	json_t *changes = NULL;
	char *text;

	UNIT_OK(policydiff_fields(a, b, &changes, &err_));
	text = json_dumps(changes, JSON_COMPACT);
	ck_assert_str_eq(text, want);
	free(text);
	json_decref(changes);
}

START_TEST(names_each_field)
{
	CLEANUP(cleanup_template_free)
	struct template *a = make(1, "d-[0-9]", 10, "", "");
	CLEANUP(cleanup_template_free)
	struct template *b = make(2, "d-[0-9]", 20, ",{\"O\":\"x\"}",
				  ",\"per_hour\":5,\"stations\":[\"l-*\"]");

	fields(a, a, "[]");
	fields(a, b,
	       "[{\"path\":\"/version\",\"old\":1,\"new\":2},"
	       "{\"path\":\"/certificate/validity/days\",\"old\":10,"
	       "\"new\":20},"
	       "{\"path\":\"/certificate/subject/1\",\"new\":{\"O\":\"x\"}},"
	       "{\"path\":\"/limits/per_hour\",\"new\":5},"
	       "{\"path\":\"/limits/stations\",\"new\":[\"l-*\"]}]");
	fields(b, a,
	       "[{\"path\":\"/version\",\"old\":2,\"new\":1},"
	       "{\"path\":\"/certificate/validity/days\",\"old\":20,"
	       "\"new\":10},"
	       "{\"path\":\"/certificate/subject/1\",\"old\":{\"O\":\"x\"}},"
	       "{\"path\":\"/limits/per_hour\",\"old\":5},"
	       "{\"path\":\"/limits/stations\",\"old\":[\"l-*\"]}]");
}
END_TEST

/* A default that is written out is no difference. */
START_TEST(compares_what_is_in_effect)
{
	CLEANUP(cleanup_template_free)
	struct template *a = make(1, "d-[0-9]", 10, "", "");
	CLEANUP(cleanup_template_free)
	struct template *b =
		make(1, "d-[0-9]", 10, "", ",\"on_anomaly\":\"deny\"");

	fields(a, b, "[]");
}
END_TEST

START_TEST(shows_both_certificates)
{
	CLEANUP(cleanup_template_free)
	struct template *a = make(1, "d-[0-9]", 10, "", "");
	CLEANUP(cleanup_template_free)
	struct template *b = make(2, "d-[0-9]", 10, ",{\"O\":\"x\"}", "");
	CLEANUP(policydiff_release) struct policydiff_sample s;

	UNIT_OK(policydiff_sample(a, b, NULL, span("{\"device\":\"d-1\"}"), &s,
				  &err_));
	ck_assert_str_eq(s.device, "d-1");
	ck_assert_str_eq(s.old.decision, "approved");
	ck_assert_ptr_nonnull(strstr(buf_cstr(&s.old.text), "CN=d-1\n"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&s.new.text), "O=x,CN=d-1\n"));
}
END_TEST

START_TEST(shows_both_decisions)
{
	CLEANUP(cleanup_template_free)
	struct template *a = make(1, "d-[0-9]", 10, "", "");
	CLEANUP(cleanup_template_free)
	struct template *b = make(2, "e-[0-9]", 10, "", "");
	CLEANUP(policydiff_release) struct policydiff_sample s, other;
	static const char one[] =
		"{\"request\":{\"device\":\"d-1\"},"
		"\"order\":{\"quantity\":1},\"facts\":{\"order_issued\":1}}";

	UNIT_OK(policydiff_sample(a, b, NULL, span("{\"device\":\"d-1\"}"), &s,
				  &err_));
	ck_assert_str_eq(s.old.decision, "approved");
	ck_assert_str_eq(s.new.decision, "denied");
	ck_assert_str_eq(s.new.rule, "device.id");
	ck_assert_uint_eq(s.new.text.len, 0);
	UNIT_OK(policydiff_sample(a, b, NULL, span(one), &other, &err_));
	ck_assert_str_eq(other.old.rule, "order.quantity");
}
END_TEST

START_TEST(refuses_what_is_no_request)
{
	static const char *const wrong[][2] = {
		{ "{", "json.syntax" },
		{ "[]", "policy.cases" },
		{ "{\"request\":{\"device\":\"d-1\"},\"what\":1}",
		  "policy.cases" },
		{ "{\"device\":\"d-1\",\"what\":1}", NULL },
	};
	CLEANUP(cleanup_template_free)
	struct template *a = make(1, "d-[0-9]", 10, "", "");

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CLEANUP(policydiff_release) struct policydiff_sample s;
		struct err err;

		err_init(&err);
		unit_refused(policydiff_sample(a, a, NULL, span(wrong[i][0]),
					       &s, &err),
			     PV_INPUT, wrong[i][1], &err);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policydiff");
	TCase *t = tcase_create("policydiff");

	tcase_add_test(t, names_each_field);
	tcase_add_test(t, compares_what_is_in_effect);
	tcase_add_test(t, shows_both_certificates);
	tcase_add_test(t, shows_both_decisions);
	tcase_add_test(t, refuses_what_is_no_request);
	suite_add_tcase(s, t);
	return unit_run(s);
}
