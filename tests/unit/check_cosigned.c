/* What witnesses cosigned and what waits for it, on a real token and store. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/flow/checkpoint_sign.h"
#include "lib/flow/cosigned.h"
#include "lib/flow/event.h"
#include "lib/store/store_checkpoint.h"
#include "lib/store/store_log.h"
#include "tests/unit/authority_fix.h"
#include "tests/unit/log_fix.h"
#include "tests/unit/unit.h"

#define NOW 1700000000u
#define BUNDLE "0123456789abcdef0123456789abcdef"

static struct cosigner one, two, twin, stranger;
static struct opened o;
static struct err err;

static void setup(void)
{
	cosigner_new(&one, "witness.example/1");
	cosigner_new(&two, "witness.example/2");
	cosigner_twin(&twin, &one, "witness.example/twin");
	cosigner_new(&stranger, "stranger.example");
	fix_open(&o, true);
	unlinkat(o.a->home_fd, WITNESSES_FILE, 0);
	unlinkat(o.a->home_fd, COSIGNED_FILE, 0);
	err_init(&err);
}

static void teardown(void)
{
	fix_close(&o);
	cosigner_free(&one);
	cosigner_free(&two);
	cosigner_free(&twin);
	cosigner_free(&stranger);
}

static void know(const struct cosigner *a, const struct cosigner *b)
{
	struct buf text;

	buf_init(&text, 4096);
	log_witness_put(&a->w, &text);
	buf_put_u8(&text, '\n');
	if (b) {
		log_witness_put(&b->w, &text);
		buf_put_u8(&text, '\n');
	}
	UNIT_OK(file_write(o.a->home_fd, WITNESSES_FILE, 0644, text.data,
			   text.len, &err_));
	buf_release(&text);
}

static void append(const char *type, const char *object)
{
	struct event_who who;
	struct log_entry e;
	STORE_TXN txn = STORE_TXN_INIT;

	UNIT_OK(store_begin(o.store, STORE_WRITE, &txn, &err_));
	UNIT_OK(event_now(o.store, &who, &err_));
	log_export(&e, &who.who, object, "bundle", "-");
	e.type = log_str(type);
	UNIT_OK(event_append(o.store, &e, &err_));
	UNIT_OK(store_commit(&txn, &err_));
}

/* One more entry that no export is, and a checkpoint over it; its body. */
static void grow(struct buf *body)
{
	struct log_checkpoint c;
	struct buf note;

	append("test", "object");
	UNIT_OK(checkpoint_now(o.a, o.store, o.hsm, &err_));
	buf_init(&note, CHECKPOINT_MAX);
	UNIT_OK(file_read(o.a->home_fd, CHECKPOINT_FILE, 0, &note, &err_));
	UNIT_OK(log_checkpoint_parse(&c, buf_span(&note), &err_));
	buf_init(body, LOG_BODY_MAX);
	buf_put(body, c.note.text.p, c.note.text.len);
	log_checkpoint_release(&c);
	buf_release(&note);
}

static enum pv_code gate(const char *bundle)
{
	struct checkpoint_base base;

	enum pv_code rc;

	err_init(&err);
	rc = checkpoint_load(o.a, o.store, &base, &err);
	return rc == PV_OK ? cosigned_gate(o.a, o.store, &base, bundle, &err)
			   : rc;
}

static void waits(const char *bundle, const char *says)
{
	unit_refused(gate(bundle), PV_WAITING, "log.witnesses", &err);
	ck_assert_msg(strstr(err.message, says), "%s: %s", says, err.message);
}

static void passes(const char *bundle)
{
	unit_ok(gate(bundle), &err);
}

static enum pv_code take_at(const struct cosigner *by, const struct buf *body,
			    uint64_t time_s, struct cosigned_taken *taken)
{
	struct buf line;
	enum pv_code rc;

	buf_init(&line, LOG_COSIGN_LINE_MAX);
	cosigner_line(by, &line, buf_span(body), time_s);
	err_init(&err);
	rc = cosigned_take(o.a, o.store, buf_span(&line), taken, &err);
	buf_release(&line);
	return rc;
}

#define take(by, body, taken) take_at(by, body, NOW, taken)

static void taken_as(const struct cosigner *by, const struct buf *body,
		     size_t count, bool news)
{
	struct cosigned_taken taken;

	unit_ok(take(by, body, &taken), &err);
	ck_assert_uint_eq(taken.count, count);
	ck_assert(taken.news == news);
}

/* Opens the log as a verb does, and asks whether an event may be now. */
static enum pv_code now(uint64_t *witnessed_s)
{
	struct checkpoint_base base;
	struct event_who who;
	enum pv_code rc;

