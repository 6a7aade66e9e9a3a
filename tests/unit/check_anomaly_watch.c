/* Anomalies: each rule with what trips it and what just does not. */
#include <stdio.h>
#include <string.h>

#include "lib/flow/anomaly_watch.h"
#include "lib/log/lifecycle.h"
#include "tests/unit/unit.h"

#define START_MS UINT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define MINUTE_MS UINT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

static const uint8_t hash1[32] = { 1 }, hash2[32] = { 2 }, other[32] = { 3 };

struct world {
	struct anomaly_template t[2];
	struct anomaly_watch *w;
	struct anomaly last; /* of n found */
	char name[STORE_ID_MAX + 1], object[STORE_ID_MAX + 1];
	unsigned n;
	uint64_t now_ms, index, untracked;
};

static struct world x;
static struct err err;

static enum pv_code found(void *ctx, const struct anomaly *a, struct err *e)
{
	(void)ctx;
	(void)e;
	x.n++;
	x.last = *a;
	snprintf(x.name, sizeof(x.name), "%s", a->template_name);
	snprintf(x.object, sizeof(x.object), "%s", a->object);
	return PV_OK;
}

/* Template "one" watches, "two" does so from ten times as much. */
static void begin(enum tpl_watch watch, uint32_t threshold)
{
	const struct anomaly_sink sink = { found, NULL };

	memset(&x, 0, sizeof(x));
	err_init(&err);
	x.now_ms = START_MS;
	snprintf(x.t[0].name, sizeof(x.t[0].name), "one");
	snprintf(x.t[1].name, sizeof(x.t[1].name), "two");
	memcpy(x.t[0].sha256, hash1, 32);
	memcpy(x.t[1].sha256, hash2, 32);
	x.t[0].watch[watch] = threshold;
	x.t[1].watch[watch] = threshold * 10;
	unit_ok(anomaly_watch_new(x.t, 2, &sink, &x.w, &err), &err);
}

static unsigned end(void)
{
	unit_ok(anomaly_watch_end(x.w, x.now_ms, &x.untracked, &err), &err);
	anomaly_watch_free(x.w);
	return x.n;
}

/* As it comes out of the log. */
static void take(const struct log_entry *e)
{
	struct log_entry read;
	struct buf bytes;

	buf_init(&bytes, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(e, &bytes, &err), &err);
	unit_ok(log_entry_decode(buf_span(&bytes), &read, &err), &err);
	unit_ok(anomaly_watch_take(x.w, x.index++, &read, &err), &err);
	buf_release(&bytes);
}

static struct log_who who(void)
{
	return (struct log_who){ x.now_ms, "os:0" };
}

static void deny(const char *device, const char *rule, const uint8_t *hash)
{
	const struct log_who by = who();
	struct log_entry e;

	log_request_deny(&e, &by, "r-1", device, rule, NULL);
	log_fact_bytes(&e, "template hash", hash, 32);
	take(&e);
}

static void hold(const char *device, const char *rule, const uint8_t *hash)
{
	const struct log_quarantine q = {
		.request = "r-1", .device = device, .rule = rule, .held = 1
	};
	const struct log_who by = who();
	struct log_entry e;

	log_quarantine_put(&e, &by, &q);
	log_fact_bytes(&e, "template hash", hash, 32);
	take(&e);
}

static void intent(const uint8_t *hash)
{
	const struct log_intent i = { .serial = "01",
				      .device = "D",
				      .template_hash = hash };
	const struct log_who by = who();
	struct log_entry e;

	log_cert_intent(&e, &by, &i);
	take(&e);
}

static const uint8_t *bh(unsigned n)
{
	static uint8_t out[32];

	/* All begin their search at the same place, or the next one. */
	memset(out, 0, sizeof(out));
	out[0] = (uint8_t)(1 + n % 2);
	out[4] = (uint8_t)n;
	out[5] = 1;
	return out;
}

