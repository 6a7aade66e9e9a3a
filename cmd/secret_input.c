#include "cmd/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd/pin.h"
#include "cmd/prompt.h"
#include "lib/base/fileio.h"
#include "lib/flow/secrets.h"

static enum pv_code check_length(const struct secret *value, struct err *err)
{
	if (value->len > 0 && value->len <= SECRETS_VALUE_MAX)
		return PV_OK;
	return err_fail(err, PV_INPUT, "secret.length", NULL,
			"the value is empty or longer than %u bytes",
			SECRETS_VALUE_MAX);
}

/* A byte more than fits is asked for, so that too much is seen to be it. */
static enum pv_code read_input(const char *pin_source, struct secret *value,
			       struct err *err)
{
	SECRET s = SECRET_INIT;
	size_t len = 0;
	enum pv_code rc = PV_OK;

	if (isatty(STDIN_FILENO))
		return err_fail(err, PV_USAGE, "secret.terminal",
				"leave --from out to be asked without echo",
				"standard input is a terminal");
	if (pin_source_shares(pin_source, STDIN_FILENO))
		return err_fail(err, PV_USAGE, "pin.shared",
				"give the PIN a descriptor of its own",
				"the PIN and the value come from one "
				"descriptor (pin_source %s)",
				pin_source);
	rc = secret_alloc(&s, SECRETS_VALUE_MAX + 1, err);
	while (rc == PV_OK && len < s.len) {
		ssize_t n = read(STDIN_FILENO, s.data + len, s.len - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, PV_INPUT, "secret.input", NULL,
					 "cannot read standard input");
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (rc == PV_OK) {
		secret_truncate(&s, len);
		secret_move(value, &s);
	}
	return rc;
}

/* Nobody sees what is typed: twice the same is what was meant. */
static enum pv_code ask(const char *name, struct secret *value, struct err *err)
{
	const struct prompt first = { .what = "Value",
				      .about = name,
				      .rule = "secret.terminal",
				      .hint = "use --from without a terminal",
				      .max = SECRETS_VALUE_MAX };
	struct prompt again = first;
	SECRET repeated = SECRET_INIT;
	enum pv_code rc = prompt_hidden(&first, value, err);

	again.what = "The same again";
	if (rc == PV_OK)
		rc = check_length(value, err);
	if (rc == PV_OK)
		rc = prompt_hidden(&again, &repeated, err);
	if (rc == PV_OK && !secret_equal(&repeated, value->data, value->len))
		rc = err_fail(err, PV_INPUT, "secret.repeat", "run it again",
			      "the two values differ");
	return rc;
}

enum pv_code secret_input(const char *from, const char *pin_source,
			  const char *name, struct secret *value,
			  struct err *err)
{
	enum pv_code rc;

	if (!from)
		return ask(name, value, err);
	if (strcmp(from, "-") == 0)
		rc = read_input(pin_source, value, err);
	else
		rc = file_read_secret(AT_FDCWD, from,
				      FILEIO_NOFOLLOW | FILEIO_PRIVATE,
				      SECRETS_VALUE_MAX, value, err);
	return rc == PV_OK ? check_length(value, err) : rc;
}
