/*
 * pattern: POSIX extended regular expressions of a template, compiled in the C
 * locale with a bound on what compiling and matching may cost; and station
 * globs. Private to policy/; template_match() is the public way in.
 */
#ifndef PV_POLICY_PATTERN_H
#define PV_POLICY_PATTERN_H

#include "lib/base/err.h"
#include "policy/parts.h"

#define PATTERN_LEN_MAX 256   /* bytes */
#define PATTERN_COST_MAX 4096 /* atoms after intervals are unrolled */
#define PATTERN_NEST_MAX 8    /* groups in groups */

/*
 * Compiles text, which is borrowed. False with *why set (static, or in
 * scratch) on bad syntax, a back-reference, or a pattern past the bounds.
 */
PV_MUST bool pattern_compile(struct tpl_pattern *p, const char *text,
			     char scratch[static 128], const char **why);
void pattern_release(struct tpl_pattern *p);

/* Bytewise whole match; '*' any bytes, '?' one byte. */
PV_MUST bool glob_match(const char *glob, const char *s);

#endif
