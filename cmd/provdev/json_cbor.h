/* json_cbor: a config item as JSON (RFC 8949 6.1), for show. */
#ifndef PV_CMD_PROVDEV_JSON_CBOR_H
#define PV_CMD_PROVDEV_JSON_CBOR_H

#include <jansson.h>

#include "lib/base/cbor.h"

/*
 * A new reference; NULL for what JSON has not (byte strings, tags, numbers
 * outside int64) and when memory is short. item was checked by cbor_valid().
 */
json_t *json_from_cbor(struct cbor_bytes item);

#endif
