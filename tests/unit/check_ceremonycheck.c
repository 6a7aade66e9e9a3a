#include "lib/ceremony/ceremonycheck.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/ceremony_lines.h"

static const struct line whole[] = {
	BEGIN,
	STEP(1, "init-token", "acme"),
	TOKEN(1, "1a"),
	WORD(1, "done"),
	STEP(2, "generate-key", "root"),
	WORD(2, "failed"),
	WORD(0, "resume"),
	STEP(2, "generate-key", "root"),
	KEY(2, "root"),
	WORD(2, "done"),
	STEP(3, "pause", ""),
	WORD(3, "ask"),
	WORD(3, "done"),
	END("1"),
};
#define WHOLE_N (sizeof(whole) / sizeof(whole[0]))

/* All lines are in order; what is wrong is the note, which comes last. */
START_TEST(test_whole)
{
	struct ceremonycheck_report r;
	struct err err;

	unit_refused(check(whole, WHOLE_N, true, &r, &err), PV_INTEGRITY,
		     "ceremony.note", &err);
	ck_assert_uint_eq(r.steps, 3);
	ck_assert_uint_eq(r.keys, 1);
	ck_assert_uint_eq(r.resumes, 1);
	ck_assert_uint_eq(r.failures, 1);
	ck_assert_str_eq(r.plan, "p");
}
END_TEST

/* Each line that counts, left out. */
START_TEST(test_a_line_less)
{
	static const size_t counts[] = { 0, 1, 2, 3, 8, 9, 10, 12, 13 };
	struct line some[WHOLE_N];
	struct ceremonycheck_report r;
	struct err err;
	size_t left = counts[_i], n = 0;

	for (size_t i = 0; i < WHOLE_N; i++)
		if (i != left)
			some[n++] = whole[i];
	unit_refused(check(some, n, true, &r, &err), PV_INTEGRITY,
		     "ceremony.order", &err);
}
END_TEST

static const struct {
	struct line lines[8];
	size_t n;
	bool plan;
} bad[] = {
	{ { BEGIN, BEGIN }, 2, false },
	{ { BEGIN, WORD(0, "end"), WORD(0, "note") }, 3, false },
	{ { STEP(1, "pause", "") }, 1, false },
	{ { BEGIN, STEP(2, "pause", "") }, 2, false },
	{ { BEGIN, STEP(1, "pause", ""), WORD(2, "done") }, 3, false },
	{ { BEGIN, STEP(1, "pause", ""), WORD(0, "end") }, 3, false },
	{ { BEGIN, STEP(1, "generate-key", "a"), KEY(1, "b") }, 3, false },
	{ { BEGIN, STEP(1, "generate-key", "a"), WORD(1, "done") }, 3, false },
	{ { BEGIN, STEP(1, "issue-ca", "a"), WORD(1, "done") }, 3, false },
	{ { BEGIN, STEP(1, "pause", "") }, 2, true },
	{ { BEGIN, STEP(1, "init-token", "a"), WORD(1, "done"),
	    STEP(2, "generate-key", "log") },
	  4,
	  true },
	{ { BEGIN, WORD(0, "end") }, 2, true },
	{ { BEGIN }, 1, false },
	{ { BEGIN, STEP(1, "make-transport-key", "transport"),
	    KEY(1, "transport"), WORD(1, "done") },
	  4,
	  false },
	{ { BEGIN, STEP(1, "send-key", "a"), WORD(1, "taken"),
	    WORD(1, "done") },
	  4,
	  false },
	{ { BEGIN, STEP(1, "send-key", "a"), WORD(1, "sent") }, 3, false },
	{ { BEGIN, WORD(0, "witnessed") }, 2, false },
	{ { BEGIN, STEP(1, "adopt", "t"), WORD(1, "done") }, 3, false },
	{ { BEGIN, STEP(1, "check-key", "a"), TOKEN(1, "1a"), TOKEN(1, "1b") },
	  4,
	  false },
	{ { BEGIN, STEP(1, "pause", ""), WORD(1, "done"), WORD(0, "end") },
	  4,
	  false },
	{ { BEGIN, STEP(1, "take-key", "a"), WORD(1, "taken"), KEY(1, "a"),
	    WORD(1, "done") },
	  5,
	  false },
	{ { BEGIN, STEP(1, "take-key", "a"), WORD(1, "transport-destroyed") },
	  3,
	  false },
};

