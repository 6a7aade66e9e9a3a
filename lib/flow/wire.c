#include "lib/flow/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/fileio.h"

#define HEAD_BYTES 5
#define SPAN_HEAD_BYTES 4
#define READ_BYTES 65536

void wire_init(struct wire *w, int fd)
{
	w->fd = fd;
	w->in_pos = 0;
	w->eof = false;
	buf_init(&w->in, WIRE_BUFFER_MAX);
	buf_init(&w->out, WIRE_BUFFER_MAX);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

void wire_release(struct wire *w)
{
	fd_cleanup(&w->fd);
	buf_release(&w->in);
	buf_release(&w->out);
}

size_t wire_begin(struct wire *w, enum wire_type type)
{
	size_t mark = w->out.len;

	buf_put_be32(&w->out, 0);
	buf_put_u8(&w->out, (uint8_t)type);
	return mark;
}

/* The length of what began at mark, once it is known. */
static void put_length(struct wire *w, size_t mark, size_t len)
{
	if (len > WIRE_RECORD_MAX) {
		w->out.failed = true;
		return;
	}
	for (int i = 0; i < 4; i++)
		w->out.data[mark + (size_t)i] = (uint8_t)(len >> (24 - 8 * i));
}

void wire_end(struct wire *w, size_t mark)
{
	if (!w->out.failed)
		put_length(w, mark, w->out.len - mark - HEAD_BYTES);
}

void wire_put_u64(struct wire *w, uint64_t v)
{
	buf_put_be64(&w->out, v);
}

void wire_put_bytes(struct wire *w, const void *p, size_t len)
{
	buf_put(&w->out, p, len);
}

void wire_put_span(struct wire *w, struct span s)
{
	if (s.len > WIRE_RECORD_MAX) {
		w->out.failed = true;
		return;
	}
	buf_put_be32(&w->out, (uint32_t)s.len);
	buf_put(&w->out, s.p, s.len);
}

size_t wire_begin_span(struct wire *w)
{
	size_t mark = w->out.len;

	buf_put_be32(&w->out, 0);
	return mark;
}

void wire_end_span(struct wire *w, size_t mark)
{
	if (!w->out.failed)
		put_length(w, mark, w->out.len - mark - SPAN_HEAD_BYTES);
}

void wire_put_str(struct wire *w, const char *s)
{
	struct span span = { (const uint8_t *)s, strlen(s) };

	wire_put_span(w, span);
}

void wire_put_err(struct wire *w, const struct err *err)
{
	wire_put_u64(w, err->code);
	wire_put_u64(w, err->ckr);
	wire_put_str(w, err->object);
	wire_put_str(w, err->rule);
	wire_put_str(w, err->message);
	wire_put_str(w, err->hint);
}

void wire_put_mark(struct wire *w, enum wire_type type, uint64_t v)
{
	size_t mark = wire_begin(w, type);

	wire_put_u64(w, v);
	wire_end(w, mark);
}

static enum pv_code gone(struct err *err)
{
	return err_fail(err, PV_INTERRUPTED, "wire.peer", "run it again",
			"another process of this run has ended");
}

/* Takes in what is there without waiting. */
static enum pv_code take_in(struct wire *w, struct err *err)
{
	uint8_t *room;
	ssize_t n;

	if (w->in_pos > 0 && w->in_pos == w->in.len) {
		buf_reset(&w->in);
		w->in_pos = 0;
	}
	room = buf_room(&w->in, READ_BYTES);
	if (!room)
		return buf_check(&w->in, err);
	n = recv(w->fd, room, READ_BYTES, 0);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		w->eof = true;
	else if (n > 0)
		buf_commit(&w->in, (size_t)n);
	else if (errno != EAGAIN && errno != EINTR)
		return err_errno(err, PV_INTERNAL, "wire.read", NULL,
				 "cannot read from another process");
	return PV_OK;
}

/* One send; *wait is set when the peer's buffer is full. */
static enum pv_code send_some(struct wire *w, size_t len, size_t *sent,
			      bool *wait, struct err *err)
{
	ssize_t n = send(w->fd, w->out.data + *sent, len - *sent, MSG_NOSIGNAL);

	*wait = n < 0 && errno == EAGAIN;
	if (n > 0)
		*sent += (size_t)n;
	else if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		return gone(err);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		return err_errno(err, PV_INTERNAL, "wire.send", NULL,
				 "cannot send to another process");
	return PV_OK;
}

static enum pv_code send_all(struct wire *w, size_t len, struct err *err)
{
	size_t sent = 0;
	enum pv_code rc = buf_check(&w->out, err);

	while (rc == PV_OK && sent < len) {
		struct pollfd p = { w->fd, POLLOUT, 0 };
		bool wait;

		rc = send_some(w, len, &sent, &wait, err);
		if (rc != PV_OK || !wait)
			continue;
		if (!w->eof)
			p.events |= POLLIN;
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			rc = err_errno(err, PV_INTERNAL, "wire.poll", NULL,
				       "cannot wait for another process");
		if (rc == PV_OK && (p.revents & POLLIN))
			rc = take_in(w, err);
	}
	return rc;
}

enum pv_code wire_flush(struct wire *w, struct err *err)
{
	enum pv_code rc = send_all(w, w->out.len, err);

	buf_reset(&w->out);
	return rc;
}

enum pv_code wire_flush_part(struct wire *w, size_t len, struct err *err)
{
	enum pv_code rc = send_all(w, len, err);

	if (rc == PV_OK)
		buf_consume(&w->out, len);
	else
		buf_reset(&w->out);
	return rc;
}

bool wire_next(struct wire *w, struct wire_rec *rec)
{
	const uint8_t *p = w->in.data + w->in_pos;
	size_t have = w->in.len - w->in_pos;
	size_t len;

	if (have < HEAD_BYTES)
		return false;
	len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 |
	      p[3];
	if (len > WIRE_RECORD_MAX || have - HEAD_BYTES < len) {
		/* A record that can never fit ends the channel. */
		if (len > WIRE_RECORD_MAX)
			w->eof = true;
		return false;
	}
	rec->type = (enum wire_type)p[4];
	rec->start = w->in_pos;
	rec->p = p + HEAD_BYTES;
	rec->left = len;
	rec->bad = false;
	w->in_pos += HEAD_BYTES + len;
	return true;
}

bool wire_holds(const struct wire *w, unsigned types)
{
	size_t at = w->in_pos;

	while (w->in.len - at >= HEAD_BYTES) {
		const uint8_t *p = w->in.data + at;
		size_t len = (size_t)p[0] << 24 | (size_t)p[1] << 16 |
			     (size_t)p[2] << 8 | p[3];

		if (w->in.len - at - HEAD_BYTES < len)
			return false;
		if (p[4] < 32 && (types & WIRE_BIT(p[4])))
			return true;
		at += HEAD_BYTES + len;
	}
	return false;
}

void wire_unget(struct wire *w, const struct wire_rec *rec)
{
	w->in_pos = rec->start;
}

/* Whole records are consumed before more is read: what is left moves down. */
static void compact(struct wire *w)
{
	if (w->in_pos == 0)
		return;
	buf_consume(&w->in, w->in_pos);
	w->in_pos = 0;
}

enum pv_code wire_fill(struct wire *w, int timeout_ms, struct err *err)
{
	struct pollfd p = { w->fd, POLLIN, 0 };
	int n;

	compact(w);
	if (w->eof)
		return PV_OK;
	n = poll(&p, 1, timeout_ms);
	if (n < 0 && errno != EINTR)
		return err_errno(err, PV_INTERNAL, "wire.poll", NULL,
				 "cannot wait for another process");
	return n > 0 ? take_in(w, err) : PV_OK;
}

enum pv_code wire_read(struct wire *w, struct wire_rec *rec, bool *got,
		       struct err *err)
{
	*got = wire_next(w, rec);
	while (!*got && !w->eof) {
		enum pv_code rc = wire_fill(w, -1, err);

		if (rc != PV_OK)
			return rc;
		*got = wire_next(w, rec);
	}
	return PV_OK;
}

static const uint8_t *take(struct wire_rec *r, size_t len)
{
	const uint8_t *p = r->p;

	if (r->bad || r->left < len) {
		r->bad = true;
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return p;
}

uint64_t wire_get_u64(struct wire_rec *r)
{
	const uint8_t *p = take(r, 8);
	uint64_t v = 0;

	for (int i = 0; p && i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

struct span wire_get_span(struct wire_rec *r)
{
	struct span s = { NULL, 0 };
	const uint8_t *p = take(r, 4);
	size_t len;

	if (!p)
		return s;
	len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 |
	      p[3];
	s.p = take(r, len);
	s.len = s.p ? len : 0;
	return s;
}

void wire_get_bytes(struct wire_rec *r, void *out, size_t len)
{
	const uint8_t *p = take(r, len);

	if (p)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}

void wire_get_str(struct wire_rec *r, char *out, size_t cap)
{
	struct span s = wire_get_span(r);

	out[0] = '\0';
	if (r->bad || s.len >= cap || memchr(s.p, 0, s.len)) {
		r->bad = true;
		return;
	}
	memcpy(out, s.p, s.len);
	out[s.len] = '\0';
}

void wire_get_buf(struct wire_rec *r, struct buf *out)
{
	struct span s = wire_get_span(r);

	buf_reset(out);
	buf_put(out, s.p, s.len);
	if (out->failed)
		r->bad = true;
}

void wire_get_err(struct wire_rec *r, struct err *err)
{
	struct err got;

	err_init(&got);
	got.code = (enum pv_code)wire_get_u64(r);
	got.ckr = (unsigned long)wire_get_u64(r);
	wire_get_str(r, got.object, sizeof(got.object));
	wire_get_str(r, got.rule, sizeof(got.rule));
	wire_get_str(r, got.message, sizeof(got.message));
	wire_get_str(r, got.hint, sizeof(got.hint));
	err_adopt(err, &got);
}

enum pv_code wire_done(const struct wire_rec *r, struct err *err)
{
	if (!r->bad && r->left == 0)
		return PV_OK;
	return err_fail(err, PV_INTERNAL, "wire.record", NULL,
			"a malformed record of type %d between processes",
			(int)r->type);
}
