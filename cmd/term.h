/*
 * term: what a person sees of long work. On a terminal one line is redrawn
 * with a bar, the rate and the time left; elsewhere one plain line is printed
 * every 10 seconds. Goes to standard error only. No globals: the caller holds
 * the state. The lines themselves are made by a pure function.
 */
#ifndef PV_CMD_TERM_H
#define PV_CMD_TERM_H

#include <stdint.h>

#include "lib/base/err.h"

#define PROGRESS_LINE_MAX 160
#define PROGRESS_REDRAW_MS 100
#define PROGRESS_PLAIN_MS 10000

struct progress {
	int fd; /* where it goes, -1: nowhere (quiet) */
	bool tty;
	bool drawn;	    /* an unfinished line stands on the terminal */
	const char *what;   /* "issue"; not owned */
	int64_t started_ms; /* monotonic */
	int64_t shown_ms;
};

/* Starts the clock. quiet: nothing is ever shown. */
void progress_init(struct progress *p, const char *what, bool quiet);
/* total 0: not known. Cheap: prints only when it is time to. */
void progress_update(struct progress *p, uint64_t done, uint64_t total);
/* The last line, ended with LF on a terminal. Nothing when none was shown. */
void progress_end(struct progress *p, uint64_t done, uint64_t total);
/* Erases an unfinished line, so that a message may follow. */
void progress_clear(struct progress *p);

/*
 * "issue  [#####.....]  500/1000  50 %  123/s  4 s left", with a bar only when
 * columns leaves room for it. Always fits PROGRESS_LINE_MAX.
 */
void progress_line(char out[PROGRESS_LINE_MAX], const char *what, uint64_t done,
		   uint64_t total, int64_t elapsed_ms, unsigned columns);
/* "4 s", "3 min 20 s", "2 h 5 min" for seconds. */
void progress_duration(char out[32], uint64_t seconds);

#endif
