#include <string.h>

#include "lib/base/base64.h"
#include "tests/unit/log_fix.h"
#include "tests/unit/notepair.h"
#include "tests/unit/unit.h"

#define ORIGIN "example.com/log"
#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
#define BODY ORIGIN "\n20852163\n" ROOT "\n"
#define NOW 1679315147u
#define MARK "\xE2\x80\x94 "

static struct pair log_key;
static struct cosigner one, two, twin, stranger;

static void setup(void)
{
	pair_new(&log_key, NOTE_ED25519, ORIGIN);
	cosigner_new(&one, "witness.example/1");
	cosigner_new(&two, "witness.example/2");
	cosigner_twin(&twin, &one, "witness.example/twin");
	cosigner_new(&stranger, "stranger.example");
}

static void teardown(void)
{
	EVP_PKEY_free(log_key.pkey);
	cosigner_free(&one);
	cosigner_free(&two);
	cosigner_free(&twin);
	cosigner_free(&stranger);
}

/* The log's checkpoint, without witnesses. */
static void start_log(struct buf *b)
{
	start(b, BODY);
	UNIT_OK(add(b, BODY, &log_key, &err_));
}

static enum pv_code count(struct span note, const struct log_witness *known,
			  size_t n, size_t *found, struct err *err)
{
	struct log_checkpoint c;
	enum pv_code rc;

	UNIT_OK(log_checkpoint_parse(&c, note, &err_));
	rc = log_cosign_count(&c, known, n, found, err);
	log_checkpoint_release(&c);
	return rc;
}

static size_t counted(const struct buf *note, const struct log_witness *known,
		      size_t n)
{
	size_t found = 99;

	UNIT_OK(count(buf_span(note), known, n, &found, &err_));
	return found;
}

static void miscounted(const struct buf *note, const struct log_witness *w)
{
	size_t found = 99;
	struct err err;

	err_init(&err);
	unit_refused(count(buf_span(note), w, 1, &found, &err), PV_INTEGRITY,
		     "log.cosignature", &err);
	ck_assert_uint_eq(found, 0);
}

/* The example of c2sp.org/tlog-cosignature. */
START_TEST(test_message)
{
	struct buf b;
	struct err err;

	buf_init(&b, LOG_COSIGN_HEAD_MAX + LOG_BODY_MAX);
	UNIT_OK(log_cosign_message(&b, span_of(BODY), NOW, &err_));
	ck_assert(span_is(buf_span(&b),
			  "cosignature/v1\ntime 1679315147\n" BODY));
	buf_reset(&b);
	UNIT_OK(log_cosign_message(&b, span_of(""), LOG_SIZE_MAX - 1, &err_));
	ck_assert_uint_eq(b.len, LOG_COSIGN_HEAD_MAX);
	buf_reset(&b);
	err_init(&err);
	unit_refused(log_cosign_message(&b, span_of(BODY), LOG_SIZE_MAX, &err),
		     PV_INPUT, "log.cosignature", &err);
	ck_assert_uint_eq(b.len, 0);
	buf_release(&b);
}
END_TEST

static void read_witness(struct log_witness *w, const char *name)
{
	struct buf b;

	unit_read(name, &b);
	UNIT_OK(log_witness_parse(w, buf_span(&b), &err_));
	buf_release(&b);
}

/* Signed by golang.org/x/mod/sumdb/note, cosigned by Python's cryptography. */
START_TEST(test_known_answer)
{
	struct log_witness known[2];
	struct note_key key;
	struct log_trust trust = { &key, 1, known, 2, 2 };
	struct log_checkpoint c;
	struct buf b;

	read_witness(&known[0], "log/witness1.vkey");
	read_witness(&known[1], "log/witness2.vkey");
	unit_read("log/log.vkey", &b);
	UNIT_OK(note_key_parse(&key, buf_span(&b), &err_));
	buf_release(&b);
	unit_read("log/cosigned", &b);
	UNIT_OK(log_checkpoint_parse(&c, buf_span(&b), &err_));
	ck_assert_uint_eq(c.at.size, 300);
	ck_assert_uint_eq(c.note.sigs_n, 4);
	UNIT_OK(log_trusted(&c, &trust, &err_));
	log_checkpoint_release(&c);
	buf_release(&b);
	unit_case("log/cosigned", "trusted", UNIT_PASS, NULL);
}
END_TEST