	err_init(&err);
	unit_ok(checkpoint_load(o.a, o.store, &base, &err), &err);
	*witnessed_s = base.witnessed_s;
	rc = event_now(o.store, &who, &err);
	return rc;
}

/* As many witnesses as must cosign hold the clock: not one alone. */
START_TEST(test_time)
{
	uint64_t ahead = (uint64_t)pvtime_now_s() + 1000, at;
	struct cosigned_taken taken;
	struct buf body;

	know(&one, &two);
	grow(&body);
	unit_ok(now(&at), &err);
	ck_assert_uint_eq(at, 0);
	unit_ok(take_at(&one, &body, NOW, &taken), &err);
	unit_ok(now(&at), &err);
	ck_assert_uint_eq(at, NOW);
	unit_ok(take_at(&two, &body, ahead, &taken), &err);
	unit_refused(now(&at), PV_DENIED, "clock.witness", &err);
	ck_assert_uint_eq(at, ahead);
	o.a->witnesses_required = 2;
	unit_ok(now(&at), &err);
	ck_assert_uint_eq(at, NOW);
	o.a->witnesses_required = 0;
	know(&one, NULL);
	unit_ok(now(&at), &err);
	ck_assert_uint_eq(at, NOW);
	buf_release(&body);
}
END_TEST

START_TEST(test_none_required)
{
	struct cosigned c;
	struct checkpoint_base base;
	struct buf body;

	grow(&body);
	passes(NULL);
	UNIT_OK(checkpoint_load(o.a, o.store, &base, &err_));
	UNIT_OK(cosigned_load(o.a, o.store, &base, &c, &err_));
	ck_assert_uint_eq(c.known_n, 0);
	ck_assert_uint_eq(c.at.size, 0);
	know(&one, NULL);
	taken_as(&one, &body, 1, true);
	UNIT_OK(cosigned_load(o.a, o.store, &base, &c, &err_));
	ck_assert_uint_eq(c.last_n, 1);
	ck_assert_uint_eq(c.at.size, base.last.size);
	ck_assert_str_eq(c.missing, "");
	buf_release(&body);
}
END_TEST

START_TEST(test_one_required)
{
	struct buf body;

	o.a->witnesses_required = 1;
	grow(&body);
	waits(NULL, "0 are known");
	know(&one, NULL);
	waits(NULL, "not yet from: witness.example/1");
	waits(BUNDLE, "0 of 1");
	taken_as(&one, &body, 1, true);
	passes(NULL);
	taken_as(&one, &body, 1, false);
	append("export", "object"); /* exports do not hold exports back */
	passes(NULL);
	UNIT_OK(checkpoint_now(o.a, o.store, o.hsm, &err_));
	passes(NULL);
	append("bundle.seal", BUNDLE);
	waits(NULL, "0 of 1");
	waits(BUNDLE, "0 of 1");
	passes("ffffffffffffffffffffffffffffffff");
	buf_release(&body);
	grow(&body);
	waits(BUNDLE, "not yet from: witness.example/1");
	taken_as(&one, &body, 1, true);
	passes(BUNDLE);
	passes(NULL);
	append("bundle.seal", BUNDLE); /* under no checkpoint yet */
	waits(BUNDLE, "grown since");
	waits(NULL, "grown since");
	buf_release(&body);
}
END_TEST

/* Two of two, and answers that come when the log has grown on. */
START_TEST(test_two_required)
{
	struct buf old, new;

	o.a->witnesses_required = 2;
	know(&one, &two);
	grow(&old);
	waits(NULL, "witness.example/1, witness.example/2");
	taken_as(&one, &old, 1, true);
	waits(NULL, "from: witness.example/2");
	append("bundle.seal", BUNDLE);
	grow(&new);
	taken_as(&two, &old, 2, true);
	waits(BUNDLE, "witness.example/1, witness.example/2");
	passes("ffffffffffffffffffffffffffffffff");
	taken_as(&two, &new, 1, true);
	waits(BUNDLE, "from: witness.example/1");
	taken_as(&one, &new, 2, true);
	passes(BUNDLE);
	buf_release(&old);
	buf_release(&new);
}
END_TEST

