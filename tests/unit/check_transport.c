#include "lib/seal/transport.h"

#include <string.h>

#include "tests/unit/notepair.h"
#include "tests/unit/transport_fix.h"

static struct err err;
static struct pair log_key;
static struct transport_key to;
static struct transport made;
static struct buf key_file, file;

static void sign(struct buf *text, struct buf *out)
{
	const struct note_signer signer = { &log_key.key, pair_sign, &log_key };

	buf_reset(out);
	unit_ok(note_start(out, buf_span(text), &err), &err);
	unit_ok(note_sign(out, buf_span(text), &signer, &err), &err);
}

static void write_files(void)
{
	struct buf text;

	buf_init(&text, TRANSPORT_TEXT_MAX);
	unit_ok(transport_key_text(&to, &log_key.key, &text, &err), &err);
	sign(&text, &key_file);
	buf_reset(&text);
	unit_ok(transport_text(&made, &log_key.key, &text, &err), &err);
	sign(&text, &file);
	buf_release(&text);
}

static void setup(void)
{
	err_init(&err);
	pair_new(&log_key, NOTE_ED25519, "acme-root/log");
	to = (struct transport_key)TRANSPORT_FIX_KEY("0123abcd", 3);
	made = (struct transport)TRANSPORT_FIX_SENT;
	buf_init(&key_file, TRANSPORT_TEXT_MAX);
	buf_init(&file, TRANSPORT_TEXT_MAX);
	write_files();
}

static void teardown(void)
{
	EVP_PKEY_free(log_key.pkey);
	buf_release(&key_file);
	buf_release(&file);
}

START_TEST(come_back)
{
	struct transport_key k;
	struct transport t;
	struct note_key log;

	unit_ok(transport_key_parse(buf_span(&key_file), &k, &log, &err), &err);
	ck_assert_mem_eq(&k, &to, sizeof(k));
	ck_assert_mem_eq(log.spki, log_key.key.spki, log.spki_len);
	unit_ok(transport_parse(buf_span(&file), &t, &log, &err), &err);
	ck_assert_mem_eq(&t, &made, sizeof(t));
	ck_assert_str_eq(log.name, "acme-root/log");
}
END_TEST

static enum pv_code parse(struct span bytes, bool key)
{
	struct transport_key k;
	struct transport t;
	struct note_key log;

	err_init(&err);
	return key ? transport_key_parse(bytes, &k, &log, &err)
		   : transport_parse(bytes, &t, &log, &err);
}

static void ck_refused(struct span bytes, bool key)
{
	ck_assert_int_eq(parse(bytes, key), PV_INTEGRITY);
	ck_assert(strcmp(err.rule, "transport.format") == 0 ||
		  strcmp(err.rule, "note.signature") == 0);
}

/* Short, each for the other, and with any bit of its bytes changed. */
START_TEST(refused)
{
	struct buf *files[] = { &file, &key_file };

	for (size_t f = 0; f < 2; f++) {
		struct buf *b = files[f];

		ck_refused(buf_span(b), f == 0);
		for (size_t len = 0; len < b->len; len++)
			ck_refused((struct span){ b->data, len }, f == 1);
		for (size_t i = 0; i < b->len; i++) {
			b->data[i] ^= (uint8_t)(1u << (i % 8));
			ck_refused(buf_span(b), f == 1);
			b->data[i] ^= (uint8_t)(1u << (i % 8));
		}
	}
}
END_TEST

/* As a log key signs it, and yet not its one form. */
START_TEST(forms)
{
	struct buf text;

	buf_init(&text, TRANSPORT_TEXT_MAX);
	/* Nothing that it takes. */
	to.takes = 0;
	write_files();
	ck_refused(buf_span(&key_file), true);
	/* The same one twice. */
	to.takes = 1;
	unit_ok(transport_key_text(&to, &log_key.key, &text, &err), &err);
	buf_put_str(&text, "algorithm ECDH-P256-AES256CBC-A256KWP\n");
	sign(&text, &key_file);
	ck_refused(buf_span(&key_file), true);
	/* A line more. */
	buf_reset(&text);
	unit_ok(transport_text(&made, &log_key.key, &text, &err), &err);
	buf_put_str(&text, "more of it\n");
	sign(&text, &file);
	ck_refused(buf_span(&file), false);
	/* A name that is not plain text. */
	buf_reset(&text);
	memcpy(made.purpose, "\xc3\xa9", 2);
	unit_ok(transport_text(&made, &log_key.key, &text, &err), &err);
	sign(&text, &file);
	ck_refused(buf_span(&file), false);
	memcpy(made.purpose, "is", 2);
	/* Capital digits. */
	buf_reset(&text);
	made.id[0] = 0xab;
	unit_ok(transport_text(&made, &log_key.key, &text, &err), &err);
	memcpy(strstr(buf_cstr(&text), "id ab"), "id AB", 5);
	sign(&text, &file);
	ck_refused(buf_span(&file), false);
	buf_release(&text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transport");
	TCase *t = tcase_create("transport");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, come_back);
	tcase_add_test(t, refused);
	tcase_add_test(t, forms);
	suite_add_tcase(s, t);
	return unit_run(s);
}
