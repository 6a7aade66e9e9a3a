/* The process that verifies evidence: its verdicts are evidence_verify()'s, and
 * whatever it is sent, whoever asks goes on. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/flow/evidencebox_impl.h"
#include "tests/unit/box_fix.h"
#include "tests/unit/evidence_psa.h"

static struct evidencebox box;
static struct verdict verdict;
static struct err err;

static void open_box(void)
{
	setup();
	ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	err_init(&err);
	box = (struct evidencebox)EVIDENCEBOX_INIT;
	unit_ok(evidencebox_start(&box, &err), &err);
}

static void close_box(void)
{
	evidencebox_stop(&box);
	teardown();
}

static void ask(struct span bytes, enum pv_code code, const char *rule)
{
	unit_ok(evidencebox_verify(&box, bytes, &want, &verdict, &err), &err);
	ck_assert_msg(verdict.why.code == code, "%d %s: %s",
		      (int)verdict.why.code, verdict.why.rule,
		      verdict.why.message);
	ck_assert_str_eq(verdict.why.rule, rule);
}

START_TEST(test_same)
{
	struct evidence_report report = { .n = 0 };
	struct err why;

	make(CLAIMS, NULL, "");
	ask(buf_span(&token), PV_OK, "");
	ck_assert(verdict_passed(&verdict, "evidence.signature"));
	ck_assert(verdict_passed(&verdict, "evidence.nonce"));
	ck_assert(!verdict_passed(&verdict, "evidence.none"));
	want.min_svn = 4;
	ask(buf_span(&token), PV_DENIED, "evidence.svn");
	ck_assert(verdict_passed(&verdict, "evidence.nonce"));
	ck_assert(!verdict_passed(&verdict, "evidence.svn"));
	err_init(&why);
	unit_refused(evidence_verify(buf_span(&token), &want, &report, &why),
		     PV_DENIED, "evidence.svn", &why);
	ck_assert_str_eq(verdict.why.message, why.message);
	ck_assert_str_eq(verdict.why.hint, why.hint);
	ck_assert_uint_eq(verdict.n, report.n);
	for (size_t i = 0; i < report.n; i++) {
		ck_assert_str_eq(verdict.list[i].rule, report.list[i].rule);
		ck_assert_str_eq(verdict.list[i].expected,
				 report.list[i].expected);
		ck_assert_str_eq(verdict.list[i].found, report.list[i].found);
		ck_assert(verdict.list[i].passed == report.list[i].passed);
	}
	want.a[0] ^= 1;
	ask(buf_span(&token), PV_DENIED, "evidence.nonce");
	token.data[token.len - 1] ^= 1;
	ask(buf_span(&token), PV_INTEGRITY, "evidence.signature");
	ask((struct span){ NULL, 0 }, PV_INTEGRITY, "evidence.type");
}
END_TEST

START_TEST(test_mac)
{
	SECRET mac = SECRET_INIT;

	make(CLAIMS, NULL, "");
	unit_ok(secret_alloc(&mac, 32, &err), &err);
	memset(mac.data, 0x5a, mac.len);
	ef_message(NULL, (struct span){ mac.data, mac.len }, COSE_ALG_HMAC256,
		   buf_span(&payload), &token);
	want.key.len = 0;
	want.mac_key = &mac;
	for (int i = 0; i < 3; i++)
		ask(buf_span(&token), PV_OK, "");
	mac.data[31] ^= 1;
	ask(buf_span(&token), PV_INTEGRITY, "evidence.signature");
}
END_TEST

/* dice: certificates, and what the template says of them, cross too. */
START_TEST(test_lists)
{
	static const char *const states[] = { "secured", "debug" };
	static struct span many[BOX_LIST_MAX + 1];

	want.format = EVIDENCE_DICE;
	want.lifecycle = states;
	want.lifecycle_n = 2;
	want.anchors = many;
	want.anchors_n = 1;
	ask((struct span){ (const uint8_t *)"\x82\x80\x40", 3 }, PV_INPUT,
	    "evidence.form");
	want.anchors_n = BOX_LIST_MAX + 1;
	unit_refused(evidencebox_verify(&box, buf_span(&token), &want, &verdict,
					&err),
		     PV_INTERNAL, "evidence.box", &err);
}
END_TEST

static void refused(struct box *x, const char *found)
{
	unit_ok(box_ask(&box, x, buf_span(&token), &want, &verdict, &err),
		&err);
	ck_assert_int_eq(verdict.why.code, PV_INPUT);
	ck_assert_str_eq(verdict.why.rule, "evidence.parser");
	ck_assert_str_eq(verdict.list[verdict.n - 1].found, found);
}

/* What the box says once it is confined. */
static void await(struct box *x)
{
	while (!wire_holds(&x->wire, WIRE_BIT(WIRE_READY)))
		unit_ok(wire_fill(&x->wire, -1, &err), &err);
}

/* What kills a box is refused and kept; what comes after it has another. */
START_TEST(test_gone)
{
	struct box x;
	pid_t first;

	make(CLAIMS, NULL, "");
	unit_ok(box_open(&box.keeper, &x, &err), &err);
	first = x.pid;
	await(&x);
	ck_assert(kill(first, SIGABRT) == 0);
	refused(&x, "a crash");
	ask(buf_span(&token), PV_OK, "");
	unit_ok(box_open(&box.keeper, &x, &err), &err);
	ck_assert_int_ne(x.pid, first);
	unit_ok(box_ask(&box, &x, buf_span(&token), &want, &verdict, &err),
		&err);
	ck_assert_int_eq(verdict.why.code, PV_OK);
}
END_TEST

