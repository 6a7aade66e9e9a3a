#include "lib/ceremony/ceremonypoints.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/sha256.h"
#include "lib/log/acts.h"
#include "lib/log/ceremony.h"
#include "lib/log/events.h"
#include "tests/unit/unit.h"

static const uint8_t plan[32] = { 1 }, other_plan[32] = { 2 };
static const struct log_who who = { .time_ms = 1, .actor = "os:1" };

static struct ceremony_points p;
static struct err err;

static void setup(void)
{
	err_init(&err);
	ceremony_points_init(&p, plan);
}

static void teardown(void)
{
	ceremony_points_release(&p);
}

static enum pv_code take(const struct log_entry *e)
{
	CLEANUP(buf_release) struct buf bytes;

	buf_init(&bytes, LOG_ENTRY_MAX);
	err_init(&err);
	UNIT_OK(log_entry_encode(e, &bytes, &err_));
	return ceremony_points_take(&p, buf_span(&bytes), &err);
}

/* A ceremony.step; the head of line n is n in each byte. */
static enum pv_code step(const uint8_t of[32], const char *mode, uint64_t lines,
			 const char *name, const char *result)
{
	uint8_t head[32];
	const struct log_ceremony_point point = {
		.plan = of, .mode = mode, .lines = lines, .head = head
	};
	struct log_entry e;

	memset(head, (int)lines, sizeof(head));
	log_ceremony_step(&e, &who, "-", "p", name, result);
	log_ceremony_point(&e, &point);
	return take(&e);
}

static enum pv_code meet(uint64_t lines, int byte)
{
	struct transcript_head head = { .lines = lines };

	memset(head.sha256, byte, sizeof(head.sha256));
	err_init(&err);
	return ceremony_points_meet(&p, &head, &err);
}

static enum pv_code line(uint64_t seq, uint32_t at, const char *event,
			 const char *value)
{
	const char *key = strcmp(event, "begin") == 0 ? "mode" : "persons";
	json_t *facts = value ? json_pack("{s:s}", key, value) : json_object();
	const struct transcript_line l = {
		.seq = seq, .step = at, .event = event, .facts = facts
	};
	enum pv_code rc;

	ck_assert_ptr_nonnull(facts);
	err_init(&err);
	rc = ceremony_points_line(&p, &l, &err);
	json_decref(facts);
	return rc;
}

START_TEST(meets_its_transcript)
{
	unit_ok(step(plan, "run", 3, "1 init-token", "done"), &err);
	unit_ok(step(other_plan, "rehearsal", 1, "4 pause", "done"), &err);
	unit_ok(step(plan, "run", 5, "2 pause", "stopped"), &err);
	unit_ok(step(plan, "run", 5, "2 pause", "begun"), &err);
	ck_assert_uint_eq(p.lines, 5);
	ck_assert_str_eq(p.mode, "run");
	ck_assert(p.done[0] && !p.done[1] && !p.done[3]);
	for (int n = 0; n < 7; n++) {
		if (n == 5)
			unit_refused(ceremony_points_end(&p, &err),
				     PV_INTEGRITY, "ceremony.transcript", &err);
		unit_ok(meet((uint64_t)n, n), &err);
	}
	unit_ok(ceremony_points_end(&p, &err), &err);
}
END_TEST

START_TEST(finds_another_line)
{
	unit_ok(step(plan, "run", 3, "1 init-token", "done"), &err);
	unit_ok(meet(2, 9), &err);
	unit_refused(meet(3, 9), PV_INTEGRITY, "ceremony.transcript", &err);
}
END_TEST

START_TEST(refuses_what_cannot_follow)
{
	struct log_entry e;

	unit_ok(step(plan, "run", 3, "1 init-token", "done"), &err);
	unit_refused(step(plan, "run", 2, "2 pause", "done"), PV_INTEGRITY,
		     "ceremony.transcript", &err);
	unit_refused(step(plan, "rehearsal", 4, "2 pause", "done"),
		     PV_INTEGRITY, "ceremony.mode", &err);
	log_ceremony_step(&e, &who, "-", "p", "2 pause", "done");
	log_fact_bytes(&e, "hash", plan, 32);
	log_ceremony_mode(&e, "run");
	unit_refused(take(&e), PV_INTEGRITY, "ceremony.transcript", &err);
	ck_assert(!p.done[1]);
}
END_TEST

