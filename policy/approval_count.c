/* Whose signatures count. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sha256.h"
#include "policy/approval.h"

#define NAMES_MAX 300 /* bytes of names in a message */

struct count {
	const struct roster *roster;
	const struct approval *want;
	const struct quorum_ask *ask;
	struct span text; /* of want */
	bool seen[ROSTER_MAX];
	size_t n;
	struct err *err;
};

/* "os:" and a number as the system gives it, in its one form. */
static bool is_account(const char *s)
{
	char again[32];
	unsigned long uid;

	if (strncmp(s, "os:", 3) != 0 || strlen(s) > 13)
		return false;
	uid = strtoul(s + 3, NULL, 10);
	snprintf(again, sizeof(again), "os:%lu", uid);
	return uid <= UINT32_MAX && strcmp(again, s) == 0;
}

/*
 * Nobody approves what they asked for: that compares names, so the name has to
 * be that of an officer, or of nobody who could be one.
 */
static enum pv_code check_requester(const struct count *c)
{
	const char *name = c->want->requester;
	const struct span text = { (const uint8_t *)name, strlen(name) };

	if (roster_find(c->roster, text) || is_account(name))
		return PV_OK;
	return err_fail(c->err, PV_DENIED, "approval.requester",
			"ask with --as and the name of an officer, or without",
			"%s asked for \"%s\" and is no officer", name,
			quorum_op_name(c->want->operation));
}

static bool is_requester(const struct count *c, const struct roster_officer *o)
{
	return strcmp(o->name, c->want->requester) == 0;
}

static bool may_approve(const struct count *c, const struct roster_officer *o)
{
	return (o->roles & ROLE_SECURITY_OFFICER) && !is_requester(c, o);
}

/* Whether one of the officer's keys would do. */
static bool can_approve(const struct count *c, const struct roster_officer *o)
{
	if (!c->ask->token)
		return true;
	for (size_t i = 0; i < o->keys_n; i++)
		if (!o->keys[i].file)
			return true;
	return false;
}

/* A rightly signed text that is not the wanted one. */
static enum pv_code other_text(struct count *c, struct span text,
			       const struct roster_officer *o)
{
	struct approval a;
	const char *what = "something else";

	if (approval_text_parse(text, &a, NULL) == PV_OK) {
		if (strcmp(a.log, c->want->log) != 0)
			what = "another log";
		else if (memcmp(a.root, c->want->root, sizeof(a.root)) != 0)
			what = "another root";
		else if (a.operation != c->want->operation)
			what = "another operation";
		else if (memcmp(a.subject, c->want->subject,
				sizeof(a.subject)) != 0)
			return err_fail(c->err, PV_INTEGRITY,
					"approval.subject",
					"ask for approvals of these bytes",
					"%s approved other bytes", o->name);
		else if (strcmp(a.requester, c->want->requester) != 0)
			what = "another requester";
		else
			what = "another request";
	}
	return err_fail(c->err, PV_INTEGRITY, "approval.other",
			"give approvals of this very request", "%s approved %s",
			o->name, what);
}

static enum pv_code check_person(struct count *c,
				 const struct roster_officer *o)
{
	const char *op = quorum_op_name(c->want->operation);

	if (is_requester(c, o))
		return err_fail(c->err, PV_DENIED, "approval.requester",
				"let somebody else approve it",
				"%s asked for \"%s\" and cannot approve it",
				o->name, op);
	if (!may_approve(c, o))
		return err_fail(c->err, PV_DENIED, "approval.role",
				"let a security officer approve it",
				"%s is no security officer", o->name);
	if (c->seen[o - c->roster->officers])
		return err_fail(c->err, PV_DENIED, "approval.person",
				"give one approval of each person",
				"%s (%s) approved twice and counts once",
				o->name, o->person);
	return PV_OK;
}

static enum pv_code take_line(struct count *c, const struct note *n,
			      const struct note_sig *sig)
{
	const struct roster_key *key = NULL;
	const struct roster_officer *o =
		roster_find_key(c->roster, sig->name, sig->key_id, &key);
	char name[ROSTER_NAME_MAX + 1];
	enum pv_code rc;

	if (!o) {
		snprintf(name, sizeof(name), "%.*s",
			 (int)(sig->name.len < sizeof(name) ? sig->name.len
							    : sizeof(name)),
			 (const char *)sig->name.p);
		return err_fail(c->err, PV_DENIED, "approval.unknown",
				"see `provctl officer review`",
				"no officer has the key of \"%s\" that signed",
				name);
	}
	if (note_verify(n, &key->key, NULL) != PV_OK)
		return err_fail(c->err, PV_INTEGRITY, "approval.signature",
				"get the approval again from its source",
				"the signature of %s is wrong: the approval "
				"was edited",
				o->name);
	if (!span_equal(n->text, c->text))
		return other_text(c, n->text, o);
	rc = check_person(c, o);
	if (rc != PV_OK)
		return rc;
	if (c->ask->token && key->file)
		return err_fail(c->err, PV_DENIED, "approval.key",
				"approve with a key in a token",
				"%s approved with a key that may be a file, "
				"and this takes a token",
				o->name);
	c->seen[o - c->roster->officers] = true;
	c->n++;
	return PV_OK;
}

