#include "lib/base/lineio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/fileio.h"
#include "lib/base/pvtime.h"

#define FD_MAX 65535
#define WAIT_MAX_MS 3600000 /* of one poll */

#define LINES "give a serial line such as /dev/ttyUSB0, a socket or fd:N"

static enum pv_code gone(struct err *err)
{
	return err_fail(err, PV_HSM_TEMP, "link.gone",
			"connect it again, then run it again: it goes on where "
			"it was",
			"nobody is at the other end of the line");
}

/* Of an open or connect that failed. */
static enum pv_code not_opened(struct err *err)
{
	enum pv_code code = errno == ENOENT			? PV_NOT_FOUND
			    : errno == EACCES || errno == EPERM ? PV_DENIED
								: PV_STORAGE;

	return err_errno(err, code, "link.path", LINES, "cannot open the link");
}

/* ---- forms of where ---- */

/* A number at the start of s; what follows it. NULL: none, or too large. */
static const char *take_number(const char *s, int *n)
{
	const char *at = s;
	long v = 0;

	for (; *at >= '0' && *at <= '9' && v <= FD_MAX; at++)
		v = 10 * v + (*at - '0');
	*n = (int)v;
	return at == s || v > FD_MAX ? NULL : at;
}

static bool parse_fds(const char *where, int *in, int *out)
{
	const char *at = strncmp(where, "fd:", 3) == 0
				 ? take_number(where + 3, in)
				 : NULL;

	*out = *in;
	if (at && *at == ',')
		at = take_number(at + 1, out);
	return at && *at == '\0';
}

/* ---- terminals ---- */

static bool speed_of(unsigned baud, speed_t *speed)
{
	static const struct {
		unsigned baud;
		speed_t speed;
	} table[] = {
		{ 1200, B1200 },       { 2400, B2400 },
		{ 4800, B4800 },       { 9600, B9600 },
		{ 19200, B19200 },     { 38400, B38400 },
		{ 57600, B57600 },     { 115200, B115200 },
		{ 230400, B230400 },   { 460800, B460800 },
		{ 500000, B500000 },   { 576000, B576000 },
		{ 921600, B921600 },   { 1000000, B1000000 },
		{ 1500000, B1500000 }, { 2000000, B2000000 },
		{ 3000000, B3000000 }, { 4000000, B4000000 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].baud == baud) {
			*speed = table[i].speed;
			return true;
		}
	}
	return false;
}

static enum pv_code set_raw(struct lineio *l, speed_t speed, struct err *err)
{
	struct termios t;

	if (tcgetattr(l->in, &l->before) != 0)
		return err_errno(err, PV_STORAGE, "link.path", NULL,
				 "cannot read the line's settings");
	l->tty = true;
	t = l->before;
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cflag &= (tcflag_t) ~(CRTSCTS | CSTOPB);
	if (cfsetispeed(&t, speed) != 0 || cfsetospeed(&t, speed) != 0 ||
	    tcsetattr(l->in, TCSANOW, &t) != 0 ||
	    tcflush(l->in, TCIOFLUSH) != 0)
		return err_errno(err, PV_STORAGE, "link.path", NULL,
				 "cannot set the line up");
	return PV_OK;
}

static enum pv_code lock(int fd, struct err *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return PV_OK;
	if (errno == EWOULDBLOCK)
		return err_fail(err, PV_CONFLICT, "link.busy",
				"wait for it to end",
				"another process has the line");
	return err_errno(err, PV_STORAGE, "link.path", NULL,
			 "cannot lock the line");
}

/* ---- what is open ---- */

static enum pv_code no_wait(int fd, int *before, struct err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return err_errno(err, PV_STORAGE, "link.path", NULL,
				 "cannot use the line");
	*before = flags;
	return PV_OK;
}

/* No file, and nothing that only looks like a line. */
static enum pv_code check_kind(int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == 0 &&
	    (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode) ||
	     (S_ISCHR(st.st_mode) && isatty(fd))))
		return PV_OK;
	return err_fail(err, PV_INPUT, "link.path", LINES,
			"the link is no terminal line, socket or pipe");
}

static enum pv_code set_up(struct lineio *l, speed_t speed, struct err *err)
{
	enum pv_code rc = check_kind(l->in, err);

	if (rc == PV_OK && l->out != l->in)
		rc = check_kind(l->out, err);
	if (rc == PV_OK)
		rc = no_wait(l->in, &l->in_flags, err);
	if (rc == PV_OK && l->out != l->in)
		rc = no_wait(l->out, &l->out_flags, err);
	if (rc == PV_OK && isatty(l->in)) {
		rc = lock(l->in, err);
		if (rc == PV_OK)
			rc = set_raw(l, speed, err);
	}
	return rc;
}

/* What this process opened is close-on-exec, what was handed in is not. */
static bool handed_in(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && !(flags & FD_CLOEXEC);
}

