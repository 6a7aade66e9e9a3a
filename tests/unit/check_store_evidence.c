/* Nonces are used once, by the device they are for; evidence is released once.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "lib/store/store_attest.h"
#include "lib/store/store_evidence.h"
#include "tests/unit/store_rig.h"

#define UNTIL 5000u /* ms; all nonces here */

static struct buf got;

static void open_rig(void)
{
	setup();
	buf_init(&got, 4096);
}

static void close_rig(void)
{
	buf_release(&got);
	teardown();
}

static enum pv_code hand_out(const char *device, uint8_t hash)
{
	struct store_nonce n = { .issued_ms = 1000, .until_ms = UNTIL };

	memset(n.hash, hash, sizeof(n.hash));
	snprintf(n.device, sizeof(n.device), "%s", device);
	snprintf(n.stage, sizeof(n.stage), "operational");
	return store_nonce_put(s, &n, fix_entry("attest.challenge"), &err);
}

static struct store_evidence evidence(const char *device, uint8_t hash,
				      uint8_t nonce)
{
	struct store_evidence x = { .state = EVIDENCE_VERIFIED,
				    .uses_nonce = true,
				    .verified_ms = 2000 };

	snprintf(x.device, sizeof(x.device), "%s", device);
	snprintf(x.stage, sizeof(x.stage), "operational");
	memset(x.sha256, hash, sizeof(x.sha256));
	memset(x.nonce, nonce, sizeof(x.nonce));
	memset(x.nonce_value, nonce ^ 0xff, sizeof(x.nonce_value));
	memset(x.manifest, 0x4d, sizeof(x.manifest));
	x.seal_spki = (struct span){ (const uint8_t *)"seal", 4 };
	return x;
}

static enum pv_code put(const struct store_evidence *x)
{
	return store_evidence_put(s, x, fix_entry("attest.verify"), &err);
}

static uint64_t used(uint8_t hash)
{
	uint8_t full[STORE_HASH];
	struct store_nonce n;
	bool found;

	memset(full, hash, sizeof(full));
	unit_ok(store_nonce_get(s, full, &n, &found, &err), &err);
	ck_assert(found && n.log_index < UINT64_MAX);
	ck_assert_str_eq(n.stage, "operational");
	return n.used_index;
}

static uint64_t open_nonces(const char *device, uint64_t now_ms)
{
	uint64_t n;

	unit_ok(store_nonce_count(s, device, now_ms, &n, &err), &err);
	return n;
}

START_TEST(test_nonces)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_nonce none = { .device = "D-1", .stage = "x" };

	begin(&t);
	unit_ok(hand_out("D-1", 1), &err);
	unit_ok(hand_out("D-1", 2), &err);
	unit_ok(hand_out("D-2", 3), &err);
	ck_refused(hand_out("D-3", 1), PV_CONFLICT, "store.nonce");
	ck_refused(hand_out("", 4), PV_INPUT, "store.nonce");
	ck_refused(
		store_nonce_put(s, &none, fix_entry("attest.challenge"), &err),
		PV_INPUT, "store.nonce");
	commit(&t);
	for (int i = 0; i < 2; i++, reopen()) {
		ck_assert(used(1) == 0 && used(2) == 0);
		ck_assert(open_nonces("D-1", 0) == 2);
		ck_assert(open_nonces("D-1", UNTIL - 1) == 2);
		ck_assert(open_nonces("D-1", UNTIL) == 0);
		ck_assert(open_nonces("D-2", 0) == 1);
		ck_assert(open_nonces("D-9", 0) == 0);
	}
}
END_TEST

static enum pv_code take_back(uint8_t hash)
{
	uint8_t full[STORE_HASH];

	memset(full, hash, sizeof(full));
	return store_nonce_withdraw(s, full, fix_entry("attest.withdraw"),
				    &err);
}

static enum pv_code see_open(void *ctx, const struct store_nonce *n,
			     struct err *why)
{
	(void)why;
	*(unsigned *)ctx |= 1u << n->hash[0];
	return PV_OK;
}

/* Those of the device that are open at that time, as bits. */
static unsigned seen_open(const char *device, uint64_t now_ms)
{
	unsigned seen = 0;
	const struct store_visit v = { &seen, { .nonce = see_open } };

	unit_ok(store_nonce_open(s, device, now_ms, &v, &err), &err);
	return seen;
}

