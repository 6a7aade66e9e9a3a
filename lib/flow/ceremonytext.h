/*
 * ceremonytext: a plan as the script for the people in the room: what happens
 * in each step in plain words, with places to tick and to sign. As text, or as
 * one HTML page that needs nothing else, for printing.
 */
#ifndef PV_FLOW_CEREMONYTEXT_H
#define PV_FLOW_CEREMONYTEXT_H

#include "policy/plan.h"

#define CEREMONYTEXT_MAX (512u * 1024u) /* bytes */
#define CEREMONYTEXT_GROUPS 80 /* a SHA-256 in groups of four, and its NUL */

/* "1f2e 3d4c ...": 64 hex digits as they are read aloud; of a text of another
 * length the text itself, cut. */
void ceremonytext_groups(const char *hex, char out[CEREMONYTEXT_GROUPS]);
/* What this step does, in a sentence or a few. */
void ceremonytext_does(const struct plan_step *step, struct buf *out);
/* The same, and with what people compare the template's file. */
void ceremonytext_step(const struct plan_step *step, struct buf *out);
/* The whole script. buf_check() of out is the caller's. */
void ceremonytext(const struct plan *plan, bool html, struct buf *out);

#endif
