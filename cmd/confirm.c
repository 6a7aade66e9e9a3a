#include "cmd/confirm.h"

#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"

#define LINE_MAX 256

enum confirm_answer confirm_answer(const char *line)
{
	if (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0)
		return CONFIRM_YES;
	if (strcasecmp(line, "n") == 0 || strcasecmp(line, "no") == 0 ||
	    strcasecmp(line, "stop") == 0)
		return CONFIRM_NO;
	return CONFIRM_NONE;
}

/* A line; what is longer is none, and none of it is left to whoever reads the
 * terminal next. */
static enum confirm_answer ask(int tty, const struct confirm *c)
{
	char line[LINE_MAX];
	ssize_t n;

	tcflush(tty, TCIFLUSH);
	dprintf(tty, "%s%.64s? [yes/no] ", c->as ? "sign this as " : "",
		c->as ? c->as : c->question);
	n = read(tty, line, sizeof(line) - 1);
	if (n <= 0)
		return CONFIRM_NO;
	tcflush(tty, TCIFLUSH);
	line[n] = '\0';
	if (line[n - 1] == '\n')
		line[n - 1] = '\0';
	return confirm_answer(line);
}

enum pv_code confirm_signing(const struct confirm *c, struct err *err)
{
	CLEANUP(fd_cleanup) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	enum confirm_answer said;

	if (tty < 0)
		return err_fail(err, PV_DENIED, c->terminal,
				"read what it shows, then give --yes",
				"there is no terminal to ask on");
	if (!isatty(STDERR_FILENO))
		dprintf(tty, "%.*s", (int)c->shown.len,
			(const char *)c->shown.p);
	while ((said = ask(tty, c)) == CONFIRM_NONE)
		dprintf(tty, "answer yes or no\n");
	if (said == CONFIRM_YES)
		return PV_OK;
	return err_fail(err, PV_DENIED, c->declined,
			"run it again to do it after all", "nothing was %s",
			c->as ? "signed" : "done");
}
