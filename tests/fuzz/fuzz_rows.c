/*
 * Any bytes as the stream of a batch: rows of JSON and of CSV. Every row fits
 * its limit and rows are counted; no row holds its line end.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/flow/request.h"
#include "lib/flow/rows.h"
#include "tests/fuzz/fuzz.h"

static void split(struct span row)
{
	size_t cells[ROWS_CELLS_MAX], n = 0;
	struct buf text;
	struct err err;

	err_init(&err);
	buf_init(&text, 2 * row.len + 16);
	if (csv_split(row, &text, cells, &n, &err) == PV_OK) {
		FUZZ_CHECK(n >= 1 && n <= ROWS_CELLS_MAX);
		for (size_t i = 0; i < n; i++)
			FUZZ_CHECK(strlen((const char *)text.data + cells[i]) <
				   text.len);
	} else {
		FUZZ_CHECK(err.code == PV_INPUT && err.message[0]);
	}
	buf_release(&text);
}

static void cut(int fd, enum rows_format format)
{
	enum rows_got got = ROWS_ROW;
	struct span row = { NULL, 0 };
	uint64_t last = 0;
	struct rows r;
	struct err err;

	FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
	rows_init(&r, fd, format);
	while (got != ROWS_END) {
		err_init(&err);
		if (rows_next(&r, true, &got, &row, &err) != PV_OK) {
			FUZZ_CHECK(err.code == PV_INPUT && err.message[0]);
			break;
		}
		FUZZ_CHECK(got != ROWS_WAIT);
		if (got != ROWS_ROW)
			continue;
		FUZZ_CHECK(r.line > last);
		last = r.line;
		FUZZ_CHECK(row.len > 0 && row.len <= REQUEST_LINE_MAX);
		if (format == ROWS_CSV)
			split(row);
		else
			FUZZ_CHECK(!memchr(row.p, '\n', row.len));
	}
	rows_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd = memfd_create("rows", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(len == 0 || write(fd, data, len) == (ssize_t)len);
	cut(fd, ROWS_JSONL);
	cut(fd, ROWS_CSV);
	close(fd);
	return 0;
}
