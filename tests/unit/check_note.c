#include "tests/unit/unit.h"

#include <string.h>

#include "lib/base/note.h"
#include "lib/base/notechars.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MARK "\xE2\x80\x94 "

static struct span span_of(const char *s)
{
	struct span out = { (const uint8_t *)s, strlen(s) };

	return out;
}

static void read_key(struct note_key *key, const char *name)
{
	struct err err;
	struct buf b;

	unit_read(name, &b);
	err_init(&err);
	unit_ok(note_key_parse(key, buf_span(&b), &err), &err);
	buf_release(&b);
}

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

static void refused(const char *bytes, const char *rule)
{
	struct note n;
	struct err err;

	err_init(&err);
	unit_refused(note_parse(&n, span_of(bytes), &err), PV_INPUT, rule,
		     &err);
	ck_assert_ptr_null(n.mem);
	ck_assert_uint_eq(n.sigs_n, 0);
	note_release(&n);
}

/* Notes and keys of golang.org/x/mod/sumdb/note and of a public log. */
START_TEST(known_answers)
{
	struct note_key peter, enoch, rekor;
	struct note n;
	struct buf b;

	read_key(&peter, "notes/peter.vkey");
	read_key(&enoch, "notes/enoch.vkey");
	read_key(&rekor, "notes/rekor.vkey");
	ck_assert_int_eq(peter.type, NOTE_ED25519);
	ck_assert_int_eq(rekor.type, NOTE_ECDSA);

	unit_read("notes/peter.note", &b);
	parse(&n, buf_span(&b));
	ck_assert_uint_eq(n.sigs_n, 1);
	ck_assert(span_is(n.sigs[0].name, "PeterNeumann"));
	ck_assert_uint_eq(n.text.len, 99);
	verifies(&n, &peter);
	not_verified(&n, &enoch, PV_NOT_FOUND, "note.unsigned");
	note_release(&n);
	buf_release(&b);
	unit_case("notes/peter.note", "verify", UNIT_PASS, NULL);

	unit_read("notes/both.note", &b);
	parse(&n, buf_span(&b));
	ck_assert_uint_eq(n.sigs_n, 2);
	verifies(&n, &enoch);
	verifies(&n, &peter);
	not_verified(&n, &rekor, PV_NOT_FOUND, "note.unsigned");
	note_release(&n);
	buf_release(&b);
	unit_case("notes/both.note", "verify", UNIT_PASS, NULL);

	unit_read("notes/rekor.note", &b);
	parse(&n, buf_span(&b));
	verifies(&n, &rekor);
	rekor.name[0] = 'b';
	not_verified(&n, &rekor, PV_NOT_FOUND, "note.unsigned");
	note_release(&n);
	buf_release(&b);
	unit_case("notes/rekor.note", "verify", UNIT_PASS, NULL);
}
END_TEST

static size_t put_utf8(uint32_t cp, char *out)
{
	size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	static const uint8_t heads[] = { 0, 0, 0xC0, 0xE0, 0xF0 };

	for (size_t i = n; i-- > 1; cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3F));
	out[0] = (char)(heads[n] | cp);
	return n;
}

/* The list of formats.md 6, over every character there is. */
static bool listed(uint32_t cp)
{
	static const uint32_t ranges[][2] = {
		{ 0x00, 0x09 },	    { 0x0B, 0x1F },	{ 0x7F, 0x9F },
		{ 0x61C, 0x61C },   { 0x200E, 0x200F }, { 0x2028, 0x202E },
		{ 0x2066, 0x2069 }, { 0xD800, 0xDFFF },
	};

	for (size_t i = 0; i < COUNT(ranges); i++)
		if (cp >= ranges[i][0] && cp <= ranges[i][1])
			return true;
	return false;
}

START_TEST(every_character)
{
	for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
		char s[8] = "a";
		struct span text = { (uint8_t *)s, 1 };
		enum pv_code code;

		text.len += put_utf8(cp, s + 1);
		s[text.len++] = '\n';
		code = note_text_check(text, NULL);
		if (code != (listed(cp) ? PV_INPUT : PV_OK))
			ck_abort_msg("U+%04X: %d", (unsigned)cp, code);
	}
}
END_TEST

