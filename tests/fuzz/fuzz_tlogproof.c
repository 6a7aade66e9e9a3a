/*
 * tlogproof: a proof from outside. What parses is written the same again; only
 * the proof of the entry that tests/data/log is about is believed.
 */
#include <string.h>

#include "lib/log/tlogproof.h"
#include "tests/fuzz/fuzz.h"

/* Of tests/data/log. */
#define LOG_KEY                                                                \
	"log.example/"                                                         \
	"factory+fc0f40ee+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
#define ENTRY "log/41"
#define INDEX 41u

static struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

/* The checkpoint is the end of the file, as it was signed. */
static void check_same(const struct log_tlogproof *p, struct span bytes)
{
	struct span note = bytes;
	struct buf again;

	for (size_t i = 0; i + p->checkpoint.note.text.len <= bytes.len; i++) {
		note.p = bytes.p + i;
		note.len = bytes.len - i;
		if (i > 1 && note.p[-1] == '\n' && note.p[-2] == '\n')
			break;
	}
	buf_init(&again, LOG_TLOGPROOF_MAX);
	FUZZ_CHECK(log_tlogproof_put(&again, buf_span(&p->extra), p->index,
				     &p->path, note, NULL) == PV_OK);
	FUZZ_CHECK(span_equal(buf_span(&again), bytes));
	buf_release(&again);
}

static void check_trust(const struct log_tlogproof *p)
{
	struct note_key key;
	const struct log_trust trust = { &key, 1, NULL, 0, 0 };
	struct log_hasher h;
	struct err err;

	err_init(&err);
	FUZZ_CHECK(log_hasher_init(&h, NULL) == PV_OK);
	FUZZ_CHECK(note_key_parse(&key, span_of(LOG_KEY), NULL) == PV_OK);
	if (log_tlogproof_verify(p, span_of(ENTRY), &trust, &h, &err) == PV_OK)
		FUZZ_CHECK(p->index == INDEX);
	else
		FUZZ_CHECK(err.code == PV_INTEGRITY);
	FUZZ_CHECK(log_tlogproof_verify(p, span_of("x"), &trust, &h, NULL) !=
		   PV_OK);
	log_hasher_release(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span bytes = { data, len };
	struct log_tlogproof p;
	struct err err;

	err_init(&err);
	if (log_tlogproof_parse(&p, bytes, &err) != PV_OK) {
		FUZZ_CHECK(err.code == PV_INTEGRITY && !p.extra.data &&
			   !p.checkpoint.note.mem);
		return 0;
	}
	check_same(&p, bytes);
	check_trust(&p);
	log_tlogproof_release(&p);
	return 0;
}
