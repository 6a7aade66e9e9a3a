/*
 * ceremonytext: what happens in each step of a plan, in plain words, and hashes
 * as people read them aloud.
 */
#ifndef PV_POLICY_CEREMONYTEXT_H
#define PV_POLICY_CEREMONYTEXT_H

#include "policy/plan.h"

#define CEREMONYTEXT_GROUPS 80 /* a SHA-256 in groups of four, and its NUL */

/* Whether text is 64 hex digits: a SHA-256, and no other text of that length.
 */
PV_MUST bool ceremonytext_is_hash(const char *text);
/* "1f2e 3d4c ...": 64 hex digits as they are read aloud; of another text the
 * text itself, cut. */
void ceremonytext_groups(const char *hex, char out[CEREMONYTEXT_GROUPS]);
/* Where such groups of a SHA-256 begin in a text, or NULL. */
const char *ceremonytext_find(const char *text);
/* How much of text (len bytes) is its first line, of width bytes at the most: it
 * ends between words where it can. */
size_t ceremonytext_line(const char *text, size_t len, size_t width);
/* What this step does, in a sentence or a few. */
void ceremonytext_does(const struct plan_step *step, struct buf *out);
/* The same, and with what people compare the template's file. */
void ceremonytext_step(const struct plan_step *step, struct buf *out);

#endif