START_TEST(bad_text)
{
	static const char *const utf8[] = {
		"\x80\n",
		"\xC0\xAF\n",
		"\xC1\xBF\n",
		"\xC3\n",
		"\xE2\x80\n",
		"\xE0\x80\xAF\n",
		"\xE0\x9F\xBF\n",
		"\xED\xA0\x80\n",
		"\xF0\x80\x80\xAF\n",
		"\xF0\x8F\xBF\xBF\n",
		"\xF4\x90\x80\x80\n",
		"\xF5\x80\x80\x80\n",
		"\xFE\n",
		"\xFF\n",
		"\xC3\xC3\n",
		"\xE2\x28\xA1\n",
	};
	struct err err;
	struct buf b;

	for (size_t i = 0; i < COUNT(utf8); i++) {
		err_init(&err);
		unit_refused(note_text_check(span_of(utf8[i]), &err), PV_INPUT,
			     "note.characters", &err);
	}
	err_init(&err);
	unit_refused(note_text_check(span_of("one\ntwo\xE2\x80\xAE\n"), &err),
		     PV_INPUT, "note.characters", &err);
	ck_assert_str_eq(err.message, "character U+202E in line 2 of the note");
	err_init(&err);
	unit_refused(note_text_check(span_of(""), &err), PV_INPUT,
		     "note.syntax", &err);
	err_init(&err);
	unit_refused(note_text_check(span_of("no line feed"), &err), PV_INPUT,
		     "note.syntax", &err);
	buf_init(&b, NOTE_SIZE_MAX + 1);
	memset(buf_room(&b, NOTE_SIZE_MAX + 1), '\n', NOTE_SIZE_MAX + 1);
	buf_commit(&b, NOTE_SIZE_MAX);
	err_init(&err);
	unit_ok(note_text_check(buf_span(&b), &err), &err);
	buf_commit(&b, 1);
	unit_refused(note_text_check(buf_span(&b), &err), PV_INPUT, "note.size",
		     &err);
	buf_reset(&b);
	err_init(&err);
	unit_refused(note_start(&b, span_of("x"), &err), PV_INPUT,
		     "note.syntax", &err);
	ck_assert_uint_eq(b.len, 0);
	buf_release(&b);
}
END_TEST

START_TEST(bad_notes)
{
	refused("", "note.syntax");
	refused("\n", "note.syntax");
	refused("text\n", "note.syntax");
	refused("text\n\n", "note.syntax");
	refused("text\n" MARK "a AAAAAAA=\n", "note.syntax");
	refused("text\n\n" MARK "a AAAAAAA=", "note.syntax");
	refused("text\n\n" MARK "a AAAAAA==\n", "note.syntax");
	refused("text\n\n" MARK "a AAAAAAA\n", "note.syntax");
	refused("text\n\n" MARK "a AAAAAAB=\n", "note.syntax");
	refused("text\n\n" MARK "a  AAAAAAA=\n", "note.syntax");
	refused("text\n\n" MARK "a AAAAAAA= \n", "note.syntax");
	refused("text\n\n" MARK "a b AAAAAAA=\n", "note.syntax");
	refused("text\n\n" MARK "a+b AAAAAAA=\n", "note.syntax");
	refused("text\n\n" MARK " AAAAAAA=\n", "note.syntax");
	refused("text\n\n" MARK "a\xC2\xA0 AAAAAAA=\n", "note.syntax");
	refused("text\n\n" MARK "AAAAAAA=\n", "note.syntax");
	refused("text\n\n" MARK "a \n", "note.syntax");
	refused("text\n\n" MARK "\n", "note.syntax");
	refused("text\n\n\xE2\x80\x94\n", "note.syntax");
	refused("text\n\n-- a AAAAAAA=\n", "note.syntax");
	refused("text\n\n- a AAAAAAA=\n", "note.syntax");
	refused("text\n\n" MARK "a AAAAAAA=\nmore\n", "note.syntax");
	refused("text\n\n" MARK "a AAAAAAA=\n\n", "note.syntax");
	refused("text\r\n\n" MARK "a AAAAAAA=\n", "note.characters");
	refused("text\n\n" MARK "a\xE2\x80\xAE AAAAAAA=\n", "note.characters");
	refused("\xFFtext\n\n" MARK "a AAAAAAA=\n", "note.characters");
	refused("\x01text\n\n" MARK "a AAAAAAA=\n", "note.characters");
}
END_TEST

