#include "lib/log/transcript.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/notechars.h"
#include "lib/base/pvtime.h"
#include "lib/base/sha256.h"

void transcript_close(struct transcript *t)
{
	fd_cleanup(&t->fd);
}

static enum pv_code failed(struct transcript *t, struct err *err)
{
	enum pv_code rc = err_errno(err, PV_STORAGE, "transcript.write", NULL,
				    "the transcript cannot be written");

	transcript_close(t);
	return rc;
}

enum pv_code transcript_create(struct transcript *t, int dirfd,
			       const char *name, struct err *err)
{
	memset(&t->head, 0, sizeof(t->head));
	t->size = 0;
	t->fd = openat(dirfd, name,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND |
			       O_CLOEXEC,
		       0600);
	if (t->fd < 0 && errno == EEXIST) {
		err_object(err, name);
		return err_fail(err, PV_CONFLICT, "output.exists", NULL,
				"there is a transcript already");
	}
	if (t->fd < 0 || fsync(t->fd) != 0 || fsync(dirfd) != 0)
		return failed(t, err);
	return PV_OK;
}

/* Cuts what a crash left of a last line; *whole is what stays. */
static enum pv_code cut_tail(struct transcript *t, const struct buf *text,
			     struct span *whole, struct err *err)
{
	size_t len = text->len;

	while (len > 0 && text->data[len - 1] != '\n')
		len--;
	*whole = (struct span){ text->data, len };
	if (len == text->len)
		return PV_OK;
	if (ftruncate(t->fd, (off_t)len) != 0 || fsync(t->fd) != 0)
		return failed(t, err);
	return PV_OK;
}

enum pv_code transcript_reopen(struct transcript *t, int dirfd,
			       const char *name,
			       const struct transcript_sink *sink,
			       struct err *err)
{
	CLEANUP(buf_release) struct buf text;
	struct span whole;
	enum pv_code rc;

	buf_init(&text, TRANSCRIPT_SIZE_MAX);
	rc = file_read(dirfd, name, FILEIO_NOFOLLOW | FILEIO_PRIVATE, &text,
		       err);
	if (rc != PV_OK)
		return rc;
	t->fd = openat(dirfd, name,
		       O_WRONLY | O_NOFOLLOW | O_APPEND | O_CLOEXEC);
	if (t->fd < 0)
		return failed(t, err);
	rc = cut_tail(t, &text, &whole, err);
	t->size = whole.len;
	if (rc == PV_OK)
		rc = transcript_read(whole, sink, &t->head, err);
	if (rc != PV_OK)
		transcript_close(t);
	return rc;
}

/* All pairs as one object; NULL: no memory. */
static json_t *facts_of(const struct transcript_pair *pairs, size_t n)
{
	json_t *facts = json_object();

	for (size_t i = 0; facts && i < n; i++) {
		char value[TRANSCRIPT_VALUE_MAX + 1];
		const char *from = pairs[i].value;

		if (!from)
			continue;
		notechars_clean(
			value, sizeof(value),
			(struct span){ (const uint8_t *)from, strlen(from) });
		if (json_object_set_new(facts, pairs[i].key,
					json_string(value)) != 0) {
			json_decref(facts);
			return NULL;
		}
	}
	return facts;
}

static void free_text(char **text)
{
	free(*text);
}

/* The line with its LF, into the empty out. */
static enum pv_code line_of(const struct transcript *t, uint32_t step,
			    const char *event, json_t *facts, int64_t now_s,
			    struct buf *out, struct err *err)
{
	CLEANUP(free_text) char *text = NULL;
	char time[PVTIME_RFC3339_LEN + 1], prev[65];
	json_t *line;

	hex_encode(t->head.sha256, sizeof(t->head.sha256), prev);
	if (!pvtime_format(now_s, time)) {
		json_decref(facts);
		return err_fail(err, PV_DENIED, "clock", "set the clock",
				"the clock stands outside 1970 to 9999");
	}
	line = json_pack("{s:I, s:s, s:s, s:I, s:s, s:o}", "seq",
			 (json_int_t)(t->head.lines + 1), "time", time, "prev",
			 prev, "step", (json_int_t)step, "event", event,
			 "facts", facts);
	if (line)
		text = json_dumps(line, JSON_COMPACT);
	json_decref(line);
	if (!text)
		return err_fail(err, PV_INTERNAL, NULL, NULL,
				"no memory for a line of the transcript");
	buf_put_str(out, text);
	buf_put_u8(out, '\n');
	return buf_check(out, err);
}

/* What begins something leaves room for its end. */
static size_t limit_of(const char *event)
{
	return strcmp(event, "step") == 0 || strcmp(event, "sign") == 0
		       ? TRANSCRIPT_SIZE_MAX - TRANSCRIPT_RESERVE
		       : TRANSCRIPT_SIZE_MAX;
}

static enum pv_code append(struct transcript *t, const char *event,
			   struct span line, struct err *err)
{
	size_t limit = limit_of(event);

	if (t->size > limit || line.len > limit - t->size)
		return err_fail(err, PV_DENIED, "transcript.size",
				"have what is left done by another plan; of "
				"lists: `provctl rotate crl', then `provctl "
				"ceremony resume'",
				"the transcript would be longer than %zu bytes",
				limit);
	if (fd_write_all(t->fd, line.p, line.len, NULL) != PV_OK ||
	    fdatasync(t->fd) != 0)
		return failed(t, err);
	t->size += line.len;
	return PV_OK;
}

enum pv_code transcript_put(struct transcript *t, uint32_t step,
			    const char *event,
			    const struct transcript_pair *pairs, size_t n,
			    struct err *err)
{
	CLEANUP(buf_release) struct buf line;
	struct transcript_head next = t->head;
	json_t *facts = facts_of(pairs, n);
	enum pv_code rc;

	buf_init(&line, TRANSCRIPT_LINE_MAX);
	next.lines++;
	next.time_s = pvtime_now_s();
	if (next.time_s < t->head.time_s)
		next.time_s = t->head.time_s;
	rc = line_of(t, step, event, facts, next.time_s, &line, err);
	if (rc == PV_OK)
		rc = sha256(buf_span(&line), next.sha256, err);
	if (rc != PV_OK)
		return rc;
	if (t->fd < 0)
		return err_fail(err, PV_STORAGE, "transcript.write", NULL,
				"the transcript was closed by a failure");
	rc = append(t, event, buf_span(&line), err);
	if (rc == PV_OK)
		t->head = next;
	return rc;
}

void transcript_note_put(const struct transcript_note *n, struct buf *out)
{
	char plan[65], head[65];

	hex_encode(n->plan, sizeof(n->plan), plan);
	hex_encode(n->head.sha256, sizeof(n->head.sha256), head);
	buf_printf(out,
		   "provctl ceremony/v1\nlog %s\nplan sha256:%s\nlines %llu\n"
		   "head sha256:%s\n",
		   n->origin, plan, (unsigned long long)n->head.lines, head);
}
