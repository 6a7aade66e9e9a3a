#include "lib/ceremony/askcheck.h"

#include <stdio.h>
#include <string.h>

#include "lib/ceremony/ceremonycheck_impl.h"
#include "policy/plan.h"

static bool fact_is(const struct transcript_line *line, const char *key,
		    const char *value)
{
	const char *s = transcript_fact(line, key);

	return s && strcmp(s, value) == 0;
}

static bool is_one_of(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

#define IS_ONE_OF(name, list)                                                  \
	is_one_of((name), (list), sizeof(list) / sizeof((list)[0]))

/* What happens to the run, whatever people said. */
static const char *const any[] = { "failed", "stopped", "clock" };

static bool is_kind(const struct askcheck *a, enum plan_kind kind)
{
	return strcmp(a->kind, plan_kind_name(kind)) == 0;
}

/* Who goes on may answer in another way than who began. */
static enum pv_code take_answers(struct askcheck *a,
				 const struct transcript_line *line,
				 struct err *err)
{
	if (fact_is(line, "answers", "file"))
		a->file = true;
	else if (!fact_is(line, "answers", "terminal"))
		return ceremonycheck_order(
			"a run that does not say how its questions are "
			"answered",
			err);
	return PV_OK;
}

static void forget(struct askcheck *a)
{
	a->to_sign = a->to_destroy = false;
	a->compared[0] = '\0';
}

static void take_step(struct askcheck *a, const struct transcript_line *line)
{
	const char *kind = transcript_fact(line, "kind");

	/* What was said in a run that a crash ended stays said. */
	if (line->step != a->step)
		forget(a);
	a->step = line->step;
	a->asked = a->go = false;
	a->shown = NULL;
	a->first |= line->step == 1 &&
		    fact_is(line, "kind", plan_kind_name(PLAN_INIT_TOKEN));
	snprintf(a->kind, sizeof(a->kind), "%.*s", TRANSCRIPT_EVENT_MAX,
		 kind ? kind : "");
}

static enum pv_code take_answer(struct askcheck *a,
				const struct transcript_line *line,
				struct err *err)
{
	if (!a->asked)
		return ceremonycheck_order("an answer to no question", err);
	/* Neither yes nor stop: the question stands. */
	a->asked = fact_is(line, "answer", "neither");
	if (!fact_is(line, "answer", "yes"))
		return PV_OK;
	a->go = true;
	a->to_sign |= a->shown && strcmp(a->shown, "sign") == 0;
	a->to_destroy |= a->shown && strcmp(a->shown, "key") == 0;
	a->end_said |= line->step == 0 && a->shown;
	a->end_any |= a->end_said;
	if (a->shown && strcmp(a->shown, "recipient") == 0)
		memcpy(a->compared, a->compare, sizeof(a->compared));
	a->shown = NULL;
	return PV_OK;
}

/* The event as it is kept, or NULL: nobody has to say yes to it. */
static const char *to_be_said(const struct askcheck *a,
			      const struct transcript_line *line)
{
	static const char *const shown[] = { "sign", "taken", "share",
					     "recipient" };

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(line->event, shown[i]) == 0)
			return shown[i];
	/* A later plan's root is the one that the authority trusts. */
	if (strcmp(line->event, "root") == 0 && a->first &&
	    !transcript_fact(line, "planned"))
		return "root";
	return strcmp(line->event, "key") == 0 && is_kind(a, PLAN_DESTROY_KEY)
		       ? "key"
		       : NULL;
}

static enum pv_code take_done(const struct askcheck *a, struct err *err)
{
	static const enum plan_kind signing[] = {
		PLAN_SELF_SIGNED, PLAN_ISSUE_CA, PLAN_MAKE_CSR,
		PLAN_SIGN_CSR,	  PLAN_SIGN_CRL, PLAN_CROSS_SIGN
	};

