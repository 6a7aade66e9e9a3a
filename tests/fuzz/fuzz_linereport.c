/* Any bytes as a line report, in both forms: what is given out is whole. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/flow/linereport.h"
#include "tests/fuzz/fuzz.h"

static void check_line(const struct linereport_line *l)
{
	FUZZ_CHECK(l->device[0] || l->serial_len || l->has_bundle);
	FUZZ_CHECK(!l->device[0] || name_is_safe(l->device, strlen(l->device)));
	FUZZ_CHECK(!l->station[0] ||
		   name_is_safe(l->station, strlen(l->station)));
	FUZZ_CHECK(l->serial_len == 0 || (l->serial_len >= STORE_SERIAL_MIN &&
					  l->serial_len <= STORE_SERIAL_MAX));
}

static void read_all(int fd, enum rows_format format)
{
	struct linereport_line line;
	struct linereport report;
	uint64_t last = 0;
	struct err err;
	bool end = false;

	FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
	linereport_init(&report, fd, format);
	while (!end) {
		err_init(&err);
		if (linereport_next(&report, &line, &end, &err) != PV_OK) {
			FUZZ_CHECK(err.code == PV_INPUT && err.message[0]);
			break;
		}
		if (end)
			break;
		FUZZ_CHECK(line.line > last);
		last = line.line;
		check_line(&line);
	}
	linereport_release(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd = memfd_create("report", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(len == 0 || write(fd, data, len) == (ssize_t)len);
	read_all(fd, ROWS_JSONL);
	read_all(fd, ROWS_CSV);
	close(fd);
	return 0;
}
