/*
 * pem: strict textual encoding (RFC 7468): one block, nothing but white space
 * around it.
 */
#ifndef PV_BASE_PEM_H
#define PV_BASE_PEM_H

#include "lib/base/buf.h"

/*
 * Decodes the one block labelled label ("PUBLIC KEY") in text and appends its
 * bytes to der. PV_INPUT, rule "pem.format", for another label, a second
 * block, text around it, a header line or a bad character.
 */
PV_MUST enum pv_code pem_decode(struct span text, const char *label,
				struct buf *der, struct err *err);

/* True when text's first line is the BEGIN line of label. */
PV_MUST bool pem_is(struct span text, const char *label);

/* Appends the block, 64 columns a line, LF. */
void pem_encode(struct buf *out, const char *label, struct span der);

#endif
