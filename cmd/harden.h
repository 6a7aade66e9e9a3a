/*
 * harden: what a process switches off before it touches a secret
 * (reliability.md, "Hardening"): core files, ptrace by the same user, gaining
 * privileges, OpenSSL's configuration file (which the environment could name),
 * group and other bits of new files, SIGPIPE. Standard descriptors
 * that are closed are filled so that no file of ours can take their numbers;
 * using a filled one fails, so that lost output is never taken for success.
 */
#ifndef PV_CMD_HARDEN_H
#define PV_CMD_HARDEN_H

#include "lib/base/err.h"

/* For people, when secret_setup() says so. */
#define HARDEN_UNLOCKED                                                        \
	"provctl: warning: memory for secrets cannot be locked (ulimit -l)"

/* Before anything else is opened. PV_INTERNAL when the kernel refuses. */
PV_MUST enum pv_code harden_process(struct err *err);

#endif
