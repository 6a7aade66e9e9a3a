#include "lib/ceremony/askcheck.h"

#include <string.h>

#include "tests/unit/unit.h"

/* A line as a word: "EVENT", "EVENT KEY=VALUE" or "N EVENT ...". */
static enum pv_code feed(struct askcheck *a, const char *text, struct err *err)
{
	json_t *facts = json_object();
	struct transcript_line line = { .facts = facts };
	char word[64], *event = word, *key;
	enum pv_code rc;

	snprintf(word, sizeof(word), "%s", text);
	if (word[0] >= '0' && word[0] <= '9') {
		line.step = (uint32_t)(word[0] - '0');
		event = word + 2;
	}
	key = strchr(event, ' ');
	while (key) {
		char *next, *value;

		*key++ = '\0';
		next = strchr(key, ' ');
		if (next)
			*next = '\0';
		value = strchr(key, '=');
		ck_assert_ptr_nonnull(value);
		*value++ = '\0';
		ck_assert_int_eq(
			json_object_set_new(facts, key, json_string(value)), 0);
		key = next;
	}
	line.event = event;
	err_init(err);
	rc = askcheck_line(a, &line, err);
	json_decref(facts);
	return rc;
}

#define LINES_MAX 24
struct story {
	const char *lines[LINES_MAX]; /* ended by NULL */
};

/* The first of them that is refused, or -1. */
static int first_bad(const struct story *s, struct askcheck *a)
{
	memset(a, 0, sizeof(*a));
	for (int i = 0; i < LINES_MAX && s->lines[i]; i++) {
		struct err err;
		enum pv_code rc = feed(a, s->lines[i], &err);

		if (rc == PV_OK)
			continue;
		unit_refused(rc, PV_INTEGRITY, "ceremony.order", &err);
		return i;
	}
	return -1;
}

#define RUN "begin mode=run answers=terminal"
#define GO "1 ask", "1 answer answer=yes"
#define CA "1 step kind=self-signed"
#define KILL "1 step kind=destroy-key"
#define SEND "1 step kind=send-key"
#define LIST(ca, key) "sign ca=" ca " signer_spki_sha256=" key
#define YES "ask", "answer answer=yes"
#define IMPORT                                                                 \
	"1 step kind=init-token", GO, "1 done", "2 step kind=import-ca",       \
		"2 ask", "2 answer answer=yes"
#define MET "1 recipient spki_sha256=aa"

static const struct story good[] = {
	{ { "begin mode=rehearsal", "1 step kind=self-signed", "1 sign",
	    "1 certificate", "1 done", "resume" } },
	{ { RUN, "approvals", "1 step kind=pause", GO, "1 done",
	    "2 step kind=generate-key", "2 ask", "2 answer answer=yes", "2 key",
	    "2 done", "log-key", "end" } },
	{ { RUN, CA, GO, "1 pin-pad", "1 wrong-pin", "1 sign", GO,
	    "1 certificate", "1 done" } },
	/* Stopped when it was asked, and gone on with. */
	{ { RUN, CA, GO, "1 sign", "1 ask", "1 answer answer=stop", "1 stopped",
	    "resume answers=terminal", CA, GO, "1 sign", GO, "1 certificate",
	    "1 done" } },
	/* A crash behind the signature: it is not made again. */
	{ { RUN, CA, GO, "1 sign", GO, "resume answers=terminal", CA, GO,
	    "1 certificate", "1 done" } },
	{ { RUN, "1 step kind=back-up-key", GO, "1 taken", GO, "1 share", GO,
	    "1 share", GO, "1 backup", "1 done" } },
	{ { RUN, KILL, GO, "1 key", GO, "1 target", "resume answers=terminal",
	    KILL, GO, "1 destroyed", "1 done" } },
	/* Which token it is they see before they are asked. */
	{ { RUN, "1 step kind=init-token", "1 new-token", GO, "1 token",
	    "1 done" } },
	{ { RUN, "1 step kind=init-token", "1 token", GO, "1 done" } },
	/* Lists behind the steps: asked for with the first one of a key. */
	{ { RUN, CA, GO, "1 sign", GO, "1 done", LIST("a", "1"), YES,
	    "crl ca=a", LIST("a", "1"), "crl ca=a", LIST("b", "2"), YES,
	    "crl ca=b", "end" } },
	{ { RUN, LIST("a", "1"), YES, "crl ca=a", LIST("a", "2"), YES,
	    "crl ca=a", "end" } },
	{ { RUN, "sign ca=a", "ask", "answer answer=stop", "stopped",
	    "resume answers=terminal", "sign ca=a", "ask", "answer answer=yes",
	    "resume answers=terminal", "crl ca=a", "end" } },
	/* A root that the plan names, that people trust, that is trusted. */
	{ { RUN, IMPORT, "2 root planned=aa", "2 certificate", "2 done" } },
	{ { RUN, IMPORT, "2 root", "2 ask", "2 answer answer=yes",
	    "2 certificate", "2 done" } },
	{ { RUN, "1 step kind=import-ca", GO, "1 root", "1 certificate" } },
	{ { RUN, "1 step kind=cross-sign", GO, "1 sign", GO, "1 sign", GO,
	    "1 certificate", "1 certificate", "1 done" } },
	/* A crash before anybody answered. */
	{ { RUN, KILL, "1 ask", "resume answers=terminal", KILL, GO, "1 key",
	    GO, "1 destroyed", "1 done" } },
};

START_TEST(test_good)
{
	struct askcheck a;

	ck_assert_int_eq(first_bad(&good[_i], &a), -1);
	ck_assert(!a.file);
}
END_TEST

