#include "tests/unit/unit.h"

#include <string.h>

#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "lib/base/base64.h"
#include "tests/unit/notepair.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT "log example.org/line\noperation adopt\n"

static void verifies(const struct note *n, const struct note_key *key)
{
	struct err err;

	err_init(&err);
	unit_ok(note_verify(n, key, &err), &err);
}

static void not_verified(const struct note *n, const struct note_key *key,
			 enum pv_code code, const char *rule)
{
	struct err err;

	err_init(&err);
	unit_refused(note_verify(n, key, &err), code, rule, &err);
}

static void parse(struct note *n, struct span bytes)
{
	struct err err;

	err_init(&err);
	unit_ok(note_parse(n, bytes, &err), &err);
}

/* Ids as golang.org/x/mod/sumdb/note and a public log have them. */
START_TEST(published_keys)
{
	static const struct {
		const char *file;
		const char *name;
		enum note_type type;
		const char *id;
	} known[] = {
		{ "notes/peter.vkey", "PeterNeumann", NOTE_ED25519,
		  "\xC7\x4F\x20\xA3" },
		{ "notes/enoch.vkey", "EnochRoot", NOTE_ED25519,
		  "\xAF\x0C\xFE\x78" },
		{ "notes/rekor.vkey", "rekor.sigstore.dev", NOTE_ECDSA,
		  "\xC0\xD2\x3D\x6A" },
	};

	for (size_t i = 0; i < COUNT(known); i++) {
		struct note_key key, same;
		struct span spki;
		struct buf b, again;
		struct err err;

		unit_read(known[i].file, &b);
		err_init(&err);
		unit_ok(note_key_parse(&key, buf_span(&b), &err), &err);
		ck_assert_str_eq(key.name, known[i].name);
		ck_assert_int_eq(key.type, known[i].type);
		ck_assert_mem_eq(key.id, known[i].id, 4);
		spki.p = key.spki;
		spki.len = key.spki_len;
		unit_ok(note_key_from_spki(&same, key.name, spki, &err), &err);
		ck_assert_mem_eq(&same, &key, sizeof(key));
		buf_init(&again, 1000);
		note_key_put(&key, &again);
		ck_assert(span_equal(buf_span(&again), buf_span(&b)));
		unit_case(known[i].file, "key", UNIT_PASS, NULL);
		buf_release(&again);
		buf_release(&b);
	}
}
END_TEST

static void bad_vkey(const char *s, size_t len)
{
	struct span vkey = { (const uint8_t *)s, len };
	struct note_key key;
	struct err err;

	err_init(&err);
	if (note_key_parse(&key, vkey, &err) != PV_INPUT)
		ck_abort_msg("%.*s accepted", (int)len, s);
	ck_assert_uint_eq(key.spki_len, 0);
}

/*
 * As TestNewVerifier there: every part and every changed byte is refused. An
 * ECDSA id does not cover the name, so there a changed name is another key.
 */
START_TEST(vkey_manglings)
{
	static const char *const files[] = { "notes/peter.vkey",
					     "notes/rekor.vkey" };
	size_t name;
	struct buf b;

	unit_read(files[_i], &b);
	name = _i == 0 ? 0 : strcspn(buf_cstr(&b), "+");
	for (size_t i = 0; i <= b.len; i++)
		for (size_t j = i; j <= b.len; j++)
			if (i >= name && (i != 0 || j != b.len))
				bad_vkey((char *)b.data + i, j - i);
	for (size_t j = 0; j < b.len; j++)
		bad_vkey((char *)b.data, j);
	for (size_t i = name; i < b.len; i++) {
		b.data[i]++;
		bad_vkey((char *)b.data, b.len);
		b.data[i]--;
	}
	buf_release(&b);
}
END_TEST

START_TEST(vkey_refusals)
{
	static const char *const wrong[] = {
		/* too long a key, and another algorithm, ids adjusted */
		"PeterNeumann+cc469956+"
		"ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
		"PeterNeumann+173116ae+"
		"ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"PeterNeumann+C74F20A3+"
		"ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"Peter Neumann+c74f20a3+"
		"ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"bananas.sigstore.dev+12344556",
		"rekor.sigstore.dev+12345678+AwEB",
		"rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!",
		"+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"++",
		"",
		"+",
	};

	for (size_t i = 0; i < COUNT(wrong); i++)
		bad_vkey(wrong[i], strlen(wrong[i]));
}
END_TEST

