/*
 * kek: the file a chip programmer gets, a CBOR sequence of one record a device
 * (cli.md, "export kek"), read piece by piece into locked memory.
 */
#ifndef PV_CMD_PROVDEV_KEK_H
#define PV_CMD_PROVDEV_KEK_H

#include "lib/base/cbor.h"
#include "lib/base/secret.h"

#define KEK_KEY_LEN 32
#define KEK_RECORD_MAX 4096 /* bytes, held at a time */

/* {"kek": bstr, "auth": bstr, "device": tstr, "receipt": bstr} */
struct kek_record {
	struct cbor_bytes device, kek, auth, receipt;
};

/* One whole record; rec points into the bytes. */
PV_MUST bool kek_parse(struct kek_record *rec, const uint8_t *p, size_t len);
PV_MUST bool kek_is_for(const struct kek_record *rec, const char *id);
/*
 * The record of device id, from where fd stands, into a secret of its own.
 * PV_INPUT, rule "kek.format", for anything else before it; PV_NOT_FOUND, rule
 * "kek.device", when there is none.
 */
PV_MUST enum pv_code kek_find(int fd, const char *id, struct secret *found,
			      struct err *err);

#endif
