/* box_fix: what tests of boxes share. */
#ifndef PV_TESTS_BOX_FIX_H
#define PV_TESTS_BOX_FIX_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

/* valgrind 3.19 does not pass this call on; there are kernels without. */
static inline bool seccomp_is_there(void)
{
	return syscall(SYS_seccomp, UINT_MAX, 0, NULL) != -1 || errno != ENOSYS;
}

#endif