static void bad_spki(const char *name, struct span spki, const char *rule)
{
	struct note_key key;
	struct err err;

	err_init(&err);
	unit_refused(note_key_from_spki(&key, name, spki, &err), PV_INPUT, rule,
		     &err);
	ck_assert_uint_eq(key.spki_len, 0);
}

static void bad_pkey(EVP_PKEY *pkey)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(pkey, &der);
	struct span spki = { der, (size_t)len };

	ck_assert_int_gt(len, 0);
	bad_spki("a", spki, "note.key");
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
}

START_TEST(spki_refusals)
{
	EVP_PKEY *compressed = EVP_EC_gen("P-256");
	struct pair pair;
	struct span spki;

	ck_assert_int_eq(EVP_PKEY_set_utf8_string_param(
				 compressed, "point-format", "compressed"),
			 1);
	bad_pkey(compressed);
	bad_pkey(EVP_EC_gen("P-384"));
	bad_pkey(EVP_EC_gen("secp256k1"));
	bad_pkey(EVP_RSA_gen(2048));
	bad_pkey(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));

	pair_new(&pair, NOTE_ECDSA, "a");
	spki.p = pair.key.spki;
	for (spki.len = 0; spki.len < pair.key.spki_len; spki.len++)
		bad_spki("a", spki, "note.key");
	for (size_t i = 0; i < 27; i++) { /* up to the point's form byte */
		pair.key.spki[i] ^= 1;
		bad_spki("a", spki, "note.key");
		pair.key.spki[i] ^= 1;
	}
	pair.key.spki[60] ^= 1; /* off the curve */
	bad_spki("a", spki, "note.key");
	memset(pair.key.spki + 27, 0, 64);
	bad_spki("a", spki, "note.key");
	EVP_PKEY_free(pair.pkey);
}
END_TEST

START_TEST(names)
{
	static const char *const wrong[] = {
		"",
		" ",
		"a b",
		"a+b",
		"a\n",
		"\t",
		"a\x7F",
		"a\xC2\x85",
		"a\xC2\xA0.",
		"\xE1\x9A\x80",
		"\xE2\x80\x80",
		"\xE2\x80\x8A",
		"\xE2\x80\xAF",
		"\xE2\x81\x9F",
		"\xE3\x80\x80",
		"\xE2\x80\xAE",
		"a\xFF",
		"\xC3",
	};
	char name[NOTE_NAME_MAX + 2];
	struct pair pair;
	struct span spki;
	struct note_key key;
	struct err err;

	pair_new(&pair, NOTE_ED25519, "example.org/\xC3\xA4/line-1");
	spki.p = pair.key.spki;
	spki.len = pair.key.spki_len;
	for (size_t i = 0; i < COUNT(wrong); i++)
		bad_spki(wrong[i], spki, "note.name");
	memset(name, 'n', sizeof(name) - 1);
	name[NOTE_NAME_MAX + 1] = '\0';
	bad_spki(name, spki, "note.name");
	name[NOTE_NAME_MAX] = '\0';
	err_init(&err);
	unit_ok(note_key_from_spki(&key, name, spki, &err), &err);
	EVP_PKEY_free(pair.pkey);
}
END_TEST

/* The published private key gives the published note, byte for byte. */
START_TEST(signs_as_published)
{
	static const char skey[] =
		"AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
	uint8_t seed[33];
	struct pair peter;
	struct note n;
	struct buf want, vkey, out, text;
	struct err err;
	size_t len;

	ck_assert(base64_decode(skey, strlen(skey), seed, sizeof(seed), &len));
	pair_use(&peter,
		 EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed + 1,
					      32),
		 "PeterNeumann");
	unit_read("notes/peter.vkey", &vkey);
	buf_init(&out, 1000);
	note_key_put(&peter.key, &out);
	ck_assert(span_equal(buf_span(&out), buf_span(&vkey)));
	buf_release(&out);

	unit_read("notes/peter.note", &want);
	parse(&n, buf_span(&want));
	buf_init(&text, 1000);
	buf_put(&text, n.text.p, n.text.len);
	start(&out, buf_cstr(&text));
	err_init(&err);
	unit_ok(add(&out, buf_cstr(&text), &peter, &err), &err);
	ck_assert(span_equal(buf_span(&out), buf_span(&want)));
	note_release(&n);
	buf_release(&text);
	buf_release(&out);
	buf_release(&want);
	buf_release(&vkey);
	EVP_PKEY_free(peter.pkey);
}
END_TEST

