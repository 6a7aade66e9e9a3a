#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/policytest.h"
#include "tests/unit/unit.h"

CLEANUP_PTR(struct template, template_free);

static const char template_text[] =
	"{\"template\":\"t\",\"version\":1,"
	"\"vendor\":\"2c7b9e10-63d4-4f85-a1b2-c3d4e5f60718\","
	"\"class\":\"f8e7d6c5-b4a3-4291-8070-6f5e4d3c2b1a\","
	"\"device\":{\"id\":\"d-[0-9]{4}\",\"fields\":{\"lot\":{\"pattern\":"
	"\"L[0-9]+\"}},\"key\":\"csr\",\"algorithm\":\"P-256\","
	"\"recipient\":\"sealing-key\"},"
	"\"certificate\":{\"issuer\":\"ca\",\"validity\":{\"days\":10},"
	"\"subject\":[{\"O\":\"${authority.name}\"},{\"CN\":\"${device.id}\"},"
	"{\"OU\":\"${device.lot}\"}],"
	"\"extensions\":{\"basicConstraints\":{\"critical\":true,\"ca\":false},"
	"\"keyUsage\":{\"critical\":true,\"bits\":[\"digitalSignature\"]}}},"
	"\"components\":{\"id\":{\"sealed\":true,\"content\":"
	"{\"certificate\":true}}},"
	"\"limits\":{\"without_order\":true,\"per_hour\":5}}";

struct seen {
	size_t n;
	bool ok;
	char why[500];
};

static void result(const void *ctx, const char *name, bool ok, const char *why)
{
	struct seen *s = (struct seen *)(uintptr_t)ctx;

	ck_assert_ptr_nonnull(name);
	s->n++;
	s->ok = ok;
	snprintf(s->why, sizeof(s->why), "%s", why);
}

static enum pv_code run(const char *cases, struct seen *s, struct err *err)
{
	CLEANUP(cleanup_template_free) struct template *t = NULL;
	const struct policytest_opts opts = { .result = result, .ctx = s };
	size_t total = 0, failed = 0;
	enum pv_code rc;

	err_init(err);
	memset(s, 0, sizeof(*s));
	unit_ok(template_parse((struct span){ (const uint8_t *)template_text,
					      strlen(template_text) },
			       &t, NULL, err),
		err);
	rc = policytest_run(
		t, (struct span){ (const uint8_t *)cases, strlen(cases) },
		&opts, &total, &failed, err);
	ck_assert_uint_eq(total, s->n);
	ck_assert_uint_eq(failed, rc == PV_INPUT && s->n && !s->ok);
	return rc;
}

#define CASE(rest) "{\"cases\":[{\"name\":\"c\"," rest "}]}"
#define GOOD "\"request\":{\"device\":\"d-0001\",\"fields\":{\"lot\":\"L1\"}}"