START_TEST(test_count)
{
	const struct log_witness all[] = { one.w, two.w, twin.w, one.w };
	struct buf b;

	start_log(&b);
	ck_assert_uint_eq(counted(&b, all, 4), 0);
	cosigner_line(&one, &b, span_of(BODY), NOW);
	ck_assert_uint_eq(counted(&b, all, 4), 1);
	ck_assert_uint_eq(counted(&b, all, 0), 0);
	cosigner_line(&stranger, &b, span_of(BODY), NOW);
	ck_assert_uint_eq(counted(&b, all, 4), 1);
	/* The same key again: under its name, and under another. */
	cosigner_line(&one, &b, span_of(BODY), NOW + 1);
	cosigner_line(&twin, &b, span_of(BODY), NOW);
	ck_assert_uint_eq(counted(&b, all, 4), 1);
	ck_assert_uint_eq(counted(&b, &twin.w, 1), 1);
	cosigner_line(&two, &b, span_of(BODY), 0);
	ck_assert_uint_eq(counted(&b, all, 4), 2);
	buf_release(&b);
}
END_TEST

static enum pv_code time_of(struct span note, const struct log_witness *w,
			    uint64_t *time_s, struct err *err)
{
	struct log_checkpoint c;
	enum pv_code rc;

	UNIT_OK(log_checkpoint_parse(&c, note, &err_));
	rc = log_cosign_time(&c, w, time_s, err);
	log_checkpoint_release(&c);
	return rc;
}

START_TEST(test_time)
{
	struct err err;
	uint64_t time_s = 99;
	struct buf b;

	start_log(&b);
	UNIT_OK(time_of(buf_span(&b), &one.w, &time_s, &err_));
	ck_assert_uint_eq(time_s, 0);
	cosigner_line(&one, &b, span_of(BODY), NOW + 5);
	cosigner_line(&one, &b, span_of(BODY), NOW);
	cosigner_line(&two, &b, span_of(BODY), NOW + 9);
	UNIT_OK(time_of(buf_span(&b), &one.w, &time_s, &err_));
	ck_assert_uint_eq(time_s, NOW + 5);
	UNIT_OK(time_of(buf_span(&b), &two.w, &time_s, &err_));
	ck_assert_uint_eq(time_s, NOW + 9);
	/* A line that is not true: no time at all. */
	cosigner_line(&one, &b, span_of(BODY "x\n"), NOW + 100);
	err_init(&err);
	unit_refused(time_of(buf_span(&b), &one.w, &time_s, &err), PV_INTEGRITY,
		     "log.cosignature", &err);
	ck_assert_uint_eq(time_s, 0);
	buf_release(&b);
}
END_TEST

/* A line of w with that id and that many bytes behind it. */
static void put_line(struct buf *b, const struct cosigner *c,
		     const uint8_t *bytes, size_t len)
{
	uint8_t blob[200];
	char text[BASE64_LEN(sizeof(blob)) + 1];

	memcpy(blob, c->w.id, LOG_WITNESS_ID);
	memcpy(blob + LOG_WITNESS_ID, bytes, len);
	base64_encode(blob, LOG_WITNESS_ID + len, text);
	buf_printf(b, MARK "%s %s\n", c->w.name, text);
}

START_TEST(test_wrong_lines)
{
	uint8_t sig[8 + LOG_COSIGN_SIG + 1] = { 0 };
	struct buf b;
	size_t head;

	start_log(&b);
	head = b.len;
	sig[7] = 5;
	cosigner_sign(&one, span_of(BODY), 5, sig + 8);
	put_line(&b, &one, sig, 8 + LOG_COSIGN_SIG);
	ck_assert_uint_eq(counted(&b, &one.w, 1), 1);
	for (size_t bit = 0; bit < 8 * (8 + LOG_COSIGN_SIG); bit++) {
		b.len = head;
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		put_line(&b, &one, sig, 8 + LOG_COSIGN_SIG);
		sig[bit / 8] ^= (uint8_t)(1u << bit % 8);
		miscounted(&b, &one.w);
	}
	for (size_t len = 1; len <= sizeof(sig); len++) {
		b.len = head;
		put_line(&b, &one, sig, len);
		if (len != 8 + LOG_COSIGN_SIG)
			miscounted(&b, &one.w);
	}
	/* A true one does not outweigh a wrong one. */
	cosigner_line(&one, &b, span_of(BODY), 5);
	miscounted(&b, &one.w);
	/* Of another checkpoint, and of the body alone. */
	b.len = head;
	cosigner_line(&one, &b, span_of("x" BODY), 5);
	miscounted(&b, &one.w);
	buf_release(&b);
}
END_TEST

