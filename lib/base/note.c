#include "lib/base/note.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/notechars.h"

#define MARK "\xE2\x80\x94 " /* U+2014 and a space open a signature line */
#define MARK_LEN 4u
#define KEY_ID_LEN 4u

static size_t line_of(struct span bytes, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += bytes.p[i] == '\n';
	return line;
}

static enum pv_code malformed(struct err *err, size_t line, const char *what)
{
	return err_fail(err, PV_INPUT, "note.syntax",
			"a note is text, an empty line and signature lines",
			"%s in line %zu of the note", what, line);
}

static enum pv_code check_characters(struct span bytes, struct err *err)
{
	uint32_t cp;
	size_t at;

	if (notechars_ok(bytes, &at, &cp))
		return PV_OK;
	if (cp == NOTECHARS_INVALID)
		return err_fail(err, PV_INPUT, "note.characters",
				"write the text as UTF-8",
				"invalid UTF-8 in line %zu of the note",
				line_of(bytes, at));
	return err_fail(err, PV_INPUT, "note.characters",
			"remove control and direction characters",
			"character U+%04X in line %zu of the note",
			(unsigned)cp, line_of(bytes, at));
}

enum pv_code note_text_check(struct span text, struct err *err)
{
	if (text.len > NOTE_SIZE_MAX)
		return err_fail(err, PV_INPUT, "note.size", "shorten the text",
				"note of %zu bytes, more than %u", text.len,
				NOTE_SIZE_MAX);
	if (text.len == 0 || text.p[text.len - 1] != '\n')
		return malformed(err, line_of(text, text.len),
				 "no line feed at the end");
	return check_characters(text, err);
}

enum pv_code note_start(struct buf *out, struct span text, struct err *err)
{
	enum pv_code rc = note_text_check(text, err);

	if (rc != PV_OK)
		return rc;
	buf_put(out, text.p, text.len);
	buf_put_u8(out, '\n');
	return buf_check(out, err);
}

void note_release(struct note *n)
{
	free(n->mem);
	memset(n, 0, sizeof(*n));
}

/* Where the last empty line starts: at its LF. */
static bool find_split(struct span bytes, size_t *at)
{
	for (size_t i = bytes.len; i >= 2; i--) {
		if (bytes.p[i - 1] == '\n' && bytes.p[i - 2] == '\n') {
			*at = i - 1;
			return true;
		}
	}
	return false;
}

/* One line without its LF; the decoded blob goes to blob. */
static const char *parse_sig(struct note_sig *sig, struct span line,
			     uint8_t *blob)
{
	const uint8_t *name = line.p + MARK_LEN;
	const uint8_t *end = line.p + line.len;
	const uint8_t *space;
	size_t len;

	if (line.len < MARK_LEN || memcmp(line.p, MARK, MARK_LEN) != 0)
		return "no signature mark";
	space = memchr(name, ' ', (size_t)(end - name));
	if (!space)
		return "no signature";
	sig->name.p = name;
	sig->name.len = (size_t)(space - name);
	if (!notechars_name_ok(sig->name))
		return "bad key name";
	space++;
	if (!base64_decode((const char *)space, (size_t)(end - space), blob,
			   (size_t)(end - space), &len) ||
	    len <= KEY_ID_LEN)
		return "bad base64";
	memcpy(sig->key_id, blob, KEY_ID_LEN);
	sig->sig.p = blob + KEY_ID_LEN;
	sig->sig.len = len - KEY_ID_LEN;
	return NULL;
}

/* Signature lines of block, counted before, into n->sigs. */
static enum pv_code parse_block(struct note *n, struct span block, size_t line,
				uint8_t *blob, struct err *err)
{
	const uint8_t *p = block.p;
	const uint8_t *end = block.p + block.len;

	for (size_t i = 0; i < n->sigs_n; i++) {
		const uint8_t *lf = memchr(p, '\n', (size_t)(end - p));
		struct span one = { p, (size_t)(lf - p) };
		const char *what = parse_sig(&n->sigs[i], one, blob);

		if (what)
			return malformed(err, line + i, what);
		blob += n->sigs[i].sig.len + KEY_ID_LEN;
		p = lf + 1;
	}
	return PV_OK;
}

/* One piece of memory: signatures, the bytes, what base64 decodes to. */
static enum pv_code take_copy(struct note *n, struct span bytes, uint8_t **copy,
			      struct err *err)
{
	size_t head = n->sigs_n * sizeof(*n->sigs);

	n->mem = mem_new(head + 2 * bytes.len, err);
	if (!n->mem)
		return PV_INTERNAL;
	n->sigs = (struct note_sig *)(void *)n->mem;
	*copy = n->mem + head;
	memcpy(*copy, bytes.p, bytes.len);
	return PV_OK;
}

enum pv_code note_parse(struct note *n, struct span bytes, struct err *err)
{
	size_t split, line;
	uint8_t *copy;
	struct span block;
	enum pv_code rc;

	memset(n, 0, sizeof(*n));
	rc = note_text_check(bytes, err);
	if (rc != PV_OK)
		return rc;
	if (!find_split(bytes, &split))
		return malformed(err, line_of(bytes, bytes.len),
				 "no empty line");
	line = line_of(bytes, split) + 1;
	for (size_t i = split + 1; i < bytes.len; i++)
		n->sigs_n += bytes.p[i] == '\n';
	if (n->sigs_n == 0 || n->sigs_n > NOTE_SIGS_MAX) {
		rc = malformed(err, line,
			       n->sigs_n ? "too many signatures"
					 : "no signature");
		note_release(n);
		return rc;
	}
	rc = take_copy(n, bytes, &copy, err);
	if (rc == PV_OK) {
		n->text.p = copy;
		n->text.len = split;
		block.p = copy + split + 1;
		block.len = bytes.len - split - 1;
		rc = parse_block(n, block, line, copy + bytes.len, err);
	}
	if (rc != PV_OK)
		note_release(n);
	return rc;
}

void note_sig_put(struct buf *out, const struct note_sig *sig)
{
	size_t len = KEY_ID_LEN + sig->sig.len;
	CLEANUP(buf_release) struct buf blob;
	char *text;

	buf_init(&blob, NOTE_SIZE_MAX);
	buf_put(&blob, sig->key_id, KEY_ID_LEN);
	buf_put(&blob, sig->sig.p, sig->sig.len);
	buf_put_str(out, MARK);
	buf_put(out, sig->name.p, sig->name.len);
	buf_put_u8(out, ' ');
	text = (char *)buf_room(out, BASE64_LEN(len) + 1);
	if (!text || blob.failed) {
		out->failed = true;
		return;
	}
	base64_encode(blob.data, len, text);
	buf_commit(out, BASE64_LEN(len));
	buf_put_u8(out, '\n');
}
