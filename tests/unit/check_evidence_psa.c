#include "tests/unit/evidence_psa.h"

START_TEST(takes_all)
{
	make(CLAIMS, NULL, "");
	ef_expect(buf_span(&token), &want, PV_OK, NULL);
	ef_flip_all(buf_span(&token), &want);
}
END_TEST

/* RFC 9711 4: what is not known is ignored, whatever its label is. */
START_TEST(ignores_unknown)
{
	make(CLAIMS, NULL,
	     "-75000: \"PSA_IOT_PROFILE_1\", 9000: {1: [2, {3: 4}]}, "
	     "\"text\": h'00'");
	ef_expect(buf_span(&token), &want, PV_OK, NULL);
	make(CLAIMS, NULL, "9000: {1: 2, 1: 3}");
	ef_expect(buf_span(&token), &want, PV_INPUT, "evidence.form");
	make(CLAIMS, NULL, "9000: {\"a\": 2, \"a\": 3}");
	ef_expect(buf_span(&token), &want, PV_INPUT, "evidence.form");
	make(CLAIMS, NULL, "9000: 1, 9000: 1");
	ef_expect(buf_span(&token), &want, PV_INPUT, "evidence.form");
}
END_TEST

START_TEST(claim_missing)
{
	make((size_t)_i, NULL, "");
	if (claims[_i].needed)
		ef_expect(buf_span(&token), &want, PV_INPUT, claims[_i].rule);
	else
		ef_expect(buf_span(&token), &want, PV_OK, NULL);
}
END_TEST

START_TEST(claim_doubled)
{
	char more[1024];

	snprintf(more, sizeof(more), "%d: %s", claims[_i].label,
		 claims[_i].value);
	make(CLAIMS, NULL, more);
	ef_expect(buf_span(&token), &want, PV_INPUT, claims[_i].rule);
}
END_TEST

static const char *const no_claim_takes[] = {
	"[]", "{}", "[[1]]", "h''", "h'00'", "\"\"", "-2147483649", "2147483648"
};

START_TEST(claim_of_wrong_type)
{
	for (size_t i = 0; i < CLAIMS; i++) {
		make(i, no_claim_takes[_i], "");
		ef_expect(buf_span(&token), &want, PV_INPUT, claims[i].rule);
	}
}
END_TEST

static const struct {
	int label;
	const char *value;
} bad_values[] = {
	{ 265, "\"PSA_IOT_PROFILE_1\"" },
	{ 265, "\"http://arm.com/psa/2.0.0\"" },
	{ 265, "h'" H32("01") "'" },
	{ 10, "h'" H32("01") "01'" },
	{ 10, "h'" H32("01") H32("01") "01'" },
	{ 10, "[h'" H32("01") "']" },
	{ 10, "\"01010101010101010101010101010101\"" },
	{ 256, "h'" H32("02") "'" },
	{ 256, "h'01" H32("02") "02'" },
	{ 256, "h'02" H32("02") "'" },
	{ 268, "h'01020304050607'" },
	{ 268, "h'" H32("02") "02'" },
	{ 2394, "h'00000001'" },
	{ 2395, "256" },
	{ 2395, "12544" },
	{ 2395, "28672" },
	{ 2395, "77824" },
	{ 2395, "-1" },
	{ 2395, "\"secured\"" },
	{ 2396, "h'" H32("00") "00'" },
	{ 2398, "\"1234567890123\"" },
	{ 2398, "\"1234567890123x12345\"" },
	{ 2398, "\"12345678901234-1234\"" },
	{ 2399, COMPONENT },
	{ 2399, "[1]" },
	{ 2399, "[" COMPONENT ", h'00']" },
	{ 2399, "[{2: h'" H32("03") "', 3: 1, 5: h'" H32("04") "'}]" },
	{ 2399, "[{2: h'" H32("03") "', \"x\": 1, 5: h'" H32("04") "'}]" },
	{ 2400, "h'00'" },
};

START_TEST(claim_of_wrong_value)
{
	size_t at = index_of(bad_values[_i].label);

	make(at, bad_values[_i].value, "");
	ef_expect(buf_span(&token), &want, PV_INPUT, claims[at].rule);
}
END_TEST

#define VALUE "2: h'" H32("03") "'"
#define SIGNER "5: h'" H32("04") "'"
static const struct {
	const char *rule, *value;
} bad_components[] = {
	{ "value", "[{" SIGNER "}]" },
	{ "value", "[{" VALUE ", " VALUE ", " SIGNER "}]" },
	{ "value", "[{2: h'03', " SIGNER "}]" },
	{ "value", "[{2: \"x\", " SIGNER "}]" },
	{ "signer", "[{" VALUE "}]" },
	{ "signer", "[" COMPONENT ", {" VALUE "}]" },
	{ "signer", "[{" VALUE ", " SIGNER ", " SIGNER "}]" },
	{ "signer", "[{" VALUE ", 5: h''}]" },
	{ "type", "[{1: 1, " VALUE ", " SIGNER "}]" },
	{ "type", "[{1: \"\", " VALUE ", " SIGNER "}]" },
	{ "type", "[{1: \"a\", 1: \"a\", " VALUE ", " SIGNER "}]" },
	{ "version", "[{4: 1, " VALUE ", " SIGNER "}]" },
	{ "version", "[{4: \"a\", 4: \"a\", " VALUE ", " SIGNER "}]" },
	{ "description", "[{6: 1, " VALUE ", " SIGNER "}]" },
	{ "description", "[{6: \"a\", 6: \"a\", " VALUE ", " SIGNER "}]" },
};

