#include <string.h>

#include "lib/base/base64.h"
#include "lib/log/checkpoint.h"
#include "tests/unit/log_fix.h"
#include "tests/unit/notepair.h"
#include "tests/unit/unit.h"

#define ORIGIN "example.com/log"
#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
#define EMPTY "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define LINE "\n\xE2\x80\x94 " ORIGIN " AAECAwQFBgc=\n"

static struct log_hasher hasher;

static void setup(void)
{
	UNIT_OK(log_hasher_init(&hasher, &err_));
}

static void teardown(void)
{
	log_hasher_release(&hasher);
}

static struct log_point point_of(uint64_t size, const char *root)
{
	struct log_point at = { .size = size };
	size_t len;

	ck_assert(base64_decode(root, strlen(root), at.root, LOG_HASH, &len));
	return at;
}

static void parses(const char *bytes, uint64_t size, const char *root)
{
	struct log_point at = point_of(size, root);
	struct log_checkpoint c;
	struct buf b;

	UNIT_OK(log_checkpoint_parse(&c, span_of(bytes), &err_));
	ck_assert(span_is(c.origin, ORIGIN));
	ck_assert_uint_eq(c.at.size, size);
	ck_assert_mem_eq(c.at.root, at.root, LOG_HASH);
	buf_init(&b, LOG_BODY_MAX);
	UNIT_OK(log_checkpoint_put(ORIGIN, &c.at, &b, &err_));
	ck_assert(span_equal(buf_span(&b), c.note.text));
	buf_release(&b);
	log_checkpoint_release(&c);
	log_checkpoint_release(&c);
}

START_TEST(test_good)
{
	parses(ORIGIN "\n20852163\n" ROOT "\n" LINE, 20852163, ROOT);
	parses(ORIGIN "\n0\n" EMPTY "\n" LINE, 0, EMPTY);
	parses(ORIGIN "\n1099511627776\n" ROOT "\n" LINE, UINT64_C(1) << 40,
	       ROOT);
	parses(ORIGIN "\n9223372036854775807\n" ROOT "\n" LINE,
	       LOG_SIZE_MAX - 1, ROOT);
}
END_TEST

static void refused(const char *bytes)
{
	struct log_checkpoint c;
	struct err err;

	err_init(&err);
	unit_refused(log_checkpoint_parse(&c, span_of(bytes), &err),
		     PV_INTEGRITY, "log.checkpoint", &err);
	ck_assert_uint_eq(c.at.size, 0);
	ck_assert_ptr_null(c.note.mem);
}

START_TEST(test_bad)
{
	static const char *const bad[] = {
		"",
		ORIGIN "\n1\n" ROOT "\n",    /* no signature */
		"\n1\n" ROOT "\n" LINE,	     /* no origin */
		"a log\n1\n" ROOT "\n" LINE, /* no key's name */
		"a+log\n1\n" ROOT "\n" LINE,
		ORIGIN "\n" LINE,
		ORIGIN "\n1\n" LINE,
		ORIGIN "\n\n" ROOT "\n" LINE,
		ORIGIN "\n01\n" ROOT "\n" LINE,
		ORIGIN "\n00\n" EMPTY "\n" LINE,
		ORIGIN "\n-1\n" ROOT "\n" LINE,
		ORIGIN "\n1 \n" ROOT "\n" LINE,
		ORIGIN "\n9223372036854775808\n" ROOT "\n" LINE,
		ORIGIN "\n18446744073709551617\n" ROOT "\n" LINE,
		ORIGIN "\n0\n" ROOT "\n" LINE, /* not the empty root */
		ORIGIN "\n1\n" ROOT " \n" LINE,
		ORIGIN
		"\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n" LINE,
		ORIGIN
		"\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n" LINE,
		ORIGIN "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jx\n" LINE,
		ORIGIN "\n1\n" ROOT "\nextension\n" LINE,
		ORIGIN "\n1\n" ROOT "\n\n" LINE, /* an empty extension */
		ORIGIN "\r\n1\n" ROOT "\n" LINE,
		ORIGIN "\n1\n" ROOT "\n" LINE "more\n",
		ORIGIN "\n1\n" ROOT "\n" LINE "\n",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i]);
}
END_TEST