static void seal(unsigned n)
{
	const struct log_seal s = { .bundle = "b",
				    .device = "D",
				    .stage = "operational",
				    .bh = bh(n),
				    .payload = other,
				    .container = other,
				    .template_hash = hash1 };
	const struct log_who by = who();
	struct log_entry e;

	log_bundle_seal(&e, &by, &s);
	take(&e);
}

/* Also of a device that could not install it: it has come. */
static void receipt(unsigned n)
{
	const struct log_who by = who();
	struct log_entry e;

	log_receipt(&e, &by, "D", bh(n), 1, n % 3);
	take(&e);
}

static void evidence(const char *lot, const char *result)
{
	const struct log_who by = who();
	struct log_entry e;

	log_entry_start(&e, &by, "attest.verify", "D");
	log_fact_str(&e, "format", "psa");
	log_fact_bytes(&e, "evidence", other, 32);
	log_fact_str(&e, "result", result);
	log_fact_str(&e, "lot", lot);
	log_fact_bytes(&e, "template hash", hash1, 32);
	take(&e);
}

static const struct {
	enum tpl_watch watch;
	const char *rule;
	bool of_template;
} denials[] = {
	{ TPL_WATCH_TWO_KEYS, "device.key_changed", false },
	{ TPL_WATCH_ONE_KEY, "key.reused", false },
	{ TPL_WATCH_HOURS, "limits.hours", true },
	{ TPL_WATCH_HOURS, "order.hours", true },
	{ TPL_WATCH_STATION, "limits.stations", true },
	{ TPL_WATCH_STATION, "order.stations", true },
	{ TPL_WATCH_RETRIES, "device.id", false },
};

START_TEST(test_denials)
{
	const char *rule = denials[_i].rule;

	begin(denials[_i].watch, 3);
	deny("D-1", rule, hash1);
	hold("D-1", rule, hash1);
	deny("D-1", "request.conflict", hash2);
	for (int i = 0; i < 20; i++)
		deny("D-1", rule, hash2);
	if (!denials[_i].of_template)
		deny("D-2", rule, hash1);
	x.now_ms += 24 * HOUR_MS;
	deny("D-1", rule, hash1);
	ck_assert_uint_eq(end(), 0);

	begin(denials[_i].watch, 3);
	deny("D-1", rule, hash1);
	hold("D-1", rule, hash1);
	deny(denials[_i].of_template ? "D-2" : "D-1", rule, hash1);
	ck_assert_uint_eq(end(), 1);
	ck_assert(x.last.watch == denials[_i].watch);
	ck_assert_str_eq(x.name, "one");
	ck_assert_str_eq(x.object, denials[_i].of_template ? "one" : "D-1");
	ck_assert(x.last.count == 3 && x.last.threshold == 3);
	ck_assert(x.last.first == 0 && x.last.last == 2);
	ck_assert(x.untracked == 0);
}
END_TEST

/* No template is named, or one that nobody knows: the lowest threshold. */
START_TEST(test_lowest)
{
	begin(TPL_WATCH_RETRIES, 3);
	for (int i = 0; i < 3; i++)
		deny("D-1", "device.id", other);
	ck_assert_uint_eq(end(), 1);
	ck_assert_str_eq(x.name, "-");
}
END_TEST

START_TEST(test_not_watched)
{
	begin(TPL_WATCH_RETRIES, 0);
	for (int i = 0; i < 100; i++) {
		deny("D-1", "key.reused", hash1);
		intent(hash1);
		seal((unsigned)i);
		evidence("lot", "refused");
		x.now_ms += HOUR_MS;
	}
	ck_assert_uint_eq(end(), 0);
}
END_TEST

