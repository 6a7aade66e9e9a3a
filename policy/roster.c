#include "policy/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/notechars.h"
#include "lib/base/sha256.h"
#include "policy/node.h"
#include "policy/weakkey.h"

#define VKEY_MAX 512 /* bytes of a verifier key's text */

CLEANUP_PTR(struct json_doc, json_doc_free);
CLEANUP_PTR(struct roster, roster_free);

static const char *const role_names[ROLES_N + 1] = { "security-officer",
						     "operator", "auditor",
						     "technician", NULL };

const char *role_name(unsigned role)
{
	for (unsigned i = 0; i < ROLES_N; i++)
		if (role == 1u << i)
			return role_names[i];
	return "";
}

static enum pv_code check_key(const struct roster *r,
			      const struct roster_officer *o,
			      const struct node *n, const struct note_key *key)
{
	if (strcmp(key->name, o->name) != 0)
		return node_fail(n, "key", "put the officer's name into it",
				 "the key is named \"%.64s\" and its officer "
				 "\"%s\"",
				 key->name, o->name);
	if (weakkey_found(key))
		return node_fail(n, "key", "make another key",
				 "a key under which anybody can sign");
	for (size_t i = 0; i <= r->n; i++) {
		const struct roster_officer *by = &r->officers[i];

		for (size_t k = 0; k < by->keys_n; k++) {
			const struct note_key *had = &by->keys[k].key;

			if ((had->spki_len == key->spki_len &&
			     memcmp(had->spki, key->spki, key->spki_len) ==
				     0) ||
			    (by == o && memcmp(had->id, key->id, 4) == 0))
				return node_fail(n, "key",
						 "each officer has keys of "
						 "their own, each once",
						 "the key is also one of "
						 "\"%s\"",
						 by->name);
		}
	}
	return PV_OK;
}

static enum pv_code parse_key(const struct roster *r, struct roster_officer *o,
			      const struct node *n)
{
	static const char *const keys[] = { "vkey", "kind", NULL };
	static const char *const kinds[] = { "token", "file", NULL };
	struct node vkey = node_get(n, "vkey");
	struct node kind = node_get(n, "kind");
	struct roster_key *k = &o->keys[o->keys_n];
	const char *text = "";
	unsigned word = 0;
	struct span s;

	NODE_TRY(node_object(n, keys));
	NODE_TRY(node_need(&vkey));
	NODE_TRY(node_string(&vkey, VKEY_MAX, &text));
	NODE_TRY(node_need(&kind));
	NODE_TRY(node_word(&kind, kinds, &word));
	s.p = (const uint8_t *)text;
	s.len = strlen(text);
	if (note_key_parse(&k->key, s, NULL) != PV_OK)
		return node_fail(&vkey, "key",
				 "name+id+base64 of an Ed25519 or P-256 key",
				 "not a verifier key");
	NODE_TRY(check_key(r, o, &vkey, &k->key));
	k->file = word == 1;
	o->keys_n++;
	return PV_OK;
}

/*
 * Stands in signature lines, in lists with commas, and beside "os:<uid>" of
 * those who did not sign.
 */
static enum pv_code parse_name(const struct roster *r, struct roster_officer *o,
			       const struct node *n)
{
	const char *name = "";

	NODE_TRY(node_need(n));
	NODE_TRY(node_name(n, &name));
	if (strpbrk(name, "+,") || strncmp(name, "os:", 3) == 0)
		return node_fail(n, "name",
				 "as \"alice\": no + and no comma, not os:...",
				 "not a name for an officer");
	for (size_t i = 0; i < r->n; i++)
		if (strcasecmp(r->officers[i].name, name) == 0)
			return node_fail(n, "name",
					 "give each officer a name of their "
					 "own, not in capitals only",
					 "\"%s\" stands twice",
					 r->officers[i].name);
	snprintf(o->name, sizeof(o->name), "%s", name);
	return PV_OK;
}