static enum pv_code open_socket(struct lineio *l, const char *path,
				struct err *err)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(to.sun_path))
		return err_fail(err, PV_INPUT, "link.path", NULL,
				"the socket's path is longer than %zu bytes",
				sizeof(to.sun_path) - 1);
	memcpy(to.sun_path, path, strlen(path) + 1);
	l->in = l->out = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->in < 0)
		return err_errno(err, PV_STORAGE, "link.path", NULL,
				 "no socket");
	if (connect(l->in, (struct sockaddr *)&to, sizeof(to)) == 0)
		return PV_OK;
	return errno == ECONNREFUSED ? gone(err) : not_opened(err);
}

static enum pv_code open_path(struct lineio *l, const char *path,
			      struct err *err)
{
	struct stat st;

	l->own = true;
	if (stat(path, &st) != 0)
		return not_opened(err);
	if (S_ISSOCK(st.st_mode))
		return open_socket(l, path, err);
	if (!S_ISCHR(st.st_mode))
		return err_fail(err, PV_INPUT, "link.path",
				"give a serial line such as /dev/ttyUSB0, a "
				"socket or fd:N",
				"the link is no terminal line or socket");
	l->in = l->out = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return l->in >= 0 ? PV_OK : not_opened(err);
}

enum pv_code lineio_open(struct lineio *l, const char *where, unsigned baud,
			 struct err *err)
{
	int in, out;
	speed_t speed;
	enum pv_code rc;

	*l = (struct lineio)LINEIO_INIT;
	if (!speed_of(baud, &speed))
		return err_fail(err, PV_USAGE, "link.baud",
				"115200 is usual, 9600 to 4000000 are known",
				"%u is no speed of serial lines", baud);
	err_object(err, where);
	if (strncmp(where, "fd:", 3) == 0) {
		if (!parse_fds(where, &in, &out) || !handed_in(in) ||
		    !handed_in(out))
			return err_fail(err, PV_INPUT, "link.fd",
					"start it with the line open there",
					"no such descriptor was handed in");
		l->in = in;
		l->out = out;
	} else {
		rc = open_path(l, where, err);
		if (rc != PV_OK)
			return rc;
	}
	return set_up(l, speed, err);
}

enum pv_code lineio_take(struct lineio *l, int fd, struct err *err)
{
	*l = (struct lineio)LINEIO_INIT;
	l->in = l->out = fd;
	l->own = true;
	return set_up(l, B115200, err);
}

/* ---- bytes ---- */

/* Waits for events until the deadline; *ready false when it passed. */
static enum pv_code wait_for(int fd, short events, int64_t deadline,
			     bool *ready, struct err *err)
{
	struct pollfd p = { fd, events, 0 };
	int64_t left = deadline - pvtime_mono_ms();
	int n;

	if (left < 0)
		left = 0;
	n = poll(&p, 1, (int)(left < WAIT_MAX_MS ? left : WAIT_MAX_MS));
	if (n < 0 && errno != EINTR)
		return err_errno(err, PV_STORAGE, "link.path", NULL,
				 "cannot wait for the line");
	*ready = n > 0;
	return PV_OK;
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

enum pv_code lineio_send(struct lineio *l, struct span bytes, uint64_t wait_ms,
			 bool *sent, struct err *err)
{
	int64_t deadline = pvtime_mono_ms() + (int64_t)wait_ms;
	size_t at = 0;
	bool ready = true;

	*sent = false;
	while (at < bytes.len) {
		ssize_t n = write(l->out, bytes.p + at, bytes.len - at);

		if (n > 0)
			at += (size_t)n;
		else if (n < 0 && !would_block())
			return gone(err);
		else {
			enum pv_code rc = wait_for(l->out, POLLOUT, deadline,
						   &ready, err);

			if (rc != PV_OK)
				return rc;
			if (!ready && pvtime_mono_ms() >= deadline)
				return PV_OK;
		}
	}
	*sent = true;
	return PV_OK;
}

enum pv_code lineio_receive(struct lineio *l, uint8_t *p, size_t cap,
			    uint64_t wait_ms, size_t *n, struct err *err)
{
	int64_t deadline = pvtime_mono_ms() + (int64_t)wait_ms;
	bool ready;

	*n = 0;
	for (;;) {
		ssize_t got = read(l->in, p, cap);
		enum pv_code rc;

		if (got > 0) {
			*n = (size_t)got;
			return PV_OK;
		}
		if (got == 0 || !would_block())
			return gone(err);
		rc = wait_for(l->in, POLLIN, deadline, &ready, err);
		if (rc != PV_OK)
			return rc;
		if (!ready && pvtime_mono_ms() >= deadline)
			return PV_OK;
	}
}

void lineio_close(struct lineio *l)
{
	if (l->tty)
		(void)tcsetattr(l->in, TCSADRAIN, &l->before);
	if (l->in_flags >= 0)
		(void)fcntl(l->in, F_SETFL, l->in_flags);
	if (l->out_flags >= 0)
		(void)fcntl(l->out, F_SETFL, l->out_flags);
	if (l->own)
		fd_cleanup(&l->in);
	*l = (struct lineio)LINEIO_INIT;
}