START_TEST(round_trip)
{
	struct pair pairs[4];
	struct note n;
	struct buf out;
	struct err err;

	pair_new(&pairs[0], NOTE_ED25519, "ada");
	pair_new(&pairs[1], NOTE_ECDSA, "example.org/log");
	pair_new(&pairs[2], NOTE_ECDSA, "ada");
	pair_new(&pairs[3], NOTE_ED25519, "nobody");
	start(&out, TEXT);
	err_init(&err);
	for (size_t i = 0; i < 3; i++)
		unit_ok(add(&out, TEXT, &pairs[i], &err), &err);
	parse(&n, buf_span(&out));
	ck_assert(span_is(n.text, TEXT));
	ck_assert_uint_eq(n.sigs_n, 3);
	for (size_t i = 0; i < 3; i++) {
		struct note_key again;
		struct buf vkey;

		ck_assert(span_is(n.sigs[i].name, pairs[i].key.name));
		verifies(&n, &pairs[i].key);
		buf_init(&vkey, 1000);
		note_key_put(&pairs[i].key, &vkey);
		unit_ok(note_key_parse(&again, buf_span(&vkey), &err), &err);
		ck_assert_mem_eq(&again, &pairs[i].key, sizeof(again));
		ck_assert(note_key_equal(&again, &pairs[i].key));
		ck_assert(!note_key_equal(&again, &pairs[i + 1].key));
		again.name[0] ^= 1;
		ck_assert(!note_key_equal(&again, &pairs[i].key));
		again.name[0] ^= 1;
		again.spki[again.spki_len - 1] ^= 1;
		ck_assert(!note_key_equal(&again, &pairs[i].key));
		buf_release(&vkey);
	}
	not_verified(&n, &pairs[3].key, PV_NOT_FOUND, "note.unsigned");
	note_release(&n);
	buf_release(&out);
	for (size_t i = 0; i < 4; i++)
		EVP_PKEY_free(pairs[i].pkey);
}
END_TEST

