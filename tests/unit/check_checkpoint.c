/* The authority's checkpoints, on a real token and store. */
#include <string.h>

#include "lib/base/fileio.h"
#include "lib/flow/checkpoint_sign.h"
#include "lib/flow/event.h"
#include "lib/flow/ownkey.h"
#include "lib/store/store_checkpoint.h"
#include "lib/store/store_log.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/unit.h"

static struct err err;

static void append(struct store *store, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		unit_ok(event_export(store, "all", "chain", "-", &err), &err);
}

static void load(struct opened *o, struct checkpoint_base *base)
{
	err_init(&err);
	unit_ok(checkpoint_load(o->a, o->store, base, &err), &err);
}

static void ask_for(struct opened *o, const struct checkpoint_base *base,
		    struct checkpoint_ask *ask)
{
	bool due;

	unit_ok(checkpoint_ask(o->store, &base->last, ask, &due, &err), &err);
	ck_assert(due);
}

START_TEST(test_of_a_new_authority)
{
	struct checkpoint_base base;
	struct checkpoint_ask ask;
	uint64_t size;
	bool due;
	OPENED o;

	fix_open(&o, true);
	load(&o, &base);
	ck_assert_uint_eq(base.own_n, 1);
	ck_assert_uint_ge(base.keys_n, 1);
	unit_ok(store_log_size(o.store, &size, &err), &err);
	ck_assert_uint_eq(base.last.size, size);
	unit_ok(checkpoint_ask(o.store, &base.last, &ask, &due, &err), &err);
	ck_assert(!due);
	append(o.store, 3);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	load(&o, &base);
	ck_assert_uint_eq(base.last.size, size + 3);
}
END_TEST

/* The token's side signs only what goes on from what it knows. */
START_TEST(test_signer_refuses)
{
	struct checkpoint_signer *s = NULL;
	struct checkpoint_base base;
	struct checkpoint_ask good, bad;
	struct log_point last;
	struct buf note;
	OPENED o;

	buf_init(&note, CHECKPOINT_MAX);
	fix_open(&o, true);
	append(o.store, 5);
	load(&o, &base);
	append(o.store, 4);
	ask_for(&o, &base, &good);
	ck_assert_uint_gt(good.proof.n, 0);
	last = base.last;
	unit_ok(checkpoint_signer_new(&base, o.hsm, &last, &s, &err), &err);
	bad = good; /* another tree of that size */
	bad.next.root[0] ^= 1;
	unit_refused(checkpoint_sign(s, &bad, &note, &err), PV_INTEGRITY,
		     "log.proof", &err);
	err_init(&err);
	bad = good; /* not proved */
	bad.proof.n--;
	unit_refused(checkpoint_sign(s, &bad, &note, &err), PV_INTEGRITY,
		     "log.proof", &err);
	err_init(&err);
	bad = good; /* smaller than the last */
	bad.next.size = last.size - 1;
	unit_refused(checkpoint_sign(s, &bad, &note, &err), PV_INTEGRITY,
		     "log.checkpoint", &err);
	err_init(&err);
	bad.next = last; /* a second root at one size */
	bad.next.root[31] ^= 1;
	bad.proof.n = 0;
	ck_assert_int_eq(checkpoint_sign(s, &bad, &note, &err), PV_INTEGRITY);
	err_init(&err);
	ck_assert_uint_eq(note.len, 0);
	ck_assert_mem_eq(&last, &base.last, sizeof(last));
	unit_ok(checkpoint_sign(s, &good, &note, &err), &err);
	ck_assert_uint_eq(last.size, good.next.size);
	checkpoint_signer_free(s);
	buf_release(&note);
}
END_TEST

