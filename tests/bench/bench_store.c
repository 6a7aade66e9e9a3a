/*
 * bench_store: what the writer spends on one device: an intent transaction and
 * a result transaction for each group, with all lookups that a decision asks
 * for. Prints CPU microseconds a device without and wall time with the syncs.
 *
 *     bench_store DIR [devices [group]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/store/sqlite.h"
#include "lib/store/store_order.h"
#include "tests/unit/store_fix.h"

#define GROUP_MAX 1024u

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum pv_code facts(struct store *s, const struct store_subject *b,
			  struct err *err)
{
	struct store_device d;
	struct store_owner owner;
	uint64_t rate;
	struct store_order_count order;
	bool found;
	enum pv_code rc = store_device_get(s, b->device, &d, &found, err);

	if (rc == PV_OK && found)
		return err_fail(err, PV_CONFLICT, "bench", NULL, "found");
	if (rc == PV_OK)
		rc = store_spki_owner(s, b->spki_sha256, &owner, err);
	if (rc == PV_OK)
		rc = store_rate_since(s, b->template_sha256,
				      b->created_ms - 3600000, &rate, err);
	if (rc == PV_OK)
		rc = store_order_count(s, b->order, &order, err);
	return rc;
}

struct cost {
	double cpu, commit_wall, facts, reserve, complete;
};

/* COMMIT's own CPU (writing pages) counts, waiting for the disk does not. */
static enum pv_code commit(struct store_txn *t, struct cost *c, struct err *err)
{
	double from = seconds(CLOCK_MONOTONIC);
	enum pv_code rc = store_commit(t, err);

	c->commit_wall += seconds(CLOCK_MONOTONIC) - from;
	return rc;
}

static enum pv_code intents(struct store *s, struct fix_device *d, size_t n,
			    struct cost *c, struct err *err)
{
	STORE_TXN t = STORE_TXN_INIT;
	uint64_t index;
	double from;
	enum pv_code rc = store_begin(s, STORE_WRITE, &t, err);

	from = seconds(CLOCK_MONOTONIC);
	for (size_t i = 0; rc == PV_OK && i < n; i++)
		rc = facts(s, &d[i].intent.s, err);
	c->facts += seconds(CLOCK_MONOTONIC) - from;
	from = seconds(CLOCK_MONOTONIC);
	for (size_t i = 0; rc == PV_OK && i < n; i++)
		rc = store_reserve(s, &d[i].intent, &index, err);
	c->reserve += seconds(CLOCK_MONOTONIC) - from;
	return rc == PV_OK ? commit(&t, c, err) : rc;
}

static enum pv_code results(struct store *s, struct fix_device *d, size_t n,
			    struct cost *c, struct err *err)
{
	STORE_TXN t = STORE_TXN_INIT;
	enum pv_code rc = store_begin(s, STORE_WRITE, &t, err);
	double from = seconds(CLOCK_MONOTONIC);

	for (size_t i = 0; rc == PV_OK && i < n; i++)
		rc = fix_complete(s, &d[i], err);
	c->complete += seconds(CLOCK_MONOTONIC) - from;
	return rc == PV_OK ? commit(&t, c, err) : rc;
}

static enum pv_code lend(struct store *s, uint32_t n, uint32_t *first,
			 struct err *err)
{
	STORE_TXN t = STORE_TXN_INIT;
	enum pv_code rc = store_begin(s, STORE_WRITE, &t, err);

	if (rc == PV_OK)
		rc = store_serial_lend(s, n, first, err);
	return rc == PV_OK ? store_commit(&t, err) : rc;
}

static enum pv_code run(struct store *s, uint32_t devices, uint32_t group,
			struct err *err)
{
	struct fix_device *d = calloc(group, sizeof(*d));
	struct cost c = { 0 };
	double wall = 0;
	uint32_t first;
	uint32_t since = 0;
	enum pv_code rc = PV_OK;

	for (uint32_t n = 0; d && rc == PV_OK && n < devices; n += group) {
		double cpu;
		double from;

		rc = lend(s, group, &first, err);
		for (uint32_t i = 0; i < group; i++)
			fix_device(&d[i], 1, n + i, first + i);
		cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
		from = seconds(CLOCK_MONOTONIC);
		if (rc == PV_OK)
			rc = intents(s, d, group, &c, err);
		if (rc == PV_OK)
			rc = results(s, d, group, &c, err);
		c.cpu += seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
		wall += seconds(CLOCK_MONOTONIC) - from;
		since += group;
		if (since < 10000 && n + group < devices)
			continue;
		printf("%7u devices: %5.1f us CPU a device, %6.1f us wall, "
		       "of which %4.1f to look up, %4.1f to reserve, %4.1f to "
		       "complete, %5.1f in commits\n",
		       n + group, c.cpu * 1e6 / since, wall * 1e6 / since,
		       c.facts * 1e6 / since, c.reserve * 1e6 / since,
		       c.complete * 1e6 / since, c.commit_wall * 1e6 / since);
		memset(&c, 0, sizeof(c));
		wall = 0;
		since = 0;
	}
	free(d);
	return rc;
}

int main(int argc, char **argv)
{
	uint32_t devices = argc > 2 ? (uint32_t)atoi(argv[2]) : 100000;
	uint32_t group = argc > 3 ? (uint32_t)atoi(argv[3]) : 128;
	struct store *s = NULL;
	STORE_TXN t = STORE_TXN_INIT;
	char path[256];
	struct err err;
	enum pv_code rc;

	err_init(&err);
	if (argc < 2 || group == 0 || group > GROUP_MAX) {
		fprintf(stderr, "usage: bench_store DIR [devices [group]]\n");
		return 2;
	}
	rc = fix_store(argv[1], path, &s, &err);
	if (rc == PV_OK)
		rc = store_begin(s, STORE_WRITE, &t, &err);
	if (rc == PV_OK)
		rc = fix_template(s, "gateway", 1, &err);
	if (rc == PV_OK)
		rc = store_commit(&t, &err);
	if (rc == PV_OK)
		rc = run(s, devices, group, &err);
	if (rc == PV_OK)
		rc = store_check(s, &err);
	store_close(s);
	if (rc != PV_OK)
		fprintf(stderr, "%s: %s\n", err.rule, err.message);
	return (int)rc;
}
