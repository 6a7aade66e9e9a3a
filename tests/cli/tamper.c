/*
 * tamper HOME DIR N: deletes, edits, moves and cuts each of the first N log
 * entries of an authority in turn, in its store and in an exported copy of its
 * log that is made in DIR, and lets audit verify each time. Prints how many
 * were found and named; exit 1 when one was not. HOME is changed back.
 */
#include "tests/cli/tamper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/backends.h"
#include "lib/store/store_log.h"
#include "tests/unit/unit.h"

static const char *const ways[WAYS] = { "deleted", "edited", "moved", "cut" };

uint8_t *tamper_edited(const struct log *log, uint64_t i)
{
	uint8_t *copy = malloc(log->entry[i].len);

	memcpy(copy, log->entry[i].p, log->entry[i].len);
	copy[log->entry[i].len / 2] ^= 1;
	return copy;
}

static enum pv_code keep(void *ctx, uint64_t index, struct span entry,
			 struct err *err)
{
	struct log *log = ctx;
	uint8_t *copy = malloc(entry.len);

	(void)err;
	memcpy(copy, entry.p, entry.len);
	log->entry[index] = (struct span){ copy, entry.len };
	return PV_OK;
}

static void load(struct log *log)
{
	const struct store_visit v = { .ctx = log, .fn.entry = keep };
	struct store *store = NULL;

	UNIT_OK(app_backends.store_open(log->a, false, &store, &err_));
	UNIT_OK(checkpoint_load(log->a, store, &log->base, &err_));
	UNIT_OK(store_log_size(store, &log->n, &err_));
	log->entry = calloc(log->n, sizeof(*log->entry));
	UNIT_OK(store_log_each(store, 0, log->n, &v, &err_));
	store_close(store);
}

static void clean(struct target *t)
{
	struct err err;

	err_init(&err);
	unit_ok(t->verify(t->ctx, &err), &err);
}

/* One way, for entries 0 to n - 1; whether all were found and named. */
static bool run(struct target *t, enum way way, uint64_t n)
{
	uint64_t found = 0;
	uint64_t named = 0;

	for (uint64_t i = 0; i < n; i++) {
		struct err err;
		bool is_found;
		bool is_named;

		err_init(&err);
		t->change(t->ctx, way, i);
		is_found = t->verify(t->ctx, &err) == PV_INTEGRITY;
		is_named = is_found && t->named(t->ctx, way, i, &err);
		t->undo(t->ctx, way, i);
		found += is_found;
		named += is_named;
		if (!is_named)
			printf("# %s: %s %llu: %d %s, %s: %s\n", t->name,
			       ways[way], (unsigned long long)i, err.code,
			       err.object, err.rule, err.message);
	}
	printf("tamper: %s: %llu %s, %llu found, %llu named\n", t->name,
	       (unsigned long long)n, ways[way], (unsigned long long)found,
	       (unsigned long long)named);
	fflush(stdout);
	return found == n && named == n;
}

static bool run_all(struct target *t, uint64_t n)
{
	bool well = true;

	clean(t);
	for (int way = 0; way < WAYS; way++)
		well = run(t, (enum way)way, n) && well;
	clean(t);
	return well;
}

static const char *home, *dir; /* as given */
static uint64_t entries;

START_TEST(test_all)
{
	struct log log = { .n = 0 };
	struct authority *a = NULL;
	struct target t;
	bool well;

	UNIT_OK(authority_open(home, &a, &err_));
	log.a = a;
	load(&log);
	ck_assert_uint_gt(log.n, entries);
	tamper_folder_open(&t, &log, dir);
	well = run_all(&t, entries);
	tamper_folder_close(&t);
	tamper_store_open(&t, &log);
	well = run_all(&t, entries) && well;
	tamper_store_close(&t);
	for (uint64_t i = 0; i < log.n; i++)
		free((void *)(uintptr_t)log.entry[i].p);
	free(log.entry);
	authority_close(a);
	ck_assert(well);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *s = suite_create("tamper");
	TCase *t = tcase_create("tamper");

	if (argc == 4)
		entries = strtoull(argv[3], NULL, 10);
	if (entries == 0) {
		fprintf(stderr, "usage: tamper HOME DIR N\n");
		return 2;
	}
	home = argv[1];
	dir = argv[2];
	tcase_set_timeout(t, 600);
	tcase_add_test(t, test_all);
	suite_add_tcase(s, t);
	return unit_run(s);
}
