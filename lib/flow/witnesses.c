/* Who the witnesses are, and what time they have reached. */
#include "lib/flow/witnesses.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/log/lines.h"

#define READ_FLAGS (FILEIO_NOFOLLOW | FILEIO_NOT_WRITABLE_BY_OTHERS)
#define WITNESSES_MAX (COSIGNED_WITNESSES_MAX * 512u) /* bytes of the file */

static enum pv_code add_witness(struct log_witness *known, size_t *n,
				struct span vkey, struct err *err)
{
	struct log_witness *w = &known[*n];
	enum pv_code rc;

	if (*n == COSIGNED_WITNESSES_MAX)
		return err_fail(err, PV_INPUT, "log.witness", NULL,
				"more than %u witnesses",
				COSIGNED_WITNESSES_MAX);
	rc = log_witness_parse(w, vkey, err);
	if (rc != PV_OK)
		return rc;
	for (size_t i = 0; i < *n; i++)
		if (memcmp(known[i].key, w->key, LOG_WITNESS_KEY) == 0)
			return err_fail(err, PV_INPUT, "log.witness",
					"name each witness once",
					"%s and %s are one key", known[i].name,
					w->name);
	++*n;
	return PV_OK;
}

/* A missing file has nothing in it. */
static enum pv_code read_file(const struct authority *a, struct buf *out,
			      struct err *err)
{
	struct err why;
	enum pv_code rc;

	err_init(&why);
	rc = file_read(a->home_fd, WITNESSES_FILE, READ_FLAGS, out, &why);
	if (rc == PV_OK || rc == PV_NOT_FOUND)
		return PV_OK;
	*err = why;
	return rc;
}

enum pv_code witnesses_load(const struct authority *a,
			    struct log_witness known[COSIGNED_WITNESSES_MAX],
			    size_t *n, struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct span rest, line;
	unsigned number = 0;
	enum pv_code rc;

	*n = 0;
	buf_init(&text, WITNESSES_MAX);
	rc = read_file(a, &text, err);
	rest = buf_span(&text);
	while (rc == PV_OK && lines_next(&rest, &line)) {
		number++;
		rc = line.len ? add_witness(known, n, line, err)
			      : err_fail(err, PV_INPUT, "log.witness",
					 "a vkey on each line, nothing else",
					 "the line is empty");
		if (rc == PV_INPUT)
			err_prefix(err, "line %u", number);
	}
	if (rc == PV_OK && rest.len != 0)
		rc = err_fail(err, PV_INPUT, "log.witness", NULL,
			      "the last line does not end");
	if (rc != PV_OK)
		err_object(err, WITNESSES_FILE);
	return rc;
}

#define TIME_MAX_S UINT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* The latest time that at least that many of times have reached. */
static uint64_t reached(const uint64_t *times, size_t n, size_t many)
{
	uint64_t best = 0;

	for (size_t i = 0; i < n; i++) {
		size_t by = 0;

		for (size_t k = 0; k < n; k++)
			by += times[k] >= times[i];
		if (by >= many && times[i] > best)
			best = times[i];
	}
	return best < TIME_MAX_S ? best : TIME_MAX_S;
}

enum pv_code witnesses_time(const struct authority *a, struct span note,
			    uint64_t *time_s, struct err *err)
{
	LOG_CHECKPOINT c = { .at.size = 0 };
	struct log_witness known[COSIGNED_WITNESSES_MAX];
	uint64_t times[COSIGNED_WITNESSES_MAX] = { 0 };
	size_t n = 0;
	enum pv_code rc = witnesses_load(a, known, &n, err);

	*time_s = 0;
	if (rc == PV_OK)
		rc = log_checkpoint_parse(&c, note, err);
	for (size_t i = 0; rc == PV_OK && i < n; i++)
		rc = log_cosign_time(&c, &known[i], &times[i], err);
	if (rc == PV_OK)
		*time_s = reached(times, n,
				  a->witnesses_required ? a->witnesses_required
							: 1);
	return rc;
}