/* The store has them, too. */
START_TEST(test_kept)
{
	struct buf body, row, file;
	uint64_t size;
	bool found;

	know(&one, NULL);
	grow(&body);
	taken_as(&one, &body, 1, true);
	buf_init(&row, CHECKPOINT_MAX);
	buf_init(&file, CHECKPOINT_MAX);
	UNIT_OK(store_checkpoint_last(o.store, &size, &row, &found, &err_));
	UNIT_OK(file_read(o.a->home_fd, CHECKPOINT_FILE, 0, &file, &err_));
	ck_assert(span_equal(buf_span(&row), buf_span(&file)));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&file), one.w.name));
	buf_reset(&file);
	UNIT_OK(file_read(o.a->home_fd, COSIGNED_FILE, 0, &file, &err_));
	ck_assert(span_equal(buf_span(&row), buf_span(&file)));
	buf_release(&body);
	buf_release(&row);
	buf_release(&file);
}
END_TEST

static void last_row(struct buf *row)
{
	uint64_t size;
	bool found;

	buf_init(row, CHECKPOINT_MAX);
	UNIT_OK(store_checkpoint_last(o.store, &size, row, &found, &err_));
	ck_assert(found);
}

/* A slower process signed the same: what was cosigned meanwhile stays. */
START_TEST(test_not_lost)
{
	struct checkpoint_signer *s = NULL;
	struct checkpoint_base base;
	struct checkpoint_ask ask;
	struct log_point last;
	struct log_checkpoint c;
	struct buf note, before, after;
	bool due;

	know(&one, NULL);
	buf_init(&note, CHECKPOINT_MAX);
	append("test", "object");
	UNIT_OK(checkpoint_load(o.a, o.store, &base, &err_));
	UNIT_OK(checkpoint_ask(o.store, &base.last, &ask, &due, &err_));
	last = base.last;
	UNIT_OK(checkpoint_signer_new(&base, o.hsm, &last, &s, &err_));
	UNIT_OK(checkpoint_sign(s, &ask, &note, &err_));
	UNIT_OK(checkpoint_now(o.a, o.store, o.hsm, &err_));
	UNIT_OK(log_checkpoint_parse(&c, buf_span(&note), &err_));
	buf_init(&before, LOG_BODY_MAX);
	buf_put(&before, c.note.text.p, c.note.text.len);
	taken_as(&one, &before, 1, true);
	buf_release(&before);
	last_row(&before);
	UNIT_OK(checkpoint_keep(o.a, o.store, &base, &ask, buf_span(&note),
				&err_));
	ck_assert_uint_eq(base.last.size, ask.next.size);
	last_row(&after);
	ck_assert(span_equal(buf_span(&before), buf_span(&after)));
	buf_reset(&after);
	UNIT_OK(file_read(o.a->home_fd, CHECKPOINT_FILE, 0, &after, &err_));
	ck_assert(span_equal(buf_span(&before), buf_span(&after)));
	log_checkpoint_release(&c);
	checkpoint_signer_free(s);
	buf_release(&note);
	buf_release(&before);
	buf_release(&after);
}
END_TEST

static void file_of_home(const char *name, struct buf *out)
{
	buf_init(out, CHECKPOINT_MAX);
	UNIT_OK(file_read(o.a->home_fd, name, 0, out, &err_));
}

/* An old HOME/checkpoint was put back: it comes up to the store's row. */
START_TEST(test_file_behind)
{
	struct buf old, body, row, file;

	know(&one, NULL);
	grow(&body);
	buf_release(&body);
	file_of_home(CHECKPOINT_FILE, &old);
	grow(&body);
	taken_as(&one, &body, 1, true);
	UNIT_OK(file_write(o.a->home_fd, CHECKPOINT_FILE, 0644, old.data,
			   old.len, &err_));
	UNIT_OK(checkpoint_now(o.a, o.store, o.hsm, &err_));
	last_row(&row);
	file_of_home(CHECKPOINT_FILE, &file);
	ck_assert(span_equal(buf_span(&row), buf_span(&file)));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&file), one.w.name));
	buf_release(&old);
	buf_release(&body);
	buf_release(&row);
	buf_release(&file);
}
END_TEST

