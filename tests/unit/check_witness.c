/* A witness of logs that are published in folders. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/flow/witness.h"
#include "tests/unit/log_fix.h"
#include "tests/unit/notepair.h"
#include "tests/unit/unit.h"

#define ORIGIN "log.example/factory"
#define FORK 300u /* leaves that both have */
#define SIZE 600u

static struct log_hasher hasher;
static struct grove good, other; /* part at FORK */
static struct pair log_key, foreign;
static struct witnesskey key;
static char dir[400], state[440];
static struct witness_seen seen;
static struct err err;

static const char *path_of(const char *name)
{
	static char path[1000];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void setup(void)
{
	char text[GROVE_ENTRY_MAX];

	UNIT_OK(log_hasher_init(&hasher, &err_));
	grove_fill(&good, &hasher, GROVE_MAX, "log");
	grove_fill(&other, &hasher, FORK, "log");
	for (size_t i = FORK; i < GROVE_MAX; i++)
		grove_add(&other, &hasher, grove_entry("other", i, text));
	pair_new(&log_key, NOTE_ED25519, ORIGIN);
	pair_new(&foreign, NOTE_ED25519, "log.example/another");
	UNIT_OK(witnesskey_new(&key, "witness.example", &err_));
	snprintf(dir, sizeof(dir), "%s/XXXXXX", unit_tmp());
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(state, sizeof(state), "%s/state", dir);
}

static void teardown(void)
{
	witnesskey_release(&key);
	log_hasher_release(&hasher);
	EVP_PKEY_free(log_key.pkey);
	EVP_PKEY_free(foreign.pkey);
}

static void sign_point(const char *folder, const struct log_point *at,
		       struct pair *by, struct buf *note)
{
	struct buf body;

	buf_init(&body, LOG_BODY_MAX);
	UNIT_OK(log_checkpoint_put(by->key.name, at, &body, &err_));
	start(note, buf_cstr(&body));
	UNIT_OK(add(note, buf_cstr(&body), by, &err_));
	log_fix_file(path_of(folder), "checkpoint", buf_span(note));
	buf_release(&body);
}

/* Tiles and checkpoint of the first size leaves into folder. */
static void publish(const char *folder, const struct grove *g, uint64_t size)
{
	const struct log_point at = grove_point(g, size);
	struct buf note;

	grove_publish(g, size, path_of(folder));
	sign_point(folder, &at, &log_key, &note);
	buf_release(&note);
}

static enum pv_code watch(const char *folder, bool first, struct buf *line)
{
	char log[1000];
	const struct note_key keys[] = { foreign.key, log_key.key };
	const struct witness_opts opts = { log, state, keys, 2, first };

	snprintf(log, sizeof(log), "%s", path_of(folder));
	err_init(&err);
	buf_init(line, LOG_COSIGN_LINE_MAX);
	return witness_run(&opts, &key, &seen, line, &err);
}

static void file_of(const char *path, struct buf *b)
{
	buf_init(b, WITNESS_NOTE_MAX);
	UNIT_OK(file_read(AT_FDCWD, path, 0, b, &err_));
}

/* What the state says is what the folder does. */
static void state_is(const char *folder)
{
	char path[1100];
	struct buf a, b;

	snprintf(path, sizeof(path), "%s/checkpoint", path_of(folder));
	file_of(state, &a);
	file_of(path, &b);
	ck_assert(span_equal(buf_span(&a), buf_span(&b)));
	buf_release(&a);
	buf_release(&b);
}

/* And the line is true of it. */
static void cosigns(const char *folder, bool first)
{
	struct buf line, note;

	unit_ok(watch(folder, first, &line), &err);
	state_is(folder);
	file_of(state, &note);
	UNIT_OK(log_cosign_take(&note, buf_span(&line), &key.w, 1, &err_));
	buf_release(&note);
	buf_release(&line);
}

/* Nothing leaves, and what was seen stays. */
static void refuses(const char *folder, enum pv_code code, const char *rule)
{
	struct buf line, before, after;

	file_of(state, &before);
	unit_refused(watch(folder, false, &line), code, rule, &err);
	ck_assert_uint_eq(line.len, 0);
	file_of(state, &after);
	ck_assert(span_equal(buf_span(&before), buf_span(&after)));
	buf_release(&before);
	buf_release(&after);
	buf_release(&line);
}

START_TEST(test_first)
{
	struct buf line;

	publish("log", &good, 5);
	unit_refused(watch("log", false, &line), PV_NOT_FOUND, "witness.state",
		     &err);
	ck_assert_int_ne(access(state, F_OK), 0);
	cosigns("log", true);
	ck_assert_str_eq(seen.origin, ORIGIN);
	ck_assert_uint_eq(seen.at.size, 5);
	ck_assert_uint_eq(seen.before, 0);
	unit_refused(watch("log", true, &line), PV_CONFLICT, "witness.state",
		     &err);
	cosigns("log", false); /* an answer that was lost */
	ck_assert_uint_eq(seen.before, 5);
	publish("log", &good, FORK);
	cosigns("log", false);
	ck_assert_uint_eq(seen.before, 5);
	ck_assert_uint_eq(seen.at.size, FORK);
}
END_TEST

/* Every pair of sizes around the edges of tiles. */
START_TEST(test_grows)
{
	static const uint64_t sizes[] = { 0,   1,   2,	 255, 256,
					  257, 511, 512, 513, 700 };
	size_t n = sizeof(sizes) / sizeof(sizes[0]);

	for (size_t i = 0; i < n; i++)
		for (size_t k = i; k < n; k++) {
			unlink(state);
			publish("old", &good, sizes[i]);
			cosigns("old", true);
			publish("new", &good, sizes[k]);
			cosigns("new", false);
			ck_assert_uint_eq(seen.at.size, sizes[k]);
		}
}
END_TEST

/* The authority's machine was set back, or has two faces. */
START_TEST(test_set_back)
{
	publish("log", &good, SIZE);
	cosigns("log", true);
	publish("smaller", &good, FORK);
	refuses("smaller", PV_INTEGRITY, "log.checkpoint");
	publish("same", &other, SIZE);
	refuses("same", PV_INTEGRITY, "log.checkpoint");
	publish("grown", &other, GROVE_MAX);
	refuses("grown", PV_INTEGRITY, "log.proof");
	publish("log", &good, GROVE_MAX);
	cosigns("log", false);
}
END_TEST

static void bend(const char *tile, size_t len, int flip)
{
	char path[1100];
	struct buf b;

	snprintf(path, sizeof(path), "%s/%s", path_of("log"), tile);
	file_of(path, &b);
	if (flip >= 0)
		b.data[flip] ^= 1;
	log_fix_file(path_of("log"), tile,
		     (struct span){ b.data, len ? len : b.len });
	buf_release(&b);
}

START_TEST(test_tiles)
{
	publish("log", &good, FORK);
	cosigns("log", true);
	publish("log", &good, SIZE);
	bend("tile/0/002.p/88", 0, 40);
	refuses("log", PV_INTEGRITY, "log.proof");
	publish("log", &good, SIZE);
	bend("tile/0/002.p/88", 87 * LOG_HASH, -1);
	refuses("log", PV_INTEGRITY, "log.tile");
	unlink(path_of("log/tile/0/002.p/88"));
	refuses("log", PV_INTEGRITY, "log.tile");
	ck_assert_str_eq(err.object, "tile/0/002.p/88");
	ck_assert_int_eq(mkfifo(path_of("log/tile/0/002.p/88"), 0600), 0);
	refuses("log", PV_INTEGRITY, "log.tile");
	/* The log grew meanwhile: the full tile has the partial one's place. */
	unlink(path_of("log/tile/0/002.p/88"));
	grove_publish(&good, GROVE_MAX, path_of("log"));
	refuses("log", PV_INTEGRITY, "log.tile");
	publish("log", &good, SIZE);
	unlink(path_of("log/tile/0/001"));
	refuses("log", PV_INTEGRITY, "log.tile");
}
END_TEST

START_TEST(test_full_tile_instead)
{
	publish("log", &good, 200);
	cosigns("log", true);
	publish("log", &good, 250);
	unlink(path_of("log/tile/0/000.p/250"));
	refuses("log", PV_INTEGRITY, "log.tile");
	grove_publish(&good, GROVE_MAX, path_of("log"));
	unlink(path_of("log/tile/0/000.p/250"));
	cosigns("log", false);
	ck_assert_uint_eq(seen.at.size, 250);
}
END_TEST

/* Size 2^40 with no tiles costs nothing. */
START_TEST(test_huge)
{
	struct log_point at = grove_point(&good, FORK);
	struct buf note;

	publish("log", &good, FORK);
	cosigns("log", true);
	at.size = UINT64_C(1) << 40;
	sign_point("log", &at, &log_key, &note);
	refuses("log", PV_INTEGRITY, "log.tile");
	at.size = (UINT64_C(1) << 63) - 1;
	buf_release(&note);
	sign_point("log", &at, &log_key, &note);
	refuses("log", PV_INTEGRITY, "log.tile");
	buf_release(&note);
}
END_TEST

START_TEST(test_not_the_logs)
{
	struct log_point at = grove_point(&good, SIZE);
	struct buf note;

	publish("log", &good, FORK);
	cosigns("log", true);
	publish("log", &good, SIZE);
	bend("checkpoint", 0, (int)strlen(ORIGIN) + 1);
	refuses("log", PV_INTEGRITY, "note.signature");
	bend("checkpoint", 30, -1);
	refuses("log", PV_INTEGRITY, "log.checkpoint");
	unlink(path_of("log/checkpoint"));
	refuses("log", PV_NOT_FOUND, NULL);
	sign_point("log", &at, &foreign, &note); /* a key it has, another log */
	refuses("log", PV_INTEGRITY, "witness.state");
	buf_release(&note);
}
END_TEST

START_TEST(test_state)
{
	struct log_point at = grove_point(&good, SIZE);
	struct pair stranger;
	struct buf note;

	publish("log", &good, FORK);
	cosigns("log", true);
	pair_new(&stranger, NOTE_ED25519, ORIGIN);
	sign_point("forged", &at, &stranger, &note);
	log_fix_file(dir, "state", buf_span(&note));
	refuses("log", PV_INTEGRITY, "witness.state");
	log_fix_file(dir, "state", (struct span){ note.data, 20 });
	refuses("log", PV_INTEGRITY, "witness.state");
	log_fix_file(dir, "state", (struct span){ note.data, 0 });
	refuses("log", PV_INTEGRITY, "witness.state");
	publish("log", &good, FORK);
	unlink(state);
	cosigns("log", true);
	ck_assert_int_eq(chmod(state, 0666), 0);
	refuses("log", PV_DENIED, NULL);
	ck_assert_int_eq(rename(state, path_of("elsewhere")), 0);
	ck_assert_int_eq(symlink("elsewhere", state), 0);
	refuses("log", PV_INPUT, NULL);
	EVP_PKEY_free(stranger.pkey);
	buf_release(&note);
}
END_TEST

/* Two faces at once to one witness: it cosigns one of them, always that. */
START_TEST(test_one_winner)
{
	enum { RUNS = 8 };
	unsigned won[2] = { 0, 0 };
	pid_t pid[RUNS];

	publish("log", &good, FORK);
	cosigns("log", true);
	publish("0", &good, SIZE);
	publish("1", &other, SIZE);
	for (int i = 0; i < RUNS; i++) {
		pid[i] = fork();
		ck_assert_int_ge(pid[i], 0);
		if (pid[i] == 0) {
			struct buf line;

			_exit((int)watch(i % 2 ? "1" : "0", false, &line));
		}
	}
	for (int i = 0; i < RUNS; i++) {
		int status;

		ck_assert_int_eq(waitpid(pid[i], &status, 0), pid[i]);
		ck_assert(WIFEXITED(status));
		ck_assert(WEXITSTATUS(status) == PV_OK ||
			  WEXITSTATUS(status) == PV_INTEGRITY);
		won[i % 2] += WEXITSTATUS(status) == PV_OK;
	}
	ck_assert_uint_eq(won[0] + won[1], RUNS / 2);
	ck_assert(won[0] == 0 || won[1] == 0);
	state_is(won[0] ? "0" : "1");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("witness");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_first);
	tcase_add_test(t, test_grows);
	tcase_add_test(t, test_set_back);
	tcase_add_test(t, test_tiles);
	tcase_add_test(t, test_full_tile_instead);
	tcase_add_test(t, test_huge);
	tcase_add_test(t, test_not_the_logs);
	tcase_add_test(t, test_state);
	tcase_add_test(t, test_one_winner);
	suite_add_tcase(s, t);
	return unit_run(s);
}