START_TEST(says_mode_and_what_is_done)
{
	struct log_entry e;

	unit_ok(line(1, 0, "begin", "rehearsal"), &err);
	log_ceremony_begin(&e, &who, "p", 1, plan, NULL);
	log_ceremony_mode(&e, "run");
	unit_ok(take(&e), &err);
	ck_assert_uint_eq(p.lines, 0);
	unit_ok(line(1, 0, "begin", "run"), &err);
	unit_refused(line(1, 0, "begin", "rehearsal"), PV_INTEGRITY,
		     "ceremony.mode", &err);
	unit_refused(line(1, 0, "begin", NULL), PV_INTEGRITY, "ceremony.mode",
		     &err);
	unit_refused(line(4, 1, "done", NULL), PV_INTEGRITY,
		     "ceremony.transcript", &err);
	unit_ok(step(plan, "run", 3, "1 init-token", "done"), &err);
	unit_ok(line(4, 1, "done", NULL), &err);
	unit_refused(line(5, 2, "done", NULL), PV_INTEGRITY,
		     "ceremony.transcript", &err);
	unit_refused(line(5, 65, "done", NULL), PV_INTEGRITY,
		     "ceremony.transcript", &err);
}
END_TEST

START_TEST(says_where_it_ends)
{
	unit_ok(step(plan, "run", 3, "1 init-token", "done"), &err);
	unit_refused(line(4, 0, "end", NULL), PV_INTEGRITY,
		     "ceremony.transcript", &err);
	unit_ok(step(plan, "run", 4, "0 end", "shown"), &err);
	unit_ok(step(plan, "run", 5, "0 end", "stopped"), &err);
	ck_assert_uint_eq(p.ended, 0);
	unit_ok(step(plan, "run", 6, "0 end", "done"), &err);
	ck_assert_uint_eq(p.ended, 6);
	unit_refused(line(5, 0, "end", NULL), PV_INTEGRITY,
		     "ceremony.transcript", &err);
	unit_ok(line(6, 0, "end", NULL), &err);
	unit_refused(step(plan, "run", 7, "0 end", "done"), PV_INTEGRITY,
		     "ceremony.transcript", &err);
}
END_TEST

/* What is made of it: refused until the log has been met as "shown". */
START_TEST(says_what_was_shown)
{
	static const char *const made[] = { "certificate", "csr", "crl" };

	unit_ok(step(plan, "run", 2, "1 sign-crl", "begun"), &err);
	unit_ok(step(plan, "run", 4, "1 sign-crl", "shown"), &err);
	unit_ok(line(2, 1, "crl", NULL), &err);
	unit_ok(line(2, 1, "sign", NULL), &err);
	unit_ok(meet(2, 2), &err);
	unit_ok(line(3, 1, "answer", NULL), &err);
	for (size_t i = 0; i < 3; i++)
		unit_refused(line(3, 1, made[i], NULL), PV_INTEGRITY,
			     "ceremony.transcript", &err);
	unit_ok(meet(4, 4), &err);
	for (size_t i = 0; i < 3; i++)
		unit_ok(line(5, 1, made[i], NULL), &err);
	unit_ok(line(6, 0, "sign", NULL), &err);
	unit_refused(line(7, 0, "crl", NULL), PV_INTEGRITY,
		     "ceremony.transcript", &err);
}
END_TEST

START_TEST(says_what_was_rehearsed)
{
	struct log_entry e;
	struct err line_err;
	char hex[65];
	json_t *facts;
	struct transcript_line l = { .seq = 1, .event = "begin" };

	hex_encode(plan, 32, hex);
	facts = json_pack("{s:s, s:s}", "mode", "run", "rehearsed", hex);
	ck_assert_ptr_nonnull(facts);
	l.facts = facts;
	log_ceremony_begin(&e, &who, "p", 1, plan, NULL);
	log_ceremony_mode(&e, "run");
	log_ceremony_rehearsed(&e, plan);
	unit_ok(take(&e), &err);
	err_init(&line_err);
	unit_ok(ceremony_points_line(&p, &l, &line_err), &line_err);
	hex[0] = hex[0] == '0' ? '1' : '0';
	ck_assert_int_eq(
		json_object_set_new(facts, "rehearsed", json_string(hex)), 0);
	unit_refused(ceremony_points_line(&p, &l, &line_err), PV_INTEGRITY,
		     "ceremony.transcript", &line_err);
	json_decref(facts);
	unit_refused(line(1, 0, "begin", "run"), PV_INTEGRITY,
		     "ceremony.transcript", &err);
}
END_TEST