	for (size_t i = 0; i < sizeof(signing) / sizeof(signing[0]); i++)
		if (is_kind(a, signing[i]) && !a->to_sign)
			return ceremonycheck_order(
				"something was signed that nobody in the "
				"room said yes to",
				err);
	return PV_OK;
}

static void take_compare(struct askcheck *a, const struct transcript_line *line)
{
	const char *spki = transcript_fact(line, "spki_sha256");

	snprintf(a->compare, sizeof(a->compare), "%s", spki ? spki : "");
}

/* Of a step that runs. */
static enum pv_code take_work(struct askcheck *a,
			      const struct transcript_line *line,
			      struct err *err)
{
	/* Which token it is about to be is what people are asked. */
	static const char *const met[] = { "token", "new-token" };

	if (IS_ONE_OF(line->event, any) ||
	    (is_kind(a, PLAN_INIT_TOKEN) && IS_ONE_OF(line->event, met)))
		return PV_OK;
	if (!a->go)
		return ceremonycheck_order(
			"a step that nobody in the room said yes to", err);
	if (a->shown)
		return ceremonycheck_order(
			"it went on before people said yes to what they "
			"were shown",
			err);
	a->shown = to_be_said(a, line);
	if (a->shown)
		take_compare(a, line);
	if (strcmp(line->event, "destroyed") == 0 && !a->to_destroy)
		return ceremonycheck_order(
			"a key was destroyed that nobody in the room said "
			"yes to",
			err);
	return strcmp(line->event, "done") == 0 ? take_done(a, err) : PV_OK;
}

/* Of the CA and of the key that people said yes to. */
static bool is_said(const struct askcheck *a,
		    const struct transcript_line *line)
{
	return a->end_said && fact_is(line, "ca", a->end_ca) &&
	       fact_is(line, "signer_spki_sha256", a->end_key);
}

static void take_list(struct askcheck *a, const struct transcript_line *line)
{
	const char *ca = transcript_fact(line, "ca");
	const char *key = transcript_fact(line, "signer_spki_sha256");

	snprintf(a->end_ca, sizeof(a->end_ca), "%.*s", PLAN_NAME_MAX,
		 ca ? ca : "");
	snprintf(a->end_key, sizeof(a->end_key), "%.64s", key ? key : "");
	a->shown = "sign";
	a->end_said = false;
}

/* Behind the steps: revocation lists. */
static enum pv_code take_end(struct askcheck *a,
			     const struct transcript_line *line,
			     struct err *err)
{
	if (IS_ONE_OF(line->event, any))
		return PV_OK;
	if (a->shown || (strcmp(line->event, "crl") == 0 && !a->end_any))
		return ceremonycheck_order(
			"a list was signed that nobody in the room said "
			"yes to",
			err);
	if (strcmp(line->event, "sign") == 0 && !is_said(a, line))
		take_list(a, line);
	return PV_OK;
}

bool askcheck_waits(const struct askcheck *a)
{
	return a->shown != NULL;
}

bool askcheck_compared(const struct askcheck *a, const char *spki_sha256)
{
	return !a->run ||
	       (a->compared[0] && strcmp(a->compared, spki_sha256) == 0);
}

enum pv_code askcheck_line(struct askcheck *a,
			   const struct transcript_line *line, struct err *err)
{
	if (strcmp(line->event, "begin") == 0)
		a->run = fact_is(line, "mode", "run");
	if (!a->run)
		return PV_OK;
	if (strcmp(line->event, "begin") == 0 ||
	    strcmp(line->event, "resume") == 0) {
		/* What was shown last is shown again, or was not signed. */
		a->shown = NULL;
		return take_answers(a, line, err);
	}
	if (strcmp(line->event, "step") == 0) {
		take_step(a, line);
		return PV_OK;
	}
	if (strcmp(line->event, "ask") == 0) {
		a->asked = true;
		return PV_OK;
	}
	if (strcmp(line->event, "answer") == 0)
		return take_answer(a, line, err);
	return line->step > 0 ? take_work(a, line, err)
			      : take_end(a, line, err);
}
