/* Which approvals belong to which decision, as the entries say it. */
#include "lib/flow/pairing.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/flow/subject.h"
#include "lib/log/acts.h"
#include "lib/log/ceremony.h"
#include "lib/log/tree.h"
#include "tests/unit/unit.h"

static struct err err;
static const uint8_t h[4][LOG_HASH] = { { 1 }, { 2 }, { 3 }, { 4 } };

enum what {
	END, /* of a story */
	ROSTER,
	ORDER,
	CLOSE,
	ONE_SECRET,
	ALL_SECRETS, /* the next of two versions */
	ACTS,
	CEREMONY,
	FIRST_USE,
	USE,
	LONE_USE
};

/* One entry: what is other than in a true story. */
struct step {
	enum what what;
	enum {
		TRUE_ONE,
		NO_NONCE,
		NO_PERSONS,
		NONCE,
		PERSONS,
		ACTOR,
		TIME,
		OPERATION,
		SUBJECT,
		TEXT,
		VALUE
	} other;
};

struct story {
	struct pairing p;
	uint64_t index;
	uint64_t secret; /* the next version */
	bool acts, ceremony;
	uint8_t subject[LOG_HASH]; /* of the newest decision */
};

/* The text of the plan that is h[0]. */
static const char of_plan[] =
	"ceremony\nplan sha256:01000000000000000000000000000000"
	"00000000000000000000000000000000\n";

static void fill_ceremony(struct story *s, const struct step *step,
			  const struct log_who *who, struct log_entry *e)
{
	s->ceremony = true;
	log_ceremony_begin(e, who, "root", 1, h[0], NULL);
	if (step->other != TEXT)
		log_fact_bytes(e, LOG_SUBJECT, (const uint8_t *)of_plan,
			       sizeof(of_plan) - 1);
	if (step->other == VALUE) /* not the chain's first */
		log_fact_prev(e, 0);
}

static void fill(struct story *s, const struct step *step, struct log_entry *e)
{
	const struct log_who who = { step->other == TIME ? 2000 : 1000,
				     step->other == ACTOR ? "bob" : "alice" };
	const char *persons = step->other == PERSONS ? "dave" : "bob,carol";
	const uint8_t *nonce = h[step->other == NONCE];
	const struct log_order o = { "o-1", 1, h[0], NULL, 5, 0 };
	const struct log_order_end end = {
		.name = "o-1", .hash = h[0], .certificates = h[1], .note = h[2]
	};
	const struct log_approval a = { step->what == LONE_USE ? "export_kek"
					: step->other == OPERATION ? "adopt"
					: s->ceremony		   ? "ceremony"
					: s->acts		   ? "revoke"
					: s->secret		   ? "secret"
								   : "order",
					h[0],
					h[1],
					step->other == SUBJECT ? h[3]
							       : s->subject,
					persons,
					nonce };

	const struct log_people acts = { step->other == OPERATION ? "order"
								  : "revoke",
					 { (const uint8_t *)"revoke\n", 7 },
					 1,
					 NULL };

	switch (step->what) {
	case ROSTER:
		log_roster_change(e, &who, 1, h[0], NULL);
		break;
	case ORDER:
		log_order_open(e, &who, &o);
		break;
	case CLOSE:
		log_order_close(e, &who, &end);
		break;
	case ONE_SECRET:
		s->secret = 1;
		log_secret(e, &who, LOG_SECRET_ADD, "fleet", 1, h[0], NULL);
		if (step->other != VALUE)
			log_fact_bytes(e, LOG_VALUE, h[2], LOG_HASH);
		break;
	case ALL_SECRETS:
		log_secret(e, &who, LOG_SECRET_DESTROY, "fleet", ++s->secret,
			   NULL, NULL);
		log_fact_uint(e, LOG_NEWEST, step->other == VALUE ? 9 : 2);
		break;
	case CEREMONY:
		fill_ceremony(s, step, &who, e);
		break;
	case ACTS:
		s->acts = true;
		log_people_decide(e, &who, &acts);
		break;
	default:
		log_approval_use(e, &who, &a);
		return;
	}
	if (step->what == ROSTER || step->what == CLOSE) {
		if (step->other == NONCE)
			log_fact_bytes(e, LOG_NONCE_FACT, nonce, LOG_NONCE);
		if (step->other == PERSONS)
			log_fact_str(e, "persons", persons);
		if (step->other == VALUE) { /* approved */
			log_fact_bytes(e, LOG_NONCE_FACT, nonce, LOG_NONCE);
			log_fact_str(e, "persons", persons);
		}
		return;
	}
	if (step->other != NO_NONCE)
		log_fact_bytes(e, LOG_NONCE_FACT, nonce, LOG_NONCE);
	if (step->other != NO_PERSONS)
		log_fact_str(e, "persons", persons);
}