static const char *const agree[] = {
	CASE(GOOD ",\"expect\":{\"decision\":\"approved\",\"code\":0}"),
	CASE(GOOD ",\"expect\":{\"decision\":\"approved\",\"certificate\":{"
		  "\"subject\":\"OU=L1,CN=d-0001,O=policy-test\","
		  "\"issuer\":\"CN=policy test CA\","
		  "\"not_before\":\"2030-01-01T00:00:00Z\","
		  "\"not_after\":\"2030-01-10T23:59:59Z\",\"extensions\":{"
		  "\"keyUsage\":{\"critical\":true,\"hex\":\"03020780\"},"
		  "\"basicConstraints\":\"CA:FALSE\",\"extKeyUsage\":null,"
		  "\"extendedKeyUsage\":null,\"crlDistributionPoints\":null,"
		  "\"authorityInfoAccess\":null,\"certificatePolicies\":null,"
		  "\"subjectAltName\":null,\"2.5.29.30\":null}}}"),
	CASE(GOOD ",\"facts\":{\"now\":\"2031-06-01T12:00:00Z\"},\"expect\":{"
		  "\"decision\":\"approved\",\"certificate\":{"
		  "\"not_before\":\"2031-06-01T12:00:00Z\"}}"),
	CASE("\"request\":{\"device\":\"x\"},\"expect\":{\"decision\":"
	     "\"denied\",\"rule\":\"device.id\",\"code\":4}"),
	CASE("\"request\":{\"device\":\"d-0001\",\"fields\":{\"lot\":\"?\"}},"
	     "\"expect\":{\"decision\":\"denied\",\"rule\":\"device.field\"}"),
	CASE("\"request\":{\"device\":\"../x\"},\"expect\":{\"decision\":"
	     "\"denied\",\"code\":3}"),
	CASE("\"request\":{\"device\":\"d-0001\",\"csr_file\":\"/etc/passwd\"},"
	     "\"expect\":{\"decision\":\"denied\",\"code\":3}"),
	CASE(GOOD ",\"key\":\"RSA\",\"expect\":{\"decision\":\"denied\","
		  "\"rule\":\"device.algorithm\"}"),
	CASE(GOOD ",\"key\":\"none\",\"expect\":{\"decision\":\"denied\"}"),
	CASE(GOOD ",\"facts\":{\"state\":\"issued\"},\"expect\":{"
		  "\"decision\":\"existing\"}"),
	CASE(GOOD ",\"facts\":{\"state\":\"issued\",\"same_spki\":false},"
		  "\"expect\":{\"decision\":\"denied\",\"code\":4,"
		  "\"rule\":\"device.key_changed\"}"),
	CASE(GOOD ",\"facts\":{\"state\":\"issued\",\"same_rest\":false},"
		  "\"expect\":{\"decision\":\"denied\",\"code\":9}"),
	CASE(GOOD ",\"facts\":{\"spki_owner\":\"other-device\"},\"expect\":{"
		  "\"decision\":\"denied\",\"rule\":\"key.reused\"}"),
	CASE(GOOD ",\"facts\":{\"issued_last_hour\":5},\"expect\":{"
		  "\"decision\":\"denied\",\"rule\":\"limits.per_hour\"}"),
	CASE(GOOD ",\"facts\":{\"key_ok\":false},\"expect\":{"
		  "\"decision\":\"denied\",\"rule\":\"key.refused\"}"),
	CASE(GOOD ",\"order\":{\"order\":\"o\",\"quantity\":2},\"facts\":{"
		  "\"order_issued\":2},\"expect\":{\"decision\":\"denied\","
		  "\"rule\":\"order.quantity\"}"),
	CASE(GOOD ",\"order\":{\"template_matches\":false},\"expect\":{"
		  "\"decision\":\"denied\",\"rule\":\"order.template\"}"),
	CASE(GOOD ",\"order\":{\"open\":false},\"expect\":{"
		  "\"decision\":\"denied\",\"rule\":\"order.closed\"}"),
	CASE(GOOD ",\"order\":{\"stations\":[\"line-*\"]},\"facts\":{"
		  "\"station\":\"lab\"},\"expect\":{\"decision\":\"denied\","
		  "\"rule\":\"order.stations\"}"),
	CASE(GOOD ",\"order\":{\"until\":\"2029-01-01T00:00:00Z\"},\"expect\":"
		  "{\"decision\":\"denied\",\"rule\":\"order.window\"}"),
	CASE(GOOD ",\"order\":{\"hours_utc\":\"06:00-22:00\"},\"facts\":{"
		  "\"now\":\"2030-01-01T22:00:00Z\"},\"expect\":{"
		  "\"decision\":\"denied\",\"rule\":\"order.hours\"}"),
	CASE(GOOD ",\"order\":{\"hours_utc\":\"06:00-22:00\"},\"facts\":{"
		  "\"now\":\"2030-01-01T21:59:59Z\"},\"expect\":{"
		  "\"decision\":\"approved\"}"),
	CASE(GOOD ",\"order\":{\"per_hour\":3},\"facts\":{"
		  "\"issued_last_hour\":3},\"expect\":{"
		  "\"decision\":\"denied\",\"rule\":\"order.per_hour\"}"),
	CASE(GOOD ",\"facts\":{\"issued_last_hour\":5,\"batch\":true},"
		  "\"expect\":{\"decision\":\"wait\","
		  "\"rule\":\"limits.per_hour\"}"),
	CASE(GOOD ",\"order\":{\"station_keys\":[\"line-1\"]},\"facts\":{"
		  "\"station\":\"line-1\"},\"expect\":{\"decision\":\"denied\","
		  "\"rule\":\"order.station_key\",\"quarantine\":false}"),
	CASE(GOOD ",\"order\":{\"station_keys\":[\"line-1\"]},\"facts\":{"
		  "\"station\":\"line-1\",\"station_signed\":true},"
		  "\"expect\":{\"decision\":\"approved\"}"),
	CASE(GOOD ",\"facts\":{\"offline\":true},\"expect\":{"
		  "\"decision\":\"denied\",\"rule\":\"order.offline\"}"),
	CASE(GOOD ",\"order\":{\"offline\":true},\"facts\":{"
		  "\"offline\":true},\"expect\":{\"decision\":\"approved\"}"),
	CASE(GOOD ",\"facts\":{\"last_event\":\"2029-12-01T00:00:00Z\","
		  "\"clock_max_step_days\":30},\"expect\":{\"decision\":"
		  "\"denied\",\"rule\":\"clock.step\"}"),
	CASE(GOOD ",\"facts\":{\"last_event\":\"2029-12-01T00:00:00Z\","
		  "\"clock_max_step_days\":31},\"expect\":{\"decision\":"
		  "\"approved\"}"),
	CASE(GOOD ",\"facts\":{\"roles\":[]},\"expect\":{\"decision\":"
		  "\"denied\",\"rule\":\"actor.role\",\"code\":4}"),
	CASE(GOOD ",\"facts\":{\"roles\":[\"auditor\",\"technician\"]},"
		  "\"expect\":{\"decision\":\"denied\","
		  "\"rule\":\"actor.role\"}"),
	CASE(GOOD ",\"facts\":{\"roles\":[\"operator\"]},\"expect\":{"
		  "\"decision\":\"approved\"}"),
	CASE(GOOD ",\"order\":{},\"facts\":{\"roles\":[]},\"expect\":{"
		  "\"decision\":\"approved\"}"),
	CASE(GOOD ",\"order\":{\"open\":false},\"facts\":{\"roles\":[]},"
		  "\"expect\":{\"decision\":\"denied\","
		  "\"rule\":\"actor.role\"}"),
};