START_TEST(test_order)
{
	struct ceremonycheck_report r;
	struct err err;

	unit_refused(check(bad[_i].lines, bad[_i].n, bad[_i].plan, &r, &err),
		     PV_INTEGRITY, "ceremony.order", &err);
}
END_TEST

/* What a step shows is not another one's, nor that of none. */
START_TEST(test_line_of_another_step)
{
	static const struct {
		struct line lines[5];
		size_t n;
	} of[] = {
		{ { BEGIN, STEP(1, "generate-key", "a"), KEY(2, "a") }, 3 },
		{ { BEGIN, STEP(1, "generate-key", "a"), KEY(0, "a") }, 3 },
		{ { BEGIN, KEY(0, "") }, 2 },
		{ { BEGIN, STEP(1, "generate-key", "a"), KEY(1, "a"),
		    WORD(1, "done"), KEY(1, "a") },
		  5 },
	};
	struct ceremonycheck_report r;
	struct err err;

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		unit_refused(check(of[i].lines, of[i].n, false, &r, &err),
			     PV_INTEGRITY, "ceremony.order", &err);
		ck_assert_ptr_nonnull(strstr(err.message, "does not run"));
	}
}
END_TEST

START_TEST(test_an_older_list)
{
	static const struct line lines[] = { BEGIN, STEP(1, "sign-csr", "a"),
					     WORD(1, "older-list") };
	struct ceremonycheck_report r;
	struct err err;

	unit_refused(check(lines, 3, false, &r, &err), PV_INTEGRITY,
		     "ceremony.order", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "not about"));
}
END_TEST

#define ID "00112233445566778899aabbccddeeff"
#define ANOTHER_ID "00112233445566778899aabbccddee00"
#define NAMED(n, event, purpose, label, id)                                    \
	{                                                                      \
		n, event,                                                      \
			{ "purpose", "label", "id", "attributes",              \
			  "attributes_sha256" },                               \
		{                                                              \
			purpose, label, id, KEPT, KEPT_SHA256                  \
		}                                                              \
	}

/* The transport key that is destroyed is the one that was given. */
START_TEST(test_another_transport_key)
{
	static const struct {
		const char *label, *id, *why;
	} of[] = {
		{ "b/transport/2", ID, "than was given" },
		{ "b/transport/1", ANOTHER_ID, "than was given" },
		{ "b/transport/1", ID, "before a key was taken" },
	};
	const struct line lines[] = {
		BEGIN,
		STEP(1, "make-transport-key", "transport"),
		NAMED(1, "key", "transport", "b/transport/1", ID),
		{ 1, "transport-key", { "label" }, { "b/transport/1" } },
		WORD(1, "done"),
		STEP(2, "take-key", "a"),
		NAMED(2, "transport-destroyed", NULL, of[_i].label, of[_i].id),
	};
	struct ceremonycheck_report r;
	struct err err;

	unit_refused(check(lines, 7, false, &r, &err), PV_INTEGRITY,
		     "ceremony.order", &err);
	ck_assert_ptr_nonnull(strstr(err.message, of[_i].why));
}
END_TEST

/* And so is any other the one that people were shown in its step. */
START_TEST(test_another_key_destroyed)
{
	static const struct {
		uint32_t shown_in;
		const char *label, *id;
	} of[] = {
		{ 2, "b/a/1", ID }, /* it is the one */
		{ 2, "b/a/2", ID },
		{ 2, "b/a/1", ANOTHER_ID },
		{ 1, "b/a/1", ID },
	};
	const struct line gone =
		NAMED(2, "destroyed", "a", of[_i].label, of[_i].id);
	const struct line shown =
		NAMED(of[_i].shown_in, "key", "a", "b/a/1", ID);
	const struct line in_step[] = {
		BEGIN,		 STEP(1, "pause", ""),
		WORD(1, "done"), STEP(2, "destroy-key", "a"),
		shown,		 gone
	};
	const struct line before[] = {
		BEGIN,		 STEP(1, "check-key", "a"),   shown,
		WORD(1, "done"), STEP(2, "destroy-key", "a"), gone
	};
	struct ceremonycheck_report r;
	struct err err;

	unit_refused(check(of[_i].shown_in == 2 ? in_step : before, 6, false,
			   &r, &err),
		     PV_INTEGRITY, "ceremony.order", &err);
	if (_i == 0)
		ck_assert_uint_eq(r.destroyed, 1);
	else
		ck_assert_ptr_nonnull(strstr(err.message, "were shown"));
}
END_TEST

