/*
 * pin: where a PIN comes from (cli.md): a prompt on the terminal without echo,
 * a file of mode 0600 that the caller owns, an open descriptor, or a systemd
 * credential. Never argv, never an environment variable's value. One line end
 * behind it is dropped. The bytes go into a struct secret and nowhere else.
 */
#ifndef PV_CMD_PIN_H
#define PV_CMD_PIN_H

#include "lib/base/secret.h"

#define PIN_MAX 255 /* bytes */

/*
 * source: "prompt", "file:PATH" (relative to home_fd), "fd:N" (one that the
 * process was started with), "systemd:NAME".
 * what is shown in a prompt. PV_INPUT (source unknown; empty or longer than
 * PIN_MAX), PV_DENIED (mode, owner, no terminal), PV_NOT_FOUND,
 * PV_INTERRUPTED (^C or a signal while asking), PV_STORAGE.
 */
PV_MUST enum pv_code pin_read(int home_fd, const char *source, const char *what,
			      struct secret *pin, struct err *err);

/*
 * What can be said without asking anybody: file: and systemd: are read, under
 * the same checks and with the same codes, and forgotten at once. PV_OK for a
 * prompt and for a descriptor, which can be read only once.
 */
PV_MUST enum pv_code pin_check(int home_fd, const char *source,
			       struct err *err);

/* True when source is one of the four forms; reads nothing. */
PV_MUST bool pin_source_valid(const char *source);
/* True when source is "fd:N" and N is what fd is: the same file or pipe. */
PV_MUST bool pin_source_shares(const char *source, int fd);

/*
 * The passphrase of a person's key file: source as above, files relative to the
 * current folder. is_new: typed twice where it is typed; PV_INPUT, "pin.twice".
 */
PV_MUST enum pv_code pin_read_phrase(const char *source, const char *what,
				     bool is_new, struct secret *phrase,
				     struct err *err);

#endif
