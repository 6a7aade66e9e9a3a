/*
 * measure [-i MS] [-o FILE] [-s SAMPLES] [-x NAME] COMMAND...: runs it and
 * prints one JSON line on standard output: exit status, wall and CPU seconds
 * of it and all its children, the share of all CPUs that others used meanwhile
 * (/proc/stat minus own use), and the largest sum of proportional set sizes
 * (PSS) over its process group, sampled every MS (50; 0: never).
 *
 * The command's own output goes to FILE, or to standard error. SAMPLES gets a
 * line for each sample: monotonic seconds and KiB. Processes called NAME are
 * not in the sum.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAMPLE_MS 50

struct measure {
	long sample_ms;
	const char *output, *exclude;
	FILE *samples;
	long peak_kib;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Is pid in the group, and not one that is left out? From /proc/pid/stat. */
static bool counts(const char *pid, long group, const char *exclude)
{
	char path[300], line[1024], *name, *end;
	long of = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.200s/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fgets(line, sizeof(line), f) && (name = strchr(line, '(')) &&
	    (end = strrchr(line, ')'))) {
		*end = '\0';
		if (sscanf(end + 1, " %*c %*d %ld", &of) != 1 ||
		    (exclude && strcmp(name + 1, exclude) == 0))
			of = -1;
	}
	fclose(f);
	return of == group;
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

static void sample(struct measure *m, long group)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	long sum = 0;

	while (proc && (e = readdir(proc)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    counts(e->d_name, group, m->exclude))
			sum += pss_kib(e->d_name);
	if (proc)
		closedir(proc);
	if (m->samples)
		fprintf(m->samples, "%.3f %ld\n", now_s(), sum);
	m->peak_kib = sum > m->peak_kib ? sum : m->peak_kib;
}

static double seconds_of(const struct rusage *u)
{
	return (double)u->ru_utime.tv_sec + (double)u->ru_stime.tv_sec +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static double own_s(void)
{
	struct rusage self, children;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	return seconds_of(&self) + seconds_of(&children);
}

/* What all CPUs have worked, also for other guests: not idle, not waiting. */
static double busy_s(void)
{
	unsigned long long v[8] = { 0 };
	FILE *f = fopen("/proc/stat", "r");
	double hz = (double)sysconf(_SC_CLK_TCK);

	if (f && fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0],
			&v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) != 8)
		memset(v, 0, sizeof(v));
	if (f)
		fclose(f);
	return (double)(v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) / hz;
}

static bool parse(struct measure *m, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+i:o:s:x:")) != -1) {
		if (c == 'i')
			m->sample_ms = atol(optarg);
		else if (c == 'o')
			m->output = optarg;
		else if (c == 'x')
			m->exclude = optarg;
		else if (c != 's' || !(m->samples = fopen(optarg, "w")))
			return false;
	}
	return optind < argc;
}

static void run(const struct measure *m, char **command, const sigset_t *mask)
{
	int fd = m->output ? open(m->output, O_WRONLY | O_CREAT | O_TRUNC, 0600)
			   : STDERR_FILENO;

	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(126);
	execvp(command[0], command);
	_exit(127);
}

/* Samples until it has ended; its end wakes the pause between two samples. */
static int watch(struct measure *m, pid_t pid, const sigset_t *chld)
{
	const struct timespec pause = { m->sample_ms / 1000,
					m->sample_ms % 1000 * 1000000L };
	int status = 0;

	while (waitpid(pid, &status, m->sample_ms ? WNOHANG : 0) == 0) {
		sample(m, pid);
		sigtimedwait(chld, NULL, &pause);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int main(int argc, char **argv)
{
	struct measure m = { .sample_ms = SAMPLE_MS };
	double busy, own, start, wall, foreign;
	struct rusage usage;
	sigset_t chld, before;
	int status;
	pid_t pid;

	if (!parse(&m, argc, argv)) {
		fputs("usage: measure [-i MS] [-o FILE] [-s SAMPLES] [-x NAME] "
		      "COMMAND...\n",
		      stderr);
		return 2;
	}
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &before);
	busy = busy_s();
	own = own_s();
	start = now_s();
	pid = fork();
	if (pid == 0)
		run(&m, argv + optind, &before);
	setpgid(pid, pid);
	status = pid > 0 ? watch(&m, pid, &chld) : 127;
	wall = now_s() - start;
	foreign = busy_s() - busy - (own_s() - own);
	getrusage(RUSAGE_CHILDREN, &usage);
	printf("{\"status\":%d,\"wall_s\":%.4f,\"cpu_s\":%.3f,"
	       "\"foreign\":%.4f,\"peak_pss_kib\":%ld}\n",
	       status, wall, seconds_of(&usage),
	       foreign > 0
		       ? foreign / wall / (double)sysconf(_SC_NPROCESSORS_ONLN)
		       : 0,
	       m.peak_kib);
	return status;
}