/* Who kills it is not the evidence. */
START_TEST(test_killed)
{
	struct box x;

	make(CLAIMS, NULL, "");
	unit_ok(box_open(&box.keeper, &x, &err), &err);
	await(&x);
	ck_assert(kill(x.pid, SIGKILL) == 0);
	unit_refused(box_ask(&box, &x, buf_span(&token), &want, &verdict, &err),
		     PV_INTERNAL, "evidence.box", &err);
	err_init(&err);
	ask(buf_span(&token), PV_OK, "");
}
END_TEST

/* Whose it says to be comes with what was refused, and only then. */
START_TEST(test_claimed)
{
	make(CLAIMS, NULL, "");
	ask(buf_span(&token), PV_OK, "");
	ck_assert_uint_eq(verdict.claimed.n, 0);
	token.data[token.len - 1] ^= 1;
	ask(buf_span(&token), PV_INTEGRITY, "evidence.signature");
	ck_assert_uint_eq(verdict.claimed.n, 1);
	ck_assert_mem_eq(verdict.claimed.id[0], want.instance.p + 1, 32);
}
END_TEST

START_TEST(test_keeper_gone)
{
	make(CLAIMS, NULL, "");
	ck_assert(kill(box.keeper.pid, SIGKILL) == 0);
	unit_refused(evidencebox_verify(&box, buf_span(&token), &want, &verdict,
					&err),
		     PV_INTERNAL, "evidence.box", &err);
}
END_TEST

/* One that does not come to an end is ended. */
START_TEST(test_time)
{
	struct box x;

	evidencebox_stop(&box);
	box.keeper.time_s = 1;
	unit_ok(evidencebox_start(&box, &err), &err);
	make(CLAIMS, NULL, "");
	unit_ok(box_open(&box.keeper, &x, &err), &err);
	while (!x.wire.eof)
		unit_ok(wire_fill(&x.wire, -1, &err), &err);
	refused(&x, "no end");
}
END_TEST

/* It has what it is asked and answers with, and nothing of who asks. */
START_TEST(test_files)
{
	int kept[2], other[2];
	pid_t pid;
	int status;

	ck_assert(pipe(other) == 0 && pipe(kept) == 0);
	pid = fork();
	if (pid == 0) {
		struct stat null, st;
		bool good = box_leave_files(kept[1], kept[0]) &&
			    stat("/dev/null", &null) == 0;

		for (int fd = 0; fd <= 2; fd++)
			good = good && fstat(fd, &st) == 0 &&
			       st.st_rdev == null.st_rdev;
		for (int fd = 3; fd < 256; fd++)
			good = good && (fcntl(fd, F_GETFD) >= 0) ==
					       (fd == kept[0] || fd == kept[1]);
		_exit(good ? 0 : 1);
	}
	ck_assert(waitpid(pid, &status, 0) == pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- a box that lies ---- */

static enum pv_code lie(const struct err *why, const char *rule, bool passed)
{
	struct evidence_report report = { .n = rule ? 1 : 0 };
	const struct evidence_claimed claimed = { .n = 0 };
	struct wire_rec rec;
	struct wire w = { .fd = -1 };
	struct err ignored;
	enum pv_code rc;

	err_init(&ignored);
	buf_init(&w.out, 8192);
	buf_init(&w.in, 8192);
	report.list[0] = (struct evidence_check){ .rule = rule,
						  .passed = passed,
						  .expected = "a\x1b[2Jb",
						  .found = "c" };
	box_put_verdict(&w, why, &report, &claimed);
	buf_put(&w.in, w.out.data, w.out.len);
	ck_assert(wire_next(&w, &rec));
	rc = box_get_verdict(&rec, &verdict, &ignored);
	buf_release(&w.in);
	buf_release(&w.out);
	return rc;
}

START_TEST(test_lies)
{
	struct err why;

	err_init(&why);
	ck_assert(lie(&why, "evidence.nonce", true) == PV_OK);
	ck_assert_str_eq(verdict.list[0].expected, "a?[2Jb");
	/* passed, and one check did not; or none was made */
	ck_assert(lie(&why, "evidence.nonce", false) == PV_INPUT);
	ck_assert(lie(&why, NULL, true) == PV_INPUT);
	ck_assert(lie(&why, "store.edited", true) == PV_INPUT);
	ck_assert(lie(&why, "evidence.\x1b", true) == PV_INPUT);
	err_fail(&why, PV_STORAGE, "evidence.nonce", NULL, "x");
	ck_assert(lie(&why, "evidence.nonce", false) == PV_INPUT);
	err_init(&why);
	err_fail(&why, PV_DENIED, "order.closed", NULL, "x");
	ck_assert(lie(&why, "evidence.nonce", false) == PV_INPUT);
	err_init(&why);
	err_fail(&why, PV_DENIED, "evidence.nonce", NULL, "x");
	ck_assert(lie(&why, "evidence.nonce", false) == PV_OK);
	/* one that fails says nothing */
	err_init(&why);
	err_fail(&why, PV_INTERNAL, "memory", NULL, "x");
	ck_assert(lie(&why, "evidence.nonce", false) == PV_INPUT);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("evidencebox");
	TCase *t, *wire = tcase_create("wire");

	tcase_add_test(wire, test_lies);
	tcase_add_test(wire, test_files);
	suite_add_tcase(suite, wire);
	if (!seccomp_is_there()) {
		unit_skip("evidencebox", "no seccomp here");
		return suite;
	}
	t = tcase_create("box");
	tcase_add_checked_fixture(t, open_box, close_box);
	tcase_add_test(t, test_same);
	tcase_add_test(t, test_mac);
	tcase_add_test(t, test_lists);
	tcase_add_test(t, test_gone);
	tcase_add_test(t, test_killed);
	tcase_add_test(t, test_claimed);
	tcase_add_test(t, test_keeper_gone);
	tcase_add_test(t, test_time);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
