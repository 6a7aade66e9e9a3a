/*
 * opts: a table of long options, parsed strictly. No abbreviations, no
 * options set twice (lists aside), numbers in decimal digits only, a value
 * that looks like an option must be joined with '='.
 *
 * An option named like a PIN is refused whatever the table says, and its
 * value is never repeated: argv is readable by every process.
 */
#ifndef PV_CMD_OPTS_H
#define PV_CMD_OPTS_H

#include <stdint.h>

#include "lib/base/err.h"

#define OPTS_LIST_MAX 64  /* values of one repeated option */
#define OPTS_TABLE_MAX 32 /* options of one verb */

enum opt_kind {
	OPT_FLAG,   /* to: bool */
	OPT_STRING, /* to: const char *, points into argv */
	OPT_NUMBER, /* to: uint64_t, min to max */
	OPT_LIST    /* to: struct opt_list */
};

struct opt_list {
	const char *values[OPTS_LIST_MAX]; /* point into argv */
	size_t n;
};

struct opt {
	const char *name; /* without dashes; NULL ends the table */
	char letter;	  /* 'o' for -o, 0: none */
	enum opt_kind kind;
	void *to;
	uint64_t min, max; /* OPT_NUMBER */
};

struct opt_args { /* what is not an option */
	const char *values[OPTS_LIST_MAX];
	size_t n;
};

/*
 * Parses argv[1..argc). "--" ends options; "-" alone is an argument. Options
 * and arguments may be mixed; the number of arguments is checked against min
 * and max. PV_USAGE, rules "usage.option", "usage.value", "usage.argument",
 * "usage.pin". What opts point at is partly set on failure.
 */
PV_MUST enum pv_code opts_parse(const struct opt *opts, int argc, char **argv,
				size_t args_min, size_t args_max,
				struct opt_args *args, struct err *err);

/*
 * For options before the verb: stops at the first argument; *next is its
 * index in argv, argc when there is none.
 */
PV_MUST enum pv_code opts_parse_until(const struct opt *opts, int argc,
				      char **argv, int *next, struct err *err);

/* Decimal digits only, no sign, no spaces; false when past max. */
PV_MUST bool opts_number(const char *s, uint64_t min, uint64_t max,
			 uint64_t *v);

/* True for --pin, --pin=..., --so-pin and the like (not --pin-source). */
PV_MUST bool opts_is_pin(const char *arg);

#endif
