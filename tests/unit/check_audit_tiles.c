/* An exported log, verified from its folder alone: good, damaged, hostile. */
#include "lib/flow/audit_tiles.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/log/events.h"
#include "tests/unit/log_fix.h"
#include "tests/unit/log_folder.h"
#include "tests/unit/notepair.h"

#define ORIGIN "acme"
#define ENTRIES 600u

static struct buf bytes[ENTRIES];
static struct span entry[ENTRIES];
static struct log_folder folder;
static struct pair signer, other;
static struct cosigner witness;
static char dir[300];
static struct err err;

/* Intents at even places, the issue of each behind it. */
static void set_entry(size_t i, uint32_t serial, bool issue, uint64_t time_ms)
{
	const struct log_who who = { time_ms, "os:0" };
	static const uint8_t hash[32] = { 7 };
	struct log_entry e;
	char hex[41];

	snprintf(hex, sizeof(hex), "%08x%032x", 0x01000000u + serial, serial);
	if (issue)
		log_cert_issue(&e, &who, hex, hash);
	else
		log_cert_intent(&e, &who,
				&(struct log_intent){ .serial = hex,
						      .device = "d",
						      .template_hash = hash,
						      .tbs = hash });
	buf_release(&bytes[i]);
	buf_init(&bytes[i], LOG_ENTRY_MAX);
	UNIT_OK(log_entry_encode(&e, &bytes[i], &err_));
	entry[i] = buf_span(&bytes[i]);
}

static void put_checkpoint(const struct log_point *at, struct pair *by,
			   bool cosigned)
{
	struct buf body, note;

	buf_init(&body, LOG_BODY_MAX);
	UNIT_OK(log_checkpoint_put(ORIGIN, at, &body, &err_));
	start(&note, buf_cstr(&body));
	UNIT_OK(add(&note, buf_cstr(&body), by, &err_));
	if (cosigned)
		cosigner_line(&witness, &note, buf_span(&body), 1700000000);
	log_folder_file(&folder, "checkpoint", buf_span(&note));
	buf_release(&body);
	buf_release(&note);
}

