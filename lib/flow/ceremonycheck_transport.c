/* Keys of a transcript that go from token to token. */
#include <stdio.h>
#include <string.h>

#include "lib/flow/ceremonycheck_impl.h"

/* The public key that the plan names, which says nothing of a rehearsal's. */
static bool is_planned(const struct ceremonycheck_state *c, const char *sha256)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);
	char hex[65];

	if (!s || !s->has_other || strcmp(c->out->mode, "rehearsal") == 0)
		return true;
	hex_encode(s->other_spki, sizeof(s->other_spki), hex);
	return strcmp(sha256, hex) == 0;
}

/* Where the plan does not name the key, people have compared it. */
static bool is_met(const struct ceremonycheck_state *c, const char *sha256)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);

	return !s || s->has_other || askcheck_compared(&c->asks, sha256);
}

enum pv_code ceremonycheck_transport_key(struct ceremonycheck_state *c,
					 const struct transcript_line *line,
					 struct err *err)
{
	const char *label = ceremonycheck_fact(line, "label");

	if (!ceremonycheck_is(c, PLAN_TRANSPORT) || !label[0] ||
	    strlen(label) >= sizeof(c->transport))
		return ceremonycheck_order(
			"a transport key that the step is not about", err);
	snprintf(c->transport, sizeof(c->transport), "%s", label);
	c->about = true;
	return ceremonycheck_file(c, line, err);
}

enum pv_code ceremonycheck_sent(struct ceremonycheck_state *c,
				const struct transcript_line *line,
				struct err *err)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);

	if (!ceremonycheck_is(c, PLAN_SEND_KEY) ||
	    strcmp(ceremonycheck_fact(line, "purpose"), c->name) != 0 ||
	    (s && strcmp(ceremonycheck_fact(line, "to"), s->to) != 0))
		return ceremonycheck_order(
			"a key was sent that the step is not about", err);
	if (!is_planned(c, ceremonycheck_fact(line, "to_sha256")))
		return ceremonycheck_order(
			"a key was sent to another key than the plan's", err);
	if (!is_met(c, ceremonycheck_fact(line, "to_sha256")))
		return ceremonycheck_order("a key was sent to a key that "
					   "nobody in the room compared",
					   err);
	c->about = true;
	return ceremonycheck_file(c, line, err);
}

/* It signs as a restored key does. */
enum pv_code ceremonycheck_key_taken(struct ceremonycheck_state *c,
				     const struct transcript_line *line,
				     struct err *err)
{
	const struct plan_step *s = ceremonycheck_plan_step(c);

	if (!ceremonycheck_is(c, PLAN_TAKE_KEY) ||
	    strcmp(ceremonycheck_fact(line, "purpose"), c->name) != 0 ||
	    (s && strcmp(ceremonycheck_fact(line, "from"), s->from) != 0))
		return ceremonycheck_order(
			"a key was taken that the step is not about", err);
	if (!is_planned(c, ceremonycheck_fact(line, "spki_sha256")))
		return ceremonycheck_order(
			"another key was taken than the plan's", err);
	if (!is_met(c, ceremonycheck_fact(line, "spki_sha256")))
		return ceremonycheck_order("a key was taken that nobody in "
					   "the room compared",
					   err);
	c->key_taken = c->open;
	c->out->restored++;
	return backupcheck_restored(line, c->out->head.sha256, &c->backups,
				    err);
}

/* With that the step is done. One that was made in another ceremony is not
 * known here. */
enum pv_code ceremonycheck_transport_end(struct ceremonycheck_state *c,
					 const struct transcript_line *line,
					 struct err *err)
{
	const char *label = ceremonycheck_fact(line, "label");

	if (c->transport[0] && strcmp(label, c->transport) != 0)
		return ceremonycheck_order("another transport key was "
					   "destroyed than was given",
					   err);
	if (!ceremonycheck_is(c, PLAN_TAKE_KEY) || c->open == 0 ||
	    c->key_taken != c->open)
		return ceremonycheck_order("a transport key was destroyed "
					   "before a key was taken with it",
					   err);
	c->about = true;
	return PV_OK;
}
