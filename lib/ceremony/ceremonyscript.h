/*
 * ceremonyscript: a plan as the script for the people in the room: what happens
 * in each step, with places to write what is compared, to tick and to sign. As
 * text of 80 columns, or as one HTML page that needs nothing else, for printing.
 */
#ifndef PV_CEREMONY_CEREMONYSCRIPT_H
#define PV_CEREMONY_CEREMONYSCRIPT_H

#include "lib/base/buf.h"
#include "policy/plan.h"

#define CEREMONYSCRIPT_MAX (512u * 1024u) /* bytes */

/* templates: the folder of those that the steps name, or -1: the script does
 * not say then what the certificates will. Codes of ceremonyblanks_expect();
 * buf_check()'s. */
PV_MUST enum pv_code ceremonyscript(const struct plan *plan, int templates,
				    bool html, struct buf *out,
				    struct err *err);

#endif
