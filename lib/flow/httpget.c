#include "lib/flow/httpget.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"
#include "lib/flow/hostlookup.h"

#define HEAD_MAX 16384 /* bytes of status line and headers */
#define HOST_MAX 256
#define PORT_MAX 6

struct url {
	char host[HOST_MAX], port[PORT_MAX], path[HTTP_URL_MAX];
	char authority[HOST_MAX + PORT_MAX + 3]; /* as the URL has it */
};

static enum pv_code bad_url(struct err *err)
{
	return err_fail(err, PV_INPUT, "http.url",
			"write http://host[:port]/path",
			"that is no URL of plain http");
}

/* Host names and addresses, [::1] too; nothing that could end a header. */
static enum pv_code split(const char *url, struct url *u, struct err *err)
{
	static const char scheme[] = "http://";
	const char *host, *end, *port;
	size_t n;

	if (strlen(url) >= HTTP_URL_MAX ||
	    strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return bad_url(err);
	for (const char *p = url; *p; p++)
		if (*p <= 0x20 || *p >= 0x7f)
			return bad_url(err);
	host = url + sizeof(scheme) - 1;
	end = host + strcspn(host, "/?#");
	snprintf(u->path, sizeof(u->path), "%s", *end == '/' ? end : "/");
	snprintf(u->port, sizeof(u->port), "80");
	port = host[0] == '[' ? memchr(host, ']', (size_t)(end - host)) : host;
	if (!port)
		return bad_url(err);
	port = memchr(port, ':', (size_t)(end - port));
	n = (size_t)((port ? port : end) - host);
	snprintf(u->authority, sizeof(u->authority), "%.*s", (int)(end - host),
		 host);
	if (port) {
		size_t len = (size_t)(end - port - 1);

		if (len == 0 || len >= sizeof(u->port) ||
		    strspn(port + 1, "0123456789") < len)
			return bad_url(err);
		memcpy(u->port, port + 1, len);
		u->port[len] = '\0';
	}
	if (host[0] == '[') {
		host++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(u->host) || memchr(host, '@', n))
		return bad_url(err);
	memcpy(u->host, host, n);
	u->host[n] = '\0';
	return PV_OK;
}

static enum pv_code wait_until(int fd, short what, int64_t end_ms,
			       struct err *err)
{
	struct pollfd p = { .fd = fd, .events = what };
	int64_t left = end_ms - pvtime_mono_ms();
	int n;