#define RUN_OF(mode, rehearsed)                                                \
	{                                                                      \
		0, "begin", { "mode",	   "sha256", "log",	"answers",     \
			      "rehearsed", "plan",   "version", "authority" }, \
		{                                                              \
			mode, "PLAN", "acme", "terminal", rehearsed, "p", "1", \
				"acme"                                         \
		}                                                              \
	}
#define RUN RUN_OF("run", HASH)
#define YES(n)                                                                 \
	WORD(n, "ask"),                                                        \
	{                                                                      \
		n, "answer", { "answer" },                                     \
		{                                                              \
			"yes"                                                  \
		}                                                              \
	}
#define APPROVALS(n, who)                                                      \
	{                                                                      \
		n, "approvals", { "persons" },                                 \
		{                                                              \
			who                                                    \
		}                                                              \
	}

/* A run says who approved it, once and first. */
START_TEST(test_approvals)
{
	static const struct line run[] = {
		RUN,
		APPROVALS(0, "alice,bob"),
		STEP(1, "init-token", "acme"),
		YES(1),
		TOKEN(1, "1a"),
		WORD(1, "done"),
		STEP(2, "generate-key", "root"),
		YES(2),
		KEY(2, "root"),
		WORD(2, "done"),
		STEP(3, "pause", ""),
		YES(3),
		WORD(3, "done"),
		END("1"),
	};
	static const struct line wrong[][4] = {
		{ RUN, STEP(1, "init-token", "acme"), YES(1) },
		{ RUN_OF("run", NULL), APPROVALS(0, "-"), WORD(0, "x"),
		  WORD(0, "x") },
		{ RUN, APPROVALS(0, "-"), STEP(1, "init-token", "acme"),
		  WORD(1, "done") },
		{ RUN, APPROVALS(0, "-"), APPROVALS(0, "bob"), WORD(0, "x") },
		{ RUN, APPROVALS(1, "-"), WORD(0, "x"), WORD(0, "x") },
		{ RUN, APPROVALS(0, ""), WORD(0, "x"), WORD(0, "x") },
		{ BEGIN, STEP(1, "init-token", "acme"), APPROVALS(0, "-"),
		  WORD(1, "done") },
	};
	struct ceremonycheck_report r;
	struct err err;

	unit_refused(check(run, sizeof(run) / sizeof(*run), true, &r, &err),
		     PV_INTEGRITY, "ceremony.note", &err);
	ck_assert_str_eq(r.approvals, "alice,bob");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		unit_refused(check(wrong[i], 4, true, &r, &err), PV_INTEGRITY,
			     "ceremony.order", &err);
}
END_TEST

/* Only a run's roster is approved, before its first step. */
START_TEST(test_roster_unapproved)
{
	static const char ruled[] =
		"{\"plan\":\"p\",\"version\":1,\"steps\":[{\"step\":"
		"\"init-token\"},{\"step\":\"generate-key\",\"purpose\":"
		"\"root\",\"kind\":\"P-256\"},{\"step\":\"set-roster\","
		"\"sha256\":\"" HASH "\"}]}";
	static const struct line init[] = {
		RUN_OF("init", NULL),
		STEP(1, "init-token", "acme"),
		TOKEN(1, "1a"),
		WORD(1, "done"),
		STEP(2, "generate-key", "root"),
		KEY(2, "root"),
		WORD(2, "done"),
		STEP(3, "set-roster", ""),
		{ 3, "roster", { "sha256" }, { HASH } },
		WORD(3, "done"),
		END("1"),
	};
	struct line lines[11];
	struct ceremonycheck_report r;
	struct err err;

	memcpy(lines, init, sizeof(lines));
	for (int i = 0; i < 2; i++) {
		unit_refused(
			ceremony_lines_check(ruled, lines, 11, true, &r, &err),
			PV_INTEGRITY, "ceremony.note", &err);
		lines[0].value[0] = "rehearsal";
	}
	lines[0] = (struct line)RUN;
	unit_refused(ceremony_lines_check(ruled, lines, 11, true, &r, &err),
		     PV_INTEGRITY, "ceremony.order", &err);
	ck_assert_ptr_nonnull(strstr(err.message, "who approved"));
}
END_TEST