static const struct {
	struct story s;
	int at;
} bad[] = {
	{ { { "begin mode=run" } }, 0 },
	{ { { "begin mode=run answers=none" } }, 0 },
	{ { { RUN, "resume" } }, 1 },
	{ { { RUN, CA, "1 answer answer=yes" } }, 2 },
	{ { { RUN, CA, GO, "1 answer answer=yes" } }, 4 },
	/* No yes to the step. */
	{ { { RUN, CA, "1 sign" } }, 2 },
	{ { { RUN, CA, "1 done" } }, 2 },
	{ { { RUN, CA, "1 token" } }, 2 },
	{ { { RUN, "1 step kind=init-token", "1 token", "1 done" } }, 3 },
	{ { { RUN, CA, "1 ask", "1 done" } }, 3 },
	{ { { RUN, CA, "1 ask", "1 answer answer=no", "1 done" } }, 4 },
	{ { { RUN, CA, GO, "resume answers=terminal", CA, "1 sign" } }, 6 },
	/* No yes to what was shown. */
	{ { { RUN, CA, GO, "1 sign", "1 certificate" } }, 5 },
	{ { { RUN, CA, GO, "1 sign", "1 ask", "1 certificate" } }, 6 },
	{ { { RUN, CA, GO, "1 sign", "1 sign" } }, 5 },
	{ { { RUN, CA, GO, "1 certificate", "1 done" } }, 5 },
	{ { { RUN, CA, GO, "1 sign", "1 ask", "1 answer answer=no",
	      "1 done" } },
	  7 },
	{ { { RUN, "1 step kind=import-ca", GO, "1 taken", "1 certificate" } },
	  5 },
	{ { { RUN, "1 step kind=back-up-key", GO, "1 share", "1 share" } }, 5 },
	{ { { RUN, "1 step kind=back-up-key", GO, "1 share", "1 backup" } },
	  5 },
	{ { { RUN, SEND, GO, MET, "1 sent" } }, 5 },
	{ { { RUN, KILL, GO, "1 destroyed" } }, 4 },
	{ { { RUN, "crl ca=a" } }, 1 },
	{ { { RUN, "sign ca=a", "crl ca=a" } }, 2 },
	{ { { RUN, "sign ca=a", "end" } }, 2 },
	{ { { RUN, "sign ca=a", "ask", "answer answer=stop",
	      "resume answers=terminal", "crl ca=a" } },
	  5 },
	{ { { RUN, "sign ca=a", "ask", "answer answer=yes", "crl ca=a",
	      "sign ca=b", "crl ca=b" } },
	  6 },
	/* Another key of a CA, the same key under another name, no key. */
	{ { { RUN, LIST("a", "1"), YES, "crl ca=a", LIST("a", "2"),
	      "crl ca=a" } },
	  6 },
	{ { { RUN, LIST("a", "1"), YES, "crl ca=a", LIST("b", "1"),
	      "crl ca=b" } },
	  6 },
	{ { { RUN, "sign ca=a", YES, "crl ca=a", "sign ca=a", "crl ca=a" } },
	  6 },
	{ { { RUN, IMPORT, "2 root", "2 certificate" } }, 9 },
	{ { { RUN, "1 step kind=cross-sign", GO, "1 certificate", "1 done" } },
	  5 },
	{ { { RUN, KILL, GO, "1 key", "1 target" } }, 5 },
	/* What was said in a step before is not said in this one. */
	{ { { RUN, CA, GO, "1 sign", GO, "1 done", "2 step kind=issue-ca",
	      "2 ask", "2 answer answer=yes", "2 done" } },
	  11 },
};

START_TEST(test_bad)
{
	struct askcheck a;

	ck_assert_int_eq(first_bad(&bad[_i].s, &a), bad[_i].at);
}
END_TEST

/* Whoever went on with a file has answered from one. */
START_TEST(test_file)
{
	static const struct story file[] = {
		{ { "begin mode=run answers=file" } },
		{ { RUN, "resume answers=file", "resume answers=terminal" } },
	};
	struct askcheck a;

	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(first_bad(&file[i], &a), -1);
		ck_assert(a.file);
	}
}
END_TEST

/* Which public key people compared, also in a run that a crash ended. */
START_TEST(test_compared)
{
	static const struct {
		struct story s;
		bool compared;
	} keys[] = {
		{ { { "begin mode=rehearsal", SEND, "1 sent" } }, true },
		{ { { RUN, SEND, GO, "1 sent" } }, false },
		{ { { RUN, SEND, GO, MET, GO, "1 sent" } }, true },
		{ { { RUN, SEND, GO, MET, GO, "resume answers=terminal", SEND,
		      GO, "1 sent" } },
		  true },
		{ { { RUN, SEND, GO, MET, "1 ask", "1 answer answer=no" } },
		  false },
		{ { { RUN, SEND, GO, MET, GO, "1 done", "2 step kind=send-key",
		      "2 ask", "2 answer answer=yes" } },
		  false },
		{ { { RUN, SEND, GO, "1 recipient spki_sha256=bb", GO } },
		  false },
		{ { { RUN, SEND, GO, MET, GO, "1 recipient", GO } }, false },
	};
	struct askcheck a;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		ck_assert_int_eq(first_bad(&keys[i].s, &a), -1);
		ck_assert_msg(askcheck_compared(&a, "aa") == keys[i].compared,
			      "story %zu", i);
		ck_assert(!a.run || !askcheck_compared(&a, ""));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("askcheck");
	TCase *t = tcase_create("askcheck");

	tcase_add_loop_test(t, test_good, 0,
			    (int)(sizeof(good) / sizeof(*good)));
	tcase_add_loop_test(t, test_bad, 0, (int)(sizeof(bad) / sizeof(*bad)));
	tcase_add_test(t, test_file);
	tcase_add_test(t, test_compared);
	suite_add_tcase(s, t);
	return unit_run(s);
}