static void empty(void)
{
	char cmd[700];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s' && mkdir '%s'", dir, dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* Writes entries as they are now, and signs that. */
static void publish(uint64_t n)
{
	struct log_point at;

	log_folder_release(&folder);
	log_folder_init(&folder, dir, entry, n);
	log_folder_put(&folder);
	at = log_folder_point(&folder);
	put_checkpoint(&at, &signer, true);
}

static void setup(void)
{
	err_init(&err);
	snprintf(dir, sizeof(dir), "%s/log", unit_tmp());
	mkdir(dir, 0700);
	pair_new(&signer, NOTE_ED25519, ORIGIN);
	pair_new(&other, NOTE_ED25519, ORIGIN);
	cosigner_new(&witness, "witness.example");
	for (size_t i = 0; i < ENTRIES; i++)
		set_entry(i, (uint32_t)(i / 2), i % 2, 1700000000000 + i);
	log_folder_init(&folder, dir, entry, 1);
	publish(ENTRIES);
}

static void teardown(void)
{
	char cmd[400];

	log_folder_release(&folder);
	for (size_t i = 0; i < ENTRIES; i++)
		buf_release(&bytes[i]);
	EVP_PKEY_free(signer.pkey);
	EVP_PKEY_free(other.pkey);
	cosigner_free(&witness);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static enum pv_code verify(size_t witnesses, struct audit_tiles_counts *n)
{
	const struct audit_tiles_opts opts = {
		.trust = { &signer.key, 1, &witness.w, witnesses, witnesses }
	};
	CLEANUP(fd_cleanup) int fd = open(dir, O_RDONLY | O_DIRECTORY);

	err_init(&err);
	return audit_tiles(fd, &opts, n, &err);
}

static void refused(enum pv_code code, const char *rule, const char *object)
{
	struct audit_tiles_counts n;

	unit_refused(verify(1, &n), code, rule, &err);
	ck_assert_str_eq(err.object, object);
}

START_TEST(test_good)
{
	static const uint64_t sizes[] = { 600, 513, 512, 511, 257,
					  256, 255, 2,	 1 };
	struct audit_tiles_counts n;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		empty();
		publish(sizes[i]);
		unit_ok(verify(1, &n), &err);
		ck_assert_uint_eq(n.at.size, sizes[i]);
		ck_assert_str_eq(n.origin, ORIGIN);
		ck_assert_uint_eq(n.intents, (sizes[i] + 1) / 2);
		ck_assert_uint_eq(n.certificates, sizes[i] / 2);
		ck_assert_uint_eq(n.cosigned, 1);
		unit_ok(verify(0, &n), &err);
	}
}
END_TEST

/* Every file: gone, cut, longer, a link, another's. */
START_TEST(test_each_tile)
{
	struct log_tile_walk w;
	struct log_tile t;
	struct buf b;

	buf_init(&b, 2 * LOG_ENTRIES_MAX);
	UNIT_OK(log_tile_walk(&w, 0, ENTRIES, &err_));
	while (log_tile_next(&w, &t)) {
		char path[LOG_TILE_PATH_MAX], name[400], from[400];

		log_tile_path(&t, path);
		snprintf(name, sizeof(name), "%s/%s", dir, path);
		buf_reset(&b);
		log_folder_tile(&folder, &t, &b);
		ck_assert_int_eq(unlink(name), 0);
		refused(PV_INTEGRITY, "log.tile", path);
		snprintf(from, sizeof(from), "%s/elsewhere", dir);
		log_folder_file(&folder, "elsewhere", buf_span(&b));
		ck_assert_int_eq(symlink(from, name), 0);
		refused(PV_INTEGRITY, "log.tile", path);
		ck_assert_int_eq(unlink(name), 0);
		log_folder_file(&folder, path,
				(struct span){ b.data, b.len - 1 });
		refused(PV_INTEGRITY, "log.tile", path);
		log_folder_file(&folder, path,
				(struct span){ b.data, b.len - 32 });
		refused(PV_INTEGRITY, "log.tile", path);
		log_folder_file(&folder, path, (struct span){ b.data, 0 });
		refused(PV_INTEGRITY, "log.tile", path);
		buf_put(&b, b.data, 32);
		log_folder_file(&folder, path, buf_span(&b));
		refused(PV_INTEGRITY, "log.tile", path);
		b.len -= 32;
		b.data[b.len / 2] ^= 1;
		log_folder_file(&folder, path, buf_span(&b));
		refused(PV_INTEGRITY, "log.tile", path);
		b.data[b.len / 2] ^= 1;
		log_folder_file(&folder, path, buf_span(&b));
	}
	UNIT_OK(verify(1, &(struct audit_tiles_counts){ .tiles = 0 }));
	buf_release(&b);
}
END_TEST

static void swap(const char *a, const char *b)
{
	char cmd[1200];

	snprintf(cmd, sizeof(cmd),
		 "cd '%s/tile' && mv %s x && mv %s %s && mv x %s", dir, a, b, a,
		 b);
	ck_assert_int_eq(system(cmd), 0);
}

/* A file where a folder should be, and no tiles at all. */
START_TEST(test_no_folder)
{
	char cmd[700];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s/tile'", dir);
	ck_assert_int_eq(system(cmd), 0);
	refused(PV_INTEGRITY, "log.tile", "tile/entries/000");
	log_folder_file(&folder, "tile", span_of("x"));
	refused(PV_INTEGRITY, "log.tile", "tile/entries/000");
}
END_TEST

START_TEST(test_swapped)
{
	swap("0/000", "0/001");
	refused(PV_INTEGRITY, "log.tile", "tile/0/000");
	ck_assert_ptr_nonnull(strstr(err.message, "entry 0"));
	swap("0/000", "0/001");
	swap("entries/000", "entries/001");
	refused(PV_INTEGRITY, "log.tile", "tile/entries/000");
	ck_assert_ptr_nonnull(strstr(err.message, "entry 0"));
}
END_TEST

/* Other entries with tiles that fit them, under the old checkpoint. */
START_TEST(test_made_anew)
{
	struct log_point at = log_folder_point(&folder);

	set_entry(100, 50, false, 1700000000101);
	publish(ENTRIES);
	put_checkpoint(&at, &signer, true);
	refused(PV_INTEGRITY, "log.tile", "checkpoint");
}
END_TEST

START_TEST(test_checkpoint)
{
	struct log_point at = log_folder_point(&folder);
	char name[400];

	put_checkpoint(&at, &signer, false);
	refused(PV_INTEGRITY, "log.cosignature", "checkpoint");
	put_checkpoint(&at, &other, true);
	refused(PV_INTEGRITY, "log.checkpoint", "checkpoint");
	log_folder_file(&folder, "checkpoint", span_of("acme\n1\n"));
	refused(PV_INTEGRITY, "log.checkpoint", "checkpoint");
	snprintf(name, sizeof(name), "%s/checkpoint", dir);
	ck_assert_int_eq(unlink(name), 0);
	refused(PV_NOT_FOUND, "file.missing", "checkpoint");
	/* One of a longer log: its partial tiles are not there. */
	at.size = ENTRIES + 1;
	put_checkpoint(&at, &signer, true);
	refused(PV_INTEGRITY, "log.tile", "tile/entries/002.p/89");
	/* Far longer: the first tile that is as wide in such a tree only. */
	at.size = UINT64_C(1) << 40;
	put_checkpoint(&at, &signer, true);
	refused(PV_INTEGRITY, "log.tile", "tile/1/000");
	at.size = LOG_SIZE_MAX - 1;
	put_checkpoint(&at, &signer, true);
	refused(PV_INTEGRITY, "log.tile", "tile/1/000");
}
END_TEST

/* Tiles of former sizes may lie there, those of a longer log may not. */
START_TEST(test_extra)
{
	struct audit_tiles_counts n;
	struct log_point at;
	struct buf b;

	publish(300);
	at = log_folder_point(&folder);
	publish(ENTRIES);
	unit_ok(verify(1, &n), &err);
	log_folder_file(&folder, "tile/0/001.tmp", span_of("other"));
	log_folder_file(&folder, "tile/x00/001", span_of("other"));
	unit_ok(verify(1, &n), &err);
	buf_init(&b, LOG_TILE_BYTES);
	for (unsigned i = 256; i < 300; i++)
		buf_put(&b, folder.leaf[i], LOG_HASH);
	b.data[33] ^= 1;
	log_folder_file(&folder, "tile/0/001.p/44", buf_span(&b));
	refused(PV_INTEGRITY, "log.tile", "tile/0/001.p/44");
	b.data[33] ^= 1;
	log_folder_file(&folder, "tile/0/001.p/43", buf_span(&b));
	log_folder_file(&folder, "tile/0/001.p/44", buf_span(&b));
	refused(PV_INTEGRITY, "log.tile", "tile/0/001.p/43");
	b.len -= LOG_HASH;
	log_folder_file(&folder, "tile/0/001.p/43", buf_span(&b));
	unit_ok(verify(1, &n), &err);
	log_folder_file(&folder, "tile/entries/001.p/44", buf_span(&b));
	refused(PV_INTEGRITY, "log.tile", "tile/entries/001.p/44");
	publish(300);
	publish(ENTRIES);
	log_folder_file(&folder, "tile/3/x001/000.p/1", buf_span(&b));
	refused(PV_INTEGRITY, "log.tile", "tile/3/x001/000.p/1");
	publish(300); /* an older checkpoint put back */
	put_checkpoint(&at, &signer, true);
	ck_assert_int_eq(verify(1, &n), PV_INTEGRITY);
	ck_assert_ptr_nonnull(strstr(err.message, "longer log"));
	buf_release(&b);
}
END_TEST

/* What a log says by itself, well signed as it may be. */
START_TEST(test_entries)
{
	static const struct {
		size_t at;
		uint32_t serial;
		bool issue;
		int64_t later_ms;
		const char *rule;
	} wrongs[] = {
		{ 300, 900, true, 0, "audit.intent" },
		{ 300, 10, false, 0, "audit.serial" },
		{ 301, 10, true, 0, "audit.serial" },
		{ 301, 151, true, 0, "audit.intent" },
		{ 300, 0x7f000000, false, 0, "audit.serial" },
		{ 300, 150, false, -2, "audit.clock" },
	};

	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		size_t at = wrongs[i].at;
		uint64_t time_ms = 1700000000000 + at;
		char place[32];

		set_entry(at, wrongs[i].serial, wrongs[i].issue,
			  time_ms + (uint64_t)wrongs[i].later_ms);
		publish(ENTRIES);
		refused(PV_INTEGRITY, wrongs[i].rule, "tile/entries/001");
		snprintf(place, sizeof(place), "entry %zu, ", at);
		ck_assert_ptr_nonnull(strstr(err.message, place));
		set_entry(at, (uint32_t)(at / 2), at % 2, time_ms);
	}
	entry[300].len--;
	publish(ENTRIES);
	refused(PV_INTEGRITY, "log.entry", "tile/entries/001");
	entry[300].len++;
}
END_TEST

