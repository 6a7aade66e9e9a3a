/* What people decided, held against the log: the chain and its file. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/flow/checkpoint_sign.h"
#include "lib/flow/event.h"
#include "lib/flow/governance.h"
#include "tests/unit/governance_fix.h"

/* It goes on with what is decided, and comes to the same when made anew. */
START_TEST(test_file)
{
	char one[TEXT], two[TEXT], again[TEXT];
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	text_of(&o, one);
	ck_assert(strncmp(one, "provctl/governance/v1\nlog ", 26) == 0);
	/* Its templates were adopted. */
	ck_assert(strstr(one, "\nhead -\n") == NULL);
	decide(&o);
	unit_ok(load(&o), &err);
	text_of(&o, again);
	ck_assert_str_eq(again, one);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	text_of(&o, two);
	ck_assert_str_ne(two, one);
	decide(&o);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	unit_ok(load(&o), &err);
	text_of(&o, two);
	ck_assert(unlinkat(o.a->home_fd, GOVERNANCE_FILE, 0) == 0);
	unit_ok(load(&o), &err);
	append(&o, 1);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	text_of(&o, again);
	/* But for the size and what follows from it. */
	*strstr(strstr(two, "\nchain "), "\n\n") = '\0';
	*strstr(strstr(again, "\nchain "), "\n\n") = '\0';
	ck_same_decisions(two, again);
}
END_TEST

/* Nothing is asked of the token for it as long as nobody decides. */
START_TEST(test_seldom_signed)
{
	char one[TEXT], two[TEXT];
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	text_of(&o, one);
	append(&o, GOVERNANCE_BEHIND - 100);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	text_of(&o, two);
	ck_assert_str_eq(one, two);
	unit_ok(load(&o), &err);
	append(&o, 101);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	text_of(&o, two);
	ck_assert_str_ne(one, two);
	unit_ok(load(&o), &err);
}
END_TEST

/* What the log's own key signs for the log as it is. */
static void sign_for(const struct opened *o, const struct checkpoint_base *base,
		     const struct governance *g, struct buf *note)
{
	struct log_point last = base->last;
	struct checkpoint_ask ask = { .governs = true, .governance = *g };
	struct checkpoint_signer *s = NULL;

	last.size = g->size;
	unit_ok(checkpoint_signer_new(base, o->hsm, &last, &s, &err), &err);
	unit_ok(checkpoint_sign_governance(s, &ask, note, &err), &err);
	checkpoint_signer_free(s);
}

static void put_note(const struct opened *o, const struct buf *note)
{
	unit_ok(file_write(o->a->home_fd, GOVERNANCE_FILE, 0644, note->data,
			   note->len, &err),
		&err);
}

START_TEST(test_bad_file)
{
	static const char *const bad[] = {
		"",
		"x",
		"provctl/governance/v1\n",
		"- 0000000000000000000000000000000000000000000000000000000000"
		"000000 5\n",
	};
	char good[TEXT], text[TEXT];
	OPENED o;

	err_init(&err);
	fix_open(&o, false);
	text_of(&o, good);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put_text(&o, bad[i]);
		ck_refused(load(&o), "store.governance");
	}
	for (size_t i = 0; i < strlen(good); i++) { /* no byte is free */
		memcpy(text, good, sizeof(text));
		text[i] = text[i] == '1' ? '2' : '1';
		put_text(&o, text);
		if (load(&o) != PV_INTEGRITY)
			ck_abort_msg("byte %zu of it counts for nothing", i);
		ck_refused(PV_INTEGRITY, "store.governance");
	}
	memcpy(text, good, sizeof(text));
	*(strstr(text, "\n\n") + 2) = '\0'; /* unsigned */
	put_text(&o, text);
	ck_refused(load(&o), "store.governance");
	put_text(&o, good);
	unit_ok(load(&o), &err);
}
END_TEST

/* Truly signed, and not what this store's log says. */
START_TEST(test_signed_wrong)
{
	struct checkpoint_base base, other;
	struct governance g;
	struct buf note;
	OPENED o;

	err_init(&err);
	buf_init(&note, CHECKPOINT_MAX);
	fix_open(&o, true);
	unit_ok(checkpoint_load(o.a, o.store, &base, &err), &err);
	g = base.seen;
	g.chain[31] ^= 1;
	sign_for(&o, &base, &g, &note);
	put_note(&o, &note);
	ck_refused(load(&o), "store.governance");
	g = base.seen;
	g.size = 999999;
	buf_reset(&note);
	sign_for(&o, &base, &g, &note);
	put_note(&o, &note);
	ck_refused(load(&o), "store.governance");
	other = base; /* another log's, of the same key */
	snprintf(other.origin, sizeof(other.origin), "elsewhere");
	buf_reset(&note);
	sign_for(&o, &other, &base.seen, &note);
	put_note(&o, &note);
	ck_refused(load(&o), "store.governance");
	buf_reset(&note);
	sign_for(&o, &base, &base.seen, &note);
	put_note(&o, &note);
	unit_ok(load(&o), &err);
	buf_release(&note);
}
END_TEST

/* Rows are looked at again when they are others than when they were signed, and
 * never signed without having been. */