START_TEST(agrees)
{
	struct seen s;
	struct err err;
	enum pv_code rc = run(agree[_i], &s, &err);

	ck_assert_msg(rc == PV_OK, "%s: %s %s", agree[_i], err.message, s.why);
}
END_TEST

static const struct differs {
	const char *cases, *why;
} differ[] = {
	{ CASE(GOOD ",\"expect\":{\"decision\":\"denied\"}"),
	  "expected denied, got approved" },
	{ CASE(GOOD ",\"expect\":{}"), "expected a decision" },
	{ CASE(GOOD ",\"expect\":{\"decision\":\"approved\","
		    "\"quarantine\":true}"),
	  "it is not to be quarantined" },
	{ CASE("\"request\":{\"device\":\"x\"},\"expect\":{\"decision\":"
	       "\"denied\",\"rule\":\"device.role\"}"),
	  "expected rule device.role, got device.id" },
	{ CASE("\"request\":{\"device\":\"x\"},\"expect\":{\"decision\":"
	       "\"denied\",\"code\":9}"),
	  "expected code 9, got 4" },
	{ CASE("\"request\":{\"device\":\"x\"},\"expect\":{\"decision\":"
	       "\"denied\",\"certificate\":{}}"),
	  "there is no certificate" },
	{ CASE(GOOD ",\"expect\":{\"decision\":\"approved\",\"certificate\":{"
		    "\"subject\":\"CN=z\"}}"),
	  "subject: expected \"CN=z\", got \"OU=L1" },
	{ CASE(GOOD ",\"expect\":{\"decision\":\"approved\",\"certificate\":{"
		    "\"extensions\":{\"keyUsage\":null}}}"),
	  "keyUsage: is there" },
	{ CASE(GOOD ",\"expect\":{\"decision\":\"approved\",\"certificate\":{"
		    "\"extensions\":{\"subjectAltName\":\"x\"}}}"),
	  "subjectAltName: is not there" },
	{ CASE(GOOD ",\"expect\":{\"decision\":\"approved\",\"certificate\":{"
		    "\"extensions\":{\"keyUsage\":{\"critical\":false}}}}"),
	  "keyUsage: critical is true" },
	{ CASE(GOOD ",\"expect\":{\"decision\":\"approved\",\"certificate\":{"
		    "\"extensions\":{\"nonsense\":null}}}"),
	  "no such extension" },
	{ CASE(GOOD ",\"expect\":{\"decision\":\"approved\",\"certificate\":{"
		    "\"serial\":\"1\"}}"),
	  "nothing to expect" },
};

