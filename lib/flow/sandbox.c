#include "lib/flow/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

/*
 * Every right to the file system that a version of Landlock knows is denied
 * unless a rule gives it. Debian 12's header stops at version 2; the numbers of
 * later ones are the kernel's (linux/landlock.h, LANDLOCK_ACCESS_FS_*).
 */
static uint64_t rights_of(long version)
{
	static const unsigned bits[] = { 0, 13, 14, 15, 15, 16 };
	const long newest = (long)(sizeof(bits) / sizeof(bits[0])) - 1;

	return (1ull << bits[version > newest ? newest : version]) - 1;
}

static bool confine_files(int folder)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = { .handled_access_fs = 0 };
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE |
				  LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = folder
	};
	CLEANUP(fd_cleanup) int fd = -1;

	if (version < 1)
		return false;
	attr.handled_access_fs = rights_of(version);
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
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
	SCMP_SYS(fstat),	SCMP_SYS(newfstatat),
	SCMP_SYS(brk),
	SCMP_SYS(munmap),	SCMP_SYS(mremap),
	SCMP_SYS(madvise),	SCMP_SYS(futex),
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

/* Memory that is or becomes code is not for who parses strangers' bytes. */
static int allow_data_only(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp data = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int bad =
		seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, data);

	return bad ? bad
		   : seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect),
				      1, data);
}

/*
 * Opening to read, and nothing that makes or cuts a file. Without files (open
 * false) it is refused, not fatal: a library may ask for one of its own.
 */
static int allow_open(scmp_filter_ctx ctx, bool open)
{
	const unsigned long harm = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND |
				   (O_TMPFILE & ~O_DIRECTORY);

	return seccomp_rule_add(
		ctx, open ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM),
		SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, harm, 0));
}

/* What opening a folder or a stream asks. Not F_SETOWN, F_SETSIG or O_ASYNC: the
 * kernel would send any process of this user any signal. */
static int allow_fcntl(scmp_filter_ctx ctx)
{
	static const scmp_datum_t asks[] = { F_GETFD, F_SETFD, F_GETFL,
					     F_DUPFD_CLOEXEC };
	int bad = 0;

	for (size_t i = 0; !bad && i < sizeof(asks) / sizeof(*asks); i++)
		bad = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				       SCMP_A1(SCMP_CMP_EQ, asks[i]));
	return bad;
}

static enum pv_code filter_calls(bool open, struct err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int bad = ctx == NULL;

	for (size_t i = 0; !bad && i < sizeof(allowed) / sizeof(*allowed); i++)
		bad = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (!bad)
		bad = allow_data_only(ctx);
	if (!bad)
		bad = allow_open(ctx, open);
	if (!bad)
		bad = allow_fcntl(ctx);
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
	return SANDBOX_FILTER ? filter_calls(folder >= 0 && *landlock, err)
			      : PV_OK;
}

enum pv_code sandbox_bound(unsigned cpu_s, size_t bytes, unsigned time_s,
			   struct err *err)
{
	const struct rlimit cpu = { cpu_s, cpu_s + 1 }; /* soft: SIGXCPU */
	const struct rlimit memory = { bytes, bytes };

	if (setrlimit(RLIMIT_CPU, &cpu) != 0 ||
	    (SANDBOX_FILTER && setrlimit(RLIMIT_AS, &memory) != 0))
		return err_errno(err, PV_INTERNAL, "sandbox.limits", NULL,
				 "a process cannot bound itself");
	(void)alarm(time_s);
	return PV_OK;
}
