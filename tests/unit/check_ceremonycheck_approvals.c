/* What a transcript says of who approved its plan, held against the files. */
#include "lib/ceremony/ceremonycheck_approvals.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/base/sha256.h"
#include "tests/unit/approval_want.h"
#include "tests/unit/people.h"

#define HEAD "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static bool other_text; /* than that is beside it */
static int plan_byte;	/* of the text that is approved */
static const char *authority, *rehearsal;

static void put_subject(struct buf *out)
{
	buf_reset(out);
	buf_put_str(out, "ceremony\nname p, version 1\nplan sha256:");
	for (int i = 0; i < 32; i++)
		buf_printf(out, "%02x", (unsigned)plan_byte);
	buf_printf(out, "\nauthority %s\nrehearsal %s\n", authority, rehearsal);
}

#define QUORUM "\"roster\":2,\"ceremony\":2"

static void as_it_is(struct approval *a)
{
	(void)a;
}

static void of_another_text(struct approval *a)
{
	(void)a;
	other_text = true;
}

static void of_another_plan(struct approval *a)
{
	(void)a;
	plan_byte ^= 1;
}

static void of_another_authority(struct approval *a)
{
	(void)a;
	authority = "other";
}

static void of_another_rehearsal(struct approval *a)
{
	(void)a;
	rehearsal = "-";
}

static void of_another_log(struct approval *a)
{
	a->log[0] ^= 1;
}

static void of_another_operation(struct approval *a)
{
	memset(a->root, 1, sizeof(a->root));
	a->operation = QUORUM_ADOPT;
}

static void expired(struct approval *a)
{
	a->expires_s = WANT_NOW;
}

static const struct {
	void (*edit)(struct approval *a);
	size_t signers; /* alice, bob */
	const char *persons;
	const char *rule; /* NULL: it is good */
} rows[] = {
	{ as_it_is, 2, "alice,bob", NULL },
	{ as_it_is, 2, "alice,carol", "ceremony.approval" },
	{ as_it_is, 1, "alice", "ceremony.approval" },
	{ of_another_text, 2, "alice,bob", "ceremony.approval" },
	{ of_another_plan, 2, "alice,bob", "ceremony.approval" },
	{ of_another_authority, 2, "alice,bob", "ceremony.approval" },
	{ of_another_rehearsal, 2, "alice,bob", "ceremony.approval" },
	{ of_another_log, 2, "alice,bob", "ceremony.approval" },
	{ of_another_operation, 2, "alice,bob", "ceremony.approval" },
	{ expired, 2, "alice,bob", "ceremony.approval" },
};

struct room {
	struct people people;
	struct buf note, roster, subject;
	struct ceremonycheck_report r;
	int dir;
};

static void sign_note(struct room *x, size_t row)
{
	static const enum people_key who[] = { ALICE, BOB };
	struct approval a;
	struct buf text;

	want_init(&a);
	memset(a.root, 0, sizeof(a.root));
	a.operation = QUORUM_CEREMONY;
	memset(x->r.plan_sha256, 7, 32);
	plan_byte = 7;
	other_text = false;
	authority = "acme";
	rehearsal = HEAD;
	snprintf(x->r.authority, sizeof(x->r.authority), "acme");
	snprintf(x->r.rehearsed, sizeof(x->r.rehearsed), HEAD);
	snprintf(x->r.origin, sizeof(x->r.origin), "%.64s", a.log);
	rows[row].edit(&a);
	put_subject(&x->subject);
	UNIT_OK(sha256(buf_span(&x->subject), a.subject, &err_));
	a.subject[0] ^= other_text;
	x->r.began_s = WANT_NOW;
	buf_init(&text, APPROVAL_TEXT_MAX);
	UNIT_OK(approval_text_put(&text, &a, &err_));
	UNIT_OK(note_start(&x->note, buf_span(&text), &err_));
	for (size_t i = 0; i < rows[row].signers; i++) {
		struct pair *p = &x->people.pairs[who[i]];
		const struct note_signer s = { &p->key, pair_sign, p };

		UNIT_OK(note_sign(&x->note, buf_span(&text), &s, &err_));
	}
	buf_release(&text);
}