/* Lines of foreign types are kept, the last empty line is the split. */
START_TEST(good_notes)
{
	struct note n;

	parse(&n, span_of("a\n\n\nb\n\n" MARK "x/y AAECAwQ=\n" MARK
			  "\xC3\xA4 AAECAwQFBgc=\n"));
	ck_assert(span_is(n.text, "a\n\n\nb\n"));
	ck_assert_uint_eq(n.sigs_n, 2);
	ck_assert_mem_eq(n.sigs[0].key_id, "\x00\x01\x02\x03", 4);
	ck_assert_uint_eq(n.sigs[0].sig.len, 1);
	ck_assert_uint_eq(n.sigs[0].sig.p[0], 4);
	ck_assert(span_is(n.sigs[1].name, "\xC3\xA4"));
	ck_assert_uint_eq(n.sigs[1].sig.len, 4);
	ck_assert_mem_eq(n.sigs[1].sig.p, "\x04\x05\x06\x07", 4);
	note_release(&n);
	note_release(&n);
	parse(&n, span_of("\n\n" MARK "x AAECAwQ=\n"));
	ck_assert(span_is(n.text, "\n"));
	note_release(&n);
}
END_TEST

START_TEST(many_lines)
{
	struct note n;
	struct buf b;
	struct err err;

	buf_init(&b, NOTE_SIZE_MAX);
	buf_put_str(&b, "text\n\n");
	for (size_t i = 0; i < NOTE_SIGS_MAX; i++)
		buf_put_str(&b, MARK "x AAECAwQ=\n");
	parse(&n, buf_span(&b));
	ck_assert_uint_eq(n.sigs_n, NOTE_SIGS_MAX);
	note_release(&n);
	buf_put_str(&b, MARK "x AAECAwQ=\n");
	err_init(&err);
	unit_refused(note_parse(&n, buf_span(&b), &err), PV_INPUT,
		     "note.syntax", &err);
	buf_release(&b);
}
END_TEST

/* Each byte at each place of texts of each length. */
START_TEST(plain_text)
{
	uint8_t text[20];

	for (size_t len = 0; len <= sizeof(text); len++) {
		struct span s = { text, len };

		memset(text, 'a', sizeof(text));
		ck_assert(notechars_plain(s));
		for (size_t i = 0; i < len; i++) {
			for (unsigned v = 0; v < 256; v++) {
				bool want = v >= 0x20 && v <= 0x7E;

				text[i] = (uint8_t)v;
				ck_assert(notechars_plain(s) == want);
			}
			text[i] = 'a';
		}
	}
}
END_TEST

static bool seen(uint32_t cp)
{
	char text[8] = "a";
	struct span s = { (const uint8_t *)text, put_utf8(cp, text + 1) + 2 };
	uint32_t at = 0;

	text[s.len - 1] = 'b';
	if (notechars_seen(s, &at))
		return true;
	ck_assert_uint_eq(at, cp);
	return false;
}

/* Cf, White_Space, Default_Ignorable_Code_Point: what a name must not hide. */
START_TEST(seen_or_not)
{
	static const uint32_t no[] = {
		0xA0,	 0xAD,	  0x300,   0x36F,   0x61C,  0x1680, 0x180E,
		0x2000,	 0x200A,  0x200B,  0x200C,  0x200D, 0x200E, 0x2028,
		0x202F,	 0x205F,  0x2060,  0x2064,  0x2066, 0x206F, 0x2800,
		0x3000,	 0x3164,  0xFE0F,  0xFEFF,  0xFFA0, 0xFFFB, 0x110BD,
		0x1D173, 0xE0001, 0xE007F, 0xE0100, '\n',   0x600,  0x20D0,
	};
	static const uint32_t yes[] = {
		' ',	'~',	0xA1,	0xC4,	0x2FF,	0x370,	 0x5D0,	 0x627,
		0x4E00, 0x2010, 0x20AC, 0xAC00, 0xFFFD, 0x1F600, 0x20000
	};
	uint32_t at;

	for (size_t i = 0; i < COUNT(no); i++)
		ck_assert_msg(!seen(no[i]), "U+%04X", (unsigned)no[i]);
	for (size_t i = 0; i < COUNT(yes); i++)
		ck_assert_msg(seen(yes[i]), "U+%04X", (unsigned)yes[i]);
	ck_assert(!notechars_seen(span_of("a\xFF"), &at));
	ck_assert_uint_eq(at, NOTECHARS_INVALID);
	ck_assert(notechars_seen(span_of(""), &at));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("note");
	TCase *tc = tcase_create("note");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, known_answers);
	tcase_add_test(tc, every_character);
	tcase_add_test(tc, plain_text);
	tcase_add_test(tc, seen_or_not);
	tcase_add_test(tc, bad_text);
	tcase_add_test(tc, bad_notes);
	tcase_add_test(tc, good_notes);
	tcase_add_test(tc, many_lines);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