START_TEST(test_no_such_body)
{
	struct log_point at = point_of(1, ROOT);
	char name[NOTE_NAME_MAX + 2];
	struct buf b;
	struct err err;

	memset(name, 'n', sizeof(name));
	name[NOTE_NAME_MAX + 1] = '\0';
	buf_init(&b, LOG_BODY_MAX);
	err_init(&err);
	unit_refused(log_checkpoint_put(name, &at, &b, &err), PV_INPUT,
		     "log.checkpoint", &err);
	err_init(&err);
	unit_refused(log_checkpoint_put("", &at, &b, &err), PV_INPUT,
		     "log.checkpoint", &err);
	err_init(&err);
	unit_refused(log_checkpoint_put("a\nb", &at, &b, &err), PV_INPUT,
		     "log.checkpoint", &err);
	at.size = LOG_SIZE_MAX;
	err_init(&err);
	unit_refused(log_checkpoint_put(ORIGIN, &at, &b, &err), PV_INPUT,
		     "log.checkpoint", &err);
	at.size = 0;
	err_init(&err);
	unit_refused(log_checkpoint_put(ORIGIN, &at, &b, &err), PV_INPUT,
		     "log.checkpoint", &err);
	ck_assert_uint_eq(b.len, 0);
	/* The longest there is has just room. */
	name[NOTE_NAME_MAX] = '\0';
	at.size = LOG_SIZE_MAX - 1;
	UNIT_OK(log_checkpoint_put(name, &at, &b, &err_));
	ck_assert_uint_eq(b.len, LOG_BODY_MAX);
	buf_release(&b);
}
END_TEST

/* ---- signatures ---- */

#define BODY ORIGIN "\n20852163\n" ROOT "\n"

/* The note of BODY with signatures of those pairs. */
static void sign(struct log_checkpoint *c, struct pair *const *pairs, size_t n)
{
	struct buf b;

	start(&b, BODY);
	for (size_t i = 0; i < n; i++)
		UNIT_OK(add(&b, BODY, pairs[i], &err_));
	UNIT_OK(log_checkpoint_parse(c, buf_span(&b), &err_));
	buf_release(&b);
}

static void not_trusted(const struct log_checkpoint *c,
			const struct note_key *keys, size_t n, const char *rule)
{
	struct err err;

	err_init(&err);
	unit_refused(log_checkpoint_verify(c, keys, n, &err), PV_INTEGRITY,
		     rule, &err);
}

START_TEST(test_verify)
{
	struct pair ed, ec, newer, other;
	struct pair *const both[] = { &ed, &ec };
	struct pair *const strange[] = { &other };
	struct note_key keys[3];
	struct log_checkpoint c;

	pair_new(&ed, NOTE_ED25519, ORIGIN);
	pair_new(&ec, NOTE_ECDSA, ORIGIN);
	pair_new(&newer, NOTE_ED25519, ORIGIN);
	pair_new(&other, NOTE_ED25519, "example.com/order");
	keys[0] = newer.key;
	keys[1] = ed.key;
	keys[2] = ec.key;
	sign(&c, both, 2);
	UNIT_OK(log_checkpoint_verify(&c, keys, 3, &err_));
	UNIT_OK(log_checkpoint_verify(&c, &ed.key, 1, &err_));
	UNIT_OK(log_checkpoint_verify(&c, &ec.key, 1, &err_));
	not_trusted(&c, NULL, 0, "log.checkpoint");
	not_trusted(&c, &newer.key, 1, "log.checkpoint");
	not_trusted(&c, &other.key, 1, "log.checkpoint");
	/* One wrong line of a known key: no matter that another is right. */
	((uint8_t *)(uintptr_t)c.note.sigs[0].sig.p)[5] ^= 1;
	not_trusted(&c, keys, 3, "note.signature");
	UNIT_OK(log_checkpoint_verify(&c, &ec.key, 1, &err_));
	log_checkpoint_release(&c);
	/* A true signature by a key of another name. */
	sign(&c, strange, 1);
	UNIT_OK(note_verify(&c.note, &other.key, &err_));
	not_trusted(&c, &other.key, 1, "log.checkpoint");
	log_checkpoint_release(&c);
	EVP_PKEY_free(ed.pkey);
	EVP_PKEY_free(ec.pkey);
	EVP_PKEY_free(newer.pkey);
	EVP_PKEY_free(other.pkey);
}
END_TEST

/* A public log's: true, but the key's name is not the origin. */
START_TEST(test_public_log)
{
	struct log_checkpoint c;
	struct note_key key;
	struct buf b;

	unit_read("notes/rekor.vkey", &b);
	UNIT_OK(note_key_parse(&key, buf_span(&b), &err_));
	buf_release(&b);
	unit_read("notes/rekor.note", &b);
	UNIT_OK(log_checkpoint_parse(&c, buf_span(&b), &err_));
	buf_release(&b);
	ck_assert(span_is(c.origin, "Rekor"));
	ck_assert_uint_eq(c.at.size, 798034);
	UNIT_OK(note_verify(&c.note, &key, &err_));
	not_trusted(&c, &key, 1, "log.checkpoint");
	log_checkpoint_release(&c);
	unit_case("notes/rekor.note", "checkpoint", UNIT_REFUSED,
		  "log.checkpoint");
}
END_TEST

