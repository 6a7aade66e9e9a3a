/* Any bytes as a transcript: what is given out is whole and in its order, its
 * page is made of no more, and nothing passes without a note. */
#include <string.h>

#include "lib/base/notechars.h"
#include "lib/ceremony/ceremonycheck.h"
#include "lib/ceremony/ceremonypage.h"
#include "lib/log/transcript.h"
#include "tests/fuzz/fuzz.h"

struct last {
	uint64_t seq;
	int64_t time_s;
};

static enum pv_code see(void *ctx, const struct transcript_line *line,
			struct err *err)
{
	struct last *last = ctx;
	const char *key;
	json_t *v;

	(void)err;
	FUZZ_CHECK(line->seq == last->seq + 1 && line->time_s >= last->time_s);
	FUZZ_CHECK(line->event && line->event[0]);
	json_object_foreach((json_t *)line->facts, key, v)
	{
		struct span text = { (const uint8_t *)json_string_value(v),
				     json_string_length(v) };
		uint32_t cp;
		size_t at;

		FUZZ_CHECK(transcript_fact(line, key) != NULL);
		FUZZ_CHECK(notechars_ok(text, &at, &cp));
	}
	last->seq = line->seq;
	last->time_s = line->time_s;
	return PV_OK;
}

static void check_page(struct span bytes, enum pv_code want)
{
	struct buf page;
	struct err err;

	err_init(&err);
	buf_init(&page, CEREMONYPAGE_MAX);
	FUZZ_CHECK(ceremonypage(bytes, true, &page, &err) == want);
	buf_release(&page);
}

static void check_whole(struct span bytes)
{
	static const char note[] = "a\n\n\xe2\x80\x94 a AAAAAAAA\n";
	const struct ceremonycheck in = {
		.transcript = bytes,
		.note = { (const uint8_t *)note, sizeof(note) - 1 },
		.dir = -1,
	};
	struct ceremonycheck_report report;
	struct err err;

	err_init(&err);
	FUZZ_CHECK(ceremonycheck(&in, &report, &err) != PV_OK);
	FUZZ_CHECK(err.rule[0] && err.message[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct last last = { 0, 0 };
	const struct transcript_sink sink = { see, &last };
	struct transcript_head head;
	struct err err;
	enum pv_code rc;

	err_init(&err);
	rc = transcript_read((struct span){ data, len }, &sink, &head, &err);
	FUZZ_CHECK(rc == PV_OK || rc == PV_INPUT || rc == PV_INTEGRITY);
	FUZZ_CHECK(rc == PV_OK || err.message[0]);
	FUZZ_CHECK(head.lines == last.seq);
	check_page((struct span){ data, len }, rc);
	check_whole((struct span){ data, len });
	return 0;
}