/* Two persons who look the same are one for whoever reads the roster. */
static enum pv_code parse_person(const struct roster *r,
				 struct roster_officer *o, const struct node *n)
{
	const char *s = "";
	uint32_t cp;
	size_t len;

	NODE_TRY(node_need(n));
	NODE_TRY(node_text(n, ROSTER_PERSON_MAX, &s));
	len = strlen(s);
	if (!notechars_seen((struct span){ (const uint8_t *)s, len }, &cp))
		return node_fail(n, "person",
				 "use letters that are one character each, and "
				 "plain blanks",
				 "character U+%04X in a name, which cannot be "
				 "seen",
				 (unsigned)cp);
	if (s[0] == ' ' || s[len - 1] == ' ' || strstr(s, "  "))
		return node_fail(n, "person", "one space between names",
				 "blanks that cannot be seen");
	for (size_t i = 0; i < r->n; i++)
		if (strcasecmp(r->officers[i].person, s) == 0)
			return node_fail(n, "person",
					 "give one officer all keys and roles "
					 "of that person",
					 "the person is also officer \"%s\"",
					 r->officers[i].name);
	snprintf(o->person, sizeof(o->person), "%s", s);
	return PV_OK;
}

static enum pv_code parse_roles(struct roster_officer *o, const struct node *n)
{
	NODE_TRY(node_need(n));
	NODE_TRY(node_array(n, 1, ROLES_N));
	for (size_t i = 0; i < json_array_size(n->v); i++) {
		struct node item = node_at(n, i);
		unsigned word = 0;

		NODE_TRY(node_word(&item, role_names, &word));
		if (o->roles & 1u << word)
			return node_fail(&item, "role", "name it once",
					 "role \"%s\" stands twice",
					 role_names[word]);
		o->roles |= 1u << word;
	}
	return PV_OK;
}

static enum pv_code parse_officer(struct roster *r, const struct node *n)
{
	static const char *const known[] = { "name", "person", "roles", "keys",
					     NULL };
	struct roster_officer *o = &r->officers[r->n];
	struct node name = node_get(n, "name");
	struct node person = node_get(n, "person");
	struct node roles = node_get(n, "roles");
	struct node keys = node_get(n, "keys");

	NODE_TRY(node_object(n, known));
	NODE_TRY(parse_name(r, o, &name));
	NODE_TRY(parse_person(r, o, &person));
	NODE_TRY(parse_roles(o, &roles));
	NODE_TRY(node_need(&keys));
	NODE_TRY(node_array(&keys, 1, ROSTER_KEYS_MAX));
	for (size_t i = 0; i < json_array_size(keys.v); i++) {
		struct node key = node_at(&keys, i);

		NODE_TRY(parse_key(r, o, &key));
	}
	r->n++;
	return PV_OK;
}

static enum pv_code parse_quorum(struct roster *r, const struct node *n)
{
	size_t may = roster_count(r, ROLE_SECURITY_OFFICER);
	const char *known[QUORUM_OPS + 1] = { NULL };
	struct node own = node_get(n, quorum_op_name(QUORUM_ROSTER));

	for (size_t i = 0; i < QUORUM_OPS; i++)
		known[i] = quorum_op_name((enum quorum_op)i);
	NODE_TRY(node_need(n));
	NODE_TRY(node_object(n, known));
	NODE_TRY(node_need(&own));
	for (size_t i = 0; i < QUORUM_OPS; i++) {
		struct node count = node_get(n, known[i]);
		uint32_t persons = r->quorum.persons[QUORUM_ROSTER];

		NODE_TRY(node_u32(&count, 1, INT32_MAX, &persons));
		if (persons > may)
			return node_fail(&count, "quorum",
					 "ask for fewer, or name more security "
					 "officers",
					 "%u persons where %zu are security "
					 "officers",
					 persons, may);
		r->quorum.persons[i] = persons;
	}
	return PV_OK;
}

