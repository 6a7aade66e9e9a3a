/* A ceremony's people and its token. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/ceremony/ceremony_impl.h"
#include "lib/flow/checkpoint.h"
#include "lib/flow/keymake.h"
#include "lib/flow/ownkey.h"

bool ceremony_rehearses(const struct ceremony *c)
{
	return strcmp(c->mode, "rehearsal") == 0;
}

/* A rehearsal asks nobody, also when it goes on. */
static const struct ceremony_people *people_of(const struct ceremony *c)
{
	return ceremony_rehearses(c) ? NULL : c->opts->people;
}

const char *ceremony_answers(const struct ceremony *c)
{
	const struct ceremony_people *people = people_of(c);

	return people ? people->answers : "none";
}

/* What else is typed there may be a PIN, and is not written down. */
static bool is_answer(const char *typed)
{
	return strcmp(typed, "yes") == 0 || strcmp(typed, "stop") == 0;
}

enum pv_code ceremony_ask(struct ceremony *c, const char *text, struct err *err)
{
	const struct ceremony_people *people = people_of(c);
	char answer[CEREMONY_ANSWER_MAX] = "";
	enum pv_code rc;

	if (!people)
		return PV_OK;
	rc = CEREMONY_PUT(c, "ask", { "text", text });
	while (rc == PV_OK && !is_answer(answer)) {
		rc = people->ask(people->ctx, text, answer, err);
		if (rc == PV_OK)
			rc = CEREMONY_PUT(c, "answer",
					  { "answer", is_answer(answer)
							      ? answer
							      : "neither" });
	}
	if (rc == PV_OK && strcmp(answer, "yes") != 0)
		return err_fail(
			err, PV_INTERRUPTED, "ceremony.stopped",
			"`provctl ceremony resume' goes on with this step",
			"stopped by the people present");
	/* A question may be left open for long. */
	return rc == PV_OK ? ceremony_window(c->plan, c->mode, err) : rc;
}

enum pv_code ceremony_agree(struct ceremony *c, const char *text,
			    struct err *err)
{
	enum pv_code rc = ceremony_ask(c, text, err);

	return rc == PV_OK ? ceremony_log_step(c, "shown", err) : rc;
}

/* The one of the start, or that was initialised, whatever else has its label.
 */
static enum pv_code same_token(const struct ceremony *c,
			       const struct token_facts *f, struct err *err)
{
	const char *want = c->serial[0] ? c->serial : c->empty.serial;

	if (f->serial[0] && (!want[0] || strcmp(want, f->serial) == 0))
		return PV_OK;
	err_object(err, f->label);
	return f->serial[0]
		       ? err_fail(err, PV_HSM_FATAL, "ceremony.token",
				  "put the first one back",
				  "the token has serial number %s, that of the "
				  "start had %s",
				  f->serial, want)
		       : err_fail(
				 err, PV_HSM_FATAL, "hsm.serial",
				 "take a token that has one",
				 "the token has no serial number: nobody could "
				 "tell it from another one");
}

enum pv_code ceremony_meet(struct ceremony *c, struct err *err)
{
	struct token_facts f = { .label = "" };
	enum pv_code rc = c->opts->backends->token_facts(c->a, 0, &f, err);

	if (rc == PV_OK)
		rc = same_token(c, &f, err);
	if (rc != PV_OK)
		return rc;
	c->pin_pad = f.pin_pad;
	if (c->serial[0])
		return PV_OK;
	snprintf(c->serial, sizeof(c->serial), "%s", f.serial);
	return CEREMONY_PUT(c, "token", { "label", f.label },
			    { "manufacturer", f.manufacturer },
			    { "model", f.model }, { "serial", f.serial },
			    { "firmware", f.firmware[0] ? f.firmware : NULL },
			    { "module", c->a->module });
}

static enum pv_code tell_pad(struct ceremony *c, struct err *err)
{
	return c->pin_pad ? CEREMONY_PUT(c, "pin-pad",
					 { "next", "type the PIN on the "
						   "token's own keys, "
						   "whenever it asks" })
			  : PV_OK;
}

/* One that the token refused, or has not tried: its length is none. */
static bool is_about_the_pin(const struct err *why)
{
	return strcmp(why->rule, "hsm.pin") == 0;
}

/* A pad that fails without anybody must not use up all tries: people say. */
static enum pv_code pin_again(struct ceremony *c,
			      const struct ceremony_people *people,
			      struct err *err)
{
	enum pv_code rc = CEREMONY_PUT(c, "wrong-pin", { "rule", "hsm.pin" });

	/* People took their time: it is the same token, with tries left. */
	if (rc == PV_OK)
		rc = ceremony_meet(c, err);
	if (rc != PV_OK)
		return rc;
	if (!c->pin_pad)
		return people->pin(people->ctx, c->a->name, c->opts->pin, err);
	rc = ceremony_ask(c,
			  "The PIN that was typed on the token's own keys was "
			  "wrong: type it there once more",
			  err);
	return rc == PV_OK ? tell_pad(c, err) : rc;
}

/* Each wrong PIN costs a try: the token says when there is one left. */
static enum pv_code log_in(struct ceremony *c, struct err *err)
{
	const struct ceremony_people *people = people_of(c);
	enum pv_code rc = tell_pad(c, err);

