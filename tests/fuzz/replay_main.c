/*
 * replay [-v] PATH...: feeds every file named, and every regular file below
 * every folder named, to LLVMFuzzerTestOneInput: the corpus as a test, without
 * clang. A crash of the target is a crash here, behind the name of its file;
 * -v names each file before it is fed. Exit 1 when something could not be read
 * or nothing was found.
 */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define FOLDERS_MAX 16

/* nftw() and signals hand no context to their callbacks. */
static size_t fed;
static bool verbose;
static char feeding[4096];

static void say(const char *s)
{
	if (write(STDERR_FILENO, s, strlen(s)) < 0)
		_exit(1);
}

static void name_input(int number)
{
	say("while replaying ");
	say(feeding);
	say("\n");
	raise(number); /* SA_RESETHAND: ends here */
}

/* A sanitizer that wants a signal for its report has taken it before. */
static void watch(int number)
{
	struct sigaction now, ours = { .sa_handler = name_input,
				       .sa_flags = (int)SA_RESETHAND };

	if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		sigaction(number, &ours, NULL);
}

static int feed(const char *path, size_t size)
{
	/* one exact allocation, so that a sanitizer sees the first byte over */
	uint8_t *data = malloc(size ? size : 1);
	FILE *f = fopen(path, "rb");
	int rc = 1;

	if (!f || !data || fread(data, 1, size, f) != size) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	} else {
		snprintf(feeding, sizeof(feeding), "%s", path);
		if (verbose)
			fprintf(stderr, "%s\n", path);
		LLVMFuzzerTestOneInput(data, size);
		fed++;
		rc = 0;
	}
	if (f)
		fclose(f);
	free(data);
	return rc;
}

static int visit(const char *path, const struct stat *st, int flag,
		 struct FTW *ftw)
{
	(void)ftw;
	if (flag == FTW_DNR || flag == FTW_NS) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return 1;
	}
	return flag == FTW_F && S_ISREG(st->st_mode)
		       ? feed(path, (size_t)st->st_size)
		       : 0;
}

int main(int argc, char **argv)
{
	int first = 1;

	if (argc > 1 && strcmp(argv[1], "-v") == 0) {
		verbose = true;
		first = 2;
	}
	watch(SIGABRT);
	watch(SIGSEGV);
	watch(SIGBUS);
	watch(SIGFPE);
	for (int i = first; i < argc; i++) {
		if (nftw(argv[i], visit, FOLDERS_MAX, FTW_PHYS) != 0) {
			fprintf(stderr, "%s: not replayed\n", argv[i]);
			return 1;
		}
	}
	printf("%s: %zu inputs\n", argv[0], fed);
	return fed > 0 ? 0 : 1;
}
