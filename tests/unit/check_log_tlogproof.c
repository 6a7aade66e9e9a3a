#include <stdlib.h>
#include <string.h>

#include "lib/log/tlogproof.h"
#include "tests/unit/log_fix.h"
#include "tests/unit/notepair.h"
#include "tests/unit/unit.h"

#define ORIGIN "example.com/log"
#define SIZE 100u
#define TITLE "c2sp.org/tlog-proof@v1\n"
#define HASH "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
#define NOTE ORIGIN "\n5\n" HASH "\n\xE2\x80\x94 " ORIGIN " AAECAwQFBgc=\n"

static struct log_hasher hasher;
static struct grove grove;
static struct pair log_key;
static struct cosigner one, two;

static void setup(void)
{
	UNIT_OK(log_hasher_init(&hasher, &err_));
	grove_fill(&grove, &hasher, SIZE, "log");
	pair_new(&log_key, NOTE_ED25519, ORIGIN);
	cosigner_new(&one, "witness.example/1");
	cosigner_new(&two, "witness.example/2");
}

static void teardown(void)
{
	log_hasher_release(&hasher);
	EVP_PKEY_free(log_key.pkey);
	cosigner_free(&one);
	cosigner_free(&two);
}

/* The checkpoint of size leaves, cosigned by one. */
static void checkpoint(struct buf *b, uint64_t size)
{
	struct log_point at = grove_point(&grove, size);
	struct buf body;

	buf_init(&body, LOG_BODY_MAX);
	UNIT_OK(log_checkpoint_put(ORIGIN, &at, &body, &err_));
	start(b, buf_cstr(&body));
	UNIT_OK(add(b, buf_cstr(&body), &log_key, &err_));
	cosigner_line(&one, b, buf_span(&body), 1679315147);
	buf_release(&body);
}

static void prove(struct buf *out, struct span extra, uint64_t index,
		  uint64_t size)
{
	struct grove_view v = { &grove, size };
	const struct log_reader r = grove_reader(&v);
	struct log_proof p;
	struct buf note;

	UNIT_OK(log_prove_inclusion(&hasher, &r, index, size, &p, &err_));
	checkpoint(&note, size);
	buf_init(out, LOG_TLOGPROOF_MAX);
	UNIT_OK(log_tlogproof_put(out, extra, index, &p, buf_span(&note),
				  &err_));
	buf_release(&note);
}

static enum pv_code verify(struct span file, struct span entry, size_t required,
			   struct err *err)
{
	const struct log_witness known[] = { one.w, two.w };
	const struct log_trust trust = { &log_key.key, 1, known, 2, required };
	struct log_tlogproof p;
	enum pv_code rc = log_tlogproof_parse(&p, file, err);

	if (rc == PV_OK)
		rc = log_tlogproof_verify(&p, entry, &trust, &hasher, err);
	log_tlogproof_release(&p);
	return rc;
}

START_TEST(test_every_entry)
{
	char text[GROVE_ENTRY_MAX];
	struct span none = { NULL, 0 };
	struct buf file;
	struct err err;

	for (uint64_t i = 0; i < SIZE; i++) {
		prove(&file, none, i, SIZE);
		UNIT_OK(verify(buf_span(&file), grove_entry("log", i, text), 1,
			       &err_));
		err_init(&err);
		unit_refused(verify(buf_span(&file),
				    grove_entry("gol", i, text), 1, &err),
			     PV_INTEGRITY, "log.proof", &err);
		buf_release(&file);
	}
}
END_TEST

/* Tree and proof by golang.org/x/mod/sumdb/tlog: our tree has the same. */
START_TEST(test_known_answer)
{
	static struct grove large;
	struct grove_view v = { &large, 300 };
	const struct log_reader r = grove_reader(&v);
	struct note_key key;
	const struct log_trust trust = { &key, 1, NULL, 0, 0 };
	struct log_tlogproof p;
	struct log_proof path;
	struct buf b;

	unit_read("log/log.vkey", &b);
	UNIT_OK(note_key_parse(&key, buf_span(&b), &err_));
	buf_release(&b);
	unit_read("log/entry41.tlog-proof", &b);
	UNIT_OK(log_tlogproof_parse(&p, buf_span(&b), &err_));
	ck_assert_uint_eq(p.index, 41);
	ck_assert(span_is(buf_span(&p.extra), "log/41"));
	UNIT_OK(log_tlogproof_verify(&p, span_of("log/41"), &trust, &hasher,
				     &err_));
	grove_fill(&large, &hasher, 300, "log");
	ck_assert_mem_eq(p.checkpoint.at.root, large.root[300], LOG_HASH);
	UNIT_OK(log_prove_inclusion(&hasher, &r, 41, 300, &path, &err_));
	ck_assert_uint_eq(p.path.n, path.n);
	ck_assert_mem_eq(p.path.hash, path.hash, path.n * LOG_HASH);
	log_tlogproof_release(&p);
	buf_release(&b);
	unit_case("log/entry41.tlog-proof", "verify", UNIT_PASS, NULL);
}
END_TEST