START_TEST(test_other_plan)
{
	static const struct line other[] = {
		{ 0,
		  "begin",
		  { "sha256" },
		  { "0000000000000000000000000000000000000000000000000000000000"
		    "000000" } },
	};
	struct ceremonycheck_report r;
	struct err err;

	unit_refused(check(other, 1, true, &r, &err), PV_INTEGRITY,
		     "ceremony.plan", &err);
}
END_TEST

/* ---- a plan that is bound to a template ---- */

#define OTHER_HASH                                                             \
	"0123456789abcdef0123456789abcdef"                                     \
	"0123456789abcdef0123456789abcdee"
#define BOUND                                                                  \
	"{\"plan\":\"p\",\"version\":1,\"steps\":[{\"step\":\"adopt\","        \
	"\"template\":\"t\",\"template_sha256\":\"" HASH "\"}]}"
#define ADOPT(hash)                                                            \
	{                                                                      \
		1, "step", { "kind", "about", "template_sha256" },             \
		{                                                              \
			"adopt", "t", hash                                     \
		}                                                              \
	}
#define TEMPLATE(name, hash)                                                   \
	{                                                                      \
		1, "template", { "name", "sha256" },                           \
		{                                                              \
			name, hash                                             \
		}                                                              \
	}

#define SIGN(step, hash)                                                       \
	{                                                                      \
		step, "sign", { "ca", "template_sha256" },                     \
		{                                                              \
			"r", hash                                              \
		}                                                              \
	}

START_TEST(test_template)
{
	static const struct line bound[] = {
		BEGIN,		 ADOPT(HASH),
		TOKEN(1, "1a"),	 TEMPLATE("t", HASH),
		WORD(1, "done"), WORD(0, "end"),
	};
	static const struct line wrong[][3] = {
		{ BEGIN, ADOPT(NULL), WORD(1, "done") },
		{ BEGIN, ADOPT(OTHER_HASH), WORD(1, "done") },
		{ BEGIN, ADOPT(HASH), TEMPLATE("t", OTHER_HASH) },
		{ BEGIN, ADOPT(HASH), TEMPLATE("u", HASH) },
		{ BEGIN, ADOPT(HASH), SIGN(1, OTHER_HASH) },
	};
	struct ceremonycheck_report r;
	struct err err;

	unit_refused(ceremony_lines_check(BOUND, bound,
					  sizeof(bound) / sizeof(*bound), true,
					  &r, &err),
		     PV_INTEGRITY, "ceremony.note", &err);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		unit_refused(ceremony_lines_check(BOUND, wrong[i], 3, true, &r,
						  &err),
			     PV_INTEGRITY, "ceremony.order", &err);
		ck_assert_ptr_nonnull(strstr(err.message, "template"));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ceremonycheck");
	TCase *t = tcase_create("ceremonycheck");

	tcase_add_test(t, test_whole);
	tcase_add_loop_test(t, test_a_line_less, 0, 9);
	tcase_add_loop_test(t, test_order, 0,
			    (int)(sizeof(bad) / sizeof(*bad)));
	tcase_add_test(t, test_line_of_another_step);
	tcase_add_test(t, test_an_older_list);
	tcase_add_loop_test(t, test_another_transport_key, 0, 3);
	tcase_add_loop_test(t, test_another_key_destroyed, 0, 4);
	tcase_add_test(t, test_approvals);
	tcase_add_test(t, test_roster_unapproved);
	tcase_add_test(t, test_other_plan);
	tcase_add_test(t, test_template);
	suite_add_tcase(s, t);
	return unit_run(s);
}
