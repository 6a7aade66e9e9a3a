/*
 * receipt: the device's signed answer to a bundle (formats.md 4).
 * Freestanding C99.
 */
#ifndef PV_DEVICE_RECEIPT_H
#define PV_DEVICE_RECEIPT_H

#include "lib/device/device.h"

#define PVDEV_RECEIPT_MAX 320    /* bytes; enough for every receipt */

/*
 * Receipt of this session: installed after pvdev_finish(), refused with the
 * session's code once the descriptor was verified, PVDEV_STATE otherwise.
 */
enum pvdev_result pvdev_receipt(const struct pvdev *d,
				uint8_t out[PVDEV_RECEIPT_MAX], size_t *len);
/* The same from stored facts, after a power cut behind activation. */
enum pvdev_result pvdev_receipt_of(const struct pvdev_config *cfg,
				   const struct pvdev_facts *facts,
				   enum pvdev_result result,
				   uint8_t out[PVDEV_RECEIPT_MAX], size_t *len);

#endif
