/*
 * month: a simulated month of a factory with planted anomalies, and what
 * `audit anomalies` finds of them. The log goes into a new store through the
 * store's API; the same seed gives the same month.
 *
 *     month DIR [devices a day [seed]]
 *
 * Two lines work from 06:00 to 22:00 every day, with the noise of a real one:
 * few denials a day, some evidence that fails, receipts that come hours later.
 * Prints "found F of P, A false alarms, M missed" and what it took; exit 1
 * unless all are found and nothing else is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "lib/base/sha256.h"
#include "lib/flow/anomalies.h"
#include "lib/flow/event.h"
#include "lib/store/store_log.h"
#include "lib/store/store_order.h"
#include "tests/unit/people_fix.h"
#include "tests/unit/store_fix.h"

#define DAYS 30u
#define LINES 2u
#define DAY_MS UINT64_C(86400000)
#define HOUR_MS UINT64_C(3600000)
#define START_MS UINT64_C(1750032000000) /* the day after FIX_TIME */
#define EXPECT_MAX 64
#define BATCH 4096u

static const char *const names[LINES] = { "gateway", "sensor" };

struct expected {
	enum tpl_watch watch;
	const char *name, *object;
	uint64_t day;
	unsigned found;
};

struct month {
	struct store *s;
	struct store_txn txn;
	unsigned pending;
	uint64_t seed, devices, serial, now_ms;
	uint8_t hash[LINES][32];
	struct expected expected[EXPECT_MAX];
	size_t expected_n;
	unsigned false_alarms;
	struct err err;
};

static void must(struct month *m, enum pv_code rc)
{
	if (rc == PV_OK)
		return;
	fprintf(stderr, "month: %s: %s\n", m->err.rule, m->err.message);
	exit(2);
}

static uint64_t draw(struct month *m, uint64_t below)
{
	/* xorshift64*, good enough for noise */
	m->seed ^= m->seed >> 12;
	m->seed ^= m->seed << 25;
	m->seed ^= m->seed >> 27;
	return (m->seed * UINT64_C(2685821657736338717) >> 33) % below;
}

static void expect(struct month *m, enum tpl_watch watch, size_t line,
		   const char *object, uint64_t day)
{
	if (m->expected_n == EXPECT_MAX)
		exit(2);
	m->expected[m->expected_n++] =
		(struct expected){ watch, names[line], object, day, 0 };
}

/* ---- writing ---- */

static void flush(struct month *m)
{
	if (m->pending > 0)
		must(m, store_commit(&m->txn, &m->err));
	m->pending = 0;
}

static void add(struct month *m, const struct log_entry *e)
{
	if (m->pending == 0)
		must(m, store_begin(m->s, STORE_WRITE, &m->txn, &m->err));
	must(m, event_append(m->s, e, &m->err));
	if (++m->pending == BATCH)
		flush(m);
}

static struct log_who who(const struct month *m)
{
	return (struct log_who){ m->now_ms, "os:1000" };
}

static void deny(struct month *m, size_t line, const char *device,
		 const char *rule)
{
	const struct log_who by = who(m);
	struct log_entry e;

	log_request_deny(&e, &by, device, device, rule, NULL);
	log_fact_bytes(&e, "template hash", m->hash[line], 32);
	add(m, &e);
}

static void put_bh(struct month *m, uint64_t n, uint8_t bh[32])
{
	must(m, sha256((struct span){ (const uint8_t *)&n, sizeof(n) }, bh,
		       &m->err));
}

static void raw(struct month *m, struct log_entry *e, const char *type,
		const char *object)
{
	memset(e, 0, sizeof(*e));
	e->type = log_str(type);
	e->time_ms = m->now_ms;
	e->actor = log_str("os:1000");
	e->object = log_str(object);
}

static void evidence(struct month *m, size_t line, const char *lot,
		     const char *result)
{
	struct log_entry e;

	raw(m, &e, "attest.verify", "D");
	log_fact_str(&e, "result", result);
	log_fact_str(&e, "lot", lot);
	log_fact_bytes(&e, "template hash", m->hash[line], 32);
	add(m, &e);
}

static void receipt(struct month *m, uint64_t n)
{
	struct log_entry e;
	uint8_t bh[32];

	put_bh(m, n, bh);
	raw(m, &e, "receipt", "D");
	log_fact_bytes(&e, "bh", bh, 32);
	add(m, &e);
}

