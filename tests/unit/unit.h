/*
 * unit: what every check_<module>.c shares. Tests run from anywhere: data is
 * found under $srcdir/tests/data (Automake sets srcdir), scratch files go to a
 * fresh folder that is removed at exit.
 */
#ifndef PV_TESTS_UNIT_H
#define PV_TESTS_UNIT_H

#include <check.h>

#include "lib/base/buf.h"

/* Runs the suite; the value for main to return. CK_FORK=no is respected. */
int unit_run(Suite *suite);
/* Whole file tests/data/<name> into b (initialised here, 64 MiB cap); fails the
 * test if missing. */
void unit_read(const char *name, struct buf *b);
/* Path of tests/data/<name>; static buffer of 8 rotating slots. */
const char *unit_path(const char *name);
/* A fresh private folder for this process. */
const char *unit_tmp(void);
/* Fails the test with err's message when code is not PV_OK. */
void unit_ok(enum pv_code code, const struct err *err);
/* Fails unless code is want and rule equals err->rule (rule NULL: any). */
void unit_refused(enum pv_code code, enum pv_code want, const char *rule,
		  const struct err *err);

/* Says that a test cannot run here, and why: counted as skipped. Called from
 * main() in place of adding the test. */
void unit_skip(const char *test, const char *why);

/* unit_ok() of a call that takes &err_ as its last argument. */
#define UNIT_OK(call)                                                          \
	do {                                                                   \
		struct err err_;                                               \
		err_init(&err_);                                               \
		unit_ok((call), &err_);                                        \
	} while (0)

/*
 * One line of the table of vectors and corpora: file relative to tests/data,
 * the case's name in it, and what happened. reason is needed for UNIT_REFUSED
 * and UNIT_NOT_OURS. Written to $VECTORS_DIR/<program>.tsv when that is set.
 */
enum unit_verdict { UNIT_PASS, UNIT_REFUSED, UNIT_NOT_OURS };
void unit_case(const char *file, const char *name, enum unit_verdict v,
	       const char *reason);

#endif