/* What is withdrawn is used, by nothing. */
START_TEST(test_withdrawn)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_evidence x = evidence("D-1", 0x10, 1);

	begin(&t);
	for (uint8_t i = 1; i <= 3; i++)
		unit_ok(hand_out(i < 3 ? "D-1" : "D-2", i), &err);
	ck_assert_uint_eq(seen_open("D-1", 0), 6);
	ck_assert_uint_eq(seen_open("D-1", UNTIL), 0);
	unit_ok(take_back(1), &err);
	ck_refused(take_back(1), PV_CONFLICT, "store.nonce");
	ck_refused(take_back(9), PV_NOT_FOUND, "store.nonce");
	ck_refused(put(&x), PV_DENIED, "evidence.nonce");
	ck_assert(used(1) > 0 && used(2) == 0);
	ck_assert_uint_eq(seen_open("D-1", 0), 4);
	commit(&t);
	reopen();
	ck_assert_uint_eq(seen_open("D-1", 0), 4);
	ck_assert_uint_eq(seen_open("D-2", 0), 8);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

static bool stranger(const char *device, uint8_t nonce, const char *rule)
{
	uint8_t full[STORE_HASH];
	bool found = false;

	memset(full, nonce, sizeof(full));
	unit_ok(store_evidence_stranger(s, device, full, rule, &found, &err),
		&err);
	return found;
}

/* Of what is not the device's there is one of each nonce and rule. */
START_TEST(test_strangers)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_evidence x = evidence("D-1", 0x10, 1);

	begin(&t);
	unit_ok(hand_out("D-1", 1), &err);
	x.state = EVIDENCE_FAILED;
	x.uses_nonce = false;
	snprintf(x.rule, sizeof(x.rule), "evidence.svn");
	ck_assert(!stranger("D-1", 1, "evidence.svn"));
	unit_ok(put(&x), &err);
	ck_assert(stranger("D-1", 1, "evidence.svn"));
	ck_assert(!stranger("D-1", 1, "evidence.signature"));
	ck_assert(!stranger("D-1", 2, "evidence.svn"));
	ck_assert(!stranger("D-2", 1, "evidence.svn"));
	x.uses_nonce = true; /* the device's own */
	snprintf(x.rule, sizeof(x.rule), "evidence.debug");
	unit_ok(put(&x), &err);
	ck_assert(!stranger("D-1", 1, "evidence.debug"));
	commit(&t);
}
END_TEST

static void ck_nonce_refused(struct store_evidence *x)
{
	ck_refused(put(x), PV_DENIED, "evidence.nonce");
}

START_TEST(test_single_use)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_evidence x = evidence("D-1", 0x10, 1);
	struct store_evidence y;

	begin(&t);
	unit_ok(hand_out("D-1", 1), &err);
	unit_ok(hand_out("D-1", 2), &err);
	y = evidence("D-2", 0x11, 1); /* another device */
	ck_nonce_refused(&y);
	y = evidence("D-1", 0x11, 9); /* not handed out */
	ck_nonce_refused(&y);
	y = evidence("D-1", 0x11, 1); /* another stage */
	snprintf(y.stage, sizeof(y.stage), "other");
	ck_nonce_refused(&y);
	y = evidence("D-1", 0x11, 1); /* late */
	y.verified_ms = UNTIL;
	ck_nonce_refused(&y);
	ck_assert(used(1) == 0);
	unit_ok(put(&x), &err);
	ck_assert(used(1) > 0 && used(2) == 0);
	ck_assert(open_nonces("D-1", 0) == 1);
	y = evidence("D-1", 0x11, 1); /* used */
	ck_nonce_refused(&y);
	/* Evidence that is refused may use one up, or not. */
	y = evidence("D-1", 0x12, 1);
	y.state = EVIDENCE_FAILED;
	snprintf(y.rule, sizeof(y.rule), "evidence.svn");
	ck_nonce_refused(&y);
	y.uses_nonce = false;
	unit_ok(put(&y), &err);
	memset(y.nonce, 2, sizeof(y.nonce));
	unit_ok(put(&y), &err);
	ck_assert(used(2) == 0);
	y.uses_nonce = true;
	unit_ok(put(&y), &err);
	ck_assert(used(2) > 0);
	commit(&t);
	reopen();
	ck_assert(used(1) > 0 && used(2) > 0);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

