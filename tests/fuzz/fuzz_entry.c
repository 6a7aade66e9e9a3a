/*
 * entry: an entry of the log from outside. What decodes encodes to the same
 * bytes again, and its time is found by the short way too.
 */
#include "lib/log/entry.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct span bytes = { data, len };
	struct log_entry e;
	struct buf again;
	struct err err;
	uint64_t time_ms;
	bool started = log_entry_time(bytes, &time_ms);

	err_init(&err);
	if (log_entry_decode(bytes, &e, &err) != PV_OK)
		return 0;
	FUZZ_CHECK(started && time_ms == e.time_ms);
	buf_init(&again, LOG_ENTRY_MAX);
	FUZZ_CHECK(log_entry_encode(&e, &again, &err) == PV_OK);
	FUZZ_CHECK(span_equal(buf_span(&again), bytes));
	buf_release(&again);
	return 0;
}
