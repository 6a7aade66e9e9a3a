#include "tests/unit/ceremony_lines.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fileio.h"

static struct plan *plan_of(const char *text)
{
	struct plan *p = NULL;

	UNIT_OK(plan_parse((struct span){ (const uint8_t *)text, strlen(text) },
			   &p, &err_));
	return p;
}

/* Of lines as they are given, chained as the writer chains them. */
static void write_lines(const struct plan *plan, const struct line *lines,
			size_t n, struct buf *out)
{
	struct transcript t = TRANSCRIPT_INIT;
	char hex[65], name[32];
	int dir = open(unit_tmp(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	static int number;

	ck_assert_int_ge(dir, 0);
	hex_encode(plan->sha256, 32, hex);
	snprintf(name, sizeof(name), "t%d", number++);
	UNIT_OK(transcript_create(&t, dir, name, &err_));
	for (size_t i = 0; i < n; i++) {
		struct transcript_pair pairs[FACTS];

		for (size_t k = 0; k < FACTS; k++) {
			const char *v = lines[i].value[k];

			pairs[k].key = lines[i].key[k] ? lines[i].key[k] : "-";
			pairs[k].value = v && strcmp(v, "PLAN") == 0 ? hex : v;
		}
		UNIT_OK(transcript_put(&t, lines[i].step, lines[i].event, pairs,
				       FACTS, &err_));
	}
	transcript_close(&t);
	buf_init(out, TRANSCRIPT_SIZE_MAX);
	UNIT_OK(file_read(dir, name, FILEIO_PRIVATE, out, &err_));
	close(dir);
}

enum pv_code ceremony_lines_check(const char *plan_text,
				  const struct line *lines, size_t n,
				  bool with_plan,
				  struct ceremonycheck_report *r,
				  struct err *err)
{
	static const char note[] = "text\n\n\xe2\x80\x94 a AAAAAAAA\n";
	struct plan *plan = plan_of(plan_text);
	struct buf text;
	enum pv_code rc;

	write_lines(plan, lines, n, &text);
	const struct ceremonycheck in = {
		.transcript = buf_span(&text),
		.note = { (const uint8_t *)note, sizeof(note) - 1 },
		.plan = with_plan ? plan : NULL,
		.dir = -1,
	};
	err_init(err);
	rc = ceremonycheck(&in, r, err);
	buf_release(&text);
	plan_free(plan);
	return rc;
}