/* The log's own signature is no cosignature, and the reverse. */
START_TEST(test_purposes)
{
	struct log_checkpoint c;
	struct cosigner self;
	struct pair witness;
	struct buf b;
	struct err err;

	cosigner_twin(&self, &(struct cosigner){ .pkey = log_key.pkey },
		      ORIGIN);
	start_log(&b);
	ck_assert_mem_ne(self.w.id, log_key.key.id, LOG_WITNESS_ID);
	ck_assert_uint_eq(counted(&b, &self.w, 1), 0);
	buf_release(&b);
	cosigner_free(&self);
	/* A witness with the origin for a name signs no checkpoint. */
	pair_use(&witness, one.pkey, ORIGIN);
	cosigner_twin(&self, &one, ORIGIN);
	start(&b, BODY);
	cosigner_line(&self, &b, span_of(BODY), NOW);
	UNIT_OK(log_checkpoint_parse(&c, buf_span(&b), &err_));
	err_init(&err);
	unit_refused(log_checkpoint_verify(&c, &witness.key, 1, &err),
		     PV_INTEGRITY, "log.checkpoint", &err);
	log_checkpoint_release(&c);
	buf_release(&b);
	cosigner_free(&self);
}
END_TEST

/* ---- adding lines ---- */

static void not_added(struct buf *b, struct span lines, enum pv_code code,
		      const char *rule)
{
	size_t len = b->len;
	struct err err;

	err_init(&err);
	unit_refused(log_cosign_take(b, lines, &one.w, 1, &err), code, rule,
		     &err);
	ck_assert_uint_eq(b->len, len);
	ck_assert(!b->failed);
}

START_TEST(test_add)
{
	const struct log_witness all[] = { one.w, two.w };
	uint8_t sig[LOG_COSIGN_SIG];
	struct buf b, lines;
	struct err err;

	start_log(&b);
	cosigner_sign(&one, span_of(BODY), NOW, sig);
	UNIT_OK(log_cosign_add(&b, &one.w, NOW, sig, &err_));
	ck_assert_uint_eq(counted(&b, all, 2), 1);
	err_init(&err);
	unit_refused(log_cosign_add(&b, &one.w, NOW, sig, &err), PV_CONFLICT,
		     "log.cosignature", &err);
	sig[0] ^= 1;
	err_init(&err);
	unit_refused(log_cosign_add(&b, &one.w, NOW, sig, &err), PV_INTEGRITY,
		     "log.cosignature", &err);
	sig[0] ^= 1;
	err_init(&err);
	unit_refused(log_cosign_add(&b, &two.w, NOW, sig, &err), PV_INTEGRITY,
		     "log.cosignature", &err);
	err_init(&err);
	unit_refused(log_cosign_add(&b, &two.w, LOG_SIZE_MAX, sig, &err),
		     PV_INTEGRITY, "log.cosignature", &err);
	/* The bytes are those that the witness's own line has. */
	buf_init(&lines, NOTE_SIZE_MAX);
	start_log(&lines);
	cosigner_line(&one, &lines, span_of(BODY), NOW);
	ck_assert(span_equal(buf_span(&b), buf_span(&lines)));
	buf_release(&lines);
	buf_init(&lines, NOTE_SIZE_MAX);
	cosigner_line(&two, &lines, span_of(BODY), NOW);
	UNIT_OK(log_cosign_take(&b, buf_span(&lines), all, 2, &err_));
	ck_assert_uint_eq(counted(&b, all, 2), 2);
	buf_release(&lines);
	buf_release(&b);
}
END_TEST

START_TEST(test_take_refused)
{
	struct buf b, lines;

	start_log(&b);
	buf_init(&lines, NOTE_SIZE_MAX);
	not_added(&b, span_of(""), PV_INPUT, "log.cosignature");
	not_added(&b, span_of("\n"), PV_INTEGRITY, "log.checkpoint");
	not_added(&b, span_of("nonsense\n"), PV_INTEGRITY, "log.checkpoint");
	not_added(&b, span_of(MARK "witness.example/1 AAECAwQ="), PV_INPUT,
		  "log.cosignature");
	cosigner_line(&two, &lines, span_of(BODY), NOW);
	not_added(&b, buf_span(&lines), PV_INTEGRITY, "log.cosignature");
	buf_reset(&lines);
	cosigner_line(&one, &lines, span_of(BODY), NOW);
	lines.len--;
	not_added(&b, buf_span(&lines), PV_INPUT, "log.cosignature");
	buf_reset(&lines);
	buf_put_str(&lines, "\n");
	cosigner_line(&one, &lines, span_of(BODY), NOW);
	not_added(&b, buf_span(&lines), PV_INTEGRITY, "log.checkpoint");
	/* One true line, and the same again. */
	buf_reset(&lines);
	cosigner_line(&one, &lines, span_of(BODY), NOW);
	cosigner_line(&one, &lines, span_of(BODY), NOW);
	not_added(&b, buf_span(&lines), PV_CONFLICT, "log.cosignature");
	/* To what is no checkpoint. */
	buf_reset(&b);
	buf_put_str(&b, "text\n");
	lines.len /= 2;
	not_added(&b, buf_span(&lines), PV_INTEGRITY, "log.checkpoint");
	buf_release(&lines);
	buf_release(&b);
}
END_TEST

