#include "lib/flow/officerkey.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "lib/base/fileio.h"
#include "tests/unit/notepair.h"

static struct err err;
static char path[300];
static const char *phrase;

/* Asked only for what needs it. */
static enum pv_code give(const char *source, const char *what,
			 struct secret *pin, struct err *e)
{
	(void)what;
	if (!phrase)
		return err_fail(e, PV_DENIED, "pin.terminal", NULL, "%s",
				source);
	return secret_copy(pin, phrase, strlen(phrase), e);
}

static enum pv_code give_phrase(const char *source, const char *what,
				bool is_new, struct secret *out, struct err *e)
{
	(void)is_new;
	return give(source, what, out, e);
}

static const struct backends backends = { .person_pin = give,
					  .person_phrase = give_phrase };
static struct officerkey_from from = { .backends = &backends,
				       .name = "alice",
				       .key = path };

static void setup(void)
{
	enum secret_heap heap;

	UNIT_OK(secret_setup(&heap, &err_));
	snprintf(path, sizeof(path), "%s/alice.key", unit_tmp());
	remove(path);
	err_init(&err);
	from.pin_source = NULL;
	phrase = NULL;
}

static void put(const char *text)
{
	UNIT_OK(file_write(AT_FDCWD, path, 0600, text, strlen(text), &err_));
}

static void refused(enum pv_code code, const char *rule)
{
	struct officerkey k;

	err_init(&err);
	unit_refused(officerkey_open(&from, &k, &err), code, rule, &err);
	ck_assert_ptr_null(k.pkey);
	err_init(&err);
}

/* Signs and verifies, or fails. */
static void signs(struct officerkey *k)
{
	struct note_signer signer = officerkey_signer(k);
	struct buf out;

	start(&out, "text\n");
	UNIT_OK(note_sign(&out, span_of("text\n"), &signer, &err_));
	buf_release(&out);
}

/* vkey and PKCS#8 of a key, as a file would have them. */
static void text_of(EVP_PKEY *pkey, const char *name, struct buf *out)
{
	struct pair pair;
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;

	pair_use(&pair, pkey, name);
	buf_init(out, 65536);
	note_key_put(&pair.key, out);
	buf_put_u8(out, '\n');
	ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0,
						       NULL, NULL),
			 1);
	buf_put(out, p, (size_t)BIO_get_mem_data(bio, &p));
	BIO_free_all(bio);
}

START_TEST(a_new_file_is_read_again)
{
	struct officerkey k, again;
	struct stat st;

	unit_ok(officerkey_new(&from, &k, &err), &err);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	unit_ok(officerkey_open(&from, &again, &err), &err);
	ck_assert_mem_eq(&k.key, &again.key, sizeof(k.key));
	ck_assert_int_eq(k.key.type, NOTE_ED25519);
	signs(&again);
	officerkey_release(&again);
	officerkey_release(&again);
	unit_refused(officerkey_new(&from, &again, &err), PV_CONFLICT,
		     "output.exists", &err);
	officerkey_release(&k);
}
END_TEST

START_TEST(a_passphrase_is_asked_for_where_one_is)
{
	struct officerkey k;

	from.pin_source = "file:x";
	phrase = "open sesame";
	unit_ok(officerkey_new(&from, &k, &err), &err);
	officerkey_release(&k);
	unit_ok(officerkey_open(&from, &k, &err), &err);
	signs(&k);
	officerkey_release(&k);
	phrase = "open barley";
	refused(PV_INPUT, "officer.key");
	phrase = NULL;
	refused(PV_DENIED, "pin.terminal");
}
END_TEST

