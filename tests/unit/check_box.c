/* Pieces of which some are the end of their box: who asks goes on, but not for
 * ever. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/flow/box_impl.h"
#include "tests/unit/box_fix.h"
#include "tests/unit/unit.h"

static struct err err;

/* A piece is what it does to its box. */
enum piece { GOOD, SILENT, FAILS, CRASHES, LIES };

static enum pv_code answer(struct wire *w, int secrets, struct wire_rec *rec,
			   struct err *e)
{
	const uint64_t piece = wire_get_u64(rec);
	size_t mark;

	(void)secrets;
	if (piece == SILENT)
		_exit(0);
	if (piece == FAILS)
		return err_fail(e, PV_INTERNAL, "memory", NULL, "no memory");
	if (piece == CRASHES)
		__builtin_trap();
	mark = wire_begin(w, WIRE_VERDICT);
	wire_put_u64(w, piece);
	wire_end(w, mark);
	return wire_flush(w, e);
}

static const struct box_work work = { .tasks = { { WIRE_EVIDENCE, answer } },
				      .rule = "test.box",
				      .does = "takes pieces apart",
				      .what = "the piece",
				      .blame = "test.parser",
				      .next = "keep it" };
static struct box_keeper keeper;

static enum pv_code put(struct wire *w, const void *question, struct err *e)
{
	size_t mark = wire_begin(w, WIRE_EVIDENCE);

	wire_put_u64(w, *(const enum piece *)question);
	wire_end(w, mark);
	return buf_check(&w->out, e);
}

static enum pv_code get(struct wire_rec *rec, int secrets, void *said,
			struct err *e)
{
	const uint64_t piece = wire_get_u64(rec);

	(void)secrets;
	*(bool *)said = true;
	return piece == GOOD ? PV_OK
			     : err_fail(e, PV_INPUT, "test.parser", "keep it",
					"it lies");
}

/* NULL: it is answered; else what was found of it. */
static enum pv_code ask(enum piece piece, const char *found)
{
	bool said = false;
	const struct box_talk t = { put, get, &piece, &said, NULL };
	struct box_blame to;
	enum pv_code rc;

	err_init(&err);
	rc = box_ask_one(&keeper, &t, &to, &err);
	if (rc != PV_OK)
		return rc;
	ck_assert(said == (piece == GOOD || piece == LIES));
	ck_assert((to.found == NULL) == (found == NULL));
	if (!found)
		return PV_OK;
	ck_assert_str_eq(to.found, found);
	ck_assert_int_eq(to.why.code, PV_INPUT);
	ck_assert_str_eq(to.why.rule, "test.parser");
	return PV_OK;
}

static void goes_on(enum piece piece, const char *found)
{
	unit_ok(ask(piece, found), &err);
}

static void open_keeper(void)
{
	ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	err_init(&err);
	keeper = (struct box_keeper)BOX_KEEPER_INIT(&work);
	unit_ok(box_keeper_start(&keeper, &err), &err);
}

static void close_keeper(void)
{
	box_keeper_stop(&keeper);
}

START_TEST(test_in_mid_batch)
{
	static const struct {
		enum piece piece;
		const char *found;
	} bad[] = { { SILENT, "no answer" },
		    { FAILS, "no answer" },
		    { CRASHES, "a crash" },
		    { LIES, "what none says" } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		goes_on(GOOD, NULL);
		goes_on(bad[i].piece, bad[i].found);
		goes_on(GOOD, NULL);
	}
}
END_TEST

START_TEST(test_again_and_again)
{
	for (unsigned run = 0; run < 2; run++) {
		for (unsigned i = 1; i < BOX_DEATHS_MAX; i++)
			goes_on(SILENT, "no answer");
		for (unsigned i = 0; i <= BOX_DEATHS_MAX; i++)
			goes_on(CRASHES, "a crash");
		goes_on(GOOD, NULL);
	}
	for (unsigned i = 1; i < BOX_DEATHS_MAX; i++)
		goes_on(SILENT, "no answer");
	unit_refused(ask(SILENT, "no answer"), PV_INTERNAL, "test.box", &err);
}
END_TEST

/* It was not the piece, and it is not told that it was. */
START_TEST(test_killed_from_outside)
{
	const enum piece piece = GOOD;
	bool said = false;
	const struct box_talk t = { put, get, &piece, &said, NULL };
	struct box_blame to;
	struct box x;

	err_init(&err);
	unit_ok(box_open(&keeper, &x, &err), &err);
	while (!wire_holds(&x.wire, WIRE_BIT(WIRE_READY)))
		unit_ok(wire_fill(&x.wire, -1, &err), &err);
	ck_assert(kill(x.pid, SIGKILL) == 0);
	unit_refused(box_talk(&keeper, &x, &t, &to, &err), PV_INTERNAL,
		     "test.box", &err);
	ck_assert(to.found == NULL);
	goes_on(GOOD, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("box");
	TCase *t = tcase_create("box");

	if (!seccomp_is_there()) {
		unit_skip("box", "no seccomp here");
		return unit_run(s);
	}
	tcase_add_checked_fixture(t, open_keeper, close_keeper);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_in_mid_batch);
	tcase_add_test(t, test_again_and_again);
	tcase_add_test(t, test_killed_from_outside);
	suite_add_tcase(s, t);
	return unit_run(s);
}