START_TEST(test_take_refuses)
{
	struct cosigned_taken taken;
	struct buf body, bad;
	struct span none = { NULL, 0 };

	o.a->witnesses_required = 1;
	know(&one, &two);
	grow(&body);
	unit_refused(take(&stranger, &body, &taken), PV_INTEGRITY,
		     "log.cosignature", &err);
	unit_refused(take(&twin, &body, &taken), PV_INTEGRITY,
		     "log.cosignature", &err);
	body.data[body.len - 5] ^= 1; /* of another root */
	unit_refused(take(&one, &body, &taken), PV_INTEGRITY, "log.cosignature",
		     &err);
	body.data[body.len - 5] ^= 1;
	err_init(&err);
	unit_refused(cosigned_take(o.a, o.store, none, &taken, &err), PV_INPUT,
		     "log.cosignature", &err);
	/* One good line and one bad: neither. */
	buf_init(&bad, CHECKPOINT_MAX);
	cosigner_line(&one, &bad, buf_span(&body), NOW);
	cosigner_line(&stranger, &bad, buf_span(&body), NOW);
	err_init(&err);
	unit_refused(cosigned_take(o.a, o.store, buf_span(&bad), &taken, &err),
		     PV_INTEGRITY, "log.cosignature", &err);
	/* Cut, and with something behind it. */
	buf_reset(&bad);
	cosigner_line(&one, &bad, buf_span(&body), NOW);
	bad.len--;
	err_init(&err);
	unit_refused(cosigned_take(o.a, o.store, buf_span(&bad), &taken, &err),
		     PV_INPUT, "log.cosignature", &err);
	buf_printf(&bad, "\n\n");
	err_init(&err);
	ck_assert_int_ne(
		cosigned_take(o.a, o.store, buf_span(&bad), &taken, &err),
		PV_OK);
	waits(NULL, "0 of 1");
	/* Both in one file; a later line of a witness takes its place. */
	buf_reset(&bad);
	cosigner_line(&one, &bad, buf_span(&body), NOW);
	cosigner_line(&two, &bad, buf_span(&body), NOW);
	err_init(&err);
	unit_ok(cosigned_take(o.a, o.store, buf_span(&bad), &taken, &err),
		&err);
	ck_assert_uint_eq(taken.count, 2);
	buf_reset(&bad);
	cosigner_line(&one, &bad, buf_span(&body), NOW + 1);
	unit_ok(cosigned_take(o.a, o.store, buf_span(&bad), &taken, &err),
		&err);
	ck_assert_uint_eq(taken.count, 2);
	ck_assert(taken.news);
	passes(NULL);
	buf_release(&bad);
	buf_release(&body);
}
END_TEST

static void put_witnesses(const char *text)
{
	UNIT_OK(file_write(o.a->home_fd, WITNESSES_FILE, 0644, text,
			   strlen(text), &err_));
}

START_TEST(test_files)
{
	struct buf body, note;

	o.a->witnesses_required = 1;
	know(&one, &twin);
	unit_refused(gate(NULL), PV_INPUT, "log.witness", &err);
	put_witnesses("witness.example+00000000+AAAA\n");
	unit_refused(gate(NULL), PV_INPUT, "log.witness", &err);
	ck_assert_str_eq(err.object, WITNESSES_FILE);
	put_witnesses("\n");
	unit_refused(gate(NULL), PV_INPUT, "log.witness", &err);
	know(&one, NULL);
	ck_assert_int_eq(fchmodat(o.a->home_fd, WITNESSES_FILE, 0666, 0), 0);
	ck_assert_int_eq(gate(NULL), PV_DENIED);
	know(&one, NULL);
	grow(&body);
	taken_as(&one, &body, 1, true);
	append("test", "object");
	UNIT_OK(checkpoint_now(o.a, o.store, o.hsm, &err_));
	waits(NULL, "not yet");
	/* Nobody on the list cosigned it any more. */
	know(&two, NULL);
	waits(BUNDLE, "up to 0 entries");
	know(&one, NULL);
	passes(BUNDLE);
	/* HOME/cosigned is edited. */
	buf_init(&note, CHECKPOINT_MAX);
	UNIT_OK(file_read(o.a->home_fd, COSIGNED_FILE, 0, &note, &err_));
	note.data[note.len - 10] ^= 1; /* in the cosignature */
	UNIT_OK(file_write(o.a->home_fd, COSIGNED_FILE, 0644, note.data,
			   note.len, &err_));
	ck_assert_int_eq(gate(BUNDLE), PV_INTEGRITY);
	ck_assert_str_eq(err.object, COSIGNED_FILE);
	unlinkat(o.a->home_fd, COSIGNED_FILE, 0);
	waits(BUNDLE, "up to 0 entries");
	buf_release(&note);
	buf_release(&body);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cosigned");
	TCase *t = tcase_create("all");

	tcase_add_unchecked_fixture(t, fix_make_base, NULL);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_time);
	tcase_add_test(t, test_none_required);
	tcase_add_test(t, test_one_required);
	tcase_add_test(t, test_two_required);
	tcase_add_test(t, test_kept);
	tcase_add_test(t, test_not_lost);
	tcase_add_test(t, test_file_behind);
	tcase_add_test(t, test_take_refuses);
	tcase_add_test(t, test_files);
	suite_add_tcase(s, t);
	return unit_run(s);
}