START_TEST(test_refused)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_evidence x[5];

	begin(&t);
	unit_ok(hand_out("D-1", 1), &err);
	for (size_t i = 0; i < 5; i++)
		x[i] = evidence("D-1", 0x10, 1);
	x[0].device[0] = '\0';
	x[1].state = EVIDENCE_RELEASED;
	x[2].uses_nonce = false;      /* verified without one */
	x[3].state = EVIDENCE_FAILED; /* without a rule */
	x[4].format = 3;
	for (size_t i = 0; i < 5; i++)
		ck_refused(put(&x[i]), PV_INPUT, "store.evidence");
	ck_assert(used(1) == 0);
	commit(&t);
}
END_TEST

static bool current(struct store_evidence *x)
{
	bool found;

	buf_reset(&got);
	unit_ok(store_evidence_current(s, "D-1", "operational", x, &got, &found,
				       &err),
		&err);
	return found;
}

static enum pv_code release(uint8_t hash)
{
	uint8_t full[STORE_HASH];

	memset(full, hash, sizeof(full));
	return store_evidence_release(s, "D-1", full,
				      fix_entry("bundle.release"), &err);
}

static bool newest(const char *device, const char *stage,
		   struct store_evidence *x)
{
	bool found;

	buf_reset(&got);
	unit_ok(store_evidence_newest(s, device, stage, x, &got, &found, &err),
		&err);
	return found;
}

START_TEST(test_release)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_evidence x = evidence("D-1", 0x10, 1);
	struct store_evidence y = evidence("D-1", 0x11, 2);
	struct store_evidence seen;
	bool found;

	begin(&t);
	unit_ok(hand_out("D-1", 1), &err);
	unit_ok(hand_out("D-1", 2), &err);
	ck_assert(!current(&seen));
	unit_ok(put(&x), &err);
	y.seal_spki.len = 0;
	unit_ok(put(&y), &err);
	commit(&t);
	reopen();
	ck_assert(current(&seen) && seen.sha256[0] == 0x11); /* the newest */
	ck_assert(seen.seal_spki.len == 0);
	begin(&t);
	unit_ok(release(0x11), &err);
	ck_refused(release(0x11), PV_CONFLICT, "store.evidence");
	ck_refused(release(0x12), PV_NOT_FOUND, "store.evidence");
	ck_assert(current(&seen) && seen.sha256[0] == 0x10);
	store_rollback(&t);
	begin(&t);
	unit_ok(release(0x11), &err);
	commit(&t);
	reopen();
	ck_assert(current(&seen) && seen.sha256[0] == 0x10);
	ck_assert(span_is(seen.seal_spki, "seal"));
	ck_assert(seen.nonce_value[31] == 0xfe && seen.manifest[0] == 0x4d);
	ck_assert(seen.release_index == STORE_NO_INDEX);
	buf_reset(&got);
	unit_ok(store_evidence_get(s, "D-1", y.sha256, &seen, &got, &found,
				   &err),
		&err);
	ck_assert(found && seen.state == EVIDENCE_RELEASED);
	ck_assert(seen.release_index > seen.log_index);
	/* Of what failed nothing is found as what was verified. */
	y = evidence("D-1", 0x11, 2); /* the same bytes again */
	y.state = EVIDENCE_FAILED;
	y.uses_nonce = false;
	snprintf(y.rule, sizeof(y.rule), "evidence.svn");
	begin(&t);
	unit_ok(put(&y), &err);
	commit(&t);
	ck_assert(newest("D-1", "operational", &seen) &&
		  seen.sha256[0] == 0x11 && seen.state == EVIDENCE_RELEASED);
	ck_assert(!newest("D-1", "bootstrap", &seen));
	ck_assert(!newest("D-2", "operational", &seen));
	buf_reset(&got);
	unit_ok(store_evidence_get(s, "D-1", y.sha256, &seen, &got, &found,
				   &err),
		&err);
	ck_assert(found && seen.state == EVIDENCE_RELEASED);
	unit_ok(store_evidence_get(s, "D-2", y.sha256, &seen, &got, &found,
				   &err),
		&err);
	ck_assert(!found);
}
END_TEST