/* A decision at place i, which names prev and nonce where they are given. */
static void set_decision(size_t i, const struct log_entry *made, uint64_t prev,
			 const uint8_t *nonce)
{
	struct log_entry e = *made;

	if (nonce && !span_is(e.type, LOG_APPROVAL_USE)) {
		log_fact_bytes(&e, LOG_NONCE_FACT, nonce, LOG_NONCE);
		log_fact_str(&e, "persons", "bob");
	}
	log_fact_prev(&e, prev);
	buf_release(&bytes[i]);
	buf_init(&bytes[i], LOG_ENTRY_MAX);
	UNIT_OK(log_entry_encode(&e, &bytes[i], &err_));
	entry[i] = buf_span(&bytes[i]);
}

/* An exported log in which somebody decided alone. */
START_TEST(test_decisions)
{
	static const uint8_t hash[32] = { 7 }, nonce[LOG_NONCE] = { 1 };
	const struct log_who who = { 1700000000599, "os:0" };
	const struct log_order order = { "o-1", 1, hash, NULL, 5, 0 };
	const struct log_approval use = { "order", hash,  hash,
					  hash,	   "bob", nonce };
	struct audit_tiles_counts n;
	struct log_entry e;

	log_roster_change(&e, &who, 1, hash, NULL);
	set_decision(597, &e, LOG_NO_PREV, NULL);
	log_order_open(&e, &who, &order);
	set_decision(598, &e, 597, nonce);
	log_approval_use(&e, &who, &use);
	set_decision(599, &e, 598, nonce);
	publish(600);
	unit_ok(verify(1, &n), &err);
	empty();
	publish(599); /* signed before the approvals came */
	unit_refused(verify(1, &n), PV_INTEGRITY, "store.governance", &err);
	log_order_open(&e, &who, &order);
	set_decision(598, &e, 597, NULL);
	empty();
	publish(599);
	refused(PV_INTEGRITY, "store.governance", "tile/entries/002.p/87");
	log_clock_accept(&e, &who, hash, NULL);
	log_fact_uint(&e, LOG_NEWEST, 1700000000);
	log_fact_uint(&e, LOG_UNTIL, 1700000001);
	set_decision(597, &e, LOG_NO_PREV, NULL);
	empty();
	publish(598);
	unit_ok(verify(1, &n), &err);
	log_clock_accept(&e, &who, hash, NULL);
	log_fact_uint(&e, LOG_NEWEST, 1700000000);
	log_fact_uint(&e, LOG_UNTIL, 1699999999);
	set_decision(597, &e, LOG_NO_PREV, NULL);
	empty();
	publish(598);
	refused(PV_INTEGRITY, "audit.clock", "tile/entries/002.p/86");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit_tiles");
	TCase *t = tcase_create("audit_tiles");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_good);
	tcase_add_test(t, test_each_tile);
	tcase_add_test(t, test_no_folder);
	tcase_add_test(t, test_swapped);
	tcase_add_test(t, test_made_anew);
	tcase_add_test(t, test_checkpoint);
	tcase_add_test(t, test_extra);
	tcase_add_test(t, test_entries);
	tcase_add_test(t, test_decisions);
	suite_add_tcase(s, t);
	return unit_run(s);
}