/* The first one replaces none. */
static enum pv_code parse_replaces(struct roster *r, const struct node *n)
{
	const char *hex = "";
	const size_t digits = 2 * sizeof(r->replaces);

	NODE_TRY(node_string(n, digits, &hex));
	if (!n->v)
		return PV_OK;
	if (strlen(hex) != digits ||
	    strspn(hex, "0123456789abcdef") != digits ||
	    !hex_decode(hex, r->replaces, sizeof(r->replaces)))
		return node_fail(n, "replaces", "as sha256sum prints it",
				 "not a SHA-256 in small hex digits");
	if (r->version == 1)
		return node_fail(n, "replaces", "leave it out",
				 "version 1 replaces no roster");
	r->replaces_one = true;
	return PV_OK;
}

static enum pv_code parse_all(const struct node_reader *reader,
			      struct roster *r)
{
	static const char *const keys[] = { "roster",	"version", "replaces",
					    "officers", "quorum",  NULL };
	static const char *const formats[] = { ROSTER_FORMAT, NULL };
	struct node root = node_root(reader);
	struct node format = node_get(&root, "roster");
	struct node version = node_get(&root, "version");
	struct node replaces = node_get(&root, "replaces");
	struct node officers = node_get(&root, "officers");
	struct node quorum = node_get(&root, "quorum");
	unsigned word = 0;

	NODE_TRY(node_object(&root, keys));
	NODE_TRY(node_need(&format));
	NODE_TRY(node_word(&format, formats, &word));
	NODE_TRY(node_need(&version));
	NODE_TRY(node_u64(&version, 1, ROSTER_VERSION_MAX, &r->version));
	NODE_TRY(parse_replaces(r, &replaces));
	NODE_TRY(node_need(&officers));
	NODE_TRY(node_array(&officers, 1, ROSTER_MAX));
	for (size_t i = 0; i < json_array_size(officers.v); i++) {
		struct node officer = node_at(&officers, i);

		NODE_TRY(parse_officer(r, &officer));
	}
	return parse_quorum(r, &quorum);
}

enum pv_code roster_parse(struct span text, struct roster **out,
			  struct err *err)
{
	CLEANUP(cleanup_json_doc_free) struct json_doc *doc = NULL;
	CLEANUP(cleanup_roster_free) struct roster *roster = NULL;
	struct node_reader r = { .area = "roster",
				 .schema = "see templates/roster.schema.json",
				 .err = err };

	*out = NULL;
	NODE_TRY(json_parse_max(text, ROSTER_SIZE_MAX, &doc, err));
	roster = mem_new(sizeof(*roster), err);
	if (!roster)
		return PV_INTERNAL;
	NODE_TRY(sha256(text, roster->sha256, err));
	r.doc = doc;
	NODE_TRY(parse_all(&r, roster));
	*out = TAKE(roster);
	return PV_OK;
}

void roster_free(struct roster *roster)
{
	free(roster);
}

const struct roster_officer *roster_find(const struct roster *roster,
					 struct span name)
{
	for (size_t i = 0; i < roster->n; i++)
		if (span_is(name, roster->officers[i].name))
			return &roster->officers[i];
	return NULL;
}

const struct roster_officer *roster_find_key(const struct roster *roster,
					     struct span name,
					     const uint8_t id[4],
					     const struct roster_key **key)
{
	const struct roster_officer *o = roster_find(roster, name);

	for (size_t i = 0; o && i < o->keys_n; i++) {
		if (memcmp(o->keys[i].key.id, id, 4) != 0)
			continue;
		if (key)
			*key = &o->keys[i];
		return o;
	}
	return NULL;
}

size_t roster_count(const struct roster *roster, unsigned role)
{
	size_t n = 0;

	for (size_t i = 0; i < roster->n; i++)
		n += (roster->officers[i].roles & role) != 0;
	return n;
}

bool roster_needs_all(const struct roster *roster, enum quorum_op op)
{
	return roster->quorum.persons[op] ==
	       roster_count(roster, ROLE_SECURITY_OFFICER);
}
