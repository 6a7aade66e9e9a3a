#include "cmd/confirm.h"

#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"

enum pv_code confirm_signing(const struct confirm *c, struct err *err)
{
	CLEANUP(fd_cleanup) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	char answer[8] = "";
	ssize_t n;

	if (tty < 0)
		return err_fail(err, PV_DENIED, c->terminal,
				"read what it shows, then give --yes",
				"there is no terminal to ask on");
	if (!isatty(STDERR_FILENO))
		dprintf(tty, "%.*s", (int)c->shown.len,
			(const char *)c->shown.p);
	tcflush(tty, TCIFLUSH);
	dprintf(tty, "sign this as %.64s? [y/N] ", c->as);
	n = read(tty, answer, sizeof(answer) - 1);
	if (n == 2 && (answer[0] == 'y' || answer[0] == 'Y'))
		return PV_OK;
	return err_fail(err, PV_DENIED, c->declined, NULL,
			"nothing was signed");
}
