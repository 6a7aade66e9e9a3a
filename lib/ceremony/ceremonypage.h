/*
 * ceremonypage: a transcript as people read it: each step with what happened
 * in it, hashes in groups of four. As text, or as one HTML page for printing,
 * with places to sign.
 *
 * Does not check: more than the chain of lines; ceremonycheck.h does the rest.
 */
#ifndef PV_CEREMONY_CEREMONYPAGE_H
#define PV_CEREMONY_CEREMONYPAGE_H

#include "lib/base/buf.h"

#define CEREMONYPAGE_MAX (16u * 1024u * 1024u) /* bytes */

/* Appends the page. Codes of transcript_read(); buf_check()'s. */
PV_MUST enum pv_code ceremonypage(struct span transcript, bool html,
				  struct buf *out, struct err *err);

#endif