START_TEST(says_who_approved)
{
	struct log_entry e;

	unit_ok(line(2, 0, "approvals", "-"), &err);
	unit_refused(line(2, 0, "approvals", "ann"), PV_INTEGRITY,
		     "ceremony.transcript", &err);
	unit_refused(line(2, 0, "approvals", NULL), PV_INTEGRITY,
		     "ceremony.transcript", &err);
	ck_assert_uint_eq(p.began_s, 0);
	log_ceremony_begin(&e, &who, "p", 1, plan, "ann,bob");
	log_ceremony_mode(&e, "run");
	e.time_ms = 1790000000123;
	unit_ok(take(&e), &err);
	ck_assert_uint_eq(p.began_s, 1790000000);
	unit_ok(line(2, 0, "approvals", "ann,bob"), &err);
	unit_refused(line(2, 0, "approvals", "ann"), PV_INTEGRITY,
		     "ceremony.transcript", &err);
	unit_refused(line(2, 0, "approvals", "-"), PV_INTEGRITY,
		     "ceremony.transcript", &err);
}
END_TEST

/* Hash of the roster in force, and of the text. */
static enum pv_code asked_line(const char *roster, const char *subject)
{
	json_t *facts =
		json_pack("{s:s, s:s, s:s}", "persons", "bob", "roster_sha256",
			  roster, "subject_sha256", subject);
	const struct transcript_line l = { .seq = 2,
					   .event = "approvals",
					   .facts = facts };
	enum pv_code rc;

	ck_assert_ptr_nonnull(facts);
	err_init(&err);
	rc = ceremony_points_line(&p, &l, &err);
	json_decref(facts);
	return rc;
}

START_TEST(says_by_which_roster_and_of_what)
{
	static const uint8_t v1[32] = { 1 }, v2[32] = { 2 }, v3[32] = { 3 };
	static const uint8_t nonce[LOG_NONCE] = { 4 }, text[] = "text";
	struct log_entry e;
	char in_force[65], of[65], other[65];
	uint8_t hash[32];

	hex_encode(v2, 32, in_force);
	hex_encode(v3, 32, other);
	UNIT_OK(sha256((struct span){ text, 4 }, hash, &err_));
	hex_encode(hash, 32, of);
	log_roster_change(&e, &who, 1, v1, NULL);
	unit_ok(take(&e), &err);
	log_roster_change(&e, &who, 2, v2, NULL);
	unit_ok(take(&e), &err);
	log_ceremony_begin(&e, &who, "p", 1, plan, "bob");
	log_ceremony_mode(&e, "run");
	log_fact_bytes(&e, LOG_SUBJECT, text, 4);
	log_fact_bytes(&e, LOG_NONCE_FACT, nonce, LOG_NONCE);
	e.time_ms = 5000;
	unit_ok(take(&e), &err);
	log_roster_change(&e, &who, 3, v3, NULL);
	unit_ok(take(&e), &err);
	ck_assert(p.asked && p.nonce[0] == 4);
	unit_ok(asked_line(in_force, of), &err);
	unit_refused(asked_line(other, of), PV_INTEGRITY, "ceremony.transcript",
		     &err);
	unit_refused(asked_line(in_force, other), PV_INTEGRITY,
		     "ceremony.transcript", &err);
	unit_refused(line(2, 0, "approvals", "bob"), PV_INTEGRITY,
		     "ceremony.transcript", &err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ceremonypoints");
	TCase *t = tcase_create("ceremonypoints");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, meets_its_transcript);
	tcase_add_test(t, finds_another_line);
	tcase_add_test(t, refuses_what_cannot_follow);
	tcase_add_test(t, says_mode_and_what_is_done);
	tcase_add_test(t, says_where_it_ends);
	tcase_add_test(t, says_what_was_shown);
	tcase_add_test(t, says_what_was_rehearsed);
	tcase_add_test(t, says_who_approved);
	tcase_add_test(t, says_by_which_roster_and_of_what);
	suite_add_tcase(s, t);
	return unit_run(s);
}