/* No changed bit verifies: parse, match or signature fails. */
START_TEST(every_bit)
{
	static const enum note_type types[] = { NOTE_ED25519, NOTE_ECDSA };
	struct pair pair;
	struct buf out;
	struct err err;

	pair_new(&pair, types[_i], "ada");
	start(&out, TEXT);
	err_init(&err);
	unit_ok(add(&out, TEXT, &pair, &err), &err);
	for (size_t bit = 0; bit < out.len * 8; bit++) {
		struct note n;

		err_init(&err);
		out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (note_parse(&n, buf_span(&out), &err) == PV_OK &&
		    note_verify(&n, &pair.key, &err) == PV_OK)
			ck_abort_msg("bit %zu verifies", bit);
		note_release(&n);
		out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	buf_release(&out);
	EVP_PKEY_free(pair.pkey);
}
END_TEST

/* One key twice: fine when both lines are right, refused when one is not. */
START_TEST(repeated_lines)
{
	struct pair pair;
	struct note n;
	struct buf out;
	struct err err;
	size_t first;

	pair_new(&pair, NOTE_ED25519, "ada");
	start(&out, TEXT);
	err_init(&err);
	unit_ok(add(&out, TEXT, &pair, &err), &err);
	first = out.len;
	unit_ok(add(&out, TEXT, &pair, &err), &err);
	parse(&n, buf_span(&out));
	verifies(&n, &pair.key);
	note_release(&n);
	out.data[first + 30] = out.data[first + 30] == 'A' ? 'B' : 'A';
	parse(&n, buf_span(&out));
	not_verified(&n, &pair.key, PV_INTEGRITY, "note.signature");
	note_release(&n);
	buf_release(&out);
	EVP_PKEY_free(pair.pkey);
}
END_TEST

START_TEST(signer_faults)
{
	static const enum note_type types[] = { NOTE_ED25519, NOTE_ECDSA };
	struct pair pair;
	struct buf out;
	struct err err;
	size_t before;

	pair_new(&pair, types[_i], "ada");
	start(&out, TEXT);
	before = out.len;
	pair.way = PAIR_WRONG;
	err_init(&err);
	unit_refused(add(&out, TEXT, &pair, &err), PV_INTEGRITY,
		     "note.signature", &err);
	pair.way = PAIR_ZERO;
	err_init(&err);
	unit_refused(add(&out, TEXT, &pair, &err), PV_INTEGRITY,
		     "note.signature", &err);
	pair.way = PAIR_FAIL;
	err_init(&err);
	unit_refused(add(&out, TEXT, &pair, &err), PV_HSM_TEMP, "hsm.gone",
		     &err);
	pair.way = PAIR_GOOD;
	err_init(&err);
	unit_refused(add(&out, "another text\n", &pair, &err), PV_INTERNAL,
		     "note.text", &err);
	err_init(&err);
	unit_refused(add(&out, "log\r\n", &pair, &err), PV_INPUT,
		     "note.characters", &err);
	ck_assert_uint_eq(out.len, before);
	out.max = out.len + 50; /* no room for the line */
	err_init(&err);
	ck_assert_int_ne(add(&out, TEXT, &pair, &err), PV_OK);
	ck_assert_uint_eq(out.len, before);
	buf_release(&out);
	EVP_PKEY_free(pair.pkey);
}
END_TEST

/* Against OpenSSL's own encoder, at random and at the edges. */
START_TEST(raw_to_der)
{
	for (size_t i = 0; i < 2000; i++) {
		uint8_t raw[64], der[NOTE_DER_MAX], back[64];
		const uint8_t *p = der;
		uint8_t *want = NULL;
		size_t len;
		ECDSA_SIG *sig;

		ck_assert_int_eq(RAND_bytes(raw, sizeof(raw)), 1);
		memset(raw, 0, i % 33);
		raw[31] |= 1;
		memset(raw + 32, 0, i / 33 % 33);
		raw[63] |= 1;
		ck_assert(note_raw_to_der(raw, der, &len));
		sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
		ck_assert_ptr_nonnull(sig);
		ck_assert_ptr_eq(p, der + len);
		ck_assert_int_eq(i2d_ECDSA_SIG(sig, &want), (int)len);
		ck_assert_mem_eq(want, der, len);
		ECDSA_SIG_free(sig);
		OPENSSL_free(want);
		raw_of_der(der, len, back);
		ck_assert_mem_eq(raw, back, 64);
	}
}
END_TEST

START_TEST(raw_to_der_refuses_zero)
{
	uint8_t raw[64], der[NOTE_DER_MAX];
	size_t len = 99;

	memset(raw, 0xFF, sizeof(raw));
	ck_assert(note_raw_to_der(raw, der, &len));
	ck_assert_uint_eq(len, NOTE_DER_MAX);
	memset(raw, 0, 32);
	ck_assert(!note_raw_to_der(raw, der, &len));
	memset(raw, 1, 32);
	memset(raw + 32, 0, 32);
	ck_assert(!note_raw_to_der(raw, der, &len));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notekey");
	TCase *tc = tcase_create("notekey");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, published_keys);
	tcase_add_loop_test(tc, vkey_manglings, 0, 2);
	tcase_add_test(tc, vkey_refusals);
	tcase_add_test(tc, spki_refusals);
	tcase_add_test(tc, names);
	tcase_add_test(tc, signs_as_published);
	tcase_add_test(tc, round_trip);
	tcase_add_loop_test(tc, every_bit, 0, 2);
	tcase_add_test(tc, repeated_lines);
	tcase_add_loop_test(tc, signer_faults, 0, 2);
	tcase_add_test(tc, raw_to_der);
	tcase_add_test(tc, raw_to_der_refuses_zero);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