START_TEST(p256_signs_and_others_do_not)
{
	struct officerkey k;
	struct buf text;
	EVP_PKEY *p256 = EVP_EC_gen("P-256");
	EVP_PKEY *rsa = EVP_RSA_gen(2048);

	text_of(p256, "alice", &text);
	put(buf_cstr(&text));
	unit_ok(officerkey_open(&from, &k, &err), &err);
	ck_assert_int_eq(k.key.type, NOTE_ECDSA);
	signs(&k);
	officerkey_release(&k);
	/* The first line is the file's word, the key has its own. */
	char *second = strchr((char *)text.data, '\n') + 1;
	struct buf other;

	EVP_PKEY *wrong = EVP_EC_gen("P-256");
	text_of(wrong, "alice", &other);
	*(strchr((char *)other.data, '\n') + 1) = '\0';
	other.len = strlen((char *)other.data);
	buf_put_str(&other, second);
	put(buf_cstr(&other));
	refused(PV_INPUT, "officer.key");
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;

	*second = '\0';
	text.len = strlen((char *)text.data);
	ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(bio, rsa, NULL, NULL, 0,
						       NULL, NULL),
			 1);
	buf_put(&text, p, (size_t)BIO_get_mem_data(bio, &p));
	put(buf_cstr(&text));
	refused(PV_INPUT, "note.key");
	BIO_free_all(bio);
	buf_release(&text);
	buf_release(&other);
	EVP_PKEY_free(p256);
	EVP_PKEY_free(wrong);
	EVP_PKEY_free(rsa);
}
END_TEST

START_TEST(what_is_no_key_file)
{
	struct officerkey k;
	struct buf text;

	refused(PV_NOT_FOUND, NULL);
	put("");
	refused(PV_INPUT, "file.empty");
	put("alice\n");
	refused(PV_INPUT, "officer.key");
	remove(path);
	unit_ok(officerkey_new(&from, &k, &err), &err);
	officerkey_release(&k);
	from.name = "bob";
	refused(PV_INPUT, "officer.key");
	from.name = "alice";
	buf_init(&text, 65536);
	unit_ok(file_read(AT_FDCWD, path, 0, &text, &err), &err);
	buf_put_str(&text, "and more\n");
	put(buf_cstr(&text));
	refused(PV_INPUT, "officer.key");
	ck_assert_int_eq(chmod(path, 0640), 0);
	refused(PV_DENIED, NULL);
	buf_release(&text);
}
END_TEST

START_TEST(a_credential_is_who_reads_it_by_systemd)
{
	struct officerkey k;
	char *slash;
	char folder[4096];

	unit_ok(officerkey_new(&from, &k, &err), &err);
	officerkey_release(&k);
	ck_assert_int_eq(chmod(path, 0440), 0);
	refused(PV_DENIED, NULL);
	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	*slash = '\0';
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	unit_ok(officerkey_open(&from, &k, &err), &err);
	officerkey_release(&k);
	ck_assert_int_eq(chmod(path, 0460), 0);
	refused(PV_DENIED, NULL);
	ck_assert_int_eq(chmod(path, 0440), 0);
	*strrchr(folder, '/') = '\0'; /* not in a folder below it */
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	refused(PV_DENIED, NULL);
	unsetenv("CREDENTIALS_DIRECTORY");
}
END_TEST

/* A line that was read is written as it stood. */
START_TEST(lines_are_put_again)
{
	struct pair alice, bob;
	struct note n;
	struct buf b, again;

	err_init(&err);
	pair_new(&alice, NOTE_ED25519, "alice");
	pair_new(&bob, NOTE_ECDSA, "bob");
	start(&b, "text\n");
	unit_ok(add(&b, "text\n", &alice, &err), &err);
	unit_ok(add(&b, "text\n", &bob, &err), &err);
	unit_ok(note_parse(&n, buf_span(&b), &err), &err);
	start(&again, "text\n");
	for (size_t i = 0; i < n.sigs_n; i++)
		note_sig_put(&again, &n.sigs[i]);
	ck_assert(span_equal(buf_span(&b), buf_span(&again)));
	note_release(&n);
	buf_release(&b);
	buf_release(&again);
	EVP_PKEY_free(alice.pkey);
	EVP_PKEY_free(bob.pkey);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("officerkey");
	TCase *t = tcase_create("file");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_new_file_is_read_again);
	tcase_add_test(t, a_passphrase_is_asked_for_where_one_is);
	tcase_add_test(t, p256_signs_and_others_do_not);
	tcase_add_test(t, what_is_no_key_file);
	tcase_add_test(t, a_credential_is_who_reads_it_by_systemd);
	tcase_add_test(t, lines_are_put_again);
	suite_add_tcase(s, t);
	return unit_run(s);
}