/* Who may still approve, cut where it gets too long. */
static void put_names(const struct count *c, char out[NAMES_MAX])
{
	size_t len = 0, left = 0;

	out[0] = '\0';
	for (size_t i = 0; i < c->roster->n; i++) {
		const struct roster_officer *o = &c->roster->officers[i];

		if (!may_approve(c, o) || !can_approve(c, o) || c->seen[i])
			continue;
		if (len + strlen(o->name) + 24 > NAMES_MAX) {
			left++;
			continue;
		}
		len += (size_t)snprintf(out + len, NAMES_MAX - len, "%s%s",
					len ? ", " : "", o->name);
	}
	if (left)
		snprintf(out + len, NAMES_MAX - len, " and %zu more", left);
	if (!len)
		snprintf(out, NAMES_MAX, "nobody");
}

/* Nobody waits for what cannot be: who asked may be one of those needed. */
static enum pv_code too_few(const struct count *c, size_t able)
{
	const char *name = c->want->requester;
	const struct span text = { (const uint8_t *)name, strlen(name) };

	return err_fail(c->err, PV_DENIED, "approval.few",
			roster_find(c->roster, text)
				? "ask without --as: then whoever asked may "
				  "approve, too"
				: "give more security officers keys in tokens, "
				  "or adopt a template that asks for fewer",
			"\"%s\" needs %u approval%s, and of those who may give "
			"one there are %zu",
			quorum_op_name(c->want->operation), c->ask->persons,
			err_s(c->ask->persons), able);
}

static enum pv_code missing(const struct count *c)
{
	char names[NAMES_MAX];
	size_t able = 0;

	for (size_t i = 0; i < c->roster->n; i++)
		able += may_approve(c, &c->roster->officers[i]) &&
			can_approve(c, &c->roster->officers[i]);
	if (able < c->ask->persons)
		return too_few(c, able);
	put_names(c, names);
	return err_fail(
		c->err, PV_WAITING, "approval.missing",
		"let them run `provctl approve` on the request, then "
		"repeat the command with --approval",
		"\"%s\" needs %u approval%s and has %zu; may still give "
		"one: %s",
		quorum_op_name(c->want->operation), c->ask->persons,
		err_s(c->ask->persons), c->n, names);
}

static enum pv_code take_notes(struct count *c, const struct note *notes,
			       size_t notes_n)
{
	for (size_t i = 0; i < notes_n; i++) {
		for (size_t k = 0; k < notes[i].sigs_n; k++) {
			enum pv_code rc =
				take_line(c, &notes[i], &notes[i].sigs[k]);

			if (rc != PV_OK)
				return rc;
		}
	}
	return PV_OK;
}

static void fill(struct approval_tally *tally, const struct count *c)
{
	for (size_t i = 0; i < c->roster->n; i++)
		if (c->seen[i])
			tally->persons[tally->n++] = &c->roster->officers[i];
}

enum pv_code approval_count(const struct roster *roster,
			    const struct note *notes, size_t notes_n,
			    const struct approval *want, uint64_t now_s,
			    const struct quorum_ask *ask,
			    struct approval_tally *tally, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct count c = {
		.roster = roster, .want = want, .ask = ask, .err = err
	};
	uint8_t hash[32];
	enum pv_code rc;

	memset(tally, 0, sizeof(*tally));
	buf_init(&text, APPROVAL_TEXT_MAX);
	rc = approval_text_put(&text, want, err);
	if (rc == PV_OK)
		rc = check_requester(&c);
	if (rc != PV_OK)
		return rc;
	if (now_s >= want->expires_s)
		return err_fail(err, PV_DENIED, "approval.expired",
				"ask for approvals again",
				"the request for approval of \"%s\" has "
				"expired",
				quorum_op_name(want->operation));
	c.text = buf_span(&text);
	rc = sha256(c.text, hash, err);
	if (rc == PV_OK)
		rc = take_notes(&c, notes, notes_n);
	if (rc == PV_OK && c.n < ask->persons)
		rc = missing(&c);
	if (rc != PV_OK && rc != PV_WAITING)
		return rc;
	memcpy(tally->text_sha256, hash, sizeof(hash));
	fill(tally, &c);
	return rc;
}

void approval_persons_put(const struct approval_tally *tally, struct buf *out)
{
	for (size_t i = 0; i < tally->n; i++)
		buf_printf(out, "%s%s", i ? "," : "", tally->persons[i]->name);
}
