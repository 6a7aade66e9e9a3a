/* Who may do what, and what each did. */
#include <stdio.h>

#include "cmd/officer.h"
#include "cmd/out.h"
#include "cmd/session.h"
#include "lib/base/pvtime.h"
#include "lib/flow/officers.h"
#include "lib/flow/people.h"

#define VKEY_MAX 1024u

CLEANUP_PTR(struct roster, roster_free);
CLEANUP_PTR(struct officer_used, officer_used_free);

struct view {
	const struct roster *roster;
	struct officers_use uses[ROSTER_MAX];
	struct officer_used *used;
};

static enum pv_code none(struct err *err)
{
	return err_fail(err, PV_NOT_FOUND, "roster.none",
			"set one: provctl officer roster FILE",
			"no roster is in force: whoever has the PIN may do "
			"anything");
}

static enum pv_code load(const struct app *app, struct session *s,
			 struct roster **r, struct buf *bytes, struct err *err)
{
	enum pv_code rc = session_open(
		app, SESSION_STORE | SESSION_MAY(ROLE_OP_READ), s, err);

	if (rc == PV_OK)
		rc = people_in_force(s->store, r, bytes, err);
	return rc == PV_OK && !*r ? none(err) : rc;
}

enum pv_code officer_run_show(const struct app *app, struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *r = NULL;
	CLEANUP(buf_release) struct buf bytes;
	SESSION s = { .a = NULL };
	enum pv_code rc;

	buf_init(&bytes, ROSTER_SIZE_MAX);
	rc = load(app, &s, &r, &bytes, err);
	return rc == PV_OK ? out_bytes(buf_span(&bytes), err) : rc;
}

static bool may(unsigned roles, unsigned op)
{
	return roles_allow((enum role_op)op, roles, NULL) == PV_OK;
}

/* ---- text ---- */

static void print_word(const char *word, const char **between)
{
	printf("%s%s", *between, word);
	*between = ", ";
}

/* What anybody may is said once, behind all of them. */
static void print_may(unsigned roles)
{
	const char *between = " ";

	printf("  may:");
	for (unsigned op = 0; op < ROLE_OPS; op++)
		if (may(roles, op) &&
		    (roles == ROLE_NONE || !may(ROLE_NONE, op)))
			print_word(role_op_said((enum role_op)op), &between);
	printf("\n");
	if (roles & ROLE_SECURITY_OFFICER)
		printf("  may approve what others ask for\n");
}

static void print_use(const struct officers_use *use)
{
	char when[PVTIME_RFC3339_LEN + 1] = "";

	if (use->count == 0) {
		printf("  approved nothing yet\n");
		return;
	}
	if (!pvtime_format((int64_t)(use->last_ms / 1000), when))
		when[0] = '\0';
	printf("  approved %llu, last \"%s\" at %s\n",
	       (unsigned long long)use->count, use->last, when);
}

static void print_officer(const struct roster_officer *o,
			  const struct officers_use *use)
{
	const char *between = "";

	printf("%s (%s): ", o->name, o->person);
	for (unsigned i = 0; i < ROLES_N; i++) {
		if (!(o->roles & 1u << i))
			continue;
		printf("%s%s", between, role_name(1u << i));
		between = ", ";
	}
	printf("\n");
	for (size_t i = 0; i < o->keys_n; i++) {
		CLEANUP(buf_release) struct buf vkey;

		buf_init(&vkey, VKEY_MAX);
		note_key_put(&o->keys[i].key, &vkey);
		printf("  key %s (%s)\n", buf_cstr(&vkey),
		       o->keys[i].file ? "may be a file" : "in a token");
	}
	print_may(o->roles);
	print_use(use);
}

static void print_text(const struct view *v)
{
	const struct roster *r = v->roster;
	char hex[65];

	hex_encode(r->sha256, 32, hex);
	printf("roster version %llu (sha256 %s)\n",
	       (unsigned long long)r->version, hex);
	for (size_t i = 0; i < r->n; i++)
		print_officer(&r->officers[i], &v->uses[i]);
	printf("anybody, these included\n");
	print_may(ROLE_NONE);
	printf("  may ask for what takes approvals\n");
	printf("approvals needed, of %zu security officers:",
	       roster_count(r, ROLE_SECURITY_OFFICER));
	for (unsigned op = 0; op < QUORUM_OPS; op++)
		printf(" %s %u", quorum_op_name((enum quorum_op)op),
		       r->quorum.persons[op]);
	printf("\n");
	officer_used_print(v->used);
}

/* ---- JSON ---- */

static json_t *keys_json(const struct roster_officer *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < o->keys_n; i++) {
		CLEANUP(buf_release) struct buf vkey;

		buf_init(&vkey, VKEY_MAX);
		note_key_put(&o->keys[i].key, &vkey);
		json_array_append_new(
			list,
			json_pack("{s:s, s:s}", "vkey", buf_cstr(&vkey), "kind",
				  o->keys[i].file ? "file" : "token"));
	}
	return list;
}

static json_t *officer_json(const struct roster_officer *o,
			    const struct officers_use *use)
{
	json_t *roles = json_array(), *ops = json_array();

	for (unsigned i = 0; i < ROLES_N; i++)
		if (o->roles & 1u << i)
			json_array_append_new(roles,
					      json_string(role_name(1u << i)));
	for (unsigned op = 0; op < ROLE_OPS; op++)
		if (may(o->roles, op))
			json_array_append_new(ops, json_string(role_op_name(
							   (enum role_op)op)));
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:s}", "name",
			 o->name, "person", o->person, "roles", roles, "may",
			 ops, "keys", keys_json(o), "approved",
			 (json_int_t)use->count, "last_ms",
			 (json_int_t)use->last_ms, "last", use->last);
}

static enum pv_code print_json(const struct view *v, struct err *err)
{
	json_t *officers = json_array(), *quorum = json_object();
	char hex[65];

	hex_encode(v->roster->sha256, 32, hex);
	for (size_t i = 0; i < v->roster->n; i++)
		json_array_append_new(
			officers,
			officer_json(&v->roster->officers[i], &v->uses[i]));
	for (unsigned op = 0; op < QUORUM_OPS; op++)
		json_object_set_new(
			quorum, quorum_op_name((enum quorum_op)op),
			json_integer(v->roster->quorum.persons[op]));
	return out_json(json_pack("{s:I, s:s, s:o, s:o, s:o}", "version",
				  (json_int_t)v->roster->version, "sha256", hex,
				  "officers", officers, "quorum", quorum,
				  "used", officer_used_json(v->used)),
			err);
}

enum pv_code officer_run_review(const struct app *app, struct err *err)
{
	CLEANUP(cleanup_roster_free) struct roster *r = NULL;
	CLEANUP(cleanup_officer_used_free)
	struct officer_used *used = NULL;
	struct officers_sink sink;
	SESSION s = { .a = NULL };
	struct view v;
	enum pv_code rc = load(app, &s, &r, NULL, err);

	if (rc == PV_OK)
		rc = officer_used_new(app, &used, &sink, err);
	v.roster = r;
	v.used = used;
	if (rc == PV_OK)
		rc = officers_uses(s.store, r, v.uses, &sink, err);
	if (rc != PV_OK)
		return rc;
	if (app->json)
		return print_json(&v, err);
	print_text(&v);
	return PV_OK;
}
