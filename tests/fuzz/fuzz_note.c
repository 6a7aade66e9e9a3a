/*
 * note: what parses is text that may be signed, an empty line and signature
 * lines; put together again it is the same bytes. Verifier keys likewise.
 */
#include <string.h>

#include "lib/base/base64.h"
#include "lib/base/note.h"
#include "tests/fuzz/fuzz.h"

#define BLOB_MAX 4096

static const char vkey[] =
	"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

static void put_line(const struct note_sig *s, struct buf *out)
{
	uint8_t blob[BLOB_MAX];
	char text[BASE64_LEN(BLOB_MAX) + 1];

	memcpy(blob, s->key_id, 4);
	memcpy(blob + 4, s->sig.p, s->sig.len);
	base64_encode(blob, 4 + s->sig.len, text);
	buf_put_str(out, "\xE2\x80\x94 ");
	buf_put(out, s->name.p, s->name.len);
	buf_put_u8(out, ' ');
	buf_put_str(out, text);
	buf_put_u8(out, '\n');
}

static void check_same(const struct note *n, struct span bytes)
{
	struct buf again;

	buf_init(&again, NOTE_SIZE_MAX);
	FUZZ_CHECK(note_start(&again, n->text, NULL) == PV_OK);
	for (size_t i = 0; i < n->sigs_n; i++) {
		if (n->sigs[i].sig.len + 4 > BLOB_MAX) {
			buf_release(&again);
			return;
		}
		put_line(&n->sigs[i], &again);
	}
	FUZZ_CHECK(span_equal(buf_span(&again), bytes));
	buf_release(&again);
}

static void check_key(struct span bytes)
{
	struct note_key key;
	struct buf again;
	struct err err;

	err_init(&err);
	if (note_key_parse(&key, bytes, &err) != PV_OK) {
		FUZZ_CHECK(err.code == PV_INPUT && key.spki_len == 0);
		return;
	}
	buf_init(&again, NOTE_SIZE_MAX);
	note_key_put(&key, &again);
	FUZZ_CHECK(span_equal(buf_span(&again), bytes));
	buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span bytes = { data, len };
	struct span known = { (const uint8_t *)vkey, sizeof(vkey) - 1 };
	struct note_key key;
	struct note n;
	struct err err;

	check_key(bytes);
	err_init(&err);
	if (note_parse(&n, bytes, &err) != PV_OK) {
		FUZZ_CHECK(err.code == PV_INPUT && err.message[0] && !n.mem);
		return 0;
	}
	check_same(&n, bytes);
	FUZZ_CHECK(note_key_parse(&key, known, &err) == PV_OK);
	if (note_verify(&n, &key, &err) != PV_OK)
		FUZZ_CHECK(err.code == PV_NOT_FOUND ||
			   err.code == PV_INTEGRITY);
	note_release(&n);
	return 0;
}