START_TEST(test_rows)
{
	struct checkpoint_base base;
	struct checkpoint_ask ask;
	struct governance g;
	struct buf note;
	bool due;
	OPENED o;

	err_init(&err);
	buf_init(&note, CHECKPOINT_MAX);
	fix_open(&o, true);
	decide(&o);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	unit_ok(checkpoint_load(o.a, o.store, &base, &err), &err);
	g = base.file;
	g.rows[0] ^= 1;
	sign_for(&o, &base, &g, &note);
	put_note(&o, &note);
	unit_ok(load(&o), &err);
	edit("UPDATE roster SET bytes = CAST(bytes || x'20' AS BLOB)");
	ck_refused(load(&o), "store.governance");
	append(&o, 1);
	unit_ok(checkpoint_ask(o.store, &base.last, &ask, &due, &err), &err);
	/* Nothing was decided: what was signed of the rows is signed again. */
	unit_ok(governance_ask(o.store, &base, &ask, &err), &err);
	ck_assert_mem_eq(ask.governance.rows, base.file.rows, LOG_HASH);
	edit("UPDATE roster SET bytes = CAST(substr(bytes, 1, length(bytes) - "
	     "1) AS BLOB)");
	unit_ok(load(&o), &err);
	decide(&o);
	edit("UPDATE approval SET note = CAST(note || x'20' AS BLOB) WHERE "
	     "log_index = "
	     "(SELECT min(log_index) FROM approval)");
	unit_ok(checkpoint_ask(o.store, &base.last, &ask, &due, &err), &err);
	ck_refused(governance_ask(o.store, &base, &ask, &err),
		   "store.governance");
	buf_release(&note);
}
END_TEST

/* The token's side asks for what it signed last, and for nothing older. */
START_TEST(test_signer_refuses)
{
	struct checkpoint_signer *s = NULL;
	struct checkpoint_ask ask = { .governs = true };
	struct checkpoint_base base;
	struct log_point last;
	struct buf note;
	OPENED o;

	err_init(&err);
	buf_init(&note, CHECKPOINT_MAX);
	fix_open(&o, true);
	decide(&o);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	unit_ok(checkpoint_load(o.a, o.store, &base, &err), &err);
	last = base.last;
	unit_ok(checkpoint_signer_new(&base, o.hsm, &last, &s, &err), &err);
	ask.governance = base.seen;
	ask.governance.size--;
	ck_refused(checkpoint_sign_governance(s, &ask, &note, &err),
		   "store.governance");
	ask.governance = base.seen;
	ask.governance.head--;
	ck_refused(checkpoint_sign_governance(s, &ask, &note, &err),
		   "store.governance");
	ask.governance.head = LOG_NO_PREV;
	ck_refused(checkpoint_sign_governance(s, &ask, &note, &err),
		   "store.governance");
	ck_assert_uint_eq(note.len, 0);
	ask.governs = false;
	unit_ok(checkpoint_sign_governance(s, &ask, &note, &err), &err);
	ck_assert_uint_eq(note.len, 0);
	checkpoint_signer_free(s);
	buf_release(&note);
}
END_TEST

/* Decided since, by another process, in whatever order the files come. */
START_TEST(test_behind)
{
	char first[TEXT];
	OPENED o;

	err_init(&err);
	fix_open(&o, true);
	text_of(&o, first);
	decide(&o);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	put_text(&o, first);
	unit_ok(load(&o), &err);
	ck_assert(unlinkat(o.a->home_fd, GOVERNANCE_FILE, 0) == 0);
	unit_ok(load(&o), &err);
}
END_TEST

/* Two that name the same one before: the log itself is no chain. */
START_TEST(test_take)
{
	CLEANUP(log_hasher_release) struct log_hasher h = LOG_HASHER_INIT;
	struct governance g = GOVERNANCE_INIT;
	const struct log_who who = { 1, "a" };
	const struct span bytes = { (const uint8_t *)"x", 1 };
	uint8_t digest[32] = { 0 };
	struct log_entry e;

	err_init(&err);
	unit_ok(log_hasher_init(&h, &err), &err);
	log_export(&e, &who, "o", "chain", "c");
	unit_ok(governance_take(&g, &h, bytes, &e, 0, &err), &err);
	ck_assert(g.head == LOG_NO_PREV && g.size == 1);
	log_template_adopt(&e, &who, "t", 1, digest, NULL, NULL);
	unit_ok(governance_take(&g, &h, bytes, &e, 1, &err), &err);
	ck_assert(g.head == 1);
	log_clock_accept(&e, &who, NULL, NULL);
	ck_refused(governance_take(&g, &h, bytes, &e, 2, &err),
		   "store.governance");
	log_fact_prev(&e, 0);
	ck_refused(governance_take(&g, &h, bytes, &e, 2, &err),
		   "store.governance");
	log_clock_accept(&e, &who, NULL, NULL);
	log_fact_prev(&e, 1);
	unit_ok(governance_take(&g, &h, bytes, &e, 2, &err), &err);
	ck_assert(g.head == 2 && g.size == 3);
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("governance");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_file);
	tcase_add_test(t, test_seldom_signed);
	tcase_add_test(t, test_bad_file);
	tcase_add_test(t, test_signed_wrong);
	tcase_add_test(t, test_signer_refuses);
	tcase_add_test(t, test_behind);
	tcase_add_test(t, test_take);
	tcase_add_test(t, test_rows);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
