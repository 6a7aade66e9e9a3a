/* officerkey_impl: keys that are files. Private to officerkey. */
#ifndef PV_FLOW_OFFICERKEY_IMPL_H
#define PV_FLOW_OFFICERKEY_IMPL_H

#include "lib/flow/officerkey.h"

PV_MUST enum pv_code officerkey_file_open(const struct officerkey_from *from,
					  struct officerkey *k,
					  struct err *err);
PV_MUST enum pv_code officerkey_file_check(const struct officerkey_from *from,
					   struct err *err);
PV_MUST enum pv_code officerkey_file_new(const struct officerkey_from *from,
					 struct officerkey *k, struct err *err);
PV_MUST enum pv_code officerkey_file_sign(const struct officerkey *k,
					  struct span text,
					  const uint8_t digest[32],
					  uint8_t raw[NOTE_RAW_LEN],
					  struct err *err);

#endif
