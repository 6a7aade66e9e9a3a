/* Any bytes as a roster: what parses keeps what the header promises. */
#include <string.h>

#include "policy/roster.h"
#include "tests/fuzz/fuzz.h"

static struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static void check_officer(const struct roster *r,
			  const struct roster_officer *o)
{
	struct span name = span_of(o->name);

	FUZZ_CHECK(roster_find(r, name) == o);
	FUZZ_CHECK(o->person[0] && strncmp(o->name, "os:", 3) != 0);
	FUZZ_CHECK(!strpbrk(o->name, "+,/ "));
	FUZZ_CHECK(o->roles != 0 && o->roles < 1u << ROLES_N);
	FUZZ_CHECK(o->keys_n > 0 && o->keys_n <= ROSTER_KEYS_MAX);
	for (size_t i = 0; i < o->keys_n; i++) {
		const struct roster_key *key = NULL;

		FUZZ_CHECK(roster_find_key(r, name, o->keys[i].key.id, &key) ==
			   o);
		FUZZ_CHECK(key == &o->keys[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct roster *r;
	struct err err;

	err_init(&err);
	if (roster_parse((struct span){ data, len }, &r, &err) != PV_OK) {
		FUZZ_CHECK(!r && err.code == PV_INPUT);
		FUZZ_CHECK(err.rule[0] && err.message[0]);
		return 0;
	}
	FUZZ_CHECK(r->version >= 1 && r->version <= ROSTER_VERSION_MAX);
	FUZZ_CHECK(r->n > 0 && r->n <= ROSTER_MAX);
	for (size_t i = 0; i < r->n; i++)
		check_officer(r, &r->officers[i]);
	for (size_t i = 0; i < QUORUM_OPS; i++)
		FUZZ_CHECK(r->quorum.persons[i] >= 1 &&
			   r->quorum.persons[i] <=
				   roster_count(r, ROLE_SECURITY_OFFICER));
	roster_free(r);
	return 0;
}
