/* writer_kdf: which KDF master a known device has its keys from. */
#ifndef PV_FLOW_WRITER_KDF_H
#define PV_FLOW_WRITER_KDF_H

#include "lib/flow/writer_impl.h"

struct writer_kdf {
	bool known; /* else it has, or gets, its keys from the one in use */
	uint8_t id[HSM_ID_LEN];
};
/* d: the device; NULL: it is new. Codes of kdfof_device(). */
PV_MUST enum pv_code writer_kdf(struct writer *w, const struct store_device *d,
				struct writer_kdf *kdf, struct err *err);
/* As a span: the id, or empty for the one in use. */
void writer_put_kdf(struct wire *to, const struct writer_kdf *kdf);

#endif