/* Each bit of the body is signed. */
START_TEST(test_every_bit)
{
	struct pair ed;
	struct log_checkpoint c;
	struct buf b;

	pair_new(&ed, NOTE_ED25519, ORIGIN);
	start(&b, BODY);
	UNIT_OK(add(&b, BODY, &ed, &err_));
	for (size_t bit = 0; bit < 8 * b.len; bit++) {
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (log_checkpoint_parse(&c, buf_span(&b), NULL) == PV_OK)
			ck_assert_int_ne(
				log_checkpoint_verify(&c, &ed.key, 1, NULL),
				PV_OK);
		log_checkpoint_release(&c);
		b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < b.len; len++) {
		struct span cut = { b.data, len };

		ck_assert_int_eq(log_checkpoint_parse(&c, cut, NULL),
				 PV_INTEGRITY);
	}
	buf_release(&b);
	EVP_PKEY_free(ed.pkey);
}
END_TEST

/* ---- what may be signed after what ---- */

static void may_not(const struct log_point *last, const struct log_point *next,
		    const struct log_proof *p, const char *rule)
{
	struct err err;

	err_init(&err);
	unit_refused(log_checkpoint_may_follow(&hasher, last, next, p, &err),
		     PV_INTEGRITY, rule, &err);
}

static void follow(const struct grove *g, const struct grove *other,
		   uint64_t from, uint64_t to)
{
	struct log_point last = grove_point(g, from);
	struct log_point next = grove_point(g, to);
	struct log_point fork = grove_point(other, to);
	struct grove_view v = { g, to };
	const struct log_reader r = grove_reader(&v);
	struct log_proof p;

	UNIT_OK(log_prove_consistency(&hasher, &r, from, to, &p, &err_));
	UNIT_OK(log_checkpoint_may_follow(&hasher, &last, &next, &p, &err_));
	if (from == to) {
		UNIT_OK(log_checkpoint_may_follow(&hasher, &last, &next, NULL,
						  &err_));
		may_not(&last, &fork, &p, "log.checkpoint");
		return;
	}
	may_not(&last, &fork, &p, "log.proof");
	may_not(&last, &next, NULL, "log.proof");
	may_not(&next, &last, &p, "log.checkpoint");
	p.hash[p.n - 1][0] ^= 1;
	may_not(&last, &next, &p, "log.proof");
}

START_TEST(test_may_follow)
{
	static struct grove g, other;
	struct log_proof p = { .n = 1 };
	struct log_point empty, big, wrong;

	grove_fill(&g, &hasher, 40, "ours");
	grove_fill(&other, &hasher, 40, "fork");
	empty = grove_point(&g, 0);
	big = grove_point(&g, 40);
	for (uint64_t to = 1; to <= 40; to++)
		for (uint64_t from = 1; from <= to; from++)
			follow(&g, &other, from, to);
	UNIT_OK(log_checkpoint_may_follow(&hasher, NULL, &big, NULL, &err_));
	UNIT_OK(log_checkpoint_may_follow(&hasher, NULL, &empty, NULL, &err_));
	UNIT_OK(log_checkpoint_may_follow(&hasher, &empty, &big, NULL, &err_));
	UNIT_OK(log_checkpoint_may_follow(&hasher, &empty, &empty, NULL,
					  &err_));
	may_not(NULL, &big, &p, "log.checkpoint");
	may_not(&big, &empty, NULL, "log.checkpoint");
	wrong = big;
	wrong.size = 0;
	may_not(NULL, &wrong, NULL, "log.checkpoint");
	may_not(&wrong, &big, NULL, "log.checkpoint");
	wrong.size = LOG_SIZE_MAX;
	may_not(&big, &wrong, &p, "log.checkpoint");
	may_not(NULL, &wrong, NULL, "log.checkpoint");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("log_checkpoint");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_good);
	tcase_add_test(t, test_bad);
	tcase_add_test(t, test_no_such_body);
	tcase_add_test(t, test_verify);
	tcase_add_test(t, test_public_log);
	tcase_add_test(t, test_every_bit);
	tcase_add_test(t, test_may_follow);
	suite_add_tcase(s, t);
	return unit_run(s);
}