/* As an audit reads it. */
static enum pv_code take(struct story *s, const struct step *step)
{
	CLEANUP(buf_release) struct buf b;
	struct log_entry e, d;
	bool says;

	fill(s, step, &e);
	buf_init(&b, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(&e, &b, &err), &err);
	unit_ok(log_entry_decode(buf_span(&b), &d, &err), &err);
	if (step->what < FIRST_USE)
		unit_ok(subject_of(&d,
				   step->what == ALL_SECRETS ? s->secret : 1,
				   s->subject, &says, &err),
			&err);
	return pairing_take(&s->p, &d, s->index++, &err);
}

#define STEPS 8
static const struct {
	const char *what;
	struct step steps[STEPS];
	const char *object; /* NULL: it is true; "end": at its end */
} stories[] = {
	{ "before a roster", { { ORDER, NO_NONCE } }, "log entry 0" },
	{ "an order", { { ROSTER, 0 }, { ORDER, 0 }, { USE, 0 } }, NULL },
	{ "and its end",
	  { { ROSTER, 0 }, { ORDER, 0 }, { USE, 0 }, { CLOSE, 0 } },
	  NULL },
	{ "two",
	  { { ROSTER, 0 }, { ORDER, 0 }, { USE, 0 }, { ORDER, 0 }, { USE, 0 } },
	  NULL },
	{ "an end that was approved",
	  { { ROSTER, 0 }, { CLOSE, VALUE }, { USE, 0 } },
	  NULL },
	{ "and was not", { { ROSTER, 0 }, { CLOSE, VALUE } }, "end" },
	{ "a secret", { { ROSTER, 0 }, { ONE_SECRET, 0 }, { USE, 0 } }, NULL },
	{ "all of a secret",
	  { { ROSTER, 0 }, { ALL_SECRETS, 0 }, { ALL_SECRETS, 0 }, { USE, 0 } },
	  NULL },
	{ "approvals of nothing",
	  { { ROSTER, 0 }, { LONE_USE, 0 } },
	  "log entry 1" },
	{ "of entries that are none of the chain",
	  { { ROSTER, 0 }, { ACTS, 0 }, { USE, 0 } },
	  NULL },
	{ "of other ones",
	  { { ROSTER, 0 }, { ACTS, 0 }, { USE, SUBJECT } },
	  "log entry 2" },
	{ "of an operation that is an entry itself",
	  { { ROSTER, 0 }, { ACTS, OPERATION } },
	  "log entry 1" },
	{ "entries that nobody approved",
	  { { ROSTER, 0 }, { ACTS, NO_NONCE } },
	  "log entry 1" },
	{ "before a roster, too", { { ACTS, 0 } }, "log entry 0" },
	{ "a ceremony that sets the roster",
	  { { CEREMONY, 0 }, { USE, 0 }, { ROSTER, 0 } },
	  NULL },
	{ "that is not the first of the chain",
	  { { CEREMONY, VALUE } },
	  "log entry 0" },
	{ "that sets none", { { CEREMONY, 0 }, { USE, 0 } }, "end" },
	{ "that nobody approved",
	  { { CEREMONY, 0 }, { ROSTER, 0 } },
	  "log entry 0" },
	{ "and no end of it", { { CEREMONY, 0 } }, "end" },
	{ "of another plan",
	  { { CEREMONY, 0 }, { USE, SUBJECT } },
	  "log entry 1" },
	{ "without what was approved", { { CEREMONY, TEXT } }, "log entry 0" },
	{ "twice", { { CEREMONY, 0 }, { USE, 0 }, { USE, 0 } }, "log entry 2" },
	{ "two ceremonies before a roster",
	  { { CEREMONY, 0 }, { USE, 0 }, { CEREMONY, VALUE } },
	  "log entry 2" },
	{ "a later ceremony",
	  { { ROSTER, 0 }, { CEREMONY, VALUE }, { USE, 0 } },
	  NULL },
	{ "a later one that nobody approved",
	  { { ROSTER, 0 }, { CEREMONY, NO_NONCE } },
	  "log entry 1" },
	{ "a ceremony where nobody is asked",
	  { { CEREMONY, NO_NONCE } },
	  "log entry 0" },
	{ "no approval", { { ROSTER, 0 }, { ORDER, 0 } }, "end" },
	{ "the end instead",
	  { { ROSTER, 0 }, { ORDER, 0 }, { CLOSE, 0 } },
	  "log entry 1" },
	{ "another decision instead",
	  { { ROSTER, 0 }, { ORDER, 0 }, { ORDER, 0 }, { USE, 0 } },
	  "log entry 1" },
	{ "an export instead",
	  { { ROSTER, 0 }, { ORDER, 0 }, { LONE_USE, 0 } },
	  "log entry 2" },
	{ "no decision", { { ROSTER, 0 }, { USE, 0 } }, "log entry 1" },
	{ "used twice",
	  { { ROSTER, 0 }, { ORDER, 0 }, { USE, 0 }, { USE, 0 } },
	  "log entry 3" },
	{ "used before a roster", { { FIRST_USE, 0 } }, "log entry 0" },
	{ "approved before a roster", { { ORDER, 0 } }, "log entry 0" },
	{ "a first roster with a nonce", { { ROSTER, NONCE } }, "log entry 0" },
	{ "a first roster with persons",
	  { { ROSTER, PERSONS } },
	  "log entry 0" },
	{ "a second roster without",
	  { { ROSTER, 0 }, { ROSTER, 0 } },
	  "log entry 1" },
	{ "an end with a nonce",
	  { { ROSTER, 0 }, { CLOSE, NONCE } },
	  "log entry 1" },
	{ "an end with persons",
	  { { ROSTER, 0 }, { CLOSE, PERSONS } },
	  "log entry 1" },
	{ "no nonce", { { ROSTER, 0 }, { ORDER, NO_NONCE } }, "log entry 1" },
	{ "no persons",
	  { { ROSTER, 0 }, { ORDER, NO_PERSONS } },
	  "log entry 1" },
	{ "another nonce",
	  { { ROSTER, 0 }, { ORDER, 0 }, { USE, NONCE } },
	  "log entry 2" },
	{ "other persons",
	  { { ROSTER, 0 }, { ORDER, 0 }, { USE, PERSONS } },
	  "log entry 2" },
	{ "another actor",
	  { { ROSTER, 0 }, { ORDER, 0 }, { USE, ACTOR } },
	  "log entry 2" },
	{ "another time",
	  { { ROSTER, 0 }, { ORDER, 0 }, { USE, TIME } },
	  "log entry 2" },
	{ "another operation",
	  { { ROSTER, 0 }, { ORDER, 0 }, { USE, OPERATION } },
	  "log entry 2" },
	{ "another subject",
	  { { ROSTER, 0 }, { ORDER, 0 }, { USE, SUBJECT } },
	  "log entry 2" },
	{ "bound to no value",
	  { { ROSTER, 0 }, { ONE_SECRET, VALUE }, { USE, 0 } },
	  "log entry 1" },
	{ "one more is destroyed",
	  { { ROSTER, 0 },
	    { ALL_SECRETS, 0 },
	    { ALL_SECRETS, 0 },
	    { USE, SUBJECT } },
	  "log entry 3" },
	{ "of another number",
	  { { ROSTER, 0 }, { ALL_SECRETS, 0 }, { ALL_SECRETS, VALUE } },
	  "log entry 1" },
	{ "destroyed with another nonce",
	  { { ROSTER, 0 }, { ALL_SECRETS, 0 }, { ALL_SECRETS, NONCE } },
	  "log entry 1" },
};

START_TEST(test_stories)
{
	static struct story s;
	enum pv_code rc = PV_OK;
	size_t k = 0;

	memset(&s, 0, sizeof(s));
	err_init(&err);
	while (rc == PV_OK && k < STEPS && stories[_i].steps[k].what != END)
		rc = take(&s, &stories[_i].steps[k++]);
	if (!stories[_i].object) {
		unit_ok(rc, &err);
		unit_ok(pairing_end(&s.p, &err), &err);
		return;
	}
	if (strcmp(stories[_i].object, "end") == 0) {
		unit_ok(rc, &err);
		rc = pairing_end(&s.p, &err);
		unit_refused(rc, PV_INTEGRITY, "store.governance", &err);
		return;
	}
	ck_assert_msg(rc == PV_INTEGRITY, "%s: %d", stories[_i].what, rc);
	ck_assert_str_eq(err.rule, "store.governance");
	ck_assert_msg(strcmp(err.object, stories[_i].object) == 0, "%s: %s",
		      stories[_i].what, err.object);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("pairing");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, test_stories, 0,
			    sizeof(stories) / sizeof(stories[0]));
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
