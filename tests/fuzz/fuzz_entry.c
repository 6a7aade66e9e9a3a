/*
 * fuzz_entry: an entry of the log from outside. What decodes must encode to
 * the same bytes again, and its time must be found by the short way too.
 */
#include <stdlib.h>

#include "lib/log/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = { data, size };
	struct log_entry e;
	struct buf again;
	struct err err;
	uint64_t time_ms;
	bool started = log_entry_time(bytes, &time_ms);

	err_init(&err);
	if (log_entry_decode(bytes, &e, &err) != PV_OK)
		return 0;
	if (!started || time_ms != e.time_ms)
		abort();
	buf_init(&again, LOG_ENTRY_MAX);
	if (log_entry_encode(&e, &again, &err) != PV_OK ||
	    !span_equal(buf_span(&again), bytes))
		abort();
	buf_release(&again);
	return 0;
}