START_TEST(test_limits)
{
	struct buf b, line;

	start_log(&b);
	buf_init(&line, NOTE_SIZE_MAX);
	cosigner_line(&one, &line, span_of(BODY), NOW);
	b.max = b.len + line.len - 1;
	not_added(&b, buf_span(&line), PV_INPUT, "log.cosignature");
	b.max = NOTE_SIZE_MAX;
	for (size_t i = 1; i < NOTE_SIGS_MAX - 1; i++)
		buf_put_str(&b, MARK "x AAECAwQ=\n");
	UNIT_OK(log_cosign_take(&b, buf_span(&line), &one.w, 1, &err_));
	ck_assert_uint_eq(counted(&b, &one.w, 1), 1);
	buf_reset(&line);
	cosigner_line(&two, &line, span_of(BODY), NOW);
	not_added(&b, buf_span(&line), PV_INPUT, "log.cosignature");
	buf_release(&line);
	buf_release(&b);
}
END_TEST

/* A later line takes the place of the one before it; a wrong one, of none. */
START_TEST(test_renew)
{
	static const struct {
		const char *body;
		uint64_t time_s;
		enum pv_code code;
		bool later;
	} rows[] = { { BODY, NOW, PV_OK, false },
		     { BODY, NOW - 1, PV_OK, false },
		     { BODY "x", NOW + 2, PV_INTEGRITY, false },
		     { BODY, NOW + 1, PV_OK, true } };
	const struct log_witness all[] = { one.w, two.w };
	struct buf b, want, line;
	bool later;

	start_log(&b);
	cosigner_line(&one, &b, span_of(BODY), NOW);
	cosigner_line(&two, &b, span_of(BODY), NOW + 9);
	buf_init(&line, NOTE_SIZE_MAX);
	for (size_t i = 0; i < 4; i++) {
		buf_reset(&line);
		cosigner_line(&one, &line, span_of(rows[i].body),
			      rows[i].time_s);
		ck_assert_int_eq(log_cosign_renew(&b, buf_span(&line), all, 2,
						  &later, NULL),
				 rows[i].code);
		ck_assert(later == rows[i].later);
	}
	start_log(&want);
	cosigner_line(&two, &want, span_of(BODY), NOW + 9);
	cosigner_line(&one, &want, span_of(BODY), NOW + 1);
	ck_assert(span_equal(buf_span(&b), buf_span(&want)));
	buf_release(&b);
	buf_release(&want);
	buf_release(&line);
}
END_TEST

/* ---- trust ---- */

static void trust_is(const struct buf *note, const struct log_trust *trust,
		     const char *rule)
{
	struct log_checkpoint c;
	struct err err;

	UNIT_OK(log_checkpoint_parse(&c, buf_span(note), &err_));
	err_init(&err);
	if (rule)
		unit_refused(log_trusted(&c, trust, &err), PV_INTEGRITY, rule,
			     &err);
	else
		unit_ok(log_trusted(&c, trust, &err), &err);
	log_checkpoint_release(&c);
}

START_TEST(test_trust)
{
	const struct log_witness all[] = { one.w, two.w };
	struct log_trust t = { &log_key.key, 1, all, 2, 0 };
	struct buf b;

	start_log(&b);
	trust_is(&b, &t, NULL);
	t.required = 1;
	trust_is(&b, &t, "log.cosignature");
	cosigner_line(&one, &b, span_of(BODY), NOW);
	cosigner_line(&one, &b, span_of(BODY), NOW + 1);
	trust_is(&b, &t, NULL);
	t.required = 2;
	trust_is(&b, &t, "log.cosignature");
	cosigner_line(&two, &b, span_of(BODY), NOW);
	trust_is(&b, &t, NULL);
	t.required = 3; /* more than there are */
	trust_is(&b, &t, "log.cosignature");
	t.required = 0;
	t.keys_n = 0;
	trust_is(&b, &t, "log.checkpoint");
	buf_release(&b);
	/* Witnesses alone do not make a checkpoint. */
	t.keys_n = 1;
	start(&b, BODY);
	cosigner_line(&one, &b, span_of(BODY), NOW);
	trust_is(&b, &t, "log.checkpoint");
	buf_release(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log_cosign");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_message);
	tcase_add_test(t, test_known_answer);
	tcase_add_test(t, test_count);
	tcase_add_test(t, test_time);
	tcase_add_test(t, test_wrong_lines);
	tcase_add_test(t, test_purposes);
	tcase_add_test(t, test_add);
	tcase_add_test(t, test_take_refused);
	tcase_add_test(t, test_renew);
	tcase_add_test(t, test_limits);
	tcase_add_test(t, test_trust);
	suite_add_tcase(s, t);
	return unit_run(s);
}
