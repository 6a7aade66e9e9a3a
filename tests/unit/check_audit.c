#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/backends.h"
#include "lib/flow/audit.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

CLEANUP_PTR(struct authority, authority_close);

/* ---- edited rows are found (case 34) ---- */

static const struct edit {
	const char *sql, *rule; /* NULL: the store's own checks see it */
} edits[] = {
	{ "delete from ca where name='matter-pai'", NULL },
	{ "update ca set cert=(select cert from ca where name='matter-paa') "
	  "where name='root'",
	  "audit.ca" },
	{ "update ca set name='other' where name='matter-pai'", "audit.ca" },
	{ "update ca set parent='matter-paa' where name='issuing-1'",
	  "chain.name" },
	{ "update own_key set key_id=randomblob(16) where purpose='kdf'",
	  "audit.key" },
	{ "update own_key set label='base/x/1' where purpose='kdf'",
	  "audit.key" },
	{ "update own_key set restore_index=1 where purpose='kdf'",
	  "config.keys" },
	{ "update own_key set spki=(select spki from own_key where "
	  "purpose='root') where purpose='bundle'",
	  "audit.key" },
	{ "update template set version=7 where name='aws-iot'",
	  "store.governance" },
	{ "update template set name='other' where name='aws-iot'",
	  "store.governance" },
	{ "update template set bytes=cast(bytes||x'20' as blob) where "
	  "name='aws-iot'",
	  NULL },
	{ "update manifest set sequence=sequence+2", "manifest.sequence" },
	{ "update manifest set bytes=(select bytes from manifest order by "
	  "template desc limit 1)",
	  "manifest.template" },
	{ "update manifest set bytes=cast(substr(bytes,1,length(bytes)-1)||"
	  "x'00' as blob)",
	  NULL },
	{ "delete from manifest", "manifest.missing" },
	{ "update log set entries=substr(entries,1,length(entries)-1) where "
	  "first=(select max(first) from log)",
	  NULL },
	{ "update state set serial_next=serial_next-3", "audit.serial" },
	{ "update state set last_ms=last_ms+1", "audit.clock" },
	{ "update checkpoint set size=size-1", "audit.checkpoint" },
	{ "update checkpoint set note=substr(note,1,50)", "log.checkpoint" },
	{ "update checkpoint set note=cast(replace(cast(note as text),size,"
	  "size-1) as blob),size=size-1",
	  "note.signature" },
	{ "update own_key set spki=(select spki from own_key where "
	  "purpose='root') where purpose='log'",
	  "log.checkpoint" },
};

START_TEST(finds_edits)
{
	CLEANUP(cleanup_authority_close) struct authority *a = NULL;
	CLEANUP(cleanup_store_close) struct store *store = NULL;
	const struct audit_opts none = { .ctx = NULL };
	struct audit_counts c;
	struct err err;
	sqlite3 *db = NULL;
	const char *base = fix_path("base");
	char text[900];
	enum pv_code rc;

	snprintf(text, sizeof(text), "cp -a %s %s.edit%d", base, base, _i);
	ck_assert_int_eq(system(text), 0);
	snprintf(text, sizeof(text), "%s.edit%d/store.db", base, _i);
	ck_assert_int_eq(sqlite3_open(text, &db), SQLITE_OK);
	sqlite3_exec(db, "pragma foreign_keys=off", NULL, NULL, NULL);
	ck_assert_msg(sqlite3_exec(db, edits[_i].sql, NULL, NULL, NULL) ==
			      SQLITE_OK,
		      "%s", sqlite3_errmsg(db));
	ck_assert_int_gt(sqlite3_changes(db), 0);
	sqlite3_close(db);
	err_init(&err);
	snprintf(text, sizeof(text), "%s.edit%d", base, _i);
	unit_ok(authority_open(text, &a, &err), &err);
	rc = app_backends.store_open(a, false, &store, &err);
	if (rc == PV_OK)
		rc = audit_verify(a, store, &none, &c, &err);
	unit_refused(rc, PV_INTEGRITY, edits[_i].rule, &err);
	ck_assert_str_ne(err.object, "");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("audit");
	TCase *t = tcase_create("audit");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, finds_edits, 0,
			    (int)(sizeof(edits) / sizeof(edits[0])));
	suite_add_tcase(s, t);
	return unit_run(s);
}
