/* What a station signs for, and what an audit makes of it. */
#include "lib/flow/stationclaim.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/sha256.h"
#include "lib/log/events.h"
#include "tests/unit/notepair.h"

static struct err err;
static struct pair line, other;

static void make_pairs(void)
{
	pair_new(&line, NOTE_ED25519, "line-1");
	pair_new(&other, NOTE_ED25519, "line-1");
}

static void free_pairs(void)
{
	EVP_PKEY_free(line.pkey);
	EVP_PKEY_free(other.pkey);
}

static int file_of(const char *text)
{
	char path[] = "/tmp/stationclaim.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void make(struct stationclaim *c, struct pair *pair, int fd, bool stream)
{
	const struct stationclaim_run run = { .log = "acme",
					      .order = "o-1",
					      .station = "line-1",
					      .fd = fd,
					      .stream = stream };
	const struct note_signer signer = { .key = &pair->key,
					    .sign = pair_sign,
					    .ctx = pair };

	unit_ok(stationclaim_make(&run, &signer, c, &err), &err);
	ck_assert(c->made);
}

/* What an entry is other than what was signed. */
enum other {
	NOTHING,
	ORDER,
	STATION,
	INPUT,
	NO_INPUT,
	TWO_INPUTS,
	SESSION,
	HASH,
	NOTE,
	NO_NOTE,
	LOG
};

static enum pv_code check(const struct stationclaim *c, enum other other_one,
			  const struct order *o)
{
	static const uint8_t zero[32];
	const struct log_who who = { 1000, "alice" };
	struct log_claim facts = {
		.station = other_one == STATION ? "line-2" : "line-1",
		.order = other_one == ORDER ? "o-2" : "o-1",
		.input = c->session ? NULL : c->input,
		.session = c->session ? c->nonce : NULL,
		.text = other_one == HASH ? zero : c->text_sha256,
		.note = buf_span(&c->note)
	};
	CLEANUP(buf_release) struct buf bytes;
	struct log_entry e, d;

	if (other_one == INPUT || other_one == TWO_INPUTS)
		facts.input = zero;
	if (other_one == NO_INPUT)
		facts.input = facts.session = NULL;
	if (other_one == SESSION) {
		facts.input = NULL;
		facts.session = zero;
	}
	if (other_one == NOTE)
		facts.note.len--;
	log_station_claim(&e, &who, &facts);
	e.facts_n -= other_one == NO_NOTE;
	buf_init(&bytes, LOG_ENTRY_MAX);
	unit_ok(log_entry_encode(&e, &bytes, &err), &err);
	unit_ok(log_entry_decode(buf_span(&bytes), &d, &err), &err);
	return stationclaim_check(&d, other_one == LOG ? "emca" : "acme", o,
				  &err);
}

static struct order *order_of(const struct note_key *key)
{
	struct order *o = mem_new(sizeof(*o), &err);

	ck_assert_ptr_nonnull(o);
	o->keyed_n = 1;
	snprintf(o->keyed[0].name, sizeof(o->keyed[0].name), "line-1");
	o->keyed[0].key = *key;
	return o;
}

static void check_refused(const struct stationclaim *c, enum other other_one,
			  const struct order *o)
{
	err_init(&err);
	unit_refused(check(c, other_one, o), PV_INTEGRITY, "audit.station",
		     &err);
}

START_TEST(test_file)
{
	CLEANUP(stationclaim_release) struct stationclaim c = { .made = false };
	CLEANUP(mem_cleanup) struct order *o = NULL;
	CLEANUP(mem_cleanup) struct order *foreign = NULL;
	const char *text = "{\"device\":\"S1\"}\n";
	uint8_t hash[32];
	int fd = file_of(text);

	err_init(&err);
	make(&c, &line, fd, false);
	ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 0);
	close(fd);
	ck_assert(!c.session);
	unit_ok(sha256(span_of(text), hash, &err), &err);
	ck_assert_mem_eq(c.input, hash, 32);
	o = order_of(&line.key);
	foreign = order_of(&other.key);
	unit_ok(check(&c, NOTHING, o), &err);
	for (enum other i = ORDER; i <= LOG; i++)
		if (i != TWO_INPUTS)
			check_refused(&c, i, o);
	check_refused(&c, NOTHING, foreign);
	o->keyed_n = 0;
	check_refused(&c, NOTHING, o);
}
END_TEST

/* A stream, standard input that is none, one device: for that run alone. */
START_TEST(test_session)
{
	CLEANUP(stationclaim_release) struct stationclaim one = { 0 };
	CLEANUP(stationclaim_release) struct stationclaim two = { 0 };
	CLEANUP(stationclaim_release) struct stationclaim pipes = { 0 };
	CLEANUP(mem_cleanup) struct order *o = NULL;
	int fd = file_of("x"), ends[2];

	err_init(&err);
	make(&one, &line, fd, true);
	make(&two, &line, -1, false);
	ck_assert_int_eq(pipe(ends), 0);
	make(&pipes, &line, ends[0], false);
	ck_assert(one.session && two.session && pipes.session);
	ck_assert_mem_ne(one.nonce, two.nonce, sizeof(one.nonce));
	o = order_of(&line.key);
	unit_ok(check(&two, NOTHING, o), &err);
	check_refused(&two, SESSION, o);
	check_refused(&two, INPUT, o);
	check_refused(&two, TWO_INPUTS, o);
	close(fd);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* A signer that gives out something else. */
START_TEST(test_wrong)
{
	const struct stationclaim_run run = { .log = "acme",
					      .order = "o-1",
					      .station = "line-1",
					      .fd = -1,
					      .stream = true };
	const struct note_signer signer = { .key = &line.key,
					    .sign = pair_sign,
					    .ctx = &line };
	CLEANUP(stationclaim_release) struct stationclaim c = { 0 };

	err_init(&err);
	line.way = PAIR_WRONG;
	ck_assert_int_eq(stationclaim_make(&run, &signer, &c, &err),
			 PV_INTEGRITY);
	ck_assert(!c.made);
	line.way = PAIR_GOOD;
}
END_TEST

static Suite *suite(void)
{
	Suite *suite = suite_create("stationclaim");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, make_pairs, free_pairs);
	tcase_add_test(t, test_file);
	tcase_add_test(t, test_session);
	tcase_add_test(t, test_wrong);
	suite_add_tcase(suite, t);
	return suite;
}

int main(void)
{
	return unit_run(suite());
}
