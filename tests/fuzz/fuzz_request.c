/* One request line as JSON, and the same bytes as a CSV row. */
#include "lib/flow/request.h"
#include "lib/flow/rows.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request_source src = { .folder = -1 };
	struct span row = { data, size };
	size_t cells[ROWS_CELLS_MAX], n;
	struct request r;
	struct buf text;
	struct err err;

	request_init(&r);
	err_init(&err);
	if (request_parse(&r, row, &src, &err) == PV_OK) {
		FUZZ_CHECK(r.device[0] != '\0' && r.id[0] != '\0');
		for (size_t i = 0; i < r.fields_n; i++)
			FUZZ_CHECK(r.fields[i].value < r.texts.len);
	} else {
		FUZZ_CHECK(err.code == PV_INPUT || err.code == PV_DENIED);
	}
	request_release(&r);
	buf_init(&text, 2 * size + 16);
	err_init(&err);
	if (csv_split(row, &text, cells, &n, &err) == PV_OK)
		for (size_t i = 0; i < n; i++)
			FUZZ_CHECK(cells[i] < text.len);
	else
		FUZZ_CHECK(err.code == PV_INPUT);
	buf_release(&text);
	return 0;
}