static void room_init(struct room *x, size_t row)
{
	memset(x, 0, sizeof(*x));
	people_init(&x->people, QUORUM);
	buf_init(&x->note, NOTE_SIZE_MAX);
	buf_init(&x->subject, 4096);
	people_text(&x->people, QUORUM, &x->roster);
	sign_note(x, row);
	x->dir = open(unit_tmp(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(x->dir, 0);
	UNIT_OK(file_write(x->dir, "approvals.note", 0600, x->note.data,
			   x->note.len, &err_));
	UNIT_OK(file_write(x->dir, "approved.txt", 0600, x->subject.data,
			   x->subject.len, &err_));
	UNIT_OK(file_write(x->dir, "roster.json", 0600, x->roster.data,
			   x->roster.len, &err_));
}

static void room_release(struct room *x)
{
	people_release(&x->people);
	buf_release(&x->note);
	buf_release(&x->roster);
	buf_release(&x->subject);
	close(x->dir);
}

static void hash_of(const struct buf *b, char hex[65])
{
	uint8_t hash[32];

	UNIT_OK(sha256(buf_span(b), hash, &err_));
	hex_encode(hash, sizeof(hash), hex);
}

static enum pv_code check_at(const struct room *x, const char *persons,
			     const struct plan *plan,
			     struct ceremony_points *log, struct err *err)
{
	const struct ceremonycheck in = { .dir = x->dir,
					  .plan = plan,
					  .log = log };
	char note[65], roster[65], subject[65];
	struct transcript_line line = { .event = "approvals" };
	json_t *facts;
	enum pv_code rc;

	hash_of(&x->note, note);
	hash_of(&x->roster, roster);
	facts = json_pack("{s:s, s:s, s:s, s:s}", "persons", persons, "file",
			  "approvals.note", "file_sha256", note, "roster_file",
			  "roster.json");
	json_object_set_new(facts, "roster_sha256", json_string(roster));
	hash_of(&x->subject, subject);
	json_object_set_new(facts, "subject_file", json_string("approved.txt"));
	json_object_set_new(facts, "subject_sha256", json_string(subject));
	line.facts = facts;
	err_init(err);
	rc = ceremonycheck_approvals(&in, &x->r, &line, err);
	json_decref(facts);
	return rc;
}

static enum pv_code check(const struct room *x, const char *persons,
			  const struct plan *plan, struct err *err)
{
	return check_at(x, persons, plan, NULL, err);
}

/* Approvals that had expired when the log says that they were used. */
START_TEST(test_dated_back)
{
	static const uint8_t plan[32] = { 7 };
	static struct room x;
	struct ceremony_points log;
	struct approval said;
	struct err err;
	struct note note;

	room_init(&x, 0);
	ceremony_points_init(&log, plan);
	UNIT_OK(note_parse(&note, buf_span(&x.note), &err_));
	UNIT_OK(approval_text_parse(note.text, &said, &err_));
	note_release(&note);
	unit_ok(check_at(&x, "alice,bob", NULL, &log, &err), &err);
	log.began_s = said.expires_s - 1;
	unit_ok(check_at(&x, "alice,bob", NULL, &log, &err), &err);
	/* The log has others of it. */
	log.asked = true;
	unit_refused(check_at(&x, "alice,bob", NULL, &log, &err), PV_INTEGRITY,
		     "ceremony.approval", &err);
	memcpy(log.nonce, said.nonce, sizeof(log.nonce));
	unit_ok(check_at(&x, "alice,bob", NULL, &log, &err), &err);
	log.began_s = said.expires_s;
	unit_refused(check_at(&x, "alice,bob", NULL, &log, &err), PV_INTEGRITY,
		     "ceremony.approval", &err);
	ceremony_points_release(&log);
	room_release(&x);
}
END_TEST

START_TEST(test_notes)
{
	static struct room x;
	struct err err;
	enum pv_code rc;

	room_init(&x, (size_t)_i);
	rc = check(&x, rows[_i].persons, NULL, &err);
	if (rows[_i].rule)
		unit_refused(rc, PV_INTEGRITY, rows[_i].rule, &err);
	else
		unit_ok(rc, &err);
	room_release(&x);
}
END_TEST

/* A first plan that sets a roster is approved by that one, a later one by the
 * roster before. */
START_TEST(test_plans_roster)
{
	static struct room x;
	struct plan plan = { .steps_n = 2 };
	struct err err;

	room_init(&x, 0);
	plan.steps[0].kind = PLAN_INIT_TOKEN;
	plan.steps[1].kind = PLAN_SET_ROSTER;
	UNIT_OK(sha256(buf_span(&x.roster), plan.steps[1].roster, &err_));
	unit_ok(check(&x, "alice,bob", &plan, &err), &err);
	unit_refused(check(&x, "-", &plan, &err), PV_INTEGRITY,
		     "ceremony.order", &err);
	plan.steps[1].roster[0] ^= 1;
	unit_refused(check(&x, "alice,bob", &plan, &err), PV_INTEGRITY,
		     "ceremony.order", &err);
	plan.steps[0].kind = PLAN_SIGN_CRL;
	unit_ok(check(&x, "alice,bob", &plan, &err), &err);
	plan.steps[0].kind = PLAN_INIT_TOKEN;
	plan.steps[1].kind = PLAN_PAUSE;
	unit_ok(check(&x, "-", &plan, &err), &err);
	room_release(&x);
}
END_TEST

/* Other files than the transcript's, or none. */
START_TEST(test_files)
{
	static struct room x;
	struct err err;

	room_init(&x, 0);
	UNIT_OK(file_write(x.dir, "roster.json", 0600, "{}", 2, &err_));
	unit_refused(check(&x, "alice,bob", NULL, &err), PV_INTEGRITY,
		     "ceremony.file", &err);
	ck_assert_int_eq(unlinkat(x.dir, "approvals.note", 0), 0);
	ck_assert_int_eq(check(&x, "alice,bob", NULL, &err), PV_NOT_FOUND);
	room_release(&x);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ceremonycheck_approvals");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, test_notes, 0,
			    (int)(sizeof(rows) / sizeof(*rows)));
	tcase_add_test(t, test_dated_back);
	tcase_add_test(t, test_plans_roster);
	tcase_add_test(t, test_files);
	suite_add_tcase(s, t);
	return unit_run(s);
}
