/*
 * casefiles: a parser held to files. Every tests/data/invalid/<kind>/<case>
 * has "input", which is refused, and "error": the rule, the message.
 */
#ifndef PV_TESTS_CASEFILES_H
#define PV_TESTS_CASEFILES_H

#include <jansson.h>

#include "tests/unit/unit.h"

/* Parses text and frees what came of it. */
typedef enum pv_code (*casefiles_parse)(struct span text, struct err *err);

/* Calls fn for each name in tests/data/<folder>; returns how many. */
size_t casefiles_each(const char *folder,
		      void (*fn)(const char *name, void *arg), void *arg);
/* All cases of a kind, at least min of them. */
void casefiles_refused(const char *kind, size_t min, casefiles_parse parse);
/* Whether the document as it stands now is accepted. */
bool casefiles_accepted(json_t *root, casefiles_parse parse);
/* No value in an object may be null, outside a "config". */
void casefiles_nulls(json_t *root, json_t *v, casefiles_parse parse);
/* casefiles_nulls(), and an accepted document takes no unknown key anywhere. */
void casefiles_strict(json_t *root, casefiles_parse parse);

#endif
