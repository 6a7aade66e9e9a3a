#include "cmd/term.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/pvtime.h"

#define BAR_MAX 30
#define LONG_S 360000000 /* more than that is only "long" */

void progress_init(struct progress *p, const char *what, bool quiet)
{
	*p = (struct progress){ .fd = quiet ? -1 : STDERR_FILENO,
				.what = what,
				.started_ms = pvtime_mono_ms() };
	p->tty = !quiet && isatty(STDERR_FILENO) == 1;
	p->shown_ms = p->started_ms;
}

void progress_duration(char out[32], uint64_t seconds)
{
	if (seconds < 60)
		snprintf(out, 32, "%u s", (unsigned)seconds);
	else if (seconds < 3600)
		snprintf(out, 32, "%u min %u s", (unsigned)(seconds / 60),
			 (unsigned)(seconds % 60));
	else if (seconds < LONG_S)
		snprintf(out, 32, "%u h %u min", (unsigned)(seconds / 3600),
			 (unsigned)(seconds % 3600 / 60));
	else
		snprintf(out, 32, "long");
}

/* A bar of cells characters; cells at most BAR_MAX. */
static void draw_bar(char out[BAR_MAX + 4], unsigned cells, double part)
{
	unsigned full = (unsigned)(part * cells);
	char *o = out;

	*o++ = '[';
	for (unsigned i = 0; i < cells; i++)
		*o++ = i < full ? '#' : '.';
	*o++ = ']';
	*o++ = ' ';
	*o = '\0';
}

void progress_line(char out[PROGRESS_LINE_MAX], const char *what, uint64_t done,
		   uint64_t total, int64_t elapsed_ms, unsigned columns)
{
	double seconds = elapsed_ms > 0 ? (double)elapsed_ms / 1000.0 : 0.0;
	double rate = seconds > 0.0 ? (double)done / seconds : 0.0;
	char bar[BAR_MAX + 4] = "", left[48] = "", time[32];

	if (!total) {
		snprintf(out, PROGRESS_LINE_MAX, "%.32s %llu done %.0f/s", what,
			 (unsigned long long)done, rate);
		return;
	}
	double part = done >= total ? 1.0 : (double)done / (double)total;
	if (columns >= 80)
		draw_bar(bar, BAR_MAX, part);
	else if (columns >= 64)
		draw_bar(bar, 10, part);
	if (rate > 0.0 && done < total) {
		double rest = (double)(total - done) / rate;
		progress_duration(time,
				  rest < LONG_S ? (uint64_t)rest : LONG_S);
		snprintf(left, sizeof(left), " %s left", time);
	}
	snprintf(out, PROGRESS_LINE_MAX, "%.32s %s%llu/%llu %u %% %.0f/s%s",
		 what, bar, (unsigned long long)done, (unsigned long long)total,
		 (unsigned)(part * 100.0), rate, left);
}

static unsigned terminal_columns(int fd)
{
	struct winsize ws;

	if (ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col)
		return ws.ws_col;
	return 80;
}

/* Progress is a courtesy: a failed write to standard error stops nothing. */
static void put(int fd, const char *s)
{
	ssize_t n = write(fd, s, strlen(s));
	(void)n;
}

static void show(struct progress *p, uint64_t done, uint64_t total,
		 int64_t now_ms, bool last)
{
	char line[PROGRESS_LINE_MAX], text[PROGRESS_LINE_MAX + 16];
	unsigned columns = p->tty ? terminal_columns(p->fd) : 0;

	progress_line(line, p->what, done, total, now_ms - p->started_ms,
		      columns);
	if (p->tty && columns < PROGRESS_LINE_MAX)
		line[columns] = '\0';
	snprintf(text, sizeof(text), "%s%s%s", p->tty ? "\r\033[K" : "", line,
		 p->tty && !last ? "" : "\n");
	put(p->fd, text);
	p->drawn = p->tty && !last;
	p->shown_ms = now_ms;
}

void progress_update(struct progress *p, uint64_t done, uint64_t total)
{
	int64_t now_ms;

	if (p->fd < 0)
		return;
	now_ms = pvtime_mono_ms();
	if (now_ms - p->shown_ms >=
	    (p->tty ? PROGRESS_REDRAW_MS : PROGRESS_PLAIN_MS))
		show(p, done, total, now_ms, false);
}

void progress_end(struct progress *p, uint64_t done, uint64_t total)
{
	if (p->fd < 0 || (!p->drawn && p->shown_ms == p->started_ms))
		return;
	show(p, done, total, pvtime_mono_ms(), true);
}

void progress_clear(struct progress *p)
{
	if (p->fd >= 0 && p->drawn)
		put(p->fd, "\r\033[K");
	p->drawn = false;
}
