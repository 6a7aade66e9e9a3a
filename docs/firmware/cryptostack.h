/*
 * cryptostack: the receiver's table of cryptography, run on a stack of its own:
 * what is left of the main stack is what the receiver itself needs, and both
 * can be measured. A product may leave this out.
 */
#ifndef PV_DOCS_FIRMWARE_CRYPTOSTACK_H
#define PV_DOCS_FIRMWARE_CRYPTOSTACK_H

#include "lib/device/port.h"

/* Callbacks for the same context as inner's, of which there is one. */
extern const struct pvdev_crypto cryptostack_table;
void cryptostack_init(const struct pvdev_crypto *inner);
/* Bytes of its stack that were ever used. */
size_t cryptostack_used(void);

#endif