/* A log of one entry: no hashes, and the empty line all the same. */
START_TEST(test_parts)
{
	static const char head[] =
		TITLE "extra Zm9yIHBlb3BsZQ==\nindex 0\n\n" ORIGIN "\n1\n";
	char text[GROVE_ENTRY_MAX];
	struct log_tlogproof p;
	struct buf file, again;
	struct err err;

	prove(&file, span_of("for people"), 0, 1);
	ck_assert_uint_gt(file.len, sizeof(head) - 1);
	ck_assert_mem_eq(file.data, head, sizeof(head) - 1);
	UNIT_OK(log_tlogproof_parse(&p, buf_span(&file), &err_));
	ck_assert(span_is(buf_span(&p.extra), "for people"));
	ck_assert_uint_eq(p.path.n, 0);
	ck_assert_uint_eq(p.checkpoint.at.size, 1);
	log_tlogproof_release(&p);
	log_tlogproof_release(&p);
	UNIT_OK(verify(buf_span(&file), grove_entry("log", 0, text), 1, &err_));
	err_init(&err);
	unit_refused(
		verify(buf_span(&file), grove_entry("log", 0, text), 2, &err),
		PV_INTEGRITY, "log.cosignature", &err);
	buf_release(&file);
	prove(&again, span_of(""), 3, 5);
	UNIT_OK(log_tlogproof_parse(&p, buf_span(&again), &err_));
	ck_assert_uint_eq(p.extra.len, 0);
	ck_assert_uint_eq(p.index, 3);
	ck_assert_uint_eq(p.path.n, 3);
	log_tlogproof_release(&p);
	buf_release(&again);
}
END_TEST

/*
 * Whatever is changed, cut off or added, it is not believed. The one line that
 * may be a stranger's, the witness's, is asked for.
 */
START_TEST(test_every_bit)
{
	char text[GROVE_ENTRY_MAX];
	struct span entry = grove_entry("log", 41, text);
	struct span none = { NULL, 0 };
	struct buf file;

	prove(&file, none, 41, SIZE);
	for (size_t bit = 0; bit < 8 * file.len; bit++) {
		file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(verify(buf_span(&file), entry, 1, NULL),
				 PV_INTEGRITY);
		file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < file.len; len++) {
		struct span cut = { file.data, len };

		ck_assert_int_eq(verify(cut, entry, 1, NULL), PV_INTEGRITY);
	}
	buf_put_u8(&file, '\n');
	ck_assert_int_eq(verify(buf_span(&file), entry, 1, NULL), PV_INTEGRITY);
	buf_release(&file);
}
END_TEST

START_TEST(test_bad)
{
	static const char *const bad[] = {
		"",
		TITLE,
		"c2sp.org/tlog-proof@v2\nindex 0\n\n" NOTE,
		" " TITLE "index 0\n\n" NOTE,
		TITLE "\nindex 0\n\n" NOTE,
		TITLE "index 00\n\n" NOTE,
		TITLE "index -1\n\n" NOTE,
		TITLE "index \n\n" NOTE,
		TITLE "index  0\n\n" NOTE,
		TITLE "index 0 \n\n" NOTE,
		TITLE "Index 0\n\n" NOTE,
		TITLE "index 9223372036854775808\n\n" NOTE,
		TITLE "extra \nindex 0\n\n" NOTE,
		TITLE "extra\nindex 0\n\n" NOTE,
		TITLE "extra QQ\nindex 0\n\n" NOTE,
		TITLE "extra QR==\nindex 0\n\n" NOTE,
		TITLE "extra QQ==\nextra QQ==\nindex 0\n\n" NOTE,
		TITLE "index 0\nextra QQ==\n\n" NOTE,
		TITLE "index 0\nindex 0\n\n" NOTE,
		TITLE "extra QQ==\n" HASH "\n" NOTE,
		TITLE "index 0\n" HASH,
		TITLE "index 0\nQQ==\n\n" NOTE,
		TITLE "index 0\n " HASH "\n" NOTE,
		TITLE "index 0\n" HASH NOTE,
		TITLE "index 0\r\n\n" NOTE,
		TITLE "index 0\n\n\n" NOTE,
		TITLE "index 0\n\n",
		TITLE "index 0\n\n" NOTE "\n",
	};
	struct log_tlogproof p;
	struct err err;

	UNIT_OK(log_tlogproof_parse(&p, span_of(TITLE "index 0\n\n" NOTE),
				    &err_));
	log_tlogproof_release(&p);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_init(&err);
		unit_refused(log_tlogproof_parse(&p, span_of(bad[i]), &err),
			     PV_INTEGRITY, NULL, &err);
		ck_assert(strcmp(err.rule, "log.tlogproof") == 0 ||
			  strcmp(err.rule, "log.checkpoint") == 0);
		ck_assert_ptr_null(p.extra.data);
		ck_assert_ptr_null(p.checkpoint.note.mem);
	}
}
END_TEST

static void ck_too_much(const struct buf *b)
{
	struct log_tlogproof p;
	struct err err;

	err_init(&err);
	unit_refused(log_tlogproof_parse(&p, buf_span(b), &err), PV_INTEGRITY,
		     "log.tlogproof", &err);
}