START_TEST(test_rate)
{
	begin(TPL_WATCH_RATE, 5);
	for (int i = 0; i < 200; i++, x.now_ms += 12 * MINUTE_MS) {
		intent(hash1);
		intent(hash2);
	}
	ck_assert_uint_eq(end(), 0);

	begin(TPL_WATCH_RATE, 5);
	for (int i = 0; i < 7; i++, x.now_ms += 9 * MINUTE_MS)
		intent(hash1);
	ck_assert_uint_eq(end(), 1);
	ck_assert(x.last.count == 7 && x.last.first == 5 && x.last.last == 6);

	begin(TPL_WATCH_RATE, 5); /* twice, with quiet in between */
	for (int i = 0; i < 14; i++) {
		x.now_ms += i == 7 ? 3 * HOUR_MS : MINUTE_MS;
		intent(hash1);
	}
	ck_assert_uint_eq(end(), 2);
}
END_TEST

START_TEST(test_clock)
{
	begin(TPL_WATCH_CLOCK, 7200);
	intent(hash1);
	x.now_ms += 2 * HOUR_MS;
	intent(hash1);
	x.now_ms += 3 * HOUR_MS;
	intent(hash2);
	ck_assert_uint_eq(end(), 0);

	begin(TPL_WATCH_CLOCK, 7200);
	intent(hash2);
	x.now_ms += 2 * HOUR_MS + 1000;
	intent(hash1);
	ck_assert_uint_eq(end(), 1);
	ck_assert(x.last.count == 7201 && x.last.first == 0);
}
END_TEST

START_TEST(test_evidence)
{
	begin(TPL_WATCH_EVIDENCE, 3);
	for (int i = 0; i < 9; i++)
		evidence("L1", "ok");
	evidence("L1", "refused");
	evidence("L1", "refused");
	evidence("L2", "refused");
	ck_assert_uint_eq(end(), 0);

	begin(TPL_WATCH_EVIDENCE, 3);
	for (int i = 0; i < 3; i++)
		evidence("L1", "refused");
	ck_assert_uint_eq(end(), 1);
	ck_assert_str_eq(x.object, "L1");
}
END_TEST

START_TEST(test_receipts)
{
	begin(TPL_WATCH_RECEIPTS, 24);
	for (unsigned i = 0; i < 100; i++)
		seal(i);
	for (unsigned i = 0; i < 100; i += 2)
		receipt(i);
	receipt(0);
	for (unsigned i = 99; i < 100; i -= 2)
		receipt(i);
	seal(7);
	x.now_ms += 24 * HOUR_MS;
	ck_assert_uint_eq(end(), 0);

	begin(TPL_WATCH_RECEIPTS, 24);
	for (unsigned i = 0; i < 100; i++)
		seal(i);
	for (unsigned i = 0; i < 100; i++)
		if (i != 13 && i != 50)
			receipt(i);
	x.now_ms += 24 * HOUR_MS + 1000;
	ck_assert_uint_eq(end(), 1);
	ck_assert(x.last.count == 2 && x.last.first == 13 && x.last.last == 50);
}
END_TEST

/* More devices in a day than are counted: it is said. */
START_TEST(test_bounded)
{
	begin(TPL_WATCH_RETRIES, 3);
	for (unsigned i = 0; i < ANOMALY_DAY_MAX + 5; i++) {
		char device[20];

		snprintf(device, sizeof(device), "D-%u", i);
		deny(device, "device.id", hash1);
	}
	ck_assert_uint_eq(end(), 0);
	ck_assert_uint_eq(x.untracked, 5);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("anomaly_watch");
	TCase *t = tcase_create("watches");

	tcase_add_loop_test(t, test_denials, 0,
			    (int)(sizeof(denials) / sizeof(denials[0])));
	tcase_add_test(t, test_lowest);
	tcase_add_test(t, test_not_watched);
	tcase_add_test(t, test_rate);
	tcase_add_test(t, test_clock);
	tcase_add_test(t, test_evidence);
	tcase_add_test(t, test_receipts);
	tcase_add_test(t, test_bounded);
	suite_add_tcase(s, t);
	return unit_run(s);
}