	c->login = (struct hsm_login){ .pin = c->opts->pin,
				       .watch = c->opts->watch,
				       .serial = c->serial };
	while (rc == PV_OK) {
		struct err why;

		err_init(&why);
		rc = c->opts->backends->hsm_open(c->a, &c->login, &c->hsm,
						 &why);
		if (rc == PV_OK)
			return PV_OK;
		if (!is_about_the_pin(&why) || !people || !people->pin) {
			*err = why;
			return rc;
		}
		rc = pin_again(c, people, err);
	}
	return rc;
}

/* ---- what an interrupted run left on the token ---- */

struct search {
	const struct hsm_object *o;
	bool known;
};

static enum pv_code compare(void *ctx, const struct store_key *row,
			    struct err *err)
{
	struct search *s = ctx;

	(void)err;
	if (strcmp(row->label, s->o->label) == 0 &&
	    s->o->id_len == HSM_ID_LEN &&
	    memcmp(row->id, s->o->id, HSM_ID_LEN) == 0)
		s->known = true;
	return PV_OK;
}

/* A step of the plan takes it up, or refuses it. */
static bool will_be_taken(const struct ceremony *c, const char *label)
{
	for (size_t i = 0; i < c->plan->steps_n; i++) {
		const struct keymake_job job = {
			.authority = c->a->name,
			.purpose = c->plan->steps[i].purpose,
			.generation = 1
		};
		char taken[HSM_LABEL_MAX];

		keymake_label(&job, taken);
		if (c->plan->steps[i].kind == PLAN_TAKE_KEY && !c->done[i] &&
		    strcmp(label, taken) == 0)
			return true;
	}
	return false;
}

/* Of this authority's labels, and whatever is on a token that is made anew:
 * other ones are not ours to tell of. */
static enum pv_code tell_orphan(struct ceremony *c, const struct hsm_object *o,
				struct err *err)
{
	struct search s = { o, false };
	const struct store_visit v = { .ctx = &s, .fn.key = compare };
	size_t len = strlen(c->a->name);
	char id[2 * HSM_ID_LEN + 1];
	enum pv_code rc;

	if (!c->opts->new_token &&
	    (strncmp(o->label, c->a->name, len) != 0 || o->label[len] != '/'))
		return PV_OK;
	if (will_be_taken(c, o->label))
		return PV_OK;
	hex_encode(o->id, o->id_len < HSM_ID_LEN ? o->id_len : HSM_ID_LEN, id);
	rc = store_key_each(c->store, &v, err);
	if (rc != PV_OK || s.known)
		return rc;
	return CEREMONY_PUT(c, "orphan",
			    { "label", o->label[0] ? o->label : "-" },
			    { "class", ownkey_class_name(o->klass) },
			    { "id", id[0] ? id : "-" },
			    { "next", "nobody recorded it: delete it with the "
				      "token's own tool, by label and id" });
}

static void free_list(struct hsm_object **list)
{
	free(*list);
}

static enum pv_code tell_orphans(struct ceremony *c, struct err *err)
{
	CLEANUP(free_list) struct hsm_object *list = NULL;
	size_t n = 0;
	enum pv_code rc = hsm_objects(c->hsm, &list, &n, err);

	for (size_t i = 0; rc == PV_OK && i < n; i++)
		rc = tell_orphan(c, &list[i], err);
	c->orphans_told = true;
	return rc;
}

static bool only_looks(enum plan_kind kind)
{
	return kind == PLAN_RESTORE_KEY || kind == PLAN_CHECK_KEY ||
	       kind == PLAN_PAUSE;
}

/* Does the plan bring that key back, which is on no token any more, before it
 * does anything else? */
static bool brings_back(struct ceremony *c, const char *label)
{
	for (size_t i = c->n; i < c->plan->steps_n; i++) {
		const struct plan_step *step = &c->plan->steps[i];
		struct authority_key named;
		struct err why;

		err_init(&why);
		if (!only_looks(step->kind))
			return false;
		if (step->kind == PLAN_RESTORE_KEY &&
		    ceremony_key_of(c, step->purpose, &named, &why) == PV_OK &&
		    strcmp(named.label, label) == 0)
			return true;
	}
	return false;
}

/* What people decided is in force before anything is done. After all tokens
 * were lost nothing signs that before the log's key is restored. */
static enum pv_code put_in_force(struct ceremony *c, struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = checkpoint_now(c->a, c->store, c->hsm, &why);
	if (rc == PV_OK || (strcmp(why.rule, "hsm.key-missing") == 0 &&
			    brings_back(c, why.object)))
		return PV_OK;
	*err = why;
	return rc;
}

enum pv_code ceremony_login(struct ceremony *c, struct err *err)
{
	enum pv_code rc;

	if (c->hsm)
		return PV_OK;
	rc = ceremony_meet(c, err);
	if (rc == PV_OK)
		rc = log_in(c, err);
	if (rc == PV_OK && c->opts->later)
		rc = put_in_force(c, err);
	return rc == PV_OK && c->opts->resume && !c->ended && !c->orphans_told
		       ? tell_orphans(c, err)
		       : rc;
}
