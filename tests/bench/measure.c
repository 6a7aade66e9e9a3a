/*
 * measure COMMAND...: runs it and prints one JSON line on standard output:
 * exit status, wall and CPU seconds of it and all its children, and the
 * largest sum of proportional set sizes (PSS) over its process group, sampled
 * every 50 ms. The command's own output goes to standard error.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAMPLE_NS 50000000L

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Process group of pid from /proc/pid/stat, -1 when it has gone. */
static long group_of(const char *pid)
{
	char path[300], line[1024], *close;
	FILE *f;
	long group = -1;

	snprintf(path, sizeof(path), "/proc/%.200s/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return -1;
	if (fgets(line, sizeof(line), f) && (close = strrchr(line, ')')))
		if (sscanf(close + 1, " %*c %*d %ld", &group) != 1)
			group = -1;
	fclose(f);
	return group;
}

static long pss_kib(const char *pid)
{
	char path[300], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.200s/smaps_rollup", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Pss: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

static long group_pss(long group)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	long sum = 0;

	while (proc && (e = readdir(proc)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    group_of(e->d_name) == group)
			sum += pss_kib(e->d_name);
	if (proc)
		closedir(proc);
	return sum;
}

static double cpu_s(const struct rusage *u)
{
	return (double)u->ru_utime.tv_sec + (double)u->ru_stime.tv_sec +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	const struct timespec pause = { 0, SAMPLE_NS };
	struct rusage usage;
	double start = now_s();
	long peak = 0;
	int status = 0;
	pid_t pid;

	if (argc < 2)
		return 2;
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	setpgid(pid, pid);
	while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
		long pss = group_pss(pid);

		peak = pss > peak ? pss : peak;
		nanosleep(&pause, NULL);
	}
	getrusage(RUSAGE_CHILDREN, &usage);
	printf("{\"status\":%d,\"wall_s\":%.3f,\"cpu_s\":%.3f,\"peak_pss_kib\":%ld}\n",
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128, now_s() - start,
	       cpu_s(&usage), peak);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
