#include "cmd/harden.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

/* Opened the wrong way round on purpose: use must fail with EBADF. */
static enum pv_code fill_standard(struct err *err)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			return err_errno(err, PV_INTERNAL, "process.harden",
					 NULL, "cannot fill descriptor %d", fd);
	}
	return PV_OK;
}

enum pv_code harden_process(struct err *err)
{
	const struct rlimit none = { 0, 0 };
	sigset_t none_blocked;
	enum pv_code rc = fill_standard(err);

	if (rc != PV_OK)
		return rc;
	/* A file that the environment names could load engines into us. What is
	 * secret is wiped where it is released, not at exit. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
					OPENSSL_INIT_NO_ATEXIT,
				NULL) != 1)
		return err_fail(err, PV_INTERNAL, "process.harden", NULL,
				"OpenSSL does not start");
	/* Nor may libtss2 write of what devices send, to us or to a file. */
	if (setenv("TSS2_LOG", "all+none", 1) != 0 ||
	    unsetenv("TSS2_LOGFILE") != 0)
		return err_errno(err, PV_INTERNAL, "process.harden", NULL,
				 "cannot set the environment");
	umask(077);
	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_errno(err, PV_INTERNAL, "process.harden", NULL,
				 "cannot switch core files off");
	/* Inherited: a parent that ignores SIGCHLD, or blocks signals. */
	sigemptyset(&none_blocked);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    signal(SIGCHLD, SIG_DFL) == SIG_ERR ||
	    sigprocmask(SIG_SETMASK, &none_blocked, NULL) != 0)
		return err_errno(err, PV_INTERNAL, "process.harden", NULL,
				 "cannot set signals up");
	return PV_OK;
}
