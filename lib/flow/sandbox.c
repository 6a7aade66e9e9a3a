#include "lib/flow/sandbox.h"

#include <errno.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fileio.h"

/* Sanitizers make system calls of their own, many and changing. */
#define SANDBOX_FILTER 1
#if defined(__SANITIZE_ADDRESS__)
#undef SANDBOX_FILTER
#define SANDBOX_FILTER 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef SANDBOX_FILTER
#define SANDBOX_FILTER 0
#endif
#endif

/* Every right of Landlock's first version: denied unless a rule gives it. */
#define LANDLOCK_ALL_V1 ((1ull << 13) - 1)

static bool confine_files(int folder)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs =
						      LANDLOCK_ALL_V1 };
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE |
				  LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = folder
	};
	CLEANUP(fd_cleanup)
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr),
			      0);

	if (fd < 0)
		return false;
	if (folder >= 0 && syscall(SYS_landlock_add_rule, fd,
				   LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
		return false;
	return syscall(SYS_landlock_restrict_self, fd, 0) == 0;
}

static const int allowed[] = {
	SCMP_SYS(read),		SCMP_SYS(write),
	SCMP_SYS(pread64),	SCMP_SYS(lseek),
	SCMP_SYS(sendto),	SCMP_SYS(recvfrom),
	SCMP_SYS(poll),		SCMP_SYS(ppoll),
	SCMP_SYS(close),	SCMP_SYS(dup),
	SCMP_SYS(fcntl),	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),	SCMP_SYS(brk),
	SCMP_SYS(mmap),		SCMP_SYS(munmap),
	SCMP_SYS(mremap),	SCMP_SYS(madvise),
	SCMP_SYS(mprotect),	SCMP_SYS(futex),
	SCMP_SYS(getrandom),	SCMP_SYS(clock_gettime),
	SCMP_SYS(exit),		SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
	SCMP_SYS(getpid),	SCMP_SYS(geteuid),
	SCMP_SYS(munlock),
};

static enum pv_code refuse(struct err *err)
{
	return err_fail(err, PV_INTERNAL, "sandbox.seccomp",
			"check that the kernel has seccomp filters",
			"the reader process cannot confine itself");
}

static enum pv_code filter_calls(int folder, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int bad = ctx == NULL;

	for (size_t i = 0; !bad && i < sizeof(allowed) / sizeof(*allowed); i++)
		bad = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	/* Opening for writing is refused, not fatal: nothing here asks for it.
	 */
	if (!bad)
		bad = seccomp_rule_add(
			ctx,
			folder >= 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM),
			SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, 3, 0));
	if (!bad)
		bad = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return bad ? refuse(err) : PV_OK;
}

enum pv_code sandbox_enter(int folder, bool *landlock, struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return refuse(err);
	*landlock = confine_files(folder);
	return SANDBOX_FILTER ? filter_calls(folder, err) : PV_OK;
}