/* The store's side keeps only what it asked for, truly signed. */
START_TEST(test_keep_refuses)
{
	struct checkpoint_signer *s = NULL;
	struct checkpoint_base base, kept;
	struct checkpoint_ask ask, other;
	struct log_point last;
	struct buf note;
	OPENED o;

	buf_init(&note, CHECKPOINT_MAX);
	fix_open(&o, true);
	load(&o, &base);
	append(o.store, 2);
	ask_for(&o, &base, &ask);
	last = base.last;
	unit_ok(checkpoint_signer_new(&base, o.hsm, &last, &s, &err), &err);
	unit_ok(checkpoint_sign(s, &ask, &note, &err), &err);
	other = ask;
	other.next.size--;
	unit_refused(checkpoint_keep(o.a, o.store, &base, &other,
				     buf_span(&note), &err),
		     PV_INTERNAL, "log.checkpoint", &err);
	err_init(&err);
	note.data[note.len - 10] ^= 1;
	ck_assert_int_ne(checkpoint_keep(o.a, o.store, &base, &ask,
					 buf_span(&note), &err),
			 PV_OK);
	err_init(&err);
	note.data[note.len - 10] ^= 1;
	load(&o, &kept);
	ck_assert_uint_eq(kept.last.size, base.last.size);
	unit_ok(checkpoint_keep(o.a, o.store, &base, &ask, buf_span(&note),
				&err),
		&err);
	ck_assert_uint_eq(base.last.size, ask.next.size);
	checkpoint_signer_free(s);
	buf_release(&note);
}
END_TEST

static enum pv_code take_bundle_key(void *ctx, const struct store_key *key,
				    struct err *e)
{
	if (strcmp(key->purpose, "bundle") != 0)
		return PV_OK;
	return ownkey_from_row(key, ctx, e);
}

/* Our own key, our origin, our tree, but a key of another purpose. */
START_TEST(test_other_purpose)
{
	struct checkpoint_signer *s = NULL;
	struct checkpoint_base base, wrong, kept;
	struct checkpoint_ask ask;
	struct log_point last;
	struct buf note, was;
	OPENED o;

	buf_init(&note, CHECKPOINT_MAX);
	buf_init(&was, CHECKPOINT_MAX);
	fix_open(&o, true);
	append(o.store, 5);
	load(&o, &base);
	ask_for(&o, &base, &ask);
	wrong = base;
	const struct store_visit v = { .ctx = &wrong.own[0],
				       .fn.key = take_bundle_key };
	unit_ok(store_key_each(o.store, &v, &err), &err);
	last = base.last;
	unit_ok(checkpoint_signer_new(&wrong, o.hsm, &last, &s, &err), &err);
	unit_ok(checkpoint_sign(s, &ask, &note, &err), &err);
	kept = base;
	unit_refused(checkpoint_keep(o.a, o.store, &kept, &ask, buf_span(&note),
				     &err),
		     PV_INTEGRITY, "log.checkpoint", &err);
	err_init(&err);
	unit_ok(file_read(o.a->home_fd, CHECKPOINT_FILE, 0, &was, &err), &err);
	unit_ok(file_write(o.a->home_fd, CHECKPOINT_FILE, 0644, note.data,
			   note.len, &err),
		&err);
	unit_refused(checkpoint_load(o.a, o.store, &kept, &err), PV_INTEGRITY,
		     "log.checkpoint", &err);
	err_init(&err);
	unit_ok(file_write(o.a->home_fd, CHECKPOINT_FILE, 0644, was.data,
			   was.len, &err),
		&err);
	checkpoint_signer_free(s);
	buf_release(&was);
	buf_release(&note);
}
END_TEST

/*
 * A key that somebody put among ours: what it signs alone is not the log's.
 * The bundle key stands for it.
 */
START_TEST(test_inserted_key)
{
	struct checkpoint_signer *s = NULL;
	struct checkpoint_base base, wrong;
	struct checkpoint_ask ask;
	struct log_point last, at;
	struct buf note, was, got;
	OPENED o;

	buf_init(&note, CHECKPOINT_MAX);
	buf_init(&was, CHECKPOINT_MAX);
	buf_init(&got, CHECKPOINT_MAX);
	fix_open(&o, true);
	append(o.store, 1);
	load(&o, &base);
	ask_for(&o, &base, &ask);
	wrong = base;
	const struct store_visit v = { .ctx = &wrong.own[0],
				       .fn.key = take_bundle_key };
	unit_ok(store_key_each(o.store, &v, &err), &err);
	unit_ok(note_key_from_spki(&base.keys[base.keys_n++], base.origin,
				   (struct span){ wrong.own[0].spki,
						  wrong.own[0].spki_len },
				   &err),
		&err);
	last = base.last;
	unit_ok(checkpoint_signer_new(&wrong, o.hsm, &last, &s, &err), &err);
	unit_ok(checkpoint_sign(s, &ask, &note, &err), &err);
	unit_ok(file_read(o.a->home_fd, CHECKPOINT_FILE, 0, &was, &err), &err);
	unit_ok(file_write(o.a->home_fd, CHECKPOINT_FILE, 0644, note.data,
			   note.len, &err),
		&err);
	unit_refused(
		checkpoint_read(o.a, CHECKPOINT_FILE, &base, &got, &at, &err),
		PV_INTEGRITY, "log.checkpoint", &err);
	err_init(&err);
	unit_ok(file_write(o.a->home_fd, CHECKPOINT_FILE, 0644, was.data,
			   was.len, &err),
		&err);
	checkpoint_signer_free(s);
	buf_release(&got);
	buf_release(&was);
	buf_release(&note);
}
END_TEST

