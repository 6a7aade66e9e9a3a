/* fuzz_device: the target of the receiver, for tests that make its inputs. */
#ifndef PV_TESTS_FUZZ_DEVICE_H
#define PV_TESTS_FUZZ_DEVICE_H

#include "tests/fuzz/fuzz.h"

/* How many of three receivers (P-256 and KDF batch, mac0) took the container.
 * Aborts when one does what none may. */
unsigned fuzz_device(const uint8_t *data, size_t len);

#endif
