/*
 * scan: looks for secrets where none may be, in files or in the memory of a
 * live process.
 *
 *     scan NEEDLES PATH...       every regular file at or below the paths
 *     scan NEEDLES --pid PID...  every readable mapping of the processes
 *
 * NEEDLES has one "name hex" a line. A needle is looked for as it is, as hex
 * in both cases, as base64 (at each of the three alignments) and with its
 * bytes in reverse. One line a hit on standard output, never the secret.
 * Ends with 0 when nothing was found, 1 with hits, 2 when something could not
 * be read. Reading another process asks for root.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "lib/base/base64.h"
#include "lib/base/text.h"

#define NEEDLES_MAX 1024
#define SECRET_LEN_MIN 12 /* shorter ones are found by chance */
#define SECRET_LEN_MAX 512
#define WINDOW (1u << 20)

struct needle {
	char name[80];
	const char *form;
	uint8_t bytes[2 * SECRET_LEN_MAX];
	size_t len;
};

/* nftw() hands no context to its callback. */
static struct needle needles[NEEDLES_MAX];
static size_t needles_n, longest;
static unsigned long hits, places, unread;

static void add(const char *name, const char *form, const void *p, size_t len)
{
	struct needle *n = &needles[needles_n];

	if (needles_n == NEEDLES_MAX || len > sizeof(n->bytes)) {
		fprintf(stderr, "scan: too many needles\n");
		exit(2);
	}
	snprintf(n->name, sizeof(n->name), "%s", name);
	n->form = form;
	memcpy(n->bytes, p, len);
	n->len = len;
	longest = len > longest ? len : longest;
	needles_n++;
}

/* The characters that do not depend on what stands before or after. */
static void add_base64(const char *name, const uint8_t *p, size_t len)
{
	uint8_t shifted[SECRET_LEN_MAX + 2] = { 0 };
	char text[BASE64_LEN(SECRET_LEN_MAX + 2) + 1];

	for (size_t shift = 0; shift < 3; shift++) {
		size_t total = len + shift, first = (shift * 8 + 5) / 6;

		memcpy(shifted + shift, p, len);
		base64_encode(shifted, total, text);
		add(name, "base64", text + first, total * 8 / 6 - first);
	}
}

static void add_all(const char *name, const uint8_t *p, size_t len)
{
	uint8_t reverse[SECRET_LEN_MAX];
	char hex[2 * SECRET_LEN_MAX + 1];

	for (size_t i = 0; i < len; i++)
		reverse[i] = p[len - 1 - i];
	add(name, "raw", p, len);
	add(name, "reversed", reverse, len);
	hex_encode(p, len, hex);
	add(name, "hex", hex, 2 * len);
	for (char *c = hex; *c; c++)
		if (*c >= 'a')
			*c = (char)(*c - 'a' + 'A');
	add(name, "upper-case hex", hex, 2 * len);
	add_base64(name, p, len);
}

static int read_needles(const char *path)
{
	char line[2 * SECRET_LEN_MAX + 100], name[80];
	char hex[2 * SECRET_LEN_MAX + 2];
	uint8_t bytes[SECRET_LEN_MAX];
	FILE *f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f)) {
		size_t len;

		if (sscanf(line, "%79s %1025s", name, hex) != 2)
			continue;
		len = strlen(hex) / 2;
		if (len < SECRET_LEN_MIN || len > SECRET_LEN_MAX ||
		    strlen(hex) % 2 || !hex_decode(hex, bytes, len)) {
			fprintf(stderr, "scan: needle %s is no use\n", name);
			fclose(f);
			return -1;
		}
		add_all(name, bytes, len);
	}
	if (f)
		fclose(f);
	return needles_n > 0 ? 0 : -1;
}

static void look(const char *where, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < needles_n; i++) {
		const struct needle *n = &needles[i];

		if (memmem(p, len, n->bytes, n->len)) {
			printf("%s: %s (%s)\n", where, n->name, n->form);
			hits++;
		}
	}
}

/* From offset from up to to; windows overlap by the longest needle. */
static bool look_through(const char *where, int fd, off_t from, off_t to)
{
	static uint8_t window[WINDOW];
	size_t kept = 0;

	while (from < to) {
		size_t room = sizeof(window) - kept;
		size_t want = to - from < (off_t)room ? (size_t)(to - from)
						      : room;
		ssize_t n = pread(fd, window + kept, want, from);

		if (n <= 0)
			return n == 0;
		from += n;
		kept += (size_t)n;
		look(where, window, kept);
		if (kept >= longest) {
			memmove(window, window + kept - (longest - 1),
				longest - 1);
			kept = longest - 1;
		}
	}
	return true;
}

static int look_at_file(const char *path, const struct stat *st, int flag,
			struct FTW *ftw)
{
	int fd;

	(void)ftw;
	if (flag == FTW_DNR || flag == FTW_NS) {
		unread++;
		return 0;
	}
	if (flag != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || !look_through(path, fd, 0, st->st_size)) {
		fprintf(stderr, "scan: %s: %s\n", path, strerror(errno));
		unread++;
	}
	if (fd >= 0)
		close(fd);
	places++;
	return 0;
}

static void look_at_mappings(const char *pid, FILE *maps, int mem)
{
	char line[4400], where[128], name[64];
	unsigned long from, to;
	char access[5];

	while (fgets(line, sizeof(line), maps)) {
		name[0] = '\0';
		if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %63s", &from, &to,
			   access, name) < 3)
			continue;
		if (access[0] != 'r' || strncmp(name, "[v", 2) == 0)
			continue;
		snprintf(where, sizeof(where), "pid %s %lx %s", pid, from,
			 name);
		/* A page may be gone or never touched: the rest counts. */
		for (; from < to; from += WINDOW / 2) {
			off_t end = (off_t)(to - from < WINDOW / 2 + 4096
						    ? to
						    : from + WINDOW / 2 + 4096);

			(void)look_through(where, mem, (off_t)from, end);
		}
		places++;
	}
}

static void look_at_process(const char *pid)
{
	unsigned long before = places;
	char path[64];
	FILE *maps;
	int mem;

	snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
	maps = fopen(path, "r");
	snprintf(path, sizeof(path), "/proc/%.20s/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (maps && mem >= 0)
		look_at_mappings(pid, maps, mem);
	if (places == before) {
		fprintf(stderr, "scan: %s cannot be read\n", path);
		unread++;
	}
	if (maps)
		fclose(maps);
	if (mem >= 0)
		close(mem);
}

int main(int argc, char **argv)
{
	bool pids = argc > 2 && strcmp(argv[2], "--pid") == 0;

	if (argc < 3 || read_needles(argv[1]) != 0) {
		fprintf(stderr, "usage: scan NEEDLES PATH... | "
				"scan NEEDLES --pid PID...\n");
		return 2;
	}
	for (int i = pids ? 3 : 2; i < argc; i++) {
		if (pids)
			look_at_process(argv[i]);
		else if (nftw(argv[i], look_at_file, 16, FTW_PHYS) != 0)
			unread++;
	}
	fprintf(stderr, "scan: %zu needles, %lu places, %lu hits\n", needles_n,
		places, hits);
	if (unread > 0)
		return 2;
	return hits > 0 ? 1 : 0;
}
