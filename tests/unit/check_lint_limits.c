/* Thresholds of limits.anomalies: warned of where they can never trip or always
 * do, and not where they can. */
#include <stdio.h>
#include <string.h>

#include "policy/template.h"
#include "tests/unit/unit.h"

#define HEAD                                                                   \
	"{\"template\":\"t\",\"version\":1,"                                   \
	"\"vendor\":\"2c7b9e10-63d4-4f85-a1b2-c3d4e5f60718\","                 \
	"\"class\":\"f8e7d6c5-b4a3-4291-8070-6f5e4d3c2b1a\","
#define CERT                                                                   \
	"\"certificate\":{\"issuer\":\"ca\",\"validity\":{\"days\":10},"       \
	"\"subject\":[{\"CN\":\"${device.id}\"}],\"extensions\":"              \
	"{\"crlDistributionPoints\":[\"http://c/${shard}.crl\"]}},"
#define CSR                                                                    \
	HEAD "\"device\":{\"id\":\"d-[0-9]{4}\",\"key\":\"csr\","              \
	     "\"algorithm\":\"P-256\",\"recipient\":\"sealing-key\"}," CERT    \
	     "\"components\":{\"id\":{\"sealed\":true,\"content\":"            \
	     "{\"certificate\":true}}},"
#define BARE                                                                   \
	HEAD "\"device\":{\"id\":\"d-[0-9]{4}\",\"key\":\"csr\","              \
	     "\"algorithm\":\"P-256\"}," CERT
#define NONE                                                                   \
	HEAD "\"device\":{\"id\":\"d-[0-9]{4}\",\"key\":\"none\","             \
	     "\"recipient\":\"kdf\"},\"components\":{\"c\":{\"sealed\":true,"  \
	     "\"config\":{\"a\":1}}},"
#define EVIDENCE(receipt)                                                      \
	"\"attestation\":{\"formats\":[\"psa\"],\"trust\":[\"a/psa.pem\"],"    \
	"\"lifecycle\":[\"secured\"],\"require_receipt\":" receipt "},"
#define LIMITS(more, watches)                                                  \
	"\"limits\":{" more "\"anomalies\":{" watches "}}}"

static const struct row {
	const char *text, *rule, *pointer;
} rows[] = {
	{ NONE LIMITS("", "\"two_keys_one_device\":3"), "anomaly_never",
	  "two_keys_one_device" },
	{ NONE LIMITS("", "\"one_key_two_devices\":3"), "anomaly_never",
	  "one_key_two_devices" },
	{ NONE LIMITS("", "\"one_key_two_devices\":1"), NULL, NULL },
	{ NONE LIMITS("", "\"two_keys_one_device\":0"), NULL, NULL },
	{ CSR LIMITS("", "\"two_keys_one_device\":3,"
			 "\"one_key_two_devices\":3"),
	  NULL, NULL },
	{ CSR LIMITS("\"per_hour\":100,", "\"rate_per_hour\":100"),
	  "anomaly_never", "rate_per_hour" },
	{ CSR LIMITS("\"per_hour\":100,", "\"rate_per_hour\":99"), NULL, NULL },
	{ CSR LIMITS("\"per_hour\":100,\"on_anomaly\":\"quarantine\",",
		     "\"rate_per_hour\":100"),
	  NULL, NULL },
	{ CSR LIMITS("", "\"rate_per_hour\":2147483647"), NULL, NULL },
	{ CSR LIMITS("", "\"clock_step_s\":315360001"), "anomaly_never",
	  "clock_step_s" },
	{ CSR LIMITS("", "\"clock_step_s\":315360000"), NULL, NULL },
	{ CSR LIMITS("\"hours_utc\":\"06:00-22:00\",",
		     "\"clock_step_s\":28799"),
	  "anomaly_always", "clock_step_s" },
	{ CSR LIMITS("\"hours_utc\":\"06:00-22:00\",",
		     "\"clock_step_s\":28800"),
	  NULL, NULL },
	{ CSR LIMITS("\"hours_utc\":\"22:00-06:00\",",
		     "\"clock_step_s\":57599"),
	  "anomaly_always", "clock_step_s" },
	{ CSR LIMITS("\"hours_utc\":\"00:00-24:00\",", "\"clock_step_s\":1"),
	  NULL, NULL },
	{ CSR LIMITS("", "\"evidence_failures_per_lot\":5"), "anomaly_never",
	  "evidence_failures_per_lot" },
	{ CSR EVIDENCE("false") LIMITS("", "\"evidence_failures_per_lot\":5"),
	  NULL, NULL },
	{ BARE LIMITS("", "\"receipts_missing_after_h\":24"), "anomaly_never",
	  "receipts_missing_after_h" },
	{ CSR LIMITS("", "\"receipts_missing_after_h\":24"), "anomaly_always",
	  "receipts_missing_after_h" },
	{ CSR EVIDENCE("false") LIMITS("", "\"receipts_missing_after_h\":24"),
	  "anomaly_always", "receipts_missing_after_h" },
	{ CSR EVIDENCE("true") LIMITS("", "\"receipts_missing_after_h\":24"),
	  NULL, NULL },
	{ CSR LIMITS("", "\"outside_hours\":5,\"unknown_station\":5,"
			 "\"retries\":5,\"quantity_nearly_used_percent\":90"),
	  NULL, NULL },
};

START_TEST(test_rows)
{
	const struct row *row = &rows[_i];
	struct template_warnings w = { .n = 0 };
	struct template *t = NULL;
	char rule[64], pointer[128];
	struct err err;

	err_init(&err);
	unit_ok(template_parse((struct span){ (const uint8_t *)row->text,
					      strlen(row->text) },
			       &t, &w, &err),
		&err);
	template_free(t);
	if (!row->rule) {
		ck_assert_msg(w.n == 0, "%s: %s", w.list[0].rule,
			      w.list[0].text);
		return;
	}
	ck_assert_uint_eq(w.n, 1);
	snprintf(rule, sizeof(rule), "template.%s", row->rule);
	snprintf(pointer, sizeof(pointer), "/limits/anomalies/%s",
		 row->pointer);
	ck_assert_str_eq(w.list[0].rule, rule);
	ck_assert_str_eq(w.list[0].pointer, pointer);
	ck_assert_uint_gt(w.list[0].line, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lint_limits");
	TCase *t = tcase_create("rows");

	tcase_add_loop_test(t, test_rows, 0,
			    (int)(sizeof(rows) / sizeof(*rows)));
	suite_add_tcase(s, t);
	return unit_run(s);
}