/* Two runs at once: what the slower one signed comes after, and is smaller. */
START_TEST(test_smaller_comes_later)
{
	struct checkpoint_signer *s = NULL;
	struct checkpoint_base slow, now;
	struct checkpoint_ask ask;
	struct log_point last;
	struct buf note;
	OPENED o;

	buf_init(&note, CHECKPOINT_MAX);
	fix_open(&o, true);
	load(&o, &slow);
	append(o.store, 1);
	ask_for(&o, &slow, &ask);
	last = slow.last;
	unit_ok(checkpoint_signer_new(&slow, o.hsm, &last, &s, &err), &err);
	unit_ok(checkpoint_sign(s, &ask, &note, &err), &err);
	append(o.store, 1);
	unit_ok(checkpoint_now(o.a, o.store, o.hsm, &err), &err);
	unit_ok(checkpoint_keep(o.a, o.store, &slow, &ask, buf_span(&note),
				&err),
		&err);
	load(&o, &now);
	ck_assert_uint_eq(now.last.size, ask.next.size + 1);
	checkpoint_signer_free(s);
	buf_release(&note);
}
END_TEST

static enum pv_code count(void *ctx, uint64_t size, struct span note,
			  struct err *e)
{
	uint64_t *last = ctx;

	(void)e;
	ck_assert_uint_gt(size, *last);
	ck_assert_uint_gt(note.len, 0);
	*last = size;
	return PV_OK;
}

START_TEST(test_rows)
{
	STORE_TXN txn = STORE_TXN_INIT;
	uint64_t size, seen = 0, last;
	const struct store_visit v = { &seen, { .checkpoint = count } };
	struct span text = { (const uint8_t *)"note", 4 };
	struct buf note;
	bool found;
	OPENED o;

	buf_init(&note, 100);
	fix_open(&o, false);
	err_init(&err);
	unit_ok(store_log_size(o.store, &size, &err), &err);
	unit_ok(store_begin(o.store, STORE_WRITE, &txn, &err), &err);
	unit_refused(store_checkpoint_put(o.store, 0, text, &err), PV_INPUT,
		     "store.checkpoint", &err);
	err_init(&err);
	unit_refused(store_checkpoint_put(o.store, size + 1, text, &err),
		     PV_INPUT, "store.checkpoint", &err);
	err_init(&err);
	unit_ok(store_checkpoint_put(o.store, size - 1, text, &err), &err);
	unit_ok(store_checkpoint_put(o.store, size, text, &err), &err);
	unit_ok(store_commit(&txn, &err), &err);
	unit_ok(store_checkpoint_each(o.store, 1, &v, &err), &err);
	ck_assert_uint_eq(seen, size);
	unit_ok(store_checkpoint_last(o.store, &last, &note, &found, &err),
		&err);
	ck_assert(found);
	ck_assert_uint_eq(last, size);
	ck_assert_mem_eq(note.data, "note", 4);
	buf_release(&note);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("checkpoint");
	TCase *t = tcase_create("checkpoint");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_of_a_new_authority);
	tcase_add_test(t, test_signer_refuses);
	tcase_add_test(t, test_keep_refuses);
	tcase_add_test(t, test_other_purpose);
	tcase_add_test(t, test_inserted_key);
	tcase_add_test(t, test_smaller_comes_later);
	tcase_add_test(t, test_rows);
	suite_add_tcase(s, t);
	return unit_run(s);
}