START_TEST(test_limits)
{
	uint8_t *extra = calloc(1, LOG_EXTRA_MAX + 1);
	struct span all = { extra, LOG_EXTRA_MAX };
	struct log_proof path = { .n = LOG_PROOF_MAX };
	struct log_tlogproof p;
	struct buf b;
	struct err err;

	ck_assert_ptr_nonnull(extra);
	buf_init(&b, LOG_TLOGPROOF_MAX + 1);
	UNIT_OK(log_tlogproof_put(&b, all, LOG_SIZE_MAX - 1, &path,
				  span_of(NOTE), &err_));
	UNIT_OK(log_tlogproof_parse(&p, buf_span(&b), &err_));
	ck_assert_uint_eq(p.extra.len, LOG_EXTRA_MAX);
	ck_assert_uint_eq(p.path.n, LOG_PROOF_MAX);
	ck_assert_uint_eq(p.index, LOG_SIZE_MAX - 1);
	log_tlogproof_release(&p);
	buf_reset(&b);
	all.len++;
	err_init(&err);
	unit_refused(log_tlogproof_put(&b, all, 0, &path, span_of(NOTE), &err),
		     PV_INPUT, "log.tlogproof", &err);
	all.len = 0;
	err_init(&err);
	unit_refused(log_tlogproof_put(&b, all, LOG_SIZE_MAX, &path,
				       span_of(NOTE), &err),
		     PV_INPUT, "log.tlogproof", &err);
	err_init(&err);
	unit_refused(log_tlogproof_put(&b, all, 0, &path, span_of("x\n"), &err),
		     PV_INTEGRITY, "log.checkpoint", &err);
	path.n++;
	err_init(&err);
	unit_refused(log_tlogproof_put(&b, all, 0, &path, span_of(NOTE), &err),
		     PV_INPUT, "log.tlogproof", &err);
	ck_assert_uint_eq(b.len, 0);
	/* 65 hashes; more extra data; more bytes than there can be. */
	buf_put_str(&b, TITLE "index 0\n");
	for (size_t i = 0; i <= LOG_PROOF_MAX; i++)
		buf_put_str(&b, HASH);
	buf_put_str(&b, "\n" NOTE);
	ck_too_much(&b);
	buf_reset(&b);
	buf_put_str(&b, TITLE "extra ");
	for (size_t i = 0; i < LOG_EXTRA_MAX / 3 + 1; i++)
		buf_put_str(&b, "AAAA");
	buf_put_str(&b, "\nindex 0\n\n" NOTE);
	ck_too_much(&b);
	buf_reset(&b);
	memset(buf_room(&b, LOG_TLOGPROOF_MAX + 1), 'A', LOG_TLOGPROOF_MAX + 1);
	buf_commit(&b, LOG_TLOGPROOF_MAX + 1);
	ck_too_much(&b);
	buf_release(&b);
	free(extra);
}
END_TEST

/* A file of another log, and one that leads to another checkpoint. */
START_TEST(test_strangers)
{
	char text[GROVE_ENTRY_MAX];
	struct span none = { NULL, 0 };
	struct log_tlogproof p, q;
	struct log_trust trust = { NULL, 0, NULL, 0, 0 };
	struct pair stranger;
	struct buf a, b;
	struct err err;

	pair_new(&stranger, NOTE_ED25519, ORIGIN);
	trust.keys = &stranger.key;
	trust.keys_n = 1;
	prove(&a, none, 3, 40);
	prove(&b, none, 3, 41);
	UNIT_OK(log_tlogproof_parse(&p, buf_span(&a), &err_));
	UNIT_OK(log_tlogproof_parse(&q, buf_span(&b), &err_));
	err_init(&err);
	unit_refused(log_tlogproof_verify(&p, grove_entry("log", 3, text),
					  &trust, &hasher, &err),
		     PV_INTEGRITY, "log.checkpoint", &err);
	trust.keys = &log_key.key;
	UNIT_OK(log_tlogproof_verify(&p, grove_entry("log", 3, text), &trust,
				     &hasher, &err_));
	p.path = q.path;
	err_init(&err);
	unit_refused(log_tlogproof_verify(&p, grove_entry("log", 3, text),
					  &trust, &hasher, &err),
		     PV_INTEGRITY, "log.proof", &err);
	p.index = 40;
	err_init(&err);
	unit_refused(log_tlogproof_verify(&p, grove_entry("log", 40, text),
					  &trust, &hasher, &err),
		     PV_INTEGRITY, "log.proof", &err);
	log_tlogproof_release(&p);
	log_tlogproof_release(&q);
	buf_release(&a);
	buf_release(&b);
	EVP_PKEY_free(stranger.pkey);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log_tlogproof");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_every_entry);
	tcase_add_test(t, test_known_answer);
	tcase_add_test(t, test_parts);
	tcase_add_test(t, test_every_bit);
	tcase_add_test(t, test_bad);
	tcase_add_test(t, test_limits);
	tcase_add_test(t, test_strangers);
	suite_add_tcase(s, t);
	return unit_run(s);
}
