/*
 * roster: the people of an authority: officers with their roles and public
 * keys, and how many of them each operation asks for. A struct roster exists
 * only when every rule held, and is read-only.
 *
 * One officer is one person: a name, a person (either in whatever case) or a
 * key that stands twice is refused, and characters of persons that cannot be
 * seen are, so that counting officers counts persons. Keys under which anybody
 * can sign (weakkey.h) are refused.
 *
 * Does not check: that a person exists, that a key is in a token ("token" is
 * what the officers agreed on), that the roster is the one in force.
 * Specification: policy.md, "Officers"; templates/roster.schema.json.
 */
#ifndef PV_POLICY_ROSTER_H
#define PV_POLICY_ROSTER_H

#include "lib/base/note.h"
#include "policy/quorum.h"

#define ROSTER_FORMAT "provctl/roster/v1"
#define ROSTER_SIZE_MAX (64u * 1024u) /* bytes */
#define ROSTER_MAX 32		      /* officers */
#define ROSTER_KEYS_MAX 4	      /* of one officer */
#define ROSTER_NAME_MAX 64	      /* bytes, name_is_safe() */
#define ROSTER_PERSON_MAX 128	      /* bytes of UTF-8 */
#define ROSTER_VERSION_MAX                                                     \
	UINT64_C(9007199254740991) /* 2^53 - 1, RFC 8259 6                     \
				    */

#define ROLE_NONE 0u
#define ROLE_SECURITY_OFFICER 1u
#define ROLE_OPERATOR 2u
#define ROLE_AUDITOR 4u
#define ROLE_TECHNICIAN 8u
#define ROLES_N 4u /* bits in use */

struct roster_key {
	struct note_key key; /* its name is the officer's */
	bool file;	     /* may be a key file; else a token's key */
};

struct roster_officer {
	char name[ROSTER_NAME_MAX + 1]; /* no '+', no ',', not "os:..." */
	char person[ROSTER_PERSON_MAX + 1];
	unsigned roles; /* ROLE_* bits, at least one */
	struct roster_key keys[ROSTER_KEYS_MAX];
	size_t keys_n; /* at least 1 */
};

struct roster {
	uint64_t version; /* 1 to ROSTER_VERSION_MAX */
	bool replaces_one;
	uint8_t replaces[32]; /* of the bytes of the one that it replaces */
	struct roster_officer officers[ROSTER_MAX];
	size_t n;
	struct roster_quorum quorum;
	uint8_t sha256[32]; /* of the roster's bytes */
};

/*
 * Parses a roster's bytes. *out is owned by the caller, NULL on failure.
 * PV_INPUT with pointer, line and column in the message, rule "json.*",
 * "roster.key" (no key of its officer, or one that stands twice),
 * "roster.name", "roster.person", "roster.role", "roster.quorum",
 * "roster.replaces" (no hash, or of a first one), or the
 * general ones of forms: "roster.missing", "roster.unknown_key", ...
 */
PV_MUST enum pv_code roster_parse(struct span text, struct roster **out,
				  struct err *err);
void roster_free(struct roster *roster);

/* NULL when nobody has that name. */
const struct roster_officer *roster_find(const struct roster *roster,
					 struct span name);
/*
 * Whose key it is, by the name and the key id of a note's signature line; NULL:
 * nobody's. *key (key may be NULL) is that key.
 */
const struct roster_officer *roster_find_key(const struct roster *roster,
					     struct span name,
					     const uint8_t id[4],
					     const struct roster_key **key);
/* Persons who hold role, one ROLE_* bit. */
size_t roster_count(const struct roster *roster, unsigned role);
/* All of its security officers must agree to that: whoever of them asks for it
 * cannot approve it, so that it passes for who asks as nobody of them only. */
bool roster_needs_all(const struct roster *roster, enum quorum_op op);

/* "security-officer" and so on, for one ROLE_* bit. */
const char *role_name(unsigned role);

#endif