/* Its receipt comes when 50 more were sealed, or never. */
static void device(struct month *m, size_t line, bool lost)
{
	const struct log_who by = who(m);
	char serial[41], id[32], lot[32];
	uint8_t bh[32];
	struct log_entry e;
	uint64_t n = ++m->serial;

	snprintf(serial, sizeof(serial), "01%038llx", (unsigned long long)n);
	snprintf(id, sizeof(id), "D-%llu", (unsigned long long)n);
	const struct log_intent i = { .serial = serial,
				      .device = id,
				      .template_hash = m->hash[line],
				      .tbs = m->hash[line],
				      .spki = m->hash[line] };

	log_cert_intent(&e, &by, &i);
	add(m, &e);
	log_cert_issue(&e, &by, serial, m->hash[line]);
	add(m, &e);
	put_bh(m, lost ? UINT64_MAX - n : n, bh);
	const struct log_seal s = { .bundle = "00",
				    .device = id,
				    .stage = "operational",
				    .seq = 1,
				    .bh = bh,
				    .payload = bh,
				    .container = bh,
				    .template_hash = m->hash[line] };

	log_bundle_seal(&e, &by, &s);
	add(m, &e);
	snprintf(lot, sizeof(lot), "L-%llu", (unsigned long long)(n / 1000));
	evidence(m, line, lot, draw(m, 2000) == 0 ? "refused" : "ok");
	if (n > 50)
		receipt(m, n - 50);
}

/* ---- the month ---- */

static void noise(struct month *m, size_t line)
{
	char id[32];

	snprintf(id, sizeof(id), "X-%llu", (unsigned long long)draw(m, 50000));
	if (draw(m, 500) == 0)
		deny(m, line, id, "device.field");
}

static void planted_denials(struct month *m, uint64_t day)
{
	if (day == 2) {
		deny(m, 0, "clone-1", "key.reused");
		expect(m, TPL_WATCH_ONE_KEY, 0, "clone-1", day);
	}
	if (day == 3) {
		deny(m, 1, "D-77", "device.key_changed");
		expect(m, TPL_WATCH_TWO_KEYS, 1, "D-77", day);
	}
	if (day == 9) {
		for (int i = 0; i < 5; i++)
			deny(m, 0, "D-0", "limits.stations");
		expect(m, TPL_WATCH_STATION, 0, "gateway", day);
	}
	if (day == 10) {
		for (int i = 0; i < 25; i++)
			deny(m, 1, "stuck-1", "request.conflict");
		expect(m, TPL_WATCH_RETRIES, 1, "stuck-1", day);
	}
	if (day == 11) /* one below */
		for (int i = 0; i < 19; i++)
			deny(m, 1, "stuck-2", "request.conflict");
	if (day == 15) {
		for (int i = 0; i < 12; i++)
			evidence(m, 0, "L-bad", "refused");
		expect(m, TPL_WATCH_EVIDENCE, 0, "L-bad", day);
	}
	if (day == 16) /* one below */
		for (int i = 0; i < 9; i++)
			evidence(m, 0, "L-poor", "refused");
}

static void night(struct month *m, uint64_t day)
{
	if (day == 4) {
		for (int i = 0; i < 3; i++)
			deny(m, 1, "D-night", "limits.hours");
		expect(m, TPL_WATCH_HOURS, 1, "sensor", day);
	}
	if (day == 17) { /* twice an hour's worth within half an hour */
		uint64_t n = m->devices / 16 * 3;

		for (uint64_t i = 0; i < n; i++, m->now_ms += HOUR_MS / 2 / n)
			device(m, 0, false);
		expect(m, TPL_WATCH_RATE, 0, "gateway", day);
	}
}

static void work(struct month *m, uint64_t day)
{
	uint64_t step = 16 * HOUR_MS / m->devices, n = m->devices;

	m->now_ms = START_MS + day * DAY_MS + 6 * HOUR_MS;
	if (day == 21) { /* a clock that jumped, and a short day */
		m->now_ms += 10 * HOUR_MS;
		n /= 4;
		expect(m, TPL_WATCH_CLOCK, 0, "gateway", day);
	}
	for (uint64_t i = 0; i < n; i++, m->now_ms += step) {
		size_t line = i % LINES;

		noise(m, line);
		device(m, line, day == 14 && i % 100 == 1);
		if (i == n / 2)
			planted_denials(m, day);
	}
	if (day == 14)
		expect(m, TPL_WATCH_RECEIPTS, 1, "sensor", day);
}

/* ---- the store ---- */

static void adopt(struct month *m, size_t line)
{
	struct store_template t = { .version = 1, .adopted_ms = FIX_TIME };
	struct people_entry p;
	struct span entry;
	bool existing;
	char text[2048];
	int n = snprintf(
		text, sizeof(text),
		"{\"template\":\"%s\",\"version\":1,"
		"\"vendor\":\"2c7b9e10-63d4-4f85-a1b2-c3d4e5f60718\","
		"\"class\":\"f8e7d6c5-b4a3-4291-8070-6f5e4d3c2b1a\","
		"\"device\":{\"id\":\"D-[0-9]+\",\"key\":\"none\","
		"\"recipient\":\"kdf\"},\"components\":{\"c\":{"
		"\"sealed\":true,\"config\":{}}},\"limits\":{"
		"\"anomalies\":{\"outside_hours\":3,\"unknown_station\":5,"
		"\"rate_per_hour\":%llu,\"clock_step_s\":57600,"
		"\"evidence_failures_per_lot\":10,"
		"\"receipts_missing_after_h\":48,\"retries\":20,"
		"\"quantity_nearly_used_percent\":90}}}",
		names[line], (unsigned long long)(m->devices / 16));

	fix_name(t.name, names[line]);
	fix_template_hash(names[line], 1, m->hash[line]);
	memcpy(t.sha256, m->hash[line], 32);
	snprintf(t.actor, sizeof(t.actor), "os:0");
	t.bytes = (struct span){ (const uint8_t *)text, (size_t)n };
	must(m, store_begin(m->s, STORE_WRITE, &m->txn, &m->err));
	must(m, people_start(m->s, &p, &m->err));
	log_template_adopt(&p.e, &p.who, t.name, 1, t.sha256, NULL, NULL);
	must(m, people_end(m->s, &p, &entry, &m->err));
	must(m, store_governance_add(m->s, entry, &t.adopt_index, &m->err));
	must(m, store_template_put(m->s, &t, &existing, &m->err));
	must(m, store_commit(&m->txn, &m->err));
}