START_TEST(component_wrong)
{
	char rule[64];

	snprintf(rule, sizeof(rule), "evidence.claim.component-%s",
		 bad_components[_i].rule);
	make(index_of(2399), bad_components[_i].value, "");
	ef_expect(buf_span(&token), &want, PV_INPUT, rule);
}
END_TEST

/* As many components as there may be, and one more. */
START_TEST(components_counted)
{
	char many[8192] = "[";
	size_t n = 1;

	no_policy();
	for (int i = 1; i <= 33; i++) {
		n += (size_t)snprintf(many + n, sizeof(many) - n,
				      "{" VALUE ", " SIGNER "}%s",
				      i < 33 ? "," : "]");
		if (i < 32)
			continue;
		many[n - 1] = ']';
		make(index_of(2399), many, "");
		if (i == 32)
			ef_expect(buf_span(&token), &want, PV_OK, NULL);
		else
			ef_expect(buf_span(&token), &want, PV_INPUT,
				  "evidence.claim.components");
		many[n - 1] = ',';
	}
}
END_TEST

static const struct {
	const char *value;
	const char *rule; /* NULL: passes */
} right_evidence[] = {
	/* of another software */
	{ "[{1: \"BL\", 2: h'" H32("07") "', 4: \"3\", " SIGNER "}]",
	  "evidence.measurement" },
	{ "[{1: \"BL\", 2: h'" H32("03") H32("03") "', 4: \"3\", " SIGNER "}]",
	  "evidence.measurement" },
	/* beside what there are values of, without a name, none of the name */
	{ "[" COMPONENT ", {1: \"App\", " VALUE ", 4: \"3\", " SIGNER "}]",
	  "evidence.measurement" },
	{ "[" COMPONENT ", {" VALUE ", 4: \"3\", " SIGNER "}]",
	  "evidence.measurement" },
	{ "[{1: \"BL\", 2: h'" H32("09") "', 4: \"3\", " SIGNER "}]", NULL },
	{ "[{1: \"BL\", " VALUE ", 4: \"4.0\", " SIGNER "}, " COMPONENT "]",
	  NULL },
	/* too old, or it does not say */
	{ "[{1: \"BL\", " VALUE ", 4: \"2.9\", " SIGNER "}]", "evidence.svn" },
	{ "[" COMPONENT ", {1: \"BL\", " VALUE ", " SIGNER "}]",
	  "evidence.svn" },
	{ "[{1: \"BL\", " VALUE ", 4: \"v3\", " SIGNER "}]", "evidence.svn" },
	{ "[{1: \"BL\", " VALUE ", 4: \"3a\", " SIGNER "}]", "evidence.svn" },
	{ "[{1: \"BL\", " VALUE ", 4: \"99999999999999999999\", " SIGNER "}]",
	  "evidence.svn" },
};

START_TEST(software)
{
	make(index_of(2399), right_evidence[_i].value, "");
	ef_expect(buf_span(&token), &want,
		  right_evidence[_i].rule ? PV_DENIED : PV_OK,
		  right_evidence[_i].rule);
}
END_TEST

START_TEST(reference_absent)
{
	struct evidence_reference two[] = { references[1], references[1] };

	two[0].component = "PRoT";
	want.reference = two;
	make(CLAIMS, NULL, "");
	ef_expect(buf_span(&token), &want, PV_DENIED, "evidence.measurement");
}
END_TEST

static const struct {
	int state;
	const char *name, *rule;
} states[] = {
	{ 0x0000, "unknown", "evidence.lifecycle" },
	{ 0x10ff, "assembly-and-test", "evidence.lifecycle" },
	{ 0x2000, "psa-rot-provisioning", "evidence.lifecycle" },
	{ 0x3000, "secured", NULL },
	{ 0x30ff, "secured", NULL },
	{ 0x4000, "non-psa-rot-debug", "evidence.debug" },
	{ 0x50ff, "recoverable-psa-rot-debug", "evidence.debug" },
	{ 0x6000, "decommissioned", "evidence.lifecycle" },
};

START_TEST(lifecycle)
{
	const char *const other[] = { "decommissioned", "secured" };
	char value[16];

	snprintf(value, sizeof(value), "%d", states[_i].state);
	make(index_of(2395), value, "");
	ef_expect(buf_span(&token), &want, states[_i].rule ? PV_DENIED : PV_OK,
		  states[_i].rule);
	want.lifecycle = &states[_i].name;
	want.lifecycle_n = 1;
	ef_expect(buf_span(&token), &want, PV_OK, NULL);
	want.lifecycle =
		strcmp(states[_i].name, "secured") == 0 ? &other[0] : &other[1];
	if (states[_i].state != 0x6000)
		ef_expect(buf_span(&token), &want, PV_DENIED,
			  states[_i].rule ? states[_i].rule
					  : "evidence.lifecycle");
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
	Suite *s = suite_create("evidence_psa");
	TCase *t = tcase_create("evidence_psa");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, takes_all);
	tcase_add_test(t, ignores_unknown);
	tcase_add_loop_test(t, claim_missing, 0, (int)CLAIMS);
	tcase_add_loop_test(t, claim_doubled, 0, (int)CLAIMS);
	tcase_add_loop_test(t, claim_of_wrong_type, 0, COUNT(no_claim_takes));
	tcase_add_loop_test(t, claim_of_wrong_value, 0, COUNT(bad_values));
	tcase_add_loop_test(t, component_wrong, 0, COUNT(bad_components));
	tcase_add_test(t, components_counted);
	tcase_add_loop_test(t, software, 0, COUNT(right_evidence));
	tcase_add_test(t, reference_absent);
	tcase_add_loop_test(t, lifecycle, 0, COUNT(states));
	suite_add_tcase(s, t);
	return unit_run(s);
}