	do {
		n = left > 0 ? poll(&p, 1, (int)left) : 0;
		left = end_ms - pvtime_mono_ms();
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		return PV_OK;
	return err_fail(err, PV_STORAGE, "http.timeout", NULL,
			"no answer within %d s", HTTP_MS / 1000);
}

static enum pv_code connect_one(const struct host_address *a, int64_t end_ms,
				int *fd, struct err *err)
{
	int failed = 0;
	socklen_t len = sizeof(failed);
	enum pv_code rc;

	*fd = socket(a->at.ss_family,
		     SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return err_errno(err, PV_STORAGE, "http.connect", NULL,
				 "cannot make a socket");
	if (connect(*fd, (const struct sockaddr *)&a->at, a->len) == 0)
		return PV_OK;
	if (errno != EINPROGRESS)
		return err_errno(err, PV_STORAGE, "http.connect", NULL,
				 "cannot connect");
	rc = wait_until(*fd, POLLOUT, end_ms, err);
	if (rc != PV_OK)
		return rc;
	if (getsockopt(*fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0 &&
	    failed == 0)
		return PV_OK;
	errno = failed;
	return err_errno(err, PV_STORAGE, "http.connect", NULL,
			 "cannot connect");
}

static enum pv_code open_socket(const struct url *u, int64_t end_ms, int *fd,
				struct err *err)
{
	struct host_address list[HOST_ADDRESSES_MAX];
	struct err why;
	size_t n;
	enum pv_code rc = host_lookup(u->host, u->port, end_ms, list, &n, err);

	if (rc != PV_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		fd_cleanup(fd);
		*fd = -1;
		err_init(&why);
		rc = connect_one(&list[i], end_ms, fd, &why);
		if (rc == PV_OK)
			return PV_OK;
	}
	*err = why;
	return rc;
}

static enum pv_code send_all(int fd, struct span s, int64_t end_ms,
			     struct err *err)
{
	while (s.len > 0) {
		enum pv_code rc = wait_until(fd, POLLOUT, end_ms, err);
		ssize_t n;

		if (rc != PV_OK)
			return rc;
		n = send(fd, s.p, s.len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_errno(err, PV_STORAGE, "http.read", NULL,
					 "the connection broke");
		if (n > 0) {
			s.p += n;
			s.len -= (size_t)n;
		}
	}
	return PV_OK;
}

static enum pv_code read_all(int fd, int64_t end_ms, struct buf *in,
			     struct err *err)
{
	for (;;) {
		enum pv_code rc = wait_until(fd, POLLIN, end_ms, err);
		uint8_t chunk[16384];
		ssize_t n;

		if (rc != PV_OK)
			return rc;
		n = recv(fd, chunk, sizeof(chunk), 0);
		if (n == 0)
			return PV_OK;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_errno(err, PV_STORAGE, "http.read", NULL,
					 "the connection broke");
		if (n > 0)
			buf_put(in, chunk, (size_t)n);
		rc = buf_check(in, err);
		if (rc != PV_OK)
			return rc;
	}
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* The body behind status line and headers. */
static enum pv_code take_body(struct span in, struct span *body,
			      struct err *err)
{
	size_t seen = in.len < HEAD_MAX ? in.len : HEAD_MAX;
	const uint8_t *end = memmem(in.p, seen, "\r\n\r\n", 4);
	int status;

	/* "HTTP/1.x NNN" */
	if (!end || end - in.p < 12 || memcmp(in.p, "HTTP/1.", 7) != 0 ||
	    in.p[8] != ' ' || !is_digit(in.p[9]) || !is_digit(in.p[10]) ||
	    !is_digit(in.p[11]))
		return err_fail(err, PV_INPUT, "http.answer", NULL,
				"the answer is not HTTP");
	status = (in.p[9] - '0') * 100 + (in.p[10] - '0') * 10 +
		 (in.p[11] - '0');
	if (status != 200)
		return err_fail(err, PV_NOT_FOUND, "http.status", NULL,
				"the server answers %d", status);
	*body = (struct span){ end + 4, in.len - (size_t)(end + 4 - in.p) };
	return PV_OK;
}

enum pv_code http_url_check(const char *url, struct err *err)
{
	struct url u;

	return split(url, &u, err);
}

enum pv_code http_fetch(const char *url, const char *type, struct span body,
			struct buf *out, struct err *err)
{
	CLEANUP(fd_cleanup) int fd = -1;
	CLEANUP(buf_release) struct buf in, head;
	int64_t end_ms = pvtime_mono_ms() + HTTP_MS;
	struct url u;
	struct span answer = { NULL, 0 };
	enum pv_code rc = split(url, &u, err);

	buf_init(&in, out->max + HEAD_MAX);
	buf_init(&head, 4 * HTTP_URL_MAX);
	if (rc != PV_OK)
		return rc;
	buf_printf(&head, "%s %s HTTP/1.0\r\nHost: %s\r\n",
		   body.len ? "POST" : "GET", u.path, u.authority);
	if (body.len)
		buf_printf(&head, "Content-Type: %s\r\nContent-Length: %zu\r\n",
			   type, body.len);
	buf_printf(&head, "\r\n");
	rc = buf_check(&head, err);
	if (rc == PV_OK)
		rc = open_socket(&u, end_ms, &fd, err);
	if (rc == PV_OK)
		rc = send_all(fd, buf_span(&head), end_ms, err);
	if (rc == PV_OK)
		rc = send_all(fd, body, end_ms, err);
	if (rc == PV_OK)
		rc = read_all(fd, end_ms, &in, err);
	if (rc == PV_OK)
		rc = take_body(buf_span(&in), &answer, err);
	if (rc != PV_OK)
		return rc;
	buf_put(out, answer.p, answer.len);
	return buf_check(out, err);
}