/* An order of ten, of which so many were reserved. */
static void order(struct month *m, size_t line, const char *name, uint32_t used)
{
	struct fix_device *d = calloc(1, sizeof(*d));
	char text[1024], hex[65];
	uint32_t first;
	uint64_t index;

	hex_encode(m->hash[line], 32, hex);
	snprintf(text, sizeof(text),
		 "{\"order\":\"%s\",\"template\":\"%s\",\"version\":1,"
		 "\"template_sha256\":\"%s\",\"quantity\":10,"
		 "\"rework\":0,\"stations\":[\"line-1\"],"
		 "\"from\":\"2025-06-01T00:00:00Z\","
		 "\"until\":\"2025-08-01T00:00:00Z\",\"offline\":false}",
		 name, names[line], hex);
	must(m, store_begin(m->s, STORE_WRITE, &m->txn, &m->err));
	must(m, people_order(m->s, name, m->hash[line], text, &m->err));
	must(m, store_serial_lend(m->s, used, &first, &m->err));
	for (uint32_t i = 0; d && i < used; i++) {
		fix_device(d, 5 + line, i, first + i);
		fix_name(d->intent.s.order, name);
		must(m, store_reserve(m->s, &d->intent, &index, &m->err));
	}
	must(m, store_commit(&m->txn, &m->err));
	free(d);
}

/* ---- what is found ---- */

static enum pv_code found(void *ctx, const struct anomaly *a, struct err *err)
{
	struct month *m = ctx;
	uint64_t day = (a->time_ms - START_MS) / DAY_MS;

	(void)err;
	for (size_t i = 0; i < m->expected_n; i++) {
		struct expected *e = &m->expected[i];

		if (e->watch == a->watch &&
		    strcmp(e->name, a->template_name) == 0 &&
		    strcmp(e->object, a->object) == 0 &&
		    (a->time_ms == 0 || e->day == day) && e->found++ == 0)
			return PV_OK;
	}
	m->false_alarms++;
	printf("false alarm: %s %s %s: %llu\n", tpl_watch_name(a->watch),
	       a->template_name, a->object, (unsigned long long)a->count);
	return PV_OK;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int judge(struct month *m)
{
	const struct anomalies_opts opts = { .now_ms = m->now_ms,
					     .sink = { found, m } };
	struct anomalies_report r;
	struct rusage use;
	double from = seconds();
	unsigned missed = 0;

	must(m, anomalies_find(m->s, &opts, &r, &m->err));
	getrusage(RUSAGE_SELF, &use);
	for (size_t i = 0; i < m->expected_n; i++) {
		const struct expected *e = &m->expected[i];

		if (e->found)
			continue;
		missed++;
		printf("missed: %s %s %s\n", tpl_watch_name(e->watch), e->name,
		       e->object);
	}
	printf("found %zu of %zu, %u false alarms, %u missed; %llu entries in "
	       "%.2f s, %llu untracked, %ld KiB\n",
	       m->expected_n - missed, m->expected_n, m->false_alarms, missed,
	       (unsigned long long)r.entries, seconds() - from,
	       (unsigned long long)r.untracked, use.ru_maxrss);
	return missed || m->false_alarms || r.untracked ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct month *m = calloc(1, sizeof(*m));
	char path[256];
	int rc;

	if (argc < 2 || !m) {
		fprintf(stderr, "usage: month DIR [devices a day [seed]]\n");
		return 2;
	}
	m->devices = argc > 2 ? strtoull(argv[2], NULL, 10) : 400;
	m->seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	if (m->devices < 160 || m->seed == 0)
		return 2;
	err_init(&m->err);
	must(m, fix_store(argv[1], path, &m->s, &m->err));
	for (size_t line = 0; line < LINES; line++)
		adopt(m, line);
	order(m, 0, "order-7", 9);
	order(m, 1, "order-8", 8);
	expect(m, TPL_WATCH_QUANTITY, 0, "order-7", 0);
	for (uint64_t day = 0; day < DAYS; day++) {
		work(m, day);
		night(m, day);
	}
	flush(m);
	rc = judge(m);
	store_close(m->s);
	free(m);
	return rc;
}
