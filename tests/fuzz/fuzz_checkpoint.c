/*
 * checkpoint: a checkpoint from outside. What parses has the body that would be
 * written of it, and is judged without harm; no cosignature line is added to a
 * note that would not be counted. Witnesses' keys likewise.
 */
#include <string.h>

#include "lib/log/cosign.h"
#include "tests/fuzz/fuzz.h"

/* Of tests/data/log. */
#define LOG_KEY                                                                \
	"log.example/factory+fc0f40ee+"                                        \
	"AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
#define WITNESS_KEY                                                            \
	"witness.example/1+f4031348+"                                          \
	"BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
/* What the lines of an input are added to: the body they may have signed. */
#define BODY                                                                   \
	"log.example/factory\n300\n"                                           \
	"DPzqIUU38XK6Q24q1lkgkG0o2+XuU+wj93EyEZsuT5w=\n"
#define NOTE BODY "\n\xE2\x80\x94 x AAECAwQ=\n"

static struct span span_of(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

static void check_key(struct span bytes)
{
	struct log_witness w;
	struct buf again;
	struct err err;

	err_init(&err);
	if (log_witness_parse(&w, bytes, &err) != PV_OK) {
		FUZZ_CHECK(err.code == PV_INPUT && !w.name[0]);
		return;
	}
	buf_init(&again, NOTE_SIZE_MAX);
	log_witness_put(&w, &again);
	FUZZ_CHECK(span_equal(buf_span(&again), bytes));
	buf_release(&again);
}

static void check_body(const struct log_checkpoint *c)
{
	char origin[NOTE_NAME_MAX + 1] = { 0 };
	struct buf body;

	memcpy(origin, c->origin.p, c->origin.len);
	buf_init(&body, LOG_BODY_MAX);
	FUZZ_CHECK(log_checkpoint_put(origin, &c->at, &body, NULL) == PV_OK);
	FUZZ_CHECK(span_equal(buf_span(&body), c->note.text));
	buf_release(&body);
}

/* One witness: 0 or 1, and the same answer from what asks for it. */
static void check_trust(const struct log_checkpoint *c,
			const struct log_witness *witness)
{
	struct note_key key;
	const struct log_trust trust = { &key, 1, witness, 1, 1 };
	struct err err;
	size_t n;

	err_init(&err);
	FUZZ_CHECK(note_key_parse(&key, span_of(LOG_KEY), NULL) == PV_OK);
	if (log_cosign_count(c, witness, 1, &n, NULL) != PV_OK)
		FUZZ_CHECK(n == 0);
	FUZZ_CHECK(n <= 1);
	if (log_trusted(c, &trust, &err) != PV_OK)
		FUZZ_CHECK(err.code == PV_INTEGRITY);
	else
		FUZZ_CHECK(n == 1);
}

/* The bytes as lines that a witness answered. */
static void check_lines(struct span bytes, const struct log_witness *witness)
{
	struct log_checkpoint c;
	struct buf note;
	size_t n;

	buf_init(&note, NOTE_SIZE_MAX);
	buf_put_str(&note, NOTE);
	if (log_cosign_take(&note, bytes, witness, 1, NULL) != PV_OK) {
		FUZZ_CHECK(span_is(buf_span(&note), NOTE) && !note.failed);
		buf_release(&note);
		return;
	}
	FUZZ_CHECK(log_checkpoint_parse(&c, buf_span(&note), NULL) == PV_OK);
	FUZZ_CHECK(log_cosign_count(&c, witness, 1, &n, NULL) == PV_OK);
	FUZZ_CHECK(n == 1);
	log_checkpoint_release(&c);
	buf_release(&note);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span bytes = { data, len };
	struct log_witness witness;
	struct log_checkpoint c;
	struct err err;

	FUZZ_CHECK(log_witness_parse(&witness, span_of(WITNESS_KEY), NULL) ==
		   PV_OK);
	check_key(bytes);
	check_lines(bytes, &witness);
	err_init(&err);
	if (log_checkpoint_parse(&c, bytes, &err) != PV_OK) {
		FUZZ_CHECK(err.code == PV_INTEGRITY && !c.note.mem);
		return 0;
	}
	check_body(&c);
	check_trust(&c, &witness);
	log_checkpoint_release(&c);
	return 0;
}
