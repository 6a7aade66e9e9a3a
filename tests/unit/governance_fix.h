/*
 * governance_fix: decisions in the authority that the tests of a program share,
 * HOME/governance, and edits behind the store's back.
 */
#ifndef PV_TESTS_GOVERNANCE_FIX_H
#define PV_TESTS_GOVERNANCE_FIX_H

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/fileio.h"
#include "lib/flow/checkpoint_sign.h"
#include "lib/flow/event.h"
#include "lib/flow/governance.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/officer_fix.h"
#include "tests/unit/people_fix.h"
#include "tests/unit/unit.h"

static inline void approve_by(struct opened *o, const char *name, uint8_t seed)
{
	struct fixed_key k;
	const struct note_signer signer = { &k.key, fixed_key_sign, &k };

	fixed_key_init(&k, name, seed);
	unit_ok(people_approve(o->store, &signer, &err), &err);
	EVP_PKEY_free(k.pkey);
}

static inline void approve(struct opened *o)
{
	approve_by(o, PEOPLE_APPROVER, 2);
}

/* In the open transaction. */
static inline void put_roster(struct opened *o)
{
	struct store_people_counts c;
	struct buf text;

	buf_init(&text, 4096);
	unit_ok(store_people_count(o->store, &c, &err), &err);
	roster_text(c.rosters + 1, &text);
	unit_ok(people_roster(o->store, c.rosters + 1, buf_cstr(&text), &err),
		&err);
	approve(o);
	buf_release(&text);
}

static inline void decide(struct opened *o)
{
	STORE_TXN t = STORE_TXN_INIT;

	unit_ok(store_begin(o->store, STORE_WRITE, &t, &err), &err);
	put_roster(o);
	unit_ok(people_clock(o->store, &err), &err);
	approve(o);
	unit_ok(store_commit(&t, &err), &err);
}

static inline void ck_refused(enum pv_code rc, const char *rule)
{
	unit_refused(rc, PV_INTEGRITY, rule, &err);
	err_init(&err);
}

#define TEXT 1024

static inline void text_of(const struct opened *o, char text[TEXT])
{
	struct buf b;

	buf_init(&b, TEXT - 1);
	unit_ok(file_read(o->a->home_fd, GOVERNANCE_FILE, 0, &b, &err), &err);
	snprintf(text, TEXT, "%.*s", (int)b.len, (const char *)b.data);
	buf_release(&b);
}

static inline void put_text(const struct opened *o, const char *text)
{
	unit_ok(file_write(o->a->home_fd, GOVERNANCE_FILE, 0644, text,
			   strlen(text), &err),
		&err);
}

static inline enum pv_code load(const struct opened *o)
{
	struct checkpoint_base base;

	return checkpoint_load(o->a, o->store, &base, &err);
}

static inline void append(const struct opened *o, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		unit_ok(event_export(o->store, "all", "chain", "-", &err),
			&err);
}

static inline void ck_same_decisions(const char *a, const char *b)
{
	ck_assert_str_eq(strstr(a, "\nhead "), strstr(b, "\nhead "));
}

static inline void edit(const char *sql)
{
	char path[600];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/store.db", fix_path("base"));
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK,
		      "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

#endif