START_TEST(tells_differences)
{
	struct seen s;
	struct err err;

	unit_refused(run(differ[_i].cases, &s, &err), PV_INPUT, "policy.test",
		     &err);
	ck_assert(!s.ok);
	ck_assert_msg(strstr(s.why, differ[_i].why) != NULL, "%s", s.why);
}
END_TEST

static const char *const malformed[] = {
	"[]",
	"{\"cases\":{}}",
	"{\"cases\":[]}",
	"{\"cases\":[],\"more\":1}",
	"{\"cases\":[1]}",
	CASE("\"request\":{}"),
	CASE(GOOD),
	CASE(GOOD ",\"expect\":{\"decision\":\"approved\",\"x\":1}"),
	CASE(GOOD ",\"expect\":{},\"x\":1"),
	CASE(GOOD ",\"expect\":{},\"key\":\"DSA\""),
	CASE(GOOD ",\"expect\":{},\"facts\":[]"),
	CASE(GOOD ",\"expect\":{},\"facts\":{\"x\":1}"),
	CASE(GOOD ",\"expect\":{},\"facts\":{\"now\":\"today\"}"),
	CASE(GOOD ",\"expect\":{},\"facts\":{\"state\":\"odd\"}"),
	CASE(GOOD ",\"expect\":{},\"facts\":{\"spki_owner\":\"me\"}"),
	CASE(GOOD ",\"expect\":{},\"facts\":{\"issued_last_hour\":-1}"),
	CASE(GOOD ",\"expect\":{},\"facts\":{\"key_ok\":1}"),
	CASE(GOOD ",\"expect\":{\"decision\":\"denied\","
		  "\"quarantine\":1}"),
	CASE(GOOD ",\"expect\":{},\"facts\":{\"roles\":\"operator\"}"),
	CASE(GOOD ",\"expect\":{},\"facts\":{\"roles\":[\"root\"]}"),
	CASE(GOOD ",\"expect\":{},\"facts\":{\"roles\":[1]}"),
	CASE(GOOD ",\"expect\":{},\"facts\":{\"station\":1}"),
	CASE(GOOD ",\"expect\":{},\"facts\":{\"batch\":\"yes\"}"),
	CASE(GOOD ",\"expect\":{},\"facts\":{\"clock_max_step_days\":"
		  "9223372036854775807}"),
	CASE(GOOD ",\"expect\":{},\"order\":{\"x\":true}"),
	CASE(GOOD ",\"expect\":{},\"order\":{\"hours_utc\":\"6-22\"}"),
	CASE(GOOD ",\"expect\":{},\"order\":{\"hours_utc\":1}"),
	CASE(GOOD ",\"expect\":{},\"order\":{\"station_keys\":{}}"),
	CASE(GOOD ",\"expect\":{},\"order\":{\"per_hour\":-1}"),
	CASE(GOOD ",\"expect\":{},\"order\":{\"stations\":\"x\"}"),
	CASE(GOOD ",\"expect\":{},\"order\":{\"stations\":[1]}"),
	CASE(GOOD ",\"expect\":{},\"order\":{\"from\":1}"),
	CASE(GOOD ",\"expect\":{},\"order\":{\"quantity\":\"2\"}"),
};

START_TEST(refuses_malformed)
{
	struct seen s;
	struct err err;

	unit_refused(run(malformed[_i], &s, &err), PV_INPUT, "policy.cases",
		     &err);
}
END_TEST

#define N(list) ((int)(sizeof(list) / sizeof((list)[0])))

int main(void)
{
	Suite *s = suite_create("policytest");
	TCase *t = tcase_create("policytest");

	tcase_add_loop_test(t, agrees, 0, N(agree));
	tcase_add_loop_test(t, tells_differences, 0, N(differ));
	tcase_add_loop_test(t, refuses_malformed, 0, N(malformed));
	suite_add_tcase(s, t);
	return unit_run(s);
}
