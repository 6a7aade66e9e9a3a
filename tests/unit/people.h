/*
 * people: officers with key pairs of the test, and the text of a roster of
 * them. alice, bob and carol are security officers (alice with two keys), dave
 * is operator, erin auditor, tim technician.
 */
#ifndef PV_TESTS_PEOPLE_H
#define PV_TESTS_PEOPLE_H

#include <stdio.h>

#include "policy/roster.h"
#include "tests/unit/notepair.h"

enum people_key { ALICE, ALICE_2, BOB, CAROL, DAVE, ERIN, TIM, PEOPLE_KEYS };

struct people {
	struct pair pairs[PEOPLE_KEYS];
	struct roster *roster;
};

static inline void people_key(const struct people *p, enum people_key i,
			      const char *kind, struct buf *out)
{
	buf_put_str(out, "{\"vkey\":\"");
	note_key_put(&p->pairs[i].key, out);
	buf_printf(out, "\",\"kind\":\"%s\"}", kind);
}

/* The roster's text with the quorum's pairs as given. */
static inline void people_text(const struct people *p, const char *quorum,
			       struct buf *out)
{
	static const struct {
		const char *name, *person, *role;
		enum people_key key;
	} who[] = { { "alice", "Alice Example", "security-officer", ALICE },
		    { "bob", "Bob Example", "security-officer", BOB },
		    { "carol", "C\xC3\xA4rol", "security-officer", CAROL },
		    { "dave", "Dave", "operator", DAVE },
		    { "erin", "Erin", "auditor", ERIN },
		    { "tim", "Tim", "technician", TIM } };

	buf_init(out, ROSTER_SIZE_MAX);
	buf_put_str(out, "{\"roster\":\"" ROSTER_FORMAT "\",\"version\":7,"
			 "\"officers\":[");
	for (size_t i = 0; i < sizeof(who) / sizeof(*who); i++) {
		buf_printf(out,
			   "%s{\"name\":\"%s\",\"person\":\"%s\","
			   "\"roles\":[\"%s\"],\"keys\":[",
			   i ? "," : "", who[i].name, who[i].person,
			   who[i].role);
		people_key(p, who[i].key, "token", out);
		if (i == 0) {
			buf_put_str(out, ",");
			people_key(p, ALICE_2, "file", out);
		}
		buf_put_str(out, "]}");
	}
	buf_printf(out, "],\"quorum\":{%s}}", quorum);
}

static inline void people_init(struct people *p, const char *quorum)
{
	static const char *const names[PEOPLE_KEYS] = {
		"alice", "alice", "bob", "carol", "dave", "erin", "tim"
	};
	struct buf text;

	for (size_t i = 0; i < PEOPLE_KEYS; i++)
		pair_new(&p->pairs[i], i % 2 ? NOTE_ECDSA : NOTE_ED25519,
			 names[i]);
	people_text(p, quorum, &text);
	UNIT_OK(roster_parse(buf_span(&text), &p->roster, &err_));
	buf_release(&text);
}

static inline void people_release(struct people *p)
{
	for (size_t i = 0; i < PEOPLE_KEYS; i++)
		EVP_PKEY_free(p->pairs[i].pkey);
	roster_free(p->roster);
}

#endif
