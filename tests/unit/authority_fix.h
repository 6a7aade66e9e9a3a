/*
 * authority_fix: an authority of a test's own, made once by the shipped plan
 * on a SoftHSM token, in a folder that the parent of all tests owns.
 */
#ifndef PV_TESTS_AUTHORITY_FIX_H
#define PV_TESTS_AUTHORITY_FIX_H

#include "lib/base/cleanup.h"
#include "lib/ceremony/init.h"

#define FIX_PLAN "plans/softhsm-demo.json"

/* Unchecked fixture: makes the authority "base". */
void fix_make_base(void);
/* Path below the tests' folder; one buffer, until the next call. */
const char *fix_path(const char *name);
/* Path of templates/<file>, or of the folder when file is NULL. */
const char *authority_fix_template(const char *file);
/* init with --softhsm in dir. */
enum pv_code fix_init(const char *dir, const char *plan, struct init_report *r,
		      struct err *err);

struct opened {
	struct authority *a;
	struct store *store;
	struct hsm *hsm; /* NULL unless asked for */
	struct secret pin;
};
#define OPENED CLEANUP(fix_close) struct opened

/* Opens "base"; fails the test when that does not work. */
void fix_open(struct opened *o, bool token);
void fix_close(struct opened *o);

#endif