static uint64_t released_since(uint64_t since_ms)
{
	uint8_t hash[STORE_HASH];
	uint64_t n;

	fix_template_hash("gateway", 1, hash);
	unit_ok(store_released_since(s, hash, since_ms, &n, &err), &err);
	return n;
}

static enum pv_code take_bundle(void *ctx, const struct store_bundle *b,
				struct err *e)
{
	(void)e;
	*(struct store_bundle *)ctx = *b;
	return PV_OK;
}

START_TEST(test_bundle)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_bundle b, seen;
	const struct store_visit v = { &seen, { .bundle = take_bundle } };

	begin(&t);
	reserve(&dev[0], 0);
	unit_ok(fix_complete(s, &dev[0], &err), &err);
	commit(&t);
	ck_assert(released_since(0) == 0);
	unit_ok(store_bundle_each(s, first, &v, &err), &err);
	ck_assert(seen.released_ms == 0 && seen.evidence[0] == 0);
	b = dev[0].bundle;
	b.id[0] ^= 1;
	b.seq = 2;
	b.released_ms = FIX_TIME + 5;
	memset(b.evidence, 0x10, sizeof(b.evidence));
	begin(&t);
	unit_ok(store_bundles_add(s, first, &b, 1, &err), &err);
	commit(&t);
	reopen();
	unit_ok(store_bundle_each(s, first, &v, &err), &err);
	ck_assert(seen.released_ms == FIX_TIME + 5);
	ck_assert_mem_eq(seen.evidence, b.evidence, STORE_HASH);
	ck_assert(released_since(FIX_TIME + 5) == 1);
	ck_assert(released_since(FIX_TIME + 6) == 0);
	unit_ok(store_check(s, &err), &err);
}
END_TEST

/* ---- damage ---- */

static enum pv_code count_nonce(void *ctx, const struct store_nonce *n,
				struct err *e)
{
	(void)n;
	(void)e;
	++*(unsigned *)ctx;
	return PV_OK;
}

static enum pv_code count_evidence(void *ctx, const struct store_evidence *x,
				   struct err *e)
{
	(void)x;
	(void)e;
	++*(unsigned *)ctx;
	return PV_OK;
}

static enum pv_code each(unsigned *n)
{
	const struct store_visit nonces = { n, { .nonce = count_nonce } };
	const struct store_visit all = { n, { .evidence = count_evidence } };
	enum pv_code rc = store_nonce_each(s, &nonces, &err);

	return rc == PV_OK ? store_evidence_each(s, &all, &err) : rc;
}

static const char *const damages[] = {
	"UPDATE nonce SET used_index = log_index",
	"UPDATE nonce SET offline = 2",
	"UPDATE nonce SET device = ''",
	"UPDATE evidence SET state = 3",
	"UPDATE evidence SET state = 1",
	"UPDATE evidence SET state = 2",
	"UPDATE evidence SET release_index = 9",
	"UPDATE evidence SET uses = 0",
	"UPDATE evidence SET nonce_value = x'01'",
	"UPDATE evidence SET rule = 'evidence.svn'",
};

START_TEST(test_damaged)
{
	STORE_TXN t = STORE_TXN_INIT;
	struct store_evidence x = evidence("D-1", 0x10, 1);
	unsigned n = 0;
	sqlite3 *db;

	begin(&t);
	unit_ok(hand_out("D-1", 1), &err);
	unit_ok(put(&x), &err);
	commit(&t);
	unit_ok(each(&n), &err);
	ck_assert(n == 2);
	store_close(s);
	s = NULL;
	ck_assert(sqlite3_open(path, &db) == SQLITE_OK);
	ck_assert(sqlite3_exec(db, damages[_i], NULL, NULL, NULL) == SQLITE_OK);
	ck_assert(sqlite3_total_changes(db) == 1);
	ck_assert(sqlite3_close(db) == SQLITE_OK);
	unit_ok(store_sqlite_open(path, &s, &err), &err);
	ck_refused(each(&n), PV_INTEGRITY, "store.corrupt");
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("store_evidence");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, open_rig, close_rig);
	tcase_add_test(t, test_nonces);
	tcase_add_test(t, test_withdrawn);
	tcase_add_test(t, test_strangers);
	tcase_add_test(t, test_single_use);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_release);
	tcase_add_test(t, test_bundle);
	tcase_add_loop_test(t, test_damaged, 0,
			    sizeof(damages) / sizeof(damages[0]));
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
